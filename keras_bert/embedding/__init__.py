"""Vectors of texts and of words from any layers of an encoder, and pictures of their similarity."""
