"""Makes apps/web/src/text/word_letters.ts: what JavaScript's tables of characters do not have.

python tests/web/make_tables.py
"""

import pathlib
import sys
import unicodedata

from keras_bert.tasks.question_answering.word_bounds import belongs_to_word

OUTPUT = pathlib.Path(__file__).parents[2] / "apps/web/src/text/word_letters.ts"
HEAD = """\
// Made by tests/web/make_tables.py of Unicode {version}: letters whose names begin with LATIN,
// GREEK or CYRILLIC, as bounds: a first letter, the code point after the last, and so on.
export const LETTERS_OF_WORDS = [
"""


def letter_bounds():
    """Returns the bounds of the runs of letters of `word_bounds.belongs_to_word`."""
    bounds, inside = [], False
    for code in range(sys.maxunicode + 1):
        is_letter = unicodedata.category(chr(code))[0] == "L" and belongs_to_word(chr(code))
        if is_letter != inside:
            bounds.append(code)
            inside = is_letter
    return bounds


def main():
    text = HEAD.format(version=unicodedata.unidata_version)
    line = " "
    for bound in letter_bounds():
        item = f" 0x{bound:x},"
        if len(line) + len(item) > 100:
            text, line = text + line + "\n", " "
        line += item
    OUTPUT.write_text(text + line + "\n];\n")


if __name__ == "__main__":
    main()
