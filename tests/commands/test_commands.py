"""The command line as a user meets it: results, exit status, and one line for each bad input."""

import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

import keras_bert
from keras_bert.commands import main as program
from keras_bert.commands.output import print_result

ROOT = pathlib.Path(keras_bert.__file__).parent.parent


def refused(found, *parts):
    """Asserts status 2, one line on stderr that holds all parts, and nothing on stdout."""
    assert found.status == 2, (found.out, found.err)
    lines = [line for line in found.err.splitlines() if not line.startswith("INFO: Created")]
    assert len(lines) == 1, found.err
    for part in parts:
        assert part in lines[0], lines[0]
    assert found.out == ""


# === What works ===


def test_evaluate_json_is_the_last_line_and_agrees_with_predict(cli, toy):
    found = cli("evaluate", f"--model={toy.model}", f"--data={toy.dev}", "--json")
    result = json.loads(found.out.splitlines()[-1])
    answers = keras_bert.load(toy.model).predict(toy.texts)
    labels = ["negative" if i % 2 == 0 else "positive" for i in range(100)]
    right = np.mean([a["label"] == b for a, b in zip(answers, labels)])
    assert result["accuracy"] == pytest.approx(right)
    assert result["count"] == 100
    assert result["labels"] == ["negative", "positive"]


def test_predict_one_text(cli, toy):
    found = cli("predict", f"--model={toy.model}", "--text=a superb film", "--json")
    assert found.status == 0
    answer = json.loads(found.out.splitlines()[-1])["predictions"][0]
    assert answer["label"] == "positive"
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert found.err.endswith(f"positive\t{answer['probability']:.4f}\ta superb film\n")


def test_predict_several_texts(cli, toy):
    found = cli("predict", f"--model={toy.model}", "--text=a superb film", "--text=awful, dull")
    assert [line.split("\t")[::2] for line in found.out.splitlines()] == [
        ["positive", "a superb film"], ["negative", "awful, dull"],
    ]  # fmt: skip
    found = cli("predict", f"--model={toy.model}", "--text=a", "--text= ")
    assert (found.status, found.out) == (2, "")
    assert "--text number 2 is empty" in found.err


@pytest.mark.parametrize("extension", ["csv", "tsv", "jsonl"])
def test_predict_a_file(cli, toy, tmp_path, extension):
    texts = ['awful, "dull"\nfilm', "lovely story"]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"text": t}) + "\n" for t in texts))
    output = tmp_path / f"out.{extension}"
    found = cli("predict", f"--model={toy.model}", f"--input={source}", f"--output={output}")
    assert found.status == 0, found.err
    with open(output, newline="") as file:
        if extension == "jsonl":
            rows = [json.loads(line) for line in file]
        elif extension == "csv":
            rows = list(csv.DictReader(file))
        else:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [row["label"] for row in rows] == ["negative", "positive"]
    assert rows[0]["text"] == (texts[0] if extension != "tsv" else 'awful, "dull" film')
    assert 0.5 < float(rows[0]["probability"]) <= 1


def test_convert_there_and_back_keeps_the_answers(cli, toy, tmp_path):
    expected = keras_bert.load(toy.model).probabilities(toy.texts)
    for target in ("huggingface", "google"):
        there, back = tmp_path / target, tmp_path / f"{target}_back"
        assert (
            cli("convert", f"--from={toy.model}", f"--to={target}", f"--output={there}").status == 0
        )
        assert cli("convert", f"--from={there}", f"--output={back}").status == 0
        bert = keras_bert.load(back)
        if target == "huggingface":  # Google's layout has no place for label names
            np.testing.assert_array_equal(bert.probabilities(toy.texts), expected)
            assert bert.config.labels == ("negative", "positive")
        original = keras_bert.load(toy.model).encoder.get_weights()
        for a, b in zip(bert.encoder.get_weights(), original, strict=True):
            np.testing.assert_array_equal(a, b)


def test_vocab_is_deterministic_and_complete(cli, tmp_path):
    corpus = tmp_path / "a.txt"
    corpus.write_text("The cat sat on the mat.\n" * 3 + "Ein Café für Katzen.\n" * 3)
    files = []
    for name in ("1.txt", "2.txt"):
        output = tmp_path / name
        found = cli(
            "vocab", f"--corpus={corpus}", "--size=60", f"--output={output}", "--lower_case"
        )
        assert found.status == 0
        files.append(output.read_text())
    assert files[0] == files[1]
    tokens = files[0].split("\n")[:-1]
    assert tokens[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert len(tokens) == len(set(tokens)) <= 60
    assert {"the", "cafe"} & set(tokens)


def test_the_model_folder_holds_what_the_design_says(toy):
    folder = pathlib.Path(toy.model)
    assert {p.name for p in folder.iterdir()} == {
        "config.json", "vocab.txt", "model.weights.h5", "README.md",
    }  # fmt: skip
    config = json.loads((folder / "config.json").read_text())
    assert config["labels"] == ["negative", "positive"]
    assert config["max_length"] == 32
    assert config["tokenizer"]["lower_case"] is True
    assert config["encoder"]["hidden_size"] == 128
    card = (folder / "README.md").read_text()
    for part in ("train.tsv.gz", "--init=bert_tiny_en_uncased", "accuracy", "Licence"):
        assert part in card
    assert str(toy.folder) not in card


def test_help_needs_nothing_heavy():
    code = (
        "import sys; from keras_bert.commands.main import main; assert main(['--help']) == 0\n"
        "assert main(['finetune', '--help']) == 0\n"
        "import keras_bert\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'tokenizers'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    for verb in program.VERBS:
        assert verb in found.stdout
    assert "--learning_rate" in found.stdout


# === What is refused ===


def test_a_real_process_prints_one_line_and_exits_2(toy, tmp_path):
    """TensorFlow is loaded before the weights are looked at; its chatter must not show."""
    broken = tmp_path / "broken"
    shutil.copytree(toy.model, broken)
    weights = broken / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:-5000])
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    found = subprocess.run(
        [sys.executable, "-m", "keras_bert", "predict", f"--model={broken}", "--text=a"],
        env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 2
    assert len(found.stderr.splitlines()) == 1, found.stderr
    assert "model.weights.h5" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["dance"], ["no verb 'dance'"]),
        (["evaluate"], ["--data"]),
        (["evaluate", "--data=x.csv"], ["either --model or --predictions"]),
        (["evaluate", "--mode=x"], ["mode"]),
        (["evaluate", "--model=/nowhere", "--data=x.csv"], ["/nowhere: no such file"]),
        (["predict", "--model=.", "--text=a", "--input=b"], ["either --text or --input"]),
        (["predict", "--model=.", "--text= "], ["--text is empty"]),
        (["finetune", "--train=x.csv", "--init=y", "--output=z"], ["x.csv: no such file"]),
        (["finetune", "--epochs=many"], ["epochs"]),
        (["finetune", "--task=poetry"], ["task"]),
        (["export", "--model=.", "--format=tflite", "--output=x.tflite", "--length=ten"], ["ten"]),
        (
            ["export", "--model=.", "--format=saved_model", "--output=x", "--quantize=dynamic"],
            ["--quantize=dynamic", "tflite"],
        ),
        (["vocab", "--corpus=/nowhere/*", "--size=50", "--output=x"], ["/nowhere/*: no such file"]),
        (["vocab", "extra", "--corpus=a", "--size=50", "--output=x"], ["extra"]),
    ],
)
def test_bad_arguments(cli, arguments, parts):
    refused(cli(*arguments), *parts)


def finetune_refused(cli, toy, tmp_path, *parts, **changes):
    """Runs finetune with some flags changed; asserts the refusal and that nothing is left."""
    flags = {
        "train": toy.train,
        "eval": toy.dev,
        "init": "bert_tiny_en_uncased",
        "vocab": toy.vocabulary,
        "output": tmp_path / "out" / "model",
        **changes,
    }
    found = cli("finetune", *(f"--{k}={v}" for k, v in flags.items() if v is not None))
    refused(found, *parts)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def rows_file(tmp_path, *lines, name="rows.tsv"):
    path = tmp_path / name
    path.write_text("text\tlabel\n" + "".join(line + "\n" for line in lines))
    return path


def test_finetune_refuses_bad_rows(cli, toy, tmp_path):
    check = lambda path, *parts, flag="train": finetune_refused(  # noqa: E731
        cli, toy, tmp_path, str(path), *parts, **{flag: path}
    )
    check(tmp_path / "none.tsv", "no such file")
    check(rows_file(tmp_path, "good\tpositive", "\tnegative"), ":3:", "text is empty")
    check(rows_file(tmp_path, "good\tpositive\tmore"), ":2:", "3 fields")
    check(rows_file(tmp_path, "good\tpositive", "bad\tpositive"), "two different labels")
    check(rows_file(tmp_path, "a\tso-so"), ":2:", "'so-so'", "negative, positive", flag="eval")
    latin = tmp_path / "latin.tsv"
    latin.write_bytes(b"text\tlabel\ncaf\xe9\tpositive\n")
    check(latin, ":2:", "UTF-8")
    words = tmp_path / "words.tsv"
    words.write_text("words\tlabel\ngood\tpositive\n")
    check(words, "no text column", "words, label")


def test_finetune_refuses_lengths_presets_and_vocabularies(cli, toy, tmp_path):
    finetune_refused(cli, toy, tmp_path, "length 513", "512", length=513)
    finetune_refused(
        cli, toy, tmp_path, "bert_huge: no such file or", "the presets bert_tiny", init="bert_huge"
    )
    finetune_refused(cli, toy, tmp_path, "has no vocabulary", vocab=None)
    finetune_refused(cli, toy, tmp_path, "none.txt", "No such file", vocab="none.txt")
    finetune_refused(cli, toy, tmp_path, "--freeze=9", "up to 2", freeze=9)


def test_finetune_refuses_to_replace_what_it_did_not_write(cli, toy, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(b"x")
    flags = [*toy.arguments, "--epochs=1", f"--output={folder}"]
    refused(cli(*flags), "photos", "does not look like one of ours")
    assert (folder / "1.jpg").read_bytes() == b"x"


def broken_copy(toy, tmp_path, name, change):
    folder = tmp_path / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(toy.model, folder)
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    return folder


@pytest.mark.parametrize(
    ("name", "change", "parts"),
    [
        ("config.json", lambda b: b[:50], ["config.json", "JSON"]),
        ("config.json", lambda b: b.replace(b'"max_length": 32', b'"max_length": 999'), ["999"]),
        ("config.json", lambda b: b.replace(b'"pair"', b'"pears"'), ["config.json", "pears"]),
        ("config.json", lambda b: b.replace(b'"vocab_size": ', b'"vocab_size": 9'), ["cut short"]),
        (
            "config.json",
            lambda b: b.replace(b'"num_hidden_layers": 2', b'"num_hidden_layers": 99999'),
            ["num_hidden_layers", "1000"],
        ),
        (
            "config.json",
            lambda b: b.replace(b'"num_hidden_layers": 2', b'"num_hidden_layers": 999'),
            ["model.weights.h5", "cut short or of another model"],
        ),
        ("vocab.txt", lambda b: b + b"extra\n", ["vocabulary has", "they are not of the same"]),
        ("vocab.txt", lambda b: b.replace(b"[CLS]", b"[XXX]"), ["vocab.txt", "[CLS]"]),
        ("model.weights.h5", lambda b: b[: len(b) // 3], ["model.weights.h5", "cut short"]),
        ("model.weights.h5", lambda b: b[: len(b) // 3 * 2], ["model.weights.h5", "truncated"]),
        ("model.weights.h5", lambda b: bytes(len(b)), ["model.weights.h5", "HDF5"]),
    ],
)
def test_a_broken_model_folder_is_refused(cli, toy, tmp_path, name, change, parts):
    folder = broken_copy(toy, tmp_path, name, change)
    refused(cli("predict", f"--model={folder}", "--text=a"), *parts)


def test_weights_of_another_size_are_refused(cli, toy, tmp_path):
    import keras

    folder = broken_copy(toy, tmp_path, "config.json", lambda b: b)
    size = {"load_weights": False, "vocab_size": 200}
    other = keras_bert.BertEncoder.from_preset("bert_mini_en_uncased", **size)
    keras.Model(other.input, other.output).save_weights(folder / "model.weights.h5")
    refused(cli("predict", f"--model={folder}", "--text=a"), "model.weights.h5", "holds")


def test_a_truncated_safetensors_file_is_refused(cli, tmp_path):
    source = pathlib.Path(__file__).parents[1] / "data" / "hf_tiny_bert"
    folder = tmp_path / "hf"
    shutil.copytree(source, folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    output = tmp_path / "converted"
    refused(cli("convert", f"--from={folder}", f"--output={output}"), "model.safetensors")
    assert not output.exists()


def test_an_encoder_cannot_classify(cli, toy, tmp_path):
    bert = keras_bert.load("bert_tiny_en_uncased", vocabulary=toy.vocabulary)
    bert.save(tmp_path / "encoder")
    refused(cli("predict", f"--model={tmp_path / 'encoder'}", "--text=a"), "without a task")
    assert bert.predict(["a", "b"]).shape == (2, 128)


def test_pairs_and_single_texts_are_not_mixed(cli, toy, tmp_path):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("sentence1\tsentence2\tlabel\na\tb\tpositive\n")
    refused(cli("evaluate", f"--model={toy.model}", f"--data={pairs}"), "single texts")
    refused(cli("predict", f"--model={toy.model}", "--text=a", "--text_b=b"), "single texts")


def test_an_unwritable_output_is_refused(cli, toy, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("x")
    refused(cli("vocab", f"--corpus={toy.dev}", "--size=50", f"--output={blocked}/v.txt"), "file")


# === What a careless user does ===


def test_numbers_that_are_none_are_refused(cli, toy, tmp_path):
    for name in ("learning_rate", "eval_fraction", "warmup"):
        finetune_refused(cli, toy, tmp_path, f"--{name}=nan", "finite", **{name: "nan"})
    finetune_refused(cli, toy, tmp_path, "--seed=4294967296", seed=2**32)
    flags = [f"--model={toy.model}", "--exported=x.tflite", f"--data={toy.dev}"]
    refused(cli("verify", *flags, "--max_drop=nan"), "--max_drop=nan", "finite")
    refused(cli("verify", *flags, "--max_drop=-1"), "max_drop")


def test_a_flag_left_empty_is_refused(cli, toy, tmp_path):
    """--output=$OUT, with OUT unset, would otherwise name the current folder."""
    finetune_refused(cli, toy, tmp_path, "--output", "is empty", output="")
    finetune_refused(cli, toy, tmp_path, "--train", "is empty", train="")


def test_outputs_that_cannot_be_written_are_told_before_the_work(cli, toy, tmp_path):
    finetune_refused(cli, toy, tmp_path, "cannot be written in", output=tmp_path / ("n" * 300))
    (tmp_path / "file").write_text("x")
    finetune_refused(cli, toy, tmp_path, "file: File exists", tensorboard=tmp_path / "file")
    if os.path.isdir("/proc/self"):  # where even root, to whom os.access says yes, cannot write
        finetune_refused(cli, toy, tmp_path, "cannot be written in /proc", output="/proc/x/model")


def test_a_program_that_is_ended_clears_away_what_is_half_written(tmp_path):
    """`timeout`, docker and slurm end a program by SIGTERM."""
    script = """
import sys, time
from keras_bert.commands import main
from keras_bert.files import replacing_folder
def verb(argv):
    with replacing_folder(argv[0]) as folder:
        print("begun", flush=True)
        time.sleep(600)
main._main = verb
sys.exit(main.main())
"""
    command = [sys.executable, "-c", script, str(tmp_path / "model")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        assert list(tmp_path.iterdir())
        process.terminate()
    assert process.returncode == 143
    assert not list(tmp_path.iterdir())


def test_an_output_is_never_the_input(cli, toy, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(toy.model, model)
    card = (model / "README.md").read_bytes()
    for output in (model, f"{tmp_path}/./model/"):
        refused(cli("convert", f"--from={model}", f"--output={output}"), "is also the input")
        finetune_refused(cli, toy, tmp_path, "is also the input", init=model, output=output)
    assert (model / "README.md").read_bytes() == card
    texts = tmp_path / "texts.csv"
    texts.write_text("text\na\n")
    flags = [f"--input={texts}", f"--output={texts}"]
    refused(cli("predict", f"--model={model}", *flags), "is also the input")
    refused(cli("vocab", f"--corpus={texts}", "--size=50", f"--output={texts}"), "also the input")
    assert texts.read_text() == "text\na\n"


def test_a_model_folder_with_a_users_file_is_not_replaced(cli, toy, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(toy.model, model)
    (model / "mine.tflite").write_bytes(b"x")
    finetune_refused(cli, toy, tmp_path, "mine.tflite", output=model)
    assert (model / "mine.tflite").read_bytes() == b"x"


def test_links_are_followed_and_pipes_left_alone(cli, toy, tmp_path):
    (tmp_path / "link").symlink_to("real")
    for _ in range(2):  # the second time the folder is there, to be replaced
        found = cli("convert", f"--from={toy.model}", f"--output={tmp_path / 'link'}")
        assert found.status == 0, found.err
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "real" / "config.json").is_file()
    os.mkfifo(tmp_path / "pipe.csv")
    flags = ["--text=a", f"--output={tmp_path / 'pipe.csv'}"]
    refused(cli("predict", f"--model={toy.model}", *flags), "a device or a pipe")
    assert (tmp_path / "pipe.csv").is_fifo()


def test_another_folder_named_as_the_state_is_not_removed(tmp_path):
    from keras_bert.training.checkpoints import Checkpoints

    folder = tmp_path / "model.training"
    folder.mkdir()
    (folder / "thesis.txt").write_text("x")
    Checkpoints(folder, "").discard()
    assert (folder / "thesis.txt").read_text() == "x"


def test_a_full_disk_is_told_by_name_whatever_library_writes(tmp_path):
    from keras_bert.files import replacing_file, replacing_folder

    for replacing in (replacing_file, replacing_folder):
        # safetensors' exception, like TensorFlow's, is no OSError.
        with pytest.raises(keras_bert.InputError, match="model: the disk is full"):
            with replacing(tmp_path / "model"):
                raise RuntimeError("I/O error: No space left on device (os error 28)")
        assert not list(tmp_path.iterdir())


def test_training_that_diverges_is_an_error(cli, toy, tmp_path):
    output = tmp_path / "model"
    found = cli(*toy.arguments, "--epochs=1", "--learning_rate=1e30", f"--output={output}")
    assert found.status == 2
    assert "the training diverged" in found.err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_refused(cli, toy, tmp_path):
    bert = keras_bert.load(toy.model)
    weights = bert.model.get_weights()
    weights[-1][0] = np.nan
    bert.model.set_weights(weights)
    bert.save(tmp_path / "model")
    refused(cli("predict", f"--model={tmp_path / 'model'}", "--text=a"), "not finite")


def test_a_label_that_only_the_held_out_part_has_is_known(cli, toy, tmp_path):
    rows = [f"word {i}\tc{i}" for i in range(20)]
    flags = [f"--train={rows_file(tmp_path, *rows)}", "--eval_fraction=0.5"]
    arguments = [a for a in toy.arguments if not a.startswith(("--train", "--eval"))]
    found = cli(*arguments, *flags, "--epochs=1", f"--output={tmp_path / 'model'}", "--json")
    assert found.status == 0, found.err
    assert len(json.loads(found.out.splitlines()[-1])["labels"]) == 20


def test_weights_that_lack_a_label_are_refused_in_one_line(cli, toy, tmp_path):
    folder = broken_copy(
        toy, tmp_path, "config.json", lambda b: b.replace(b'"negative",', b'"negative", "x",')
    )
    refused(cli("predict", f"--model={folder}", "--text=a"), "model.weights.h5", "logits", "3)")


def test_a_vocabulary_beyond_all_memory_is_refused(cli, tmp_path):
    """The trainer would end the process, which no program can tell of."""
    flags = [f"--corpus={__file__}", f"--output={tmp_path / 'v.txt'}"]
    refused(cli("vocab", "--size=100000000000", *flags), "size")


def test_an_output_that_is_not_said_to_be_a_number_gives_its_encoder(cli, toy, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "hf"
    assert cli("convert", f"--from={toy.model}", "--to=huggingface", f"--output={folder}").out
    weights = load_file(folder / "model.safetensors")
    weights = {k: v[:1].copy() if k.startswith("classifier") else v for k, v in weights.items()}
    save_file(weights, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    del config["id2label"], config["label2id"]
    (folder / "config.json").write_text(json.dumps(config))
    bert = keras_bert.load(folder)
    assert bert.config.task is None
    expected = keras_bert.load(toy.model).encoder.get_weights()
    for a, b in zip(bert.encoder.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_model_folder_has_its_own_vocabulary(cli, toy, tmp_path):
    flags = [f"--vocab={toy.vocabulary}", f"--output={tmp_path / 'x'}"]
    refused(cli("convert", f"--from={toy.model}", *flags), "leave out --vocab")


@pytest.mark.parametrize(
    ("kind", "name"), [("tflite", "x"), ("onnx", "config.json"), ("saved_model", "x.tflite")]
)
def test_an_export_gets_the_ending_it_is_known_by(cli, toy, tmp_path, kind, name):
    flags = [f"--format={kind}", f"--output={tmp_path / name}"]
    refused(cli("export", f"--model={toy.model}", *flags), name, f"--format={kind} needs")
    assert not list(tmp_path.iterdir())


def test_benchmark_refuses_a_length_over_the_position_table(cli, toy):
    refused(cli("benchmark", f"--model={toy.model}", "--length=9999"), "9999", "at most 512")


def test_json_has_null_for_what_is_not_a_number(capsys):
    found = {"loss": float("nan"), "history": [{"x": float("inf"), "y": 1.5}]}
    print_result(found, [], as_json=True)
    assert json.loads(capsys.readouterr().out) == {"loss": None, "history": [{"x": None, "y": 1.5}]}


def test_ctrl_c_is_one_line_and_130(capsys, monkeypatch):
    def interrupted(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "_main", interrupted)
    assert program.main([]) == 130
    assert capsys.readouterr().err == "keras-bert: interrupted\n"


def test_predict_of_nothing_is_nothing(toy):
    bert = keras_bert.load(toy.model)
    assert bert.predict([]) == []
    assert bert.probabilities([]).shape == (0, 2)


def in_process(*arguments, stdout=subprocess.PIPE, **environment):
    return subprocess.run(
        [sys.executable, "-m", "keras_bert", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdout=stdout, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_the_c_locale_prints_codes_for_what_it_cannot_show(toy):
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    found = in_process("predict", f"--model={toy.model}", "--text=café", "--json", **plain)
    assert found.returncode == 0, found.stderr
    assert found.stderr.decode("ascii").splitlines()[-1].endswith("caf\\xe9")
    assert json.loads(found.stdout.decode("ascii"))["predictions"][0]["text"] == "café"


def test_predict_reads_standard_input(toy):
    command = [sys.executable, "-m", "keras_bert", "predict", f"--model={toy.model}", "--input=-"]

    def of(content):
        return subprocess.run(
            command, input=content, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )

    found = of("a superb film\n\nawful, dull café\r\n".encode())
    assert found.returncode == 0, found.stderr
    rows = [line.split("\t") for line in found.stdout.decode().splitlines()]
    assert [(row[0], row[2]) for row in rows] == [
        ("positive", "a superb film"), ("negative", "awful, dull café"),
    ]  # fmt: skip
    for content, message in [
        (b'{"text": "a"}\n', "standard input is JSON"),
    ]:
        found = of(content)
        assert found.returncode == 2
        assert message in found.stderr.decode().splitlines()[-1]


def test_text_that_is_not_utf_8_is_refused(toy):
    found = in_process("predict", f"--model={toy.model}", b"--text=caf\xe9")
    assert found.returncode == 2
    assert found.stderr.decode().splitlines() == ["keras-bert predict: --text is not UTF-8"]


def test_a_reader_that_leaves_is_no_error():
    read, write = os.pipe()
    os.close(read)
    found = in_process("--help", stdout=write)
    os.close(write)
    assert found.returncode == 141
    assert found.stderr == b""


def test_a_foreign_classifier_takes_what_the_data_has_until_it_is_told(cli, toy, tmp_path):
    """Other formats do not say whether a model takes pairs."""
    foreign, known = tmp_path / "foreign", tmp_path / "known"
    flags = [f"--from={toy.model}", "--to=huggingface", f"--output={foreign}"]
    assert cli("convert", *flags).status == 0
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("sentence1\tsentence2\tlabel\na\tb\tpositive\n")
    for data in (pairs, toy.dev):
        assert cli("evaluate", f"--model={foreign}", f"--data={data}").status == 0
    assert cli("convert", f"--from={foreign}", "--pair", f"--output={known}").status == 0
    assert cli("evaluate", f"--model={known}", f"--data={pairs}").status == 0
    refused(cli("evaluate", f"--model={known}", f"--data={toy.dev}"), "pairs of texts")
    refused(
        cli("predict", f"--model={known}", "--text=a"), "--text: the model takes pairs", "--text_b"
    )
