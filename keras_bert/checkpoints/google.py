"""Google's checkpoints: bert_config.json, bert_model.ckpt (TF1 or TF2), vocab.txt."""

import glob
import os

from keras_bert.checkpoints import google_tf2, names
from keras_bert.checkpoints.checkpoint import (
    Checkpoint,
    check_against_config,
    to_float32,
)
from keras_bert.checkpoints.tensor_bundle import TensorBundle
from keras_bert.checkpoints.writing import (
    check_model,
    contents,
    write_json,
    write_vocabulary,
)
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.files import replacing_folder
from keras_bert.guesses import guess

_PREFIX = "bert_model.ckpt"
_ANCHOR = "bert/embeddings/word_embeddings"
# The fixed epsilon of google-research/bert's modeling.py (from tf.contrib.layers.layer_norm).
_EPSILON = 1e-12


def find_prefix(folder):
    """Returns the prefix of the one checkpoint in a folder, or of its `bert_model.ckpt`.

    Raises:
        InputError: there is none, or there are several.
    """
    if os.path.isfile(os.path.join(folder, _PREFIX + ".index")):
        return os.path.join(folder, _PREFIX)
    found = sorted(glob.glob(os.path.join(glob.escape(folder), "*.index")))
    if len(found) == 1:
        return found[0].removesuffix(".index")
    if found:
        raise InputError(
            f"{folder}: several checkpoints ({', '.join(map(os.path.basename, found))}): "
            f"give the path of one"
        )
    raise InputError(f"{os.path.join(folder, _PREFIX)}.index: no such file")


def open_prefix(prefix, labels=None):
    """Opens a TensorFlow checkpoint, with names as in TF1 or by objects as in TF2.

    Args:
        prefix: path without `.index`; `bert_config.json` is in the same folder.
        labels: list of str, names of a classifier's classes, which no file of Google's has.

    Returns:
        A `Checkpoint`.

    Raises:
        InputError: a file is missing or damaged, is not of a BERT, or does not fit its config.
    """
    folder = os.path.dirname(os.path.abspath(prefix))
    config = BertConfig.from_json(os.path.join(folder, "bert_config.json"))
    bundle = TensorBundle(prefix)
    stored = {name: entry.shape for name, entry in bundle.entries.items()}
    if _ANCHOR in stored:
        # An optimizer's slot has its variable's name as a prefix: `…/kernel/adam_m`.
        variables = {
            name: name
            for name in stored
            if name.rpartition("/")[0] not in stored
            and (name.startswith("bert/") or name in names.GOOGLE_HEADS)
        }
        shapes = {name: tuple(stored[name]) for name in variables}
    else:
        try:
            variables, shapes = google_tf2.translate(stored, config)
        except InputError as error:
            raise InputError(f"{prefix}: {error}") from None

    def read(name):
        value = bundle.read(variables[name])
        return to_float32(value, f"{prefix}: {variables[name]}").reshape(shapes[name])

    vocabulary_path = os.path.join(folder, "vocab.txt")
    return check_against_config(
        Checkpoint(
            path=prefix,
            config=config,
            vocabulary_path=vocabulary_path if os.path.isfile(vocabulary_path) else None,
            tokenizer_switches={},
            labels=labels,
            shapes=shapes,
            read=read,
            task=_task_of(shapes, labels),
            notes=_notes(prefix, shapes, labels),
        )
    )


def _task_of(shapes, labels):
    if names.ANSWERER[0] in shapes:
        return "question_answering"
    return "classification" if labels and names.CLASSIFIER[0] in shapes else None


def _notes(prefix, shapes, labels):
    if names.CLASSIFIER[0] not in shapes or labels:
        return ()
    reason = (
        "has a classifier, but its labels are not said: only the encoder is loaded; "
        "`keras-bert convert --labels=…` keeps the head"
    )
    return (guess(reason, place=prefix),)


def save(
    folder, config, weights, vocabulary, tokenizer_switches, labels=None, settings=None, task=None
):  # fmt: skip
    """Writes a folder as google-research/bert released them, with TF1's names.

    Args:
        folder: where; it must not exist, or be empty.
        config: `BertConfig`.
        weights: dict from canonical name to float32 array, as `names.arrays` makes it.
        vocabulary: list of word pieces.
        tokenizer_switches: dict with `lower_case`, `strip_accents`, `tokenize_chinese_chars`.
        labels: names of the classes or tags, where there is such a head.
        settings: dict, the task's settings, or None.
        task: kind of task; not used, because the format has no place for it.

    Returns:
        List of notes, one line each, on what the format cannot hold.

    Raises:
        InputError: the parts do not fit together, the format cannot express the config, or the
            folder cannot be replaced.
    """
    import tensorflow as tf

    check_model(config, weights, vocabulary, labels)
    if names.MASKED_LM_TABLE in weights:
        raise InputError(
            "a masked-LM head with an output matrix of its own cannot be written: Google's code "
            "has the word-piece table there"
        )
    data = config.to_dict()
    del data["left_to_right"]  # check_model requires that it is False
    if data.pop("layer_norm_eps") != _EPSILON:
        raise InputError(
            f"layer_norm_eps {config.layer_norm_eps} cannot be written: Google's code has "
            f"{_EPSILON}"
        )
    notes = []
    if config.hidden_act == "gelu_new":
        data["hidden_act"] = "gelu"
        notes.append("hidden_act gelu_new is written as gelu: Google's code has one name for both")
    if tokenizer_switches:
        notes.append(
            "bert_config.json does not hold the tokenizer's switches: "
            + ", ".join(
                f"{key} {contents(value) if key == 'added_tokens' else value}"
                for key, value in tokenizer_switches.items()
            )
        )
    if labels is not None:
        notes.append(f"bert_config.json does not hold the labels: {', '.join(labels)}")
    others = [name for name in weights if not name.startswith("bert/")]
    others = [name for name in others if name not in names.GOOGLE_HEADS]
    if others:
        notes.append(f"Google's scripts have no such head: not written are {', '.join(others)}")
        weights = {name: value for name, value in weights.items() if name not in others}
    if settings and settings.get("null_answers"):
        notes.append(
            "bert_config.json cannot state that a passage may hold no answer: give run_squad.py "
            f"--version_2_with_negative --null_score_diff_threshold={settings['null_threshold']}"
        )
    with replacing_folder(folder) as temporary:
        tf.raw_ops.SaveV2(
            prefix=os.path.join(temporary, _PREFIX),
            tensor_names=list(weights),
            shape_and_slices=[""] * len(weights),
            tensors=[tf.constant(value, tf.float32) for value in weights.values()],
        )
        write_json(os.path.join(temporary, "bert_config.json"), data)
        write_vocabulary(os.path.join(temporary, "vocab.txt"), vocabulary)
    return notes
