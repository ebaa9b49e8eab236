"""Running ops at once by their type, with attributes as a flat tuple."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.errors import InvalidArgumentError, NotFoundError
from retrograd.graph import attributes, opdef
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.run.eager import EagerTensor
from retrograd.run.eager import execute as run_op

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, ShapeLike


def quick_execute(
    op_name: str | bytes,
    num_outputs: int,
    inputs: Sequence[Any],
    attrs: Sequence[Any] | None,
    ctx: object,
    name: str | None = None,
) -> list[Tensor]:
    """Run an op.

    Args:
      op_name: its type.
      num_outputs: how many outputs are wanted, at least.
      inputs: its inputs, lists flattened.
      attrs: names and values of attributes in turn; dtypes as numbers or DTypes.
      ctx: accepted; there is one context.
      name: its name in messages.

    Raises:
      InvalidArgumentError: an attribute is unknown or of the wrong kind, or there are
        more outputs.
      NotFoundError: there is no such op type.
      TypeError: `num_outputs` is no number.
    """
    del ctx
    if not isinstance(num_outputs, (int, np.integer)):
        raise TypeError(f"expected int for num_outputs, not {num_outputs!r}")
    op_type = op_name.decode() if isinstance(op_name, bytes) else op_name
    op_def = opdef.lookup(op_type)
    if op_def is None:
        raise NotFoundError(
            None,
            None,
            f"'{op_type}' is neither a type of a primitive "
            "operation nor a name of a function registered in binary running on this "
            "process. One possible root cause is the client and server binaries are "
            "not built with the same version.",
        )
    tensors = [convert_to_tensor(value) for value in inputs]
    given = _attributes(op_def, list(attrs or ()))
    completed = attributes.complete_attrs(op_def, tensors, given, op_type)
    outputs = len(attributes.output_types(op_def, completed))
    if outputs > num_outputs:
        raise InvalidArgumentError(
            None,
            None,
            f"Expecting {outputs} outputs, but *num_retvals is {num_outputs}",
        )
    return run_op(op_def, tensors, completed, name)


execute = quick_execute


def _attributes(op_def: opdef.OpDef, flat: list[Any]) -> dict[str, Any]:
    """Attributes in memory form, each checked to be of its kind."""
    found = {}
    for name, value in zip(flat[::2], flat[1::2], strict=True):
        name = name.decode() if isinstance(name, bytes) else name
        attr = op_def.attrs.get(name)
        if attr is None:
            raise InvalidArgumentError(
                None, None, f"NodeDef mentions attr '{name}' not in Op<{op_def.name}>"
            )
        try:
            found[name] = _attribute(attr.kind, value)
        except (TypeError, ValueError):
            raise InvalidArgumentError(
                None,
                None,
                f"Expecting a value of kind {attr.kind} for attr '{name}' of "
                f"{op_def.name}, got {value!r} of type {type(value).__name__}",
            ) from None
    return found


def _attribute(kind: str, value: object) -> Any:
    if kind.startswith("list("):
        if not isinstance(value, (list, tuple)):
            raise TypeError(value)
        return [_attribute(kind[5:-1], v) for v in value]
    return _KINDS[kind](value)


def _checked(types: type | tuple[type, ...], value: object) -> Any:
    if not isinstance(value, types) or isinstance(value, bool):
        raise TypeError(value)
    return value


def _string(value: object) -> Any:
    value = _checked((str, bytes), value)
    return value.decode() if isinstance(value, bytes) else value


def _shape(value: object) -> Any:
    if value is None or isinstance(value, (list, tuple, shapes.TensorShape)):
        return shapes.raw(value)
    raise TypeError(value)


def _bool(value: object) -> bool:
    if isinstance(value, (bool, np.bool_)) or value in (0, 1):
        return bool(value)
    raise TypeError(value)


def _type(value: DTypeLike) -> dtypes.DType:
    if isinstance(value, str):
        raise TypeError(value)
    return dtypes.as_dtype(value)


_KINDS: dict[str, Callable[[Any], Any]] = {
    "int": lambda v: int(_checked((int, np.integer), v)),
    "float": lambda v: float(_checked((int, float, np.floating, np.integer), v)),
    "bool": _bool,
    "string": _string,
    "type": _type,
    "shape": _shape,
    "tensor": lambda v: v,
    "func": lambda v: v,
}


def convert_to_mixed_eager_tensors(
    values: Sequence[Any], ctx: object
) -> tuple[list[dtypes.DType], list[Tensor]]:
    """Values as tensors, and their dtypes."""
    del ctx
    tensors = [convert_to_tensor(value) for value in values]
    return [t.dtype for t in tensors], tensors


def args_to_matching_eager(
    l: Sequence[Any],  # noqa: E741
    ctx: object,
    default_dtype: DTypeLike | None = None,
) -> tuple[dtypes.DType | None, list[Tensor]]:
    """Values as tensors of one dtype, and the dtype: that of the first tensor."""
    del ctx
    dtype = next((v.dtype for v in l if isinstance(v, EagerTensor)), None)
    tensors: list[Tensor] = []
    for value in l:
        tensor = convert_to_tensor(value, dtype, preferred_dtype=default_dtype)
        dtype = dtype or tensor.dtype
        tensors.append(tensor)
    return dtype, tensors


def args_to_mixed_eager_tensors(
    lists: Sequence[Sequence[Any]], ctx: object
) -> tuple[list[dtypes.DType], list[list[Tensor]]]:
    """Lists of values as tensors: those at one place in all lists have one dtype.

    Raises:
      ValueError: lists of different lengths.
    """
    first = lists[0]
    for other in lists[1:]:
        if len(other) != len(first):
            raise ValueError(
                "Expected list arguments to be the same length: "
                f"{len(first)} != {len(other)} ({first!r} vs. {other!r})."
            )
    types: list[Any] = []
    columns = []
    for values in zip(*lists, strict=True):
        dtype, tensors = args_to_matching_eager(values, ctx)
        types.append(dtype)
        columns.append(tensors)
    return types, [list(row) for row in zip(*columns, strict=True)]


def make_float(v: object, arg_name: str) -> float:
    """A float attribute, checked."""
    if not isinstance(v, (int, float, np.floating, np.integer)):
        raise _wrong("float", v, arg_name)
    return float(v)


def make_int(v: float | str, arg_name: str) -> int:
    """An int attribute, checked."""
    if isinstance(v, str):
        raise _wrong("int", v, arg_name)
    try:
        return int(v)
    except (ValueError, TypeError):
        raise _wrong("int", v, arg_name) from None


def make_str(v: object, arg_name: str) -> bytes:
    """A string attribute, checked."""
    if not isinstance(v, (str, bytes)):
        raise _wrong("string", v, arg_name)
    return v.encode() if isinstance(v, str) else v


def make_bool(v: object, arg_name: str) -> bool:
    """A bool attribute, checked."""
    if not isinstance(v, bool):
        raise _wrong("bool", v, arg_name)
    return v


def make_type(v: DTypeLike, arg_name: str) -> int:
    """A dtype attribute as a number, checked."""
    try:
        return dtypes.as_dtype(v).base_dtype.as_datatype_enum
    except TypeError:
        raise _wrong("DataType", v, arg_name) from None


def make_shape(v: ShapeLike, arg_name: str) -> list[int | None] | None:
    """A shape attribute as a list, checked."""
    try:
        shape = shapes.as_shape(v)
    except (TypeError, ValueError) as error:
        kind = type(error)
        raise kind(f"Error converting {arg_name} to a TensorShape: {error}.") from None
    return None if shape.ndims is None else shape.as_list()


def _wrong(kind: str, v: object, arg_name: str) -> TypeError:
    return TypeError(f"Expected {kind} for argument '{arg_name}' not {v!r}.")
