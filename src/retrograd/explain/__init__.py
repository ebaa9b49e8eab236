"""Explanations of backpropagation: `retrograd.explain(y, x)`, and diagnosis."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Explain(ModuleType):
    """The module, which can be called: see `explain.explanation.explain`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Explain ∂y/∂x; see `retrograd.explain.explanation.explain`."""
        from retrograd.explain.explanation import explain

        return explain(*args, **kwargs)


sys.modules[__name__].__class__ = _Explain
