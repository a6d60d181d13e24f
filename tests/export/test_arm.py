"""The files on a 64-bit ARM processor, emulated: the same answers as on this one."""

import json
import subprocess

import pytest
from environments import arm_folder, make_arm_machine
from placed_files import SCHEMES, check_scores, placed_file, write_inputs

pytestmark = pytest.mark.slow

SCRIPT = """
import json, platform, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter

assert platform.machine() == "aarch64"
run = Interpreter(model_path=sys.argv[1]).get_signature_runner("serving_default")
inputs = {name: np.array(rows, "int32") for name, rows in json.load(open(sys.argv[2])).items()}
for i in range(len(inputs["ids"])):
    outputs = run(**{name: rows[i : i + 1] for name, rows in inputs.items()})
    print(json.dumps(outputs["probability"].tolist()))
"""


@pytest.fixture(scope="module")
def arm(tmp_path_factory):
    return [*make_arm_machine(arm_folder(tmp_path_factory)), "-c", SCRIPT]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_answers_as_on_this_processor(request, arm, tmp_path, scheme):
    placed = placed_file(request, scheme)
    write_inputs(tmp_path / "inputs.json", placed.inputs)
    command = [*arm, placed.path, tmp_path / "inputs.json"]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    answers = [json.loads(line) for line in found.stdout.splitlines()]
    check_scores(answers, placed, scheme)
