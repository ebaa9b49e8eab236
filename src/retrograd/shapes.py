"""Partial shapes: TensorFlow 1.15's TensorShape and Dimension, and raw shapes.

The engine works on *raw* shapes: a tuple of sizes with None for an unknown size, or
None for an unknown rank. The functions at the end of this module take and return raw
shapes, and their errors have the words of TensorFlow's shape inference, which names
the operation after them. `TensorShape` and `Dimension` are what programs see.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from retrograd.dtypes import DType
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import ShapeLike

Raw = tuple[int | None, ...] | None

_v2_behavior = False


def enable_v2_tensorshape() -> None:
    """Let indexing and iterating over a TensorShape give integers or None."""
    global _v2_behavior
    _v2_behavior = True


def disable_v2_tensorshape() -> None:
    """Let indexing and iterating over a TensorShape give Dimensions (the default)."""
    global _v2_behavior
    _v2_behavior = False


class Dimension:
    """The size of one axis: an integer, or unknown.

    Arithmetic with an unknown size gives an unknown Dimension, a comparison gives
    None. So two unknown Dimensions are never equal, and a Dimension has no hash.
    """

    __slots__ = ("_value",)
    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __init__(self, value: Dimension | int | None) -> None:
        """Take None, a Dimension, or a non-negative integer in any form.

        ValueError for a fraction or a negative number, TypeError for what is no
        number.
        """
        if value is None:
            self._value: int | None = None
        elif isinstance(value, Dimension):
            self._value = value._value
        elif isinstance(value, DType):
            raise TypeError(f"Cannot convert {value} to Dimension")
        else:
            number = int(value)
            if not isinstance(value, bytes | str) and number != value:
                raise ValueError(f"Ambiguous dimension: {value}")
            if number < 0:
                raise ValueError(f"Dimension {number} must be >= 0")
            self._value = number

    @property
    def value(self) -> int | None:
        """The size, or None when it is unknown."""
        return self._value

    def __repr__(self) -> str:
        return f"Dimension({self._value!r})"

    def __str__(self) -> str:
        return "?" if self._value is None else str(self._value)

    def __int__(self) -> int:
        return self._value  # pyright: ignore[reportReturnType]

    __index__ = __int__

    def __reduce__(self) -> tuple[Any, ...]:
        return Dimension, (self._value,)

    def is_compatible_with(self, other: Any) -> Any:
        """Whether both can be the same size: equal, or one of them unknown."""
        other = _dimension_or_not(other)
        if other is NotImplemented:
            return NotImplemented
        return None in (self._value, other._value) or self._value == other._value

    def assert_is_compatible_with(self, other: Dimension | int | None) -> None:
        """Raise ValueError unless `is_compatible_with(other)`."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")

    def merge_with(self, other: Any) -> Any:
        """Return a Dimension that knows what either does; ValueError if they differ."""
        other = _dimension_or_not(other)
        if other is NotImplemented:
            return NotImplemented
        self.assert_is_compatible_with(other)
        return Dimension(other._value if self._value is None else self._value)

    # An operand that is no dimension: == + - * // leave it to that operand's class;
    # the other operators raise what `as_dimension` raises.

    def __eq__(self, other: object) -> Any:
        return _known(operator.eq, self, _dimension_or_not(other))

    def __ne__(self, other: object) -> Any:
        return _known(operator.ne, self, _dimension_or_not(other))

    def __lt__(self, other: Dimension | int | None) -> Any:
        return _known(operator.lt, self, as_dimension(other))

    def __le__(self, other: Dimension | int | None) -> Any:
        return _known(operator.le, self, as_dimension(other))

    def __gt__(self, other: Dimension | int | None) -> Any:
        return _known(operator.gt, self, as_dimension(other))

    def __ge__(self, other: Dimension | int | None) -> Any:
        return _known(operator.ge, self, as_dimension(other))

    def __add__(self, other: Dimension | int | None) -> Any:
        return _sized(operator.add, self, _dimension_or_not(other))

    def __radd__(self, other: Dimension | int | None) -> Any:
        return self + other

    def __sub__(self, other: Dimension | int | None) -> Any:
        return _sized(operator.sub, self, _dimension_or_not(other))

    def __rsub__(self, other: Dimension | int | None) -> Any:
        return _sized(operator.sub, as_dimension(other), self)

    def __mul__(self, other: Dimension | int | None) -> Any:
        return _sized(operator.mul, self, _dimension_or_not(other))

    def __rmul__(self, other: Dimension | int | None) -> Any:
        return self * other

    def __floordiv__(self, other: Dimension | int | None) -> Any:
        return _sized(operator.floordiv, self, _dimension_or_not(other))

    def __rfloordiv__(self, other: Dimension | int | None) -> Any:
        return _sized(operator.floordiv, as_dimension(other), self)

    def __mod__(self, other: Dimension | int | None) -> Any:
        return _sized(operator.mod, self, as_dimension(other))

    def __rmod__(self, other: Dimension | int | None) -> Any:
        return _sized(operator.mod, as_dimension(other), self)

    def __truediv__(self, other: Dimension | int | None) -> Any:
        raise TypeError(
            f"unsupported operand type(s) for /: 'Dimension' and "
            f"'{type(other).__name__}', please use // instead"
        )

    def __rtruediv__(self, other: Dimension | int | None) -> Any:
        raise TypeError(
            f"unsupported operand type(s) for /: '{type(other).__name__}' and "
            f"'Dimension', please use // instead"
        )

    # What Python 2 called; programs look for these names.
    __div__, __rdiv__, __long__ = __floordiv__, __rtruediv__, __int__


def as_dimension(value: Dimension | int | None) -> Dimension:
    """Return `value` itself if it is a Dimension, else a Dimension of it."""
    return value if isinstance(value, Dimension) else Dimension(value)


def _dimension_or_not(value: Any) -> Any:
    """Return `as_dimension(value)`, or NotImplemented for what is no dimension."""
    try:
        return as_dimension(value)
    except (TypeError, ValueError):
        return NotImplemented


def _known(compare: Callable[[int, int], bool], a: Dimension, b: Any) -> Any:
    """Compare two sizes; None when one is unknown."""
    if b is NotImplemented:
        return NotImplemented
    if a._value is None or b._value is None:
        return None
    return compare(a._value, b._value)


def _sized(compute: Callable[[int, int], int], a: Dimension, b: Any) -> Any:
    """Return the Dimension of `compute` on two sizes; unknown when one is unknown."""
    if b is NotImplemented:
        return NotImplemented
    if a._value is None or b._value is None:
        return Dimension(None)
    return Dimension(compute(a._value, b._value))


def dimension_value(dimension: object) -> Any:
    """Return the integer or None of a Dimension, and anything else unchanged."""
    return dimension._value if isinstance(dimension, Dimension) else dimension


def dimension_at_index(shape: TensorShape, index: int) -> Dimension:
    """Return `shape`'s Dimension at `index`, an unknown one for an unknown rank."""
    assert isinstance(shape, TensorShape)
    dims = shape.dims
    return Dimension(None) if dims is None else dims[index]


class TensorShape:
    """What is known of a tensor's shape: its rank and sizes, some of them, or nothing.

    Indexing and iterating give Dimensions, slicing a TensorShape. Two shapes are equal
    if all their sizes are known and the same; an unknown size equals only itself, that
    is, the same Dimension object.
    """

    __slots__ = ("_list", "_sizes")
    __hash__ = None  # pyright: ignore[reportAssignmentType]

    # _sizes holds the raw shape while _list is None. Once there is a list it holds the
    # shape, since programs get that list and may change it.
    _sizes: Raw
    _list: list[Dimension] | None

    def __init__(self, dims: ShapeLike | int) -> None:
        """Take None (unknown rank), a size, an iterable of sizes, a shape or a proto.

        TypeError for a string and for what is no size, ValueError for a negative one.
        """
        if dims is None or _is_plain(dims):
            self._sizes = None if dims is None else tuple(dims)
            self._list = None
        elif isinstance(dims, TensorShape):
            self._list = dims.dims
            self._sizes = dims._sizes
        else:
            self._list = _dimensions(dims)
            self._sizes = None

    @classmethod
    def of(cls, raw: Raw) -> TensorShape:
        """Return the TensorShape of a raw shape, which is not checked."""
        self = cls.__new__(cls)
        self._sizes = raw
        self._list = None
        return self

    @property
    def raw(self) -> Raw:
        """The shape as a tuple of integers and None; None for an unknown rank."""
        if self._list is None:
            return self._sizes
        return tuple([dimension_value(d) for d in self._list])

    @property
    def dims(self) -> list[Dimension] | None:
        """The list of Dimensions, or None for an unknown rank."""
        if self._list is None and self._sizes is not None:
            self._list = [_dimension(n) for n in self._sizes]
        return self._list

    _dims = dims

    @property
    def _v2_behavior(self) -> bool:
        return _v2_behavior

    @property
    def rank(self) -> int | None:
        """The number of axes, or None."""
        dims = self._sizes if self._list is None else self._list
        return None if dims is None else len(dims)

    @property
    def ndims(self) -> int | None:
        """The older name of `rank`."""
        return self.rank

    def __repr__(self) -> str:
        if _v2_behavior and self.rank is not None:
            return f"TensorShape({self.as_list()!r})"
        return f"TensorShape({self.dims!r})"

    def __str__(self) -> str:
        sizes = self.raw
        if sizes is None:
            return "<unknown>"
        unknown = "None" if _v2_behavior else "?"
        words = [unknown if n is None else str(n) for n in sizes]
        return f"({words[0]},)" if len(words) == 1 else f"({', '.join(words)})"

    def __len__(self) -> int:
        if self.rank is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return self.rank

    def __bool__(self) -> bool:
        """Whether the rank is known (a scalar's shape is true)."""
        return self.rank is not None

    __nonzero__ = __bool__

    def __iter__(self) -> Iterator[Any]:
        if self.dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter(self.as_list() if _v2_behavior else self.dims)

    def __getitem__(self, key: int | slice) -> Any:
        """Return the Dimension at an index, or the TensorShape of a slice."""
        dims = self.dims
        if isinstance(key, slice):
            return _slice_unknown(key) if dims is None else TensorShape(dims[key])
        dim = Dimension(None) if dims is None else dims[key]
        return dimension_value(dim) if _v2_behavior else dim

    def num_elements(self) -> int | None:
        """The product of the sizes, or None when one is unknown."""
        return size(self.raw)

    def as_list(self) -> list[int | None]:
        """The sizes as a list; ValueError for an unknown rank."""
        sizes = self.raw
        if sizes is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(sizes)

    def as_proto(self) -> Any:
        """The shape as a TensorShapeProto, unknown sizes as −1."""
        make = protos.message("tensor_shape.TensorShapeProto")
        sizes = self.raw
        if sizes is None:
            return make(unknown_rank=True)
        return make(dim=[make.Dim(size=-1 if n is None else n) for n in sizes])

    def is_fully_defined(self) -> bool:
        """Whether the rank and every size are known."""
        return is_full(self.raw)

    def assert_is_fully_defined(self) -> None:
        """Raise ValueError unless the rank and every size are known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def merge_with(self, other: ShapeLike) -> TensorShape:
        """Return a shape that knows what either knows; ValueError if they differ."""
        other = as_shape(other)
        if self.rank is None:
            return other
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are not compatible")
        return TensorShape.of(merge(self.raw, other.raw))

    def concatenate(self, other: ShapeLike) -> TensorShape:
        """Return the axes of this shape, then `other`'s; unknown if either rank is."""
        other = as_shape(other)
        if self.dims is None or other.dims is None:
            return unknown_shape()
        return TensorShape(self.dims + other.dims)

    __concat__ = concatenate

    def __add__(self, other: ShapeLike) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: ShapeLike) -> TensorShape:
        return as_shape(other).concatenate(self)

    def assert_same_rank(self, other: ShapeLike) -> None:
        """Raise ValueError if both ranks are known and differ."""
        other = as_shape(other)
        if None not in (self.rank, other.rank) and self.rank != other.rank:
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def assert_has_rank(self, rank: int) -> None:
        """Raise ValueError if the rank is known and is not `rank`."""
        if self.rank not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def with_rank(self, rank: int | None) -> TensorShape:
        """Return this shape, of that rank if it was unknown; ValueError if another."""
        wanted = unknown_shape(rank=rank)
        if not self.is_compatible_with(wanted):
            raise ValueError(f"Shape {self} must have rank {rank}")
        return self.merge_with(wanted)

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """Return this shape; ValueError if it is known to have fewer axes."""
        if self.rank is not None and self.rank < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """Return this shape; ValueError if it is known to have more axes."""
        if self.rank is not None and self.rank > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def is_compatible_with(self, other: ShapeLike) -> bool:
        """Whether some full shape fits both this shape and `other`."""
        return compatible(self.raw, as_shape(other).raw)

    def assert_is_compatible_with(self, other: ShapeLike) -> None:
        """Raise ValueError unless `is_compatible_with(other)`."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are incompatible")

    def most_specific_compatible_shape(self, other: ShapeLike) -> TensorShape:
        """Return the shape that keeps what both agree on, for instance of two steps."""
        a, b = self.raw, as_shape(other).raw
        if a is None or b is None or len(a) != len(b):
            return unknown_shape()
        pairs = zip(a, b, strict=True)
        return TensorShape.of(tuple(m if m == n else None for m, n in pairs))

    def __eq__(self, other: Any) -> Any:
        try:
            other = as_shape(other)
        except TypeError:
            return NotImplemented
        a = self.raw
        if a != other.raw:
            return False
        # Lists compare by identity first: an unknown size equals itself alone.
        return a is None or None not in a or self.dims == other.dims

    def __ne__(self, other: Any) -> Any:
        try:
            other = as_shape(other)
        except TypeError:
            return NotImplemented
        if self.rank is None or other.rank is None:
            raise ValueError("The inequality of unknown TensorShapes is undefined.")
        return not self == other

    def __reduce__(self) -> tuple[Any, ...]:
        return TensorShape, (self.dims,)


def _dimensions(dims: Any) -> list[Dimension] | None:
    """Return the Dimensions that a program's description of a shape gives."""
    if isinstance(dims, bytes | str):
        raise TypeError(
            "A string has ambiguous TensorShape, please wrap in a list or convert to "
            f"an int: {dims}"
        )
    # A TensorShapeProto, whichever package defines its class; it writes unknown as −1.
    unknown_rank = getattr(dims, "unknown_rank", None)
    if unknown_rank is not None:
        if unknown_rank:
            return None
        return [Dimension(None if d.size == -1 else d.size) for d in dims.dim]
    try:
        items = iter(dims)
    except TypeError:
        return [as_dimension(dims)]
    return [as_dimension(d) for d in items]


def _is_plain(dims: Any) -> TypeGuard[Sequence[int | None]]:
    """Return whether this is a tuple or list of sizes that need no conversion."""
    return type(dims) in (tuple, list) and all(
        n is None or (type(n) is int and n >= 0) for n in dims
    )


def _dimension(number: int | None) -> Dimension:
    """Return a Dimension of a size that needs no check."""
    dim = Dimension.__new__(Dimension)
    dim._value = number
    return dim


def _slice_unknown(key: slice) -> TensorShape:
    """Return what is known of a slice of a shape of unknown rank."""
    if key.step is not None:
        raise ValueError("Steps are not yet handled")
    start = 0 if key.start is None else key.start
    if key.stop is None or start < 0 or key.stop < 0:
        return unknown_shape()
    return unknown_shape(rank=key.stop - start)


def as_shape(shape: ShapeLike) -> TensorShape:
    """Return `shape` itself if it is a TensorShape, else a TensorShape of it."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def unknown_shape(rank: int | None = None, **kwargs: int | None) -> TensorShape:
    """Return a shape of `rank` unknown sizes, or of unknown rank.

    `ndims` is the older name of `rank`; any other keyword is a TypeError.
    """
    if rank is None and "ndims" in kwargs:
        rank = kwargs.pop("ndims")
    if kwargs:
        raise TypeError(f"Unknown argument: {kwargs}")
    return TensorShape.of(None if rank is None else (None,) * rank)


def scalar() -> TensorShape:
    """Return the shape of no axes."""
    return TensorShape.of(())


def vector(length: Dimension | int | None) -> TensorShape:
    """Return the shape of one axis of that length, which may be None."""
    return TensorShape([length])


def matrix(rows: Dimension | int | None, cols: Dimension | int | None) -> TensorShape:
    """Return the shape of two axes, whose sizes may be None."""
    return TensorShape([rows, cols])


def raw(shape_like: ShapeLike) -> Raw:
    """Return the raw shape of anything that `TensorShape` takes, with its errors."""
    return tuple(shape_like) if _is_plain(shape_like) else as_shape(shape_like).raw


#: axes that a tensor of TensorFlow 1.15 may have, and what its elements are fewer than
MOST_AXES, ELEMENTS_END = 254, 1 << 63


def why_invalid(sizes: Sequence[int | None], partial: bool) -> str:
    """Return why no tensor has these sizes, in TensorFlow's words; else nothing.

    Args:
      sizes: unknown ones are None or −1.
      partial: whether there may be unknown ones.
    """
    reason = "has too many dimensions" if len(sizes) > MOST_AXES else ""
    count = 1
    for n in () if reason else sizes:
        if n is None or n < 0:
            if not partial:
                reason = "is not fully defined"
            elif n is not None and n < -1:
                reason = "has dimensions with values below -1 (where -1 means unknown)"
            count = 0
        else:
            count *= n
            if count >= ELEMENTS_END:
                reason = "is too large (more than 2**63 - 1 entries)"
        if reason:
            break
    if not reason:
        return ""
    words = ("?" if n is None or n == -1 else str(n) for n in sizes)
    return f"Shape [{','.join(words)}] {reason}"


def text(shape: Raw) -> str:
    """Return a raw shape as TensorFlow's shape inference prints it: [?,3], or ?."""
    if shape is None:
        return "?"
    return f"[{','.join('?' if n is None else str(n) for n in shape)}]"


def size(shape: Raw) -> int | None:
    """Return the number of elements, or None when the rank or a size is unknown."""
    if shape is None:
        return None
    count = 1
    for n in shape:
        if n is None:
            return None
        count *= n
    return count


def is_full(shape: Raw) -> TypeGuard[tuple[int, ...]]:
    """Return whether the rank and every size are known."""
    return shape is not None and None not in shape


def compatible(a: Raw, b: Raw) -> bool:
    """Return whether some full shape fits both."""
    if a is None or b is None or a == b:
        return True
    return len(a) == len(b) and all(
        m == n or m is None or n is None for m, n in zip(a, b, strict=True)
    )


def merge_dim(a: int | None, b: int | None) -> int | None:
    """Return the size that either knows; ValueError if they differ."""
    if a is None or a == b:
        return b
    if b is None:
        return a
    raise ValueError(f"Dimensions must be equal, but are {a} and {b}")


def merge(a: Raw, b: Raw) -> Raw:
    """Return the shape that knows what either knows; ValueError if they differ."""
    if a is None or a == b:
        return b
    if b is None:
        return a
    if len(a) != len(b):
        raise ValueError(f"Shapes must be equal rank, but are {len(a)} and {len(b)}")
    for i, (m, n) in enumerate(zip(a, b, strict=True)):
        if m != n and m is not None and n is not None:
            raise ValueError(
                f"Dimension {i} in both shapes must be equal, but are {m} and {n}. "
                f"Shapes are {text(a)} and {text(b)}."
            )
    return tuple([n if m is None else m for m, n in zip(a, b, strict=True)])


def with_rank(shape: Raw, rank: int) -> tuple[int | None, ...]:
    """Return the shape, of `rank` unknown sizes if its rank was unknown.

    ValueError if it has another rank.
    """
    if shape is None:
        return (None,) * rank
    if len(shape) != rank:
        raise ValueError(f"Shape must be rank {rank} but is rank {len(shape)}")
    return shape


def with_rank_at_least(shape: Raw, rank: int) -> Raw:
    """Return the shape; ValueError if it is known to have fewer axes."""
    if shape is not None and len(shape) < rank:
        raise ValueError(f"Shape must be at least rank {rank} but is rank {len(shape)}")
    return shape


def with_rank_at_most(shape: Raw, rank: int) -> Raw:
    """Return the shape; ValueError if it is known to have more axes."""
    if shape is not None and len(shape) > rank:
        raise ValueError(f"Shape must be at most rank {rank} but is rank {len(shape)}")
    return shape


def broadcast(a: Raw, b: Raw) -> Raw:
    """Return the shape of an elementwise operation on shapes `a` and `b`.

    An unknown size against k > 1 gives k, against 1 or 0 stays unknown. ValueError if
    two sizes differ and neither is 1.
    """
    if a is None or b is None:
        return None
    if a == b:
        return a
    longer = max(len(a), len(b))
    padded = zip(_padded(a, longer), _padded(b, longer), strict=True)
    return tuple([_broadcast_dim(m, n) for m, n in padded])


def _padded(shape: tuple[int | None, ...], rank: int) -> Sequence[int | None]:
    return (1,) * (rank - len(shape)) + shape


def _broadcast_dim(m: int | None, n: int | None) -> int | None:
    if m == n or n == 1:
        return m
    if m == 1:
        return n
    if m is None:
        return n or None  # unknown against 0 may be 1 against 0: still unknown
    if n is None:
        return m or None
    raise ValueError(f"Dimensions must be equal, but are {m} and {n}")
