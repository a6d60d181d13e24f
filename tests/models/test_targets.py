"""What `fit` takes as targets, and arrays to train on for any task."""

import numpy as np
import pytest
from small_networks import LABELS, make_batch, make_network, make_tokenizer

import keras_bert
from keras_bert.errors import InputError
from keras_bert.models.targets import as_array


def test_lists_and_names_of_labels():
    model = make_network("classification")
    bert = keras_bert.Bert(model, make_tokenizer(), labels=LABELS)
    model.compile()
    x, y = make_batch("classification")
    expected = model.evaluate(x, y, verbose=0)
    names = [LABELS[number] for number in y]
    assert model.evaluate(x, y.tolist(), verbose=0) == expected
    assert model.evaluate(x, names, verbose=0) == expected
    history = model.fit(x, names, validation_data=(x, names), verbose=0).history
    assert history["val_loss"] == [model.evaluate(x, y, verbose=0, return_dict=True)["loss"]]
    assert bert.model is model


def test_what_is_not_a_list_stays():
    array, pair = np.arange(3), [np.arange(3), np.arange(3)]
    assert as_array(array, None) is array
    assert as_array(pair, None) is pair
    assert as_array(None, None) is None
    assert as_array({"start_logits": [1, 2]}, None)["start_logits"].tolist() == [1, 2]
    assert as_array([[0.0, 1.0], [1.0, 1.0]], None).shape == (2, 2)


@pytest.mark.parametrize(
    ("y", "labels", "message"),
    [
        (["no", "what"], LABELS, "'what' is not one of the model's labels, which are no, yes"),
        (["no"], None, r"labels=\.\.\."),
        ([[1, 2], [1]], None, "different lengths"),
        ([None, 1], None, "expected numbers or names"),
    ],
)
def test_bad_targets(y, labels, message):
    with pytest.raises(InputError, match=message):
        as_array(y, labels)


DATA = {
    "classification": (["dog", "cat good"], ["no", "maybe"]),
    "regression": (["dog", "cat good"], [1.0, 5.0]),
    "tagging": (["dog cat good".split(), ["a"] * 40], [["no", "yes", "no"], ["maybe"] * 40]),
    "question_answering": (
        (["dog", "cat"], ["bad dog", "a cat " * 10]),
        [("dog", 4), "cat"],
    ),
    "multiple_choice": ((["dog", "cat"], [["a", "b", "c"], ["d", "e", "f"]]), [0, 2]),
}


@pytest.mark.parametrize("kind", DATA)
def test_training_arrays(kind):
    labels = LABELS if kind in ("classification", "tagging") else None
    settings = {"regression": {"mean": 3.0, "scale": 2.0}}.get(kind)
    bert = keras_bert.Bert(make_network(kind), make_tokenizer(), labels=labels, settings=settings)
    x, y = bert.training_arrays(DATA[kind])
    if kind == "classification":
        assert x["token_ids"].tolist()[0][:3] == bert.tokenizer.encode("dog").token_ids
        assert y.tolist() == [0, 2]
    elif kind == "regression":
        assert y.tolist() == [[-1.0], [1.0]]
    elif kind == "tagging":
        # The long sentence is more than one row; each word is learned once.
        assert len(y) > 2
        assert y[0, :5].tolist() == [-1, 0, 1, 0, -1]
        assert np.bincount(y[y >= 0]).tolist() == [2, 1, 40]
    elif kind == "question_answering":
        row = x["token_ids"][0].tolist()
        assert row[y["start_logits"][0]] == bert.tokenizer.encode("dog").token_ids[1]
    else:
        assert x["token_ids"].shape[:2] == (2, 3)
        assert y.tolist() == [0, 2]
    bert.model.compile()
    assert np.isfinite(bert.model.fit(x, y, verbose=0).history["loss"]).all()
