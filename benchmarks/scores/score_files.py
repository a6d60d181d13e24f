"""Makes files for `expected_scores.py` where the public ones do not have the needed split.

Every split is by document, so that no text of the scored part is in the training part, and it
depends on the file alone. By itself it writes the files that it is asked for:

    python benchmarks/scores/score_files.py --data=DATA --output=MADE wikigold.dev.conll
"""

import argparse
import collections
import csv
import gzip
import itertools
import json
import math
import os
import re

import numpy as np
from score_titles import read_articles, tagged_sentences

from keras_bert.files import replacing_file
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import get_task
from keras_bert.tasks.tagging.schemes import entities

_JOINED_WORDS = 150
# Scored by rows that start from the model of inference.
_PAIRS_SCORED = {"glue/rte": "RTE", "glue/mrpc": "MRPC", "glue/stsb": "STS-B"}


def english_inference(data, folder, init):
    """Writes the English rows of nli_watson, a sample of MNLI, and those of SICK as JSON lines.

    Pairs with a sentence of a dev set of `_PAIRS_SCORED` are left out: SICK is made of captions,
    and so is a part of STS-B.
    """
    with gzip.open(os.path.join(data, "nli_watson/train.csv.gz"), "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["lang_abv"] == "en"]
    labels = ("entailment", "neutral", "contradiction")
    pairs = [(row["premise"], row["hypothesis"], labels[int(row["label"])]) for row in rows]
    for name in ("SICK_train.txt.gz", "SICK_trial.txt"):
        layout = FileLayout(label_column="entailment_judgment")
        examples = get_task("classification").read(os.path.join(data, "sick", name), layout)
        pairs += zip(examples.texts, examples.texts_b, map(str.lower, examples.labels))
    scored = _scored_sentences(data)
    pairs = [pair for pair in pairs if not scored & {_words(text) for text in pair[:2]}]
    _write_pairs(folder, "inference.jsonl", ("premise", "hypothesis", "label"), pairs)


def similar_pairs(data, folder, init):
    """Writes pairs of sentences with the cosine of their vectors by `init`, a sentence encoder.

    Pairs of the training files of MRPC, STS-B and SICK, without their labels; each sentence with
    one of its 20 nearest, and with any other. A sentence of a dev set of `_PAIRS_SCORED` is in no
    pair. There is no split: each sentence is in several pairs, so a score on a held-out share of
    them measures how well the cosine is learned, not how well it works for new sentences.
    """
    from keras_bert.embedding.features import embed
    from keras_bert.loading import load

    scored = _scored_sentences(data)
    pairs = []
    for task, name, layout in (
        ("glue/mrpc", "glue/MRPC/train.tsv.gz", FileLayout()),
        ("glue/stsb", "glue/STS-B/train.tsv.gz", FileLayout()),
        (
            "classification",
            "sick/SICK_train.txt.gz",
            FileLayout(label_column="entailment_judgment"),
        ),
    ):
        examples = get_task(task).read(os.path.join(data, name), layout)
        pairs += zip(examples.texts, examples.texts_b)
    pairs = [pair for pair in pairs if not scored & set(map(_words, pair))]
    texts = sorted({text for pair in pairs for text in pair})
    vectors = embed(load(init), texts, normalize=True)
    rng = np.random.default_rng(0)
    for block in np.array_split(np.arange(len(texts)), math.ceil(len(texts) / 1000)):
        cosines = vectors[block] @ vectors.T
        cosines[np.arange(len(block)), block] = -2  # a text is not its own neighbour
        nearest = np.argsort(-cosines, axis=1)[:, :20]
        for first, near in zip(block, nearest):
            for second in (rng.choice(near), rng.integers(len(texts))):
                if first != second:
                    pairs.append((texts[first], texts[second]))
    number = {text: index for index, text in enumerate(texts)}
    cosines = [float(vectors[number[a]] @ vectors[number[b]]) for a, b in pairs]
    rows = [(*pair, round(cosine, 4)) for pair, cosine in zip(pairs, cosines)]
    _write_pairs(folder, "similar.jsonl", ("sentence1", "sentence2", "score"), rows)


def _scored_sentences(data):
    """Returns the words of each sentence in the dev sets of `_PAIRS_SCORED`, a set of tuples."""
    scored = set()
    for name, folder in _PAIRS_SCORED.items():
        path = os.path.join(data, "glue", folder, "dev.tsv")
        examples = get_task(name).read(path, FileLayout())
        scored |= set(map(_words, [*examples.texts, *examples.texts_b]))
    return scored


def _words(text):
    return tuple(re.findall(r"\w+", text.lower()))


def _write_pairs(folder, name, keys, pairs):
    lines = (json.dumps(dict(zip(keys, pair)), ensure_ascii=False) + "\n" for pair in pairs)
    _write(folder, name, "".join(lines))


def wikigold(data, folder, init):
    """Writes every fifth of WikiGold's articles to one file, the others to another.

    Neighbouring sentences are joined up to `_JOINED_WORDS` words, so that the context of a name's
    other uses helps to recognize it. Where two names become neighbours, IO tags cannot separate
    them: none of the 654 names of the dev part, three of the 2,904 of the other part.
    """
    for part, chosen in _parts(_wikigold_articles(data), every=5):
        _write_tagged(folder, f"wikigold.{part}.conll", itertools.chain(*map(_joined, chosen)))


def titles(data, folder, init):
    """Writes sentences in which Wikipedia's titles are marked; see `score_titles`."""
    train = dict(_parts(_wikigold_articles(data), every=5))["train"]
    seen = collections.defaultdict(collections.Counter)
    for article in train:
        for rows in article:
            words, tags = zip(*rows)
            for kind, first, end in entities(tags, "io"):
                seen[words[first:end]][kind] += 1
    known = {name: max(kinds, key=kinds.get) for name, kinds in seen.items()}
    articles = read_articles(os.path.join(data, "pretrain/en_wiki/*.gz"))
    _write_tagged(folder, "titles.conll", tagged_sentences(articles, known))


def _wikigold_articles(data):
    """Returns a list of articles, lists of sentences, lists of (word, tag)."""
    path = os.path.join(data, "wikigold/wikigold.conll.txt.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        articles = [text for text in file.read().split("-DOCSTART- O\n") if text.strip()]
    return [
        [[line.split() for line in rows.split("\n")] for rows in text.strip("\n").split("\n\n")]
        for text in articles
    ]


def _joined(sentences):
    """Yields neighbouring sentences joined, with at most `_JOINED_WORDS` words where possible."""
    run = []
    for sentence in sentences:
        if run and len(run) + len(sentence) > _JOINED_WORDS:
            yield run
            run = []
        run = run + sentence
    yield run


def unanswerable(data, folder, init):
    """Writes every fourth article of the public part of SQuAD 2.0's dev set to one file."""
    path = os.path.join(data, "squad/dev-v2.0-public.json.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        content = json.load(file)
    for part, chosen in _parts(content["data"], every=4):
        text = json.dumps({**content, "data": chosen}, ensure_ascii=False)
        _write(folder, f"squad2.{part}.json", text)


def _parts(documents, every):
    is_dev = [index % every == every - 1 for index in range(len(documents))]
    for part, wanted in (("train", False), ("dev", True)):
        yield part, [document for document, dev in zip(documents, is_dev) if dev == wanted]


def _write_tagged(folder, name, sentences):
    lines = ("".join(f"{word} {tag}\n" for word, tag in rows) + "\n" for rows in sentences)
    _write(folder, name, "".join(lines))


def _write(folder, name, text):
    with replacing_file(os.path.join(folder, name)) as path:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


MAKERS = {
    "inference": english_inference,
    "similar": similar_pairs,
    "wikigold": wikigold,
    "titles": titles,
    "squad2": unanswerable,
}


def path_of(name, data, folder, init):
    """Returns the path of a file of a row, after making it if it is one of `MAKERS`.

    Args:
        name: path below `data`, or "made:" and a file's name.
        data: folder of the public files.
        folder: where made files go.
        init: the sentence encoder, for files that need its vectors.
    """
    if not name.startswith("made:"):
        return os.path.join(data, name)
    name = name.removeprefix("made:")
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        MAKERS[name.split(".")[0]](data, folder, init)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of the public files")
    parser.add_argument("--output", required=True, help="folder of the files that are made")
    parser.add_argument("--init", help="the sentence encoder, for files that need its vectors")
    parser.add_argument("names", nargs="+", metavar="FILE", help=f"begins with {', '.join(MAKERS)}")
    options = parser.parse_args()
    for name in options.names:
        if name.split(".")[0] not in MAKERS:
            parser.error(f"{name}: begins with none of {', '.join(MAKERS)}")
    os.makedirs(options.output, exist_ok=True)
    for name in options.names:
        print(path_of(f"made:{name}", options.data, options.output, options.init))


if __name__ == "__main__":
    main()
