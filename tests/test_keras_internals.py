"""What we use of Keras's private names is there, does what we think, and is used in one module."""

import ast
import functools
import importlib
import inspect
import pathlib
import sys
import textwrap

import keras
import numpy as np
import pytest

import keras_bert
from keras_bert import keras_internals

ROOT = pathlib.Path(keras_bert.__file__).parent
ROOMS = (ROOT, ROOT.parent / "export")


def small_model():
    inner = keras.Sequential([keras.layers.Dense(2, name="inside")], name="inner")
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(1, name="outside")(inner(inputs)))


def trained_adam():
    variables = [keras.Variable(np.ones(2, "float32")), keras.Variable(np.ones(3, "float32"))]
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.apply([keras.ops.ones(2), 2 * keras.ops.ones(3)], variables)
    return optimizer, variables


def check_all_layers():
    model = small_model()
    found = {layer.name for layer in keras_internals.all_layers(model)}
    assert {model.name, "inner", "inside", "outside"} <= found


def check_add_metrics():
    model, metric = small_model(), keras.metrics.Mean(name="ours")
    before = len(model.weights)
    keras_internals.add_metrics(model, [metric])
    assert metric in model.metrics
    assert len(model.weights) == before


def check_variable_index():
    optimizer, variables = trained_adam()
    for index, variable in enumerate(variables):
        assert keras_internals.variable_index(optimizer, variable) == index
        assert keras_internals.variable_index(optimizer, variable.value) == index


def check_adam_moments():
    optimizer, _ = trained_adam()
    for index, gradient in enumerate((1.0, 2.0)):
        first, second = keras_internals.adam_moments(optimizer, index)
        np.testing.assert_allclose(first.numpy(), 0.1 * gradient, rtol=1e-5)
        np.testing.assert_allclose(second.numpy(), 0.001 * gradient**2, rtol=1e-4)


def check_summed_gradients():
    class Halved(keras_internals.SummedGradients, keras.optimizers.SGD):
        def change_summed_gradients(self, gradients):
            return [gradient / 2 for gradient in gradients]

    variable = keras.Variable(np.ones(2, "float32"))
    Halved(1.0).apply([keras.ops.ones(2)], [variable])
    np.testing.assert_array_equal(variable.numpy(), [0.5, 0.5])


def check_loss_mask():
    targets, logits = np.array([[0, -1]]), np.ones((1, 2, 3), "float32")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    counted = keras_internals.loss_mask(loss.call(targets, logits))
    np.testing.assert_array_equal(counted, [[True, False]])
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert keras_internals.loss_mask(plain.call(abs(targets), logits)) is None


def check_with_loss_mask():
    class Half(keras.losses.Loss):
        def call(self, y_true, y_pred):
            losses = keras.ops.convert_to_tensor(y_pred)
            return keras_internals.with_loss_mask(losses, keras.ops.convert_to_tensor(y_true))

    found = Half()(np.array([[True, False]]), np.array([[3.0, 100.0]], "float32"))
    assert float(found) == 3.0


CHECKS = {
    "all_layers": check_all_layers,
    "add_metrics": check_add_metrics,
    "variable_index": check_variable_index,
    "adam_moments": check_adam_moments,
    "SummedGradients": check_summed_gradients,
    "loss_mask": check_loss_mask,
    "with_loss_mask": check_with_loss_mask,
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_installed_keras_has_what_we_use(name):
    try:
        CHECKS[name]()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        pytest.fail(
            f"Keras {keras.__version__} has changed what keras_internals.{name} uses: write that "
            f"function anew ({reason})",
            pytrace=False,
        )


def test_every_function_has_its_check():
    members = vars(keras_internals).values()
    ours = {m.__name__ for m in members if getattr(m, "__module__", "") == keras_internals.__name__}
    assert ours == set(CHECKS)


def test_a_changed_keras_fails_with_one_sentence(monkeypatch):
    monkeypatch.delattr(keras.layers.Layer, "_flatten_layers")
    with pytest.raises(pytest.fail.Exception, match=r"Keras 3\S+ has changed .*\.all_layers uses"):
        test_the_installed_keras_has_what_we_use("all_layers")


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


@functools.cache
def private_names(kind):
    """Returns the private names that Keras itself gives to a class and its instances."""
    found = set()
    for base in kind.__mro__:
        if base.__module__.split(".")[0] != "keras":
            continue
        found |= {name for name in vars(base) if is_private(name)}
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(base)))):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "self":
                found |= {node.attr} if is_private(node.attr) else set()
    return found


def classes_of(tree, module):
    """Yields (class node, class) of those in a module that are Keras's kind of objects."""
    for node in tree.body:
        kind = getattr(module, node.name, None) if isinstance(node, ast.ClassDef) else None
        if kind and any(base.__module__.split(".")[0] == "keras" for base in kind.__mro__):
            yield node, kind


def uses_of(path, module_name):
    """Yields the private names of Keras that a source file uses or overrides."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (keras.Model, keras.optimizers.Adam, keras.layers.Dropout, keras.Variable)
    anywhere = set().union(*map(private_names, (*kinds, keras.metrics.Mean)))
    for node in ast.walk(tree):
        # What stands on `self` is looked at below, where its class is known.
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") not in ("self", "cls"):
            if node.attr in anywhere:
                yield node.attr
    if "keras" not in path.read_text(encoding="utf-8").replace("keras_bert", ""):
        return
    for node, kind in classes_of(tree, importlib.import_module(module_name)):
        theirs = private_names(kind)
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute) and part.attr in theirs:
                yield part.attr
            elif isinstance(part, ast.FunctionDef) and part.name in theirs:
                yield part.name


def test_no_other_module_uses_a_private_name_of_keras():
    found = {}
    for room in ROOMS:
        for path in sorted(room.rglob("*.py")):
            inside = path.relative_to(room).with_suffix("").parts
            name = ".".join(
                ("keras_bert", *(("export",) if room.name == "export" else ()), *inside)
            )
            if name.endswith(("__main__", "keras_internals")):
                continue
            uses = sorted(set(uses_of(path, name.removesuffix(".__init__"))))
            if uses:
                found[name] = uses
    assert not found, f"move these to keras_bert/keras_internals.py: {found}"


def test_nothing_changes_the_class_of_an_object():
    for room in ROOMS:
        for path in room.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                targets = node.targets if isinstance(node, ast.Assign) else ()
                names = [getattr(target, "attr", "") for target in targets]
                assert "__class__" not in names, path


def test_the_search_finds_such_names(tmp_path, monkeypatch):
    """Or the search above would find nothing because it looks at nothing."""
    module = ROOT / "keras_internals.py"
    assert {"_flatten_layers", "_metrics", "_get_variable_index", "_momentums"} <= set(
        uses_of(module, "keras_bert.keras_internals")
    )
    source = tmp_path / "keras_outside.py"
    source.write_text(
        "import keras\n\n\nclass Ours(keras.layers.Dense):\n"
        "    def call(self, x):\n        return self._layers, self._ours\n"
    )
    spec = importlib.util.spec_from_file_location("keras_outside", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "keras_outside", module)
    assert set(uses_of(source, "keras_outside")) == {"_layers"}
