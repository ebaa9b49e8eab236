"""Methods that change a tensor's type, or its value in place by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.autograd import creation, generator, types
from retrograd.autograd.apply import check_writable, differentiable, in_place, write
from retrograd.autograd.tensors import Tensor, recorded
from retrograd.ops.declare import F
from retrograd.run.eager import EagerTensor

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, Number

_converted = differentiable(types.cast, "ToCopy")

#: methods that convert, by name
_CONVERSIONS = ("float", "double", "half", "bfloat16", "long", "int", "short", "bool")


def _to(
    self: Tensor, *args: Any, dtype: DTypeLike | None = None, **unused: object
) -> Tensor:
    """The tensor in another type; itself where it has it. Devices are accepted.

    Args:
      *args: a type, a tensor of that type, or a device's name.
      dtype: a type.
    """
    for given in args:
        if isinstance(given, Tensor):
            dtype = given.dtype
        elif not isinstance(given, str) and given is not None:
            dtype = given
    wanted = self.dtype if dtype is None else types.as_dtype(dtype)
    return self if wanted is self.dtype else _converted(self, wanted)


def _conversion(name: str) -> Any:
    def method(self: Tensor) -> Tensor:
        return _to(self, types.NAMES[name])

    method.__name__ = name
    method.__doc__ = f"The tensor as {types.NAMES[name].name}; itself where it is."
    return method


def _filled(x: EagerTensor, value: Number) -> EagerTensor:
    whole = types.cast(value, x._dtype)
    return F.BroadcastTo(whole, list(x._shape_raw))


def _copied(x: EagerTensor, other: EagerTensor) -> EagerTensor:
    return F.BroadcastTo(types.cast(other, x._dtype), list(x._shape_raw))


def _random(draw: Callable[..., Any]) -> Any:
    """A method that fills a tensor with random numbers."""

    def method(self: Tensor, *args: float, **named: float) -> Tensor:
        check_writable(self)
        values = draw(self.numel(), self.dtype.as_numpy_dtype, *args, **named)
        array = values.reshape(self.shape).astype(self.dtype.as_numpy_dtype)
        value, source = recorded(lambda x: types.constant(array, x._dtype), self)
        write(self, value, source, "Random")
        return self

    return method


def _uniform(count: int, dtype: DTypeLike, a: float = 0.0, b: float = 1.0) -> Any:
    return generator.default.uniform(count, dtype) * (b - a) + a


def _normal(count: int, dtype: DTypeLike, mean: float = 0.0, std: float = 1.0) -> Any:
    return generator.default.normal(count, dtype) * std + mean


def _detach_(self: Tensor) -> Tensor:
    """Forget what made this tensor, in place; itself."""
    self._node = None
    self._hold(EagerTensor(np.asarray(self._engine._value), self.dtype))
    return self


def _type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the type of another."""
    return _to(self, other.dtype)


def _new(make: Callable[..., Any]) -> Any:
    """A method that makes a tensor of its tensor's type."""

    def method(
        self: Tensor, *args: object, dtype: DTypeLike | None = None, **options: object
    ) -> Tensor:
        return make(*args, dtype=dtype or self.dtype, **options)

    return method


def _cpu(self: Tensor) -> Tensor:
    """Itself: values are in the computer's memory."""
    return self


_METHODS = {
    "to": _to,
    "type_as": _type_as,
    "cpu": _cpu,
    "detach_": _detach_,
    "new_tensor": _new(creation.tensor),
    "new_zeros": _new(creation.zeros),
    "new_ones": _new(creation.ones),
    "new_full": _new(creation.full),
    "fill_": in_place(_filled, "Fill"),
    "zero_": in_place(lambda x: _filled(x, 0), "Zero"),
    "copy_": in_place(_copied, "Copy"),
    "uniform_": _random(_uniform),
    "normal_": _random(_normal),
}
for _name in _CONVERSIONS:
    setattr(Tensor, _name, _conversion(_name))
for _name, _method in _METHODS.items():
    setattr(Tensor, _name, _method)
for _name in ("add", "sub", "mul", "div", "pow", "floor_divide", "remainder"):
    _symbol = {"div": "truediv", "floor_divide": "floordiv", "remainder": "mod"}
    setattr(Tensor, f"__i{_symbol.get(_name, _name)}__", getattr(Tensor, f"{_name}_"))
for _name in ("neg", "abs"):
    setattr(Tensor, f"__{_name}__", getattr(Tensor, _name))
Tensor.__invert__ = Tensor.logical_not  # pyright: ignore[reportAttributeAccessIssue]
