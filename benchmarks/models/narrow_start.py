"""A start for a narrower student: a teacher's tables projected to fewer dimensions, random blocks.

    python benchmarks/models/narrow_start.py --model=sst2 --size=bert_tiny_en_uncased --output=start

The word-piece, position and segment tables of the model are projected on the principal components
of its word-piece table, and scaled to the deviation of 0.02 of a new BERT. Words of like meaning
then begin alike, which 2 layers do not learn from 67,349 phrases. The blocks are random, seed 0.
"""

import argparse
import dataclasses

import keras
import numpy as np

import keras_bert
from keras_bert.bert import Bert, build_model
from keras_bert.config import BertConfig
from keras_bert.model_folder import ModelConfig


def narrow_start(source, size):
    """Returns a `Bert` without a task.

    Args:
        source: `Bert`, whose tables and tokenizer are taken.
        size: name of a preset that is not wider.
    """
    config = BertConfig.from_preset(size)
    config = dataclasses.replace(config, vocab_size=source.config.encoder.vocab_size)
    keras.utils.set_random_seed(0)
    config = ModelConfig(
        encoder=config,
        max_length=config.max_position_embeddings,
        tokenizer=source.tokenizer.get_config(),
    )
    model = build_model(config)
    words = np.asarray(source.encoder.embeddings.word_embeddings)
    mean = words.mean(axis=0)
    # The rows of `axes` are the principal components, the largest first.
    axes = np.linalg.svd(words - mean, full_matrices=False)[2][: config.encoder.hidden_size]
    scale = config.encoder.initializer_range / np.std((words - mean) @ axes.T)
    names = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    for name in names:
        table = np.asarray(getattr(source.encoder.embeddings, name))
        centre = mean if name == "word_embeddings" else table.mean(axis=0)
        getattr(model.embeddings, name).assign((table - centre) @ axes.T * scale)
    kept = np.var((words - mean) @ axes.T, axis=0).sum() / np.var(words, axis=0).sum()
    print(f"{kept:.1%} of the variance of the word-piece table is kept")
    return Bert.from_config(config, model, source.tokenizer)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--size", default="bert_tiny_en_uncased")
    parser.add_argument("--output", required=True)
    options = parser.parse_args()
    narrow_start(keras_bert.load(options.model), options.size).save(options.output)
