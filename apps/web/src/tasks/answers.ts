// From the logits of a question's windows to its answer, the best spans of the passage.
// The twin of keras_bert/tasks/question_answering/spans.py.
// Source: google-research/bert run_squad.py, write_predictions.
import { isInsideWord } from "../text/word_bounds";
import { MARK } from "../text/unicode";
import type { Window } from "./passages";
import { softmax } from "./rows";
import { highest, restricted, spanScores } from "./span_scores";
import { normalized, withMarks } from "./squad";

export interface AnswerSettings {
  maxAnswerLength: number;
  nBest: number;
  nullAnswers: boolean;
  nullThreshold: number;
  wholeWords: boolean;
}

/** A span of the passage with the scores of all that are the same answer, the highest first. */
interface Found {
  start: number;
  end: number;
  scores: number[];
}

export interface SpanAnswer {
  text: string;
  start: number;
  end: number;
  probability: number;
}

export interface Answer {
  best: SpanAnswer;
  nBest: SpanAnswer[];
  nullOdds: number | null;
}

const NOTHING: SpanAnswer = { text: "", start: 0, end: 0, probability: 0 };

/** Returns the answer to one question; see `answer_of` in Python. */
export function answerOf(
  windows: Window[],
  startLogits: Float32Array[],
  endLogits: Float32Array[],
  passage: string,
  settings: AnswerSettings,
): Answer {
  let spans = bestSpans(windows, startLogits, endLogits, passage, settings);
  let nullOdds: number | null = null;
  if (settings.nullAnswers) {
    const sums = startLogits.map((starts, i) => starts[0] + endLogits[i][0]);
    const finite = sums.filter(Number.isFinite);
    const score = finite.length ? Math.min(...finite) : 0;
    nullOdds = spans.length ? score - spans[0].scores[0] : 0;
    spans = [...spans, { start: 0, end: 0, scores: [score] }];
    spans.sort((a, b) => b.scores[0] - a.scores[0]);
  }
  const probabilities = softmax(spans.flatMap((span) => span.scores));
  let next = 0;
  const nBest = spans.map(({ start, end, scores }) => ({
    text: passage.slice(start, end),
    start,
    end,
    probability: scores.reduce((sum) => sum + probabilities[next++], 0),
  }));
  const none = nBest.find((span) => !span.text) ?? NOTHING;
  const best = nBest.find((span) => span.text) ?? none;
  const isNone = nullOdds !== null && nullOdds > settings.nullThreshold;
  return { best: isNone ? none : best, nBest, nullOdds };
}

/** Finds the best different answers among all spans of all windows; see `best_spans` in Python. */
function bestSpans(
  windows: Window[],
  startLogits: Float32Array[],
  endLogits: Float32Array[],
  passage: string,
  settings: AnswerSettings,
): Found[] {
  const { nBest } = settings;
  const { starts } = windows[0].passage;
  const ends = windows[0].passage.ends.map((end) => withMarks(passage, end, MARK));
  let all = spanScores(windows, startLogits, endLogits, settings.maxAnswerLength);
  if (settings.wholeWords)
    all = restricted(
      all,
      starts.map((start) => !isInsideWord(passage, start)),
      ends.map((end) => !isInsideWord(passage, end)),
    );
  const possible = all.scores.reduce((count, score) => count + (score === -Infinity ? 0 : 1), 0);
  for (let tried = 4 * nBest; ; tried *= 4) {
    const answers = new Map<string, Found>();
    for (const i of highest(all.scores, Math.min(tried, possible))) {
      const first = all.firsts[Math.floor(i / all.longest)];
      const [start, end] = [starts[first], ends[first + (i % all.longest)]];
      const text = passage.slice(start, end);
      const key = normalized(text) || text;
      const same = answers.get(key);
      if (same) same.scores.push(all.scores[i]);
      else answers.set(key, { start, end, scores: [all.scores[i]] });
      if (answers.size > nBest) break;
    }
    if (answers.size > nBest || tried >= possible) return [...answers.values()].slice(0, nBest);
  }
}
