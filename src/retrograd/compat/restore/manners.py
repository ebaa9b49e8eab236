"""What modules do differently now, or see differently, as it was for one program."""

from __future__ import annotations

import functools
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


def see_wrappers(inspect: ModuleType) -> None:
    """Let `inspect` say of TensorFlow's functions what it said then."""
    original, original_signature = inspect.getfullargspec, inspect.signature

    @functools.wraps(original)
    def getfullargspec(func: Callable[..., Any]) -> Any:
        from retrograd.compat import signatures

        return signatures.seen(func, original)

    @functools.wraps(original_signature)
    def signature(obj: Callable[..., Any], **how: Any) -> Any:
        from retrograd.compat import signatures

        return signatures.plain(obj, original_signature(obj, **how))

    inspect.getfullargspec = getfullargspec  # pyright: ignore[reportAttributeAccessIssue]
    inspect.signature = signature  # pyright: ignore[reportAttributeAccessIssue]


MANNERS: dict[str, Callable[[ModuleType], None]] = {
    "inspect": see_wrappers,
    "numpy": write_plain_scalars,
    "matplotlib": take_preamble_lists,
}
