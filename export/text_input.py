"""TFLite files that take raw text: the tokenizer as two of TensorFlow Text's custom ops.

They run where those ops are registered: `InterpreterWithCustomOps` of LiteRT in Python with
`SELECT_TFTEXT_OPS` of TensorFlow Text, or an app that links TensorFlow Text's op library.
"""

import functools
import mmap

from keras_bert.errors import InputError, name_of
from keras_bert.export.contents import TFLITE_INPUTS
from keras_bert.extras import missing_message
from keras_bert.guesses import note

TOKENIZERS = ("outside", "in_graph")
TEXT_INPUTS = ("text", "text_b")
# The tokenizer's ops by their names in a file.
CUSTOM_OPS = ("FastBertNormalize", "FastWordpieceTokenizeWithOffsets")
# What stands before the name of an op that is not TFLite's own, in the counts of a file's ops.
CUSTOM = "CUSTOM "
_MOST_OPERATOR_CODES = 1000
# Of the lines that the tokenizers' tests compare with the original BERT, those that get other
# tokens; tests/export/test_text_input.py counts them. By whether the case is lowered.
GOLDEN_LINES, DIFFERENT_LINES = 629, {True: 39, False: 10}


class TextInput:
    """Turns one text, or a pair, into the inputs of a network, inside a TFLite graph.

    Args:
        bert: a `Bert` whose task answers for a text as a whole.
        length: int, the tokens of a row.

    Attributes:
        names: the inputs' names, ("text",) or ("text", "text_b").

    Raises:
        InputError: the task, the model's windows or the tokenizer's switches have no such ops, or
            TensorFlow Text is not installed.
    """

    def __init__(self, bert, length):
        self._tokenizer = bert.tokenizer
        self._length = length
        self.names = TEXT_INPUTS if bert.config.pair else TEXT_INPUTS[:1]
        asked = name_of("tokenizer", "in_graph")
        if not bert.task.of_texts:
            raise InputError(
                f"{asked} is for tasks that answer for a text as a whole, not for {bert.task.name}"
            )
        if bert.config.windows:
            raise InputError(f"{asked} reads one row, but the model reads long texts in windows")
        if self._tokenizer.added_tokens:
            raise InputError(f"{asked} cannot find the tokenizer's added tokens in a text")
        if not self._tokenizer.tokenize_chinese_chars:
            raise InputError(f"{asked} cuts at each ideograph, but tokenize_chinese_chars is false")
        try:
            import tensorflow_text  # noqa: F401
        except ImportError as error:
            raise InputError(f"{asked}: {missing_message('tensorflow_text')}") from error
        different = DIFFERENT_LINES[self._tokenizer.lower_case]
        sigma = "a capital sigma at the end of a word, and " if self._tokenizer.lower_case else ""
        note(
            f"{asked}: {sigma}words of over {self._tokenizer.max_chars_per_word} characters get "
            f"other tokens than in training: {different} of the {GOLDEN_LINES} lines of the "
            f"tokenizer's tests"
        )

    def convert(self):
        """Returns the bytes of a TFLite file from the text to a network's inputs, by their names.

        The texts are strings of shape (1,).
        """
        import tensorflow as tf

        from keras_bert.files import temporary_folder

        texts = [tf.TensorSpec([1], tf.string, name=name) for name in self.names]
        # Without AutoGraph, which would rewrite the tables' making too.
        function = tf.function(self, texts, autograph=False)
        with temporary_folder() as folder:
            tf.saved_model.save(tf.Module(), folder, signatures={"serving_default": function})
            converter = tf.lite.TFLiteConverter.from_saved_model(folder)
            converter.allow_custom_ops = True
            return converter.convert()

    def __call__(self, text, text_b=None):
        """Returns the inputs of a network, a dict of int32 of shape (1, length)."""
        import tensorflow as tf

        tokenizer = self._tokenizer
        cut = self._ops()
        room = self._length - len(self.names) - 1
        special = {name: [getattr(tokenizer, f"{name}_id")] for name in ("cls", "sep")}
        pieces = cut(text)
        if text_b is None:
            ids = tf.concat([special["cls"], pieces[:room], special["sep"]], 0)
            segments = tf.zeros_like(ids)
        else:
            pieces_b = cut(text_b)
            # The closed form of the original's loop, see encoding.truncated_lengths.
            half = room // 2
            kept_a = tf.maximum(room - tf.size(pieces_b), room - half)
            kept_b = tf.maximum(room - tf.size(pieces), half)
            ids = tf.concat([special["cls"], pieces[:kept_a], special["sep"]], 0)
            ids_b = tf.concat([pieces_b[:kept_b], special["sep"]], 0)
            segments = tf.concat([tf.zeros_like(ids), tf.ones_like(ids_b)], 0)
            ids = tf.concat([ids, ids_b], 0)
        mask = tf.ones_like(ids)

        def row(values, filler=0):
            padding = [[0, self._length - tf.size(values)]]
            # The shape is said, so that the rest of the graph has fixed sizes.
            return tf.reshape(tf.pad(values, padding, constant_values=filler), [1, self._length])

        rows = row(ids, tokenizer.pad_id), row(segments), row(mask)
        return dict(zip(TFLITE_INPUTS, rows, strict=True))

    def _ops(self):
        """Returns a function from a string tensor (1,) to its word pieces' ids, int32 (pieces,)."""
        from keras_bert.text.graph_added_tokens import AddedTokensInGraph
        from keras_bert.text.graph_normalizer import normalizer_table
        from keras_bert.text.graph_pieces import tensorflow_text, word_pieces_of

        tokenizer = self._tokenizer
        table = normalizer_table(tokenizer.lower_case, tokenizer.strip_accents)
        normalizer = tensorflow_text().FastBertNormalizer(model_buffer=table)
        added = AddedTokensInGraph(tokenizer)  # here for tokens that the vocabulary has twice
        word_pieces = word_pieces_of(added, tokenizer)

        def cut(text):
            pieces = word_pieces.tokenize(normalizer.normalize(text)).flat_values
            return added.ids(pieces)

        return cut


def takes_text(path):
    """Returns whether a TFLite file has the tokenizer's ops; False for a damaged one."""
    name = CUSTOM_OPS[1].encode()
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data.find(name) < 0:
                return False  # found without the schema, whose import takes long
            from ai_edge_litert import schema_py_generated as schema

            model = schema.Model.GetRootAs(data, 0)
            count = min(model.OperatorCodesLength(), _MOST_OPERATOR_CODES)
            codes = [model.OperatorCodes(i).CustomCode() for i in range(count)]
    except Exception:  # damaged offsets raise nearly anything, and whoever opens it says so
        return False
    return name in codes


def text_interpreter():
    """Returns LiteRT's interpreter with TensorFlow Text's ops, as a class."""
    from ai_edge_litert.interpreter import InterpreterWithCustomOps
    from tensorflow_text.core.pybinds import tflite_registrar

    return functools.partial(
        InterpreterWithCustomOps, custom_op_registerers=tflite_registrar.SELECT_TFTEXT_OPS
    )
