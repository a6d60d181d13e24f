"""Fine-tuning for a task, the whole road: data, a run for each seed, the best one, its folder.

`finetune` is for scripts; the verb of that name calls `finetune_runs` and prints what it returns.
Faults in the data are reported before Keras is imported: a bad row is known in a second.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import sys
import types

from keras_bert.errors import CheckFailed, Diverged, InputError, name_of
from keras_bert.extras import naming_extras
from keras_bert.files import check_file_replaceable, check_not_input, check_replaceable
from keras_bert.guesses import counted, note
from keras_bert.locking import check_free, locked
from keras_bert.model_folder import is_replaceable
from keras_bert.pictures.figures import check_picture
from keras_bert.quiet import import_tensorflow_quietly
from keras_bert.tasks.columns import some
from keras_bert.tasks.in_hand import examples_of
from keras_bert.tasks.registry import get_task
from keras_bert.tasks.splitting import hold_out
from keras_bert.training.class_weights import class_weights
from keras_bert.training.finetuned_card import finetuned_card
from keras_bert.training.seeds import seeds_of, summary
from keras_bert.training.settings import check_start, sorted_settings, teacher_paths
from keras_bert.training.unlabeled import read_unlabeled

# Settings that do not change the weights.
_FREE = (
    "resume", "force", "tensorboard", "seeds", "seed", "checkpoint_every", "strategy", "picture",
)  # fmt: skip


def finetune(start, task="classification", train=None, eval=None, **settings):
    """Fine-tunes for a task and keeps the best epoch, as `keras-bert finetune` does.

    Args:
        start: `Bert` to start from, which is not changed, or the path of a model or checkpoint.
        task: what `--task` takes, such as "tagging" or "glue/mrpc".
        train: what to train on: a path, (texts, labels), ((texts, texts_b), labels), a pandas
            DataFrame, a `tf.data.Dataset` of strings and labels; see `tasks.in_hand.examples_of`.
        eval: such data to choose the best epoch and to score on; None holds out a tenth.
        **settings: those of the command, by its flags' names: `output` (a folder to write),
            `epochs`, `learning_rate`, `seeds`, `freeze`, `text_column`, `labels`, …; see
            `FinetuneSettings`, `FileLayout` and the `Overrides` of the task.

    Returns:
        A tuple: the `Bert`, and the dict of its scores on the evaluation examples.

    Raises:
        InputError: something in the data is wrong, or does not fit.
        Diverged: the weights are not finite any more.
        TypeError: there is no such setting.
    """
    outcome = finetune_runs(start, task, train, eval, **settings)
    return outcome.bert, outcome.scores


@dataclasses.dataclass
class Outcome:
    """What came of fine-tuning.

    Attributes:
        bert: the `Bert` of the best run, in float32.
        scores: dict of its scores on the evaluation examples.
        run: dict of what the best run reports: seed, metrics, best_epoch, epochs, seconds, ….
        runs: list of such, one a seed that did not diverge.
        diverged: list of the seeds that did.
        summary: dict of `mean` and `standard_deviation` of the metrics; {} for one run.
    """

    bert: object
    scores: dict
    run: dict
    runs: list
    diverged: list
    summary: dict


@naming_extras()
def finetune_runs(start, task="classification", train=None, eval=None, **given):
    """Fine-tunes with one or several seeds; see `finetune`.

    Args:
        start, task, train, eval: see `finetune`.
        **given: the settings; beside those of `finetune` `vocab` and `lower_case`, for a start
            that has no vocabulary.

    Returns:
        An `Outcome`.
    """
    call = {"init": start, "task": task, "train": train, "eval": eval, **given}
    task = get_task(task)
    road, settings, layout, overrides = sorted_settings(task, given)
    seeds = seeds_of(settings)
    check_start(start, settings)
    _check_paths(start, road.output, settings, seeds)
    _check_picture(road)
    if settings.strategy != "multi_worker":
        check_free(road.output, road.force)
    train, evaluation, whole = _read(task, train, eval, layout, settings)
    fields = task.model_fields(whole, overrides, settings.length)
    unlabeled = read_unlabeled(task, settings.unlabeled, layout, fields["pair"])
    _check_examples(task, fields, settings, train, evaluation, *unlabeled)
    import_tensorflow_quietly()
    from keras_bert.training.devices import several_devices, writes_files

    # Before the start is loaded: TensorFlow may have done nothing yet where there are workers.
    strategy = several_devices(settings.strategy, settings.batch_size)
    # Of several workers, the one that writes has the lock.
    with locked(road.output if writes_files(strategy) else None, road.force):
        parts = train, evaluation, *unlabeled
        return _runs(call, task, road, settings, fields, seeds, parts, strategy)


def _runs(call, task, road, settings, fields, seeds, parts, strategy):
    """Does the run of each seed and writes the best one; see `finetune_runs`."""
    from keras_bert.training.augmented_texts import augmented_texts
    from keras_bert.training.checkpoints import state_is_kept
    from keras_bert.training.devices import writes_files
    from keras_bert.training.student import student_of
    from keras_bert.training.task_training import discard_state
    from keras_bert.training.teachers import open_teachers, teachers_of
    from keras_bert.training.train_one import train_one

    start, (train, evaluation, *unlabeled) = call["init"], parts
    worker_lost = ()
    if settings.strategy == "multi_worker":
        from keras_bert.training.strategy import WORKER_LOST as worker_lost
    teachers = open_teachers(settings)
    if settings.augment is not None:
        more = augmented_texts(train, settings, variants_file(road.output), strategy, _say)
        unlabeled = [*unlabeled, *([more] if len(more) else [])]
    best, reports, diverged = None, [], []
    for seed in seeds:
        if len(seeds) > 1:
            _say(f"seed {seed}:")
        loaded = _start_of(start, road, seed)
        if settings.student_layers is not None:
            loaded = student_of(teachers.models[0], settings.student_layers, teachers.names[0])
        try:
            found = train_one(
                loaded,
                task,
                fields,
                dataclasses.replace(settings, seed=seed, seeds=None),
                train,
                evaluation,
                state_folder=_state_folder(road.output, settings, seed),
                fingerprint=_fingerprint(call, settings, seed, (train, evaluation, *unlabeled)),
                tensorboard=_tensorboard_folder(settings, seed),
                notes=loaded.notes if loaded is not start else (),
                say=_say,
                strategy=strategy,
                teachers=teachers_of(teachers, loaded, settings, _say),
                unlabeled=unlabeled,
            )
        except Diverged as error:
            if len(seeds) == 1:
                raise
            _say(f"seed {seed}: {error}")
            diverged.append(seed)
            continue
        except worker_lost as error:
            again = f"another worker was lost: start all of them again, with {name_of('resume')}"
            report = {"output": road.output, "error": str(error).splitlines()[0]}
            raise CheckFailed(again, report, []) from None
        if found.collapsed:
            _say(
                f"seed {seed}: the run collapsed: its answer is the same for every example: try "
                f"another seed, a longer {name_of('warmup')} or a lower {name_of('learning_rate')}"
            )
        reports.append(found.report)
        if best is None or found.score > best.score:
            best = found
    if best is None:
        rate = settings.learning_rate
        raise InputError("all seeds diverged, try a lower one", "learning_rate", rate)
    over_all = summary(reports, task.metrics(best.bert.config))
    best.bert.card = finetuned_card(best, call, settings, parts, over_all)
    if road.output is not None and writes_files(strategy):
        with state_is_kept():
            best.bert.save(road.output)
        for seed in seeds:
            discard_state(_state_folder(road.output, settings, seed))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(variants_file(road.output))
    if road.picture is not None and writes_files(strategy):
        from keras_bert.training.epoch_curves import draw_epochs

        draw_epochs(road.picture, reports, best.report, best.metric)
    return Outcome(best.bert, best.scores, best.report, reports, diverged, over_all)


def _check_paths(start, output, settings, seeds):
    if output is None:
        return
    for path in (start, *teacher_paths(settings.teacher)):
        if isinstance(path, (str, os.PathLike)):
            check_not_input(output, path)
    check_replaceable(output, is_replaceable)
    for seed in seeds:
        check_replaceable(_state_folder(output, settings, seed), os.path.isdir)
    if settings.augment is not None:
        check_file_replaceable(variants_file(output))


def _check_picture(road):
    check_picture(road.picture)
    if road.picture is not None and road.output is not None:
        folder = os.path.realpath(road.output)
        if os.path.commonpath([folder, os.path.realpath(road.picture)]) == folder:
            reason = f"is inside of {name_of('output')}, which holds the model only: name another"
            raise InputError(reason, "picture", road.picture)


def _read(task, train, evaluation, layout, settings):
    """Returns the examples to train on, those to score on, and all those of the training data."""
    if train is None:
        raise InputError("no data to train on: give a path, or (texts, labels)")
    # The labels are those of the whole file: a rare one may fall into the held-out part alone.
    whole = examples_of(task, train, layout)
    if evaluation is not None:
        return whole, examples_of(task, evaluation, layout.for_scoring()), whole
    held_out, rest = hold_out(whole, settings.eval_fraction, settings.seed)
    _say_missing_labels(held_out, whole)
    return rest, held_out, whole


def _say_missing_labels(held_out, whole):
    """Says which labels the held-out examples lack, so that scores on them say nothing of these."""
    labels = getattr(whole, "labels", None)
    if not labels or not all(isinstance(label, str) for label in labels):
        return
    missing = sorted(set(labels) - set(held_out.labels))
    if missing:
        note(
            f"the {counted(len(held_out), 'example')} held out for scores have none of "
            f"{some(missing)}: give {name_of('eval')} or another {name_of('eval_fraction')}",
            place=whole.path,
        )


def _check_examples(task, fields, settings, *parts):
    # Before anything heavy is imported, so that a bad row is reported in a second.
    described = {
        "labels": (), "file_labels": (), "pair": None, "settings": {},
        "max_length": settings.length,
    }  # fmt: skip
    described = types.SimpleNamespace(**{**described, **fields})
    for examples in parts:
        task.check(examples, described)
    if settings.class_weight is not None:
        class_weights(settings.class_weight, [0], described)
    if settings.tensorboard:
        # TensorFlow does not bring it along any more; better reported now than after an epoch.
        import tensorboard  # noqa: F401

        os.makedirs(settings.tensorboard, exist_ok=True)  # or Keras fails at the first epoch


def _start_of(start, road, seed):
    """Returns the `Bert` to start from; what it draws at random is a function of the seed."""
    if start is None or not isinstance(start, (str, os.PathLike)):
        return start
    import keras

    from keras_bert.loading import load

    keras.utils.set_random_seed(seed)
    return load(start, vocabulary=road.vocab, lower_case=road.lower_case)


def _state_folder(output, settings, seed):
    if output is None:
        return None
    folder = os.path.abspath(output) + ".training"
    return folder if settings.seeds is None else f"{folder}.{seed}"


def variants_file(output):
    """Returns the path of the variants that a run keeps, or None; see `augmented_texts`."""
    return None if output is None else os.path.abspath(output) + ".variants.jsonl"


def _tensorboard_folder(settings, seed):
    folder = settings.tensorboard
    return folder if folder is None or settings.seeds is None else f"{folder}/seed_{seed}"


def _fingerprint(call, settings, seed, parts):
    """Names a run: its settings, but for those that do not change the weights, and its data."""
    kept = {n: repr(v) for n, v in call.items() if n not in (*_FREE, "output", "train", "eval")}
    kept["init"] = str(call["init"]) if isinstance(call["init"], (str, os.PathLike)) else "a Bert"
    digest = hashlib.sha256(json.dumps({**kept, "seed": seed}, sort_keys=True).encode())
    for examples in parts:
        read = {name: value for name, value in vars(examples).items() if name != "path"}
        digest.update(repr(read).encode())
    return digest.hexdigest()


def _say(line):
    print(line, file=sys.stderr)
