// Where a word begins and ends, in scripts that put spaces between words.
// The twin of keras_bert/tasks/question_answering/word_bounds.py.
import { before, MARK, classesOf } from "./unicode";
import { LETTERS_OF_WORDS } from "./word_letters";
import { searchSorted } from "../tasks/rows";

const DIGIT = /\p{Nd}/u;

/** Says whether a cut before the character at `index` would cut a word or a number. */
export function isInsideWord(text: string, index: number): boolean {
  return (
    index > 0 &&
    index < text.length &&
    belongsToWord(text.codePointAt(before(text, index))!) &&
    belongsToWord(text.codePointAt(index)!)
  );
}

/** Returns whether a code point is a letter, a digit or a mark of such a script. */
export function belongsToWord(code: number): boolean {
  if (classesOf(code) & MARK) return true;
  // Bounds alternate: a first letter, the one after the last.
  if (searchSorted(LETTERS_OF_WORDS, code, true) % 2 === 1) return true;
  return DIGIT.test(String.fromCodePoint(code));
}
