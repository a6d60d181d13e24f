"""The ranges of a network's products: the largest |x| of each channel on real texts.

The products are the dense layers of the encoder's blocks, by the names of `products`. Those of one
input share a range: the query, key and value of a block.
"""

import dataclasses

import keras
import numpy as np

from keras_bert.layers.dense import watched
from keras_bert.text.padding import TokenizedTexts

# Rows that go through the network together.
_BATCH = 16


@dataclasses.dataclass(frozen=True)
class Ranges:
    """What a network's products got and returned.

    Attributes:
        inputs: dict from the name of an input (see `input_of`) to the largest |x| of each of its
            channels, float32 of shape (width,).
        outputs: the same by the name of a product, of what it returned, its bias included.
    """

    inputs: dict
    outputs: dict


def products(encoder):
    """Returns the dense layers of an encoder's blocks, a dict by names such as
    "layer_0/attention/query"; the last part of a name is query, key, value or output of the
    attention, or intermediate or output of the feed-forward part.
    """
    found = {}
    for block in encoder.blocks:
        for part in ("query", "key", "value", "output"):
            layer = getattr(block.attention, f"{part}_dense")
            found[f"{block.name}/attention/{part}"] = layer
        found[f"{block.name}/intermediate"] = block.intermediate
        found[f"{block.name}/output"] = block.feed_forward_output
    return found


def input_of(product):
    """Returns the name of a product's input: "layer_0/attention" for a query, key or value, else
    the product's own.
    """
    parent, part = product.rsplit("/", 1)
    return parent if part in ("query", "key", "value") else product


def measure(bert, examples):
    """Measures the ranges of a network on examples; 32 to 128 of them are enough.

    Args:
        bert: a `Bert`, with or without low-rank adapters.
        examples: what its task reads from a file; for an encoder without a task, a list of texts.

    Returns:
        `Ranges` over all tokens but padding.
    """
    if bert.task is None:
        encodings = bert.tokenizer.encode_batch(examples, length=bert.config.max_length)
    else:
        encodings = bert.task.rows(examples, bert.tokenizer, bert.config).encodings
    texts = TokenizedTexts(encodings, bert.config.max_length, bert.tokenizer.pad_id)
    order = np.argsort(texts.lengths, kind="stable")
    batches = (texts.batch(order[i : i + _BATCH]) for i in range(0, len(order), _BATCH))
    return measure_batches(bert.encoder, batches)


def measure_batches(encoder, batches):
    """Measures the ranges of an encoder on batches of its inputs; see `measure`.

    Args:
        encoder: a `BertEncoder`.
        batches: iterable of dicts of int32 arrays, as the encoder takes them.
    """
    names = {id(layer): name for name, layer in products(encoder).items()}
    ranges = Ranges({}, {})

    def add(layer, x, y):
        name = names[id(layer)]
        if name == input_of(name) or name.endswith("/query"):
            _widen(ranges.inputs, input_of(name), x, is_token)
        _widen(ranges.outputs, name, y, is_token)

    for batch in batches:
        is_token = np.asarray(batch["padding_mask"]) != 0
        with watched(add):
            # Called directly, a Keras model runs layer by layer on every backend.
            encoder({k: keras.ops.convert_to_tensor(v) for k, v in batch.items()}, training=False)
    return ranges


def _widen(found, name, x, is_token):
    x = keras.ops.convert_to_numpy(keras.ops.cast(x, "float32"))
    largest = np.abs(x[is_token]).max(axis=0, initial=0)
    found[name] = np.maximum(found.get(name, np.float32(0)), largest)
