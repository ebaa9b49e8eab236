"""Operations and graphs as TensorFlow's protocol messages, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import opdef
from retrograd.graph.function import CALLEE, FuncGraph
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.stored_tensor import StoredTensor
from retrograd.graph.tensor import RawShape
from retrograd.graph.unbuilt import UnbuiltFunction
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import DeviceLike, Message


def shape_proto(raw: RawShape) -> Any:
    """A raw shape as a TensorShapeProto."""
    TensorShapeProto = protos.message("tensor_shape.TensorShapeProto")
    if raw is None:
        return TensorShapeProto(unknown_rank=True)
    sizes = [-1 if d is None else int(d) for d in raw]
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=d) for d in sizes])


def shape_from(proto: Message) -> RawShape:
    """The raw shape of a TensorShapeProto; sizes below −1 stay, which no tensor has."""
    if proto.unknown_rank:
        return None
    return tuple([None if d.size == -1 else d.size for d in proto.dim])


def tensor_proto(value: np.ndarray, dtype: dtypes.DType) -> Any:
    """An array as a TensorProto."""
    from retrograd.ops.array.tensor_values import make_tensor_proto

    return make_tensor_proto(value, dtype)


def tensor_value(proto: Message, dtype: dtypes.DType | None = None) -> Any:
    """The value of a TensorProto: an array, or a StoredTensor (see `stored`)."""
    from retrograd.ops.array import stored

    return stored.tensor_value(proto, dtype)


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else value


def attr_value(kind: str, value: Any, attrs: dict[str, Any]) -> Any:
    """An attribute in memory form as an AttrValue of the given kind."""
    AttrValue = protos.message("attr_value.AttrValue")
    if kind.startswith("list("):
        return list_value(kind[5:-1], value)
    if kind == "tensor":
        return AttrValue(tensor=_tensor_attr(value, attrs.get("dtype")))
    if kind == "func":
        return AttrValue(func=_function_attr(value))
    field, convert = _FIELDS[kind]
    result = AttrValue()
    if kind == "shape":
        result.shape.CopyFrom(shape_proto(value))
    else:
        setattr(result, field, convert(value))
    return result


def _tensor_attr(value: object, dtype: dtypes.DType | None = None) -> Any:
    if isinstance(value, StoredTensor):
        return value.proto
    array = np.asarray(value, None if hasattr(value, "dtype") else np.int32)
    return tensor_proto(array, dtype or dtypes.as_dtype(array.dtype))


def _function_attr(value: object) -> Any:
    called = isinstance(value, (FuncGraph, UnbuiltFunction))
    name = value.function_name if called else str(value)
    return protos.message("attr_value.NameAttrList")(name=name)


_FIELDS: dict[str, Any] = {
    "tensor": ("tensor", _tensor_attr),
    "func": ("func", _function_attr),
    "int": ("i", int),
    "float": ("f", float),
    "bool": ("b", bool),
    "string": ("s", _bytes),
    "type": ("type", lambda v: v.as_datatype_enum),
    "shape": ("shape", shape_proto),
}


def list_value(kind: str, values: Iterable[Any]) -> Any:
    """A list in memory form as an AttrValue; `kind` is that of the elements."""
    result = protos.message("attr_value.AttrValue")()
    result.list.SetInParent()
    field, convert = _FIELDS[kind]
    getattr(result.list, field).extend([convert(v) for v in values])
    return result


def _kind_of(op_def: opdef.OpDef | None, name: str, value: object) -> str:
    """The kind of an attribute: by the signature, or by its value."""
    if op_def is not None and name in op_def.attrs:
        return op_def.attrs[name].kind
    if isinstance(value, list):
        return f"list({_kind_of(None, name, value[0]) if value else 'int'})"
    if isinstance(value, bool):
        return "bool"
    for kind, types in (
        ("int", int),
        ("float", float),
        ("type", dtypes.DType),
        ("tensor", (np.ndarray, StoredTensor)),
        ("func", (FuncGraph, UnbuiltFunction)),
        ("shape", tuple),
    ):
        if isinstance(value, types):
            return kind
    return "string"


def attr_proto(op: Operation, name: str) -> Any:
    """One attribute of an operation as an AttrValue."""
    value = op.attrs[name]
    if isinstance(value, protos.message("attr_value.AttrValue")):
        return value
    return attr_value(_kind_of(op._op_def, name, value), value, op.attrs)


def attr_to_user(op: Operation, name: str, value: Any) -> Any:
    """An attribute as `Operation.get_attr` returns it."""
    if isinstance(value, protos.message("attr_value.AttrValue")):
        value = attr_from_user(value)
    kind = _kind_of(op._op_def, name, value)
    if kind == "string":
        return _bytes(value)
    if kind == "list(string)":
        return [_bytes(v) for v in value]
    if kind == "shape":
        return shape_proto(value)
    if kind in ("list(shape)", "list(tensor)", "list(func)"):
        convert = _FIELDS[kind[5:-1]][1]
        return [convert(v) for v in value]
    if kind in ("tensor", "func"):
        return getattr(attr_value(kind, value, op.attrs), kind)
    return list(value) if isinstance(value, list) else value


def attr_from_user(value: Any) -> Any:
    """An attribute in memory form, from an AttrValue or a plain value."""
    if not hasattr(value, "SerializeToString"):
        return value
    kind = value.DESCRIPTOR.name
    if kind == "TensorProto":
        return tensor_value(value)
    if kind == "TensorShapeProto":
        return shapes.raw(value)
    if kind != "AttrValue":
        return value
    which = value.WhichOneof("value")
    if which == "list":
        return _list_from(value.list)
    return _scalar_from(which, getattr(value, which)) if which else None


def private_attr(value: Any) -> Any:
    """An attribute of no signature in memory form: as a message, if that says more."""
    which = value.WhichOneof("value")
    if which == "list":
        is_plain = not any(len(getattr(value.list, f)) for f in _STRUCTURED)
    else:
        is_plain = which is not None and which not in _STRUCTURED
    return attr_from_user(value) if is_plain else value


#: the fields of an AttrValue and of its lists that may hold what is of no valid form
_STRUCTURED = ("type", "shape", "tensor", "func")


def _scalar_from(which: str, content: Any) -> Any:
    if which == "type":
        return dtypes.as_dtype(content)
    if which == "shape":
        return shape_from(content)
    if which == "tensor":
        return tensor_value(content)
    if which == "func":
        return content.name
    if which == "s":
        try:
            return content.decode()
        except UnicodeDecodeError:
            return content
    return content


def _list_from(content: Message) -> list[Any]:
    for which in ("s", "i", "f", "b", "type", "shape", "tensor", "func"):
        items = getattr(content, which)
        if len(items):
            return [_scalar_from(which, item) for item in items]
    return []


def make_node_def(
    op_type: str,
    name: str,
    device: DeviceLike = None,
    attrs: dict[str, Any] | None = None,
) -> Any:
    """A NodeDef without inputs; `attrs` are AttrValue messages."""
    node = protos.message("node_def.NodeDef")(op=op_type, name=name)
    for key, value in (attrs or {}).items():
        node.attr[key].CopyFrom(value)
    if callable(device):
        node.device = device(node)
    elif device is not None:
        node.device = getattr(device, "to_string", lambda: device)()
    return node


def node_def(op: Operation) -> Any:
    """The NodeDef of an operation."""
    node = protos.message("node_def.NodeDef")(
        name=op.name, op=op.type, device=op.device
    )
    node.input.extend(t._as_node_def_input() for t in op.inputs)
    node.input.extend(f"^{c.name}" for c in op._control_inputs)
    for name in op.attrs:
        if name == CALLEE:
            continue
        if op.attrs[name] is not None or _kind_of(op._op_def, name, None) == "shape":
            node.attr[name].CopyFrom(attr_proto(op, name))
    return node


def _arg_proto(target: Message, arg: opdef.ArgDef) -> None:
    target.name = arg.name
    if arg.type is not None:
        target.type = arg.type.as_datatype_enum
    target.type_attr = arg.type_attr
    target.number_attr = arg.number_attr
    target.type_list_attr = arg.type_list_attr
    target.is_ref = arg.is_ref


def op_def_proto(op_def: opdef.OpDef | None) -> Any:
    """A signature as an OpDef."""
    result = protos.message("op_def.OpDef")()
    if op_def is None:
        return result
    result.name = op_def.name
    for arg in op_def.inputs:
        _arg_proto(result.input_arg.add(), arg)
    for arg in op_def.outputs:
        _arg_proto(result.output_arg.add(), arg)
    for attr in op_def.attrs.values():
        entry = result.attr.add(name=attr.name, type=attr.kind)
        if attr.has_default and attr.kind not in ("func", "tensor"):
            entry.default_value.CopyFrom(attr_value(attr.kind, attr.default, {}))
        if attr.minimum is not None:
            entry.has_minimum, entry.minimum = True, attr.minimum
        if attr.allowed is not None:
            kind = "type" if attr.kind in opdef.TYPE_ATTR_KINDS else "string"
            entry.allowed_values.CopyFrom(list_value(kind, attr.allowed))
    result.is_stateful = op_def.is_stateful
    result.is_commutative = op_def.is_commutative
    result.is_aggregate = op_def.is_aggregate
    result.allows_uninitialized_input = op_def.allows_uninitialized_input
    return result


def op_def_from(proto: Message) -> opdef.OpDef:
    """The signature that an OpDef message tells."""
    attrs: dict[str, opdef.AttrDef] = {}
    for attr in proto.attr:
        given = attr.allowed_values.list
        allowed = [*given.s, *map(dtypes.as_dtype, given.type)]
        attrs[attr.name] = opdef.AttrDef(
            attr.name,
            attr.type,
            attr_from_user(attr.default_value),
            attr.HasField("default_value"),
            tuple(allowed) or None,
            attr.minimum if attr.has_minimum else None,
        )
    return opdef.OpDef(
        proto.name,
        tuple(map(_arg_from, proto.input_arg)),
        tuple(map(_arg_from, proto.output_arg)),
        attrs,
        is_stateful=proto.is_stateful,
        calls=True,
    )


def _arg_from(arg: Message) -> opdef.ArgDef:
    return opdef.ArgDef(
        arg.name,
        dtypes.as_dtype(arg.type) if arg.type else None,
        arg.type_attr,
        arg.number_attr,
        arg.type_list_attr,
        arg.is_ref,
    )


hooks.provide(
    attr_to_user=attr_to_user,
    attr_from_user=attr_from_user,
    node_def=node_def,
    op_def_proto=op_def_proto,
)
