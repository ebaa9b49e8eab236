"""TensorFlow's protocol messages that tensorboard lacks, made from `messages.txt`.

`Example`, `SavedModel`, the records of checkpoints and others. Some of their fields
hold tensorboard's copies. The bytes are those of TensorFlow; the package has a name of
its own, so that a TensorFlow or tensorboard in the same process is not disturbed.

Every message is an attribute of this module, an enum's values too, as in a module that
protobuf's compiler writes.
"""

from __future__ import annotations

import importlib
import os
import re
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from retrograd.graph.hooks import hooks

if TYPE_CHECKING:
    from retrograd.typing import Message

_PACKAGE = "retrograd"
_FILE = "retrograd/formats/messages.proto"
_FIELD = re.compile(r"(\w+):(map<)?([\w.]+)>?(\*)?(?:\|(\w+))?=(\d+)")
# Messages and enums of tensorboard that fields here refer to, and their files.
_ELSEWHERE = {
    "AttrValue": "attr_value",
    "ClusterDef": "cluster",
    "ConfigProto": "config",
    "DataType": "types",
    "MetaGraphDef": "meta_graph",
    "TensorProto": "tensor",
    "TensorShapeProto": "tensor_shape",
    "VersionDef": "versions",
}
_Field = descriptor_pb2.FieldDescriptorProto


def _lines() -> list[str]:
    path = os.path.join(os.path.dirname(__file__), "messages.txt")
    with open(path, encoding="utf-8") as stream:
        text = stream.read().replace("\n+ ", " ")
    return [line for line in text.splitlines() if not line.startswith("#")]


class _Builder:
    """Collects the descriptions of all messages into one file description."""

    def __init__(self) -> None:
        self.file = descriptor_pb2.FileDescriptorProto(
            name=_FILE, package=_PACKAGE, syntax="proto3"
        )
        for file in _ELSEWHERE.values():
            importlib.import_module(f"tensorboard.compat.proto.{file}_pb2")
            self.file.dependency.append(f"tensorboard/compat/proto/{file}.proto")
        self.enums = {"DataType"}
        self.made: dict[str, Any] = {}

    def parent(self, dotted: str) -> tuple[Any, str]:
        """The description that holds a message or enum, and its name there."""
        outer, _, name = dotted.rpartition(".")
        return (self.message(outer) if outer else self.file), name

    def message(self, dotted: str) -> Any:
        """The description of a message, made if need be."""
        if dotted not in self.made:
            parent, name = self.parent(dotted)
            nested = parent.nested_type if "." in dotted else parent.message_type
            self.made[dotted] = nested.add(name=name)
        return self.made[dotted]

    def enum(self, dotted: str, values: list[str]) -> None:
        """Describe an enum."""
        parent, name = self.parent(dotted)
        description = parent.enum_type.add(name=name)
        for value in values:
            key, _, number = value.partition("=")
            description.value.add(name=key, number=int(number))
        self.enums.add(dotted)

    def field(self, dotted: str, text: str) -> None:
        """Describe a field of a message."""
        match = _FIELD.fullmatch(text)
        assert match is not None, text
        name, mapped, kind, repeated, group, number = match.groups()
        message = self.message(dotted)
        field = message.field.add(name=name, number=int(number))
        field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
        if mapped:
            entry = name.title().replace("_", "") + "Entry"
            self.map_entry(message.nested_type.add(name=entry), kind)
            field.label = _Field.LABEL_REPEATED
            kind = f"{dotted}.{entry}"
        self.set_type(field, kind)
        if group:
            groups = [declared.name for declared in message.oneof_decl]
            if group not in groups:
                message.oneof_decl.add(name=group)
                groups.append(group)
            field.oneof_index = groups.index(group)

    def map_entry(self, entry: Message, kind: str) -> None:
        """Describe the pairs of a map with text keys."""
        entry.options.map_entry = True
        for number, (name, of) in enumerate((("key", "string"), ("value", kind)), 1):
            field = entry.field.add(name=name, number=number)
            field.label = _Field.LABEL_OPTIONAL
            self.set_type(field, of)

    def set_type(self, field: Message, kind: str) -> None:
        """Give a field its type: a scalar, an enum or a message."""
        scalar = _Field.Type.DESCRIPTOR.values_by_name.get(f"TYPE_{kind.upper()}")
        if scalar is not None:
            field.type = scalar.number
        else:
            field.type = _Field.TYPE_ENUM if kind in self.enums else _Field.TYPE_MESSAGE
            package = "tensorboard" if kind in _ELSEWHERE else _PACKAGE
            field.type_name = f".{package}.{kind}"


def _described() -> Any:
    builder = _Builder()
    for line in _lines():
        dotted, *rest = line.split()
        if dotted == "enum":
            builder.enum(rest[0], rest[1:])
        else:
            builder.message(dotted)
            for text in rest:
                builder.field(dotted, text)
    return builder.file


def _make() -> dict[str, Any]:
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(_described().SerializeToString())
    descriptor = pool.FindFileByName(_FILE)
    found: dict[str, Any] = {"DESCRIPTOR": descriptor}
    for name, message in descriptor.message_types_by_name.items():
        found[name] = message_factory.GetMessageClass(message)
        found[name].__module__ = __name__
    for name, enum in descriptor.enum_types_by_name.items():
        found[name] = EnumTypeWrapper(enum)
        found.update({value.name: value.number for value in enum.values})
    return found


globals().update(_make())
hooks.provide(record_message=globals().__getitem__)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"No protocol message is called {name}.")
