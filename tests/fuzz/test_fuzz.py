"""The fuzzer itself: cases are functions of their seed, and each kind of find is counted."""

import random
import subprocess
import sys

import fuzz
import mutations
import pytest
import text_readers
import worker

from keras_bert.errors import InputError


@pytest.mark.parametrize("reader", text_readers.READERS)
def test_a_case_is_a_function_of_its_seed(reader):
    _, content, kinds, _ = text_readers.READERS[reader]

    def case(seed):
        return mutations.mutated(random.Random(f"{reader}:{seed}"), content, kinds)

    cases = [case(seed) for seed in range(30)]
    assert cases == [case(seed) for seed in range(30)]
    assert len({content, *cases}) > 20


@pytest.mark.parametrize("kind", mutations.KINDS)
def test_damage_of_anything(kind):
    rng = random.Random(kind)
    for content in (b"", b"a", b"{}", bytes(60), b"PK\x03\x04" + bytes(30), rng.randbytes(200)):
        for _ in range(20):
            assert isinstance(mutations.KINDS[kind](rng, content), bytes)


def refuse():
    raise InputError("no")


def refuse_badly():
    raise ValueError("no")


def take_memory():
    bytearray(2**30 + 2**26)


@pytest.mark.parametrize(
    ("read", "outcome"),
    [
        (lambda: None, "read"),
        (refuse, "refused"),
        (refuse_badly, "FIND ValueError at "),
        (take_memory, "FIND memory 1.1 GiB"),
    ],
)
def test_outcomes(read, outcome):
    assert worker._outcome(read).startswith(outcome)


def test_a_slow_case(monkeypatch):
    monkeypatch.setattr(worker, "MOST_SECONDS", -1)
    assert worker._outcome(lambda: None).startswith("FIND slow")


def test_a_worker_that_ends_or_hangs(monkeypatch):
    """The case is named, and the next worker goes on after it."""
    started = []

    def start(command, **options):
        first, count = map(int, command[-2:])
        started.append(first)
        code = (
            "import os, time\n"
            f"for seed in range({first}, {first} + {count}):\n"
            "    print('begin', seed, flush=True)\n"
            "    if seed == 3: os.abort()\n"
            "    if seed == 5: time.sleep(100)\n"
            "    print('end', seed, 'refused', flush=True)\n"
        )
        return popen([sys.executable, "-c", code], **options)

    popen = subprocess.Popen
    monkeypatch.setattr(fuzz.subprocess, "Popen", start)
    monkeypatch.setattr(worker, "MOST_SECONDS", 1)
    counts, finds = fuzz.run("csv", 1, 8)
    assert started == [1, 4, 6]
    assert counts == {"refused": 6, "FIND": 2}
    assert finds == [(3, "FIND ends with SIGABRT"), (5, "FIND slow, ended after SIGKILL")]


@pytest.mark.parametrize("reader", ["csv", "conll", "squad"])
def test_some_cases(reader):
    counts, finds = fuzz.run(reader, 1, 40)
    assert finds == []
    assert counts["read"] > 0
    assert counts["refused"] > 0
    assert sum(counts.values()) == 40
