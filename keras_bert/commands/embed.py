"""Writes vectors of texts, or of their tokens, from any layers of a model to an .npz file.

keras-bert embed --model=bert --input=texts.csv --output=vectors.npz --pooling=mean --normalize
keras-bert embed --model=bert --text="the bank" --output=tokens.npz --pooling=tokens --layers=-1,-2

Poolings: mean, over all tokens, [CLS] and [SEP] included; cls, the vector of [CLS]; pooler, the
model's pooled output; tokens, each token's own. The file has `vectors`, of shape
(texts, hidden size), of several layers (texts, layers, hidden size); with tokens, (tokens, …) and,
for each token, `tokens`, `words`, `word_ids`, `offsets`, `segment_ids`; text i has the tokens
row_splits[i] to row_splits[i + 1] - 1.
"""

from keras_bert.commands import flags, inputs
from keras_bert.embedding.embed_file import EmbedSettings, embed_file
from keras_bert.guesses import not_said
from keras_bert.tasks.file_layout import FileLayout


def define(values):
    flags.define(values, EmbedSettings)
    flags.define(values, FileLayout, skip=("misaligned",))


def run(values):
    asked = flags.chosen(values, EmbedSettings)
    for name in ("text", "text_b"):
        asked[name] = inputs.texts_of(asked[name], name)
    result = embed_file(inputs.layout_of(values), **asked)
    shape = " x ".join(map(str, result["shape"]))
    notes = not_said(result.pop("notes"))
    return result, [*notes, f"{result['count']} texts, vectors {shape}: {result['output']}"]
