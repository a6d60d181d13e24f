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
        share: the most of the whole time that it may take; then it is asked to save and end.
        keep: whether its model is sent back.
    """

    name: str
    arguments: tuple
    needs: tuple = ()
    share: float = 1.0
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


def _squad(name, seed, rate, *flags, **fields):
    return _finetune(
        name, "squad1", "squad_train.json.gz", "squad_dev.json.gz", "{runs}/mlm", seed,
        f"--learning_rate={rate}", "--length=384", "--batch_size=48", "--dropout=0.1", *flags,
        **fields,
    )  # fmt: skip


def _sst2(name, seed, rate, *flags, **fields):
    return _finetune(
        name, "glue/sst2", "sst2_train.tsv.gz", "sst2_dev.tsv", "{runs}/mlm", seed,
        f"--learning_rate={rate}", "--length=64", "--batch_size=64", "--pooling=mean",
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
            share=0.45,
            keep=True,
        ),
        *(
            _squad(name, seed, rate, "--epochs=2", needs=("mlm",), share=0.5)
            for seed, (name, rate) in enumerate(zip(teachers, ("1.2e-4", "2e-4", "3e-4")))
        ),
        *(
            _sst2(name, seed, rate, "--epochs=3", needs=("mlm",), share=0.5)
            for seed, (name, rate) in enumerate(zip(ensemble, ("1e-4", "7e-5", "1.5e-4") * 2))
        ),
        _squad(
            "squad", 10, "2e-4", "--epochs=2", _teachers(teachers), "--label_weight=0.3",
            needs=teachers, keep=True,
        ),
        _sst2(
            "sst2", 10, "1e-4", "--epochs=5", _teachers(ensemble), "--label_weight=0.3",
            needs=ensemble, keep=True,
        ),
    )  # fmt: skip


def _teachers(names):
    return "--teacher=" + ",".join(f"{{runs}}/{name}" for name in names)
