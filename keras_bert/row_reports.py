"""Files that list single rows: those that a model gets wrong, and those where two models differ."""

import os

from keras_bert.errors import InputError
from keras_bert.files import check_file_replaceable, check_not_input
from keras_bert.table_files import ENDINGS, write_records


def check_report(setting, path, data):
    """Raises InputError if a report cannot be written, before anything takes long.

    Args:
        setting: str, the setting that names it.
        path: str.
        data: path of the data that it is about, or examples.
    """
    if not path.endswith(ENDINGS):
        raise InputError("the name must end in .csv, .tsv or .jsonl", setting, path)
    if isinstance(data, (str, os.PathLike)):
        check_not_input(path, data)
    check_file_replaceable(path)


def write_errors(path, task, answers, examples, config):
    """Writes the rows that are wrong, those of which the model is most certain first.

    Each has `line` (its place in the file), the inputs, `expected`, `answered` and `probability`.
    Of regression these are all rows, the largest `error` first.

    Args:
        path: a .csv, .tsv or .jsonl file.
        task: `Task`.
        answers: list of dict, the answers to the examples.
        examples: labelled examples.
        config: `ModelConfig`.

    Returns:
        int, the number of rows.
    """
    fields, expected = task.row_fields(examples), task.true_answers(examples, config)
    records = []
    for i, more in task.mistakes(answers, examples, config):
        said = _said(task, answers[i], "answered", "probability")
        records.append({**fields[i], "expected": expected[i], **said, **more})
    write_records(path, records, _columns(fields, "expected", "answered", "probability"))
    return len(records)


def write_disagreements(path, task, answers, others, examples, config):
    """Writes the rows where an exported file answers otherwise than its model, in their order.

    Each has `line`, the inputs, `expected`, `model` and `exported`, what the two answered, and
    `model_probability` and `exported_probability`.

    Args:
        path, task, examples, config: see `write_errors`.
        answers: list of dict, those of the model.
        others: list of dict, those of the exported file.

    Returns:
        int, the number of rows.
    """
    fields, expected = task.row_fields(examples), task.true_answers(examples, config)
    records = []
    for i, (one, other) in enumerate(zip(answers, others, strict=True)):
        if not task.answers_agree(one, other, config):
            said = _said(task, one, "model", "model_probability")
            said |= _said(task, other, "exported", "exported_probability")
            records.append({**fields[i], "expected": expected[i], **said})
    names = ("model", "model_probability", "exported", "exported_probability")
    write_records(path, records, _columns(fields, "expected", *names))
    return len(records)


def _said(task, answer, name, probability_name):
    said, probability = task.short_answer(answer)
    return {name: said} | ({} if probability is None else {probability_name: probability})


def _columns(fields, *names):
    return [*(fields[0] if fields else ()), *names]
