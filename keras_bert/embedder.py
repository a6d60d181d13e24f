"""Makes a sentence embedder of an encoder without a task, for what is exported of it."""

import dataclasses

from keras_bert.bert import Bert, build_model
from keras_bert.errors import InputError, name_of
from keras_bert.guesses import guess


def embedder_of(bert, pooling=None, normalize=None, can_ask=True):
    """Returns a model without a task as one that answers with a vector for each text.

    Args:
        bert: `Bert` without a task: an encoder, or one with the heads of pretraining.
        pooling: "cls" or "mean"; None takes what its checkpoint states, and mean where it states
            none, as `embed` does.
        normalize: whether vectors are brought to length 1; None takes what its checkpoint states,
            and False where it states nothing.
        can_ask: whether the caller has settings of these names, which a guess then names.

    Returns:
        A `Bert` whose task is "embedding", in float32, with low-rank adapters merged.

    Raises:
        InputError: the model has a task, or cannot be pooled so.
    """
    if bert.task is not None:
        names = " and ".join(name_of(name) for name in ("pooling", "normalize"))
        raise InputError(f"{names} are for encoders without a task, not for {bert.task.kind}")
    from keras_bert.models.lora import merged_weights

    stated = bert.config.settings.get("normalize")
    chosen_pooling, chosen_normalize = pooling, normalize
    if pooling is None:
        chosen_pooling = "mean" if stated is None else bert.config.pooling
    if normalize is None:
        chosen_normalize = bool(stated)
    if stated is None and (pooling is None or normalize is None):
        how = name_of("pooling", chosen_pooling), name_of("normalize", chosen_normalize)
        if not can_ask:
            how = ("the mean of its tokens is taken as it is; `export` makes files of others",)
        guess(f"the model states no pooling for sentences: {' '.join(how)}")
    config = dataclasses.replace(
        bert.config,
        task="embedding",
        labels=(),
        file_labels=(),
        pair=None if bert.config.encoder.type_vocab_size > 1 else False,
        pair_head="none",
        settings={"normalize": chosen_normalize},
        pooling=chosen_pooling,
    )
    model = build_model(config, dtype="float32")
    model.encoder.set_weights(merged_weights(bert.encoder))
    return Bert.from_config(config, model, bert.tokenizer)


def usual_embedder_of(bert):
    """Returns `embedder_of(bert)` for a caller that has no settings of pooling."""
    return embedder_of(bert, can_ask=False)
