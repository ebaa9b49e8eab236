"""Public functions that apply one op and do nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.graph.composite import SparseTensor
from retrograd.graph.dispatch import apply
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import find

if TYPE_CHECKING:
    from retrograd.typing import CompositeLike, TensorLike


Unary = Callable[..., Tensor]


def unary(op_type: str, name: str) -> Unary:
    """`name(x, name=None)`, which applies `op_type`; its docstring is the kernel's."""

    def function(x: TensorLike, name: str | None = None) -> Tensor:
        return apply(op_type, x, name=name)

    return _named(function, op_type, name)


def unary_or_sparse(op_type: str, name: str) -> Callable[..., Any]:
    """As `unary`; of a sparse tensor the elements that are there are taken."""

    def function(x: CompositeLike, name: str | None = None) -> Any:
        if isinstance(x, SparseTensor):
            values = apply(op_type, x.values, name=name)
            return SparseTensor(x.indices, values, x.dense_shape)
        return apply(op_type, x, name=name)

    return _named(function, op_type, name)


def binary(op_type: str, name: str) -> Unary:
    """`name(x, y, name=None)`, which applies `op_type`."""

    def function(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
        return apply(op_type, x, y, name=name)

    return _named(function, op_type, name)


def _named(function: Callable[..., Any], op_type: str, name: str) -> Unary:
    function.__name__ = function.__qualname__ = name
    declaration = find(op_type)
    function.__doc__ = declaration and declaration.kernel.__doc__
    return function
