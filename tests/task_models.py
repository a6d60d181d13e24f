"""Small models of the tasks but classification, with random weights, and data they are right on.

The labelled files say what the model itself answers: so it scores full marks without training, and
what an exported file loses is the export's doing.
"""

import dataclasses
import json
import random

import numpy as np
from conftest import toy_rows
from passages import NASTY

from keras_bert.bert import Bert, build_model
from keras_bert.config import BertConfig
from keras_bert.model_folder import ModelConfig
from keras_bert.text.tokenizer import WordPieceTokenizer
from keras_bert.text.vocabulary import train_vocabulary

LENGTH = 48  # of the models' rows, so that a passage of some sentences is several windows
SENTENCES = [text for _, text in toy_rows(60, seed=3)]
QUESTION = "which actor has the great voice?"

_CONFIGS = {
    "regression": {"settings": {"mean": 2.5, "scale": 1.5}},
    "tagging": {
        "labels": ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
        "settings": {"scheme": "bio", "overlap": 4},
    },
    "question_answering": {
        "pair": True,
        "settings": {
            "doc_stride": 16, "max_question_length": 12, "max_answer_length": 8, "n_best": 5,
            "null_answers": True, "null_threshold": 0.0, "character_f1": False,
        },
    },
    "multiple_choice": {"pair": True, "settings": {"num_choices": 3}},
}  # fmt: skip
KINDS = tuple(_CONFIGS)
_MORE_CONFIGS = {
    "classification": {"labels": ("negative", "positive")},
    "multi_label": {
        "labels": ("short", "sad", "loud"),
        "settings": {"thresholds": [0.5, 0.5, 0.5]},
    },
}


def make_bert(kind, seed=0, encoder=None, **changes):
    """Returns a `Bert` of a task, whose random weights are wide enough to give varied answers.

    Args:
        kind: a kind of task; for those not of `KINDS` the changes are all that its config needs.
        seed: int, the weights are a function of it.
        encoder: dict, fields of its `BertConfig` to change.
        **changes: fields of its `ModelConfig`.
    """
    import keras

    tokenizer = WordPieceTokenizer(train_vocabulary([*SENTENCES, QUESTION, *NASTY], 300))
    sizes = {
        "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 64, "max_position_embeddings": 64, "initializer_range": 0.3,
    }  # fmt: skip
    encoder = BertConfig(vocab_size=tokenizer.vocabulary_size, **{**sizes, **(encoder or {})})
    fields = {
        "task": kind,
        "max_length": LENGTH,
        **(_CONFIGS | _MORE_CONFIGS).get(kind, {}),
        **changes,
    }
    config = ModelConfig(encoder=encoder, tokenizer=tokenizer.get_config(), **fields)
    keras.utils.set_random_seed(seed)
    return Bert.from_config(config, build_model(config), tokenizer)


def perturbed(bert, share=1.5, seed=1):
    """Returns a copy of a model with noise on every matrix, `share` of its standard deviation."""
    rng = np.random.default_rng(seed)
    model = build_model(bert.config)
    model.set_weights(
        [
            w + share * w.std() * rng.normal(size=w.shape).astype("float32") if w.ndim > 1 else w
            for w in bert.model.get_weights()
        ]
    )
    return Bert.from_config(dataclasses.replace(bert.config), model, bert.tokenizer)


def answer_half(bert, questions, passages):
    """Sets an answerer's threshold for no answer, so that it answers half of the questions."""
    odds = sorted(answer["null_odds"] for answer in bert.predict(questions, passages))
    middle = len(odds) // 2
    bert.config.settings["null_threshold"] = sum(odds[middle - 1 : middle + 1]) / 2


def asked_of(kind):
    """Returns what to ask a model of a task: the two lists that `Predictor.predict` takes."""
    rng = random.Random(5)
    if kind == "regression":
        return [*SENTENCES, *NASTY], None
    if kind == "tagging":
        # Single sentences, and several in one: too long for a row.
        return [*SENTENCES, *NASTY, *(" ".join(rng.sample(SENTENCES, 8)) for _ in range(8))], None
    if kind == "question_answering":
        passages = [*NASTY, *(passage(rng.randint(1, 12), i) for i in range(24))]
        asked = [" ".join(rng.choice(SENTENCES).split()[:3]) for _ in passages]
        return [f"which {words}?" for words in asked], passages
    return SENTENCES, [rng.sample(SENTENCES, 3) for _ in SENTENCES]


def passage(sentences, seed=0):
    """Returns a text of so many sentences, with spaces and accents that only a slice keeps."""
    rng = random.Random(seed)
    return "  ".join(
        f"{rng.choice(SENTENCES).capitalize()},\tnaïve Café." for _ in range(sentences)
    )


def write_data(kind, bert, folder, count=40):
    """Writes a labelled file in the layout of the task: what the model answers.

    Returns:
        The path.
    """
    texts, texts_b = asked_of(kind)
    # Sentences and passages of words alone: a table has no line breaks.
    kept = [i for i, text in enumerate(texts) if text not in NASTY][-count:]
    kept = [i for i in kept if texts_b is None or texts_b[i] not in NASTY]
    texts = [texts[i] for i in kept]
    texts_b = texts_b and [texts_b[i] for i in kept]
    answers = bert.predict(texts, texts_b)
    if kind == "tagging":
        return _write(
            folder / "dev.conll",
            "\n".join(
                "".join(f"{word}\t{tag}\n" for word, tag in zip(a["words"], a["tags"]))
                for a in answers
            ),
        )
    if kind == "question_answering":
        return _write(folder / "dev.json", json.dumps({"data": _squad(texts, texts_b, answers)}))
    columns = [
        {"text": text, "label": a.get("value", a.get("choice"))} for text, a in zip(texts, answers)
    ]
    if kind == "multiple_choice":
        columns = [{**row, "choices": choices} for row, choices in zip(columns, texts_b)]
    return _write(folder / "dev.jsonl", "".join(f"{json.dumps(row)}\n" for row in columns))


def _squad(questions, passages, answers):
    paragraphs = []
    for i, (question, context, answer) in enumerate(zip(questions, passages, answers)):
        gold = [{"text": answer["text"], "answer_start": answer["start"]}]
        asked = {
            "id": f"q{i}", "question": question, "answers": gold if answer["text"] else [],
            "is_impossible": not answer["text"],
        }  # fmt: skip
        paragraphs.append({"context": context, "qas": [asked]})
    return [{"title": "toy", "paragraphs": paragraphs}]


def _write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


# What an answerer is asked. Line ends of several kinds, and characters that are more than a byte.
QUESTIONS = [*dict.fromkeys(asked_of("question_answering")[0])]
PASSAGE = "\r\n".join(passage(5, seed=i) for i in range(4)) + "\n👍🏽 e\u0301te\u0301 北京。\tEnd"
