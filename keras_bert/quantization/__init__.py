"""Quantization of a Keras model: what its numbers become in a file of small integers."""
