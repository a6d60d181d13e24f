// WordPiece tokenization: text to token ids with the places of each, as the original BERT does it.
// The twin of keras_bert/text/tokenizer.py and cutting.py, whose results these are for every text.
// Source: google-research/bert tokenization.py, FullTokenizer.
import { InputError } from "../errors";
import { type AddedToken, checkedTokens, Splitter } from "./added_tokens";
import { splitWords, type Switches } from "./cleaning";
import { after } from "./unicode";

/** The pieces of a text: ids, and the slice of the text that each comes from. */
export interface Pieces {
  ids: number[];
  starts: number[];
  ends: number[];
}

const SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const USUAL_LONGEST_WORD = 200;
// Words whose pieces are remembered; a text of 200,000 characters has some 10,000 different ones.
const MOST_REMEMBERED = 20_000;
const SWITCHES = [
  "lower_case",
  "strip_accents",
  "tokenize_chinese_chars",
  "max_chars_per_word",
  "added_tokens",
];

/** Cuts text into the pieces of a vocabulary and numbers them. */
export class Tokenizer {
  readonly padId: number;
  readonly unkId: number;
  readonly clsId: number;
  readonly sepId: number;
  private readonly ids = new Map<string, number>();
  private readonly pieces: Map<string, number>;
  private readonly longestPiece: number;
  private readonly longestWord: number;
  private readonly switches: Switches;
  private readonly splitter: Splitter | null;
  private readonly remembered = new Map<string, [id: number, size: number][]>();

  /**
   * @param vocabulary the tokens in the order of their ids; of one that is there twice the last
   *     id counts, as in the original.
   * @param options the switches of the description in the file, which may be a stranger's.
   */
  constructor(vocabulary: string[], options: Record<string, unknown> = {}) {
    vocabulary.forEach((token, id) => this.ids.set(token, id));
    for (const token of SPECIAL_TOKENS.slice(0, 4))
      if (!this.ids.has(token))
        throw new InputError(
          `none of the ${vocabulary.length} lines of the vocabulary is the token ${token}; ` +
            "a BERT vocabulary needs [PAD], [UNK], [CLS] and [SEP]",
        );
    const unknown = Object.keys(options).filter((name) => !SWITCHES.includes(name));
    if (unknown.length) throw new InputError(`the tokenizer has no switch ${unknown.join(", ")}`);
    const flag = (name: string, usual: boolean) => {
      const value = options[name] ?? usual;
      const isFit = typeof value === "boolean" && (options[name] !== null || name === "strip_accents");
      if (!isFit) throw new InputError(`${name} must be true or false`);
      return value as boolean;
    };
    const lowerCase = flag("lower_case", true);
    this.switches = {
      lowerCase,
      stripAccents: flag("strip_accents", lowerCase),
      tokenizeChineseChars: flag("tokenize_chinese_chars", true),
    };
    const longest = options.max_chars_per_word ?? USUAL_LONGEST_WORD;
    if (!Number.isInteger(longest) || (longest as number) < 1)
      throw new InputError("max_chars_per_word must be a positive whole number");
    this.longestWord = longest as number;
    const added = checkedTokens(options.added_tokens ?? [], this.ids);
    this.splitter = added.length ? new Splitter(added, this.switches) : null;
    this.pieces = this.withoutMarkers(added);
    this.longestPiece = vocabulary.reduce((most, token) => Math.max(most, token.length), 0);
    [this.padId, this.unkId, this.clsId, this.sepId] = SPECIAL_TOKENS.map(
      (token) => this.ids.get(token)!,
    );
  }

  /** Returns the pieces of a text, without special tokens. */
  cut(text: string): Pieces {
    const pieces: Pieces = { ids: [], starts: [], ends: [] };
    if (!this.splitter) this.cutPlain(text, 0, pieces);
    else
      for (const [start, end, token] of this.splitter.split(text))
        if (token) push(pieces, this.ids.get(token.content)!, start, end);
        else this.cutPlain(text.slice(start, end), start, pieces);
    return pieces;
  }

  /** Returns the ids of each word's pieces; a word of which nothing is left is [UNK]. */
  cutWords(words: string[]): number[][] {
    const found = new Map<string, number[]>();
    for (const word of words)
      if (!found.has(word)) {
        const { ids } = this.cut(word);
        found.set(word, ids.length ? ids : [this.unkId]);
      }
    return words.map((word) => found.get(word)!);
  }

  private withoutMarkers(added: AddedToken[]): Map<string, number> {
    const markers = added.filter((token) => !token.word_piece).map((token) => token.content);
    if (markers.some((token) => SPECIAL_TOKENS.includes(token)))
      throw new InputError("word_piece must be true for the tokens that every BERT has");
    const pieces = new Map(this.ids);
    for (const marker of markers) pieces.delete(marker);
    return pieces;
  }

  private cutPlain(text: string, place: number, pieces: Pieces) {
    for (const word of splitWords(text, this.switches)) {
      let start = 0;
      for (const [id, size] of this.piecesOf(word.text)) {
        const end = start + size;
        push(pieces, id, place + word.starts[start], place + word.ends[end - 1]);
        start = end;
      }
    }
  }

  /** Returns the id of each piece of a normalized word, and its size in code units. */
  private piecesOf(word: string): [id: number, size: number][] {
    let found = this.remembered.get(word);
    if (!found) {
      found = this.matched(word) ?? [[this.unkId, word.length]];
      if (this.remembered.size >= MOST_REMEMBERED) this.remembered.clear();
      this.remembered.set(word, found);
    }
    return found;
  }

  /** Returns the longest pieces from left to right; null if they do not spell the word. */
  private matched(word: string): [id: number, size: number][] | null {
    const bounds = [0];
    for (let i = 0; i < word.length; bounds.push(i)) i = after(word, i);
    const last = bounds.length - 1;
    if (last > this.longestWord) return null;
    const found: [number, number][] = [];
    for (let start = 0; start < last; ) {
      const prefix = start ? "##" : "";
      let end = Math.min(last, start + this.longestPiece);
      let id: number | undefined;
      while (end > start) {
        id = this.pieces.get(prefix + word.slice(bounds[start], bounds[end]));
        if (id !== undefined) break;
        end--;
      }
      if (id === undefined) return null;
      found.push([id, bounds[end] - bounds[start]]);
      start = end;
    }
    return found;
  }
}

function push(pieces: Pieces, id: number, start: number, end: number) {
  pieces.ids.push(id);
  pieces.starts.push(start);
  pieces.ends.push(end);
}

/**
 * Returns how many pieces of each text fit: what is left when the longer one loses its last piece,
 * at a tie the second, until both fit.
 *
 * Source: google-research/bert run_classifier.py, _truncate_seq_pair.
 */
export function truncatedLengths(a: number, b: number | null, length: number): [number, number] {
  const room = length - (b === null ? 2 : 3);
  if (room < 0)
    throw new InputError(`length ${length} has no room for the special tokens [CLS] and [SEP]`);
  if (b === null) return [Math.min(a, room), 0];
  const half = Math.floor(room / 2);
  return [
    Math.min(a, Math.max(room - b, room - half)),
    Math.min(b, Math.max(room - a, half)),
  ];
}
