"""Adam by `fused.adam_step` alone, for the tests of it."""

import keras

from keras_bert.layers import fused


class OnePassAdam(keras.optimizers.Adam):
    def update_step(self, gradient, variable, learning_rate):
        assert fused.adam_step(self, gradient, variable, learning_rate)
