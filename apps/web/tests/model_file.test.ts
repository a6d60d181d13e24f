// What is read out of a .tflite, and what is said of files that are not ours or damaged.
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { InputError } from "../src/errors";
import { crc32, readArchive } from "../src/model/archive";
import { parseConfig } from "../src/model/config";
import { readModelFile } from "../src/model/model_file";

const SENTIMENT = path.resolve(import.meta.dirname, "../../models/sentiment/sentiment.tflite");
const WORDS = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n";
const CONFIG = {
  format_version: 2,
  encoder: { vocab_size: 8, max_position_embeddings: 64 },
  task: "classification",
  labels: ["no", "yes"],
  max_length: 32,
  tokenizer: { lower_case: true },
};

const bytes = (text: string) => new TextEncoder().encode(text);

/** Returns a file with a graph that is none, and files at its end. */
function fileOf(config: unknown = CONFIG, vocabulary = WORDS, level: 0 | 9 = 0): Uint8Array {
  const text = typeof config === "string" ? config : JSON.stringify(config);
  const files = { "vocab.txt": bytes(vocabulary), "keras_bert.json": bytes(text) };
  return withArchive(zipSync(files, { level }));
}

/** Appends an archive, whose places count from the file's start as Python's do. */
function withArchive(archive: Uint8Array): Uint8Array {
  const graph = bytes("\x1c\0\0\0TFL3" + "graph".repeat(100));
  const file = new Uint8Array([...graph, ...archive]);
  const view = new DataView(file.buffer);
  const end = file.length - 22;
  let at = view.getUint32(end + 16, true) + graph.length;
  view.setUint32(end + 16, at, true);
  for (let i = view.getUint16(end + 10, true); i > 0; i--) {
    view.setUint32(at + 42, view.getUint32(at + 42, true) + graph.length, true);
    at += 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true);
  }
  return file;
}

test("the shipped model", () => {
  const { config, tokenizer, vocabularySize } = readModelFile(fs.readFileSync(SENTIMENT));
  expect(config.task).toBe("classification");
  expect(config.labels).toEqual(["negative", "positive"]);
  expect(vocabularySize).toBe(16_000);
  expect(tokenizer.cut("a good film").ids.length).toBe(3);
});

test("a file whose archive counts its places from its own start", () => {
  const files = { "vocab.txt": bytes(WORDS), "keras_bert.json": bytes(JSON.stringify(CONFIG)) };
  const file = new Uint8Array([...bytes("\x1c\0\0\0TFL3 graph"), ...zipSync(files, { level: 0 })]);
  expect(readModelFile(file).vocabularySize).toBe(5);
});

describe("faults of a file", () => {
  const whole = fileOf();
  const flipped = (place: number) => {
    const file = whole.slice();
    file[place] ^= 0x20;
    return file;
  };
  const place = Buffer.from(whole).indexOf("[CLS]");
  test.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(), "is not a TensorFlow Lite file"],
    ["text", bytes("a text that is long enough"), "is not a TensorFlow Lite file"],
    ["a ZIP archive", zipSync({ "vocab.txt": bytes(WORDS) }), "is not a TensorFlow Lite file"],
    ["no archive", bytes("\0\0\0\0TFL3 and no more"), "was not written by `keras-bert export`, or it is cut short"],
    ["cut short by a byte", whole.slice(0, -1), "or it is cut short"],
    ["cut to a half", whole.slice(0, whole.length / 2), "or it is cut short"],
    ["longer", new Uint8Array([...whole, 0]), "or it is cut short"],
    ["a changed byte", flipped(place), "vocab.txt is not what was written, its checksum differs"],
    ["another archive", withArchive(zipSync({ "x.txt": bytes("x") })), "holds no keras_bert.json"],
    ["packed files", fileOf(CONFIG, WORDS.repeat(50), 9), "holds no"],
    ["no JSON", fileOf("{"), "the model's description is broken: keras_bert.json is no JSON"],
    ["a list", fileOf([]), "keras_bert.json is no JSON object"],
    ["a cut vocabulary", fileOf(CONFIG, WORDS.slice(0, -1)), "vocab.txt is cut short: its last line has no end"],
    ["no special tokens", fileOf(CONFIG, "a\nb\n"), "none of the 2 lines of the vocabulary is the token [PAD]"],
    ["a vocabulary that does not fit", fileOf(CONFIG, WORDS + "b\nc\nd\ne\n"), "9 tokens for an embedding of 8 rows"],
  ])("%s", (_, file, message) => {
    expect(() => readModelFile(file)).toThrow(message);
    expect(() => readModelFile(file)).toThrow(InputError);
  });

  test("a vocabulary that is not UTF-8", () => {
    const files = { "vocab.txt": new Uint8Array([0xff, 10]), "keras_bert.json": bytes(JSON.stringify(CONFIG)) };
    expect(() => readModelFile(withArchive(zipSync(files, { level: 0 })))).toThrow("vocab.txt is not UTF-8");
  });

  test("any cut and any changed byte is one clear line, or changes nothing that is read", () => {
    for (let end = 0; end < whole.length; end++)
      expect(() => readModelFile(whole.slice(0, end))).toThrow(InputError);
    for (let at = 0; at < whole.length; at++) {
      try {
        readModelFile(flipped(at));
      } catch (error) {
        expect(error, `byte ${at}`).toBeInstanceOf(InputError);
        expect((error as Error).message).not.toContain("\n");
      }
    }
  });
});

test("sizes are checked before memory is taken", () => {
  const archive = zipSync({ "vocab.txt": bytes(WORDS) }, { level: 0 });
  new DataView(archive.buffer).setUint32(archive.length - 22 - 46 - "vocab.txt".length + 24, 2 ** 31, true);
  expect(() => readArchive(archive, ["vocab.txt"], 1000)).toThrow("has 2,147,483,648 bytes, more than 1,000");
});

test("the checksum is zlib's", () => {
  for (const text of ["", "a", "[CLS] naïve"]) expect(crc32(bytes(text))).toBe(zlib.crc32(text));
});

describe("descriptions", () => {
  const answerer = { task: "question_answering", labels: [], max_length: 32 };
  const settings = { doc_stride: 8, max_question_length: 8 };
  test.each<[object, string]>([
    [{ format_version: 3 }, "format_version is 3, this page reads up to 2: it needs a newer page"],
    [{ format_version: "2" }, 'format_version is "2", this page reads 2'],
    [{ task: "seq2seq" }, 'it is a model for "seq2seq"; this page runs classification'],
    [{ task: "constructor" }, 'it is a model for "constructor"'],
    [{ encoder: null }, "missing key encoder"],
    [{ max_length: 65 }, "length 65 is outside 3 to 64, the rows of the position table"],
    [{ max_length: 2 }, "max_length must be a whole number from 3"],
    [{ max_length: 1e300 }, "max_length must be a whole number"],
    [{ pair: "yes" }, 'pair must be true, false or null, not "yes"'],
    [{ windows: 1 }, "windows must be true or false"],
    [{ labels: ["a"] }, 'classification needs at least two labels, found ["a"]'],
    [{ labels: ["a", "a"] }, "a label appears twice"],
    [{ labels: ["a", " "] }, 'label " " is empty or of several lines'],
    [{ labels: ["a", "b\nc"] }, "is empty or of several lines"],
    [{ labels: ["a", 1] }, "labels must be a list of texts"],
    [{ task: "multi_label" }, "setting thresholds must be 2 numbers from 0 to 1"],
    [{ task: "tagging", settings: { scheme: "bio" } }, 'scheme "bio" needs tags such as B-PER'],
    [{ task: "tagging", settings: { scheme: "x" } }, "scheme must be one of none, io"],
    [{ task: "tagging", settings: { overlap: -1 } }, "overlap must be a whole number from 0"],
    [{ task: "tagging", windows: true }, "windows is true only for tasks of texts"],
    [answerer, "length 32 leaves no room for a passage beside a question of 64 tokens"],
    [{ ...answerer, settings: { ...settings, doc_stride: 30 } }, "doc_stride 30 would skip tokens"],
    [{ ...answerer, settings: { ...settings, n_best: 0 } }, "n_best must be a whole number from 1"],
    [{ ...answerer, settings: { ...settings, null_answers: 1 } }, "null_answers must be a boolean"],
    [{ ...answerer, settings: { ...settings, toString: 1 } }, 'found "toString"'],
    [{ tokenizer: [] }, "tokenizer must be an object"],
  ])("%j", (changes, message) => {
    const text = JSON.stringify({ ...CONFIG, ...changes });
    expect(() => parseConfig(text)).toThrow(message);
    expect(() => parseConfig(text)).toThrow(InputError);
  });

  test("that of version 0.1", () => {
    const { format_version: _, ...rest } = CONFIG;
    expect(parseConfig(JSON.stringify({ keras_bert_format: 1, ...rest })).maxLength).toBe(32);
  });
});
