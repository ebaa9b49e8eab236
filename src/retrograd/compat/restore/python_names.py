"""Python's own functions that are gone, as Python 3.7 had them."""

from __future__ import annotations

import html
import inspect
from collections import namedtuple
from collections.abc import Callable
from typing import Any

ArgSpec = namedtuple("ArgSpec", "args varargs keywords defaults")


def getargspec(func: Callable[..., Any]) -> ArgSpec:
    """The names and defaults of a function's parameters.

    Raises:
      ValueError: it has keyword-only parameters or annotations.
    """
    spec = inspect.getfullargspec(func)
    if spec.kwonlyargs or spec.annotations:
        raise ValueError(
            "Function has keyword-only parameters or annotations, use getfullargspec() "
            "API which can support them"
        )
    return ArgSpec(spec.args, spec.varargs, spec.varkw, spec.defaults)


def formatargspec(
    args: list[str],
    varargs: str | None = None,
    varkw: str | None = None,
    defaults: tuple[Any, ...] | None = None,
) -> str:
    """Parameters as they stand in a definition: `(a, b=1, *args, **kwargs)`."""
    given = list(defaults or ())
    plain = len(args) - len(given)
    parts = args[:plain]
    parts += [f"{n}={v!r}" for n, v in zip(args[plain:], given, strict=True)]
    parts += [f"*{varargs}"] if varargs else []
    parts += [f"**{varkw}"] if varkw else []
    return f"({', '.join(parts)})"


def escape(s: str, quote: bool = False) -> str:
    """`&`, `<` and `>`, and `"` with `quote`, as HTML writes them."""
    text = html.escape(s, quote=False)
    return text.replace('"', "&quot;") if quote else text


def linux_distribution(*args: object, **kwargs: object) -> tuple[str, str, str]:
    """The name, version and code name of the Linux distribution; empty elsewhere."""
    import platform

    del args, kwargs
    try:
        found = platform.freedesktop_os_release()
    except OSError:
        found = {}
    keys = ("NAME", "VERSION_ID", "VERSION_CODENAME")
    name, version, code = (found.get(key, "") for key in keys)
    return name, version, code


def getcheckinterval() -> int:
    """100: how many instructions Python 3.7 said it ran between looks at signals."""
    return 100


def setcheckinterval(n: int) -> None:
    """Nothing, as in Python 3.7."""
    del n
