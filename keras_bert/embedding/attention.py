"""How much each token of a text attends to each other one, by layer and head.

Row i of a head's matrix has the probabilities with which token i takes what the other tokens hold
(Vaswani et al. 2017, section 3.2.1).
"""

import dataclasses
import json
import os

import numpy as np

from keras_bert.embedding.sources import load_encoder
from keras_bert.errors import InputError, name_of
from keras_bert.files import check_file_replaceable, replacing_file
from keras_bert.pictures.figures import check_picture, font_note
from keras_bert.settings import REQUIRED, check_settings, setting

_ENDINGS = (".png", ".html", ".json")
# More tokens could not be told apart in a picture or on a page.
_MOST_SHOWN = 100
# Of a probability in a file.
_DECIMALS = 6


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttentionSettings:
    """What `attention` takes."""

    model: str = setting(REQUIRED, "model folder of any task, or a checkpoint", is_path=True)
    vocab: str | None = setting(None, "vocabulary, where --model has none", is_path=True)
    lower_case: bool | None = setting(None, "whether --vocab is uncased (default: guessed from it)")
    text: str = setting(REQUIRED, "the text")
    text_b: str | None = setting(None, "the second text of a pair")
    layer: int | None = setting(None, "1: the lowest block; -1: the last (default: all)")
    head: int | None = setting(None, "1, 2, …: a head of each layer (default: all)", low=1)
    length: int | None = setting(None, "the most tokens of the text (default: the model's)", low=3)
    output: str | None = setting(
        None,
        "the file to write: .png, a page .html, or all numbers as .json (default: only print)",
        is_path=True,
    )

    __post_init__ = check_settings


def attention(**settings):
    """Returns the attention of a text, and draws or writes it.

    Args:
        **settings: of `AttentionSettings`: `model`, `text`, `text_b`, `layer`, `head`, `output`, ….

    Returns:
        A dict: `tokens`; `segment_ids`; `layers` and `heads`, the numbers of those that were asked
        for, from 1; `attention`, float32 of shape (layers, heads, tokens, tokens), rows that sum to
        1; `output`, the file; `notes`, what a user should know.

    Raises:
        InputError: the model is broken, there is no such layer or head, or the file cannot be
            written.
    """
    settings = AttentionSettings(**settings)
    for name in ("text", "text_b"):
        text = getattr(settings, name)
        if text is not None and not text.strip():
            raise InputError(f"{name_of(name)} is empty")
    _check_output(settings)
    bert = load_encoder(settings)
    encoder = bert.config.encoder
    layers = _layers(settings.layer, encoder.num_hidden_layers)
    heads = _heads(settings.head, encoder.num_attention_heads)
    if settings.text_b is not None and encoder.type_vocab_size < 2:
        raise InputError("the model takes single texts only: it has one segment", "text_b")
    encoding, notes = _encoding(bert, settings)
    matrices = attention_of(bert, encoding)[np.ix_([n - 1 for n in layers], [n - 1 for n in heads])]
    result = {
        "tokens": list(encoding.tokens),
        "segment_ids": [int(segment) for segment in encoding.segment_ids],
        "layers": layers,
        "heads": heads,
        "attention": matrices,
        "output": settings.output,
        "notes": [*bert.notes, *notes],
    }
    if settings.output is not None:
        result["notes"] += _write(result, settings)
    return result


def attention_of(bert, encoding):
    """Returns the attention of one encoded text.

    Args:
        bert: `Bert`, of any task.
        encoding: `Encoding`.

    Returns:
        float32 array of shape (layers, heads, tokens, tokens).
    """
    ids = np.array([encoding.token_ids], "int32")
    inputs = {
        "token_ids": ids,
        "segment_ids": np.array([encoding.segment_ids], "int32"),
        "padding_mask": np.ones_like(ids),
    }
    found = bert.encoder.attention_probabilities(inputs)
    return np.stack([np.asarray(layer, "float32")[0] for layer in found])


def strongest(result, token, count=3):
    """Returns what a token attends to the most, in the mean over the result's layers and heads.

    Args:
        result: the dict of `attention`.
        token: int, its number from 0.
        count: int, how many to return.

    Returns:
        A list of (number of a token, probability).
    """
    means = result["attention"][:, :, token].mean(axis=(0, 1), dtype="float64")
    order = np.argsort(-means, kind="stable")[:count]
    return [(int(index), float(means[index])) for index in order]


def _check_output(settings):
    output = settings.output
    if output is None:
        return
    if not output.endswith(_ENDINGS):
        raise InputError(f"{output}: the output's name must end in {', '.join(_ENDINGS)}")
    if output.endswith(".png"):
        check_picture(output, setting="output")
    check_file_replaceable(output)


def _layers(layer, count):
    if layer is None:
        return list(range(1, count + 1))
    if not 1 <= abs(layer) <= count:
        raise InputError(f"the model has layers 1 to {count}; -1 is the last", "layer", layer)
    return [layer if layer > 0 else count + 1 + layer]


def _heads(head, count):
    if head is None:
        return list(range(1, count + 1))
    if head > count:
        raise InputError(f"a layer of the model has heads 1 to {count}", "head", head)
    return [head]


def _encoding(bert, settings):
    """Returns the `Encoding`, and notes on what was cut off."""
    most = bert.config.encoder.max_position_embeddings
    length = bert.config.max_length if settings.length is None else settings.length
    if length > most:
        reason = f"the model's position table has {most} rows"
        raise InputError(reason, "length", settings.length)
    whole = bert.tokenizer.encode(settings.text, settings.text_b)
    encoding = bert.tokenizer.encode(settings.text, settings.text_b, length)
    count, notes = len(encoding.tokens), []
    if count < len(whole.tokens):
        notes.append(f"{len(whole.tokens)} tokens, of which the last are cut off at {length}")
    if settings.output is not None and count > _MOST_SHOWN and not _is_data(settings.output):
        raise InputError(
            f"{count} tokens: at most {_MOST_SHOWN} can be shown: give "
            f"{name_of('length', _MOST_SHOWN)}, or write the numbers to a .json file"
        )
    return encoding, notes


def _is_data(path):
    return path.endswith(".json")


def _write(result, settings):
    """Writes the output; returns notes."""
    path, title = settings.output, os.path.basename(os.path.normpath(settings.model))
    if path.endswith(".png"):
        from keras_bert.embedding.attention_picture import attention_figure
        from keras_bert.pictures.figures import save_figure

        return [] if save_figure(attention_figure(result, title), path) else [font_note(path)]
    data = {name: result[name] for name in ("tokens", "segment_ids", "layers", "heads")}
    rounded = np.round(result["attention"].astype("float64"), _DECIMALS)
    data["attention"] = rounded.tolist()
    if path.endswith(".html"):
        from keras_bert.pictures.attention_page import attention_page

        text = attention_page(data, title)
    else:
        text = json.dumps(data, ensure_ascii=False) + "\n"
    with replacing_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    return []
