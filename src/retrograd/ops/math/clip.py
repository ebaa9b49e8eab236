"""Limiting the size of tensors: by value, by norm, by the norm of many together."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import ones_like, range_
from retrograd.ops.array.identity import identity
from retrograd.ops.array.join import stack
from retrograd.ops.array.shape import rank, size
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.elementwise import maximum, minimum
from retrograd.ops.math.reduce import reduce_sum

if TYPE_CHECKING:
    from retrograd.typing import AxisLike, CompositeLike, TensorLike

    Composites: TypeAlias = Sequence[CompositeLike | None]


def _dense_part(t: CompositeLike, name: str) -> Tensor:
    return convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name=name)


def _like(t: CompositeLike, values: Tensor) -> Any:
    """Values as what they come from: a tensor or IndexedSlices."""
    if isinstance(t, IndexedSlices):
        return IndexedSlices(values, t.indices, t.dense_shape)
    return values


def clip_by_value(
    t: CompositeLike,
    clip_value_min: TensorLike,
    clip_value_max: TensorLike,
    name: str | None = None,
) -> Any:
    """Elements below a bound, or above another, replaced by it.

    Args:
      t: a tensor or IndexedSlices.
      clip_value_min: the lower bound: a number or a tensor that broadcasts to `t`.
      clip_value_max: the upper bound.
      name: the name of the operation.

    Raises:
      ValueError: a bound would make the result larger than `t`.
    """
    with name_scope(
        name, "clip_by_value", [t, clip_value_min, clip_value_max]
    ) as scope:
        values = _dense_part(t, "t")
        lower = minimum(values, clip_value_max)
        values.shape.merge_with(lower.shape)
        result = maximum(lower, clip_value_min, name=scope)
        values.shape.merge_with(result.shape)
        return _like(t, result)


def clip_by_norm(
    t: CompositeLike,
    clip_norm: TensorLike,
    axes: AxisLike = None,
    name: str | None = None,
) -> Any:
    """`t`, scaled down to the Euclidean norm `clip_norm` where its norm is larger.

    Args:
      t: a tensor or IndexedSlices.
      clip_norm: the largest norm, a scalar above zero.
      axes: the axes of the vectors; by default the whole tensor is one.
      name: the name of the operation.
    """
    with name_scope(name, "clip_by_norm", [t, clip_norm]) as scope:
        values = _dense_part(t, "t")
        squares = reduce_sum(values * values, axes, True)
        # the root has no derivative at zero: there the norm is the sum itself
        positive = squares > 0
        safe = F.Select(positive, squares, ones_like(squares))
        norm = F.Select(positive, F.Sqrt(safe), squares)
        scaled = values * clip_norm
        values.shape.merge_with(scaled.shape)
        return _like(t, identity(scaled / maximum(norm, clip_norm), name=scope))


def clip_by_average_norm(
    t: TensorLike, clip_norm: TensorLike, name: str | None = None
) -> Tensor:
    """`t`, scaled down to the average norm (norm / elements) `clip_norm`."""
    with name_scope(name, "clip_by_average_norm", [t, clip_norm]) as scope:
        t = convert_to_tensor(t, name="t")
        count = cast(size(t), dtypes.float32)
        over = F.Rsqrt(reduce_sum(t * t, range_(rank(t))))
        scaled = t * clip_norm
        factor = minimum(over * count, constant(1.0) / clip_norm)
        return identity(scaled * factor, name=scope)


def _check_list(t_list: Composites) -> list[CompositeLike | None]:
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError("t_list should be a sequence")
    return list(t_list)


def _parts(t_list: Composites) -> list[Tensor | None]:
    return [
        None if t is None else _dense_part(t, f"t_{i}") for i, t in enumerate(t_list)
    ]


def _colocated(value: Tensor) -> contextlib.AbstractContextManager[Any]:
    """A context that keeps operations on the device of a tensor."""
    if context.executing_eagerly():
        return contextlib.nullcontext()
    return context.get_default_graph().colocate_with(value)


def global_norm(t_list: Composites, name: str | None = None) -> Tensor:
    """The Euclidean norm of all elements of all tensors together.

    Args:
      t_list: tensors or IndexedSlices; None is left out.
      name: the name scope.

    Raises:
      TypeError: `t_list` is not a sequence.
    """
    tensors = _check_list(t_list)
    with name_scope(name, "global_norm", tensors):
        halves = []
        for value in _parts(tensors):
            if value is not None:
                with _colocated(value):
                    halves.append(F.L2Loss(value))
        total = reduce_sum(stack(halves))
        two = constant(2.0, total.dtype)
        return F.Sqrt(total * two, name="global_norm")


def clip_by_global_norm(
    t_list: Composites,
    clip_norm: TensorLike,
    use_norm: Tensor | None = None,
    name: str | None = None,
) -> tuple[list[Any], Tensor]:
    """All tensors scaled down together, so that their norm is at most `clip_norm`.

    Args:
      t_list: tensors or IndexedSlices; None stays None.
      clip_norm: the largest norm, a scalar above zero.
      use_norm: their norm, where it is known already.
      name: the name scope.

    Returns:
      The scaled tensors, NaN throughout where the norm is not finite; and the norm.

    Raises:
      TypeError: `t_list` is not a sequence.
    """
    tensors = _check_list(t_list)
    if use_norm is None:
        use_norm = global_norm(tensors, name)
    with name_scope(name, "clip_by_global_norm", [*tensors, clip_norm]) as scope:
        inverse = 1.0 / use_norm
        largest = constant(1.0, use_norm.dtype) / clip_norm
        factor = clip_norm * minimum(inverse, largest)
        finite = F.IsFinite(use_norm)
        scale = F.Select(finite, factor, constant(float("nan"), use_norm.dtype))
        clipped: list[Any] = []
        for i, (t, value) in enumerate(zip(tensors, _parts(tensors), strict=True)):
            if t is None or value is None:
                clipped.append(None)
                continue
            with _colocated(value):
                clipped.append(_like(t, identity(value * scale, name=f"{scope}_{i}")))
    return clipped, use_norm
