"""`--keep_tokens`: files whose later blocks compute fewer tokens, and what is refused."""

import numpy as np
import pytest
from keras import ops
from keras.ops import convert_to_numpy as as_array
from marks import slow_but
from task_models import LENGTH, make_bert

from keras_bert.errors import InputError
from keras_bert.export.export import ExportSettings
from keras_bert.export.keep_tokens import shortening_of, steps_of
from keras_bert.export.runners import open_exported
from keras_bert.export.tflite import export_tflite
from keras_bert.layers import deployed

LABELS = {"labels": ("bad", "good")}
CASES = {
    "answers": ("question_answering", "none", {}),
    "tags": ("tagging", "none", {}),
    "classes, mean": ("classification", "none", {"pooling": "mean", **LABELS}),
    "classes, [CLS]": ("classification", "none", {"pooling": "cls", **LABELS}),
}


def batch():
    rng = np.random.default_rng(0)
    places = np.arange(LENGTH)[None]
    mask = (places < LENGTH - 5).astype("int32")
    return {
        "token_ids": rng.integers(5, 140, (1, LENGTH)).astype("int32") * mask,
        "segment_ids": (places >= 10).astype("int32") * mask,
        "padding_mask": mask,
    }


@pytest.mark.parametrize("case", slow_but(CASES, "answers"))
def test_a_file_computes_what_the_model_does(tmp_path, case):
    kind, quantize, changes = CASES[case]
    bert = make_bert(kind, encoder={"num_hidden_layers": 3}, **changes)
    path, inputs = tmp_path / "m.tflite", batch()
    made = export_tflite(bert, path, quantize=quantize, keep_tokens="1:32,2:20")
    assert made["ops"]["TOPK_V2"] == (4 if case == "classes, [CLS]" else 5)
    with deployed.form(bert.encoder, None, shortening_of(bert, "1:32,2:20")):
        logits = bert.network(inputs, training=False)
        outputs = bert.model.outputs_from_logits(logits, bert.config.settings, ops)
    found = open_exported(path).run(inputs)
    whole = bert.model.outputs_from_logits(
        bert.network(inputs, training=False), bert.config.settings, ops
    )
    for name in outputs:
        np.testing.assert_allclose(found[name], as_array(outputs[name]), rtol=0, atol=1e-5)
        assert np.abs(found[name] - as_array(whole[name])).max() > 1e-3


@pytest.mark.parametrize("quantize", ["dynamic", pytest.param("int4", marks=pytest.mark.slow)])
def test_a_quantized_file_that_leaves_out_padding_answers_as_the_whole_one(tmp_path, quantize):
    bert, inputs = make_bert("question_answering", encoder={"num_hidden_layers": 3}), batch()
    count = int(inputs["padding_mask"].sum())
    found = []
    for keep in (f"1:{count}", None):
        path = tmp_path / f"{keep}.tflite"
        made = export_tflite(bert, path, quantize=quantize, keep_tokens=keep)
        assert ("TOPK_V2" in made["ops"]) == (keep is not None)
        found.append(open_exported(path).run(inputs))
    for name, values in found[0].items():
        # The 8 bits of an activation are those of its own token, so nothing else may differ.
        one, other = values[:, :count], found[1][name][:, :count]
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-3 * np.abs(other).max())


def test_steps():
    assert steps_of(None) == {}
    assert steps_of("2:160") == {2: 160}
    assert steps_of("1:256, 2:160") == {1: 256, 2: 160}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"keep_tokens": "160"}, "expected BLOCKS:TOKENS"),
        ({"keep_tokens": ""}, "expected BLOCKS:TOKENS"),
        ({"keep_tokens": "2:160,"}, "expected BLOCKS:TOKENS"),
        ({"keep_tokens": "2:-1"}, "expected BLOCKS:TOKENS"),
        ({"keep_tokens": "0:160"}, "count from 1"),
        ({"keep_tokens": "2:0"}, "count from 1"),
        ({"keep_tokens": "2:160,1:100"}, "blocks must rise"),
        ({"keep_tokens": "1:160,2:160"}, "tokens must fall"),
        ({"length": "dynamic"}, "needs a fixed length"),
        ({"quantize": "int8", "calibration": "train.csv"}, "keep_tokens=2:160 is not for"),
        ({"output": "m.onnx", "format": "onnx"}, "is for format=tflite only"),
        ({"output": "m", "format": "saved_model"}, "is for format=tflite only"),
    ],
)
def test_what_does_not_go_together_is_refused(settings, words):
    settings = {"output": "m.tflite", "format": "tflite", "keep_tokens": "2:160", **settings}
    with pytest.raises(InputError, match=words) as caught:
        ExportSettings(**settings)
    assert "keep_tokens" in str(caught.value)


def test_encoders_that_cannot(tmp_path):
    bert = make_bert("question_answering", encoder={"num_hidden_layers": 2})
    with pytest.raises(InputError, match="has 2 blocks"):
        export_tflite(bert, tmp_path / "m.tflite", keep_tokens="2:20")
    bert = make_bert("tagging", encoder={"num_hidden_layers": 2, "left_to_right": True})
    with pytest.raises(InputError, match="from left to right"):
        export_tflite(bert, tmp_path / "m.tflite", keep_tokens="1:20")
