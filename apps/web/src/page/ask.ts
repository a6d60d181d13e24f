// The tab that answers a question about a passage.
import type { Engine } from "../client";
import type { Answered, Span } from "../protocol";
import { button, byId, count, describe, duration, isCalm, make, percent, say, signed } from "./elements";
import { ASK_EXAMPLES, type AskExample } from "./examples";
import { lineOf } from "./lines";
import { Passage } from "./passage";

// Progress of a passage that is read in one blink would only flicker.
const PATIENCE_MS = 250;
const MOST_CANDIDATES = 6;

export class Ask {
  readonly passage: Passage;
  private readonly question = byId<HTMLInputElement>("question");
  private readonly answer = byId("answer");
  private readonly error = byId("question_error");
  private readonly bar = byId<HTMLProgressElement>("ask_progress");
  private running: AbortController | null = null;
  private isWaiting = false; // a question for the model that is loading

  /**
   * @param modelState whether the tab has a model to ask, or one on its way.
   */
  constructor(
    private readonly engine: Engine,
    private readonly modelState: () => "ready" | "loading" | "none",
  ) {
    this.passage = new Passage(() => this.clear());
    byId("ask_form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.ask();
    });
    this.question.addEventListener("input", () => this.refuse(""));
    byId("ask_cancel").addEventListener("click", () => {
      this.running?.abort();
      this.question.focus();
    });
    for (const example of ASK_EXAMPLES)
      byId("examples_ask").append(button("chip", example.name, () => this.show(example)));
  }

  /** Another model came: what the old one answered is not its answer. */
  renew(): void {
    const { isWaiting } = this;
    this.clear();
    this.passage.write();
    if (isWaiting) void this.ask();
  }

  /** A model did not come: a question that waits for it is for the one before, if there is one. */
  settle(): void {
    if (this.isWaiting) void this.ask();
  }

  private show(example: AskExample): void {
    this.passage.set(example.passage);
    this.question.value = example.question;
    void this.ask();
  }

  private async ask(): Promise<void> {
    const question = this.question.value.trim();
    const passage = this.passage.text;
    if (this.modelState() === "none") return this.refuse("There is no model yet; see the line above.");
    if (!question) return this.refuse("Type a question first.");
    if (!passage.trim()) {
      this.passage.refuse("Paste a passage first, or choose an example.");
      return byId("passage").focus();
    }
    this.clear();
    this.passage.write();
    if (this.modelState() === "loading") {
      this.isWaiting = true;
      return say(this.answer, "The model is on its way, and answers when it is here.");
    }
    const running = new AbortController();
    this.running = running;
    const patience = setTimeout(() => this.showRunning(running), PATIENCE_MS);
    try {
      const result = await this.engine.answer(question, passage, {
        signal: running.signal,
        onProgress: (done, total) => this.progress(done, total),
      });
      if (this.running === running) this.draw(result);
    } catch (error) {
      if (this.running === running) this.refuse(lineOf(error) || "Cancelled.");
    } finally {
      clearTimeout(patience);
      if (this.running === running) {
        this.running = null;
        byId("ask_running").hidden = true;
      }
    }
  }

  private showRunning(running: AbortController): void {
    if (this.running !== running) return;
    if (!byId("ask_windows").textContent) say(byId("ask_windows"), "Reading…");
    byId("ask_running").hidden = false;
  }

  private progress(done: number, total: number): void {
    if (!total) return;
    this.bar.max = total;
    this.bar.value = done;
    say(byId("ask_windows"), `Read ${count(done)} of ${count(total)} parts`);
  }

  /** Forgets the answer, and what is being read for one. */
  private clear(): void {
    this.running?.abort();
    this.running = null;
    byId("ask_running").hidden = true;
    this.isWaiting = false;
    this.refuse("");
    this.answer.replaceChildren();
    byId("others").hidden = true;
    this.bar.removeAttribute("value");
    say(byId("ask_windows"), "");
  }

  private refuse(line: string): void {
    say(this.error, line);
    describe(this.question, this.error, line !== "");
  }

  private draw(result: Answered): void {
    const { best } = result;
    const parts = result.windows === 1 ? "1 part" : `${count(result.windows)} parts`;
    const facts = [duration(result.ms), `${parts} read`];
    if (best.text) {
      facts.unshift(`score ${percent(best.probability)}`);
      this.answer.append(make("p", "answer_text", best.text));
    } else {
      this.answer.append(make("p", "answer_text no_answer", "No answer in this passage"));
    }
    if (result.nullOdds !== null) facts.push(`no-answer score ${signed(result.nullOdds)}`);
    this.answer.append(make("p", "under", facts.join(" · ")));
    this.list(result.nBest.filter((span) => span.text !== "").slice(0, MOST_CANDIDATES), best);
    if (best.text) this.passage.mark(best.start, best.end);
    // On a phone the answer is below what is in sight.
    this.answer.scrollIntoView({ block: "nearest", behavior: isCalm() ? "auto" : "smooth" });
  }

  private list(spans: Span[], best: Span): void {
    const buttons = spans.map((span) => {
      const chosen = button("candidate", "", () => {
        for (const each of buttons) each.setAttribute("aria-pressed", String(each === chosen));
        this.passage.mark(span.start, span.end);
      });
      chosen.append(
        make("span", "candidate_text", span.text),
        make("span", "candidate_score", percent(span.probability)),
      );
      const isBest = span.start === best.start && span.end === best.end && best.text !== "";
      chosen.setAttribute("aria-pressed", String(isBest));
      return chosen;
    });
    byId("n_best").replaceChildren(...buttons.map((each) => make("li", "", each)));
    byId("others").hidden = spans.length === 0 || (spans.length === 1 && best.text !== "");
  }
}
