"""Quantization of the Keras model: exact re-scalings, and the ranges that they come from."""
