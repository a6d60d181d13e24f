// Every character that Python's tables know is of the same classes here.
import { expect, test } from "vitest";
import * as unicode from "../src/text/unicode";
import { belongsToWord } from "../src/text/word_bounds";
import { crc32 } from "../src/model/archive";
import { golden } from "./golden";

const file = golden("characters");
const codes: number[] = [];
for (let i = 0; i < file.assigned.length; i += 2)
  for (let code = file.assigned[i]; code <= file.assigned[i + 1]; code++) codes.push(code);

// Characters that a later Unicode has put into another class, and what each side has depends on its
// version; of all others the classes are the same from Unicode 14 to 17.
const CHANGED: Record<string, string[]> = { ACCENT: ["U+1171e"] };

const SPACE_OF_STR = new RegExp(`[${unicode.PYTHON_SPACE}]`);
const kinds: Record<string, (code: number) => boolean> = {
  "word letter": belongsToWord,
  "space of str": (code) => SPACE_OF_STR.test(String.fromCodePoint(code)),
};
for (const [name, kind] of Object.entries(unicode))
  if (typeof kind === "number") kinds[name] = (code) => (unicode.classesOf(code) & kind) !== 0;

test("the golden file has all classes", () => {
  expect(codes.length).toBeGreaterThan(140_000);
  expect(Object.keys(kinds).sort()).toEqual(Object.keys(file.classes).sort());
});

test.each(Object.keys(file.classes))("%s", (name) => {
  const bounds = new Set<number>(file.classes[name]);
  const differ: string[] = [];
  let holds = false;
  for (const code of codes) {
    if (bounds.has(code)) holds = !holds;
    if (kinds[name](code) !== holds) differ.push(`U+${code.toString(16)}`);
  }
  expect(differ.filter((code) => !CHANGED[name]?.includes(code))).toEqual([]);
});

test("characters in lower case", () => {
  const lower = new Map<number, string>(file.lower);
  const differ = codes.filter((code) => {
    const char = String.fromCodePoint(code);
    return char.toLowerCase() !== (lower.get(code) ?? char);
  });
  expect(differ.map((code) => `U+${code.toString(16)}`)).toEqual([]);
});

test("decomposed characters", () => {
  const found: [number, string][] = [];
  for (const code of codes) {
    const char = String.fromCodePoint(code);
    if (char.normalize("NFD") !== char) found.push([code, char.normalize("NFD")]);
  }
  // Python writes characters beyond ASCII as \u0000.
  const ascii = JSON.stringify(found).replace(/[^\x00-\x7f]/g, (unit) =>
    `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  expect([found.length, crc32(new TextEncoder().encode(ascii))]).toEqual(file.decomposed);
});
