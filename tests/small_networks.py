"""Untrained networks of every task and a tokenizer, for tests of their life as Keras models."""

import keras
import numpy as np

import keras_bert
from keras_bert.text.tokenizer import WordPieceTokenizer

WORDS = [*"abcdefgh", "##a", "##b", "good", "bad", "dog", "cat"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
LABELS = ("no", "yes", "maybe")
NETWORKS = {
    "classification": lambda encoder: keras_bert.BertClassifier(encoder, 3, pooling="mean"),
    "multi_label": lambda encoder: keras_bert.BertMultiLabelClassifier(encoder, 3),
    "regression": keras_bert.BertRegressor,
    "tagging": lambda encoder: keras_bert.BertTagger(encoder, 3),
    "question_answering": keras_bert.BertQuestionAnswerer,
    "multiple_choice": lambda encoder: keras_bert.BertMultipleChoice(encoder, num_choices=3),
}


def make_tokenizer():
    return WordPieceTokenizer(VOCABULARY, lower_case=False)


def make_encoder(seed=7, **changes):
    sizes = {
        "vocab_size": len(VOCABULARY), "hidden_size": 8, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 24,
        "initializer_range": 0.3, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    }  # fmt: skip
    keras.utils.set_random_seed(seed)
    return keras_bert.BertEncoder(**{**sizes, **changes})


def make_network(kind, **changes):
    return NETWORKS[kind](make_encoder(**changes))


def make_batch(kind, batch=6, length=8, seed=0):
    """Returns (x, y) that the network of a task trains on, at random."""
    rng = np.random.default_rng(seed)
    shape = (batch, 3, length) if kind == "multiple_choice" else (batch, length)
    x = {
        "token_ids": rng.integers(5, len(VOCABULARY), shape).astype("int32"),
        "segment_ids": np.zeros(shape, "int32"),
        "padding_mask": np.ones(shape, "int32"),
    }
    y = {
        "classification": lambda: rng.integers(0, 3, batch),
        "multi_label": lambda: rng.integers(0, 2, (batch, 3)).astype("float32"),
        "regression": lambda: rng.normal(size=(batch, 1)).astype("float32"),
        "tagging": lambda: rng.integers(-1, 3, (batch, length)),
        "question_answering": lambda: {
            name: rng.integers(0, length, batch) for name in ("start_logits", "end_logits")
        },
        "multiple_choice": lambda: rng.integers(0, 3, batch),
    }[kind]()
    return x, y


def outputs_of(model, x):
    """Returns all outputs of a model as one flat array."""
    found = model.predict(x, verbose=0)
    parts = found.values() if isinstance(found, dict) else [found]
    return np.concatenate([np.ravel(part) for part in parts])
