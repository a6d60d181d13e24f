// Splits running text into the words that a tagger labels. The twin of
// keras_bert/tasks/tagging/words.py, where the rules are explained.
import {
  after,
  ALPHA,
  before,
  CJK,
  CONTROL,
  isAt,
  MARK,
  PUNCTUATION,
  PYTHON_SPACE,
} from "../text/unicode";
import { withMarks } from "./squad";

export type Place = [start: number, end: number];

// Addresses, @names and #topics, abbreviations, numbers, a sign repeated.
const WHOLE = new RegExp(
  "(?:https?://|www\\.)[!-~]*[A-Za-z0-9/]" +
    "|[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)+" +
    "|[@#][A-Za-z_][A-Za-z0-9_]*" +
    "|(?:[A-Za-z]\\.){2,}" +
    "|\\p{Nd}+(?:[.,:/]\\p{Nd}+)+" +
    "|([.!?*=_-])\\1+",
  "uy",
);
// An ending that is separated from its word already.
const APART = /['’](?:s|m|d|re|ve|ll)/y;
// don't -> do n't, John's -> John 's: the convention of the Penn Treebank and its successors.
const ENDING = /(?:n['’]t|['’](?:s|m|d|re|ve|ll))$/i;
const LONGEST_ENDING = 3;
const CHUNK = new RegExp(`[^${PYTHON_SPACE}]+`, "g");

/** Returns the places of the words of a text, in order and without overlap. */
export function wordsOf(text: string): Place[] {
  const places: Place[] = [];
  for (const chunk of text.matchAll(CHUNK)) {
    const chunkEnd = chunk.index + chunk[0].length;
    let at = chunk.index;
    while (at < chunkEnd) {
      const end = wholeEnd(text, at, chunk.index, chunkEnd);
      if (end !== null || isAlone(text, at)) {
        const until = withMarks(text, end ?? after(text, at), MARK | CONTROL);
        // A control character such as U+0085 may be a space, too.
        places.push([at, Math.min(until, chunkEnd)]);
        at = places[places.length - 1][1];
      } else {
        const runEnd = endOfRun(text, at, chunkEnd);
        for (const place of parts(text, at, runEnd)) places.push(place);
        at = runEnd;
      }
    }
  }
  return places;
}

function wholeEnd(text: string, at: number, chunkStart: number, chunkEnd: number): number | null {
  WHOLE.lastIndex = at;
  if (WHOLE.test(text)) return WHOLE.lastIndex;
  APART.lastIndex = at;
  const isApart = at === chunkStart && APART.test(text) && APART.lastIndex === chunkEnd;
  return isApart ? chunkEnd : null;
}

/** Returns the places of a run of letters, digits and symbols: first the word, then its endings. */
function parts(text: string, start: number, end: number): Place[] {
  while (start < end && isAt(text, start, CONTROL)) start = after(text, start);
  while (start < end && isAt(text, before(text, end), CONTROL)) end = before(text, end);
  const places: Place[] = [];
  while (start < end) {
    const from = Math.max(after(text, start), end - LONGEST_ENDING);
    const ending = ENDING.exec(text.slice(from, end));
    const begin = ending ? from + ending.index : start;
    places.push([begin, end]);
    end = begin;
  }
  return places.reverse();
}

function endOfRun(text: string, start: number, limit: number): number {
  let at = after(text, start);
  for (; at < limit; at = after(text, at)) {
    const next = at + 1;
    const isInner =
      (text[at] === "'" || text[at] === "’") &&
      isAt(text, before(text, at), ALPHA) &&
      next < limit &&
      isAt(text, next, ALPHA);
    if (isAlone(text, at) && !isInner) break;
  }
  return at;
}

function isAlone(text: string, index: number): boolean {
  return isAt(text, index, PUNCTUATION | CJK);
}
