// Long passages as overlapping windows of tokens: [CLS] question [SEP] part of the passage [SEP].
// The twin of keras_bert/tasks/question_answering/windows.py.
// Source: google-research/bert run_squad.py, convert_examples_to_features and
// _check_is_max_context.
import { InputError } from "../errors";
import type { Pieces, Tokenizer } from "../text/tokenizer";
import { type Row, rowOf } from "./rows";

/** A part of a passage that one row holds. */
export interface Part {
  /** The first token of the passage in the window, and how many there are. */
  first: number;
  count: number;
  /** Tokens of the passage that have most context in this window, the end not included. */
  owned: [first: number, end: number];
}

export interface Window extends Part {
  /** The position in the row of the first token of the passage. */
  position: number;
  passage: Pieces;
  /** The tokens of the row. */
  size: number;
  row: () => Row;
}

export interface WindowSettings {
  docStride: number;
  maxQuestionLength: number;
}

/** Throws if windows with the longest question cannot cover a passage. */
export function checkRoom(maxLength: number, settings: WindowSettings) {
  const { docStride, maxQuestionLength } = settings;
  const room = maxLength - maxQuestionLength - 3;
  if (room < 1)
    throw new InputError(
      `length ${maxLength} leaves no room for a passage beside a question of ` +
        `${maxQuestionLength} tokens and 3 special ones`,
    );
  if (docStride > room)
    throw new InputError(
      `doc_stride ${docStride} would skip tokens: of length ${maxLength}, a question of ` +
        `${maxQuestionLength} tokens leaves ${room} for the passage`,
    );
}

/** Returns the windows of a question about a passage; a question that is too long is cut. */
export function windowsOf(
  tokenizer: Tokenizer,
  question: string,
  passage: Pieces,
  maxLength: number,
  settings: WindowSettings,
): Window[] {
  checkRoom(maxLength, settings);
  const asked = tokenizer.cut(question).ids.slice(0, settings.maxQuestionLength);
  const room = maxLength - asked.length - 3;
  return layout(passage.ids.length, room, settings.docStride).map((part) => ({
    ...part,
    passage,
    position: asked.length + 2,
    size: asked.length + part.count + 3,
    // Made when it is run: a long passage has hundreds.
    row: () =>
      rowOf(tokenizer, asked, passage.ids.slice(part.first, part.first + part.count)),
  }));
}

/** Returns the part of a passage in each window; each token is owned by exactly one. */
export function layout(tokens: number, room: number, docStride: number): Part[] {
  const firsts = [0];
  while (firsts[firsts.length - 1] + room < tokens)
    firsts.push(firsts[firsts.length - 1] + docStride);
  const counts = firsts.map((first) => Math.min(room, tokens - first));
  let start = 0;
  return firsts.map((first, i) => {
    const isLast = i === firsts.length - 1;
    const end = isLast ? tokens : first + handover(counts[i], counts[i + 1], docStride);
    const owned: [number, number] = [start, end];
    start = end;
    return { first, count: counts[i], owned };
  });
}

/**
 * Returns the first token of a window that has more context in the next window.
 *
 * The context of a token is the smaller number of neighbours to its left and right, plus a
 * hundredth of the window's length.
 */
function handover(count: number, nextCount: number, docStride: number): number {
  for (let token = docStride; token < count; token++) {
    const here = Math.min(token, count - 1 - token) + 0.01 * count;
    const place = token - docStride;
    if (Math.min(place, nextCount - 1 - place) + 0.01 * nextCount > here) return token;
  }
  return count;
}
