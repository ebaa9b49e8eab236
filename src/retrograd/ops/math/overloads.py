"""Python's operators on tensors: which op each makes, under which name.

Nothing is promoted: both sides must have one element type, and a number beside a tensor
takes the tensor's. `==` and `!=` compare identity, as `graph/tensor.py` has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import dispatch
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


Binary = Callable[..., Any]
apply = dispatch.apply


def add(x: Tensor, y: TensorLike, name: str | None = None) -> Tensor:
    """x + y; strings are concatenated."""
    kind = "Add" if x.dtype.base_dtype is dtypes.string else "AddV2"
    return apply(kind, x, y, name=name)


#: what integers are cast to before they are divided
_QUOTIENT_TYPES = {
    "uint8": dtypes.float32,
    "int8": dtypes.float32,
    "uint16": dtypes.float32,
    "int16": dtypes.float32,
    "int32": dtypes.float64,
    "int64": dtypes.float64,
    **dict.fromkeys("bfloat16 float16 float32 float64 complex64 complex128".split()),
}


def check_same(x: Tensor, y: Tensor) -> dtypes.DType:
    """The element type that both have.

    Raises:
      TypeError: they differ.
    """
    kind, other = x.dtype.base_dtype, y.dtype.base_dtype
    if kind is not other:
        raise TypeError(f"x and y must have the same dtype, got {kind!r} != {other!r}")
    return kind


def quotient_type(kind: dtypes.DType) -> dtypes.DType | None:
    """What numbers are cast to before they are divided, if they are.

    Raises:
      TypeError: they are no numbers.
    """
    if kind.name not in _QUOTIENT_TYPES:
        raise TypeError(f"Invalid dtype {kind!r} in __truediv__")
    return _QUOTIENT_TYPES[kind.name]


def true_divide(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / y; integers are cast to floats first.

    Raises:
      TypeError: the element types differ, or are not of numbers.
    """
    with dispatch.name_scope(name, "truediv", [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y")
        wanted = quotient_type(check_same(x, y))
        if wanted is not None:
            x = apply("Cast", x, DstT=wanted)
            y = apply("Cast", y, DstT=wanted)
        return apply("RealDiv", x, y, name=scope)


def old_divide(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / y as Python 2 had it: of integers the quotient is rounded down.

    Raises:
      TypeError: the element types differ.
    """
    with dispatch.name_scope(name, "div", [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, x.dtype.base_dtype, "y")
        kind = check_same(x, y)
        real = kind.is_floating or kind.is_complex
        return apply("RealDiv" if real else "FloorDiv", x, y, name=scope)


def logical_xor(
    x: TensorLike, y: TensorLike, name: str | None = "LogicalXor"
) -> Tensor:
    """Whether one of `x` and `y`, but not the other, is true; elementwise."""
    either = apply("LogicalOr", x, y)
    both = apply("LogicalNot", apply("LogicalAnd", x, y))
    return apply("LogicalAnd", either, both, name=name)


def _matmul(x: Tensor, y: Tensor, name: str | None = None) -> Tensor:
    from retrograd.ops.linalg.products import matmul

    return matmul(x, y, name=name)


def _of(op_type: str) -> Binary:
    def function(x: Tensor, y: TensorLike, name: str | None = None) -> Tensor:
        return apply(op_type, x, y, name=name)

    return function


def _forward(function: Binary, op_name: str, simple: bool) -> Callable[..., Any]:
    """`x.__op__(y)`. A `simple` op needs no scope when both sides are tensors."""
    reverse = f"__r{op_name}__"

    def operator(x: Tensor, y: TensorLike) -> Any:
        if simple and type(x) is Tensor and type(y) is Tensor:
            return function(x, y, op_name)
        if isinstance(y, SparseTensor):
            return NotImplemented
        with dispatch.name_scope(None, op_name, [x, y]) as scope:
            if not isinstance(y, Tensor):
                try:
                    y = convert_to_tensor(y, dtype_hint=x.dtype.base_dtype, name="y")
                except TypeError:
                    if hasattr(type(y), reverse):
                        return NotImplemented
                    raise
            return function(x, y, scope)

    return operator


def _backward(function: Binary, op_name: str) -> Callable[..., Any]:
    """`y.__rop__(x)`."""

    def operator(y: Tensor, x: TensorLike) -> Tensor:
        with dispatch.name_scope(None, op_name, [x, y]) as scope:
            x = convert_to_tensor(x, y.dtype.base_dtype, "x")
            return function(x, y, scope)

    return operator


def _absolute(x: Tensor, name: str | None = None) -> Any:
    from retrograd.ops.math.unary import abs

    return abs(x, name)


#: operator: the function that makes the op; whether it makes just that one op
_BINARY: dict[str, tuple[Binary, bool]] = {
    "add": (add, True),
    "sub": (_of("Sub"), True),
    "mul": (_of("Mul"), True),
    "div": (old_divide, False),
    "truediv": (true_divide, False),
    "floordiv": (_of("FloorDiv"), True),
    "mod": (_of("FloorMod"), True),
    "pow": (_of("Pow"), True),
    "and": (_of("LogicalAnd"), True),
    "or": (_of("LogicalOr"), True),
    "xor": (logical_xor, False),
    "matmul": (_matmul, False),
}


def _install() -> None:
    for name, (function, simple) in _BINARY.items():
        Tensor._override_operator(f"__{name}__", _forward(function, name, simple))
        Tensor._override_operator(f"__r{name}__", _backward(function, name))
    for name, op_type in (
        ("lt", "Less"),
        ("le", "LessEqual"),
        ("gt", "Greater"),
        ("ge", "GreaterEqual"),
    ):
        Tensor._override_operator(f"__{name}__", _of(op_type))
    for name, op_type in (("neg", "Neg"), ("invert", "LogicalNot")):
        Tensor._override_operator(f"__{name}__", _unary(op_type))
    Tensor._override_operator("__abs__", _absolute)


def _unary(op_type: str) -> Callable[..., Any]:
    def operator(x: Tensor, name: str | None = None) -> Tensor:
        return apply(op_type, x, name=name)

    return operator


_install()
