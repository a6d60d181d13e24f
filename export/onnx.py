"""Writes a Keras model as an ONNX file, from token ids to outputs, batch and length open."""

import os

from keras_bert.export.contents import exported_files
from keras_bert.export.functions import tokens_function
from keras_bert.files import replacing_file

# The newest opset that tf2onnx 1.17 writes.
_OPSET = 18


def export_onnx(bert, path, length=None):
    """Writes a model as an ONNX file.

    Its inputs are `token_ids`, `segment_ids`, `padding_mask`, int32 of shape (batch, length); its
    outputs are those of `tokens_function`. Its metadata holds vocabulary, labels and tokenizer
    switches, so that the file alone can answer for text.

    Args:
        bert: a `Bert` with a task.
        path: the file to write.
        length: the most tokens of a text; None or "dynamic" uses the model's `max_length`.

    Returns:
        A dict: `path` and `bytes`.

    Raises:
        InputError: `length` is over the position table.
    """
    import onnx
    import tf2onnx

    files = exported_files(bert, length)
    from_tokens = tokens_function(bert)
    model, _ = tf2onnx.convert.from_function(
        from_tokens, input_signature=from_tokens.input_signature, opset=_OPSET
    )
    onnx.helper.set_model_props(model, {k: v.decode() for k, v in files.items()})
    onnx.checker.check_model(model)
    with replacing_file(path) as temporary:
        onnx.save(model, temporary)
    return {"path": os.fspath(path), "bytes": os.path.getsize(path)}
