"""The tutorial notebook: its cells run in their order, and what is stored is small."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

NOTEBOOK = pathlib.Path(__file__).parent.parent / "docs" / "tutorial.ipynb"
# What must hold after the last cell.
_CHECKS = """
assert matrix.to_numpy().sum() == len(dev)
assert np.trace(matrix.to_numpy()) / len(dev) == result["exported_scores"]["accuracy"] > 0.95
assert history["loss"][-1] < history["loss"][0]
similarities = np.array(senses["similarities"])
assert similarities.shape == (6, 6)
assert phone.predict("ok lar, i will be home in half an hour")["label"] == "ham"
assert phone.config.labels == ("ham", "spam")
"""


@pytest.fixture(scope="module")
def cells():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


def test_what_is_stored_is_small_and_in_order(cells):
    assert NOTEBOOK.stat().st_size < 200_000
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    pictures = [
        output
        for cell in code
        for output in cell["outputs"]
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 3  # curves, confusion matrix, heat map


@pytest.mark.slow
def test_the_cells_run_in_their_order(cells, tmp_path):
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    environment = {**os.environ, "MPLBACKEND": "agg", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*code, _CHECKS])],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"^accuracy (lost|gained): .*: passed", done.stdout, re.M)
    assert (tmp_path / "tutorial" / "spam.tflite").read_bytes()[4:8] == b"TFL3"
    assert (tmp_path / "tutorial" / "spam" / "model.weights.h5").is_file()
