// Puts the page together: tabs, the model of each, what is dropped, the worker that does the work.
import { Engine } from "./client";
import { Ask } from "./page/ask";
import { Classify } from "./page/classify";
import { take, takeDrops } from "./page/drop";
import { byId, chooseFile, say } from "./page/elements";
import { whatIsMissing } from "./page/fitness";
import { ModelLine, type Shipped } from "./page/models";
import { keepOffline } from "./page/offline";
import { Tabs } from "./page/tabs";
import { Tag } from "./page/tag";
import type { ModelInfo, Slot } from "./protocol";
import { Line } from "./scheduler";

async function begin(): Promise<void> {
  const missing = whatIsMissing();
  if (missing) return say(byId("starting"), missing);
  const shipped = await shippedModels();
  const engine = new Engine(new Worker(new URL("./worker.ts", import.meta.url)));

  const ask = new Ask(engine, () =>
    lines.ask.isBusy ? "loading" : lines.ask.info ? "ready" : "none",
  );
  const classify = new Classify(engine);
  const tag = new Tag(engine);
  const newLine = (slot: Slot, onReady: (info: ModelInfo) => void, onFailed?: () => void) =>
    new ModelLine(engine, slot, shipped[slot], (file) => void open(file, slot), onReady, onFailed);
  const lines: Record<Slot, ModelLine> = {
    ask: newLine("ask", () => ask.renew(), () => ask.settle()),
    classify: newLine("classify", (info) => classify.renew(info)),
    tag: newLine("tag", (info) => tag.renew(info)),
  };

  // One file after the other, so that the last one that was dropped is the one that stays.
  const opening = new Line();
  const open = (file: File, from: Slot) => opening.run(() => openNow(file, from));
  async function openNow(file: File, from: Slot): Promise<void> {
    const loaded = await lines[from].open(file);
    if (!loaded) return;
    lines[loaded.slot].take(loaded, file.name, true);
    tabs.show(loaded.slot);
  }

  say(byId("starting"), "");
  byId("app").hidden = false;
  let kept = false;
  const tabs = new Tabs(async (slot) => {
    say(byId("drop_error"), "");
    await lines[slot].begin();
    // What the page needs at once comes first; then all of it is kept.
    if (!kept) void keepOffline();
    kept = true;
  });
  const takers = {
    model: (file: File) => open(file, tabs.current),
    text: (text: string) =>
      ({ ask: ask.passage, classify, tag })[tabs.current].set(text),
  };
  takeDrops(takers);
  byId("passage_open").addEventListener("click", () =>
    chooseFile(".txt,text/plain", (file) => void take([file], takers)),
  );
}

/** The models that this copy of the page has, by tab. */
async function shippedModels(): Promise<Partial<Record<Slot, Shipped>>> {
  const reply = await fetch("./models.json");
  if (!reply.ok) throw new Error(`models.json: ${reply.status}`);
  return reply.json();
}

begin().catch((error) => {
  byId("starting").setAttribute("role", "alert");
  say(byId("starting"), `The page could not start: ${error instanceof Error ? error.message : error}`);
});
