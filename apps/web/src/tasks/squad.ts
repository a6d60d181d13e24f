// When SQuAD's scores take two answers for the same.
// The twin of `normalize` in keras_bert/tasks/question_answering/metrics.py.
// Source: evaluate-v1.1.py, normalize_answer.
import { after, ALNUM, before, isAt, splitAtSpaces } from "../text/unicode";

const ASCII_PUNCTUATION = /[!-/:-@[-`{-~]/g;
const ARTICLES = /an|a|the/g;

/** Returns a text in lower case, without ASCII punctuation and articles. */
export function normalized(text: string): string {
  const bare = text.toLowerCase().replace(ASCII_PUNCTUATION, "");
  const words = bare.replace(ARTICLES, (article, place: number) => {
    const end = place + article.length;
    const isWord =
      (place === 0 || !isAt(bare, before(bare, place), ALNUM)) &&
      (end === bare.length || !isAt(bare, end, ALNUM));
    return isWord ? " " : article;
  });
  return splitAtSpaces(words).join(" ");
}

/** Returns the end of the combining marks that follow an index; they belong to the letter before. */
export function withMarks(text: string, end: number, kind: number): number {
  while (end < text.length && isAt(text, end, kind)) end = after(text, end);
  return end;
}
