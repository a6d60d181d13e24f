"""Fine-tuning for a task: from a start and examples to a `Bert` that answers.

`finetune` is the whole way for a script; the verb of that name goes it in the steps below, because
it tells faults before anything heavy is imported, and keeps state.
"""

import dataclasses
import os

import keras
import numpy as np

from keras_bert import numpy_ops
from keras_bert.bert import Bert, build_model
from keras_bert.errors import Diverged, InputError
from keras_bert.model_folder import ModelConfig
from keras_bert.predictor import outputs_of
from keras_bert.tasks.registry import get_task
from keras_bert.tasks.task import FileLayout, hold_out
from keras_bert.text.padding import TokenizedTexts
from keras_bert.training import precision as precisions
from keras_bert.training.cached_features import CachedFeatures, can_cache, head_of
from keras_bert.training.fit import FineTuneSettings, fine_tune, freeze
from keras_bert.training.state import TrainingState

_HELD_OUT = 0.1


def finetune(
    bert, task, train, evaluation=None, length=128, layout=None, overrides=None, pooling="cls",
    dropout=None, precision="auto", frozen="", metric=None, **settings,
):  # fmt: skip
    """Fine-tunes for a task, and keeps the best epoch.

    Args:
        bert: `Bert` to start from; it stays as it is.
        task: what `--task` takes, such as "tagging" or "glue/mrpc".
        train: path of a file that the task reads, or examples that its `read` gave.
        evaluation: the same, to choose the best epoch and to score on; None holds out a tenth.
        length: the most tokens of a row, special ones included.
        layout: `FileLayout`, how the files are laid out; None as their like usually are.
        overrides: dict of what the training file decides otherwise: `labels`, or settings of the
            task such as `doc_stride` and `scheme`.
        pooling: "cls" or "mean"; see `BertClassifier`.
        dropout: in place of the start's two rates; None keeps them.
        precision: see `precision.resolve`.
        frozen: what is not trained; see `freeze`.
        metric: name of the score that decides which epoch is best; None takes the task's first.
        **settings: of `FineTuneSettings`: `epochs`, `batch_size`, `learning_rate`, `seed`, ….

    Returns:
        A tuple: the `Bert`, and the dict of its scores on the evaluation examples.

    Raises:
        InputError: something in a file is wrong, or does not fit.
        Diverged: the weights are not finite any more.
        TypeError: there is no such setting.
    """
    task, settings = get_task(task), FineTuneSettings(**settings)
    whole, evaluation = (
        task.read(part, layout or FileLayout()) if isinstance(part, str | os.PathLike) else part
        for part in (train, evaluation)
    )
    train = whole
    if evaluation is None:
        evaluation, train = hold_out(whole, _HELD_OUT, settings.seed)
    fields = task.model_fields(whole, overrides or {}, length)
    config = config_for(task, bert, length, fields, pooling, dropout)
    training = TaskTraining(bert, config, settings, precision, frozen, metric)
    training.train(train, evaluation)
    best, _, scores = training.finished(evaluation)
    return best, scores


def config_for(task, start, max_length, fields, pooling="cls", dropout=None):
    """Returns the `ModelConfig` of what comes out of a training.

    Args:
        task: `Task`.
        start: `Bert` to start from.
        max_length: the most tokens of a row.
        fields: what the task's `model_fields` made of the examples to train on.
        pooling: "cls" or "mean"; see `BertClassifier`.
        dropout: in place of the start's two rates; None keeps them.

    Raises:
        InputError: the fields or the length do not do.
    """
    encoder = start.config.encoder
    if dropout is not None:
        encoder = dataclasses.replace(
            encoder, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout
        )
    return ModelConfig(
        encoder=encoder,
        task=task.kind,
        max_length=max_length,
        tokenizer=start.tokenizer.get_config(),
        benchmark="" if task.name == task.kind else task.name,
        pooling=pooling,
        **fields,
    )


class TaskTraining:
    """One training run.

    Args:
        start: a `Bert` to start from; its head is kept if it is of the same task and labels.
        config: `ModelConfig` of the result, see `config_for`.
        settings: `FineTuneSettings`.
        precision: see `precision.resolve`.
        frozen: what is not trained, see `freeze`.
        metric: name of the score that decides which epoch is best; None takes the task's first.

    Attributes:
        task: the `Task`.
        model: the Keras model in training.

    Raises:
        InputError: `frozen` or `metric` is not understood.
    """

    def __init__(self, start, config, settings, precision="auto", frozen="", metric=None):
        self.settings = settings
        self.config = config
        self.task = get_task(config.benchmark or config.task)
        self.metrics = self._metrics(metric)
        self.policy = precisions.resolve(precision)
        self.tokenizer = start.tokenizer
        self.skipped = 0
        keras.utils.set_random_seed(settings.seed)
        self.model = build_model(self.config, dtype=self.policy)
        if _same_head(start.config, config):
            self.model.set_weights(start.model.get_weights())
        else:
            self.model.encoder.set_weights(start.encoder.get_weights())
        self.frozen = frozen
        freeze(self.model.encoder, frozen)

    def train(
        self, examples, evaluation, state_folder=None, fingerprint="", resume=False,
        tensorboard=None,
    ):  # fmt: skip
        """Trains, and leaves the best epoch's weights in the model.

        Args:
            examples: the task's examples to train on.
            evaluation: those that decide which epoch is best.
            state_folder: where to keep what a killed run needs to go on; None keeps nothing.
            fingerprint: text that names settings and data; see `TrainingState`.
            resume: whether to go on from `state_folder`.
            tensorboard: folder for TensorBoard's files, or None.

        Returns:
            A dict: `history`, `best_epoch` and `seconds`; see `fine_tune`.
        """
        self.task.check(examples, self.config)
        self.task.check(evaluation, self.config)
        bert = Bert.from_config(self.config, self.model, self.tokenizer)
        rows = self.task.training_rows(examples, self.tokenizer, self.config)
        self.skipped = self.task.skipped(rows, examples)
        targets = self.task.targets(examples, rows, self.config)
        evaluation_rows = self.task.rows(evaluation, self.tokenizer, self.config)
        # Group 1: what is evaluated goes through the model row by row.
        texts, evaluation_texts = (
            TokenizedTexts(each.encodings, self.config.max_length, self.tokenizer.pad_id, group)
            for each, group in ((rows, rows.group), (evaluation_rows, 1))
        )
        model, run = self.model, bert.run
        if self.frozen == "encoder" and can_cache(model, texts, evaluation_texts):
            texts, evaluation_texts = (
                CachedFeatures(model, each) for each in (texts, evaluation_texts)
            )
            model = head_of(model)

            def run(features):
                logits = model.predict_on_batch(features)
                return self.model.outputs_from_logits(logits, self.config.settings, numpy_ops)

        def evaluate():
            outputs = outputs_of(run, evaluation_texts, self.task, bert.batch_size)
            _, _, found = self._answered(outputs, evaluation_rows, evaluation)
            return {f"eval_{name}": found[name] for name in self.metrics}

        self.state = state_folder and TrainingState(state_folder, fingerprint)
        if self.state and not resume:
            self.state.discard()
        return fine_tune(
            model,
            self.model.default_loss(),
            texts,
            targets,
            self.settings,
            evaluate,
            loss_weights=self.model.default_loss_weights(),
            state=self.state,
            resume=resume,
            tensorboard=tensorboard,
        )

    def finished(self, evaluation):
        """Returns the trained `Bert`, in float32 whatever it was trained in, and its answers.

        Settings that are chosen after training, such as the threshold for no answer, are chosen
        here, on the evaluation examples.

        Returns:
            A tuple: the `Bert`, its answers to `evaluation`, their scores.
        """
        model = build_model(self.config, dtype="float32")
        model.set_weights(self.model.get_weights())
        bert = Bert.from_config(self.config, model, self.tokenizer)
        rows = self.task.rows(evaluation, self.tokenizer, self.config)
        outputs = bert.outputs(rows)
        for values in outputs.values():
            if not all(np.isfinite(value).all() for value in values):
                self.discard_state()
                raise Diverged(
                    f"--learning_rate={self.settings.learning_rate}: the training diverged, the "
                    f"best epoch's weights are not finite: try a lower one"
                )
        bert.config, answers, scores = self._answered(outputs, rows, evaluation)
        return bert, answers, scores

    def _answered(self, outputs, rows, evaluation):
        """Returns the config with settings chosen for these outputs, the answers, their scores."""
        config = self.config
        answers = self.task.answers(outputs, rows, evaluation, config)
        tuned = self.task.tuned_settings(answers, evaluation, config)
        if tuned:
            config = dataclasses.replace(config, settings={**config.settings, **tuned})
            answers = self.task.answers(outputs, rows, evaluation, config)
        return config, answers, self.task.scores(answers, evaluation, config)

    def discard_state(self):
        """Removes the kept state, once the model is safe on disk."""
        if self.state:
            self.state.discard()

    def _metrics(self, first):
        known = self.task.metrics(self.config)
        if first is not None and first not in known:
            raise InputError(f"--metric={first}: {self.task.name} has {', '.join(known)}")
        return sorted(known, key=lambda name: name != first)


def setting_names():
    """Returns the names of `FineTuneSettings`, which are those of the flags."""
    return [field.name for field in dataclasses.fields(FineTuneSettings)]


def _same_head(start, config):
    """Says whether the start's head is what the new model needs, so that its training goes on."""
    if (start.task, start.labels, start.pooling) != (config.task, config.labels, config.pooling):
        return False
    choices = [each.settings.get("num_choices") for each in (start, config)]
    return choices[0] == choices[1]
