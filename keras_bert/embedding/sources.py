"""The texts and the model of `embed` and `similarity`."""

import dataclasses
import os

from keras_bert.errors import InputError, name_of
from keras_bert.files import check_file_replaceable, check_not_input, check_path
from keras_bert.guesses import guess, note
from keras_bert.opening import load_bert, open_model
from keras_bert.settings import REQUIRED, check_settings, setting
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.sequence.texts import read_examples


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceSettings:
    """A model, its layers, and texts."""

    model: str = setting(
        REQUIRED, "model folder of any task, a checkpoint, or an exported encoder", is_path=True
    )
    vocab: str | None = setting(None, "vocabulary, where --model has none", is_path=True)
    lower_case: bool | None = setting(None, "whether --vocab is uncased (default: guessed from it)")
    text: list | None = setting(None, "a text; repeat it for several texts", repeated=True)
    input: str | None = setting(None, "file of texts: CSV, TSV, JSON lines", is_path=True)
    layers: list[int] | None = setting(
        None, "0: the embeddings' output; 1, 2, …: blocks; -1: the last (default)", example="-1,-2"
    )
    length: int | None = setting(None, "the most tokens of a text (default: the model's)", low=3)
    batch_size: int = setting(32, "the most texts in a batch", low=1)

    def __post_init__(self):
        check_settings(self)
        object.__setattr__(self, "layers", [-1] if self.layers is None else self.layers)


class Source:
    """Texts of a file, or given directly.

    Attributes:
        texts, texts_b: list of str; the latter None without pairs.
        lines: list of int, the line of each in the file; None if there is no file.
        names: list of str, the name of each in messages.
    """

    def __init__(self, texts, texts_b, path=None, lines=None):
        self.texts, self.texts_b, self.lines = texts, texts_b, lines
        if lines is not None:
            self.names = [f"{path}:{line}" for line in lines]
        else:
            self.names = [f"{name_of('text')} number {n}" for n in range(1, len(texts) + 1)]


def read_texts(settings, layout=None, texts_b=None):
    """Returns the `Source` that settings name.

    Args:
        settings: `SourceSettings`.
        layout: `FileLayout` of the input file; None for its defaults.
        texts_b: the second text of each pair, or None.

    Raises:
        InputError: the file is broken, or there is no text.
    """
    text, text_b, path = name_of("text"), name_of("text_b"), settings.input
    if (settings.text is None) == (path is None):
        raise InputError(f"give either {text}, once or more, or {name_of('input')}")
    if path is not None:
        if texts_b is not None:
            column = name_of("text_b_column")
            raise InputError(f"{text_b} needs {text}; for a file use {column}")
        check_path(path)
        examples = read_examples(path, layout or FileLayout().for_scoring(), False)
        return Source(examples.texts, examples.texts_b, examples.path, examples.lines)
    for name, texts in ((text, settings.text), (text_b, texts_b or [])):
        for number, content in enumerate(texts, start=1):
            if not content.strip():
                raise InputError(f"{name} number {number} is empty")
    if texts_b is not None and len(texts_b) != len(settings.text):
        raise InputError(
            f"{text_b} must come once for each {text}: "
            f"found {len(texts_b)} and {len(settings.text)}"
        )
    return Source(settings.text, texts_b)


def check_output(settings, extension):
    """Raises InputError if the output cannot be written, before the model is loaded."""
    if not settings.output.endswith(extension):
        raise InputError(f"{settings.output}: the output's name must end in {extension}")
    if settings.input is not None:
        check_not_input(settings.output, settings.input)
    check_file_replaceable(settings.output)


def load_encoder(settings):
    """Returns the model of settings: a `Bert`, or the runner of an exported file."""
    stated = {"vocabulary": settings.vocab, "lower_case": settings.lower_case}
    is_google = os.path.exists(settings.model + ".index")  # its path is a prefix
    if not is_google and stated == {"vocabulary": None, "lower_case": None}:
        return open_model(settings.model)
    if not is_google:
        check_path(settings.model)
    return load_bert(settings.model, **stated)


def features_of(model, texts, texts_b=None, pooling=None, layers=(-1,), normalize=None,
                length=None, batch_size=32):  # fmt: skip
    """Returns the vectors of texts: a `Features`, or an `ExportedFeatures` with its attributes.

    Args:
        model: what `load_encoder` returned.
        pooling: None: mean; of an exported file, what it has.
        normalize: None: False; of an exported file, what it has.
        others: see `features.embed`.
    """
    if not hasattr(model, "encoder"):
        from keras_bert.embedding.exported import ExportedFeatures

        return ExportedFeatures(model, texts, texts_b, pooling, layers, normalize, length)
    from keras_bert.embedding.features import Features

    pooling, normalize = pooling or "mean", bool(normalize)
    return Features(model, texts, texts_b, pooling, layers, normalize, length, batch_size)


def cut_notes(features, bert, length):
    """Returns notes on texts that were too long, a list of str, which are warnings too."""
    if not features.cut_count:
        return []
    say, length = (guess, bert.config.max_length) if length is None else (note, length)
    verb = "is" if features.cut_count == 1 else "are"
    fix = name_of("length", "N")
    longest = bert.config.encoder.max_position_embeddings
    more = f": {fix}" if length < longest and hasattr(bert, "encoder") else ""
    reason = f"{features.cut_count} of the texts {verb} longer than {length} tokens and {verb} cut"
    return [say(f"{reason}{more}")]
