"""Rows of any number and length through a network in a TensorFlow graph, some at a time.

So the memory that a request takes does not grow with the length of its texts.
"""

import functools

import tensorflow as tf

# The attention scores of so many rows of 512 tokens are 400 MB in a network of BERT-Base's size.
ROWS_AT_ONCE = 32


def outputs_of_rows(from_tokens, token_ids, segment_ids, names, pad_id, per_token):
    """Runs a network over rows, those of like length together.

    Args:
        from_tokens: the function of `functions.tokens_function`.
        token_ids, segment_ids: int32 RaggedTensors (rows, tokens).
        names: names of outputs of the network.
        pad_id: int, the id of [PAD].
        per_token: whether an output has one value, or several, for each token, else for each row.

    Returns:
        A dict of name to a float32 tensor of shape (tokens of all rows, ...) or (rows, ...).
    """
    order = tf.argsort(token_ids.row_lengths(), stable=True)
    inverse = tf.argsort(order)
    sorted_ids, sorted_segments = tf.gather(token_ids, order), tf.gather(segment_ids, order)
    count = sorted_ids.nrows(tf.int32)
    batches = -(-count // ROWS_AT_ONCE)
    made = from_tokens.get_concrete_function().structured_outputs
    shapes = {name: made[name].shape[1 + per_token :] for name in names}
    arrays = [
        tf.TensorArray(tf.float32, batches, infer_shape=False, element_shape=[None, *shape])
        for shape in shapes.values()
    ]

    def run(batch, arrays):
        part = slice(batch * ROWS_AT_ONCE, tf.minimum((batch + 1) * ROWS_AT_ONCE, count))
        ids, segments = sorted_ids[part], sorted_segments[part]
        mask = tf.ones_like(ids).to_tensor()
        outputs = from_tokens(
            token_ids=ids.to_tensor(pad_id), segment_ids=segments.to_tensor(), padding_mask=mask
        )
        found = [outputs[name] for name in names]
        if per_token:
            found = [tf.boolean_mask(values, mask > 0) for values in found]
        return batch + 1, [array.write(batch, each) for array, each in zip(arrays, found)]

    _, arrays = tf.while_loop(
        lambda batch, _: batch < batches, run, (0, arrays), parallel_iterations=1
    )
    outputs = {}
    for (name, shape), array in zip(shapes.items(), arrays):
        nothing = functools.partial(tf.zeros, [0, *shape])
        values = tf.cond(count > 0, array.concat, nothing)
        values = tf.ensure_shape(values, [None, *shape])
        if per_token:
            outputs[name] = tf.gather(sorted_ids.with_values(values), inverse).values
        else:
            outputs[name] = tf.gather(values, inverse)
    return outputs


def stretches(starts, ends):
    """Returns the whole numbers from each start up to its end, which it does not include.

    Args:
        starts, ends: int32 tensors of shape (stretches,).

    Returns:
        int32 RaggedTensor (stretches, numbers).
    """
    return tf.ragged.range(starts, ends, row_splits_dtype=tf.int32)
