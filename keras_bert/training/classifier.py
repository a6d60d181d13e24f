"""Fine-tuning a classifier: from a start and labelled texts to a `Bert` that answers."""

import dataclasses

import keras
import numpy as np

from keras_bert.bert import Bert, build_model
from keras_bert.model_folder import ModelConfig
from keras_bert.tasks import classification
from keras_bert.training import precision as precisions
from keras_bert.training.batches import predict
from keras_bert.training.fine_tune import FineTuneSettings, fine_tune, freeze
from keras_bert.training.state import TrainingState


class ClassifierTraining:
    """One training run.

    Args:
        start: a `Bert` to start from; its head is kept if its labels are the same.
        labels: list of str, the classes in the order of the logits.
        pair: whether the texts are pairs.
        max_length: the most tokens of a text or pair.
        settings: `FineTuneSettings`.
        precision: see `precision.resolve`.
        frozen: what is not trained, see `freeze`.
        metric: name of the score that decides which epoch is best.

    Raises:
        InputError: `max_length` is over the position table, or `frozen` is not understood.
    """

    def __init__(
        self,
        start,
        labels,
        pair,
        max_length,
        settings,
        precision="auto",
        frozen="",
        metric="accuracy",
    ):
        self.settings = settings
        self.metric = metric
        self.policy = precisions.resolve(precision)
        self.config = ModelConfig(
            encoder=start.config.encoder,
            task="classification",
            labels=tuple(labels),
            pair=pair,
            max_length=max_length,
            tokenizer=start.tokenizer.get_config(),
        )
        self.tokenizer = start.tokenizer
        keras.utils.set_random_seed(settings.seed)
        self.model = build_model(self.config, dtype=self.policy)
        if start.config.labels == self.config.labels:
            self.model.set_weights(start.model.get_weights())
        else:
            self.model.encoder.set_weights(start.encoder.get_weights())
        freeze(self.model.encoder, frozen)

    def train(
        self,
        examples,
        example_ids,
        evaluation,
        evaluation_ids,
        state_folder=None,
        fingerprint="",
        resume=False,
        tensorboard=None,
    ):
        """Trains, and leaves the best epoch's weights in the model.

        Args:
            examples: `Examples` to train on.
            example_ids: int32 array of shape (count,), their classes.
            evaluation: `Examples` that decide which epoch is best.
            evaluation_ids: int32 array of shape (count,), their classes.
            state_folder: where to keep what a killed run needs to go on; None keeps nothing.
            fingerprint: text that names settings and data; see `TrainingState`.
            resume: whether to go on from `state_folder`.
            tensorboard: folder for TensorBoard's files, or None.

        Returns:
            A dict: `history` and `best_epoch`; see `fine_tune`.
        """
        bert = Bert(self.config, self.model, self.tokenizer)
        texts = bert.tokenize(examples.texts, examples.texts_b)
        evaluation_texts = bert.tokenize(evaluation.texts, evaluation.texts_b)

        def evaluate():
            logits = predict(self.model, evaluation_texts)
            found = classification.scores(
                evaluation_ids, np.argmax(logits, axis=-1), self.config.labels
            )
            names = sorted(classification.METRICS, key=lambda name: name != self.metric)
            return {f"eval_{name}": found[name] for name in names}

        self.state = state_folder and TrainingState(state_folder, fingerprint)
        if self.state and not resume:
            self.state.discard()
        return fine_tune(
            self.model,
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            texts,
            example_ids,
            self.settings,
            evaluate,
            state=self.state,
            resume=resume,
            tensorboard=tensorboard,
        )

    def finished(self):
        """Returns the trained `Bert`, in float32 whatever it was trained in."""
        model = build_model(self.config, dtype="float32")
        model.set_weights(self.model.get_weights())
        return Bert(self.config, model, self.tokenizer)

    def discard_state(self):
        """Removes the kept state, once the model is safe on disk."""
        if self.state:
            self.state.discard()


def setting_names():
    """Returns the names of `FineTuneSettings`, which are those of the flags."""
    return [field.name for field in dataclasses.fields(FineTuneSettings)]
