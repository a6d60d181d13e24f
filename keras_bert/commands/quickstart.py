"""Trains, evaluates, exports, verifies and runs a small spam filter on messages of the package.

In a checkout with shipped models (`apps/models`) it first prints what these answer.
"""

import os
import shutil
import sys

from keras_bert.commands import flags
from keras_bert.quickstart import QuickstartSettings, quickstart


def define(values):
    flags.define(values, QuickstartSettings)


def run(values):
    result = quickstart(**flags.chosen(values, QuickstartSettings))
    return result, _report(result)


def _report(result):
    lines = ["", f"{'':<22}{'accuracy':>10}{'same answer':>14}{'size, MB':>10}{'ms':>8}"]
    for row in result["models"]:
        agreement = f"{row['agreement']:.2%}" if "agreement" in row else ""
        milliseconds = f"{row['ms']:.2f}" if "ms" in row else ""
        lines.append(
            f"{row['format']:<22}{row['accuracy']:>10.4f}{agreement:>14}"
            f"{row['bytes'] / 1e6:>10.2f}{milliseconds:>8}"
        )
    lines += ["", "with the device's runtime, from the int8 file alone:"]
    lines += [
        f"  {p['label']:<5} {p['probability']:.3f}  {p['text']}" for p in result["predictions"]
    ]
    return [
        *lines,
        "",
        f"{result['test_messages']} test messages; {result['seconds']:.0f} s; "
        f"files: {result['output']}{os.sep}",
        "",
        "to go on:",
        *_program_on_path(),
        f'  keras-bert predict --model={result["models"][0]["path"]} --text="you have won"',
        "  keras-bert help finetune",
    ]


def _program_on_path():
    """Returns a line that puts the program on the PATH, if it is not there."""
    program = os.path.abspath(sys.argv[0])
    if os.path.basename(program) != "keras-bert" or shutil.which("keras-bert"):
        return []
    return [f'  export PATH="{os.path.dirname(program)}:$PATH"']
