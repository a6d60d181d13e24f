"""What a borrowed GPU is used for: commands of `keras-bert`, what each needs, what is kept.

`run.py` replaces {data} by the folder that was packed and {runs} by the folder of the models.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        name: of the command and of its model folder.
        arguments: of `keras-bert`, without --output.
        needs: names of the commands whose models it starts from or learns from.
        beside: name of another command; it ends when that one does.
        keep: whether its model is sent back.
    """

    name: str
    arguments: tuple
    needs: tuple = ()
    beside: str = ""
    keep: bool = False


def _finetune(name, task, train, dev, init, seed, *flags, **fields):
    return Command(
        name,
        (
            "finetune", f"--task={task}", f"--train={{data}}/{train}", f"--eval={{data}}/{dev}",
            f"--init={init}", f"--seed={seed}", "--json", *flags,
        ),
        **fields,
    )  # fmt: skip


def _squad(name, seed, *flags, init="{runs}/mlm", **fields):
    return _finetune(
        name, "squad1", "squad_train.json.gz", "squad_dev.json.gz", init, seed,
        "--learning_rate=2e-4", "--epochs=2", "--length=384", "--batch_size=48", "--dropout=0.1",
        *flags, **fields,
    )  # fmt: skip


def _sst2(name, seed, *flags, init="{runs}/mlm", **fields):
    return _finetune(
        name, "glue/sst2", "sst2_train.tsv.gz", "sst2_dev.tsv", init, seed,
        "--learning_rate=1e-4", "--epochs=3", "--length=64", "--batch_size=64", "--pooling=mean",
        "--dropout=0.1", *flags, **fields,
    )  # fmt: skip


def plan(mlm_steps):
    """Returns the commands, in the order in which they are to start.

    Args:
        mlm_steps: steps of 256 rows of 384 tokens of the masked-LM training.
    """
    teachers = tuple(f"squad_{seed}" for seed in range(3))
    ensemble = tuple(f"sst2_{seed}" for seed in range(5))
    return (
        Command(
            "mlm",
            (
                "pretrain", "--init={data}/minilm", "--records={data}/records",
                f"--steps={mlm_steps}", "--batch_size=256", "--learning_rate=5e-4",
                "--warmup=0.06", "--weight_decay=1e-5", "--dropout=0", "--whole_word", "--json",
            ),
            keep=True,
        ),
        # Programs for each shape are compiled meanwhile, which take a minute; rate and number of
        # steps are constants in them, so these are the commands below, from another start.
        _squad("squad_compiled", 0, init="{data}/minilm", beside="mlm"),
        _sst2("sst2_compiled", 0, init="{data}/minilm", beside="mlm"),
        *(_squad(name, seed, needs=("mlm",)) for seed, name in enumerate(teachers)),
        *(_sst2(name, seed, needs=("mlm",)) for seed, name in enumerate(ensemble)),
        _squad(
            "squad", 10, _teachers(teachers), "--label_weight=0.3", needs=("mlm", *teachers),
            keep=True,
        ),
        _sst2(
            "sst2", 10, _teachers(ensemble), "--label_weight=0.3", needs=("mlm", *ensemble),
            keep=True,
        ),
    )  # fmt: skip


def _teachers(names):
    return "--teacher=" + ",".join(f"{{runs}}/{name}" for name in names)
