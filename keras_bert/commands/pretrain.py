"""Trains a BERT from records that `keras-bert prepare` made: from nothing, or from a checkpoint.

keras-bert pretrain --preset=bert_mini_en_uncased --records=records --output=bert --steps=100000

Beside the model folder it writes OUTPUT.log.jsonl, a line every so many steps, and OUTPUT.png, the
curves of it. While it runs, OUTPUT.training holds the last checkpoints, for --resume.
"""

import dataclasses
import hashlib
import json
import os
import sys
import time

from absl import flags

from keras_bert.commands import shared
from keras_bert.errors import CheckFailed, InputError, NoHead
from keras_bert.files import check_file_replaceable, check_replaceable
from keras_bert.model_folder import ModelConfig, is_replaceable
from keras_bert.pretraining.manifest import PAIRS

# Flags that do not change the weights.
_FREE_FLAGS = (
    "checkpoint_every", "evaluate_every", "eval_records", "json", "keep_checkpoints", "output",
    "records", "resume", "strategy",
)  # fmt: skip


def define(values):
    shared.define_string(values, "records", "a folder that `prepare` wrote", required=True)
    shared.define_string(values, "output", "the model folder to write", required=True)
    shared.define_string(values, "preset", "the model's size, by name, with random weights")
    shared.define_string(values, "config", "the model's size, as a bert_config.json")
    shared.define_string(values, "init", "a model folder or checkpoint to go on from")
    shared.define_string(values, "eval_records", "records of other texts to score on")
    flags.DEFINE_boolean(
        "resume", False, "go on with a run that was killed, from its last checkpoint",
        flag_values=values,
    )  # fmt: skip
    _define_objective(values)
    _define_training(values)


def _define_objective(values):
    flags.DEFINE_enum(
        "pair", None, PAIRS, "none trains without the records' pairs (default: as prepared)",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean(
        "left_to_right", False, "predict each next token from those before it, mask none",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_float(
        "masking_rate", 0.15, "share of the tokens to predict", 0.001, 1.0, flag_values=values
    )
    flags.DEFINE_boolean(
        "whole_word", None, "mask whole words (default: as prepared)", flag_values=values
    )
    flags.DEFINE_integer(
        "span", 0, "mask runs of up to so many tokens or words; 0 masks single ones",
        0, 100, flag_values=values,
    )  # fmt: skip
    flags.DEFINE_enum(
        "span_distribution", "albert", ("albert", "spanbert"),
        "how long the runs are: p(n) ~ 1/n, or geometric", flag_values=values,
    )  # fmt: skip
    flags.DEFINE_float(
        "dropout", None, "in place of the config's two rates; 0 often suits pretraining",
        0.0, 0.99, flag_values=values,
    )  # fmt: skip


def _define_training(values):
    def integer(name, default, text, low, high=2**31):
        flags.DEFINE_integer(name, default, text, low, high, flag_values=values)

    def number(name, default, text, low=0.0, high=None):
        flags.DEFINE_float(name, default, text, low, high, flag_values=values)

    integer("steps", None, "updates of the weights", 1)
    flags.mark_flag_as_required("steps", flag_values=values)
    integer("batch_size", 32, "rows a step, over all devices", 1)
    integer("micro_batches", 1, "parts a device does its rows in, to take less memory", 1)
    flags.DEFINE_enum("optimizer", "adamw", ("adamw", "lamb"), "optimizer", flag_values=values)
    number("learning_rate", 1e-4, "the schedule's peak")
    number("end_learning_rate", 0.0, "the learning rate at the last step")
    number("decay_power", 1.0, "of the polynomial that it falls by")
    number("warmup", 0.01, "share of the steps in which it rises", 0.0, 1.0)
    number("weight_decay", 0.01, "decoupled, not on biases and LayerNorm")
    number("layer_decay", 1.0, "factor of the learning rate from each block to the one below", 0.01)
    number("clipnorm", 1.0, "largest norm of the whole batch's gradient; 0 does not clip")
    integer("seed", 0, "of initialization, order, masks and dropout", 0, 2**32 - 1)
    integer("checkpoint_every", 1000, "steps", 1)
    integer("keep_checkpoints", 2, "how many of the last checkpoints to keep", 1, 1000)
    integer("evaluate_every", 0, "steps from one score on --eval_records to the next", 0)
    flags.DEFINE_enum(
        "strategy", "one", ("one", "mirrored", "multi_worker"),
        "one device, all of this machine, or those of the machines in TF_CONFIG",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_enum(
        "precision", "auto", ("auto", "float32", "mixed_bfloat16", "mixed_float16"),
        "number format of the training steps; auto takes the machine's best", flag_values=values,
    )  # fmt: skip


def run(values):
    _check_flags(values)
    import matplotlib  # noqa: F401  better told now that it is missing than at the end

    shared.import_tensorflow_quietly()
    from keras_bert.training import precision
    from keras_bert.training import strategy as strategies
    from keras_bert.training.checkpoints import Checkpoints
    from keras_bert.training.pretrain import Pretraining, PretrainSettings, is_finite

    strategy = strategies.make_strategy(values.strategy)  # before TensorFlow does anything else
    names = {field.name for field in dataclasses.fields(PretrainSettings)} - {"warmup_steps"}
    settings = PretrainSettings(
        warmup_steps=int(values.warmup * values.steps),
        **{name: values[name].value for name in names},
    )
    batches, evaluation = _batches(values)
    start, tokenizer, config = _start(values, batches)
    policy = precision.resolve(values.precision)
    training = Pretraining(config, settings, strategy, batches, policy, evaluation)
    if start is not None:
        training.start_from(start)
    del start  # its weights need not be held for the whole run
    output = os.path.abspath(values.output)
    checkpoints = Checkpoints(
        output + ".training", _fingerprint(values, batches, policy), values.keep_checkpoints
    )
    writes = strategies.is_chief(strategy)
    if not values.resume and checkpoints.steps() and writes:
        print("starting anew: --resume would go on with the run that was killed", file=sys.stderr)
        checkpoints.discard()
    began = time.monotonic()
    try:
        first, notes, scores = training.train(
            checkpoints,
            every=values.checkpoint_every,
            log=output + ".log.jsonl",
            evaluate_every=values.evaluate_every,
            resume=values.resume,
        )
    except strategies.WORKER_LOST as error:
        if values.strategy != "multi_worker":
            raise
        raise CheckFailed(
            "another worker was lost: start all of them again, with --resume",
            {"output": values.output, "error": str(error).splitlines()[0]},
            [],
        ) from None
    seconds = time.monotonic() - began
    for note in notes:
        print(note, file=sys.stderr)
    if not is_finite(training.model):
        if writes:
            checkpoints.discard()
        raise InputError(
            f"--learning_rate={values.learning_rate}: the training diverged, the weights are not "
            f"finite: try a lower one"
        )
    result = {
        "output": values.output,
        **scores,
        "resumed_from": first,
        "seconds": round(seconds, 1),
        "rows_a_second": round((values.steps - first) * values.batch_size / seconds, 1),
        "dtype_policy": policy,
        "replicas": strategy.num_replicas_in_sync,
    }
    if writes:
        _write(values, training.finished(tokenizer), batches, scores, output)
        checkpoints.discard()
    strategies.wait_for_all(strategy)
    return result, [*_lines(scores), f"{seconds:.0f} s of training", f"model folder: {output}"]


def _check_flags(values):
    given = [name for name in ("preset", "config", "init") if values[name].value is not None]
    if len(given) != 1:
        raise InputError(
            "give one of --preset, --config (random weights) and --init (to go on from a model), "
            f"found {' and '.join('--' + name for name in given) or 'none'}"
        )
    if values.left_to_right and values.pair not in (None, "none"):
        raise InputError(f"--left_to_right: goes without pairs, not with --pair={values.pair}")
    for name in ("span", "whole_word"):
        if values.left_to_right and values[name].value:
            raise InputError(f"--{name}: is about masking, and --left_to_right masks nothing")
    for path in (values.records, values.eval_records, values.config):
        if path is not None:
            shared.check_path(path)
    for path in (values.init, values.records):
        if path is not None:
            shared.check_not_input(values.output, path)
    check_replaceable(values.output, is_replaceable)
    for ending in (".log.jsonl", ".png"):
        check_file_replaceable(os.path.abspath(values.output) + ending)


def _batches(values):
    """Returns the batches to train on and those to score on, or None."""
    from keras_bert.pretraining.batches import PretrainingBatches
    from keras_bert.pretraining.manifest import read_manifest
    from keras_bert.pretraining.masking import Masking

    manifest = read_manifest(values.records)
    whole_word = manifest.whole_word if values.whole_word is None else values.whole_word
    if values.left_to_right:
        masking = Masking(left_to_right=True)
    else:
        masking = Masking(
            rate=values.masking_rate,
            whole_word=whole_word,
            span=values.span,
            span_distribution=values.span_distribution,
        )
    pair = "none" if values.left_to_right else values.pair or manifest.pair
    if pair not in ("none", manifest.pair):
        raise InputError(
            f"--pair={pair}: {values.records} was prepared with --pair={manifest.pair}"
        )
    batches = PretrainingBatches(values.records, values.batch_size, values.seed, masking, pair=pair)
    if values.eval_records is None:
        return batches, None
    evaluation = PretrainingBatches(
        values.eval_records, values.batch_size, masking=masking, shuffle=False, pair=pair
    )
    for name in ("vocabulary_sha256", "pair", "packed", "length"):
        ours, theirs = getattr(evaluation.manifest, name), getattr(manifest, name)
        if ours != theirs:
            raise InputError(
                f"{values.eval_records}: was prepared with another {name.split('_')[0]} ({ours}) "
                f"than {values.records} ({theirs})"
            )
    return batches, evaluation


def _start(values, batches):
    """Returns the `Bert` to go on from or None, the tokenizer, and the config to train."""
    from keras_bert.config import PRESETS, BertConfig
    from keras_bert.text.tokenizer import WordPieceTokenizer

    tokenizer = WordPieceTokenizer(batches.vocabulary, **batches.manifest.tokenizer)
    start, size = None, len(batches.vocabulary)
    if values.init is not None:
        if values.init in PRESETS and not os.path.exists(values.init):
            raise InputError(f"--init={values.init}: is a preset, a size without weights: --preset")
        start = _load(values.init)
        encoder = start.config.encoder
        if start.tokenizer.vocabulary != batches.vocabulary:
            raise InputError(
                f"{values.records}: was made with another vocabulary than that of {values.init}: "
                f"prepare it anew with that one"
            )
    elif values.preset is not None:
        encoder = dataclasses.replace(BertConfig.from_preset(values.preset), vocab_size=size)
    else:
        encoder = BertConfig.from_json(values.config)
        if encoder.vocab_size != size:
            raise InputError(
                f"{values.config}: vocab_size is {encoder.vocab_size}, but {values.records} was "
                f"made with a vocabulary of {size} tokens"
            )
    if values.left_to_right:
        encoder = dataclasses.replace(encoder, left_to_right=True)
    elif encoder.left_to_right:
        raise InputError(f"{values.init}: is a left-to-right model: add --left_to_right")
    if values.dropout is not None:
        encoder = dataclasses.replace(
            encoder,
            hidden_dropout_prob=values.dropout,
            attention_probs_dropout_prob=values.dropout,
        )
    length = batches.manifest.length
    if length > encoder.max_position_embeddings:
        raise InputError(
            f"{values.records}: has rows of {length} tokens, more than the model's "
            f"{encoder.max_position_embeddings} positions"
        )
    if encoder.type_vocab_size < 2 and batches.pair != "none":
        raise InputError("pairs need type_vocab_size 2 in the model's config")
    config = ModelConfig(
        encoder=encoder,
        task="pretraining",
        pair=None,
        max_length=encoder.max_position_embeddings,
        tokenizer=tokenizer.get_config(),
        pair_head=batches.pair,
    )
    return start, tokenizer, config


def _load(path):
    """Loads a model with its pretraining heads, where it has any."""
    import keras_bert

    try:
        return keras_bert.load(path, pretraining=True)
    except NoHead:
        return keras_bert.load(path)


def _fingerprint(values, batches, policy):
    """Names the run: its flags, but for those that do not change the weights, and its data."""
    found = {name: values[name].value for name in values if name not in _FREE_FLAGS}
    found["precision"] = policy
    found["manifest"] = batches.manifest.to_json()
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _write(values, bert, batches, scores, output):
    from keras_bert.training.curves import plot_run
    from keras_bert.training.pretraining_card import pretraining_card

    bert.save(output, pretraining_card(values, bert, batches, scores))
    plot_run(output + ".log.jsonl", output + ".png")


def _lines(scores):
    shown = ("masked_lm_accuracy", "masked_lm_loss", "perplexity", "pair_accuracy", "pair_loss")
    rows = []
    for kind, title in (("", "last steps"), ("eval_", "evaluation")):
        found = [f"{name} {scores[kind + name]:.4f}" for name in shown if kind + name in scores]
        if found:
            rows.append(f"{title}: {', '.join(found)}")
    return rows
