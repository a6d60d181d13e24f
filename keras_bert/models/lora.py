"""Low-rank adapters (Hu et al. 2021): small matrices that train in place of the encoder's."""

import keras
import numpy as np

from keras_bert.errors import InputError


def enable_lora(encoder, rank):
    """Gives the query and value layers of each block an adapter; see `BertEncoder.enable_lora`."""
    if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
        raise InputError(f"rank {rank!r}: give a whole number from 1")
    if any(layer.lora_enabled for layer in _adaptable_layers(encoder)):
        raise InputError("the encoder has low-rank adapters already")
    for variable in encoder.weights:
        variable.trainable = False
    for layer in _adaptable_layers(encoder):
        layer.enable_lora(rank)


def _adaptable_layers(encoder):
    attentions = [block.attention for block in encoder.blocks]
    return [layer for each in attentions for layer in (each.query_dense, each.value_dense)]


def merged_weights(model):
    """Returns a model's weights as `get_weights` does, the adapters added to their kernels.

    Returns:
        A list of arrays, as many as the model has without adapters; the model stays as it is.
    """
    merged, left_out = {}, set()
    for layer in _adaptable_layers(getattr(model, "encoder", model)):
        if not layer.lora_enabled:
            continue
        kernel, *_ = (variable for variable in layer.variables if variable.name == "kernel")
        merged[id(kernel)] = layer.kernel  # Keras's property adds the adapter
        left_out |= {id(layer.lora_kernel_a), id(layer.lora_kernel_b)}
    kept = [variable for variable in model.weights if id(variable) not in left_out]
    return [keras.ops.convert_to_numpy(merged.get(id(variable), variable)) for variable in kept]


def trainable_share(model):
    """Returns how many of a model's numbers are trained, and how many it has: two ints."""
    counts = [
        sum(int(np.prod(variable.shape)) for variable in variables)
        for variables in (model.trainable_variables, model.weights)
    ]
    return tuple(counts)
