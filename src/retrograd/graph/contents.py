"""What a graph holds: its operations by name, and named collections of anything."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor


class GraphContents:
    """The part of a graph in which things are looked up."""

    _by_name: dict[str, Operation]
    _ops: list[Operation]
    _collections: dict[Any, list[Any]]

    def _check_not_finalized(self) -> None:
        raise NotImplementedError

    # ------------------------------------------------------------------ collections

    def add_to_collection(self, name: Hashable, value: object) -> None:
        """Append `value` to the collection `name`."""
        self._check_not_finalized()
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Iterable[Hashable], value: object) -> None:
        """Append `value` to each collection, once where a name is repeated."""
        names = (names,) if isinstance(names, str) else dict.fromkeys(names)
        for name in names:
            self.add_to_collection(name, value)

    def get_collection_ref(self, name: Hashable) -> list[Any]:
        """The list itself of the collection `name`, made if need be."""
        return self._collections.setdefault(name, [])

    def get_collection(self, name: Hashable, scope: str | None = None) -> list[Any]:
        """A copy of a collection.

        Args:
          name: the collection.
          scope: a regular expression; only items whose name it matches from the start.
        """
        items = self._collections.get(name, [])
        if scope is None:
            return list(items)
        import re

        pattern = re.compile(scope)
        return [i for i in items if hasattr(i, "name") and pattern.match(i.name)]

    def get_all_collection_keys(self) -> list[Any]:
        """The names of all collections."""
        return [key for key in self._collections if isinstance(key, str)]

    @property
    def collections(self) -> list[Any]:
        """The names of all collections."""
        return list(self._collections)

    def clear_collection(self, name: Hashable) -> None:
        """Empty the collection `name`."""
        self._check_not_finalized()
        self._collections.pop(name, None)

    # ------------------------------------------------------------------ look-up

    def as_graph_element(
        self, obj: object, allow_tensor: bool = True, allow_operation: bool = True
    ) -> Any:
        """The tensor or operation that `obj` names or is.

        Args:
          obj: a tensor, an operation, a name, or what has `_as_graph_element`.
          allow_tensor: whether a tensor may be meant.
          allow_operation: whether an operation may be meant.

        Raises:
          TypeError: `obj` is nothing of the kind.
          KeyError: no such name.
          ValueError: it belongs to another graph, or the name is not well formed.
        """
        if allow_tensor and allow_operation:
            kinds = "Tensor or Operation"
        elif allow_tensor:
            kinds = "Tensor"
        elif allow_operation:
            kinds = "Operation"
        else:
            raise ValueError("allow_tensor and allow_operation can't both be False.")
        element = graph_element(obj)
        if isinstance(element, bytes):
            element = element.decode()
        if isinstance(element, str):
            return self._element_by_name(element, allow_tensor, allow_operation)
        kind_ok = (allow_tensor and isinstance(element, Tensor)) or (
            allow_operation and isinstance(element, Operation)
        )
        if not kind_ok:
            what = type(obj).__name__
            raise TypeError(f"Can not convert a {what} into a {kinds}.")
        if element.graph is not self:
            shown = element if isinstance(element, Tensor) else repr(element)
            kind = "Tensor" if isinstance(element, Tensor) else "Operation"
            raise ValueError(f"{kind} {shown} is not an element of this graph.")
        return element

    def _element_by_name(self, name: str, tensor: bool, operation: bool) -> Any:
        if ":" in name and tensor:
            op_name, _, number = name.partition(":")
            try:
                index = int(number)
            except ValueError:
                raise ValueError(
                    f"The name {name!r} looks a like a Tensor name, but is not a "
                    "valid one. Tensor names must be of the form "
                    '"<op_name>:<output_index>".'
                ) from None
            op = self._by_name.get(op_name)
            if op is None:
                raise KeyError(
                    f"The name {name!r} refers to a Tensor which does not exist. The "
                    f"operation, {op_name!r}, does not exist in the graph."
                )
            if not 0 <= index < len(op._outputs):
                raise KeyError(
                    f"The name {name!r} refers to a Tensor which does not exist. The "
                    f"operation, {op_name!r}, exists but only has "
                    f"{len(op._outputs)} outputs."
                )
            return op._outputs[index]
        if ":" in name:
            raise ValueError(
                f"Name {name!r} appears to refer to a Tensor, not a Operation."
            )
        if not operation:
            exists = name in self._by_name
            raise ValueError(
                f"The name {name!r} refers to an Operation, not a Tensor. Tensor names "
                'must be of the form "<op_name>:<output_index>".'
                if exists
                else f"The name {name!r} looks like an (invalid) Operation name, not a "
                'Tensor. Tensor names must be of the form "<op_name>:<output_index>".'
            )
        if name not in self._by_name:
            raise KeyError(
                f"The name {name!r} refers to an Operation not in the graph."
            )
        return self._by_name[name]

    def get_operations(self) -> list[Operation]:
        """All operations, oldest first."""
        return list(self._ops)

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation called `name`.

        Raises:
          KeyError: there is none.
        """
        if not isinstance(name, str):
            raise TypeError(
                f"Operation names are strings (or similar), not {type(name).__name__}."
            )
        return self.as_graph_element(name, allow_tensor=False)

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor called `name`, as `operation:index`.

        Raises:
          KeyError: there is none.
          ValueError: it is not the name of a tensor.
        """
        if not isinstance(name, str):
            raise TypeError(
                f"Tensor names are strings (or similar), not {type(name).__name__}."
            )
        return self.as_graph_element(name, allow_operation=False)

    def _get_operation_by_name_unsafe(self, name: str) -> Operation:
        return self._by_name[name]

    @property
    def _nodes_by_name(self) -> dict[str, Operation]:
        return self._by_name

    @property
    def _nodes_by_id(self) -> dict[int, Operation]:
        return {op._id: op for op in self._ops}


def graph_element(obj: object) -> Any:
    """What an object of a layer above stands for in a graph."""
    convert: Callable[[], Any] | None = getattr(obj, "_as_graph_element", None)
    return convert() if convert is not None else obj
