"""`OpDefLibrary`: op types by name, applied with keyword arguments.

Tests, and wrappers that TensorFlow generated for op types, use it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context, dispatch, opdef

if TYPE_CHECKING:
    from retrograd.typing import Message


class OpDefLibrary:
    """Op types that can be added from their OpDef messages and applied by name.

    Args:
      known: names of op types, among those that have a signature.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._ops: dict[str, Any] = {name: opdef.lookup(name) for name in known}

    def add_op(self, op_def: Message) -> None:
        """Add an op type from its OpDef.

        Raises:
          TypeError: it is no OpDef, or one that contradicts itself.
          ValueError: it has no name.
          RuntimeError: the library has an op type of the name.
        """
        if type(op_def).__name__ != "OpDef":
            raise TypeError(f"{op_def} is {type(op_def)}, not an op_def_pb2.OpDef")
        if not op_def.name:
            raise ValueError(f"{op_def} missing name.")
        if op_def.name in self._ops:
            raise RuntimeError(f"Op name {op_def.name} registered twice.")
        for arg in (*op_def.input_arg, *op_def.output_arg):
            _check_arg(op_def, arg)
        self._ops[op_def.name] = opdef.add(signature(op_def))

    def add_op_list(self, op_list: Message) -> None:
        """Add every op type of an OpList message."""
        for op_def in op_list.op:
            self.add_op(op_def)

    def apply_op(
        self, op_type_name: str, name: str | None = None, **keywords: object
    ) -> Any:
        """Apply an op type.

        Args:
          op_type_name: the op type.
          name: the name of the operation.
          **keywords: inputs and attributes by name; a name that Python reserves may end
            in an underscore.

        Returns:
          The output, a list or a tuple of outputs; the operation where there is none.

        Raises:
          RuntimeError: the library has no such op type.
          TypeError, ValueError: arguments are missing, or not what the op type takes.
        """
        op_def = self._ops.get(op_type_name)
        if op_def is None:
            raise RuntimeError(f"Unrecognized Op name {op_type_name}")
        given = {_plain(key, op_def): value for key, value in keywords.items()}
        inputs = []
        for arg in op_def.inputs:
            if arg.name not in given:
                raise TypeError(f"No argument for input {arg.name}")
            inputs.append(given.pop(arg.name))
        unexpected = ", ".join(sorted(given.keys() - op_def.attrs.keys()))
        if unexpected:
            raise TypeError(
                f"apply_op() got unexpected keyword arguments: {unexpected}"
            )
        for key in given.keys() & op_def.inferred:
            raise TypeError(f"Should not specify value for inferred attr '{key}'.")
        found = dispatch.apply(op_type_name, *inputs, name=name, **given)
        if isinstance(found, tuple) and hasattr(found, "_fields"):
            return tuple(found)
        if found == [] and op_def.is_stateful and not context.executing_eagerly():
            return context.get_default_graph().get_operations()[-1]
        return found


def _plain(key: str, op_def: opdef.OpDef) -> str:
    """The name of an input or attribute, without an underscore put after it."""
    known = {*op_def.attrs, *(arg.name for arg in op_def.inputs)}
    return key[:-1] if key not in known and key.removesuffix("_") in known else key


def _check_arg(op_def: Message, arg: Message) -> None:
    kinds = [bool(x) for x in (arg.type, arg.type_attr, arg.type_list_attr)]
    if sum(kinds) != 1:
        raise TypeError(
            f"Arg '{arg.name}' of '{op_def.name}' must have one type field "
            f"not {sum(kinds)}"
        )
    attrs = {attr.name: attr.type for attr in op_def.attr}
    for use, wanted in (
        ("type_attr", "type"),
        ("type_list_attr", "list(type)"),
        ("number_attr", "int"),
    ):
        name = getattr(arg, use)
        if name and name not in attrs:
            raise TypeError(
                f"Inconsistent OpDef for '{op_def.name}', missing attr '{name}'"
            )
        if name and attrs[name] != wanted:
            raise TypeError(
                f"Attr '{name}' of '{op_def.name}' used as a {use} "
                f"but has type {attrs[name]}"
            )


def signature(op_def: Message) -> str:
    """An OpDef message as a line of the table of signatures."""
    flags = [
        word
        for word, on in (
            ("stateful", op_def.is_stateful),
            ("commutative", op_def.is_commutative),
            ("aggregate", op_def.is_aggregate),
            ("uninitialized", op_def.allows_uninitialized_input),
        )
        if on
    ]
    return "\t".join(
        [
            op_def.name,
            " ".join(map(_arg_text, op_def.input_arg)),
            " ".join(map(_arg_text, op_def.output_arg)),
            "; ".join(map(_attr_text, op_def.attr)),
            " ".join(flags),
        ]
    )


def _type_name(number: int) -> str:
    return dtypes.as_dtype(number).name


def _arg_text(arg: Message) -> str:
    kind = arg.type_list_attr or arg.type_attr or _type_name(arg.type)
    if arg.number_attr:
        kind = f"{arg.number_attr}*{kind}"
    return f"{arg.name}:ref({kind})" if arg.is_ref else f"{arg.name}:{kind}"


def _attr_text(attr: Message) -> str:
    text = f"{attr.name}:{attr.type}"
    if attr.HasField("allowed_values"):
        text += "{" + ",".join(_values(attr.allowed_values.list)) + "}"
    if attr.has_minimum:
        text += f">={attr.minimum}"
    if attr.HasField("default_value"):
        value = attr.default_value
        kind = value.WhichOneof("value")
        one = _values(value.list) if kind == "list" else _value(kind, value)
        text += "=" + json.dumps(one)
    return text


def _values(values: Message) -> list[Any]:
    """The elements of an AttrValue's list."""
    return [_value(f.name, values, x) for f, xs in values.ListFields() for x in xs]


def _value(kind: str, holder: Message, value: Any = None) -> Any:
    """One value of an attribute as JSON data."""
    value = getattr(holder, kind) if value is None else value
    if kind == "s":
        return value.decode("latin-1")
    if kind == "type":
        return _type_name(value)
    if kind == "shape":
        return None if value.unknown_rank else [dim.size for dim in value.dim]
    if kind == "func":
        return value.name
    return value
