"""Values of tensors outside a session: known early, or in messages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import context
from retrograd.graph.composite import IndexedSlices, SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.operation import Operation
from retrograd.graph.stored_tensor import StoredTensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import make_array
from retrograd.ops.array.tensor_protos import write
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape
    from retrograd.typing import Array, DTypeLike, Message, TensorLike


# ---------------------------------------------------------------------- static values


def is_tensor(x: object) -> bool:
    """Whether `x` is a tensor, sparse tensor, IndexedSlices, variable or the like."""
    return (
        isinstance(x, (Tensor, SparseTensor, IndexedSlices))
        or hasattr(x, "_dense_var_to_tensor")
        or hasattr(x, "_as_graph_element")
        or bool(getattr(x, "is_tensor_like", False))
    )


def constant_value(tensor: Any, partial: bool = False) -> Any:
    """The value of `tensor` if a few kinds of operations on constants give it.

    A tensor whose value is given to anyone cannot be fed afterwards.

    Args:
      tensor: a tensor; anything else is its own value.
      partial: whether a stack is given of which only parts are known, with None for
        the rest.

    Returns:
      An array, or None.
    """
    if getattr(tensor, "_is_eager", False):
        return tensor.numpy()
    if not is_tensor(tensor):
        return tensor
    if not isinstance(tensor, Tensor):
        return None
    compute = _KNOWN.get(tensor.op.type)
    found = None if compute is None else compute(tensor.op, partial)
    if found is not None:
        tensor.graph.prevent_feeding(tensor)
    return found


def _const(n: Operation, partial: bool) -> Array:
    del partial
    value = n.attrs["value"]
    return value.array() if isinstance(value, StoredTensor) else value.copy()


def _known_shape(n: Operation) -> RawShape:
    raw = n._inputs[0]._shape_raw
    return raw if shapes.is_full(raw) else None


def _shape(n: Operation, partial: bool) -> Array | None:
    del partial
    raw = _known_shape(n)
    return None if raw is None else np.array(raw, n.out.dtype.as_numpy_dtype)


def _size(n: Operation, partial: bool) -> np.int32 | None:
    del partial
    raw = _known_shape(n)
    return None if raw is None else np.int32(shapes.size(raw) or 0)


def _rank(n: Operation, partial: bool) -> Array | None:
    del partial
    raw = n._inputs[0]._shape_raw
    return None if raw is None else np.array(len(raw), np.int32)


def _of_inputs(
    compute: Callable[..., Any],
) -> Callable[[Operation, bool], Any]:
    """Compute from the values of all inputs, if all are known."""

    def value(n: Operation, partial: bool) -> Array | None:
        del partial
        values = []
        for tensor in n._inputs:
            found = constant_value(tensor)
            if found is None:
                return None
            values.append(found)
        return compute(n, *values)

    return value


def _pack(n: Operation, partial: bool) -> Array | None:
    if n.attrs["axis"] != 0:
        return None
    values = []
    for tensor in n._inputs:
        found = constant_value(tensor, partial)
        if found is None and not partial:
            return None
        values.append(found)
    if any(v is None for v in values):
        found = np.empty(len(values), object)
        found[:] = values
        return found
    return np.array(values)


def _fill(n: Operation, partial: bool) -> Array | None:
    del partial
    raw, value = n.out._shape_raw, constant_value(n._inputs[1])
    if raw is None or None in raw or value is None:
        return None
    return np.full([size or 0 for size in raw], value, value.dtype)


_KNOWN: dict[str, Callable[[Operation, bool], Any]] = {
    "Const": _const,
    "Shape": _shape,
    "Size": _size,
    "Rank": _rank,
    "Range": _of_inputs(
        lambda n, *bounds: np.arange(*bounds, dtype=n.out.dtype.as_numpy_dtype)
    ),
    "Cast": _of_inputs(lambda n, x: x.astype(n.attrs["DstT"].as_numpy_dtype)),
    "Concat": _of_inputs(lambda n, axis, *parts: np.concatenate(parts, axis)),
    "ConcatV2": _of_inputs(lambda n, *parts: np.concatenate(parts[:-1], parts[-1])),
    "Pack": _pack,
    "Fill": _fill,
    "Equal": _of_inputs(lambda n, x, y: np.equal(x, y)),
    "NotEqual": _of_inputs(lambda n, x, y: np.not_equal(x, y)),
}


def constant_value_as_shape(tensor: Tensor) -> shapes.TensorShape:
    """The shape that a tensor of integers holds, as far as it is known.

    Args:
      tensor: 1-D; an element that is negative or not known is an unknown size. A scalar
        must be −1, which is a shape of unknown rank.

    Raises:
      ValueError: another scalar, or a rank above 1.
    """
    if getattr(tensor, "_is_eager", False):
        known = constant_value(tensor)
        return shapes.TensorShape([None if d == -1 else int(d) for d in known])
    if tensor._shape_raw == ():
        return _shape_of_scalar(tensor)
    length = tensor.shape.with_rank(1).as_list()[0]
    if length == 0:
        return shapes.TensorShape([])
    n = tensor.op
    if n.type == "Shape":
        return n.inputs[0].shape
    if n.type in ("Concat", "ConcatV2"):
        parts = n.inputs[1:] if n.type == "Concat" else n.inputs[:-1]
        whole = shapes.TensorShape([])
        for part in parts:
            whole = whole.concatenate(constant_value_as_shape(part))
        return whole
    if n.type == "Pack":
        values = [constant_value(t) for t in n.inputs]
        return shapes.TensorShape([_size_or_none(v) for v in values])
    found = _shape_of_slice(n) if n.type == "StridedSlice" else None
    if found is not None:
        return found
    value = constant_value(tensor)
    if value is None:
        return shapes.unknown_shape(length)
    return shapes.TensorShape([_size_or_none(d) for d in value])


def _size_or_none(value: Any) -> int | None:
    return None if value is None or value < 0 else int(value)


def _shape_of_scalar(tensor: Tensor) -> shapes.TensorShape:
    value = constant_value(tensor)
    if value == -1:
        return shapes.unknown_shape()
    what = "scalar with unknown value" if value is None else f"scalar value '{value}'"
    raise ValueError(
        f"Received a {what} as shape; require a statically known scalar with value "
        "'-1' to describe an unknown shape."
    )


def _shape_of_slice(n: Operation) -> shapes.TensorShape | None:
    """The shape that a slice of a shape holds; None where that cannot be told."""
    bounds = [constant_value(t) for t in n.inputs[1:]]
    masks = ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    if any(b is None or len(b) != 1 for b in bounds) or any(n.attrs[m] for m in masks):
        return None
    begin, end, stride = (int(b[0]) for b in bounds if b is not None)
    where = slice(
        None if n.attrs["begin_mask"] else begin,
        None if n.attrs["end_mask"] else end,
        stride,
    )
    try:
        return shapes.TensorShape(constant_value_as_shape(n.inputs[0])[where])
    except ValueError:
        return None


def shape_tensor(shape: TensorLike) -> Tensor:
    """A shape as a tensor of integers; its sizes may be tensors."""
    dtype = None
    if isinstance(shape, (tuple, list)):
        if not shape:
            dtype = dtypes.int32
        shape = tuple(shapes.dimension_value(d) for d in shape)
    return convert_to_tensor(shape, dtype=dtype, name="shape")


def maybe_set_static_shape(tensor: Tensor, shape: TensorLike) -> None:
    """Inside a function body, tell `tensor` the shape that `shape` is known to hold."""
    if context.executing_eagerly() or not is_tensor(shape):
        return
    if context.get_default_graph().building_function:
        if not tensor.shape.is_fully_defined():
            tensor.set_shape(constant_value_as_shape(shape_tensor(shape)))


# ---------------------------------------------------------------------- messages


def _message_class() -> type[Message]:
    return protos.message("tensor.TensorProto")


def make_tensor_proto(
    values: TensorLike,
    dtype: DTypeLike | None = None,
    shape: Iterable[Any] | None = None,
    verify_shape: bool = False,
    allow_broadcast: bool = False,
) -> Message:
    """`values` as a TensorProto.

    Args:
      values: what `tf.constant` takes; a TensorProto is returned as it is.
      dtype: the type of the elements, by default what fits them.
      shape: the shape; it may hold more elements than there are values, the last of
        which is then repeated.
      verify_shape: whether the values must have `shape` already.
      allow_broadcast: whether one value may stand for all.

    Raises:
      TypeError: values of another type, or (verify_shape) of another shape.
      ValueError: more values than `shape` holds.
    """
    if allow_broadcast and verify_shape:
        raise ValueError("allow_broadcast and verify_shape are not both allowed.")
    message = _message_class()
    if isinstance(values, message):
        return values
    if shape is not None and math.prod(int(d) for d in shape) == 0:
        array, kind = make_array(values, dtype, shape, verify_shape)
    else:
        array, kind = make_array(values, dtype)
    sizes = list(array.shape) if shape is None else [int(d) for d in shape]
    _check_count(array, sizes, verify_shape, allow_broadcast, shape is not None)
    proto = message(
        dtype=kind.as_datatype_enum,
        tensor_shape=shapes.TensorShape(sizes).as_proto(),
    )
    write(proto, array, kind, math.prod(sizes))
    return proto


def _check_count(
    array: np.ndarray, sizes: list[int], verify: bool, broadcast: bool, given: bool
) -> None:
    """Refuse values that do not fit the wanted shape."""
    count = math.prod(sizes)
    single = broadcast and array.shape in ((), (1,))
    wrong = array.size != count if broadcast else verify and list(array.shape) != sizes
    if given and wrong and not single:
        raise TypeError(f"Expected Tensor's shape: {tuple(sizes)}, got {array.shape}.")
    if given and not broadcast and array.size > count:
        raise ValueError(
            f"Too many elements provided. Needed at most {count}, but received "
            f"{array.size}"
        )
