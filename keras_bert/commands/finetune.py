"""Reads labelled data, trains with `model.fit`, keeps the best epoch, writes a model folder.

    keras-bert finetune --task=classification --train=train.csv --eval=dev.csv \\
        --init=CHECKPOINT --output=my_model
"""

import hashlib
import json
import os
import sys
import types

from absl import flags

from keras_bert.card import command_line, model_card, seeds_table
from keras_bert.commands import shared
from keras_bert.commands.flags import given as flags_given
from keras_bert.commands.seeds import seeds_of, summary, summary_lines
from keras_bert.config import POOLINGS
from keras_bert.errors import Diverged, InputError
from keras_bert.files import check_replaceable
from keras_bert.model_folder import is_replaceable
from keras_bert.tasks.registry import NAMES, get_task
from keras_bert.tasks.tagging.schemes import SCHEMES
from keras_bert.tasks.task import hold_out
from keras_bert.training.state import TrainingState

# The settings of tasks that flags can change.
_SETTINGS = {
    "doc_stride": "question answering: tokens from one window over a passage to the next",
    "max_question_length": "question answering: tokens a question is cut to",
    "max_answer_length": "question answering: most tokens of an answer",
}

_FLAGS_OF = {
    **{name: ("question_answering",) for name in (*_SETTINGS, "misaligned")},
    **{name: ("tagging",) for name in ("tag_column", "word_column", "scheme", "mark_capitals")},
    "labels": ("classification", "tagging"),
    "pooling": ("classification", "regression"),
}


def define(values):
    flags.DEFINE_enum("task", "classification", NAMES, "kind of task", flag_values=values)
    shared.define_string(values, "train", "CSV, TSV, JSON lines; CoNLL; SQuAD", required=True)
    shared.define_string(values, "eval", "such data to choose the best epoch and to score on")
    flags.DEFINE_float(
        "eval_fraction", 0.1, "without --eval: share of the training texts to hold out",
        lower_bound=0.0, upper_bound=0.9, flag_values=values,
    )  # fmt: skip
    shared.define_string(
        values, "init", "what to start from: model folder, checkpoint, or preset", required=True
    )
    shared.define_string(values, "output", "the model folder to write", required=True)
    shared.define_string(values, "vocab", "vocabulary, where --init has none")
    flags.DEFINE_boolean(
        "lower_case", None, "whether --vocab is uncased (default: by its look)", flag_values=values
    )
    shared.define_column_flags(values)
    flags.DEFINE_list(
        "labels", None, "the labels, in order (default: those found in --train)", flag_values=values
    )
    flags.DEFINE_enum(
        "pooling", "cls", POOLINGS, "what stands for a text as a whole: [CLS], or the mean of its "
        "tokens, as suits sentence-transformers' checkpoints", flag_values=values,
    )  # fmt: skip
    flags.DEFINE_integer(
        "length", 128, "tokens a text is cut to, [CLS] and [SEP] included",
        lower_bound=3, flag_values=values,
    )  # fmt: skip
    flags.DEFINE_integer("epochs", 3, "passes over the texts", lower_bound=1, flag_values=values)
    flags.DEFINE_integer("batch_size", 32, "texts a step", lower_bound=1, flag_values=values)
    flags.DEFINE_float(
        "learning_rate", 5e-5, "the schedule's peak", lower_bound=0.0, flag_values=values
    )
    flags.DEFINE_float(
        "warmup", 0.1, "share of the steps in which the learning rate rises",
        lower_bound=0.0, upper_bound=1.0, flag_values=values,
    )  # fmt: skip
    flags.DEFINE_float(
        "weight_decay", 0.01, "decoupled, not on biases and LayerNorm",
        lower_bound=0.0, flag_values=values,
    )  # fmt: skip
    flags.DEFINE_float(
        "dropout", None, "in place of the two rates of --init, which may have been pretrained "
        "without", lower_bound=0.0, upper_bound=0.9, flag_values=values,
    )  # fmt: skip
    flags.DEFINE_float(
        "clipnorm",
        1.0,
        "largest global norm of the gradient; 0 does not clip",
        lower_bound=0.0,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "seed",
        0,
        "of initialization, order and dropout",
        lower_bound=0,
        upper_bound=2**32 - 1,
        flag_values=values,
    )
    flags.DEFINE_float(
        "layer_decay", 1.0, "factor of the learning rate from each block to the one below",
        lower_bound=1e-3, upper_bound=1.0, flag_values=values,
    )  # fmt: skip
    flags.DEFINE_integer(
        "checkpoint_every", 1000, "steps from one state for --resume to the next", lower_bound=1,
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_list(
        "seeds", None, "several seeds, one run each: tells mean and standard deviation, writes "
        "the best run's model", flag_values=values,
    )  # fmt: skip
    shared.define_string(
        values, "metric", "the score that the best epoch is best in (default: the task's first)"
    )
    flags.DEFINE_enum(
        "scheme", None, SCHEMES, "tagging: how the model's tags mark entities; the files' are "
        "converted (default: as --train has them); none if they mark none", flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean(
        "mark_capitals", None, "tagging: segment_ids tell which words have a capital, which an "
        "uncased vocabulary hides", flag_values=values,
    )  # fmt: skip
    flags.DEFINE_enum(
        "misaligned", "error", ("error", "skip", "search"),
        "question answering: an answer in --train that does not stand where the file says",
        flag_values=values,
    )  # fmt: skip
    for name, text in _SETTINGS.items():
        flags.DEFINE_integer(name, None, text, lower_bound=1, flag_values=values)
    flags.DEFINE_string(
        "freeze", "", "not trained: encoder, embeddings, or N (the lowest N blocks)",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_enum(
        "precision", "auto", ("auto", "float32", "mixed_bfloat16", "mixed_float16"),
        "number format of the training steps; auto takes the machine's best", flag_values=values,
    )  # fmt: skip
    flags.DEFINE_boolean(
        "resume", False, "go on with a run that was killed, from its last whole epoch",
        flag_values=values,
    )  # fmt: skip
    shared.define_string(values, "tensorboard", "folder for TensorBoard logs")


def run(values):
    shared.check_not_input(values.output, values.init)
    check_replaceable(values.output, is_replaceable)
    seeds = seeds_of(values)
    for seed in seeds:
        check_replaceable(_state_folder(values, seed), os.path.isdir)
    task = get_task(values.task)
    _check_flags(values, task)
    train, evaluation, whole = _read(values, task)
    names = ("labels", "scheme", "mark_capitals", *_SETTINGS)
    overrides = {name: values[name].value for name in names}
    fields = task.model_fields(whole, overrides, values.length)
    for note in task.notes(train):
        print(note, file=sys.stderr)
    # Both before anything heavy is imported, so that a bad row is told in a second.
    described = types.SimpleNamespace(
        **{"labels": (), "pair": None, "settings": {}, "max_length": values.length, **fields}
    )
    for examples in (train, evaluation):
        task.check(examples, described)
    if values.tensorboard:
        # TensorFlow does not bring it along any more; better told now than after an epoch.
        import tensorboard  # noqa: F401

        os.makedirs(values.tensorboard, exist_ok=True)  # or Keras fails at the first epoch

    shared.import_tensorflow_quietly()
    best, runs, diverged = None, [], []
    for seed in seeds:
        if len(seeds) > 1:
            print(f"seed {seed}:", file=sys.stderr)
        try:
            run = _train(values, task, seed, train, evaluation, fields)
        except Diverged as error:
            if len(seeds) == 1:
                raise
            print(f"seed {seed}: {error}", file=sys.stderr)
            diverged.append(seed)
            continue
        if run["collapsed"]:
            print(
                f"seed {seed}: the run collapsed: its answer is the same for every example: try "
                f"another seed, a longer --warmup or a lower --learning_rate",
                file=sys.stderr,
            )
        runs.append(run["result"])
        if best is None or run["scores"][run["metric"]] > best["scores"][best["metric"]]:
            best = run
    if best is None:
        raise InputError(
            f"--learning_rate={values.learning_rate}: all seeds diverged, try a lower one"
        )
    bert, scores = best["bert"], best["scores"]
    over_all = summary(runs, task.metrics(bert.config))
    bert.save(values.output, _card(values, best, train, evaluation, over_all))
    for seed in seeds:
        TrainingState(_state_folder(values, seed), "").discard()
    result = {"output": values.output, "task": task.name, **scores, **best["result"], **over_all}
    if len(seeds) > 1:
        result |= {"runs": runs, "diverged": diverged}
    return result, [
        *task.score_lines(scores, bert.config),
        *summary_lines(over_all, runs, best["result"]["seed"]),
        *([f"seeds that diverged: {', '.join(map(str, diverged))}"] if diverged else []),
        f"best epoch {best['result']['best_epoch']} of {values.epochs}; "
        f"{best['result']['seconds']:.0f} s of training",
        f"model folder: {values.output}",
    ]


def _card(values, best, train, evaluation, over_all):
    """Returns the model card of the best run."""
    bert = best["bert"]
    task, own_file = bert.task, "held out of the same file; no text is in both parts"
    if values.eval:
        own_file = "a file of its own"
    named = f" for {task.name}" if task.name != task.kind else ""
    given = {name: value for name, value in flags_given(values).items() if name != "json"}
    return model_card(
        bert,
        how=f"fine-tuned with keras-bert{named}",
        data=[
            f"Trained on {os.path.basename(train.path)}: {len(train):,} examples.",
            f"Scored on {os.path.basename(evaluation.path)}: {len(evaluation):,} examples, "
            f"{own_file}.",
        ],
        score_lines=task.score_lines(best["scores"], bert.config),
        selection=f"The best of {values.epochs} epochs by {best['metric']} on the same examples, "
        f"so slightly optimistic.",
        scores=seeds_table(**over_all, seed=best["result"]["seed"]) if over_all else "",
        command=command_line("finetune", given, ("train", "eval", "init", "vocab", "output")),
        base=values.init,
    )


def _train(values, task, seed, train, evaluation, fields):
    """Does the run of one seed; returns a dict of what came of it."""
    import keras

    from keras_bert.training import finetune

    # Before the start is loaded: a preset, or a checkpoint without pooler, draws random weights.
    keras.utils.set_random_seed(seed)
    start = shared.load_bert(values.init, vocabulary=values.vocab, lower_case=values.lower_case)
    chosen = {name: values[name].value for name in finetune.setting_names()}
    settings = finetune.FineTuneSettings(**{**chosen, "seed": seed})
    config = finetune.config_for(task, start, values.length, fields, values.pooling, values.dropout)
    rates = (config.encoder.hidden_dropout_prob, config.encoder.attention_probs_dropout_prob)
    if values.dropout is None and not any(rates):
        # What `pretrain --dropout=0` leaves, and BERT's appendix A.3 keeps 0.1 in fine-tuning.
        print(
            f"--init={values.init} has no dropout, so this run has none: --dropout=0.1 is BERT's",
            file=sys.stderr,
        )
    state_folder = _state_folder(values, seed)
    if os.path.exists(state_folder) and not values.resume:
        print("starting anew: --resume would go on with the run that was killed", file=sys.stderr)
    trainer = finetune.TaskTraining(
        start, config, settings, values.precision, values.freeze, values.metric
    )
    for note in start.notes:
        print(note, file=sys.stderr)
    outcome = trainer.train(
        train,
        evaluation,
        state_folder=state_folder,
        fingerprint=_fingerprint(values, seed, train, evaluation),
        resume=values.resume,
        tensorboard=values.tensorboard and _tensorboard_folder(values, seed),
    )
    if trainer.skipped:
        skipped = f"{trainer.skipped} examples have nothing to learn from: left out"
        print(f"{values.train}: {skipped}", file=sys.stderr)
    bert, answers, scores = trainer.finished(evaluation)
    return {
        "bert": bert,
        "scores": scores,
        "metric": trainer.metrics[0],
        # One answer to everything may be right, where the file has no other.
        "collapsed": scores.get("accuracy") != 1 and task.collapsed(answers, bert.config),
        "result": {
            "seed": seed,
            **{name: scores[name] for name in task.metrics(config)},
            **({"labels": list(config.labels)} if config.labels else {}),
            "best_epoch": outcome["best_epoch"],
            "epochs": outcome["history"],
            "seconds": round(outcome["seconds"], 1),
            "dtype_policy": trainer.policy,
        },
    }


def _read(values, task):
    """Returns the examples to train on, those to score on, and all those of --train."""
    layout = shared.file_layout(values, training=True)
    # The labels are those of the whole file: a rare one may fall into the held-out part alone.
    whole = task.read(shared.check_path(values.train), layout)
    if values.eval is not None:
        evaluation = task.read(shared.check_path(values.eval), shared.file_layout(values))
        return whole, evaluation, whole
    held_out, rest = hold_out(whole, values.eval_fraction, values.seed)
    return rest, held_out, whole


def _check_flags(values, task):
    """Raises InputError for a flag that is for another kind of task."""
    for name, kinds in _FLAGS_OF.items():
        if values[name].present and task.kind not in kinds:
            raise InputError(f"--{name} is for {' and '.join(kinds)}, not for --task={task.name}")


def _state_folder(values, seed):
    folder = os.path.abspath(values.output) + ".training"
    return folder if values.seeds is None else f"{folder}.{seed}"


def _tensorboard_folder(values, seed):
    folder = values.tensorboard
    return folder if values.seeds is None else os.path.join(folder, f"seed_{seed}")


def _fingerprint(values, seed, *examples):
    """Names the run: its flags, but for those that do not change the weights, and its data."""
    ignored = ("resume", "output", "json", "tensorboard", "seeds", "checkpoint_every")
    settings = {name: values[name].value for name in values if name not in ignored}
    digest = hashlib.sha256(json.dumps({**settings, "seed": seed}, sort_keys=True).encode())
    for path in filter(None, (values.train, values.eval)):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        else:
            # A pipe is empty by now, so what was read of it stands for it.
            for each in examples:
                read = {name: value for name, value in vars(each).items() if name != "path"}
                digest.update(repr(read).encode())
    return digest.hexdigest()
