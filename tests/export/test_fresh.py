"""Models in processes of their own: what they cost, and that a device's needs no TensorFlow."""

import json

import numpy as np
import pytest
from task_models import make_bert, write_data

import keras_bert
from keras_bert.errors import InputError
from keras_bert.export import benchmark_schemes, verify
from keras_bert.export.export import export
from keras_bert.export.fresh import FreshProcess
from keras_bert.export.recipes import QUANTIZATIONS
from keras_bert.export.runners import open_exported
from keras_bert.export.timing import alternating, distribution, random_inputs


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fresh")
    bert = make_bert("regression")
    bert.save(folder / "model")
    data = write_data("regression", bert, folder)
    path = folder / "m.tflite"
    export(bert, output=path, format="tflite", quantize="dynamic", verify=False)
    return {"folder": folder, "bert": bert, "data": data, "tflite": path}


def test_a_device_file_runs_without_tensorflow(work):
    inputs = [random_inputs(open_exported(work["tflite"]), 48)] * 2
    with FreshProcess(work["tflite"], 2, inputs) as process:
        assert process.cold_start_ms > 0
        assert process.run(1) > 0
        number = process._process.pid
        with open(f"/proc/{number}/maps") as file:
            libraries = file.read()
        assert "ai_edge_litert" in libraries
        assert "libtensorflow" not in libraries
        peak = process.peak_bytes()
        with open(f"/proc/{number}/status") as file:
            found = dict(line.split(":", 1) for line in file)
        assert 0 < peak <= 1024 * int(found["VmHWM"].split()[0])
        assert peak >= 1024 * int(found["VmRSS"].split()[0]) / 2
    assert process._process.returncode == 0


def test_what_fails_there_is_said_here(work, tmp_path):
    inputs = [random_inputs(open_exported(work["tflite"]), 48)]
    broken = tmp_path / "m.tflite"
    broken.write_bytes(work["tflite"].read_bytes()[:2000])
    with pytest.raises(InputError, match=r"m\.tflite: holds no keras_bert\.json"):
        FreshProcess(broken, 1, inputs)
    with FreshProcess(work["tflite"], 1, inputs) as process:
        with pytest.raises(InputError, match="list index out of range"):
            process.run(1)
        assert process.run(0) > 0  # it goes on
        process._process.kill()
        with pytest.raises(InputError, match=r"m\.tflite: ended the process that ran it"):
            process.run(0)


def test_how_times_are_distributed():
    found = distribution([float(ms) for ms in range(101)])
    assert found == {
        "median_ms": 50.0, "p10_ms": 10.0, "p90_ms": 90.0, "p99_ms": 99.0, "min_ms": 0.0,
    }  # fmt: skip
    order = []
    calls = {name: lambda name=name: order.append(name) or 1.0 for name in "ab"}
    assert alternating(calls, 3)["b"]["median_ms"] == 1.0
    assert "".join(order) == "aaabbb" + "ababab"


@pytest.mark.slow
def test_costs_of_every_format(work):
    folder, data = work["folder"], work["data"]
    others = {"onnx": "m.onnx", "saved_model": "saved"}
    for kind, name in others.items():
        export(work["bert"], output=folder / name, format=kind, verify=False)
    paths = [work["tflite"], *(folder / name for name in others.values())]
    result, lines = keras_bert.verify(work["bert"], paths, data, max_drop=0.5)
    for each in (result["model"], *result["files"]):
        assert set(each["latency_ms"]) == {"1", "2"}
        assert all(ms > 0 for ms in each["latency_ms"].values())
        assert each["cold_start_ms"] > 0
    peaks = [each["peak_bytes"] for each in result["files"]]
    assert max(peaks[:2]) < peaks[2] / 2  # TensorFlow
    assert [each.strip() for each in lines[0].split("  ") if each][-4:] == [
        "ms, 1 thread", "2 threads", "cold start ms", "peak MB",
    ]  # fmt: skip


def test_costs_of_one_file_are_asked_for(cli, work, monkeypatch):
    def measured(paths, inputs):
        assert paths[None] == str(work["folder"] / "model")
        assert paths.keys() == inputs.keys()
        return {
            name: {"latency_ms": {"1": ms, "2": ms / 2}, "cold_start_ms": 400.0, "peak_bytes": 5e7}
            for name, ms in zip(paths, (8.0, 2.0), strict=True)
        }

    monkeypatch.setattr(verify, "measure_costs", measured)
    flags = [f"--model={work['folder'] / 'model'}", f"--data={work['data']}", "--max_drop=0.5"]
    found = cli("verify", *flags, f"--exported={work['tflite']}", "--costs", "--json")
    assert found.status == 0, found.err
    result = json.loads(found.out.splitlines()[-1])
    assert (result["model_ms"], result["exported_ms"]) == (8, 2)
    assert result["latency_ms"] == {"1": 2, "2": 1}
    assert {"exported", "files", "model"}.isdisjoint(result)
    (row,) = (line for line in found.err.splitlines() if line.startswith("m.tflite"))
    assert row.split()[-4:] == ["2.00", "1.00", "400", "50"]


@pytest.mark.slow
def test_benchmark_against_other_runtimes(cli, work):
    model = work["folder"] / "model"
    rivals = "onnxruntime,onnxruntime_int8,tensorflow"
    found = cli(
        "benchmark", f"--model={model}", f"--against={rivals},{work['tflite']}", "--threads=1,2",
        "--length=8,16", "--repeats=3", "--json",
    )  # fmt: skip
    assert found.status == 0, found.err
    result = json.loads(found.out.splitlines()[-1])
    assert result["threads"] == [1, 2]
    names = [str(model), *rivals.split(","), str(work["tflite"])]
    cases = [(r["model"], r["length"], r["threads"]) for r in result["models"]]
    assert cases == [
        (name, 48 if name.endswith(".tflite") else length, threads)
        for threads in (1, 2)
        for length in (8, 16)
        for name in names
    ]
    for row in result["models"]:
        order = [row[name] for name in ("min_ms", "p10_ms", "median_ms", "p90_ms", "p99_ms")]
        assert 0 < order[0]
        assert order == sorted(order)
        assert row["cold_start_ms"] > 0 < row["peak_bytes"]
    sizes = {row["model"]: row["bytes"] for row in result["models"]}
    assert sizes["onnxruntime_int8"] < 0.9 * sizes["onnxruntime"]


@pytest.mark.slow
def test_schemes_of_one_model(cli, work, tmp_path):
    picture = tmp_path / "schemes.png"
    flags = [f"--model={work['folder'] / 'model'}", f"--data={work['data']}"]
    found = cli("benchmark", "--schemes", *flags, f"--picture={picture}", "--json")
    assert found.status == 0, found.err
    result = json.loads(found.out.splitlines()[-1])
    rows = {each["exported"]: each for each in result["files"]}
    assert {"none", "float16", "dynamic", "onnxruntime", "onnxruntime_int8"} <= set(rows)
    assert rows["none"]["exported_bytes"] > rows["float16"]["exported_bytes"]
    assert rows["dynamic"]["exported_bytes"] < rows["float16"]["exported_bytes"]
    assert rows["none"]["drop"] == pytest.approx(0, abs=1e-6)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "passed" not in found.err
    np.testing.assert_array_less(0, [each["exported_ms"] for each in result["files"]])


def test_schemes_with_a_calibration(cli, work, monkeypatch):
    """Those that measure no ranges are written too, without it; a broken one is refused."""
    chosen = {}

    def written(bert, path, settings, layout):
        chosen[settings.quantize] = settings.calibration
        raise InputError("enough")

    monkeypatch.setattr(benchmark_schemes, "written", written)
    data = str(work["data"])
    flags = ["--schemes", f"--model={work['folder'] / 'model'}", f"--data={data}"]
    assert cli("benchmark", *flags, f"--calibration={data}").status == 2
    assert chosen == {name: None if name in ("none", "float16") else data for name in QUANTIZATIONS}
    chosen.clear()
    found = cli("benchmark", *flags, "--calibration=none.csv")
    assert (found.status, len(found.err.splitlines())) == (2, 1), found.err
    assert "none.csv: no such file or folder" in found.err
    assert not chosen


# === What is refused ===


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--threads=1,0"], "--threads=0: expected 1 or more"),
        (["--threads="], "--threads: is empty"),
        (["--threads=1,1"], "--threads=1,1: a number stands there twice"),
        (["--threads=100000"], "--threads=100000: expected 256 or less"),
        (["--against=a.tflite,a.tflite"], "--against=a.tflite,a.tflite: a model is named twice"),
        (["--length=16,2"], "--length=2: expected 3 or more"),
        (["--length=a"], "--length=a: expected numbers with commas between them, such as 16,64"),
        (["--against=none.tflite"], "none.tflite: no such file or folder"),
        (["--data=x.csv"], "--data=x.csv: is for --schemes"),
        (["--schemes"], "--data: labelled data is needed to compare schemes"),
        (["--schemes", "--data=none.csv"], "none.csv: no such file or folder"),
        (["--schemes", "--data=x.csv", "--threads=2"], "--threads=2: is not for --schemes"),
        (["--schemes", "--data=x.csv", "--against=a"], "--against=a: is not for --schemes"),
        (["--schemes", "--data=x.csv", "--noprocesses"], "--noprocesses: is not for --schemes"),
    ],
)
def test_wrong_settings_of_benchmark(cli, work, flags, message):
    found = cli("benchmark", f"--model={work['folder'] / 'model'}", *flags)
    assert (found.status, len(found.err.splitlines())) == (2, 1), found.err
    assert message in found.err


def test_rivals_are_made_from_a_folder(cli, work):
    found = cli("benchmark", f"--model={work['tflite']}", "--against=onnxruntime")
    assert found.status == 2
    assert "--against=onnxruntime: is made from a model folder: give it as --model" in found.err
