"""The settings of a question answerer in its model's `config.json`."""

import dataclasses

from keras_bert.errors import InputError
from keras_bert.settings import check_settings, setting
from keras_bert.tasks.settings import check_types

# Google's run_squad.py, max_seq_length.
USUAL_LENGTH = 384


@dataclasses.dataclass(frozen=True)
class Settings:
    """How passages are read and answers chosen.

    Attributes:
        doc_stride: tokens from the start of one window to the start of the next (Google's
            run_squad.py: 128).
        max_question_length: the most tokens of a question, the rest is cut off (run_squad.py: 64).
        max_answer_length: the most tokens of an answer (run_squad.py: 30).
        n_best: the most answers that are listed (run_squad.py: 20).
        null_answers: whether a passage may hold no answer.
        null_threshold: the answer is "" where [CLS] scores by more than this above the best span.
        character_f1: whether answers are scored by Chinese characters.
        whole_words: whether answers begin and end where words do; see `word_bounds`.
    """

    doc_stride: int = 128
    max_question_length: int = 64
    max_answer_length: int = 30
    n_best: int = 20
    null_answers: bool = False
    null_threshold: float = 0.0
    character_f1: bool = False
    whole_words: bool = True

    def __post_init__(self):
        check_types(dataclasses.asdict(self), TYPES)
        for name in ("doc_stride", "max_question_length", "max_answer_length", "n_best"):
            if not 1 <= getattr(self, name) < 2**16:
                value = getattr(self, name)
                raise InputError(f"setting {name} must be from 1 to 65535, not {value}")


TYPES = {field.name: field.type for field in dataclasses.fields(Settings)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowOverrides:
    """The settings that a user can choose."""

    group = "question answering"

    doc_stride: int | None = setting(
        None, "question answering: tokens from one window over a passage to the next", low=1
    )
    max_question_length: int | None = setting(
        None, "question answering: tokens a question is cut to", low=1
    )
    max_answer_length: int | None = setting(
        None, "question answering: most tokens of an answer", low=1
    )
    whole_words: bool | None = setting(
        None, "question answering: answers begin and end where words do (default: true)"
    )

    __post_init__ = check_settings


def settings_of(config):
    """Returns the `Settings` of a `ModelConfig`, with defaults for those that it does not name.

    Raises:
        InputError: a setting is unknown or has an impossible value.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(Settings)}
    check_types(defaults | config.settings, TYPES)
    return Settings(**config.settings)


def fitting(positions):
    """Returns a dict of the settings that must be smaller for a small position table.

    Beside the special tokens a question gets at most a third of the room, and windows overlap by
    half of the rest at least.

    Args:
        positions: rows of the position table.
    """
    usual = Settings()
    room = min(positions, USUAL_LENGTH) - 3
    question = max(1, min(usual.max_question_length, room // 3))
    stride = max(1, min(usual.doc_stride, (room - question) // 2))
    return {"max_question_length": question, "doc_stride": stride}
