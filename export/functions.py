"""The one function from token ids to logits that servers' formats are made of."""

from keras_bert.models.encoder import INPUT_NAMES


def tokens_function(model):
    """Returns a classifier as a `tf.function` with batch and length open.

    It takes `token_ids`, `segment_ids`, `padding_mask`, int32 of shape (batch, length), and gives
    a dict of `logits` and `probability`, float32 of shape (batch, num_classes).

    Args:
        model: a `BertClassifier`.
    """
    import keras
    import tensorflow as tf

    signature = [tf.TensorSpec([None, None], tf.int32, name=name) for name in INPUT_NAMES]

    @tf.function(input_signature=signature)
    def from_tokens(token_ids, segment_ids, padding_mask):
        inputs = dict(zip(INPUT_NAMES, (token_ids, segment_ids, padding_mask)))
        logits = model(inputs, training=False)
        return {"logits": logits, "probability": keras.ops.softmax(logits, axis=-1)}

    return from_tokens
