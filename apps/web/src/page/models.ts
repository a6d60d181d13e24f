// The line of a tab that says which model it uses, and where another one is dropped in.
import type { Engine, OnProgress } from "../client";
import type { ModelInfo, Slot } from "../protocol";
import { button, byId, chooseFile, count, duration, make, megabytes, say, short } from "./elements";
import { lineOf } from "./lines";
import { Types } from "./types";

export interface Loaded {
  slot: Slot;
  info: ModelInfo;
}

export interface Shipped {
  /** The file's name, for the user. */
  name: string;
  /** Address in the app's own folder. */
  url: string;
  bytes: number;
}

const TASKS: Record<string, string> = {
  classification: "classification",
  multi_label: "several labels at once",
  regression: "a number for a text",
  tagging: "tagging",
  question_answering: "question answering",
};
const WHAT: Record<Slot, string> = {
  ask: "answers questions",
  classify: "classifies texts",
  tag: "tags words",
};

export class ModelLine {
  info: ModelInfo | null = null;
  private name = "";
  private isOwn = false;
  private running = 0; // what is being loaded or opened
  private shippedLoad = new AbortController();
  private readonly facts = make("p", "model_facts");
  private readonly runs = make("p", "model_runs");
  private readonly bar = make("progress", "model_bar");
  private readonly error = make("p", "error");
  private readonly own = button("quiet", "Use your own .tflite…", () =>
    chooseFile(".tflite", (file) => this.onFile(file)),
  );
  private readonly back = button("quiet", "", () => void this.loadShipped());

  /**
   * @param slot the tab.
   * @param onFile opens a file of the user.
   * @param onReady called when the tab has another model, with its description.
   * @param onFailed called when one could not be opened; the one before, if any, is still there.
   */
  constructor(
    private readonly engine: Engine,
    readonly slot: Slot,
    private readonly shipped: Shipped | undefined,
    private readonly onFile: (file: File) => void,
    private readonly onReady: (info: ModelInfo) => void,
    private readonly onFailed = () => {},
  ) {
    this.error.setAttribute("role", "alert");
    this.facts.setAttribute("role", "status");
    this.bar.setAttribute("aria-label", "Loading the model");
    this.own.id = `own_${slot}`;
    this.back.id = `back_${slot}`;
    const tools = make("p", "model_tools", this.own, this.back);
    byId(`model_${slot}`).append(make("div", "", this.facts, this.runs, this.bar, this.error), tools);
    say(this.error, "");
    this.draw();
  }

  get isBusy(): boolean {
    return this.running > 0;
  }

  /** Loads the shipped model, unless one is there or on its way. */
  async begin(): Promise<void> {
    if (!this.info && !this.isBusy) await this.loadShipped();
  }

  private async loadShipped(): Promise<void> {
    const { shipped } = this;
    if (!shipped) return;
    this.shippedLoad = new AbortController();
    const { signal } = this.shippedLoad;
    const loaded = await this.during("Loading the model", shipped.name, (progress) => {
      const onProgress: OnProgress = (done, total) => progress(done, total || shipped.bytes);
      return this.engine.load(this.slot, { url: shipped.url }, { signal, onProgress });
    });
    if (loaded) this.take(loaded, shipped.name, false);
  }

  /** Opens a user's file; returns what it is, or null where that failed, which the line says. */
  async open(file: File): Promise<Loaded | null> {
    const loaded = await this.during(`Opening ${file.name}`, file.name, async (onProgress) =>
      this.engine.load("dropped", { file: await file.arrayBuffer() }, { onProgress }),
    );
    // It belongs to another tab: here all is as it was.
    if (loaded && loaded.slot !== this.slot) this.draw();
    return loaded;
  }

  /** Shows a model that was opened for this tab. */
  take(loaded: Loaded, name: string, isOwn: boolean): void {
    // The user's file is not replaced by a shipped model that was on its way.
    if (isOwn) this.shippedLoad.abort();
    this.info = loaded.info;
    this.name = name;
    this.isOwn = isOwn;
    this.draw();
    this.onReady(loaded.info);
  }

  private async during(
    what: string,
    name: string,
    task: (onProgress: OnProgress) => Promise<Loaded>,
  ): Promise<Loaded | null> {
    this.running++;
    say(this.error, "");
    say(this.facts, `${what}…`);
    this.bar.removeAttribute("value");
    this.drawTools();
    let loaded: Loaded | null = null;
    let line = "";
    try {
      loaded = await task((done, total) => {
        if (total > 0) this.bar.value = Math.min(1, done / total);
      });
    } catch (error) {
      line = lineOf(error, name);
    }
    this.running--;
    this.drawTools();
    if (loaded) return loaded;
    this.draw();
    say(this.error, line);
    if (line) this.onFailed();
    return null;
  }

  private drawTools(): void {
    const panel = byId(`panel_${this.slot}`);
    if (this.isBusy) panel.setAttribute("aria-busy", "true");
    else panel.removeAttribute("aria-busy");
    this.bar.hidden = !this.isBusy;
    this.own.disabled = this.back.disabled = this.isBusy;
    this.back.hidden = !this.shipped || (this.info ? !this.isOwn : this.isBusy);
    this.back.textContent = this.info ? "Back to the shipped model" : "Load the shipped model";
  }

  private draw(): void {
    const { info } = this;
    this.drawTools();
    if (info) this.facts.replaceChildren(...factsOf(info, this.name));
    else say(this.facts, this.shipped ? "No model is loaded." : missing(this.slot));
    say(this.runs, info ? runsOn(info) : "");
  }
}

function missing(slot: Slot): string {
  return `This copy of the page has no model that ${WHAT[slot]}. Drop in your own .tflite file.`;
}

/** Returns the line about a model; what its file names is kept apart, for it may run leftwards. */
function factsOf(info: ModelInfo, name: string): (string | Node)[] {
  const labels = info.task === "tagging" ? new Types(info).all : info.labels;
  const shown = labels.slice(0, 6).map((label) => make("bdi", "", short(label)));
  const more = labels.length > 6 ? ` and ${labels.length - 6} more` : "";
  const facts = [
    ...(info.pair && info.task !== "question_answering" ? ["pairs of texts"] : []),
    ...(info.nullAnswers ? ["may find no answer"] : []),
    `${info.length} tokens at once`,
    `vocabulary of ${count(info.vocabularySize)}`,
    megabytes(info.bytes),
  ];
  return [
    make("bdi", "", name),
    ` · ${unbroken(TASKS[info.task] ?? info.task)} · `,
    ...shown.flatMap((label, i) => (i ? [", ", label] : [label])),
    ...(shown.length ? [`${more} · `] : []),
    facts.map(unbroken).join(" · "),
  ];
}

/** Makes a fact that a line does not break inside of. */
function unbroken(fact: string): string {
  return fact.replaceAll(" ", "\u00a0");
}

function runsOn(info: ModelInfo): string {
  const name = info.accelerator === "webgpu" ? "WebGPU" : "WebAssembly";
  const note = info.acceleratorNote ? `: ${info.acceleratorNote}` : "";
  return `Ready in ${duration(info.loadMs)}. Runs on ${name}${note}`;
}
