"""The common part of tasks whose answer is about a text, or a pair of texts, as a whole."""

from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.in_hand import table_of
from keras_bert.tasks.sequence import windows
from keras_bert.tasks.sequence.texts import (
    check_pair,
    examples_from,
    inputs_of,
    read_examples,
)
from keras_bert.tasks.task import Task


class TextTask(Task):
    """A task of single texts and of pairs; see `texts.Examples`.

    Attributes:
        link: what makes the outputs of logits; see `windows.pooled`.
    """

    link = None

    length_note = "Texts are cut to {} tokens."
    of_texts = reads_windows = True
    layout_fields = ("skip_labels",)
    huggingface_class = "BertForSequenceClassification"

    def read(self, path, layout, labelled=True):
        return read_examples(path, layout, labelled)

    def examples_from(self, texts, texts_b=None, labels=None):
        if labels is None:
            return examples_from(texts, texts_b)
        layout = FileLayout(text_b_column="" if texts_b is None else "text_b", text_column="text")
        return self.read(table_of(texts, texts_b, labels), layout)

    def check(self, examples, config):
        check_pair(examples, config)

    def rows(self, examples, tokenizer, config):
        return windows.rows_of(examples, tokenizer, config)

    def pooled(self, outputs, rows):
        """Returns the outputs of texts, from those of their windows; see `windows.pooled`."""
        return {n: windows.pooled(values, rows, self.link) for n, values in outputs.items()}

    def output_shape(self, config, rows, length):
        return (rows, len(config.labels))

    def network_arguments(self, config):
        return {"num_classes": len(config.labels), "pooling": config.pooling}

    def asked_fields(self, examples):
        return inputs_of(examples)
