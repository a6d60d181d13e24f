// Tokens that a tokenizer's files declare beside its word pieces: a text is cut at them first.
// The twin of keras_bert/text/added_tokens.py.
// Source: the library `tokenizers`, tokenizer/added_vocabulary.rs.
import { InputError } from "../errors";
import { normalize, type Switches } from "./cleaning";
import { after, before, CJK, isAt, lengthInPython, RUST_WORD, stripped } from "./unicode";

export interface AddedToken {
  content: string;
  special: boolean;
  /** Whether it is looked for in the normalized text. */
  normalized: boolean;
  /** Whether it counts only where no letter or digit touches it. */
  single_word: boolean;
  /** Whether the spaces before, after it belong to it. */
  lstrip: boolean;
  rstrip: boolean;
  /** Whether words may be cut into it, too. */
  word_piece: boolean;
}

/** A stretch of a text, with its token or null for text between tokens. */
export type Part = [start: number, end: number, token: AddedToken | null];

const DEFAULTS = {
  special: true,
  normalized: false,
  single_word: false,
  lstrip: false,
  rstrip: false,
  word_piece: true,
};
// What Rust's regular expressions call \s.
const SPACES = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** Makes tokens of a description that may be a stranger's. */
export function checkedTokens(tokens: unknown, known: Map<string, number>): AddedToken[] {
  if (!Array.isArray(tokens)) throw new InputError("added_tokens must be a list");
  const found = new Map<string, AddedToken>();
  for (const token of tokens) {
    const content = token?.content;
    if (typeof content !== "string") throw new InputError("an added token must have a content");
    const { content: _, ...flags } = token;
    const name = `the added token ${JSON.stringify(content)}`;
    for (const [flag, value] of Object.entries(flags))
      if (!(flag in DEFAULTS) || typeof value !== "boolean")
        throw new InputError(`${name}: ${flag} is not a flag of true or false`);
    if (found.has(content)) throw new InputError(`${name} is there twice`);
    if (!stripped(content) || content.includes("\n") || content.endsWith("\r"))
      throw new InputError(`${name} is blank or of several lines`);
    if (!known.has(content)) throw new InputError(`${name} is not in the vocabulary`);
    found.set(content, { content, ...DEFAULTS, ...flags });
  }
  return [...found.values()];
}

/** Finds added tokens in texts. */
export class Splitter {
  private readonly raw: Matcher;
  private readonly normalized: Matcher;

  constructor(
    tokens: AddedToken[],
    private readonly switches: Switches,
  ) {
    this.raw = new Matcher(new Map(tokens.filter((t) => !t.normalized).map((t) => [t.content, t])));
    const byNormalized = new Map<string, AddedToken>();
    for (const token of tokens) {
      if (!token.normalized) continue;
      const { text } = normalize(token.content, switches);
      if (!stripped(text))
        throw new InputError(
          `nothing is left of the added token ${JSON.stringify(token.content)} in normalized text`,
        );
      if (!byNormalized.has(text)) byNormalized.set(text, token);
    }
    // Normalized text has spaces around ideographs.
    this.normalized = new Matcher(byNormalized, switches.tokenizeChineseChars);
  }

  /** Splits a text at the tokens. */
  split(text: string): Part[] {
    const found: Part[] = [];
    for (const [start, end, token] of this.raw.split(text)) {
      if (token || this.normalized.isEmpty) {
        found.push([start, end, token]);
        continue;
      }
      const inner = normalize(text.slice(start, end), this.switches);
      let place = start;
      for (const [first, last, each] of this.normalized.split(inner.text)) {
        if (!each) continue;
        const at = start + inner.starts[first];
        const until = start + inner.ends[last - 1];
        if (place < at) found.push([place, at, null]);
        found.push([at, until, each]);
        place = until;
      }
      if (place < end) found.push([place, end, null]);
    }
    return found;
  }
}

/** Looks for any of some strings; of several at one place the longest counts. */
class Matcher {
  private readonly pattern: RegExp;

  constructor(
    private readonly byContent: Map<string, AddedToken>,
    /** Whether ideographs are no letters of words. */
    private readonly cjkApart = false,
  ) {
    const contents = [...byContent.keys()].sort((a, b) => lengthInPython(b) - lengthInPython(a));
    const escaped = contents.map((each) => each.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
    this.pattern = new RegExp(escaped.join("|"), "gu");
  }

  get isEmpty(): boolean {
    return this.byContent.size === 0;
  }

  split(text: string): Part[] {
    if (this.isEmpty) return text ? [[0, text.length, null]] : [];
    const parts: Part[] = [];
    let place = 0;
    for (const match of text.matchAll(this.pattern)) {
      const token = this.byContent.get(match[0])!;
      let start = match.index;
      let end = start + match[0].length;
      if (token.single_word && (this.touchesBefore(text, start) || this.touchesAt(text, end)))
        continue;
      if (token.lstrip) while (start > place && SPACES.test(text[start - 1])) start--;
      if (token.rstrip) while (end < text.length && SPACES.test(text[end])) end++;
      if (place < start) parts.push([place, start, null]);
      parts.push([start, end, token]);
      place = end;
    }
    if (place < text.length) parts.push([place, text.length, null]);
    return parts;
  }

  private touchesBefore(text: string, index: number): boolean {
    return index > 0 && this.touchesAt(text, before(text, index));
  }

  private touchesAt(text: string, index: number): boolean {
    if (index >= text.length || after(text, index) > text.length) return false;
    return !(this.cjkApart && isAt(text, index, CJK)) && isAt(text, index, RUST_WORD);
  }
}
