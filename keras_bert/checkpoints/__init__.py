"""Weights in and out: Google TF1 and TF2, Hugging Face safetensors, keras-hub.

`open_checkpoint` reads any of them, `checkpoint.assign` puts the weights into a model, and the
modules `google`, `huggingface` and `keras_hub` each have a function `save`.
"""

from keras_bert.checkpoints.detect import open_checkpoint

__all__ = ["open_checkpoint"]
