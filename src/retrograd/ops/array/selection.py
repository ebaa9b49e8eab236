"""Elements chosen by a condition; one-hot vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.graph import dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.gather import gather
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import reshape, shape, squeeze
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, TensorLike


def one_hot(
    indices: TensorLike,
    depth: TensorLike,
    on_value: TensorLike | None = None,
    off_value: TensorLike | None = None,
    axis: int | None = None,
    dtype: DTypeLike | None = None,
    name: str | None = None,
) -> Tensor:
    """A new axis of size `depth` that is `on_value` at the index, else `off_value`.

    Args:
      indices: uint8, int32 or int64; one that is out of range gives `off_value` alone.
      depth: a scalar.
      on_value: a scalar, by default 1.
      off_value: a scalar, by default 0.
      axis: where the new axis is, by default last.
      dtype: the type of the elements; by default that of the values, or float32.
      name: the name of the operation.

    Raises:
      TypeError: the values differ in type, or are not of `dtype`.
    """
    with dispatch.name_scope(
        name, "one_hot", [indices, depth, on_value, off_value, axis, dtype]
    ) as scope:
        wanted = None if dtype is None else dtypes.as_dtype(dtype)
        given = {"on_value": on_value, "off_value": off_value}
        found: dict[str, dtypes.DType] = {}
        for what, value in given.items():
            if value is not None:
                found[what] = convert_to_tensor(value).dtype.base_dtype
                if wanted is not None and found[what] != wanted:
                    raise TypeError(
                        f"dtype {found[what]} of {what} does not match dtype parameter "
                        f"{wanted}"
                    )
        if wanted is None:
            wanted = next(iter(found.values()), dtypes.float32)
        for what, default in (("on_value", 1), ("off_value", 0)):
            if given[what] is None:
                given[what] = convert_to_tensor(default, wanted, name=what)
                found[what] = wanted
        if found["on_value"] != found["off_value"]:
            raise TypeError(
                f"dtype {found['on_value']} of on_value does not match dtype "
                f"{found['off_value']} of off_value"
            )
        return F.OneHot(indices, depth, *given.values(), axis=axis, name=scope)


def where(
    condition: TensorLike,
    x: TensorLike | None = None,
    y: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """Elements of `x` where `condition`, else of `y`; or where `condition` is true.

    Args:
      condition: with `x` and `y`: bool, of their shape, or a vector that chooses rows.
        Alone: of any numeric type.
      x, y: both or neither, of one shape.
      name: the name of the operation.

    Returns:
      The elements; alone: int64 [n, rank], the indices of elements that are not zero.

    Raises:
      ValueError: one of `x` and `y` is missing; (static) shapes do not go together.
    """
    return _where(F.Select, condition, x, y, name)


def where_v2(
    condition: TensorLike,
    x: TensorLike | None = None,
    y: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """As `where`, but `condition`, `x` and `y` are broadcast."""
    return _where(F.SelectV2, condition, x, y, name)


def _where(
    function: Callable[..., Any],
    condition: TensorLike,
    x: TensorLike | None,
    y: TensorLike | None,
    name: str | None,
) -> Tensor:
    if x is None and y is None:
        with dispatch.name_scope(name, "Where", [condition]) as scope:
            condition = convert_to_tensor(
                condition, preferred_dtype=dtypes.bool, name="condition"
            )
            return F.Where(condition, name=scope)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return function(condition, x, y, name=name)


def boolean_mask(
    tensor: TensorLike,
    mask: TensorLike,
    name: str | None = "boolean_mask",
    axis: int | None = None,
) -> Tensor:
    """The elements, or slices, of `tensor` where `mask` is true, along one axis.

    Args:
      tensor: a tensor.
      mask: bool, of a known rank, 1 at least; its shape is that of `tensor` from
        `axis` on.
      name: the scope of the operations.
      axis: the first axis that the mask is about, by default 0.

    Raises:
      ValueError: a scalar mask, one of unknown rank, or one that does not fit.
    """
    with dispatch.name_scope(name, values=[tensor, mask]):
        tensor = convert_to_tensor(tensor, name="tensor")
        mask = convert_to_tensor(mask, name="mask")
        mask_shape, whole = mask.shape, tensor.shape
        count = mask_shape.ndims
        if count == 0:
            raise ValueError("mask cannot be scalar.")
        if count is None:
            raise ValueError(
                "Number of mask dimensions must be specified, even if some dimensions "
                "are None.  E.g. shape=[None] is ok, but shape=None is not."
            )
        first = 0 if axis is None else axis
        last = first + count
        whole[first:last].assert_is_compatible_with(mask_shape)
        length = F.Prod(shape(tensor)[first:last], [0])
        sizes = concat([shape(tensor)[:first], [length], shape(tensor)[last:]], 0)
        tensor = reshape(tensor, sizes)
        middle = [whole[first:last].num_elements()]
        known = shapes.as_shape(whole[:first]).concatenate(middle)
        tensor.set_shape(known.concatenate(whole[last:]))
        indices = squeeze(where(reshape(mask, [-1])), axis=[1])
        return gather(tensor, indices, axis=first)


def boolean_mask_v2(
    tensor: TensorLike,
    mask: TensorLike,
    axis: int | None = None,
    name: str = "boolean_mask",
) -> Tensor:
    """As `boolean_mask`."""
    return boolean_mask(tensor, mask, name, axis)
