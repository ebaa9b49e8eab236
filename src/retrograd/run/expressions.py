"""Kernels that only call functions of the namespace, written out for tier 0.

A run of many small operations spends its time on calls. A kernel such as
`return xp.tanh(x)` need not be called: its line calls NumPy's `tanh`. Of two scalars
`x * y` takes NumPy a tenth of the time of `multiply(x, y)`, for the same bits.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograd.arrays import names
from retrograd.arrays import numpy as xp_numpy
from retrograd.dtypes import DType
from retrograd.graph.operation import Operation
from retrograd.ops.declare import Declaration, find

#: what NumPy's arrays and scalars have an operator for
_OPERATORS = {
    "add": "({} + {})",
    "subtract": "({} - {})",
    "multiply": "({} * {})",
    "negative": "(-{})",
}
_FUNCTIONS = frozenset((*names.SAME_AS_NUMPY, *names.DIFFERENT, *names.ADDED))
#: the names by which a kernel asks what its inputs are
_ASKED = ("dtype", "kind")
#: dtypes whose values are not NumPy numbers
_NOT_NUMBERS = frozenset(("string", "resource", "variant"))


def expression(op: Operation, declaration: Declaration) -> Written | None:
    """The kernel of an operation as text; None if it has to be called."""
    if declaration.host or declaration.updates or declaration.cells:
        return None
    kinds = [t._dtype.base_dtype for t in op._inputs]
    if not _NOT_NUMBERS.isdisjoint([kind.name for kind in kinds]):
        return None
    if any(t._dtype.base_dtype.name in _NOT_NUMBERS for t in op._outputs):
        return None
    if len(op._inputs) == 2 and declaration.traits.of_two and _of_one_shape(op):
        declaration = find(declaration.traits.of_two) or declaration
    one = kinds and kinds.count(kinds[0]) == len(kinds)
    found = written(declaration.kernel, kinds[0] if one else None)
    return found if found is not None and found.count == len(op._inputs) else None


def _of_one_shape(op: Operation) -> bool:
    """Whether the inputs are known to have one shape; else the kernel has to look."""
    raw = op._inputs[0]._shape_raw
    same = all(t._shape_raw == raw for t in op._inputs)
    return same and raw is not None and None not in raw


class Written:
    """A kernel as text.

    Attributes:
      text: a Python expression, with `{}` for each input, in order.
      count: the number of inputs.
      functions: the names in it, with what they stand for.
      makes: whether its value is always an array of its own: not an input, nor a part.
    """

    def __init__(self, text: str, count: int, functions: dict[str, Any]) -> None:
        self.text, self.count, self.functions = text, count, functions
        self.makes = text != "{}" and all(
            isinstance(function, np.ufunc) for function in functions.values()
        )


@functools.cache
def written(kernel: Callable[..., Any], dtype: DType | None) -> Written | None:
    """The kernel as text, found by calling it on symbols.

    None if it does anything but call functions of `xp`, each on positional inputs and
    results, or if it uses a value twice or in another order: then calling it is right.

    Args:
      kernel: of the op.
      dtype: that of the inputs, if they have one; the kernel may ask for it.
    """
    code = kernel.__code__
    count = code.co_argcount - 1
    varied = code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    if varied or code.co_kwonlyargcount or code.co_freevars or count < 1:
        return None
    unknown = set(code.co_names) - _FUNCTIONS
    if unknown and not unknown <= {*_ASKED, *kernel.__globals__}:
        return None
    recorder = _Recorder()
    inputs = [_Symbol("{}", i) for i in range(count)]
    if dtype is not None:
        for symbol in inputs:
            symbol.dtype = dtype.array_dtype
    try:
        result = kernel(recorder, *inputs)
    except Exception:
        return None
    if type(result) is not _Symbol or result.inputs != tuple(range(count)):
        return None
    return Written(result.text, count, recorder.functions)


class _Refused(Exception):
    """The kernel is not just calls."""


class _Symbol:
    """An input or a result, and the inputs that it was made of, in order."""

    dtype: Any  # of inputs, where it is known

    def __init__(self, text: str, *inputs: int) -> None:
        self.text = text
        self.inputs = inputs

    def __getattr__(self, name: str) -> Any:
        raise _Refused(name)

    def __bool__(self) -> bool:
        raise _Refused("bool")

    def __eq__(self, other: object) -> bool:
        raise _Refused("==")

    __hash__ = None  # pyright: ignore[reportAssignmentType]


class _Recorder:
    """An array namespace whose functions write down their calls."""

    def __init__(self) -> None:
        self.functions: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Callable[..., _Symbol]:
        def call(*arguments: Any, **keywords: object) -> _Symbol:
            if keywords or not all(type(a) is _Symbol for a in arguments):
                raise _Refused(name)
            text = _OPERATORS.get(name)
            if text is None:
                self.functions[f"n_{name}"] = getattr(xp_numpy, name)
                text = f"n_{name}({', '.join(['{}'] * len(arguments))})"
            inputs = [i for a in arguments for i in a.inputs]
            return _Symbol(text.format(*(a.text for a in arguments)), *inputs)

        return call
