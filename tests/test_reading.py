"""What a stranger's file may be: regular, of a limited size, a line and a table of limited size."""

import contextlib
import gzip
import json
import os
import signal
import threading

import pytest

from keras_bert import reading
from keras_bert.config import BertConfig, read_json_object
from keras_bert.errors import InputError
from keras_bert.model_folder import is_model_folder
from keras_bert.tasks.question_answering.squad_files import read_questions
from keras_bert.tasks.registry import get_task
from keras_bert.tasks.tables import read_table
from keras_bert.text.vocabulary import load_vocabulary


@contextlib.contextmanager
def not_blocked(seconds=20):
    """Ends a test that waits for a pipe or reads a device without end."""

    def stop(*_):
        raise AssertionError("it does not come to an end")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(params=["pipe", "device"])
def endless(request, tmp_path):
    """A path that never ends, or at which nobody writes."""
    path = tmp_path / "model" / "x.json"
    path.parent.mkdir()
    if request.param == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    return path


@pytest.mark.parametrize("read", [read_json_object, load_vocabulary, BertConfig.from_json])
def test_a_pipe_or_a_device_is_not_read(read, endless):
    with not_blocked(), pytest.raises(InputError, match="x.json: is a pipe or a device"):
        read(endless)


def test_a_pipe_in_a_model_folder_makes_it_none(endless):
    endless.rename(endless.parent / "config.json")
    with not_blocked():
        assert not is_model_folder(endless.parent)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("m.keras", "is a pipe or a device, not a .keras file"),
        ("m.safetensors", "is a pipe or a device, not a safetensors file"),
        ("model.weights.h5", "is a pipe or a device, not a weights file"),
        ("m.tflite", "is a pipe or a device, not a TFLite file"),
        ("records.json", "is a pipe or a device, not a JSON file"),
    ],
)
def test_formats_of_other_packages(name, message, endless):
    from keras_bert.checkpoints.hdf5_file import list_datasets
    from keras_bert.checkpoints.safetensors_files import SafetensorsFiles
    from keras_bert.export.metadata import read_files
    from keras_bert.keras_file import extracted
    from keras_bert.pretraining.manifest import read_manifest

    path = endless.rename(endless.parent / name)
    read = {
        "m.keras": lambda: extracted(path).__enter__(),
        "m.safetensors": lambda: SafetensorsFiles(str(path)),
        "model.weights.h5": lambda: list_datasets(path),
        "m.tflite": lambda: read_files(path),
        "records.json": lambda: read_manifest(path.parent),
    }[name]
    with not_blocked(), pytest.raises(InputError) as error:
        read()
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_files_that_are_too_large(tmp_path):
    for name, read, limit in (
        ("config.json", read_json_object, reading.JSON_LIMIT),
        ("vocab.txt", load_vocabulary, reading.VOCABULARY_LIMIT),
    ):
        path = tmp_path / name
        with open(path, "wb") as file:
            file.truncate(limit + 1)  # sparse
        message = rf"{name}: has {limit + 1:,} bytes; a .* may have {limit:,}"
        with pytest.raises(InputError, match=message):
            read(path)


def test_a_tflite_file_over_what_its_offsets_reach(tmp_path):
    from keras_bert.export.metadata import read_files

    path = tmp_path / "m.tflite"
    with open(path, "wb") as file:
        file.truncate(3 * 2**30)
    with pytest.raises(InputError, match=r"m.tflite: has 3,221,225,472 bytes; a TFLite file may"):
        read_files(path)


@pytest.mark.parametrize("digits", [50, 3999, 6000])
@pytest.mark.parametrize("key", ["vocab_size", "num_hidden_layers", "hidden_dropout_prob"])
def test_numbers_of_thousands_of_digits(digits, key, tmp_path):
    config = {"vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
              "intermediate_size": 8}  # fmt: skip
    text = json.dumps({**config, key: 7}).replace(": 7", ": " + "9" * digits)
    (tmp_path / "bert_config.json").write_text(text)
    with pytest.raises(InputError) as error:
        BertConfig.from_json(tmp_path / "bert_config.json")
    assert "bert_config.json" in str(error.value)
    assert len(str(error.value)) < len(str(tmp_path)) + 250


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_deep_json(text, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match="config.json: not a readable JSON file"):
        read_json_object(tmp_path / "config.json")


# === Examples ===

ROWS = "text,label\n" + "".join(f"number {i},{'ab'[i % 2]}\n" for i in range(200))


def feed(path, content):
    """Writes to a named pipe from another thread."""
    os.mkfifo(path)
    thread = threading.Thread(target=lambda: path.write_bytes(content), daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("packed", [False, True])
def test_labelled_data_may_come_through_a_pipe(packed, tmp_path):
    content = gzip.compress(ROWS.encode()) if packed else ROWS.encode()
    thread = feed(tmp_path / "pipe", content)
    with not_blocked():
        examples = get_task("classification").read(tmp_path / "pipe", _layout())
        thread.join()
    assert examples.texts == [f"number {i}" for i in range(200)]
    assert examples.labels == ["a", "b"] * 100


def _layout():
    from keras_bert.tasks.file_layout import FileLayout

    return FileLayout()


def test_a_device_as_a_table_ends():
    with not_blocked(60), pytest.raises(InputError, match="/dev/zero: is not UTF-8"):
        read_table("/dev/zero")


def test_a_line_without_end(tmp_path):
    path = tmp_path / "train.csv"
    path.write_bytes(b"text,label\n" + b"a" * (reading.LINE_LIMIT + 1))
    with pytest.raises(InputError, match=r"train.csv:2: a line of more than 33,554,432 bytes"):
        read_table(path)


def test_a_bomb_is_not_unpacked(tmp_path):
    # Two million short rows in 4 KB would take 600 MB and more.
    path = tmp_path / "train.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"a,b\n" * 2_000_000))
    assert path.stat().st_size < 20_000
    with pytest.raises(InputError, match=r"train.csv.gz: unpacks to far more than text does"):
        read_table(path)
    questions = tmp_path / "dev.json.gz"
    questions.write_bytes(gzip.compress(b'{"data": [' + b" " * 400_000_000))
    with pytest.raises(InputError, match=r"dev.json.gz: unpacks to far more than text does"):
        read_questions(questions)


def test_tables_have_a_limit(tmp_path, monkeypatch):
    path = tmp_path / "train.csv"
    path.write_text(ROWS)
    assert len(read_table(path).rows) == 200
    monkeypatch.setattr(reading, "EXAMPLES_LIMIT", 60_000)
    with pytest.raises(InputError, match="train.csv: would take more than 60,000 bytes of memory"):
        read_table(path)


def test_a_small_file_of_many_values_has_a_limit(tmp_path, monkeypatch):
    path = tmp_path / "dev.json"
    path.write_text('{"data": [' + "[]," * 50_000 + "[]]}")
    monkeypatch.setattr(reading, "EXAMPLES_LIMIT", 2**20)
    with pytest.raises(InputError, match="dev.json: .* values would take more than 1,048,576"):
        read_questions(path)


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_cut_gzip_file(cut, tmp_path):
    content = gzip.compress(ROWS.encode())
    path = tmp_path / "train.csv.gz"
    path.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(InputError, match="train.csv.gz: cannot be read: Compressed file ended"):
        read_table(path)


def test_a_message_is_one_line_of_limited_length():
    assert str(InputError("a\nb\r\nc", place="x\u2028y")) == "x y: a b c"
    long = str(InputError("é" * 10**6 + ": fix it", place="a.csv"))
    assert long.startswith("a.csv: ééé")
    assert long.endswith("ééé: fix it")
    assert len(long) == 2003
