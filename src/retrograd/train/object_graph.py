"""The objects below one, as a checkpoint of objects knows them: by paths of names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.train.saveable import (
    SaveableObject,
    SaveSpec,
    gather_saveables,
    saveable_objects_for_op,
)
from retrograd.util import protos
from retrograd.util.identity import ObjectIdentityDictionary
from retrograd.util.tracking import Trackable

if TYPE_CHECKING:
    from retrograd.typing import Message

#: the name under which a checkpoint holds its TrackableObjectGraph
OBJECT_GRAPH_PROTO_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_ATTRIBUTES = ".ATTRIBUTES"
_SLOTS = ".OPTIMIZER_SLOT"


def _escaped(name: str) -> str:
    """A name as a part of a path."""
    return name.replace(".", "..").replace("/", ".S")


class Slot:
    """A slot of a variable, that an optimizer has."""

    def __init__(
        self,
        optimizer: Trackable,
        name: str,
        original: Trackable,
        variable: Trackable,
    ) -> None:
        self.optimizer = optimizer
        self.name = name
        self.original = original
        self.variable = variable


class ObjectGraph:
    """All objects that one depends on, directly or not, nearest first.

    Args:
      root: the object.

    Attributes:
      objects: the objects, `root` first; slots of optimizers are not among them.
      paths: for each object the names that lead to it.
      slots: the slots of optimizers among them.
    """

    def __init__(self, root: Trackable) -> None:
        self.root = root
        self.objects: list[Any] = [root]
        self.paths = ObjectIdentityDictionary()
        self.paths[root] = ()
        at = 0
        while at < len(self.objects):
            known = self.objects[at]
            for name, ref in known._checkpoint_dependencies:
                if ref not in self.paths:
                    self.paths[ref] = (*self.paths[known], name)
                    self.objects.append(ref)
            at += 1
        self.slots = list(self._find_slots())

    def _find_slots(self) -> Iterator[Slot]:
        for optimizer in self.objects:
            if not hasattr(optimizer, "get_slot_names"):
                continue
            for name in optimizer.get_slot_names():
                for original in self.objects:
                    if not hasattr(original, "_shared_name"):
                        continue
                    try:
                        variable = optimizer.get_slot(original, name)
                    except KeyError:  # Keras' optimizers say so of a slot that is none
                        continue
                    if variable is not None:
                        yield Slot(optimizer, name, original, variable)

    def name_of(self, value: Trackable) -> str:
        """The path of an object as text; nothing for the root."""
        return "/".join(_escaped(name) for name in self.paths[value])

    def everything(self) -> list[Any]:
        """All objects, slots too."""
        return [*self.objects, *(slot.variable for slot in self.slots)]

    def serialized(self) -> tuple[Any, list[SaveableObject]]:
        """The TrackableObjectGraph, and what is to be saved under its keys."""
        proto = protos.message("trackable_object_graph.TrackableObjectGraph")()
        ids = ObjectIdentityDictionary()
        names = [self.name_of(value) for value in self.objects]
        for slot in self.slots:
            parts = (
                self.name_of(slot.original),
                _SLOTS,
                self.name_of(slot.optimizer),
                _escaped(slot.name),
            )
            names.append("/".join(parts))
        for number, value in enumerate(self.everything()):
            ids[value] = number
            proto.nodes.add()
        for slot in self.slots:
            proto.nodes[ids[slot.optimizer]].slot_variables.add(
                original_variable_node_id=ids[slot.original],
                slot_name=slot.name,
                slot_variable_node_id=ids[slot.variable],
            )
        saveables: list[SaveableObject] = []
        for value, name, node in zip(
            self.everything(), names, proto.nodes, strict=True
        ):
            for child, ref in value._checkpoint_dependencies:
                node.children.add(node_id=ids[ref], local_name=child)
            saveables += _described(value, name, node)
        return proto, saveables


def key_of(name: str, attribute: str) -> str:
    """The key of an object's attribute in a checkpoint."""
    return f"{name}/{_ATTRIBUTES}/{_escaped(attribute)}"


def saveables_of(value: Trackable, attribute: str, key: str) -> list[SaveableObject]:
    """What an object saves for an attribute; nothing if it has no such attribute."""
    factory = gather_saveables(value).get(attribute)
    if factory is None:
        return []
    part: Any = factory
    if callable(factory) and not isinstance(factory, Trackable):
        part = factory(name=key)
    return list(saveable_objects_for_op(part, key))


def _described(value: Trackable, name: str, node: Message) -> list[SaveableObject]:
    """Add an object's attributes to its node; what is saved for them."""
    found = []
    for attribute in gather_saveables(value):
        key = key_of(name, attribute)
        message = node.attributes.add(name=attribute, checkpoint_key=key)
        message.full_name = full_name(value)
        found += saveables_of(value, attribute, key)
    return found


def full_name(value: object) -> str:
    """The name by which a checkpoint without objects knows a variable."""
    info = getattr(value, "_save_slice_info", None)
    if info:
        return info.full_name
    return getattr(value, "_shared_name", "")


class ConstantSaveable(SaveableObject):
    """Bytes that are saved with the objects, and not restored."""

    def __init__(self, make: Callable[[], Any], name: str) -> None:
        spec = SaveSpec(make, "", name, dtype=dtypes.string, device="cpu:0")
        super().__init__(make, [spec], name)
