"""CoNLL-U: multiword tokens, empty nodes, comments, and where words stand in the text."""

import gzip

import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.tagging.conll import read_conll


def line(number, form, upos="X", misc="_", xpos="xx"):
    return f"{number}\t{form}\tlemma\t{upos}\t{xpos}\tA=b|C=d\t0\troot\t_\t{misc}\n"


# Multiword tokens at the start and end, one of which is not spelled by its words; an empty node
# before the first word and one within; a word with a space, a "#" that is a word.
GOLDEN = (
    "# newdoc id = d1\n"
    "# sent_id = s1\n"
    "# text = Don't  go du  1 000 #!\n"
    + line("0.1", "E", "VERB")
    + line("1-2", "Don't", "_")
    + line("1", "Do", "AUX")
    + line("2", "n't", "PART")
    + line("3", "go", "VERB")
    + line("3.1", "E", "VERB")
    + line("4-5", "du", "_")
    + line("4", "de", "ADP")
    + line("5", "le", "DET")
    + line("6", "1 000", "NUM")
    + line("7", "#", "SYM", "SpaceAfter=No")
    + line("8", "!", "PUNCT", "SpaceAfter=No|Translit=!")
    + "\n"
    + "# sent_id = s2\n# text_en = no text of its own\n"
    + line("1-3", "abc", "_", "SpaceAfter=No")
    + line("1", "a", "A")
    + line("2", "b", "B")
    + line("3", "c", "C")
    + line("4", ".", "PUNCT")
    + line("5", "_", "X")
    + "\n"
)


@pytest.fixture
def file(tmp_path):
    def write(text, name="a.conllu"):
        path = tmp_path / name
        data = text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    return write


@pytest.mark.parametrize("name", ["a.conllu", "a.conllu.gz", "noname"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_golden(file, name, end):
    found = read_conll(file(GOLDEN.replace("\n", end), name))
    assert found.words == [
        ["Do", "n't", "go", "de", "le", "1 000", "#", "!"],
        ["a", "b", "c", ".", "_"],
    ]
    assert found.tags == [
        ["AUX", "PART", "VERB", "ADP", "DET", "NUM", "SYM", "PUNCT"],
        ["A", "B", "C", "PUNCT", "X"],
    ]
    assert found.lines == [6, 20]
    assert found.word_lines[0] == [6, 7, 8, 11, 12, 13, 14, 15]
    assert found.texts == ["Don't  go du  1 000 #!", "abc. _"]
    places = [
        [text[start:end] for start, end in offsets]
        for text, offsets in zip(found.texts, found.word_offsets)
    ]
    assert places == [
        ["Do", "n't", "go", "du", "du", "1 000", "#", "!"],
        ["a", "b", "c", ".", "_"],
    ]


@pytest.mark.parametrize(
    ("column", "tag"),
    [(None, "X"), ("upos", "X"), ("4", "X"), ("XPOS", "xx"), (5, "xx"), ("feats", "A=b|C=d"),
     ("lemma", "lemma"), ("deprel", "root"), ("deps", "_"), ("10", "_")],
)  # fmt: skip
def test_a_column_by_name_or_number(file, column, tag):
    assert read_conll(file(line("1", "a") + line("2", "b")), column).tags == [[tag, tag]]


def test_a_text_that_the_words_do_not_spell_gives_way_to_the_words(file):
    for text in ("a x", "ab c", "a", ""):
        found = read_conll(file(f"# text = {text}\n" + line("1", "a") + line("2", "b")))
        assert found.texts == ["a b"]
        assert found.word_offsets == [[(0, 1), (2, 3)]]


def test_words_without_tags(file):
    found = read_conll(file(line("1", "a", "_")), labelled=False)
    assert (found.words, found.tags, found.texts) == ([["a"]], None, ["a"])


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("1\ta\tb\n", None, r"a\.conllu:1: 3 columns, expected 10"),
        ("1 a lemma X xx _ 0 root _ _\n", None, r"a\.conllu:1: 1 columns, expected 10"),
        (line("1", "a") + line("x", "b"), None, r"a\.conllu:2: ID 'x' is not a number"),
        (line("1", "a") + line("3", "b"), None, r"a\.conllu:2: ID 3 where 2 comes next"),
        (line("1", "a") + line("1", "b"), None, r":2: ID 1 where 2 .* a blank line ends"),
        (line("2", "a"), None, r":1: ID 2 where 1 comes next"),
        (line("1-2", "ab") + line("1", "a"), None, r":2: the sentence ends before word 2"),
        (line("1-2", "ab") + line("1", "a") + "\n", None, r":3: the sentence ends before word 2"),
        (line("1-2", "ab") + line("1-2", "ab"), None, r":2: ID 1-2 where 1 comes next"),
        (line("1", "a") + line("2-1", "b"), None, r":2: range 2-1 runs backwards"),
        (line("1", "") + "\n", None, r":1: FORM, column 2, is empty"),
        (line("1-2", " ") + "\n", None, r":1: FORM, column 2, is empty"),
        (line("1", "a", ""), None, r":1: UPOS, column 4, is empty"),
        (line("1", "a", "_"), None, r":1: UPOS is '_', which means not annotated"),
        (line("1", "a", xpos="_"), "xpos", r":1: XPOS is '_', which means not annotated"),
        ("# only = comments\n\n", None, r"a\.conllu: no sentences"),
        (line("1", "a"), "form", r": tag_column=form is the word itself"),
        (line("1", "a"), "1", r": tag_column=1 is the word itself or its number"),
        (line("1", "a"), "11", r": tag_column=11 is not the number of a column or one of id, form"),
        (line("1", "a"), "pos", r": tag_column=pos is not the number of a column or one of"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(file, text, column, message):
    with pytest.raises(InputError, match=message) as error:
        read_conll(file(text), column)
    assert "\n" not in str(error.value)
