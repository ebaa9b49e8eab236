"""What a caller may fetch: structures of tensors, operations and names, taken apart."""

from __future__ import annotations

import collections.abc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.composite import (
    IndexedSlices,
    IndexedSlicesValue,
    SparseTensor,
    SparseTensorValue,
)
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation

if TYPE_CHECKING:
    from retrograd.typing import Fetchable

#: (type, fetch function, feed function, feed function for partial runs)
_expansions: list[tuple[type, Any, Any, Any]] = []


def register_session_run_conversion_functions(
    tensor_type: type,
    fetch_function: Callable[[Any], Any],
    feed_function: Callable[..., Any] | None = None,
    feed_function_for_partial_run: Callable[..., Any] | None = None,
) -> None:
    """Let sessions take values of another type apart into tensors.

    Args:
      tensor_type: the type.
      fetch_function: `value -> (list of fetches, list of results -> result)`.
      feed_function: `(value, fed) -> list of (tensor, value)`.
      feed_function_for_partial_run: `value -> list of tensors`.

    Raises:
      ValueError: the type is registered already.
    """
    for kind, *_ in _expansions:
        if issubclass(kind, tensor_type):
            raise ValueError(f"{tensor_type} has already been registered so ignore it.")
    _expansions.insert(
        0, (tensor_type, fetch_function, feed_function, feed_function_for_partial_run)
    )


def partial_feed_function_of(key: object) -> Callable[..., Any] | None:
    """How a tensor to feed in a partial run is taken apart; None where it is not."""
    for kind, _, _, feed in _expansions:
        if isinstance(key, kind):
            return feed
    return None


def feed_function_of(key: object) -> Callable[..., Any] | None:
    """How a feed with this key is taken apart into tensors; None where it is not."""
    for kind, _, feed, _ in _expansions:
        if isinstance(key, kind):
            return feed
    return None


def _first(results: Sequence[Any]) -> Any:
    return results[0]


def _sparse_parts(value: Any) -> list[Any]:
    return [value.indices, value.values, value.dense_shape]


def _slices_parts(value: IndexedSlices) -> list[Any]:
    parts = [value.values, value.indices]
    return parts if value.dense_shape is None else [*parts, value.dense_shape]


def _slices_value(results: Sequence[Any]) -> IndexedSlicesValue:
    values, indices, *shape = results
    return IndexedSlicesValue(values, indices, shape[0] if shape else None)


register_session_run_conversion_functions(
    object, lambda fetch: ([fetch], _first), lambda key, value: [(key, value)]
)
register_session_run_conversion_functions(
    SparseTensor,
    lambda fetch: (_sparse_parts(fetch), lambda r: SparseTensorValue(*r)),
    lambda key, value: list(zip(_sparse_parts(key), value, strict=False)),
    _sparse_parts,
)
register_session_run_conversion_functions(
    IndexedSlices,
    lambda fetch: (_slices_parts(fetch), _slices_value),
    lambda key, value: list(zip(_slices_parts(key), value, strict=False)),
    _slices_parts,
)


class Fetches:
    """A structure of fetches: the graph elements in it, and how to rebuild it.

    Attributes:
      elements: the distinct tensors and operations, in order.
    """

    def __init__(self, graph: Graph, structure: Fetchable) -> None:
        self.graph = graph
        self.elements: list[Any] = []
        self._position: dict[Any, int] = {}
        self.rebuild = self._build(structure)

    def _build(self, fetch: Fetchable) -> Callable[[Sequence[Any]], Any]:
        """A function from the values of `elements` to the structure of results."""
        if fetch is None:
            raise TypeError(
                f"Fetch argument {fetch!r} has invalid type {type(fetch)!r}"
            )
        if isinstance(fetch, (list, tuple)):
            parts = [self._build(f) for f in fetch]
            if isinstance(fetch, list):
                return lambda values: [p(values) for p in parts]
            kind: Any = type(fetch)
            if hasattr(fetch, "_fields"):
                return lambda values: kind(*[p(values) for p in parts])
            return lambda values: tuple([p(values) for p in parts])
        if isinstance(fetch, collections.abc.Mapping):
            named = {key: self._build(value) for key, value in fetch.items()}
            make: Any = type(fetch)
            if isinstance(fetch, collections.defaultdict):
                make = lambda items: collections.defaultdict(  # noqa: E731
                    fetch.default_factory, items
                )
            return lambda values: make([(k, p(values)) for k, p in named.items()])
        if hasattr(type(fetch), "__attrs_attrs__"):
            kind = type(fetch)
            names = [a.name for a in kind.__attrs_attrs__]
            attrs = [self._build(getattr(fetch, n)) for n in names]
            return lambda values: kind(*[p(values) for p in attrs])
        return self._element(fetch)

    def _element(self, fetch: Fetchable) -> Callable[[Sequence[Any]], Any]:
        for kind, function, _, _ in _expansions:
            if isinstance(fetch, kind):
                parts, contract = function(fetch)
                break
        else:  # object is registered
            raise AssertionError
        indices = [self._index(part, fetch) for part in parts]
        if contract is _first:
            index = indices[0]
            return lambda values: values[index]
        return lambda values: contract([values[i] for i in indices])

    def _index(self, part: object, fetch: Fetchable) -> int:
        try:
            element = self.graph.as_graph_element(
                part, allow_tensor=True, allow_operation=True
            )
        except TypeError as error:
            raise TypeError(
                f"Fetch argument {fetch!r} has invalid type {type(fetch)!r}, must be a "
                f"string or Tensor. ({error})"
            ) from None
        except (ValueError, KeyError) as error:
            raise ValueError(
                f"Fetch argument {fetch!r} cannot be interpreted as a Tensor. ({error})"
            ) from None
        if not self.graph.is_fetchable(element):
            name = element.name
            raise ValueError(f"Operation {name!r} has been marked as not fetchable.")
        index = self._position.get(element)
        if index is None:
            index = self._position[element] = len(self.elements)
            self.elements.append(element)
        return index

    @property
    def tensors(self) -> list[Any]:
        """The elements that have a value."""
        return [e for e in self.elements if not isinstance(e, Operation)]
