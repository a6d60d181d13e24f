"""README and docs: scripts run as they are printed; commands, flags and links exist."""

import importlib
import os
import re
import subprocess
import sys

import pytest
from absl import flags
from pages import PAGES, ROOT, commands, make_files, python_blocks

from keras_bert.commands.main import VERBS


def run_script(script, folder):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_the_script_of_the_readme_runs_word_for_word(tmp_path):
    make_files(tmp_path)
    (script,) = python_blocks(ROOT / "README.md")
    done = run_script(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"^accuracy (lost|gained): \d+\.\d+ points: passed \(at most 1\.00 may be lost\)$",
        done.stdout,
        re.M,
    )
    last = done.stdout.splitlines()[-1]
    assert last.startswith("{'label': ")
    assert "'spam': " in last
    assert (tmp_path / "spam" / "model.weights.h5").is_file()
    assert (tmp_path / "spam.tflite").read_bytes()[4:8] == b"TFL3"

    import keras_bert

    assert keras_bert.load(tmp_path / "spam").config.labels == ("ham", "spam")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_have_known_verbs_and_flags(page):
    for verb, *arguments in commands(page):
        if verb in ("VERB", "--help", "help"):
            continue
        assert verb in VERBS, verb
        values = flags.FlagValues()
        importlib.import_module(f"keras_bert.commands.{verb.replace('-', '_')}").define(values)
        for argument in arguments:
            name = re.match(r"--(?:no)?([a-z_]+)", argument)
            assert not name or name[1] in values or argument[2:] in values, (verb, argument)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_there_are_commands_to_check():
    assert len(commands(ROOT / "README.md")) >= 6


@pytest.mark.slow
@pytest.mark.parametrize("name", ["python.md", "tasks.md"])
def test_the_scripts_of_a_page_run_in_their_order(name, tmp_path):
    make_files(tmp_path)
    blocks = ["import keras_bert\n", *python_blocks(ROOT / "docs" / name)]
    assert len(blocks) > 2
    done = run_script("\n".join(blocks), tmp_path)
    assert done.returncode == 0, done.stderr
