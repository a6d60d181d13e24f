// From the words of a sentence to rows of tokens, with the place of each word's first piece.
// The twin of keras_bert/tasks/tagging/word_rows.py.
import type { Tokenizer } from "../text/tokenizer";
import { after, isAt, UPPER } from "../text/unicode";
import type { Row } from "./rows";

/** A row, and the words that are read from it. */
export interface WordRow extends Row {
  /** The first word that is read, and the first piece of each in the row. */
  firstRead: number;
  positions: number[];
}

interface Split {
  start: number;
  end: number;
  readStart: number;
  readEnd: number;
}

/** Returns the rows of a sentence; every word is read from exactly one. */
export function rowsOfWords(
  words: string[],
  tokenizer: Tokenizer,
  maxLength: number,
  overlap: number,
  markCapitals: boolean,
): WordRow[] {
  const room = maxLength - 2;
  const ids = tokenizer.cutWords(words).map((each) => each.slice(0, room));
  const sizes = ids.map((each) => each.length);
  return splitWords(sizes, room, overlap).map(({ start, end, readStart, readEnd }) => {
    const row: WordRow = {
      tokenIds: [tokenizer.clsId], segmentIds: [0], firstRead: readStart, positions: [],
    };
    for (let word = start; word < end; word++) {
      if (readStart <= word && word < readEnd) row.positions.push(row.tokenIds.length);
      const segment = markCapitals && hasCapital(words[word]) ? 1 : 0;
      for (const id of ids[word]) {
        row.tokenIds.push(id);
        row.segmentIds.push(segment);
      }
    }
    row.tokenIds.push(tokenizer.sepId);
    row.segmentIds.push(0);
    return row;
  });
}

/** Splits the words of a sentence, by their numbers of pieces, among rows that share some words. */
export function splitWords(sizes: number[], room: number, overlap: number): Split[] {
  const count = sizes.length;
  if (sizes.reduce((sum, size) => sum + size, 0) <= room)
    return [{ start: 0, end: count, readStart: 0, readEnd: count }];
  const rows: [start: number, end: number][] = [];
  for (let start = 0; ; ) {
    let end = start;
    let filled = 0;
    while (end < count && filled + sizes[end] <= room) filled += sizes[end++];
    rows.push([start, end]);
    if (end === count) break;
    // The next row needs a new word; context beyond half of it would make too many rows.
    const allowed = Math.min(Math.floor(room / 2), room - sizes[end]);
    let shared = 0;
    start = end;
    while (start > end - overlap && start > 0 && shared + sizes[start - 1] <= allowed)
      shared += sizes[--start];
  }
  const read = new Map<number, number[]>();
  let first = 0; // of the rows that still hold the word: both ends of rows rise
  for (let word = 0; word < count; word++) {
    while (rows[first][1] <= word) first++;
    let last = first;
    while (last + 1 < rows.length && rows[last + 1][0] <= word) last++;
    const row = first + mostContext(word, rows.slice(first, last + 1), count);
    read.set(row, read.get(row) ?? []);
    read.get(row)!.push(word);
  }
  return [...read]
    .sort(([a], [b]) => a - b)
    .map(([row, words]) => ({
      start: rows[row][0],
      end: rows[row][1],
      readStart: words[0],
      readEnd: words[words.length - 1] + 1,
    }));
}

/** Returns the index of the row with most context for a word; at a tie the first. */
function mostContext(word: number, rows: [number, number][], count: number): number {
  const contexts = rows.map(([start, end]) =>
    // At the ends of the sentence no context is missing.
    Math.min(start ? word - start : Infinity, end < count ? end - 1 - word : Infinity),
  );
  return contexts.indexOf(Math.max(...contexts));
}

function hasCapital(word: string): boolean {
  for (let i = 0; i < word.length; i = after(word, i)) if (isAt(word, i, UPPER)) return true;
  return false;
}
