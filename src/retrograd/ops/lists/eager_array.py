"""TensorArrays while operations run at once: a Python list, changed in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.errors import InvalidArgumentError, OutOfRangeError
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.join import concat, split, unstack
from retrograd.ops.lists import tensor_list as list_ops

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def _outside(text: str) -> OutOfRangeError:
    return OutOfRangeError(None, None, text)


def _refused(text: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, text)


def _number(index: TensorLike) -> Any:
    if isinstance(index, Tensor):
        index = index.numpy()  # pyright: ignore[reportAttributeAccessIssue]
    return index.item() if isinstance(index, np.ndarray | np.generic) else index


class EagerArray:
    """The elements of a TensorArray.

    Args:
      dtype: the type of the elements.
      size: how many there are.
      dynamic: whether writing past the end makes it longer.
      clears: whether an element can be read only once.
      infer_shape: whether all elements have the same shape.
      shape: what is known of their shapes.
    """

    def __init__(
        self,
        dtype: dtypes.DType,
        size: TensorLike,
        dynamic: bool,
        clears: bool,
        infer_shape: bool,
        shape: shapes.TensorShape,
    ) -> None:
        self.dtype, self.dynamic, self.clears = dtype, dynamic, clears
        self.infer_shape, self.shape = infer_shape, shape
        self.items: list[Tensor | None] = [None] * max(0, int(_number(size)))
        self._cleared: set[int] = set()

    def flow(self) -> Tensor:
        """The elements as a list that functions can take."""
        made = list_ops.tensor_list_reserve(self.shape, len(self.items), self.dtype)
        for i, item in enumerate(self.items):
            if item is not None:
                made = list_ops.tensor_list_set_item(made, i, item)
        return made

    def _filled(self, index: int) -> Tensor:
        """An element; zeros where there is none."""
        found = self.items[index]
        if found is None:
            found = self.items[index] = zeros(self.shape, dtype=self.dtype)
        return found

    def read(self, index: TensorLike) -> Tensor:
        """The element with an index.

        Raises:
          OutOfRangeError: there is none.
          InvalidArgumentError: it has been read, and cleared then.
        """
        place = _number(index)
        if place < 0:
            raise _outside(
                f"Reading from negative indices (index {place}) is not allowed."
            )
        if place >= len(self.items):
            raise _outside(
                f"Tried to read from index {place} but array size is: {len(self.items)}"
            )
        if self.items[place] is None and place in self._cleared:
            raise _refused(
                f"Could not read index {place} twice because it was cleared after a "
                "previous read (perhaps try setting clear_after_read = false?)"
            )
        found = self._filled(place)
        if self.clears:
            self.items[place] = None
            self._cleared.add(place)
        return found

    def write(self, index: TensorLike, value: TensorLike) -> None:
        """Put an element into its place.

        Raises:
          OutOfRangeError: there is no such place.
          InvalidArgumentError: it is of another dtype.
          ValueError: it does not have the shape of the others.
        """
        place, size = _number(index), len(self.items)
        if place < 0:
            raise _outside(
                f"Writing to negative indices (index {place}) is not allowed."
            )
        if place >= size:
            if not self.dynamic:
                raise _outside(
                    f"Tried to write to index {place} but array is not resizeable and "
                    f"size is: {size}"
                )
            self.items.extend([None] * (place + 1 - size))
        tensor = convert_to_tensor(value, preferred_dtype=self.dtype)
        if tensor.dtype.base_dtype is not self.dtype:
            raise _refused(
                f"TensorArray dtype is {self.dtype.name} but Op is trying to write "
                f"dtype {tensor.dtype.name}"
            )
        if not self.shape.is_compatible_with(tensor.shape):
            raise ValueError(
                f"Incompatible shape for value ({tensor.shape}), expected "
                f"({self.shape})"
            )
        if not self.shape.is_fully_defined() and self.infer_shape:
            self.shape = self.shape.merge_with(tensor.shape)
        self.items[place] = tensor

    def stack(self) -> Tensor:
        """All elements along a new first axis."""
        whole: Any = [self._filled(i) for i in range(len(self.items))]
        return convert_to_tensor(whole, preferred_dtype=self.dtype, name="packed")

    def gather(self, indices: TensorLike) -> Tensor:
        """The elements with some indices along a new first axis."""
        if isinstance(indices, Tensor):
            indices = indices.numpy()  # pyright: ignore[reportAttributeAccessIssue]
        chosen: Any = [self._filled(int(i)) for i in np.asarray(indices)]
        return convert_to_tensor(chosen, preferred_dtype=self.dtype, name="packed")

    def concat(self) -> Tensor:
        """The elements one after the other along their first axis.

        Raises:
          InvalidArgumentError: they have none.
        """
        items: list[Any] = [self._filled(i) for i in range(len(self.items))]
        for i, item in enumerate(items):
            if item.shape.ndims == 0:
                raise _refused(
                    f"Concat saw a scalar shape at index {i} but requires at least "
                    "vectors."
                )
        return concat(items, 0)

    def unstack(self, value: TensorLike) -> None:
        """Take what a tensor holds along its first axis as elements.

        Raises:
          ValueError: there are more than places.
        """
        rows = unstack(value)
        if len(rows) > len(self.items) and not self.dynamic:
            raise ValueError(
                f"Cannot unstack {len(rows)} tensors into a TensorArray of static size "
                f"{len(self.items)}"
            )
        self.items = list(rows)

    def scatter(self, indices: TensorLike, value: TensorLike) -> None:
        """Put the rows of a tensor into their places."""
        places = convert_to_tensor(indices).numpy()  # pyright: ignore[reportAttributeAccessIssue]
        for index, row in zip(places, unstack(value), strict=False):
            self.write(index, row)

    def split(self, value: TensorLike, lengths: TensorLike) -> None:
        """Take consecutive parts of a tensor as elements.

        Raises:
          InvalidArgumentError: they are not as many as there are places, or not all.
        """
        tensor = convert_to_tensor(value, preferred_dtype=self.dtype)
        sizes = convert_to_tensor(lengths).numpy()  # pyright: ignore[reportAttributeAccessIssue]
        total, count = int(np.sum(sizes)), int(np.size(sizes))
        if not tensor.shape.ndims:
            raise _refused(
                "Expected value to be at least a vector, but received shape: []"
            )
        rows = tensor.shape.as_list()
        if total != rows[0]:
            raise _refused(
                "Expected sum of lengths to be equal to values.shape[0], but sum of "
                f"lengths is {total} and value's shape is: "
                f"[{', '.join(map(str, rows))}] "
            )
        if self.dynamic:
            missing = count - len(self.items)
            self.items.extend([None] * max(0, missing))
        if count != len(self.items):
            raise _refused(
                f"TensorArray's size is not equal to the size of lengths "
                f"({len(self.items)} vs. {count}), and the TensorArray is not marked "
                "as dynamically resizeable"
            )
        self.items = list(split(tensor, [int(n) for n in sizes]))

    def size(self) -> Tensor:
        """How many elements there are."""
        return constant(len(self.items))
