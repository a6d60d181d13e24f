"""Low-rank adapters: nothing changes until they train, only they do, and they merge on save."""

import keras
import numpy as np
import pytest
from small_networks import LABELS, make_batch, make_network, make_tokenizer, outputs_of

import keras_bert
from keras_bert.errors import InputError
from keras_bert.models.lora import merged_weights, trainable_share

RANK = 2


@pytest.mark.parametrize("kind", ["classification", "question_answering"])
def test_adapters(kind, tmp_path):
    model = make_network(kind)
    x, y = make_batch(kind)
    before = outputs_of(model, x)
    plain = model.get_weights()
    model.encoder.enable_lora(RANK)
    np.testing.assert_array_equal(outputs_of(model, x), before)

    paths = {variable.path.rsplit("/", 1)[-1] for variable in model.trainable_variables}
    assert paths == {"kernel", "bias", "lora_kernel_a", "lora_kernel_b"}
    names = [v.path for v in model.trainable_variables if "lora" not in v.path]
    assert all("logits" in name for name in names)
    assert len(names) == 2
    # Two layers a block, two blocks, hidden size 8; and the head.
    head = 8 * model.head.units + model.head.units
    total = sum(value.size for value in plain)
    adapters = 2 * 2 * 2 * 8 * RANK
    assert trainable_share(model) == (adapters + head, total + adapters)

    model.compile(1e-2)
    model.fit(x, y, epochs=3, verbose=0)
    trained = outputs_of(model, x)
    assert np.abs(trained - before).max() > 1e-3
    adapted = [v for v in model.weights if "lora" not in v.path]
    for variable, value in zip(adapted, plain, strict=True):
        if "logits" not in variable.path:
            np.testing.assert_array_equal(variable, value)
    # The merged kernels by the definition.
    block = model.encoder.blocks[1].attention
    a, b = np.array(block.value_dense.lora_kernel_a), np.array(block.value_dense.lora_kernel_b)
    kernel = next(v for v in block.value_dense.variables if v.name == "kernel")
    merged = merged_weights(model)
    index = [v.path for v in adapted].index(kernel.path)
    np.testing.assert_allclose(merged[index], np.array(kernel) + a @ b, atol=1e-7)

    labels = LABELS if kind == "classification" else None
    bert = keras_bert.Bert(model, make_tokenizer(), labels=labels)
    bert.save(tmp_path / "folder")
    model.save(tmp_path / "model.keras")
    for again in (
        keras_bert.load(tmp_path / "folder").model,
        keras_bert.load(tmp_path / "model.keras").model,
        keras.saving.load_model(tmp_path / "model.keras", compile=False),
    ):
        assert not [v.path for v in again.weights if "lora" in v.path]
        np.testing.assert_allclose(outputs_of(again, x), trained, atol=2e-6)


def test_bad_ranks_and_twice():
    encoder = make_network("classification").encoder
    for rank in (0, -1, 2.0, True):
        with pytest.raises(InputError, match="whole number from 1"):
            encoder.enable_lora(rank)
    encoder.enable_lora(1)
    with pytest.raises(InputError, match="adapters already"):
        encoder.enable_lora(1)


def test_mixed_precision():
    model = make_network("tagging", dtype="mixed_bfloat16")
    model.encoder.enable_lora(RANK)
    model.compile(1e-3)
    history = model.fit(*make_batch("tagging"), verbose=0).history
    assert np.isfinite(history["loss"]).all()
