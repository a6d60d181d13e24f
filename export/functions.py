"""The function from token ids to a task's outputs, for the exported formats."""

from keras_bert.models.encoder import INPUT_NAMES


def tokens_function(bert):
    """Returns a model as a `tf.function` with batch and length open.

    It takes `token_ids`, `segment_ids`, `padding_mask`, int32 of shape (batch, length), and returns
    a dict of the task's outputs, float32 of shape (batch, ...); for classification and tagging
    `logits` too.

    Args:
        bert: a `Bert` with a task.
    """
    import tensorflow as tf
    from keras import ops

    network = bert.network
    signature = [tf.TensorSpec([None, None], tf.int32, name=name) for name in INPUT_NAMES]

    @tf.function(input_signature=signature)
    def from_tokens(token_ids, segment_ids, padding_mask):
        inputs = dict(zip(INPUT_NAMES, (token_ids, segment_ids, padding_mask)))
        logits = network(inputs, training=False)
        outputs = bert.model.outputs_from_logits(logits, bert.config.settings, ops)
        return {"logits": logits, **outputs} if "probability" in outputs else outputs

    return from_tokens
