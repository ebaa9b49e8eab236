"""`import tensorflow` made to mean retrograd.

A finder placed before all others answers for `tensorflow` and everything below it, so
that a TensorFlow that is on the machine is neither needed nor touched. A module of
which we provide nothing, such as a test-suite's own helpers, is left to any other
finder that has it.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import CodeType, ModuleType

from retrograd.compat import children, inside, table
from retrograd.compat.namespace import (
    MissingText,
    is_internal,
    is_package,
    namespace,
)
from retrograd.errors import message
from retrograd.platform import log_owner
from retrograd.platform.imports import found_by_others

ROOTS = ("tensorflow", "tensorflow_core", "tensorflow_estimator")


class _Loader(importlib.abc.Loader):
    """Hands out the module object there is for `tensorflow.<path>`."""

    def __init__(self, path: str) -> None:
        self.path = path

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = namespace(self.path)
        # under another name, a module that exec_module replaces
        return module if spec.name == module.__name__ else ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        if module is not namespace(self.path):
            canonical = importlib.import_module(namespace(self.path).__name__)
            sys.modules[module.__name__] = canonical
            return
        if not self.path:
            log_owner.note()
        if self.path in table.names().acting:
            for source in table.names().sources[self.path]:
                importlib.import_module(source)

    def get_code(self, fullname: str) -> CodeType | None:
        """What runs a module as a program; None where it is none."""
        if not hasattr(importlib.import_module(fullname), "run_main"):
            return None
        text = f"from {fullname} import run_main\nrun_main()\n"
        return compile(text, fullname, "exec")


class Finder(importlib.abc.MetaPathFinder):
    """Answers for `tensorflow` and all that is below it."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        root, _, dotted = fullname.partition(".")
        if root not in ROOTS:
            return None
        dotted = canonical_path(dotted)
        if not self._is_ours(dotted):
            self._say_successor(fullname, dotted, path)
            return None
        if is_internal(dotted) and not is_provided(dotted):
            other = found_by_others(self, fullname, path)
            if other is not None and other.loader is not None:
                return other
            if not inside.has_module(dotted):
                self._say_successor(fullname, dotted, path)
                return None
        return importlib.machinery.ModuleSpec(
            fullname, _Loader(dotted), origin="retrograd", is_package=is_package(dotted)
        )

    def _say_successor(
        self, fullname: str, dotted: str, path: Sequence[str] | None
    ) -> None:
        """Raise what Python raises for a module that is gone, with what replaced it."""
        import retrograd.compat.absent as absent

        parent, _, last = dotted.rpartition(".")
        known = absent.successor(parent, last) is not None
        if known and found_by_others(self, fullname, path) is None:
            first = f"No module named {fullname!r}"
            text = MissingText(parent, last, first)
            raise ModuleNotFoundError(text, name=fullname)

    def _is_ours(self, dotted: str) -> bool:
        return not dotted or is_internal(dotted) or table.names().is_namespace(dotted)


def canonical_path(dotted: str) -> str:
    """`_api.v1.nn` and the like as the public name they are: `nn`."""
    for prefix in ("_api.v1", "_api", "python.keras.api._v1", "python.keras.api"):
        if dotted == prefix or dotted.startswith(prefix + "."):
            return dotted[len(prefix) + 1 :]
    return dotted


def is_provided(dotted: str) -> bool:
    """Whether anything stands behind an internal module."""
    names = table.names()
    return (
        dotted in names.sources
        or names.is_namespace(dotted)
        or inside.has_public_names(dotted)
        or inside.is_generated(dotted)
    )


def installed() -> bool:
    """Whether `import tensorflow` means retrograd in this process."""
    return any(isinstance(finder, Finder) for finder in sys.meta_path)


def install(*, restore: bool = True, promotion: frozenset[str] | None = None) -> None:
    """See `retrograd.install`.

    Args:
      promotion: where NumPy 1's promotion comes back: in the modules of the program
        and of these packages, or nowhere.
    """
    loaded = sys.modules.get("tensorflow")
    if loaded is not None and loaded is not namespace(""):
        raise ImportError(
            message(
                "Another TensorFlow is loaded already.",
                got=f"tensorflow from {getattr(loaded, '__file__', 'memory')}",
                fix="call retrograd.install() before tensorflow is imported",
            )
        )
    if not installed():
        sys.meta_path.insert(0, Finder())
        children.install_in_children(restore, promotion)
    if restore:
        from retrograd.compat import restore as restoring

        restoring.enable()
        if promotion is not None:
            from retrograd.compat.restore import arithmetic

            arithmetic.enable(promotion)
