"""Says what a [MASK] stands for, by a model with its masked-LM head.

keras-bert fill-mask --model=bert --text="Paris is the [MASK] of France."
"""

import os

from absl import flags

from keras_bert.commands import shared
from keras_bert.errors import InputError


def define(values):
    shared.define_string(
        values, "model", "folder that `pretrain` wrote, or a checkpoint with the head",
        required=True,
    )  # fmt: skip
    shared.define_string(values, "text", "a text with [MASK] in it, once or more", required=True)
    flags.DEFINE_integer("top", 5, "how many words to give", 1, 1000, flag_values=values)
    shared.define_string(values, "vocab", "vocabulary, where --model has none")
    flags.DEFINE_boolean(
        "lower_case", None, "whether --vocab is uncased (default: by its look)", flag_values=values
    )


def run(values):
    shared.check_path(values.model)
    try:
        text = os.fsencode(values.text).decode("utf-8")
    except UnicodeError:
        raise InputError("--text is not UTF-8") from None
    bert = shared.load_bert(
        values.model, vocabulary=values.vocab, lower_case=values.lower_case, pretraining=True
    )
    if bert.config.task != "pretraining":
        raise InputError(
            f"{values.model}: has no masked-LM head: name a folder that `pretrain` wrote"
        )
    masks = bert.fill_mask(text, values.top)
    from keras_bert.tasks import fill_mask

    filled = fill_mask.fill(text, [mask[0]["token"] for mask in masks])
    lines = []
    for number, mask in enumerate(masks, start=1):
        if len(masks) > 1:
            lines.append(f"[MASK] {number}")
        lines += [f"{answer['probability']:.4f}  {answer['token']}" for answer in mask]
    return {"text": text, "filled": filled, "masks": masks}, [*lines, filled]
