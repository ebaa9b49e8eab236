"""Functions that change variables of either kind: assign, scatter, count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph import dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import ones_like
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import expand_dims, reshape, shape
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import TensorLike, VariableLike
    from retrograd.variables.resource import BaseResourceVariable


def _resource(ref: VariableLike) -> BaseResourceVariable | None:
    """The variable, if it is changed through a handle; None for a reference."""
    variable: Any = ref
    return None if variable.dtype._is_ref_dtype else variable


def assign(
    ref: VariableLike,
    value: TensorLike,
    validate_shape: bool | None = None,
    use_locking: bool | None = None,
    name: str | None = None,
) -> Any:
    """Make `value` the value of the variable `ref`.

    Args:
      ref: a variable or a reference tensor.
      value: what it gets, of its dtype and shape.
      validate_shape: False allows another shape, for a reference variable.
      use_locking: accepted; assignments never overlap.
      name: the name of the operation.

    Returns:
      What has the new value.
    """
    variable = _resource(ref)
    if variable is not None:
        return variable.assign(value, name=name)
    return F.Assign(
        ref,
        value,
        validate_shape=validate_shape,
        use_locking=use_locking,
        name=name,
    )


def assign_add(
    ref: VariableLike,
    value: TensorLike,
    use_locking: bool | None = None,
    name: str | None = None,
) -> Any:
    """Add `value` to the variable `ref`; returns what has the new value."""
    variable = _resource(ref)
    if variable is not None:
        return variable.assign_add(value)
    return F.AssignAdd(ref, value, use_locking=use_locking, name=name)


def assign_sub(
    ref: VariableLike,
    value: TensorLike,
    use_locking: bool | None = None,
    name: str | None = None,
) -> Any:
    """Subtract `value` from the variable `ref`; returns what has the new value."""
    variable = _resource(ref)
    if variable is not None:
        return variable.assign_sub(value)
    return F.AssignSub(ref, value, use_locking=use_locking, name=name)


def is_variable_initialized(ref: VariableLike, name: str | None = None) -> Tensor:
    """Whether a variable has a value: a bool scalar."""
    variable = _resource(ref)
    if variable is not None:
        return variable.is_initialized(name=name)
    return F.IsVariableInitialized(ref, name=name)


def count_up_to(ref: VariableLike, limit: int, name: str | None = None) -> Tensor:
    """Add one to the integer variable `ref`; the value before.

    Running it fails with OutOfRangeError where the variable is `limit`.
    """
    variable = _resource(ref)
    if variable is None:
        return F.CountUpTo(ref, limit=limit, name=name)
    handle, dtype = variable.handle, variable.dtype
    return F.ResourceCountUpTo(handle, limit=limit, T=dtype, name=name)


def _scatter(
    how: str,
    ref: VariableLike,
    indices: TensorLike,
    updates: TensorLike,
    use_locking: bool | None,
    name: str | None,
) -> Any:
    variable = _resource(ref)
    if variable is None:
        function = getattr(F, f"Scatter{how}")
        return function(ref, indices, updates, use_locking=use_locking, name=name)
    function = getattr(F, f"ResourceScatter{how}")
    updates = convert_to_tensor(updates, variable.dtype)
    return variable._lazy_read(function(variable.handle, indices, updates, name=name))


def _scatter_nd(
    how: str,
    ref: VariableLike,
    indices: TensorLike,
    updates: TensorLike,
    use_locking: bool | None,
    name: str | None,
) -> Any:
    variable = _resource(ref)
    if variable is None:
        function = getattr(F, f"ScatterNd{how}")
        return function(ref, indices, updates, use_locking=use_locking, name=name)
    function = getattr(F, f"ResourceScatterNd{how}")
    updates = convert_to_tensor(updates, variable.dtype)
    return variable._lazy_read(function(variable.handle, indices, updates, name=name))


def scatter_update(
    ref: VariableLike,
    indices: TensorLike,
    updates: TensorLike,
    use_locking: bool | None = True,
    name: str | None = None,
) -> Any:
    """Put rows in the place of those of a variable: ref[indices] = updates.

    Args:
      ref: a variable or a reference tensor.
      indices: int32 or int64, of any shape.
      updates: shape `indices.shape + ref.shape[1:]`, or a scalar.
      use_locking: accepted; updates never overlap.
      name: the name of the operation.

    Returns:
      What has the new value.
    """
    return _scatter("Update", ref, indices, updates, use_locking, name)


def scatter_add(
    ref: VariableLike,
    indices: TensorLike,
    updates: TensorLike,
    use_locking: bool | None = False,
    name: str | None = None,
) -> Any:
    """Add to rows of a variable; repeated indices add up. See `scatter_update`."""
    return _scatter("Add", ref, indices, updates, use_locking, name)


def scatter_sub(
    ref: VariableLike,
    indices: TensorLike,
    updates: TensorLike,
    use_locking: bool | None = False,
    name: str | None = None,
) -> Any:
    """Subtract from rows of a variable. See `scatter_update`."""
    return _scatter("Sub", ref, indices, updates, use_locking, name)


def scatter_mul(
    ref: VariableLike,
    indices: TensorLike,
    updates: TensorLike,
    use_locking: bool | None = False,
    name: str | None = None,
) -> Any:
    """Multiply rows of a variable. See `scatter_update`."""
    return _scatter("Mul", ref, indices, updates, use_locking, name)


def scatter_div(
    ref: VariableLike,
    indices: TensorLike,
    updates: TensorLike,
    use_locking: bool | None = False,
    name: str | None = None,
) -> Any:
    """Divide rows of a variable. See `scatter_update`."""
    return _scatter("Div", ref, indices, updates, use_locking, name)


def scatter_max(
    ref: VariableLike,
    indices: TensorLike,
    updates: TensorLike,
    use_locking: bool | None = False,
    name: str | None = None,
) -> Any:
    """Raise rows of a variable to at least `updates`. See `scatter_update`."""
    return _scatter("Max", ref, indices, updates, use_locking, name)


def scatter_min(
    ref: VariableLike,
    indices: TensorLike,
    updates: TensorLike,
    use_locking: bool | None = False,
    name: str | None = None,
) -> Any:
    """Lower rows of a variable to at most `updates`. See `scatter_update`."""
    return _scatter("Min", ref, indices, updates, use_locking, name)


def scatter_nd_update(
    ref: VariableLike,
    indices: TensorLike,
    updates: TensorLike,
    use_locking: bool | None = True,
    name: str | None = None,
) -> Any:
    """Replace elements or slices of a variable.

    Args:
      ref: a variable or a reference tensor, rank P.
      indices: int32 or int64, shape [..., K], the first K ≤ P coordinates of each
        slice.
      updates: shape `indices.shape[:-1] + ref.shape[K:]`.
      use_locking: accepted; updates never overlap.
      name: the name of the operation.

    Returns:
      What has the new value.
    """
    return _scatter_nd("Update", ref, indices, updates, use_locking, name)


def scatter_nd_add(
    ref: VariableLike,
    indices: TensorLike,
    updates: TensorLike,
    use_locking: bool | None = False,
    name: str | None = None,
) -> Any:
    """Add to elements or slices of a variable. See `scatter_nd_update`."""
    return _scatter_nd("Add", ref, indices, updates, use_locking, name)


def scatter_nd_sub(
    ref: VariableLike,
    indices: TensorLike,
    updates: TensorLike,
    use_locking: bool | None = False,
    name: str | None = None,
) -> Any:
    """Subtract from elements or slices of a variable. See `scatter_nd_update`."""
    return _scatter_nd("Sub", ref, indices, updates, use_locking, name)


def batch_scatter_update(
    ref: VariableLike,
    indices: TensorLike,
    updates: TensorLike,
    use_locking: bool | None = True,
    name: str | None = None,
) -> Any:
    """Replace rows of each matrix of a batch, by indices of its own.

    ref[i₁, …, iₙ, indices[i₁, …, iₙ, j]] = updates[i₁, …, iₙ, j]

    Args:
      ref: a variable or a reference tensor.
      indices: int32 or int64; all but its last dimension are those of `ref`.
      updates: shape `indices.shape + ref.shape[n + 1:]`.
      use_locking: accepted; updates never overlap.
      name: the name scope of the operations.

    Returns:
      What has the new value.

    Raises:
      ValueError: the rank of `indices` is not known.
    """
    with dispatch.name_scope(name):
        indices = convert_to_tensor(indices, name="indices")
        sizes = shape(indices)
        rank = indices.shape.ndims
        if rank is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        last = expand_dims(indices, axis=-1)
        parts = []
        for axis in range(rank - 1):
            along: list[Any] = [1] * (rank + 1)
            along[axis] = sizes[axis]
            counted = reshape(F.Range(0, sizes[axis], 1), along)
            if counted.dtype.base_dtype is not last.dtype:
                counted = F.Cast(counted, DstT=last.dtype)
            parts.append(counted * ones_like(last))
        full = concat([*parts, last], axis=-1)
        return scatter_nd_update(ref, full, updates, use_locking=use_locking)
