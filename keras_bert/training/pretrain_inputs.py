"""What a pretraining run starts from: batches of records, a model's config and its weights."""

import dataclasses
import os

from keras_bert.config import PRESETS, BertConfig
from keras_bert.errors import InputError, NoHead, name_of
from keras_bert.loading import load
from keras_bert.model_folder import ModelConfig
from keras_bert.pretraining.batches import PretrainingBatches
from keras_bert.pretraining.manifest import read_manifest
from keras_bert.pretraining.masking import Masking
from keras_bert.text.tokenizer import WordPieceTokenizer


def make_batches(settings):
    """Returns the `PretrainingBatches` to train on, and those to score on or None."""
    records = settings.records
    manifest = read_manifest(records)
    whole_word = manifest.whole_word if settings.whole_word is None else settings.whole_word
    if settings.left_to_right:
        masking = Masking(left_to_right=True)
    else:
        masking = Masking(
            rate=settings.masking_rate,
            whole_word=whole_word,
            span=settings.span,
            span_distribution=settings.span_distribution,
        )
    pair = "none" if settings.left_to_right else settings.pair or manifest.pair
    if pair not in ("none", manifest.pair):
        prepared = name_of("pair", manifest.pair)
        raise InputError(f"{records} was prepared with {prepared}", "pair", pair)
    size = settings.batch_size
    batches = PretrainingBatches(records, size, settings.seed, masking, pair=pair)
    if settings.eval_records is None:
        return batches, None
    evaluation = PretrainingBatches(
        settings.eval_records, size, masking=masking, shuffle=False, pair=pair
    )
    for name in ("vocabulary_sha256", "pair", "packed", "length"):
        ours, theirs = getattr(evaluation.manifest, name), getattr(manifest, name)
        if ours != theirs:
            raise InputError(
                f"{settings.eval_records}: was prepared with another {name.split('_')[0]} ({ours}) "
                f"than {records} ({theirs})"
            )
    return batches, evaluation


def choose_start(settings, batches):
    """Returns the `Bert` to go on from or None, the tokenizer, and the `ModelConfig` to train."""
    tokenizer = WordPieceTokenizer(batches.vocabulary, **batches.manifest.tokenizer)
    start, encoder = _start(settings, batches)
    if settings.left_to_right:
        encoder = dataclasses.replace(encoder, left_to_right=True)
    elif encoder.left_to_right:
        fix = f"add {name_of('left_to_right')}"
        raise InputError(f"{settings.init}: is a left-to-right model: {fix}")
    if settings.dropout is not None:
        encoder = dataclasses.replace(
            encoder,
            hidden_dropout_prob=settings.dropout,
            attention_probs_dropout_prob=settings.dropout,
        )
    length = batches.manifest.length
    if length > encoder.max_position_embeddings:
        raise InputError(
            f"{settings.records}: has rows of {length} tokens, more than the model's "
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


def _start(settings, batches):
    """Returns the `Bert` to go on from, or None, and the `BertConfig` of the encoder."""
    size, init = len(batches.vocabulary), settings.init
    if settings.preset is not None:
        return None, dataclasses.replace(BertConfig.from_preset(settings.preset), vocab_size=size)
    if settings.config is not None:
        encoder = BertConfig.from_json(settings.config)
        if encoder.vocab_size != size:
            raise InputError(
                f"{settings.config}: vocab_size is {encoder.vocab_size}, but {settings.records} "
                f"was made with a vocabulary of {size} tokens"
            )
        return None, encoder
    if init in PRESETS and not os.path.exists(init):
        raise InputError(f"is a preset, a size without weights: {name_of('preset')}", "init", init)
    try:
        start = load(init, pretraining=True)
    except NoHead:
        start = load(init)
    if start.config.settings.get("tied") is False:
        raise InputError(
            "its masked-LM head has an output matrix of its own, but pretraining has the "
            "word-piece table there",
            "init",
            init,
        )
    if start.tokenizer.vocabulary != batches.vocabulary:
        raise InputError(
            f"{settings.records}: was made with another vocabulary than that of {init}: prepare it "
            f"anew with that one"
        )
    return start, start.config.encoder
