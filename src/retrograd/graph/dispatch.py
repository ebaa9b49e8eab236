"""Applying an op: a new node of a graph, or, in eager mode, its outputs at once.

Layers above plug in here (`hooks`): shape inference and constants from layer 2, the
eager executor from layer 3, protocol messages from layer 4.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import context, opdef
from retrograd.graph.convert import convert_n_to_tensor, convert_to_tensor
from retrograd.graph.graph import Graph, graph_of
from retrograd.graph.name_scopes import name_scope as name_scope
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor

#: what layers above provide, and the module that does: it is imported when the hook is
#: first needed, and sets it
_PROVIDERS = {
    "infer_shapes": "retrograd.ops.declare",
    "constant_as_shape": "retrograd.ops.static",
    "execute": "retrograd.run.eager",
    "eager_tensor": "retrograd.run.eager",
    "attr_to_user": "retrograd.formats.node",
    "attr_from_user": "retrograd.formats.node",
    "node_def": "retrograd.formats.node",
    "op_def_proto": "retrograd.formats.node",
    "graph_def": "retrograd.formats.graph_def",
    "versions": "retrograd.formats.graph_def",
    "declare_callee": "retrograd.ops.flow.named_call_ops",
    "derivative_of": "retrograd.grad.calls",
}


class _Hooks:
    """Functions of layers above that graphs call.

    infer_shapes(op): set the static shapes of a new operation's outputs.
    constant_as_shape(tensor): the raw shape that a tensor is known to hold.
    execute(op_def, inputs, attrs, name): run an op at once; the list of its outputs.
    eager_tensor(array, dtype): a tensor with this value.
    attr_to_user(op, name, value): an attribute as `get_attr` returns it.
    attr_from_user(value): an attribute in memory form, from a message or plain value.
    node_def(op), op_def_proto(op_def), graph_def(graph, from_version, add_shapes),
    versions(graph): protocol messages.
    declare_callee(name): let operations of this type call a function of this name.
    derivative_of(function): the function that differentiates another.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in _PROVIDERS:
            raise AttributeError(name)
        importlib.import_module(_PROVIDERS[name])
        return self.__dict__[name]

    def provide(self, **functions: Callable[..., Any]) -> None:
        """Set hooks: called by the modules of `_PROVIDERS` as they are imported."""
        self.__dict__.update(functions)


hooks = _Hooks()


def apply(op_type: str, *args: Any, name: str | None = None, **attrs: Any) -> Any:
    """Apply an op to inputs, which are converted to tensors as its signature says.

    Args:
      op_type: the op type, as in a GraphDef.
      *args: the inputs; a list where the signature has one.
      name: the name of the operation, made unique; by default its type.
      **attrs: attributes that no input determines.

    Returns:
      The outputs: a tensor; a list for a list output; a named tuple of these for
      several; in a graph, the operation where there is none.
    """
    op_def = opdef.lookup(op_type)
    if op_def is None:
        raise RuntimeError(f"Unrecognized Op name {op_type}")
    if len(args) > len(op_def.inputs):
        raise TypeError(f"{op_type}: {len(args)} inputs, {len(op_def.inputs)} wanted.")
    if context.executing_eagerly():
        resolved = _Arguments(op_def, attrs, eager=True)
        resolved.convert(args)
        outputs = hooks.execute(op_def, resolved.inputs, resolved.complete(), name)
        return structured(op_def, resolved.attrs, outputs, None)
    op = _add(op_def, args, attrs, name)
    return structured(op_def, op.attrs, op._outputs, op)


def _add(op_def: opdef.OpDef, args: Any, attrs: Any, name: str | None) -> Operation:
    flat = [
        a
        for arg in args
        for a in (arg if isinstance(arg, (list, tuple)) and arg else (arg,))
    ]
    graph = graph_of(flat)
    resolved = _Arguments(op_def, attrs, eager=False)
    name = name or op_def.name
    if _are_tensors(op_def, args):
        # nothing to convert inside the operation's scope: its name is taken at once
        resolved.convert(args)
        return _placed(graph, resolved, name)
    entered = (
        contextlib.nullcontext()
        if graph is context.get_default_graph()
        else graph.as_default()
    )
    with entered, graph.name_scope(name) as scope:
        resolved.convert(args)
        return _placed(graph, resolved, scope)


def _are_tensors(op_def: opdef.OpDef, args: Sequence[Any]) -> bool:
    """Whether every input is a tensor, or a list of some where there is a list."""
    for arg, value in zip(op_def.inputs, args, strict=False):
        if isinstance(value, Tensor):
            continue
        if not (arg.is_list and isinstance(value, (list, tuple)) and value):
            return False
        if not all(isinstance(v, Tensor) for v in value):
            return False
    return True


def _placed(graph: Graph, resolved: _Arguments, name: str) -> Operation:
    """Add the operation; one that takes a reference goes where the variable is."""
    op_def, inputs = resolved.op_def, resolved.inputs
    refs = [t for a, t in zip(op_def.inputs, inputs, strict=False) if a.is_ref]
    if not refs:
        return graph.add(op_def.name, inputs, resolved.complete(), name)
    with contextlib.ExitStack() as stack:
        for tensor in refs:
            stack.enter_context(graph.colocate_with(tensor._op))
        return graph.add(op_def.name, inputs, resolved.complete(), name)


class _Arguments:
    """The inputs and attributes of one application, converted and checked."""

    def __init__(self, op_def: opdef.OpDef, attrs: dict[str, Any], eager: bool) -> None:
        self.op_def = op_def
        self.given = attrs
        self.attrs: dict[str, Any] = {}
        self.inputs: list[Tensor] = []
        self.input_name: dict[str, str] = {}
        self.eager = eager

    def convert(self, args: Sequence[Any]) -> None:
        """Convert all inputs, and infer the attributes that they determine."""
        op_def = self.op_def
        if len(args) < len(op_def.inputs):
            missing = op_def.inputs[len(args)].name
            raise TypeError(f"No argument for input {missing}")
        for name in op_def.inferred:
            if name in self.given and op_def.attrs[name].kind == "type":
                if self.given[name] is not None:
                    self.attrs[name] = dtypes.as_dtype(self.given[name])
        if self.eager:
            self._match_eager(args)
        for arg, value in zip(op_def.inputs, args, strict=True):
            if arg.is_list:
                self._convert_list(arg, value)
            else:
                self._convert_one(arg, value)

    def _match_eager(self, args: Sequence[Any]) -> None:
        """Run at once, a tensor decides the dtype of the numbers beside it."""
        for arg, value in zip(self.op_def.inputs, args, strict=True):
            if arg.type_attr and arg.type_attr not in self.attrs:
                for item in value if arg.is_list else (value,):
                    if isinstance(item, Tensor):
                        self.attrs[arg.type_attr] = item.dtype.base_dtype
                        break

    def _wanted(self, arg: opdef.ArgDef) -> tuple[Any, Any]:
        """The dtype an input must have, and the one it gets if it can."""
        if arg.type is not None:
            return arg.type, None
        if arg.type_attr in self.attrs:
            return self.attrs[arg.type_attr], None
        attr = self.op_def.attrs.get(arg.type_attr)
        return None, attr.default if attr is not None and attr.has_default else None

    def _convert_one(self, arg: opdef.ArgDef, value: Any) -> None:
        if type(value) is Tensor and not arg.is_ref:
            tensor = value
            wanted = arg.type or self.attrs.get(arg.type_attr)
            if wanted is not None and wanted is not tensor.dtype.base_dtype:
                raise TypeError(self._mismatch(arg, tensor.dtype.base_dtype))
        else:
            tensor = self._converted(arg, value)
        self.inputs.append(tensor)
        if arg.type_attr and arg.type_attr not in self.attrs:
            self._infer_type(arg, tensor.dtype.base_dtype)

    def _converted(self, arg: opdef.ArgDef, value: Any) -> Tensor:
        wanted, preferred = self._wanted(arg)
        try:
            tensor = convert_to_tensor(
                value, wanted, arg.name, preferred, as_ref=arg.is_ref
            )
        except TypeError as error:
            if wanted is None:
                raise
            raise TypeError(
                f"Expected {wanted.name} passed to parameter '{arg.name}' of op "
                f"'{self.op_def.name}', got {value!r} of type "
                f"'{type(value).__name__}' instead. Error: {error}"
            ) from None
        except ValueError:
            try:
                found = convert_to_tensor(value, as_ref=arg.is_ref).dtype
            except ValueError as error:
                raise ValueError(
                    f"Tried to convert '{arg.name}' to a tensor and failed. Error: "
                    f"{error}"
                ) from None
            raise TypeError(self._mismatch(arg, found)) from None
        if arg.is_ref and not tensor.dtype._is_ref_dtype and not self.eager:
            raise TypeError(
                f"'{self.op_def.name}' Op requires that input '{arg.name}' be a "
                "mutable tensor (e.g.: a tf.Variable)"
            )
        return tensor

    def _mismatch(self, arg: opdef.ArgDef, found: dtypes.DType) -> str:
        prefix = (
            f"Input '{arg.name}' of '{self.op_def.name}' Op has type {found.name} that "
            "does not match"
        )
        if arg.type is not None:
            return f"{prefix} expected type of {arg.type.name}."
        other = self.input_name.get(arg.type_attr)
        wanted = self.attrs[arg.type_attr].name
        if other is None:
            return f"{prefix} expected type of {wanted}."
        return f"{prefix} type {wanted} of argument '{other}'."

    def _infer_type(self, arg: opdef.ArgDef, dtype: dtypes.DType) -> None:
        self.attrs[arg.type_attr] = dtype
        self.input_name[arg.type_attr] = arg.name

    def _convert_list(self, arg: opdef.ArgDef, values: Any) -> None:
        op_type = self.op_def.name
        if not isinstance(values, (list, tuple)):
            raise TypeError(
                f"Expected list for '{arg.name}' argument to '{op_type}' Op, not "
                f"{values}."
            )
        wanted, preferred = (None, None) if arg.type_list_attr else self._wanted(arg)
        if arg.number_attr and wanted is None:
            wanted = next((v.dtype for v in values if isinstance(v, Tensor)), None)
            wanted = wanted and wanted.base_dtype
        tensors = self._converted_list(arg, values, wanted, preferred)
        self.inputs.extend(tensors)
        if arg.number_attr:
            self._infer_number(arg, len(tensors))
            if arg.type_attr and arg.type_attr not in self.attrs and tensors:
                self._infer_type(arg, tensors[0].dtype.base_dtype)
            elif arg.type_attr and arg.type_attr not in self.attrs:
                if preferred is None:
                    raise TypeError(
                        "Don't know how to infer type variable from empty input list "
                        f"passed to input '{arg.name}' of '{op_type}' Op."
                    )
                self._infer_type(arg, preferred)
        else:
            self._infer_list(arg, [t.dtype.base_dtype for t in tensors])

    def _converted_list(
        self, arg: opdef.ArgDef, values: Any, wanted: Any, preferred: Any
    ) -> list[Tensor]:
        try:
            tensors = convert_n_to_tensor(
                values, wanted, arg.name, preferred, as_ref=arg.is_ref
            )
            if arg.number_attr and len({t.dtype.base_dtype for t in tensors}) > 1:
                raise TypeError
        except (TypeError, ValueError) as error:
            raise TypeError(self._list_mismatch(arg, values, wanted)) from error
        return tensors

    def _list_mismatch(self, arg: opdef.ArgDef, values: Any, wanted: Any) -> str:
        found = []
        for value in values:
            try:
                found.append(convert_to_tensor(value).dtype.base_dtype.name)
            except (TypeError, ValueError):
                found.append("<NOT CONVERTIBLE TO TENSOR>")
        prefix = (
            f"Tensors in list passed to '{arg.name}' of '{self.op_def.name}' Op have "
            f"types [{', '.join(found)}]"
        )
        if not arg.number_attr:
            return f"{prefix} that are invalid. Tensors: {values}"
        if wanted is None:
            return f"{prefix} that don't all match."
        if arg.type is not None:
            return f"{prefix} that do not match expected type {wanted.name}."
        if arg.type_attr in self.input_name:
            return (
                f"{prefix} that do not match type {wanted.name} inferred from earlier "
                "arguments."
            )
        return f"{prefix} that don't all match."

    def _infer_number(self, arg: opdef.ArgDef, count: int) -> None:
        known = self.attrs.get(arg.number_attr)
        if known is not None and known != count:
            raise ValueError(
                f"List argument '{arg.name}' to '{self.op_def.name}' Op with length "
                f"{count} must match length {known} of argument "
                f"'{self.input_name[arg.number_attr]}'."
            )
        minimum = self.op_def.attrs[arg.number_attr].minimum
        if minimum is not None and count < minimum:
            raise ValueError(
                f"List argument '{arg.name}' to '{self.op_def.name}' Op with length "
                f"{count} shorter than minimum length {minimum}."
            )
        self.attrs[arg.number_attr] = count
        self.input_name[arg.number_attr] = arg.name

    def _infer_list(self, arg: opdef.ArgDef, found: list[dtypes.DType]) -> None:
        attr = self.op_def.attrs[arg.type_list_attr]
        if attr.minimum is not None and len(found) < attr.minimum:
            raise ValueError(
                f"List argument '{arg.name}' to '{self.op_def.name}' Op with length "
                f"{len(found)} shorter than minimum length {attr.minimum}."
            )
        known = self.attrs.get(arg.type_list_attr)
        if known is not None and known != found:
            mine, other = (", ".join(t.name for t in ts) for ts in (found, known))
            raise TypeError(
                f"Input '{arg.name}' of '{self.op_def.name}' Op has type list of {mine}"
                f" that does not match type list {other} of argument "
                f"'{self.input_name[arg.type_list_attr]}'."
            )
        self.attrs[arg.type_list_attr] = found
        self.input_name[arg.type_list_attr] = arg.name

    def complete(self) -> dict[str, Any]:
        """All attributes: inferred, given, and by default; checked."""
        attrs, given = self.attrs, self.given
        for name, attr in self.op_def.attrs.items():
            if name in attrs:
                if attr.allowed is not None:
                    self._check_allowed(attr, attrs[name])
            elif name in given and (given[name] is not None or not attr.has_default):
                attrs[name] = normalize(attr, given[name], self.op_def.name)
            elif attr.has_default:
                attrs[name] = attr.default
            else:
                raise TypeError(f"No argument for attr {name}")
        for name, value in given.items():
            if name not in self.op_def.attrs:
                if not name.startswith("_"):
                    raise TypeError(
                        f"apply_op() got unexpected keyword arguments: {name}"
                    )
                attrs[name] = value
        return attrs

    def _check_allowed(self, attr: opdef.AttrDef, value: Any) -> None:
        allowed = attr.allowed or ()
        for dtype in value if isinstance(value, list) else (value,):
            if dtype not in allowed:
                where = self.input_name.get(attr.name, attr.name)
                raise TypeError(
                    f"Value passed to parameter '{where}' has DataType "
                    f"{dtype.name} not in list of allowed values: "
                    f"{', '.join(t.name for t in allowed)}"
                )


# ---------------------------------------------------------------------- attributes


def _wrong(kind: str, attr: opdef.AttrDef, value: Any) -> TypeError:
    return TypeError(f"Expected {kind} for argument '{attr.name}' not {value!r}.")


def _int(attr: opdef.AttrDef, value: Any) -> int:
    if isinstance(value, str):
        raise _wrong("int", attr, value)
    try:
        return int(value)
    except (TypeError, ValueError):
        raise _wrong("int", attr, value) from None


def _float(attr: opdef.AttrDef, value: Any) -> float:
    if not isinstance(value, (int, float, np.floating, np.integer)):
        raise _wrong("float", attr, value)
    return float(value)


def _bool(attr: opdef.AttrDef, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise _wrong("bool", attr, value)
    return bool(value)


def _string(attr: opdef.AttrDef, value: Any) -> Any:
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
        raise kind(
            f"Error converting {value!r} (arg name = {attr.name}) to a TensorShape: "
            f"{error}"
        ) from None


def _tensor(attr: opdef.AttrDef, value: Any) -> Any:
    if hasattr(value, "SerializeToString"):
        return hooks.attr_from_user(value)
    if not isinstance(value, np.ndarray):
        raise TypeError(
            f"Don't know how to convert {value!r} to a TensorProto for argument "
            f"'{attr.name}'"
        )
    return value


def _any(attr: opdef.AttrDef, value: Any) -> Any:
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


def normalize(attr: opdef.AttrDef, value: Any, op_type: str) -> Any:
    """An attribute value in memory form.

    Raises:
      TypeError: it is not of the attribute's kind.
      ValueError: it is not among the values that the attribute may take.
    """
    kind = attr.kind
    if kind.startswith("list("):
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"Expected list for attr {attr.name}")
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


def _check_value(attr: opdef.AttrDef, result: Any, op_type: str) -> None:
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


# ---------------------------------------------------------------------- outputs


def _count(arg: opdef.ArgDef, attrs: dict[str, Any]) -> int:
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
        found.extend([dtype] * _count(arg, attrs))
    return found


@functools.cache
def _outputs_class(op_type: str, names: tuple[str, ...]) -> Any:
    return namedtuple(op_type, names, rename=True)


def structured(
    op_def: opdef.OpDef, attrs: dict[str, Any], outputs: list[Any], op: Any
) -> Any:
    """The outputs in the shape that a caller expects (see `apply`)."""
    args = op_def.outputs
    if len(args) == 1 and not args[0].is_list:
        return outputs[0]
    if not args:
        return op
    parts: list[Any] = []
    position = 0
    for arg in args:
        count = _count(arg, attrs)
        part = outputs[position : position + count]
        parts.append(part if arg.is_list else part[0])
        position += count
    if len(args) == 1:
        return parts[0]
    return _outputs_class(op_def.name, tuple(a.name for a in args))(*parts)
