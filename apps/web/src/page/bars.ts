// A bar for each label, which moves from one result to the next; a number for a regression.
import type { Classified, Label, ModelInfo } from "../protocol";
import { make, percent, say, short, signed } from "./elements";

// Few labels keep their places, so that the eye can rest; of many the most probable come first.
const FEW = 6;
const MOST = 12;

interface Row {
  row: HTMLElement;
  name: HTMLElement;
  value: HTMLElement;
  fill: HTMLElement;
}

export class Bars {
  private info: ModelInfo | null = null;
  private rows: Row[] = [];
  private readonly note = make("p", "under");

  constructor(private readonly place: HTMLElement) {}

  /** Draws the empty rows of a model's labels. */
  begin(info: ModelInfo): void {
    this.info = info;
    const isNumber = info.task === "regression";
    const shown = isNumber ? 1 : Math.min(info.labels.length, MOST);
    this.rows = Array.from({ length: shown }, () => newRow(isNumber));
    const list = make("ul", isNumber ? "number" : "bars", ...this.rows.map(({ row }) => row));
    this.place.replaceChildren(list, this.note);
    this.empty();
  }

  empty(): void {
    const labels = this.info?.task === "regression" ? [""] : (this.info?.labels ?? []);
    this.rows.forEach((row, i) => {
      say(row.name, short(labels[i] ?? ""));
      row.value.textContent = "–";
      row.fill.style.transform = "scaleX(0)";
      row.row.classList.remove("first");
    });
    say(this.note, "");
    delete this.place.dataset.characters;
  }

  draw(result: Classified): void {
    if (result.value !== null) {
      if (this.rows[0]) this.rows[0].value.textContent = signed(result.value, 3);
      return;
    }
    const shown = this.inPlaces(result.labels);
    const best = result.labels[0];
    this.rows.forEach((row, i) => {
      const { label, probability, holds } = shown[i];
      say(row.name, short(label));
      row.value.textContent = percent(probability);
      row.fill.style.transform = `scaleX(${probability})`;
      row.row.classList.toggle("first", holds ?? shown[i] === best);
    });
    say(this.note, this.noteOf(result.labels.length));
  }

  /** The result as one line to be spoken. */
  inWords(result: Classified): string {
    if (result.value !== null) return result.value.toFixed(2);
    const best = result.labels[0];
    if (this.info?.task === "multi_label") {
      const held = result.labels.filter(({ holds }) => holds).map(({ label }) => short(label));
      return held.join(", ") || "no label";
    }
    return best ? `${short(best.label)}, ${percent(best.probability)}` : "";
  }

  private inPlaces(labels: Label[]): Label[] {
    const order = this.info?.labels ?? [];
    if (labels.length > FEW) return labels.slice(0, MOST);
    return [...labels].sort((a, b) => order.indexOf(a.label) - order.indexOf(b.label));
  }

  private noteOf(all: number): string {
    const notes = [];
    if (all > MOST) notes.push(`The ${MOST} most probable of ${all} labels.`);
    if (this.info?.task === "multi_label")
      notes.push("Each label is judged by itself, so they do not add up to 100 %.");
    return notes.join(" ");
  }
}

function newRow(isNumber: boolean): Row {
  const name = make("span", "bar_name");
  const value = make("span", "bar_value");
  const fill = make("span", "bar_fill");
  const track = make("span", "bar_track", fill);
  track.setAttribute("aria-hidden", "true");
  const row = make("li", "", name, value, ...(isNumber ? [] : [track]));
  return { row, name, value, fill };
}
