"""`keras-bert pretrain` as a user runs it: it learns, is killed and goes on exactly, is told no."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from pretraining_helpers import SIZES, VOCABULARY, make_records, write_config
from strategy_helpers import environment, read_weights

import keras_bert

DATA = pathlib.Path(__file__).parents[1] / "data"
# Dropout stays on: its generators' counters belong to what is resumed.
FLAGS = ("--batch_size=8", "--learning_rate=3e-3", "--checkpoint_every=20")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrain")
    write_config(folder / "config.json")
    make_records(folder / "records", rows=(200, 150))
    make_records(folder / "held_out", rows=(200,), seed=6)
    make_records(folder / "packed", packed=True)
    make_records(folder / "plain", pair="none")
    return folder


def arguments(place, output, *flags, records="records"):
    return [
        "pretrain", f"--config={place / 'config.json'}", f"--records={place / records}",
        f"--output={place / output}", *FLAGS, *flags,
    ]  # fmt: skip


def start(place, output, *flags):
    """Starts the program in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "keras_bert", *arguments(place, output, *flags)],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_at(process, checkpoint):
    """Sends SIGKILL as soon as a checkpoint is there."""
    deadline = time.monotonic() + 120
    while not os.path.exists(checkpoint) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def log_lines(place, output):
    return (place / f"{output}.log.jsonl").read_text().splitlines()


@pytest.fixture(scope="module")
def whole(place):
    """A run that nobody disturbed, in a process of its own."""
    process = start(place, "whole", "--steps=200")
    assert process.communicate()[0] is None
    assert process.returncode == 0
    return place / "whole"


def test_a_killed_run_goes_on_to_bit_identical_weights(place, whole):
    checkpoints = place / "killed.training"
    kill_at(start(place, "killed", "--steps=200"), checkpoints / "step-0000000060.npz")
    assert not os.path.exists(place / "killed")
    # Once more, and this time the last checkpoint is damaged as well.
    kill_at(start(place, "killed", "--steps=200", "--resume"), checkpoints / "step-0000000120.npz")
    last = sorted(os.listdir(checkpoints))[-1]
    damaged = bytearray((checkpoints / last).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (checkpoints / last).write_bytes(damaged)
    process = start(place, "killed", "--steps=200", "--resume")
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    # At once, and not when the training is over.
    assert errors.index(f"{last}: is damaged") < errors.index("step 200/200")
    ours, theirs = read_weights(place / "killed"), read_weights(whole)
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)
    assert log_lines(place, "killed") == log_lines(place, "whole")
    assert not checkpoints.exists()


def test_learns_writes_a_folder_a_log_and_curves(place, cli):
    done = cli(
        *arguments(place, "learnt", "--steps=600", f"--eval_records={place / 'held_out'}"),
        "--evaluate_every=150", "--dropout=0", "--json",
    )  # fmt: skip
    assert done.status == 0, done.err
    result = json.loads(done.out.splitlines()[-1])
    # A masked word is that of its neighbours, and a random segment has another one.
    assert result["eval_masked_lm_accuracy"] > 0.5
    assert result["eval_pair_accuracy"] > 0.6  # by chance: 0.5 with a deviation of 0.035
    lines = [json.loads(line) for line in log_lines(place, "learnt")]
    assert [line["step"] for line in lines] == sorted({*range(20, 601, 20), *range(150, 601, 150)})
    assert sum("eval_loss" in line for line in lines) == 4
    for line in lines:
        assert line["loss"] == pytest.approx(line["masked_lm_loss"] + line["pair_loss"], rel=1e-5)
        assert line["perplexity"] == pytest.approx(np.exp(line["masked_lm_loss"]), rel=1e-4)
    assert (place / "learnt.png").read_bytes().startswith(b"\x89PNG")
    bert = keras_bert.load(place / "learnt")
    assert (bert.config.task, bert.config.pair_head) == ("pretraining", "nsp")
    assert bert.fill_mask("w9 w9 w9 [MASK] w9 w9 w9")[0][0]["token"] == "w9"
    card = (place / "learnt" / "README.md").read_text()
    assert f"{result['eval_masked_lm_accuracy']:.4f}" in card
    assert str(place) not in card
    # And it is a start for the next task.
    assert keras_bert.load(place / "learnt").predict(["w1 w2"]).shape == (1, 32)


def test_goes_on_from_a_model_with_its_heads(place, cli):
    assert cli(*arguments(place, "first", "--steps=40")).status == 0
    flags = [
        f"--init={place / 'first'}", f"--records={place / 'records'}", f"--output={place / 'next'}",
        *FLAGS, "--steps=1", "--learning_rate=0", "--weight_decay=0",
    ]  # fmt: skip
    assert cli("pretrain", *flags).status == 0
    ours, theirs = read_weights(place / "next"), read_weights(place / "first")
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)


@pytest.mark.parametrize(
    ("records", "flags"),
    [
        ("packed", ["--optimizer=lamb", "--learning_rate=0.03", "--span=3", "--layer_decay=0.9"]),
        ("packed", ["--pair=none", "--whole_word", "--decay_power=2"]),
        ("records", ["--left_to_right"]),
        pytest.param(
            "plain", ["--precision=mixed_bfloat16", "--micro_batches=2"], marks=pytest.mark.slow
        ),
        ("plain", ["--precision=mixed_float16", "--span=5", "--span_distribution=spanbert"]),
    ],
)
def test_every_objective_and_optimizer_lowers_the_loss(place, cli, records, flags):
    output = "_".join([records, *flags]).replace("-", "")
    done = cli(*arguments(place, output, "--steps=60", *flags, records=records))
    assert done.status == 0, done.err
    lines = [json.loads(line) for line in log_lines(place, output)]
    assert lines[-1]["masked_lm_loss"] < lines[0]["masked_lm_loss"] - 0.1
    assert ("pair_loss" in lines[0]) == (records == "packed" and "--pair=none" not in flags)
    config = keras_bert.load(place / output).config
    assert config.encoder.left_to_right == ("--left_to_right" in flags)


def test_the_pooler_rests_where_there_are_no_pairs(place, cli):
    start_, end = place / "pooler0", place / "pooler1"
    for output, steps in ((start_, 1), (end, 30)):
        flags = [f"--steps={steps}", "--weight_decay=0.5", "--warmup=0", "--seed=1"]
        assert cli(*arguments(place, output.name, *flags, records="plain")).status == 0
    before, after = read_weights(start_), read_weights(end)
    pooler = [name for name in before if before[name].shape == (32, 32) and "dense" in name]
    same = [name for name in pooler if (before[name] == after[name]).all()]
    assert len(same) == 1


def other_vocabulary(place):
    import pretraining_helpers

    kept = pretraining_helpers.VOCABULARY
    pretraining_helpers.VOCABULARY = [*kept[:-1], "other"]
    try:
        return make_records(place / "other_vocabulary")
    finally:
        pretraining_helpers.VOCABULARY = kept


def cut_short(place):
    folder = pathlib.Path(make_records(place / "cut"))
    shard = sorted(folder.glob("*.tfrecord"))[1]
    shard.write_bytes(shard.read_bytes()[:-100])
    return folder


def flipped(place):
    folder = pathlib.Path(make_records(place / "flipped", rows=(40,)))
    shard = sorted(folder.glob("*.tfrecord"))[0]
    content = bytearray(shard.read_bytes())
    content[300] ^= 4
    shard.write_bytes(content)
    return folder


def run_bad(cli, place, *flags):
    done = cli("pretrain", f"--output={place / 'bad'}", "--steps=3", *flags)
    assert done.status == 2, done.err
    # Above the last line there may be the progress of a run that had begun.
    *progress, error, end = done.err.split("\n")
    assert end == ""
    assert all(line.startswith("step ") for line in progress), done.err
    assert error.startswith("keras-bert pretrain: ")
    assert not os.path.exists(place / "bad")
    assert not os.path.exists(place / "bad.training")
    return error


def test_bad_records_are_one_line_each(place, cli):
    config = f"--config={place / 'config.json'}"
    error = run_bad(cli, place, config, f"--records={cut_short(place)}")
    assert "records-00001-of-00003.tfrecord" in error
    assert "cut short" in error
    error = run_bad(cli, place, config, f"--records={flipped(place)}")
    assert "records-00000-of-00001.tfrecord" in error
    assert "not a records folder" in run_bad(cli, place, config, f"--records={DATA}")
    assert "no such file" in run_bad(cli, place, config, f"--records={place / 'nothing'}")


def test_records_of_another_vocabulary_are_refused(place, cli):
    assert cli(*arguments(place, "mine", "--steps=1")).status == 0
    other = other_vocabulary(place)
    error = run_bad(cli, place, f"--init={place / 'mine'}", f"--records={other}")
    assert "was made with another vocabulary than that of" in error
    records = f"--records={place / 'records'}"
    error = run_bad(
        cli, place, f"--config={place / 'config.json'}", records, f"--eval_records={other}"
    )
    assert "was prepared with another vocabulary" in error
    small = write_config(place / "small.json", vocab_size=len(VOCABULARY) - 1)
    error = run_bad(cli, place, f"--config={small}", records)
    assert "vocab_size is 59" in error
    assert "60 tokens" in error


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--config=C", "--preset=bert_tiny_en_uncased"], "found --preset and --config"),
        ([], "found none"),
        (["--config=C", "--pair=sop"], "was prepared with --pair=nsp"),
        (["--config=C", "--left_to_right", "--pair=nsp"], "goes without pairs"),
        (["--config=C", "--left_to_right", "--span=3"], "left_to_right"),
        (["--config=C", "--micro_batches=9", "--batch_size=8"], "is less than 9"),
        (["--init=bert_tiny_en_uncased"], "is a preset"),
        (["--config=SHORT"], "more than the model's 16 positions"),
        (["--config=C", "--learning_rate=1e-4", "--end_learning_rate=1"], "learning rate's end"),
        (["--config=C", "--steps=0"], "steps"),
    ],
)
def test_flags_that_contradict_each_other_are_one_line(place, cli, flags, reason):
    write_config(place / "short.json", max_position_embeddings=16)
    flags = [
        flag.replace("=C", f"={place / 'config.json'}").replace("=SHORT", f"={place}/short.json")
        for flag in flags
    ]
    assert reason in run_bad(cli, place, f"--records={place / 'records'}", *flags)


@pytest.mark.slow
def test_a_checkpoint_of_another_run_is_refused(place, cli):
    checkpoints = place / "mixed.training"
    kill_at(start(place, "mixed", "--steps=2000"), checkpoints / "step-0000000020.npz")
    done = cli(*arguments(place, "mixed", "--steps=2000", "--seed=9", "--resume"))
    assert (done.status, done.err.count("\n")) == (2, 2), done.err
    assert "its lock is taken over" in done.err.splitlines()[0]
    assert "belongs to a run with other data or settings" in done.err
    for name in os.listdir(checkpoints):
        (checkpoints / name).write_bytes(b"PK no zip file")
    done = cli(*arguments(place, "mixed", "--steps=2000", "--resume"))
    assert (done.status, done.err.count("\n")) == (2, 1), done.err
    assert "every checkpoint in it is damaged" in done.err


def test_a_diverged_run_says_so(place, cli):
    error = run_bad(
        cli, place, f"--config={place / 'config.json'}", f"--records={place / 'records'}",
        "--learning_rate=1e30", "--warmup=0", "--clipnorm=0", "--steps=12", "--precision=float32",
    )  # fmt: skip
    assert "the training diverged" in error


def test_an_unwritable_place_is_one_line(place, cli):
    done = cli(*arguments(place, "/proc/nothing/bert", "--steps=1"))
    assert (done.status, done.err.count("\n")) == (2, 1), done.err
    assert SIZES  # the records were never opened


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_nothing(place):
    """/dev/full cannot hold a folder, so the limit on a file's size stands in for the disk's."""
    script = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "from keras_bert.commands.main import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    env = environment()
    env.pop("TF_CPP_MIN_LOG_LEVEL", None)
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments(place, "full", "--steps=20")],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    assert "the checkpoint cannot be written" in done.stderr.splitlines()[-1]
    assert not os.path.exists(place / "full")
    assert not os.path.exists(place / "full.training")
