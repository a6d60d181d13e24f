"""Names of TF2's object-based checkpoints of BERT, as the TensorFlow Model Garden saves them.

A variable's name is the path of attributes that leads to it, so the names of one encoder differ:
its layers are numbered (`layer_with_weights-4`) where it is a functional model, as in Google's
releases, and named (`_transformer_layers/0`) where it is not. Sources: tensorflow/models
official/nlp/modeling/networks/bert_encoder.py; keras-hub
tools/checkpoint_conversion/convert_bert_checkpoints.py; transformers
models/bert/convert_bert_token_dropping_original_tf2_checkpoint_to_pytorch.py.
"""

import re

from keras_bert.checkpoints import names
from keras_bert.errors import InputError

_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_ROOT = re.compile(r"(|.*?/)(?:layer_with_weights-1|_position_embedding_layer)/embeddings")

_EMBEDDINGS = {
    "layer_with_weights-0/embeddings": "word_embeddings",
    "layer_with_weights-1/embeddings": "position_embeddings",
    "layer_with_weights-2/embeddings": "token_type_embeddings",
    "layer_with_weights-3/gamma": "LayerNorm/gamma",
    "layer_with_weights-3/beta": "LayerNorm/beta",
    "_embedding_layer/embeddings": "word_embeddings",
    "_position_embedding_layer/embeddings": "position_embeddings",
    "_type_embedding_layer/embeddings": "token_type_embeddings",
    "_embedding_norm_layer/gamma": "LayerNorm/gamma",
    "_embedding_norm_layer/beta": "LayerNorm/beta",
}
_BLOCK = {
    "_attention_layer/_query_dense": "attention/self/query",
    "_attention_layer/_key_dense": "attention/self/key",
    "_attention_layer/_value_dense": "attention/self/value",
    "_attention_layer/_output_dense": "attention/output/dense",
    "_attention_output_dense": "attention/output/dense",
    "_attention_layer_norm": "attention/output/LayerNorm",
    "_intermediate_dense": "intermediate/dense",
    "_output_dense": "output/dense",
    "_output_layer_norm": "output/LayerNorm",
}
# These may be outside the encoder. The masked language model shares the word embeddings and has the
# shorter path to them, so the checkpoint uses that path. If the next sentence head has a pooler,
# that is the trained one. TF writes `.` as `..` and `/` as `.S` within an attribute.
_OUTSIDE = {
    "masked_lm/embedding_table": "bert/embeddings/word_embeddings",
    "next_sentence..pooler_dense/kernel": "bert/pooler/dense/kernel",
    "next_sentence..pooler_dense/bias": "bert/pooler/dense/bias",
    "masked_lm/dense/kernel": "cls/predictions/transform/dense/kernel",
    "masked_lm/dense/bias": "cls/predictions/transform/dense/bias",
    "masked_lm/layer_norm/gamma": "cls/predictions/transform/LayerNorm/gamma",
    "masked_lm/layer_norm/beta": "cls/predictions/transform/LayerNorm/beta",
    "masked_lm/output_bias.Sbias": "cls/predictions/output_bias",
}


def translate(stored, config):
    """Finds BERT's weights among the variables of an object-based checkpoint.

    Args:
        stored: dict from the checkpoint's names to shapes.
        config: `BertConfig`.

    Returns:
        dict from canonical name to the checkpoint's name, and dict from canonical name to shape.

    Raises:
        InputError: there is no BERT encoder, or its number of heads is not that of the config.
    """
    paths = {
        name.removesuffix(_SUFFIX): name
        for name in stored
        if name.endswith(_SUFFIX) and ".OPTIMIZER_SLOT" not in name
    }
    roots = {match.group(1) for path in paths if (match := _ROOT.fullmatch(path))}
    if not roots:
        raise InputError(
            "no BERT in it: neither bert/embeddings/word_embeddings (TF1's name) nor "
            "layer_with_weights-1/embeddings (TF2's)"
        )
    if len(roots) > 1:
        raise InputError(f"expected one BERT encoder, found {', '.join(sorted(roots))}")
    root = roots.pop()
    variables = {}
    for path, name in paths.items():
        canonical = _translate_inside(path.removeprefix(root)) if path.startswith(root) else None
        if canonical is not None:
            variables[canonical] = name
    for path, name in paths.items():
        for ending, canonical in _OUTSIDE.items():
            if path == ending or path.endswith("/" + ending):
                variables[canonical] = name
    shapes = {
        canonical: names.merge_heads(canonical, stored[name], config.num_attention_heads)
        for canonical, name in variables.items()
    }
    return variables, shapes


def _translate_inside(path):
    """Returns the canonical name of a path within the encoder, None if it leads elsewhere."""
    if path in _EMBEDDINGS:
        return f"bert/embeddings/{_EMBEDDINGS[path]}"
    match = re.fullmatch(r"(layer_with_weights-|_transformer_layers/)(\d+)/(.+)", path)
    if match:
        kind, number, rest = match.groups()
        # The functional encoder counts its four embedding layers first, and its pooler last.
        layer = int(number) - (4 if kind == "layer_with_weights-" else 0)
        if rest in ("kernel", "bias"):
            return f"bert/pooler/dense/{rest}"
        part, _, weight = rest.rpartition("/")
        # An unknown part keeps its name, so the comparison of names reports it.
        return f"bert/encoder/layer_{layer}/{_BLOCK.get(part, part)}/{weight}"
    match = re.fullmatch(r"_pooler_layer/(kernel|bias)", path)
    return f"bert/pooler/dense/{match.group(1)}" if match else None
