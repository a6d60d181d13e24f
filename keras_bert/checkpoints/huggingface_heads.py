"""The head beside the encoder: what Hugging Face's config.json says of it.

Its class decides what the numbers mean: `classifier.weight` is the head of three classes. Source:
transformers 5, models/bert/modeling_bert.py.
"""

import dataclasses

from keras_bert.checkpoints import names
from keras_bert.errors import InputError

# transformers' classes, and the heads that each has.
ARCHITECTURES = {
    "BertModel": (),
    "BertForSequenceClassification": names.CLASSIFIER,
    "BertForTokenClassification": names.TAGGER,
    "BertForQuestionAnswering": names.ANSWERER,
    "BertForMultipleChoice": names.CHOICE,
    "BertForMaskedLM": names.MASKED_LM,
    "BertForPreTraining": (*names.MASKED_LM, *names.PAIR),
}
_TASKS = {
    "BertForSequenceClassification": "classification",
    "BertForTokenClassification": "tagging",
    "BertForQuestionAnswering": "question_answering",
    "BertForMultipleChoice": "multiple_choice",
}
# Outputs of the heads that have as many in every model.
_OUTPUTS = {"question_answering": 2, "multiple_choice": 1}


@dataclasses.dataclass(frozen=True)
class Head:
    """What a folder says of its task; see `Checkpoint` for the fields."""

    task: str | None = None
    labels: list | None = None
    settings: dict = dataclasses.field(default_factory=dict)
    notes: tuple = ()


def classifier_names(data):
    """Returns the canonical names of `classifier.weight` and `classifier.bias`.

    Args:
        data: the contents of `config.json`.
    """
    architecture = _architecture(data)
    tells = _TASKS.get(architecture) in ("tagging", "multiple_choice")
    return ARCHITECTURES[architecture] if tells else names.CLASSIFIER


def read_head(data, config, shapes, config_path, weights_path):
    """Reads what task a folder is for.

    Args:
        data: the contents of `config.json`.
        config: `BertConfig`.
        shapes: dict from canonical name to shape.
        config_path, weights_path: for messages.

    Returns:
        A `Head`; without a task where there is none that can be had, with a note that says why.

    Raises:
        InputError: the weights of the head have another shape than its class has, or config.json
            names another number of labels.
    """
    architecture = _architecture(data)
    task = _TASKS.get(architecture)
    if task is None:
        return Head()
    name = ARCHITECTURES[architecture][0]
    key = names.to_huggingface(name)
    if name not in shapes:
        return _none(f"{config_path} says {architecture}, but the weights have no {key}")
    shape = shapes[name]
    rows = _OUTPUTS.get(task, shape[0] if shape else 0)
    if shape != (rows, config.hidden_size) or not rows:
        expected = f"({_OUTPUTS.get(task, 'labels')}, {config.hidden_size})"
        raise InputError(f"{weights_path}: {key} has shape {shape}, expected {expected}")
    if task in _OUTPUTS:
        return Head(task, settings=_read_settings(data, task))
    labels = _read_labels(data, rows, config_path)
    if task == "tagging":
        return Head(task, labels, _read_settings(data, task))
    return _read_sequence_head(data, labels, config_path)


def head_config(architecture, weights, labels, settings):
    """Returns the keys of `config.json` that say what a head means.

    Args:
        architecture: transformers' class.
        weights: dict from canonical name to array.
        labels: names of the classes or tags; None names them LABEL_0, …
        settings: dict, the task's settings.

    Source of the meaning of `problem_type`: transformers' PretrainedConfig.
    """
    task, data = _TASKS.get(architecture), {}
    if task in ("classification", "tagging"):
        count = len(weights[ARCHITECTURES[architecture][0]])
        labels = _default_labels(count) if labels is None else labels
        data["id2label"] = {str(i): label for i, label in enumerate(labels)}
        data["label2id"] = {label: i for i, label in enumerate(labels)}
        if task == "classification" and count == 1:
            data["problem_type"] = "regression"
            settings = {}  # its mean and scale are in the weights
    if settings and task:
        # transformers has no place for them; it keeps what it finds here and makes no use of it.
        data["task_specific_params"] = {task: settings}
    return data


def _read_sequence_head(data, labels, config_path):
    """Tells classes from a number, as BertForSequenceClassification's loss does."""
    problem = data.get("problem_type")
    # A config without any labels stands for two of them.
    counted = any(data.get(key) for key in ("id2label", "num_labels", "_num_labels"))
    if problem == "multi_label_classification":
        return _none(f"{config_path}: labels that can hold together are no task here")
    if problem == "regression" and len(labels) > 1:
        return _none(f"{config_path}: several numbers for one text are no task here")
    if problem == "regression" or (problem is None and counted and len(labels) == 1):
        stated = data.get("sentence_transformers")
        sigmoid = isinstance(stated, dict) and "Sigmoid" in str(stated.get("activation_fn"))
        note = f"{config_path}: values are logits, sentence-transformers takes a sigmoid of them"
        return Head("regression", notes=(note,) if sigmoid else ())
    if len(labels) == 1:
        return _none(f"{config_path}: a single label, and not said to be a number")
    return Head("classification", labels)


def _none(reason):
    return Head(notes=(f"{reason}: only the encoder is loaded",))


def _read_settings(data, task):
    params = data.get("task_specific_params")
    return (params.get(task) if isinstance(params, dict) else None) or {}


def _read_labels(data, count, config_path):
    # transformers leaves the key out when the labels are the default ones.
    id2label = data.get("id2label") or {
        str(i): label for i, label in enumerate(_default_labels(count))
    }
    if not isinstance(id2label, dict) or set(id2label) != {str(i) for i in range(count)}:
        raise InputError(f"{config_path}: id2label does not name {count} classes from 0 on")
    return [str(id2label[str(i)]) for i in range(count)]


def _default_labels(count):
    return [f"LABEL_{i}" for i in range(count)]


def _architecture(data):
    """Returns the one class that the config names, or None."""
    found = data.get("architectures")
    one = isinstance(found, list) and len(found) == 1 and isinstance(found[0], str)
    return found[0] if one else None
