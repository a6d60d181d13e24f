"""`--keep_tokens`: after which blocks of a TFLite file's encoder how many tokens are kept."""

import re

from keras_bert.errors import InputError, name_of

# The value of the setting that leaves the choice to `keep_tokens_search`.
AUTO = "auto"
_STEP = re.compile(r"([0-9]{1,6}):([0-9]{1,6})")
# [CLS] before a question and [SEP] after it.
_SPECIAL = 2


def steps_of(text):
    """Returns the steps that a setting names, such as "2:128" or "1:256,2:128".

    Args:
        text: str, a number of blocks and a number of tokens, several with commas between; None for
            none.

    Returns:
        A dict of the number of blocks to that of tokens.

    Raises:
        InputError: it is no such text, or blocks or tokens are in a wrong order.
    """
    if text is None:
        return {}
    found = [_STEP.fullmatch(part.strip()) for part in text.split(",")]
    if not all(found):
        raise InputError(
            f"expected BLOCKS:TOKENS, such as 2:128 or 1:256,2:128, or {AUTO}", "keep_tokens", text
        )
    blocks = [int(match[1]) for match in found]
    tokens = [int(match[2]) for match in found]
    if min(tokens) < 1 or min(blocks) < 1:
        raise InputError("blocks and tokens count from 1", "keep_tokens", text)
    if any(a >= b for a, b in zip(blocks, blocks[1:])):
        raise InputError("the numbers of blocks must rise", "keep_tokens", text)
    if any(a <= b for a, b in zip(tokens, tokens[1:])):
        raise InputError("the numbers of tokens must fall", "keep_tokens", text)
    return dict(zip(blocks, tokens, strict=True))


def check_keep_tokens(settings):
    """Raises InputError where `keep_tokens` is none or does not go with the other settings.

    Args:
        settings: an `ExportSettings`.
    """
    is_auto = settings.keep_tokens == AUTO
    if not is_auto and not steps_of(settings.keep_tokens):
        return
    this = name_of("keep_tokens", settings.keep_tokens)
    if settings.format != "tflite":
        raise InputError(f"{this} is for {name_of('format', 'tflite')} only")
    if settings.length == "dynamic":
        raise InputError(f"{this} needs a fixed length", "length", settings.length)
    if settings.recipe().static:
        raise InputError(
            f"{this} is not for {name_of('quantize', settings.quantize)}, whose ranges are fixed: "
            f"see {name_of('quantize', 'dynamic')}"
        )
    if is_auto and (not settings.verify or settings.data is None and settings.calibration is None):
        reason = "with which the file is compared"
        if not settings.verify:
            reason = f"and {name_of('verify', False)} compares nothing"
        raise InputError(f"{this} chooses by labelled rows of {name_of('data', 'FILE')}, {reason}")


def shortening_of(bert, text):
    """Returns the `Shortening` of a model, None for none.

    Args:
        bert: a `Bert` with a task.
        text: the setting, see `steps_of`.

    Raises:
        InputError: the encoder has too few blocks, or no token sees the whole text in it.
    """
    from keras_bert.layers.shortening import Shortening

    steps = steps_of(text)
    if not steps:
        return None
    layers = bert.config.encoder.num_hidden_layers
    if max(steps) >= layers:
        raise InputError(
            f"the encoder has {layers} blocks, and at least the last one must come after the "
            f"choice of tokens",
            "keep_tokens",
            text,
        )
    if bert.config.encoder.left_to_right:
        raise InputError("the encoder reads from left to right", "keep_tokens", text)
    question = bert.config.settings.get("max_question_length")
    return Shortening(steps, None if question is None else question + _SPECIAL)
