"""What is done wherever a name comes back: it is said once, and kernels are spared."""

from __future__ import annotations

import sys
from types import ModuleType

from retrograd.compat import loading

_announced: list[str] = []


def announce(what: str) -> None:
    """Say once in a process that old names are in use, and how to refuse them."""
    if not _announced:
        print(
            f"retrograd: {what} is gone from today's version; restored for this "
            "program, as are others like it (--no-restore turns this off)",
            file=sys.stderr,
        )
    _announced.append(what)


def spare_kernels(name: str, replaced: object, original: object) -> None:
    """Let kernels keep NumPy's own function, which they call at every step."""

    def spare(kernels: ModuleType) -> None:
        if vars(kernels).get(name) is replaced:
            setattr(kernels, name, original)

    loading.when_loaded("retrograd.arrays.numpy", spare)
