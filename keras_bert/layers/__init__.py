"""The layers of BERT, written with `keras` and `keras.ops` only."""
