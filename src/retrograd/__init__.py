"""TensorFlow 1 programs, run by a reverse-mode automatic differentiation engine.

`import retrograd as tf` gives the names of TensorFlow 1.15. Every name is found when it
is first used, so that the import itself costs next to nothing.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import TYPE_CHECKING, Any

from retrograd.compat.namespace import Own

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


class _Package(Own):
    """This module: TensorFlow's names, and beside them its own."""

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            where = _own_names().get(name)
            if where is None:
                raise
        module = importlib.import_module(where)
        return module if where == f"{__name__}.{name}" else getattr(module, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_own_names()})


@functools.cache
def _own_names() -> dict[str, str]:
    """What this package offers beside TensorFlow's names: the module that has each."""
    from retrograd.explain import diagnoses

    return {
        "autograd": "retrograd.autograd",
        "explain": "retrograd.explain",
        **diagnoses.modules(),
    }


def install(*, restore: bool = True) -> None:
    """Make `import tensorflow`, and everything below it, resolve to retrograd.

    Call it before anything imports TensorFlow. A TensorFlow that is on the machine is
    neither needed nor touched.

    Args:
      restore: Also bring back, when they are used, names that NumPy, SciPy and Python
        have dropped since.

    Raises:
      ImportError: another TensorFlow is loaded in this process.
    """
    from retrograd.compat import hook

    hook.install(restore=restore)


def load_ipython_extension(shell: object) -> None:
    """`%load_ext retrograd` in a notebook: the same as `install()`."""
    install()


sys.modules[__name__].__class__ = _Package
sys.modules["retrograd.compat"].__class__ = Own
