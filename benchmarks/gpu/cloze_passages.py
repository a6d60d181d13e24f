"""Cuts an article into passages and makes their questions."""

import collections
import dataclasses
import math
import random
import re

import cloze_wording
from cloze_spans import NAME, PHRASE, content_stems, find_spans, stem

_WORDS = (90, 165)  # of a passage
_NEAR = 40  # sentences before and behind the passage from which questions come
_MOST_A_PASSAGE, _MOST_A_SENTENCE, _MOST_AN_ANSWER = 8, 2, 2  # questions
_NO_TITLE = 0.7  # share of the answers that are left out because they are the article's title
_NARROW = 0.4  # share of noun phrases that are an answer without the adjectives before them
_LONGEST_WHOLE = 18  # words of a sentence that becomes a question whole
_LEAST_WORDS, _MOST_WORDS = 5, 26  # of a question
_LEAST_STEMS, _LEAST_WEIGHT = 2, 10.0  # that question and answer's sentence share
_DROPPED = 0.12  # share of the words that a question loses whose sentence stays
_STAYING = 0.7  # share of the sentences that stay which are asked for
_NUMBERS = 0.7  # share of the sentences that stay which are asked for a number, if they have one
_WITH_ARTICLE = 0.4  # share of the answers that begin with the article before them, as in SQuAD
_ARTICLE = re.compile(r"\b(?:[Tt]he|[Aa]n?) $")
_JOINED = re.compile(
    r" (?:of|and|for|in|with|from|to)(?: the| a| an| its)? (?=\S)|, (?:and )?(?=[A-Z])"
)


@dataclasses.dataclass(frozen=True)
class Question:
    """A question, its answer's place in the passage, and how good it seems."""

    text: str
    start: int
    answer: str
    group: str  # "number", "name" or "phrase"
    score: float
    source: int  # index of the sentence that it is made of
    stays: bool = False  # whether that sentence is in the passage


class Article:
    """The sentences of an article with their spans.

    Args:
        sentences: list of str.
        title: str.
        counts: `WordCounts` of the corpus.
        seed: str; the same for the same questions.
    """

    def __init__(self, sentences, title, counts, seed):
        self.sentences, self.title, self.counts = sentences, title, counts
        self.generator = self.recurring_generator = random.Random(seed)
        self.staying_generator = random.Random(f"{seed} staying")
        self.people = _people(title, sentences)
        self.spans = [find_spans(sentence, counts) for sentence in sentences]
        self.places = collections.defaultdict(list)  # key: (sentence, span)
        for i, found in enumerate(self.spans):
            for span in found:
                self.places[span.key].append((i, span))

    def passages(self, keep=False):
        """Yields (passage, list of `Question`).

        Args:
            keep: whether sentences that stay in the passage are made into questions, too.
        """
        for first, end in self._windows():
            held = self._held_out(first, end)
            kept = [i for i in range(first, end) if i not in held]
            starts, place = {}, 0
            for i in kept:
                starts[i] = place
                place += len(self.sentences[i]) + 1
            passage = " ".join(self.sentences[i] for i in kept)
            questions = _chosen(self._recurring(passage, starts))
            if keep:  # with random numbers of its own, so that the other questions are the same
                self.generator = self.staying_generator
                questions += self._staying(starts)
                self.generator = self.recurring_generator
            yield passage, questions

    def _windows(self):
        """Yields (first, end) of consecutive passages."""
        first, words, wanted = 0, 0, self.generator.randint(*_WORDS)
        for i, sentence in enumerate(self.sentences):
            words += len(sentence.split())
            if words >= wanted:
                yield first, i + 1
                first, words, wanted = i + 1, 0, self.generator.randint(*_WORDS)
        if words >= _WORDS[0] // 2:
            yield first, len(self.sentences)

    def _held_out(self, first, end):
        """Returns the sentences of a passage to leave out: those which share most answers."""
        shared = collections.Counter()
        for i in range(first, end):
            for key in {span.key for span in self.spans[i]}:
                shared[i] += any(first <= j < end and j != i for j, _ in self.places[key])
        return {i for i, number in shared.most_common(min(2, (end - first) // 4)) if number}

    def _recurring(self, passage, starts):
        """Returns questions of sentences near the passage whose answers recur in it."""
        answers = collections.defaultdict(list)
        for i in starts:
            for span in self.spans[i]:
                answers[span.key].append((i, span))
        stems = {i: content_stems(self.sentences[i]) for i in starts}
        near = range(min(starts) - _NEAR, max(starts) + _NEAR + 1)
        found = []
        for key, targets in answers.items():
            if key in self.title.lower() and self.generator.random() < _NO_TITLE:
                continue
            sources = [(i, span) for i, span in self.places[key] if i in near and i not in starts]
            for i, span in sources[:10]:
                best = self._best(i, span, targets, stems)
                if best is None or self.sentences[i] in passage:
                    continue
                score, target, goal = best
                if span.kind == PHRASE:
                    span = dataclasses.replace(span, start=span.whole_start)
                    if self.generator.random() >= _NARROW:
                        goal = dataclasses.replace(goal, start=goal.whole_start)
                question = self._question(i, span, target, goal, starts, score)
                if question is not None:
                    found.append(question)
        return found

    def _best(self, source, span, targets, stems):
        """Returns (score, sentence, span) of the occurrence that shares most with the source."""
        sentence = self.sentences[source]
        around = content_stems(sentence[: span.start] + " " + sentence[span.end :])
        around -= {stem(word) for word in span.key.split()} | content_stems(self.title)
        best = None
        for i, target in targets:
            shared = around & stems[i]
            # A set's order changes from run to run; fsum does not depend on it.
            weight = math.fsum(self.counts.weight(word) for word in shared)
            enough = len(shared) >= _LEAST_STEMS and weight >= _LEAST_WEIGHT
            if enough and (best is None or weight > best[0]):
                best = weight, i, target
        if best is None:
            return None
        # Long answers are rarer than in SQuAD, so they come first; the title's name comes last.
        bonus = 2.0 * (len(span.key.split()) - 1) - (8.0 if span.key in self.title.lower() else 0.0)
        return best[0] / (len(around) + 4) * 10 + bonus, best[1], best[2]

    def _staying(self, starts):
        """Returns questions of most sentences that stay, about a number or a long answer."""
        found = []
        for i in starts:
            if self.generator.random() >= _STAYING or not self.spans[i]:
                continue
            spans = self.spans[i]
            numbers = [span for span in spans if span.kind not in (NAME, PHRASE)]
            others = [span for span in spans if span.kind in (NAME, PHRASE)]
            if numbers and (not others or self.generator.random() < _NUMBERS):
                span = self.generator.choice(numbers)
            else:
                joined = [_joined(self.sentences[i], span, spans, self.counts) for span in others]
                lengths = [(span.end - span.start) ** 2 for span in joined]
                span = self.generator.choices(joined, lengths)[0]
            question = self._question(i, span, i, span, starts, self.generator.random() - 1000)
            if question is not None:
                found.append(dataclasses.replace(question, stays=True))
        return found

    def _question(self, source, span, target, goal, starts, score):
        article = _ARTICLE.search(self.sentences[target], 0, goal.start)
        if article and goal.kind in (NAME, PHRASE) and self.generator.random() < _WITH_ARTICLE:
            goal = dataclasses.replace(goal, start=article.start())
        text = self._worded(self.sentences[source], span, source == target)
        answer = self.sentences[target][goal.start : goal.end]
        if text is None or re.search(rf"(?<!\w){re.escape(answer.lower())}(?!\w)", text):
            return None
        group = span.kind if span.kind in (NAME, PHRASE) else "number"
        return Question(text, starts[target] + goal.start, answer, group, score, source)

    def _worded(self, sentence, span, stays):
        """Returns a question about a span of a sentence, or None where none can be made."""
        if not cloze_wording.can_replace(sentence, span, self.counts):
            return None
        choose, generator = self.generator.choice, self.generator
        whole = not stays and len(sentence.split()) <= _LONGEST_WHOLE and generator.random() < 0.5
        if whole:
            text = cloze_wording.whole_question(sentence, span, choose, self.people)
        else:
            text = cloze_wording.clause_question(sentence, span, choose, self.counts, self.people)
        subject = re.match(r"(.*?)\b(?:he|she)\b", text)
        if subject and self.people and generator.random() < 0.7:
            text = subject.group(1) + max(self.people, key=len) + text[subject.end() :]
        if not cloze_wording.has_verb(text):
            return None
        if stays:  # less alike, so that it is not found by its words alone
            text = cloze_wording.thinned(text, _DROPPED, generator)
        return text if _LEAST_WORDS <= len(text.split()) <= _MOST_WORDS else None


def _people(title, sentences):
    """Returns the names in lower case of the person that an article is about, if it is one."""
    name = re.sub(r"\s*\(.*|,.*", "", title).lower()
    pronouns = sum(bool(re.search(r"\b(?:[Hh]e|[Ss]he)\b", sentence)) for sentence in sentences)
    is_person = 1 < len(name.split()) < 4 and pronouns > 0.25 * len(sentences)
    return sorted({name, name.split()[-1]}) if is_person else []


def _joined(sentence, span, spans, counts):
    """Returns a span with the spans that are joined to it: "the rank of Major in the army"."""
    start, end = _whole(span), span.end
    for _ in range(3):
        link = _JOINED.match(sentence, end)
        ends = [
            each.end
            for each in spans
            if link and _whole(each) == link.end() and each.kind in (NAME, PHRASE)
        ]
        if not ends or cloze_wording.describes(sentence[max(ends) :], counts):
            break
        end = max(ends)
    return dataclasses.replace(span, start=start, end=end)


def _whole(span):
    return span.whole_start if span.kind == PHRASE else span.start


def _chosen(found):
    """Returns the best questions of a passage, not too many of one sentence or one answer."""
    sources, answers, chosen = collections.Counter(), collections.Counter(), []
    for question in sorted(found, key=lambda question: -question.score):
        end = question.start + len(question.answer)
        if sources[question.source] < _MOST_A_SENTENCE and answers[end] < _MOST_AN_ANSWER:
            sources[question.source] += 1
            answers[end] += 1
            chosen.append(question)
    return chosen[:_MOST_A_PASSAGE]
