"""The table of operations: under which names, and in which forms, each is offered."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Callable
from typing import Any

from retrograd.autograd.apply import differentiable, in_place
from retrograd.autograd.tensors import Tensor

Function = Callable[..., Any]

#: functions of the module, by name
functions: dict[str, Function] = {}


def titled(name: str) -> str:
    """An operation's name in `grad_fn`: `log_softmax` is LogSoftmax."""
    return "".join(part.capitalize() for part in name.split("_"))


def offer(
    name: str,
    function: Function,
    *,
    title: str | None = None,
    view: bool = False,
    changes: bool = False,
    method: bool = True,
    alone: bool = True,
) -> None:
    """Offer a function of the engine's tensors.

    Args:
      name: its name as a method, and in the module.
      function: takes tensors of the engine, numbers and options, and makes tensors.
      title: PyTorch's name for `grad_fn`; by default from `name`.
      view: whether results share the memory of the first argument.
      changes: whether there is a form `name_` that changes its tensor in place.
      method: whether it is a method of tensors.
      alone: whether it is a function of the module.
    """
    title = title or titled(name)
    ours = differentiable(function, title, view)
    ours.__name__ = name
    if alone:
        functions[name] = ours
    if method:
        setattr(Tensor, name, ours)
    if changes:
        setattr(Tensor, f"{name}_", in_place(function, title))


def operation(name: str | None = None, **options: Any) -> Callable[[Function], Any]:
    """Decorate a function that is offered: see `offer`.

    By default the name is the function's own, without an underscore at the end.
    """

    def decorate(function: Function) -> Function:
        offer(name or function.__name__.rstrip("_"), function, **options)
        return function

    return decorate


def operator(
    symbol: str,
    function: Function,
    *,
    title: str | None = None,
    reflected: bool = False,
) -> None:
    """Let tensors take part in `a symbol b`; what is no operand is left to Python.

    Args:
      symbol: the operator's name in Python: `add` for `+`.
      function: a function of the engine's tensors and numbers.
      title: PyTorch's name for `grad_fn`; by default from `symbol`.
      reflected: whether a number, or an array, may stand on the left.
    """
    title = title or titled(symbol)
    ours = differentiable(function, title)
    setattr(Tensor, f"__{symbol}__", _tolerant(ours, function))
    if reflected:
        swapped = differentiable(lambda a, b: function(b, a), title)
        setattr(Tensor, f"__r{symbol}__", _tolerant(swapped, function))


def _tolerant(ours: Function, function: Function) -> Function:
    @functools.wraps(function)
    def method(self: Tensor, other: object) -> Any:
        return ours(self, other) if is_operand(other) else NotImplemented

    return method


def is_operand(value: object) -> bool:
    """Whether a tensor can be computed with this: a tensor or a number."""
    return isinstance(value, (Tensor, numbers.Number))
