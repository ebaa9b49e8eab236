"""The attributes of an operation: their form in memory, and the dtypes they decide."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import opdef
from retrograd.graph.hooks import hooks
from retrograd.graph.stored_tensor import StoredTensor
from retrograd.graph.tensor import Tensor


def _wrong(kind: str, attr: opdef.AttrDef, value: object) -> TypeError:
    return TypeError(f"Expected {kind} for argument '{attr.name}' not {value!r}.")


def _int(attr: opdef.AttrDef, value: Any) -> int:
    if isinstance(value, str):
        raise _wrong("int", attr, value)
    try:
        return int(value)
    except (TypeError, ValueError):
        raise _wrong("int", attr, value) from None


def _float(attr: opdef.AttrDef, value: object) -> float:
    if not isinstance(value, (int, float, np.floating, np.integer)):
        raise _wrong("float", attr, value)
    return float(np.float32(value))  # a NodeDef holds no more


def _bool(attr: opdef.AttrDef, value: object) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise _wrong("bool", attr, value)
    return bool(value)


def _string(attr: opdef.AttrDef, value: object) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    if not isinstance(value, str):
        raise _wrong("string", attr, value)
    return value


def _type(attr: opdef.AttrDef, value: Any) -> dtypes.DType:
    try:
        return dtypes.as_dtype(value).base_dtype
    except TypeError:
        raise TypeError(
            f"Expected DataType for argument '{attr.name}' not {value!r}."
        ) from None


def _shape(attr: opdef.AttrDef, value: Any) -> Any:
    try:
        return shapes.raw(value)
    except (TypeError, ValueError) as error:
        kind = type(error)
        raise kind(f"Error converting {attr.name} to a TensorShape: {error}.") from None


def _tensor(attr: opdef.AttrDef, value: object) -> Any:
    if hasattr(value, "SerializeToString"):
        return hooks.attr_from_user(value)
    if not isinstance(value, (np.ndarray, StoredTensor)):
        raise TypeError(
            f"Don't know how to convert {value!r} to a TensorProto for argument "
            f"'{attr.name}'"
        )
    return value


def _any(attr: opdef.AttrDef, value: object) -> Any:
    del attr
    return value


_NORMALIZERS = {
    "int": _int,
    "float": _float,
    "bool": _bool,
    "string": _string,
    "type": _type,
    "shape": _shape,
    "tensor": _tensor,
    "func": _any,
}


def _function_name(op_type: str) -> str:
    """The name of the Python function of an op: `max_pool` for `MaxPool`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[^_])(?=[A-Z][a-z])", "_", op_type).lower()


def normalize(attr: opdef.AttrDef, value: object, op_type: str) -> Any:
    """An attribute value in memory form.

    Raises:
      TypeError: it is not of the attribute's kind.
      ValueError: it is not among the values that the attribute may take.
    """
    kind = attr.kind
    if kind.startswith("list("):
        if not isinstance(value, (list, tuple)):
            raise TypeError(
                f"Expected list for '{attr.name}' argument to "
                f"'{_function_name(op_type)}' Op, not {value!r}."
            )
        one = _NORMALIZERS[kind[5:-1]]
        result: Any = [one(attr, v) for v in value]
        if attr.minimum is not None and len(result) < attr.minimum:
            raise ValueError(
                f"Attr '{attr.name}' of '{op_type}' Op passed list of length "
                f"{len(result)} less than minimum {attr.minimum}."
            )
    else:
        result = _NORMALIZERS[kind](attr, value)
        if kind == "int" and attr.minimum is not None and result < attr.minimum:
            raise ValueError(
                f"Attr '{attr.name}' of '{op_type}' Op passed {result} less than "
                f"minimum {attr.minimum}."
            )
    if attr.allowed is not None:
        _check_value(attr, result, op_type)
    return result


def _check_value(attr: opdef.AttrDef, result: object, op_type: str) -> None:
    allowed = attr.allowed or ()
    for item in result if isinstance(result, list) else (result,):
        if item in allowed:
            continue
        if isinstance(item, dtypes.DType):
            raise TypeError(
                f"Value passed to parameter '{attr.name}' has DataType {item.name} not "
                f"in list of allowed values: {', '.join(t.name for t in allowed)}"
            )
        words = '", "'.join(allowed)
        raise ValueError(
            f"Attr '{attr.name}' of '{op_type}' Op passed string '{item}' not in: "
            f'"{words}".'
        )


def complete_attrs(
    op_def: opdef.OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any], name: str
) -> dict[str, Any]:
    """Attributes for a node made directly from tensors: inferred, given, by default.

    Raises:
      ValueError: an attribute is missing, or not what the inputs say.
    """
    done = dict(attrs)
    position = 0
    for arg in op_def.inputs:
        count = 1
        if arg.number_attr:
            if arg.number_attr not in done:
                done[arg.number_attr] = len(inputs) - position - _after(op_def, arg)
            count = done[arg.number_attr]
        elif arg.type_list_attr:
            if arg.type_list_attr not in done:
                end = len(inputs) - _after(op_def, arg)
                done[arg.type_list_attr] = [
                    t.dtype.base_dtype for t in inputs[position:end]
                ]
            count = len(done[arg.type_list_attr])
        if arg.type_attr and position < len(inputs):
            found = inputs[position].dtype.base_dtype
            known = done.setdefault(arg.type_attr, found)
            if known is not found:
                pair = (found, known) if arg.type_attr in attrs else (known, found)
                raise ValueError(
                    f"Inconsistent values for attr '{arg.type_attr}' "
                    f"{' vs. '.join(map(opdef.enum_name, pair))} while building "
                    f"NodeDef '{name}' using {opdef.summary(op_def)}"
                )
        position += count
    for key, attr in op_def.attrs.items():
        if key in done and key in attrs:
            done[key] = normalize(attr, done[key], op_def.name)
    return with_defaults(op_def, done, name)


def with_defaults(
    op_def: opdef.OpDef, attrs: dict[str, Any], name: str
) -> dict[str, Any]:
    """`attrs`, completed by the defaults of the others.

    Raises:
      ValueError: some have no default.
    """
    done = dict(attrs)
    for key, attr in op_def.attrs.items():
        if key not in done and attr.has_default:
            done[key] = attr.default
    missing = [key for key in op_def.attrs if key not in done]
    if missing:
        names = ", ".join(f"'{key}'" for key in sorted(missing))
        raise ValueError(
            f"NodeDef missing attr{'s' if len(missing) > 1 else ''} {names} from "
            f"{opdef.summary(op_def)}; NodeDef: {{{{node {name}}}}}"
        )
    return done


def _after(op_def: opdef.OpDef, arg: opdef.ArgDef) -> int:
    """How many single inputs follow a list in the signature."""
    return len(op_def.inputs) - 1 - op_def.inputs.index(arg)


# ---------------------------------------------------------------------- dtypes


def length(arg: opdef.ArgDef, attrs: dict[str, Any]) -> int:
    """How many tensors an input or output of a signature stands for."""
    if arg.number_attr:
        return attrs[arg.number_attr]
    if arg.type_list_attr:
        return len(attrs[arg.type_list_attr])
    return 1


def output_types(op_def: opdef.OpDef, attrs: dict[str, Any]) -> list[dtypes.DType]:
    """The dtypes of an operation's outputs, lists flattened."""
    return arg_types(op_def.outputs, attrs)


def arg_types(
    args: Sequence[opdef.ArgDef], attrs: dict[str, Any]
) -> list[dtypes.DType]:
    """The dtypes that inputs or outputs of a signature have with these attributes."""
    found: list[dtypes.DType] = []
    for arg in args:
        if arg.type_list_attr:
            found.extend(attrs[arg.type_list_attr])
            continue
        dtype = arg.type or attrs[arg.type_attr]
        if arg.is_ref:
            dtype = dtype._as_ref
        found.extend([dtype] * length(arg, attrs))
    return found
