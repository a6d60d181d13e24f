"""The whole road of pretraining: from records to a model folder, its card, log and curves."""

import dataclasses
import hashlib
import importlib
import json
import os
import sys
import time

from keras_bert.card import command_line, model_card
from keras_bert.errors import CheckFailed, Diverged, name_of
from keras_bert.guesses import note
from keras_bert.locking import check_free, locked
from keras_bert.quiet import import_tensorflow_quietly
from keras_bert.settings import changed_settings
from keras_bert.training.pretrain_settings import PretrainSettings

_PAIRS = {
    "nsp": "next-sentence prediction",
    "sop": "sentence-order prediction",
    "none": "no pair objective",
}
_SHOWN = (
    ("masked-LM accuracy", "masked_lm_accuracy"),
    ("masked-LM loss", "masked_lm_loss"),
    ("perplexity", "perplexity"),
    ("pair accuracy", "pair_accuracy"),
)


def pretrain(**settings):
    """Trains a BERT from records, from nothing or from a model.

    Beside the model folder OUTPUT it writes OUTPUT.log.jsonl, a line every so many steps, and
    OUTPUT.png, the curves of it. While it runs, OUTPUT.training holds the last checkpoints.

    Args:
        **settings: of `PretrainSettings`: `records`, `output`, `steps`, one of `preset`, `config`
            and `init`, ….

    Returns:
        A tuple: the `Bert`, None where another worker writes it; and a dict of the last scores,
        `output`, `resumed_from`, `seconds`, `rows_a_second`, `dtype_policy` and `replicas`.

    Raises:
        InputError: a file is broken, or settings do not fit together.
        Diverged: the weights are not finite any more.
        CheckFailed: another worker was lost.
    """
    settings = PretrainSettings(**settings)
    settings.check_paths()
    if settings.strategy != "multi_worker":
        check_free(settings.output, settings.force)
    import_tensorflow_quietly()
    from keras_bert.training.devices import strategies

    # Before TensorFlow does anything else.
    strategy = strategies().make_strategy(settings.strategy)
    _check_matplotlib()
    writes = strategies().is_chief(strategy)
    # Of several workers, the one that writes has the lock.
    with locked(settings.output if writes else None, settings.force):
        return _pretrain(settings, strategy, writes)


def _pretrain(settings, strategy, writes):
    """Trains, and writes the model folder, on what `pretrain` has checked and locked."""
    from keras_bert.training import precision, pretrain_inputs
    from keras_bert.training.checkpoints import Checkpoints
    from keras_bert.training.devices import strategies
    from keras_bert.training.pretrain import Pretraining, is_finite

    batches, evaluation = pretrain_inputs.make_batches(settings)
    start, tokenizer, config = pretrain_inputs.choose_start(settings, batches)
    policy = precision.resolve(settings.precision)
    training = Pretraining(config, settings, strategy, batches, policy, evaluation)
    if start is not None:
        training.start_from(start)
    del start  # its weights need not be held for the whole run
    output = os.path.abspath(settings.output)
    fingerprint = _fingerprint(settings, batches, policy)
    checkpoints = Checkpoints(output + ".training", fingerprint, settings.keep_checkpoints)
    if not settings.resume and checkpoints.steps() and writes:
        resume = name_of("resume", True)
        print(f"starting anew: {resume} would go on with the run that was killed", file=sys.stderr)
        checkpoints.discard()
    began = time.monotonic()
    try:
        first, scores = training.train(
            checkpoints,
            every=settings.checkpoint_every,
            log=output + ".log.jsonl",
            evaluate_every=settings.evaluate_every,
            resume=settings.resume,
        )
    except strategies().WORKER_LOST as error:
        if settings.strategy != "multi_worker":
            raise
        raise CheckFailed(
            f"another worker was lost: start all of them again, with {name_of('resume', True)}",
            {"output": settings.output, "error": str(error).splitlines()[0]},
            [],
        ) from None
    seconds = time.monotonic() - began
    if not is_finite(training.model):
        if writes:
            checkpoints.discard()
        raise Diverged(
            "the training diverged, the weights are not finite: try a lower one",
            "learning_rate",
            settings.learning_rate,
        )
    bert = None
    if writes:
        bert = training.finished(tokenizer)
        _write(bert, settings, batches, scores, output)
        checkpoints.discard()
    strategies().wait_for_all(strategy)
    return bert, {
        "output": settings.output,
        **scores,
        "resumed_from": first,
        "seconds": round(seconds, 1),
        "rows_a_second": round((settings.steps - first) * settings.batch_size / seconds, 1),
        "dtype_policy": policy,
        "replicas": strategy.num_replicas_in_sync,
    }


def _fingerprint(settings, batches, policy):
    """Names the run: its settings, but for those that do not change the weights, and its data."""
    import keras

    found = {**settings.deciding(), "precision": policy, "manifest": batches.manifest.to_json()}
    if (backend := keras.backend.backend()) != "tensorflow":
        found["backend"] = backend  # its random numbers are others
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _check_matplotlib():
    """Reports that it is missing now, not at the end; without TensorFlow there are no curves then.

    Raises:
        ImportError: it is missing, and TensorFlow is there.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        importlib.import_module("matplotlib")
    elif not _has_matplotlib():
        note("matplotlib is not installed: there will be a log, but no curves")


def _has_matplotlib():
    try:
        importlib.import_module("matplotlib")
    except ImportError:
        return False
    return True


def _write(bert, settings, batches, scores, output):
    from keras_bert.training.checkpoints import state_is_kept
    from keras_bert.training.curves import plot_run

    with state_is_kept():
        bert.save(output, _card(bert, settings, batches, scores))
        if _has_matplotlib():
            plot_run(output + ".log.jsonl", output + ".png")


def _card(bert, settings, batches, scores):
    encoder, manifest = bert.config.encoder, batches.manifest
    objective = "next-token prediction" if encoder.left_to_right else "masked words"
    tokens = sum(shard["tokens"] for shard in manifest.shards)
    packed = ", several examples a row" if manifest.packed else ""
    evaluated = "other records" if settings.eval_records else "not evaluated"
    rows = [
        f"| {title} | {_score(scores, name)} | {_score(scores, 'eval_' + name)} |"
        for title, name in _SHOWN
        if name in scores
    ]
    return model_card(
        bert,
        title=f"A pretrained BERT of {encoder.num_hidden_layers} layers, {encoder.hidden_size} "
        f"wide",
        how=f"trained with keras-bert for {settings.steps:,} steps of {settings.batch_size} rows: "
        f"{objective}, {_PAIRS[bert.config.pair_head]}",
        uses=[
            "keras-bert finetune --init=. --train=train.csv --output=classifier",
            'keras-bert fill-mask --model=. --text="…[MASK]…"',
        ],
        data=[
            f"Trained on {batches.rows:,} rows of up to {manifest.length} tokens, {tokens:,} "
            f"tokens in all{packed}.",
            f"Vocabulary: {bert.tokenizer.vocabulary_size:,} tokens.",
        ],
        scores="\n".join(
            [f"| | training, last steps | evaluation ({evaluated}) |", "|---|---|---|", *rows]
        ),
        command=command_line("pretrain", _shown(settings)),
        base=settings.init,
    )


def _shown(settings):
    """Returns the settings that the card's command repeats."""
    return changed_settings(dataclasses.replace(settings, force=False))


def _score(scores, name):
    return f"{scores[name]:.4f}" if name in scores else ""
