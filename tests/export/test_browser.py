"""The files in a browser: LiteRT.js in headless Chromium gives the same answers."""

import json
import pathlib
import shutil
import subprocess

import pytest
from environments import need_packages
from placed_files import SCHEMES, check_scores, placed_file, write_inputs

pytestmark = pytest.mark.slow

SCRIPT = pathlib.Path(__file__).with_name("litert_js.mjs")
PACKAGES = ("@litertjs/core@2.5.3", "playwright-core@1.65.1")


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory):
    """A folder with the packages, and Chromium installed."""
    need_packages("chromium", *(() if shutil.which("npm") else ("nodejs", "npm")))
    folder = tmp_path_factory.mktemp("browser")
    npm = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", folder]
    subprocess.run([*npm, *PACKAGES], check=True, cwd=folder)
    return folder


def test_answers_as_litert_in_python(request, node_modules, tmp_path):
    placed = [placed_file(request, scheme) for scheme in SCHEMES]
    write_inputs(tmp_path / "inputs.json", placed[0].inputs)
    command = [
        "node",
        SCRIPT,
        node_modules,
        tmp_path / "inputs.json",
        *(each.path for each in placed),
    ]
    found = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (found.returncode, found.stderr) == (0, "")
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    for scheme, each, outputs in zip(SCHEMES, placed, lines, strict=True):
        assert outputs.keys() == {"probability"}, (scheme, outputs)
        check_scores(outputs["probability"], each, scheme)
