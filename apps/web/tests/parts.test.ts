// Parts of the tasks that whole answers seldom reach: Python's results, and bad files.
import { expect, test } from "vitest";
import { highest } from "../src/tasks/span_scores";
import { entitiesOf } from "../src/tasks/tags";
import { splitWords } from "../src/tasks/word_rows";
import { golden, numbers } from "./golden";

const file = golden("parts");

test.each(file.splits as [number[], number, number, number[][]][])(
  "words of %j pieces in rows of %i, overlap %i",
  (sizes, room, overlap, expected) => {
    const found = splitWords(sizes, room, overlap);
    expect(found.map((r) => [r.start, r.end, r.readStart, r.readEnd])).toEqual(expected);
  },
);

test.each(file.entities as [string[], [string, number, number][]][])("entities of %j", (tags, expected) => {
  expect(entitiesOf(tags, "bio").map((e) => [e.type, e.first, e.end])).toEqual(expected);
  expect(entitiesOf(tags, "none")).toEqual([]);
});

test.each([1, 7, 100, 999])("the %i highest of many scores, with ties", (count) => {
  const scores = Float64Array.from(numbers(3, 5000));
  scores.fill(-Infinity, 100, 200);
  const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
  const least = scores[order[count - 1]];
  expect(highest(scores, count)).toEqual(order.filter((i) => scores[i] >= least));
});
