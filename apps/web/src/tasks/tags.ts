// From the probabilities of tags to the most probable valid ones, and to entities.
// The twin of keras_bert/tasks/tagging/decoding.py and schemes.py.
import { argmax } from "./rows";

export const SCHEMES = ["none", "io", "iob1", "bio", "bioes", "bmes", "bilou"];
const SCHEMES_WITH_RULES = ["bio", "bioes", "bmes", "bilou"];
// Far below any sequence's logarithm, yet finite: for labels that allow no valid sequence, the one
// that breaks the fewest rules is still found.
const FORBIDDEN = -1e6;
const TINY = 2.2250738585072014e-308;
const MARK = /^(?:O|[BIEMSLU](?:-.*)?)$/su;
// The letters of bmes and bilou, written as those of bioes.
const BIOES: Record<string, string> = { M: "I", L: "E", U: "S" };

type Tag = [letter: string, type: string];

/** The words `first` to `end - 1`. */
export interface WordEntity {
  type: string;
  first: number;
  end: number;
}

/** Returns a tag's letter, one of O, B, I, E, S whatever the scheme, and its type or `_`. */
export function letterAndType(tag: string): Tag {
  const letter = tag.slice(0, 1);
  return [BIOES[letter] ?? letter, tag.slice(1).replace(/^-/, "") || "_"];
}

/** Returns whether tags mark entities: each is O or of a scheme, and there is one that is not O. */
export function marksEntities(labels: string[]): boolean {
  return labels.every((label) => MARK.test(label)) && labels.some((label) => label !== "O");
}

/** Returns the index of each word's most probable tag, so that all together are valid. */
export function bestTags(probabilities: ArrayLike<number>[], labels: string[], scheme: string): number[] {
  const best = probabilities.map(argmax);
  if (!SCHEMES_WITH_RULES.includes(scheme) || !best.length) return best;
  const tags = labels.map(letterAndType);
  const outside: Tag = ["O", "_"];
  const cost = (from: Tag, to: Tag) => (mayFollow(from, to, scheme) ? 0 : FORBIDDEN);
  const start = tags.map((tag) => cost(outside, tag));
  const between = tags.map((from) => tags.map((to) => cost(from, to)));
  const end = tags.map((tag) => cost(tag, outside));
  let broken = start[best[0]] + end[best[best.length - 1]];
  for (let i = 1; i < best.length; i++) broken += between[best[i - 1]][best[i]];
  if (broken === 0) return best;
  const scores = probabilities.map((row) => Array.from(row, (p) => Math.log(Math.max(p, TINY))));
  // Viterbi 1967.
  let total = start.map((each, tag) => each + scores[0][tag]);
  const sources: number[][] = [];
  for (const score of scores.slice(1)) {
    const columns = tags.map((_, to) => total.map((value, from) => value + between[from][to]));
    const source = columns.map(argmax);
    sources.push(source);
    total = columns.map((column, to) => column[source[to]] + score[to]);
  }
  const backwards = [argmax(total.map((value, tag) => value + end[tag]))];
  for (const source of sources.reverse()) backwards.push(source[backwards[backwards.length - 1]]);
  return backwards.reverse();
}

function mayFollow(from: Tag, to: Tag, scheme: string): boolean {
  const continues = to[0] === "I" || to[0] === "E";
  if (scheme === "bio") return !continues || (from[0] !== "O" && from[1] === to[1]);
  const isOpen = from[0] === "B" || from[0] === "I";
  return continues === isOpen && (!continues || from[1] === to[1]);
}

/**
 * Returns the entities of a sentence's tags; invalid sequences are repaired.
 *
 * Source: seqeval 1.2.2, metrics/sequence_labeling.py, get_entities; conlleval.pl.
 */
export function entitiesOf(tags: string[], scheme: string): WordEntity[] {
  const found: WordEntity[] = [];
  if (scheme === "none") return found;
  let first: number | null = null;
  let typeBefore = "";
  let hasEnded = true;
  [...tags, "O"].forEach((tag, index) => {
    const [letter, type] = letterAndType(tag);
    const isOutside = letter === "O";
    const begins = letter === "B" || letter === "S";
    if (first !== null && (isOutside || hasEnded || begins || type !== typeBefore)) {
      found.push({ type: typeBefore, first, end: index });
      first = null;
    }
    if (first === null && !isOutside) first = index;
    typeBefore = type;
    hasEnded = letter === "E" || letter === "S";
  });
  return found;
}
