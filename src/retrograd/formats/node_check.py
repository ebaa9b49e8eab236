"""What TensorFlow 1.15 demands of a node of a GraphDef, and in which words.

A node is checked against its op type's signature before anything is made of it: which
attributes it has, of what kind and value, and how long its lists are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.errors import UnimplementedError
from retrograd.graph import attributes, opdef
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import Message

#: the fields of an AttrValue and of its lists, and the kind of attribute each holds
FIELDS = {
    "s": "string",
    "i": "int",
    "f": "float",
    "b": "bool",
    "type": "type",
    "shape": "shape",
    "tensor": "tensor",
    "func": "func",
}
_FIELD_OF = {kind: field for field, kind in FIELDS.items()}
#: where numbers of dtypes end in TensorFlow 1.15; a reference's is larger by so much
_DTYPES_END, _REFERENCE = 24, 100
_INT32_END = 1 << 31
#: as many outputs, or inputs in a message, as anyone makes a list of
LARGEST_LIST = 1 << 20


def check_attrs(values: Mapping[str, Any], signature: opdef.OpDef, name: str) -> None:
    """Check a node's attributes, defaults left aside.

    Args:
      values: AttrValue messages by name.
      signature: what the node's op type demands.
      name: the node's name in the graph, for messages.

    Raises:
      ValueError: one is unknown, missing, or not what it may be.
    """
    attrs = signature.attrs
    for key, value in values.items():
        if key[:1] == "_":
            continue
        attr = attrs.get(key)
        if attr is None:
            raise ValueError(
                f"NodeDef mentions attr '{key}' not in {opdef.summary(signature)}; "
                f"NodeDef: {{{{node {name}}}}}. (Check whether your "
                "GraphDef-interpreting binary is up to date with your "
                "GraphDef-generating binary.)."
            )
        wrong = "" if value.placeholder else _complaint(value, attr)
        if wrong:
            raise ValueError(
                f"{wrong}\n\t; NodeDef: {{{{node {name}}}}}; {opdef.summary(signature)}"
            )
    missing = sorted(
        key for key, a in attrs.items() if key not in values and not a.has_default
    )
    if missing:
        names = "', '".join(missing)
        raise ValueError(
            f"NodeDef missing attr{'s' if len(missing) > 1 else ''} '{names}' from "
            f"{opdef.summary(signature)}; NodeDef: {{{{node {name}}}}}"
        )


def _complaint(value: Any, attr: opdef.AttrDef) -> str:
    """What is wrong with the value of an attribute; nothing where it is right."""
    kind = attr.kind
    listed = kind.startswith("list(")
    field = "list" if listed else _FIELD_OF[kind]
    which = value.WhichOneof("value")
    wrong = "" if which == field and not listed else _wrong_kind(value, which, kind)
    if listed:
        items: Sequence[Any] = getattr(value.list, _FIELD_OF[kind[5:-1]])
    else:
        items = (getattr(value, field),)
    if not wrong and kind in opdef.TYPE_ATTR_KINDS:
        wrong = next(filter(None, (_wrong_type(t, listed) for t in items)), "")
    if wrong:
        return f"{wrong}\n\t for attr '{attr.name}'"
    wrong = _too_low(items, attr)
    if not wrong and attr.allowed is not None:
        wrong = next(filter(None, (_not_allowed(i, attr) for i in items)), "")
    return wrong


def _wrong_kind(value: Any, which: str | None, kind: str) -> str:
    """What is wrong where a value does not stand in the field for its kind."""
    if which == "placeholder":
        return "AttrValue had value with unexpected type 'placeholder'"
    if which == "list":
        found = [k for f, k in FIELDS.items() if len(getattr(value.list, f))]
        for item in found:
            if kind != f"list({item})":
                return (
                    f"AttrValue had value with type 'list({item})' when '{kind}' "
                    "expected"
                )
        if found:
            return ""
    elif which is not None and FIELDS[which] != kind:
        return f"AttrValue had value with type '{FIELDS[which]}' when '{kind}' expected"
    if kind.startswith("list("):
        return ""
    return f"AttrValue missing value with expected type '{kind}'"


def _wrong_type(number: int, listed: bool) -> str:
    """What is wrong with the number of a dtype."""
    base = number - _REFERENCE if number > _REFERENCE else number
    if not 0 < base < _DTYPES_END and number:
        return f"AttrValue has invalid DataType enum: {number}"
    if number > _REFERENCE:
        word = opdef.type_word(dtypes.as_dtype(number))
        return f"AttrValue must not have reference type value of {word}"
    if not number:
        return f"AttrValue {'contains' if listed else 'has'} invalid DataType"
    return ""


def _too_low(items: Sequence[Any], attr: opdef.AttrDef) -> str:
    """What is wrong with a number or the length of a list, which have a minimum."""
    what, found = "Value", items[0] if items else 0
    if attr.kind.startswith("list("):
        what, found = "Length", len(items)
    if attr.minimum is None or found >= attr.minimum:
        return ""
    return (
        f"{what} for attr '{attr.name}' of {found} must be at least minimum "
        f"{attr.minimum}"
    )


def _not_allowed(item: Any, attr: opdef.AttrDef) -> str:
    """What is wrong with a dtype or a word that may be one of some only."""
    allowed = attr.allowed or ()
    if attr.kind in opdef.TYPE_ATTR_KINDS:
        dtype = dtypes.as_dtype(item)
        if dtype in allowed:
            return ""
        found, words = opdef.type_word(dtype), map(opdef.type_word, allowed)
    else:
        if item.decode("latin-1") in allowed:
            return ""
        found, words = f'"{item.decode("latin-1")}"', (f'"{w}"' for w in allowed)
    return (
        f"Value for attr '{attr.name}' of {found} is not in the list of allowed "
        f"values: {', '.join(words)}"
    )


def check_lists(
    signature: opdef.OpDef, attrs: dict[str, Any], name: str, given: int
) -> None:
    """Check the number of inputs and outputs, before there is a list of either.

    Args:
      signature: what the node's op type demands.
      attrs: the node's attributes in memory form.
      name: its name.
      given: how many inputs it has.

    Raises:
      ValueError: it has another number of inputs, or too many outputs.
    """
    wanted = _count(signature.inputs, attrs)
    outputs = _count(signature.outputs, attrs)
    if wanted != given:
        text = f"{wanted} inputs"
        if wanted <= LARGEST_LIST:
            expected = attributes.arg_types(signature.inputs, attrs)
            text = f"inputs '{', '.join(map(opdef.type_word, expected))}'"
        raise ValueError(
            f"NodeDef expected {text} do not match {given} inputs specified; "
            f"{opdef.summary(signature)}; NodeDef: {{{{node {name}}}}}"
        )
    if outputs > LARGEST_LIST:
        raise ValueError(
            f"{outputs} outputs are too many; NodeDef: {{{{node {name}}}}}"
        )


def _count(args: Sequence[opdef.ArgDef], attrs: Mapping[str, Any]) -> int:
    """The number of tensors that arguments stand for.

    Raises:
      ValueError: it is given by a number that is negative or has more than 32 bits.
    """
    total = 0
    for arg in args:
        if arg.type_list_attr:
            total += len(attrs[arg.type_list_attr])
            continue
        count = attrs[arg.number_attr] if arg.number_attr else 1
        if not -_INT32_END <= count < _INT32_END:
            raise ValueError(
                f"Attr {arg.number_attr} has value {count} out of range for an int32"
            )
        if count < 0:
            raise ValueError(f"Value for number_attr() {count} < 0")
        total += count
    return total


def check_types(
    signature: opdef.OpDef,
    attrs: dict[str, Any],
    inputs: Sequence[Tensor | None],
    name: str,
) -> None:
    """Check the dtypes of a node's inputs; one that is None is not looked at.

    Raises:
      ValueError: one has another dtype than the attributes say.
    """
    wanted = attributes.arg_types(signature.inputs, attrs)
    for place, (dtype, tensor) in enumerate(zip(wanted, inputs, strict=True)):
        if tensor is not None:
            check_type(dtype, tensor, place, name)


def check_type(dtype: dtypes.DType, tensor: Tensor, place: int, name: str) -> None:
    """Check the dtype of one input of a node (see `check_types`)."""
    found = tensor.dtype
    if found is dtype or (not dtype._is_ref_dtype and found.base_dtype is dtype):
        return
    raise ValueError(
        f"Input {place} of node {name} was passed {opdef.type_word(found)} from "
        f"{tensor.name} incompatible with expected {opdef.type_word(dtype)}."
    )


def check_removed(signature: opdef.OpDef, producer: int) -> None:
    """Check that a graph of this version may have an op type.

    Raises:
      UnimplementedError: it may not any more.
    """
    if signature.removed is not None and producer >= signature.removed[0]:
        version, reason = signature.removed
        raise UnimplementedError(
            None,
            None,
            f"Op {signature.name} is not available in GraphDef version {producer}. It "
            f"has been removed in version {version}. {reason}.",
        )


def other_items(values: Message, field: str) -> bool:
    """Whether a list in an AttrValue has items in a field besides the named one."""
    return any(len(getattr(values, f)) for f in FIELDS if f != field)


def wrong_shape(proto: Message) -> str:
    """What is wrong with a TensorShapeProto of a partial shape; else nothing."""
    if proto.unknown_rank:
        return "An unknown shape must not have any dimensions set." if proto.dim else ""
    return shapes.why_invalid([d.size for d in proto.dim], partial=True)
