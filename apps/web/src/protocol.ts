// The messages between the page and its worker. The page draws; the worker reads model files,
// tokenizes, runs LiteRT.js and decodes, so that typing never waits for a model.
//
// All places are in UTF-16 code units, as JavaScript counts them: text.slice(start, end).

/** What the description in a model file says of it; the page shows this line by line. */
export interface ModelInfo {
  /** "classification", "multi_label", "regression", "tagging" or "question_answering". */
  task: string;
  /** The labels of a classifier, the tags of a tagger, in the order of the outputs. */
  labels: string[];
  /** Whether a tagger's tags mark entities, such as B-PER; if not, each word has a tag of its own. */
  areEntities: boolean;
  /** The most tokens that the model reads at once. */
  length: number;
  /** Whether a classifier wants a pair of texts. */
  pair: boolean;
  /** Whether an answerer may say that the passage holds no answer. */
  nullAnswers: boolean;
  /** Number of entries of the vocabulary. */
  vocabularySize: number;
  bytes: number;
  /** "wasm" or "webgpu": what runs it, and why not the other. */
  accelerator: string;
  acceleratorNote: string;
  /** Milliseconds from the file's bytes to a model that is ready. */
  loadMs: number;
}

export interface Label {
  label: string;
  probability: number;
  /** Of a multi-label model: whether it holds, by the label's own threshold. */
  holds?: boolean;
}

/** Labels from the most probable to the least; `value` is that of a regression. */
export interface Classified {
  labels: Label[];
  value: number | null;
  ms: number;
}

/** A slice of the passage; text "" and places 0, 0 mean: no answer. */
export interface Span {
  text: string;
  start: number;
  end: number;
  probability: number;
}

export interface Answered {
  best: Span;
  nBest: Span[];
  /** Score of "no answer" minus that of the best span; null where the model always answers. */
  nullOdds: number | null;
  windows: number;
  ms: number;
}

export interface TaggedWord {
  text: string;
  start: number;
  end: number;
  tag: string;
}

export interface Entity {
  type: string;
  text: string;
  start: number;
  end: number;
  probability: number;
}

export interface Tagged {
  words: TaggedWord[];
  /** Empty where the tags are no entities, such as parts of speech. */
  entities: Entity[];
  ms: number;
}

/** The models that are open at the same time, one for each tab. */
export type Slot = "ask" | "classify" | "tag";

export type Request =
  /** Opens a file of the app's own folder (url) or one that the user dropped (file). */
  | { id: number; kind: "load"; slot: Slot | "dropped"; url?: string; file?: ArrayBuffer }
  | { id: number; kind: "classify"; text: string; textB?: string }
  | { id: number; kind: "answer"; question: string; passage: string }
  | { id: number; kind: "tag"; text: string }
  /** Ends the request of that id, which is answered by an error of the kind "cancelled". */
  | { id: number; kind: "cancel"; target: number };

export type Reply =
  /** Bytes of a load, windows of an answer. `total` is 0 where it is not known. */
  | { id: number; kind: "progress"; done: number; total: number }
  /** `slot` says which tab a dropped file belongs to: its task decides. */
  | { id: number; kind: "loaded"; slot: Slot; info: ModelInfo }
  | { id: number; kind: "classified"; result: Classified }
  | { id: number; kind: "answered"; result: Answered }
  | { id: number; kind: "tagged"; result: Tagged }
  /** One clear line for the user; the program's own faults are `isFault`. */
  | { id: number; kind: "error"; message: string; cancelled: boolean; isFault: boolean };
