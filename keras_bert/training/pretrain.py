"""Pretraining: from records and a start to a model, with `compile` and `fit`."""

import sys

import keras
import numpy as np

from keras_bert.bert import Bert, build_model
from keras_bert.layers import fused
from keras_bert.models.encoder import BertEncoder
from keras_bert.pretraining.ahead import made_ahead
from keras_bert.training import optimizer as optimizers
from keras_bert.training import stopping
from keras_bert.training.batches import fit_input
from keras_bert.training.checkpoints import nothing_to_resume, value_of
from keras_bert.training.devices import strategies
from keras_bert.training.progress import ProgressLine
from keras_bert.training.run_log import RunLog
from keras_bert.training.schedule import WarmupPolynomialDecay


class Pretraining:
    """One pretraining run.

    Args:
        config: `ModelConfig` of the model to make, with the task "pretraining".
        settings: `PretrainSettings`.
        strategy: see `make_strategy` of `devices.strategies()`.
        batches: `PretrainingBatches` to train on.
        policy: name of a Keras dtype policy.
        evaluation: `PretrainingBatches` of other records to score on, or None.

    Raises:
        InputError: the parts do not fit together.
    """

    def __init__(self, config, settings, strategy, batches, policy="float32", evaluation=None):
        self.config = config
        self.settings = settings
        self.strategy = strategy
        self.batches = batches
        self.evaluation = evaluation
        strategies().check_batch_size(settings.batch_size, strategy, settings.micro_batches)
        keras.utils.set_random_seed(settings.seed)
        with strategy.scope():
            encoder = BertEncoder.from_bert_config(
                config.encoder, packed=batches.manifest.packed, dtype=policy, name="encoder"
            )
            if config.pair_head == "none":
                # Nothing is asked of it, so that nothing but decay would move it.
                encoder.get_layer("pooler").trainable = False
            self.model = _pretrainer_class()(
                encoder, config.pair_head, strategy, settings.micro_batches, name="pretrainer"
            )
            fused.enable(self.model)
            make = getattr(optimizers, settings.optimizer)
            # JAX's program is that of the whole batch, so there is no sum to clip after.
            on_jax = keras.backend.backend() == "jax"
            clip = "clipnorm" if on_jax else "summed_clipnorm"
            optimizer = make(
                schedule_of(settings),
                settings.weight_decay,
                layer_decay=settings.layer_decay,
                **{"clipnorm": None, clip: settings.clipnorm or None},
            )
            # XLA's products on a CPU are slower than those of TensorFlow; JAX has no others.
            self.model.compile(optimizer, jit_compile=on_jax)
            self.model.optimizer.build(self.model.trainable_variables)
        for each in (batches, evaluation):
            if each is not None:
                each.has_one_shape = on_jax

    def start_from(self, bert):
        """Takes over the weights of a `Bert`, its heads too where it has the same ones."""
        same_heads = bert.config.task == "pretraining"
        if same_heads and bert.config.pair_head == self.config.pair_head:
            self.model.set_weights(bert.model.get_weights())
            return
        self.model.encoder.set_weights(bert.encoder.get_weights())
        if same_heads:
            head = bert.model.get_layer("masked_lm")
            self.model.get_layer("masked_lm").set_weights(head.get_weights())

    def train(self, checkpoints=None, every=1000, log=None, evaluate_every=0, resume=False):
        """Trains to the last step.

        Args:
            checkpoints: `Checkpoints`, or None to keep none.
            every: steps from one checkpoint to the next.
            log: path of a file that gets a JSON line now and then, or None.
            evaluate_every: steps from one evaluation to the next; 0 evaluates at the end only.
            resume: whether to go on from the last checkpoint.

        Returns:
            A tuple (step that it started from, the last scores by name).
        """
        settings = self.settings
        first, means = 0, ()
        writes = strategies().is_chief(self.strategy)
        if resume and checkpoints:
            first, notes, extra = checkpoints.restore(self.model, self._check)
            means = extra.get("running_means", ())
            if not first and not notes:
                notes = [nothing_to_resume(checkpoints.folder)]
            for note in notes if writes else ():
                print(note, file=sys.stderr, flush=True)
        run_log = RunLog(
            log if writes else None,
            first,
            settings.steps,
            every=_log_interval(every),
            learning_rate=schedule_of(settings),
            evaluate=self.evaluate if self.evaluation is not None else None,
            evaluate_every=evaluate_every,
        )
        callbacks = [run_log]
        if checkpoints is not None:
            is_alone = settings.strategy != "multi_worker"
            callbacks.append(
                _SaveEvery(checkpoints, every, first, settings.steps, writes, is_alone, means)
            )
        if writes:
            # The run is one long epoch.
            callbacks.append(
                ProgressLine(settings.steps, first, settings.batch_size, shows_epochs=False)
            )
        if first < settings.steps:
            with stopping.training():
                self.model.fit(
                    fit_stream(self.batches, first, settings.steps),
                    steps_per_epoch=settings.steps - first,
                    callbacks=callbacks,
                    shuffle=False,  # the order is the batches' own
                    verbose=0,
                )
        strategies().wait_for_all(self.strategy)
        return first, run_log.last

    def _check(self, extra):
        """Raises ValueError unless a checkpoint's running means are those of this model."""
        means = extra.get("running_means", [])
        shapes = [tuple(variable.shape) for variable in self.model.metrics_variables]
        if means and [np.shape(value) for value in means] != shapes:
            raise ValueError("its running means are of another model")

    def evaluate(self):
        """Returns the scores on the evaluation records, a dict of floats by name."""
        batches = self.evaluation
        steps = -(-batches.rows // batches.batch_size)
        stream = fit_stream(batches, 0, steps)
        found = self.model.evaluate(stream, steps=steps, return_dict=True, verbose=0)
        return {f"eval_{name}": float(value) for name, value in found.items()}

    def finished(self, tokenizer):
        """Returns the trained `Bert`, in float32 and for rows of one example, ready to save."""
        model = build_model(self.config, dtype="float32")
        model.set_weights(self.model.get_weights())
        return Bert.from_config(self.config, model, tokenizer)


def schedule_of(settings):
    """Returns the learning rate of `PretrainSettings` as a function of the step."""
    return WarmupPolynomialDecay(
        settings.learning_rate,
        settings.steps,
        settings.warmup_steps,
        power=settings.decay_power,
        end=settings.end_learning_rate,
    )


def fit_stream(batches, first_step, last_step):
    """Returns what `model.fit` takes: batches first_step to last_step - 1, in order."""
    if keras.backend.backend() == "jax":
        return made_ahead(batches, first_step, last_step)
    return fit_input(
        lambda: (batches[step] for step in range(first_step, last_step)), batches[first_step]
    )


def _pretrainer_class():
    """Returns the `BertPretrainer` that trains on Keras's backend."""
    if keras.backend.backend() == "jax":
        from keras_bert.training.jax_pretrainer import JaxPretrainer

        return JaxPretrainer
    from keras_bert.training.distributed import DistributedPretrainer

    return DistributedPretrainer


class _SaveEvery(keras.callbacks.Callback):
    """Saves a checkpoint every so many steps, and when a signal asks for the end.

    A checkpoint has the running means too, so that the log's next line is that of a run which
    nobody disturbed. Of several workers all have to read them at once, for reading adds up what
    each has; a signal may have come to one alone, and then they are left out.
    """

    def __init__(self, checkpoints, every, first_step, steps, writes, is_alone, running_means=()):
        super().__init__()
        self.checkpoints = checkpoints
        self.every = every
        self.step = first_step
        self.steps = steps
        self.writes = writes
        self.is_alone = is_alone
        self.running_means = running_means

    def on_epoch_begin(self, epoch, logs=None):
        # Not before `fit`, which begins with means of nothing.
        for variable, value in zip(self.model.metrics_variables, self.running_means):
            variable.assign(value)

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        is_due, means = self.step % self.every == 0 or self.step == self.steps, []
        if is_due or (self.is_alone and stopping.is_asked()):
            means = [value_of(variable) for variable in self.model.metrics_variables]
        if self.writes and (is_due or stopping.is_asked()):
            self.checkpoints.save(self.model, self.step, running_means=means)
        stopping.check(self.step, self.checkpoints.folder if self.writes else None)


def _log_interval(every):
    """Returns the largest number up to 100 that divides `every`, so that logs resume exactly."""
    return next(number for number in range(min(100, every), 0, -1) if every % number == 0)


def is_finite(model):
    """Says whether all weights are finite: whether the training has not diverged."""
    return all(np.isfinite(weight).all() for weight in model.get_weights())
