"""README and docs as tests read them: their scripts, their commands, and the files these read."""

import csv
import pathlib
import re
import shlex

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_VOCABULARY = ROOT / "keras_bert" / "data" / "bert_base_uncased_vocab.txt"
_HAM = ("see you at lunch", "i will be home in half an hour", "are we still meeting", "ok, thanks")
_SPAM = ("you have won a prize, call now", "urgent: claim your free holiday", "text WIN to 80086")


def python_blocks(page):
    """Returns the blocks of Python on a page, in their order."""
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)


def commands(page):
    """Returns the commands on a page, lists of arguments after `keras-bert`."""
    text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
    text = re.sub(r"^```python\n.*?^```$", "", text, flags=re.M | re.S)
    found = re.findall(r"^ {4}(?:\$ )?(keras-bert .*)$", text, re.M)
    found += re.findall(r"`(keras-bert [^`]*)`", text)
    return [shlex.split(line, comments=True)[1:] for line in found]


def make_files(folder):
    """Writes what the scripts read: a small checkpoint, and labelled messages."""
    import keras

    import keras_bert

    keras.utils.set_random_seed(0)
    start = keras_bert.load("bert_tiny_en_uncased", vocabulary=_VOCABULARY)
    start.save(folder / "checkpoint")
    rows = [("ham", text) for text in _HAM * 6] + [("spam", text) for text in _SPAM * 8]
    for name in ("train.csv", "dev.csv"):
        with open(folder / name, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("label", "text"), *rows])
