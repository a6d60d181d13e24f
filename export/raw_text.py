"""Answers of a SavedModel's signature that takes raw text, where the graph decodes them itself.

It is what a server returns; so that a check of the file proves it, it takes the place of what the
task makes of the outputs for token ids.
"""

import numpy as np

from keras_bert.errors import InputError
from keras_bert.tasks.multiple_choice.task import ending
from keras_bert.tasks.tagging.task import answer_of_tags
from keras_bert.tasks.tagging.words import words_of

_TEXTS_AT_ONCE = 32

# By kind: the inputs with their dimensions, the outputs with their types and dimensions.
INPUTS = {
    "tagging": {"text": 1},
    "question_answering": {"question": 1, "context": 1},
    "multiple_choice": {"text": 1, "choices": 2},
}
_OUTPUTS = {
    "tagging": {
        "words": ("string", 2), "tags": ("string", 2), "probabilities": ("float32", 2),
        "starts": ("int32", 2), "ends": ("int32", 2), "count": ("int32", 1),
    },
    "question_answering": {
        "text": ("string", 1), "start": ("int32", 1), "end": ("int32", 1),
        "probability": ("float32", 1), "score": ("float32", 1),
    },
    "multiple_choice": {
        "choice": ("int32", 1), "text": ("string", 1), "probability": ("float32", 1),
        "probabilities": ("float32", 2), "score": ("float32", 2),
    },
}  # fmt: skip


def outputs_of(config):
    """Returns the names of the signature's outputs, with their types and dimensions."""
    found = _OUTPUTS[config.task]
    if config.settings.get("null_answers"):
        found = {**found, "null_odds": ("float32", 1)}
    return found


class RawText:
    """Asks the signature of one SavedModel.

    Args:
        path: the folder, for messages.
        config: its `ModelConfig`, of a task in `INPUTS`.
        call: function from inputs, a dict of lists, and names of outputs to a dict of arrays.
    """

    def __init__(self, path, config, call):
        self._path, self._config, self._call = path, config, call

    def replaced(self, answers, examples):
        """Returns answers with what the signature answers in the place of their parts.

        Args:
            answers: list of dict, of the task's `answers`.
            examples: the task's.

        Raises:
            InputError: an answer is none of this task.
        """
        ask = {
            "tagging": self._tagged,
            "question_answering": self._answered,
            "multiple_choice": self._chosen,
        }
        return ask[self._config.task](answers, examples)

    def _tagged(self, answers, examples):
        answers, labels = list(answers), self._config.labels
        # Words that a file has, and not its text, were never raw text.
        texts = [i for i in range(len(examples)) if _is_raw(examples, i)]
        found = self._found(text=[examples.texts[i] for i in texts])
        for i, each in zip(texts, found):
            count = int(each["count"])
            words, tags = ([_text(v) for v in each[name][:count]] for name in ("words", "tags"))
            if words != examples.words[i] or not set(tags) <= set(labels):
                raise self._broken(f"other words or tags than those of {examples.texts[i]!r:.40}")
            numbers = [float(value) for value in each["probabilities"][:count]]
            answers[i] = answer_of_tags(
                examples, i, tags, numbers, self._config.settings.get("scheme", "none")
            )
        return answers

    def _answered(self, answers, examples):
        found = self._found(question=examples.questions, context=examples.contexts)
        names = ("start", "end", "probability", "null_odds")
        return [
            {
                **answer,
                "text": _text(each["text"]),
                **{name: each[name].item() for name in names if name in each},
            }
            for answer, each in zip(answers, found, strict=True)
        ]

    def _chosen(self, answers, examples):
        pairs = zip(examples.questions, examples.choices)
        choices = [[ending(question, choice) for choice in each] for question, each in pairs]
        found = self._found(text=examples.texts, choices=choices)
        replaced = []
        for answer, choices, each in zip(answers, examples.choices, found, strict=True):
            choice, probabilities = int(each["choice"]), each["probabilities"].tolist()
            if not 0 <= choice < len(choices) == len(probabilities):
                raise self._broken(f"choice {choice} of {len(probabilities)} probabilities")
            new = {
                "choice": choice,
                "text": choices[choice],
                "probability": each["probability"].item(),
                "probabilities": probabilities,
            }
            replaced.append({**answer, **new})
        return replaced

    def _found(self, **inputs):
        """Yields a dict of the outputs for each text."""
        outputs = outputs_of(self._config)
        (count,) = {len(values) for values in inputs.values()}
        for start in range(0, count, _TEXTS_AT_ONCE):
            part = {name: values[start : start + _TEXTS_AT_ONCE] for name, values in inputs.items()}
            arrays = self._call(part, list(outputs))
            rows = min(_TEXTS_AT_ONCE, count - start)
            for name, (dtype, rank) in outputs.items():
                shape = arrays[name].shape
                if len(shape) != rank or shape[0] != rows:
                    raise self._broken(f"{name} of shape {shape} for {rows} texts")
                if dtype == "float32" and not np.isfinite(arrays[name]).all():
                    raise self._broken(f"{name} is not finite: the file's weights are broken")
            for row in range(rows):
                yield {name: values[row] for name, values in arrays.items()}

    def _broken(self, reason):
        return InputError(f"{self._path}: serving_default: {reason}")


def _is_raw(examples, index):
    """Returns whether the words of a sentence are those that its text is split into."""
    text = examples.texts[index] if examples.texts else None
    if text is None or not _is_unicode(text):
        return False
    return words_of(text) == [tuple(place) for place in examples.word_offsets[index]]


def _is_unicode(text):
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True


def _text(value):
    return value.decode("utf-8", "replace")
