"""The spellings of tags that mark entities: b-per, B_PER and PER-B are B-PER.

Tags of parts of speech and the like are no spelling of B-PER, and stay as they are: all tags but O
must be of one spelling, and their letters those of one scheme.
"""

from keras_bert.guesses import guess
from keras_bert.tasks.tagging.schemes import is_mark

_SEPARATORS = "-_:/|. "
_LETTERS = ("BI", "BIES", "BMES", "BILU")
# Letters alone mark words of one kind, in Chinese the words themselves; written small, they are
# also tags of parts of speech, so all of a scheme's must occur, and no other.
_ALONE = ({"b", "i", "o"}, {"b", "m", "e", "s"}, {"b", "i", "e", "s"}, {"b", "i", "e", "s", "o"})
_OUTSIDE = ("O", "o")


def respelling(tags):
    """Returns how the tags of a file are spelled in the usual way, {} where nothing changes.

    Args:
        tags: set of str, the distinct tags.

    Returns:
        A dict from each tag to "O" or to a letter, a hyphen and a type, such as "B-per".
    """
    marks = tags - set(_OUTSIDE)
    if not marks or all(is_mark(tag) for tag in tags):
        return {}
    outside = {tag: "O" for tag in tags - marks}
    if tags in _ALONE:
        return {tag: tag.upper() for tag in tags}
    for separator in _SEPARATORS:
        for parts in (_before, _after):
            split = {tag: parts(tag, separator) for tag in marks}
            if None not in split.values() and _is_scheme(split.values(), bool(outside)):
                spelled = {tag: f"{letter}-{type_}" for tag, (letter, type_) in split.items()}
                return outside | spelled
    return {}


def respelled(tags, path):
    """Returns the tags of a file in the usual spelling, and says so where it is another.

    Args:
        tags: list of list of str.
        path: str, the file.
    """
    spelled = respelling(set().union(*tags))
    if not spelled:
        return tags
    # The longest first: that of a mark says more than that of O.
    example = max((tag for tag in sorted(spelled) if tag != spelled[tag]), key=len)
    guess(f"its tags mark entities, as {example} does: read as {spelled[example]}", place=path)
    return [[spelled[tag] for tag in sentence] for sentence in tags]


def spelled_as(tags, labels):
    """Returns the tags of sentences as the labels of a model spell them.

    A file of a few sentences does not show its spelling; an older version kept that of the files.

    Args:
        tags: list of list of str.
        labels: sequence of str.
    """
    known = set(labels)
    own = {usual: label for label, usual in respelling(known).items()}
    if "O" in known:
        own.setdefault("o", "O")
    return [[tag if tag in known else own.get(tag, tag) for tag in sentence] for sentence in tags]


def _before(tag, separator):
    letter, found, type_ = tag.partition(separator)
    return _marked(letter, type_) if found else None


def _after(tag, separator):
    type_, found, letter = tag.rpartition(separator)
    return _marked(letter, type_) if found else None


def _marked(letter, type_):
    """Returns the letter, as a capital, and the type; None where one is neither."""
    letter = letter.upper()
    is_one = len(letter) == 1 and letter in "BIEMSLU"
    return (letter, type_) if is_one and type_.strip() else None


def _is_scheme(marks, has_outside):
    """Returns whether letters are those of one scheme: I alone only beside words outside."""
    letters = {letter for letter, _ in marks}
    if not any(letters <= set(own) for own in _LETTERS):
        return False
    return has_outside if letters <= {"I"} else bool(letters & set("BSU"))
