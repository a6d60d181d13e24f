"""Rows of any number and length through a network in a TensorFlow graph, some at a time.

So the memory that a request takes does not grow with the length of its texts.
"""

import tensorflow as tf

# A row of 512 tokens takes about 60 MB in a network of BERT-Base's size.
ROWS_AT_ONCE = 32


def token_outputs(from_tokens, token_ids, segment_ids, names, pad_id, at_once=ROWS_AT_ONCE):
    """Runs a network over rows, those of like length together.

    Args:
        from_tokens: the function of `functions.tokens_function`.
        token_ids, segment_ids: int32 RaggedTensors (rows, tokens).
        names: names of the network's outputs for each token.
        pad_id: int, the id of [PAD].
        at_once: the most rows of a batch.

    Returns:
        A dict of name to a float32 tensor with one value, or several, for each token of
        `token_ids.values`.
    """
    lengths = tf.cast(token_ids.row_lengths(), tf.int32)
    order = tf.argsort(lengths, stable=True)
    sorted_ids, sorted_segments = tf.gather(token_ids, order), tf.gather(segment_ids, order)
    count = tf.cast(sorted_ids.nrows(), tf.int32)
    batches = -(-count // at_once)
    specs = [from_tokens.structured_outputs[name] for name in names]
    arrays = [
        tf.TensorArray(spec.dtype, batches, infer_shape=False, element_shape=[None, *spec.shape[2:]])
        for spec in specs
    ]

    def run(batch, arrays):
        part = slice(batch * at_once, tf.minimum((batch + 1) * at_once, count))
        ids, segments = sorted_ids[part], sorted_segments[part]
        mask = tf.ones_like(ids).to_tensor()
        outputs = from_tokens(
            token_ids=ids.to_tensor(pad_id), segment_ids=segments.to_tensor(), padding_mask=mask
        )
        found = [tf.boolean_mask(outputs[name], mask > 0) for name in names]
        written = [array.write(batch, value) for array, value in zip(arrays, found)]
        return batch + 1, written

    _, arrays = tf.while_loop(
        lambda batch, _: batch < batches, run, (0, arrays), parallel_iterations=1
    )
    inverse = tf.argsort(order)
    found = {}
    for name, spec, array in zip(names, specs, arrays):
        values = tf.cond(
            count > 0, array.concat, lambda spec=spec: tf.zeros([0, *spec.shape[2:]], spec.dtype)
        )
        values = tf.ensure_shape(values, [None, *spec.shape[2:]])
        found[name] = tf.gather(sorted_ids.with_values(values), inverse).values
    return found


def stretches(starts, ends):
    """Returns the whole numbers from each start up to its end, which it does not include.

    Args:
        starts, ends: int32 tensors of shape (stretches,).

    Returns:
        int32 RaggedTensor (stretches, numbers).
    """
    return tf.ragged.range(starts, ends, row_splits_dtype=tf.int32)
