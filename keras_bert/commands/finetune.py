"""Reads labelled texts, trains with `model.fit`, keeps the best epoch, writes a model folder.

    keras-bert finetune --task=classification --train=train.csv --eval=dev.csv \\
        --init=CHECKPOINT --output=my_model
"""

import hashlib
import json
import os
import sys
import time

import numpy as np
from absl import flags

from keras_bert.commands import shared
from keras_bert.errors import InputError
from keras_bert.files import check_replaceable
from keras_bert.model_folder import is_replaceable
from keras_bert.tasks import classification

TASKS = ("classification",)


def define(values):
    flags.DEFINE_enum("task", "classification", TASKS, "kind of task", flag_values=values)
    shared.define_string(values, "train", "labelled texts: CSV, TSV, JSON lines", required=True)
    shared.define_string(values, "eval", "labelled texts to choose the best epoch and to score on")
    flags.DEFINE_float(
        "eval_fraction", 0.1, "without --eval: share of the training texts to hold out",
        lower_bound=0.0, upper_bound=0.9, flag_values=values,
    )  # fmt: skip
    shared.define_string(
        values, "init", "what to start from: model folder, checkpoint, or preset", required=True
    )
    shared.define_string(values, "output", "the model folder to write", required=True)
    shared.define_string(values, "vocab", "vocabulary, where --init has none")
    flags.DEFINE_boolean(
        "lower_case", None, "whether --vocab is uncased (default: by its look)", flag_values=values
    )
    shared.define_column_flags(values)
    flags.DEFINE_list(
        "labels", None, "the labels, in order (default: those found in --train)", flag_values=values
    )
    flags.DEFINE_integer(
        "length", 128, "tokens a text is cut to, [CLS] and [SEP] included",
        lower_bound=3, flag_values=values,
    )  # fmt: skip
    flags.DEFINE_integer("epochs", 3, "passes over the texts", lower_bound=1, flag_values=values)
    flags.DEFINE_integer("batch_size", 32, "texts a step", lower_bound=1, flag_values=values)
    flags.DEFINE_float(
        "learning_rate", 5e-5, "the schedule's peak", lower_bound=0.0, flag_values=values
    )
    flags.DEFINE_float(
        "warmup", 0.1, "share of the steps in which the learning rate rises",
        lower_bound=0.0, upper_bound=1.0, flag_values=values,
    )  # fmt: skip
    flags.DEFINE_float(
        "weight_decay", 0.01, "decoupled, not on biases and LayerNorm",
        lower_bound=0.0, flag_values=values,
    )  # fmt: skip
    flags.DEFINE_float(
        "clipnorm",
        1.0,
        "largest global norm of the gradient; 0 does not clip",
        lower_bound=0.0,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "seed",
        0,
        "of initialization, order and dropout",
        lower_bound=0,
        upper_bound=2**32 - 1,
        flag_values=values,
    )
    flags.DEFINE_enum(
        "metric", "accuracy", classification.METRICS, "what the best epoch is best in",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_string(
        "freeze", "", "not trained: encoder, embeddings, or N (the lowest N blocks)",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_enum(
        "precision", "auto", ("auto", "float32", "mixed_bfloat16", "mixed_float16"),
        "number format of the training steps; auto takes the machine's best", flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean(
        "resume", False, "go on with a run that was killed, from its last whole epoch",
        flag_values=values,
    )  # fmt: skip
    shared.define_string(values, "tensorboard", "folder for TensorBoard logs")


def run(values):
    shared.check_not_input(values.output, values.init)
    check_replaceable(values.output, is_replaceable)
    train, evaluation, found = _read(values)
    labels = values.labels or found
    if len(labels) < 2 or len(set(labels)) < len(labels):
        where = f"--labels={','.join(labels)}" if values.labels else train.path
        raise InputError(f"{where}: at least two different labels are needed, found {labels}")
    train_ids = classification.label_ids(train, labels)
    evaluation_ids = classification.label_ids(evaluation, labels)
    if values.tensorboard:
        # TensorFlow does not bring it along any more; better told now than after an epoch.
        import tensorboard  # noqa: F401

        os.makedirs(values.tensorboard, exist_ok=True)  # or Keras fails at the first epoch

    shared.import_tensorflow_quietly()
    import keras

    from keras_bert.training import classifier

    # Before the start is loaded: a preset, or a checkpoint without pooler, draws random weights.
    keras.utils.set_random_seed(values.seed)
    start = shared.load_bert(values.init, vocabulary=values.vocab, lower_case=values.lower_case)
    settings = classifier.FineTuneSettings(
        **{name: values[name].value for name in classifier.setting_names()}
    )
    state_folder = os.path.abspath(values.output) + ".training"
    if os.path.exists(state_folder) and not values.resume:
        print("starting anew: --resume would go on with the run that was killed", file=sys.stderr)
    trainer = classifier.ClassifierTraining(
        start,
        labels=labels,
        pair=train.texts_b is not None,
        max_length=values.length,
        settings=settings,
        precision=values.precision,
        frozen=values.freeze,
        metric=values.metric,
    )
    for note in start.notes:
        print(note, file=sys.stderr)
    began = time.monotonic()
    outcome = trainer.train(
        train,
        train_ids,
        evaluation,
        evaluation_ids,
        state_folder=state_folder,
        fingerprint=_fingerprint(values, train, evaluation),
        resume=values.resume,
        tensorboard=values.tensorboard,
    )
    seconds = time.monotonic() - began
    bert = trainer.finished()
    probabilities = bert.probabilities(evaluation.texts, evaluation.texts_b)
    if not np.isfinite(probabilities).all():
        trainer.discard_state()
        raise InputError(
            f"--learning_rate={values.learning_rate}: the training diverged, the best epoch's "
            f"weights are not finite: try a lower one"
        )
    scores = classification.scores(evaluation_ids, probabilities.argmax(axis=-1), labels)
    from keras_bert.training.model_card import model_card

    bert.save(values.output, model_card(values, bert, train, evaluation, scores))
    trainer.discard_state()
    result = {
        "output": values.output,
        **scores,
        "labels": list(labels),
        "best_epoch": outcome["best_epoch"],
        "epochs": outcome["history"],
        "seconds": round(seconds, 1),
        "precision": trainer.policy,
    }
    lines = [
        *shared.score_lines(scores, labels),
        f"best epoch {outcome['best_epoch']} of {settings.epochs}; {seconds:.0f} s of training",
        f"model folder: {values.output}",
    ]
    return result, lines


def _read(values):
    """Returns the examples to train on, those to score on, and the labels found in --train."""
    train = shared.read_examples(values, shared.check_path(values.train))
    # Of the whole file: a rare label may fall into the held-out part alone.
    labels = classification.label_list(train)
    if values.eval is not None:
        evaluation = shared.read_examples(values, shared.check_path(values.eval))
        if (evaluation.texts_b is None) != (train.texts_b is None):
            raise InputError(f"{values.eval}: one of --train and --eval has pairs, the other not")
        return train, evaluation, labels
    held_out, rest = classification.hold_out(train, values.eval_fraction, values.seed)
    if not len(held_out) or not len(rest):
        raise InputError(f"{train.path}: too few texts to hold some out: give --eval")
    return rest, held_out, labels


def _fingerprint(values, train, evaluation):
    """Names the run: its flags, but for those that do not change the weights, and its data."""
    ignored = ("resume", "output", "json", "tensorboard")
    settings = {name: values[name].value for name in values if name not in ignored}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for examples in (train, evaluation):
        content = [examples.texts, examples.texts_b, examples.labels]
        digest.update(json.dumps(content).encode())
    return digest.hexdigest()
