"""Runs an exported file and its model over the same data; exits 1 if too much of the score is lost.

keras-bert verify --model=my_model --exported=model.tflite --data=dev.csv
"""

from absl import flags

from keras_bert.commands import shared
from keras_bert.errors import CheckFailed, InputError

_ROUNDING = 1e-9


def define(values):
    shared.define_string(values, "model", "the model folder", required=True)
    shared.define_string(values, "exported", ".tflite, SavedModel or .onnx", required=True)
    shared.define_string(values, "data", "labelled data, as for training", required=True)
    flags.DEFINE_float(
        "max_drop", 0.01, "most of the task's first metric that may be lost, as a fraction",
        lower_bound=0.0, upper_bound=1.0, flag_values=values,
    )  # fmt: skip
    shared.define_task(values)
    shared.define_column_flags(values)
    shared.define_left_out(values)


def run(values):
    shared.check_path(values.data)
    shared.check_path(values.exported)
    shared.check_path(values.model)
    from keras_bert.export.runners import is_exported, open_exported

    if is_exported(values.model):
        raise InputError(
            f"--model={values.model}: is an exported file itself: give the model folder that "
            f"{values.exported} was made of"
        )
    bert, task, examples = shared.open_with_examples(values, values.model, values.data)

    from keras_bert.export.verify import report_lines, verify

    runner = open_exported(values.exported)
    if (runner.config.task, runner.config.labels) != (bert.config.task, bert.config.labels):
        raise InputError(f"{values.exported}: its task or labels are not those of {values.model}")
    result = verify(bert, runner, task, examples, values.model, values.exported)
    result["max_drop"] = values.max_drop
    # A drop of exactly so many examples may be a little more, as 0.48 - 0.47 is in floats.
    result["passed"] = result["drop"] <= values.max_drop + _ROUNDING
    lines = report_lines(result, task.metrics(bert.config))
    if not result["passed"]:
        fell = f"{result['metric']} fell by {result['drop']:.4f}"
        raise CheckFailed(f"{fell}, more than --max_drop={values.max_drop}", result, lines)
    return result, lines
