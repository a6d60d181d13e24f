"""The networks: an encoder, and what each task puts on it. Their classes are `keras_bert.Bert…`."""

import keras  # noqa: F401  before any module here, so that `registration` finds all of them whole


def __getattr__(name):
    # One table has them, that of the package, which reads the tasks' from `tasks/registry.py`.
    if name.startswith("Bert"):
        import keras_bert

        return getattr(keras_bert, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
