"""What the tests share: a small trained classifier, and a way to call the command line."""

import os
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# What the device program remembers is not to be that of who runs the tests.
os.environ["XDG_STATE_HOME"] = os.path.join(tempfile.gettempdir(), "keras_bert_tests.state")

import gzip
import pathlib
import random
import types

import pytest

DATA = pathlib.Path(__file__).parent / "data"

_GOOD = ("good", "great", "lovely", "superb", "charming")
_BAD = ("bad", "awful", "dull", "poor", "boring")
_PLAIN = ("film", "story", "actor", "music", "scene", "end", "plot", "voice", "picture", "cast")


def toy_rows(count, seed):
    """Returns (label, text) rows that a small model learns in seconds: a word tells the label."""
    rng = random.Random(seed)
    rows = []
    for i in range(count):
        words = [rng.choice(_PLAIN) for _ in range(rng.randint(2, 20))]
        words.insert(rng.randrange(len(words)), rng.choice((_BAD, _GOOD)[i % 2]))
        rows.append((("negative", "positive")[i % 2], " ".join(words)))
    return rows


def write_tsv(path, rows, header=("label", "text")):
    """Writes rows as TSV, gzip'd if the name says so."""
    text = "".join("\t".join(row) + "\n" for row in [header, *rows])
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.write(text)
    return path


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """A folder with train.tsv.gz, dev.tsv, vocab.txt and the model folder trained from them."""
    from keras_bert.commands.main import main
    from keras_bert.text.vocabulary import train_vocabulary

    folder = tmp_path_factory.mktemp("toy")
    train = write_tsv(folder / "train.tsv.gz", toy_rows(600, seed=1))
    dev = write_tsv(folder / "dev.tsv", toy_rows(100, seed=2))
    vocabulary = folder / "vocab.txt"
    tokens = train_vocabulary([text for _, text in toy_rows(600, seed=1)], 200)
    vocabulary.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    arguments = [
        "finetune",
        "--init=bert_tiny_en_uncased",
        f"--vocab={vocabulary}",
        f"--train={train}",
        f"--eval={dev}",
        "--length=32",
        "--epochs=4",
        "--learning_rate=1e-3",
    ]
    assert main([*arguments, f"--output={folder / 'model'}"]) == 0
    return types.SimpleNamespace(
        folder=folder,
        train=str(train),
        dev=str(dev),
        vocabulary=str(vocabulary),
        model=str(folder / "model"),
        arguments=arguments,
        texts=[text for _, text in toy_rows(100, seed=2)],
    )


@pytest.fixture
def cli(capsys):
    """Calls the program in this process; gives an object with status, out and err."""
    from keras_bert.commands.main import main

    def call(*arguments):
        capsys.readouterr()
        status = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return types.SimpleNamespace(status=status, out=out, err=err)

    return call
