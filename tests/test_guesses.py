"""Tests of guesses: a warning in a script, a line in a command, an error with `--strict`."""

import os
import warnings

import pytest

import keras_bert
from keras_bert.errors import InputError, settings_are_flags
from keras_bert.guesses import (
    Guess,
    Note,
    counted,
    guess,
    guesses_are_notes,
    note,
    said_afterwards,
)
from keras_bert.quiet import stderr_kept_for_errors


def a_guess():
    guess("parted by semicolons", "separator", ";", place="a.csv")


def test_a_script_gets_a_warning():
    with pytest.warns(keras_bert.Guess, match=r"a\.csv: separator=;: parted by semicolons"):
        a_guess()


def test_a_script_can_make_it_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error", keras_bert.Guess)
        with pytest.raises(InputError, match="parted by semicolons"):
            a_guess()


def test_a_command_says_it_once(capsys):
    with settings_are_flags(), guesses_are_notes():
        a_guess()
        a_guess()
    assert capsys.readouterr().err == "note: a.csv: --separator=;: parted by semicolons\n"


def test_strict_makes_it_an_error(capsys):
    with guesses_are_notes(strict=True), pytest.raises(InputError):
        a_guess()
    assert capsys.readouterr().err == ""


def test_other_warnings_are_shown_as_before():
    with pytest.warns(DeprecationWarning, match="old"), guesses_are_notes():
        warnings.warn("old", DeprecationWarning, stacklevel=1)


def a_note():
    note(f"{counted(2, 'row')} left out", "skip_labels", ["-", "-1"], place="a.csv")


def test_what_a_setting_asked_for_is_said_and_never_an_error(capsys):
    with pytest.warns(Note, match=r"a\.csv: skip_labels=-,-1: 2 rows left out"):
        a_note()
    for strict in (False, True):
        with settings_are_flags(), guesses_are_notes(strict):
            a_note()
        assert capsys.readouterr().err == "note: a.csv: --skip_labels=-,-1: 2 rows left out\n"


def test_counts_agree_with_their_nouns():
    assert [counted(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]


def test_what_is_said_where_stderr_is_hidden_comes_afterwards(capfd):
    with guesses_are_notes(), said_afterwards(), stderr_kept_for_errors():
        note("two rows were left out")
        guess("the first column is the label")
        os.write(2, b"of a library\n")
        assert capfd.readouterr().err == ""
    lines = capfd.readouterr().err.splitlines()
    assert lines == ["note: two rows were left out", "note: the first column is the label"]
    with pytest.raises(Guess), guesses_are_notes(strict=True), said_afterwards():
        guess("the first column is the label")
