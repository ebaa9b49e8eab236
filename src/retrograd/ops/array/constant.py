"""Constants and placeholders, and how Python values become arrays."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import context, dispatch
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import (
    convert_to_tensor,
    register_tensor_conversion_function,
)
from retrograd.graph.hooks import hooks
from retrograd.graph.opdef import type_word
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.sequences import as_lists
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.shapes import TensorShape
    from retrograd.typing import Array, DTypeLike, ShapeLike, TensorLike


# ---------------------------------------------------------------------- functions


def placeholder(
    dtype: DTypeLike, shape: ShapeLike = None, name: str | None = None
) -> Tensor:
    """A tensor whose value is given by the feed_dict of each run.

    Args:
      dtype: the type of its elements.
      shape: what is known of its shape; by default nothing.
      name: the name of the operation.

    Raises:
      RuntimeError: in eager mode.
    """
    if context.executing_eagerly():
        raise RuntimeError("tf.placeholder() is not compatible with eager execution.")
    return F.Placeholder(dtype=dtype, shape=shape, name=name)


def placeholder_with_default(
    input: TensorLike, shape: ShapeLike, name: str | None = None
) -> Tensor:
    """A placeholder that takes the value of `input` when it is not fed."""
    return F.PlaceholderWithDefault(input, shape=shape, name=name)


def sparse_placeholder(
    dtype: DTypeLike,
    shape: Tensor | Sequence[int | None] | None = None,
    name: str | None = None,
) -> SparseTensor:
    """A sparse tensor that is given by the feed_dict of each run.

    Args:
      dtype: the type of its elements.
      shape: what is known of its shape: a list, which may hold None, or a 1-D tensor.
      name: the scope of the three placeholders.

    Raises:
      RuntimeError: in eager mode.
    """
    if context.executing_eagerly():
        raise RuntimeError("tf.placeholder() is not compatible with eager execution.")

    def named(part: str) -> str | None:
        return None if name is None else f"{name}/{part}"

    rank = dense = None
    if isinstance(shape, Tensor):
        rank = shape.shape[0]
        dense = convert_to_tensor(shape, dtypes.int64, named("shape"))
    elif shape is not None:
        rank, sizes = len(shape), [d for d in shape if d is not None]
        if len(sizes) == rank:
            dense = convert_to_tensor(sizes, dtypes.int64, named("shape"))
    if dense is None:
        dense = placeholder(dtypes.int64, [rank], named("shape"))
    values = placeholder(dtype, [None], named("values"))
    indices = placeholder(dtypes.int64, [None, rank], named("indices"))
    return SparseTensor(indices, values, dense)


def constant(
    value: TensorLike,
    dtype: DTypeLike | None = None,
    shape: Iterable[Any] | None = None,
    name: str = "Const",
    verify_shape: bool = False,
) -> Tensor:
    """A constant tensor.

    Args:
      value: numbers, strings, arrays or nested lists of these.
      dtype: the type of the elements; by default float32 for floats, int32 for integers
        that fit it.
      shape: the shape; a value with fewer elements is continued with its last one.
      name: the name of the operation.
      verify_shape: whether `value` must have `shape` already.

    Raises:
      TypeError: elements that are not of `dtype`, or (verify_shape) another shape.
      ValueError: more elements than `shape` holds, or a ragged list.
    """
    array, kind = make_array(value, dtype, shape, verify_shape)
    return const_tensor(array, kind, name)


def constant_v2(
    value: TensorLike,
    dtype: DTypeLike | None = None,
    shape: Iterable[Any] | None = None,
    name: str = "Const",
) -> Tensor:
    """As `constant`, but the value must have as many elements as `shape`, or only one.

    Raises:
      TypeError: it has not.
    """
    sizes = None if shape is None else _sizes(shape)
    if sizes is None or 0 in sizes:
        return constant(value, dtype, shape, name)
    array, kind = make_array(value, dtype)
    if array.shape not in ((), (1,)) and array.size != math.prod(sizes):
        raise TypeError(f"Expected Tensor's shape: {tuple(sizes)}, got {array.shape}.")
    return const_tensor(_fit(array, sizes, False), kind, name)


def const_tensor(array: np.ndarray, dtype: dtypes.DType, name: str | None) -> Tensor:
    """A constant made of an array that is in its final form."""
    if context.executing_eagerly():
        return hooks.eager_tensor(dtypes.integers(array), dtype)
    graph = context.get_default_graph()
    return graph.add(
        "Const", (), {"value": array, "dtype": dtype}, name or "Const"
    )._outputs[0]


def make_array(
    value: TensorLike,
    dtype: DTypeLike | None = None,
    shape: Iterable[Any] | None = None,
    verify_shape: bool = False,
) -> tuple[np.ndarray, dtypes.DType]:
    """`value` as an array and its dtype (see `constant`)."""
    wanted = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
    kind = type(value)
    if shape is None and (kind is float or kind is int or kind is bool):
        quick = _quick(value, kind, wanted)
        if quick is not None:
            return quick
    if getattr(value, "_is_eager", False):
        value = _of_eager(value, wanted)
    sizes = None if shape is None else _sizes(shape)
    if context.executing_eagerly() and not (wanted and wanted.is_quantized):
        array = _array_at_once(as_lists(value, wanted), wanted, sizes)
    else:
        array = _as_array(value, wanted, sizes)
    found = wanted if wanted is not None and wanted.is_quantized else None
    found = found or dtypes.as_dtype(array.dtype)
    if wanted is not None and wanted != found:
        raise TypeError(
            f"Incompatible types: {wanted} vs. {found.name}. Value is {value}"
        )
    if array.dtype.kind in "OSU":
        array = _strings(array, value)
    if sizes is not None:
        array = _fit(array, sizes, verify_shape)
    return array, found


def _of_eager(tensor: Any, wanted: dtypes.DType | None) -> Array:
    """The value of a tensor that was computed at once.

    Raises:
      TypeError: ops run at once, and it has another dtype.
    """
    if wanted not in (None, tensor.dtype) and context.executing_eagerly():
        raise TypeError(f"Expected tensor with type {wanted!r} not {tensor.dtype!r}")
    return tensor.numpy()


_FLOAT32, _INT32, _BOOL = np.float32, np.int32, np.bool_


def _quick(
    value: Any, kind: type, wanted: dtypes.DType | None
) -> tuple[Array, dtypes.DType] | None:
    """Python scalars, the commonest constants."""
    if kind is float:
        if wanted is None or wanted is dtypes.float32:
            return np.array(value, _FLOAT32), dtypes.float32
    elif kind is int:
        if wanted is None and -(2**31) <= value < 2**31:
            return np.array(value, _INT32), dtypes.int32
        if wanted is dtypes.float32:
            return np.array(value, _FLOAT32), dtypes.float32
        if wanted is dtypes.int32 and -(2**31) <= value < 2**31:
            return np.array(value, _INT32), dtypes.int32
    elif wanted is None or wanted is dtypes.bool:
        return np.array(value, _BOOL), dtypes.bool
    return None


def _sizes(shape: Iterable[Any]) -> list[int]:
    """The sizes that a program gives for a constant.

    Raises:
      TypeError: one is not known, or `shape` is no list of sizes.
    """
    return [int(d) for d in shape]


def _array_at_once(
    value: Any, wanted: dtypes.DType | None, sizes: list[int] | None
) -> np.ndarray:
    """`_as_array` with the errors of eager mode."""
    if value is None:
        raise ValueError(
            "Attempt to convert a value (None) with an unsupported type "
            f"({type(None)}) to a Tensor."
        )
    try:
        return _as_array(value, wanted, sizes)
    except TypeError:
        if wanted is None:
            raise
        raise TypeError(
            f"Cannot convert {value!r} to EagerTensor of dtype {type_word(wanted)}"
        ) from None


def _as_array(
    value: Any, wanted: dtypes.DType | None, sizes: list[int] | None
) -> np.ndarray:
    numpy_type = None if wanted is None else wanted.as_numpy_dtype
    if hasattr(value, "tensor_shape"):  # a TensorProto
        from retrograd.ops.array.tensor_protos import make_ndarray

        return make_ndarray(value)
    if _is_array_like(value):
        array = np.array(value)
        if wanted is not None and wanted.is_numpy_compatible:
            array = array.astype(wanted.as_numpy_dtype, copy=False)
        return array
    if value is None:
        raise ValueError("None values not supported.")
    if sizes is not None and 0 in sizes:
        return np.empty(sizes, numpy_type or np.float32)
    _check_elements(value, wanted)
    array = _dense(value, numpy_type, wanted)
    if wanted is None and array.dtype == np.float64:
        return array.astype(np.float32)
    if wanted is None and array.dtype == np.int64:
        small = array.astype(np.int32)
        return small if np.array_equal(small, array) else array
    return array


def _is_array_like(value: object) -> bool:
    """Arrays, and what NumPy makes arrays of without looking at elements."""
    if isinstance(value, (np.ndarray, np.generic)):
        return True
    if isinstance(value, (Tensor, bytes, str, list, tuple, int, float)):
        return False
    if callable(getattr(value, "__array__", None)):
        return True
    if isinstance(getattr(value, "__array_interface__", None), dict):
        return True
    try:
        memoryview(value)  # pyright: ignore[reportArgumentType]
    except TypeError:
        return False
    return True


def _dense(value: Any, numpy_type: Any, wanted: dtypes.DType | None) -> np.ndarray:
    """A nested list as an array.

    Raises:
      ValueError: its rows are of different lengths.
    """
    if wanted is dtypes.string:
        numpy_type = object
    try:
        array = np.array(value, numpy_type)
    except OverflowError:
        if wanted is None or not wanted.is_integer:
            raise
        array = low_bits(value, np.dtype(numpy_type))
    except ValueError:
        if numpy_type is not None and numpy_type is not object:
            raise ValueError("setting an array element with a sequence.") from None
        array = np.empty((len(value),), object)
    wants = _dimensions(value)
    quantized = wanted is not None and wanted.is_quantized
    if list(array.shape) != wants and not quantized:
        raise ValueError(
            f"Argument must be a dense tensor: {value} - got shape "
            f"{list(array.shape)}, but wanted {wants}."
        )
    return array


def low_bits(value: object, numpy_type: np.dtype) -> np.ndarray:
    """Integers as an array of a dtype that does not hold all: as NumPy 1 has it.

    Raises:
      OverflowError: one has more than 64 bits.
    """
    try:
        return np.array(value, np.int64).astype(numpy_type)
    except OverflowError:
        if numpy_type.kind != "u" or numpy_type.itemsize < 4:
            raise
        return np.array(value, np.uint64).astype(numpy_type)


def _dimensions(value: object) -> list[int]:
    """The shape that the first elements of a nested list suggest."""
    if not isinstance(value, (list, tuple)):
        return []
    return [len(value), *_dimensions(value[0])] if value else [0]


_ACCEPTED: dict[str, Any] = {
    "f": (numbers.Real, np.integer, np.floating),
    "i": (numbers.Integral, np.integer, shapes.Dimension),
    "c": (numbers.Complex, np.number),
    "s": (str, bytes),
    "b": (bool, np.bool_),
}


def _class_of(wanted: dtypes.DType) -> str | None:
    if wanted.is_quantized:
        return "q"
    if wanted.is_floating:
        return "f"
    if wanted.is_integer:
        return "i"
    if wanted.is_complex:
        return "c"
    if wanted is dtypes.string:
        return "s"
    return "b" if wanted is dtypes.bool else None


def _check_elements(value: object, wanted: dtypes.DType | None) -> None:
    """Refuse elements that are not of the wanted kind, naming the first.

    Raises:
      TypeError: there is one.
    """
    kind = None if wanted is None else _class_of(wanted)
    if wanted is not None and kind == "q":
        _check_quantized(value, wanted)
        return
    accepted = _ACCEPTED.get(kind) if kind else None
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, (list, tuple)):
            pending.extend(reversed(item))
        elif isinstance(item, Tensor):
            if wanted is None:
                raise TypeError("List of Tensors when single Tensor expected")
            raise TypeError(_expected(wanted, item))
        elif wanted is not None and accepted and not isinstance(item, accepted):
            raise TypeError(_expected(wanted, item))


def _check_quantized(value: object, wanted: dtypes.DType) -> None:
    """Refuse what is no nested list of tuples of integers."""
    if not isinstance(value, (list, tuple)):
        raise TypeError(_expected(wanted, value))
    for item in value:
        if isinstance(value, list):
            _check_quantized(item, wanted)
        elif not isinstance(item, _ACCEPTED["i"]):
            raise TypeError(_expected(wanted, item))


def _expected(wanted: dtypes.DType, item: object) -> str:
    return (
        f"Expected {wanted.name}, got {item!r} of type '{type(item).__name__}' instead."
    )


def _strings(array: np.ndarray, value: object) -> np.ndarray:
    """An object array of bytes, from `value` where that is no array itself.

    Raises:
      TypeError: an element is neither str nor bytes.
    """
    listed = not isinstance(value, (np.ndarray, np.generic))
    items = _leaves(value) if listed else array.reshape(-1).tolist()
    flat = np.empty(array.size, object)
    for i, item in enumerate(items):
        if isinstance(item, str):
            item = item.encode()
        elif not isinstance(item, bytes):
            raise TypeError(
                f"Failed to convert object of type {type(value)} to Tensor. Contents: "
                f"{value}. Consider casting elements to a supported type."
                if listed
                else f"Expected binary or unicode string, got {item!r}"
            )
        flat[i] = bytes(item)
    return flat.reshape(array.shape)


def _leaves(value: object) -> Iterator[Any]:
    """The elements of a nested list."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _fit(array: np.ndarray, sizes: list[int], verify: bool) -> np.ndarray:
    """`array` in the given shape, continued with its last element."""
    if list(array.shape) == sizes:
        return array
    if verify:
        raise TypeError(f"Expected Tensor's shape: {tuple(sizes)}, got {array.shape}.")
    count = int(np.prod(sizes, dtype=np.int64))
    if array.size > count:
        raise ValueError(
            f"Too many elements provided. Needed at most {count}, but received "
            f"{array.size}"
        )
    flat = array.reshape(-1)
    if array.size < count:
        last = flat[-1] if flat.size else array.dtype.type()
        filled = np.empty(count, array.dtype)
        filled[: flat.size] = flat
        filled[flat.size :] = last
        flat = filled
    return flat.reshape(sizes)


# ---------------------------------------------------------------------- conversions


def _from_value(
    value: TensorLike,
    dtype: dtypes.DType | None = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Tensor:
    del as_ref
    return constant(value, dtype, name=name or "Const")


def _from_shape(
    value: TensorShape,
    dtype: dtypes.DType | None = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Tensor:
    del as_ref
    if not value.is_fully_defined():
        raise ValueError(
            f"Cannot convert a partially known TensorShape to a Tensor: {value}"
        )
    sizes = [int(size) for size in value.as_list() if size is not None]
    if dtype is not None:
        if dtype not in (dtypes.int32, dtypes.int64):
            raise TypeError(f"Cannot convert a TensorShape to dtype: {dtype}")
        for size in sizes if dtype is dtypes.int32 else ():
            if size >= 2**31:
                raise ValueError(
                    "Cannot convert a TensorShape to dtype int32; a dimension is too "
                    f"large ({size})"
                )
    else:
        big = any(d >= 2**31 for d in sizes)
        dtype = dtypes.int64 if big else dtypes.int32
    return constant(sizes, dtype, name=name or "shape_as_tensor")


def _from_dimension(
    value: shapes.Dimension,
    dtype: dtypes.DType | None = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Tensor:
    del as_ref
    if value.value is None:
        raise ValueError(f"Cannot convert an unknown Dimension to a Tensor: {value}")
    if dtype is not None and dtype not in (dtypes.int32, dtypes.int64):
        raise TypeError(f"Cannot convert a TensorShape to dtype: {dtype}")
    return constant(value.value, dtype or dtypes.int32, name=name or "shape_as_tensor")


def _autopacked(
    value: Sequence[TensorLike],
    dtype: dtypes.DType | None = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Any:
    """Lists that hold tensors become `Pack` ops."""
    if as_ref:
        return NotImplemented
    found = _tensor_dtype(value)
    if found is None:
        return NotImplemented
    if dtype is not None and dtype.base_dtype != found:
        found = dtype.base_dtype
        return _packed(_cast_all(value, found), found, name or "packed")
    return _packed(value, found, name or "packed")


def _tensor_dtype(value: Sequence[TensorLike]) -> dtypes.DType | None:
    """The dtype of the first tensor in a nested list, None where there is none."""
    for item in value:
        if isinstance(item, (list, tuple)):
            found = _tensor_dtype(item)
            if found is not None:
                return found
        elif _is_tensor_like(item):
            return item.dtype.base_dtype
    return None


def _is_tensor_like(item: object) -> TypeGuard[Tensor]:
    """Tensors, variables, and what else stands for a tensor."""
    return (
        isinstance(item, Tensor)
        or hasattr(item, "_as_graph_element")
        or hasattr(item, "_dense_var_to_tensor")
    )


def _cast_all(value: TensorLike, dtype: dtypes.DType) -> Any:
    """A nested list with its tensors cast to `dtype`."""
    if isinstance(value, (list, tuple)):
        return [_cast_all(v, dtype) for v in value]
    if _is_tensor_like(value) and value.dtype.base_dtype != dtype:
        return F.Cast(value, DstT=dtype)
    return value


def _packed(values: Sequence[TensorLike], dtype: dtypes.DType, name: str) -> TensorLike:
    """Pack a nested list, each level that holds a tensor a `Pack` op.

    Raises:
      TypeError: a tensor of another dtype.
    """
    if context.executing_eagerly() and all(map(_is_tensor_like, values)):
        return F.Pack(list(values), name=name)
    with dispatch.name_scope(name) as scope:
        parts: list[TensorLike] = []
        for i, value in enumerate(values):
            if _is_tensor_like(value):
                if value.dtype.base_dtype != dtype:
                    raise TypeError(
                        "Cannot convert a list containing a tensor of dtype "
                        f"{value.dtype} to {dtype} (Tensor is: {value!r})"
                    )
                parts.append(value)
            elif isinstance(value, (list, tuple)):
                # a level without a tensor stays a list, and becomes a constant below
                parts.append(_packed(value, dtype, str(i)))
            else:
                parts.append(value)
        if not any(map(_is_tensor_like, parts)):
            return parts
        return F.Pack(
            [
                p if _is_tensor_like(p) else constant(p, dtype, name=str(i))
                for i, p in enumerate(parts)
            ],
            name=scope,
        )


register_tensor_conversion_function((list, tuple), _autopacked, 99)
register_tensor_conversion_function((list, tuple), _from_value, 100)
register_tensor_conversion_function(shapes.TensorShape, _from_shape, 100)
register_tensor_conversion_function(shapes.Dimension, _from_dimension, 100)
register_tensor_conversion_function((np.ndarray, np.generic), _from_value, 100)
register_tensor_conversion_function(object, _from_value, 200)
