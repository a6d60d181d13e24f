"""What the tasks have in common whose answers are about a text, or a pair of texts, as a whole."""

from keras_bert.tasks.sequence import texts
from keras_bert.tasks.task import Task


class TextTask(Task):
    """A task of single texts and of pairs; see `texts.Examples`."""

    length_note = "Texts are cut to {} tokens."
    of_texts = True
    huggingface_class = "BertForSequenceClassification"

    def read(self, path, layout, labelled=True):
        return texts.read_examples(path, layout, labelled)

    def examples_from(self, first, second=None):
        return texts.examples_from(first, second)

    def check(self, examples, config):
        texts.check_pair(examples, config)

    def rows(self, examples, tokenizer, config):
        return texts.rows_of(examples, tokenizer, config)

    def output_shape(self, config, rows, length):
        return (rows, len(config.labels))

    def network_arguments(self, config):
        return {"num_classes": len(config.labels), "pooling": config.pooling}

    def asked_fields(self, examples):
        return texts.inputs_of(examples)
