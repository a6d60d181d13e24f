"""Writes vectors of texts, or of their tokens, from any layers of a model to an .npz file.

keras-bert embed --model=bert --input=texts.csv --output=vectors.npz --pooling=mean --normalize
keras-bert embed --model=bert --text="the bank" --output=tokens.npz --pooling=tokens --layers=-1,-2

Poolings: mean, over all tokens, [CLS] and [SEP] included; cls, the vector of [CLS]; pooler, the
model's pooled output; tokens, each token's own. The file has `vectors`, of shape
(texts, hidden size), of several layers (texts, layers, hidden size); with tokens, (tokens, …) and,
for each token, `tokens`, `words`, `word_ids`, `offsets`, `segment_ids`; text i has the tokens
row_splits[i] to row_splits[i + 1] - 1.
"""

import sys
import time

from keras_bert.commands import flags, inputs
from keras_bert.embedding.embed_file import EmbedSettings, embed_file
from keras_bert.tasks.task import FileLayout


def define(values):
    flags.define(values, EmbedSettings)
    flags.define(values, FileLayout, skip=("misaligned",))


def run(values):
    asked = flags.chosen(values, EmbedSettings)
    for name in ("text", "text_b"):
        asked[name] = inputs.texts_of(asked[name], name)
    result = embed_file(inputs.layout_of(values), TextsLine, **asked)
    shape = " x ".join(map(str, result["shape"]))
    notes = result.pop("notes")
    return result, [*notes, f"{result['count']} texts, vectors {shape}: {result['output']}"]


class TextsLine:
    """One progress line on stderr: texts done, rate, time left.

    Args:
        count: int, texts in all.
        every_seconds: seconds between lines where stderr is not a terminal.
    """

    def __init__(self, count, every_seconds=15):
        self._count, self._done = count, 0
        self._is_terminal = sys.stderr.isatty()
        self._interval = 0.5 if self._is_terminal else every_seconds
        self._start = self._last = time.monotonic()

    def add(self, texts):
        """Tells that some more texts are done."""
        self._done += texts
        now = time.monotonic()
        if now - self._last < self._interval:
            return
        self._last = now
        rate = self._done / max(now - self._start, 1e-9)
        left = int((self._count - self._done) / rate)
        eta = f"{left // 3600}:{left // 60 % 60:02d}:{left % 60:02d}"
        line = f"text {self._done}/{self._count}  {rate:.1f} texts/s  ETA {eta}"
        start, end = ("\r\x1b[K", "") if self._is_terminal else ("", "\n")
        print(f"{start}{line}", end=end, file=sys.stderr, flush=True)

    def end(self):
        """Clears the line."""
        if self._is_terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
