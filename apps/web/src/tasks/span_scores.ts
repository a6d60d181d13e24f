// The scores of all spans of a passage, and the highest of them in order.
// The twin of the array part of keras_bert/tasks/question_answering/spans.py.
import type { Window } from "./passages";

/** `scores[row * longest + more]` is that of the tokens `firsts[row]` to `firsts[row] + more`. */
export interface SpanScores {
  scores: Float64Array;
  firsts: Int32Array;
  longest: number;
}

/**
 * Scores the spans that begin with a token that its window owns, and end in the same window, by
 * the sum of their two logits; others, and those whose sum is not finite, have -Infinity.
 */
export function spanScores(
  windows: Window[],
  startLogits: Float32Array[],
  endLogits: Float32Array[],
  longest: number,
): SpanScores {
  const owned = windows.reduce((sum, { owned: [first, end] }) => sum + end - first, 0);
  const scores = new Float64Array(owned * longest).fill(-Infinity);
  const firsts = new Int32Array(owned);
  let row = 0;
  windows.forEach((window, w) => {
    const beyond = window.position + window.count;
    for (let token = window.owned[0]; token < window.owned[1]; token++, row++) {
      firsts[row] = token;
      const at = window.position + token - window.first;
      for (let more = 0; more < longest && at + more < beyond; more++) {
        const score = startLogits[w][at] + endLogits[w][at + more];
        if (Number.isFinite(score)) scores[row * longest + more] = score;
      }
    }
  });
  return { scores, firsts, longest };
}

/** Returns the scores without those of spans that `mayStart` or `mayEnd` exclude, if any is left. */
export function restricted(all: SpanScores, mayStart: boolean[], mayEnd: boolean[]): SpanScores {
  const scores = all.scores.slice();
  let isAnyLeft = false;
  for (let i = 0; i < scores.length; i++) {
    const first = all.firsts[Math.floor(i / all.longest)];
    // Beyond the passage every end is one; there is no score.
    const isWhole = mayStart[first] && (mayEnd[first + (i % all.longest)] ?? true);
    if (!isWhole) scores[i] = -Infinity;
    isAnyLeft ||= scores[i] !== -Infinity;
  }
  return isAnyLeft ? { ...all, scores } : all;
}

/** Returns the indices of the `count` highest scores and of their ties; equal ones in order. */
export function highest(scores: Float64Array, count: number): number[] {
  if (!count) return [];
  const least = nthHighest(scores, count);
  const found: number[] = [];
  for (let i = 0; i < scores.length; i++) if (scores[i] >= least) found.push(i);
  return found.sort((a, b) => scores[b] - scores[a] || a - b);
}

/** Returns the value that `count` scores reach, by a heap of the highest so far. */
function nthHighest(scores: Float64Array, count: number): number {
  if (8 * count > scores.length) return scores.slice().sort()[scores.length - count];
  const heap = new Float64Array(count).fill(-Infinity);
  for (const score of scores) {
    if (score <= heap[0]) continue;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child + 1 < count && heap[child + 1] < heap[child]) child++;
      if (child >= count || heap[child] >= score) break;
      heap[place] = heap[child];
      place = child;
    }
    heap[place] = score;
  }
  return heap[0];
}
