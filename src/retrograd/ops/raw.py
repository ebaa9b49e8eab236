"""Any op type as a function: `raw_ops.MatMul(a=…)`, `gen_math_ops.mat_mul(a, b)`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.graph import dispatch, opdef

if TYPE_CHECKING:
    pass


@functools.cache
def _by_snake_name() -> dict[str, str]:
    """Op types by their name in lower case."""
    return {name.lower(): name for name in opdef.names()}


def op_type_of(snake_name: str) -> str | None:
    """The op type that a generated function of this name applies, or None.

    Words may be joined or separated by underscores: `mat_mul`, `matmul`, `_mat_mul`.
    """
    return _by_snake_name().get(snake_name.replace("_", "").lower())


#: what TensorFlow's generated functions call an input or attribute, by the op's name
_CALLED = {
    "ExpandDims": {"dim": "axis"},
    "Select": {"t": "x", "e": "y"},
    "Split": {"split_dim": "axis"},
    "SplitV": {"split_dim": "axis"},
    "Squeeze": {"squeeze_dims": "axis"},
    "Where": {"input": "condition"},
}
for _reduction in ("All", "Any", "EuclideanNorm", "Max", "Mean", "Min", "Prod", "Sum"):
    _CALLED[_reduction] = {"reduction_indices": "axis"}


def _parameters(op_def: opdef.OpDef) -> list[inspect.Parameter]:
    """Inputs, then attributes that nothing determines, those with defaults last."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    free = [a for a in op_def.attrs.values() if a.name not in op_def.inferred]
    names = [a.name for a in op_def.inputs]
    names += [a.name for a in free if not a.has_default]
    called = _CALLED.get(op_def.name, {})
    found = [inspect.Parameter(called.get(n, n), kind) for n in names]
    found += [
        inspect.Parameter(called.get(a.name, a.name), kind, default=_shown(a.default))
        for a in free
        if a.has_default
    ]
    return [*found, inspect.Parameter("name", kind, default=None)]


def _shown(default: Any) -> Any:
    """A default as it stands in a function's definition."""
    if isinstance(default, list | tuple):
        return [_shown(item) for item in default]
    if not isinstance(default, float):
        return default
    short = opdef.short_float(default)
    return int(short) if short.is_integer() else short


@functools.cache
def by_type(op_type: str) -> Callable[..., Any]:
    """A function that applies an op type; arguments by position or name.

    Raises:
      AttributeError: there is no such op type.
    """
    op_def = opdef.lookup(op_type)
    if op_def is None:
        raise AttributeError(f"There is no op type {op_type}.")
    signature = inspect.Signature(_parameters(op_def))
    inputs = [a.name for a in op_def.inputs]
    own = {theirs: ours for ours, theirs in _CALLED.get(op_type, {}).items()}

    def function(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs).arguments
        if own:
            bound = {own.get(name, name): value for name, value in bound.items()}
        given = [bound.pop(name) for name in inputs]
        name = bound.pop("name", None)
        return dispatch.apply(op_type, *given, name=name, **bound)

    function.__name__ = op_type
    function.__doc__ = f"Apply the op {op_type}."
    function.__signature__ = signature
    return function


def function(snake_name: str) -> Callable[..., Any]:
    """The function that a generated module has under this name.

    Raises:
      AttributeError: there is no such op type.
    """
    op_type = op_type_of(snake_name)
    if op_type is None:
        raise AttributeError(f"There is no op for {snake_name}.")
    return by_type(op_type)


class RawOps:
    """`tf.raw_ops`: every op type as an attribute."""

    def __getattr__(self, op_type: str) -> Callable[..., Any]:
        return by_type(op_type)

    def __dir__(self) -> list[str]:
        return opdef.names()


raw_ops = RawOps()
