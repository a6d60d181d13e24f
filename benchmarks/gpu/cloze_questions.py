"""Makes questions with answers from plain text without labels, to pretrain an answerer on.

    python benchmarks/gpu/cloze_questions.py --corpus='DATA/en_wiki/*.jsonl.gz' \\
        --squad=DATA/squad/train.json.gz --count=200000 --output=cloze.json.gz
    keras-bert finetune --task=squad1 --train=cloze.json.gz ...

A span that recurs in an article (a date, a number, a name, a noun phrase) becomes an answer: one
sentence that has it is made into a question, with an interrogative in the span's place, and is
left out of the passage; the answer is the occurrence in the passage whose sentence shares most
with the question. Recurring spans are Splinter's (arXiv 2101.00438), questions from clozes are
those of Lewis et al. (arXiv 1906.04980). The output has SQuAD's layout. Of a SQuAD file only the
contexts are read. [MASK] in a text is ordinary text to our tokenizer, so none is written.
"""

import argparse
import collections
import dataclasses
import glob
import gzip
import json
import random
import re

import cloze_wording
from cloze_spans import NAME, PHRASE, WordCounts, content_stems, find_spans, stem

from keras_bert.files import replacing_file
from keras_bert.pretraining.sentences import split_sentences

# The kinds of answers in SQuAD 1.1's training file, measured with these patterns.
SHARES = {"number": 0.25, NAME: 0.37, PHRASE: 0.38}
_WORDS = (90, 165)  # of a passage
_NEAR = 40  # sentences before and behind the passage from which questions come
_MOST_A_PASSAGE = 8
_MOST_AN_ANSWER = 2  # questions of one answer in one passage
_NO_TITLE = 0.7  # share of the answers that are left out because they are the article's title
_NARROW = 0.4  # share of noun phrases that stay without the adjectives before them
_LONGEST_WHOLE = 18  # words of a sentence that becomes a question whole
_LEAST_WORDS, _MOST_WORDS = 5, 28  # of a question
_LEAST_STEMS, _LEAST_WEIGHT = 2, 10.0  # that question and answer's sentence share


@dataclasses.dataclass(frozen=True)
class Question:
    """A question, its answer's place in the passage, and how much of it the passage supports."""

    text: str
    start: int
    answer: str
    group: str
    score: float


def read_articles(corpus, squad):
    """Yields (title, list of texts) of JSON lines with `title` and `text`, and of SQuAD files."""
    for path in corpus:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                article = json.loads(line)
                yield article.get("title", ""), [article["text"]]
    for path in squad:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for article in json.load(file)["data"]:
                texts = [paragraph["context"] for paragraph in article["paragraphs"]]
                yield article.get("title", "").replace("_", " "), texts


def sentences_of(texts):
    """Returns the whole sentences of an article, without headings, lists and gaps."""
    found = []
    for text in texts:
        text = re.sub(r"\s?\((?:\s|[,;])*\)", "", text)
        for sentence in split_sentences(text):
            words = sentence.split()
            is_whole = 5 <= len(words) <= 60 and sentence[-1] in '.!"”)' and " ." not in sentence
            if is_whole and sentence not in found[-200:]:
                found.append(" ".join(words))
    return found


def windows(sentences, generator):
    """Yields (first, end) of consecutive passages with their questions' sentences."""
    first, words, wanted = 0, 0, generator.randint(*_WORDS)
    for i, sentence in enumerate(sentences):
        words += len(sentence.split())
        if words >= wanted:
            yield first, i + 1
            first, words, wanted = i + 1, 0, generator.randint(*_WORDS)
    if words >= _WORDS[0] // 2:
        yield first, len(sentences)


def questions_of(sentences, title, counts, generator):
    """Yields (passage, list of `Question`) of an article.

    Args:
        sentences: list of str.
        title: str.
        counts: `WordCounts` of the corpus.
        generator: `random.Random`.
    """
    spans = [find_spans(sentence, counts) for sentence in sentences]
    places = collections.defaultdict(list)  # key: (sentence, span)
    for i, found in enumerate(spans):
        for span in found:
            places[span.key].append((i, span))
    for first, end in windows(sentences, generator):
        held = _held_out(first, end, places, spans)
        kept = [i for i in range(first, end) if i not in held]
        yield _ask(sentences, kept, spans, places, title, counts, generator)


def _held_out(first, end, places, spans):
    """Returns the sentences of a passage that are left out: those which share most answers."""
    shared = collections.Counter()
    for i in range(first, end):
        keys = {span.key for span in spans[i]}
        shared[i] = sum(any(first <= j < end and j != i for j, _ in places[key]) for key in keys)
    count = min(2, (end - first) // 4)
    return {i for i, number in shared.most_common(count) if number}


def _ask(sentences, kept, spans, places, title, counts, generator):
    passage = " ".join(sentences[i] for i in kept)
    stems = {i: content_stems(sentences[i]) for i in kept}
    starts, place = {}, 0
    for i in kept:
        starts[i] = place
        place += len(sentences[i]) + 1
    answers = collections.defaultdict(list)
    for i in kept:
        for span in spans[i]:
            answers[span.key].append((i, span))
    near = range(kept[0] - _NEAR, kept[-1] + _NEAR + 1)
    people = _people(title, sentences)
    found = []
    for key, targets in answers.items():
        if key in title.lower() and generator.random() < _NO_TITLE:
            continue
        sources = [(i, span) for i, span in places[key] if i in near and i not in starts]
        for i, span in sources[:10]:
            best = _best(sentences[i], span, targets, stems, counts, title)
            if best is None or sentences[i] in passage:
                continue
            score, target, goal = best
            span, goal = _widened(span, goal, generator)
            text = _worded(sentences[i], span, title, counts, people, generator)
            answer = sentences[target][goal.start : goal.end]
            if text is None or re.search(rf"(?<!\w){re.escape(answer.lower())}(?!\w)", text):
                continue
            group = span.kind if span.kind in SHARES else "number"
            start = starts[target] + goal.start
            found.append((score, i, Question(text, start, answer, group, score)))
    return passage, _chosen(found)


def _best(sentence, span, targets, stems, counts, title):
    """Returns (score, sentence, span) of the occurrence that shares most with the question."""
    around = content_stems(sentence[: span.start] + " " + sentence[span.end :])
    around -= {stem(word) for word in span.key.split()} | content_stems(title)
    best = None
    for i, target in targets:
        shared = around & stems[i]
        weight = sum(counts.weight(word) for word in shared)
        enough = len(shared) >= _LEAST_STEMS and weight >= _LEAST_WEIGHT
        if enough and (best is None or weight > best[0]):
            best = weight, i, target
    if best is None:
        return None
    length = len(span.key.split())
    # Long answers are rarer than in SQuAD, so they come first; the title's own name comes last.
    bonus = 2.0 * (length - 1) - (8.0 if span.key in title.lower() else 0.0)
    return best[0] / (len(around) + 4) * 10 + bonus, best[1], best[2]


def _worded(sentence, span, title, counts, people, generator):
    """Returns a question about a span of a sentence, or None where none can be made."""
    if not cloze_wording.can_replace(sentence, span):
        return None
    choose = generator.choice
    if generator.random() < 0.5 and len(sentence.split()) <= _LONGEST_WHOLE:
        text = cloze_wording.whole_question(sentence, span, choose, people)
    else:
        text = cloze_wording.clause_question(sentence, span, choose, counts, people)
    subject = re.match(r"(.*?)\b(?:he|she)\b", text)
    if subject and people and generator.random() < 0.7:
        text = subject.group(1) + max(people, key=len) + text[subject.end() :]
    is_long_enough = _LEAST_WORDS <= len(text.split()) <= _MOST_WORDS
    return text if is_long_enough and cloze_wording.has_verb(text) else None


def _people(title, sentences):
    """Returns the names in lower case of the person that an article is about, if it is one."""
    name = re.sub(r"\s*\(.*|,.*", "", title).lower()
    pronouns = sum(bool(re.search(r"\b[Hh]e\b|\b[Ss]he\b", sentence)) for sentence in sentences)
    is_person = 1 < len(name.split()) < 4 and pronouns > 0.25 * len(sentences)
    return sorted({name, name.split()[-1]}) if is_person else []


def _widened(span, other, generator):
    """Returns a noun phrase and its other occurrence with the words before them, or as they are."""
    if span.kind != PHRASE or generator.random() < _NARROW:
        return span, other
    return tuple(dataclasses.replace(each, start=each.whole_start) for each in (span, other))


def _chosen(found):
    """Returns the best questions of a passage, not too many of one sentence or one answer."""
    sources, answers, chosen = collections.Counter(), collections.Counter(), []
    for _, source, question in sorted(found, key=lambda item: -item[0]):
        place = question.start + len(question.answer)
        if sources[source] < 2 and answers[place] < _MOST_AN_ANSWER:
            sources[source] += 1
            answers[place] += 1
            chosen.append(question)
    return chosen[:_MOST_A_PASSAGE]


def limited(articles, count):
    """Returns the articles with the `count` best questions, in the shares of `SHARES`."""
    groups = collections.defaultdict(list)
    for _, passages in articles:
        for _, questions in passages:
            for question in questions:
                groups[question.group].append(question.score)
    least = {}
    for group, scores in groups.items():
        scores.sort(reverse=True)
        wanted = int(SHARES[group] * count)
        least[group] = scores[wanted - 1] if 0 < wanted < len(scores) else float("-inf")
    for title, passages in articles:
        kept = [
            (passage, [q for q in questions if q.score >= least[q.group]])
            for passage, questions in passages
        ]
        yield title, [(passage, questions) for passage, questions in kept if questions]


def to_squad(articles):
    """Returns the JSON object of SQuAD's layout, its questions numbered."""
    data, number = [], 0
    for title, passages in articles:
        paragraphs = []
        for passage, questions in passages:
            rows = []
            for question in questions:
                number += 1
                answer = {"answer_start": question.start, "text": question.answer}
                rows.append({"id": f"c{number}", "question": question.text, "answers": [answer]})
            paragraphs.append({"context": passage, "qas": rows})
        if paragraphs:
            data.append({"title": title, "paragraphs": paragraphs})
    return {"version": "1.1", "data": data}


def make(corpus, squad, count, seed):
    """Returns the questions of the files in SQuAD's layout; see the flags."""
    counts = WordCounts()
    for _, texts in read_articles(corpus, squad):
        for sentence in sentences_of(texts):
            counts.add(sentence)
    articles = []
    for number, (title, texts) in enumerate(read_articles(corpus, squad)):
        generator = random.Random(f"{seed} {number}")
        passages = list(questions_of(sentences_of(texts), title, counts, generator))
        articles.append((title, passages))
    return to_squad(limited(articles, count))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", nargs="+", default=[], help="globs of .jsonl.gz files")
    parser.add_argument("--squad", nargs="+", default=[], help="SQuAD .json.gz files, for contexts")
    parser.add_argument("--count", type=int, default=200_000, help="most questions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", required=True, help="a .json.gz file")
    settings = parser.parse_args()
    corpus = [path for pattern in settings.corpus for path in sorted(glob.glob(pattern))]
    made = make(corpus, settings.squad, settings.count, settings.seed)
    content = json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()
    with replacing_file(settings.output) as path:
        with open(path, "wb") as file:
            file.write(gzip.compress(content, mtime=0))
    passages = [paragraph for article in made["data"] for paragraph in article["paragraphs"]]
    questions = sum(len(paragraph["qas"]) for paragraph in passages)
    print(f"{questions} questions, {len(passages)} passages, {len(made['data'])} articles")


if __name__ == "__main__":
    main()
