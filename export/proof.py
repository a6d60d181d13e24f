"""The proof of an exported file: that it was compared with its model, on which data, with what.

`export` makes it before the file gets its name, puts it into the file and into the model's card,
and leaves no file that loses more than its gate allows.
"""

import importlib.metadata
import json
import os

import keras_bert
from keras_bert.errors import name_of
from keras_bert.export import contents
from keras_bert.export.calibration import spread
from keras_bert.export.comparison import TaskComparison
from keras_bert.export.runners import open_exported
from keras_bert.export.timing import size_of
from keras_bert.export.verify import judged
from keras_bert.export.verify_report import agreement_line, is_of_vectors, verdict
from keras_bert.guesses import note
from keras_bert.settings import changed_settings

# What had a hand in a file of a format, or ran it.
_PACKAGES = {
    "tflite": ("tensorflow", "keras", "ai-edge-litert", "litert-quantizer"),
    "saved_model": ("tensorflow", "keras", "tensorflow-text"),
    "onnx": ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime"),
}
# What a proof does not say of the settings: where the file went, and how it was proven.
_NOT_SAID = ("output", "data", "max_drop", "force", "verify")


# Scores that are not a share of rows: one row moves them by any amount.
_NOT_OF_ROWS = ("regression", "embedding")


def gate_of(settings, rescaled=False, kind=None, count=None):
    """Returns the largest drop that an export allows, a fraction.

    On few rows one of them weighs more than a scheme may lose, and tells nothing: then one row is
    allowed. `float16` may lose none, however few.

    Args:
        settings: `ExportSettings`; without `max_drop` the gate is its scheme's.
        rescaled: whether the products were re-scaled.
        kind: the kind of the task; None for any.
        count: how many rows are compared; None for many.
    """
    if settings.max_drop is not None:
        return settings.max_drop
    gate = settings.recipe().gate(rescaled)
    if gate and count and kind not in _NOT_OF_ROWS:
        return max(gate, 1 / count)
    return gate


def prove(
    bert, path, examples, settings, data, seen=False, rescaled=False, comparison=None
):  # fmt: skip
    """Compares an exported file with its model.

    Args:
        bert: the `Bert` that was exported.
        path: the file or folder.
        examples: labelled examples of its task.
        settings: `ExportSettings` that it was made with.
        data: str, the name of the data.
        seen: whether the file was calibrated on these rows.
        rescaled: whether its products were re-scaled.
        comparison: `TaskComparison` of the model and all examples, where there is one already.

    Returns:
        A dict, as the file keeps it: `data` and `seen`; `count`, and `of_rows` where there were
        more; `metric`, its `drop`, `max_drop`
        and `passed`; `model_scores` and `exported_scores`; `agreement`; `max_difference`; `bytes`,
        without the proof; `format` and `settings`, those that are not defaults; `versions`. No
        path is in it, and nothing that differs between two runs.
    """
    of_rows = len(examples)
    examples = _to_compare(examples, settings, data)
    comparison = comparison or TaskComparison(bert, bert.task, examples)
    result, _ = comparison.of(open_exported(path))
    for name in ("model_scores", "exported_scores"):
        result[name] = {metric: result[name][metric] for metric in comparison.metrics}
    return {
        "data": os.path.basename(os.path.normpath(data)),
        "seen": seen,
        **result,
        **({"of_rows": of_rows} if len(examples) < of_rows else {}),
        **judged(result, gate_of(settings, rescaled, bert.task.kind, result["count"])),
        "bytes": size_of(path),
        "format": settings.format,
        "settings": _said(settings),
        "versions": _versions(settings.format),
    }


def add_proof(path, proof, kind):
    """Puts a proof into an exported file.

    Args:
        path: the file or folder, which nobody else reads yet.
        proof: dict.
        kind: its format.
    """
    text = json.dumps(proof, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    content = text.encode()
    if kind == "tflite":
        from keras_bert.export.metadata import add_file

        add_file(path, contents.PROOF_FILE, content)
    elif kind == "saved_model":
        with open(os.path.join(path, contents.EXTRA_FOLDER, contents.PROOF_FILE), "wb") as file:
            file.write(content)
    else:
        import onnx

        addition = onnx.ModelProto()
        entry = addition.metadata_props.add()
        entry.key, entry.value = contents.PROOF_FILE, text
        # Protocol buffers merge a message that follows another: the weights need not be read.
        with open(path, "ab") as file:
            file.write(addition.SerializeToString())


def failure_of(proof):
    """Returns what a file that did not pass lost, and what it may lose."""
    fell = f"{proof['metric']} fell by {proof['drop']:.4f}"
    return f"{fell}, more than {name_of('max_drop', proof['max_drop'])}"


def proof_lines(proof):
    """Returns a proof as lines to print."""
    metric = proof["metric"]
    model, exported = (proof[which][metric] for which in ("model_scores", "exported_scores"))
    seen = ", which the calibration has seen" if proof["seen"] else ""
    if is_of_vectors(proof):
        least = proof["exported_scores"]["least_cosine"]
        scores = f"cosine of the two vectors of a text: mean {exported:.4f}, least {least:.4f}"
    else:
        scores = f"{metric} {model:.4f} of the model, {exported:.4f} of the file"
    rows = f", {proof['count']} of {proof['of_rows']} rows" if "of_rows" in proof else ""
    return [f"{proof['data']}{rows}{seen}: {scores}; {agreement_line(proof)}", verdict(proof)]


def _to_compare(examples, settings, data):
    """Returns the examples on which a file is compared: fewer, of a scheme that runs slowly."""
    most = settings.recipe().most_rows
    if most is None or len(examples) <= most:
        return examples
    scheme = name_of("quantize", settings.quantize)
    note(
        f"{data}: the file is compared on {most} of {len(examples)} rows, evenly spread, as a file "
        f"of {scheme} runs slowly on this processor: `keras-bert verify` takes all"
    )
    return examples.take(spread(len(examples), most))


def _said(settings):
    """Returns the settings that a file was made with, of paths the last part alone."""
    changed = changed_settings(settings)
    return {
        name: os.path.basename(value) if name == "calibration" else value
        for name, value in changed.items()
        if name not in (*_NOT_SAID, "format")
    }


def _versions(kind):
    versions = {"keras-bert-toolkit": keras_bert.__version__}
    for package in _PACKAGES[kind]:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
