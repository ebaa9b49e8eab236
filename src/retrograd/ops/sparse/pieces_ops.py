"""Ops: sparse tensors joined, cut, and given another shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd import shapes
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, gradient, op
from retrograd.ops.infer import same_dim, shape_text, with_rank
from retrograd.ops.sparse.arithmetic_ops import picked
from retrograd.ops.sparse.parts import ordered, places
from retrograd.ops.static import constant_as_shape

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays, Gradients


# ---------------------------------------------------------------------- joined


def _concat_shapes(n: Operation) -> list[RawShape]:
    count = n.attrs["N"]
    rows: int | None = 0
    columns: int | None = None
    whole: RawShape = (None,)
    for i in range(count):
        indices = with_rank(n, i, 2)
        values = with_rank(n, count + i, 1)
        sizes = with_rank(n, 2 * count + i, 1)
        mine = same_dim(n, indices[0], values[0])
        rows = None if rows is None or mine is None else rows + mine
        columns = same_dim(n, columns, same_dim(n, indices[1], sizes[0]))
        whole = shapes.merge(whole, sizes)
    return [(rows, columns), (rows,), (columns,)]


def _check_joined(shapes_: list[list[int]], axis: int) -> int:
    """The axis to join along, counted from the front.

    Raises:
      InvalidArgumentError: shapes do not fit.
    """
    rank = len(shapes_[0])
    if not -rank <= axis < rank:
        raise refused(
            f"Concat dimension must be in range [{-rank}, {rank}), got {axis}"
        )
    axis %= rank
    for number, sizes in enumerate(shapes_):
        if len(sizes) != rank:
            raise refused(
                f"Ranks of all input tensors must match: expected {rank} but got "
                f"{len(sizes)} at position {number}"
            )
        for i, size in enumerate(sizes):
            if i != axis and size != shapes_[0][i]:
                raise refused(
                    f"Input shapes must match: expected {shapes_[0][i]} for dimension "
                    f"{i} but got {size} at position {number}"
                )
    return axis


@op(
    "SparseConcat",
    infer=_concat_shapes,
    math="y = all x one after the other",
    host=True,
    grad=NOT_DIFFERENTIABLE,
)
def sparse_concat_kernel(
    xp: Arrays, *parts: Array, concat_dim: int
) -> tuple[Array, Array, Array]:
    """Sparse tensors one after the other along an axis."""
    del xp
    count = len(parts) // 3
    indices, values, sizes = parts[:count], parts[count : 2 * count], parts[2 * count :]
    axis = _check_joined([size.tolist() for size in sizes], concat_dim)
    shifted, at = [], 0
    whole = sizes[0].copy()
    for index, size in zip(indices, sizes, strict=True):
        moved = index.copy()
        moved[:, axis] += at
        shifted.append(moved)
        at += int(size[axis])
    whole[axis] = at
    joined = np.concatenate(shifted)
    order = ordered(joined)
    return joined[order], np.concatenate(values)[order], whole


# ---------------------------------------------------------------------- cut


def _split_shapes(n: Operation) -> list[RawShape]:
    sizes = with_rank(n, 3, 1)
    count = n.attrs["num_split"]
    return [(None, sizes[0])] * count + [(None,)] * count + [sizes] * count


def _check_split(rank: int, axis: int) -> None:
    if axis < 0:
        raise refused(f"num_dim must be in the interval [0, {rank})")
    if axis >= rank:
        raise refused(
            f"Input split_dim should be between 0 and rank ({rank}), got {axis}"
        )


@op("SparseSplit", infer=_split_shapes, math="y = parts of x", host=True)
def sparse_split_kernel(
    xp: Arrays,
    split_dim: Array,
    indices: Array,
    values: Array,
    shape: Array,
    *,
    num_split: int,
) -> list[Array]:
    """Parts of a sparse tensor along an axis; the first ones may be one larger."""
    del xp
    axis = int(split_dim)
    _check_split(len(shape), axis)
    whole = int(shape[axis])
    if not 1 <= num_split <= whole:
        raise refused(
            "Input num_split should be between 1 and the splitting dimension size "
            f"({whole}), got {num_split}"
        )
    each, more = divmod(whole, num_split)
    stops = np.cumsum([each + (i < more) for i in range(num_split)])
    found: list[list[Array]] = [[], [], []]
    for start, stop in zip([0, *stops[:-1].tolist()], stops.tolist(), strict=True):
        mine = (indices[:, axis] >= start) & (indices[:, axis] < stop)
        moved, size = indices[mine], shape.copy()
        moved[:, axis] -= start
        size[axis] = stop - start
        for kind, part in zip(found, (moved, values[mine], size), strict=True):
            kind.append(part)
    return [part for kind in found for part in kind]


def _slice_shapes(n: Operation) -> list[RawShape]:
    sizes = with_rank(n, 2, 1)
    return [(None, sizes[0]), (None,), sizes]


@op("SparseSlice", infer=_slice_shapes, math="y = elements of x in a box", host=True)
def sparse_slice_kernel(
    xp: Arrays, indices: Array, values: Array, shape: Array, start: Array, size: Array
) -> tuple[Array, Array, Array]:
    """The elements that lie in a box, counted from its corner."""
    del xp
    rank = len(shape)
    for name, given in (("start", start), ("size", size)):
        if np.ndim(given) != 1:
            raise refused(
                f"Input {name} should be a vector but received shape "
                f"{shape_text(np.shape(given))}"
            )
        if len(given) != rank:
            raise refused(
                f"Expected {name} to be a vector of length {rank} but got length "
                f"{len(given)}"
            )
    if (size < 0).any():
        raise refused(f"Input size should not be negative, got {size.tolist()}")
    mine = ((indices >= start) & (indices < start + size)).all(1)
    left = np.maximum(np.minimum(size, shape - start), 0)
    return indices[mine] - start, values[mine], left


@gradient("SparseSlice", values="x̄ = elements of ȳ in the box, zeros elsewhere")
def sparse_slice_gradient(n: Operation, _: Tensor, dy: Tensor, __: Tensor) -> Gradients:
    """What was taken has the derivative of what it became."""
    indices, values, _, start, _ = n.inputs
    d_values = F.SparseSliceGrad(dy, indices, start, n.outputs[0])
    d_values.set_shape(values.shape)
    return [None, d_values, None, None, None]


@op(
    "SparseSliceGrad",
    infer=lambda n: (with_rank(n, 1, 2)[0],),
    math="elements of g at their places in x",
    host=True,
)
def sparse_slice_grad_kernel(
    xp: Arrays,
    backprop_val_grad: Array,
    input_indices: Array,
    input_start: Array,
    output_indices: Array,
) -> Array:
    """The derivatives of the elements that a slice was taken of."""
    del xp
    if len(backprop_val_grad) != len(output_indices):
        raise refused(
            "# elements of backprop_val_grad and rows of output_indices should match "
            f"(#nnz of sum): got {len(backprop_val_grad)} and {len(output_indices)}"
        )
    return picked(backprop_val_grad, output_indices, input_indices - input_start)


# ---------------------------------------------------------------------- another shape


def _reshape_shapes(n: Operation) -> list[RawShape]:
    indices, new = with_rank(n, 0, 2), with_rank(n, 2, 1)
    with_rank(n, 1, 1)
    return [(indices[0], new[0]), new]


def _target(sizes: list[int], wanted: list[int]) -> list[int]:
    """The sizes of the new shape.

    Raises:
      InvalidArgumentError: it does not hold as many elements.
    """
    count = int(np.prod(sizes, dtype=object))
    free: int | None = None
    product = 1
    for i, size in enumerate(wanted):
        if size == -1:
            if free is not None:
                raise refused(
                    f"only one output dimension may be -1, not both {free} and {i}"
                )
            free = i
        elif size < 0:
            raise refused(f"size {i} must be non-negative, not {size}")
        else:
            product *= size
    target = list(wanted)
    if free is not None:
        if product <= 0:
            raise refused(
                "reshape cannot infer the missing input size for an empty tensor "
                "unless all specified input sizes are non-zero"
            )
        target[free] = count // product
        if target[free] * product != count:
            raise refused(
                f"Input to reshape is a SparseTensor with {count} dense values, but "
                f"the requested shape requires a multiple of {product}. "
                f"input_shape={shape_text(tuple(sizes))} "
                f"output_shape={shape_text(tuple(target))}"
            )
    held = int(np.prod(target, dtype=object))
    if held != count:
        raise refused(
            f"Input to reshape is a tensor with {count} dense values, but the "
            f"requested shape has {held}. input_shape={shape_text(tuple(sizes))} "
            f"output_shape={shape_text(tuple(target))}"
        )
    return target


@op("SparseReshape", infer=_reshape_shapes, math="y = x in another shape", host=True)
def sparse_reshape_kernel(
    xp: Arrays, input_indices: Array, input_shape: Array, new_shape: Array
) -> tuple[Array, Array]:
    """The index vectors that elements have in another shape."""
    for name, given, rank in (
        ("indices", input_indices, 2),
        ("shape", input_shape, 1),
        ("Target shape", new_shape, 1),
    ):
        if np.ndim(given) != rank:
            word = name if name[0] == "T" else f"Input {name}"
            kind = "matrix" if rank == 2 else "vector"
            raise refused(
                f"{word} should be a {kind} but received shape "
                f"{shape_text(np.shape(given))}"
            )
    target = _target(input_shape.tolist(), new_shape.tolist())
    flat = places(xp, input_indices, input_shape.tolist())
    moved = np.empty((len(flat), len(target)), np.int64)
    for axis in reversed(range(len(target))):
        flat, moved[:, axis] = np.divmod(flat, max(target[axis], 1))
    return moved, np.array(target, np.int64)


# ---------------------------------------------------------------------- rows filled


def _fill_shapes(n: Operation) -> list[RawShape]:
    indices, values = with_rank(n, 0, 2), with_rank(n, 1, 1)
    sizes = with_rank(n, 2, 1)
    with_rank(n, 3, 0)
    count = same_dim(n, indices[0], values[0])
    rank = same_dim(n, indices[1], sizes[0])
    whole = constant_as_shape(n._inputs[2])
    rows = None if whole is None else whole[0]
    return [(None, rank), (None,), (rows,), (count,)]


def _check_fill(indices: Array, values: Array, sizes: Array, default: Array) -> None:
    """Refuse what has no rows, or elements outside of them.

    Raises:
      InvalidArgumentError: it is so.
    """
    for name, given, rank, kind in (
        ("dense_shape", sizes, 1, "vector"),
        ("indices", indices, 2, "matrix"),
        ("values", values, 1, "vector"),
        ("default_value", default, 0, "scalar"),
    ):
        if np.ndim(given) != rank:
            raise refused(
                f"{name} must be a {kind}, saw: {shape_text(np.shape(given))}"
            )
    if not len(sizes):
        raise refused("Dense shape cannot be empty.")
    rows = int(sizes[0])
    if not rows and len(indices):
        raise refused(
            "Received SparseTensor with dense_shape[0] = 0 but indices.shape[0] = "
            f"{len(indices)}"
        )
    bad = (indices[:, 0] < 0) | (indices[:, 0] >= rows)
    if bad.any():
        i = int(np.argmax(bad))
        raise refused(f"indices({i}, 0) is invalid: {indices[i, 0]} >= {rows}")


@op(
    "SparseFillEmptyRows",
    infer=_fill_shapes,
    math="y = x, d in each row without elements",
    host=True,
    notation=dict(
        values="x̄ = elements of ȳ where x went", default_value="d̄ = sum of other ȳ"
    ),
)
def sparse_fill_empty_rows_kernel(
    xp: Arrays, indices: Array, values: Array, dense_shape: Array, default_value: Array
) -> tuple[Array, Array, Array, Array]:
    """A sparse tensor in which each row has an element."""
    del xp
    _check_fill(indices, values, dense_shape, default_value)
    rows = int(dense_shape[0])
    if not rows:
        return indices[:0], values[:0], np.zeros(0, bool), np.zeros(0, np.int64)
    empty = np.bincount(indices[:, 0], minlength=rows) == 0
    lacking = np.flatnonzero(empty)
    added = np.zeros((len(lacking), indices.shape[1]), np.int64)
    added[:, 0] = lacking
    fill = np.full(len(lacking), default_value, values.dtype)
    joined = np.concatenate([indices, added])
    order = np.argsort(joined[:, 0], kind="stable")
    went = np.empty(len(order), np.int64)
    went[order] = np.arange(len(order))
    return (
        joined[order],
        np.concatenate([values, fill])[order],
        empty,
        went[: len(values)],
    )


@gradient("SparseFillEmptyRows")
def sparse_fill_empty_rows_gradient(
    n: Operation, _: Tensor, dy: Tensor, *__: Tensor
) -> Gradients:
    """What was there has the derivative of what it became, the default all others."""
    d_values, d_default = F.SparseFillEmptyRowsGrad(n.outputs[3], dy)
    return [None, d_values, None, d_default]


def _fill_gradient_shapes(n: Operation) -> list[RawShape]:
    with_rank(n, 1, 1)
    return [with_rank(n, 0, 1), ()]


@op(
    "SparseFillEmptyRowsGrad",
    infer=_fill_gradient_shapes,
    math="elements of g where x went, sum of others",
    host=True,
)
def sparse_fill_empty_rows_grad_kernel(
    xp: Arrays, reverse_index_map: Array, grad_values: Array
) -> tuple[Array, Array]:
    """The derivatives for the elements and for the default."""
    del xp
    for name, given in (
        ("reverse_index_map", reverse_index_map),
        ("grad_values", grad_values),
    ):
        if np.ndim(given) != 1:
            raise refused(
                f"{name} must be a vector, saw: {shape_text(np.shape(given))}"
            )
    count = len(grad_values)
    bad = (reverse_index_map < 0) | (reverse_index_map >= count)
    if bad.any():
        at = reverse_index_map[np.argmax(bad)]
        raise refused(f"Elements in reverse index must be in [0, {count}) but got {at}")
    others = np.ones(count, bool)
    others[reverse_index_map] = False
    rest = grad_values[others].sum(dtype=grad_values.dtype)
    return grad_values[reverse_index_map], rest
