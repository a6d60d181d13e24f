"""What the shipped models answer to a text each: the first thing that `quickstart` does."""

import time

from keras_bert.shipped import shipped_models

# Written for this page, so that they are in nobody's training set.
_PASSAGE = (
    "The lighthouse on the eastern cliff was built in 1874 from grey stone that ships carried "
    "over from the mainland. Its lamp burned oil until 1931, when the keeper's daughter, Ada "
    "Lindqvist, had a cable laid across the strait."
)
# By the beginning of a model's name and its kind of task, what it is asked.
_ASKED = {
    ("sentiment", "classification"): (
        "It starts slowly, but the last half hour is as tender and funny as anything this year.",
    ),
    ("answerer", "question_answering"): ("When was the lighthouse built?", _PASSAGE),
    ("tagger", "tagging"): ("Ada Lindqvist moved from Gothenburg to work for Nordic Cable.",),
}


def shipped_answers():
    """Yields what the shipped models answer, one model for each of three kinds of task.

    Of several models for one task that is the first by name: `sentiment` before `sentiment_tiny`.

    Yields:
        A dict: `model`, its name; `path`; `texts`, what it was asked; `answer`, a dict, that of
        `Predictor.predict`; `line`, the answer as `predict` prints it; `ms`, milliseconds.
    """
    from keras_bert.export.runners import open_exported

    shipped = shipped_models()
    for (start, kind), texts in _ASKED.items():
        for name, path in shipped.items():
            if not name.startswith(start):
                continue
            model = open_exported(path)
            if model.config.task != kind:
                continue
            model.predict(*texts)  # a shape's first run prepares the graph for it
            began = time.perf_counter()
            answer = model.predict(*texts)
            milliseconds = round(1000 * (time.perf_counter() - began), 2)
            line = model.task.answer_line(answer)
            found = {"answer": answer, "line": line, "ms": milliseconds}
            yield {"model": name, "path": path, "texts": list(texts), **found}
            break
