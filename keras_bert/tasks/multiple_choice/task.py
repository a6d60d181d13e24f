"""Which of several answers or continuations is the right one."""

import dataclasses
import json
import re

import numpy as np

from keras_bert.errors import InputError, name_of
from keras_bert.numpy_ops import softmax
from keras_bert.tasks.marked import Marked, Passage, sorted_bars
from keras_bert.tasks.multiple_choice.choice_files import Choices, checked_choices, read_choices
from keras_bert.tasks.panels import Reliability
from keras_bert.tasks.settings import check_types
from keras_bert.tasks.task import Rows, Task

# The gap in a question, as in "The boy felt _ ."; not the one in a name such as num_choices.
_GAP = re.compile(r"(?<!\w)_+(?!\w)")
# Questions at once: the tokenizer's own results are many times larger than their token ids.
_QUESTIONS_AT_ONCE = 256
# The choices as a command line writes them.
_CHOICES_EXAMPLE = '\'["one", "another"]\''


@dataclasses.dataclass(frozen=True)
class ChoiceRow:
    """The tokens of one choice with its text.

    Attributes:
        token_ids: int32 array, [CLS] text [SEP] ending [SEP].
        segment_ids: int8 array, 0 up to and with the first [SEP], then 1.
    """

    token_ids: np.ndarray
    segment_ids: np.ndarray


class MultipleChoiceTask(Task):
    """One of several choices (Devlin et al. 2018, section 4.4).

    Each choice is a row of its own, [CLS] text [SEP] question choice [SEP], and gets one score;
    the softmax over the scores of a question returns the probability of each choice.
    """

    kind = "multiple_choice"
    second_text = "choices"
    layout_fields = ("skip_labels",)
    outputs = {"score": "how well the choice fits, to compare with other choices"}
    title = "Multiple choice"
    usage = "--input=questions.jsonl"
    length_note = "A question with one of its choices is cut to {} tokens."
    export_name = "BERT multiple choice"
    export_description = "Scores one choice for a question; the highest score is the answer"
    huggingface_class = "BertForMultipleChoice"
    head_outputs = 1

    def metrics(self, config):
        return ("accuracy",)

    def read(self, path, layout, labelled=True):
        return read_choices(path, layout, labelled)

    def examples_from(self, texts, choices=None, labels=None):
        """Returns examples.

        Args:
            texts: list of str, the passages, or the beginnings that the choices continue.
            choices: list with a list of str for each, or with such a list as JSON text, which a
                command line has.
            labels: list of int, the number of the right choice for each, from 0; or None.
        """
        if choices is None:
            example = name_of("text_b", _CHOICES_EXAMPLE)
            raise InputError(f"no choices: give them as a list, {example}")
        lines = [str(number) for number in range(1, len(texts) + 1)]
        lists = [_listed(each, line) for each, line in zip(choices, lines)]
        examples = Choices("the texts", lines, list(texts), [""] * len(texts), lists, labels)
        return checked_choices(examples, labelled=labels is not None)

    def config_fields(self, examples, overrides):
        if overrides.get("labels"):
            reason = "is for classification: multiple choice has numbers"
            raise InputError(f"{name_of('labels')} {reason}")
        return {"pair": True, "settings": {"num_choices": examples.num_choices}}

    def check_config(self, config):
        check_types(config.settings, {"num_choices": int})
        if config.settings["num_choices"] < 2:
            raise InputError(f"setting num_choices must be at least 2, not {config.settings}")

    def check(self, examples, config):
        wanted = config.settings["num_choices"]
        if len(examples) and examples.num_choices != wanted:
            raise InputError(
                f"{examples.num_choices} choices where the model takes {wanted}",
                place=f"{examples.path}:{examples.lines[0]}",
            )

    def rows(self, examples, tokenizer, config):
        """Returns the `Rows`, those of one question after the other.

        Where a row is too long, the end of the text goes first, then the beginning of the
        question, and last that of the choice.

        Source: google-research/albert race_utils.py, convert_single_example.
        """
        encodings, cut = [], 0
        for start in range(0, len(examples), _QUESTIONS_AT_ONCE):
            part = examples.take(range(start, min(start + _QUESTIONS_AT_ONCE, len(examples))))
            rows, is_cut = _encodings(part, tokenizer, config.max_length - 3)  # [CLS], twice [SEP]
            encodings += rows
            cut += is_cut
        group = examples.num_choices if len(examples) else 1
        indices = np.repeat(np.arange(len(examples)), group)
        return Rows(encodings, indices, group=group, cut=cut)

    def targets(self, examples, rows, config):
        return np.array(examples.labels, "int32")

    def placeholder(self, config):
        return 0

    def output_shape(self, config, rows, length):
        return (rows, 1)

    def network_arguments(self, config):
        return {"num_choices": config.settings["num_choices"]}

    def fields_from_checkpoint(self, labels, settings, positions):
        return {"labels": (), "pair": True, "settings": settings}

    def answers(self, outputs, rows, examples, config):
        """Returns a dict a question.

        `choice`, its number from 0; `text`, the choice itself; `probability`, that it is the
        right one; `probabilities`, those of all choices.
        """
        scores = np.array(outputs["score"], "float32").reshape(-1, rows.group)
        return [
            {
                "choice": int(np.argmax(probabilities)),
                "text": choices[int(np.argmax(probabilities))],
                "probability": float(np.max(probabilities)),
                "probabilities": [float(p) for p in probabilities],
            }
            for probabilities, choices in zip(softmax(scores), examples.choices)
        ]

    def scores(self, answers, examples, config):
        right = [a["choice"] == label for a, label in zip(answers, examples.labels, strict=True)]
        return {"accuracy": sum(right) / len(right) if right else 0.0, "count": len(right)}

    def panels(self, answers, examples, config):
        right = [a["choice"] == label for a, label in zip(answers, examples.labels, strict=True)]
        confidences = np.array([answer["probability"] for answer in answers])
        return [Reliability(confidences, np.array(right, bool), "questions")]

    def marked(self, answers, examples, config):
        columns = zip(answers, examples.texts, examples.questions, examples.choices, strict=True)
        return [
            Marked(
                [Passage("context", text), *([Passage("question", question)] if question else [])],
                answer["text"],
                sorted_bars(zip(choices, answer["probabilities"], strict=True)),
            )
            for answer, text, question, choices in columns
        ]

    def asked_fields(self, examples):
        """Returns `context` (an answer's `text` is the choice), `question` if any, `choices`."""
        columns = {"context": examples.texts, "choices": examples.choices}
        if any(examples.questions):
            columns["question"] = examples.questions
        return [dict(zip(columns, values)) for values in zip(*columns.values())]

    def answer_line(self, answer):
        text = " ".join(answer["text"].split())
        return f"{answer['choice']}\t{answer['probability']:.4f}\t{text}"

    def columns(self, config):
        numbers = range(config.settings["num_choices"])
        return ["choice", "text", "probability", *(f"probability_{i}" for i in numbers)]

    def cells(self, answer, config):
        return [
            answer["choice"], answer["text"], answer["probability"], *answer["probabilities"],
        ]  # fmt: skip

    def true_answers(self, examples, config):
        return list(examples.labels)

    def short_answer(self, answer):
        return answer["choice"], answer["probability"]

    def answers_agree(self, answer, other, config):
        return answer["choice"] == other["choice"]


def ending(question, choice):
    """Returns the second text: the question with its gap filled by the choice, or both in a row.

    Args:
        question: str, "" for none.
        choice: str.

    Source: google-research/albert race_utils.py, RaceProcessor.
    """
    if _GAP.search(question):
        return _GAP.sub(lambda gap: choice, question)
    return f"{question} {choice}" if question else choice


def _encodings(examples, tokenizer, room):
    """Returns the `ChoiceRow` of each choice, and how many questions are cut.

    Of text and ending `room` pieces fit in one.
    """
    pairs = zip(examples.questions, examples.choices)
    endings = [ending(question, choice) for question, choices in pairs for choice in choices]
    # Several questions may share one text.
    texts = list(dict.fromkeys(examples.texts))
    ids_of = {text: pieces.ids for text, pieces in zip(texts, tokenizer.cut(texts))}
    rows, cut = [], set()
    for i, pieces in enumerate(tokenizer.cut(endings)):
        last = pieces.ids[max(len(pieces) - room, 0) :]
        question = i // examples.num_choices
        whole = ids_of[examples.texts[question]]
        text = whole[: room - len(last)]
        if len(whole) + len(pieces) > room:
            cut.add(question)
        ids = [tokenizer.cls_id, *text, tokenizer.sep_id, *last, tokenizer.sep_id]
        segment_ids = np.arange(len(ids)) >= len(text) + 2
        rows.append(ChoiceRow(np.array(ids, "int32"), segment_ids.astype("int8")))
    return rows, len(cut)


def _listed(choices, line):
    if isinstance(choices, str):
        try:
            choices = json.loads(choices)
        except (ValueError, RecursionError):
            raise InputError(
                f"the choices must be a list, as in {name_of('text_b', _CHOICES_EXAMPLE)}, "
                f"not {choices!r}",
                place=f"the texts:{line}",
            ) from None
    return choices
