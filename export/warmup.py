"""The requests with which TensorFlow Serving warms a SavedModel up when it loads it.

A TFRecord file of `PredictionLog` messages, `assets.extra/tf_serving_warmup_requests`; see
https://www.tensorflow.org/tfx/serving/saved_model_warmup. The messages are written by hand, for
the package that defines them is not needed otherwise: protocol buffers' wire format is a list of
fields, each with its number, its length and its bytes.

Source of the field numbers: tensorflow/serving, tensorflow_serving/apis, prediction_log.proto
(PredictionLog, PredictLog), predict.proto (PredictRequest), model.proto (ModelSpec).
"""

import tensorflow as tf

FILE = "tf_serving_warmup_requests"

_PREDICT_LOG = 6  # of PredictionLog
_REQUEST = 1  # of PredictLog
_MODEL_SPEC, _INPUTS = 1, 2  # of PredictRequest
_SIGNATURE_NAME = 3  # of ModelSpec
_KEY, _VALUE = 1, 2  # of an entry of any map
_LENGTH_DELIMITED = 2  # the wire type of messages and strings

_TEXT = "A short text with which the server warms up before it answers its first request."
_QUESTION = "What does the server do before it answers?"


def write_requests(path, inputs, max_length):
    """Writes a request for each of the two signatures.

    Args:
        path: the file.
        inputs: dict from the names of `serving_default`'s inputs to how many of them a text has;
            None for one; empty where it takes token ids.
        max_length: int, the tokens of the row for `tokens`.
    """
    texts = {
        name: [_QUESTION if name == "question" else _TEXT] if many is None else [[_TEXT] * many]
        for name, many in inputs.items()
    }
    ones = tf.ones([1, max_length], tf.int32)
    tokens = {"token_ids": ones, "segment_ids": 0 * ones, "padding_mask": ones}
    with tf.io.TFRecordWriter(path) as writer:
        for signature, values in (("serving_default", texts or tokens), ("tokens", tokens)):
            writer.write(prediction_log(signature, values))


def prediction_log(signature, inputs):
    """Returns a serialized `PredictionLog` of one request.

    Args:
        signature: str, its name.
        inputs: dict of name to what `tf.make_tensor_proto` takes.
    """
    request = _field(_MODEL_SPEC, _field(_SIGNATURE_NAME, signature.encode()))
    for name, value in inputs.items():
        tensor = tf.make_tensor_proto(value).SerializeToString()
        request += _field(_INPUTS, _field(_KEY, name.encode()) + _field(_VALUE, tensor))
    return _field(_PREDICT_LOG, _field(_REQUEST, request))


def _field(number, content):
    """Returns a length-delimited field: its key, its length and its bytes."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(content)) + content


def _varint(number):
    """Returns a number, not negative, in groups of seven bits, the lowest first."""
    groups = []
    while number >= 0x80:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])
