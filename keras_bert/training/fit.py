"""Fine-tuning: compile, fit, keep the best epoch."""

import functools
import math
import sys
import time

import keras
import numpy as np

from keras_bert import shapes
from keras_bert.errors import InputError
from keras_bert.layers import fused
from keras_bert.training import stopping
from keras_bert.training.batches import TrainingBatches
from keras_bert.training.checkpoints import nothing_to_resume
from keras_bert.training.devices import writes_files
from keras_bert.training.optimizer import adamw
from keras_bert.training.progress import ProgressLine
from keras_bert.training.schedule import WarmupLinearDecay

# Fused layers make a step a fifth to a third faster, and XLA takes about a second for each shape.
_STEPS_PER_SHAPE = 100


def freeze(encoder, what):
    """Excludes a part of the encoder from training.

    Args:
        encoder: a `BertEncoder`.
        what: "" for nothing, "encoder" for all of it, "embeddings", or a number N: the
            embeddings and the lowest N blocks.

    Raises:
        InputError: `what` is none of these.
    """
    blocks = encoder.blocks
    if what == "encoder":
        encoder.trainable = False
        return
    if what in ("", "embeddings"):
        count = 0
    elif what.isdecimal() and len(what) < 5 and int(what) <= len(blocks):
        count = int(what)
    else:
        raise InputError(
            f"expected encoder, embeddings or a number of blocks up to {len(blocks)}",
            "freeze",
            what[:20],
        )
    if what:
        for layer in (encoder.embeddings, encoder.embeddings_norm, *blocks[:count]):
            layer.trainable = False


def fine_tune(
    model, loss, texts, targets, settings, evaluate, loss_weights=None, checkpoints=None,
    resume=False, tensorboard=None, strategy=None, weights=None,
):  # fmt: skip
    """Trains a model with `compile` and `fit` and leaves its best epoch's weights in it.

    Args:
        model: a Keras model that takes what `texts` gives.
        loss: a Keras loss on its outputs, or a dict of them.
        texts: `TokenizedTexts` to train on, or `CachedFeatures` of them.
        targets: what the loss compares with; see `TrainingBatches`.
        settings: `FitSettings`.
        evaluate: function without arguments that gives a dict of scores of the model as it is;
            its first entry decides which epoch is best, larger being better.
        loss_weights: weights of several losses, or None.
        checkpoints: `Checkpoints`, or None to keep none.
        resume: whether to go on from the last checkpoint, if there is one.
        tensorboard: folder for TensorBoard's event files, or None.
        strategy: None for one device, or the `tf.distribute.Strategy` within whose scope the model
            was made; see `DistributedTask`.
        weights: float32 array, the weight of each text in the loss; the loss of a batch is the sum
            of its weighted losses over the number of its texts, as in Keras. None: 1 each.

    Returns:
        A dict: `history`, a list with the scores of every epoch; `best_epoch`, from 1; `seconds`
        of training and scoring, those before a kill too.
    """
    batches = TrainingBatches(
        texts, targets, settings.batch_size, settings.seed, weights, filled=shapes.are_compiled()
    )
    per_epoch = batches.steps_per_epoch
    steps = per_epoch * settings.epochs
    schedule = WarmupLinearDecay(
        settings.learning_rate, steps, warmup_steps=int(settings.warmup * steps)
    )
    if steps >= _STEPS_PER_SHAPE * batches.count_shapes():
        fused.enable(model)
    model = _compiled(model, loss, loss_weights, schedule, settings, strategy)
    writes = writes_files(strategy)
    keeper = _KeepBest(
        evaluate, checkpoints, settings.checkpoint_every, per_epoch, writes, settings.patience
    )
    step = keeper.restore(model) if resume and checkpoints is not None else 0
    callbacks = [keeper]
    if writes:
        callbacks.append(ProgressLine(steps, step, settings.batch_size))
    if tensorboard and writes:
        # Every step: with a larger number Keras drops the epochs' scores that fall between.
        callbacks.append(keras.callbacks.TensorBoard(tensorboard, update_freq="batch"))
    # A run may have been killed when it had just decided to end.
    if not keeper.is_out_of_patience():
        with stopping.training():
            _fit(model, batches, step, steps, callbacks)
    if strategy is not None:
        from keras_bert.training.strategy import wait_for_all

        wait_for_all(strategy)
    model.set_weights(keeper.best_weights)
    seconds = keeper.seconds
    return {"history": keeper.history, "best_epoch": keeper.best_epoch, "seconds": seconds}


def _fit(model, batches, step, steps, callbacks):
    """Trains from a step to the last."""
    per_epoch = batches.steps_per_epoch
    # `fit` has whole epochs only, so an epoch that was cut short is ended by a call of its own.
    rest_of_epoch = -step % per_epoch
    for last_step in (step + rest_of_epoch, steps):
        if step < last_step:
            model.fit(
                batches.stream(step, last_step),
                initial_epoch=step // per_epoch,
                epochs=-(-last_step // per_epoch),
                steps_per_epoch=min(per_epoch, last_step - step),
                callbacks=callbacks,
                shuffle=False,  # the order is the batches' own
                verbose=0,
            )
            if model.stop_training:
                break
        step = last_step


def _compiled(model, loss, loss_weights, schedule, settings, strategy):
    """Returns the compiled model that `fit` trains."""
    arguments = {
        "learning_rate": schedule,
        "weight_decay": settings.weight_decay,
        "layer_decay": settings.layer_decay,
    }
    # On TensorFlow XLA would compile anew for each length, and loses to oneDNN's bfloat16 products
    # on CPUs. JAX has nothing but XLA.
    if strategy is None:
        optimizer = adamw(clipnorm=settings.clipnorm or None, **arguments)
        compiled = shapes.are_compiled()
        model.compile(optimizer, loss, loss_weights=loss_weights, jit_compile=compiled)
        model.optimizer.build(model.trainable_variables)
        return model
    from keras_bert.training.distributed import DistributedTask

    with strategy.scope():
        model = DistributedTask(model, loss, strategy, loss_weights)
        optimizer = adamw(clipnorm=None, summed_clipnorm=settings.clipnorm, **arguments)
        model.compile(optimizer, jit_compile=False)
        model.optimizer.build(model.trainable_variables)
    return model


class _KeepBest(keras.callbacks.Callback):
    """Scores the model after every epoch, keeps the best weights, and saves checkpoints."""

    def __init__(self, evaluate, checkpoints, save_every, per_epoch, writes, patience=None):
        super().__init__()
        self.evaluate = evaluate
        self.checkpoints = checkpoints
        self.save_every = save_every
        self.per_epoch = per_epoch
        self.writes = writes
        self.patience = patience
        self.step = 0
        self.history = []
        self.best_epoch, self.best_weights = 0, []
        self.began = time.monotonic()

    @property
    def seconds(self):
        return time.monotonic() - self.began

    def restore(self, model):
        self.step, notes, extra = self.checkpoints.restore(model, functools.partial(_check, model))
        for note in notes:
            print(note, file=sys.stderr, flush=True)
        if not self.step and not notes and self.writes:
            print(nothing_to_resume(self.checkpoints.folder), file=sys.stderr, flush=True)
        if extra:
            self.history = extra["history"]
            self.best_epoch, self.best_weights = extra["best_epoch"], extra["best_weights"]
            self.began = time.monotonic() - extra["seconds"]
        return self.step

    def is_out_of_patience(self):
        """Says whether so many epochs were not better that the run ends."""
        return self.patience is not None and len(self.history) - self.best_epoch >= self.patience

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        # After an epoch's last step its scores belong to the state; `on_epoch_end` saves both.
        if self.step % self.per_epoch:
            if self.step % self.save_every == 0 or stopping.is_asked():
                self._save()
            self._stop_if_asked()

    def on_epoch_end(self, epoch, logs=None):
        scores = self.evaluate()
        logs.update(scores)  # so that the progress line and TensorBoard show them
        self.history.append({"epoch": epoch + 1, **{k: float(v) for k, v in logs.items()}})
        decisive = next(iter(scores))
        if all(scores[decisive] > past[decisive] for past in self.history[:-1]):
            self.best_epoch, self.best_weights = epoch + 1, self.model.get_weights()
        self._save()
        self._stop_if_asked()
        if not math.isfinite(logs["loss"]):
            # Steps of float16 come back from an infinite loss; no step from infinite weights.
            finite = all(np.isfinite(value).all() for value in self.model.get_weights())
            self.model.stop_training = not finite
        if self.is_out_of_patience():
            self.model.stop_training = True

    def _stop_if_asked(self):
        saves = self.checkpoints is not None and self.writes
        stopping.check(self.step, self.checkpoints.folder if saves else None)

    def _save(self):
        if self.checkpoints is not None and self.writes:
            self.checkpoints.save(
                self.model,
                self.step,
                seconds=self.seconds,
                history=self.history,
                best_epoch=self.best_epoch,
                best_weights=self.best_weights,
            )


def _check(model, extra):
    """Raises ValueError unless a checkpoint has what a run of this model needs to go on."""
    kinds = {"history": list, "best_epoch": int, "best_weights": list, "seconds": (int, float)}
    for name, kind in kinds.items():
        if not isinstance(extra.get(name), kind):
            raise ValueError(f"it has no {name}")
    weights, best = model.weights, extra["best_weights"]
    shapes = [tuple(weight.shape) for weight in weights]
    if best and [np.shape(value) for value in best] != shapes:
        raise ValueError("its best weights are of another model")
    if not all(isinstance(epoch, dict) for epoch in extra["history"]):
        raise ValueError("its history is no list of scores")
