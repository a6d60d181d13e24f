"""Adam by `adam_step` alone, for the tests of it."""

import keras

from keras_bert.training.adam_kernel import adam_step


class OnePassAdam(keras.optimizers.Adam):
    def update_step(self, gradient, variable, learning_rate):
        assert adam_step(self, gradient, variable, learning_rate)
