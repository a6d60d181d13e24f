"""Whether a training has several devices; asked of every backend, and TensorFlow only if it has."""

from keras_bert.errors import InputError, name_of


def strategies():
    """Returns the module of strategies of Keras's backend; each has the same functions."""
    import keras

    if keras.backend.backend() == "jax":
        from keras_bert.training import jax_strategy

        return jax_strategy
    from keras_bert.training import strategy

    return strategy


def several_devices(strategy, batch_size):
    """Returns the `tf.distribute.Strategy` of a training, or None for one device.

    Args:
        strategy: what `strategy.make_strategy` takes, or None for one device.
        batch_size: rows of a batch, which the devices share.

    Raises:
        InputError: there is no such strategy, or there are more devices than rows in a batch, or
            Keras's backend is JAX, on which fine-tuning has one device.
    """
    if strategy in (None, "one"):
        return None
    import keras

    if keras.backend.backend() == "jax":
        raise InputError(
            f"fine-tuning on JAX has one device: set KERAS_BACKEND=tensorflow, or use "
            f"{name_of('strategy', 'one')}",
            "strategy",
            strategy,
        )
    from keras_bert.training.strategy import check_batch_size, make_strategy

    strategy = make_strategy(strategy)
    check_batch_size(batch_size, strategy)
    return strategy if strategy.num_replicas_in_sync > 1 else None


def writes_files(strategy):
    """Says whether this process writes the run's files: the only one, or the first of several.

    Args:
        strategy: what `several_devices` returned.
    """
    if strategy is None:
        return True
    from keras_bert.training.strategy import is_chief

    return is_chief(strategy)
