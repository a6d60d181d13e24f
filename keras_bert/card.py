"""The model card that stands in every model folder as README.md."""

import os
import shlex

_CAPITALS = "The segment_ids are 1 for words with a capital letter."
_MOST_LABELS = 50


def model_card(
    bert,
    *,
    title=None,
    how=None,
    uses=None,
    notes=None,
    data=(),
    score_lines=(),
    scores="",
    selection="",
    command=None,
    base=None,
    licence=None,
):
    """Returns the text of a model's card; what is not known is left out.

    Args:
        bert: `Bert`.
        title: heading; None takes what the task calls its models, and the labels.
        how: how it came to be, to follow on its size: "fine-tuned with keras-bert for glue/mrpc".
        uses: list of commands; None takes those of the task.
        notes: list of sentences on its use; None takes what the task says of long texts.
        data: list of str, what it was trained and scored on, one a line.
        score_lines: list of str, the printed scores.
        scores: Markdown, scores as a table.
        selection: what to know of the scores: "The best of 3 epochs by accuracy, …".
        command: str, the command or the Python call that made it.
        base: what its weights derive from, beside the data.
        licence: a sentence in place of the one that says that none is set.
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
    if notes is None:
        notes = [] if task is None else [task.length_note.format(config.max_length)]
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
    for name, paragraphs in sections:
        if paragraphs:
            blocks += [f"## {name}", *paragraphs]
    return "\n\n".join(blocks) + "\n"


def command_line(verb, settings, paths=()):
    """Returns the command of a verb, for a card.

    Args:
        verb: str.
        settings: dict from names to values, such as `changed_settings` returns.
        paths: names of those of which the last part is shown, for a card is read elsewhere.
    """
    flags = []
    for name in sorted(settings):
        value = settings[name]
        if value is True or value is False:
            flags.append(f"--{name}" if value else f"--no{name}")
            continue
        if name in paths:
            value = os.path.basename(os.path.normpath(value))
        value = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        flags.append(f"--{name}={shlex.quote(value) if value != '…' else value}")
    return " ".join(["keras-bert", verb, *flags])


def seeds_table(mean, standard_deviation, seed):
    """Returns what several runs of other seeds scored, as Markdown.

    Args:
        mean, standard_deviation: dicts of floats by the names of the scores.
        seed: that of the run whose model this is.
    """
    rows = [f"| {name} | {mean[name]:.4f} | {standard_deviation[name]:.4f} |" for name in mean]
    return "\n".join(
        [
            f"This is the best of several runs, that of seed {seed}. Over all of them:",
            "",
            "| | mean | standard deviation |",
            "|---|---|---|",
            *rows,
        ]
    )


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
