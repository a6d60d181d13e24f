"""Makes what version 0.1.0 wrote, for the test that later versions read it.

    git worktree add ../version_0_1 06083e1
    cd ../version_0_1 && python PATH/tests/data/make_version_0_1.py PATH/tests/data/version_0_1

runs with that version's code and needs TensorFlow 2.21, Keras 3.15 and ai-edge-litert. It writes:

    files.zip           KIND/, a model folder each of classification, regression (mean pooling),
                        tagging, question_answering, multiple_choice and pretraining;
                        dynamic.tflite, classification.onnx and saved_model/, of the classification;
                        NETWORK.keras, each of the networks as `model.save` writes them;
                        compiled.keras, with an optimizer, a schedule and a step of training in it
    outputs.npz         the inputs, and the outputs of each of these, named FILE/OUTPUT

All weights are random, wide enough for varied outputs, and a function of the seed.
"""

import pathlib
import sys
import tempfile
import zipfile

import keras
import numpy as np

sys.path.insert(0, ".")

import keras_bert
from export.onnx import export_onnx
from export.saved_model import export_saved_model
from export.tflite import export_tflite
from keras_bert import models
from keras_bert.bert import Bert, build_model
from keras_bert.config import BertConfig
from keras_bert.model_folder import ModelConfig
from keras_bert.models.encoder import INPUT_NAMES
from keras_bert.tokenization import WordPieceTokenizer
from keras_bert.training.optimizer import WarmupLinearDecay, adamw

CHOICES, LENGTH, BATCH = 3, 16, 4
VOCABULARY = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
    *"the a film was good bad dull great who saw it in new york city said".split(),
    *"one . , ? ! ##s ##ed 北 京".split(),
]  # fmt: skip
ANSWERING = {
    "doc_stride": 4, "max_question_length": 6, "max_answer_length": 5, "n_best": 3,
    "null_answers": True, "null_threshold": 0.5, "character_f1": False,
}  # fmt: skip
KINDS = {
    "classification": {"labels": ("0", "1"), "benchmark": "glue/sst2"},
    "regression": {"pooling": "mean", "settings": {"mean": 2.5, "scale": 1.5}},
    "tagging": {
        "labels": ("O", "B-LOC", "I-LOC"), "settings": {"scheme": "bio", "overlap": 4},
    },
    "question_answering": {"pair": True, "settings": ANSWERING},
    "multiple_choice": {"pair": True, "settings": {"num_choices": CHOICES}},
    "pretraining": {"pair": True, "pair_head": "nsp"},
}  # fmt: skip


def make_encoder_config():
    return BertConfig(
        vocab_size=len(VOCABULARY), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=24, initializer_range=0.3,
    )  # fmt: skip


def make_inputs():
    rng = np.random.default_rng(0)
    lengths = np.array([16, 9, 12, 5])
    mask = (np.arange(LENGTH) < lengths[:, None]).astype("int32")
    tokens = rng.integers(5, len(VOCABULARY), (BATCH, LENGTH)) * mask
    return {
        "token_ids": tokens.astype("int32"),
        "segment_ids": (np.arange(LENGTH) >= 5).astype("int32") * mask,
        "padding_mask": mask,
        "masked_positions": np.array([[1, 3], [2, 4], [5, 6], [1, 2]], "int32"),
    }


def inputs_of(model, inputs):
    """Returns what a network takes: of choices, each text is one with the next texts."""
    inputs = {name: inputs[name] for name in model.input}
    if isinstance(model, models.BertMultipleChoice):
        return {
            name: np.stack([np.roll(array, -i, axis=0) for i in range(CHOICES)], axis=1)
            for name, array in inputs.items()
        }
    return inputs


def outputs_of(model, inputs):
    found = model.predict_on_batch(inputs_of(model, inputs))
    return found if isinstance(found, dict) else {"logits": found}


def make_networks():
    """Yields the name and the network of each `.keras` file."""

    def encoder():
        return models.BertEncoder.from_bert_config(make_encoder_config(), name="encoder")

    yield "BertEncoder", encoder()
    yield "BertClassifier", models.BertClassifier(encoder(), num_classes=3)
    yield "BertTagger", models.BertTagger(encoder(), num_classes=5, dropout=0.2)
    yield "BertQuestionAnswerer", models.BertQuestionAnswerer(encoder())
    yield "BertMultipleChoice", models.BertMultipleChoice(encoder(), num_choices=CHOICES)
    yield "BertPretrainer", models.BertPretrainer(encoder(), pair="nsp")


def make_compiled(inputs):
    """Returns a classifier with mean pooling after one step of training."""
    encoder = models.BertEncoder.from_bert_config(make_encoder_config(), name="encoder")
    model = models.BertClassifier(encoder, num_classes=2, pooling="mean")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(adamw(WarmupLinearDecay(1e-3, 10, 2)), loss, metrics=["accuracy"])
    model.train_on_batch(inputs_of(model, inputs), np.array([0, 1, 1, 0]))
    return model


def main(target):
    assert keras_bert.__version__ == "0.1.0", keras_bert.__file__
    target = pathlib.Path(target)
    inputs = make_inputs()
    results = dict(inputs)
    with tempfile.TemporaryDirectory() as folder:
        for name, outputs in write_all(pathlib.Path(folder), inputs):
            results.update({f"{name}/{output}": values for output, values in outputs.items()})
        pack(pathlib.Path(folder), target / "files.zip")
    np.savez_compressed(target / "outputs.npz", **results)


def write_all(folder, inputs):
    """Writes every file and yields its name with its outputs."""
    tokenizer = WordPieceTokenizer(VOCABULARY, lower_case=True)
    for seed, (kind, fields) in enumerate(KINDS.items()):
        keras.utils.set_random_seed(seed)
        config = ModelConfig(
            make_encoder_config(), kind, max_length=LENGTH, tokenizer=tokenizer.get_config(),
            **fields,
        )  # fmt: skip
        bert = Bert(config, build_model(config), tokenizer)
        bert.save(folder / kind, "A random model, for tests.\n")
        yield kind, outputs_of(bert.model, inputs)
        if kind == "classification":
            export_tflite(bert, folder / "dynamic.tflite", quantize="dynamic")
            export_onnx(bert, folder / "classification.onnx")
            export_saved_model(bert, folder / "saved_model")
            for name in ("dynamic.tflite", "classification.onnx", "saved_model"):
                yield name, run_exported(folder / name, inputs)
    for seed, (name, model) in enumerate(make_networks(), start=100):
        keras.utils.set_random_seed(seed)
        shuffle_weights(model)
        model.save(folder / f"{name}.keras")
        yield f"{name}.keras", outputs_of(model, inputs)
    keras.utils.set_random_seed(200)
    model = make_compiled(inputs)
    model.save(folder / "compiled.keras")
    yield "compiled.keras", outputs_of(model, inputs)


def shuffle_weights(model):
    """Sets random values where a new network has zeros and ones too."""
    rng = np.random.default_rng(1)
    model.set_weights(
        [w + rng.normal(0, 0.2, w.shape).astype("float32") for w in model.get_weights()]
    )


def run_exported(path, inputs):
    """Returns the outputs of an exported file, a row at a time as it runs on a device."""
    from export.runners import open_exported

    runner = open_exported(path)
    rows = [
        runner.run({name: inputs[name][i : i + 1] for name in INPUT_NAMES}) for i in range(BATCH)
    ]
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def pack(folder, archive):
    """Writes the files of a folder as a ZIP file; the same files make the same bytes."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
                file.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main(sys.argv[1])
