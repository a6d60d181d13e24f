"""The prompt of `keras-bert-device`, typed at in a terminal, and the history that it keeps."""

import os
import sys

import pytest
from environments import ROOT
from terminal import Terminal

MODEL = ROOT / "apps" / "models" / "sentiment" / "sentiment.tflite"
COMMAND = [sys.executable, "-m", "keras_bert.device.main", "classify", f"--model={MODEL}"]


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


def test_it_asks_until_the_input_ends(state):
    with Terminal([*COMMAND, "--best=1"], XDG_STATE_HOME=str(state), NO_COLOR="1") as terminal:
        terminal.until("text> ")
        terminal.type("so good\n")
        found = terminal.until("text> ").splitlines()
        assert [line.split("\t")[0] for line in found] == ["so good", "positive", "text> "]
        terminal.type("\n")
        assert terminal.until("text> ").split() == ["text>"]
        # Bytes that are no text: one message, and it goes on.
        terminal.type(b"caf\xff\n")
        assert terminal.until("text> ").splitlines()[-2] == "classify: text: is not UTF-8"
        # Ctrl-C clears the line. While it reads a key, Python does not see it: it is typed again.
        terminal.type("so good")
        terminal.until("so good")
        terminal.type("\x03")
        terminal.until("text> ", again="\x03")
        terminal.type("awful\n")
        assert terminal.until("awful\r\n").endswith("awful\r\n")
        assert terminal.until("text> ").startswith("negative\t")
        # The arrow upwards calls the line before.
        terminal.type("\x1b[A\x1b[A\n")
        assert "positive\t" in terminal.until("text> ")
        terminal.type("\x04")
        assert terminal.end() == (0, "\r\n")
    history = state / "keras-bert-device" / "history"
    assert history.read_text().splitlines() == ["so good", "awful", "so good"]
    assert history.stat().st_mode & 0o777 == 0o600


def test_history_is_kept_or_not(state):
    history = state / "keras-bert-device" / "history"
    history.parent.mkdir(parents=True)
    history.write_text("charming\n")
    os.chmod(history, 0o600)
    with Terminal([*COMMAND, "--nohistory"], XDG_STATE_HOME=str(state)) as terminal:
        terminal.until("text> ")
        terminal.type("\x1b[A\nmine\n\x04")
        assert "charming" not in terminal.until("mine\r\n")
        assert terminal.end()[0] == 0
    assert history.read_text() == "charming\n"
    # A place where it cannot be written is no error.
    with Terminal(COMMAND, XDG_STATE_HOME=str(history)) as terminal:
        terminal.until("text> ")
        terminal.type("so good\n\x04")
        terminal.until("positive")
        status, shown = terminal.end()
        assert (status, "Error" in shown) == (0, False)


def test_output_to_a_pipe_holds_no_prompt(state, tmp_path):
    output = tmp_path / "out.txt"
    shell = ["sh", "-c", f'"$@" > {output}', "sh", *COMMAND]
    with Terminal(shell, XDG_STATE_HOME=str(state)) as terminal:
        terminal.until("text> ")
        terminal.type("so good\n")
        terminal.until("text> ")
        terminal.type("\x04")
        assert terminal.end()[0] == 0
    (line,) = output.read_text().splitlines()
    assert line.split("\t")[0] == "positive"
    assert line.endswith("\tso good")
