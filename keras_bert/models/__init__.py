"""Functional Keras models: the encoder, and the encoder with a head."""
