"""CSV and TSV as spreadsheets and pandas write them: separators, quotes, padding, encodings."""

import csv
import gzip
import io
import random
import warnings

import pandas
import pytest
from said import said_by

from keras_bert.errors import InputError
from keras_bert.guesses import Guess
from keras_bert.tasks import decoding
from keras_bert.tasks.decoding import decoded_lines
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.sequence.texts import read_examples
from keras_bert.tasks.tables import read_table

ROWS = [["so good, really", "1"], ["bad; dull", "0"], ['a "quoted" word', "1"], ["two\nlines", "0"]]


def make(tmp_path, content, name="a.csv"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def written(rows, separator, header=("text", "label"), **options):
    file = io.StringIO()
    csv.writer(file, delimiter=separator, lineterminator="\n", **options).writerows([header, *rows])
    return file.getvalue()


def rows_of(table):
    return [list(row.fields.values()) for row in table.rows]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_the_separator_is_found_and_said(tmp_path, separator, quoting):
    path = make(tmp_path, written(ROWS, separator, quoting=quoting))
    table, lines = said_by(read_table, path)
    assert (table.columns, rows_of(table)) == (["text", "label"], ROWS)
    assert rows_of(table) == pandas.read_csv(path, sep=separator, dtype=str).to_numpy().tolist()
    named = {";": "separator=;", "\t": "separator=tab", "|": "separator=|"}
    assert any(named.get(separator, "\0") in line for line in lines) == (separator != ",")
    # What is said is no guess.
    for spelled in (separator, *(["tab", "\\t"] if separator == "\t" else [])):
        assert said_by(read_table, path, separator=spelled)[1] == []
        assert rows_of(read_table(path, separator=spelled)) == ROWS


def test_a_separator_that_is_common_in_the_texts_is_not_that_of_the_fields(tmp_path):
    rows = [[f"one; two; {n}", "x|y"] for n in range(9)]
    table, lines = said_by(read_table, make(tmp_path, written(rows, ",")))
    assert (rows_of(table), lines) == (rows, [])
    rows = [[f"one, two, {n}", "1"] for n in range(9)]
    table, lines = said_by(read_table, make(tmp_path, written(rows, ";")))
    assert (rows_of(table), len(lines)) == (rows, 1)


def test_one_broken_row_is_named_by_the_separator_of_the_others(tmp_path):
    text = "text;label\n" + "a, b;1\n" * 5 + "a; b;0\n" + "c;1\n"
    with pytest.warns(Guess), pytest.raises(InputError, match=":7: 3 fields .* holds a semicolon"):
        read_table(make(tmp_path, text))


def test_without_a_header_the_number_of_columns_decides(tmp_path):
    path = make(tmp_path, "1;so good, really\n0;bad\n")
    table, lines = said_by(read_table, path, columns=["label", "text"])
    assert rows_of(table) == [["1", "so good, really"], ["0", "bad"]]
    assert len(lines) == 1


@pytest.mark.parametrize("start", ["sep=;\r\n", '"sep=;"\n', "\ufeffsep=;\r\n", "SEP=;\n"])
def test_a_line_of_excel_that_says_the_separator_is_no_guess(tmp_path, start):
    table, lines = said_by(read_table, make(tmp_path, start + "label;text\n1;a, b\n"))
    assert (rows_of(table), lines) == ([["1", "a, b"]], [])
    assert table.rows[0].line == 3


@pytest.mark.parametrize("value", ["::", "", "a", '"', "\n", "space"])
def test_what_cannot_separate_is_refused(value):
    with pytest.raises(InputError, match="separator.*expected one character"):
        FileLayout(separator=value)


def test_a_separator_is_not_for_json(tmp_path):
    path = make(tmp_path, '{"text": "a"}\n', "a.jsonl")
    with pytest.raises(InputError, match="separator is for CSV and TSV"):
        read_table(path, separator=";")


def test_padding_of_a_spreadsheet_is_left_out_and_counted(tmp_path):
    text = 'v1,v2,,,\nham,hi,,,\nspam,"win, now",really,!,\n,,,,\n , ,,,\n'
    table, lines = said_by(read_table, make(tmp_path, text))
    assert table.columns == ["v1", "v2"]
    assert rows_of(table) == [["ham", "hi"], ["spam", "win, now"]]
    (line,) = lines
    assert "3 columns without a name, with text in 1 row; 2 rows of empty fields" in line
    table, lines = said_by(read_table, make(tmp_path, "a,b\n1,2,\n3,4,,\n5,6\n"))
    assert rows_of(table) == [["1", "2"], ["3", "4"], ["5", "6"]]
    assert "the empty fields after the last column of 2 rows" in lines[0]
    with pytest.raises(InputError, match=":1: no column has a name"):
        read_table(make(tmp_path, ",,\n1,2,3\n"))
    with pytest.raises(InputError, match="same name"):
        read_table(make(tmp_path, "a,a,,\n1,2,,\n"))


def test_the_index_that_pandas_writes_is_no_guess(tmp_path):
    frame = pandas.DataFrame({"text": ["a", "b"], "label": ["x", "y"]})
    path = tmp_path / "a.csv"
    frame.to_csv(path)
    table, lines = said_by(read_table, path)
    assert (table.columns, lines) == (["text", "label"], [])
    assert rows_of(table) == [["a", "x"], ["b", "y"]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_encodings_with_a_mark_and_every_line_end(tmp_path, encoding, end, name):
    text = "text,label\nä 漢 \u2028 🙂,1\nb,0\n".replace("\n", end)
    mark = "\ufeff" if encoding.endswith(("le", "be")) else ""
    data = (mark + text).encode(encoding)
    table, lines = said_by(
        read_table, make(tmp_path, gzip.compress(data) if name.endswith("gz") else data, name)
    )
    assert (rows_of(table), lines) == ([["ä 漢 \u2028 🙂", "1"], ["b", "0"]], [])
    assert [row.line for row in table.rows] == [2, 3]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("text,label\ncafé,1\n".encode("latin-1"), ":2: not UTF-8 .byte 0xe9 at byte 4.*iconv"),
        ("text,label\na,1\n".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        ("text,label\na,1\n".encode("utf-16") + b"x", "its byte order mark says UTF-16"),
        ("text,label\na,1\n".encode("utf-32"), "is UTF-32 text"),
        (b"PK\x03\x04...", "is a ZIP file, such as Excel's .xlsx"),
        (b"PAR1...", "is a Parquet file"),
        (b"\n <!DOCTYPE html><html>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer.*git lfs pull"),
        (b";;;\n;;;\n", "no text column"),
        (b"sep=;\n", "blank lines only"),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path, data, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Guess)
        with pytest.raises(InputError, match=message) as caught:
            read_examples(make(tmp_path, data))
    assert "\n" not in str(caught.value)


def test_a_file_is_read_up_to_a_size(tmp_path, monkeypatch):
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"a" * 2_000_000))
    with pytest.raises(InputError, match="holds more than 1000 bytes: split it"):
        list(decoded_lines(path, most_bytes=1000))
    assert len(list(decoded_lines(path))) == 2
    monkeypatch.setattr(decoding, "MOST_ROWS", 5)
    for name, text in (
        ("a.csv", "text\n" + "a\n" * 6),
        ("a.tsv", "a\tb\n" + "a\tb\n" * 6),
        ("a.jsonl", '{"text": "a"}\n' * 6),
    ):
        with pytest.raises(InputError, match="more than 5 rows: split the file"):
            read_table(make(tmp_path, text, name))


def test_tsv_of_pandas_is_read_without_its_quotes_and_that_is_said(tmp_path):
    rng = random.Random(0)
    alphabet = ["a", "b ", '"', '""', "\t", "\n", "\r\n", "'", ",", "é", " "]
    path = tmp_path / "a.tsv"
    quoted = 0
    for _ in range(200):
        texts = ["x" + "".join(rng.choices(alphabet, k=rng.randint(0, 8))) for _ in range(4)]
        frame = pandas.DataFrame({"text": texts, "label": list("0101")})
        frame.to_csv(path, sep="\t", index=False, lineterminator="\n")
        table, lines = said_by(read_table, path)
        assert [row.fields["text"] for row in table.rows] == texts
        needs = any(sign in text for text in texts for sign in '"\t\n\r')
        assert bool(lines) == needs
        quoted += needs
    assert quoted > 100


@pytest.mark.parametrize(
    "line",
    [
        "it's 5\" wide\t1",
        '"quoted" words\t1',
        'he said "no\t1',
        '"good film"\t1',
        '""\t1',
        '" a "" b\t1',
        '"a" "b"\t1',
    ],
)
def test_quotes_of_glue_stay_byte_for_byte(tmp_path, line):
    # Beside a field that could be CSV's, one that could not.
    for rest in ("plain\t0\n", "plain\t0\n" * 2000):
        path = make(tmp_path, f"text\tlabel\n{line}\n{rest}", "a.tsv")
        table, lines = said_by(read_table, path)
        assert table.rows[0].fields["text"] == line.split("\t")[0]
        assert lines == []
    unbalanced = make(tmp_path, f'text\tlabel\n"a ""b"""\t1\n{line}\nx" y\t1\n', "a.tsv")
    assert said_by(read_table, unbalanced)[1] == []
    assert read_table(unbalanced).rows[0].fields["text"] == '"a ""b"""'


def test_usual_names_in_capitals_and_several_that_fit(tmp_path):
    path = make(tmp_path, "Review,LABEL\na,1\n")
    examples, lines = said_by(read_examples, path)
    assert (examples.texts, examples.labels, lines) == (["a"], ["1"], [])
    examples, lines = said_by(read_examples, make(tmp_path, "SENTENCE1,Sentence2,Label\na,b,1\n"))
    assert (examples.texts, examples.texts_b, lines) == (["a"], ["b"], [])
    examples, lines = said_by(read_examples, make(tmp_path, "Title,text,label,score\na,b,x,3\n"))
    assert (examples.texts, examples.labels) == (["b"], ["x"])
    assert [("text_column=text" in line, "label_column=label" in line) for line in lines] == [
        (True, False), (False, True),
    ]  # fmt: skip
    layout = FileLayout(text_column="text", label_column="label")
    path = make(tmp_path, "Title,text,label,score\na,b,x,3\n")
    assert said_by(read_examples, path, layout)[1] == []
    # A name that is written just so goes before one in capitals.
    assert read_examples(make(tmp_path, "TEXT,text,label\na,b,1\n")).texts == ["b"]
