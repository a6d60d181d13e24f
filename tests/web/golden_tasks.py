"""What the tasks answer for given texts and given outputs of a model; see make_golden.py."""

import functools
import random
import zlib

import numpy as np
import tokenizer_golden
from passages import EMPTY, NASTY

from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.model_folder import ModelConfig
from keras_bert.tasks.registry import get_task
from keras_bert.tasks.tagging.schemes import entities
from keras_bert.tasks.tagging.word_rows import split_words

ENTITIES = [f"{letter}-{type_}" for type_ in ("PER", "LOC") for letter in "BIES"]
LABELS = {
    "none": ("NOUN", "VERB", "DET", "X"),
    "io": ("O", "I-PER", "I-LOC"),
    "iob1": ("O", "B-PER", "I-PER", "I-LOC"),
    "bio": ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
    "bioes": ("O", *ENTITIES),
    "bmes": ("B", "M", "E", "S"),
    "bilou": ("O", "B-X", "I-X", "L-X", "U-X"),
}
SMALL = {"doc_stride": 12, "max_question_length": 8, "max_answer_length": 6, "n_best": 4}
MOST_CHARACTERS = 200_000


def numbers(seed, shape):
    """Returns float32 numbers from 0 to 0.999, of which many are equal; TypeScript has the same."""
    index = np.arange(1, np.prod(shape, dtype=int) + 1, dtype="uint64")
    mixed = (index * 0x9E3779B1 ^ np.uint64((seed + 1) * 0x85EBCA6B)) & 0xFFFFFFFF
    mixed ^= mixed >> np.uint64(15)
    mixed = mixed * 0x2C1B3C6D & 0xFFFFFFFF
    mixed ^= mixed >> np.uint64(12)
    return ((mixed % 1000) / 1000).astype("float32").reshape(shape)


def text_of(given):
    """Returns a text: a str, or joined lines, repeated to some number of characters."""
    if not isinstance(given, dict):
        return given
    lines = tokenizer_golden.texts()
    text = given.get("joiner", " ").join(lines[i] for i in range(*given["lines"]))
    most = given.get("characters")
    return (text * (most // len(text) + 1))[:most] if most else text


@functools.cache
def tokenizer_of(vocabulary):
    """Returns the tokenizer of a golden column; making one takes longer than most texts."""
    return tokenizer_golden.tokenizer(vocabulary)


def config_of(case):
    vocabulary = tokenizer_golden.vocabulary(case["vocabulary"])
    encoder = BertConfig(
        vocab_size=len(vocabulary), hidden_size=8, num_hidden_layers=1, num_attention_heads=1
    )
    fields = {name: case[name] for name in ("task", "max_length")}
    fields |= {name: case[name] for name in ("labels", "settings", "windows") if name in case}
    return ModelConfig(encoder=encoder, pair=None if "second" not in case else True, **fields)


def answer_of(case):
    """Returns the rows of a case, as a count and a checksum, and what its task answers."""
    config = config_of(case)
    task = get_task(config.task)
    tokenizer = tokenizer_of(case["vocabulary"])
    second = [text_of(case["second"])] if "second" in case else None
    try:
        examples = task.examples_from([text_of(case["text"])], second)
        task.check(examples, config)
        rows = task.rows(examples, tokenizer, config)
    except InputError as error:
        return {"error": str(error)}
    outputs = {name: [] for name in task.outputs}
    crc = 0
    for number, row in enumerate(rows.encodings):
        ids = np.asarray(row.token_ids, "int32")
        crc = zlib.crc32(np.asarray(row.segment_ids, "int32").tobytes(), zlib.crc32(ids, crc))
        shape = task.output_shape(config, 1, len(ids))[1:]
        for place, name in enumerate(task.outputs):
            values = numbers(case["seed"] + 2 * number + place, shape)
            outputs[name].append(values * np.float32(case.get("scale", 1)))
    (answer,) = task.answers(outputs, rows, examples, config)
    return {"rows": len(rows), "crc": crc, **_short(answer)}


def _short(answer):
    """Returns an answer without the texts, which are slices, with seven digits of its numbers."""
    if "n_best" in answer:
        spans = [[s["start"], s["end"], s["probability"]] for s in answer["n_best"]]
        best = [answer["start"], answer["end"], answer["probability"]]
        return _rounded({"n_best": spans, "best": best, "odds": answer.get("null_odds")})
    if "tags" in answer:
        entities = [
            [e["type"], e["start"], e["end"], e["probability"]] for e in answer.get("entities", ())
        ]
        return _rounded({"tags": answer["tags"], "entities": entities})
    if "value" in answer:
        return _rounded({"value": answer["value"]})
    labels = answer.get("labels", [answer.get("label")])
    return _rounded({"labels": labels, "probabilities": answer["probabilities"]})


def _rounded(value):
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 7) if isinstance(value, float) else value


def tasks():
    """Returns the cases with their answers."""
    return [[case, answer_of(case)] for case in (*_texts(), *_questions(), *_sentences())]


def parts():
    """Returns parts of tagging alone: how sentences are split among rows, and entities of tags."""
    rng = random.Random(7)
    splits = []
    for _ in range(60):
        room, overlap = rng.randint(3, 20), rng.choice((0, 2, 9))
        sizes = [rng.choice((1, 1, 2, min(room, 7))) for _ in range(rng.randint(1, 60))]
        rows = split_words(sizes, room, overlap)
        found = [[words.start, words.stop, read.start, read.stop] for words, read in rows]
        splits.append([sizes, room, overlap, found])
    sentences = []
    for labels in LABELS.values():
        for _ in range(12):
            tags = rng.choices(labels, k=12)
            sentences.append([tags, [list(entity) for entity in entities(tags)]])
    return {"splits": splits, "entities": sentences}


def _texts():
    odd = [*NASTY[:6], EMPTY[0], "\ud800 x", "\0", "😀👍🏽"]
    base = {"vocabulary": "uncased", "max_length": 32}
    kinds = [
        {"task": "classification", "labels": ["no", "yes", "maybe"]},
        {
            "task": "multi_label", "labels": ["a", "b", "c"],
            "settings": {"thresholds": [0.2, 0.5, 0.734]},
        },
        {"task": "regression", "settings": {"mean": 0.0, "scale": 1.0}},
    ]  # fmt: skip
    for kind in kinds:
        for windows in (False, True):
            for seed, text in enumerate([*odd, {"lines": [0, 9]}, {"lines": [20, 60]}]):
                yield {**base, **kind, "windows": windows, "text": text, "seed": seed}
            for seed, second in enumerate([{"lines": [3, 4]}, {"lines": [3, 12]}]):
                text = {"lines": [5, 8]}
                pair = {"text": text, "second": second, "seed": 50 + seed}
                yield {**base, **kind, "windows": windows, **pair}
    long = {"lines": [0, 629], "characters": MOST_CHARACTERS}
    yield {**base, **kinds[0], "max_length": 128, "windows": True, "text": long, "seed": 7}


def _questions():
    base = {"vocabulary": "multilingual", "task": "question_answering", "max_length": 48}
    variants = [
        {"settings": SMALL},
        {"settings": {**SMALL, "null_answers": True, "null_threshold": -3.0}},
        {"settings": {**SMALL, "null_answers": True, "whole_words": False}},
        {"settings": {**SMALL, "n_best": 1, "max_answer_length": 1}},
        {"settings": {}, "max_length": 384},
    ]
    passages = [*NASTY, EMPTY[0], {"lines": [0, 12]}, {"lines": [300, 330], "joiner": "\n\n"}]
    for number, variant in enumerate(variants):
        for seed, passage in enumerate(passages):
            question = {"lines": [seed, seed + 1]}
            asked = {"text": question, "second": passage, "seed": 10 * seed + number, "scale": 12}
            yield {**base, **variant, **asked}
    for text, passage in (("", "x"), (" \n", "x"), ("x", ""), ("\ud800", "x"), ("x", "a\udfff")):
        yield {**base, **variants[0], "text": text, "second": passage, "seed": 0}
    long = {"lines": [0, 629], "characters": MOST_CHARACTERS}
    asked = {"text": "who?", "second": long, "seed": 1, "scale": 20}
    yield {**base, "vocabulary": "uncased", **variants[-1], **asked}
    # So that a window leaves no room.
    yield {**base, "settings": {}, "text": "who?", "second": "x", "seed": 0}


def _sentences():
    base = {"vocabulary": "uncased", "task": "tagging", "max_length": 32}
    texts = [*NASTY, "\ud800 Ada", {"lines": [0, 8]}, {"lines": [100, 104]}, "Ada isn't in N.Y."]
    for scheme, labels in LABELS.items():
        for seed, text in enumerate(texts):
            settings = {"scheme": scheme, "overlap": 4, "mark_capitals": seed % 2 == 0}
            yield {**base, "labels": labels, "settings": settings, "text": text, "seed": seed}
    for text in ("", " ", "\u200b", "\0"):
        settings = {"scheme": "bio", "overlap": 4, "mark_capitals": False}
        yield {**base, "labels": LABELS["bio"], "settings": settings, "text": text, "seed": 0}
    settings = {"scheme": "bio", "overlap": 16, "mark_capitals": True}
    long = {"lines": [0, 100], "characters": 20_000}
    shape = {"max_length": 128, "text": long, "seed": 3}
    yield {**base, "labels": LABELS["bio"], "settings": settings, **shape}
