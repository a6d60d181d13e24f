// From texts and outputs of a model to answers: each as Python has it.
import { describe, expect, test } from "vitest";
import { crc32 } from "../src/model/archive";
import { type ModelConfig, parseConfig } from "../src/model/config";
import { answer, classify, tag, type RunRow } from "../src/tasks/predict";
import type { Row } from "../src/tasks/rows";
import { Tokenizer } from "../src/text/tokenizer";
import { golden, goldenRows, inPython, LOWER_CASE, numbers, vocabulary } from "./golden";

const cases: [any, any][] = golden("tasks");
const TOLERANCE = 1e-5;

const tokenizers = new Map<string, Tokenizer>();
function tokenizerOf(name: string): Tokenizer {
  if (!tokenizers.has(name))
    tokenizers.set(name, new Tokenizer(vocabulary(name), { lower_case: LOWER_CASE[name] }));
  return tokenizers.get(name)!;
}

/** As Python's `golden_tasks.text_of`. */
function textOf(given: any): string {
  if (typeof given === "string") return given;
  const text = goldenRows.slice(...given.lines).map((row) => row.text).join(given.joiner ?? " ");
  if (!given.characters) return text;
  const points = Array.from(text);
  return Array.from({ length: given.characters }, (_, i) => points[i % points.length]).join("");
}

function configOf(each: any): ModelConfig {
  return parseConfig(
    JSON.stringify({
      format_version: 2,
      encoder: { vocab_size: vocabulary(each.vocabulary).length },
      task: each.task,
      max_length: each.max_length,
      labels: each.labels ?? [],
      settings: each.settings ?? {},
      windows: each.windows ?? false,
      pair: each.second === undefined ? null : true,
    }),
  );
}

/** A model whose outputs are a function of the seed and the row; keeps the rows that it was given. */
class Model {
  readonly rows: Row[] = [];

  constructor(
    private readonly each: any,
    private readonly config: ModelConfig,
  ) {}

  run: RunRow = async (row, longest, number): Promise<Record<string, Float32Array>> => {
    expect(row.tokenIds.length).toBeLessThanOrEqual(longest);
    expect(longest).toBeLessThanOrEqual(this.config.maxLength);
    expect(number).toBe(this.rows.push(row) - 1);
    const { task, labels } = this.config;
    const values = (place: number, count: number) =>
      numbers(this.each.seed + 2 * number + place, count).map((value) =>
        Math.fround(value * Math.fround(this.each.scale ?? 1)),
      );
    if (task === "question_answering")
      return {
        start_logits: values(0, row.tokenIds.length),
        end_logits: values(1, row.tokenIds.length),
      };
    if (task === "regression") return { value: values(0, 1) };
    const each = task === "tagging" ? row.tokenIds.length : 1;
    return { probability: values(0, each * labels.length) };
  };

  /** The number of rows, and the checksum of their ids and segments. */
  get shape() {
    const parts = this.rows.flatMap((row) => [row.tokenIds, row.segmentIds]);
    const bytes = new Uint8Array(Int32Array.from(parts.flat()).buffer);
    return { rows: this.rows.length, crc: crc32(bytes) };
  }
}

/** Compares numbers up to the tolerance, and everything else exactly. */
function compare(found: any, expected: any, place = "answer") {
  if (typeof expected === "number" && !Number.isInteger(expected))
    expect(Math.abs(found - expected), `${place}: ${found}, not ${expected}`).toBeLessThan(TOLERANCE);
  else if (typeof expected === "number")
    expect(found, place).toBeCloseTo(expected, 5);
  else if (typeof expected === "object" && expected !== null) {
    expect(Object.keys(found), place).toEqual(Object.keys(expected));
    for (const name of Object.keys(expected)) compare(found[name], expected[name], `${place}.${name}`);
  } else expect(found, place).toBe(expected);
}

async function answered(each: any, model: Model, config: ModelConfig) {
  const file = { config, tokenizer: tokenizerOf(each.vocabulary), vocabularySize: 0 };
  const text = textOf(each.text);
  if (config.task === "question_answering") {
    const passage = textOf(each.second);
    const place = inPython(passage);
    const { best, nBest, nullOdds, windows } = await answer(file, text, passage, model.run);
    expect(windows).toBe(model.rows.length);
    const span = (s: typeof best) => {
      expect(s.text).toBe(passage.slice(s.start, s.end));
      return [place(s.start), place(s.end), s.probability];
    };
    return { n_best: nBest.map(span), best: span(best), odds: nullOdds };
  }
  if (config.task === "tagging") {
    const place = inPython(text);
    const { words, entities } = await tag(file, text, model.run);
    for (const part of [...words, ...entities])
      expect(part.text).toBe(text.slice(part.start, part.end));
    return {
      tags: words.map((word) => word.tag),
      entities: entities.map((e) => [e.type, place(e.start), place(e.end), e.probability]),
    };
  }
  const second = each.second === undefined ? null : textOf(each.second);
  const { labels, value } = await classify(file, text, second, model.run);
  if (config.task === "regression") return { value };
  const sorted = labels.map((label) => label.probability);
  expect(sorted).toEqual([...sorted].sort((a, b) => b - a));
  const held = labels.filter((label) => label.holds).map((label) => label.label);
  return {
    labels:
      config.task === "classification"
        ? [labels[0].label]
        : config.labels.filter((label) => held.includes(label)),
    probabilities: Object.fromEntries(
      config.labels.map((name) => [name, labels.find((l) => l.label === name)!.probability]),
    ),
  };
}

// Python's message where the page has another: it speaks of a passage, not of a context, and has
// no numbers of texts.
const SENTENCES: [RegExp, string][] = [
  [/^text 1: question is empty$/, "the question is empty"],
  [/^text 1: context is empty$/, "the passage is empty"],
  [/^text 1: question has a lone/, "the question has a lone surrogate, such as \\ud800"],
  [/^text 1: context has a lone/, "the passage has a lone surrogate, such as \\ud800"],
  [/^the texts:1: .* is a text without words$/, "is a text without words"],
  [/^length 48 leaves no room/, "length 48 leaves no room for a passage beside a question of 64"],
];

describe.each(["classification", "multi_label", "regression", "question_answering", "tagging"])(
  "%s",
  (task) => {
    const own = cases.filter(([each]) => each.task === task);
    test.each(own.map(([each, expected]) => [JSON.stringify(each), each, expected]))(
      "%s",
      async (_, each, expected) => {
        if (expected.error) {
          const said = SENTENCES.find(([pattern]) => pattern.test(expected.error))![1];
          const run = async () => answered(each, new Model(each, configOf(each)), configOf(each));
          await expect(run()).rejects.toThrow(said);
          return;
        }
        const config = configOf(each);
        const model = new Model(each, config);
        const found = await answered(each, model, config);
        compare({ ...model.shape, ...found }, expected);
      },
    );
  },
);

test("all tasks have cases", () => expect(cases.length).toBeGreaterThan(250));
