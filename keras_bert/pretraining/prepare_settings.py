"""What `prepare` takes."""

import dataclasses

from keras_bert.errors import InputError, name_of
from keras_bert.locking import FORCE_HELP
from keras_bert.pretraining.corpus import MAX_DOCUMENT_CHARACTERS
from keras_bert.pretraining.manifest import PAIRS
from keras_bert.settings import REQUIRED, check_settings, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class PrepareSettings:
    """What `prepare` takes; see each setting's help."""

    corpus: str = setting(
        REQUIRED, "files, as globs with commas between: text or JSON lines", is_path=True
    )
    vocab: str = setting(REQUIRED, "the vocabulary, one token a line", is_path=True)
    output: str = setting(REQUIRED, "the records folder to write", is_path=True)
    # === Examples ===
    length: int = setting(128, "the most tokens of a row", low=8, high=2**16)
    pair: str = setting(
        "nsp",
        "nsp: is b the next segment or a random one; sop: are a and b swapped; none: no pairs",
        choices=PAIRS,
    )
    pack: bool = setting(False, "fill rows with several examples")
    dupe_factor: int = setting(
        1, "times to go through the corpus, each time with new random choices", low=1, high=1000
    )
    short_probability: float = setting(
        0.1, "share of examples with a random shorter target length", low=0, high=1
    )
    whole_word: bool = setting(False, "mask whole words (noted for pretrain; see --static_masking)")
    static_masking: bool = setting(
        False, "mask once, now; by default pretrain draws new masks for each batch"
    )
    masking_rate: float = setting(
        0.15, "share of tokens that --static_masking hides", low=0.001, high=1
    )
    lower_case: bool | None = setting(
        None, "lower-case the text first (default: guessed from the vocabulary)"
    )
    segmenter: str | None = setting(
        None, "word segmenter for Chinese text, for whole-word masking", choices=("jieba",)
    )
    # === Work ===
    force: bool = setting(False, FORCE_HELP)
    seed: int = setting(1, "seed of all random choices", low=0, high=2**32)
    shards: int | None = setting(
        None, "number of record files (default: one for each 32 MB of text)", low=1, high=10**5
    )
    workers: int | None = setting(
        None, "processes on this machine (default: one for each core)", low=1, high=1024
    )
    runner: str | None = setting(
        None, "a Beam runner in place of this machine: FlinkRunner, SparkRunner, …"
    )
    beam_options: str = setting(
        "", 'options for --runner: "--flink_master=host:8081 --parallelism=16"'
    )
    max_document_characters: int = setting(
        MAX_DOCUMENT_CHARACTERS, "a longer document is an error", low=1, high=10**9
    )

    def __post_init__(self):
        check_settings(self)
        if self.beam_options and not self.runner:
            raise InputError(
                f"need a {name_of('runner')}; on this machine use {name_of('workers')}",
                "beam_options",
            )
