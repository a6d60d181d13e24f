"""Writes a Keras model as a SavedModel: from raw text to answers, and from token ids to outputs.

It loads with TensorFlow and TensorFlow Text; this package is not needed.
"""

import json
import os

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.export import contents, warmup
from keras_bert.export.functions import tokens_function
from keras_bert.export.signature_answers import AnswerSignature
from keras_bert.export.signature_choices import ChoiceSignature
from keras_bert.export.signature_tags import TagSignature
from keras_bert.export.signature_texts import TextSignature
from keras_bert.export.timing import size_of
from keras_bert.files import replacing_folder
from keras_bert.guesses import guess
from keras_bert.model_folder import ModelConfig


def export_saved_model(bert, path, length=None):
    """Writes a model as a SavedModel folder with two signatures.

    `tokens`: `token_ids`, `segment_ids`, `padding_mask`, int32 of shape (batch, length),
    returns the outputs of `tokens_function`.
    `serving_default` takes raw text and returns the answers of `Bert.predict`: see the class of
    the task in `signature_texts`, `signature_tags`, `signature_answers`, `signature_choices`.
    TensorFlow Serving runs both once when it loads the folder, with the requests of `warmup`.

    Args:
        bert: a `Bert` with a task.
        path: the folder to write.
        length: the most tokens of a text; None or "dynamic" uses the model's `max_length`.

    Returns:
        A dict: `path` and `bytes`.

    Raises:
        InputError: `length` is over the position table, or an added token of a classifier cannot
            be found in a graph. For tasks that answer for words or passages this is a `Guess`, and
            `serving_default` is as `tokens`.
    """
    files = contents.exported_files(bert, length)
    config = ModelConfig.from_dict(json.loads(files[contents.CONFIG_FILE]))
    from_tokens = tokens_function(bert)
    signature = _signature(bert, from_tokens, config, path)
    default, inputs = from_tokens, {}
    if signature is not None:
        inputs = signature.inputs
        specs = [
            tf.TensorSpec([None] if each is None else [None, each], tf.string, name=name)
            for name, each in inputs.items()
        ]
        default = tf.function(signature.__call__, input_signature=specs, autograph=False)
    with replacing_folder(path, is_saved_model) as temporary:
        # Not keras.export.ExportArchive: it writes every weight twice.
        module = tf.Module()
        module.weights = [variable.value for variable in bert.model.variables]
        module.signature = signature
        tf.saved_model.save(
            module,
            temporary,
            signatures={"serving_default": default, "tokens": from_tokens},
        )
        extra = os.path.join(temporary, contents.EXTRA_FOLDER)
        os.makedirs(extra)
        for name, content in files.items():
            with open(os.path.join(extra, name), "wb") as file:
                file.write(content)
        warmup.write_requests(os.path.join(extra, warmup.FILE), inputs, config.max_length)
    return {"path": os.fspath(path), "bytes": size_of(path)}


_SIGNATURES = {
    "tagging": TagSignature,
    "question_answering": AnswerSignature,
    "multiple_choice": ChoiceSignature,
}


def _signature(bert, from_tokens, config, path):
    """Returns the signature that takes raw text; None for a task or a tokenizer that has none."""
    if bert.task.of_texts:
        return TextSignature(bert, from_tokens, config)
    if bert.task.kind not in _SIGNATURES:
        return None
    try:
        return _SIGNATURES[bert.task.kind](bert, from_tokens, config)
    except InputError as error:
        guess(f"serving_default takes token ids and no raw text: {error}", place=os.fspath(path))
        return None


def is_saved_model(path):
    """Returns whether a folder is a SavedModel that we wrote."""
    return os.path.exists(os.path.join(path, "saved_model.pb")) and os.path.exists(
        os.path.join(path, contents.EXTRA_FOLDER, contents.CONFIG_FILE)
    )
