// The golden files of tests/web and tests/data, which Python wrote.
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { crc32 } from "../src/model/archive";

const TESTS = path.resolve(import.meta.dirname, "../../../tests");
const UNCASED = path.resolve(TESTS, "../keras_bert/data/bert_base_uncased_vocab.txt");

/** Returns a golden file of tests/web. */
export function golden(name: string): any {
  return JSON.parse(unzipped(`web/${name}.json.gz`));
}

export interface GoldenRow {
  text: string;
  [vocabulary: string]: any;
}

/** The golden lines of the tokenizers: {"text": ..., "uncased": {"pieces": ..., "ids": ...}, ...}. */
export const goldenRows: GoldenRow[] = linesOf(unzipped("data/tokenizer_golden.jsonl.gz")).map(
  (line) => JSON.parse(line),
);

/** Whether the text of each vocabulary is lower-cased. */
export const LOWER_CASE: Record<string, boolean> = {
  uncased: true, cased: false, chinese: true, multilingual: false,
};

/** Returns a vocabulary of the golden lines. */
export function vocabulary(name: string): string[] {
  if (name === "uncased") return linesOf(fs.readFileSync(UNCASED, "utf8"));
  return linesOf(unzipped(`data/tokenizer_vocab_${name}.txt.gz`));
}

/** Returns the checksum that Python's `checksum` has of a value. */
export function checksum(value: unknown): number {
  return crc32(new TextEncoder().encode(JSON.stringify(value)));
}

/** Returns a function from the places of a text in UTF-16 to those that Python counts. */
export function inPython(text: string): (index: number) => number {
  const places = new Int32Array(text.length + 1);
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    places[i] = count;
    if (text.codePointAt(i)! > 0xffff) places[++i] = count;
    count++;
  }
  places[text.length] = count;
  return (index) => places[index];
}

/** Returns the numbers that Python's `golden_tasks.numbers` has. */
export function numbers(seed: number, count: number): Float32Array {
  const salt = Math.imul(seed + 1, 0x85ebca6b);
  return Float32Array.from({ length: count }, (_, i) => {
    let mixed = Math.imul(i + 1, 0x9e3779b1) ^ salt;
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x2c1b3c6d);
    mixed ^= mixed >>> 12;
    return ((mixed >>> 0) % 1000) / 1000;
  });
}

function unzipped(name: string): string {
  return zlib.gunzipSync(fs.readFileSync(path.join(TESTS, name))).toString("utf8");
}

function linesOf(content: string): string[] {
  return content.replace(/\n$/, "").split("\n");
}
