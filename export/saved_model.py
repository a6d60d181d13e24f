"""Writes a Keras model as a SavedModel: from raw text to answers, and from token ids to outputs.

It loads with TensorFlow and, where it takes raw text, TensorFlow Text; neither Keras nor this
package is needed.
"""

import os

from keras_bert.export import contents
from keras_bert.export.contents import exported_files
from keras_bert.export.functions import tokens_function
from keras_bert.export.timing import size_of
from keras_bert.files import replacing_folder

# As in the tables that multi-label classification reads and writes.
LABEL_SEPARATOR = "|"


def export_saved_model(bert, path, length=None):
    """Writes a model as a SavedModel folder with two signatures.

    `tokens`: `token_ids`, `segment_ids`, `padding_mask`, int32 of shape (batch, length),
    returns the outputs of `tokens_function`.
    `serving_default`: for tasks that answer for a text as a whole, it takes raw text: `text` (and
    `text_b` for pairs), string of shape (batch,). It returns `probability`, float32 of shape
    (batch, num_classes), and `label`, string of shape (batch,), where several labels hold with
    "|" between them; or for regression `value`, float32 of shape (batch, 1). It reads long texts
    in windows, if the model's config has them. Other tasks need the positions of tokens in the
    text, so there it is `tokens` again.

    Args:
        bert: a `Bert` with a task.
        path: the folder to write.
        length: the most tokens of a text; None or "dynamic" uses the model's `max_length`.

    Returns:
        A dict: `path` and `bytes`.

    Raises:
        InputError: `length` is over the position table.
    """
    import tensorflow as tf
    from keras import ops

    files = exported_files(bert, length)
    max_length = bert.config.max_length if length in (None, "dynamic") else length
    takes_text = bert.task.of_texts
    labels = tf.constant(bert.config.labels or [""])
    from_tokens = tokens_function(bert)

    def from_text(text, text_b=None):
        (name,) = bert.task.outputs
        if bert.config.windows:
            from keras_bert.export.graph_windows import pooled, window_rows

            rows, owner = window_rows(tokenizer, text, text_b, max_length)
            outputs = {name: pooled(from_tokens(**rows)[name], owner, bert.task.link)}
        else:
            rows = tokenizer(text, text_b, length=max_length)
            outputs = {name: from_tokens(**rows)[name]}
        chosen = bert.model.chosen_labels(outputs, bert.config.settings, ops)
        if chosen is None:
            return outputs
        return {"label": joined_labels(labels, chosen), **outputs}

    def strings(name):
        return tf.TensorSpec([None], tf.string, name=name)

    texts = [strings("text"), strings("text_b")] if bert.config.pair else [strings("text")]
    default = from_tokens
    if takes_text:
        from keras_bert.text.graph_tokenizer import GraphTokenizer

        tokenizer = GraphTokenizer(bert.tokenizer)
        default = tf.function(from_text, input_signature=texts)
    with replacing_folder(path, is_saved_model) as temporary:
        # Not keras.export.ExportArchive: it writes every weight twice.
        module = tf.Module()
        module.weights = [variable.value for variable in bert.model.variables]
        if takes_text:
            module.tokenizer = tokenizer
        tf.saved_model.save(
            module,
            temporary,
            signatures={
                "serving_default": default,
                "tokens": from_tokens,
            },
        )
        extra = os.path.join(temporary, contents.EXTRA_FOLDER)
        os.makedirs(extra)
        for name, content in files.items():
            with open(os.path.join(extra, name), "wb") as file:
                file.write(content)
    return {"path": os.fspath(path), "bytes": size_of(path)}


def joined_labels(labels, chosen):
    """Returns the labels of each text as one string, "|" between several.

    Args:
        labels: string tensor, shape (num_classes,).
        chosen: bool tensor, shape (batch, num_classes).
    """
    import tensorflow as tf

    parts = tf.where(chosen, labels + LABEL_SEPARATOR, "")
    joined = tf.strings.reduce_join(parts, axis=-1)
    lengths = tf.maximum(tf.strings.length(joined) - 1, 0)
    return tf.strings.substr(joined, tf.zeros_like(lengths), lengths)


def is_saved_model(path):
    """Returns whether a folder is a SavedModel that we wrote."""
    return os.path.exists(os.path.join(path, "saved_model.pb")) and os.path.exists(
        os.path.join(path, contents.EXTRA_FOLDER, contents.CONFIG_FILE)
    )
