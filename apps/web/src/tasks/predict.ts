// From texts to answers with a model that is open. The twin of keras_bert/predictor.py: each task
// makes rows, runs them, and decodes what comes out.
import { InputError } from "../errors";
import { type ModelConfig, questionSettings, tagSettings, thresholds } from "../model/config";
import type { ModelFile } from "../model/model_file";
import type { Answered, Classified, Entity, Tagged } from "../protocol";
import { stripped } from "../text/unicode";
import { answerOf } from "./answers";
import { windowsOf } from "./passages";
import type { Row } from "./rows";
import { bestTags, entitiesOf } from "./tags";
import { type Link, pooled, rowsOfText } from "./texts";
import { rowsOfWords } from "./word_rows";
import { wordsOf } from "./words";

/**
 * Runs one row of several.
 *
 * @param longest the most tokens of all of them.
 * @param number of the row, from 0.
 * @param total how many there are.
 */
export type RunRow = (
  row: Row,
  longest: number,
  number: number,
  total: number,
) => Promise<Record<string, Float32Array>>;

type Timed<T> = Omit<T, "ms">;

const LINKS: Record<string, Link> = { classification: "softmax", multi_label: "sigmoid" };
// One of the halves of a character beyond U+FFFF, alone: no text of Unicode, and no UTF-8, has it.
const LONE_SURROGATE = /\p{Cs}/u;
// Of a text that is cut for a message.
const SHOWN = 20;

/** Returns the labels of a text, or the number of a regression. */
export async function classify(
  { config, tokenizer }: ModelFile,
  text: string,
  textB: string | null,
  run: RunRow,
): Promise<Timed<Classified>> {
  if (!stripped(text)) throw new InputError("the text is empty");
  if (textB !== null && !stripped(textB)) throw new InputError("the second text is empty");
  if (config.pair === true && textB === null)
    throw new InputError("the model takes pairs of texts: give a second text");
  if (config.pair === false && textB !== null)
    throw new InputError("the model takes single texts: leave out the second");
  const rows = rowsOfText(tokenizer, text, textB, config.maxLength, config.windows);
  const name = config.task === "regression" ? "value" : "probability";
  const outputs = await runAll(rows, run);
  return decoded(config, pooled(outputs.map((each) => each[name]), LINKS[config.task] ?? null));
}

/** Returns the answer that a classifier's outputs, or a regression's, mean. */
export function decoded(config: ModelConfig, outputs: number[]): Timed<Classified> {
  if (config.task === "regression") return { labels: [], value: outputs[0] };
  // In float32, as exported graphs compare.
  const least = config.task === "multi_label" ? thresholds(config).map(Math.fround) : null;
  const labels = config.labels.map((label, i) => ({
    label,
    probability: outputs[i],
    ...(least && { holds: outputs[i] >= least[i] }),
  }));
  labels.sort((a, b) => b.probability - a.probability);
  return { labels, value: null };
}

/** Returns the answer to a question, a slice of the passage. */
export async function answer(
  { config, tokenizer }: ModelFile,
  question: string,
  passage: string,
  run: RunRow,
): Promise<Timed<Answered>> {
  checkText("question", question);
  checkText("passage", passage);
  const settings = questionSettings(config);
  const pieces = tokenizer.cut(passage);
  const windows = windowsOf(tokenizer, question, pieces, config.maxLength, settings);
  const outputs = await runAll(windows, run);
  const found = answerOf(
    windows,
    outputs.map((each) => each.start_logits),
    outputs.map((each) => each.end_logits),
    passage,
    settings,
  );
  return { ...found, windows: windows.length };
}

/** Returns the words of a text with their tags, and the entities that these mark. */
export async function tag(
  { config, tokenizer }: ModelFile,
  text: string,
  run: RunRow,
): Promise<Timed<Tagged>> {
  const places = wordsOf(text);
  if (!places.length) {
    const start = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
    throw new InputError(`${JSON.stringify(start)} is a text without words`);
  }
  const words = places.map(([start, end]) => text.slice(start, end));
  const { scheme, overlap, markCapitals } = tagSettings(config);
  const rows = rowsOfWords(words, tokenizer, config.maxLength, overlap, markCapitals);
  const outputs = await runAll(rows, run);
  const width = config.labels.length;
  const probabilities: Float32Array[] = [];
  rows.forEach((row, i) => {
    row.positions.forEach((position, word) => {
      const start = position * width;
      probabilities[row.firstRead + word] = outputs[i].probability.slice(start, start + width);
    });
  });
  const best = bestTags(probabilities, config.labels, scheme);
  const tags = best.map((label) => config.labels[label]);
  const entities = entitiesOf(tags, scheme).map(({ type, first, end }): Entity => {
    const slice = { start: places[first][0], end: places[end - 1][1] };
    let sum = 0;
    for (let word = first; word < end; word++) sum += probabilities[word][best[word]];
    return { type, text: text.slice(slice.start, slice.end), ...slice, probability: sum / (end - first) };
  });
  return {
    words: places.map(([start, end], i) => ({ text: words[i], start, end, tag: tags[i] })),
    entities,
  };
}

async function runAll(rows: (Row | { row: () => Row; size: number })[], run: RunRow) {
  const size = (each: (typeof rows)[number]) => ("size" in each ? each.size : each.tokenIds.length);
  const longest = rows.reduce((most, each) => Math.max(most, size(each)), 0);
  const outputs: Record<string, Float32Array>[] = [];
  for (const [i, each] of rows.entries())
    outputs.push(await run("row" in each ? each.row() : each, longest, i, rows.length));
  return outputs;
}

function checkText(name: string, text: string) {
  if (!stripped(text)) throw new InputError(`the ${name} is empty`);
  if (LONE_SURROGATE.test(text))
    throw new InputError(`the ${name} has a lone surrogate, such as \\ud800, which is not a text`);
}
