"""Finds spans of a sentence that could be answers: dates, numbers, names and noun phrases.

Nothing is parsed: dates and numbers match patterns, names are runs of capitalised words, and noun
phrases are the ends of runs of words between stop words.
"""

import dataclasses
import math
import re
from collections import Counter

DATE, YEAR, NUMBER, NAME, PHRASE = "date", "year", "number", "name", "phrase"

_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_YEAR = r"(?:1[0-9]|20)\d\d"
_DATE = re.compile(
    rf"\b(?:\d{{1,2}} {_MONTH},? {_YEAR}|{_MONTH} \d{{1,2}}, {_YEAR}|{_MONTH},? {_YEAR}"
    rf"|{_MONTH} \d{{1,2}}|\d{{1,2}} {_MONTH})\b"
)
_YEARS = re.compile(rf"(?<![\d$£€.,/–-])\b{_YEAR}s?\b(?![,.]?\d|[–/-]|\s?(?:km|m|ft|people)\b)")
_NUMBER = re.compile(
    r"(?<![\w.,/–:-])(?:[$£€]|US\$)?\d+(?:,\d{3})*(?:\.\d+)?"
    r"(?: (?:hundred|thousand|million|billion|trillion))?(?:%| percent\b)?(?![\w/–:-]|[.,]\d)"
)
_NUMERALS = re.compile(
    r"\b(?:three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty"
    r"|fifty|half)\b(?!-)"
)
WORD = re.compile(r"(?:[A-Z]\.)+(?=\s)|[^\W_]+(?:[-'’.&][^\W_]+)*")

STOP_WORDS = frozenset(
    """a an the this that these those and or but nor so yet if then than because although though
    while whereas when where who whom whose which what why how of in on at by for with from to into
    onto over under about after before between among against during through throughout within
    without across along around behind below beneath beside besides beyond near off out outside
    since until till up upon down toward towards via as per like unlike is are was were be been
    being am do does did done doing have has had having will would shall should can could may might
    must ought not no none never it its he him his she her hers they them their theirs we us our
    ours you your yours i me my mine himself herself itself themselves there here also only just
    very too more most less least much many few several some any each every all both either neither
    other others another such same own again once ever even still already however therefore thus
    hence later earlier now today soon often usually sometimes always rather quite almost nearly
    approximately about roughly well etc one two first second third last next former new become
    became becomes called known named used made including included include based because due
    according although one's 's s became began begin used using""".split()
)
_CONNECTORS = (
    *("of", "of the", "de", "van", "von", "del", "da", "di", "du", "la", "le", "el", "de la", "y"),
    *("al", "und", "der", "des", "for", "and the", "the"),
)
_BEFORE_NOUNS = frozenset(
    """a an the of its his their her our this these those for with by from into between in on as
    no many several some any each every both such than and or against during through over called
    known""".split()
)
_DULL = frozenset(
    """time times year years part parts number numbers day days way ways people place example case
    cases thing things end area areas name names result results use member members group groups
    work works life form forms world city state country century month months week weeks age side
    order set total variety series process type types kind kinds lot addition fact terms home
    rest role high top others man men woman women best main large small long great different
    various certain following another per half season game games match team film album song book
    line lines percent million hundred thousand""".split()
)
# A word between a determiner and one of these is a noun.
_NOUN = re.compile(
    r"\b(?:a|an|the|its|his|her|their|this) (?:[a-z-]+ )?([a-z-]+)(?=[.,;]|\s(?:of|in|is|was|and|to"
    r"|for|on|at|that|which|with|by|from|as|had|has|were|are|or)\b)"
)
_NO_NOUN = re.compile(r".*(?:ly|ing|ed|ous|ive|ful|able|ible|less)$")
_NO_NAME = frozenset(
    """january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday i jr sr mr mrs ms dr sir""".split()
)


@dataclasses.dataclass(frozen=True)
class Span:
    """A part of a sentence, from character `start` to `end`; `key` is equal for the same thing."""

    start: int
    end: int
    kind: str
    key: str
    whole_start: int = -1  # of the longest noun phrase that ends with this one


class WordCounts:
    """How often a corpus has each word, in how many sentences, and how often with a capital."""

    def __init__(self):
        self.sentences = 0
        self.within = Counter()  # sentences that have the stem
        self.lower = Counter()
        self.noun = Counter()  # where only a noun can be
        self.capital = Counter()  # within a sentence, not as its first word

    def add(self, sentence):
        """Counts the words of one sentence."""
        words = [match.group() for match in WORD.finditer(sentence)]
        self.sentences += 1
        self.within.update({stem(word) for word in words})
        self.lower.update(word for word in words if word[0].islower())
        self.noun.update(_NOUN.findall(sentence))
        self.capital.update(word for word in words[1:] if word[0].isupper())

    def weight(self, stemmed):
        """Returns the logarithm of how rare a stem is: its inverse sentence frequency."""
        return math.log((self.sentences + 1) / (self.within[stemmed] + 1))

    def is_noun(self, word):
        """Returns whether the corpus often has the word where only a noun can be."""
        return self.noun[word] > 0.08 * self.lower[word]

    def is_name(self, word):
        """Returns whether the corpus writes the word with a capital more often than without."""
        return self.capital[word] > 2 * self.lower[word.lower()]


def stem(word):
    """Returns the start of a word in lower case, the same for most of its inflected forms."""
    word = word.lower().removesuffix("'s").removesuffix("’s")
    return word if word[:1].isdigit() else word[:6] if len(word) > 6 else word.rstrip("s")


def content_stems(text):
    """Returns the set of stems of the words of a text that are not stop words."""
    words = (match.group() for match in WORD.finditer(text))
    return {stem(word) for word in words if word.lower() not in STOP_WORDS}


def find_spans(sentence, counts):
    """Finds the possible answers in a sentence.

    Args:
        sentence: str.
        counts: `WordCounts` of the corpus.

    Returns:
        list of `Span`, in order of their start. Noun phrases overlap: each is followed by its
        shorter ends ("annual music festival", "music festival", "festival").
    """
    spans = []
    for kind, pattern in ((DATE, _DATE), (YEAR, _YEARS), (NUMBER, _NUMBER), (NUMBER, _NUMERALS)):
        for match in pattern.finditer(sentence):
            number = match.group()
            if (kind != NUMBER or len(number) > 1) and _is_free(match.start(), match.end(), spans):
                key = number.lower().replace(",", "")
                spans.append(Span(match.start(), match.end(), kind, key))
    words = list(WORD.finditer(sentence))
    spans += _names(sentence, words, counts, spans)
    spans += _phrases(sentence, words, counts, spans)
    return sorted(spans, key=lambda span: (span.start, -span.end))


def _is_free(start, end, spans):
    return all(end <= span.start or start >= span.end for span in spans)


def _names(sentence, words, counts, taken):
    names, i = [], 0
    while i < len(words):
        if not _is_capitalised(words, i, counts):
            i += 1
            continue
        last = i
        while (following := _next_of_name(sentence, words, last, counts)) is not None:
            last = following
        start, end = words[i].start(), words[last].end()
        text = re.sub(r"['’]s$", "", sentence[start:end])
        end = start + len(text)
        is_word = len(text) > 2 and text.lower() not in _NO_NAME | STOP_WORDS
        before = sentence[:start]
        is_alone = before.strip() in _FIRST or not re.search(r"[A-Z]\S* $", before)
        if is_word and is_alone and last - i < 6 and _is_free(start, end, taken):
            names.append(Span(start, end, NAME, text.lower()))
        i = last + 1
    return names


_FIRST = frozenset(word.capitalize() for word in STOP_WORDS)


def _is_capitalised(words, i, counts):
    word = words[i].group()
    if not word[0].isupper() or (word.lower() in STOP_WORDS and len(word) > 1):
        return False
    return i > 0 or counts.is_name(word)


def _next_of_name(sentence, words, last, counts):
    """Returns the index of the word that continues a name which reaches to `last`, or None."""
    for i in range(last + 1, min(last + 4, len(words))):
        between = sentence[words[last].end() : words[i].start()]
        connector = between.strip()
        if connector not in ("", *_CONNECTORS) or not between[:1] == between[-1:] == " ":
            return None
        if _is_capitalised(words, i, counts):
            return i
    return None


def _phrases(sentence, words, counts, taken):
    phrases, run = [], []
    for i, word in enumerate([*words, None]):
        is_part = (
            word is not None
            and word.group()[0].islower()
            and word.group() not in STOP_WORDS
            and _is_free(word.start(), word.end(), taken)
        )
        adjacent = is_part and run and sentence[run[-1].end() : word.start()] == " "
        if run and not adjacent:
            phrases += _ends_of(run, words[i - len(run) - 1] if i > len(run) else None, counts)
            run = []
        if is_part:
            run = [*run, word]
    return phrases


def _ends_of(run, before, counts):
    """Returns the spans of the last 1 to 4 words of a run, where it looks like a noun phrase."""
    if before is None or before.group().lower() not in _BEFORE_NOUNS:
        return []
    head = run[-1].group()
    if _NO_NOUN.match(head) or len(head) < 4 or not counts.is_noun(head):
        return []
    run = run[-4:]
    while len(run) > 1 and re.search("(?:ing|ly)$", run[0].group()):
        run = run[1:]
    found = []
    for first in run:
        text = " ".join(word.group() for word in run[run.index(first) :])
        if text not in _DULL:
            key = " ".join(stem(word) for word in text.split())
            found.append(Span(first.start(), run[-1].end(), PHRASE, key, run[0].start()))
    return found
