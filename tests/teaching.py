"""What the tests of training with a teacher share: data of each kind, and a model as a file."""

import dataclasses

from conftest import toy_rows
from task_models import KINDS, write_data

from keras_bert.predictor import Predictor
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import get_task

ALL_KINDS = (*KINDS, "multi_label", "classification")


class Killed(Exception):
    """Ends a run within a step."""


def silent(line):
    pass


class Exported(Predictor):
    """A model as an exported file answers: with the task's outputs, in rows of one length."""

    batch_size = 3
    fixed_length = 48

    def __init__(self, bert):
        self.bert, self.config, self.tokenizer = bert, bert.config, bert.tokenizer

    def run(self, inputs):
        return self.bert.run(inputs)


def data_of(kind, bert, folder):
    """Returns labelled examples, and the rows to train on."""
    task = get_task(kind)
    if kind in KINDS:
        examples = task.read(write_data(kind, bert, folder, count=12), FileLayout())
    else:
        texts = [text for _, text in toy_rows(12, seed=4)]
        labels = [bert.config.labels[i % 2] for i in range(12)]
        examples = dataclasses.replace(
            task.examples_from(texts), labels=[(each,) for each in labels]
        ) if kind == "multi_label" else task.examples_from(texts, None, labels)  # fmt: skip
    return examples, task.training_rows(examples, bert.tokenizer, bert.config)
