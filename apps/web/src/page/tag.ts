// The tab that colours names, or other tags of words, in the text.
import type { Engine } from "../client";
import type { ModelInfo, Tagged } from "../protocol";
import { button, byId, count, duration, make, say, setDirection, short } from "./elements";
import { TAG_EXAMPLES } from "./examples";
import { Latest } from "./latest";
import { lineOf } from "./lines";
import { Spoken } from "./spoken";
import { type Slice, Types } from "./types";

const PATIENCE_MS = 500;

export class Tag {
  private info: ModelInfo | null = null;
  private types = new Types({ labels: [], areEntities: false });
  private patience = 0;
  private readonly field = byId<HTMLTextAreaElement>("text_tag");
  private readonly results = byId("tagged");
  private readonly spoken = new Spoken(byId("tag_spoken"));
  private readonly latest: Latest<string, Tagged>;

  constructor(engine: Engine) {
    this.latest = new Latest(
      (text, signal) => engine.tag(text, { signal }),
      (result, text) => this.draw(result, text),
      (error) => this.refuse(lineOf(error) || "Cancelled."),
    );
    this.field.addEventListener("input", () => this.run());
    byId("tag_cancel").addEventListener("click", () => {
      this.latest.stop();
      this.clear();
      this.refuse("Cancelled.");
      this.field.focus();
    });
    for (const text of TAG_EXAMPLES)
      byId("examples_tag").append(button("chip", text, () => this.set(text)));
  }

  /** Another model came: its types, and its answer for the text that is there. */
  renew(info: ModelInfo): void {
    this.info = info;
    this.types = new Types(info);
    say(byId("tag_heading"), this.types.areEntities ? "Names in the text" : "Tags of the words");
    this.latest.stop();
    this.clear();
    this.run();
  }

  set(text: string): void {
    this.field.value = text;
    this.run();
  }

  private run(): void {
    this.refuse("");
    const text = this.field.value;
    setDirection(this.field, text);
    if (!this.info) return;
    if (!text.trim()) {
      this.latest.stop();
      return this.clear();
    }
    this.results.setAttribute("aria-busy", "true");
    // Of a long text the reading is shown, and can be ended.
    clearTimeout(this.patience);
    this.patience = window.setTimeout(() => (byId("tag_running").hidden = false), PATIENCE_MS);
    this.latest.run(text);
  }

  private settle(): void {
    clearTimeout(this.patience);
    byId("tag_running").hidden = true;
    this.results.removeAttribute("aria-busy");
  }

  private clear(): void {
    this.settle();
    this.results.replaceChildren();
    byId("legend").replaceChildren();
    byId("legend").hidden = true;
    say(byId("tag_ms"), "");
    this.spoken.clear();
  }

  private refuse(line: string): void {
    say(byId("tag_error"), line);
    if (line) this.settle();
  }

  private draw(result: Tagged, text: string): void {
    const slices = this.types.slicesOf(result);
    const drawn: (string | Node)[] = [];
    let end = 0;
    for (const slice of slices) {
      drawn.push(text.slice(end, slice.start), this.marked(slice, text));
      end = slice.end;
    }
    setDirection(this.results, text);
    this.results.replaceChildren(...drawn, text.slice(end));
    this.drawLegend(slices);
    const found = this.types.areEntities
      ? `${slices.length || "No"} ${slices.length === 1 ? "name" : "names"} found`
      : `${count(slices.length)} words`;
    say(byId("tag_ms"), `${found} · ${duration(result.ms)}`);
    this.spoken.later(found);
    if (text === this.field.value) this.settle();
  }

  private marked(slice: Slice, text: string): HTMLElement {
    const type = make("span", "type", short(slice.type));
    const mark = make("mark", `tag ${this.types.classOf(slice.type)}`);
    if (!this.types.areEntities) mark.classList.add("word");
    mark.append(text.slice(slice.start, slice.end), type);
    mark.title = slice.title;
    return mark;
  }

  private drawLegend(slices: Slice[]): void {
    const counts = new Map<string, number>();
    for (const { type } of slices) counts.set(type, (counts.get(type) ?? 0) + 1);
    const rows = this.types.all
      .filter((type) => counts.has(type))
      .map((type) => {
        const sample = make("span", `tag ${this.types.classOf(type)}`, short(type));
        return make("li", "", sample, ` ${this.types.nameOf(type)} `, make("b", "", count(counts.get(type)!)));
      });
    byId("legend").replaceChildren(...rows);
    byId("legend").hidden = rows.length === 0;
  }
}
