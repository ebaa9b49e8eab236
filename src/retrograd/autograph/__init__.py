"""AutoGraph: Python's control flow as operations of a graph, where it is of tensors.

The source of a function is read (`source`), jumps in it become flags (`jumps`), its
branches and loops become functions (`statements`), its calls and logic calls of
operators (`expressions`). What the operators do depends on the values that they meet
(`branches`, `loops`, `logic`, `builtins_of`, `calls`): with tensors they make
operations, else they do what Python does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograd.graph.conversion_status import control_status_ctx


def converted(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that a program gives us, converted unless code around says not to."""
    from retrograd.autograph.api import tf_convert

    return tf_convert(function, control_status_ctx())
