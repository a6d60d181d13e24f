// The tokenizer is Python's, on all golden lines and with all switches: ids and places.
import { describe, expect, test } from "vitest";
import { normalized } from "../src/tasks/squad";
import { wordsOf } from "../src/tasks/words";
import { Tokenizer, truncatedLengths } from "../src/text/tokenizer";
import { stripped } from "../src/text/unicode";
import { checksum, golden, goldenRows, inPython, LOWER_CASE, vocabulary } from "./golden";

const file = golden("tokenizers");

/** Returns the pieces of a text as Python writes them: ids, and places in code points. */
function piecesOf(tokenizer: Tokenizer, text: string): [number[], number[][]] {
  const { ids, starts, ends } = tokenizer.cut(text);
  const place = inPython(text);
  return [ids, ids.map((_, i) => [place(starts[i]), place(ends[i])])];
}

describe.each(Object.keys(LOWER_CASE))("golden lines, %s", (name) => {
  const tokenizer = new Tokenizer(vocabulary(name), { lower_case: LOWER_CASE[name] });

  test("ids", () => {
    const found = goldenRows.map(({ text }) => tokenizer.cut(text).ids);
    expect(found).toEqual(goldenRows.map((row) => row[name].ids));
  });

  test("places", () => {
    const found = goldenRows.map(({ text }) => checksum(piecesOf(tokenizer, text)[1]));
    const differ = goldenRows.filter((_, i) => found[i] !== file.offsets[name][i]);
    expect(differ.map((row) => row.text)).toEqual([]);
  });
});

describe.each(file.cases as [object, string[], [number[], number[][]][]][])(
  "switches %j",
  (switches, words, expected) => {
    const tokenizer = new Tokenizer(words, { ...switches });
    test.each((file.texts as string[]).map((text, i) => [text, expected[i]] as const))(
      "%j",
      (text, pieces) => expect(piecesOf(tokenizer, text)).toEqual(pieces),
    );
  },
);

const texts: string[] = [...file.phrases, ...file.texts];

test.each(texts.map((text, i) => [text, file.words[i]]))("words of %j", (text, words) => {
  const place = inPython(text);
  expect(wordsOf(text).map((span) => span.map(place))).toEqual(words);
});

test.each(texts.map((text, i) => [text, file.keys[i]]))("the key of %j", (text, key) =>
  expect(normalized(text)).toBe(key),
);

test("words of a tagger have a piece each", () => {
  const tokenizer = new Tokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##b"]);
  expect(tokenizer.cutWords(["ab", "\u200b", "AB", "c"])).toEqual([[4, 5], [1], [4, 5], [1]]);
});

test("of a token that is there twice the last id counts", () => {
  const tokenizer = new Tokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "", "a"]);
  expect(tokenizer.cut("a").ids).toEqual([6]);
});

test("200,000 characters", () => {
  const tokenizer = new Tokenizer(vocabulary("uncased"));
  const text = goldenRows
    .map((row) => row.text)
    .join(" ")
    .slice(0, 200_000)
    .padEnd(200_000, "naïve ");
  const { starts, ends } = tokenizer.cut(text);
  expect(starts.length).toBeGreaterThan(30_000);
  expect(starts.every((start, i) => start < ends[i] && (i === 0 || start >= starts[i - 1]))).toBe(
    true,
  );
});

test("one word of 200,000 characters is one token", () => {
  const tokenizer = new Tokenizer(vocabulary("uncased"));
  expect(tokenizer.cut("x".repeat(200_000))).toEqual({ ids: [100], starts: [0], ends: [200_000] });
});

test("a text of 500,000 spaces, or of as many endings, takes no longer than others", () => {
  const text = `a${" ".repeat(500_000)}b`;
  expect(stripped(`\n ${text} \x1c`)).toBe(text);
  expect(stripped(" \u3000")).toBe("");
  expect(wordsOf(`a${"'s".repeat(250_000)}`)).toHaveLength(250_001);
});

test.each([
  [{ lower_case: 1 }, "lower_case must be true or false"],
  [{ lower_case: null }, "lower_case must be true or false"],
  [{ max_chars_per_word: 0 }, "max_chars_per_word must be a positive whole number"],
  [{ upper_case: true }, "the tokenizer has no switch upper_case"],
  [{ added_tokens: {} }, "added_tokens must be a list"],
  [{ added_tokens: ["x"] }, "an added token must have a content"],
  [{ added_tokens: [{ content: "x" }] }, 'the added token "x" is not in the vocabulary'],
  [{ added_tokens: [{ content: "a", bold: true }] }, 'the added token "a": bold is not a flag'],
  [{ added_tokens: [{ content: "a" }, { content: "a" }] }, 'the added token "a" is there twice'],
  [{ added_tokens: [{ content: " " }] }, 'the added token " " is blank or of several lines'],
  [{ added_tokens: [{ content: "[SEP]", word_piece: false }] }, "word_piece must be true"],
])("a switch that is not fit: %j", (switches, message) => {
  const words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", " "];
  expect(() => new Tokenizer(words, switches)).toThrow(message);
});

test("a vocabulary without a special token", () => {
  expect(() => new Tokenizer(["[PAD]", "[UNK]", "[CLS]", "a"])).toThrow(
    "none of the 4 lines of the vocabulary is the token [SEP]",
  );
});

test("what is kept of a pair", () => {
  for (let a = 0; a < 9; a++)
    for (let b = 0; b < 9; b++)
      for (let length = 3; length < 12; length++) {
        // As the original does it, piece by piece.
        const kept = [a, b];
        while (kept[0] + kept[1] > length - 3) kept[kept[0] > kept[1] ? 0 : 1]--;
        expect(truncatedLengths(a, b, length)).toEqual(kept);
      }
  expect(() => truncatedLengths(1, 1, 2)).toThrow("no room for the special tokens");
});
