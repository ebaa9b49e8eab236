"""Ops: variables as ops: their storage, reading, and every way of changing them.

A reference variable is a tensor of a `_ref` dtype, a resource variable a handle; both
stand for a cell of the session's store. A kernel whose input is listed under `updates`
is given the variable's value and returns the new one; arrays are never changed in
place.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, errors
from retrograd.graph import opdef
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.opdef import type_word
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Held, RawShape
from retrograd.ops.array.join import concat
from retrograd.ops.array.scatter_shapes import check_scatter
from retrograd.ops.array.shape import expand_dims, reshape, size
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, Facts, gradient, op, rule
from retrograd.ops.infer import (
    described,
    from_attr,
    invalid,
    merged,
    nothing,
    same,
    scalar,
    shape_text,
    with_rank_at_least,
)
from retrograd.ops.state.variables import variable_shape
from retrograd.ops.traits import Blocks, Kind, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.run.store import Cell, Store
    from retrograd.typing import Array, Arrays, DTypeLike, Gradient


def _refused(text: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, text)


def _text(shape: Sequence[int | None]) -> str:
    return shape_text(tuple(shape))


def _type(dtype: DTypeLike) -> str:
    """A dtype as the messages of kernels name it."""
    return type_word(dtypes.as_dtype(dtype))


def variable_shape_of(n: Operation, index: int = 0) -> RawShape:
    """The static shape of the variable behind a resource input."""
    known = n._inputs[index]._held
    return None if known is None else known.shape


def _check_dtype(n: Operation, dtype: dtypes.DType) -> None:
    known = n._inputs[0]._held
    if known is not None and known.dtype is not None and known.dtype is not dtype:
        raise invalid(
            n,
            f"Trying to read variable with wrong dtype. Expected "
            f"{opdef.type_word(known.dtype)} got {opdef.type_word(dtype)}",
        )


def _read_shape(n: Operation) -> RawShape:
    _check_dtype(n, n.attrs["dtype"])
    return variable_shape_of(n)


def _assigned_handle(n: Operation) -> list[RawShape]:
    _check_dtype(n, n.attrs["dtype"])
    merged(n, variable_shape_of(n), n._inputs[1]._shape_raw)
    return []


def _assigned(n: Operation) -> RawShape:
    ref, value = n._inputs[0]._shape_raw, n._inputs[1]._shape_raw
    return merged(n, ref, value) if n.attrs["validate_shape"] else value


def _updated(n: Operation) -> RawShape:
    return merged(n, n._inputs[0]._shape_raw, n._inputs[1]._shape_raw)


# ---------------------------------------------------------------------- storage


def _cell(xp: Arrays, *, n: Operation, store: Store) -> Cell:
    """The storage of the variable."""
    return store.cell(n)


def _handle(n: Operation) -> Facts:
    return Facts(Held(n.attrs["shape"], n.attrs["dtype"]))


def _variable_shape(n: Operation) -> RawShape:
    return n.attrs["shape"] or None


op(
    "VariableV2",
    infer=from_attr("shape"),
    traits=Traits(kind=Kind.VARIABLE, beside_variables=True),
)(_cell)
op(
    "Variable",
    infer=_variable_shape,
    traits=Traits(kind=Kind.VARIABLE, beside_variables=True),
)(_cell)
op(
    "VarHandleOp",
    infer=_handle,
    traits=Traits(kind=Kind.VARIABLE),
)(_cell)


class _Alive:
    """Held by the storage of a temporary variable, for as long as its run lasts."""


def _temporaries(store: Store) -> Any:
    """The temporary variables of the runs in progress, by name."""
    key = ("temporary variables", "", "")
    return store.resources.setdefault(key, weakref.WeakValueDictionary())


@op(
    "TemporaryVariable",
    infer=from_attr("shape"),
    host=True,
    traits=Traits(kind=Kind.TEMPORARY),
)
def temporary_variable_kernel(
    xp: Arrays, *, shape: Sequence[int], var_name: str, n: Operation, store: Store
) -> Cell:
    """A variable that lives within one run, until DestroyTemporaryVariable."""
    alive, name = _temporaries(store), var_name or n.name
    if name in alive:
        raise errors.AlreadyExistsError(
            None, None, f"Temporary variable {name} exists already."
        )
    cell = store.temporary(n)
    cell.value = np.zeros(
        [size or 0 for size in shape or ()], n.out.dtype.as_numpy_dtype
    )
    cell.extra = alive[name] = _Alive()
    return cell


@op("DestroyTemporaryVariable", infer=same, cells="ref", host=True)
def destroy_temporary_variable_kernel(
    xp: Arrays, cell: Cell, *, var_name: str, store: Store
) -> Array:
    """The last value of a temporary variable, which is gone afterwards."""
    alive = _temporaries(store)
    if cell.extra is None or alive.get(var_name) is not cell.extra:
        raise errors.NotFoundError(
            None, None, f"Temporary variable {var_name} does not exist."
        )
    del alive[var_name]
    value, cell.value, cell.extra = cell.read(), None, None
    return value


@op("IsVariableInitialized", infer=scalar, cells="ref", host=True)
def is_variable_initialized_kernel(xp: Arrays, cell: Cell) -> np.bool_:
    """Whether a variable has a value."""
    return np.bool_(cell.value is not None)


@op(
    "VarIsInitializedOp",
    infer=scalar,
    cells="resource",
    host=True,
    grad=NOT_DIFFERENTIABLE,
)
def var_is_initialized_kernel(xp: Arrays, cell: Cell) -> np.bool_:
    """Whether a variable has a value."""
    return np.bool_(cell.value is not None)


@op("DestroyResourceOp", infer=nothing, cells="resource", host=True)
def destroy_resource_kernel(
    xp: Arrays, cell: Cell, *, ignore_lookup_error: bool
) -> None:
    """Take a variable's value away."""
    if cell.value is None and not ignore_lookup_error:
        raise errors.NotFoundError(
            None,
            None,
            f"Resource localhost/{cell.name}/N10tensorflow3VarE does not exist.",
        )
    cell.value = None


@op(
    "ReadVariableOp",
    infer=_read_shape,
    reads="resource",
    math="y = v",
    grad=dict(resource=rule("v̄ = ȳ", lambda n, dy: dy)),
    traits=Traits(kind=Kind.READ, cheap=True, of_value="Identity"),
)
def read_variable_kernel(xp: Arrays, value: Array, *, n: Operation) -> Array:
    """The value of a resource variable."""
    dtype = n.attrs["dtype"]
    if dtype is not dtypes.variant and value.dtype != dtype.array_dtype:
        raise _refused(
            f"Trying to read variable with wrong dtype. Expected {_type(dtype)} got "
            f"{_type(value.dtype)}."
        )
    return value


@op(
    "VariableShape",
    infer=lambda n: _rank_of(n),
    reads="input",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(shape_only=("input",), blocks=Blocks.FORM),
)
def variable_shape_kernel(xp: Arrays, value: Array, *, out_type: np.dtype) -> Array:
    """The shape of a resource variable."""
    return np.array(value.shape, out_type)


def _rank_of(n: Operation) -> RawShape:
    raw = variable_shape_of(n)
    return (None if raw is None else len(raw),)


# ---------------------------------------------------------------------- assigning


@op(
    "Assign",
    infer=_assigned,
    updates="ref",
    math="v ← x",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(initializes=True, beside_variables=True),
)
def assign_kernel(
    xp: Arrays, ref: Array | None, value: Array, *, validate_shape: bool, n: Operation
) -> Array:
    """Make `value` the value of a variable."""
    if validate_shape:
        known = n._inputs[0]._shape_raw
        shape = tuple(ref.shape) if ref is not None else known
        if shape is not None and None not in shape and shape != tuple(value.shape):
            raise _refused(
                "Assign requires shapes of both tensors to match. lhs shape= "
                f"{_text(shape)} rhs shape= {_text(value.shape)}"
            )
    return _kept(xp, value)


def _kept(xp: Arrays, value: Array) -> Array:
    """`value` as a variable holds it: not an array that a program may write to."""
    return xp.array(value)


@op(
    "AssignVariableOp",
    infer=_assigned_handle,
    updates="resource",
    math="v ← x",
    traits=Traits(initializes=True),
)
def assign_variable_kernel(xp: Arrays, current: Array | None, value: Array) -> Array:
    """Make `value` the value of a resource variable."""
    if current is not None and current.dtype != value.dtype:
        raise _refused(
            "Trying to assign variable with wrong dtype. Expected "
            f"{_type(current.dtype)} got {_type(value.dtype)}."
        )
    return _kept(xp, value)


def _same_shape(ref: Array, value: Array) -> None:
    if tuple(ref.shape) != tuple(value.shape):
        raise _refused("Parameters and update must be the same size")


def _same_handle_shape(ref: Array, value: Array) -> None:
    if tuple(ref.shape) != tuple(value.shape):
        raise _refused(
            f"Cannot update variable with shape {_text(ref.shape)} using a Tensor with "
            f"shape {_text(value.shape)}, shapes must be equal."
        )


@op(
    "AssignAdd",
    infer=_updated,
    updates="ref",
    math="v ← v + x",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(beside_variables=True),
)
def assign_add_kernel(xp: Arrays, ref: Array, value: Array) -> Array:
    """Add `value` to a variable."""
    _same_shape(ref, value)
    return xp.add(ref, value)


@op(
    "AssignSub",
    infer=_updated,
    updates="ref",
    math="v ← v − x",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(beside_variables=True),
)
def assign_sub_kernel(xp: Arrays, ref: Array, value: Array) -> Array:
    """Subtract `value` from a variable."""
    _same_shape(ref, value)
    return xp.subtract(ref, value)


@op(
    "AssignAddVariableOp",
    infer=_assigned_handle,
    updates="resource",
    math="v ← v + x",
)
def assign_add_variable_kernel(xp: Arrays, current: Array, value: Array) -> Array:
    """Add `value` to a resource variable."""
    _same_handle_shape(current, value)
    return xp.add(current, value)


@op(
    "AssignSubVariableOp",
    infer=_assigned_handle,
    updates="resource",
    math="v ← v − x",
)
def assign_sub_variable_kernel(xp: Arrays, current: Array, value: Array) -> Array:
    """Subtract `value` from a resource variable."""
    _same_handle_shape(current, value)
    return xp.subtract(current, value)


def _counted(xp: Arrays, value: Array, *, limit: int) -> tuple[Array, ...]:
    """The value before counting one up.

    Raises:
      OutOfRangeError: it has reached `limit`.
    """
    if value.shape:
        raise _refused("input is not a scalar: " + _text(value.shape))
    if value >= limit:
        raise errors.OutOfRangeError(None, None, f"Reached limit of {limit}")
    return value + value.dtype.type(1), value


def _of_scalar(n: Operation) -> RawShape:
    raw = n._inputs[0]._shape_raw
    if raw:
        raise invalid(n, f"Shape must be rank 0 but is rank {len(raw)}")
    return ()


op("CountUpTo", infer=_of_scalar, updates="ref", host=True, math="y = v; v ← v + 1")(
    _counted
)


def _counting(n: Operation) -> RawShape:
    known, wanted = n._inputs[0]._held, n.attrs["T"]
    if known is None:
        raise invalid(n, "Handle has no shape/type information.")
    if known.dtype not in (None, wanted):
        words = opdef.type_word(wanted), opdef.type_word(known.dtype)
        raise invalid(n, f"Data types do not match: {' and '.join(words)}")
    if known.shape:
        raise invalid(n, f"Shape must be rank 0 but is rank {len(known.shape)}")
    return ()


op(
    "ResourceCountUpTo",
    infer=_counting,
    updates="resource",
    host=True,
    math="y = v; v ← v + 1",
)(_counted)


# ---------------------------------------------------------------------- scattering


def _rows(n: Operation, variable: RawShape) -> None:
    """Check indices and updates against the variable that they go to."""
    indices, updates = n._inputs[1]._shape_raw, n._inputs[2]._shape_raw
    if variable is None or indices is None or updates is None or updates == ():
        return
    if not variable:
        raise ValueError(
            f"Shape must be at least rank 1 but is rank 0 for {described(n)}."
        )
    merged(n, updates, (*indices, *variable[1:]))


def _scatter_shape(n: Operation) -> RawShape:
    variable = n._inputs[0]._shape_raw
    _rows(n, variable)
    return variable


def _scatter_handle(n: Operation) -> list[RawShape]:
    _check_dtype(n, n.attrs["dtype"])
    _rows(n, variable_shape_of(n))
    return []


_MODES = {
    "Update": ("update", "v[i] ← x"),
    "Add": ("add", "v[i] ← v[i] + x"),
    "Sub": ("sub", "v[i] ← v[i] − x"),
    "Mul": ("mul", "v[i] ← v[i] · x"),
    "Div": ("div", "v[i] ← v[i] / x"),
    "Min": ("min", "v[i] ← min(v[i], x)"),
    "Max": ("max", "v[i] ← max(v[i], x)"),
}


def _check_rows(ref: Array, indices: Array, updates: Array) -> None:
    got, rows, whole = map(tuple, (updates.shape, indices.shape, ref.shape))
    if not whole:
        raise _refused(f"params must be at least 1-D, got shape {_text(whole)}")
    if got and got != rows + whole[1:]:
        raise _refused(
            "Must have updates.shape = indices.shape + params.shape[1:] or "
            f"updates.shape = [], got updates.shape {_text(got)}, indices.shape "
            f"{_text(rows)}, params.shape {_text(whole)}"
        )


def _check_resource_rows(ref: Array, indices: Array, updates: Array) -> None:
    if updates.shape and tuple(updates.shape) != (*indices.shape, *ref.shape[1:]):
        raise _refused(
            f"shape of indices ({_text(indices.shape)}) is not compatible with the "
            f"shape of updates ({_text(updates.shape)})"
        )


def _scatter_kernel(mode: str, check: Callable[..., Any]) -> Callable[..., Any]:
    def scatter(xp: Arrays, ref: Array, indices: Array, updates: Array) -> Array:
        """Rows of a variable changed in the order of the indices."""
        check(ref, indices, updates)
        return xp.scatter(ref, indices, updates, mode)

    return scatter


for _name, (_mode, _math) in _MODES.items():
    op(
        f"Scatter{_name}",
        infer=_scatter_shape,
        updates="ref",
        math=_math,
        grad=NOT_DIFFERENTIABLE if _name in ("Add", "Sub", "Mul", "Div") else None,
        traits=Traits(beside_variables=_name in ("Update", "Add", "Sub")),
    )(_scatter_kernel(_mode, _check_rows))
    op(
        f"ResourceScatter{_name}",
        infer=_scatter_handle,
        updates="resource",
        math=_math,
    )(_scatter_kernel(_mode, _check_resource_rows))


def _vectors(n: Operation, variable: RawShape) -> None:
    """Check index vectors and updates against the variable that they go to."""
    indices, updates = with_rank_at_least(n, 1, 1), with_rank_at_least(n, 2, 1)
    check_scatter(n, indices, updates, variable, "input")


def _scatter_nd_shape(n: Operation) -> RawShape:
    variable = n._inputs[0]._shape_raw
    _vectors(n, variable)
    return variable


def _scatter_nd_handle(n: Operation) -> list[RawShape]:
    _vectors(n, variable_shape_of(n))
    return []


def _check_vectors(ref: Array, indices: Array, updates: Array) -> None:
    got, vectors, whole = map(tuple, (updates.shape, indices.shape, ref.shape))
    if (
        not vectors
        or vectors[-1] > len(whole)
        or got != (vectors[:-1] + whole[vectors[-1] :])
    ):
        raise _refused(
            "Must have updates.shape = indices.shape[:batch_dim] + "
            "params_shape[slice_dim:], got updates.shape: "
            f"{_text(got)}, indices.shape: {_text(vectors)}, params_shape: "
            f"{_text(whole)}"
        )


def _scatter_nd_kernel(mode: str) -> Callable[..., Any]:
    def scatter_nd(xp: Arrays, ref: Array, indices: Array, updates: Array) -> Array:
        """Elements or slices of a variable changed, by index vectors."""
        _check_vectors(ref, indices, updates)
        return xp.scatter_nd(ref, indices, updates, mode)

    return scatter_nd


for _name in ("Update", "Add", "Sub"):
    _mode, _math = _MODES[_name]
    op(
        f"ScatterNd{_name}",
        infer=_scatter_nd_shape,
        updates="ref",
        math=_math,
        grad=NOT_DIFFERENTIABLE,
    )(_scatter_nd_kernel(_mode))
    op(
        f"ResourceScatterNd{_name}",
        infer=_scatter_nd_handle,
        updates="ref",
        math=_math,
    )(_scatter_nd_kernel(_mode))


# ---------------------------------------------------------------------- gathering


def _gathered(n: Operation) -> RawShape:
    _check_dtype(n, n.attrs["dtype"])
    variable, batch = variable_shape_of(n), n.attrs["batch_dims"]
    if batch < 0:
        raise invalid(n, f"batch_dims is negative ({batch})")
    if variable is not None and len(variable) <= batch:
        rank = f"rank {batch + 1} but is rank {len(variable)}"
        raise invalid(n, f"Shape must be at least {rank}")
    indices = with_rank_at_least(n, 1, batch)
    if variable is None or indices is None:
        return None
    return indices + variable[batch + 1 :]


@op(
    "ResourceGather",
    infer=_gathered,
    reads="resource",
    math="yⱼ = v[iⱼ]",
    traits=Traits(of_value="GatherV2"),
)
def resource_gather_kernel(
    xp: Arrays, value: Array, indices: Array, *, batch_dims: int
) -> Array:
    """Rows of a resource variable, by index."""
    return xp.gather(value, indices, batch_dims, batch_dims)


@gradient("ResourceGather", resource="v̄ₖ = Σⱼ ȳⱼ [iⱼ = k]", indices="i")
def resource_gather_gradient(n: Operation, dy: Tensor) -> list[Gradient]:
    """The rows, as IndexedSlices: the rest is zero."""
    handle, indices = n.inputs
    whole = variable_shape(handle)
    count = expand_dims(size(indices), 0)
    shape = concat([count, whole[1:]], 0)
    return [IndexedSlices(reshape(dy, shape), reshape(indices, count), whole), None]


def _gathered_nd(n: Operation) -> RawShape:
    _check_dtype(n, n.attrs["dtype"])
    variable, indices = variable_shape_of(n), n._inputs[1]._shape_raw
    if variable is None or not indices or indices[-1] is None:
        return None
    if indices[-1] > len(variable):
        raise invalid(
            n,
            "indices.shape[-1] must be <= params.rank, but saw indices shape: "
            f"{shape_text(indices)} and params shape: {shape_text(variable)}",
        )
    return indices[:-1] + variable[indices[-1] :]


@op(
    "ResourceGatherNd",
    infer=_gathered_nd,
    reads="resource",
    math="yⱼ = v[iⱼ], iⱼ all the indices of one place",
    traits=Traits(of_value="GatherNd"),
)
def resource_gather_nd_kernel(xp: Arrays, value: Array, indices: Array) -> Array:
    """Elements or slices of a resource variable, by index vectors."""
    return xp.gather_nd(value, indices)


@gradient("ResourceGatherNd", resource="v̄ₖ = Σⱼ ȳⱼ [iⱼ = k]", indices="i")
def resource_gather_nd_gradient(n: Operation, dy: Tensor) -> list[Gradient]:
    """Scattered into zeros; rows stay IndexedSlices."""
    handle, indices = n.inputs
    whole = variable_shape(handle, indices.dtype)
    if indices.shape.ndims == 2 and indices.shape.as_list()[-1] == 1:
        return [IndexedSlices(dy, F.Squeeze(indices, squeeze_dims=[-1]), whole), None]
    return [F.ScatterNd(indices, dy, whole), None]
