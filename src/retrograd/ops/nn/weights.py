"""Weights that are broadcast to values, of equal rank or scalar, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import ones_like
from retrograd.ops.array.shape import rank, shape
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.control import no_op
from retrograd.ops.host.printing import Assert
from retrograd.ops.math.compare import equal
from retrograd.ops.math.reduce import reduce_all
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


_PREFIX = "weights can not be broadcast to values."


def assert_broadcastable(weights: TensorLike, values: TensorLike) -> Any:
    """An operation that fails where `weights` cannot be broadcast to `values`.

    They can if they are a scalar, or have the rank of the values and in each dimension
    its size or one.

    Raises:
      ValueError: it is known that they cannot.
    """
    with name_scope(None, "assert_broadcastable", (weights, values)) as scope:
        weights, weights_shape, weights_rank = _described(weights, "weights")
        values, values_shape, values_rank = _described(values, "values")
        if _known_to_fit(weights, weights_shape, values, values_shape) is not None:
            name = "static_scalar_check_success"
            return no_op(name if not weights._rank() else "static_dims_check_success")
        is_scalar = equal(0, weights_rank, name="is_scalar")

        def fits() -> Tensor:
            same = equal(values_rank, weights_rank, name="is_same_rank")
            return cond(same, dimensions_fit, lambda: same)

        def dimensions_fit() -> Tensor:
            ones = equal(weights_shape, 1)
            return reduce_all(F.LogicalOr(ones, equal(weights_shape, values_shape)))

        data = (
            _PREFIX,
            "weights.shape=",
            weights.name,
            weights_shape,
            "values.shape=",
            values.name,
            values_shape,
            "is_scalar=",
            is_scalar,
        )
        valid = cond(is_scalar, lambda: is_scalar, fits, name="is_valid_shape")
        return Assert(valid, data, name=scope)


def _described(value: TensorLike, name: str) -> tuple[Tensor, Tensor, Tensor]:
    """A tensor, its shape and its rank."""
    with name_scope(None, name, (value,)) as scope:
        tensor = convert_to_tensor(value, name=scope)
        return tensor, shape(tensor, name="shape"), rank(tensor, name="rank")


def _known_to_fit(
    weights: Tensor, weights_shape: Tensor, values: Tensor, values_shape: Tensor
) -> bool | None:
    """True where it is known that the weights fit; None where it is not known.

    Raises:
      ValueError: it is known that they do not.
    """
    ranks = weights._rank(), values._rank()
    if None in ranks:
        return None
    if ranks[0] == 0:
        return True
    if ranks[0] != ranks[1]:
        raise ValueError(
            f"{_PREFIX} values.rank={ranks[1]}. weights.rank={ranks[0]}. "
            f"values.shape={values.shape}. weights.shape={weights.shape}."
        )
    sizes, wanted = constant(weights_shape), constant(values_shape)
    if sizes is None or wanted is None:
        return None
    for i, (size, other) in enumerate(zip(sizes, wanted, strict=True)):
        if size not in (1, other):
            raise ValueError(
                f"{_PREFIX} Mismatch at dim {i}. values.shape={wanted} "
                f"weights.shape={sizes}."
            )
    return True


def broadcast_weights(weights: TensorLike, values: TensorLike) -> Tensor:
    """`weights` in the shape of `values`.

    Raises:
      ValueError: it is known that they cannot be broadcast.
    """
    with name_scope(None, "broadcast_weights", (weights, values)) as scope:
        values = convert_to_tensor(values, name="values")
        weights = convert_to_tensor(weights, values.dtype.base_dtype, "weights")
        raw = weights._shape_raw
        if raw is not None and None not in raw and raw == values._shape_raw:
            return weights
        check = assert_broadcastable(weights, values)
        if context.executing_eagerly():
            return F.Mul(weights, ones_like(values), name=scope)
        with context.get_default_graph().control_dependencies([check]):
            return F.Mul(weights, ones_like(values), name=scope)
