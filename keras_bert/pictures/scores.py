"""The picture of `evaluate`: what a task says of its scores."""

from keras_bert.errors import InputError
from keras_bert.pictures.figures import font_note, save_figure
from keras_bert.pictures.panels import panels_figure


def draw_scores(path, task, answers, examples, config, title=""):
    """Draws the panels of a task's scores.

    Args:
        path: the PNG to write.
        task: `Task`.
        answers: its answers to the examples.
        examples: labelled examples.
        config: `ModelConfig`.
        title: str.

    Returns:
        A list of str, notes on the picture.

    Raises:
        InputError: the task has no panels, or the file cannot be written.
    """
    panels = task.panels(answers, examples, config)
    if not panels:
        raise InputError(f"task {task.name} has nothing to draw", "picture", path)
    return [] if save_figure(panels_figure(panels, title), path) else [font_note(path)]
