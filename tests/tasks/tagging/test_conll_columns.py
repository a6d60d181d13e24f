"""Where the word and the tag stand: columns that count, lines that name columns, CoNLL-U Plus."""

import pytest
from said import said_by

from keras_bert.errors import InputError
from keras_bert.tasks.tagging.conll import read_conll
from keras_bert.tasks.tagging.files import read_words


@pytest.fixture
def read(tmp_path):
    def read(text, name="a.conll", **columns):
        path = tmp_path / name
        path.write_text(text)
        return said_by(read_conll, path, **columns)

    return read


COUNTED = {
    "from 1": "1 In O\n2 Ulm B-LOC\n\n1 Ja O\n",
    "from 0": "0 In O\n1 Ulm B-LOC\n\n0 Ja O\n",
    "through the file": "7 In O\n8 Ulm B-LOC\n\n9 Ja O\n",
    "with a comment": "# sentence one\n1 In O\n2 Ulm B-LOC\n\n# sentence two\n1 Ja O\n",
}


@pytest.mark.parametrize("text", COUNTED.values(), ids=COUNTED)
@pytest.mark.parametrize("separator", [" ", "\t"])
def test_a_first_column_that_counts_is_no_word_and_that_is_said(read, text, separator):
    lines = [line if line.startswith("#") else line.replace(" ", separator) for line in
             text.split("\n")]  # fmt: skip
    found, said = read("\n".join(lines))
    assert found.words == [["In", "Ulm"], ["Ja"]]
    assert found.tags == [["O", "B-LOC"], ["O"]]
    assert [line.split(": ", 1)[1] for line in said] == [
        "word_column=2: the first column counts the words"
    ]
    assert read("\n".join(lines), word_column=2)[1] == []
    by_name, said = read("\n".join(lines), word_column=1)
    assert by_name.words[0][0].isdecimal()
    assert said == []


@pytest.mark.parametrize(
    "text",
    [
        "1 CD\n3 CD\n\n1 CD\n",
        "2 x CD\n3 x CD\n\n2 x CD\n",
        "1 x O\n\n1 y O\n",
        "1 x O\n2 y O\nz z O\n",
        "² x O\n³ y O\n",
        "1 x O\n2 y O\n\n3 z O\n\n1 a O\n",
    ],
)
def test_numbers_that_are_words_stay_words(read, text):
    found, said = read(text)
    assert [word for words in found.words for word in words] == [
        line.split()[0] for line in text.split("\n") if line
    ]
    assert said == []


def test_a_counted_word_without_a_tag_is_refused(read):
    with pytest.raises(InputError, match="column 2 is the word itself"):
        read("1\tIn\n2\tUlm\n\n1\tJa\n")


@pytest.mark.parametrize("text", ["token\tner\tx\n", "Word Tag x\n"])
def test_a_first_line_may_name_the_columns(read, text):
    separator = "\t" if "\t" in text else " "
    rows = [["Ada", "B-PER", "x"], ["ran", "O", "x"]]
    body = "".join(separator.join(row) + "\n" for row in rows)
    found, (line,) = read(f"{text}{body}\n{body}")
    assert found.words == [["Ada", "ran"]] * 2
    assert found.tags == [["B-PER", "O"]] * 2
    assert found.lines == [2, 5]
    assert "line 1 names the columns" in line
    assert read(f"{text}{body}", tag_column="x" if separator == "\t" else 3)[0].tags == [["x", "x"]]


PLUS = """# global.columns = ID FORM UPOS MISC TEST:NE
# text = Il va au bar.
1\tIl\tPRON\t_\tO
2\tva\tVERB\t_\tO
3-4\tau\t_\t_\t_
3\tà\tADP\t_\tO
4\tle\tDET\t_\tO
4.1\tx\t_\t_\t_
5\tbar\tNOUN\tSpaceAfter=No\tB-LOC
6\t.\tPUNCT\t_\tO

1\tNon\tINTJ\tSpaceAfter=No\tO
2\t!\tPUNCT\t_\tO
"""


@pytest.mark.parametrize("name", ["a.conllup", "a.conllu", "a.txt", "a"])
def test_conllu_plus_has_the_columns_that_it_names(read, name, tmp_path):
    found, said = read(PLUS, name)
    assert found.words == [["Il", "va", "à", "le", "bar", "."], ["Non", "!"]]
    assert found.tags == [["PRON", "VERB", "ADP", "DET", "NOUN", "PUNCT"], ["INTJ", "PUNCT"]]
    assert found.texts == ["Il va au bar.", "Non!"]
    assert found.word_offsets[0][2:5] == [(6, 8), (6, 8), (9, 12)]
    assert said == []
    found, _ = read(PLUS, name, tag_column="test:ne")
    assert found.tags[0] == ["O", "O", "O", "O", "B-LOC", "O"]
    assert read(PLUS, name, tag_column="5")[0].tags == found.tags
    assert read_words(tmp_path / name).words == found.words


def test_conllu_plus_without_numbers_and_upos(read):
    found, said = read("# global.columns = FORM NER\nAda\tB-PER\nran\tO\n\n", "a.conllup")
    assert (found.words, found.tags, said) == ([["Ada", "ran"]], [["B-PER", "O"]], [])


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("# global.columns = ID LEMMA\n1\ta\n", {}, "global.columns must name FORM"),
        ("# global.columns = FORM FORM\na\ta\n", {}, "each column once"),
        ("# global.columns = ID FORM X\n1\ta\n", {}, ":2: 2 columns, expected 3 as global.columns"),
        ("# global.columns = ID FORM\n1\ta\n", {}, "tag_column=form is the word itself"),
        ("# global.columns = ID FORM X\n1\ta\tx\n", {"tag_column": "upos"}, "id, form, x"),
        ("# global.columns = ID FORM X\n1\ta\tx\n", {"word_column": 2}, "is always FORM"),
        ("# global.columns = ID FORM X\n2\ta\tx\n", {}, ":2: ID 2 where 1 comes next"),
        ("# global.columns = ID FORM UPOS\n1\ta\t_\n", {}, "UPOS is '_', which means not annot"),
    ],
)
def test_what_is_wrong_with_conllu_plus(read, text, columns, message):
    with pytest.raises(InputError, match=message):
        read(text, "a.conllup", **columns)
