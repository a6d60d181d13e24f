"""Makes tagged sentences from an encyclopedia's titles, without labels by people.

An article's first sentence states what its title is: "is a Bulgarian footballer" means a person. So
its title, and a person's last name, are marked wherever they appear in the article, as in Nothman
et al. 2013 (Learning multilingual named entity recognition from Wikipedia), whose WikiGold is
scored with it. Other names are marked if they are titles themselves, or are in the training part of
WikiGold. A sentence with any other capital is left out.
"""

import collections
import glob
import gzip
import json
import os
import re

_NOUNS = {
    "PER": """
        player footballer politician artist singer actor actress cricketer painter writer
        coach skier businessman journalist officer priest author professor lawyer
        mathematician poet director musician activist historian architect bishop engineer
        economist scientist academic prelate rower producer composer scholar designer
        educator photographer sculptor entrepreneur physician athlete judge manager rapper
        leader wife boxer attorney senator sprinter diplomat singer-songwriter president
        cyclist chemist minister pianist executive physicist servant runner dancer hurler
        teacher skater soprano driver general doctor filmmaker archaeologist businesswoman
        soldier curler founder administrator grandmaster merchant unionist racer
        psychologist sociologist official biologist violinist woman comedian justice
        theologian surgeon novelist clergyman commander cardinal son archdeacon researcher
        bobsledder guitarist linguist ruler landowner pilot snowboarder pitcher philosopher
        wrestler vocalist editor illustrator banker swimmer jumper botanist king worker
        tenor farmer forward performer anthropologist inventor missionary tackle secretary
        suffragette communist ceo industrialist golfer geologist jurist cinematographer
        advocate philanthropist monk queen noblewoman cartoonist nurse prince zoologist
        critic aviator playwright astrophysicist guard biathlete librarian barrister trainer
        specialist midfielder conductor pioneer defender animator admiral statistician
        screenwriter baritone drummer model personality trader explorer nobleman goalkeeper
        presenter astronomer gymnast weightlifter sailor fencer umpire referee nun rabbi
        astronaut programmer luger archer diver daughter princess duchess governor mayor
    """,
    "LOC": """
        village town city parish locality community area district subdistrict townland
        municipality river tributary stream mountain lake island suburb neighbourhood
        neighborhood hamlet region park reserve street road highway bridge station
        lighthouse castle palace tower mosque church building house mansion farmhouse
        stadium arena temple monastery cemetery museum hospital hotel mall square peninsula
        valley hill peak creek bay county province settlement commune estate airport
    """,
    "ORG": """
        company school club team band group organization organisation party agency
        institution ministry newspaper magazine university college association manufacturer
        firm union label regiment chain brewery society duo authority department orchestra
        charity airline publisher bank nonprofit corporation league think-tank unit
        collective foundation startup retailer
    """,
    "MISC": """
        film album song series novel game book play single episode show serial tournament
        championship competition telenovela sitcom documentary opera musical painting
        sculpture novella ep festival award suv sedan car aircraft ship freighter drama
        brand race war election
    """,
}
_TYPE_OF = {noun: kind for kind, nouns in _NOUNS.items() for noun in nouns.split()}
# These end the description of the title: "a song | written by".
_ENDS = frozenset(
    """who that which in of for by at from and based located to with on situated whose where
    featuring between near under as or about written directed released performed held set played
    founded established born known recorded used produced created made""".split()
)
_DATES = frozenset(
    """January February March April May June July August September October November December
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday""".split()
)
_IS = re.compile(r"\b(?:is|was|are|were) (?:a|an|the|one of the)\b ((?:[^\s.,;()]+\s?){1,14})")
_WORD = re.compile(r"\w+(?:[-.&]\w+)*|'s|’s|[^\w\s]")
_SENTENCE_END = re.compile(r"(?<=[a-z0-9)\]]\.)\s+(?=[A-Z])")
_FIRST_CHARACTERS = 400  # enough for the first sentence
_MOST_WORDS = 8  # of a name
_OFTEN = 5  # a first word that is so often in small letters elsewhere is not a name


def tagged_sentences(articles, known):
    """Yields sentences of articles, lists of (word, tag), in which all names are marked.

    Args:
        articles: iterable of (title, text).
        known: dict from a name, a tuple of words, to its type.
    """
    typed = [(re.sub(r" \(.*\)$", "", title), _type_of(text), text) for title, text in articles]
    typed = [(_WORD.findall(title), kind, text) for title, kind, text in typed if kind]
    types = collections.defaultdict(set)
    small = collections.Counter()
    for title, kind, text in typed:
        types[tuple(title)].add(kind)
        small.update(re.findall(r"\b[a-z]+\b", text))
    # A title of one word, outside its own article, too often means something else.
    names = {name: kind for name, (kind, *more) in types.items() if len(name) > 1 and not more}
    names |= known
    for title, kind, text in typed:
        own = {tuple(title): kind}
        if kind == "PER" and len(title) > 1:
            own[(title[-1],)] = kind
        for sentence in _sentences(text):
            words = _WORD.findall(sentence)
            tags = _tags(words, own, names, small)
            if tags:
                yield list(zip(words, tags))


def _type_of(text):
    """Returns the type of an article's subject, None where its first words do not state it."""
    kind = None
    match = _IS.search(text[:_FIRST_CHARACTERS])
    for word in match[1].lower().split() if match else ():
        if word in _ENDS:
            break
        kind = _TYPE_OF.get(word, kind)
    return kind


def _sentences(text):
    for paragraph in text.split("\n"):
        yield from (part for part in _SENTENCE_END.split(paragraph) if part.endswith("."))


def _tags(words, own, names, small):
    """Returns the words' tags, or None if its own name is missing or a capital is unexplained."""
    if not 4 <= len(words) <= 60:
        return None
    tags, index, has_own = ["O"] * len(words), 0, False
    while index < len(words):
        for end in range(min(len(words), index + _MOST_WORDS), index, -1):
            name = tuple(words[index:end])
            kind = own.get(name) or names.get(name)
            first = index == 0 and len(name) == 1 and small[name[0].lower()] >= _OFTEN
            if kind and (name in own or not first) and any(w[:1].isupper() for w in name):
                tags[index:end] = [f"I-{kind}"] * len(name)
                has_own |= name in own
                index = end
                break
        else:
            index += 1
    for index, (word, tag) in enumerate(zip(words, tags)):
        capital = tag == "O" and word[:1].isupper() and word not in _DATES
        if capital and (index or small[word.lower()] < _OFTEN):
            return None
    return tags if has_own else None


def read_articles(pattern):
    """Yields (title, text) of the gzip'd JSON lines that a pattern names."""
    for path in sorted(glob.glob(os.fspath(pattern))):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                article = json.loads(line)
                yield article["title"], article["text"]
