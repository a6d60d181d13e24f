"""The layers of BERT, written with `keras` and `keras.ops` only."""

import keras  # noqa: F401  before any module here, so that `registration` finds all of them whole
