"""Makes questions with answers from plain text without labels, to pretrain an answerer on.

    python benchmarks/gpu/cloze_questions.py --corpus='DATA/en_wiki/*.jsonl.gz' \\
        --squad=DATA/squad/train.json.gz --count=200000 --output=cloze.json.gz
    keras-bert finetune --task=squad1 --train=cloze.json.gz ...

A span that recurs in an article (a date, a number, a name, a noun phrase) becomes an answer: one
sentence that has it is made into a question, with an interrogative in the span's place, and is
left out of the passage; the answer is the occurrence in the passage whose sentence shares most
with the question. Recurring spans are Splinter's (arXiv 2101.00438), questions from clozes are
those of Lewis et al. (arXiv 1906.04980). --keep fills up what is missing of numbers and of longer
answers with questions whose sentence stays in the passage, with some words left out. The output has
SQuAD's layout. Of a SQuAD file only the contexts are read. [MASK] in a text is ordinary text to
our tokenizer, so none is written.
"""

import argparse
import collections
import glob
import gzip
import json
import os
import re

from cloze_passages import Article
from cloze_spans import NAME, PHRASE, WordCounts

from keras_bert.files import replacing_file
from keras_bert.pretraining.sentences import split_sentences

# The kinds of answers in SQuAD 1.1's training file, measured with these patterns.
SHARES = {"number": 0.22, NAME: 0.34, PHRASE: 0.44}


def read_articles(corpus, squad):
    """Yields (title, list of texts) of JSON lines with `title` and `text`, and of SQuAD files."""
    for path in corpus:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                article = json.loads(line)
                if article.get("title", "").startswith("List of"):
                    continue
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
            sentence = " ".join(sentence.split())
            is_whole = 5 <= len(sentence.split()) <= 60 and sentence[-1] in '.!"”)'
            if is_whole and " ." not in sentence and sentence not in found[-200:]:
                found.append(sentence)
    return found


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
                name = f"kept{number}" if question.stays else f"left{number}"
                rows.append({"id": name, "question": question.text, "answers": [answer]})
            paragraphs.append({"context": passage, "qas": rows})
        if paragraphs:
            data.append({"title": title, "paragraphs": paragraphs})
    return {"version": "1.1", "data": data}


def make(corpus, squad, count, seed, keep=False):
    """Returns the questions of the files in SQuAD's layout; see the flags."""
    counts = WordCounts()
    for _, texts in read_articles(corpus, squad):
        for sentence in sentences_of(texts):
            counts.add(sentence)
    articles = []
    for number, (title, texts) in enumerate(read_articles(corpus, squad)):
        article = Article(sentences_of(texts), title, counts, f"{seed} {number}")
        articles.append((title, list(article.passages(keep))))
    return to_squad(limited(articles, count))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", nargs="+", default=[], help="globs of .jsonl.gz files")
    parser.add_argument("--squad", nargs="+", default=[], help="SQuAD .json.gz files, for contexts")
    parser.add_argument("--count", type=int, default=200_000, help="most questions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="see above")
    parser.add_argument("--output", required=True, help="a .json.gz file")
    settings = parser.parse_args()
    corpus = [path for pattern in settings.corpus for path in sorted(glob.glob(pattern))]
    missing = [path for path in [*corpus, *settings.squad] if not os.path.isfile(path)]
    if missing or not corpus + settings.squad:
        parser.error(f"no such file: {(missing or settings.corpus or ['--corpus'])[0]}")
    made = make(corpus, settings.squad, settings.count, settings.seed, settings.keep)
    content = json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()
    with replacing_file(settings.output) as path:
        with open(path, "wb") as file:
            file.write(gzip.compress(content, mtime=0))
    passages = [paragraph for article in made["data"] for paragraph in article["paragraphs"]]
    questions = sum(len(paragraph["qas"]) for paragraph in passages)
    print(f"{questions} questions, {len(passages)} passages, {len(made['data'])} articles")


if __name__ == "__main__":
    main()
