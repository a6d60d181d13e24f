"""`export` proves what it writes: in the file, in the card, and not at all under the gate."""

import dataclasses
import json
import os
import shutil
import zipfile

import numpy as np
import pytest
from exported_files import tampered
from said import said_by
from task_models import make_bert, write_data

import keras_bert
from keras_bert.errors import CheckFailed, InputError
from keras_bert.export import card_section
from keras_bert.export import export as export_module
from keras_bert.export.export import ExportSettings, export
from keras_bert.export.proof import gate_of
from keras_bert.export.recipes import RECIPES
from keras_bert.export.runners import open_exported
from keras_bert.tasks.file_layout import FileLayout

OUTPUTS = {"tflite": "m.tflite", "onnx": "m.onnx", "saved_model": "saved"}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with a regressor, right on all of its data, and one file of it in each format."""
    folder = tmp_path_factory.mktemp("proof")
    bert = make_bert("regression")
    bert.save(folder / "model")
    data = write_data("regression", bert, folder)
    proofs, plain = {}, folder / "plain.onnx"
    export(bert, output=plain, format="onnx", verify=False)
    for kind, name in OUTPUTS.items():
        made = export(folder / "model", data=data, output=folder / name, format=kind)
        proofs[kind] = made["proof"]
    return {"folder": folder, "bert": bert, "data": data, "proofs": proofs, "plain": plain}


@pytest.fixture
def unconverted(monkeypatch, work):
    """ONNX files are written in no time: they are copies of one."""

    def copied(bert, path, settings, layout):
        shutil.copy(work["plain"], path)
        return {"bytes": os.path.getsize(path)}

    monkeypatch.setattr(export_module, "written", copied)


@pytest.fixture
def coarse(monkeypatch):
    """Files answer with less than the model knows: all outputs are rounded to whole numbers."""
    from keras_bert.export.runners import Runner

    checked = Runner._checked

    def rounded(*args):
        return {name: values.round() for name, values in checked(*args).items()}

    monkeypatch.setattr(Runner, "_checked", rounded)


def inside(path, kind):
    """Returns the proof as other programs would read it."""
    if kind == "tflite":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            return json.loads(archive.read("proof.json"))
    if kind == "saved_model":
        return json.loads((path / "assets.extra" / "proof.json").read_text())
    import onnx

    model = onnx.load(path)
    onnx.checker.check_model(model)
    return json.loads({each.key: each.value for each in model.metadata_props}["proof.json"])


@pytest.mark.parametrize("kind", OUTPUTS)
def test_the_proof_is_in_the_file_and_true(work, kind):
    path = work["folder"] / OUTPUTS[kind]
    proof = inside(path, kind)
    assert proof == json.loads(json.dumps(work["proofs"][kind])) == open_exported(path).proof
    assert str(work["folder"]) not in json.dumps(proof)
    assert (proof["data"], proof["seen"], proof["count"]) == ("dev.jsonl", False, 40)
    # By the road of `evaluate`, which knows nothing of proofs.
    for which, model in (("exported_scores", path), ("model_scores", work["folder"] / "model")):
        scores, _ = keras_bert.evaluate(model, data=work["data"])
        for metric, value in proof[which].items():
            assert value == pytest.approx(scores[metric], abs=1e-6)
    assert proof["passed"]
    assert proof["drop"] <= proof["max_drop"]
    assert 0 <= proof["max_difference"] <= 1e-5
    assert proof["versions"]["keras-bert-toolkit"] == keras_bert.__version__
    assert proof["settings"] == {}
    if kind != "saved_model":
        added = path.stat().st_size - proof["bytes"]
        assert 0 < added < 3000


def test_the_file_works_as_before(work):
    path = work["folder"] / "m.tflite"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["vocab.txt", "keras_bert.json", "proof.json"]
    from ai_edge_litert.interpreter import Interpreter

    Interpreter(model_path=str(path)).allocate_tensors()
    result, _ = keras_bert.verify(work["bert"], path, work["data"], costs=False)
    assert result["passed"]
    assert result["max_difference"] == work["proofs"]["tflite"]["max_difference"]


def test_an_export_of_the_same_name_takes_the_row(work):
    text = (work["folder"] / "model" / "README.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| m.tflite |")]
    assert len(rows) == 1
    assert "| dev.jsonl, 40 rows | pearson: 1.0000 → 1.0000 | 100.00% |" in rows[0]
    assert text.count("## Exported files") == 1
    assert text.index("| m.tflite |") < text.index("| m.onnx |") < text.index("| saved |")


@pytest.mark.slow
def test_the_same_export_has_the_same_bytes(work, tmp_path):
    path = work["folder"] / "m.tflite"
    before, card = path.read_bytes(), work["folder"] / "model" / "README.md"
    text = card.read_text()
    export(work["folder"] / "model", data=work["data"], output=path, format="tflite")
    assert path.read_bytes() == before
    assert card.read_text() == text


def test_a_file_under_the_gate_is_not_left(cli, work, unconverted, coarse, tmp_path):
    flags = [f"--model={work['folder'] / 'model'}", f"--data={work['data']}", "--format=onnx"]
    path = tmp_path / "m.onnx"
    path.write_bytes(b"an older one")
    found = cli("export", *flags, f"--output={path}", "--json")
    assert found.status == 1
    assert f"more than --max_drop=0.01: {path} was not written: --force writes it" in found.err
    result = json.loads(found.out.splitlines()[-1])
    assert result["proof"]["passed"] is False
    assert result["proof"]["drop"] > 0.01
    assert path.read_bytes() == b"an older one"
    assert os.listdir(tmp_path) == ["m.onnx"]
    found = cli("export", *flags, f"--output={path}", "--force")
    assert found.status == 0, found.err
    assert inside(path, "onnx")["passed"] is False
    assert "is kept as it was asked" in found.err
    assert "failed (at most 1.00 may be lost)" in found.out


@pytest.mark.slow
def test_a_saved_model_under_the_gate_leaves_the_older_one(work, coarse, tmp_path):
    place = tmp_path / "saved"
    made = {"output": place, "format": "saved_model"}
    with pytest.raises(CheckFailed, match="fell by .* was not written"):
        export(work["bert"], data=work["data"], **made)
    assert os.listdir(tmp_path) == []
    assert export(work["bert"], data=work["data"], max_drop=1.0, **made)["proof"]["passed"]
    before = {p: p.read_bytes() for p in place.rglob("*") if p.is_file()}
    with pytest.raises(CheckFailed, match="fell by .* was not written"):
        export(work["bert"], data=work["data"], **made)
    assert {p: p.read_bytes() for p in place.rglob("*") if p.is_file()} == before
    assert os.listdir(tmp_path) == ["saved"]


def test_one_of_few_rows_tells_nothing():
    def gate(count, kind="classification", **settings):
        chosen = ExportSettings(output="m.tflite", format="tflite", **settings)
        return gate_of(chosen, False, kind, count)

    assert gate(100, quantize="dynamic") == 0.01  # one row of them, over the scheme's 0.003
    assert gate(1000, quantize="dynamic") == 0.003
    assert gate(100, "regression", quantize="dynamic") == 0.003
    assert gate(100, quantize="float16") == 0
    assert gate(100, quantize="dynamic", max_drop=0.002) == 0.002


def test_without_data_nothing_is_proven_and_it_says_so(work, unconverted, tmp_path):
    made = {"output": tmp_path / "m.onnx", "format": "onnx"}
    result, said = said_by(export, work["bert"], **made)
    assert result["proof"] is None
    assert said == [f"{tmp_path / 'm.onnx'}: nothing is proven: data=FILE of labelled rows "
                    "compares it with the model"]  # fmt: skip
    result, said = said_by(export, work["bert"], data=work["data"], verify=False, **made)
    assert result["proof"] is None
    assert len(said) == 1
    assert "nothing is proven, as verify=False" in said[0]
    assert open_exported(tmp_path / "m.onnx").proof is None


def test_data_in_a_script_and_a_bad_row(work, unconverted, tmp_path):
    texts, bert = ["a good film", "a bad story", "the plot"], work["bert"]
    values = [answer["value"] for answer in bert.predict(texts)]
    made = {"output": tmp_path / "m.onnx", "format": "onnx"}
    proof = export(bert, data=(texts, values), **made)["proof"]
    assert (proof["data"], proof["count"]) == ("the examples", 3)
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "a film", "label": "many"}\n')
    with pytest.raises(InputError, match=r"bad\.jsonl:1.*many"):
        export(bert, data=bad, **made)
    with pytest.raises(InputError, match="no such file"):
        export(bert, data=tmp_path / "none.csv", **made)


def test_a_scheme_that_runs_slowly_is_compared_on_some_rows(work, unconverted, coarse, monkeypatch):
    """They are spread over the data, and the file, the note and the card say how many."""
    few = dataclasses.replace(RECIPES["none"], most_rows=4)
    monkeypatch.setitem(RECIPES, "none", few)
    path = work["folder"] / "few.onnx"
    examples = work["bert"].task.read(work["data"], FileLayout())
    total = len(examples)
    asked = {"data": work["data"], "output": path, "format": "onnx", "force": True}
    made, notes = said_by(export, work["folder"] / "model", **asked)
    proof = made["proof"]
    assert (proof["count"], proof["of_rows"]) == (4, total)
    assert proof == inside(path, "onnx")
    said = f"compared on 4 of {total} rows, evenly spread, as a file of quantize=none runs slowly"
    assert sum(said in line for line in notes) == 1
    rows = examples.take([round(i * (total - 1) / 3) for i in range(4)])
    expected = np.array([each["value"] for each in work["bert"].predict(rows.texts)])
    lost = np.abs(expected.round() - expected)
    assert proof["max_difference"] == pytest.approx(lost.max(), abs=1e-5)
    assert f", 4 of {total} rows |" in (work["folder"] / "model/README.md").read_text()
    monkeypatch.setitem(RECIPES, "none", dataclasses.replace(few, most_rows=total))
    made = export(work["bert"], **asked)
    assert made["proof"]["count"] == total
    assert "of_rows" not in made["proof"]


def test_a_broken_proof_is_a_broken_description(work, tmp_path):
    for content in ("[1, 2]", "{"):
        path = tampered(
            work["folder"] / "m.tflite",
            tmp_path / "bad.tflite",
            lambda files, content=content: files.update({"proof.json": content}),
        )
        with pytest.raises(InputError, match=r"bad\.tflite: the model's description is broken"):
            open_exported(path)


# === The card ===


def proof_of(**changes):
    return {
        "metric": "f1", "max_difference": 0.0123, "model_scores": {"f1": 0.9},
        "exported_scores": {"f1": 0.895}, "format": "tflite", "settings": {"quantize": "dynamic"},
        "data": "a|b.tsv", "count": 1200, "seen": False, "passed": True, "agreement": 0.995,
        **changes,
    }  # fmt: skip


def test_rows_of_the_card(tmp_path):
    card = tmp_path / "README.md"
    card.write_text("# A model\n\n## Scores\n\n| a | b |\n|---|---|\n| m.tflite | 1 |\n")
    begin = card.read_text()
    written = {"bytes": 2_340_000}
    card_section.update_card(tmp_path, "out/m.tflite", written, None)
    assert card.read_text() == begin  # nothing to say of it
    card_section.update_card(tmp_path, "out/m.tflite", written, proof_of())
    row = ("| m.tflite | `--format=tflite --quantize=dynamic` | 2.34 | a\\|b.tsv, 1,200 rows | "
           "f1: 0.9000 → 0.8950 | 99.50% | 1.2e-02 |")  # fmt: skip
    head = ("\n## Exported files\n\n| file | made with | MB | data | score: model → file | "
            "same answer | difference |\n|---|---|---|---|---|---|---|\n")  # fmt: skip
    assert card.read_text() == begin + head + row + "\n"
    with card.open("a") as file:
        file.write("\n## Licence\n\nMIT.\n")
    card_section.update_card(tmp_path, "b.tflite", written, proof_of(seen=True, passed=False))
    text = card.read_text()
    assert (
        "a\\|b.tsv, 1,200 rows, which the calibration has seen | f1: 0.9000 → 0.8950, failed |"
        in text
    )
    assert text.startswith(begin + head + row + "\n| b.tflite |")
    assert text.endswith("\n\n## Licence\n\nMIT.\n")
    # The file was written anew without a proof: what its row said is about another one.
    card_section.update_card(tmp_path, "m.tflite", {"bytes": 1_000_000}, None)
    assert card.read_text() == text.replace(
        row, "| m.tflite |  | 1.00 | nothing was proven |  |  |  |"
    )


def test_a_card_that_cannot_be_written_is_a_note(tmp_path):
    (tmp_path / "README.md").mkdir()
    _, said = said_by(card_section.update_card, tmp_path, "m.onnx", {"bytes": 1}, proof_of())
    assert len(said) == 1
    assert said[0].startswith("the model card has no row for m.onnx: ")
