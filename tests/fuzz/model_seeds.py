"""Writes one whole file or folder of each kind that holds a model, records or a run's state."""

import dataclasses
import os
import pathlib
import shutil
import sys

import numpy as np

DATA = pathlib.Path(__file__).parents[1] / "data"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefgh", "##a", "##b", "good", "bad"]


def make(folder):
    """Writes all seeds into an empty folder, a folder for each reader."""
    import keras

    import keras_bert
    from keras_bert.checkpoints import google, huggingface, keras_hub, names
    from keras_bert.export.export import export
    from keras_bert.text.tokenizer import WordPieceTokenizer

    folder = pathlib.Path(folder)
    for name in ("hf_tiny_bert", "hf_tiny_bert_tagger", "tf1_ckpt_fixture"):
        shutil.copytree(DATA / name, folder / name)
    keras.utils.set_random_seed(7)
    tokenizer = WordPieceTokenizer(WORDS, lower_case=True)
    encoder = keras_bert.BertEncoder(
        vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=16,
    )  # fmt: skip
    network = keras_bert.BertClassifier(encoder, num_classes=2)
    bert = keras_bert.Bert(network, tokenizer, labels=["no", "yes"], max_length=8, pair=False)
    bert.save(folder / "model_folder")
    (folder / "keras_file").mkdir()
    network.save(folder / "keras_file" / "model.keras")
    weights = names.arrays(names.variables_of(bert.encoder))
    switches = {"lower_case": True, "strip_accents": True, "tokenize_chinese_chars": True}
    parts = (bert.config.encoder, weights, WORDS, switches)
    google.save(folder / "google", *parts)
    huggingface.save(folder / "huggingface", *parts)
    gelu = dataclasses.replace(bert.config.encoder, hidden_act="gelu_new")
    keras_hub.save(folder / "keras_hub", gelu, *parts[1:])
    _shards(folder / "huggingface", folder / "huggingface_shards")
    for name, output, form in (
        ("tflite", "model.tflite", "tflite"),
        ("onnx", "model.onnx", "onnx"),
        ("saved_model", "model", "saved_model"),
    ):
        (folder / name).mkdir()
        export(bert, output=str(folder / name / output), format=form, length=8)
    _records(folder / "records")
    _state(folder / "state")


def _shards(source, folder):
    """A Hugging Face folder whose tensors are in two files."""
    import json

    from safetensors.numpy import load_file, save_file

    shutil.copytree(source, folder)
    tensors = load_file(folder / "model.safetensors")
    os.unlink(folder / "model.safetensors")
    keys = sorted(tensors)
    parts = {"a.safetensors": keys[::2], "b.safetensors": keys[1::2]}
    for name, chosen in parts.items():
        save_file({key: tensors[key] for key in chosen}, folder / name, metadata={"format": "pt"})
    index = {"weight_map": {key: name for name, chosen in parts.items() for key in chosen}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _records(folder):
    from keras_bert.pretraining.prepare import prepare

    corpus = folder.with_suffix(".txt")
    corpus.write_text("a good b. bad c d.\ne f g.\n\nh a a. good bad.\nb c.\n\n" * 4)
    vocabulary = folder.with_suffix(".vocab")
    vocabulary.write_text("".join(f"{word}\n" for word in WORDS))
    prepare(
        corpus=str(corpus), vocab=str(vocabulary), output=str(folder), length=16, shards=2,
        pack=True, static_masking=True, workers=1,
    )  # fmt: skip


def small_run():
    """Returns a compiled model like one of a run, whose state `Checkpoints` saves."""
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dropout(0.5)])
    model.compile(keras.optimizers.Adam(0.1), "mse", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def _state(folder):
    from keras_bert.training.checkpoints import Checkpoints

    model = small_run()
    best = [np.ones(3, "float32"), np.zeros((2, 2), "float32")]
    for step in (3, 6):
        Checkpoints(folder, "run").save(model, step, seconds=1.5, history=[{"x": 1}], best=best)


if __name__ == "__main__":
    make(sys.argv[1])
