"""The settings of a tagger in its model's `config.json`, and those that a user can choose."""

import dataclasses

from keras_bert.errors import InputError
from keras_bert.settings import check_settings, setting
from keras_bert.tasks.columns import some
from keras_bert.tasks.overrides import LabelOverrides
from keras_bert.tasks.settings import check_types
from keras_bert.tasks.tagging.schemes import SCHEMES


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of a tagger in its `config.json`.

    Attributes:
        scheme: how its tags mark entities, one of `schemes.SCHEMES`.
        overlap: words of context that the rows of a split sentence share.
        mark_capitals: whether `segment_ids` are 1 for words with a capital letter.
    """

    scheme: str = "none"
    overlap: int = 16
    mark_capitals: bool = False

    def __post_init__(self):
        types = {"scheme": str, "overlap": int, "mark_capitals": bool}
        check_types(dataclasses.asdict(self), types)
        if self.scheme not in SCHEMES:
            raise InputError(f"scheme must be one of {', '.join(SCHEMES)}, not {self.scheme!r}")
        if self.overlap < 0:
            raise InputError(f"overlap must be 0 words or more, not {self.overlap}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagOverrides(LabelOverrides):
    """The settings that replace decisions of the training file."""

    group = "tagging"

    scheme: str | None = setting(
        None,
        "tagging: how the model's tags mark entities; the files' are converted (default: as "
        "--train has them); none if they mark none",
        choices=SCHEMES,
    )
    mark_capitals: bool | None = setting(
        None,
        "tagging: segment_ids are 1 for words with a capital, which an uncased vocabulary hides",
    )

    __post_init__ = check_settings


def settings_of(config):
    """Returns the `Settings` of a `ModelConfig`; raises InputError for an unknown one."""
    try:
        return Settings(**config.settings)
    except TypeError:
        names = ", ".join(field.name for field in dataclasses.fields(Settings))
        raise InputError(
            f"settings of tagging are {names}, found {some(config.settings)}"
        ) from None
