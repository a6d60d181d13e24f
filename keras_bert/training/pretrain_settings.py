"""What `pretrain` takes; it imports nothing heavy."""

import dataclasses
import os

from keras_bert.errors import InputError, name_of
from keras_bert.files import check_file_replaceable, check_not_input, check_path, check_replaceable
from keras_bert.locking import FORCE_HELP
from keras_bert.model_folder import is_replaceable
from keras_bert.pretraining.manifest import PAIRS
from keras_bert.settings import REQUIRED, check_settings, setting

OPTIMIZERS = ("adamw", "lamb")
STRATEGIES = ("one", "mirrored", "multi_worker")
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
_STARTS = ("preset", "config", "init")
_MOST = 2**31
# What does not change the weights.
_FREE = (
    "checkpoint_every", "evaluate_every", "eval_records", "force", "keep_checkpoints", "output",
    "records", "resume", "strategy",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class PretrainSettings:
    """What `pretrain` takes; the defaults of the training are the paper's (appendix A.2)."""

    records: str = setting(REQUIRED, "a folder that `prepare` wrote", is_path=True)
    output: str = setting(REQUIRED, "the model folder to write", is_path=True)
    preset: str | None = setting(None, "the model's size, by name, with random weights")
    config: str | None = setting(None, "the model's size, as a bert_config.json", is_path=True)
    init: str | None = setting(None, "a model folder or checkpoint to go on from", is_path=True)
    eval_records: str | None = setting(None, "records of other texts to score on", is_path=True)
    resume: bool = setting(False, "go on with a run that was killed, from its last checkpoint")
    force: bool = setting(False, FORCE_HELP)
    # === Objective ===
    pair: str | None = setting(
        None, "none trains without the records' pairs (default: as prepared)", choices=PAIRS
    )
    left_to_right: bool = setting(False, "predict each next token from those before it, mask none")
    masking_rate: float = setting(0.15, "share of the tokens to predict", low=0.001, high=1.0)
    whole_word: bool | None = setting(None, "mask whole words (default: as prepared)")
    span: int = setting(
        0, "mask runs of up to so many tokens or words; 0 masks single ones", low=0, high=100
    )
    span_distribution: str = setting(
        "albert",
        "how long the runs are: p(n) ~ 1/n, or geometric",
        choices=("albert", "spanbert"),
    )
    dropout: float | None = setting(
        None,
        "in place of the config's two rates; 0 often suits pretraining",
        low=0.0,
        high=0.99,
    )
    # === Training ===
    steps: int = setting(REQUIRED, "updates of the weights", low=1, high=_MOST)
    batch_size: int = setting(32, "rows a step, over all devices", low=1, high=_MOST)
    micro_batches: int = setting(
        1, "parts a device does its rows in, to take less memory", low=1, high=_MOST
    )
    optimizer: str = setting("adamw", "optimizer", choices=OPTIMIZERS)
    learning_rate: float = setting(1e-4, "the schedule's peak", low=0.0)
    end_learning_rate: float = setting(0.0, "the learning rate at the last step", low=0.0)
    decay_power: float = setting(1.0, "of the polynomial that it falls by", low=0.0)
    warmup: float = setting(0.01, "share of the steps in which it rises", low=0.0, high=1.0)
    weight_decay: float = setting(0.01, "decoupled, not on biases and LayerNorm", low=0.0)
    layer_decay: float = setting(
        1.0, "factor of the learning rate from each block to the one below", low=0.01
    )
    clipnorm: float = setting(
        1.0, "largest norm of the whole batch's gradient; 0 does not clip", low=0.0
    )
    seed: int = setting(0, "of initialization, order, masks and dropout", low=0, high=2**32 - 1)
    checkpoint_every: int = setting(1000, "steps", low=1, high=_MOST)
    keep_checkpoints: int = setting(2, "how many of the last checkpoints to keep", low=1, high=1000)
    evaluate_every: int = setting(
        0, "steps from one score on --eval_records to the next", low=0, high=_MOST
    )
    strategy: str = setting(
        "one",
        "one device, all of this machine, or those of the machines in TF_CONFIG",
        choices=STRATEGIES,
    )
    precision: str = setting(
        "auto",
        "number format of the training steps; auto takes the machine's best",
        choices=PRECISIONS,
    )

    def __post_init__(self):
        check_settings(self)
        given = [name_of(name) for name in _STARTS if getattr(self, name) is not None]
        if len(given) != 1:
            preset, config, init = map(name_of, _STARTS)
            raise InputError(
                f"give one of {preset}, {config} (random weights) and {init} (to go on from a "
                f"model), found {' and '.join(given) or 'none'}"
            )
        if self.left_to_right and self.pair not in (None, "none"):
            raise InputError(
                f"goes without pairs, not with {name_of('pair', self.pair)}", "left_to_right"
            )
        for name in ("span", "whole_word"):
            if self.left_to_right and getattr(self, name):
                other = name_of("left_to_right")
                raise InputError(f"is about masking, and {other} masks nothing", name)

    @property
    def warmup_steps(self):
        """Steps in which the learning rate rises."""
        return int(self.warmup * self.steps)

    def check_paths(self):
        """Raises InputError if an input is not there or an output cannot be written."""
        for path in (self.records, self.eval_records, self.config):
            if path is not None:
                check_path(path)
        for path in (self.init, self.records):
            if path is not None:
                check_not_input(self.output, path)
        check_replaceable(self.output, is_replaceable)
        for ending in (".log.jsonl", ".png"):
            check_file_replaceable(os.path.abspath(self.output) + ending)

    def deciding(self):
        """Returns the settings that decide what the weights become, a dict by name."""
        kept = dataclasses.asdict(self)
        return {name: value for name, value in kept.items() if name not in _FREE}
