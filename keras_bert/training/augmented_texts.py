"""The variants of the texts of a run: made once, kept beside its state for `--resume`."""

import dataclasses
import hashlib
import json

from keras_bert.errors import InputError
from keras_bert.files import replacing_file
from keras_bert.guesses import counted
from keras_bert.loading import load
from keras_bert.training.augmentation import augmented, check_masked_lm
from keras_bert.training.devices import writes_files
from keras_bert.training.teachers import digest_of


def augmented_texts(examples, settings, path=None, strategy=None, say=print):
    """Returns variants of texts or pairs, without labels.

    Args:
        examples: `Examples` to train on.
        settings: `FinetuneSettings`.
        path: where to keep them, and with `resume` to look for them; or None.
        strategy: what `several_devices` returned.
        say: function that takes a line for the user.

    Raises:
        InputError: the model has no masked-LM head, or the file cannot be written.
    """
    name, count = settings.augment_model, settings.augment
    try:
        bert = load(name, pretraining=True)
    except InputError as error:
        raise InputError(str(error), "augment_model") from None
    check_masked_lm(bert, name)
    fingerprint = _fingerprint(examples, bert, count, settings.seed)
    if path is not None and settings.resume:
        found = _read(path, fingerprint, examples)
        if found is not None:
            return found
    say(f"{name}: makes {counted(count, 'variant')} of each of {len(examples):,} examples")
    found = augmented(examples, bert, count, settings.seed)
    say(f"{len(found):,} of them differ, and are learned from as the teacher labels them")
    if path is not None and writes_files(strategy):
        _write(path, fingerprint, found)
    return found


def _fingerprint(examples, bert, count, seed):
    asked = [digest_of(bert), examples.texts, examples.texts_b, count, seed]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _write(path, fingerprint, examples):
    columns = [examples.lines, examples.texts, examples.texts_b or [None] * len(examples)]
    lines = [json.dumps(row) for row in zip(*columns, strict=True)]
    text = "".join(f"{line}\n" for line in lines)
    header = {"fingerprint": fingerprint, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    with replacing_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(f"{json.dumps(header)}\n{text}")


def _read(path, fingerprint, examples):
    """Returns the examples of a file; None where it is not whole, or of other texts."""
    try:
        with open(path, encoding="utf-8") as file:
            header, text = json.loads(file.readline()), file.read()
        digest = hashlib.sha256(text.encode()).hexdigest()
        if header != {"fingerprint": fingerprint, "sha256": digest}:
            return None
    except (OSError, ValueError, RecursionError):
        return None
    rows = [json.loads(line) for line in text.splitlines()]
    lines, texts, texts_b = ([*column] for column in zip(*rows)) if rows else ([], [], [])
    is_pair = examples.texts_b is not None
    return dataclasses.replace(
        examples, lines=lines, texts=texts, texts_b=texts_b if is_pair else None, labels=None
    )
