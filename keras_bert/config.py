"""The sizes and constants of a BERT, read from the config files of public checkpoints."""

import dataclasses

from keras_bert.errors import InputError
from keras_bert.reading import read_json
from keras_bert.stand_ins import check_is_itself

# The vector of a whole text: [CLS] after the pooler, or the mean of its tokens.
POOLINGS = ("cls", "mean")

# Quantization-aware training, by what `--quantize_aware` calls it: the bits of the weights of
# products. And the bits that the word table may have.
QUANTIZED_WEIGHTS = {"int4": 4, "int8": 8}
TABLE_BITS = (4, 8)
# A product of fewer weights stays float, as TensorFlow's converter has it; many a head is one.
FEWEST_QUANTIZED = 1024
# What `export --quantize` calls such a file.
EXPORTED_AS = {"int4": "int4", "int8": "dynamic"}

# The file of a model folder that holds the factors it was trained with for a quantized file.
RESCALING_FILE = "rescaling.safetensors"

# The classes of the pair head in pretraining, by the numbers in `pair_labels`: Google's for nsp
# (next sentence), ALBERT's for sop (sentence order).
PAIR_LABELS = {"nsp": ("next", "random"), "sop": ("in_order", "swapped"), "none": ()}

# "gelu" is the exact (erf) form, which Google's released weights were trained with; "gelu_new" is
# the tanh approximation that later code, and keras-hub, use. They differ by up to 1e-3 an element.
ACTIVATIONS = ("gelu", "gelu_new", "relu")
_ACTIVATION_ALIASES = {
    "gelu_approximate": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
    "gelu_python": "gelu",
}

# Keys of bert_config.json that describe BERT's usual pooler; only another value matters.
_GOOGLE_POOLER_KEYS = {
    "directionality": ("bidi",),
    "pooler_type": ("first_token_transform",),
}
_GOOGLE_IGNORED_KEYS = {
    "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head",
}  # fmt: skip

# Keys of Hugging Face's config.json that do not change the encoder's arithmetic. Those of the
# second part are for generated text; `to_dict()` of transformers before version 5 has all of them.
_HUGGINGFACE_IGNORED_KEYS = {
    "_attn_implementation", "_attn_implementation_autoset", "_attn_implementation_internal",
    "_commit_hash", "_name_or_path", "_num_labels", "architectures", "attn_implementation",
    "auto_map", "bos_token_id", "chunk_size_feed_forward", "classifier_dropout",
    "cls_token_id", "dtype", "eos_token_id", "eos_token_ids", "experts_implementation",
    "finetuning_task", "gradient_checkpointing", "id2label", "label2id", "mask_token_id",
    "max_length", "model_type", "num_labels", "output_attentions", "output_hidden_states",
    "output_past", "pad_token_id", "prefix", "problem_type", "return_dict",
    "sbert_ce_default_activation_function", "sentence_transformers", "sep_token_id",
    "task_specific_params", "tf_legacy_loss", "tie_encoder_decoder", "tie_word_embeddings",
    "tokenizer_class", "torch_dtype", "torchscript", "transformers.js_config",
    "transformers_version", "unk_token_id", "use_bfloat16", "use_cache", "use_return_dict",
    #
    "bad_words_ids", "begin_suppress_tokens", "cross_attention_hidden_size",
    "decoder_start_token_id", "diversity_penalty", "do_sample", "early_stopping",
    "encoder_no_repeat_ngram_size", "exponential_decay_length_penalty", "forced_bos_token_id",
    "forced_eos_token_id", "length_penalty", "min_length", "no_repeat_ngram_size",
    "num_beam_groups", "num_beams", "num_return_sequences", "output_scores",
    "remove_invalid_values", "repetition_penalty", "return_dict_in_generate", "suppress_tokens",
    "temperature", "top_k", "top_p", "typical_p",
}  # fmt: skip
# Keys that change the arithmetic unless they hold the value that means "plain BERT".
_HUGGINGFACE_REQUIRED = {
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
    "is_encoder_decoder": False,
    "pruned_heads": {},
}

# Far more than the deepest released BERT has; a file with more is broken or hostile.
_MOST_LAYERS = 1000
# The largest vocabulary in use has 2**20 tokens.
_LARGEST = 2**24


@dataclasses.dataclass(frozen=True)
class BertConfig:
    """Sizes and constants of a BERT encoder (Devlin et al. 2018, section 3).

    Args:
        vocab_size: number of rows of the word-piece table.
        hidden_size: width of every layer's output.
        num_hidden_layers: number of encoder blocks.
        num_attention_heads: heads a block; divides `hidden_size`.
        intermediate_size: width inside the feed-forward part.
        hidden_act: "gelu" (erf), "gelu_new" (tanh approximation) or "relu".
        hidden_dropout_prob: dropout after embeddings, attention and feed-forward, in [0, 1).
        attention_probs_dropout_prob: dropout on the attention weights, in [0, 1).
        max_position_embeddings: the longest sequence, in tokens.
        type_vocab_size: number of segments.
        initializer_range: standard deviation of the truncated normal initializer.
        layer_norm_eps: added to the variance in every LayerNorm.
        left_to_right: whether a token attends only to itself and to earlier tokens, as in the
            "LTR & No NSP" row of the paper's ablation (section 5.1). Only our own format has it.

    Raises:
        InputError: a value has the wrong type, is out of range, or contradicts another.
    """

    vocab_size: int
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    left_to_right: bool = False

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) != (field.type is bool) or not isinstance(
                value, (int, float) if field.type is float else field.type
            ):
                raise InputError(f"{field.name} must be {field.type.__name__}, not {value!r:.60}")
            if field.type is int and value < 1:
                raise InputError(f"{field.name} must be at least 1, not {value!r:.60}")
            most = _MOST_LAYERS if field.name == "num_hidden_layers" else _LARGEST
            if field.type is int and value > most:
                raise InputError(f"{field.name} must be at most {most}")
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} must be in [0, 1), not {getattr(self, name)!r:.60}")
        for name in ("initializer_range", "layer_norm_eps"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name} must be in (0, 1), not {getattr(self, name)!r:.60}")
        object.__setattr__(
            self, "hidden_act", _ACTIVATION_ALIASES.get(self.hidden_act, self.hidden_act)
        )
        if self.hidden_act not in ACTIVATIONS:
            raise InputError(
                f"hidden_act {self.hidden_act!r:.60} is not one of {', '.join(ACTIVATIONS)}"
            )
        if self.hidden_size % self.num_attention_heads:
            raise InputError(
                f"hidden_size {self.hidden_size} is not a multiple of "
                f"num_attention_heads {self.num_attention_heads}"
            )

    def to_dict(self):
        """Returns the config as a dict that `BertConfig(**d)` takes back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_preset(cls, name):
        """Returns the config of a named preset (see `PRESETS`).

        Raises:
            InputError: no preset has that name.
        """
        if name not in PRESETS:
            raise InputError(f"preset {name!r} is not one of {', '.join(PRESETS)}")
        return PRESETS[name]

    @classmethod
    def from_json(cls, path):
        """Reads Google's `bert_config.json` or Hugging Face's `config.json`.

        Args:
            path: the file.

        Returns:
            A `BertConfig`.

        Raises:
            InputError: the file is not such a config, or a key is missing, unknown or wrong.
        """
        data = read_json_object(path)
        try:
            return cls.from_huggingface(data) if "model_type" in data else cls.from_google(data)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    @classmethod
    def from_google(cls, data):
        """Makes a config from the contents of Google's `bert_config.json`."""
        data = dict(data)
        _check_pooler(data)
        return cls._from_known_keys(data, _GOOGLE_IGNORED_KEYS)

    @classmethod
    def from_huggingface(cls, data):
        """Makes a config from the contents of Hugging Face's `config.json`."""
        data = dict(data)
        if data.get("model_type", "bert") != "bert":
            raise InputError(f"model_type must be 'bert', not {data.get('model_type')!r}")
        for key, required in _HUGGINGFACE_REQUIRED.items():
            value = data.pop(key, required)
            if value != required and value is not None:
                raise InputError(f"{key} must be {required!r} for a BERT encoder, not {value!r}")
        # Folders converted from Google's multilingual and Chinese models keep its pooler keys.
        _check_pooler(data)
        return cls._from_known_keys(data, _HUGGINGFACE_IGNORED_KEYS | _GOOGLE_IGNORED_KEYS)

    @classmethod
    def _from_known_keys(cls, data, ignored):
        # Only our own folders hold left_to_right; elsewhere it would be an unknown key.
        names = {field.name for field in dataclasses.fields(cls)} - {"left_to_right"}
        required = {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                    "intermediate_size"}  # fmt: skip
        missing = sorted(required - data.keys())
        if missing:
            raise InputError(f"missing key {', '.join(missing)}")
        # An unknown key with an empty value (null, false, {}) changes nothing.
        unknown = sorted(k for k in data.keys() - names - ignored if data[k])
        if unknown:
            shown = ", ".join(f"{key} ({str(data[key])[:60]})" for key in unknown)
            raise InputError(
                f"unknown key {shown}: it may change the network, so it is not ignored"
            )
        return cls(**{k: v for k, v in data.items() if k in names})


def _check_pooler(data):
    """Removes the keys that describe the pooler from `data`; raises if it is another pooler."""
    for key, allowed in _GOOGLE_POOLER_KEYS.items():
        if data.pop(key, allowed[0]) not in allowed:
            raise InputError(f"{key} must be {allowed[0]!r}")
    if data.pop("pooler_fc_size", data.get("hidden_size")) != data.get("hidden_size"):
        raise InputError("pooler_fc_size differs from hidden_size")


def read_json_object(path, of=dict):
    """Reads a JSON file that must hold one object, or with `of=list` one list.

    Raises:
        InputError: the file is missing, is not UTF-8 JSON, too large, or holds something else.
    """
    try:
        data = read_json(path)
    except InputError:
        check_is_itself(path)
        raise
    if not isinstance(data, of):
        kind = "object" if of is dict else "list"
        raise InputError(f"{path}: expected a JSON {kind}, found {type(data).__name__}")
    return data


def _sizes(layers, hidden, heads, vocab_size=30522):
    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden,
    )


# Named as keras-hub names them; sizes from google-research/bert's README (the 24 smaller models of
# March 2020, BERT-Base and -Large) and from unilm's MiniLM README.
PRESETS = {
    "bert_tiny_en_uncased": _sizes(2, 128, 2),
    "bert_mini_en_uncased": _sizes(4, 256, 4),
    "bert_small_en_uncased": _sizes(4, 512, 8),
    "bert_medium_en_uncased": _sizes(8, 512, 8),
    "bert_base_en_uncased": _sizes(12, 768, 12),
    "bert_large_en_uncased": _sizes(24, 1024, 16),
    "bert_base_en": _sizes(12, 768, 12, vocab_size=28996),
    "bert_large_en": _sizes(24, 1024, 16, vocab_size=28996),
    "bert_base_multi": _sizes(12, 768, 12, vocab_size=119547),
    "bert_base_zh": _sizes(12, 768, 12, vocab_size=21128),
    "all_minilm_l6_v2_en": _sizes(6, 384, 12),
    "all_minilm_l12_v2_en": _sizes(12, 384, 12),
}
