"""What `==` of tensors means: the same object, or, on request, equal elements."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from retrograd.graph.defaults import executing_eagerly_outside_functions
from retrograd.graph.dispatch import apply
from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import PACKAGE
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


_BY_IDENTITY: dict[str, Any] = {
    "_USE_EQUALITY": False,
    **{name: vars(Tensor)[name] for name in ("__eq__", "__ne__", "__hash__")},
}


def _compares_elements(tensor: Tensor) -> bool:
    """Not in a plain graph, where `==` stays identity whatever was asked for."""
    if not executing_eagerly_outside_functions():
        return False
    graph = getattr(tensor, "graph", None)
    return graph is None or isinstance(graph, FuncGraph)


def _equal(self: Tensor, other: TensorLike) -> Any:
    if _compares_elements(self):
        return apply("Equal", self, other, incompatible_shape_error=False)
    return self is other


def _not_equal(self: Tensor, other: TensorLike) -> Any:
    if executing_eagerly_outside_functions():
        return apply("NotEqual", self, other, incompatible_shape_error=False)
    return self is not other


def _hash(self: Tensor) -> int:
    # this package keeps tensors by identity whatever they are equal to
    caller = sys._getframe(1).f_code.co_filename
    if not caller.startswith(PACKAGE) and _compares_elements(self):
        raise TypeError(
            "Tensor is unhashable if Tensor equality is enabled. Instead, use "
            "tensor.experimental_ref() as the key."
        )
    return object.__hash__(self)


_BY_ELEMENTS: dict[str, Any] = {
    "_USE_EQUALITY": True,
    "__eq__": _equal,
    "__ne__": _not_equal,
    "__hash__": _hash,
}
Tensor._USE_EQUALITY = False  # pyright: ignore[reportAttributeAccessIssue]


def enable_tensor_equality() -> None:
    """Let `==` of eager tensors compare their elements; they cannot be keys then."""
    for name, method in _BY_ELEMENTS.items():
        setattr(Tensor, name, method)


def disable_tensor_equality() -> None:
    """Let `==` of tensors say whether they are the same object."""
    for name, method in _BY_IDENTITY.items():
        setattr(Tensor, name, method)
