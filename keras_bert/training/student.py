"""A student that begins as some of its teacher's blocks, as DistilBERT does (arXiv:1910.01108)."""

import dataclasses

from keras_bert.bert import Bert, build_model
from keras_bert.errors import InputError


def student_of(teacher, layers, name="the teacher"):
    """Returns a `Bert` of a teacher's network with some of its blocks; all else is the same.

    Args:
        teacher: `Bert`.
        layers: list of int, numbers of blocks from 0, in rising order.
        name: what the user calls the teacher.

    Raises:
        InputError: it has no such blocks, or is an exported file.
    """
    if not isinstance(teacher, Bert):
        fix = "name the model folder that it was exported from first"
        raise InputError(
            f"{name} is an exported file, which has no blocks to take: {fix}", "student_layers"
        )
    count = teacher.config.encoder.num_hidden_layers
    if (
        not layers
        or sorted(set(layers)) != list(layers)
        or not 0 <= layers[0] <= layers[-1] < count
    ):
        raise InputError(
            f"expected numbers from 0 to {count - 1} that rise, the blocks of {name}",
            "student_layers",
            ",".join(map(str, layers)),
        )
    encoder = dataclasses.replace(teacher.config.encoder, num_hidden_layers=len(layers))
    config = dataclasses.replace(teacher.config, encoder=encoder, quantize_aware={})
    source, model = teacher.plain_model(), build_model(config, dtype="float32")
    its, mine = (getattr(each, "encoder", each) for each in (source, model))
    for name_of_layer in ("embeddings", "embeddings_norm", "pooler"):
        getattr(mine, name_of_layer).set_weights(getattr(its, name_of_layer).get_weights())
    for block, number in zip(mine.blocks, layers, strict=True):
        block.set_weights(its.blocks[number].get_weights())
    for one, other in zip(_above(model, mine), _above(source, its), strict=True):
        one.assign(other)
    return Bert.from_config(config, model, teacher.tokenizer)


def _above(model, encoder):
    """Returns the variables of a network's head, in the order in which they are saved."""
    below = {id(variable) for variable in encoder.weights}
    return [variable for variable in model.weights if id(variable) not in below]
