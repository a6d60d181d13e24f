"""Predicts the words at each [MASK], with a model that has its masked-LM head.

keras-bert fill-mask --model=bert --text="Paris is the [MASK] of France."
"""

import dataclasses

from keras_bert.commands import flags, inputs
from keras_bert.errors import InputError
from keras_bert.files import check_path
from keras_bert.opening import load_bert
from keras_bert.settings import REQUIRED, check_settings, setting
from keras_bert.tasks.fill_mask import fill


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Settings:
    """The model, and the arguments of `Bert.fill_mask`."""

    model: str = setting(
        REQUIRED, "folder that `pretrain` wrote, or a checkpoint with the head", is_path=True
    )
    text: str = setting(REQUIRED, "a text with [MASK] in it, once or more")
    top: int = setting(5, "how many words to return", low=1, high=1000)
    vocab: str | None = setting(None, "vocabulary, where --model has none", is_path=True)
    lower_case: bool | None = setting(None, "whether --vocab is uncased (default: guessed from it)")

    __post_init__ = check_settings


def define(values):
    flags.define(values, _Settings)


def run(values):
    settings = flags.settings_from(values, _Settings)
    text = inputs.text_of(settings.text, "--text")
    check_path(settings.model)
    bert = load_bert(
        settings.model,
        vocabulary=settings.vocab,
        lower_case=settings.lower_case,
        pretraining=True,
    )
    if bert.config.task != "pretraining":
        raise InputError(
            f"{settings.model}: has no masked-LM head: name a folder that `pretrain` wrote"
        )
    masks = bert.fill_mask(text, settings.top)
    filled = fill(text, [mask[0]["token"] for mask in masks])
    lines = []
    for number, mask in enumerate(masks, start=1):
        if len(masks) > 1:
            lines.append(f"[MASK] {number}")
        lines += [f"{answer['probability']:.4f}  {answer['token']}" for answer in mask]
    return {"text": text, "filled": filled, "masks": masks}, [*lines, filled]
