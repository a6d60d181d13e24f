"""`--keep_tokens=auto`: what is tried, what is chosen, and what is refused."""

import functools
import types

import pytest
from said import said_by
from task_models import LENGTH, make_bert, write_data

from keras_bert.errors import InputError
from keras_bert.export import keep_tokens_search
from keras_bert.export.comparison import TaskComparison
from keras_bert.export.export import ExportSettings, export
from keras_bert.export.keep_tokens_search import choose, grid_lines, schedules
from keras_bert.export.runners import open_exported
from keras_bert.export.tflite import export_tflite
from keras_bert.tasks.file_layout import FileLayout

AUTO = {"format": "tflite", "output": "m.tflite", "keep_tokens": "auto"}


def test_what_is_tried():
    found = schedules(6, 384)
    assert len(found) == 12
    assert {(blocks, tokens) for blocks, tokens, _ in found} == {
        (blocks, tokens) for blocks in (1, 2, 3) for tokens in (128, 160, 192, 256)
    }
    for blocks, tokens, share in found:
        per_block = [384] * blocks + [tokens] * (6 - blocks)
        assert share == pytest.approx(sum(per_block) / (6 * 384))
    shares = [share for *_, share in found]
    assert shares == sorted(shares)
    assert found[0][:2] == (1, 128)
    assert schedules(1, 384) == []
    assert {blocks for blocks, *_ in schedules(2, 64)} == {1}
    assert all(1 <= blocks < 12 for blocks, *_ in schedules(12, 512))


class _Comparison:
    """The scores of files as a test wants them, by their schedules."""

    metrics, scores = ["f1"], {"f1": 80.0}

    def __init__(self, bert, task, examples):
        self.count = len(examples)

    def of(self, lost):
        scores = 80.0 - lost(self.count)
        drop = (80.0 - scores) / 100
        return {"count": self.count, "exported_scores": {"f1": scores}, "drop": drop}, None


def search(monkeypatch, lost, rows=1000, **settings):
    """Returns what `choose` returns where each schedule loses so many points, and what it said.

    Args:
        lost: function of blocks, tokens and the number of rows that returns points.
    """
    written = {}

    def write(bert, path, settings):
        with open(path, "x"):
            step = map(int, settings.keep_tokens.split(":"))
            written[path] = functools.partial(lost, *step)
        return {"rescaled": False}

    monkeypatch.setattr(keep_tokens_search, "TaskComparison", _Comparison)
    monkeypatch.setattr(keep_tokens_search, "open_exported", written.get)
    encoder = types.SimpleNamespace(num_hidden_layers=6)
    config = types.SimpleNamespace(max_length=384, encoder=encoder)
    bert = types.SimpleNamespace(config=config, task=types.SimpleNamespace(kind="question"))
    settings = ExportSettings(data="dev.json", **AUTO, **settings)
    examples = _Rows(rows)
    (found, comparison), notes = said_by(choose, bert, examples, settings, write)
    assert comparison is None if found["chosen"] is None else comparison.count == rows
    return found, notes


class _Rows(list):
    def __init__(self, count):
        super().__init__(range(count))

    def take(self, indices):
        assert len(set(indices)) == len(indices)
        assert (indices[0], indices[-1]) == (0, len(self) - 1)
        return _Rows(len(indices))


def test_the_fewest_tokens_that_lose_little_are_chosen(monkeypatch):
    # By the share of tokens: 1:128, 1:160, 2:128 … 2:160 is the first that keeps enough of all
    # rows; 1:192 does so on the first 300 only.
    lost = {(1, 128): 9.0, (1, 160): 3.0, (2, 128): 1.01}

    def points(blocks, tokens, rows):
        if (blocks, tokens) == (1, 192):
            return 0.2 if rows == 300 else 1.2
        return lost.get((blocks, tokens), 1.0)

    found, notes = search(monkeypatch, points, max_drop=0.01)
    assert found["chosen"] == "2:160"
    assert [each["keep_tokens"] for each in found["grid"]] == [
        "1:128", "1:160", "2:128", "1:192", "2:160",
    ]  # fmt: skip
    assert [each["passed"] for each in found["grid"]] == [False] * 4 + [True]
    assert [each["tokens"] for each in found["grid"]] == [128, 160, 128, 192, 160]
    assert [each["count"] for each in found["grid"]] == [300, 300, 300, 1000, 1000]
    assert found["not_tried"] == 7
    assert notes == [
        "keep_tokens=auto: tried on 300 of the 1000 rows, evenly spread: what passes there is "
        "compared on all"
    ]
    lines = grid_lines(found)
    assert lines[1].split() == ["1:128", "44.4%", "300", "80.0000", "71.0000", "9.00"]
    assert lines[-1] == (
        "chosen: 2:160, as at most 1.00 points of f1 may be lost; 7 that compute more tokens were "
        "not tried"
    )


def test_all_tokens_are_kept_where_every_choice_loses_too_much(monkeypatch):
    found, notes = search(monkeypatch, lambda *step: 2.0, rows=200, max_drop=0.01)
    assert (found["chosen"], len(found["grid"]), found["not_tried"]) == (None, 12, 0)
    assert notes == []
    assert grid_lines(found)[-1] == "chosen: all tokens, as at most 1.00 points of f1 may be lost"


def test_one_of_few_rows_may_be_lost_as_in_a_proof(monkeypatch):
    found, _ = search(monkeypatch, lambda *step: 5.0, rows=20, quantize="dynamic")
    assert found["grid"][0]["max_drop"] == pytest.approx(1 / 20)
    assert found["chosen"] == "1:128"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "keep_tokens=auto chooses by labelled rows of data=FILE, with which"),
        ({"data": "d.json", "verify": False}, "and verify=False compares nothing"),
        ({"data": "d.json", "length": "dynamic"}, "keep_tokens=auto needs a fixed length"),
        (
            {"data": "d.json", "quantize": "int8", "calibration": "c"},
            "keep_tokens=auto is not for quantize=int8",
        ),
        (
            {"data": "d.json", "output": "m.onnx", "format": "onnx"},
            "keep_tokens=auto is for format=tflite only",
        ),
        ({"data": "d.json", "keep_tokens": "automatic"}, "expected BLOCKS:TOKENS.* or auto"),
    ],
)
def test_what_it_needs(settings, words):
    with pytest.raises(InputError, match=words):
        ExportSettings(**{**AUTO, **settings})


@pytest.mark.slow
def test_an_answerer_leaves_out_what_it_may(tmp_path, monkeypatch):
    """The file is the one of the schedule that is said, and each score is that of such a file."""
    few, most = (1, 8, 0.44), (2, LENGTH - 1, 0.99)
    monkeypatch.setattr(keep_tokens_search, "schedules", lambda *_: [few, most])
    bert = make_bert("question_answering", encoder={"num_hidden_layers": 3})
    data = write_data("question_answering", bert, tmp_path)
    path, other = tmp_path / "m.tflite", tmp_path / "other.tflite"
    asked = {"format": "tflite", "data": data, "keep_tokens": "auto", "max_drop": 0.3}
    result = export(bert, output=path, **asked)
    found = result["keep_tokens"]
    export_tflite(bert, other, LENGTH, keep_tokens="1:8")
    examples = bert.task.read(data, FileLayout())
    expected, _ = TaskComparison(bert, bert.task, examples).of(open_exported(other))
    assert [each["passed"] for each in found["grid"]] == [False, True]
    assert found["grid"][0]["drop"] == pytest.approx(expected["drop"], abs=1e-9)
    assert found["grid"][1]["drop"] == pytest.approx(result["proof"]["drop"], abs=1e-9)
    assert found["chosen"] == result["proof"]["settings"]["keep_tokens"] == "2:47"
    assert result["ops"]["TOPK_V2"] > 0


def test_an_encoder_of_one_block_has_none_to_spare(tmp_path):
    bert = make_bert("question_answering")
    data = write_data("question_answering", bert, tmp_path)
    with pytest.raises(InputError, match="the encoder has 1 block for 48 tokens"):
        export(bert, data=data, **{**AUTO, "output": tmp_path / "m.tflite"})
    assert not (tmp_path / "m.tflite").exists()
