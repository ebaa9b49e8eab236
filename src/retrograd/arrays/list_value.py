"""The value of a TensorList: a list of arrays that nobody can see change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.arrays.array_rules import (
    Marks,
    Rules,
    check_rows,
    check_scattered,
    nothing_to_join,
    nothing_to_stack,
    numbered,
    refused,
    text_of,
    unlike,
    unlike_rows,
)
from retrograd.errors import UnimplementedError
from retrograd.graph.tensor import Held, RawShape

if TYPE_CHECKING:
    from retrograd.typing import Array, Value


#: undoes a change: from the items after it to those before it
_Undo = Callable[[list[Any]], "_Undo"]


class TensorList:
    """A list of arrays of one dtype; `None` stands for one that was never set.

    Appending, removing and setting give a new list and leave the old one as it was.
    The newest list holds the items, an older one how to get back to its own from those
    of the next: a loop that goes on with the newest pays nothing for the older ones.

    Attributes:
      dtype: the DType of the elements.
      shape: what is known of their shapes.
      limit: how many there may be, −1 for any number.
      marks: of a TensorArray of version 1, which places were written and read.
    """

    __slots__ = ("_items", "_next", "_undo", "dtype", "limit", "marks", "shape")
    _undo: _Undo

    def __init__(
        self,
        items: list[Any],
        dtype: dtypes.DType,
        shape: RawShape,
        limit: int = -1,
        marks: Marks | None = None,
    ) -> None:
        self.dtype, self.shape, self.limit = dtype, shape, limit
        self.marks = marks
        self._items: list[Any] | None = items
        self._next: TensorList | None = None

    def as_array(self, rules: Rules, name: str) -> TensorList:
        """This list as a new TensorArray that is held to some rules."""
        marks = Marks(rules, numbered(name), self.shape)
        marks.written.update(i for i, v in enumerate(self.items) if v is not None)
        return TensorList(self.items, self.dtype, self.shape, self.limit, marks)

    @property
    def facts(self) -> Held:
        """What is known of the elements."""
        return Held(self.shape, self.dtype)

    @property
    def items(self) -> list[Any]:
        """The elements, to be read at once: later calls may move them."""
        if self._items is None:
            self._fetch()
        assert self._items is not None
        return self._items

    def _fetch(self) -> None:
        """Take the items from the list that holds them, undoing what was done since."""
        path: list[TensorList] = [self]
        while path[-1]._items is None:
            assert path[-1]._next is not None
            path.append(path[-1]._next)
        while len(path) > 1:
            holder, before = path.pop(), path[-1]
            items, holder._items = holder._items, None
            assert items is not None
            holder._undo, holder._next = before._undo(items), before
            before._items, before._next = items, None

    def _changed(self, change: _Undo) -> TensorList:
        items = self.items
        made = TensorList(items, self.dtype, self.shape, self.limit, self.marks)
        self._undo, self._next, self._items = change(items), made, None
        return made

    def __repr__(self) -> str:
        return (
            f"<TensorList of {len(self.items)} {self.dtype.name}{text_of(self.shape)}>"
        )

    # -------------------------------------------------------------- one element

    def _place(self, index: Array | int) -> int:
        if self.marks is not None and np.ndim(index):
            raise refused(
                f"TensorArray index must be scalar, but had shape: "
                f"{text_of(np.shape(index))}"
            )
        return int(index)

    def push(self, value: Value) -> TensorList:
        """This list with `value` at the end."""
        if not shapes.compatible(self.shape, _shape(value)):
            raise refused(
                "Tried to append a tensor with incompatible shape to a list. Op "
                f"element shape: {text_of(_shape(value))} list shape: "
                f"{text_of(self.shape)}"
            )
        if self.limit != -1 and len(self.items) >= self.limit:
            raise refused(
                f"Tried to push item into a full list list size: {len(self.items)} "
                f"max_num_elements: {self.limit}"
            )
        return self._changed(_pushing(value))

    def pop(self, shape: RawShape) -> tuple[TensorList, Value]:
        """This list less its last element, and that element."""
        if not self.items:
            raise refused("Trying to pop from an empty list.")
        value = self.items[-1]
        if value is None:
            value = self._zeros(
                self._merged(shape),
                "Trying to read an uninitialized tensor but element_shape is not fully "
                "defined.{}",
            )
        return self._changed(_popping), value

    def set(self, index: Array | int, value: Value) -> TensorList:
        """This list with another element in one place."""
        index = self._place(index)
        if self.marks is not None:
            self.marks.write(index, len(self.items), _shape(value))
        elif not 0 <= index < len(self.items):
            raise refused(
                f"Trying to modify element {index} in a list with {len(self.items)} "
                "elements."
            )
        if not shapes.compatible(self.shape, _shape(value)):
            raise refused(
                "Tried to set a tensor with incompatible shape at a list index. Item "
                f"element shape: {text_of(_shape(value))} list shape: "
                f"{text_of(self.shape)}"
            )
        return self._changed(_setting(index, value))

    def get(self, index: Array | int, shape: RawShape) -> Value:
        """One element; zeros where none was set."""
        index = self._place(index)
        items = self.items
        if self.marks is not None:
            return self._taken(index, shape)
        if not 0 <= index < len(items):
            raise refused(
                f"Trying to access element {index} in a list with {len(items)} "
                "elements."
            )
        if items[index] is not None:
            return items[index]
        return self._zeros(
            self._inferred(shape),
            "Trying to read an uninitialized tensor but element_shape is not fully "
            "defined: {} and no list element is set.",
        )

    def _taken(self, index: int, shape: RawShape = None) -> Value:
        """An element of a TensorArray."""
        items, marks = self.items, self.marks
        assert marks is not None
        marks.take(index, len(items))
        if items[index] is not None:
            return items[index]
        shape = shapes.merge(marks.shape, shape)
        if shape is None or None in shape:
            raise marks.undefined(index, shape)
        return self._zeros(shape, "")

    # -------------------------------------------------------------- all elements

    def resized(self, size: int) -> TensorList:
        """This list with elements left out, or unset ones added, at the end."""
        if size < 0:
            raise refused(
                f"TensorListSlice expects size to be non-negative. Got: {size}"
            )
        items = self.items[:size]
        items.extend([None] * (size - len(items)))
        return TensorList(items, self.dtype, self.shape, self.limit, self.marks)

    def filled(self, shape: RawShape, what: str) -> tuple[list[Any], RawShape]:
        """The elements, zeros where none was set, and the shape they share.

        Args:
          shape: what the caller knows of the shape.
          what: how an error calls the operation.
        """
        common = self._merged(shape)
        items = self.items
        if not items and (common is None or None in common):
            raise refused(
                f"Tried to {what} elements of an empty list with non-fully-defined "
                f"element_shape: {text_of(common)}"
            )
        common = self._inferred(shape)
        missing = [i for i, item in enumerate(items) if item is None]
        if not missing:
            return items, common
        zeros = self._zeros(
            common,
            f"Tried to {what} list which only contains uninitialized tensors and has a "
            "non-fully-defined element_shape: {}",
        )
        return [zeros if item is None else item for item in items], common

    def _merged(self, shape: RawShape) -> RawShape:
        try:
            return shapes.merge(shape, self.shape)
        except ValueError:
            raise refused(
                f"Incompatible shapes during merge: {text_of(shape)} vs. "
                f"{text_of(self.shape)}"
            ) from None

    def _inferred(self, shape: RawShape) -> RawShape:
        """The shape of all elements, those that are set taken into account."""
        found = self._merged(shape)
        for item in self.items:
            if item is not None:
                try:
                    found = shapes.merge(found, _shape(item))
                except ValueError:
                    raise refused(
                        f"Incompatible shapes during merge: {text_of(_shape(item))} "
                        f"vs. {text_of(found)}"
                    ) from None
        return found

    def _zeros(self, shape: RawShape, text: str) -> Any:
        if shape is None or None in shape:
            raise refused(text.format(text_of(shape)))
        if self.dtype is dtypes.variant:
            return None
        sizes = [d or 0 for d in shape]
        if self.dtype is dtypes.string:
            return np.full(sizes, b"", object)
        return np.zeros(sizes, self.dtype.as_numpy_dtype)

    def count(self) -> np.int32:
        """How many elements there are."""
        return np.int32(len(self.items))

    def stack(self, shape: RawShape, count: int) -> Array:
        """The elements along a new first axis; `count` of them unless it is −1."""
        length = len(self.items)
        if self.marks is not None:
            return self._stacked_places(range(length), shape)
        if count not in (-1, length):
            raise refused(
                f"Operation expected a list with {count} elements but got a list with "
                f"{length} elements."
            )
        return self._stacked(*self.filled(shape, "stack"))

    def _stacked_places(self, places: Sequence[int], shape: RawShape) -> Array:
        """The elements in some places of a TensorArray along a new first axis."""
        shape = self._merged(shape)
        if not places and (shape is None or None in shape):
            raise UnimplementedError(None, None, nothing_to_stack(shape))
        values: list[Any] = [self._taken(i, shape) for i in places]
        for i, value in enumerate(values):
            if _shape(value) != _shape(values[0]):
                raise unlike(_shape(values[0]), i, _shape(value))
        return self._stacked(values, shape)

    def _stacked(self, items: list[Array], shape: RawShape) -> Array:
        if items:
            return np.stack(items)
        sizes: Any = (0, *(shape or ()))
        return np.zeros(sizes, self.dtype.as_numpy_dtype)

    def gather(self, indices: Array, shape: RawShape) -> Array:
        """The elements with the given indices along a new first axis."""
        if self.marks is not None:
            return self._stacked_places(indices.tolist(), shape)
        chosen = []
        for i in indices.tolist():
            if not 0 <= i < len(self.items):
                raise refused(
                    f"Trying to gather element {i} in a list with {len(self.items)} "
                    "elements."
                )
            chosen.append(self.items[i])
        part = TensorList(chosen, self.dtype, self.shape)
        return self._stacked(*part.filled(shape, "gather"))

    def scatter(self, tensor: Array, indices: Array) -> TensorList:
        """This list, lengthened if need be, with rows of a tensor in given places."""
        if self.marks is not None:
            check_rows(indices.shape[0], np.shape(tensor))
        elif tensor.shape[0] != indices.shape[0]:
            raise refused(
                "Invalid number of rows in input tensor. Expected: "
                f"{indices.shape[0]} Actual: {tensor.shape[0]}"
            )
        places = indices.tolist()
        if self.marks is not None:
            size = len(self.items)
            check_scattered(self.marks.rules, max(places, default=-1), size)
            for i in places:
                self.marks.write(i, size, tensor.shape[1:])
        if any(i < 0 for i in places):
            raise refused("Indices in TensorListScatter must all be non-negative.")
        made = self.resized(max([len(self.items), *(i + 1 for i in places)]))
        for i, value in zip(places, tensor, strict=True):
            made.items[i] = value
        return made

    def concat(
        self, shape: RawShape, leading: Array | Sequence[Any]
    ) -> tuple[Array, Array]:
        """The elements along their first axis, and the length of each.

        `leading` has the lengths of those that were never set.
        """
        items: list[Any] = list(self.items)
        rest = None if shape is None else shape[1:]
        if self.marks is not None:
            items = [self._taken(i) for i in range(len(items))]
            if not items and (rest is None or None in rest):
                raise UnimplementedError(None, None, nothing_to_join(rest))
        for i, item in enumerate(items):
            if item is not None:
                if item.ndim == 0:
                    raise refused(
                        f"Concat saw a scalar shape at index {i} but requires at least "
                        "vectors."
                        + ("  Did you mean to call pack?" if self.marks else "")
                    )
                wanted = _shape(items[0])[1:]
                if self.marks is not None and _shape(item)[1:] != wanted:
                    raise unlike_rows(wanted, i, _shape(item)[1:])
                rest = TensorList([], self.dtype, item.shape[1:])._merged(rest)
        if rest is None or None in rest:
            raise refused(
                "All except the first dimension must be fully defined when concating "
                f"an empty tensor list. element_shape: {text_of(rest)}"
            )
        first = next((i.shape[0] for i in items if i is not None), 0)

        def zeros(*size: int) -> np.ndarray:
            sizes: Any = (*size, *rest)
            return np.zeros(sizes, self.dtype.as_numpy_dtype)

        for at, item in enumerate(items):
            if item is None:
                items[at] = zeros(int(leading[at]) if len(leading) else first)
        lengths = np.array([i.shape[0] for i in items], np.int64)
        return (np.concatenate(items) if items else zeros(0)), lengths

    # -------------------------------------------------------------- arithmetic

    def zeros_like(self) -> TensorList:
        """A list of the same length of zeros."""
        items = [None if v is None else zeros_like(v) for v in self.items]
        return TensorList(items, self.dtype, self.shape, self.limit)

    def __add__(self, other: TensorList) -> TensorList:
        if not isinstance(other, TensorList):
            return NotImplemented
        mine, theirs = list(self.items), list(other.items)
        if len(mine) != len(theirs):
            raise refused(
                "Trying to add two lists of tensors with different lengths. One is "
                f"{len(mine)} and the other is {len(theirs)}"
            )
        pairs = zip(mine, theirs, strict=True)
        items = [b if a is None else a if b is None else a + b for a, b in pairs]
        return TensorList(items, self.dtype, shapes.merge(self.shape, other.shape))


def zeros_like(value: Value) -> Any:
    """Zeros in the form of an array, a list or another value that a tensor can have."""
    own = getattr(value, "zeros_like", None)
    return np.zeros_like(value) if own is None else own()


def _shape(value: Value) -> tuple[int, ...]:
    """The shape of an element; a list in a list is a scalar."""
    known: Any = value
    return () if isinstance(value, TensorList) else np.shape(known)


def _pushing(value: Value) -> _Undo:
    def push(items: list[Any]) -> _Undo:
        items.append(value)
        return _popping

    return push


def _popping(items: list[Any]) -> _Undo:
    return _pushing(items.pop())


def _setting(index: int, value: Value | None) -> _Undo:
    def put(items: list[Any]) -> _Undo:
        before, items[index] = items[index], value
        return _setting(index, before)

    return put


def shape_from(value: Array) -> RawShape:
    """The shape that an element_shape input says: −1 alone for unknown rank.

    Raises:
      InvalidArgumentError: it is another scalar.
    """
    if np.ndim(value) == 0:
        if int(value) == -1:
            return None
        raise refused(
            "The only valid scalar shape tensor is the fully unknown shape specified "
            "as -1."
        )
    sizes: Sequence[int] = np.asarray(value).tolist()
    return tuple(None if d < 0 else d for d in sizes)
