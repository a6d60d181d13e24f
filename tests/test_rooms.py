"""Which room may import which, as `docs/architecture.md` draws it: text, model, task, export, app.

A room is a folder or a few files of one place in that line. All imports count, those inside
functions too; names in strings, as in the registry of tasks and `keras_bert.__getattr__`, do not.
"""

import ast
import json
import subprocess
import sys

import pytest
from environments import ROOT

from keras_bert.commands.main import VERBS
from keras_bert.extras import EXTRAS

# Room: the rooms that it may import. All may import "base", and "package", `keras_bert` itself.
MAY_IMPORT = {
    "base": (),
    "text": (),
    "layers": (),
    "models": ("layers",),
    "quantization": ("text", "layers", "models"),
    "tasks": ("text",),
    "pictures": ("tasks",),
    "package": ("tasks",),
    "pretraining": ("text",),
    "checkpoints": ("text", "models", "tasks"),
    "bert": ("text", "models", "quantization", "tasks", "checkpoints", "pictures"),
    "embedding": ("text", "tasks", "bert", "pictures"),
    "training": (
        "text", "layers", "models", "quantization", "tasks", "pretraining", "bert", "pictures",
    ),
    "export": (
        "text", "layers", "models", "quantization", "tasks", "checkpoints", "bert", "pictures",
    ),
    "device": ("text", "tasks", "export"),
    "commands": (
        "text", "tasks", "pretraining", "embedding", "checkpoints", "bert", "training", "export",
    ),
}  # fmt: skip
# Imports inside functions against that direction: the module, and the room that it reaches.
ALLOWED_LATE = {
    ("keras_bert.bert", "embedding"),
    ("keras_bert.bert", "export"),
    # What a `.keras` file keeps beside the weights.
    ("keras_bert.models.network", "bert"),
    ("keras_bert.opening", "export"),
}
# Files that are no folder, by their room.
FILES = {
    "base": (
        "card",
        "checksums",
        "config",
        "errors",
        "extras",
        "files",
        "globs",
        "guesses",
        "in_memory",
        "keras_internals",
        "locking",
        "numpy_ops",
        "progress",
        "quiet",
        "reading",
        "settings",
        "shipped",
        "stand_ins",
        "table_files",
        "temporaries",
        "trial",
    ),
    "package": ("__init__", "registration"),
    "bert": (
        "answering",
        "bert",
        "converting",
        "description",
        "embedder",
        "evaluation",
        "keras_file",
        "loading",
        "model_folder",
        "opening",
        "predictor",
        "pruning",
        "row_reports",
        "shapes",
    ),
    "commands": ("__main__", "quickstart", "showcase"),
}
FOLDERS = {
    "keras_bert": ROOT / "keras_bert",
    "keras_bert.export": ROOT / "export",
    "keras_bert.device": ROOT / "apps" / "on_device",
}
# Modules that run without Keras and TensorFlow.
LIGHT_ROOMS = ("text", "tasks", "pictures", "device")
LIGHT_MODULES = (
    "keras_bert",
    "keras_bert.answering",
    "keras_bert.card",
    "keras_bert.commands.main",
    *(f"keras_bert.commands.{verb.replace('-', '_')}" for verb in VERBS),
    "keras_bert.config",
    "keras_bert.converting",
    "keras_bert.evaluation",
    "keras_bert.export.runners",
    "keras_bert.extras",
    "keras_bert.model_folder",
    "keras_bert.opening",
    "keras_bert.predictor",
    "keras_bert.pruning",
)
# Modules of light rooms that are for TensorFlow.
NOT_LIGHT = tuple(
    f"keras_bert.text.graph_{name}"
    for name in ("tokenizer", "added_tokens", "characters", "normalizer", "pieces")
)
# Modules of the layers that may name a backend: fast on TensorFlow, plain ops on the others.
NAMES_A_BACKEND = (
    "keras_bert.layers.attention_kernel",
    "keras_bert.layers.fused",
    "keras_bert.layers.lookup",
)


def find_modules():
    """Returns a dict of module name to path, of all that is installed."""
    modules = {}
    for package, folder in FOLDERS.items():
        for path in folder.rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            modules[".".join([package, *parts])] = path
    return modules


MODULES = find_modules()


def room_of(module):
    """Returns the room of a module; None for one that stands in none."""
    part = (module.split(".") + ["__init__"])[1]
    rooms = [room for room, names in FILES.items() if part in names]
    return rooms[0] if rooms else part if part in MAY_IMPORT else None


def imports_of(path):
    """Yields what a file imports: the full name, and whether it is inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    late = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, functions)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports by a relative name"
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = {name if name in MODULES else node.module for name in full}
        for name in names:
            yield name, id(node) in late


def wrong_directions(module, imports):
    """Yields a line for each import of a module that its room may not have."""
    room = room_of(module)
    for name, late in imports:
        if not name.startswith("keras_bert"):
            continue
        target = room_of(name)
        if target in (room, "base", "package") or target in MAY_IMPORT[room]:
            continue
        if not (late and (module, target) in ALLOWED_LATE):
            yield f"{module} imports {name}: {room} may not import {target}"


def test_every_module_stands_in_a_room():
    assert len(MODULES) > 100
    assert not [module for module in MODULES if room_of(module) is None]
    for room, others in MAY_IMPORT.items():
        assert set(others) <= MAY_IMPORT.keys() - {room, "base", "package"}


def test_the_table_has_one_direction():
    seen = set()
    for room, others in MAY_IMPORT.items():
        assert set(others) <= seen, f"{room} may import a room that comes after it"
        seen.add(room)


def test_rooms_import_what_the_table_says():
    wrong = [
        line
        for module, path in MODULES.items()
        for line in wrong_directions(module, imports_of(path))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("import keras_bert.models.encoder", 1),
        ("from keras_bert import models, config", 1),
        ("def f():\n    from keras_bert.models import encoder", 1),
        ("from keras_bert.export import runners", 1),
        ("from keras_bert.errors import InputError\nfrom keras_bert.text import padding", 0),
    ],
)
def test_a_wrong_direction_is_found(tmp_path, code, count):
    path = tmp_path / "module.py"
    path.write_text(code)
    found = list(wrong_directions("keras_bert.tasks.tables", imports_of(path)))
    assert len(found) == count


def test_late_imports_are_allowed_only_inside_functions(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("from keras_bert.export import verify")
    assert list(wrong_directions("keras_bert.bert", imports_of(path)))
    path.write_text("def f():\n    from keras_bert.export import verify")
    assert not list(wrong_directions("keras_bert.bert", imports_of(path)))


def test_layers_and_models_are_backend_neutral():
    for module, path in MODULES.items():
        if room_of(module) in ("layers", "models") and module not in NAMES_A_BACKEND:
            tops = {name.split(".")[0] for name, _ in imports_of(path)}
            assert not tops & {"tensorflow", "jax", "torch"}, path
            assert tops <= {"keras", "keras_bert", "numpy", *sys.stdlib_module_names}, path


def test_light_modules_import_nothing_but_the_base_installation():
    """Each module in one process, in which all that an extra brings is not found."""
    light = sorted(
        module
        for module in MODULES
        if (room_of(module) in LIGHT_ROOMS or module in LIGHT_MODULES) and module not in NOT_LIGHT
    )
    code = """
import importlib, json, sys
modules, extras = json.load(sys.stdin)
sys.modules.update(dict.fromkeys(extras))
for module in modules:
    importlib.import_module(module)
"""
    blocked = [*(module for module, extra in EXTRAS.items() if extra), "torch", "pandas"]
    found = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps([light, blocked]),
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert found.returncode == 0, found.stderr
