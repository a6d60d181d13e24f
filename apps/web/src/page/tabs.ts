// The three tabs, by the pattern of WAI-ARIA: arrow keys, Home and End move between them.
import type { Slot } from "../protocol";
import { byId } from "./elements";

const SLOTS: Slot[] = ["ask", "classify", "tag"];

export class Tabs {
  current: Slot = "ask";

  /**
   * @param onShown called with the tab that is shown, at the start too.
   */
  constructor(private readonly onShown: (slot: Slot) => void) {
    for (const slot of SLOTS) {
      const tab = byId(`tab_${slot}`);
      tab.addEventListener("click", () => this.show(slot));
      tab.addEventListener("keydown", (event) => this.move(event, slot));
    }
    window.addEventListener("hashchange", () => this.show(slotOfAddress() ?? this.current));
    this.show(slotOfAddress() ?? "ask");
  }

  show(slot: Slot): void {
    this.current = slot;
    for (const each of SLOTS) {
      const tab = byId(`tab_${each}`);
      const isShown = each === slot;
      tab.setAttribute("aria-selected", String(isShown));
      tab.tabIndex = isShown ? 0 : -1;
      byId(`panel_${each}`).hidden = !isShown;
    }
    // The address names the tab, so that a reload comes back to it; no entry in the history.
    if (slotOfAddress() !== slot) history.replaceState(null, "", `#${slot}`);
    this.onShown(slot);
  }

  private move(event: KeyboardEvent, from: Slot): void {
    const place = SLOTS.indexOf(from);
    const last = SLOTS.length - 1;
    const places: Record<string, number> = {
      ArrowRight: place === last ? 0 : place + 1,
      ArrowLeft: place === 0 ? last : place - 1,
      Home: 0,
      End: last,
    };
    const to = places[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.show(SLOTS[to]);
    byId(`tab_${SLOTS[to]}`).focus();
  }
}

function slotOfAddress(): Slot | null {
  const name = location.hash.slice(1) as Slot;
  return SLOTS.includes(name) ? name : null;
}
