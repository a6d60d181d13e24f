"""Trains a BERT on records of `keras-bert prepare`, from random weights or from a checkpoint.

keras-bert pretrain --preset=bert_mini_en_uncased --records=records --output=bert --steps=100000

Beside the model folder it writes OUTPUT.log.jsonl, with a line at regular steps, and OUTPUT.png,
its curves. During the run, OUTPUT.training holds the last checkpoints, for --resume.
"""

import os

from keras_bert.commands import flags
from keras_bert.training.pretrain_settings import PretrainSettings
from keras_bert.training.run_pretraining import pretrain
from keras_bert.training.stopping import signals_save_first


def define(values):
    flags.define(values, PretrainSettings)


def run(values):
    with signals_save_first():
        _, result = pretrain(**flags.chosen(values, PretrainSettings))
    return result, [
        *_score_lines(result),
        f"{result['seconds']:.0f} s of training",
        f"model folder: {os.path.abspath(result['output'])}",
    ]


def _score_lines(scores):
    shown = ("masked_lm_accuracy", "masked_lm_loss", "perplexity", "pair_accuracy", "pair_loss")
    rows = []
    for kind, title in (("", "last steps"), ("eval_", "evaluation")):
        parts = [f"{name} {scores[kind + name]:.4f}" for name in shown if kind + name in scores]
        if parts:
            rows.append(f"{title}: {', '.join(parts)}")
    return rows
