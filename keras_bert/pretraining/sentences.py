"""Splits text into sentences: English and similar languages, Chinese, Japanese."""

import re

# These always end a sentence, whatever follows.
_STRONG = "。！？；｡।॥"
# These end one before a space or a Chinese character, if a new sentence seems to follow.
_WEAK = ".!?…‼⁇⁈⁉؟۔"
_CLOSING = "\"'”’»›)]}」』）】》〉〕］｝*_"
_OPENING = "\"'“‘«‹([{「『（【《〈〔［｛¿¡*_"
_END = re.compile(f"[{re.escape(_STRONG + _WEAK)}]+[{re.escape(_CLOSING)}]*")
_SPACE = re.compile(r"\s+")
_NEXT = re.compile(rf"(?:--|[{re.escape(_OPENING)}—–-]|\.\.\.)*\s*(\w?)")
_CJK_RANGES = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CJK = re.compile(f"[{_CJK_RANGES}]")
_WORD_BEFORE = re.compile(rf"[^\s\"'“”‘’()\[\]{{}}—*_{_CJK_RANGES}]+$")
_WORD_AFTER = re.compile(r"[\"'“‘(\[]*([A-Za-z’']+)(?![.\w])")
_LONGEST_WORD = 30  # of the words in the lists below, and of list numbers
# 「…。」と言った: the quotation is part of a longer sentence.
_JAPANESE_PARTICLES = "とっての、はがを"

# A point after one of these never ends a sentence.
_ABBREVIATIONS = frozenset(
    """mr mrs ms messrs mme mlle dr prof rev hon fr st mt gen col lt capt maj sgt cpl cmdr adm sen
    rep gov pres supt insp det e.g i.e cf viz vs v approx ca c b d al fig figs eq eqs sec art vol
    vols ch chap pp pl ed eds trans dept univ assn ave blvd bros""".split()
)
# A point after one of these ends a sentence only before a word that often begins one.
_SOMETIMES = frozenset(
    """etc inc ltd co corp jr sr esq cit ibid no nos p n.b a.m p.m a.d b.c u.s u.k u.n u.s.a
    u.s.s.r d.c ph.d m.d b.a m.a jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu
    fri sat sun ft in lb lbs oz km cm mm kg hr hrs min mins""".split()
)
_BEFORE_NUMBERS = frozenset(
    """no nos p pp fig figs vol vols ch chap sec art eq eqs jan feb mar apr jun jul aug sep sept oct
    nov dec ca c""".split()
)
_STARTERS = frozenset(
    """a about after all although an and another as at because before both but by during each even
    every few finally first for from he her here his how however i if in it its later many meanwhile
    most my neither no nor not now of on once one only or other our she since so some such that the
    their then there these they this those though through thus to today two under until we what when
    where whether which while who why with yet you your""".split()
)


def split_sentences(text):
    """Splits a text into sentences.

    The end of a line always ends a sentence. A full stop, a question or exclamation mark or an
    ellipsis, with the quotation marks and brackets that close after it, ends one before a space,
    unless the text continues in lower case or the point belongs to an abbreviation, an initial or
    a number. The marks of Chinese and Japanese need no space.

    Args:
        text: str.

    Returns:
        list of str without surrounding spaces, none empty.
    """
    sentences = []
    for line in text.splitlines():
        start = 0
        for match in _END.finditer(line):
            if _ends_sentence(line, start, match):
                sentences.append(line[start : match.end()].strip())
                start = match.end()
        sentences.append(line[start:].strip())
    return [sentence for sentence in sentences if sentence]


def _ends_sentence(line, start, match):
    end = match.end()
    if end == len(line):
        return True
    run = match.group()
    marks = run.rstrip(_CLOSING)
    following = line[end]
    if any(mark in _STRONG for mark in marks):
        return not (len(marks) < len(run) and following in _JAPANESE_PARTICLES)
    before = line[match.start() - 1] if match.start() else " "
    if _CJK.match(following):
        return bool(_CJK.match(before)) and not (
            len(marks) < len(run) and following in _JAPANESE_PARTICLES
        )
    space = _SPACE.match(line, end)
    if not space:
        return False
    first = _NEXT.match(line, space.end()).group(1)
    if first.islower():
        return False
    if marks != ".":
        # "Wait... 5 more": an ellipsis before a number does not end a sentence.
        return not (first.isdigit() and set(marks) <= set(".…"))
    return _point_ends_sentence(line, start, match.start(), space.end(), first)


def _point_ends_sentence(line, start, point, after, first):
    """Returns whether line[point] ends a sentence, where the text continues at line[after]."""
    word = _WORD_BEFORE.search(line, max(start, point - _LONGEST_WORD), point)
    if word is None:
        return True
    if (
        word.group().isdigit()
        and word.start() - start < 3
        and not line[start : word.start()].strip()
    ):
        return False  # "1. The first point": the number of a list
    word, lowered = word.group(), word.group().lower()
    is_initial = len(word) == 1 and word.isupper()
    if lowered in _ABBREVIATIONS and not is_initial:
        return False
    if first.isdigit():
        return lowered not in _BEFORE_NUMBERS
    has_inner_point = "." in word and all(len(part) <= 2 for part in word.split("."))
    if is_initial or has_inner_point or lowered in _SOMETIMES:
        following = _WORD_AFTER.match(line, after)
        return following is not None and following.group(1).lower() in _STARTERS
    return True
