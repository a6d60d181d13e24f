"""BERT on Keras 3: text in, a trained model out, ready for a phone, a browser or a server.

Importing this package is quick: Keras, TensorFlow and the rest are imported where they are used,
so the numpy-only parts (tokenization, decoding of logits) work where they are not installed.
"""

import importlib

from keras_bert.extras import naming_extras
from keras_bert.registration import register_with_keras
from keras_bert.tasks.registry import KINDS

__version__ = "0.2.0"

_EXPORTS = {
    "BertConfig": "keras_bert.config",
    "BertEncoder": "keras_bert.models.encoder",
    # The networks of the tasks.
    **{name: module for module, name in (network.split(":") for _, network in KINDS.values())},
    "BertPretrainer": "keras_bert.models.pretrainer",
    "PretrainingBatches": "keras_bert.pretraining.batches",
    "WordPieceTokenizer": "keras_bert.text.tokenizer",
    "GraphTokenizer": "keras_bert.text.graph_tokenizer",
    "InputError": "keras_bert.errors",
    "Guess": "keras_bert.guesses",
    "load": "keras_bert.loading",
    "Bert": "keras_bert.bert",
    "adamw": "keras_bert.training.optimizer",
    "open_model": "keras_bert.opening",
    "finetune": "keras_bert.training.finetune",
    # The other verbs of the command line; export is `Bert.export`.
    "vocab": "keras_bert.training.vocab",
    "prepare": "keras_bert.pretraining.prepare",
    "pretrain": "keras_bert.training.run_pretraining",
    "evaluate": "keras_bert.evaluation",
    "predict": "keras_bert.answering",
    "embed_file": "keras_bert.embedding.embed_file",
    "similarity": "keras_bert.embedding.similarity",
    "attention": "keras_bert.embedding.attention",
    "convert": "keras_bert.converting",
    "verify": "keras_bert.export.verify",
    "benchmark": "keras_bert.export.benchmark",
}
__all__ = sorted(_EXPORTS)


def __getattr__(name):
    if name in _EXPORTS:
        with naming_extras():
            return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_EXPORTS])


register_with_keras()
