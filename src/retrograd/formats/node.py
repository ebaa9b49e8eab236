"""Operations and graphs as TensorFlow's protocol messages, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import opdef
from retrograd.graph.function import CALLEE, FuncGraph
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.util import protos


def shape_proto(raw: RawShape) -> Any:
    """A raw shape as a TensorShapeProto."""
    TensorShapeProto = protos.message("tensor_shape.TensorShapeProto")
    if raw is None:
        return TensorShapeProto(unknown_rank=True)
    sizes = [-1 if d is None else int(d) for d in raw]
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=d) for d in sizes])


def tensor_proto(value: np.ndarray, dtype: dtypes.DType) -> Any:
    """An array as a TensorProto."""
    from retrograd.ops.array.tensor_values import make_tensor_proto

    return make_tensor_proto(value, dtype)


def tensor_value(proto: Any) -> np.ndarray:
    """The array of a TensorProto."""
    from retrograd.ops.array.tensor_values import make_ndarray

    return make_ndarray(proto)


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


def _tensor_attr(value: Any, dtype: dtypes.DType | None = None) -> Any:
    array = np.asarray(value, None if hasattr(value, "dtype") else np.int32)
    return tensor_proto(array, dtype or dtypes.as_dtype(array.dtype))


def _function_attr(value: Any) -> Any:
    name = value.function_name if isinstance(value, FuncGraph) else str(value)
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


def list_value(kind: str, values: Any) -> Any:
    """A list in memory form as an AttrValue; `kind` is that of the elements."""
    result = protos.message("attr_value.AttrValue")()
    result.list.SetInParent()
    field, convert = _FIELDS[kind]
    getattr(result.list, field).extend([convert(v) for v in values])
    return result


def _kind_of(op_def: opdef.OpDef | None, name: str, value: Any) -> str:
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
        ("tensor", np.ndarray),
        ("func", FuncGraph),
        ("shape", tuple),
    ):
        if isinstance(value, types):
            return kind
    return "string"


def attr_proto(op: Operation, name: str) -> Any:
    """One attribute of an operation as an AttrValue."""
    value = op.attrs[name]
    return attr_value(_kind_of(op._op_def, name, value), value, op.attrs)


def attr_to_user(op: Operation, name: str, value: Any) -> Any:
    """An attribute as `Operation.get_attr` returns it."""
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


def _scalar_from(which: str, content: Any) -> Any:
    if which == "type":
        return dtypes.as_dtype(content)
    if which == "shape":
        return shapes.raw(content)
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


def _list_from(content: Any) -> list[Any]:
    for which in ("s", "i", "f", "b", "type", "shape", "tensor", "func"):
        items = getattr(content, which)
        if len(items):
            return [_scalar_from(which, item) for item in items]
    return []


def make_node_def(
    op_type: str, name: str, device: Any = None, attrs: dict[str, Any] | None = None
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


def _arg_proto(target: Any, arg: opdef.ArgDef) -> None:
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


hooks.provide(
    attr_to_user=attr_to_user,
    attr_from_user=attr_from_user,
    node_def=node_def,
    op_def_proto=op_def_proto,
)
