"""Python structures as StructuredValue messages: what SavedModels say of arguments."""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.formats.node import tensor_value
from retrograd.graph.composite import IndexedSlicesSpec, SparseTensorSpec
from retrograd.graph.specs import TensorSpec, TypeSpec
from retrograd.graph.tensor import Tensor
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Message, Structure

#: specs of composite tensors, by their numbers in the message
_SPECS = {1: SparseTensorSpec, 2: IndexedSlicesSpec}


class NotEncodableError(Exception):
    """A structure holds what no message can say."""


def encode(structure: Structure) -> Any:
    """The message for a structure.

    Raises:
      NotEncodableError: it holds what no message can say.
    """
    value = protos.message("struct.StructuredValue")()
    _encode(structure, value)
    return value


def _encode(item: Structure, value: Message) -> None:
    """Write one thing into a message."""
    if item is None:
        value.none_value.SetInParent()
    elif isinstance(item, bool):
        value.bool_value = item
    elif isinstance(item, int):
        value.int64_value = item
    elif isinstance(item, float):
        value.float64_value = item
    elif isinstance(item, (str, bytes)):
        value.string_value = item.decode() if isinstance(item, bytes) else item
    elif isinstance(item, shapes.TensorShape):
        value.tensor_shape_value.CopyFrom(item.as_proto())
    elif isinstance(item, dtypes.DType):
        value.tensor_dtype_value = item.as_datatype_enum
    elif isinstance(item, (TypeSpec, Tensor)):
        _encode_spec(item, value)
    else:
        _encode_container(item, value)


def _encode_spec(item: Structure, value: Message) -> None:
    if isinstance(item, (TensorSpec, Tensor)):
        found = value.tensor_spec_value
        found.shape.CopyFrom(item.shape.as_proto())
        found.dtype = item.dtype.base_dtype.as_datatype_enum
        name = None if isinstance(item, Tensor) else item.name
        found.name = name or ""
        return
    for number, kind in _SPECS.items():
        if type(item) is kind:
            value.type_spec_value.type_spec_class = number
            value.type_spec_value.type_spec_class_name = kind.__name__
            _encode(item._serialize(), value.type_spec_value.type_state)
            return
    raise NotEncodableError(f"No encoder for object [{item}] of type [{type(item)}].")


def _encode_container(item: Structure, value: Message) -> None:
    """Write a list, a tuple or a dictionary into a message."""
    fields = getattr(item, "_fields", None)
    if isinstance(item, tuple) and fields is not None:
        value.named_tuple_value.name = type(item).__name__
        for key in fields:
            pair = value.named_tuple_value.values.add(key=key)
            _encode(getattr(item, key), pair.value)
    elif isinstance(item, (list, tuple)):
        name = "list_value" if isinstance(item, list) else "tuple_value"
        found = getattr(value, name)
        found.SetInParent()
        for one in item:
            _encode(one, found.values.add())
    elif isinstance(item, Mapping) and all(isinstance(key, str) for key in item):
        value.dict_value.SetInParent()
        for key, one in item.items():
            _encode(one, value.dict_value.fields[key])
    else:
        raise NotEncodableError(
            f"No encoder for object [{item}] of type [{type(item)}]."
        )


@functools.cache
def _named(name: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(name, fields)


def decode(value: Message) -> Any:
    """The structure of a message.

    Raises:
      ValueError: it holds what is not known here.
    """
    kind: Any = value.WhichOneof("kind")
    held = getattr(value, kind) if kind else None
    if kind == "none_value":
        return None
    if kind in ("int64_value", "float64_value", "bool_value", "string_value"):
        return held
    reader = _READERS.get(kind)
    if reader is None:
        raise ValueError(f"No decoder for structured value [{value}].")
    return reader(held)


def _shape(message: Message) -> shapes.TensorShape:
    given: Any = message
    return shapes.TensorShape(given)


def _tensor_spec(message: Message) -> TensorSpec:
    return TensorSpec(
        _shape(message.shape), dtypes.as_dtype(message.dtype), message.name or None
    )


def _type_spec(message: Message) -> Any:
    kind = _SPECS.get(message.type_spec_class)
    if kind is None:
        name = message.type_spec_class_name or message.type_spec_class
        raise ValueError(f"The type '{name}' is not supported by this version.")
    return kind._deserialize(decode(message.type_state))


def _named_tuple(message: Message) -> Any:
    pairs = [(pair.key, decode(pair.value)) for pair in message.values]
    kind = _named(message.name, tuple(key for key, _ in pairs))
    return kind(*(held for _, held in pairs))


_READERS = {
    "tensor_shape_value": _shape,
    "tensor_dtype_value": dtypes.as_dtype,
    "tensor_spec_value": _tensor_spec,
    "bounded_tensor_spec_value": _tensor_spec,
    "type_spec_value": _type_spec,
    "list_value": lambda held: [decode(one) for one in held.values],
    "tuple_value": lambda held: tuple(decode(one) for one in held.values),
    "dict_value": lambda held: {k: decode(held.fields[k]) for k in held.fields},
    "named_tuple_value": _named_tuple,
    "tensor_value": tensor_value,
    "numpy_value": tensor_value,
}
