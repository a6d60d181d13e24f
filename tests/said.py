"""What a call guesses and notes, for tests."""

import warnings

from keras_bert.guesses import Guess, Note


def said_by(function, *args, **kwargs):
    """Returns the result of a call, and its guesses and notes as a list of str."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function(*args, **kwargs)
    lines = [str(w.message) for w in caught if issubclass(w.category, (Guess, Note))]
    assert len(lines) == len(caught), [str(w.message) for w in caught]
    return result, lines
