"""What a caller may feed: tensors and structures of them, checked and made arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.errors import message
from retrograd.graph.graph import Graph
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import low_bits, make_array
from retrograd.run.fetches import feed_function_of

if TYPE_CHECKING:
    from retrograd.typing import FeedDict


class Feed:
    """A fed tensor: checks a value and turns it into an array."""

    __slots__ = ("known", "numpy_type", "raw", "tensor", "text")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.raw = tensor._shape_raw
        self.known = self.raw is not None and None not in self.raw
        self.numpy_type = tensor.dtype.base_dtype.array_dtype
        self.text = tensor.dtype.base_dtype is dtypes.string

    def __call__(self, value: Any) -> Any:
        """The array of `value`.

        Raises:
          TypeError: the value is a tensor, or not of the dtype.
          ValueError: its shape contradicts the static shape.
        """
        if type(value) is not np.ndarray or value.dtype != self.numpy_type or self.text:
            value = self._converted(value)
        raw = self.raw
        if raw is not None and value.shape != raw:
            if len(value.shape) != len(raw) or any(
                w is not None and w != h for w, h in zip(raw, value.shape, strict=True)
            ):
                raise self._wrong_shape(value)
        return value

    def _converted(self, value: object) -> Any:
        tensor = self.tensor
        if isinstance(value, Tensor):
            raise TypeError(
                "The value of a feed cannot be a tf.Tensor object. Acceptable feed "
                "values include Python scalars, strings, lists, numpy ndarrays, or "
                "TensorHandles. For reference, the tensor object was "
                f"{value} which was passed to the feed with key {tensor}."
            )
        if isinstance(value, int) and self._loses(value):
            raise TypeError(
                f"Type of feed value {value} with type {type(value)} is not compatible "
                f"with Tensor type {tensor.dtype.base_dtype.as_numpy_dtype}. Try "
                "explicitly setting the type of the feed tensor to a larger type (e.g. "
                "int64)."
            )
        if self.text:
            return make_array(_text_array(value), dtypes.string)[0]
        if tensor.dtype.base_dtype in (dtypes.resource, dtypes.variant):
            return value
        try:
            return np.asarray(value, dtype=self.numpy_type)
        except OverflowError:
            if self.numpy_type.kind not in "iu":
                raise
            return low_bits(value, self.numpy_type)

    def _loses(self, value: int) -> bool:
        """Whether an integer is another number, or none, as the tensor's dtype.

        Raises:
          OverflowError: no integer of 64 bits is this one.
        """
        if self.numpy_type.kind == "O":
            return True
        try:
            return bool(self.numpy_type.type(value) != value)
        except OverflowError:
            low_bits(value, self.numpy_type)
            return True

    def _wrong_shape(self, value: np.ndarray) -> ValueError:
        tensor = self.tensor
        return ValueError(
            message(
                f"Cannot feed value of shape {value.shape!r} for Tensor "
                f"{tensor.name!r}, which has shape {str(tensor.shape)!r}",
                at=f"{tensor.name}, made in {tensor.op.where}",
            )
        )


def _text_array(value: object) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in "US":
        return value.astype(object)
    return value


def flat_feeds(graph: Graph, feed_dict: FeedDict | None) -> dict[Tensor, Any]:
    """The tensors that a feed_dict feeds, with the values given for them.

    Raises:
      TypeError: a key is no tensor of the graph.
      ValueError: a tensor may not be fed, or a structure does not fit its value.
    """
    flat: dict[Tensor, Any] = {}
    if feed_dict and not isinstance(feed_dict, Mapping):
        raise TypeError("input must be a dictionary")
    for key, value in (feed_dict or {}).items():
        for part, part_value in _flat_pairs(key, value):
            expand: Callable[..., Any] | None = feed_function_of(part)
            pairs = [(part, part_value)] if expand is None else expand(part, part_value)
            for element, element_value in pairs:
                flat[feed_tensor(graph, element)] = element_value
    return flat


def feed_tensor(graph: Graph, key: object) -> Tensor:
    """The tensor that a key of a feed_dict names or is.

    Raises:
      TypeError: it is no tensor of the graph.
      ValueError: the tensor may not be fed.
    """
    try:
        tensor = graph.as_graph_element(key, allow_operation=False)
    except Exception as error:
        text = error.args[0] if error.args else ""
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {text}") from None
    if not graph.is_feedable(tensor):
        raise ValueError(f"Tensor {tensor} may not be fed.")
    return tensor


def _flat_pairs(key: Any, value: Any) -> list[tuple[Any, Any]]:
    """A key that is a nest of tensors, fed by a like nest, taken apart."""
    if not isinstance(key, (tuple, list)) or hasattr(key, "_as_graph_element"):
        return [(key, value)]
    if len(key) != len(value):
        raise ValueError(
            f"Could not flatten dictionary. Key had {len(key)} elements, but value had "
            f"{len(value)} elements. Key: {key}, value: {value}."
        )
    pairs = zip(key, value, strict=True)
    return [pair for part, inner in pairs for pair in _flat_pairs(part, inner)]
