"""The functions from token ids to a task's outputs that exported formats are made of."""

from keras_bert.models.encoder import INPUT_NAMES


def finished(bert, logits):
    """Turns logits into the task's outputs inside a graph; the twin of `Task.finish`.

    Args:
        bert: the `Bert` whose model gave them.
        logits: tensor, or dict of tensors, float32.

    Returns:
        A dict of tensors by the names of the task's outputs.
    """
    from keras import ops

    kind, settings = bert.config.task, bert.config.settings
    if kind in ("classification", "tagging"):
        return {"probability": ops.softmax(logits, axis=-1)}
    if kind == "regression":
        return {"value": logits * settings["scale"] + settings["mean"]}
    if kind == "multiple_choice":
        return {"score": logits}
    return dict(logits)


def tokens_function(bert):
    """Returns a model as a `tf.function` with batch and length open.

    It takes `token_ids`, `segment_ids`, `padding_mask`, int32 of shape (batch, length), and gives
    a dict of the task's outputs, float32 of shape (batch, ...); for classification and tagging
    `logits` too.

    Args:
        bert: a `Bert` with a task.
    """
    import tensorflow as tf

    network = bert.network
    signature = [tf.TensorSpec([None, None], tf.int32, name=name) for name in INPUT_NAMES]

    @tf.function(input_signature=signature)
    def from_tokens(token_ids, segment_ids, padding_mask):
        inputs = dict(zip(INPUT_NAMES, (token_ids, segment_ids, padding_mask)))
        logits = network(inputs, training=False)
        outputs = finished(bert, logits)
        return {"logits": logits, **outputs} if "probability" in outputs else outputs

    return from_tokens
