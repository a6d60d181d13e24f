"""Every scheme of quantization of one model: score against bytes against milliseconds."""

import contextlib
import importlib.util
import os

from keras_bert.embedder import usual_embedder_of
from keras_bert.errors import InputError, name_of
from keras_bert.export.calibration import read_calibration
from keras_bert.export.export import ExportSettings, written
from keras_bert.export.recipes import RECIPES
from keras_bert.export.rivals import made_rivals
from keras_bert.export.tflite import QUANTIZATIONS
from keras_bert.export.verify import verify
from keras_bert.export.verify_report import table_lines
from keras_bert.files import temporary_folder
from keras_bert.guesses import note, said_afterwards
from keras_bert.opening import load_bert, require_task
from keras_bert.quiet import stderr_kept_for_errors


def compare_schemes(settings, layout=None):
    """Exports a model in every scheme, and measures each file; nothing is kept.

    Args:
        settings: `BenchmarkSettings`, with `data`.
        layout: `FileLayout` of the data, None for its defaults.

    Returns:
        A dict: that of `verify.verify` for several files, each named by its scheme as `exported`;
        `skipped`, a dict from scheme to why it could not be written; with a picture its path.

    Raises:
        InputError: the model or the data is broken, or no scheme could be written.
    """
    bert = require_task(load_bert(settings.model), settings.model, usual_embedder_of)
    length = None
    if settings.length is not None:
        if len(settings.length) > 1:
            raise InputError(
                f"{name_of('schemes', True)} has one length", "length", settings.length
            )
        (length,) = settings.length
    skipped = {}
    if settings.calibration is not None:
        read_calibration(bert, settings.calibration, layout)  # a broken one is no scheme's fault
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        paths = {}
        for scheme in QUANTIZATIONS:
            path = os.path.join(folder, f"{scheme}.tflite")
            try:
                is_measured = RECIPES[scheme].weight_bits <= 8
                chosen = ExportSettings(
                    output=path,
                    format="tflite",
                    quantize=scheme,
                    length=length,
                    calibration=settings.calibration if is_measured else None,
                )
                with said_afterwards(), stderr_kept_for_errors():
                    written(bert, path, chosen, layout)
            except InputError as error:
                skipped[scheme] = str(error)
                note(f"{scheme} was left out: {error}")
                continue
            paths[scheme] = path
        if not paths:
            raise InputError(f"no scheme could be written: {'; '.join(skipped.values())}")
        if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("tf2onnx"):
            rivals = ["onnxruntime", "onnxruntime_int8"]
            paths |= made_rivals(rivals, settings.model, stack)
        result, _ = verify(
            settings.model, list(paths.values()), settings.data, layout, max_drop=1.0, costs=True
        )
        names = {path: name for name, path in paths.items()}
        for each in result["files"]:
            each["exported"] = names[each["exported"]]
            del each["max_drop"], each["passed"]
    for name in ("max_drop", "passed"):
        del result[name]
    result |= {"skipped": skipped}
    if settings.picture is not None:
        result["picture"] = settings.picture
        result["picture_notes"] = draw_schemes(settings.picture, result)
    return result


def scheme_lines(result):
    """Returns the result of `compare_schemes` as lines to print."""
    lines = table_lines(result)[: -len(result["files"])]
    if "picture" in result:
        lines += [*result["picture_notes"], f"picture: {result['picture']}"]
    return lines


def draw_schemes(path, result):
    """Draws score against size and against latency; returns notes on the picture.

    Args:
        path: the PNG to write.
        result: the dict of `compare_schemes`.
    """
    from keras_bert.pictures.figures import font_note, save_figure
    from keras_bert.pictures.panels import panels_figure

    return [] if save_figure(panels_figure(scheme_panels(result)), path) else [font_note(path)]


def scheme_panels(result):
    """Returns the panels of `draw_schemes`."""
    from keras_bert.tasks.panels import Points

    files, metric = result["files"], result["metric"]
    names = [each["exported"] for each in files]
    scores = [each["exported_scores"][metric] for each in files]
    sizes = [each["exported_bytes"] / 1e6 for each in files]
    latencies = [each["exported_ms"] for each in files]
    tokens = files[0]["timed_length"]
    return [
        Points(names, sizes, scores, "MB", metric, "score and size"),
        Points(
            names, latencies, scores, f"ms, {tokens} tokens, 1 thread", metric, "score and latency"
        ),
    ]
