// Texts as rows: cut to the model's length, or read whole in overlapping windows whose outputs are
// pooled. The twin of keras_bert/tasks/sequence/windows.py.
import { InputError } from "../errors";
import { type Tokenizer, truncatedLengths } from "../text/tokenizer";
import { type Row, rowOf, sigmoid, softmax } from "./rows";

/** What makes the outputs of logits; null for plain numbers. */
export type Link = "softmax" | "sigmoid" | null;
type Slice = [start: number, end: number];

// Neighbouring windows share one token in this many, or more.
const SHARED = 4;
// By which probabilities are clipped before a logarithm, as Keras's losses do.
const LEAST = 1e-7;

/**
 * Returns the rows of a text or a pair: one, or with `windows` as many as it needs.
 *
 * Without windows the end of the longer text of a pair is cut off first. With them the longer one
 * is read in windows, and the other stands in each of them; at most half of a row.
 */
export function rowsOfText(
  tokenizer: Tokenizer,
  text: string,
  textB: string | null,
  length: number,
  windows: boolean,
): Row[] {
  const a = tokenizer.cut(text).ids;
  const b = textB === null ? null : tokenizer.cut(textB).ids;
  const parts = windows
    ? spans(a.length, b && b.length, length)
    : [beginning(a.length, b && b.length, length)];
  return parts.map(([first, second]) =>
    rowOf(tokenizer, a.slice(...first), b && b.slice(...second)),
  );
}

/** Returns the parts of a text, or of a pair, that stand in each of its windows. */
export function spans(sizeA: number, sizeB: number | null, length: number): [Slice, Slice][] {
  let room = length - (sizeB === null ? 2 : 3);
  if (room < 1)
    throw new InputError(`length ${length} leaves no room for windows of texts: give more tokens`);
  const sizes = [sizeA, sizeB ?? 0];
  if (sizes[0] + sizes[1] <= room)
    return [
      [
        [0, sizes[0]],
        [0, sizes[1]],
      ],
    ];
  const long = sizes[0] > sizes[1] ? 0 : 1;
  const kept: Slice = [0, Math.min(sizes[1 - long], Math.floor(room / 2))];
  room -= kept[1];
  return starts(sizes[long], room).map((start) => {
    const part: Slice = [start, start + room];
    return long === 0 ? [part, kept] : [kept, part];
  });
}

/** Returns the first token of each window; `tokens` is at least `room`. */
function starts(tokens: number, room: number): number[] {
  const rest = tokens - room;
  const steps = Math.ceil(rest / (room - Math.floor(room / SHARED)));
  return Array.from({ length: steps + 1 }, (_, i) => Math.floor((i * rest) / Math.max(steps, 1)));
}

function beginning(sizeA: number, sizeB: number | null, length: number): [Slice, Slice] {
  const [keptA, keptB] = truncatedLengths(sizeA, sizeB, length);
  return [
    [0, keptA],
    [0, keptB],
  ];
}

/**
 * Returns the outputs of a text, from those of its windows; see `windows.pooled` in Python.
 *
 * It is the mean of the windows' logits that is turned into probabilities: of windows that know
 * nothing and one that is sure, the sure one decides.
 */
export function pooled(windows: ArrayLike<number>[], link: Link): number[] {
  if (windows.length === 1) return Array.from(windows[0]);
  const mean = Array.from(windows[0], () => 0);
  for (const window of windows)
    for (let i = 0; i < mean.length; i++) mean[i] += logitOf(window[i], link) / windows.length;
  if (link === null) return mean.map(Math.fround);
  return link === "softmax" ? softmax(mean) : mean.map(sigmoid);
}

function logitOf(output: number, link: Link): number {
  if (link === null) return output;
  const clipped = Math.min(Math.max(output, LEAST), 1 - LEAST);
  return Math.log(clipped) - (link === "sigmoid" ? Math.log(1 - clipped) : 0);
}
