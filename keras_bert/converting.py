"""Converts any format to a model folder, and a model folder to another format."""

import dataclasses
import importlib
import itertools
import os

from keras_bert.card import command_line, model_card
from keras_bert.errors import InputError, name_of
from keras_bert.files import check_not_input
from keras_bert.globs import find_files
from keras_bert.model_folder import is_model_folder
from keras_bert.opening import load_bert
from keras_bert.settings import REQUIRED, check_settings, setting, shown_path
from keras_bert.tasks.plain_texts import texts_of_files

FORMATS = ("keras_bert", "huggingface", "google", "keras_hub")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConvertSettings:
    """What `convert` takes."""

    from_: str = setting(
        REQUIRED,
        "Hugging Face folder, Google checkpoint, keras-hub preset folder, or model folder",
        is_path=True,
    )
    output: str = setting(REQUIRED, "the folder to write", is_path=True)
    to: str = setting("keras_bert", "format to write", choices=FORMATS)
    vocab: str | None = setting(None, "vocabulary, where --from has none", is_path=True)
    lower_case: bool | None = setting(
        None, "whether text is lower-cased (default: as the checkpoint states)"
    )
    pair: bool | None = setting(
        None, "whether a classifier takes pairs of texts (default: both are accepted)"
    )
    null_answers: bool | None = setting(
        None,
        "whether a question may have no answer in its passage, as in SQuAD 2 (default: it always "
        "has one)",
    )
    num_choices: int | None = setting(
        None, "number of choices of a multiple-choice model, where --from does not state it"
    )
    labels: list | None = setting(
        None,
        "names of the classes or tags, in order, where --from has none but LABEL_0, LABEL_1, …",
    )
    pretraining: bool = setting(
        False, "keep the masked-LM head, for fill-mask and for more pretraining"
    )
    prune_vocabulary: int | None = setting(
        None,
        "keep so many tokens and their rows of the word table: those that --corpus uses most, and "
        "all single characters; fine-tune after it",
        low=10,
    )
    corpus: str | None = setting(
        None,
        "texts that decide which tokens stay: globs with commas between them, of plain text, CSV, "
        "TSV, JSON (their text columns are read) or CoNLL",
        is_path=True,
    )

    def __post_init__(self):
        check_settings(self)
        for name, other in itertools.permutations(("prune_vocabulary", "corpus")):
            if getattr(self, name) is not None and getattr(self, other) is None:
                raise InputError(f"{name_of(name)} needs {name_of(other)}")


def convert(**settings):
    """Writes a model in a format.

    Args:
        **settings: of `ConvertSettings`: `from_`, `output`, `to`, ….

    Returns:
        A dict: `output`, `format`, `parameters`, `task` and `notes`, what a user should know; with
        `prune_vocabulary` also `pruned`, the dict of `pruning.prune_vocabulary`.

    Raises:
        InputError: the checkpoint is broken, or that format cannot hold it.
    """
    settings = ConvertSettings(**settings)
    check_not_input(settings.output, settings.from_)
    # Before the weights are loaded: a wrong name is reported at once.
    corpus = None if settings.corpus is None else find_files(settings.corpus)
    bert = _loaded(settings)
    notes, pruned = list(bert.notes), {}
    if corpus is not None:
        from keras_bert.pruning import prune_vocabulary

        texts = texts_of_files(corpus)
        name = shown_corpus(settings.corpus)
        bert, pruned["pruned"] = prune_vocabulary(bert, settings.prune_vocabulary, texts, name)
    if settings.to == "keras_bert":
        bert.save(settings.output, _card(settings, bert))
    else:
        bert, more = _without_what_others_lack(bert, settings.to)
        writer = importlib.import_module(f"keras_bert.checkpoints.{settings.to}")
        notes += more
        notes += writer.save(
            settings.output,
            bert.config.encoder,
            _weights(bert),
            bert.tokenizer.vocabulary,
            bert.tokenizer.get_config(),
            labels=list(bert.config.labels) or None,
            settings=bert.config.settings,
            task=bert.config.task if bert.task is not None else None,
            **({"with_tokenizer_json": True} if settings.to == "huggingface" else {}),
        )
    return {
        "output": settings.output,
        "format": settings.to,
        "parameters": bert.model.count_params(),
        "task": bert.config.task,
        "notes": notes,
        **pruned,
    }


def shown_corpus(globs):
    """Returns the globs of a corpus as a card and a config show them; see `shown_path`."""
    return ",".join(shown_path(part.strip()) for part in globs.split(",") if part.strip())


def _loaded(settings):
    """Returns the `Bert` to write, with the settings of its head."""
    source = settings.from_
    ours = is_model_folder(source)
    stated = {} if ours else {"labels": settings.labels, "num_choices": settings.num_choices}
    if ours and settings.num_choices is not None:
        reason = f"{source} is no multiple-choice model of another format"
        raise InputError(reason, "num_choices")
    bert = load_bert(
        source,
        vocabulary=settings.vocab,
        lower_case=settings.lower_case,
        pretraining=settings.pretraining,
        **stated,
    )
    if ours and settings.labels is not None:
        bert.config = _renamed(bert.config, settings.labels)
    if settings.pair is not None and bert.task is not None and bert.task.of_texts:
        bert.config = dataclasses.replace(bert.config, pair=settings.pair)
    if settings.null_answers is not None:
        if bert.config.task != "question_answering":
            raise InputError(f"{source} is no question answerer", "null_answers")
        changed = {**bert.config.settings, "null_answers": settings.null_answers}
        bert.config = dataclasses.replace(bert.config, settings=changed)
    return bert


def _renamed(config, labels):
    if len(labels) != len(config.labels):
        count = len(config.labels)
        raise InputError(f"{len(labels)} names for {count} classes or tags", "labels", labels)
    return dataclasses.replace(config, labels=tuple(labels))


def _without_what_others_lack(bert, to):
    """Returns the model without the parts that another format cannot hold, and notes on them."""
    from keras_bert.bert import Bert

    notes = []
    if bert.config.pooling != "cls" and bert.task is not None:
        notes.append(f"{to} has no head on the mean of the tokens: only the encoder")
        config = dataclasses.replace(
            bert.config,
            task=None,
            labels=(),
            file_labels=(),
            settings={},
            pooling="cls",
            benchmark="",
        )
        bert = Bert.from_config(config, bert.encoder, bert.tokenizer)
    if bert.config.settings.get("mark_capitals"):
        notes.append("the model needs segment_ids of 1 for words with a capital: pass them to it")
    return bert, notes


def _weights(bert):
    """Returns the weights for the writers, so that the outputs need none of our settings."""
    from keras_bert.checkpoints import names
    from keras_bert.checkpoints.writing import with_scale

    weights = names.arrays(names.variables_of(bert.model))
    if bert.config.task != "regression":
        return weights
    settings = bert.config.settings
    return with_scale(weights, settings["mean"], settings["scale"])


def _card(settings, bert):
    name = os.path.basename(os.path.normpath(settings.from_))
    flags = {"from": name, "output": "…"}
    if settings.corpus is not None:
        flags["prune_vocabulary"] = settings.prune_vocabulary
        flags["corpus"] = shown_corpus(settings.corpus)
    return model_card(
        bert,
        title=name,
        how=f"converted from `{name}`",
        command=command_line("convert", flags),
        licence=f"Its data, scores and licence are those of `{name}`.",
    )
