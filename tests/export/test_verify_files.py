"""`verify` of several files at once: one table, and one verdict for all."""

import json
import shutil

import numpy as np
import pytest
from task_models import make_bert, perturbed, write_data

import keras_bert
from keras_bert.errors import InputError
from keras_bert.export.export import export
from keras_bert.export.verify_picture import noise_panels, panels_of_files
from keras_bert.export.verify_report import aligned
from keras_bert.tasks.panels import Bars, Grid


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A tagger and two files: of itself, and of a model that has lost much."""
    folder = tmp_path_factory.mktemp("files")
    bert = make_bert("tagging")
    bert.save(folder / "model")
    made = {"format": "onnx", "verify": False}
    export(bert, output=folder / "same.onnx", **made)
    export(perturbed(bert), output=folder / "worse.onnx", **made)
    return {"folder": folder, "bert": bert, "data": write_data("tagging", bert, folder)}


def test_each_file_is_as_if_it_were_alone(work):
    folder, bert, data = work["folder"], work["bert"], work["data"]
    paths = [str(folder / name) for name in ("same.onnx", "worse.onnx")]
    result, lines = keras_bert.verify(bert, paths, data, max_drop=0.05, costs=False)
    assert [each["exported"] for each in result["files"]] == paths
    assert [each["passed"] for each in result["files"]] == [True, False]
    assert result["passed"] is False
    for path, each in zip(paths, result["files"], strict=True):
        alone, _ = keras_bert.verify(bert, path, data, max_drop=0.05)
        measured = ("model_ms", "exported_ms", "timed_length")
        assert {k: v for k, v in each.items() if k not in ("exported", *measured)} == {
            k: v for k, v in alone.items() if k not in measured
        }
        scores, _ = keras_bert.evaluate(path, data=data)
        assert each["exported_scores"]["f1"] == scores["f1"]
    assert lines[0].split() == "f1 points lost same difference MB".split()
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["model", "1.0000"], ["same.onnx", "1.0000"],
        *([path.rsplit("/")[-1], f"{each['exported_scores']['f1']:.4f}"]
          for path, each in list(zip(paths, result["files"]))[1:]),
    ]  # fmt: skip
    assert lines[4].startswith("40 examples; ms for one row of ")
    assert [line.split(":")[0] for line in lines[5:]] == ["same.onnx", "worse.onnx"]
    assert lines[5].endswith("f1 lost: 0.00 points: passed (at most 5.00 may be lost)")
    assert "failed (at most 5.00 may be lost)" in lines[6]


def test_one_that_fails_is_named_and_the_status_is_1(cli, work):
    folder = work["folder"]
    flags = [f"--model={folder / 'model'}", f"--data={work['data']}", "--nocosts", "--json"]
    exported = f"--exported={folder / 'same.onnx'},{folder / 'worse.onnx'}"
    found = cli("verify", *flags, exported)
    assert found.status == 1
    result = json.loads(found.out.splitlines()[-1])
    assert [each["passed"] for each in result["files"]] == [True, False]
    last = found.err.splitlines()[-1]
    assert "worse.onnx: f1 fell by" in last
    assert "same.onnx" not in last


def test_a_comma_in_a_name(cli, work, tmp_path):
    path = tmp_path / "a, b c.onnx"
    shutil.copy(work["folder"] / "same.onnx", path)
    flags = [f"--model={work['folder'] / 'model'}", f"--data={work['data']}", "--json"]
    found = cli("verify", *flags, f"--exported={path}")
    assert found.status == 0, found.err
    assert json.loads(found.out.splitlines()[-1])["agreement"] == 1


def test_wrong_lists_of_files(cli, work):
    folder = work["folder"]
    flags = [f"--model={folder / 'model'}", f"--data={work['data']}"]
    same = folder / "same.onnx"
    for exported, more, message in [
        (f"{same},none.onnx", [], "none.onnx: no such file or folder"),
        (f"{same},{same}", [], "a file is named twice"),
        (f"{same},", [], "--exported: is empty"),
        (
            f"{same},{folder / 'worse.onnx'}",
            ["--disagreements=d.csv"],
            "--disagreements=d.csv: is for one exported file",
        ),
    ]:
        found = cli("verify", *flags, f"--exported={exported}", *more)
        assert (found.status, len(found.err.splitlines())) == (2, 1), found.err
        assert message in found.err
    with pytest.raises(InputError, match="exported: is empty"):
        keras_bert.verify(work["bert"], [], work["data"])


def test_panels_of_several_files(work):
    files = [
        {
            "exported": f"out/{name}", "model_scores": {"f1": 0.9}, "exported_scores": {"f1": f1},
            "model_bytes": 4e6, "exported_bytes": 1e6, "model_ms": 3.0, "exported_ms": 1.5,
        }
        for name, f1 in (("a.tflite", 0.89), ("b.onnx", 0.9))
    ]  # fmt: skip
    score, size, latency = panels_of_files(files, work["bert"].task, "f1")
    names = ["model", "a.tflite", "b.onnx"]
    assert score == Bars(names, {"f1": [0.9, 0.89, 0.9]}, "score")
    assert size.series == {"MB": [4.0, 1.0, 1.0]}
    assert latency.shown == {"ms": ["3.00", "1.50", "1.50"]}
    (grid,) = noise_panels({"Q": [40.0, None], "GELU": [30.0, 20.0]}, "a.tflite")
    assert isinstance(grid, Grid)
    assert (grid.rows, grid.columns) == (["Q", "GELU"], ["0", "1"])
    np.testing.assert_array_equal(grid.values, [[40, np.nan], [30, 20]])
    assert noise_panels({}, "a.tflite") == []


def test_columns_stand_below_each_other():
    assert aligned([["", "a"], ["long name", "10"], ["b", "2.5"]]) == [
        "             a",
        "long name   10",
        "b          2.5",
    ]
