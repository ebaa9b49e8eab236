"""Operations that move elements: shapes, parts, joining, indexing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.autograd import types
from retrograd.autograd.apply import (
    PART_WRITTEN,
    check_writable,
    differentiable,
    put,
    write,
)
from retrograd.autograd.reductions import (
    axes_of,
    dimension,
    positions_along,
    take,
    take_along,
)
from retrograd.autograd.table import offer, operation
from retrograd.autograd.tensors import Tensor, bare, recorded
from retrograd.ops.declare import F
from retrograd.run.eager import EagerTensor

if TYPE_CHECKING:
    from retrograd.autograd.types import TensorOrNumber
    from retrograd.typing import Array, Number


def sizes_of(given: Sequence[Any]) -> list[int]:
    """Sizes that may be given one by one, or as one sequence."""
    first = given[0] if len(given) == 1 else None
    return [int(n) for n in (first if isinstance(first, (list, tuple)) else given)]


def _order(x: EagerTensor, given: Sequence[Any]) -> list[int]:
    order = [dimension(d, len(x._shape_raw)) for d in sizes_of(given)]
    if sorted(order) != list(range(len(x._shape_raw))):
        raise RuntimeError(
            f"permute(dims): the number of dimensions in the tensor input does not "
            f"match the length of the desired ordering of dimensions i.e. input.dim() "
            f"= {len(x._shape_raw)} is not equal to len(dims) = {len(order)}"
        )
    return order


# ---------------------------------------------------------------------- shapes


def reshape(input: EagerTensor, *shape: int | Sequence[int]) -> EagerTensor:
    """The same elements in another shape; one size may be −1.

    Raises:
      RuntimeError: the sizes do not hold as many elements.
    """
    sizes = sizes_of(shape)
    count = int(np.prod(input._shape_raw, dtype=np.int64))
    known = int(np.prod([n for n in sizes if n != -1], dtype=np.int64))
    if (count != known) if -1 not in sizes else (not known or count % known):
        raise RuntimeError(f"shape '{sizes}' is invalid for input of size {count}")
    return F.Reshape(input, sizes)


offer("reshape", reshape, title="View", view=True)
offer("view", reshape, view=True, alone=False)


@operation(view=True, title="View")
def flatten(input: EagerTensor, start_dim: int = 0, end_dim: int = -1) -> EagerTensor:
    """Several dimensions made into one."""
    shape = list(input._shape_raw) or [1]
    start, end = dimension(start_dim, len(shape)), dimension(end_dim, len(shape))
    return F.Reshape(input, [*shape[:start], -1, *shape[end + 1 :]])


@operation(view=True, title="View", alone=False)
def view_as(input: EagerTensor, other: EagerTensor) -> EagerTensor:
    """The elements in the shape of another tensor."""
    return reshape(input, list(other._shape_raw))


@operation(view=True)
def permute(input: EagerTensor, *dims: int | Sequence[int]) -> EagerTensor:
    """The dimensions in another order."""
    return F.Transpose(input, _order(input, dims))


@operation(view=True)
def transpose(input: EagerTensor, dim0: int, dim1: int) -> EagerTensor:
    """Two dimensions exchanged."""
    rank = len(input._shape_raw)
    order = list(range(rank))
    first, second = dimension(dim0, rank), dimension(dim1, rank)
    if rank:
        order[first], order[second] = order[second], order[first]
    return F.Transpose(input, order)


offer("swapaxes", transpose, title="Transpose", view=True)


@operation(view=True)
def movedim(input: EagerTensor, source: int, destination: int) -> EagerTensor:
    """One dimension moved to another place."""
    rank = len(input._shape_raw)
    order = list(range(rank))
    order.insert(dimension(destination, rank), order.pop(dimension(source, rank)))
    return F.Transpose(input, order)


@operation(view=True)
def t(input: EagerTensor) -> EagerTensor:
    """A matrix with rows and columns exchanged.

    Raises:
      RuntimeError: there are more than two dimensions.
    """
    rank = len(input._shape_raw)
    if rank > 2:
        raise RuntimeError(
            f"t() expects a tensor with <= 2 dimensions, but self is {rank}D"
        )
    return F.Transpose(input, list(range(rank))[::-1])


def _reversed(input: EagerTensor) -> EagerTensor:
    return F.Transpose(input, list(range(len(input._shape_raw)))[::-1])


@operation(view=True)
def unsqueeze(input: EagerTensor, dim: int) -> EagerTensor:
    """A dimension of one element more."""
    return F.ExpandDims(input, dimension(dim, len(input._shape_raw) + 1))


@operation(view=True)
def squeeze(input: EagerTensor, dim: int | Sequence[int] | None = None) -> EagerTensor:
    """Without dimensions of one element: all of them, or those that are named."""
    axes = axes_of(input, dim)
    kept = [n for a, n in enumerate(input._shape_raw) if a not in axes or n != 1]
    return F.Reshape(input, kept)


@operation(view=True)
def expand(input: EagerTensor, *sizes: int | Sequence[int]) -> EagerTensor:
    """Dimensions of one element repeated; −1 leaves a size as it is."""
    wanted, have = sizes_of(sizes), list(input._shape_raw)
    have = [1] * (len(wanted) - len(have)) + have
    whole = [h if w == -1 else w for w, h in zip(wanted, have, strict=True)]
    for dim, (w, h) in enumerate(zip(whole, have, strict=True)):
        if h not in (1, w):
            raise RuntimeError(
                f"The expanded size of the tensor ({w}) must match the existing size "
                f"({h}) at non-singleton dimension {dim}.  Target sizes: {wanted}.  "
                f"Tensor sizes: {list(input._shape_raw)}"
            )
    return F.BroadcastTo(input, whole)


@operation(view=True, alone=False, title="Expand")
def expand_as(input: EagerTensor, other: EagerTensor) -> EagerTensor:
    """Repeated to the shape of another tensor."""
    return expand(input, list(other._shape_raw))


@operation("broadcast_to", view=True, title="Expand")
def broadcast(input: EagerTensor, size: Sequence[int]) -> EagerTensor:
    """Repeated to a shape."""
    return expand(input, size)


@operation(alone=False)
def repeat(input: EagerTensor, *repeats: int | Sequence[int]) -> EagerTensor:
    """Copies side by side, so many along each dimension."""
    times = sizes_of(repeats)
    shape = [1] * (len(times) - len(input._shape_raw)) + list(input._shape_raw)
    return F.Tile(F.Reshape(input, shape), times)


@operation()
def flip(input: EagerTensor, *dims: int | Sequence[int]) -> EagerTensor:
    """The elements in reverse order along dimensions."""
    return F.ReverseV2(input, axes_of(input, sizes_of(dims)))


@operation()
def roll(
    input: EagerTensor,
    shifts: int | Sequence[int],
    dims: int | Sequence[int] | None = None,
) -> EagerTensor:
    """The elements moved along dimensions; what leaves at the end comes in again."""
    if dims is None:
        return F.Reshape(roll(F.Reshape(input, [-1]), shifts, 0), input._shape_raw)
    return F.Roll(input, sizes_of([shifts]), axes_of(input, dims))


@operation()
def repeat_interleave(
    input: EagerTensor, repeats: int, dim: int | None = None
) -> EagerTensor:
    """Each element so many times in a row."""
    x = F.Reshape(input, [-1]) if dim is None else input
    axis = 0 if dim is None else dimension(dim, len(x._shape_raw))
    places = np.repeat(np.arange(x._shape_raw[axis]), repeats)
    return F.GatherV2(x, types.constant(places, dtypes.int64), axis)


@operation()
def clone(input: EagerTensor) -> EagerTensor:
    """A copy, through which derivatives pass."""
    return F.Identity(input)


@operation(alone=False, title="Clone")
def contiguous(input: EagerTensor) -> EagerTensor:
    """A copy, through which derivatives pass."""
    return F.Identity(input)


# ---------------------------------------------------------------------- parts


@operation(view=True)
def narrow(input: EagerTensor, dim: int, start: int, length: int) -> EagerTensor:
    """A range of one dimension."""
    axis = dimension(dim, len(input._shape_raw))
    begin, size = [0] * len(input._shape_raw), list(input._shape_raw)
    begin[axis], size[axis] = start, length
    return F.Slice(input, begin, size)


@operation(view=True)
def select(input: EagerTensor, dim: int, index: int) -> EagerTensor:
    """One place of a dimension, which is left out."""
    axis = dimension(dim, len(input._shape_raw))
    return _basic(input, (slice(None),) * axis + (index,))


@operation(view=True)
def split(input: EagerTensor, split_size: Any, dim: int = 0) -> tuple[Any, ...]:
    """Pieces of one size, the last perhaps smaller, or of the sizes in a list."""
    axis = dimension(dim, len(input._shape_raw))
    whole = input._shape_raw[axis]
    sizes = split_size
    if isinstance(split_size, int):
        sizes = [min(split_size, whole - i) for i in range(0, whole, split_size)]
    return tuple(F.SplitV(input, list(sizes), axis, num_split=len(sizes)))


@operation(view=True, title="Split")
def chunk(input: EagerTensor, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """So many pieces, the last perhaps smaller."""
    whole = input._shape_raw[dimension(dim, len(input._shape_raw))]
    return split(input, -(-whole // chunks), dim)


@operation(view=True)
def unbind(input: EagerTensor, dim: int = 0) -> tuple[Any, ...]:
    """The parts along a dimension, which is left out."""
    axis = dimension(dim, len(input._shape_raw))
    return tuple(F.Unpack(input, num=input._shape_raw[axis], axis=axis))


@operation()
def cat(tensors: Sequence[EagerTensor], dim: int = 0) -> EagerTensor:
    """Tensors one after the other along a dimension."""
    parts = types.same_type(*tensors)
    if len(parts) == 1:
        return F.Identity(parts[0])
    return F.ConcatV2(parts, dimension(dim, len(parts[0]._shape_raw)))


@operation()
def stack(tensors: Sequence[EagerTensor], dim: int = 0) -> EagerTensor:
    """Tensors of one shape side by side along a new dimension."""
    parts = types.same_type(*tensors)
    return F.Pack(parts, axis=dimension(dim, len(parts[0]._shape_raw) + 1))


@operation()
def vstack(tensors: Sequence[EagerTensor]) -> EagerTensor:
    """Tensors one below the other; a vector is a row."""
    rows = [t if len(t._shape_raw) > 1 else F.Reshape(t, [1, -1]) for t in tensors]
    return cat(rows, 0)


@operation()
def hstack(tensors: Sequence[EagerTensor]) -> EagerTensor:
    """Tensors side by side."""
    return cat(tensors, min(1, len(tensors[0]._shape_raw) - 1))


@operation()
def meshgrid(*tensors: EagerTensor, indexing: str = "ij") -> tuple[Any, ...]:
    """Grids of the coordinates of all points; indexing "ij" or "xy"."""
    order = list(range(len(tensors)))
    if indexing == "xy" and len(order) > 1:
        order[0], order[1] = 1, 0
    sizes = [tensors[i]._shape_raw[0] for i in order]
    return tuple(
        F.BroadcastTo(F.Reshape(t, [-1 if i == own else 1 for i in order]), sizes)
        for own, t in enumerate(tensors)
    )


@operation()
def gather(input: EagerTensor, dim: int, index: EagerTensor) -> EagerTensor:
    """The elements at other places of a dimension, in the shape of `index`."""
    axis = dimension(dim, len(input._shape_raw))
    return take_along(input, axis, np.asarray(index._value))


@operation()
def index_select(input: EagerTensor, dim: int, index: EagerTensor) -> EagerTensor:
    """Some places of a dimension."""
    return F.GatherV2(input, index, dimension(dim, len(input._shape_raw)))


@operation()
def masked_select(input: EagerTensor, mask: EagerTensor) -> EagerTensor:
    """The elements where `mask` holds, in one dimension."""
    return _advanced(input, mask)


def _places(input: EagerTensor, dim: int, index: EagerTensor) -> Any:
    """The flat positions that `gather` and `scatter` mean."""
    return positions_along(input, dimension(dim, len(input._shape_raw)), index._value)


@operation(changes=True)
def scatter(
    input: EagerTensor,
    dim: int,
    index: EagerTensor,
    src: EagerTensor | None = None,
    value: Number | None = None,
) -> EagerTensor:
    """`input` with elements of `src`, or a number, at other places of a dimension."""
    given = value if src is None else src
    if isinstance(given, EagerTensor):  # as much of it as there are places
        kept = tuple(slice(n) for n in index._shape_raw)
        given = take(given, _order_of(given)[kept])
    return _written(input, _places(input, dim, index), given)


@operation(changes=True)
def scatter_add(
    input: EagerTensor, dim: int, index: EagerTensor, src: EagerTensor
) -> EagerTensor:
    """`input`, and the elements of `src` added at other places of a dimension."""
    where = types.constant(_places(input, dim, index).reshape(-1, 1), dtypes.int64)
    part = take(src, _order_of(src)[tuple(slice(n) for n in index._shape_raw)])
    flat = F.Reshape(input, [-1])
    added = F.TensorScatterAdd(flat, where, F.Reshape(part, [-1]))
    return F.Reshape(added, list(input._shape_raw))


@operation()
def nonzero(input: EagerTensor) -> EagerTensor:
    """The indices of the elements that are not zero, one a row."""
    return types.constant(np.argwhere(input._value), dtypes.int64)


@operation()
def diagonal(
    input: EagerTensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> EagerTensor:
    """A diagonal of each matrix that two dimensions make; it comes last."""
    return take(input, np.diagonal(_order_of(input), offset, dim1, dim2))


@operation()
def diag(input: EagerTensor) -> EagerTensor:
    """The matrix with this diagonal, or the diagonal of a matrix."""
    if len(input._shape_raw) == 1:
        return F.MatrixDiag(input)
    return F.MatrixDiagPart(input)


@operation()
def tril(input: EagerTensor, diagonal: int = 0) -> EagerTensor:
    """The elements on and below a diagonal; zeros elsewhere."""
    kept = np.tril(np.ones(input._shape_raw[-2:], bool), diagonal)
    return F.SelectV2(types.constant(kept, dtypes.bool), input, F.ZerosLike(input))


@operation()
def triu(input: EagerTensor, diagonal: int = 0) -> EagerTensor:
    """The elements on and above a diagonal; zeros elsewhere."""
    kept = np.triu(np.ones(input._shape_raw[-2:], bool), diagonal)
    return F.SelectV2(types.constant(kept, dtypes.bool), input, F.ZerosLike(input))


@operation()
def trace(input: EagerTensor) -> EagerTensor:
    """The sum of the diagonal of a matrix."""
    return F.Sum(F.MatrixDiagPart(input), [0])


# ---------------------------------------------------------------------- indexing


def _basic(x: EagerTensor, index: object) -> EagerTensor:
    """A part by numbers, ranges, None and `...`."""
    return x[index]


def _order_of(x: EagerTensor) -> Any:
    """For each element its place in x, flattened."""
    count = int(np.prod(x._shape_raw, dtype=np.int64))
    return np.arange(count).reshape(x._shape_raw)


def _positions(x: EagerTensor, index: object) -> Any:
    """The flat places of the elements that an index names."""
    return _order_of(x)[_plain(index)]


def _plain(index: object) -> Any:
    """An index with arrays in place of tensors."""
    if isinstance(index, EagerTensor):
        return np.asarray(index._value)
    if isinstance(index, tuple):
        return tuple(_plain(i) for i in index)
    if isinstance(index, list):
        return np.asarray([_plain(i) for i in index])
    return index


def _advanced(x: EagerTensor, index: object) -> EagerTensor:
    """A part by tensors, lists and masks."""
    return take(x, _positions(x, index))


def _is_basic(index: object) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        p is None
        or p is Ellipsis
        or isinstance(p, slice)
        or (isinstance(p, (int, np.integer)) and not isinstance(p, bool))
        for p in parts
    )


def _checked(x: Tensor, index: object) -> Any:
    """An index as Python's numbers and ranges where it can be.

    Raises:
      IndexError: a number is out of range, or there are too many parts.
      ValueError: a range goes backwards.
    """
    parts = index if isinstance(index, tuple) else (index,)
    parts = tuple(_number(p) for p in parts)
    for part in parts:
        if isinstance(part, slice) and part.step is not None and part.step <= 0:
            raise ValueError("step must be greater than zero")
    index = parts if isinstance(index, tuple) else parts[0]
    if not _is_basic(index):
        return index
    used = [p for p in parts if p is not None and p is not Ellipsis]
    if not x.dim() and used:
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
            "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"
        )
    if len(used) > x.dim():
        raise IndexError(f"too many indices for tensor of dimension {x.dim()}")
    gap = x.dim() - len(used)
    dim = 0
    for part in parts:
        if part is Ellipsis:
            dim += gap
        elif part is not None:
            _check_range(part, dim, x.shape[dim])
            dim += 1
    return index


def _check_range(part: Any, dim: int, size: int) -> None:
    if not isinstance(part, slice) and not -size <= part < size:
        raise IndexError(
            f"index {part} is out of bounds for dimension {dim} with size {size}"
        )


def _number(part: object) -> Any:
    """A tensor of one whole number counts as a number."""
    if isinstance(part, Tensor) and not part.dim() and part.dtype.is_integer:
        return part.item()
    if isinstance(part, slice):
        bounds = (part.start, part.stop, part.step)
        return slice(*(None if b is None else int(b) for b in bounds))
    return part


_part = differentiable(_basic, "Slice", view=True)
_one = differentiable(_basic, "Select", view=True)
_picked = differentiable(_advanced, "Index")


def _getitem(self: Tensor, index: object) -> Tensor:
    index = _checked(self, index)
    if not _is_basic(index):
        return _picked(self, index)
    last = index[-1] if isinstance(index, tuple) and index else index
    return (_part if isinstance(last, slice) else _one)(self, index)


def _setitem(self: Tensor, index: object, value: TensorOrNumber | Tensor) -> None:
    """Write into a part, in place.

    Raises:
      RuntimeError: the tensor is a leaf that requires grad.
    """
    if self._leaf:
        check_writable(self[None])
    check_writable(self)
    index = _checked(self, index)

    def changed(x: EagerTensor, new: TensorOrNumber) -> EagerTensor:
        return _written(x, _positions(x, bare(index)), new)

    if not isinstance(value, Tensor) and not np.isscalar(value):
        value = type(self)(value, self.dtype)
    write(self, *recorded(changed, self, value), PART_WRITTEN)


def _written(x: EagerTensor, positions: Array, new: object) -> EagerTensor:
    """`x` with a number, or elements in the shape of `positions`, at these places."""
    part = types.cast(new, x._dtype)
    positions, kept = _last_written(positions)
    if part._shape_raw != positions.shape:
        part = _repeated(part, positions.shape)
    if kept is not None:
        part = take(part, kept)
        positions = positions.reshape(-1)[kept]
    return put(x, positions, part)


def _repeated(part: EagerTensor, shape: tuple[int, ...]) -> EagerTensor:
    """A value in the shape of what it is written to."""
    extra = len(part._shape_raw) - len(shape)
    if extra > 0 and set(part._shape_raw[:extra]) == {1}:
        part = F.Reshape(part, list(part._shape_raw[extra:]))
    if part._shape_raw == shape:
        return part
    try:
        np.broadcast_to(np.empty(part._shape_raw), shape)
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(part._shape_raw)} cannot be "
            f"broadcast to indexing result of shape {list(shape)}"
        ) from None
    return F.BroadcastTo(part, list(shape))


def _last_written(positions: Array) -> tuple[Any, Any]:
    """Where an element is named more than once: which of the writings stays."""
    flat = positions.reshape(-1)
    unique, last = np.unique(flat[::-1], return_index=True)
    if unique.size == flat.size:
        return positions, None
    return positions, flat.size - 1 - last


Tensor.__getitem__ = _getitem
Tensor.__setitem__ = _setitem
for _name in ("T", "mT"):
    _whole = _reversed if _name == "T" else lambda x: transpose(x, -2, -1)
    setattr(Tensor, _name, property(differentiable(_whole, "Permute", view=True)))
