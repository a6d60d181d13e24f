"""Runs `.tflite` files on the device: no TensorFlow, no Keras. Installed as `keras_bert.device`."""
