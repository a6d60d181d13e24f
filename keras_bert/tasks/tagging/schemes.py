"""How tags mark entities: detecting the scheme, reading entities, converting, scoring.

Tags are `O` for words outside of entities, or a letter and a type such as `B-PER`:

    io     I every word of an entity. Two neighbours of one type are one entity.
    iob1   I every word; B only for a first word right after an entity of the same type.
    bio    B the first word, I the others (IOB2).
    bioes  B the first, I between, E the last, S the only word of an entity.
    bmes   the same with M for I. `bilou` has L for E and U for S.
    none   tags that mark no entities, such as parts of speech.

In every scheme, entities are read as conlleval.pl and seqeval's default mode read them; an invalid
sequence is repaired and not dropped (the strict mode of seqeval would drop it): an entity begins
at B and S, after O, E and S, and where the type changes.
"""

import re
from collections import Counter

import numpy as np

from keras_bert.errors import InputError

# Letters of the first, a middle, the last and the only word of an entity.
_LETTERS = {
    "io": "IIII", "bio": "BIIB", "bioes": "BIES", "bmes": "BMES", "bilou": "BILU",
}  # fmt: skip
SCHEMES = ("none", "io", "iob1", "bio", "bioes", "bmes", "bilou")
# The letters of bmes and bilou, written as those of bioes.
_BIOES_LETTERS = str.maketrans("MLU", "IES")
_TAG = re.compile(r"O|[BIEMSLU](-.*)?", re.DOTALL)
_MARK = re.compile(r"[BIEMSLU]-.+", re.DOTALL)
# A stray tag counts as a typing error if there is at most one among this many words.
_WORDS_PER_STRAY = 10


def detect_scheme(sequences):
    """Returns the scheme of tags.

    It is `none` unless every tag is O or a letter of a scheme, alone or with a hyphen and a type,
    and there is one that is not O. M means bmes, L or U bilou, E or S bioes, I alone io. B and I
    are of bio or iob1: of these it is the one with fewer broken rules (an I that begins an entity
    breaks bio, a B that is not after the same type breaks iob1), at a tie bio.

    Args:
        sequences: list of list of str, the tags of sentences.

    Returns:
        One of `SCHEMES`.
    """
    tags = set().union(*sequences)
    if not all(_TAG.fullmatch(tag) for tag in tags) or not tags - {"O"}:
        return "none"
    letters = {tag[0] for tag in tags} - {"O"}
    for own_letters, scheme in (("M", "bmes"), ("LU", "bilou"), ("ES", "bioes")):
        if letters & set(own_letters):
            return scheme
    if letters == {"I"}:
        return "io"
    breaks = Counter()
    for sequence in sequences:
        before = "O"
        for tag in sequence:
            inside = before != "O" and _type(before) == _type(tag)
            breaks["bio"] += tag[0] == "I" and not inside
            breaks["iob1"] += tag[0] == "B" and not inside
            before = tag
    return "iob1" if breaks["iob1"] < breaks["bio"] else "bio"


def is_mark(tag):
    """Returns whether a tag is O, or a letter of a scheme, alone or with a hyphen and a type."""
    return _TAG.fullmatch(tag) is not None


def stray_tags(sequences):
    """Returns the set of tags that fit no scheme, if nearly all others do; else an empty set.

    A single 0 typed for O would make the scheme `none`, see `detect_scheme`.

    Args:
        sequences: list of list of str, the tags of sentences.
    """
    counts = Counter(tag for sequence in sequences for tag in sequence)
    strays = {tag for tag in counts if not _TAG.fullmatch(tag)}
    some_are_marks = "O" in counts and any(map(_MARK.fullmatch, counts))
    few = sum(counts[tag] for tag in strays) * _WORDS_PER_STRAY <= counts.total()
    return strays if some_are_marks and few else set()


def entities(tags, scheme="bio"):
    """Returns the entities of one sentence.

    Args:
        tags: list of str.
        scheme: one of `SCHEMES`; all but `none`, which has no entities, read alike.

    Returns:
        A list of (type, first, end): the words `first` to `end - 1`. Type `_` where the tags are
        letters alone.

    Source: seqeval 1.2.2, metrics/sequence_labeling.py, get_entities; conlleval.pl.
    """
    _check_scheme(scheme)
    spans, first, type_before, ended = [], None, "", True
    if scheme == "none":
        return spans
    for index, tag in enumerate([*tags, "O"]):
        letter, type_ = letter_and_type(tag)
        outside = letter == "O"
        if first is not None and (outside or ended or letter in "BS" or type_ != type_before):
            spans.append((type_before, first, index))
            first = None
        if first is None and not outside:
            first = index
        type_before, ended = type_, letter in "ES"
    return spans


def letter_and_type(tag):
    """Returns a tag's letter, one of O, B, I, E, S whatever the scheme, and its type or `_`."""
    return tag[:1].translate(_BIOES_LETTERS), _type(tag)


def convert(tags, scheme):
    """Returns the tags of one sentence in another scheme.

    Args:
        tags: list of str, in any scheme but `none`.
        scheme: one of `SCHEMES` but `none`. In `io`, neighbours of one type become one entity.

    Returns:
        A list of str, of the same length, valid in `scheme`.

    Raises:
        InputError: the scheme is unknown, or `none`.
    """
    _check_scheme(scheme)
    if scheme == "none":
        raise InputError("entities cannot be written in scheme 'none'")
    written, before = ["O"] * len(tags), (None, 0, 0)
    for type_, first, end in entities(tags):
        adjoins = before[0] == type_ and before[2] == first
        name = ("bio" if adjoins else "io") if scheme == "iob1" else scheme
        begin, middle, last, only = _LETTERS[name]
        letters = only if end - first == 1 else begin + middle * (end - first - 2) + last
        ending = "" if type_ == "_" else f"-{type_}"
        written[first:end] = [letter + ending for letter in letters]
        before = (type_, first, end)
    return written


def entity_scores(true_sequences, predicted_sequences):
    """Scores entities: an entity is correct if its type, first and last word are.

    Args:
        true_sequences: list of list of str, the tags of each sentence.
        predicted_sequences: list of list of str, of the same lengths.

    Returns:
        A dict: `precision`, `recall` and `f1` over all entities; `macro_f1`, the mean of the F1
        of the types that occur on either side; and `types`, by type a dict of `precision`,
        `recall`, `f1` and `count`, its true entities. 0 for a division by 0.

    Source: seqeval 1.2.2, precision_recall_fscore_support without a mode.
    """
    right, predicted, true = Counter(), Counter(), Counter()
    for true_tags, predicted_tags in zip(true_sequences, predicted_sequences, strict=True):
        truth, guess = set(entities(true_tags)), set(entities(predicted_tags))
        true.update(entity[0] for entity in truth)
        predicted.update(entity[0] for entity in guess)
        right.update(entity[0] for entity in truth & guess)
    types = {
        name: {**_rates(right[name], predicted[name], true[name]), "count": true[name]}
        for name in sorted(true | predicted)
    }
    return {
        **_rates(right.total(), predicted.total(), true.total()),
        "macro_f1": float(np.mean([rates["f1"] for rates in types.values()])) if types else 0.0,
        "types": types,
    }


def type_table(types):
    """Returns the scores of each type of entity as lines of text."""
    names = ("precision", "recall", "f1")
    cells = [["type", *names, "count"]]
    cells += [
        [type_, *(f"{rates[name]:.4f}" for name in names), str(rates["count"])]
        for type_, rates in types.items()
    ]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))])
        for row in cells
    ]


def _rates(right, predicted, true):
    precision = right / predicted if predicted else 0.0
    recall = right / true if true else 0.0
    both = precision + recall
    f1 = 2 * precision * recall / both if both else 0.0
    return {"precision": precision, "recall": recall, "f1": f1}


def _type(tag):
    return tag[1:].removeprefix("-") or "_"


def _check_scheme(scheme):
    if scheme not in SCHEMES:
        raise InputError(f"scheme {scheme!r} is not one of {', '.join(SCHEMES)}")
