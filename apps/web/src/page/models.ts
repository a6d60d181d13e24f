// The line of a tab that says which model it uses, and where another one is dropped in.
import type { Engine, OnProgress } from "../client";
import type { ModelInfo, Slot } from "../protocol";
import { button, byId, chooseFile, count, duration, make, megabytes, say } from "./elements";
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
  isBusy = false;
  private isOwn = false;
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
    this.draw("");
  }

  private drawTools(): void {
    this.bar.hidden = !this.isBusy;
    this.own.disabled = this.back.disabled = this.isBusy;
    this.back.hidden = !this.shipped || (this.info ? !this.isOwn : this.isBusy);
    this.back.textContent = this.info ? "Back to the shipped model" : "Load the shipped model";
  }

  /** Loads the shipped model, unless one is there or on its way. */
  async begin(): Promise<void> {
    if (!this.info && !this.isBusy) await this.loadShipped();
  }

  private async loadShipped(): Promise<void> {
    const { shipped } = this;
    if (!shipped) return this.draw("");
    await this.during("Loading the model", shipped.name, async (onProgress) => {
      const loaded = await this.engine.load(this.slot, { url: shipped.url }, (done, total) =>
        onProgress(done, total || shipped.bytes),
      );
      this.take(loaded, shipped.name, false);
    });
  }

  /** Opens a user's file; returns what it is, or null where that failed, which the line says. */
  async open(file: File): Promise<Loaded | null> {
    let loaded: Loaded | null = null;
    await this.during(`Opening ${file.name}`, file.name, async (onProgress) => {
      loaded = await this.engine.load("dropped", { file: await file.arrayBuffer() }, onProgress);
    });
    return loaded;
  }

  /** Shows a model that was opened for this tab. */
  take(loaded: Loaded, name: string, isOwn: boolean): void {
    this.info = loaded.info;
    this.isOwn = isOwn;
    this.isBusy = false;
    this.draw(name);
    this.onReady(loaded.info);
  }

  private async during(
    what: string,
    name: string,
    task: (onProgress: OnProgress) => Promise<void>,
  ): Promise<void> {
    const before = this.facts.textContent ?? "";
    this.isBusy = true;
    say(this.error, "");
    say(this.facts, `${what}…`);
    this.bar.removeAttribute("value");
    this.drawTools();
    byId(`panel_${this.slot}`).setAttribute("aria-busy", "true");
    let line = "";
    try {
      await task((done, total) => {
        if (total > 0) this.bar.value = Math.min(1, done / total);
      });
    } catch (error) {
      line = lineOf(error, name);
    }
    // What was opened may belong to another tab, or be refused: then all is as it was.
    if (this.facts.textContent === `${what}…`) say(this.facts, before || "No model is loaded.");
    say(this.error, line);
    this.isBusy = false;
    this.drawTools();
    byId(`panel_${this.slot}`).removeAttribute("aria-busy");
    if (line) this.onFailed();
  }

  private draw(name: string): void {
    const { info } = this;
    this.drawTools();
    say(this.facts, info ? factsOf(info, name) : this.shipped ? "" : missing(this.slot));
    say(this.runs, info ? runsOn(info) : "");
  }
}

function missing(slot: Slot): string {
  return `This copy of the page has no model that ${WHAT[slot]}. Drop in your own .tflite file.`;
}

function factsOf(info: ModelInfo, name: string): string {
  const labels = info.task === "tagging" ? new Types(info).all : info.labels;
  const shown = labels.slice(0, 6).join(", ");
  const more = labels.length > 6 ? ` and ${labels.length - 6} more` : "";
  const facts = [
    name,
    TASKS[info.task] ?? info.task,
    ...(labels.length ? [`${shown}${more}`] : []),
    ...(info.pair && info.task !== "question_answering" ? ["pairs of texts"] : []),
    ...(info.nullAnswers ? ["may find no answer"] : []),
    `${info.length} tokens at once`,
    `vocabulary of ${count(info.vocabularySize)}`,
    megabytes(info.bytes),
  ];
  // A line breaks between facts rather than inside one, unless it is long.
  return facts.map((fact) => (fact.length < 30 ? fact.replaceAll(" ", "\u00a0") : fact)).join(" · ");
}

function runsOn(info: ModelInfo): string {
  const name = info.accelerator === "webgpu" ? "WebGPU" : "WebAssembly";
  const note = info.acceleratorNote ? `: ${info.acceleratorNote}` : "";
  return `Ready in ${duration(info.loadMs)}. Runs on ${name}${note}`;
}
