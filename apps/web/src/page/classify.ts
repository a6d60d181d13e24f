// The tab whose bars move as one types.
import type { Engine } from "../client";
import type { Classified, ModelInfo } from "../protocol";
import { button, byId, duration, say, setDirection } from "./elements";
import { Bars } from "./bars";
import { CLASSIFY_EXAMPLES, PAIR_EXAMPLES } from "./examples";
import { Latest } from "./latest";
import { lineOf } from "./lines";
import { Spoken } from "./spoken";

interface Input {
  text: string;
  textB: string | undefined;
}

export class Classify {
  private info: ModelInfo | null = null;
  private readonly field = byId<HTMLTextAreaElement>("text_a");
  private readonly second = byId<HTMLTextAreaElement>("text_b");
  private readonly results = byId("classified");
  private readonly bars = new Bars(this.results);
  private readonly spoken = new Spoken(byId("classify_spoken"));
  private readonly latest: Latest<Input, Classified>;

  constructor(engine: Engine) {
    this.latest = new Latest(
      ({ text, textB }, signal) => engine.classify(text, textB, { signal }),
      (result, input) => this.draw(result, input),
      (error) => this.refuse(lineOf(error)),
    );
    this.field.addEventListener("input", () => this.run());
    this.second.addEventListener("input", () => this.run());
  }

  /** Another model came: its labels, and its answer for the text that is there. */
  renew(info: ModelInfo): void {
    this.info = info;
    byId("pair").hidden = !info.pair;
    say(byId("text_a_label"), info.pair ? "First text" : "Text");
    say(byId("classify_heading"), info.task === "regression" ? "Value" : "Labels");
    const examples: [string, string][] = info.pair
      ? PAIR_EXAMPLES
      : CLASSIFY_EXAMPLES.map((text) => [text, ""]);
    byId("examples_classify").replaceChildren(
      ...examples.map(([text, textB]) =>
        button("chip", text, () => {
          this.second.value = textB;
          this.set(text);
        }),
      ),
    );
    this.latest.stop();
    this.bars.begin(info);
    this.run();
  }

  set(text: string): void {
    this.field.value = text;
    this.run();
  }

  private run(): void {
    this.refuse("");
    for (const field of [this.field, this.second]) setDirection(field, field.value);
    const text = this.field.value;
    const textB = this.info?.pair ? this.second.value : undefined;
    if (!this.info) return;
    if (!text.trim() || (textB !== undefined && !textB.trim())) {
      this.latest.stop();
      this.bars.empty();
      this.spoken.clear();
      say(byId("classify_ms"), "");
      return;
    }
    this.results.setAttribute("aria-busy", "true");
    this.latest.run({ text, textB });
  }

  private draw(result: Classified, input: Input): void {
    this.bars.draw(result);
    say(byId("classify_ms"), duration(result.ms));
    this.spoken.later(this.bars.inWords(result));
    // Which text the bars are of: what measures the time from a key to its bars reads it.
    this.results.dataset.characters = String(input.text.length);
    if (input.text === this.field.value) this.results.removeAttribute("aria-busy");
  }

  private refuse(line: string): void {
    say(byId("classify_error"), line);
    this.results.removeAttribute("aria-busy");
    if (!line) return;
    this.bars.empty();
    this.spoken.clear();
    say(byId("classify_ms"), "");
  }
}
