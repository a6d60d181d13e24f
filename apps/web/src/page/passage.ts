// The box of the passage: a text field to write in, and the same text to read with a marked slice.
import { byId, count, describe, isCalm, make, say, setDirection } from "./elements";

// More than a model reads in minutes, and than a text field scrolls through with ease.
const MOST_CHARACTERS = 2_000_000;

export class Passage {
  private readonly field = byId<HTMLTextAreaElement>("passage");
  private readonly reading = byId("passage_read");
  private readonly edit = byId("passage_edit");
  private readonly error = byId("passage_error");

  /**
   * @param onChange called when the text is another one.
   */
  constructor(private readonly onChange: () => void) {
    this.field.addEventListener("input", () => this.changed());
    this.edit.addEventListener("click", () => {
      this.write();
      this.field.focus();
    });
    this.reading.addEventListener("dblclick", () => this.edit.click());
    this.changed();
  }

  /** The text, with line ends as a text field has them. */
  get text(): string {
    return this.field.value;
  }

  set(text: string): void {
    if (text.length > MOST_CHARACTERS) {
      const most = count(MOST_CHARACTERS);
      return this.refuse(`The text has ${count(text.length)} characters; at most ${most} are read.`);
    }
    this.field.value = text;
    this.field.scrollTop = 0;
    this.changed();
  }

  /** Shows a line beside the passage. */
  refuse(line: string): void {
    say(this.error, line);
    describe(this.field, this.error, line !== "");
  }

  /** Shows the text to read, its slice from start to end marked and in sight. */
  mark(start: number, end: number): void {
    const { text } = this;
    const mark = make("mark", "", text.slice(start, end));
    setDirection(this.reading, text);
    this.reading.replaceChildren(text.slice(0, start), mark, text.slice(end));
    this.read();
    const top = mark.offsetTop - this.reading.clientHeight / 3;
    this.reading.scrollTo({ top, behavior: isCalm() ? "auto" : "smooth" });
  }

  /** Shows the text to write in, as at the beginning. */
  write(): void {
    if (this.field.hidden) {
      this.field.hidden = false;
      this.field.scrollTop = this.reading.scrollTop;
    }
    this.reading.hidden = this.edit.hidden = true;
    this.reading.replaceChildren();
  }

  private read(): void {
    this.field.hidden = true;
    this.reading.hidden = this.edit.hidden = false;
  }

  private changed(): void {
    this.write();
    this.refuse("");
    setDirection(this.field, this.text);
    const size = this.text.length;
    say(byId("passage_size"), size ? `${count(size)} characters` : "");
    this.onChange();
  }
}
