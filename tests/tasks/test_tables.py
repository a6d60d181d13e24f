"""Reading CSV, TSV and JSON lines: what must work, and what must be refused with its line."""

import gzip
import json
import os
import re
import threading

import pytest

from keras_bert.errors import InputError, settings_are_flags
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.sequence.texts import read_examples
from keras_bert.tasks.tables import read_table


def make(tmp_path, name, content):
    path = tmp_path / name
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def fields(path, **kwargs):
    return [list(row.fields.values()) for row in read_table(path, **kwargs).rows]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_csv_follows_rfc_4180(tmp_path, name):
    path = make(tmp_path, name, 'label,text\r\n1,"a, ""b""\r\nnext line"\r\n0,plain\r\n')
    assert fields(path) == [["1", 'a, "b"\r\nnext line'], ["0", "plain"]]
    assert [row.line for row in read_table(path).rows] == [3, 4]


def test_tsv_keeps_quotes_and_odd_line_separators(tmp_path):
    path = make(tmp_path, "a.tsv", 'text\tlabel\n"quoted" \u2028 \x0c x\t1\nit\'s "\t0\n')
    assert fields(path) == [['"quoted" \u2028 \x0c x', "1"], ["it's \"", "0"]]


def test_byte_order_mark_and_blank_lines(tmp_path):
    path = make(tmp_path, "a.tsv", b"\xef\xbb\xbftext\tlabel\r\n\r\na\t1\r\n")
    assert read_table(path).columns == ["text", "label"]
    assert fields(path) == [["a", "1"]]


def test_json_lines(tmp_path):
    path = make(tmp_path, "a.jsonl.gz", '{"text": "é", "label": 2}\n\n{"text": "b", "label": 3}\n')
    assert fields(path) == [["é", 2], ["b", 3]]


def test_columns_name_a_file_without_header(tmp_path):
    path = make(tmp_path, "no_extension", "ham\thello\nspam\twin\n")
    assert fields(path, columns=["label", "text"]) == [["ham", "hello"], ["spam", "win"]]


def test_format_is_told_by_content_where_the_name_is_silent(tmp_path):
    rows = '{"text": "a", "label": "x"}\n'
    assert fields(make(tmp_path, "data", rows)) == [["a", "x"]]
    assert fields(make(tmp_path, "data2", "text,label\na,x\n")) == [["a", "x"]]


@pytest.mark.parametrize(
    ("columns", "pair"),
    [
        ("sentence\tlabel", ["sentence"]),
        ("index\tsentence1\tsentence2\tlabel", ["sentence1", "sentence2"]),
        ("Quality\t#1 ID\t#1 String\t#2 String", ["#1 String", "#2 String"]),
        ("premise\thypothesis\tgold_label", ["premise", "hypothesis"]),
    ],
)
def test_usual_column_names_are_found(tmp_path, columns, pair):
    names = columns.split("\t")
    path = make(tmp_path, "a.tsv", columns + "\n" + "\t".join(f"value {n}" for n in names) + "\n")
    examples = read_examples(path)
    assert examples.texts == [f"value {pair[0]}"]
    assert examples.texts_b == ([f"value {pair[1]}"] if len(pair) == 2 else None)
    assert len(examples.labels) == 1


def test_labels_may_be_numbers_and_booleans_in_json(tmp_path):
    rows = [{"text": "a", "label": value} for value in (0, 1, True, " x ")]
    path = make(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    assert read_examples(path).labels == ["0", "1", "true", "x"]


BAD = {
    "empty.csv": ("", "empty"),
    "lines.csv": ("\n\n", "blank lines only"),
    "lines.tsv": ("\n\n", "blank lines only"),
    "lines.jsonl": ("\n\n", "no rows"),
    "only_header.csv": ("text,label\n", "no rows"),
    "many.csv": ("text,label\na,1\nb,c,0\n", r"many\.csv:3: 3 fields where there are 2 columns"),
    "few.tsv": ("text\tlabel\na\n", r"few\.tsv:2: 1 fields where there are 2 columns"),
    "quote.csv": ('text,label\na,1\n"b,0\nc,1\n', r"quote\.csv:4: broken CSV"),
    "latin.csv": (b"text,label\na,1\ncaf\xe9,0\n", r"latin\.csv:3: not UTF-8 \(byte 0xe9"),
    "twice.csv": ("text,text\na,1\n", "same name"),
    "blank.csv": ("text,label\na,1\n  ,0\n", r"blank\.csv:3: text is empty"),
    "nolabel.csv": ("text,label\na,\n", r"nolabel\.csv:2: label is empty"),
    "column.csv": ("words,label\na,1\n", r"no text column .*words, label"),
    "nolabelcolumn.csv": ("text,kind\na,1\n", r"no label column .*text, kind"),
    "a.jsonl": ('{"text": "a", "label": 1}\n{"text": \n', r"a\.jsonl:2: not a JSON object"),
    "b.jsonl": ("[1]\n", r"b\.jsonl:1: expected a JSON object, found list"),
    "c.jsonl": ('{"text": "a", "label": 1}\n{"label": 1}\n', r"c\.jsonl:2: text must be a text"),
    "d.jsonl": ('{"text": 5, "label": 1}\n', r"d\.jsonl:1: text must be a text, not 5"),
    "e.jsonl": (
        '{"text": "a", "label": null}\n',
        r"e\.jsonl:1: label is missing: leave the row out",
    ),
    "f.jsonl": ("[" * 100_000 + "\n", r"f\.jsonl:1: not a JSON object"),
    "g.jsonl": ('{"text": "a", "label": ' + "9" * 5000 + "}\n", r"g\.jsonl:1: not a JSON object"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_with_file_and_line(tmp_path, name):
    content, message = BAD[name]
    with pytest.raises(InputError, match=message) as caught:
        read_examples(make(tmp_path, name, content))
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_gzip_file_cut_short_is_refused(tmp_path):
    data = gzip.compress(b"text,label\n" + b"some words,1\n" * 5000)
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"cut\.csv\.gz: cannot be read"):
        read_table(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_table(tmp_path)


def test_an_asked_column_that_is_missing_is_refused(tmp_path):
    path = make(tmp_path, "a.csv", "text,label\na,1\n")
    for role in ("text_column", "text_b_column", "label_column"):
        with pytest.raises(InputError, match="no column 'body'; its columns are text, label"):
            read_examples(path, FileLayout(**{role: "body"}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "a", "label": "x\\ny"}\n', "label has several lines"),
        ('{"text": "a", "label": 1.5}\n', "whole number.* not 1.5"),
        ('{"text": "a \\ud800", "label": 1}\n', ":1: a lone surrogate"),
    ],
)
def test_texts_and_labels_that_no_exported_file_could_hold_are_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read_examples(make(tmp_path, "a.jsonl", content))


def test_a_surrogate_pair_is_a_character(tmp_path):
    path = make(tmp_path, "a.jsonl", '{"text": "\\ud83d\\ude00", "label": 1}\n')
    assert read_examples(path).texts == ["😀"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["text", "label"], r"a\.csv:1: this line is a header: leave out columns"),
        (["text", "text"], "names a column twice"),
        (["a", "b", "c"], r"a\.csv:1: 2 fields .*columns names all"),
    ],
)
def test_columns_that_do_not_fit_the_file_are_refused(tmp_path, columns, message):
    with pytest.raises(InputError, match=message):
        read_examples(make(tmp_path, "a.csv", "text,label\na,1\n"), FileLayout(columns=columns))


def test_columns_are_not_for_json_lines(tmp_path):
    with pytest.raises(InputError, match=": columns is for CSV and TSV"):
        read_examples(
            make(tmp_path, "a.jsonl", '{"text": "a", "label": 1}\n'), FileLayout(columns=["a", "b"])
        )


def test_messages_spell_settings_as_their_reader_does(tmp_path):
    path = make(tmp_path, "a.csv", "body,label\na,1\n")
    columns = "no text column .* its columns are body, label: name it with {0}text_column, or, .* "
    with pytest.raises(InputError, match=columns.format("") + "with columns$"):
        read_examples(path)
    with settings_are_flags(), pytest.raises(InputError) as found:
        read_examples(path)
    assert re.search(columns.format("--") + "with --columns$", str(found.value))
    with settings_are_flags(), pytest.raises(InputError, match=r"csv: --columns=a,a names a col"):
        read_table(path, ["a", "a"])


def test_one_column_is_not_read_as_two_things(tmp_path):
    path = make(tmp_path, "a.csv", "text,label\na,1\n")
    for asked in ({"text_column": "label"}, {"text_column": "text", "text_b_column": "text"}):
        with pytest.raises(InputError, match="used twice"):
            read_examples(path, FileLayout(**asked))


def test_a_pipe_is_read(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(gzip.compress(b"text\na\nb\n"),))
    writer.start()
    assert read_examples(path, labelled=False).texts == ["a", "b"]
    writer.join()
