"""One name and one shape for each weight, in whichever file it is.

Canonical names are those of Google's TF1 checkpoints, for example
`bert/encoder/layer_0/attention/self/query/kernel`. Kernels are (inputs, outputs), but a head's
`output_weights` are (outputs, inputs): run_classifier.py, run_squad.py, run_pretraining.py.
"""

import operator
import re

from keras_bert.errors import InputError

POOLER = ("bert/pooler/dense/kernel", "bert/pooler/dense/bias")
CLASSIFIER = ("output_weights", "output_bias")
ANSWERER = ("cls/squad/output_weights", "cls/squad/output_bias")
# Google's scripts have no such heads; these names are our own.
TAGGER = ("tagger/output_weights", "tagger/output_bias")
CHOICE = ("multiple_choice/output_weights", "multiple_choice/output_bias")
# By `TaskNetwork.head_kind`.
HEADS = {"classifier": CLASSIFIER, "answerer": ANSWERER, "tagger": TAGGER, "choice": CHOICE}
TASK_HEADS = tuple(HEADS.values())
# The output matrix of the masked-LM head is the word-piece table, so it has no name of its own;
# some have another one, which only Hugging Face's files hold.
MASKED_LM = (
    "cls/predictions/transform/dense/kernel",
    "cls/predictions/transform/dense/bias",
    "cls/predictions/transform/LayerNorm/gamma",
    "cls/predictions/transform/LayerNorm/beta",
    "cls/predictions/output_bias",
)
MASKED_LM_TABLE = "cls/predictions/output_table"
PAIR = ("cls/seq_relationship/output_weights", "cls/seq_relationship/output_bias")
PRETRAINING = (*MASKED_LM, MASKED_LM_TABLE, *PAIR)

# Three of Hugging Face's classes have a head with this name; the class decides what it is.
_CLASSIFIER_KEYS = ("classifier.weight", "classifier.bias")
HUGGINGFACE_HEADS = {
    **dict(zip(CLASSIFIER, _CLASSIFIER_KEYS, strict=True)),
    **dict(zip(TAGGER, _CLASSIFIER_KEYS, strict=True)),
    **dict(zip(CHOICE, _CLASSIFIER_KEYS, strict=True)),
    "cls/predictions/transform/dense/kernel": "cls.predictions.transform.dense.weight",
    "cls/predictions/transform/dense/bias": "cls.predictions.transform.dense.bias",
    "cls/predictions/transform/LayerNorm/gamma": "cls.predictions.transform.LayerNorm.weight",
    "cls/predictions/transform/LayerNorm/beta": "cls.predictions.transform.LayerNorm.bias",
    "cls/predictions/output_bias": "cls.predictions.bias",
    MASKED_LM_TABLE: "cls.predictions.decoder.weight",
    "cls/seq_relationship/output_weights": "cls.seq_relationship.weight",
    "cls/seq_relationship/output_bias": "cls.seq_relationship.bias",
    "cls/squad/output_weights": "qa_outputs.weight",
    "cls/squad/output_bias": "qa_outputs.bias",
}
# The heads of Google's three scripts.
GOOGLE_HEADS = tuple(
    name for name in HUGGINGFACE_HEADS if name not in (*TAGGER, *CHOICE, MASKED_LM_TABLE)
)
_NAMES_OF_KEYS = {
    **{HUGGINGFACE_HEADS[name]: name for name in (*GOOGLE_HEADS, MASKED_LM_TABLE)},
    # Tied to the other in every file that has both.
    "cls.predictions.decoder.bias": MASKED_LM[-1],
}

# Canonical name under `bert/embeddings/` or `bert/encoder/layer_N/`: its attribute in our layers,
# and its shape (v vocab_size, p max_position_embeddings, t type_vocab_size, h hidden_size,
# i intermediate_size).
_EMBEDDINGS = {
    "word_embeddings": ("embeddings.word_embeddings", "vh"),
    "position_embeddings": ("embeddings.position_embeddings", "ph"),
    "token_type_embeddings": ("embeddings.token_type_embeddings", "th"),
    "LayerNorm/gamma": ("embeddings_norm.gamma", "h"),
    "LayerNorm/beta": ("embeddings_norm.beta", "h"),
}
_BLOCK = {
    "attention/self/query/kernel": ("attention.query_dense.kernel", "hh"),
    "attention/self/query/bias": ("attention.query_dense.bias", "h"),
    "attention/self/key/kernel": ("attention.key_dense.kernel", "hh"),
    "attention/self/key/bias": ("attention.key_dense.bias", "h"),
    "attention/self/value/kernel": ("attention.value_dense.kernel", "hh"),
    "attention/self/value/bias": ("attention.value_dense.bias", "h"),
    "attention/output/dense/kernel": ("attention.output_dense.kernel", "hh"),
    "attention/output/dense/bias": ("attention.output_dense.bias", "h"),
    "attention/output/LayerNorm/gamma": ("attention_norm.gamma", "h"),
    "attention/output/LayerNorm/beta": ("attention_norm.beta", "h"),
    "intermediate/dense/kernel": ("intermediate.kernel", "hi"),
    "intermediate/dense/bias": ("intermediate.bias", "i"),
    "output/dense/kernel": ("feed_forward_output.kernel", "ih"),
    "output/dense/bias": ("feed_forward_output.bias", "h"),
    "output/LayerNorm/gamma": ("output_norm.gamma", "h"),
    "output/LayerNorm/beta": ("output_norm.beta", "h"),
}


def expected_shapes(config):
    """Returns the encoder's weights as a dict from canonical name to shape.

    Args:
        config: a `BertConfig`.
    """
    sizes = {
        "v": config.vocab_size,
        "p": config.max_position_embeddings,
        "t": config.type_vocab_size,
        "h": config.hidden_size,
        "i": config.intermediate_size,
    }
    letters = {f"bert/embeddings/{name}": row[1] for name, row in _EMBEDDINGS.items()}
    for i in range(config.num_hidden_layers):
        letters.update({f"bert/encoder/layer_{i}/{name}": row[1] for name, row in _BLOCK.items()})
    letters.update(zip(POOLER, ("hh", "h"), strict=True))
    return {name: tuple(sizes[letter] for letter in word) for name, word in letters.items()}


def encoder_variables(encoder):
    """Returns a `BertEncoder`'s weights as a dict from canonical name to `keras.Variable`."""
    variables = {}
    for name, (path, _) in _EMBEDDINGS.items():
        variables[f"bert/embeddings/{name}"] = operator.attrgetter(path)(encoder)
    for i, block in enumerate(encoder.blocks):
        for name, (path, _) in _BLOCK.items():
            variables[f"bert/encoder/layer_{i}/{name}"] = operator.attrgetter(path)(block)
    pooler = (encoder.pooler.kernel, encoder.pooler.bias)
    variables.update(zip(POOLER, pooler, strict=True))
    return variables


def variables_of(model):
    """Returns the weights of any network of `keras_bert.models`, by canonical name."""
    encoder = getattr(model, "encoder", model)
    return {**encoder_variables(encoder), **_head_variables(model)}


def _head_variables(model):
    if hasattr(model, "masked_lm_head"):
        return _pretraining_heads(model)
    kind = getattr(model, "head_kind", None)
    if kind is None:
        return {}
    return dict(zip(HEADS[kind], (model.head.kernel, model.head.bias), strict=True))


def _pretraining_heads(pretrainer):
    head, pair = pretrainer.masked_lm_head, pretrainer.pair_head
    kept = (
        head.transform.kernel, head.transform.bias, head.norm.gamma, head.norm.beta,
        head.output_bias,
    )  # fmt: skip
    variables = dict(zip(MASKED_LM, kept, strict=True))
    if not head.tied:
        variables[MASKED_LM_TABLE] = head.output_table
    if pair is not None:
        variables.update(zip(PAIR, (pair.kernel, pair.bias), strict=True))
    return variables


def head_shapes(config):
    """Returns the shapes of the pretraining heads by canonical name; see `expected_shapes`."""
    hidden = config.hidden_size
    transform = ((hidden, hidden), (hidden,), (hidden,), (hidden,), (config.vocab_size,))
    return {
        **dict(zip(MASKED_LM, transform, strict=True)),
        MASKED_LM_TABLE: (config.vocab_size, hidden),
        **dict(zip(PAIR, ((2, hidden), (2,)), strict=True)),
    }


def is_transposed(name):
    """Returns whether our variable is the transpose of the canonical weight: heads' kernels are."""
    return name.rpartition("/")[2] == "output_weights"


def canonical_shape(name, variable):
    """Returns the shape that a variable's weight has in a checkpoint."""
    shape = tuple(variable.shape)
    return shape[::-1] if is_transposed(name) else shape


def arrays(variables):
    """Reads variables into the arrays that the writers take.

    Args:
        variables: dict from canonical name to `keras.Variable`.

    Returns:
        dict from canonical name to float32 array of the canonical shape.
    """
    from keras import ops

    values = {}
    for name, variable in variables.items():
        value = ops.convert_to_numpy(variable.value).astype("float32")
        values[name] = value.T if is_transposed(name) else value
    return values


def to_huggingface(name):
    """Returns Hugging Face's key of a canonical name, with the prefix `bert.` where it has one."""
    if name in HUGGINGFACE_HEADS:
        return HUGGINGFACE_HEADS[name]
    key = re.sub(r"/layer_(\d+)/", r"/layer/\1/", name).replace("/", ".")
    for google, huggingface in ((".kernel", ".weight"), (".gamma", ".weight"), (".beta", ".bias")):
        if key.endswith(google):
            return key.removesuffix(google) + huggingface
    return f"{key}.weight" if key.endswith("_embeddings") else key


def from_huggingface(key, classifier=CLASSIFIER):
    """Returns the canonical name of a Hugging Face key.

    The translation is mechanical, so a tensor that BERT does not have gets a name too, and the
    comparison of names reports it. Files from before 2019 have `LayerNorm.gamma` and
    `LayerNorm.beta`.

    Args:
        key: a key that starts with `bert.`, or a head's key.
        classifier: one of `TASK_HEADS`, the meaning of the keys `classifier.…`.

    Returns:
        The canonical name, or None for a head that has none.
    """
    if not key.startswith("bert."):
        if key in _CLASSIFIER_KEYS:
            return classifier[_CLASSIFIER_KEYS.index(key)]
        return _NAMES_OF_KEYS.get(re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", key)))
    path, _, last = re.sub(r"\.layer\.(\d+)\.", r".layer_\1.", key).rpartition(".")
    if path.endswith("_embeddings") and last == "weight":
        last = ""
    elif path.endswith("LayerNorm"):
        last = {"weight": "gamma", "bias": "beta"}.get(last, last)
    elif last == "weight":
        last = "kernel"
    return f"{path}.{last}".rstrip(".").replace(".", "/")


def merge_heads(name, shape, num_heads):
    """Returns the canonical shape of a weight that is stored with separate axes for heads.

    Keras's MultiHeadAttention, and so TF2 and keras-hub checkpoints, store query, key and value as
    (hidden, heads, head_size), their biases as (heads, head_size), and the output projection as
    (heads, head_size, hidden).

    Args:
        name: canonical name.
        shape: stored shape.
        num_heads: heads that the config states.

    Raises:
        InputError: the stored weight has another number of heads.
    """
    shape = tuple(int(size) for size in shape)
    if "/attention/self/" in name and len(shape) == (3 if name.endswith("/kernel") else 2):
        heads, merged = shape[-2], (*shape[:-2], shape[-2] * shape[-1])
    elif name.endswith("/attention/output/dense/kernel") and len(shape) == 3:
        heads, merged = shape[0], (shape[0] * shape[1], shape[2])
    else:
        return shape
    if heads != num_heads:
        raise InputError(f"{name} has {heads} heads, the config states {num_heads}")
    return merged
