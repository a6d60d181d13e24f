// The description in an exported file, keras_bert.json, checked: it may be a stranger's.
// The twin of the parts of keras_bert/model_folder.py that running a file needs.
import { InputError } from "../errors";
import { checkRoom } from "../tasks/passages";
import { marksEntities, SCHEMES } from "../tasks/tags";
import { stripped } from "../text/unicode";

export interface ModelConfig {
  task: Task;
  labels: string[];
  /** Whether it takes pairs of texts; null: both pairs and single texts. */
  pair: boolean | null;
  maxLength: number;
  /** Whether texts that are too long are read in windows. */
  windows: boolean;
  tokenizer: Record<string, unknown>;
  settings: Record<string, unknown>;
  vocabularySize: number;
}

export type Task =
  | "classification"
  | "multi_label"
  | "regression"
  | "tagging"
  | "question_answering";

const TASKS = ["classification", "multi_label", "regression", "tagging", "question_answering"];
const FORMAT_VERSION = 2;
const OLD_KEY = "keras_bert_format";
const MOST = 2 ** 24;
const QUESTION_SETTINGS: Record<string, number | boolean> = {
  doc_stride: 128,
  max_question_length: 64,
  max_answer_length: 30,
  n_best: 20,
  null_answers: false,
  null_threshold: 0,
  character_f1: false,
  whole_words: true,
};
const TAG_SETTINGS: Record<string, number | boolean | string> = {
  scheme: "none",
  overlap: 16,
  mark_capitals: false,
};

/** Makes a config of the JSON text of a file. */
export function parseConfig(text: string): ModelConfig {
  let data: any;
  try {
    data = JSON.parse(text);
  } catch {
    throw new InputError("keras_bert.json is no JSON");
  }
  if (!isObject(data)) throw new InputError("keras_bert.json is no JSON object");
  // Version 0.1 wrote another key.
  const [key, known] = OLD_KEY in data ? [OLD_KEY, 1] : ["format_version", FORMAT_VERSION];
  if (Number.isInteger(data[key]) && data[key] > known)
    throw new InputError(`${key} is ${data[key]}, this page reads up to ${known}: it needs a newer page`);
  if (data[key] !== known)
    throw new InputError(`${key} is ${shown(data[key])}, this page reads ${known}`);
  if (!TASKS.includes(data.task))
    throw new InputError(
      `it is a model for ${shown(data.task)}; this page runs ${TASKS.join(", ")}`,
    );
  if (!isObject(data.encoder)) throw new InputError("missing key encoder");
  const positions = whole(data.encoder, "max_position_embeddings", 1, 512);
  const config: ModelConfig = {
    task: data.task,
    labels: checkedLabels(data.labels ?? []),
    pair: data.pair === undefined ? false : data.pair,
    maxLength: whole(data, "max_length", 3, 128),
    windows: data.windows === undefined ? false : data.windows,
    tokenizer: data.tokenizer ?? {},
    settings: data.settings ?? {},
    vocabularySize: whole(data.encoder, "vocab_size", 1),
  };
  if (![true, false, null].includes(config.pair))
    throw new InputError(`pair must be true, false or null, not ${shown(config.pair)}`);
  if (typeof config.windows !== "boolean") throw new InputError("windows must be true or false");
  if (!isObject(config.tokenizer)) throw new InputError("tokenizer must be an object");
  if (!isObject(config.settings)) throw new InputError("settings must be an object");
  if (config.maxLength > positions)
    throw new InputError(
      `length ${config.maxLength} is outside 3 to ${positions}, the rows of the position table`,
    );
  checkTask(config);
  return config;
}

/** Returns the settings of a question answerer, with Google's values for those that are missing. */
export function questionSettings(config: ModelConfig) {
  const found = withDefaults(config, QUESTION_SETTINGS);
  for (const name of ["doc_stride", "max_question_length", "max_answer_length", "n_best"])
    whole(found, name, 1, undefined, 65535);
  return {
    docStride: found.doc_stride as number,
    maxQuestionLength: found.max_question_length as number,
    maxAnswerLength: found.max_answer_length as number,
    nBest: found.n_best as number,
    nullAnswers: found.null_answers as boolean,
    nullThreshold: found.null_threshold as number,
    wholeWords: found.whole_words as boolean,
  };
}

/** Returns the settings of a tagger. */
export function tagSettings(config: ModelConfig) {
  const found = withDefaults(config, TAG_SETTINGS);
  if (!SCHEMES.includes(found.scheme as string))
    throw new InputError(`scheme must be one of ${SCHEMES.join(", ")}, not ${shown(found.scheme)}`);
  return {
    scheme: found.scheme as string,
    overlap: whole(found, "overlap", 0),
    markCapitals: found.mark_capitals as boolean,
  };
}

/** Returns the threshold of each label of a multi-label classifier. */
export function thresholds(config: ModelConfig): number[] {
  const found = config.settings.thresholds;
  const isFit = (value: unknown) => typeof value === "number" && value >= 0 && value <= 1;
  if (!Array.isArray(found) || found.length !== config.labels.length || !found.every(isFit))
    throw new InputError(
      `setting thresholds must be ${config.labels.length} numbers from 0 to 1, one for each label`,
    );
  return found;
}

function checkTask(config: ModelConfig) {
  const { task, labels } = config;
  if (task !== "regression" && task !== "question_answering" && labels.length < 2)
    throw new InputError(`${task} needs at least two labels, found ${shown(labels)}`);
  if (config.windows && (task === "tagging" || task === "question_answering"))
    throw new InputError("windows is true only for tasks of texts");
  if (task === "multi_label") thresholds(config);
  if (task === "question_answering") checkRoom(config.maxLength, questionSettings(config));
  if (task === "tagging") {
    const { scheme } = tagSettings(config);
    if (scheme !== "none" && !marksEntities(labels))
      throw new InputError(`scheme ${shown(scheme)} needs tags such as B-PER, found ${shown(labels)}`);
  }
}

function checkedLabels(labels: unknown): string[] {
  if (!Array.isArray(labels) || !labels.every((label) => typeof label === "string"))
    throw new InputError(`labels must be a list of texts, not ${shown(labels)}`);
  if (new Set(labels).size < labels.length) throw new InputError("a label appears twice");
  for (const label of labels)
    if (!stripped(label) || /[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/.test(label))
      throw new InputError(`label ${shown(label)} is empty or of several lines`);
  return labels;
}

function withDefaults(config: ModelConfig, defaults: Record<string, unknown>) {
  const found: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(config.settings)) {
    if (!Object.hasOwn(defaults, name))
      throw new InputError(
        `settings of ${config.task} are ${Object.keys(defaults).join(", ")}, found ${shown(name)}`,
      );
    if (typeof value !== typeof defaults[name])
      throw new InputError(`setting ${name} must be a ${typeof defaults[name]}, not ${shown(value)}`);
    found[name] = value;
  }
  return found;
}

function whole(data: any, name: string, least: number, usual?: number, most = MOST): number {
  const value = data[name] ?? usual;
  if (!Number.isInteger(value) || value < least || value > most)
    throw new InputError(`${name} must be a whole number from ${least} to ${most}, not ${shown(value)}`);
  return value;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 60);
}
