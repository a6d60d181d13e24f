"""The models that a network learns from: which they are, whether they fit, what they answer."""

import dataclasses
import hashlib
import os

import numpy as np

from keras_bert.bert import Bert, predict_batch
from keras_bert.errors import InputError, name_of
from keras_bert.opening import open_model
from keras_bert.predictor import outputs_of
from keras_bert.text.padding import TokenizedTexts
from keras_bert.training.settings import NO_TEACHER, teacher_paths

# Tokens that go through a teacher together. More are no faster on a CPU, and fill a GPU.
_TOKENS_AT_ONCE = 2**14
# Of the runtime of an exported file; more wait for each other.
_MOST_THREADS = 4
# Of float32: the least probability that has a logarithm, and the largest below 1.
_LEAST, _NEAR_ONE = np.finfo("float32").tiny, 1 - 2.0**-24


@dataclasses.dataclass(frozen=True)
class Teachers:
    """Models of one task, whose logits are averaged.

    Attributes:
        models: list of `Predictor`.
        label_weight: share of the labels in the loss, from 0 to 1; the rest is the teachers'.
        temperature: see `distillation.softmax_divergence`.
        names: list of str, what the user calls the models.
        known: dict, for those who keep what the teachers answered; see `teacher_logits`.
    """

    models: list
    label_weight: float = 0.5
    temperature: float = 1.0
    names: list = dataclasses.field(default_factory=lambda: ["the start"])
    known: dict = dataclasses.field(default_factory=dict)

    def named(self):
        """Returns tuples of a name and its model."""
        return list(zip(self.names, self.models, strict=True))


def open_teachers(settings):
    """Returns the `Teachers` that `FinetuneSettings` name, or None.

    Raises:
        InputError: there is no such model, or it has no task.
    """
    names, models = teacher_paths(settings.teacher), []
    if not names:
        return None
    for name in names:
        try:
            models.append(open_model(name, min(os.cpu_count() or 1, _MOST_THREADS)))
        except InputError as error:
            raise InputError(str(error), "teacher") from None
    return Teachers(models, settings.label_weight, settings.temperature, names)


def teachers_of(opened, start, settings, say):
    """Returns the `Teachers` of a run, or None; in a run for a quantized file the start is one.

    Args:
        opened: what `open_teachers` returned.
        start: `Bert`, the start of the run.
        settings: `FinetuneSettings`.
        say: function that takes a line for the user.
    """
    if opened is not None or settings.quantize_aware is None or settings.teacher == NO_TEACHER:
        return opened
    say(
        f"learns from the logits of the start too, in float: {name_of('teacher', NO_TEACHER)} "
        f"learns from labels alone"
    )
    return Teachers([start], settings.label_weight, settings.temperature)


def check_teachers(teachers, config, tokenizer):
    """Raises InputError unless logits mean to all models what they mean to the one in training.

    Args:
        teachers: `Teachers`.
        config: `ModelConfig` of the network in training.
        tokenizer: its tokenizer.
    """
    for name, model in teachers.named():
        reason = _misfit(model, config, tokenizer)
        if reason is not None:
            raise InputError(reason, "teacher", name)


def _misfit(model, config, tokenizer):
    other = model.config
    if other.task != config.task:
        kind = other.task or "an encoder without a task"
        return f"answers {kind}, not {config.task}: name a model of the same task"
    if model.takes_text:
        return "takes raw text: name its model, or a file of that which takes token ids"
    if other.labels != config.labels:
        return (
            f"has the labels {_shown(other.labels)} and the data {_shown(config.labels)}: they "
            f"must be the same in the same order"
        )
    if other.settings.get("num_choices") != config.settings.get("num_choices"):
        return f"has {other.settings.get('num_choices')} choices a question"
    if other.settings.get("mark_capitals") != config.settings.get("mark_capitals"):
        return f"differs in {name_of('mark_capitals')}"
    if model.task.of_texts and config.pair is not None and other.pair not in (None, config.pair):
        return "is for pairs of texts" if other.pair else "is for single texts, not for pairs"
    if not reads_alike(model, tokenizer):
        if model.task.per_token or config.windows:
            return "has another vocabulary or another tokenizer: it answers for other tokens"
        return None
    positions = model.fixed_length or other.encoder.max_position_embeddings
    if positions < config.max_length:
        return f"reads {positions} tokens, fewer than a row has"
    return None


def reads_alike(model, tokenizer):
    """Returns whether a model's token ids mean what those of a tokenizer mean."""
    its = model.tokenizer
    both = (its.vocabulary, its.get_config()), (tokenizer.vocabulary, tokenizer.get_config())
    return both[0] == both[1]


def rows_of(model, examples):
    """Returns the `Rows` that a model itself makes of texts or choices, one for each, or a group.

    Args:
        model: `Predictor` of another tokenizer than the network in training.
        examples: the task's examples.
    """
    config = dataclasses.replace(model.config, windows=False)
    return model.task.rows(examples, model.tokenizer, config)


def mean_logits(models, rows, config):
    """Returns the mean of the models' logits.

    Args:
        models: list of `Predictor`.
        rows: list with the `Rows` of each.
        config: `ModelConfig` of the network in training, whose unit numbers are in.

    Returns:
        A dict of float32 arrays; see `TaughtTargets`.
    """
    total = {}
    for model, its in zip(models, rows, strict=True):
        for name, values in _logits(model, its, config).items():
            total[name] = total.get(name, 0.0) + values.astype("float64")
    return {name: (values / len(models)).astype("float32") for name, values in total.items()}


def _logits(model, rows, config):
    length = max((len(row.token_ids) for row in rows.encodings), default=1)
    texts = TokenizedTexts(rows.encodings, length, model.tokenizer.pad_id)
    at_once = model.batch_size
    if isinstance(model, Bert):
        # A power of two, to which batches are padded where shapes are compiled.
        at_once = 1 << max(0, (_TOKENS_AT_ONCE // length).bit_length() - 1)
    found = outputs_of(_runs(model, config), texts, model.task, at_once, model.fixed_length)
    join = np.concatenate if model.task.per_token else np.stack
    found = {name: join(values) for name, values in found.items()}
    if len(found) > 1:
        return found
    (values,) = found.values()
    # The choices of a question, a row each, are together what the network in training answers.
    return {"logits": values.reshape(-1, rows.group) if rows.group > 1 else values}


def _runs(model, config):
    """Returns a function from a batch to logits, by the names of the task's outputs."""
    if isinstance(model, Bert) and config.task != "regression":
        network = model.network

        def run(inputs):
            logits = predict_batch(network, inputs, model.config)
            return logits if isinstance(logits, dict) else dict.fromkeys(model.task.outputs, logits)

        return run
    back = {
        "classification": _log,
        "tagging": _log,
        "multi_label": _log_odds,
        "regression": lambda v: (v - config.settings["mean"]) / config.settings["scale"],
    }.get(config.task, np.asarray)
    return lambda inputs: {name: back(values) for name, values in model.run(inputs).items()}


def _log(probability):
    # Of a softmax that is the logits less a number, which the next softmax does not see.
    return np.log(np.maximum(probability, _LEAST))


def _log_odds(probability):
    probability = np.clip(np.asarray(probability, "float64"), 1 - _NEAR_ONE, _NEAR_ONE)
    return np.log(probability) - np.log1p(-probability)


def digest_of(model):
    """Returns a text that names a model's weights and all that its answers depend on."""
    digest = hashlib.sha256(model.config.to_json().encode())
    digest.update("\n".join(model.tokenizer.vocabulary).encode())
    if isinstance(model, Bert):
        for weight in model.model.get_weights():
            digest.update(np.ascontiguousarray(weight).data)
        return digest.hexdigest()
    for path in _files(os.fspath(model.path)):
        with open(path, "rb") as file:
            while block := file.read(2**22):
                digest.update(block)
    return digest.hexdigest()


def _files(path):
    if os.path.isfile(path):
        return [path]
    return sorted(os.path.join(top, name) for top, _, names in os.walk(path) for name in names)


def _shown(labels):
    shown = ", ".join(labels)
    return shown if len(shown) < 60 else f"{shown[:60]}…"
