"""What NumPy and Matplotlib do differently now, done as it was for one program."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

_PREAMBLES = "pgf.preamble", "text.latex.preamble"


def write_plain_scalars(numpy: ModuleType) -> None:
    """Let NumPy's scalars be written `0.5`, not `np.float64(0.5)`."""
    numpy.set_printoptions(legacy="1.25")


def _joined(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: check("\n".join(value) if isinstance(value, list) else value)


def take_preamble_lists(matplotlib: ModuleType) -> None:
    """Let Matplotlib's settings of LaTeX preambles be lists of lines."""
    checks = matplotlib.RcParams.validate
    for name in _PREAMBLES:
        checks[name] = _joined(checks[name])


MANNERS: dict[str, Callable[[ModuleType], None]] = {
    "numpy": write_plain_scalars,
    "matplotlib": take_preamble_lists,
}
