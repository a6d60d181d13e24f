"""Early stopping: when a run ends, what stays, and that a killed one ends the same."""

import json
import pathlib

import keras
import numpy as np
import pytest

import keras_bert
from keras_bert.errors import InputError
from keras_bert.text.padding import TokenizedTexts
from keras_bert.training.checkpoints import Checkpoints
from keras_bert.training.fit import fine_tune
from keras_bert.training.settings import FitSettings

ROWS, BATCH, EPOCHS = 12, 4, 9


class Row:
    def __init__(self, token_ids):
        self.token_ids, self.segment_ids = token_ids, np.zeros(len(token_ids))


def run(scores, patience, folder=None, resume=False, killed=None):
    """Trains with scores that are given; returns the outcome, the weights and the learning rates.

    Args:
        scores: list of float, the score of each epoch from the first of this call on.
        patience: int or None.
        folder: of checkpoints.
        resume: bool.
        killed: the number of epochs after which the run is killed, before anything else is done.
    """
    keras.utils.set_random_seed(0)
    encoder = keras_bert.BertEncoder(
        50, 16, 1, 2, intermediate_size=32, max_position_embeddings=16,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    model = keras_bert.BertClassifier(encoder, num_classes=3)
    rng = np.random.default_rng(1)
    texts = TokenizedTexts([Row(rng.integers(1, 50, 8)) for _ in range(ROWS)], 16)
    targets = rng.integers(0, 3, ROWS).astype("int32")
    settings = FitSettings(
        epochs=EPOCHS, batch_size=BATCH, learning_rate=1e-3, patience=patience, checkpoint_every=2
    )
    rates, left = [], list(scores)

    class Watcher(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

        def on_epoch_end(self, epoch, logs=None):
            if killed is not None and epoch + 1 == killed:
                raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        original = keras.Model.fit

        def fit(self, *arguments, callbacks, **options):
            return original(self, *arguments, callbacks=[*callbacks, Watcher()], **options)

        patch.setattr(keras.Model, "fit", fit)
        outcome = fine_tune(
            model, model.default_loss(), texts, targets, settings,
            lambda: {"eval_score": left.pop(0)},
            checkpoints=folder and Checkpoints(folder, "run"), resume=resume,
        )  # fmt: skip
    return outcome, model.get_weights(), rates


def test_the_run_ends_after_so_many_epochs_that_are_not_better():
    scores = [0.1, 0.5, 0.5, 0.4, 0.9, 0.8, 0.7, 0.9, 0.95]
    # By hand: with 2 epochs 3 and 4 are no better than 2; with 3 it is 6, 7 and 8 after 5.
    for patience, epochs, best in ((1, 3, 2), (2, 4, 2), (3, 8, 5), (4, 9, 9), (None, 9, 9)):
        outcome, _, _ = run(scores, patience)
        assert len(outcome["history"]) == epochs, patience
        assert outcome["best_epoch"] == best, patience


def test_the_best_epochs_weights_stay_and_the_schedule_keeps_its_length():
    scores = [0.1, 0.5, 0.4, 0.3, 0.2, 0.2, 0.2, 0.2, 0.2]
    _, whole, whole_rates = run(scores, None)
    outcome, ended, rates = run(scores, 2)
    assert len(outcome["history"]) == 4
    assert all(map(np.array_equal, whole, ended))
    assert len(rates) == 4 * ROWS // BATCH
    assert rates == whole_rates[: len(rates)]
    assert rates[-1] > 0.5e-3  # far from the end of the fall


@pytest.mark.slow
@pytest.mark.parametrize("killed", [1, 2, 3, 4])
def test_a_killed_run_ends_where_the_other_ends(tmp_path, killed):
    """Also if it is killed in the last moment, when it has decided to end."""
    scores = [0.5, 0.6, 0.4, 0.3]
    expected, weights, _ = run(scores, 2)
    with pytest.raises(KeyboardInterrupt):
        run(scores, 2, tmp_path / "state", killed=killed)
    outcome, found, rates = run(scores[killed:], 2, tmp_path / "state", resume=True)
    assert len(rates) == (4 - killed) * ROWS // BATCH
    assert outcome["best_epoch"] == expected["best_epoch"] == 2
    assert len(outcome["history"]) == 4
    assert all(map(np.array_equal, weights, found))


def test_a_command_says_that_it_ended_and_the_card_too(cli, toy, tmp_path, monkeypatch):
    output = tmp_path / "model"
    flags = [*toy.arguments, "--epochs=12", "--patience=2", f"--output={output}", "--json"]
    found = cli(*flags)
    assert found.status == 0, found.err
    result = json.loads(found.out.splitlines()[-1])
    done, best = len(result["epochs"]), result["best_epoch"]
    assert done == best + 2 < 12
    assert (
        f"ended after epoch {done} of 12: 2 without a better accuracy than in epoch {best}, whose "
        f"weights stay"
    ) in found.err
    assert f"best epoch {best} of {done};" in found.err
    card = " ".join(pathlib.Path(output / "README.md").read_text().split())
    assert f"The best of {done} epochs, of 12 that were planned, by accuracy" in card
    assert not pathlib.Path(f"{output}.training").exists()


def test_bad_values(cli, toy, tmp_path):
    found = cli(*toy.arguments, "--patience=0", f"--output={tmp_path / 'x'}")
    assert found.status == 2
    assert "patience" in found.err
    with pytest.raises(InputError, match="patience=0: expected 1 or more"):
        FitSettings(patience=0)
