"""TensorFlow 1 programs, run by a reverse-mode automatic differentiation engine.

`import retrograd as tf` gives the names of TensorFlow 1.15. Every name is found when it
is first used, so that the import itself costs next to nothing.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from retrograd.compat.namespace import Own

#: what this package offers beside TensorFlow's names: the module that has each
_TOOLS = {
    "GradientFlow": "retrograd.explain.flow_steps",
    "NotFiniteError": "retrograd.explain.watch",
    "accumulation_check": "retrograd.explain.accumulation",
    "autograd": "retrograd.autograd",
    "check_custom": "retrograd.explain.check_custom",
    "doctor": "retrograd.compat.doctor",
    "explain": "retrograd.explain",
    "gradient_flow": "retrograd.explain.flow",
    "memory": "retrograd.explain.memory",
    "nan_watch": "retrograd.explain.watch",
    "overrides": "retrograd.explain.overrides",
    "paths": "retrograd.explain.paths",
    "trace_nan": "retrograd.explain.nan",
    "why_none": "retrograd.explain.why_none",
}

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:

    def __getattr__(name):
        where = _TOOLS.get(name)
        if where is None:
            raise AttributeError(name)  # then TensorFlow's names are looked at
        module = importlib.import_module(where)
        return module if where == f"{__name__}.{name}" else getattr(module, name)


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


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext retrograd` in a notebook: the same as `install()`."""
    install()


for _module in (sys.modules[__name__], sys.modules["retrograd.compat"]):
    _module.__class__ = Own
del _module
