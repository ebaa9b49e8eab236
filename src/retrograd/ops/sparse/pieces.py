"""Sparse tensors joined, cut and given another shape: `tf.sparse.concat`, `split`, …"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops import static
from retrograd.ops.arguments import renamed
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import ones_like, range_, zeros
from retrograd.ops.array.gather import gather
from retrograd.ops.array.identity import identity
from retrograd.ops.array.join import concat
from retrograd.ops.array.selection import where_v2
from retrograd.ops.array.shape import rank as rank_of
from retrograd.ops.array.shape import reshape, transpose
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.array.slicing import slice_
from retrograd.ops.array.sparse_order import sparse_reorder
from retrograd.ops.declare import F
from retrograd.ops.flow.control import with_dependencies
from retrograd.ops.host.checks import assert_equal, assert_less_equal
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_max
from retrograd.ops.sparse.operands import all_sparse, parts, sparse

if TYPE_CHECKING:
    from retrograd.ops.sparse.conversion import SparseLike
    from retrograd.typing import TensorLike


# ---------------------------------------------------------------------- joined


def sparse_concat(
    axis: int,
    sp_inputs: Sequence[SparseLike],
    name: str | None = None,
    expand_nonconcat_dim: bool = False,
    concat_dim: int | None = None,
    expand_nonconcat_dims: bool | None = None,
) -> SparseTensor:
    """Sparse tensors one after the other along an axis.

    Args:
      axis: the axis; a negative one counts from the end.
      sp_inputs: sparse tensors with their elements in order.
      name: the name of the operation.
      expand_nonconcat_dim: whether the other sizes may differ; the greatest is taken.
      concat_dim: the old name of `axis`.
      expand_nonconcat_dims: the new name of `expand_nonconcat_dim`.

    Raises:
      TypeError: these are not sparse tensors in a list.
      ValueError: an argument is given under both names.
    """
    expand = renamed(
        "expand_nonconcat_dims",
        expand_nonconcat_dims,
        "expand_nonconcat_dim",
        expand_nonconcat_dim or None,
    )
    axis = renamed("axis", axis, "concat_dim", concat_dim)
    return sparse_concat_v2(axis, sp_inputs, bool(expand), name)


def sparse_concat_v2(
    axis: int,
    sp_inputs: Sequence[SparseLike],
    expand_nonconcat_dims: bool = False,
    name: str | None = None,
) -> SparseTensor:
    """As `sparse_concat`, without the old names."""
    given = all_sparse(sp_inputs)
    if len(given) == 1:
        return given[0]
    sizes = [one.dense_shape for one in given]
    if expand_nonconcat_dims:
        most = reduce_max(concat([reshape(size, [1, -1]) for size in sizes], 0), 0)
        after: Any = [] if axis == -1 else most[axis + 1 :]
        one = slice(axis, None if axis == -1 else axis + 1)
        sizes = [concat([most[:axis], size[one], after], 0) for size in sizes]
    indices, values, shape = F.SparseConcat(
        [one.indices for one in given],
        [one.values for one in given],
        sizes,
        concat_dim=axis,
        name=name,
    )
    known = [static.constant(size) for size in sizes]
    if expand_nonconcat_dims or any(size is None for size in known):
        return SparseTensor(indices, values, shape)
    return SparseTensor(indices, values, constant(_joined(known, axis)))


def _joined(sizes: Sequence[Any], axis: int) -> np.ndarray:
    """The shape of the whole."""
    whole = sizes[0].copy()
    whole[axis] = sum(size[axis] for size in sizes)
    return whole


# ---------------------------------------------------------------------- cut


class _KeywordRequired:
    """Stands first where arguments have to be given by name."""

    def __repr__(self) -> str:
        return "KeywordRequired()"


_REQUIRED = _KeywordRequired()


def sparse_split(
    keyword_required: object = _REQUIRED,
    sp_input: SparseLike | None = None,
    num_split: int | None = None,
    axis: int | None = None,
    name: str | None = None,
    split_dim: int | None = None,
) -> list[SparseTensor]:
    """A sparse tensor in parts of equal sizes, the first ones larger by one if need be.

    Args:
      keyword_required: nothing: all arguments are given by name.
      sp_input: a sparse tensor.
      num_split: the number of parts.
      axis: the axis that is cut.
      name: the name of the operation.
      split_dim: the old name of `axis`.

    Raises:
      ValueError: an argument lacks, is given by place, or under both names.
    """
    if not isinstance(keyword_required, _KeywordRequired):
        raise ValueError("Keyword arguments are required for this function.")
    if sp_input is None:
        raise ValueError("sp_input is required")
    if axis is not None:
        axis = renamed("axis", axis, "split_dim", split_dim)
    return sparse_split_v2(sp_input, num_split, axis, name)


def sparse_split_v2(
    sp_input: SparseLike | None = None,
    num_split: int | None = None,
    axis: int | None = None,
    name: str | None = None,
) -> list[SparseTensor]:
    """As `sparse_split`, with arguments by place."""
    for needed, value in (("num_split", num_split), ("axis", axis)):
        if value is None:
            raise ValueError(f"{needed} is required")
    given = sparse(sp_input)
    found = F.SparseSplit(axis, *parts(given), num_split=num_split, name=name)
    return [SparseTensor(*one) for one in zip(*found, strict=True)]


def sparse_slice(
    sp_input: SparseLike, start: TensorLike, size: TensorLike, name: str | None = None
) -> SparseTensor:
    """The elements of a sparse tensor that lie in a box.

    Args:
      sp_input: a sparse tensor.
      start: the corner of the box, a number for each axis.
      size: its sizes; what reaches outside is cut off.
      name: the name of the operation.
    """
    given = sparse(sp_input)
    corner = convert_to_tensor(start, dtypes.int64)
    extent = convert_to_tensor(size, dtypes.int64)
    with name_scope(name, "SparseSlice", [given]) as scope:
        return SparseTensor(*F.SparseSlice(*parts(given), corner, extent, name=scope))


def sparse_retain(sp_input: SparseLike, to_retain: TensorLike) -> SparseTensor:
    """The elements of a sparse tensor for which a list says True.

    Args:
      sp_input: a sparse tensor.
      to_retain: bool, one for each element.

    Raises:
      TypeError: it is not sparse.
    """
    given = sparse(sp_input)
    kept = convert_to_tensor(to_retain)
    known = kept.shape
    if known.ndims is not None:
        known.assert_has_rank(1)
    counts: Any = given.values.shape
    if counts.ndims is not None:
        counts.dims[0].merge_with(known.dims[0] if known.dims else None)
    numbers = reshape(where_v2(kept), [-1])
    return SparseTensor(
        gather(given.indices, numbers),
        gather(given.values, numbers),
        identity(given.dense_shape),
    )


# ---------------------------------------------------------------------- another shape


def sparse_reshape(
    sp_input: SparseLike, shape: TensorLike, name: str | None = None
) -> SparseTensor:
    """A sparse tensor with the same elements in another shape.

    Args:
      sp_input: a sparse tensor.
      shape: the new shape, with at most one -1.
      name: the name of the operation.

    Raises:
      ValueError: it is known not to hold as many elements.
    """
    given = sparse(sp_input)
    wanted = cast(shape, dtypes.int64)
    with name_scope(name, "SparseReshape", [given]) as scope:
        indices, sizes = F.SparseReshape(
            given.indices, given.dense_shape, wanted, name=scope
        )
        known = _reshaped(given, static.constant(wanted))
        if known is not None:
            sizes = constant(known, dtypes.int64)
        return SparseTensor(indices, identity(given.values), sizes)


def _reshaped(given: SparseTensor, wanted: np.ndarray | None) -> list[int] | None:
    """The new shape, where it is known.

    Raises:
      ValueError: it is known not to fit.
    """
    if wanted is None or not given.shape.is_fully_defined():
        return None
    if (wanted == -1).sum() > 1:
        raise ValueError(f"At most one dimension can be inferred (-1). Found: {wanted}")
    count = given.shape.num_elements()
    assert count is not None
    sizes = wanted.tolist()
    if -1 in sizes:
        others = int(np.prod([size for size in sizes if size != -1], dtype=np.int64))
        if not others:
            return None
        sizes[sizes.index(-1)] = count // others
    held = int(np.prod(sizes, dtype=np.int64))
    if held != count:
        raise ValueError(
            f"Cannot reshape a tensor with {count} elements to shape {sizes} ({held} "
            "elements)."
        )
    return sizes


def sparse_transpose(
    sp_input: SparseLike, perm: TensorLike | None = None, name: str | None = None
) -> SparseTensor:
    """A sparse tensor with its axes in another order, by default the reverse one.

    Args:
      sp_input: a sparse tensor.
      perm: the old axis for each new one.
      name: the name of the operations.
    """
    given: Any = sp_input
    with name_scope(name, "SparseTranspose", [given]):
        if perm is None:
            rank = rank_of(given)
            perm = (rank - 1) - range_(0, rank, 1)
        order: Any = perm
        indices = transpose(gather(transpose(given.indices), order))
        sizes = gather(given.dense_shape, order)
        moved = SparseTensor(indices, given.values, sizes)
        return sparse_reorder(moved)


def sparse_expand_dims(
    sp_input: SparseLike, axis: TensorLike | None = None, name: str | None = None
) -> SparseTensor:
    """A sparse tensor with one more axis of size 1.

    Args:
      sp_input: a sparse tensor.
      axis: where the new axis is to be, by default last; a negative one counts from
        the end of the new shape.
      name: the name of the operations.
    """
    given = sparse(sp_input)
    rank = given.dense_shape.shape[0]
    with name_scope(name, "expand_dims"):
        at = convert_to_tensor(-1 if axis is None else axis, name="axis")
        end: Any = F.Size(given.dense_shape) if rank.value is None else rank.value
        at = where_v2(at >= 0, at, at + end + 1)
        count = sizes_of(given.indices)[0]
        column = zeros([count, 1], dtype=dtypes.int64)
        before = slice_(given.indices, [0, 0], [-1, at])
        after = slice_(given.indices, [0, at], [-1, -1])
        indices = concat([before, column, after], axis=1)
        first = slice_(given.dense_shape, [0], [at])
        last = slice_(given.dense_shape, [at], [-1])
        one = convert_to_tensor([1], dtypes.int64, "new_shape")
        return SparseTensor(indices, given.values, concat([first, one, last], axis=0))


def sparse_reset_shape(
    sp_input: SparseLike, new_shape: TensorLike | None = None
) -> SparseTensor:
    """A sparse tensor with the same elements at the same places of another shape.

    Args:
      sp_input: a sparse tensor.
      new_shape: its shape; by default the smallest that holds all elements.

    Raises:
      ValueError: the new shape is known to be too small, or of another rank.
    """
    given = sparse(sp_input)
    indices, values = identity(given.indices), identity(given.values)
    sizes = identity(given.dense_shape)
    if new_shape is None:
        last = reduce_max(indices, axis=0)
        nothing = constant(0, dtypes.int64)
        least = F.Add(last, ones_like(sizes))
        return SparseTensor(indices, values, F.Maximum(nothing, least))
    wanted = cast(convert_to_tensor(new_shape), dtypes.int64)
    wanted = _fitting(given, sizes, wanted)
    return SparseTensor(indices, values, wanted)


def _fitting(given: SparseTensor, sizes: Tensor, wanted: Tensor) -> Any:
    """The new shape, once it is known to be large enough.

    Raises:
      ValueError: it is not.
    """
    rank: Any = given.dense_shape.shape
    mine: Any = wanted.shape
    if rank.ndims is not None and mine.ndims is not None:
        mine.dims[0].merge_with(rank.dims[0])
    target = static.constant(wanted)
    known = given.get_shape()
    if target is not None and known.is_fully_defined():
        if (np.array(known.as_list()) > target).any():
            raise ValueError(
                "Requested new_shape should have dimension sizes >= sp_input.shape.  "
                f"Found new_shape ({np.array(known.as_list())}), sp_input.shape "
                f"({target})."
            )
        return target
    ranks = assert_equal(sizes_of(sizes), sizes_of(wanted))
    wanted = with_dependencies([ranks], wanted)
    enough = assert_less_equal(sizes, wanted)
    return with_dependencies([enough], wanted)


def sparse_fill_empty_rows(
    sp_input: SparseLike, default_value: TensorLike, name: str | None = None
) -> tuple[SparseTensor, Tensor]:
    """A sparse tensor that has an element in each row, and which rows had none.

    Args:
      sp_input: a sparse tensor.
      default_value: what empty rows get, at their first place.
      name: the name of the operation.
    """
    given = sparse(sp_input)
    with name_scope(name, "SparseFillEmptyRows", [given]):
        default = convert_to_tensor(default_value, given.values.dtype)
        indices, values, empty, _ = F.SparseFillEmptyRows(*parts(given), default)
        return SparseTensor(indices, values, given.dense_shape), empty
