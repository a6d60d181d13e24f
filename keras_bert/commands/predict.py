"""Answers for a text, a pair of texts, or a file of them, with a model in any format.

keras-bert predict --model=my_model --text="so good that I saw it twice"
keras-bert predict --model=model.tflite --input=texts.csv --output=answers.jsonl
"""

import csv
import json
import os

from keras_bert.commands import shared
from keras_bert.errors import InputError
from keras_bert.files import check_file_replaceable, replacing_file


def define(values):
    shared.define_string(values, "model", "folder, .tflite, SavedModel or .onnx", required=True)
    shared.define_string(values, "text", "the text")
    shared.define_string(values, "text_b", "the second text of a pair")
    shared.define_string(values, "input", "file of texts: CSV, TSV, JSON lines")
    shared.define_string(values, "output", "file to write: .csv, .tsv or .jsonl; else printed")
    shared.define_column_flags(values)


def run(values):
    shared.check_path(values.model)
    texts, texts_b = _texts(values)
    if values.output is not None and not values.output.endswith((".csv", ".tsv", ".jsonl")):
        raise InputError(f"{values.output}: name the output .csv, .tsv or .jsonl")
    if values.output is not None:
        if values.input is not None:
            shared.check_not_input(values.output, values.input)
        check_file_replaceable(values.output)
    model = shared.require_classifier(shared.open_model(values.model), values.model)
    model.config.check_pair(texts_b is not None)
    answers = model.predict(texts, texts_b)
    records = [{"text": text, **answer} for text, answer in zip(texts, answers)]
    for record, text_b in zip(records, texts_b or ()):
        record["text_b"] = text_b
    if values.output is not None:
        _write(values.output, records, model.config.labels)
        lines = [f"{len(records)} answers: {values.output}"]
        return {"output": values.output, "count": len(records)}, lines
    lines = [f"{r['label']}\t{r['probability']:.4f}\t{_one_line(r['text'])}" for r in records]
    return {"predictions": records}, lines


def _texts(values):
    if (values.text is None) == (values.input is None):
        raise InputError("give either --text or --input")
    if values.input is not None:
        examples = shared.read_examples(values, shared.check_path(values.input), labelled=False)
        return examples.texts, examples.texts_b
    for name in ("text", "text_b"):
        if values[name].value is not None and not values[name].value.strip():
            raise InputError(f"--{name} is empty")
    text, text_b = _utf8(values, "text"), _utf8(values, "text_b")
    return [text], None if text_b is None else [text_b]


def _utf8(values, name):
    """Returns the text of a flag; in the C locale Python has not decoded what is not ASCII."""
    text = values[name].value
    try:
        return None if text is None else os.fsencode(text).decode("utf-8")
    except UnicodeError:
        raise InputError(f"--{name} is not UTF-8") from None


def _write(path, records, labels):
    with (
        replacing_file(path) as temporary,
        open(temporary, "w", encoding="utf-8", newline="") as file,
    ):
        if path.endswith(".jsonl"):
            for record in records:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
            return
        columns = ["text", *(["text_b"] if "text_b" in records[0] else []), "label", "probability"]
        header = [*columns, *(f"probability_{label}" for label in labels)]
        rows = [
            [*(r[name] for name in columns), *(r["probabilities"][label] for label in labels)]
            for r in records
        ]
        if path.endswith(".csv"):
            csv.writer(file, lineterminator="\n").writerows([header, *rows])
            return
        # TSV has no quoting here, as in the files that we read, so tabs and line ends cannot stay.
        for row in [header, *rows]:
            file.write("\t".join(_one_line(str(cell)) for cell in row) + "\n")


def _one_line(text):
    return " ".join(text.split()) if any(c in text for c in "\t\r\n") else text
