"""What version 1 holds TensorArrays to: written once, read once, of a fixed size."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from retrograd import shapes
from retrograd.errors import InvalidArgumentError

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape


_counter = itertools.count()


def refused(text: str) -> InvalidArgumentError:
    """The error of an operation on lists or arrays."""
    return InvalidArgumentError(None, None, text)


def text_of(shape: RawShape) -> str:
    """A shape as messages of the runtime write it."""
    if shape is None:
        return "<unknown>"
    return "[" + ",".join("?" if d is None else str(d) for d in shape) + "]"


def numbered(name: str) -> str:
    """What messages call a new array that an operation of this name makes."""
    return f"{name}_{next(_counter)}"


@dataclass(frozen=True)
class Rules:
    """What an array allows.

    Attributes:
      dynamic: whether writing makes it longer.
      clears: whether an element can be read only once.
      alike: whether the first element decides the shape of all.
    """

    dynamic: bool
    clears: bool
    alike: bool

    def text(self, name: str) -> str:
        """They and a name as an attribute of an operation."""
        letters = ((self.dynamic, "d"), (self.clears, "c"), (self.alike, "a"))
        return f"{''.join(a for holds, a in letters if holds)}:{name}"


def from_text(text: str) -> tuple[Rules, str]:
    """The rules and the name of which `text` is what `Rules.text` makes."""
    letters, _, name = text.partition(":")
    return Rules("d" in letters, "c" in letters, "a" in letters), name


@dataclass
class Marks:
    """Which places of an array were written and read; all versions of it share them.

    Attributes:
      name: what messages call the array.
      shape: what is known of the shapes of the elements.
    """

    carried: ClassVar[bool] = False
    rules: Rules
    name: str
    shape: RawShape
    written: set[int] = field(default_factory=set)
    read: set[int] = field(default_factory=set)

    def write(
        self, index: int, size: int, shape: tuple[int, ...], again: bool = False
    ) -> None:
        """Note that an element is written.

        Args:
          size: how many places there are.
          shape: that of the element.
          again: whether a place can be written to more than once.

        Raises:
          InvalidArgumentError: there is no such place, it has been written or read, or
            the element does not fit.
        """
        self.check_place(index, size)
        failed = f"Could not write to TensorArray index {index} because "
        if not shapes.compatible(self.shape, shape):
            raise self.refused(
                f"{failed}the value shape is {text_of(shape)} which is incompatible "
                "with the TensorArray's inferred element shape: "
                f"{text_of(self.shape)} (consider setting infer_shape=False)."
            )
        if self.rules.alike and (self.shape is None or None in self.shape):
            self.shape = shape
        if index in self.read:
            raise self.refused(f"{failed}it has already been read.")
        if index in self.written and not again:
            raise self.refused(f"{failed}it has already been written to.")
        self.written.add(index)

    def check_place(self, index: int, size: int) -> None:
        """Raise InvalidArgumentError unless an index can be written to."""
        if index < 0 or (not self.rules.dynamic and index >= size):
            raise self.refused(
                f"Tried to write to index {index} but array is not resizeable and size "
                f"is: {size}"
            )

    def take(self, index: int, size: int) -> None:
        """Note that an element is read.

        Raises:
          InvalidArgumentError: there is none, or it was read before and cleared.
        """
        if not 0 <= index < size:
            raise outside(index, size)
        if index in self.read and self.rules.clears:
            raise self.refused(
                f"Could not read index {index} twice because it was cleared after a "
                "previous read (perhaps try setting clear_after_read = false?)."
            )
        self.read.add(index)
        self.written.add(index)

    def refused(self, text: str) -> InvalidArgumentError:
        """The error of an operation on the array."""
        return refused(f"TensorArray {self.name}: {text}")

    def undefined(self, index: int, shape: RawShape) -> InvalidArgumentError:
        """The error where a place holds nothing, and not even the shape is known."""
        return self.refused(
            f"Could not read from TensorArray index {index}.  Furthermore, the element "
            f"shape is not fully defined: {text_of(shape)}.  It is possible you are "
            "working with a resizeable TensorArray and stop_gradients is not allowing "
            "the gradients to be written.  If you set the full element_shape property "
            "on the forward TensorArray, the proper all-zeros tensor will be returned "
            "instead of incurring this error."
        )


def outside(index: int, size: int) -> InvalidArgumentError:
    """The error where an index is none of an array's."""
    return refused(f"Tried to read from index {index} but array size is: {size}")


def check_rows(count: int, shape: tuple[int, ...]) -> None:
    """Raise InvalidArgumentError unless a tensor has one row for each index."""
    if not shape:
        raise refused(
            "Input value for unpack must be at least a vector but received shape: []"
        )
    if count != shape[0]:
        raise refused(
            f"Expected len(indices) == values.shape[0], but saw: {count} vs. {shape[0]}"
        )


def check_scattered(rules: Rules, most: int, size: int) -> None:
    """Raise InvalidArgumentError if rows go beyond the end of an array."""
    if most >= size and not rules.dynamic:
        raise refused(f"Max scatter index must be < array size ({most} vs. {size})")


def check_lengths(rules: Rules, count: int, size: int) -> None:
    """Raise InvalidArgumentError unless an array has one place for each part."""
    if rules.dynamic:
        size = max(size, count)
    if size != count:
        raise refused(
            f"TensorArray's size is not equal to the size of lengths ({size} vs. "
            f"{count}), and the TensorArray is not marked as dynamically resizeable"
        )


def check_total(total: int, shape: tuple[int, ...]) -> None:
    """Raise InvalidArgumentError unless lengths add up to the rows of a tensor."""
    if not shape:
        raise refused("Expected value to be at least a vector, but received shape: []")
    if total != shape[0]:
        raise refused(
            "Expected sum of lengths to be equal to values.shape[0], but sum of "
            f"lengths is {total} and value's shape is: {text_of(shape)} "
        )


def unlike(first: tuple[int, ...], i: int, other: tuple[int, ...]) -> Exception:
    """The error where elements that are stacked differ in shape."""
    return refused(
        "TensorArray has inconsistent shapes.  Index 0 has shape: "
        f"{text_of(first)} but index {i} has shape: {text_of(other)}"
    )


def unlike_rows(first: tuple[int, ...], i: int, other: tuple[int, ...]) -> Exception:
    """The error where elements that are joined differ beyond their first axis."""
    return refused(
        "TensorArray has inconsistent shapes.  Index 0 has (excepting dimension 0) "
        f"shape: {text_of(first)} but index {i} has (excepting dimension 0) shape: "
        f"{text_of(other)}"
    )


def nothing_to_stack(shape: RawShape) -> str:
    """What is said where an array of no elements, and of no known shape, is stacked."""
    return (
        f"TensorArray has size zero, but element shape {text_of(shape)} is not fully "
        "defined. Currently only static shapes are supported when packing zero-size "
        "TensorArrays."
    )


def nothing_to_join(rest: RawShape) -> str:
    """What is said where an array of no elements, and of no known shape, is joined."""
    return (
        f"TensorArray has size zero, but element_shape_except0 {text_of(rest)} is not "
        "fully defined. Currently only static shapes are supported when concatenating "
        "zero-size TensorArrays."
    )
