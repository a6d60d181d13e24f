"""Text that looks like text to a tokenizer: made of syllables, with a seed."""

import gzip
import itertools
import json
import random

from keras_bert.text.vocabulary import train_vocabulary

_SYLLABLES = [a + b for a, b in itertools.product("bdfgklmnprst", "aeiou")]


def documents(count, seed, sentences=(1, 40), words=(1, 30)):
    """Returns texts of some sentences each; a few sentences are very long."""
    rng = random.Random(seed)
    lexicon = ["".join(rng.choices(_SYLLABLES, k=rng.randint(1, 4))) for _ in range(2000)]
    texts = []
    for _ in range(count):
        text = []
        for _ in range(rng.randint(*sentences)):
            length = rng.randint(*words) if rng.random() < 0.99 else 300
            chosen = [lexicon[int(2000 * rng.random() ** 3)] for _ in range(length)]
            text.append(" ".join(chosen).capitalize() + rng.choice(".!?"))
        texts.append(" ".join(text))
    return texts


def write_json_lines(path, texts):
    """Writes one object a line, gzip'd if the name says so."""
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "wt", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            file.write(json.dumps({"id": number, "text": text}) + "\n")
    return path


def write_plain(path, texts):
    """Writes texts with blank lines between, gzip'd if the name says so."""
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "wt", encoding="utf-8", newline="") as file:
        file.write("\n\n".join(texts) + "\n")
    return path


def write_vocabulary(path, size=400, seed=0):
    """Writes a vocabulary that cuts the words of `documents` into pieces."""
    tokens = train_vocabulary(documents(60, seed), size)
    path.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    return path
