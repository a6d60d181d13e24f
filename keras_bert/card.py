"""The model card, the README.md of every model folder."""

import os
import shlex

from keras_bert.settings import shown_path

_CAPITALS = "The segment_ids are 1 for words with a capital letter."
_MOST_LABELS = 50


def model_card(
    bert,
    *,
    title=None,
    how=None,
    uses=None,
    data=(),
    score_lines=(),
    scores="",
    selection="",
    command=None,
    base=None,
    licence=None,
):
    """Returns the text of a model's card; unknown parts are left out.

    Args:
        bert: `Bert`.
        title: heading; None uses the task's title and the labels.
        how: how it was made, after its size: "fine-tuned with keras-bert for glue/mrpc".
        uses: list of commands; None uses those of the task.
        data: list of str, the data that it was trained and scored on, each on one line.
        score_lines: list of str, the printed scores.
        scores: Markdown, scores as a table.
        selection: a sentence on the scores: "The best of 3 epochs by accuracy, …".
        command: str, the command or the Python call that made it.
        base: the model from which its weights derive.
        licence: a sentence in place of the default, that no licence is set.
    """
    encoder, task, config = bert.config.encoder, bert.task, bert.config
    size = (
        f"A BERT of {encoder.num_hidden_layers} layers, {encoder.hidden_size} wide, "
        f"{bert.model.count_params():,} parameters"
    )
    if title is None:
        title = "BERT encoder" if task is None else task.title
        if config.labels:
            title += f": {', '.join(config.labels[:_MOST_LABELS])}"
    if uses is None:
        uses = [] if task is None else _uses(task)
    notes = [] if task is None else [_length_note(task, config)]
    notes += [_CAPITALS] if config.settings.get("mark_capitals") else []
    use = [_code(uses)] * bool(uses) + [" ".join(notes)] * bool(notes)
    printed = ["\n".join(["```", *score_lines, "```"])] if score_lines else []
    sections = [
        ("Use", use),
        ("Data", ["\n".join(f"- {line}" for line in data)] * bool(data)),
        ("Scores", [*printed, *filter(None, (selection, scores))]),
        ("Command", [_code([command])] * (command is not None)),
        ("Licence", [licence or _licence(base, data)]),
    ]
    blocks = [f"# {title}", f"{size}{f', {how}' if how else ''}."]
    if config.pruned:
        blocks.append(
            f"Its vocabulary has {config.encoder.vocab_size:,} of {config.pruned['from_size']:,} "
            f"tokens: those that `{config.pruned['corpus']}` uses most, and all single characters."
        )
    for name, paragraphs in sections:
        if paragraphs:
            blocks += [f"## {name}", *paragraphs]
    return "\n\n".join(blocks) + "\n"


def command_line(verb, settings, paths=()):
    """Returns the command of a verb, for a card.

    Args:
        verb: str.
        settings: dict from names to values, such as `changed_settings` returns.
        paths: names of the paths; see `shown_path`.
    """
    flags = []
    for name in sorted(settings):
        value = settings[name]
        if value is True or value is False:
            flags.append(f"--{name}" if value else f"--no{name}")
            continue
        if name in paths:
            value = shown_path(value)
        value = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        flags.append(f"--{name}={shlex.quote(value) if value != '…' else value}")
    return " ".join(["keras-bert", verb, *flags])


def seeds_table(mean, standard_deviation, seed):
    """Returns the scores of several runs with different seeds, as Markdown.

    Args:
        mean, standard_deviation: dicts of floats by the names of the scores.
        seed: the seed of this model's run.
    """
    rows = [f"| {name} | {mean[name]:.4f} | {standard_deviation[name]:.4f} |" for name in mean]
    return "\n".join(
        [
            f"This is the best of several runs, with seed {seed}. Over all runs:",
            "",
            "| | mean | standard deviation |",
            "|---|---|---|",
            *rows,
        ]
    )


def _length_note(task, config):
    if config.windows:
        return (
            f"Texts of more than {config.max_length} tokens are read in overlapping windows, whose "
            f"outputs are pooled (the mean of the logits)."
        )
    return task.length_note.format(config.max_length)


def _uses(task):
    return [
        f"keras-bert predict --model=. {task.usage}",
        "keras-bert export --model=. --format=tflite --quantize=dynamic --output=model.tflite",
    ]


def _code(lines):
    return "\n".join(f"    {line}" for line in lines)


def _licence(base, data):
    sources = [f"`{os.path.basename(os.path.normpath(base))}`"] if base else []
    sources += ["the data above"] if data else []
    if not sources:
        return "Not set."
    return f"Not set. The weights derive from {' and from '.join(sources)}: their licences apply."
