"""From examples to answers with any model, be it run by Keras or by an exported file's runtime."""

import abc
import collections.abc
import dataclasses

import numpy as np

from keras_bert.errors import InputError, name_of
from keras_bert.progress import HALF_A_MINUTE, Progress
from keras_bert.tasks.cut_texts import report_cut
from keras_bert.tasks.registry import KINDS, get_task, task_of
from keras_bert.text.padding import TokenizedTexts


class Predictor(abc.ABC):
    """What a `Bert` and the runners of exported files share.

    A subclass adds `run(inputs)`: from a dict of token_ids, segment_ids, padding_mask, int32 of
    shape (batch, length), to a dict of the task's outputs, float32 of shape (batch, ...).

    Attributes:
        config: `ModelConfig`.
        tokenizer: `WordPieceTokenizer`.
        batch_size: rows that go through `run` together.
        fixed_length: int where the model takes sequences of one length only, else None.
        notes: list of str, what a user should know of how it was loaded.
        takes_text: whether it reads texts itself, and rows of tokens only by writing them out.
    """

    batch_size = 1
    fixed_length = None
    notes = ()
    takes_text = False

    @property
    def task(self):
        """The `Task` that the model was trained for; None for an encoder alone."""
        return task_of(self.config)

    @abc.abstractmethod
    def run(self, inputs):
        """Runs the model on one batch."""

    def outputs(self, rows, batch_size=None):
        """Runs the model over rows, those of like length together.

        Args:
            rows: `Rows`.
            batch_size: rows a batch; None takes the model's own number.

        Returns:
            A dict by the names of the task's outputs, of lists with one float32 array a row;
            for tasks per token cut to the row's tokens.
        """
        texts = TokenizedTexts(rows.encodings, self.config.max_length, self.tokenizer.pad_id)
        at_once = batch_size or self.batch_size
        return outputs_of(self.run, texts, self.task, at_once, self.fixed_length)

    def answers(self, examples, batch_size=None, windows=None):
        """Returns the task's answers to examples, one each.

        Args:
            examples: the task's.
            batch_size: rows a batch; None takes the model's own number.
            windows: whether texts that are too long for a row are read in windows; None: as the
                model's config has it.

        Raises:
            InputError: windows are not for this task.
        """
        rows, outputs = self.rows_and_outputs(examples, batch_size, windows, can_ask=True)
        return self.answers_of(rows, outputs, examples)

    def answers_of(self, rows, outputs, examples):
        """Returns the task's answers to examples, from what `rows_and_outputs` returned."""
        return self.task.answers(outputs, rows, examples, self.config)

    def rows_and_outputs(self, examples, batch_size=None, windows=None, can_ask=False):
        """Returns the `Rows` of examples and what `outputs` gives for them; see `answers`.

        `can_ask` says whether the caller has a setting `windows`, so that a message may name it.
        """
        rows = self._rows(examples, windows, can_ask)
        return rows, self.outputs(rows, batch_size)

    def _rows(self, examples, windows=None, can_ask=False):
        """Returns the `Rows` of examples, and says of how many a part is cut off."""
        config = self.config
        if windows is not None and windows != config.windows:
            check_windows(self.task)
            config = dataclasses.replace(config, windows=windows)
        rows = self.task.rows(examples, self.tokenizer, config)
        report_cut(self.task, rows, examples, config, can_ask and windows is None, windows is False)
        return rows

    def predict(
        self, texts, texts_b=None, batch_size=None, *, context=None, choices=None, windows=None
    ):
        """Answers for texts, or pairs of texts.

        Args:
            texts: a str or a sequence of str: texts, questions, or what the choices go on from.
            texts_b: by task: None, or the second text of each pair; the passage that each
                question is asked of; a list of the choices for each. A single str is the second
                text of all.
            batch_size: rows a batch; None takes the model's own number.
            context: another name of `texts_b` for question answering.
            choices: another name of `texts_b` for multiple choice.
            windows: see `answers`.

        Returns:
            A list of dicts, for a single str a dict. By task: classification `label`,
            `probability` and `probabilities`; regression `value`; tagging `words`, `tags` and
            more; question answering `text`, `start`, `end`, `probability` and `n_best`; multiple
            choice `choice`, `probability` and `probabilities`.
        """
        texts_b = self._second_texts(texts_b, {"context": context, "choices": choices})
        if isinstance(texts, str):
            texts_b = None if texts_b is None else [texts_b]
            return self.predict([texts], texts_b, batch_size, windows=windows)[0]
        if self.task is None:
            raise InputError("the model is an encoder without a task: train one with `finetune`")
        if not isinstance(texts, collections.abc.Iterable):
            raise InputError(f"expected a text or several texts, not {texts!r:.60}")
        texts = list(texts)
        if isinstance(texts_b, str):
            texts_b = [texts_b] * len(texts)
        texts_b = None if texts_b is None else list(texts_b)
        if texts_b is not None and len(texts_b) != len(texts):
            raise InputError(f"{len(texts)} first texts but {len(texts_b)} second ones")
        examples = self.task.examples_from(texts, texts_b)
        self.task.check(examples, self.config)
        return self.answers(examples, batch_size, windows)

    def _second_texts(self, texts_b, named):
        """Returns the second texts, whatever a caller calls them."""
        for name, values in named.items():
            if values is None:
                continue
            if self.task is None or name != self.task.second_text:
                kind = "an encoder without a task" if self.task is None else self.task.kind
                raise InputError(f"{name}=... is not for {kind}")
            if texts_b is not None:
                raise InputError(f"{name}=... is another name of texts_b: give one of them")
            texts_b = values
        return texts_b

    def probabilities(self, texts, texts_b=None, batch_size=None):
        """Returns a classifier's probabilities, float32 of shape (count, num_classes)."""
        if self.task is None or not self.task.of_texts or "probability" not in self.task.outputs:
            raise InputError("the model is not a classifier")
        answers = self.predict(list(texts), texts_b, batch_size)
        found = [list(answer["probabilities"].values()) for answer in answers]
        return np.array(found, "float32").reshape(len(answers), len(self.config.labels))


def check_windows(task):
    """Raises InputError if a task has no texts to read in windows."""
    if not task.reads_windows:
        kinds = ", ".join(kind for kind in KINDS if get_task(kind).reads_windows)
        raise InputError(f"{name_of('windows')} is for {kinds}, not for {task.name}")


def outputs_of(run, texts, task, batch_size, fixed_length=None):
    """Runs a function over texts, those of like length together.

    Args:
        run: function from a batch of `texts` to a dict of outputs; see `Predictor.run`.
        texts: `TokenizedTexts`, or anything with its `lengths` and `batch`.
        task: `Task`, for the names and the kind of the outputs.
        batch_size: texts a batch.
        fixed_length: tokens to pad each batch to, or None.

    Returns:
        A dict; see `Predictor.outputs`.
    """
    order = np.argsort(texts.lengths, kind="stable")
    found = {name: [None] * len(texts) for name in task.outputs}
    # The short ones come first, so the rate is that of tokens.
    progress = Progress(int(np.sum(texts.lengths)), every_seconds=HALF_A_MINUTE)
    for start in range(0, len(order), batch_size):
        part = order[start : start + batch_size]
        # A text by itself needs no padding.
        length = fixed_length or (texts.lengths[part[0]] if batch_size == 1 else None)
        batch = run(texts.batch(part, length))
        for name, values in found.items():
            for row, value in zip(part, batch[name]):
                values[row] = value[: texts.lengths[row]] if task.per_token else value
        progress.done += sum(int(texts.lengths[row]) for row in part)
        if progress.is_due():
            rows = min(start + batch_size, len(order))
            progress.show(f"rows {rows:,}/{len(order):,}  {progress.speed('tokens')}")
    progress.clear()
    return found
