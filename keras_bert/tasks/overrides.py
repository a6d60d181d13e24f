"""What a user can choose in place of what the training file says, by kind of task."""

import dataclasses

from keras_bert.settings import check_settings, setting
from keras_bert.tasks.label_pairs import as_text


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoOverrides:
    """No settings, for tasks where the training file decides everything."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelOverrides:
    """The settings of tasks with labels."""

    group = "labels"

    labels: list | None = setting(None, "the labels, in order (default: those found in --train)")

    __post_init__ = check_settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class NameOverrides(LabelOverrides):
    """The settings of tasks whose labels can have other names than in files."""

    group = "labels"

    label_names: str | None = setting(
        None, "what the model calls the labels of the files, as in 0:negative,1:positive"
    )

    def __post_init__(self):
        object.__setattr__(self, "label_names", as_text(self.label_names))
        check_settings(self)
