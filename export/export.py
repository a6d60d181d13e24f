"""Writes a model as TFLite, SavedModel or ONNX, and compares the file with the model."""

import dataclasses
import functools
import os

from keras_bert.config import EXPORTED_AS, POOLINGS
from keras_bert.embedder import embedder_of
from keras_bert.errors import CheckFailed, InputError, name_of
from keras_bert.export.keep_tokens import AUTO, check_keep_tokens
from keras_bert.export.making import made_beside
from keras_bert.export.onnx_names import INPUT_NAMES
from keras_bert.export.quantize_settings import (
    QuantizeSettings,
    check_quantization,
    note_without_rows,
)
from keras_bert.export.text_input import TOKENIZERS
from keras_bert.files import check_file_replaceable, check_not_input, check_path
from keras_bert.guesses import counted, note, said_afterwards
from keras_bert.model_folder import is_model_folder
from keras_bert.opening import load_bert, open_with_examples, require_task
from keras_bert.predictor import Predictor
from keras_bert.quiet import stderr_kept_for_errors
from keras_bert.settings import REQUIRED, check_settings, setting

FORMATS = ("tflite", "saved_model", "onnx")
_ENDINGS = {".tflite": "tflite", ".onnx": "onnx"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportSettings(QuantizeSettings):
    """What `export` takes beside the model."""

    output: str = setting(REQUIRED, "the file or folder to write", is_path=True)
    format: str = setting(REQUIRED, "the format to write", choices=FORMATS)
    length: str | None = setting(
        None, "tokens, or `dynamic` for open shapes (default: the model's length)"
    )
    pooling: str | None = setting(
        None,
        "an encoder without a task: how a text's vector is made of its tokens' (default: as its "
        "checkpoint states, else mean)",
        choices=POOLINGS,
    )
    normalize: bool | None = setting(
        None,
        "an encoder without a task: bring vectors to length 1 (default: as its checkpoint states)",
    )
    data: str | None = setting(
        None,
        "labelled data, on which the file is compared with the model (default: the calibration's)",
        is_path=True,
    )
    max_drop: float | None = setting(
        None,
        "the largest drop of the task's first metric with which the file is kept, as a fraction "
        "(default: the scheme's)",
        low=0.0,
        high=1.0,
    )
    verify: bool = setting(True, "compare the file with the model before it gets its name")
    force: bool = setting(False, "keep the file even if it loses more")
    input_names: str = setting(
        "keras",
        "ONNX: `huggingface` for input_ids, attention_mask, token_type_ids of int64, and logits, "
        "as transformers.js has them",
        choices=INPUT_NAMES,
    )
    tokenizer: str = setting(
        "outside",
        "TFLite: the app tokenizes, or the file takes raw text, with TensorFlow Text's custom ops",
        choices=TOKENIZERS,
    )
    keep_tokens: str | None = setting(
        None,
        "TFLite, for long texts: BLOCKS:TOKENS, such as 2:160: after so many blocks go on with the "
        "tokens that get the most attention; several with commas; auto tries some on --data",
    )

    def __post_init__(self):
        if isinstance(self.length, int):
            object.__setattr__(self, "length", str(self.length))
        check_settings(self)
        if self.length not in (None, "dynamic") and not self.length.isdecimal():
            raise InputError("expected a number of tokens or `dynamic`", "length", self.length)
        # Every reader recognizes the format by the file name's ending.
        if _ENDINGS.get(os.path.splitext(self.output)[1], "saved_model") != self.format:
            wanted = f"a name ending in .{self.format}"
            if self.format == "saved_model":
                wanted = "a folder's name"
            raise InputError(f"{self.output}: {name_of('format', self.format)} needs {wanted}")
        if self.format != "onnx" and self.input_names != "keras":
            onnx = name_of("format", "onnx")
            raise InputError(f"{name_of('input_names', self.input_names)} is for {onnx} only")
        in_graph = name_of("tokenizer", self.tokenizer)
        if self.format != "tflite" and self.tokenizer != "outside":
            raise InputError(f"{in_graph} is for {name_of('format', 'tflite')} only")
        if self.tokenizer != "outside" and self.length == "dynamic":
            raise InputError(f"{in_graph} needs a fixed length", "length", self.length)
        check_quantization(self)
        check_keep_tokens(self)


def export(model, data=None, layout=None, **settings):
    """Writes a model as TFLite, SavedModel or ONNX, and compares the file with the model.

    Args:
        model: a `Bert`, or the path of a model folder, whose card gets a row; an encoder without a
            task is written as a sentence embedder.
        data: path of labelled data to compare them on, or (texts, labels) and so on, as
            `verify.verify` takes them; None takes the rows of the calibration, if there is one,
            else nothing is compared, which a note says. Of an embedder these are texts.
        layout: `FileLayout` of the data and of the calibration's file; None for its defaults.
        **settings: of `ExportSettings`: `output`, `format`, `length`, `quantize`, `calibration`,
            `table_bits`, `per_tensor`, `pooling`, `normalize`, `input_names`,
            `tokenizer`, `keep_tokens`, `max_drop`, `verify`, `force`.

    Returns:
        A dict: `path` and `bytes`; of TFLite and ONNX all that `export_tflite` and `export_onnx`
        return; `proof`, the dict of `proof.prove`, which is in the file too, or None; with
        `keep_tokens="auto"` also `keep_tokens`, the dict of `keep_tokens_search.choose`.

    Raises:
        InputError: the model is broken, or cannot be written with these settings.
        CheckFailed: the file loses more than `max_drop`. It is not there then, and what was at its
            path still is.
    """
    is_path = data is None or isinstance(data, str | os.PathLike)
    settings = ExportSettings(data=data if is_path else "the examples", **settings)
    folder = None if isinstance(model, Predictor) else model
    if folder is not None:
        check_path(folder)
    if settings.format != "saved_model":
        check_file_replaceable(settings.output)
    for source in (settings.data if is_path else None, settings.calibration):
        if source is not None:
            check_not_input(settings.output, source)
    data, seen = _data_of(settings, data)
    if isinstance(data, str | os.PathLike):
        check_path(data)  # before anything heavy is imported
    examples = None
    asked = {"pooling": settings.pooling, "normalize": settings.normalize}
    embedder = functools.partial(embedder_of, **asked)
    if data is None:
        bert = load_bert(model) if folder is not None else model
        bert = require_task(bert, folder, embedder)
    else:
        bert, _, examples = open_with_examples(model, data, None, layout, embedder=embedder)
    if bert.config.task != "embedding" and asked != {"pooling": None, "normalize": None}:
        embedder(bert)  # which refuses it
    searched = comparison = None
    if settings.keep_tokens == AUTO:
        settings, searched, comparison = _with_kept_tokens(bert, examples, settings, layout)
    with made_beside(settings.output, settings.format) as made:
        with said_afterwards(), stderr_kept_for_errors():
            result = written(bert, made, settings, layout)
        if examples is not None:
            rescaled = result.get("rescaled", False)
            result |= _proven(bert, made, examples, settings, seen, rescaled, comparison)
    result |= {"path": os.fspath(settings.output), "proof": result.get("proof")}
    result |= {} if searched is None else {"keep_tokens": searched}
    _say_what_is_proven(settings, result["proof"])
    if folder is not None and is_model_folder(folder):
        from keras_bert.export.card_section import update_card

        update_card(folder, settings.output, result, result["proof"])
    return result


def _data_of(settings, data):
    """Returns what a file is compared on, None for nothing; and if the calibration has seen it."""
    if not settings.verify:
        return None, False
    if data is not None:
        return data, False
    return settings.calibration, settings.calibration is not None


def _with_kept_tokens(bert, examples, settings, layout):
    """Returns settings with the `keep_tokens` that were chosen, and what `choose` returned."""
    from keras_bert.export.keep_tokens_search import choose

    found, comparison = choose(bert, examples, settings, functools.partial(written, layout=layout))
    if found["chosen"] is None:
        note("every choice loses too much: all tokens are kept", "keep_tokens", AUTO)
    return dataclasses.replace(settings, keep_tokens=found["chosen"]), found, comparison


def _say_what_is_proven(settings, proof):
    to_prove = f"{name_of('data', 'FILE')} of labelled rows compares it with the model"
    if not settings.verify:
        note(f"{settings.output}: nothing is proven, as {name_of('verify', False)}: {to_prove}")
    elif proof is None:
        note(f"{settings.output}: nothing is proven: {to_prove}")
    elif proof["seen"]:
        note(
            f"{settings.output}: compared on the rows that its calibration has seen: "
            f"{name_of('data', 'FILE')} names others"
        )


def written(bert, path, settings, layout=None):
    """Writes a model as settings say, without a proof.

    Args:
        bert: a `Bert` with a task.
        path: the file or folder to write, of a name that its format needs.
        settings: `ExportSettings`; its own output is not used.
        layout: `FileLayout` of the calibration; None for its defaults.

    Returns:
        A dict, that of `export` without `proof`.
    """
    length = settings.length
    if length not in (None, "dynamic"):
        length = int(length)
    trained = _trained_for(bert, settings)
    if not trained:
        note_without_rows(settings)
    if settings.format == "tflite":
        from keras_bert.export.tflite import export_tflite

        return export_tflite(
            bert,
            path,
            length,
            settings.quantize,
            settings.calibration,
            settings.table_bits or trained.get("table_bits"),
            settings.per_tensor,
            rescaling=bert.rescaling if trained else None,
            layout=layout,
            tokenizer=settings.tokenizer,
            keep_tokens=settings.keep_tokens,
        )
    if settings.format == "saved_model":
        from keras_bert.export.saved_model import export_saved_model

        return export_saved_model(bert, path, length)
    from keras_bert.export.onnx import export_onnx

    return export_onnx(
        bert,
        path,
        length,
        settings.quantize,
        settings.calibration,
        settings.input_names,
        rescaling=bert.rescaling if trained else None,
        layout=layout,
    )


def _trained_for(bert, settings):
    """Returns what quantization-aware training was for if this file is that, else {}.

    Returns:
        `ModelConfig.quantize_aware`; what the file does not use of it is said in a note.
    """
    trained = bert.config.quantize_aware
    if not trained or getattr(bert, "rescaling", None) is None:
        return {}
    wanted = name_of("quantize", EXPORTED_AS[trained["weights"]])
    if settings.format == "saved_model" or settings.quantize != EXPORTED_AS[trained["weights"]]:
        note(f"the model was trained for {wanted}: this file does not use its re-scaling")
        return {}
    if settings.table_bits not in (None, trained["table_bits"]) or settings.per_tensor:
        bits = name_of("table_bits", trained["table_bits"])
        note(f"the model was trained for {wanted} and {bits}, with a scale for each output")
    return trained


def _proven(bert, path, examples, settings, seen, rescaled, comparison):
    """Compares a new file with its model, and puts the proof into it.

    Returns:
        A dict of `proof`, and `bytes` of the file with it.

    Raises:
        CheckFailed: it loses more than it may.
    """
    from keras_bert.export.proof import add_proof, failure_of, gate_of, proof_lines, prove
    from keras_bert.export.timing import size_of

    data = settings.calibration if seen else settings.data
    proof = prove(bert, path, examples, settings, data, seen, rescaled, comparison)
    if not proof["passed"]:
        failure = failure_of(proof)
        if not settings.force:
            nothing = f"{settings.output} was not written: {name_of('force', True)} writes it"
            result = {"path": os.fspath(settings.output), "proof": proof}
            raise CheckFailed(f"{failure}: {nothing}", result, proof_lines(proof))
        note(f"{settings.output}: {failure}, and is kept as it was asked")
    if proof["max_drop"] > gate_of(settings, rescaled):
        note(
            f"{settings.output}: {counted(proof['count'], 'row')} cannot tell a loss of "
            f"{100 * gate_of(settings, rescaled):.2f} points, as one of them is "
            f"{100 * proof['max_drop']:.2f}: {name_of('data', 'FILE')} names more"
        )
    add_proof(path, proof, settings.format)
    return {"proof": proof, "bytes": size_of(path)}
