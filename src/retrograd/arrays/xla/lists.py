"""Lists of tensors while a stage is traced.

A list is either known element by element, or a buffer with room for a fixed number of
elements and how many of them count. A loop that appends to a list, or reads and writes
it at an index that is not known, carries it as a buffer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from retrograd import dtypes, shapes
from retrograd.arrays.array_rules import Rules, check_rows, refused, text_of
from retrograd.arrays.optional import Optional
from retrograd.arrays.xla import told
from retrograd.arrays.xla.marks import TracedMarks
from retrograd.graph.tensor import RawShape

if TYPE_CHECKING:
    #: what a traced stage knows of a value
    Value: TypeAlias = "Array | Optional | TracedList"
    Index: TypeAlias = Array | np.ndarray | np.generic | int


_map = jax.tree_util.tree_map


class TracedList:
    """`list_value.TensorList` for tracers: the same methods.

    Attributes:
      items: the elements, None for one that was never set; or None for a buffer.
      buffer: arrays (a structure of them, for a list of lists) whose first axis counts
        elements.
      length: how many elements of the buffer count.
      spare: how many more there is room for at the least, where that is not known from
        `length`.
      marks: of a TensorArray of version 1, which places were written and read.
    """

    __slots__ = (
        "buffer",
        "dtype",
        "items",
        "length",
        "limit",
        "marks",
        "shape",
        "spare",
    )

    def __init__(
        self,
        dtype: dtypes.DType,
        shape: RawShape,
        limit: int = -1,
        items: list[Any] | None = None,
        buffer: Any = None,
        length: Any = None,
        spare: int = 0,
        marks: TracedMarks | None = None,
    ) -> None:
        self.dtype, self.shape, self.limit = dtype, shape, limit
        self.items, self.buffer, self.length = items, buffer, length
        self.spare, self.marks = spare, marks

    def _like(self, **changes: Any) -> TracedList:
        changes.setdefault("marks", self.marks)
        return TracedList(self.dtype, self.shape, self.limit, **changes)

    def as_array(self, rules: Rules, name: str) -> TracedList:
        """`list_value.TensorList.as_array`."""
        del name
        if self.items is not None:
            written = np.array([v is not None for v in self.items], bool)
        else:
            written = np.ones(self.capacity(), bool)
        return self.with_marks(TracedMarks(rules, written, np.zeros_like(written)))

    def with_marks(self, marks: TracedMarks | None) -> TracedList:
        """This list with other marks."""
        return TracedList(
            self.dtype,
            self.shape,
            self.limit,
            self.items,
            self.buffer,
            self.length,
            self.spare,
            marks,
        )

    def _take(self, places: Any) -> None:
        if self.marks is not None:
            self.marks.take(places, self.capacity())

    def _write(self, places: Any) -> None:
        if self.marks is not None:
            self.marks.write(places, self.capacity())

    def count(self) -> Array | np.int32:
        """How many elements there are."""
        length = len(self.items) if self.items is not None else self.length
        return np.int32(length) if isinstance(length, int) else length

    def capacity(self) -> int:
        """How many elements there is room for."""
        if self.items is not None:
            return len(self.items)
        return jax.tree_util.tree_leaves(self.buffer)[0].shape[0]

    def buffered(
        self, element: Value | jax.ShapeDtypeStruct, capacity: int
    ) -> TracedList:
        """This list as a buffer; `element` has the shape and dtype of its elements."""
        if self.items is None:
            return self
        held = [v for v in self.items if v is not None]
        if held:
            element = held[0]
        buffer = _map(lambda e: jnp.zeros((capacity, *e.shape), e.dtype), element)
        for i, item in enumerate(self.items):
            if item is not None:
                buffer = _map(lambda b, v, at=i: b.at[at].set(v), buffer, item)
        return self._like(buffer=buffer, length=len(self.items))

    def _element(self, shape: RawShape) -> Any:
        """Zeros in the shape of an element."""
        if self.items is None:
            return _map(lambda b: jnp.zeros(b.shape[1:], b.dtype), self.buffer)
        for item in self.items:
            if item is not None:
                return _map(jnp.zeros_like, item)
        known = shapes.merge(shape, self.shape)
        if known is None or None in known:
            raise refused(
                "Trying to read an uninitialized tensor but element_shape is not fully "
                f"defined: {text_of(known)} and no list element is set."
            )
        return jnp.zeros(known, self.dtype.as_numpy_dtype)

    # -------------------------------------------------------------- one element

    def push(self, value: Value) -> TracedList:
        """This list with `value` at the end."""
        if self.items is not None:
            return self._like(items=[*self.items, value])
        spare, whole = self.spare, self
        if isinstance(self.length, int):
            spare = self.capacity() - self.length
        if not spare:
            whole, spare = self.with_room(1), 1
        buffer = _map(
            lambda b, v: lax.dynamic_update_index_in_dim(b, v, self.length, 0),
            whole.buffer,
            value,
        )
        return self._like(buffer=buffer, length=self.length + 1, spare=spare - 1)

    def with_room(self, count: int) -> TracedList:
        """This list as a buffer with room for `count` more elements."""

        def longer(b: Array) -> Array:
            return jnp.concatenate([b, jnp.zeros((count, *b.shape[1:]), b.dtype)])

        buffer = _map(longer, self.buffer) if count else self.buffer
        return self._like(buffer=buffer, length=self.length, spare=self.spare)

    def pop(self, shape: RawShape) -> tuple[TracedList, Value]:
        """This list less its last element, and that element."""
        if self.items is not None:
            if not self.items:
                raise refused("Trying to pop from an empty list.")
            value = self.items[-1]
            value = self._element(shape) if value is None else value
            return self._like(items=self.items[:-1]), value
        last = self.length - 1
        rest = self._like(buffer=self.buffer, length=last, spare=self.spare + 1)
        return rest, self._at(last)

    def _at(self, index: Index) -> Any:
        self._check(index)

        def one(b: Array) -> Array:
            return lax.dynamic_index_in_dim(b, index, 0, keepdims=False)

        return _map(one, self.buffer)

    def _check(self, index: Index) -> None:
        """Have the run tell whether an index is not that of an element."""
        place: Any = np.int32(index) if isinstance(index, int) else index
        told.tell(told.FAILED, (place < 0) | (place >= self.count()))

    def get(self, index: Index, shape: RawShape) -> Any:
        """One element; zeros where none was set."""
        if self.items is None:
            self._take(index)
            return self._at(index)
        if isinstance(index, np.ndarray | np.generic | int):
            if not 0 <= int(index) < len(self.items):
                raise refused(
                    f"Trying to access element {int(index)} in a list with "
                    f"{len(self.items)} elements."
                )
            self._take(int(index))
            value = self.items[int(index)]
            return self._element(shape) if value is None else value
        self._take(index)
        return self.buffered(self._element(shape), len(self.items))._at(index)

    def set(self, index: Index, value: Value) -> TracedList:
        """This list with another element in one place."""
        if self.items is not None and isinstance(index, np.ndarray | np.generic | int):
            items = list(self.items)
            if not 0 <= int(index) < len(items):
                raise refused(
                    f"Trying to modify element {int(index)} in a list with "
                    f"{len(items)} elements."
                )
            self._write(int(index))
            items[int(index)] = value
            return self._like(items=items)
        self._check(index)
        self._write(index)
        whole = self.buffered(value, self.capacity())
        buffer = _map(
            lambda b, v: lax.dynamic_update_index_in_dim(b, v, index, 0),
            whole.buffer,
            value,
        )
        return self._like(buffer=buffer, length=whole.length, spare=whole.spare)

    # -------------------------------------------------------------- all elements

    def _known_length(self) -> int:
        if self.items is not None:
            return len(self.items)
        if not isinstance(self.length, int):
            raise TypeError("the length of a list is not known")
        return self.length

    def resized(self, size: int) -> TracedList:
        """This list with elements left out, or unset ones added, at the end."""
        count = self._known_length()
        if self.items is not None:
            rest = [None] * max(0, size - count)
            return self._like(items=[*self.items[:size], *rest])
        if size <= count:
            return self._like(buffer=_map(lambda b: b[:size], self.buffer), length=size)

        cut = self._like(buffer=_map(lambda b: b[:count], self.buffer), length=count)
        cut = cut.with_room(size - count)
        return self._like(buffer=cut.buffer, length=size)

    def stack(self, shape: RawShape, count: int) -> Array:
        """The elements along a new first axis."""
        length = self._known_length()
        if count not in (-1, length):
            raise refused(
                f"Operation expected a list with {count} elements but got a list with "
                f"{length} elements."
            )
        self._take(np.arange(length))
        return self._stacked(shape, length)

    def _stacked(self, shape: RawShape, length: int) -> Array:
        if self.items is None:
            return self.buffer[:length]
        if not self.items:
            known = shapes.merge(shape, self.shape)
            if known is None or None in known:
                raise TypeError("the shape of the elements is not known")
            return jnp.zeros((0, *known), self.dtype.as_numpy_dtype)
        items = [self._element(shape) if v is None else v for v in self.items]
        return jnp.stack(items)

    def gather(self, indices: Array, shape: RawShape) -> Array:
        """The elements with the given indices along a new first axis."""
        self._check(indices)
        self._take(indices)
        length = self._known_length()
        whole = self._stacked(shape, length)
        if isinstance(indices, np.ndarray) and _counts(indices, length):
            return whole
        return jnp.take(whole, indices, axis=0)

    def scatter(self, tensor: Array, indices: Array) -> TracedList:
        """This list with the rows of a tensor in the given places."""
        places = np.asarray(indices)
        if (places < 0).any():
            raise refused("Indices in TensorListScatter must all be non-negative.")
        before = self._known_length()
        size = max([before, *(i + 1 for i in places.tolist())])
        if self.marks is not None:
            if size > before and not self.marks.rules.dynamic:
                raise refused("an array is not long enough")
            check_rows(places.shape[0], tensor.shape)
            self.marks.write(places, size)
        if _counts(places, size):
            return self._like(buffer=jnp.asarray(tensor), length=size)
        row = jax.ShapeDtypeStruct(tensor.shape[1:], tensor.dtype)
        whole = self.resized(size).buffered(row, size)
        return whole._like(buffer=whole.buffer.at[places].set(tensor), length=size)

    def concat(self, shape: RawShape, leading: Array) -> tuple[Array, np.ndarray]:
        """The elements along their first axis, and the length of each."""
        del leading
        length = self._known_length()
        self._take(np.arange(length))
        if self.items is None:
            whole = self.buffer[:length]
            sizes = np.full(length, whole.shape[1], np.int64)
            return whole.reshape(-1, *whole.shape[2:]), sizes
        items = [self._element(shape) if v is None else v for v in self.items]
        if not items:
            raise TypeError("an empty list")
        sizes = np.array([v.shape[0] for v in items], np.int64)
        return jnp.concatenate(items), sizes

    # -------------------------------------------------------------- arithmetic

    def zeros_like(self) -> TracedList:
        """A list of the same length of zeros."""
        if self.items is not None:
            return self._like(items=[_zeros_like(v) for v in self.items], marks=None)
        zeros = _zeros_like(self.buffer)
        return self._like(buffer=zeros, length=self.length, marks=None)

    def __add__(self, other: TracedList) -> TracedList:
        if not isinstance(other, TracedList):
            return NotImplemented
        if self.items is not None and other.items is not None:
            pairs = zip(self.items, other.items, strict=True)
            return self._like(items=[_sum(a, b) for a, b in pairs], marks=None)
        a = self if other.items is not None else self.buffered_as(other)
        b = other.buffered_as(a)
        total = _sum(a.buffer, b.buffer)
        return self._like(buffer=total, length=a.length, marks=None)

    def buffered_as(self, other: TracedList) -> TracedList:
        """This list as a buffer, with as much room as another one that is."""
        if self.items is None:
            return self.with_room(other.capacity() - self.capacity())
        return self.buffered(first(other.buffer), other.capacity())


def _counts(places: np.ndarray, size: int) -> bool:
    """Whether places are all there are, in order."""
    return places.ndim == 1 and np.array_equal(places, np.arange(size))


def first(buffer: Value) -> Any:
    """What has the shape and dtype of one element of a buffer."""
    return _map(lambda v: jax.ShapeDtypeStruct(v.shape[1:], v.dtype), buffer)


def _zeros_like(value: Value | None) -> Any:
    return _map(jnp.zeros_like, value)


def _sum(a: Value | None, b: Value | None) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return _map(jnp.add, a, b)


def _flatten_list(value: TracedList) -> tuple[Any, Any]:
    about = (value.dtype, value.shape, value.limit)
    marks = None if value.marks is None else value.marks.copy(value.capacity())
    if value.items is not None:
        return (value.items, marks), (about, None, None)
    if isinstance(value.length, int):
        return (value.buffer, marks), (about, value.spare, value.length)
    return (value.buffer, value.length, marks), (about, value.spare, None)


def _unflatten_list(aux: tuple[Any, Any, Any], children: Sequence[Any]) -> TracedList:
    (dtype, shape, limit), spare, length = aux
    if spare is None:
        items, marks = children
        return TracedList(dtype, shape, limit, items=list(items), marks=marks)
    if length is None:
        buffer, length, marks = children
    else:
        buffer, marks = children
    return TracedList(
        dtype, shape, limit, buffer=buffer, length=length, spare=spare, marks=marks
    )


jax.tree_util.register_pytree_node(TracedList, _flatten_list, _unflatten_list)
jax.tree_util.register_pytree_node(
    Optional,
    lambda o: ((), False) if o.values is None else (o.values, True),
    lambda there, values: Optional(tuple(values) if there else None),
)


def new_list(
    count: int, dtype: dtypes.DType, shape: RawShape, limit: int = -1
) -> TracedList:
    """`arrays.numpy.new_list`."""
    return TracedList(dtype, shape, limit, items=[None] * count)


def list_of(
    tensors: Array | list[Any], dtype: dtypes.DType, shape: RawShape
) -> TracedList:
    """`arrays.numpy.list_of`."""
    if isinstance(tensors, list):
        return TracedList(dtype, shape, items=tensors)
    array = jnp.asarray(tensors)
    return TracedList(dtype, shape, buffer=array, length=array.shape[0])
