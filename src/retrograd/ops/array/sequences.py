"""Python sequences as eager execution reads them.

Their shape is that of the first elements; every other element must agree with it.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import TYPE_CHECKING, Any, TypeGuard

from retrograd import dtypes, shapes
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


_NOT_SEQUENCES = (str, bytes, bytearray, dict, set, frozenset, shapes.TensorShape)
_ELEMENTS = (str, bytes, bool, int, float, complex, shapes.Dimension)


def _is_element(value: object) -> bool:
    return isinstance(value, _ELEMENTS)


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether a value is a list, a tuple or has the methods of a sequence.

    Arrays and tensors are none: they are read as a whole.
    """
    if isinstance(value, (list, tuple)):
        return True
    kind = type(value)
    return (
        all(hasattr(kind, name) for name in ("__len__", "__iter__", "__getitem__"))
        and not isinstance(value, (*_NOT_SEQUENCES, Tensor))
        and not hasattr(value, "__array__")
        and not hasattr(value, "__array_interface__")
    )


def as_lists(value: TensorLike, wanted: dtypes.DType | None = None) -> TensorLike:
    """A sequence as nested lists and tuples of elements; anything else as it is.

    Args:
      value: what a program wants a tensor of.
      wanted: the dtype it asks for.

    Raises:
      ValueError: a length is negative, sequences differ in length, numbers and strings,
        or elements and sequences, are mixed, or an integer is too large.
    """
    sizes = []
    first: Any = value
    while is_sequence(first):
        sizes.append(_length(first))
        if not sizes[-1]:
            break
        first = next(iter(first))
    return _Reader(first, wanted).read(value, sizes)


class _Reader:
    """Reads what must be like the first element.

    Attributes:
      text: whether elements are strings; None where the first tells nothing.
      whole: the integers there are; None where they become floats.
    """

    def __init__(self, first: object, wanted: dtypes.DType | None) -> None:
        known = isinstance(first, _ELEMENTS)
        self.text = isinstance(first, (str, bytes)) if known else None
        floats = isinstance(first, (float, complex))
        if wanted is not None:
            floats = wanted.is_floating or wanted.is_complex
        unsigned = wanted is dtypes.uint64
        whole = range(2**64) if unsigned else range(-(2**63), 2**63)
        self.whole = None if floats else whole

    def read(self, value: TensorLike, sizes: list[int]) -> TensorLike:
        listed = is_sequence(value)
        if not (listed or _is_element(value)):
            return value  # an array, a tensor: NumPy decides
        if not sizes:
            if listed or self.text not in (None, isinstance(value, (str, bytes))):
                raise ValueError(
                    "Can't convert Python sequence with mixed types to Tensor."
                )
            return self._element(value)
        if not is_sequence(value) or _length(value) != sizes[0]:
            raise ValueError("Can't convert non-rectangular Python sequence to Tensor.")
        items = [self.read(item, sizes[1:]) for item in value]
        return tuple(items) if isinstance(value, tuple) else items

    def _element(self, value: Any) -> Any:
        if isinstance(value, shapes.Dimension):
            value = value.value
        if not isinstance(value, int) or isinstance(value, bool):
            return value
        if self.whole is None:
            try:
                return float(value)
            except OverflowError:
                pass
        elif value in self.whole:
            return value
        raise ValueError(
            "Can't convert Python sequence with out-of-range integer to Tensor."
        )


def _length(value: Sized) -> int:
    try:
        return len(value)
    except ValueError as error:
        raise ValueError(f"ValueError: {error}") from None
