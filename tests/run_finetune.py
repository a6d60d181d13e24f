"""Run by training/test_finetune_strategy.py in processes of their own: fine-tunes on several CPUs.

    python run_finetune.py DEVICES OUTPUT.npz RUN ...

A run is KIND:STRATEGY:WHAT: a network's kind, one or mirrored, and "whole", "killed" (which stops
within the third epoch of four) or "resumed" (which goes on with what was killed). The file gets the
weights, as RUN/0, RUN/1, …, and RUN/history. Logical devices can only be made before TensorFlow
does anything else.
"""

import contextlib
import os
import sys
import types

import tensorflow as tf

if __name__ == "__main__":
    cpu = tf.config.list_physical_devices("CPU")[0]
    devices = [tf.config.LogicalDeviceConfiguration()] * int(sys.argv[1])
    tf.config.set_logical_device_configuration(cpu, devices)

import keras
import numpy as np

import keras_bert
from keras_bert import models
from keras_bert.text.padding import TokenizedTexts
from keras_bert.training.checkpoints import Checkpoints
from keras_bert.training.distillation import RowLoss, with_teacher
from keras_bert.training.fit import fine_tune, freeze
from keras_bert.training.inner_losses import INNER, BesideTeacher, InnerTargets
from keras_bert.training.settings import FitSettings
from keras_bert.training.strategy import make_strategy
from keras_bert.training.taught_targets import TaughtTargets

# Batches of 5 rows and, at the end of an epoch, of 1: fewer than there are devices.
ROWS, BATCH, EPOCHS = 21, 5, 4

NETWORKS = {
    "classification": lambda encoder: models.BertClassifier(encoder, num_classes=3),
    "frozen": lambda encoder: models.BertClassifier(encoder, num_classes=3),
    "layer_decay": lambda encoder: models.BertClassifier(encoder, num_classes=3),
    "weighted": lambda encoder: models.BertClassifier(encoder, num_classes=3),
    "fused": lambda encoder: models.BertClassifier(encoder, num_classes=3),
    "multi_label": lambda encoder: models.BertMultiLabelClassifier(encoder, num_classes=4),
    "regression": lambda encoder: models.BertRegressor(encoder),
    "tagging": lambda encoder: models.BertTagger(encoder, num_classes=5),
    "taught": lambda encoder: models.BertTagger(encoder, num_classes=5),
    "inside": lambda encoder: models.BertTagger(encoder, num_classes=5),
    "question_answering": lambda encoder: models.BertQuestionAnswerer(encoder),
    "multiple_choice": lambda encoder: models.BertMultipleChoice(encoder, num_choices=3),
}


class Killed(Exception):
    pass


def data_of(kind):
    """Returns texts and targets; lengths differ, and so do the tags that a row has."""
    rng = np.random.default_rng(1)
    group = 3 if kind == "multiple_choice" else 1
    sizes = rng.integers(4, 15, ROWS * group)
    rows = [
        types.SimpleNamespace(token_ids=rng.integers(1, 50, n), segment_ids=np.zeros(n))
        for n in sizes
    ]
    targets = {
        "tagging": [rng.integers(-1, 5, n).astype("int32") for n in sizes],
        "question_answering": {
            name: rng.integers(0, 4, ROWS).astype("int32")
            for name in ("start_logits", "end_logits")
        },
        "regression": rng.normal(size=(ROWS, 1)).astype("float32"),
        "multi_label": rng.integers(0, 2, (ROWS, 4)).astype("float32"),
    }
    logits = {"logits": rng.normal(size=(sizes.sum(), 5))}
    shares = np.repeat([0.3, 0.0], [ROWS - 5, 5])
    targets["taught"] = TaughtTargets(targets["tagging"], logits, shares, sizes)
    targets["inside"] = InnerTargets(targets["taught"])
    targets = targets.get(kind, rng.integers(0, 3, ROWS).astype("int32"))
    return TokenizedTexts(rows, 16, group=group), targets


def train(kind, strategy, what, folder, clipnorm=0.05):
    """Returns the trained weights by number, and the history's losses."""
    settings = FitSettings(
        epochs=EPOCHS, batch_size=BATCH, learning_rate=1e-3, clipnorm=clipnorm, checkpoint_every=4,
        layer_decay=0.8 if kind == "layer_decay" else 1.0,
    )  # fmt: skip
    strategy = None if strategy == "one" else make_strategy(strategy)
    keras.utils.set_random_seed(0)
    with strategy.scope() if strategy else contextlib.nullcontext():
        encoder = keras_bert.BertEncoder(
            50, 16, 2, 2, intermediate_size=32, max_position_embeddings=16,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )  # fmt: skip
        model = network = NETWORKS[kind](encoder)
        loss, factors = model.default_loss(), model.default_loss_weights()
        if kind in ("taught", "inside"):
            loss = with_teacher(loss, 2.0)
        if kind == "inside":
            teacher = keras_bert.BertEncoder(
                50, 24, 3, 3, intermediate_size=32, max_position_embeddings=16
            )
            network = BesideTeacher(model, teacher, relation_layer=2, hidden_layers=[0, 2])
            loss, factors = {"logits": loss, INNER: RowLoss()}, {"logits": 1.0, INNER: 0.5}
    if kind == "frozen":
        freeze(model.encoder, "1")
    texts, targets = data_of(kind)
    # Very unlike, so that a mean of the wrong numbers is another.
    weights = np.array([0.2, 1.0, 5.0], "float32")[targets] if kind == "weighted" else None
    epochs = [1, 2] if what == "resumed" else []

    def evaluate():
        epochs.append(1)
        return {"eval_epoch": float(len(epochs))}  # so that the last epoch is the best

    class Killer(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if len(epochs) == 2 and batch == 2:
                raise Killed

    checkpoints = Checkpoints(folder, kind)
    with contextlib.ExitStack() as stack:
        if what == "killed":
            original = keras.Model.fit
            stack.callback(setattr, keras.Model, "fit", original)

            def fit(self, *arguments, callbacks, **options):
                return original(self, *arguments, callbacks=[*callbacks, Killer()], **options)

            keras.Model.fit = fit
        try:
            outcome = fine_tune(
                network, loss, texts, targets, settings, evaluate,
                loss_weights=factors,
                checkpoints=None if what == "whole" else checkpoints,
                resume=what == "resumed", strategy=strategy, weights=weights,
            )  # fmt: skip
        except Killed:
            return {"steps": np.array(checkpoints.steps())}
    found = {str(i): weight for i, weight in enumerate(model.get_weights())}
    for name in outcome["history"][0]:
        found[name] = np.array([epoch[name] for epoch in outcome["history"]])
    return found


def main():
    folder = sys.argv[2] + ".checkpoints"
    found = {}
    for run in sys.argv[3:]:
        kind, strategy, what, *options = run.split(":")
        if "fused" in kind:
            import keras_bert.training.fit as module

            module._STEPS_PER_SHAPE = 0
        for name, value in train(
            kind, strategy, what, os.path.join(folder, kind), *map(float, options)
        ).items():
            found[f"{run}/{name}"] = value
    np.savez(sys.argv[2], **found)


if __name__ == "__main__":
    main()
