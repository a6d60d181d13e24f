"""The head of a Hugging Face model, as described in its config.json.

The model's class decides what the weights mean: three classes have a `classifier.weight`. Source:
transformers 5, models/bert/modeling_bert.py.
"""

import dataclasses

from keras_bert.checkpoints import names
from keras_bert.errors import InputError
from keras_bert.guesses import guess
from keras_bert.tasks.registry import KINDS, get_task

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


@dataclasses.dataclass(frozen=True)
class Head:
    """The task of a folder; see `Checkpoint` for the fields."""

    task: str | None = None
    labels: list | None = None
    settings: dict = dataclasses.field(default_factory=dict)
    notes: tuple = ()


def choose_architecture(data, keys, shapes, config_path):
    """Finds transformers' class by what the config says, else by the tensors of the head.

    Args:
        data: the contents of `config.json`.
        keys: dict from canonical name to the file's key, see `canonical_keys`.
        shapes: dict from the file's key to shape.
        config_path: for messages.

    Returns:
        A tuple: the class, or None; list of notes.
    """
    stated = _architecture(data)
    if stated in ARCHITECTURES and (stated != "BertModel" or not _heads_in(keys)):
        return stated, []
    heads = _heads_in(keys)
    if len(heads) != 1:
        if not heads:
            return stated if stated in ARCHITECTURES else None, []
        found = ", ".join(keys[head[0]] for head in heads)
        return None, [_dropped(data, f"{found} are heads of different models", config_path)]
    key = keys[heads[0][0]]
    if heads[0] is names.ANSWERER:
        chosen = "BertForQuestionAnswering"
    elif shapes[key][:1] == (1,) and data.get("problem_type") is None:
        reason = f"{key} has one output, for regression or for choices"
        return None, [_dropped(data, reason, config_path)]
    elif _is_tagger(data, keys):
        chosen = "BertForTokenClassification"
    else:
        chosen = "BertForSequenceClassification"
    what = f"architectures is {data.get('architectures')!r}"
    return chosen, [guess(f"{what}: by its {key} it is a {chosen}", place=config_path)]


def _heads_in(keys):
    return [head for head in (names.CLASSIFIER, names.ANSWERER) if head[0] in keys]


def _is_tagger(data, keys):
    """Returns whether a classifier is one of words: its labels say it, else that it has no pooler.

    transformers' BertForTokenClassification has none since 2020.
    """
    labels = data.get("id2label")
    labels = [str(v) for v in labels.values()] if isinstance(labels, dict) else []
    if any(label[:2] in ("B-", "I-") for label in labels):
        return True
    return names.POOLER[0] not in keys and data.get("problem_type") is None


def classifier_names(architecture):
    """Returns the canonical names of `classifier.weight` and `classifier.bias`.

    Args:
        architecture: transformers' class, or None.
    """
    head = ARCHITECTURES.get(architecture)
    return head if head in (names.TAGGER, names.CHOICE) else names.CLASSIFIER


def read_head(data, architecture, config, shapes, config_path, weights_path):
    """Reads the task of a folder.

    Args:
        data: the contents of `config.json`.
        architecture: transformers' class, or None.
        config: `BertConfig`.
        shapes: dict from canonical name to shape.
        config_path, weights_path: for messages.

    Returns:
        A `Head`; without a task where none is supported, and then with a note on the reason.

    Raises:
        InputError: the head's weights do not have the shape of its class, or config.json has
            another number of labels.
    """
    tasks = _tasks_of(architecture)
    if not tasks:
        return Head()
    name = ARCHITECTURES[architecture][0]
    key = names.to_huggingface(name)
    if name not in shapes:
        return _none(f"says {architecture}, but the weights have no {key}", config_path)
    shape = shapes[name]
    outputs = tasks[0].head_outputs if len(tasks) == 1 else None
    rows = outputs or (shape[0] if shape else 0)
    if shape != (rows, config.hidden_size) or not rows:
        expected = f"({outputs or 'labels'}, {config.hidden_size})"
        raise InputError(f"{weights_path}: {key} has shape {shape}, expected {expected}")
    if len(tasks) > 1:
        return _read_sequence_head(data, tasks, _read_labels(data, rows, config_path), config_path)
    kind = tasks[0].kind
    labels = None if outputs else _read_labels(data, rows, config_path)
    return Head(kind, labels, _read_settings(data, kind))


def head_config(architecture, weights, labels, settings, kind=None):
    """Returns the keys of `config.json` that describe a head.

    Args:
        architecture: transformers' class.
        weights: dict from canonical name to array.
        labels: names of the classes or tags; None names them LABEL_0, …
        settings: dict, the task's settings.
        kind: kind of task; None uses the default of the class: regression where it has one
            output, else single-label classification.

    Source of the meaning of `problem_type`: transformers' PretrainedConfig.
    """
    tasks = {task.kind: task for task in _tasks_of(architecture)}
    if not tasks:
        return {}
    count = len(weights[ARCHITECTURES[architecture][0]])
    if kind is None:
        kind = next(iter(tasks))
        if len(tasks) > 1 and count == 1:
            kind = _by_problem_type(tasks.values())["regression"].kind
    task, data = tasks[kind], {}
    if task.head_outputs is None or task.problem_type is not None:
        labels = _default_labels(count) if labels is None else labels
        data["id2label"] = {str(i): label for i, label in enumerate(labels)}
        data["label2id"] = {label: i for i, label in enumerate(labels)}
    if task.problem_type not in (None, "single_label_classification"):
        data["problem_type"] = task.problem_type
    if task.problem_type == "regression":
        settings = {}  # its mean and scale are in the weights
    if settings:
        # transformers has no other place for them; it keeps this key and does not use it.
        data["task_specific_params"] = {kind: settings}
    return data


def _tasks_of(architecture):
    """Returns the tasks with the head of one of transformers' classes, the usual one first."""
    tasks = map(get_task, KINDS)
    return [task for task in tasks if architecture and task.huggingface_class == architecture]


def _by_problem_type(tasks):
    return {task.problem_type: task for task in tasks}


def _read_sequence_head(data, tasks, labels, config_path):
    """Chooses between classes and regression, as BertForSequenceClassification's loss does."""
    tasks, problem = _by_problem_type(tasks), data.get("problem_type")
    # A config without any labels means two of them.
    counted = any(data.get(key) for key in ("id2label", "num_labels", "_num_labels"))
    if problem == "regression" and len(labels) > 1:
        return _none("regression with several outputs is not supported", config_path)
    if problem == "regression" or (problem is None and counted and len(labels) == 1):
        stated = data.get("sentence_transformers")
        sigmoid = isinstance(stated, dict) and "Sigmoid" in str(stated.get("activation_fn"))
        note = f"{config_path}: values are logits; sentence-transformers applies a sigmoid to them"
        return Head(tasks["regression"].kind, notes=(note,) if sigmoid else ())
    if problem in tasks and problem != "single_label_classification":
        kind = tasks[problem].kind
        return Head(kind, labels, _read_settings(data, kind))
    if len(labels) == 1:
        return _none("a single label, and problem_type is not regression", config_path)
    return Head(tasks["single_label_classification"].kind, labels)


def _none(reason, place):
    return Head(notes=(guess(f"{reason}: only the encoder is loaded", place=place),))


def _dropped(data, reason, place):
    what = f"architectures is {data.get('architectures')!r}"
    return guess(f"{what}, and {reason}: only the encoder is loaded", place=place)


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
    """Returns the class that the config names, be it PyTorch's or TensorFlow's, or None."""
    classes = data.get("architectures")
    one = isinstance(classes, list) and len(classes) == 1 and isinstance(classes[0], str)
    return classes[0].removeprefix("TF") if one else None
