// The types that a tagger knows: their names, their colours, and where they are in a text.
import type { ModelInfo, Tagged } from "../protocol";
import { letterAndType } from "../tasks/tags";
import { percent } from "./elements";

/** A slice of the text with its type; `title` is shown on pointing at it. */
export interface Slice {
  start: number;
  end: number;
  type: string;
  title: string;
}

// As many as results.css has.
const COLOURS = 8;

// What people call them: CoNLL-2003, OntoNotes and the universal parts of speech.
const NAMES: Record<string, string> = {
  PER: "person", PERSON: "person", LOC: "place", ORG: "organization", MISC: "other name",
  GPE: "country or town", NORP: "group of people", FAC: "building", DATE: "date", TIME: "time",
  MONEY: "money", PERCENT: "percentage", QUANTITY: "quantity", CARDINAL: "number",
  ORDINAL: "ordinal", EVENT: "event", LAW: "law", LANGUAGE: "language", PRODUCT: "product",
  WORK_OF_ART: "work of art",
  NOUN: "noun", PROPN: "proper noun", VERB: "verb", AUX: "auxiliary", ADJ: "adjective",
  ADV: "adverb", PRON: "pronoun", DET: "determiner", ADP: "preposition", NUM: "numeral",
  CCONJ: "conjunction", SCONJ: "subordinating conjunction", PART: "particle",
  INTJ: "interjection", PUNCT: "punctuation", SYM: "symbol", X: "other",
}; // prettier-ignore

export class Types {
  readonly all: string[];
  readonly areEntities: boolean;

  /**
   * @param info of a tagger, whose labels are such as O, B-PER, I-PER, or NOUN, VERB.
   */
  constructor({ labels, areEntities }: Pick<ModelInfo, "labels" | "areEntities">) {
    this.areEntities = areEntities;
    const types = labels
      .filter((label) => label !== "O")
      .map((label) => (areEntities ? letterAndType(label)[1] : label));
    this.all = [...new Set(types)];
  }

  classOf(type: string): string {
    return `t${this.all.indexOf(type) % COLOURS}`;
  }

  nameOf(type: string): string {
    return NAMES[type.toUpperCase()] ?? "";
  }

  /** The marked slices of a text, in order and apart from each other. */
  slicesOf(result: Tagged): Slice[] {
    if (!this.areEntities)
      return result.words
        .filter(({ tag }) => tag !== "O")
        .map(({ start, end, tag }) => ({ start, end, type: tag, title: this.nameOf(tag) || tag }));
    return [...result.entities]
      .sort((a, b) => a.start - b.start)
      .map(({ start, end, type, probability }) => ({
        start,
        end,
        type,
        title: `${this.nameOf(type) || type}, ${percent(probability)}`,
      }));
  }
}
