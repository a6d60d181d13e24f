"""Answers for a text, a pair of texts, or a file of them, with a model in any format.

keras-bert predict --model=my_model --text="so good that I saw it twice"
keras-bert predict --model=my_answerer --text="a question" --text_b="a passage"
keras-bert predict --model=model.tflite --input=texts.csv --output=answers.jsonl
"""

import csv
import itertools
import json
import os

from absl import flags

from keras_bert.commands import shared
from keras_bert.errors import InputError, about_one_text
from keras_bert.files import check_file_replaceable, replacing_file
from keras_bert.tasks.registry import get_task


def define(values):
    shared.define_string(values, "model", "folder, .tflite, SavedModel or .onnx", required=True)
    shared.define_string(values, "text", "the text")
    shared.define_string(
        values, "text_b", "the second text of a pair, or the passage of a question"
    )
    shared.define_string(values, "input", "file of texts, as for training; labels are not needed")
    shared.define_string(values, "output", "file to write: .csv, .tsv or .jsonl; else printed")
    flags.DEFINE_boolean(
        "submission", False, "write --output as the benchmark's site or script takes it; a folder "
        "(DIR/) gets a file of the name that it wants",
        flag_values=values,
    )  # fmt: skip
    shared.define_task(values)
    shared.define_column_flags(values)
    shared.define_left_out(values)


def run(values):
    if (values.text is None) == (values.input is None):
        raise InputError("give either --text or --input")
    if values.output is None and values.submission:
        raise InputError("--submission: give the file to write as --output")
    if values.output is not None:
        if not values.submission and not values.output.endswith((".csv", ".tsv", ".jsonl")):
            raise InputError(f"{values.output}: name the output .csv, .tsv or .jsonl")
        if values.input is not None:
            shared.check_not_input(values.output, values.input)
        if not _names_folder(values):
            check_file_replaceable(values.output)
    model, task, examples = _open(values)
    output = values.output
    if output is not None and _names_folder(values):
        output = os.path.join(output, task.submission_file(examples))
        check_file_replaceable(output)
    answers = model.answers(examples)
    records = [{**fields, **answer} for fields, answer in zip(task.asked_fields(examples), answers)]
    if output is not None:
        if values.submission:
            text = task.submission(answers, examples, model.config)
            with replacing_file(output) as temporary, open(temporary, "wb") as file:
                file.write(text.encode())
        else:
            names = list(dict.fromkeys(itertools.chain(*task.asked_fields(examples))))
            _write(output, records, names, task, model.config)
        lines = [f"{len(records)} answers: {output}"]
        return {"output": output, "count": len(records)}, lines
    # With the first of what was asked: a passage would fill the screen.
    lines = [
        "\t".join([task.answer_line(answer), *map(_one_line, list(fields.values())[:1])])
        for fields, answer in zip(task.asked_fields(examples), answers)
    ]
    return {"predictions": records}, lines


def _names_folder(values):
    return values.submission and (values.output.endswith(os.sep) or os.path.isdir(values.output))


def _open(values):
    """Returns the model, its task, and what it is asked."""
    if values.input is not None:
        shared.check_path(values.input)
        return shared.open_with_examples(values, values.model, values.input, labelled=False)
    for name in ("text", "text_b"):
        if values[name].value is not None and not values[name].value.strip():
            raise InputError(f"--{name} is empty")
    text, text_b = _utf8(values, "text"), _utf8(values, "text_b")
    model = shared.require_task(shared.open_model(values.model), values.model)
    if values.task is not None and get_task(values.task).kind != model.config.task:
        raise InputError(f"--task={values.task}: the model is for {model.config.task}")
    try:
        examples = model.task.examples_from([text], None if text_b is None else [text_b])
        model.task.check(examples, model.config)
    except InputError as error:
        raise about_one_text(error, "--text") from None
    return model, model.task, examples


def _utf8(values, name):
    """Returns the text of a flag; in the C locale Python has not decoded what is not ASCII."""
    text = values[name].value
    try:
        return None if text is None else os.fsencode(text).decode("utf-8")
    except UnicodeError:
        raise InputError(f"--{name} is not UTF-8") from None


def _write(path, records, names, task, config):
    with (
        replacing_file(path) as temporary,
        open(temporary, "w", encoding="utf-8", newline="") as file,
    ):
        if path.endswith(".jsonl"):
            for record in records:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
            return
        columns = task.columns(config)
        header = [*names, *columns]
        rows = [
            [*(_cell(r.get(name, "")) for name in names), *task.cells(r, config)] for r in records
        ]
        if path.endswith(".csv"):
            csv.writer(file, lineterminator="\n").writerows([header, *rows])
            return
        # TSV has no quoting here, as in the files that we read, so tabs and line ends cannot stay.
        for row in [header, *rows]:
            file.write("\t".join(_one_line(str(cell)) for cell in row) + "\n")


def _cell(value):
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _one_line(text):
    return " ".join(text.split()) if any(c in text for c in "\t\r\n") else text
