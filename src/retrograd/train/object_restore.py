"""Restoring a checkpoint of objects: which of its nodes are which objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.graph.defaults import device
from retrograd.platform import logs
from retrograd.train.object_graph import saveables_of
from retrograd.train.saveable import SaveableObject
from retrograd.train.saver_builder import restored_values
from retrograd.util.identity import ObjectIdentitySet
from retrograd.util.tracking import Trackable, defer

if TYPE_CHECKING:
    from retrograd.formats.checkpoint_reader import CheckpointReader
    from retrograd.typing import Message


class Position:
    """A node of a checkpoint, for an object that does not exist yet."""

    def __init__(self, restoration: Restoration, node: int) -> None:
        self._restoration = restoration
        self._node = node

    def restore(self, value: Trackable) -> None:
        """The object is there: give it its values."""
        self._restoration.restore(value, self._node)


class Restoration:
    """What of a checkpoint has found its objects.

    Args:
      path: the checkpoint.
      proto: its TrackableObjectGraph.
      reader: its reader.

    Attributes:
      matched: objects by their nodes.
      operations: in a graph, what gives the objects their values.
      unused: attributes that are in the checkpoint, and not in an object.
    """

    def __init__(self, path: str, proto: Message, reader: CheckpointReader) -> None:
        self._path = path
        self.proto: Any = proto
        self._reader = reader
        self.matched: dict[int, Any] = {}
        self.operations: list[Any] = []
        self.unused: dict[int, list[str]] = {}
        #: slots by the nodes of their variables: optimizer's node, name, slot's node
        self._slots: dict[int, list[tuple[int, str, int]]] = {}
        for number, node in enumerate(self.proto.nodes):
            for slot in node.slot_variables:
                self._slots.setdefault(slot.original_variable_node_id, []).append(
                    (number, slot.slot_name, slot.slot_variable_node_id)
                )

    def restore(self, value: Trackable, number: int) -> None:
        """Give an object, and what it depends on, the values of a node."""
        saveables: list[SaveableObject] = []
        pending: list[tuple[Any, int]] = [(value, number)]
        with context.init_scope():  # objects may be made while a function is traced
            while pending:
                known, node = pending.pop(0)
                if self._match(known, node):
                    saveables += self._values(known, node)
                    pending += self._children(known, node)
                    pending += self._slots_around(known, node)
            self._assign(saveables)

    def _match(self, value: Trackable, number: int) -> bool:
        """Note that a node is an object; whether that is news."""
        known = self.matched.setdefault(number, value)
        if known is value:
            noted = value.__dict__.setdefault("_self_restorations", [])
            news = not any(one is self and n == number for one, n in noted)
            if news:
                noted.append((self, number))
            return news
        logs.warning(
            "Inconsistent references when loading the checkpoint into this object "
            "graph. Either the Trackable object references in the Python program have "
            "changed in an incompatible way, or the checkpoint was generated in an "
            "incompatible program.\n\nTwo checkpoint references resolved to different "
            "objects (%s and %s).",
            known,
            value,
        )
        return False

    def _values(self, value: Trackable, number: int) -> list[SaveableObject]:
        found = []
        for attribute in self.proto.nodes[number].attributes:
            key = attribute.checkpoint_key
            saveables = saveables_of(value, attribute.name, key)
            if not saveables:
                self.unused.setdefault(number, []).append(attribute.name)
            found += [
                s
                for s in saveables
                if not s.optional_restore
                or all(self._reader.has_tensor(spec.name) for spec in s.specs)
            ]
        return found

    def _children(self, value: Trackable, number: int) -> list[tuple[Any, int]]:
        found = []
        for child in self.proto.nodes[number].children:
            existing = value._lookup_dependency(child.local_name)
            if existing is None:
                defer(value, child.local_name, Position(self, child.node_id))
            else:
                found.append((existing, child.node_id))
        return found

    def _slots_around(self, value: Trackable, number: int) -> list[tuple[Any, int]]:
        """The slots of a variable, or of an optimizer, that are there."""
        rows = [(number, row) for row in self._slots.get(number, ())]
        rows += [
            (original, row)
            for original, slots in self._slots.items()
            for row in slots
            if row[0] == number
        ]
        found = []
        for original, (owner, name, node) in rows:
            optimizer, variable = self.matched.get(owner), self.matched.get(original)
            if optimizer is None or variable is None:
                continue
            slot = _slot(optimizer, variable, name)
            if slot is None:
                optimizer._defer_slot(name, variable, Position(self, node))
            else:
                found.append((slot, node))
        return found

    def _assign(self, saveables: list[SaveableObject]) -> None:
        """Read the values, and give them: at once, or when the operations run."""
        if not saveables:
            return
        specs = [spec for saveable in saveables for spec in saveable.specs]
        with context.init_scope(), device("/cpu:0"):
            values = restored_values(self._path, specs)
        with context.init_scope():
            for saveable in saveables:
                count = len(saveable.specs)
                done = saveable.restore(values[:count], None)
                values = values[count:]
                if not context.executing_eagerly():
                    self.operations.append(done)

    # ------------------------------------------------------------------ questions

    def objects(self) -> ObjectIdentitySet:
        """The objects that were found."""
        return ObjectIdentitySet(self.matched.values())


def _slot(optimizer: Any, variable: Any, name: str) -> Any:
    """The slot of a name; one of Keras' optimizers makes it, if it is not there."""
    try:
        return optimizer.get_slot(variable, name)
    except KeyError:
        return optimizer.add_slot(variable, name)
