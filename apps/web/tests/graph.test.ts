// What is read out of the graph of a file; files with an open length are in tests/web.
import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { hasOpenLength, isQuantized, withLength } from "../src/model/graph";
import { numbers } from "./golden";

const SENTIMENT = path.resolve(import.meta.dirname, "../../models/sentiment/sentiment.tflite");
const shipped = new Uint8Array(fs.readFileSync(SENTIMENT));

test("the shipped model", () => {
  expect(isQuantized(shipped)).toBe(true);
  if (!hasOpenLength(shipped)) expect(withLength(shipped, 16)).toEqual(shipped);
});

test("a damaged graph is no endless loop, and no error: LiteRT.js says what is wrong", () => {
  // The tables that are read stand at the start and, of tensors, near the end of the graph.
  for (let seed = 0; seed < 60; seed++) {
    const damaged = shipped.slice(0, 200_000);
    const places = numbers(seed, 200);
    places.forEach((at, i) => (damaged[Math.floor(at * (seed % 2 ? 400 : damaged.length))] = i));
    expect([hasOpenLength(damaged), isQuantized(damaged)]).toHaveLength(2);
    expect(withLength(damaged, 16).length).toBe(damaged.length);
  }
  expect(hasOpenLength(new Uint8Array(8))).toBe(false);
});
