// Basic tokenization exactly as the original BERT does it: text to words, before word pieces.
// The twin of keras_bert/text/cleaning.py.
// Source: google-research/bert tokenization.py, BasicTokenizer.
import { ACCENT, after, CJK, classesOf, CONTROL, PUNCTUATION, SPACE } from "./unicode";

export interface Switches {
  lowerCase: boolean;
  stripAccents: boolean;
  tokenizeChineseChars: boolean;
}

/**
 * A normalized text, or word. `starts` and `ends` have an entry for each of its code units: the
 * bounds, in the original text, of the character that it comes from.
 */
export interface Normalized {
  text: string;
  starts: number[];
  ends: number[];
}

const ASCII = /^[\x00-\x7f]*$/;

/** Splits a text into the normalized words that word pieces are then cut from. */
export function splitWords(text: string, switches: Switches): Normalized[] {
  const words: Normalized[] = [];
  for (const chunk of chunksOf(text, switches.tokenizeChineseChars)) {
    const whole = normalizeChunk(chunk, switches);
    let start = 0;
    for (let i = 0; i < whole.text.length; ) {
      const end = after(whole.text, i);
      if (classesOf(whole.text.codePointAt(i)!) & PUNCTUATION) {
        if (start < i) words.push(part(whole, start, i));
        words.push(part(whole, i, end));
        start = end;
      }
      i = end;
    }
    if (start < whole.text.length) words.push(part(whole, start, whole.text.length));
  }
  return words;
}

/** Normalizes a text without splitting it; each whitespace character becomes a space. */
export function normalize(text: string, switches: Switches): Normalized {
  const chunk: Normalized = { text: "", starts: [], ends: [] };
  for (let i = 0; i < text.length; ) {
    const end = after(text, i);
    const kind = classesOf(text.codePointAt(i)!);
    if (!(kind & CONTROL)) add(chunk, kind & SPACE ? " " : text.slice(i, end), i, end);
    i = end;
  }
  return normalizeChunk(chunk, switches);
}

/** Yields stretches without control characters and whitespace; ideographs may stand alone. */
function* chunksOf(text: string, chineseChars: boolean): Generator<Normalized> {
  let chunk: Normalized = { text: "", starts: [], ends: [] };
  for (let i = 0; i < text.length; ) {
    const end = after(text, i);
    const kind = classesOf(text.codePointAt(i)!);
    const alone = chineseChars && (kind & CJK) !== 0;
    if (!(kind & CONTROL)) {
      if (chunk.text && (alone || kind & SPACE)) {
        yield chunk;
        chunk = { text: "", starts: [], ends: [] };
      }
      if (!(kind & SPACE)) add(chunk, text.slice(i, end), i, end);
      if (alone) {
        yield chunk;
        chunk = { text: "", starts: [], ends: [] };
      }
    }
    i = end;
  }
  if (chunk.text) yield chunk;
}

function normalizeChunk(chunk: Normalized, switches: Switches): Normalized {
  let found = chunk;
  // Lowered as a whole, for a final sigma looks at its neighbours; the places are those of the
  // characters lowered one by one, of which only U+0130 gets longer.
  if (switches.lowerCase)
    found = mapped(found, (char) => char.toLowerCase().length, found.text.toLowerCase());
  if (switches.stripAccents && !ASCII.test(found.text))
    found = mapped(found, (char) => bare(char).length, bare(found.text));
  return found;
}

/** Returns a text without its non-spacing marks, in the decomposed form (NFD). */
function bare(text: string): string {
  let kept = "";
  for (const char of text.normalize("NFD"))
    if (!(classesOf(char.codePointAt(0)!) & ACCENT)) kept += char;
  return kept;
}

/** Returns a text that another becomes, each of whose characters becomes `sizeOf` code units. */
function mapped(from: Normalized, sizeOf: (char: string) => number, text: string): Normalized {
  if (text.length === from.text.length && ASCII.test(from.text)) return { ...from, text };
  const starts: number[] = [];
  const ends: number[] = [];
  let i = 0;
  for (const char of from.text) {
    for (let size = sizeOf(char); size > 0; size--) {
      starts.push(from.starts[i]);
      ends.push(from.ends[i]);
    }
    i += char.length;
  }
  return { text, starts, ends };
}

function add(chunk: Normalized, char: string, start: number, end: number) {
  chunk.text += char;
  for (let i = 0; i < char.length; i++) {
    chunk.starts.push(start);
    chunk.ends.push(end);
  }
}

function part(whole: Normalized, start: number, end: number): Normalized {
  return {
    text: whole.text.slice(start, end),
    starts: whole.starts.slice(start, end),
    ends: whole.ends.slice(start, end),
  };
}
