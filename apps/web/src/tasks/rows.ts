// One row of a model's input, and small mathematics that all tasks share.
import type { Tokenizer } from "../text/tokenizer";

/** The tokens of a row, without padding. */
export interface Row {
  tokenIds: number[];
  segmentIds: number[];
}

/** Returns [CLS] a [SEP], or [CLS] a [SEP] b [SEP]; segment 1 begins after the first [SEP]. */
export function rowOf(tokenizer: Tokenizer, a: number[], b: number[] | null): Row {
  const tokenIds = [tokenizer.clsId, ...a, tokenizer.sepId];
  const first = tokenIds.length;
  if (b) tokenIds.push(...b, tokenizer.sepId);
  return { tokenIds, segmentIds: tokenIds.map((_, i) => (i < first ? 0 : 1)) };
}

/** Returns the softmax, computed in float64 and rounded to float32 as Python's. */
export function softmax(values: ArrayLike<number>): number[] {
  let most = -Infinity;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]);
  const exponents = Array.from(values, (value) => Math.exp(value - most));
  const sum = exponents.reduce((total, each) => total + each, 0);
  return exponents.map((each) => Math.fround(each / sum));
}

/** Returns the logistic function, computed in float64 and rounded to float32 as Python's. */
export function sigmoid(value: number): number {
  const small = Math.exp(-Math.abs(value));
  return Math.fround(value >= 0 ? 1 / (1 + small) : small / (1 + small));
}

/** Returns the index of the first of the largest values. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** Returns the first index of a sorted list whose value is not below (`right`: is above) a value. */
export function searchSorted(sorted: ArrayLike<number>, value: number, right = false): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (right ? sorted[middle] <= value : sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
