"""Says how many texts are longer than the rows of a model, so that a part of them is not read."""

from keras_bert.errors import name_of
from keras_bert.guesses import guess, note


def report_cut(task, rows, examples, config, can_ask=True, is_asked=False, trains=False):
    """Reports in one line how many examples are cut, and what reads them whole.

    Args:
        task: `Task`.
        rows: the `Rows` of the examples.
        examples: the task's examples.
        config: `ModelConfig`.
        can_ask: whether there is a setting `windows` that would read them whole.
        is_asked: whether the user has said that texts are not to be read in windows.
        trains: whether the model is in training, so that its length can still be chosen.

    Raises:
        Guess: guesses are errors, and there are such texts.
    """
    if not rows.cut:
        return
    say = note if is_asked else guess
    if config.windows:
        half = f"half of the {config.max_length} tokens"
        reason = f"of {rows.cut} of {len(examples)} pairs the shorter text is cut to {half}"
        guess(reason, place=examples.path)
        return
    verb = "is" if rows.cut == 1 else "are"
    fixes = []
    if trains and config.max_length < config.encoder.max_position_embeddings:
        fixes.append(name_of("length", "N"))
    if task.reads_windows and can_ask:
        fixes.append(name_of("windows", True))
    say(
        f"{rows.cut} of {len(examples)} texts {verb} longer than {config.max_length} tokens and "
        f"{verb} cut{': ' if fixes else ''}{' or '.join(fixes)}",
        place=examples.path,
    )
