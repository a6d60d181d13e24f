"""The training of a network for a task: from a `Bert` and examples to the best epoch's weights."""

import contextlib
import dataclasses

import keras
import numpy as np

from keras_bert import numpy_ops, shapes
from keras_bert.bert import Bert, build_model, predict_batch
from keras_bert.errors import Diverged, InputError, name_of
from keras_bert.model_folder import ModelConfig
from keras_bert.models.lora import merged_weights
from keras_bert.predictor import outputs_of
from keras_bert.quantization import fake
from keras_bert.tasks.cut_texts import report_cut
from keras_bert.tasks.registry import get_task
from keras_bert.tasks.task import Rows
from keras_bert.text.padding import TokenizedTexts
from keras_bert.training import precision as precisions
from keras_bert.training.cached_features import CachedFeatures, can_cache, head_of
from keras_bert.training.checkpoints import Checkpoints
from keras_bert.training.class_weights import class_weights
from keras_bert.training.devices import several_devices, writes_files
from keras_bert.training.distillation import with_teacher
from keras_bert.training.fit import fine_tune, freeze
from keras_bert.training.inner_losses import (
    InnerTargets,
    asks_for_inner,
    beside_teacher,
    check_inner,
)
from keras_bert.training.quantize_aware import needs_fine_tuned, rescaling_for
from keras_bert.training.taught_rows import taught_rows
from keras_bert.training.teachers import check_teachers


def discard_state(folder):
    """Removes the state of a run, once its model is safe on disk."""
    Checkpoints(folder, "").discard()


def config_for(
    task, start, max_length, fields, pooling="cls", dropout=None, windows=False,
    quantize_aware=None,
):  # fmt: skip
    """Returns the `ModelConfig` of what comes out of a training.

    Args:
        task: `Task`.
        start: `Bert` to start from.
        max_length: the most tokens of a row.
        fields: what the task's `model_fields` made of the examples to train on.
        pooling: "cls" or "mean"; see `BertClassifier`.
        dropout: in place of the start's two rates; None keeps them.
        windows: whether longer texts are read in windows; see `ModelConfig`.
        quantize_aware: likewise; None: for no quantized file.

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
        windows=windows,
        quantize_aware=quantize_aware or {},
        pruned=start.config.pruned,
        **fields,
    )


class TaskTraining:
    """One training run.

    Args:
        start: a `Bert` to start from; its head is kept if it is of the same task and labels.
        config: `ModelConfig` of the result, see `config_for`.
        settings: `FitSettings`.
        precision: see `precision.resolve`.
        frozen: what is not trained, see `freeze`.
        metric: name of the score that decides which epoch is best; None takes the task's first.
        strategy: None for one device, "mirrored" or "multi_worker", or what `make_strategy`
            returned. Every worker trains with the same examples.
        lora_rank: width of low-rank adapters, see `BertEncoder.enable_lora`; None trains without.
        teachers: `Teachers` to learn from beside the labels, or None.

    With `quantize_aware` in the config it trains and scores with the numbers of a quantized file.

    Attributes:
        task: the `Task`.
        model: the Keras model in training.
        label_weights: dict of float by label, once it trains with `class_weight`; else None.
        rescaling: `Rescaling` of the quantized file that it trains for, once it does; else None.
        float_scores: dict of the scores without quantization, once `finished` has run; else None.

    Raises:
        InputError: `frozen`, `metric` or `strategy` is not understood, or there are more devices
            than rows in a batch.
    """

    def __init__(
        self, start, config, settings, precision="auto", frozen="", metric=None, strategy=None,
        lora_rank=None, teachers=None,
    ):  # fmt: skip
        self.settings = settings
        self.config = config
        self.tokenizer = start.tokenizer
        self.task = get_task(config.benchmark or config.task)
        self.metrics = self._metrics(metric)
        if config.quantize_aware and precision == "auto":
            precision = "float32"  # bfloat16 has fewer steps than 8 bits
        self.policy = precisions.resolve(precision)
        self.rescaling = None
        self.teachers = teachers
        if config.quantize_aware and not _same_head(start.config, config):
            raise needs_fine_tuned(start.config, config.quantize_aware)
        if teachers is not None:
            check_teachers(teachers, config, self.tokenizer)
        self.learns_inner = asks_for_inner(settings)
        if self.learns_inner:
            check_inner(settings, teachers, config, self.tokenizer)
        self.skipped = 0
        self.label_weights = None
        self.float_scores = None
        keras.utils.set_random_seed(settings.seed)
        self.strategy = several_devices(strategy, settings.batch_size)
        with self.strategy.scope() if self.strategy else contextlib.nullcontext():
            self.model = build_model(self.config, dtype=self.policy)
        if _same_head(start.config, config):
            self.model.set_weights(merged_weights(start.model))
        else:
            self.model.encoder.set_weights(merged_weights(start.encoder))
        self.frozen = frozen
        freeze(self.model.encoder, frozen)
        if lora_rank is not None:
            if frozen:
                raise InputError(
                    f"adapters train in place of the encoder: leave out {name_of('freeze')}",
                    "lora_rank",
                    lora_rank,
                )
            with self.strategy.scope() if self.strategy else contextlib.nullcontext():
                self.model.encoder.enable_lora(lora_rank)

    def train(
        self, examples, evaluation, state_folder=None, fingerprint="", resume=False,
        tensorboard=None, unlabeled=(), say=print,
    ):  # fmt: skip
        """Trains, and leaves the best epoch's weights in the model.

        Args:
            examples: the task's examples to train on.
            evaluation: those that decide which epoch is best.
            state_folder: where to keep what a killed run needs to go on; None keeps nothing.
            fingerprint: text that names settings and data; see `Checkpoints`.
            resume: whether to go on from `state_folder`.
            tensorboard: folder for TensorBoard's files, or None.
            unlabeled: list of examples without labels, which the teachers label.
            say: function that takes a line for the user.

        Returns:
            A dict: `history`, `best_epoch` and `seconds`; see `fine_tune`.
        """
        self.task.check(examples, self.config)
        self.task.check(evaluation, self.config)
        bert = Bert.from_config(self.config, self.model, self.tokenizer)
        rows = self.task.training_rows(examples, self.tokenizer, self.config)
        self.skipped = self.task.skipped(rows, examples)
        targets = self.task.targets(examples, rows, self.config)
        weights = self._row_weights(examples, rows)
        evaluation_rows = self.task.rows(evaluation, self.tokenizer, self.config)
        for part, part_rows in ((examples, rows), (evaluation, evaluation_rows)):
            report_cut(self.task, part_rows, part, self.config, trains=True)
        loss = self.model.default_loss()
        self.checkpoints = state_folder and Checkpoints(state_folder, fingerprint)
        if not resume:
            self.discard_state()
        if self.teachers is not None:
            loss = with_teacher(loss, self.teachers.temperature)
            rows, targets, weights = taught_rows(
                bert, self.teachers, examples, rows, targets, weights, unlabeled, state_folder,
                resume, self.strategy, say,
            )  # fmt: skip
        # Group 1: what is evaluated goes through the model row by row.
        texts, evaluation_texts = (
            TokenizedTexts(
                each.encodings,
                self.config.max_length,
                self.tokenizer.pad_id,
                group,
                shapes.padded_lengths(),
            )
            for each, group in ((rows, rows.group), (evaluation_rows, 1))
        )
        model, network = self.model, bert.network
        if self.strategy:
            # Keras would give each replica of a model that was made in a strategy's scope the
            # whole batch; the same layers in a model that was made outside of it run once.
            network = keras.Model(network.input, network.output)
        if self.config.quantize_aware:
            # Before any function of the model is traced.
            self.rescaling = rescaling_for(bert, examples, state_folder, resume, self.strategy)
            self._enable(model)
        caches = self.frozen == "encoder" and not self.learns_inner
        if caches and can_cache(model, texts, evaluation_texts):
            texts, evaluation_texts = (
                CachedFeatures(model, each) for each in (texts, evaluation_texts)
            )
            model = network = head_of(model)

        def run(inputs):
            logits = predict_batch(network, inputs, self.config)
            return self.model.outputs_from_logits(logits, self.config.settings, numpy_ops)

        def evaluate():
            outputs = outputs_of(run, evaluation_texts, self.task, bert.batch_size)
            _, _, found = self._answered(outputs, evaluation_rows, evaluation)
            return {f"eval_{name}": found[name] for name in self.metrics}

        loss_weights = self.model.default_loss_weights()
        if self.learns_inner:
            targets = InnerTargets(targets)
            model, loss, loss_weights = beside_teacher(
                model, loss, loss_weights, self.teachers, self.settings, self.policy, self.strategy
            )
        return fine_tune(
            model,
            loss,
            texts,
            targets,
            self.settings,
            evaluate,
            loss_weights=loss_weights,
            checkpoints=self.checkpoints,
            resume=resume,
            tensorboard=tensorboard,
            strategy=self.strategy,
            weights=weights,
        )

    def finished(self, evaluation):
        """Returns the trained `Bert`, in float32 whatever it was trained in, and its answers.

        Settings that are chosen after training, such as the threshold for no answer, are chosen
        here, on the evaluation examples.

        Returns:
            A tuple: the `Bert`, its answers to `evaluation`, their scores.
        """
        bert = answering = self._plain_bert()
        rows = self.task.rows(evaluation, self.tokenizer, self.config)
        if self.config.quantize_aware:
            self.float_scores = self._answered(bert.outputs(rows), rows, evaluation)[-1]
            answering = self._plain_bert()
            self._enable(answering.model)
        outputs = answering.outputs(rows)
        for values in outputs.values():
            if not all(np.isfinite(value).all() for value in values):
                self.discard_state()
                raise Diverged(
                    "the training diverged, the best epoch's weights are not finite: try a lower "
                    "one",
                    "learning_rate",
                    self.settings.learning_rate,
                )
        bert.config, answers, scores = self._answered(outputs, rows, evaluation)
        return bert, answers, scores

    def _plain_bert(self):
        model = build_model(self.config, dtype="float32")
        model.set_weights(merged_weights(self.model))
        bert = Bert.from_config(self.config, model, self.tokenizer)
        bert.rescaling = self.rescaling
        return bert

    def _enable(self, model):
        field = self.config.quantize_aware
        fake.enable(model, field["weights"], field["table_bits"], self.rescaling)

    def _row_weights(self, examples, rows):
        """Returns the weight of each row in the loss, that of its label; None without weights."""
        text = getattr(self.settings, "class_weight", None)
        if text is None:
            return None
        if not self.task.weighs_labels:
            raise InputError(f"is for classification, not for {self.task.name}", "class_weight")
        # Balanced by texts: a long one is one, however many windows it is read in.
        ids = self.task.targets(examples, Rows([], np.arange(len(examples))), self.config)
        weights = class_weights(text, ids, self.config)
        self.label_weights = dict(zip(self.config.labels, map(float, weights)))
        return weights[ids][rows.example_indices]

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
        if self.checkpoints and writes_files(self.strategy):
            self.checkpoints.discard()

    def _metrics(self, first):
        known = self.task.metrics(self.config)
        if first is not None and first not in known:
            raise InputError(f"{self.task.name} has {', '.join(known)}", "metric", first)
        return sorted(known, key=lambda name: name != first)


def _same_head(start, config):
    """Says whether the start's head is what the new model needs, so that its training goes on."""
    if (start.task, start.labels, start.pooling) != (config.task, config.labels, config.pooling):
        return False
    choices = [each.settings.get("num_choices") for each in (start, config)]
    return choices[0] == choices[1]
