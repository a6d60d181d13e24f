"""Runs an exported file and its model over the same texts; exits 1 if too much accuracy is lost.

keras-bert verify --model=my_model --exported=model.tflite --data=dev.csv
"""

from absl import flags

from keras_bert.commands import shared
from keras_bert.errors import CheckFailed, InputError


def define(values):
    shared.define_string(values, "model", "the model folder", required=True)
    shared.define_string(values, "exported", ".tflite, SavedModel or .onnx", required=True)
    shared.define_string(values, "data", "labelled texts", required=True)
    flags.DEFINE_float(
        "max_drop", 0.01, "most accuracy that may be lost, as a fraction",
        lower_bound=0.0, upper_bound=1.0, flag_values=values,
    )  # fmt: skip
    shared.define_column_flags(values)


def run(values):
    shared.check_path(values.model)
    shared.check_path(values.exported)
    examples = shared.read_examples(values, shared.check_path(values.data))
    bert = shared.require_classifier(shared.load_bert(values.model), values.model)
    shared.check_pair(bert, examples)

    from export.runners import open_exported
    from export.verify import report_lines, verify

    runner = open_exported(values.exported)
    if runner.config.labels != bert.config.labels:
        raise InputError(f"{values.exported}: its labels are not those of {values.model}")
    result = verify(bert, runner, examples, values.model, values.exported)
    result["max_drop"] = values.max_drop
    result["passed"] = result["drop"] <= values.max_drop
    lines = report_lines(result)
    if not result["passed"]:
        raise CheckFailed(
            f"accuracy fell by {result['drop']:.4f}, more than --max_drop={values.max_drop}",
            result,
            lines,
        )
    return result, lines
