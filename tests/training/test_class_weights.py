"""Weights of labels: scikit-learn's balance, Keras's own class_weight, bad values, the card."""

import json
import os
import pathlib

import keras
import numpy as np
import pytest
from conftest import toy_rows, write_tsv
from sklearn.utils.class_weight import compute_class_weight

import keras_bert
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.model_folder import ModelConfig
from keras_bert.text.padding import TokenizedTexts
from keras_bert.training.batches import TrainingBatches
from keras_bert.training.class_weights import class_weights
from keras_bert.training.fit import fine_tune
from keras_bert.training.optimizer import adamw
from keras_bert.training.schedule import WarmupLinearDecay
from keras_bert.training.settings import FinetuneSettings, FitSettings

LABELS = ("ham", "spam", "rare")


def config(labels=LABELS, **fields):
    return ModelConfig(BertConfig(vocab_size=100), "classification", labels, **fields)


def test_balanced_is_scikit_learns():
    ids = np.random.default_rng(0).choice(3, 100, p=[0.7, 0.25, 0.05])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=ids)
    np.testing.assert_allclose(class_weights("balanced", ids, config()), expected, rtol=1e-6)
    # A label that only the held-out part has: k is the number of those that occur.
    ids[ids == 2] = 0
    expected = [*compute_class_weight("balanced", classes=np.arange(2), y=ids), 1.0]
    np.testing.assert_allclose(class_weights("balanced", ids, config()), expected, rtol=1e-6)


def test_weights_by_label_by_its_name_or_what_files_call_it():
    for text in ("spam:3,rare:0.5", " spam : 3 ,rare:5e-1", '{"spam": 3, "rare": "0.5"}'):
        assert class_weights(text, None, config()).tolist() == [1, 3, 0.5]
    named = config(("no", "yes"), file_labels=("0", "1"))
    assert class_weights("1:2", None, named).tolist() == [1, 2]
    assert class_weights("yes:2", None, named).tolist() == [1, 2]
    odd = config(("a:b", "c,d"))
    assert class_weights("a:b:2", None, odd).tolist() == [2, 1]
    assert class_weights('{"c,d": 2}', None, odd).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spam", "class_weight=spam: expected a value for each label, such as balanced or spam:3"),
        ("Balanced", "expected a value for each label"),
        ("", "expected a value for each label"),
        ("spam:3,,ham:1", "expected a value for each label"),
        ("spam:", "expected a value for each label"),
        (":3", "expected a value for each label"),
        ("{", "expected a value for each label"),
        ("[1]", "expected a value for each label"),
        ("egg:3", "'egg' is not a label of the model, which has ham, spam, rare"),
        ("spam:3,spam:4", "has 'spam' twice"),
        ("spam:-1", "spam: '-1' is not a number of 0 or more"),
        ("spam:nan", "is not a number of 0 or more"),
        ("spam:inf", "is not a number of 0 or more"),
        ("spam:x", "is not a number of 0 or more"),
        ('{"spam": true}', "is not a number of 0 or more"),
        ('{"spam": [1]}', "is not a number of 0 or more"),
        ("ham:0,spam:0,rare:0", "all labels weigh 0"),
    ],
)
def test_bad_weights_are_told_of(text, message):
    with pytest.raises(InputError) as caught:
        class_weights(text, np.array([0, 1]), config())
    assert message in str(caught.value)
    assert str(caught.value).startswith("class_weight")


def test_a_script_gives_a_dict():
    settings = FinetuneSettings(class_weight={"spam": 3, 1: 2.5})
    assert json.loads(settings.class_weight) == {"spam": 3, "1": 2.5}


# === The loss ===


class Row:
    def __init__(self, token_ids):
        self.token_ids, self.segment_ids = token_ids, np.zeros(len(token_ids))


def network(seed=0):
    keras.utils.set_random_seed(seed)
    encoder = keras_bert.BertEncoder(
        50, 16, 2, 2, intermediate_size=32, max_position_embeddings=16,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return keras_bert.BertClassifier(encoder, num_classes=3)


def data(count=21):
    rng = np.random.default_rng(1)
    texts = TokenizedTexts([Row(rng.integers(1, 50, n)) for n in rng.integers(4, 15, count)], 16)
    return texts, rng.integers(0, 3, count).astype("int32")


WEIGHTS = np.array([0.5, 1.0, 3.0], "float32")


def test_the_loss_is_the_weighted_mean_by_hand():
    """Rows padded to different lengths, and a last batch that is smaller."""
    texts, ids = data()
    model = network()
    settings = FitSettings(epochs=1, batch_size=8, learning_rate=0.0, weight_decay=0.0)
    logits = np.asarray(model.predict_on_batch(texts.batch(np.arange(21))), "float64")
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(21), ids]
    found = fine_tune(
        model, model.default_loss(), texts, ids, settings, lambda: {"eval": 0.0},
        weights=WEIGHTS[ids],
    )  # fmt: skip
    expected = (losses * WEIGHTS[ids]).sum() / 21
    assert found["history"][0]["loss"] == pytest.approx(expected, rel=1e-5)
    assert abs(expected - losses.mean()) > 0.05


@pytest.mark.slow
def test_training_is_that_of_kerass_class_weight():
    """The same batches in `fit` of Keras with its own argument."""
    texts, ids = data()
    settings = FitSettings(epochs=2, batch_size=8, learning_rate=1e-3)
    model, other = network(), network()
    fine_tune(
        model, model.default_loss(), texts, ids, settings, lambda: {"eval": 0.0},
        weights=WEIGHTS[ids],
    )  # fmt: skip
    last = network()
    # The best epoch is the first: the evaluation does not get better.
    batches = TrainingBatches(texts, ids, 8, seed=0)
    schedule = WarmupLinearDecay(1e-3, 6, warmup_steps=0)
    optimizer = adamw(learning_rate=schedule, weight_decay=0.01, clipnorm=1.0)
    other.compile(optimizer, other.default_loss(), jit_compile=False)
    plain = network()
    plain.compile(
        adamw(learning_rate=schedule, weight_decay=0.01, clipnorm=1.0), plain.default_loss()
    )
    for step in range(3):
        x, y = batches[step]
        weighted = {i: float(weight) for i, weight in enumerate(WEIGHTS)}
        other.fit(x, y, batch_size=8, shuffle=False, class_weight=weighted, verbose=0)
        plain.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    moved = max(np.abs(a - b).max() for a, b in zip(other.get_weights(), last.get_weights()))
    unlike = max(np.abs(a - b).max() for a, b in zip(other.get_weights(), plain.get_weights()))
    assert moved > 1e-3
    assert unlike > 1e-4
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=2e-6)


# === The road ===


def unbalanced(path):
    """Writes a file in which every fifth row is positive and texts do not tell; 200 rows."""
    rows = [(("positive" if i % 5 == 0 else "negative"), f"{text} film") for i, (_, text) in
            enumerate(toy_rows(200, seed=1))]  # fmt: skip
    texts = [" ".join(word for word in text.split() if word in ("film", "story", "cast", "end"))
             for _, text in rows]  # fmt: skip
    return write_tsv(path, [(label, text) for (label, _), text in zip(rows, texts)])


@pytest.mark.slow
def test_balanced_weights_make_rare_labels_probable(cli, toy, tmp_path):
    """Where the text says nothing, probabilities become the labels' weighted shares."""
    train = unbalanced(tmp_path / "train.tsv")
    flags = [
        "finetune", f"--init={toy.model}", f"--train={train}", f"--eval={train}", "--length=16",
        "--epochs=4", "--learning_rate=1e-3", "--batch_size=32", "--json",
    ]  # fmt: skip
    shares = []
    for name, more in (("plain", []), ("weighted", ["--class_weight=balanced"])):
        found = cli(*flags, *more, f"--output={tmp_path / name}")
        assert found.status == 0, found.err
        result = json.loads(found.out.splitlines()[-1])
        bert = keras_bert.load(tmp_path / name)
        shares.append(bert.probabilities(["film story", "end", "cast film"])[:, 1].mean())
    assert shares[0] < 0.35
    assert 0.35 < shares[1] < 0.65
    assert result["class_weight"] == {"negative": 0.625, "positive": 2.5}
    card = pathlib.Path(tmp_path / "weighted" / "README.md").read_text()
    assert "- Weights of the labels in the loss: negative 0.625, positive 2.5." in card
    assert "--class_weight=balanced" in card
    assert "Weights of the labels" not in (tmp_path / "plain" / "README.md").read_text()


def test_a_script_and_its_card(toy, tmp_path):
    bert, _ = keras_bert.finetune(
        toy.model, "classification", toy.dev, length=16, epochs=1,
        class_weight={"negative": 2, "positive": 1}, output=tmp_path / "model",
    )  # fmt: skip
    assert "class_weight={'negative': 2, 'positive': 1}" in bert.card
    assert "negative 2, positive 1." in bert.card


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--class_weight=egg:2"], "--class_weight: 'egg' is not a label of the model"),
        (["--class_weight=egg"], "--class_weight=egg: expected a value for each label"),
        (
            ["--task=multi_label", "--class_weight=balanced"],
            "--class_weight is for classification, not for --task=multi_label",
        ),
        (
            ["--task=tagging", "--class_weight=balanced"],
            "--class_weight is for classification, not for --task=tagging",
        ),
    ],
)
def test_bad_flags_are_one_line(cli, toy, tmp_path, flags, message):
    output = tmp_path / "model"
    found = cli(
        "finetune", f"--init={toy.model}", f"--train={toy.dev}", f"--output={output}", *flags
    )
    assert found.status == 2
    assert message in found.err.splitlines()[-1]
    assert not os.path.exists(output)


@pytest.mark.slow
def test_a_run_with_other_weights_is_another_run(cli, toy, tmp_path):
    """Killed after its first epoch, it resumes with the same weights only, and then exactly."""
    flags = [
        "finetune", f"--init={toy.model}", f"--train={toy.dev}", f"--eval={toy.dev}",
        "--length=16", "--epochs=2", "--precision=float32", "--batch_size=16",
    ]  # fmt: skip
    weighted = "--class_weight=negative:3"
    assert cli(*flags, weighted, f"--output={tmp_path / 'whole'}").status == 0
    output = f"--output={tmp_path / 'killed'}"
    original = keras.Model.fit

    class Killer(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.params["steps"] and batch == 2 and self.epoch == 1:
                raise KeyboardInterrupt

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

    def fit(self, *arguments, callbacks, **options):
        return original(self, *arguments, callbacks=[*callbacks, Killer()], **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "fit", fit)
        assert cli(*flags, weighted, output).status == 130
    found = cli(*flags, "--class_weight=negative:2", output, "--resume")
    assert found.status == 2
    assert "belongs to a run with other data or settings" in found.err
    assert cli(*flags, weighted, output, "--resume").status == 0
    whole, resumed = (
        keras_bert.load(tmp_path / name).model.get_weights() for name in ("whole", "killed")
    )
    assert all(map(np.array_equal, whole, resumed))
