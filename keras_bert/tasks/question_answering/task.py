"""Extractive question answering: the answer to a question is a piece of a given passage.

Long passages go through the model as overlapping windows. An answer is always an exact slice of
the passage, or "" where the model was trained on questions without an answer.
"""

import dataclasses
import json

import numpy as np

from keras_bert.errors import InputError, name_of
from keras_bert.tasks.question_answering import metrics
from keras_bert.tasks.question_answering.answer_scores import answer_scores
from keras_bert.tasks.question_answering.questions import Questions, with_answers
from keras_bert.tasks.question_answering.settings import (
    TYPES,
    USUAL_LENGTH,
    Settings,
    WindowOverrides,
    fitting,
    settings_of,
)
from keras_bert.tasks.question_answering.spans import answer_of
from keras_bert.tasks.question_answering.squad_json import check_text
from keras_bert.tasks.question_answering.windows import answer_tokens, check_room, make_windows
from keras_bert.tasks.settings import checked_settings
from keras_bert.tasks.task import Rows, Task

BENCHMARKS = ("", "squad1", "squad2", "cmrc2018", "drcd")
_CHINESE = ("cmrc2018", "drcd")


class QuestionAnsweringTask(Task):
    """Finds the piece of a passage that answers a question (Devlin et al. 2018, section 4.2).

    An answer is a dict: `text`, `start` and `end` (characters of the passage), `probability`, and
    `n_best`, the best answers, each with these keys, in the order of their best spans: one that is
    at several places may be more probable than the first. Where a passage may hold no answer,
    `n_best` has that too, as "" from 0 to 0, and `null_odds` is its score minus that of the best
    span.

    Args:
        benchmark: one of `BENCHMARKS`, whose rules are used; with "" the training file decides.
    """

    kind = "question_answering"
    outputs = {
        "start_logits": "how well the answer starts with each token",
        "end_logits": "how well the answer ends with each token",
    }
    per_token = True
    perfect_score = 100.0
    title = "Question answerer"
    usage = '--text="a question" --text_b="a passage"'
    length_note = "Passages are read in windows of {} tokens."
    export_name = "BERT question answerer"
    export_description = "Marks the answer to a question in a passage"
    Overrides = WindowOverrides
    layout_fields = ("misaligned",)
    second_text = "context"
    huggingface_class = "BertForQuestionAnswering"
    head_outputs = 2

    def __init__(self, benchmark=""):
        if benchmark not in BENCHMARKS:
            raise InputError(f"benchmark {benchmark!r} is not one of {', '.join(BENCHMARKS[1:])}")
        self.benchmark = benchmark

    @property
    def name(self):
        return self.benchmark or self.kind

    def metrics(self, config):
        return ("f1", "exact_match")

    def read(self, path, layout, labelled=True, misaligned=None):
        """Returns the `Questions` of a file; see `squad_files.read_questions`.

        Args:
            path: the file.
            layout: `FileLayout`; `text_column` is that of questions, `text_b_column` of passages.
            labelled: whether answers are read.
            misaligned: None takes that of `layout`, which is "error" where it has none.
        """
        from keras_bert.tasks.question_answering.squad_files import read_questions

        if misaligned is None:
            misaligned = getattr(layout, "misaligned", None) or "error"
        return read_questions(
            path,
            labelled=labelled,
            misaligned=misaligned,
            empty=layout.empty,
            columns=layout.columns,
            question_column=layout.text_column,
            context_column=layout.text_b_column,
            separator=layout.separator,
        )

    def examples_from(self, questions, contexts=None, labels=None):
        """Returns `Questions`.

        Args:
            questions, contexts: lists of str of the same length.
            labels: list of answers: a str, which is searched in its passage, or a tuple (str,
                start), the character where it begins; or the dict of SQuAD's `answers`; None and
                "" mean that the passage has none. None in place of the list: unlabelled.
        """
        if contexts is None or len(questions) != len(contexts):
            raise InputError("a passage is needed for each question: give it as the second text")
        lines = [str(i) for i in range(1, len(questions) + 1)]
        for line, question, context in zip(lines, questions, contexts):
            check_text(f"text {line}", "question", question)
            check_text(f"text {line}", "context", context)
        titles = [""] * len(lines)
        examples = Questions("the texts", lines, lines, list(questions), list(contexts), titles)
        return examples if labels is None else with_answers(examples, labels)

    def config_fields(self, examples, overrides):
        self._check_answers(examples)
        impossible = any(examples.impossible)
        values = {
            "null_answers": impossible or self.benchmark == "squad2",
            "character_f1": self.benchmark in _CHINESE
            or (not self.benchmark and _mostly_chinese(examples)),
        }
        values |= {name: overrides[name] for name in TYPES if overrides.get(name) is not None}
        if impossible and not values["null_answers"]:
            raise InputError(f"{examples.path}: has questions without an answer: set null_answers")
        settings = dataclasses.asdict(Settings(**values))
        return {"labels": (), "pair": True, "settings": settings}

    def settings_for(self, settings, max_length, overrides=()):
        """Returns the settings with windows that fit: shorter questions, a smaller stride."""
        usual = Settings(**settings)
        question, stride = usual.max_question_length, usual.doc_stride
        if "max_question_length" not in overrides and max_length - question - 3 < max_length // 2:
            question = min(question, max(max_length // 4, 1))
        room = max_length - question - 3
        if "doc_stride" not in overrides and stride > room:
            stride = max(room // 2, 1)
        check_room(max_length, 1, question)
        return {**settings, "max_question_length": question, "doc_stride": stride}

    def check_config(self, config):
        settings_of(config)

    def check(self, examples, config):
        settings = settings_of(config)
        check_room(config.max_length, settings.doc_stride, settings.max_question_length)
        self._check_answers(examples)

    def _check_answers(self, examples):
        """Raises InputError if a question has no answer and the benchmark has no such questions."""
        if self.benchmark not in ("", "squad2") and any(examples.impossible or ()):
            line = examples.lines[examples.impossible.index(True)]
            raise InputError(
                f"{examples.path}: question {line!r} has no answer, in {self.benchmark} all have "
                f"one: use {name_of('task', 'squad2')}"
            )

    def rows(self, examples, tokenizer, config):
        """Returns the windows of all questions; see `windows.make_windows`."""
        settings = settings_of(config)
        windows, indices = make_windows(
            tokenizer,
            examples.questions,
            examples.contexts,
            config.max_length,
            settings.doc_stride,
            settings.max_question_length,
        )
        return Rows(windows, indices, windows)

    def training_rows(self, examples, tokenizer, config):
        """Returns the windows of questions with an aligned answer, or with none in the passage."""
        rows = self.rows(examples, tokenizer, config)
        kept = [
            bool(answer_tokens(window.passage, examples.answers[i])) or examples.impossible[i]
            for window, i in zip(rows.details, rows.example_indices.tolist())
        ]
        windows = [window for window, keep in zip(rows.details, kept) if keep]
        if not windows:
            raise InputError(f"{examples.path}: no answer is found in the tokens of its passage")
        return Rows(windows, rows.example_indices[kept], windows)

    def skipped(self, rows, examples):
        return len(examples) - len(np.unique(rows.example_indices))

    def targets(self, examples, rows, config):
        """Returns the start and end of the answer in each window.

        Returns:
            A dict of `start_logits` and `end_logits`, int32 arrays of shape (rows,): positions in
            the row; 0, which is [CLS], where the window does not hold the whole answer.
        """
        targets = np.zeros((2, len(rows)), "int32")
        for row, (window, i) in enumerate(zip(rows.details, rows.example_indices.tolist())):
            tokens = answer_tokens(window.passage, examples.answers[i])
            positions = [window.position_of(token) for token in tokens or ()]
            if positions and None not in positions:
                targets[:, row] = positions
        return dict(zip(self.outputs, targets))

    def with_placeholders(self, examples, config):
        count = len(examples)
        return dataclasses.replace(examples, answers=[[]] * count, impossible=[True] * count)

    def output_shape(self, config, rows, length):
        return (rows, length)

    def network_arguments(self, config):
        return {}

    def fields_from_checkpoint(self, labels, settings, positions):
        """Returns the fields, with smaller windows for a small position table."""
        settings = checked_settings(Settings, fitting(positions) | settings, self.kind)
        needed = settings["doc_stride"] + settings["max_question_length"] + 3
        length = min(positions, max(USUAL_LENGTH, needed))
        check_room(length, settings["doc_stride"], settings["max_question_length"])
        return {"labels": (), "pair": True, "settings": settings, "max_length": length}

    def answers(self, outputs, rows, examples, config):
        settings = settings_of(config)
        order = np.argsort(rows.example_indices, kind="stable")
        bounds = np.searchsorted(rows.example_indices[order], np.arange(len(examples) + 1))
        answers = []
        for i, context in enumerate(examples.contexts):
            of_example = order[bounds[i] : bounds[i + 1]].tolist()
            parts = [[outputs[name][row] for row in of_example] for name in self.outputs]
            windows = [rows.details[row] for row in of_example]
            answers.append(answer_of(windows, *parts, context, settings))
        return answers

    def scores(self, answers, examples, config):
        """Returns the official scores, in percent as the official scripts do.

        Args:
            answers: list of dicts with `text` (None: not answered), and perhaps the other keys
                of `answers`.
            examples: `Questions` with answers.
            config: `ModelConfig`.

        Returns:
            A dict of `f1`, `exact_match` and `count`; where some questions have no answer also
            `has_answer_f1`, `has_answer_exact_match`, `has_answer_count`, the same with
            `no_answer_`, and where answers have `null_odds`, `best_f1` and `best_exact_match` with
            the `best_f1_threshold` and `best_exact_match_threshold` at which they are reached.
            Files with questions without an answer are scored by SQuAD 2.0's rules, Chinese ones
            too. A benchmark is scored by its own rules, whatever the model was trained for.
        """
        return answer_scores(answers, examples, *self._rules(config))

    def _rules(self, config):
        """Returns whether passages may hold no answer, and whether characters are compared."""
        if self.benchmark:
            return self.benchmark == "squad2", self.benchmark in _CHINESE
        settings = settings_of(config)
        return settings.null_answers, settings.character_f1

    def panels(self, answers, examples, config):
        from keras_bert.tasks.question_answering.shown import reliability_of

        return [reliability_of(answers, examples, *self._rules(config))]

    def marked(self, answers, examples, config):
        from keras_bert.tasks.question_answering.shown import marked_answers

        return marked_answers(answers, examples)

    def tuned_settings(self, answers, examples, config):
        """Returns the `null_threshold` of the best F1, {} where all questions have an answer."""
        if not settings_of(config).null_answers or examples.impossible is None:
            return {}
        scores = self.scores(answers, examples, config)
        threshold = scores["best_f1_threshold"]
        never = sum(examples.impossible) / len(examples)
        if scores["best_f1"] < 100 * never + 1e-9:
            # The search starts from no answers at all, with the threshold 0 whatever the odds are.
            threshold = min(answer["null_odds"] for answer in answers) - 1.0
        return {"null_threshold": float(threshold)}

    def asked_fields(self, examples):
        # Without the passage, which would make the file of answers as long as the input file.
        columns = zip(examples.questions, examples.ids)
        return [{"question": question, "id": i} for question, i in columns]

    def answer_line(self, answer):
        # Files of answers and JSON keep the line ends of the passage.
        return f"{' '.join(answer['text'].split())}\t{answer['probability']:.4f}"

    def columns(self, config):
        names = ["text", "start", "end", "probability"]
        return [*names, *(["null_odds"] if settings_of(config).null_answers else [])]

    def cells(self, answer, config):
        return [answer[name] for name in self.columns(config)]

    def submission_file(self, examples):
        return "predictions.json"

    def submission(self, answers, examples, config):
        """Returns the JSON object from id to answer that the official scripts take."""
        texts = {i: answer["text"] for i, answer in zip(examples.ids, answers)}
        return json.dumps(texts, ensure_ascii=False) + "\n"

    def row_fields(self, examples):
        columns = zip(examples.lines, examples.questions, examples.contexts)
        return [{"line": a, "question": b, "context": c} for a, b, c in columns]

    def true_answers(self, examples, config):
        return [[text for text, _ in answers] for answers in examples.answers]

    def short_answer(self, answer):
        return answer["text"], answer.get("probability")

    def mistakes(self, answers, examples, config):
        """Returns the answers whose F1 or exact match is below 100, the most probable first."""
        wrong = []
        for i, answer in enumerate(answers):
            found = self.scores([answer], examples.take([i]), config)
            scores = {name: found[name] for name in self.metrics(config)}
            if min(scores.values()) < self.perfect_score:
                wrong.append((-(answer.get("probability") or 0.0), i, scores))
        return [(i, scores) for _, i, scores in sorted(wrong, key=lambda each: each[:2])]

    def answers_agree(self, answer, other, config):
        return answer["text"] == other["text"]

    def collapsed(self, answers, config):
        # Passages differ, and with them the texts at one place.
        return (
            len(answers) > 1 and len({(answer["start"], answer["end"]) for answer in answers}) == 1
        )

    def read_predictions(self, path, examples):
        """Reads predictions of another program, for `scores`; see `metrics.read_predictions`.

        Returns:
            A tuple: list of answers, dicts of `text`, which is None where there is none; number of
            those; number of predictions for questions that are not among the examples.
        """
        predictions = metrics.read_predictions(path)
        texts, missing, unknown = metrics.predictions_of(predictions, examples)
        return [{"text": text} for text in texts], missing, unknown


def _mostly_chinese(examples):
    texts = [text for references in examples.answers for text, _ in references]
    chinese = sum(any("\u4e00" <= char <= "\u9fff" for char in text) for text in texts)
    return 2 * chinese > len(texts)
