"""Texts without labels to train on, from files in the layouts that `predict` reads."""

import dataclasses

from keras_bert.globs import find_files
from keras_bert.tasks.decoding import file_extension
from keras_bert.tasks.plain_texts import TABLES, read_texts


def read_unlabeled(task, patterns, layout, pair):
    """Returns a list of examples without labels, those of each file.

    Args:
        task: `Task`.
        patterns: str, globs with commas between them, or None.
        layout: `FileLayout` of tables.
        pair: whether the texts are in pairs; None where the task does not say.

    Raises:
        InputError: there is no such file, or something in it is wrong.
    """
    if patterns is None:
        return []
    layout = layout.for_scoring()
    if task.of_texts and not pair:
        # A table of pairs is one of single texts then, as it is for `--train`.
        layout = dataclasses.replace(layout, text_b_column="")
    found = []
    for path in find_files(patterns):
        if task.of_texts and not pair and file_extension(path) not in TABLES:
            found.append(read_texts(path, layout))
        else:
            found.append(task.read(path, layout, labelled=False))
    return found
