"""Turning values of any kind into tensors: the registry of conversion functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import CompositeLike, DTypeLike, TensorLike

#: (priority, order of registration, types, function), in the order they are asked
_registered: list[tuple[int, int, Any, Callable[..., Any]]] = []
_by_type: dict[type, list[tuple[Any, Callable[..., Any]]]] = {}


def register_tensor_conversion_function(
    base_type: type | tuple[type, ...],
    conversion_func: Callable[..., Any],
    priority: int = 100,
) -> None:
    """Register how instances of `base_type` become tensors.

    Args:
      base_type: a type, or a tuple of types.
      conversion_func: `f(value, dtype=None, name=None, as_ref=False)`; returns a
        tensor, or NotImplemented to leave the value to functions of later priority.
      priority: functions with smaller numbers are asked first.
    """
    types = base_type if isinstance(base_type, tuple) else (base_type,)
    if not all(isinstance(t, type) for t in types):
        raise TypeError("base_type must be a type or a tuple of types.")
    if not callable(conversion_func):
        raise TypeError("conversion_func must be callable.")
    _registered.append((priority, len(_registered), types, conversion_func))
    _registered.sort(key=lambda row: row[:2])
    _by_type.clear()


def _functions_for(kind: type) -> list[tuple[Any, Callable[..., Any]]]:
    found = _by_type.get(kind)
    if found is None:
        found = _by_type[kind] = [
            (types, function)
            for _, _, types, function in _registered
            if issubclass(kind, types)
        ]
    return found


def convert_to_tensor(
    value: CompositeLike,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    preferred_dtype: DTypeLike | None = None,
    dtype_hint: DTypeLike | None = None,
) -> Tensor:
    """The tensor that `value` stands for.

    Args:
      value: a tensor, a variable, an array, Python numbers, strings, nested lists of
        these, or anything with a registered conversion.
      dtype: the dtype it must have.
      name: the name for an operation that is made.
      preferred_dtype: the dtype to use if the value can take it.
      dtype_hint: the same, by its later name.

    Raises:
      TypeError: no conversion is registered for the type, or the dtype does not fit.
      ValueError: a tensor of another dtype.
    """
    if dtype is not None and not isinstance(dtype, dtypes.DType):
        dtype = dtypes.as_dtype(dtype)
    if isinstance(value, Tensor) and (
        context.executing_eagerly() or not is_eager_tensor(value)
    ):
        if dtype is not None and not dtype.is_compatible_with(value.dtype):
            raise ValueError(
                f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype "
                f"{value.dtype.name}: {value!r}"
            )
        return value
    if isinstance(value, Tensor):
        return _captured_eager(value)
    preferred = preferred_dtype if preferred_dtype is not None else dtype_hint
    if preferred is not None:
        preferred = dtypes.as_dtype(preferred)
    return converted(value, dtype, name, preferred, False)


def convert_to_tensor_v2(
    value: TensorLike,
    dtype: DTypeLike | None = None,
    dtype_hint: DTypeLike | None = None,
    name: str | None = None,
) -> Tensor:
    """`convert_to_tensor` of TensorFlow 2."""
    return convert_to_tensor(value, dtype, name, dtype_hint)


def internal_convert_to_tensor(
    value: TensorLike,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    as_ref: bool = False,
    preferred_dtype: DTypeLike | None = None,
) -> Tensor:
    """As `convert_to_tensor`; with `as_ref`, a variable gives a reference to it."""
    if not as_ref or isinstance(value, Tensor):
        return convert_to_tensor(value, dtype, name, preferred_dtype)
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    preferred = None if preferred_dtype is None else dtypes.as_dtype(preferred_dtype)
    return converted(value, wanted, name, preferred, True)


def is_eager_tensor(tensor: Tensor) -> bool:
    """Whether `tensor` has a value already."""
    return getattr(tensor, "_is_eager", False)


def _captured_eager(value: Tensor) -> Tensor:
    graph = context.get_default_graph()
    if not graph.building_function:
        raise RuntimeError(
            "Attempting to capture an EagerTensor without building a function."
        )
    return graph.capture(value)  # pyright: ignore[reportAttributeAccessIssue]


def converted(
    value: object,
    dtype: dtypes.DType | None,
    name: str | None,
    preferred: dtypes.DType | None,
    as_ref: bool,
    accepted: type | tuple[type, ...] = Tensor,
) -> Any:
    """What the first registered function that takes `value` makes of it.

    Raises:
      TypeError: there is none, or none gives the preferred dtype.
      RuntimeError: what it gives is not of an accepted type, or of another dtype.
    """
    prefix = f"Error converting {name}: " if name else ""
    for types, function in _functions_for(type(value)):
        result = None
        if dtype is None and preferred is not None:
            try:
                result = function(value, dtype=preferred, name=name, as_ref=as_ref)
            except (TypeError, ValueError):
                result = None
            else:
                if result is not NotImplemented and not preferred.is_compatible_with(
                    result.dtype.base_dtype
                ):
                    raise TypeError(
                        "convert_to_tensor did not convert to the preferred dtype: "
                        f"{result.dtype.base_dtype.name} vs {preferred.name} "
                    )
        if result is None:
            result = function(value, dtype=dtype, name=name, as_ref=as_ref)
        if result is NotImplemented:
            continue
        if not isinstance(result, accepted):
            raise RuntimeError(
                f"{prefix}Conversion function {function!r} for type {types} returned "
                f"non-Tensor: {result!r}"
            )
        if dtype is not None and not dtype.is_compatible_with(result.dtype):
            raise RuntimeError(
                f"{prefix}Conversion function {function!r} for type {types} returned "
                f"incompatible dtype: requested = {dtype.base_dtype.name}, actual = "
                f"{result.dtype.name}"
            )
        return result
    raise TypeError(
        f"{prefix}Cannot convert {value!r} with type {type(value)} to Tensor: no "
        "conversion function registered."
    )


_dense_types: tuple[type, ...] = (Tensor,)


def register_dense_tensor_like_type(tensor_type: type) -> None:
    """Let values of a type count as dense tensors.

    Raises:
      TypeError: instances lack the properties `name` or `dtype`.
    """
    global _dense_types
    for wanted in ("name", "dtype"):
        found = getattr(tensor_type, wanted, None)
        if not isinstance(found, property):
            raise TypeError(f"Type {tensor_type} does not define a `{wanted}` property")
    _dense_types = (*_dense_types, tensor_type)


def is_dense_tensor_like(t: object) -> bool:
    """Whether `t` is a tensor, or of a type registered as like one."""
    return isinstance(t, _dense_types)


def _not_an_operation(
    op: Operation,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Tensor:
    raise TypeError(
        f"Can't convert Operation '{op.name}' to Tensor (target dtype={dtype!r}, "
        f"name={name!r}, as_ref={as_ref!r})"
    )


register_tensor_conversion_function(Operation, _not_an_operation, 0)


def convert_n_to_tensor(
    values: Sequence[Any],
    dtype: DTypeLike | None = None,
    name: str | None = None,
    preferred_dtype: DTypeLike | None = None,
    as_ref: bool = False,
) -> list[Tensor]:
    """Convert each of `values`; names get the index as a suffix.

    Raises:
      TypeError: `values` is not a sequence.
    """
    if not isinstance(values, Sequence):
        raise TypeError("values must be a sequence.")
    return [
        internal_convert_to_tensor(
            value,
            dtype,
            None if name is None else f"{name}_{i}",
            as_ref,
            preferred_dtype,
        )
        for i, value in enumerate(values)
    ]
