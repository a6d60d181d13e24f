"""The model folder's `config.json`: the model and its inputs. Needs no Keras."""

import dataclasses
import json
import os

from keras_bert.config import (
    POOLINGS,
    QUANTIZED_WEIGHTS,
    RESCALING_FILE,
    TABLE_BITS,
    BertConfig,
    read_json_object,
)
from keras_bert.errors import InputError
from keras_bert.tasks.registry import EVERY_KIND, NAMES, get_task

CONFIG_FILE = "config.json"
VOCABULARY_FILE = "vocab.txt"
WEIGHTS_FILE = "model.weights.h5"
CARD_FILE = "README.md"

FORMAT_VERSION = 2
# Version 0.1 wrote this key, with the value 1, where `format_version` is now.
_OLD_FORMAT_KEY = "keras_bert_format"


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The contents of a model folder's `config.json`.

    Attributes:
        encoder: `BertConfig`.
        task: a kind of task (see `keras_bert.tasks.registry.EVERY_KIND`), "pretraining" (with the
            heads of pretraining), or None for an encoder alone.
        labels: list of str, the names of the classes or tags in the order of the logits; else [].
        pair: whether the model takes pairs of texts; None, from a format that does not state it,
            accepts both.
        max_length: the most tokens of a text, [CLS] and [SEP] included; longer texts are cut.
        tokenizer: dict of the tokenizer's switches.
        versions: dict of the versions of the packages that made it.
        pair_head: "nsp", "sop" or "none", the task of the pair head of "pretraining".
        settings: dict, the task's own settings; of "pretraining" only `tied`, false where the
            masked-LM head has an output matrix of its own; of an encoder alone `normalize`,
            whether its vectors of texts have length 1, where its checkpoint states it.
        pooling: "cls" or "mean", the vector of a whole text; see `TextNetwork`. For an encoder
            alone, the one that its checkpoint was trained with.
        benchmark: name of the task with a file layout and metric of its own that the model was
            trained for, such as "glue/sst2"; or "".
        windows: whether texts that are longer than `max_length` are read in overlapping windows;
            see `tasks.sequence.windows`.
        file_labels: list of str, what files call the labels, in their order; [] where they have
            the names of `labels`.
        quantize_aware: dict, what it was trained for: `weights`, a key of `QUANTIZED_WEIGHTS`, and
            `table_bits`; the folder then has a `RESCALING_FILE` too. {} for any other model.
        pruned: dict, of a model whose vocabulary was made smaller `from_size`, the tokens that it
            had, and `corpus`, the name of the texts that decided which of them stayed; else {}.
        tokenizer_files: list of str, names of the tokenizer's files in the folder; this version
            reads ["vocab.txt"].
    """

    encoder: BertConfig
    task: str | None = None
    labels: tuple = ()
    pair: bool | None = False
    max_length: int = 128
    tokenizer: dict = dataclasses.field(default_factory=dict)
    versions: dict = dataclasses.field(default_factory=dict)
    pair_head: str = "none"
    settings: dict = dataclasses.field(default_factory=dict)
    benchmark: str = ""
    pooling: str = "cls"
    windows: bool = False
    file_labels: tuple = ()
    quantize_aware: dict = dataclasses.field(default_factory=dict)
    pruned: dict = dataclasses.field(default_factory=dict)
    tokenizer_files: tuple = (VOCABULARY_FILE,)

    def __post_init__(self):
        if not isinstance(self.labels, (list, tuple)):
            raise InputError(f"labels must be a list, not {self.labels!r}")
        if not isinstance(self.file_labels, (list, tuple)):
            raise InputError(f"file_labels must be a list, not {self.file_labels!r}")
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "file_labels", tuple(self.file_labels))
        files = self.tokenizer_files
        if not isinstance(files, (list, tuple)) or tuple(files) != (VOCABULARY_FILE,):
            raise InputError(
                f"tokenizer_files must be {[VOCABULARY_FILE]}, the tokenizer that this version "
                f"reads, not {files!r}"
            )
        object.__setattr__(self, "tokenizer_files", tuple(files))
        if self.pair not in (True, False, None):
            raise InputError(f"pair must be true, false or null, not {self.pair!r}")
        for name in ("tokenizer", "versions", "settings", "quantize_aware", "pruned"):
            if not isinstance(getattr(self, name), dict):
                raise InputError(f"{name} must be dict, not {getattr(self, name)!r}")
        types = {name: type(value) for name, value in self.pruned.items()}
        if types and types != {"from_size": int, "corpus": str}:
            raise InputError(
                f"pruned must be {{}} or have from_size, a whole number, and corpus, a text, not "
                f"{self.pruned!r:.200}"
            )
        if self.task not in (None, *EVERY_KIND, "pretraining"):
            raise InputError(f"task {self.task!r} is not one that this version knows")
        if self.benchmark and (
            self.benchmark not in NAMES or get_task(self.benchmark).kind != self.task
        ):
            raise InputError(f"benchmark {self.benchmark!r} is not one of {self.task}")
        if self.task == "pretraining" and self.settings not in ({}, {"tied": False}):
            raise InputError(f"settings of pretraining must be {{}}, not {self.settings!r}")
        if self.pair_head not in ("nsp", "sop", "none"):
            raise InputError(f"pair_head must be nsp, sop or none, not {self.pair_head!r}")
        if not all(isinstance(label, str) for label in self.labels):
            raise InputError(f"labels must be texts, found {list(self.labels)}")
        if len(set(self.labels)) < len(self.labels):
            raise InputError(f"a label appears twice in {list(self.labels)}")
        for label in self.labels:
            # Exported files have one label on each line.
            if not label.strip() or len(label.splitlines()) > 1:
                raise InputError(f"label {label!r} is empty or of several lines")
        if self.pooling not in POOLINGS:
            raise InputError(f"pooling must be one of {', '.join(POOLINGS)}, not {self.pooling!r}")
        pools = self.task is None or self.task in EVERY_KIND and get_task(self.task).of_texts
        if self.pooling != "cls" and not pools:
            kinds = [kind for kind in EVERY_KIND if get_task(kind).of_texts]
            raise InputError(f"pooling {self.pooling!r} is for {', '.join(kinds)}")
        if self.windows not in (True, False) or self.windows and (not pools or self.task is None):
            raise InputError(
                f"windows must be true or false, and true only for tasks of texts, not "
                f"{self.windows!r}"
            )
        self._check_file_labels()
        self._check_quantize_aware()
        if self.task in EVERY_KIND:
            get_task(self.benchmark or self.task).check_config(self)
        if isinstance(self.max_length, bool) or not isinstance(self.max_length, int):
            raise InputError(f"max_length must be int, not {self.max_length!r}")
        if not 3 <= self.max_length <= self.encoder.max_position_embeddings:
            raise InputError(
                f"length {self.max_length} is outside 3 to {self.encoder.max_position_embeddings},"
                f" the rows of the position table"
            )

    def _check_file_labels(self):
        written = self.file_labels
        if not all(isinstance(label, str) for label in written):
            raise InputError(f"file_labels must be texts, found {list(written)}")
        places = {label: place for place, label in enumerate(self.labels)}
        places |= {label: place for place, label in enumerate(written) if label not in places}
        right = [places[label] for label in written] == list(range(len(self.labels)))
        if written and not right:
            raise InputError(
                f"file_labels must be a label of files for each of {list(self.labels)}, not "
                f"{list(written)}"
            )

    def _check_quantize_aware(self):
        found = self.quantize_aware
        if found and not (
            found.keys() == {"weights", "table_bits"}
            and found["weights"] in tuple(QUANTIZED_WEIGHTS)
            and type(found["table_bits"]) is int
            and found["table_bits"] in TABLE_BITS
            and self.task in EVERY_KIND
        ):
            raise InputError(
                f"quantize_aware must be the weights (one of {', '.join(QUANTIZED_WEIGHTS)}) and "
                f"the table_bits (4 or 8) of a model with a task, not {found!r}"
            )

    def to_json(self):
        """Returns the text of `config.json`."""
        data = {"format_version": FORMAT_VERSION, **dataclasses.asdict(self)}
        for name in ("quantize_aware", "pruned"):
            if not data[name]:
                del data[name]  # few models have it, and older versions know no such key
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_dict(cls, data):
        """Makes a config from the contents of `config.json`.

        Raises:
            InputError: a key is missing, unknown or has an impossible value.
        """
        data = dict(data)
        _take_format_version(data)
        encoder = data.pop("encoder", None)
        if not isinstance(encoder, dict):
            raise InputError("missing key encoder")
        try:
            return cls(encoder=BertConfig(**encoder), **data)
        except TypeError as error:
            raise InputError(str(error)) from None


def _take_format_version(data):
    """Removes the format's version from the contents of `config.json`; refuses unknown ones."""
    name, known = "format_version", FORMAT_VERSION
    if _OLD_FORMAT_KEY in data:
        name, known = _OLD_FORMAT_KEY, 1
    version = data.pop(name, None)
    if type(version) is int and version > known:
        raise InputError(
            f"{name} is {version}, this version of keras-bert reads up to {known}: "
            f"install a newer one"
        )
    if type(version) is not int or version != known:
        raise InputError(f"{name} is {version!r}, this version of keras-bert reads {known}")


def is_model_folder(path):
    """Returns whether a folder is one that we wrote, in whatever version of the format."""
    try:
        data = read_json_object(os.path.join(path, CONFIG_FILE))
    except InputError:
        return False
    # Others may have a key `format_version` too.
    return _OLD_FORMAT_KEY in data or {"format_version", "tokenizer_files"} <= data.keys()


def is_replaceable(path):
    """Returns whether a folder is one that we wrote and holds no other files."""
    ours = {CONFIG_FILE, VOCABULARY_FILE, WEIGHTS_FILE, CARD_FILE, RESCALING_FILE}
    return is_model_folder(path) and ours.issuperset(os.listdir(path))


def read_config(folder):
    """Reads `config.json` of a model folder.

    Raises:
        InputError: it is missing or broken; the message names the file.
    """
    path = os.path.join(folder, CONFIG_FILE)
    data = read_json_object(path)
    try:
        return ModelConfig.from_dict(data)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
