"""One run of fine-tuning for a task: from a start and examples to a `Bert` that answers."""

import dataclasses
import os

from keras_bert.bert import Bert
from keras_bert.errors import name_of
from keras_bert.models.lora import trainable_share
from keras_bert.training.quantize_aware import field_of, lines_of
from keras_bert.training.task_training import TaskTraining, config_for


@dataclasses.dataclass
class Run:
    """What came of one run.

    Attributes:
        bert: the trained `Bert`, in float32.
        scores: dict of its scores on the evaluation examples.
        metric: name of the score that decided.
        report: dict for the user: seed, metrics, labels, best_epoch, epochs, seconds, dtype_policy.
        collapsed: whether it answers the same to every example, and should not.
    """

    bert: Bert
    scores: dict
    metric: str
    report: dict
    collapsed: bool

    @property
    def score(self):
        return self.scores[self.metric]


def train_one(
    start, task, fields, settings, train, evaluation, state_folder=None, fingerprint="",
    tensorboard=None, notes=(), say=print, strategy=None, teachers=None, unlabeled=(),
):  # fmt: skip
    """Does one run.

    Args:
        start: `Bert` to start from.
        task: `Task`.
        fields: what the task's `model_fields` made of the examples to train on.
        settings: `FinetuneSettings`; of its seeds only `seed` is used.
        train, evaluation: the task's examples.
        state_folder, fingerprint, tensorboard: see `TaskTraining.train`.
        notes: lines for the user on the start, said once its settings are known to be good.
        say: function that takes a line for the user.
        strategy, teachers: see `TaskTraining`.
        unlabeled: list of examples without labels; see `TaskTraining.train`.

    Returns:
        A `Run`.
    """
    pooling = settings.pooling
    if pooling is None:
        pooling = start.config.pooling if task.of_texts else "cls"
        if pooling != "cls" and start.task is None:
            say(
                f"the start pools by the mean of its tokens, and so does this model: "
                f"{name_of('pooling', 'cls')} would take [CLS]"
            )
    config = config_for(
        task, start, settings.length, fields, pooling, settings.dropout, settings.windows,
        field_of(settings),
    )  # fmt: skip
    rates = (config.encoder.hidden_dropout_prob, config.encoder.attention_probs_dropout_prob)
    if settings.dropout is None and not any(rates):
        # What `pretrain --dropout=0` leaves, and BERT's appendix A.3 keeps 0.1 in fine-tuning.
        say(f"the start has no dropout, so this run has none: {name_of('dropout', 0.1)} is BERT's")
    if state_folder and os.path.exists(state_folder) and not settings.resume:
        say(f"starting anew: {name_of('resume')} would go on with the run that was killed")
    trainer = TaskTraining(
        start, config, settings, settings.precision, settings.freeze, settings.metric, strategy,
        settings.lora_rank, teachers,
    )  # fmt: skip
    for note in notes:
        say(note)
    if settings.freeze or settings.lora_rank:
        trained, total = trainable_share(trainer.model)
        say(f"{trained:,} of {total:,} parameters are trained ({trained / total:.2%})")
    if config.quantize_aware:
        for line in lines_of(config.quantize_aware, len(train)):
            say(line)
    outcome = trainer.train(
        train, evaluation, state_folder, fingerprint, settings.resume, tensorboard, unlabeled, say
    )
    if trainer.skipped:
        say(f"{train.path}: {trainer.skipped} examples have nothing to learn from: left out")
    if len(outcome["history"]) < settings.epochs:
        done = len(outcome["history"])
        say(
            f"ended after epoch {done} of {settings.epochs}: {settings.patience} without a better "
            f"{trainer.metrics[0]} than in epoch {outcome['best_epoch']}, whose weights stay"
        )
    bert, answers, scores = trainer.finished(evaluation)
    report = {
        "seed": settings.seed,
        **{name: scores[name] for name in task.metrics(config)},
        **({"labels": list(config.labels)} if config.labels else {}),
        "best_epoch": outcome["best_epoch"],
        "epochs": outcome["history"],
        **({"class_weight": trainer.label_weights} if trainer.label_weights else {}),
        "seconds": round(outcome["seconds"], 1),
        "dtype_policy": trainer.policy,
    }
    if teachers is not None:
        report["teacher"] = {
            "models": teachers.names,
            "label_weight": teachers.label_weight,
            "temperature": teachers.temperature,
            "unlabeled": sum(map(len, unlabeled)),
        }
    if config.quantize_aware:
        in_float = {name: trainer.float_scores[name] for name in task.metrics(config)}
        report |= {"quantize_aware": config.quantize_aware, "in_float32": in_float}
    # One answer to everything may be right, where the file has no other.
    collapsed = scores.get("accuracy") != 1 and task.collapsed(answers, bert.config)
    return Run(bert, scores, trainer.metrics[0], report, collapsed)
