"""A vector for each text: what an encoder without a task is exported as.

Nothing is trained for it, and files have no right answers: an exported file is compared with the
vectors of the model that it was made of.
"""

import dataclasses

from keras_bert.errors import InputError, name_of
from keras_bert.tasks.plain_texts import read_texts
from keras_bert.tasks.sequence.text_task import TextTask
from keras_bert.tasks.sequence.vector_scores import compare_vectors, cosine
from keras_bert.tasks.settings import check_types

# Two vectors are the same answer from this cosine on: the order of neighbours rarely changes.
_AGREEMENT_COSINE = 0.99
# A file of float16 weights, whose cosines differ from 1 by less than this, has lost nothing.
_DIGITS = 5


class EmbeddingTask(TextTask):
    """The vector of a text or pair: its tokens pooled, `settings["normalize"]` to length 1."""

    kind = "embedding"
    outputs = {"embedding": "the vector of the text"}
    title = "Sentence embedder"
    usage = '--text="…"'
    export_name, export_description = "BERT sentence embedder", "Returns a vector for a text"
    huggingface_class = None
    layout_fields = ()
    reads_windows = False

    def metrics(self, config):
        return ("cosine", "least_cosine", "same_neighbour")

    def read(self, path, layout, labelled=True):
        """Returns the texts of a file; see `plain_texts.read_texts`. Labels are not read."""
        return read_texts(path, layout)

    def examples_from(self, texts, texts_b=None, labels=None):
        return super().examples_from(texts, texts_b)

    def with_reference(self, examples, answers):
        return dataclasses.replace(examples, labels=[answer["embedding"] for answer in answers])

    def config_fields(self, examples, overrides):
        raise _nothing_to_learn()

    def targets(self, examples, rows, config):
        raise _nothing_to_learn()

    def check_config(self, config):
        check_types(config.settings, {"normalize": bool})
        if config.labels or config.windows:
            raise InputError("a sentence embedder has neither labels nor windows")
        if config.pooling == "cls" and config.encoder.left_to_right:
            raise InputError(
                "pooling cls: in a left-to-right model [CLS] sees no other token: take mean"
            )

    def rows(self, examples, tokenizer, config):
        if config.windows:
            raise InputError("is not for sentence embedders", "windows")
        return super().rows(examples, tokenizer, config)

    def output_shape(self, config, rows, length):
        return (rows, config.encoder.hidden_size)

    def network_arguments(self, config):
        return {"pooling": config.pooling}

    def answers(self, outputs, rows, examples, config):
        return [{"embedding": row.tolist()} for row in outputs["embedding"]]

    def scores(self, answers, examples, config):
        expected = self.true_answers(examples, config)
        found = [answer["embedding"] for answer in answers]
        scores = compare_vectors(expected, found)
        rounded = {name: round(value, _DIGITS) for name, value in scores.items()}
        return {**rounded, "count": len(found)}

    def answer_line(self, answer):
        return " ".join(f"{value:.9g}" for value in answer["embedding"])

    def columns(self, config):
        return ["embedding"]

    def cells(self, answer, config):
        return [self.answer_line(answer)]

    def true_answers(self, examples, config):
        if examples.labels is None:
            raise InputError(
                "a sentence embedder has no right answers to be scored by: `keras-bert verify` "
                "compares an exported file with its model",
                place=examples.path,
            )
        return examples.labels

    def short_answer(self, answer):
        return answer["embedding"], None

    def agreement(self, answers, others, config):
        # Vectors are never equal; what a user sees of them is which text comes first.
        vectors = [[answer["embedding"] for answer in each] for each in (answers, others)]
        return compare_vectors(*vectors)["same_neighbour"]

    def answers_agree(self, answer, other, config):
        return cosine(answer["embedding"], other["embedding"]) >= _AGREEMENT_COSINE


def _nothing_to_learn():
    return InputError(f"sentence embedders are not trained: choose another {name_of('task')}")
