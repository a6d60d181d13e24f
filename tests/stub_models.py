"""Models without weights, for tests of what programs print: their rules stand in for a network.

Tokenizer, windows and decoding are the real ones.
"""

import numpy as np

from keras_bert.config import BertConfig
from keras_bert.model_folder import ModelConfig
from keras_bert.predictor import Predictor
from keras_bert.text.tokenizer import WordPieceTokenizer

_VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"where who did live in a . ?".split()]
_VOCABULARY += ["ada", "london", "bo", "paris", "she", "##s"]


class StubModel(Predictor):
    """A model whose output for a token is a function of its id.

    Args:
        task: a kind of task.
        outputs: dict from the task's outputs to functions of a token, which return a number, or
            numbers; a function of the tokens for tasks of whole texts.
        labels: the model's labels.
        settings: the task's settings.
    """

    def __init__(self, task, outputs, labels=(), settings=None, pair=False):
        self.tokenizer = WordPieceTokenizer(_VOCABULARY)
        encoder = BertConfig(
            vocab_size=len(_VOCABULARY), hidden_size=2, num_hidden_layers=1, num_attention_heads=1,
            intermediate_size=2,
        )  # fmt: skip
        self.config = ModelConfig(
            encoder=encoder, task=task, labels=labels, pair=pair, max_length=24,
            tokenizer=self.tokenizer.get_config(), settings=settings or {},
        )  # fmt: skip
        self._outputs = outputs
        self.is_tried = True

    def run(self, inputs):
        rows = [[_VOCABULARY[i] for i in row] for row in inputs["token_ids"].tolist()]
        if self.task.per_token:
            return {
                name: np.array([[rule(token) for token in row] for row in rows], "float32")
                for name, rule in self._outputs.items()
            }
        return {n: np.array([f(row) for row in rows], "float32") for n, f in self._outputs.items()}


def answerer(null_answers=False):
    """Finds "london" first, "paris" second; with `null_answers`, no answer without them."""
    scores = {"london": 5.0, "paris": 3.0, "[CLS]": 1.0}

    def rule(token):
        return scores.get(token, -5.0)

    settings = {
        "doc_stride": 8, "max_question_length": 8, "max_answer_length": 1, "n_best": 4,
        "null_answers": null_answers, "null_threshold": 0.0, "character_f1": False,
    }  # fmt: skip
    rules = {"start_logits": rule, "end_logits": rule}
    return StubModel("question_answering", rules, settings=settings, pair=True)


def tagger(labels=("O", "B-PER", "B-LOC"), scheme="bio"):
    """Finds "ada" and "bo", persons, and "london" and "paris", places."""
    kinds = {"ada": 1, "bo": 1, "london": 2, "paris": 2}

    def rule(token):
        return np.eye(3)[kinds.get(token, 0)] * 0.7 + 0.1

    settings = {"scheme": scheme, "overlap": 4}
    return StubModel("tagging", {"probability": rule}, labels=labels, settings=settings)


def classifier(labels=("low", "high", "middle")):
    """Says "high" of a text with "ada"."""

    def rule(row):
        return (0.2, 0.7, 0.1) if "ada" in row else (0.6, 0.1, 0.3)

    return StubModel("classification", {"probability": rule}, labels=labels)
