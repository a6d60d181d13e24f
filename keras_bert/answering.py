"""Answers of a model in any format for a text, a pair of texts, or a file of texts."""

import dataclasses
import itertools
import os

from keras_bert.errors import InputError, name_of
from keras_bert.evaluation import TASK_HELP, WINDOWS_HELP
from keras_bert.files import check_file_replaceable, check_not_input, check_path, replacing_file
from keras_bert.guesses import counted, guess
from keras_bert.opening import check_task, open_model, open_with_examples, require_task
from keras_bert.predictor import check_windows
from keras_bert.settings import check_settings, setting
from keras_bert.table_files import ENDINGS, one_line, write_lines, write_table
from keras_bert.tasks.decoding import MOST_BYTES, decoded_lines
from keras_bert.tasks.registry import NAMES

_STDIN = "-"
# A browser is slow with more, and nobody reads them.
_MOST_ON_A_PAGE = 2000


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictSettings:
    """What `predict` takes beside the model."""

    text: list | None = setting(None, "the text; repeat it for several texts", repeated=True)
    text_b: list | None = setting(
        None,
        "the second text of a pair, or the passage of a question: one for each text, or one for "
        "all",
        repeated=True,
    )
    input: str | None = setting(
        None,
        "file of texts, as for training, labels are not needed; - for standard input, each line "
        "of it a text",
        is_path=True,
    )
    output: str | None = setting(
        None, "file to write: .csv, .tsv or .jsonl (default: print)", is_path=True
    )
    html: str | None = setting(
        None, "page to write: entities and answers marked, labels with bars", is_path=True
    )
    submission: bool = setting(
        False,
        "write --output in the format of the benchmark's site or script; a folder (DIR/) gets a "
        "file with the name that it expects",
    )
    task: str | None = setting(None, TASK_HELP, choices=NAMES)
    windows: bool | None = setting(None, WINDOWS_HELP)

    def __post_init__(self):
        for name in ("text", "text_b"):
            texts = getattr(self, name)
            if isinstance(texts, str):
                texts = [texts]
                object.__setattr__(self, name, texts)
            if any(isinstance(text, str) and not text.strip() for text in texts or ()):
                raise InputError(f"{name_of(name)} is empty")
        check_settings(self)
        if (self.text is None) == (self.input is None):
            raise InputError(f"give either {name_of('text')} or {name_of('input')}")
        if self.output is None and self.submission:
            raise InputError(f"give the file to write as {name_of('output')}", "submission")

    @property
    def names_folder(self):
        """Whether the output is a folder, to hold a file with the benchmark's name."""
        return self.submission and (self.output.endswith(os.sep) or os.path.isdir(self.output))


def predict(model, layout=None, **settings):
    """Answers for a text, or for a file of texts; for lists of texts see `Predictor.predict`.

    Args:
        model: path of a model in any format, the name of a shipped one, or a `Predictor`.
        layout: `FileLayout` of the input file; None for its defaults.
        **settings: of `PredictSettings`: `text`, `text_b`, `input`, `output`, `html`, `submission`,
            `task`.

    Returns:
        A tuple: a dict with `predictions`, or with `output` and `html` the files written and the
        `count` of answers in them; and the lines that `keras-bert predict` prints of it.

    Raises:
        InputError: a file is broken, or does not fit the model.
    """
    settings = PredictSettings(**settings)
    output = settings.output
    if output is not None:
        if not settings.submission and not output.endswith(ENDINGS):
            raise InputError(f"{output}: the output's name must end in .csv, .tsv or .jsonl")
        if settings.input not in (None, _STDIN):
            check_not_input(output, settings.input)
        if not settings.names_folder:
            check_file_replaceable(output)
    _check_page(settings)
    model, task, examples = _open(model, settings, layout)
    if settings.windows is not None:
        check_windows(task)
    if output is not None and settings.names_folder:
        output = os.path.join(output, task.submission_file(examples))
        check_file_replaceable(output)
    answers = model.answers(examples, windows=settings.windows)
    asked = task.asked_fields(examples)
    written, lines = {}, []
    if settings.html is not None:
        write_page(settings.html, answers, examples, task, model.config)
        written = {"html": settings.html, "count": len(answers)}
        lines = [f"{counted(len(answers), 'answer')}: {settings.html}"]
    if output is None and written:
        return written, lines
    if output is None:
        # Only the first input field is printed: a passage would fill the screen.
        lines = [
            "\t".join([task.answer_line(answer), *map(one_line, list(fields.values())[:1])])
            for fields, answer in zip(asked, answers)
        ]
        return {"predictions": [{**a, **b} for a, b in zip(asked, answers)]}, lines
    if settings.submission:
        text = task.submission(answers, examples, model.config)
        with replacing_file(output) as temporary, open(temporary, "wb") as file:
            file.write(text.encode())
    else:
        write_answers(output, asked, answers, task, model.config)
    result = {"output": output, "count": len(answers), **written}
    return result, [f"{counted(len(answers), 'answer')}: {output}", *lines]


def _check_page(settings):
    if settings.html is None:
        return
    if not settings.html.endswith(".html"):
        raise InputError(f"{settings.html}: the name of {name_of('html')} must end in .html")
    if settings.input is not None:
        check_not_input(settings.html, settings.input)
    check_file_replaceable(settings.html)


def write_page(path, answers, examples, task, config):
    """Writes answers as one HTML page; of very many the first.

    Args:
        path: the file.
        answers: list of dict.
        examples: the examples that they answer.
        task: the `Task`.
        config: `ModelConfig` of the model that answered.
    """
    from keras_bert.pictures.answers_page import answers_page

    count = min(len(answers), _MOST_ON_A_PAGE)
    if count < len(answers):
        guess(f"{path}: shows the first {count:,} of {len(answers):,} answers")
    marked = task.marked(answers[:count], examples.take(range(count)), config)
    note = f"{count:,} answers, {task.name}"
    with replacing_file(path) as temporary, open(temporary, "wb") as file:
        text = answers_page(marked, os.path.basename(examples.path), note)
        file.write(text.encode("utf-8", "replace"))


def write_answers(path, asked, answers, task, config):
    """Writes answers together with their inputs.

    Args:
        path: a .jsonl, .csv or .tsv file.
        asked: list of dict, the result of the task's `asked_fields`.
        answers: list of dict, the answers to them.
        task: the `Task`.
        config: `ModelConfig` of the model that answered.
    """
    records = [{**fields, **answer} for fields, answer in zip(asked, answers)]
    if path.endswith(".jsonl"):
        write_lines(path, records)
        return
    names = list(dict.fromkeys(itertools.chain(*asked)))
    rows = [[*names, *task.columns(config)]]
    for record in records:
        fields = [record.get(name, "") for name in names]
        rows.append([*fields, *task.cells(record, config)])
    write_table(path, rows)


def _open(model, settings, layout):
    """Returns the model, its task, and the examples to answer."""
    if settings.input not in (None, _STDIN):
        check_path(settings.input)
        return open_with_examples(model, settings.input, settings.task, layout, labelled=False)
    model = require_task(open_model(model), model)
    check_task(model, settings.task)
    texts, texts_b = settings.text or _lines_of_stdin(), settings.text_b
    if texts_b is not None and len(texts_b) == 1:
        texts_b = texts_b * len(texts)
    if texts_b is not None and len(texts_b) != len(texts):
        numbers = f"{len(texts_b)} for {len(texts)} of {name_of('text')}"
        raise InputError(f"{numbers}: give one for each, or one for all", "text_b")
    try:
        examples = model.task.examples_from(texts, texts_b)
        model.task.check(examples, model.config)
    except InputError as error:
        # "text 2: …" where there are several.
        is_one = settings.text is not None and len(texts) == 1
        raise error.about(name_of("text")) if is_one else error from None
    return model, model.task, examples


def _lines_of_stdin():
    """Returns the lines of standard input that are not blank."""
    lines = [line.rstrip("\r\n") for line in decoded_lines("/dev/stdin", MOST_BYTES)]
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise InputError("standard input has no text")
    if lines[0].lstrip().startswith("{"):
        table = name_of("input", "/dev/stdin")
        raise InputError(f"standard input is JSON, not a text a line: {table} reads it as a file")
    return lines
