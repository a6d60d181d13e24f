"""What `import keras_bert` registers with Keras, in new processes and in every order."""

import json
import pathlib
import re
import subprocess
import sys
import textwrap

import pytest

import keras_bert

PACKAGE = pathlib.Path(keras_bert.__file__).parent


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A `.keras` file, compiled with our own optimizer and schedule, and what it computes."""
    import keras
    import numpy as np

    from keras_bert.training.optimizer import WarmupLinearDecay, adamw

    keras.utils.set_random_seed(0)
    encoder = keras_bert.BertEncoder(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=16,
    )  # fmt: skip
    model = keras_bert.BertClassifier(encoder, num_classes=3)
    model.compile(adamw(WarmupLinearDecay(1e-3, 10)), model.default_loss())
    model.optimizer.build(model.trainable_variables)
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    x = {name: np.ones((2, 5), "int32") for name in ("token_ids", "segment_ids", "padding_mask")}
    return path, model.predict(x, verbose=0)


def run(script):
    """Runs a script in a new process; returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", textwrap.dedent(script)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "imports",
    [
        "import keras_bert, keras",
        "import keras, keras_bert",
        "import keras_bert\nfrom keras import models\nimport keras",
        "import keras_bert\nfrom tensorflow import keras",
    ],
)
def test_load_model_in_a_new_process(saved, imports):
    import numpy as np

    path, expected = saved
    script = """
    model = keras.models.load_model({path!r})
    import json, sys, numpy as np
    x = dict.fromkeys(("token_ids", "segment_ids", "padding_mask"), np.ones((2, 5), "int32"))
    assert type(model.optimizer._learning_rate).__name__ == "WarmupLinearDecay"
    assert not [finder for finder in sys.meta_path if "KerasFinder" in type(finder).__name__]
    assert type(model).__name__ == "BertClassifier"
    print(json.dumps(model.predict(x, verbose=0).tolist()))
    """
    found = run(imports + textwrap.dedent(script.format(path=str(path))))
    np.testing.assert_allclose(json.loads(found), expected, atol=1e-6)


def test_every_serializable_class_is_registered():
    sources = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    pattern = r"register_keras_serializable\(package=\"keras_bert\"\)\nclass (\w+)"
    names = sorted(name for source in sources for name in re.findall(pattern, source))
    assert len(names) > 12
    found = run(
        """
        import keras, keras_bert
        print(*(name for name in keras.saving.get_custom_objects()))
        """
    ).split()
    assert sorted(found) == sorted(f"keras_bert>{name}" for name in names)


def test_the_import_stays_light_and_keras_can_be_reloaded():
    run(
        """
        import importlib, importlib.util, sys
        import keras_bert
        assert not {"keras", "tensorflow", "jax"} & set(sys.modules)
        waiting = sys.meta_path[0]
        # Asked for, but not loaded: it goes on waiting.
        spec = importlib.util.find_spec("keras")
        assert spec.loader.get_filename("keras") == spec.origin
        assert sys.meta_path[0] is waiting and "keras" not in sys.modules
        importlib.reload(keras_bert)
        assert sum(type(finder) is type(waiting) for finder in sys.meta_path) == 1

        import keras
        assert waiting not in sys.meta_path
        assert type(keras.__spec__.loader).__name__ == "SourceFileLoader"
        assert keras.__loader__ is keras.__spec__.loader
        assert "keras_bert>BertClassifier" in keras.saving.get_custom_objects()
        assert importlib.reload(keras) is keras
        """
    )


def test_without_keras_or_with_a_broken_one(tmp_path):
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text("raise ImportError('no backend')")
    run(
        f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import keras_bert
        for _ in range(2):  # the second time too, and the hook is still there
            try:
                import keras
            except ImportError as error:
                assert str(error) == "no backend", error
            assert any(type(finder).__name__ == "_KerasFinder" for finder in sys.meta_path)
        assert "keras" not in sys.modules
        sys.path.pop(0)
        import keras
        assert "keras_bert>BertClassifier" in keras.saving.get_custom_objects()
        """
    )


@pytest.mark.parametrize(
    "module",
    [
        "models.encoder",
        *(
            pytest.param(each, marks=pytest.mark.slow)
            for each in ("layers.attention", "training.optimizer", "training.schedule")
        ),
    ],
)
def test_a_module_of_ours_may_be_the_first_to_load_keras(module):
    """Classes are registered though modules that need one another are then imported in part."""
    code = f"""
import keras_bert.{module}
from keras.saving import get_registered_object
import wave  # any import that comes after
names = ["BertEncoder", "BertTagger", "AdamW", "Lamb", "WarmupLinearDecay", "MeanOfTokens"]
missing = [name for name in names if not get_registered_object("keras_bert>" + name)]
assert not missing, missing
"""
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
