"""Makes `keras.saving.load_model` know our classes, without making `import keras_bert` heavy.

A `.keras` file names the classes of its layers. Keras looks a name up among the classes that are
registered, and imports no other package than its own to find one. A class of ours is registered
when its module is imported, but `import keras_bert` imports no module that needs Keras. So if
Keras is loaded already, these modules are imported at once. Otherwise a finder waits in
`sys.meta_path` until Keras is loaded, by whom it may be, imports them then, and goes away.
"""

import importlib
import sys
import warnings

from keras_bert.tasks.registry import EVERY_KIND

# These import all modules of `layers/` that have serializable classes, too.
MODULES = (
    "keras_bert.models.compiling",
    "keras_bert.models.encoder",
    "keras_bert.models.pretrainer",
    *(network.split(":")[0] for _, network in EVERY_KIND.values()),
    "keras_bert.training.distillation",
    "keras_bert.training.optimizer",
    "keras_bert.training.lamb",
    "keras_bert.training.schedule",
)


def register_with_keras():
    """Registers all serializable classes now if Keras is loaded, else when it will be."""
    if sys.modules.get("keras") is not None:  # None blocks an import
        _register()
    elif not any(isinstance(finder, _KerasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _KerasFinder())


def _register():
    for module in MODULES:
        try:
            importlib.import_module(module)
        except ImportError as error:
            if _is_importing():
                # Keras is loaded by a module of ours that the failed one needs: once that is whole.
                sys.meta_path.insert(0, _LaterFinder())
                return
            # Keras must load as it would without this package: with another version of it, say.
            warnings.warn(
                f"keras.saving.load_model will not know the classes of keras_bert: {error}",
                stacklevel=2,
            )
            return


def _is_importing():
    """Returns whether a module of this package is imported in part."""
    specs = [
        getattr(module, "__spec__", None)
        for name, module in list(sys.modules.items())
        if name.startswith("keras_bert.")
    ]
    return any(getattr(spec, "_initializing", False) for spec in specs)


# Finders and loaders need no base class, and `importlib.abc` would take a tenth of the time that
# the program on the device takes to start.
class _LaterFinder:
    """Finds nothing; at the first import after those of ours are whole it registers the rest."""

    def find_spec(self, fullname, path=None, target=None):
        if not _is_importing() and self in sys.meta_path:
            sys.meta_path.remove(self)
            _register()
        return


class _KerasFinder:
    """Finds Keras as the other finders do, with a loader that registers our classes after it."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "keras":
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find and find(fullname, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _KerasLoader(spec.loader, self)
                return spec
        return None


class _KerasLoader:
    """Loads Keras with its own loader, which the module keeps, and then registers our classes."""

    def __init__(self, loader, finder):
        self._loader = loader
        self._finder = finder

    def __getattr__(self, name):
        # A spec may be asked for without loading, and its loader for the source or a file.
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        # Only now: an import that failed may be tried again.
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        _register()
