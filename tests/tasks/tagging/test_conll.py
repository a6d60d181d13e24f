"""CoNLL files of every layout, texts to be tagged, and what is wrong with files."""

import gzip
import io
import random

import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.splitting import hold_out
from keras_bert.tasks.tagging.conll import read_conll, write_conll
from keras_bert.tasks.tagging.files import read_words
from keras_bert.tasks.tagging.sentences import sentences_of

TABS = """-DOCSTART-\tO

EU\tB-ORG
rejects\tO
\t
New York\tB-LOC


#\tO
tag\tO
"""


@pytest.fixture
def file(tmp_path):
    def write(text, name="a.conll"):
        path = tmp_path / name
        data = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    return write


@pytest.mark.parametrize("name", ["a.conll", "a.conll.gz", "a.txt", "noname"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tabs(file, name, end):
    path = file("\ufeff" + TABS.replace("\n", end), name)
    found = read_conll(path)
    assert found.path == path
    assert found.words == [["EU", "rejects"], ["New York"], ["#", "tag"]]
    assert found.tags == [["B-ORG", "O"], ["B-LOC"], ["O", "O"]]
    assert found.lines == [3, 6, 9]
    assert found.word_lines == [[3, 4], [6], [9, 10]]
    assert found.texts is found.word_offsets is None
    assert len(found) == 3


CONLL_2003 = """-DOCSTART- -X- -X- O

EU NNP  B-NP B-ORG
lamb   NN I-NP O\x20
-DOCSTART- -X- O
# # O O
the DT B-NP O"""


@pytest.mark.parametrize(
    ("column", "tags"),
    [
        (None, [["B-ORG", "O"], ["O", "O"]]),
        ("4", [["B-ORG", "O"], ["O", "O"]]),
        ("2", [["NNP", "NN"], ["#", "DT"]]),
        (3, [["B-NP", "I-NP"], ["O", "B-NP"]]),
    ],
)
def test_spaces_and_a_chosen_column(file, column, tags):
    found = read_conll(file(CONLL_2003), column)
    assert found.words == [["EU", "lamb"], ["#", "the"]]
    assert found.tags == tags


def test_comments_have_another_number_of_columns_and_stand_before_a_sentence(file):
    # As in MultiCoNER and GermEval 2014.
    found = read_conll(file("# id 07\tdomain=en\nthe _ _ O\n\n# id 08\nend _ _ O\n# _ _ O\n"))
    assert found.words == [["the"], ["end", "#"]]
    assert read_conll(file("#\thttp://a.b\t[2009]\nAuf\tO\n")).words == [["Auf"]]
    with pytest.raises(InputError, match=r":2: 3 columns, expected 2"):
        read_conll(file("the O\n# id 08\n"))  # within a sentence
    with pytest.raises(InputError, match=r":3: 1 columns, expected 2"):
        read_conll(file("the O\n\n#hashtag\n"))


def test_comments_before_every_sentence_may_have_as_many_columns_as_the_words(file):
    found = read_conll(file("# sent1\nAnn B-PER\nran O\n\n# sent2\n# O\nHe O\n"))
    assert found.words == [["Ann", "ran"], ["#", "He"]]
    assert found.tags == [["B-PER", "O"], ["O", "O"]]
    assert found.lines == [2, 6]
    # Words: they say the same, or end in tags, or do not stand before every sentence.
    assert read_conll(file("# SYM\na X\n\n# SYM\n")).words == [["#", "a"], ["#"]]
    assert read_conll(file("# O\na O\n\n# B-PER\n")).words == [["#", "a"], ["#"]]
    assert read_conll(file("# x\na O\n\nb O\n")).words == [["#", "a"], ["b"]]


def test_documents_begin_in_whatever_column_the_word_stands(file):
    found = read_conll(file("O -DOCSTART-\n\nB-PER John\nO ran\n"), 1, word_column=2)
    assert found.words == [["John", "ran"]]


def test_other_whitespace_than_tab_and_space_is_of_the_word(file):
    words = ["a\u3000b", "\u3000", "c\u00a0", "d\x0ce", "f\u2028g", "h\x85"]
    path = file("".join(f"{word} X\n" for word in words))
    assert read_conll(path).words == [words]


def test_written_sentences_are_read_back(file):
    rng = random.Random(0)
    alphabet = "ab#.-é漢🙂\u3000\u200b\u2028 "
    words, tags = [], []
    for _ in range(300):
        chosen = [
            "x" + "".join(rng.choice(alphabet) for _ in range(rng.randint(0, 4))).rstrip(" ")
            for _ in range(rng.randint(1, 6))
        ]
        words.append(chosen)
        tags.append([rng.choice(["O", "B-a b", "I-漢"]) for _ in chosen])
    output = io.StringIO()
    write_conll(output, words, tags)
    found = read_conll(file(output.getvalue()))
    assert (found.words, found.tags) == (words, tags)
    with pytest.raises(ValueError, match="zip"):
        write_conll(io.StringIO(), [["a", "b"]], [["O"]])


def test_what_is_written(file):
    output = io.StringIO()
    write_conll(output, [["a", "b"], ["c"]], [["O", "X"], ["Y"]])
    assert output.getvalue() == "a\tO\nb\tX\n\nc\tY\n\n"


def test_take_and_keys(file):
    found = read_conll(file("The O\nend X\n\nA O\n\nthe X\nEnd X\n"))
    part = found.take([2, 0])
    assert part.words == [["the", "End"], ["The", "end"]]
    assert part.tags == [["X", "X"], ["O", "X"]]
    assert part.lines == [6, 1]
    assert part.keys() == ["the end", "the end"]
    assert part.texts is None
    held, rest = hold_out(found, 0.5, seed=1)
    assert not set(held.keys()) & set(rest.keys())
    assert len(held) + len(rest) == 3


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a\tO\nb\n", None, r"a\.conll:2: 1 columns, expected 2 as on line 1, separated by tabs"),
        ("a O\nb O O\n", None, r"a\.conll:2: 3 columns, expected 2 .* separated by spaces"),
        ("\na O\nb\tO\n", None, r"a\.conll:3: 1 columns, expected 2 as on line 2"),
        ("a\tO\nb\t \n", None, r"a\.conll:2: the tag, column 2, is empty"),
        ("a\nb\n", None, r"a\.conll:1: one column, expected a word and its tag"),
        ("", None, r"a\.conll: no sentences"),
        ("\n \n-DOCSTART- O\n\n", None, r"a\.conll: no sentences"),
        ("a O\n", "3", r"a\.conll:1: 2 columns, so there is no tag_column=3"),
        ("a O\n", "1", r"a\.conll:1: column 1 is the word itself: give tag_column"),
        ("a O\n", "0", r"a\.conll:1: tag_column=0 is not the number of a column"),
        ("a O\n", "upos", r"a\.conll:1: tag_column=upos is not the number of a column"),
        ("a O\n", "²", r": tag_column=² is not the number of a column"),
        ("a O\n", "9" * 5000, r"is not the number of a column"),
        (b"a O\nb\xff O\n", None, r"a\.conll:2: not UTF-8 \(byte 0xff at byte 2"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(file, text, column, message):
    with pytest.raises(InputError, match=message) as error:
        read_conll(file(text), column)
    assert "\n" not in str(error.value)


# As GermEval 2014 has them: a number, the word, the outer and the inner tag.
NUMBERED = "#\thttp://a.de\t[2009]\n1\tIn\tO\tO\n2\tUlm\tB-LOC\tO\n\n1\tJa\tO\tO\n"


def test_the_word_may_stand_in_another_column(file):
    found = read_conll(file(NUMBERED, "a.tsv"), "3", word_column="2")
    assert found.words == [["In", "Ulm"], ["Ja"]]
    assert found.tags == [["O", "B-LOC"], ["O"]]
    assert found.lines == [2, 5]
    assert read_words(file(NUMBERED, "a.tsv"), "2").words == found.words


@pytest.mark.parametrize(
    ("text", "word", "message"),
    [
        (NUMBERED, "5", r"a\.conll:2: 4 columns, so there is no word_column=5"),
        (NUMBERED, "0", r"a\.conll:2: word_column=0 is not the number of a column"),
        (NUMBERED, "form", r"a\.conll:2: word_column=form is not the number of a column"),
        (NUMBERED, "4", r"a\.conll:2: column 4 is the word itself: give tag_column"),
        ("1\ta" + "\t_" * 8 + "\n", "2", r": word_column=2: the word of CoNLL-U is always FORM"),
    ],
)
def test_a_column_that_is_no_word(file, text, word, message):
    with pytest.raises(InputError, match=message):
        read_conll(file(text), word_column=word)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_conll(tmp_path / "none.conll")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.conll", "a O\nb NOUN\n"),
        ("a.CONLL.gz", "a O\nb NOUN\n"),
        ("a.char.bmes", "a\nb\n"),  # a word a line, without tags
        ("a.conllu", "# text = a b\n1\ta\t_\t_\t_\t_\t_\t_\t_\t_\n2\tb\t_\t_\t_\t_\t_\t_\t_\t_\n"),
        ("a.txt", "1\ta\t_\t_\t_\t_\t_\t_\t_\t_\n2\tb\t_\t_\t_\t_\t_\t_\t_\t_\n"),
        ("a.txt", "-DOCSTART- O\n\na O\nb B-PER\n"),
        ("a.txt", "a\tX\nb\tY\n"),
    ],
)
def test_words_to_be_tagged_come_from_conll_without_its_tags(file, name, text):
    found = read_words(file(text, name))
    assert found.words == [["a", "b"]]
    assert found.tags is None


@pytest.mark.parametrize("text", ["hello world", "b c\nd e", "a b\tX\nc\tX", "a O\nb", "a b c"])
def test_other_files_are_texts(file, text):
    lines = text.split("\n")
    found = read_words(file(text, "a.txt"))
    assert found.texts == lines
    assert found.lines == list(range(1, len(lines) + 1))


def test_texts_have_offsets_and_lines(file):
    found = read_words(file("Don't!  Él\tgo\n\n 北京 3月\n", "texts.txt"))
    assert found.texts == ["Don't!  Él\tgo", " 北京 3月"]
    assert found.words == [["Do", "n't", "!", "Él", "go"], ["北", "京", "3", "月"]]
    assert found.lines == [1, 3]
    assert found.word_lines == [[1] * 5, [3] * 4]
    for text, words, offsets in zip(found.texts, found.words, found.word_offsets):
        assert [text[start:end] for start, end in offsets] == words
    assert found.take([1]).word_offsets == [[(1, 2), (2, 3), (4, 5), (5, 6)]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t\.txt: no texts"),
        ("\n \n", r"t\.txt: no texts"),
        ("a\n\n\u200b\n", r"t\.txt:3: '\\u200b' is a text without words"),
        (b"a\n\xff\n", r"t\.txt:2: not UTF-8"),
    ],
)
def test_what_is_wrong_with_texts(file, text, message):
    with pytest.raises(InputError, match=message):
        read_words(file(text, "t.txt"))


def test_a_text_is_a_string():
    with pytest.raises(InputError, match="the texts:2: a text must be a string, not int"):
        sentences_of("the texts", ["a", 5], [1, 2])


@pytest.mark.parametrize("content", ["\x1f", "\x1f\n\n# a\n", "\x1c\x1d\n", "John O\n\n\x1f\n"])
def test_lines_of_separators_that_unicode_calls_white_space(content, tmp_path):
    path = tmp_path / "x.conll"
    path.write_text(content)
    with pytest.raises(InputError, match=r"x.conll"):
        read_conll(path)
