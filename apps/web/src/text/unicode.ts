// The classes of characters that BERT's tokenizer and the tasks need, as Python's `unicodedata` has
// them. A code point that is younger than the tables of a browser, or of a Python, counts as a letter
// there; see tests/characters.test.ts.

export const CONTROL = 1;
export const SPACE = 2;
export const PUNCTUATION = 4;
/** A non-spacing mark, which `strip_accents` drops. */
export const ACCENT = 8;
export const CJK = 16;
/** Any mark: spacing, non-spacing or enclosing. */
export const MARK = 32;
/** str.isalpha() */
export const ALPHA = 64;
/** str.isalnum() */
export const ALNUM = 128;
/** str.isupper() of the one character */
export const UPPER = 256;
/** What Rust's regular expressions call \w. */
export const RUST_WORD = 512;
const KNOWN = 1 << 15;

const CJK_RANGES = [
  [0x4e00, 0x9fff],
  [0x3400, 0x4dbf],
  [0x20000, 0x2a6df],
  [0x2a700, 0x2b73f],
  [0x2b740, 0x2b81f],
  [0x2b820, 0x2ceaf],
  [0xf900, 0xfaff],
  [0x2f800, 0x2fa1f],
];

/** What `str.isspace` and \s of Python's `re` mean; JavaScript's \s lacks five and has U+FEFF. */
export const PYTHON_SPACE =
  "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

const found = new Uint16Array(0x110000);

/** Returns the classes of a code point, a sum of the constants above. */
export function classesOf(code: number): number {
  return found[code] || (found[code] = computed(code));
}

function computed(code: number): number {
  const char = String.fromCodePoint(code);
  const is = (pattern: RegExp, kind: number) => (pattern.test(char) ? kind : 0);
  const ends = char === "\t" || char === "\n" || char === "\r";
  return (
    KNOWN |
    (ends ? 0 : code === 0xfffd ? CONTROL : is(/[\p{Cc}\p{Cf}]/u, CONTROL)) |
    (ends ? SPACE : is(/\p{Z}/u, SPACE)) |
    (code < 0x80 ? is(/[!-/:-@[-`{-~]/, PUNCTUATION) : is(/\p{P}/u, PUNCTUATION)) |
    is(/\p{Mn}/u, ACCENT) |
    (CJK_RANGES.some(([first, last]) => first <= code && code <= last) ? CJK : 0) |
    is(/\p{M}/u, MARK) |
    is(/\p{L}/u, ALPHA) |
    is(/[\p{L}\p{N}]/u, ALNUM) |
    is(/\p{Uppercase}/u, UPPER) |
    is(/[\p{L}\p{N}\p{M}\p{Pc}\u200c\u200d]/u, RUST_WORD)
  );
}

/** Returns whether the code point at an index of a text is of a class. */
export function isAt(text: string, index: number, kind: number): boolean {
  return (classesOf(text.codePointAt(index)!) & kind) !== 0;
}

/** Returns the index after the character at an index. */
export function after(text: string, index: number): number {
  return index + (text.codePointAt(index)! > 0xffff ? 2 : 1);
}

/** Returns the index of the character before an index, which is above 0. */
export function before(text: string, index: number): number {
  const low = text.charCodeAt(index - 1);
  if (index < 2 || low < 0xdc00 || low > 0xdfff) return index - 1;
  const high = text.charCodeAt(index - 2);
  return high >= 0xd800 && high <= 0xdbff ? index - 2 : index - 1;
}

/** Returns the number of code points, as Python's `len` counts. */
export function lengthInPython(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i = after(text, i)) count++;
  return count;
}

const ONE_SPACE = new RegExp(`[${PYTHON_SPACE}]`);
const BETWEEN = new RegExp(`[${PYTHON_SPACE}]+`);

/** str.strip() */
export function stripped(text: string): string {
  // No `[...]+$`: at a long run of spaces inside a text it would begin anew at each of them.
  let start = 0;
  let end = text.length;
  while (start < end && ONE_SPACE.test(text[start])) start++;
  while (start < end && ONE_SPACE.test(text[end - 1])) end--;
  return text.slice(start, end);
}

/** str.split() */
export function splitAtSpaces(text: string): string[] {
  return text.split(BETWEEN).filter((part) => part);
}
