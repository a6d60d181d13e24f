"""JSON of every layout that is one table: lines, a list, `data` of an object, pretty-printed."""

import json

import pandas
import pytest
from said import said_by

from keras_bert.errors import InputError
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import get_task
from keras_bert.tasks.tables import read_table

ROWS = [{"text": "a\u2028é", "label": 1}, {"text": "b", "label": 0, "more": [1]}, {"text": "c"}]
LAYOUTS = {
    "lines": "\n".join(map(json.dumps, ROWS)),
    "blank lines": "\n\n".join(map(json.dumps, ROWS)) + "\n\n",
    "list": json.dumps(ROWS),
    "pretty list": json.dumps(ROWS, indent=4),
    "data": json.dumps({"version": "1", "data": ROWS}),
    "pretty data": "\n" + json.dumps({"data": ROWS, "version": {"a": 1}}, indent=1),
    "pretty objects": "\n".join(json.dumps(row, indent=2) for row in ROWS),
}


def make(tmp_path, content, name="a.json"):
    path = tmp_path / name
    path.write_bytes(content.encode())
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson", "a"])
def test_every_layout_has_the_same_rows_without_a_guess(tmp_path, layout, name):
    table, lines = said_by(read_table, make(tmp_path, LAYOUTS[layout], name))
    assert [row.fields for row in table.rows] == ROWS
    assert (table.columns, lines) == (["text", "label", "more"], [])
    numbers = [1, 3, 5] if layout == "blank lines" else [1, 2, 3]
    assert [row.line for row in table.rows] == numbers


@pytest.mark.parametrize("orient", ["records", "lines"])
def test_what_pandas_writes_row_by_row(tmp_path, orient):
    frame = pandas.DataFrame({"text": ["a", 'b "c"'], "label": [1, 0]})
    path = tmp_path / "a.json"
    frame.to_json(path, orient="records", lines=orient == "lines", indent=None)
    assert [row.fields for row in read_table(path).rows] == frame.to_dict("records")


@pytest.mark.parametrize("orient", ["columns", "index", "split", "table"])
def test_what_pandas_writes_otherwise_is_refused_with_the_way_out(tmp_path, orient):
    frame = pandas.DataFrame({"text": ["a", "b"], "label": [1, 0]})
    path = tmp_path / "a.json"
    frame.to_json(path, orient=orient)
    if orient == "table":  # an object with the rows as `data`
        assert [row.fields["text"] for row in read_table(path).rows] == ["a", "b"]
        return
    with pytest.raises(InputError, match="orient='records'|no text column"):
        get_task("classification").read(path, FileLayout())


def test_another_list_beside_the_data_is_said(tmp_path):
    whole = {"data": ROWS[:1], "test": ROWS[1:], "names": ["x"]}
    table, lines = said_by(read_table, make(tmp_path, json.dumps(whole)))
    assert len(table.rows) == 1
    assert [line.split(": ", 1)[1] for line in lines] == [
        "the rows are those of `data`; the lists test are left out"
    ]
    assert table.head == {"test": ROWS[1:], "names": ["x"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "an empty list: no rows"),
        ('[{"text": "a"}, 5]', r"a\.json:entry 2: expected a JSON object, found int"),
        ('[{"text": "a"},\n {"text": "b"},\n]', r"a\.json:3: not readable JSON|a\.json:1: "),
        ('{\n "text": "a",\n "label": }', r"a\.json:3: not readable JSON"),
        ('[\n{"text": "a"},\n{"text": "b', r"a\.json:3: the file ends within its JSON"),
        ('[\n{"text": "a"},', r"a\.json:2: the file ends within its JSON"),
        ('{"train": [{"text": "a"}], "dev": [{"text": "b"}]}', "with the lists train, dev: write"),
        ('[{"text": "\\ud800"}]', r"a\.json:entry 1: a lone surrogate"),
        ('{"text": "a"}\n[{"text": "b"}]', r"a\.json:2: expected a JSON object, found list"),
        ('{"text": "a"} {"text": "b"}\n5', r"a\.json:entry 3: expected a JSON object, found int"),
        ("[[1]]", r"a\.json:1: expected a JSON object, found list"),
    ],
)
def test_what_is_wrong_is_named_by_line_or_entry(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as caught:
        read_table(make(tmp_path, content))
    assert "\n" not in str(caught.value)
