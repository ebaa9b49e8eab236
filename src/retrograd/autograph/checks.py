"""`assert`, of Python values or of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograd.autograph.state import is_dense
from retrograd.ops.host.printing import Assert


def assert_stmt(test: Any, message: Callable[[], Any]) -> Any:
    """Check that something holds, when it is known.

    Args:
      test: what has to hold.
      message: computes what is said otherwise.
    """
    if not is_dense(test):
        assert test, message()
        return None
    said = message()
    return Assert(test, list(said) if isinstance(said, tuple) else [said])
