"""Turns a sentence and a span of it into a question about the span."""

import re

from cloze_spans import DATE, NAME, NUMBER, PHRASE, STOP_WORDS, WORD, YEAR

_CUT = re.compile(
    r"[,:](?!\d)|[;()—]|(?<=\s)(?:–|and|but|which|while|because|although|whereas|where|after|before)"
    r"(?=\s)"
)
_PREPOSITION = re.compile(
    r"(?:^|(?<=\s))(in|at|on|from|near|to|by|since|during|of)\s(?:the\s)?$", re.I
)
_ARTICLE = re.compile(r"(?:^|(?<=\s))(?:the|a|an|its|his|her|their)\s$", re.I)
_AUXILIARIES = frozenset("is are was were has had have can could will would may must did".split())
_PEOPLE = re.compile(
    r"\b(?:mr|mrs|dr|sir|king|queen|president|minister|general|director|author|singer|producer"
    r"|actor|actress|writer|bishop|pope|emperor|prince|princess|captain|professor|artist|wife"
    r"|husband|son|daughter|father|mother|brother|sister|coach|by)\.?\s$",
    re.I,
)
_PERSON_VERB = re.compile(
    r"^\s(?:said|says|wrote|writes|argued|argues|was born|died|believed|married|sang|told|played|"
    r"stated|who|suggested|proposed|noted|studied|graduated)\b"
)
_NO_PERSON = re.compile(
    r"\b(?:university|college|school|river|county|city|league|company|church|party|state|states|"
    r"street|island|islands|park|association|museum|award|awards|cup|band|records|act|war|club|"
    r"center|centre|district|council|department|institute|empire|kingdom|north|south|east|west|"
    r"national|international|united|new|the|of|fc|conference|championship|championships|bay|lake|"
    r"road|railway|station|house|hall|division|union|army|navy|court|region|province|mountain|"
    r"games|olympics|festival|prize|bank|group|inc|airport|hospital|theatre|theater|press|series)\b"
    r"|\d",
    re.I,
)
_IRREGULAR = dict(
    pair.split(":")
    for pair in """became:become began:begin won:win made:make took:take held:hold wrote:write
    led:lead met:meet left:leave gave:give went:go came:come found:find lost:lose built:build
    sold:sell bought:buy saw:see got:get ran:run rose:rise fell:fall grew:grow taught:teach
    brought:bring said:say told:tell sent:send spent:spend stood:stand understood:understand
    drew:draw flew:fly fought:fight knew:know broke:break chose:choose drove:drive""".split()
)


def interrogative(before, answer, after, kind, choose, people=()):
    """Returns the words that ask for an answer, and how many characters before it they replace.

    Args:
        before: str, the sentence up to the answer.
        answer: str.
        after: str, the sentence behind the answer.
        kind: the kind of its `Span`.
        choose: function that returns one of a sequence, as `random.Random.choice`.
        people: names in lower case of which it is known that they are people's.
    """
    preposition, article = _PREPOSITION.search(before), _ARTICLE.search(before)
    if kind in (DATE, YEAR):
        if preposition and preposition.group(1).lower() in ("in", "on", "during"):
            whole = "in what year" if kind == YEAR else "on what date"
            return choose(("when", "when", "when", whole)), len(preposition.group())
        return "what year" if kind == YEAR else "what date", 0
    if kind == NUMBER:
        if "%" in answer or "percent" in answer:
            return "what percentage", 0
        if re.match(r"[$£€]|US", answer):
            return "how much money", 0
        drop = len(article.group()) if article else 0
        following = re.match(r"\s([A-Za-z]+)", after)
        is_count = following and following.group(1) not in STOP_WORDS
        return "how many" if is_count else "what number", drop
    if kind == PHRASE:
        return "what", len(article.group()) if article else 0
    if answer.lower() in people:
        return "who", 0
    if _PEOPLE.search(before) or _PERSON_VERB.match(after):
        if not _NO_PERSON.search(answer):
            return "who", 0
    if preposition and preposition.group(1).lower() in ("in", "at", "near", "from", "to"):
        word = preposition.group(1).lower()
        if word in ("in", "at", "near"):
            whole = (f"{word} what place", f"{word} what city", f"{word} what country")
            return choose(("where", "where", "where", *whole)), len(preposition.group())
        return "where" if word == "to" else "what place", 0
    is_pair = 2 <= len(answer.split()) <= 3 and not _NO_PERSON.search(answer)
    drop = len(article.group()) if article else 0
    return "who" if is_pair and not article else "what", drop


def has_verb(text):
    """Returns whether a text has an auxiliary verb or a verb in the past."""
    words = text.lower().rstrip("?").split()
    return any(
        w in _AUXILIARIES or w in _IRREGULAR or re.fullmatch("(?!hundred).{2,}ed", w) for w in words
    )


def describes(after, counts):
    """Returns whether what is before `after` describes its first word, a noun or a name."""
    following = re.match(r"(?:['’]s?)?\s(\w\S*)", after)
    if not following:
        return False
    word = following.group(1)
    return not word[0].islower() or counts.is_noun(word.rstrip(".,;:"))


def can_replace(sentence, span, counts):
    """Returns whether an interrogative can be in the span's place.

    It cannot in brackets, in place of half a hyphenated word, of an apposition ("his brother Tom")
    or of a name that describes a noun ("the Chicago office").
    """
    before, after = sentence[: span.start], sentence[span.end :]
    if before.count("(") != before.count(")") or after[:1] in "-–/":
        return False
    previous = re.search(r"(\S+)\s$", before)
    if span.kind not in (NAME, PHRASE):
        return True
    if describes(after, counts):
        return False
    if span.kind == PHRASE or previous is None:
        return True
    word = previous.group(1)
    is_plain = word.islower() and word.isalpha() and word not in STOP_WORDS
    return not is_plain or has_verb(word)  # "his brother Tom" has none, "he met Tom" has


def whole_question(sentence, span, choose, people=()):
    """Returns the whole sentence as a question, with an interrogative in place of the span."""
    before, after = sentence[: span.start], sentence[span.end :]
    words, drop = interrogative(
        before, sentence[span.start : span.end], after, span.kind, choose, people
    )
    return _finish(f"{before[: len(before) - drop]}{words}{after}")


def clause_question(sentence, span, choose, counts, people=()):
    """Returns a question made of the clause around the span, its interrogative mostly in front.

    "The bridge was built in 1871, when ..." and 1871 become "when was the bridge built?", and
    "The company opened a shop in 1871" becomes "when did the company open a shop?".
    """
    start, end = _clause(sentence, span)
    before, after = sentence[start : span.start], sentence[span.end : end]
    words, drop = interrogative(
        before, sentence[span.start : span.end], after, span.kind, choose, people
    )
    before = before[: len(before) - drop].strip()
    if words in ("how many", "what number") and re.match(r"\s[a-z]", after):
        noun = re.match(r"(?:\s[a-z]+){1,2}", after).group()  # "how many gold medals" moves whole
        noun = noun if noun.split()[-1] not in STOP_WORDS else " " + noun.split()[0]
        if noun.split()[0] not in STOP_WORDS:
            words, after = words + noun, after[len(noun) :]
    if not before:
        return _finish(f"{words}{after}")
    preposition = _PREPOSITION.search(before + " ")
    if preposition and preposition.group(1).lower() != "of":
        before, words = before[: preposition.start()].strip(), f"{preposition.group(1)} {words}"
    is_relative = re.search(r"\b(?:which|who|that|whose)\b", before)
    asked = None if is_relative or choose((0, 0, 0, 1)) else _inverted(before, counts)
    if asked is None:
        return _finish(f"{before} {words}{after}")
    return _finish(f"{words} {asked}{after}")


def thinned(question, share, generator):
    """Returns a question without some of its content words, at random."""
    words = question.rstrip("?").split()
    asked = set("who what when where how many much year date place percentage".split())
    kept = [
        word
        for word in words
        if word in asked or word in STOP_WORDS or has_verb(word) or generator.random() >= share
    ]
    return " ".join(kept).strip(" ,;:") + "?"


def _inverted(before, counts):
    """Returns a clause's start with its verb in front, as a question has it; None without one."""
    tokens = before.split()
    if re.match(
        r"(?:in|on|at|after|before|during|for|by|from|with|as|while|when|if) ", before, re.I
    ):
        return None  # what comes first is no subject
    for i, token in enumerate(tokens[:10]):
        if token in _AUXILIARIES and i:
            return " ".join([token, *tokens[:i], *tokens[i + 1 :]])
        plain = _IRREGULAR.get(token) or (_regular(token, counts) if token.endswith("ed") else None)
        if plain and i and tokens[i - 1].lower() not in ("the", "a", "an", "of", "and", "by"):
            return " ".join(["did", *tokens[:i], plain, *tokens[i + 1 :]])
    return "" if not tokens else None


def _regular(verb, counts):
    """Returns the present of a regular past form: the most frequent of its possible spellings."""
    root = verb[:-2]
    options = [root, root + "e"]
    if root[-2:-1] == root[-1:]:
        options.append(root[:-1])
    if root.endswith("i"):
        options.append(root[:-1] + "y")
    best = max(options, key=lambda option: counts.lower[option])
    return best if len(verb) > 4 and counts.lower[best] else None


def _clause(sentence, span, least=6):
    """Returns start and end of the clause around the span, of at least so many words."""
    cuts = [match for match in _CUT.finditer(sentence) if not _inside(match, span)]
    starts = [0, *(match.end() for match in cuts if match.end() <= span.start)]
    ends = [*(match.start() for match in cuts if match.start() >= span.end), len(sentence)]
    while len(WORD.findall(sentence[starts[-1] : ends[0]])) < least:
        if len(ends) > 1:
            ends.pop(0)
        elif len(starts) > 1:
            starts.pop()
        else:
            break
    # "... and was built in 1871" has no subject without what is before it.
    while len(starts) > 1 and _starts_with_verb(sentence[starts[-1] : span.start]):
        starts.pop()
    start = starts[-1]
    return start + len(sentence[start:]) - len(sentence[start:].lstrip()), ends[0]


def _starts_with_verb(text):
    words = text.split()[:2]
    words = words[1:] if words and words[0] in ("then", "also", "later", "and", "but") else words
    return bool(words) and (has_verb(words[0]) or bool(re.fullmatch("[a-z]{3,}s|to", words[0])))


def _inside(match, span):
    return match.start() < span.end and match.end() > span.start


def _finish(text):
    text = re.sub(r"\([^()]*\)|[\"“”()]", " ", text)
    text = re.sub(r"\s+([,;.])", r"\1", " ".join(text.split()))
    text = re.sub(r"^(?:['’]s|or|and|but|than|that)\s", "", text.strip(" .,;:—–").lower())
    return re.sub(r"^(when|where|in what year|on what date),", r"\1", text) + "?"
