"""What is known about a tensor's value before anything runs."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import shapes
from retrograd.arrays import numpy as xp_numpy
from retrograd.errors import OpError
from retrograd.graph.function import FuncGraph
from retrograd.graph.hooks import hooks
from retrograd.graph.opdef import type_word
from retrograd.graph.operation import Operation
from retrograd.graph.stored_tensor import StoredTensor
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.binding import binding, keywords
from retrograd.ops.declare import find, kind_of, registry
from retrograd.ops.traits import Kind

if TYPE_CHECKING:
    from retrograd.typing import Array


#: values larger than this are not worked out while a graph is built
_LARGEST = 10_000
_UNKNOWN = object()


class Asking:
    """What a shape rule asks for, run once more because it raised an error.

    TensorFlow 1.15 runs a rule without values first, then with those that it asked for,
    until it asks for no more; an error names the values that there were by then.

    Args:
      inputs: the inputs of the operation.
    """

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        self._unknown = {id(t) for t in inputs}
        self._asked: dict[int, bool] = {}

    def note(self, tensor: Tensor, as_shape: bool) -> bool:
        """Note that a value, or a shape, is asked for; whether there is one yet."""
        key = id(tensor)
        self._asked[key] = as_shape or self._asked.get(key, False)
        return key not in self._unknown

    def more(self) -> bool:
        """Make what was asked for known; whether anything was not."""
        new = self._unknown & self._asked.keys()
        self._unknown -= new
        self._asked = {}
        return bool(new)

    def wanted(self, tensor: Tensor) -> str:
        """What there is and was asked for: "value", "shape" or nothing."""
        found = self._asked.get(id(tensor))
        if found is None or id(tensor) in self._unknown:
            return ""
        return "shape" if found else "value"


#: by thread, where a rule is run for its error
_asking: dict[int, Asking] = {}


@contextmanager
def asking(inputs: Sequence[Tensor]) -> Iterator[Asking]:
    """Give shape rules only the values that they have asked for before."""
    thread = threading.get_ident()
    before = _asking.get(thread)  # a rule of a call runs the rules of the body
    _asking[thread] = found = Asking(inputs)
    try:
        yield found
    finally:
        if before is None:
            del _asking[thread]
        else:
            _asking[thread] = before


def wanted(tensor: Tensor) -> str:
    """What an error of a shape rule says of an input: see `Asking.wanted`."""
    found = _asking.get(threading.get_ident())
    return "" if found is None else found.wanted(tensor)


def _withheld(tensor: Tensor, as_shape: bool) -> bool:
    found = _asking.get(threading.get_ident())
    return found is not None and not found.note(tensor, as_shape)


def constant(tensor: Tensor) -> np.ndarray | None:
    """The value of `tensor` if it depends on constants and static shapes only."""
    if _asking and _withheld(tensor, as_shape=False):
        return None
    if getattr(tensor, "_is_eager", False):
        return np.asarray(tensor.numpy())  # pyright: ignore[reportAttributeAccessIssue]
    found = tensor.__dict__.get("_folded", _UNKNOWN)
    if found is _UNKNOWN:
        found = _fold_all(tensor)
    return found


def _fold_all(tensor: Tensor) -> np.ndarray | None:
    """Work out what `tensor` depends on first, without recursion."""
    pending = [tensor]
    while pending:
        top = pending[-1]
        if "_folded" in top.__dict__:
            pending.pop()
            continue
        needed = _needed(top.op)
        waiting = [t for t in needed if "_folded" not in t.__dict__]
        if waiting:
            pending.extend(waiting)
            continue
        pending.pop()
        _fold(top.op)
    return tensor.__dict__["_folded"]


def _needed(n: Operation) -> tuple[Tensor, ...]:
    kind = kind_of(n.type)
    if kind is Kind.SHAPE:
        # where the shape is not known the elements may be
        return tuple(t for t in n._inputs if not shapes.is_full(t._shape_raw))
    if kind is Kind.CONSTANT or not _foldable(n):
        return ()
    return n._inputs


def _foldable(n: Operation) -> bool:
    declaration = find(n.type)
    if declaration is None or not declaration.pure:
        return False
    if declaration.host and not _of_numbers(n):
        return False
    for tensor in n._outputs:
        raw = tensor._shape_raw
        if raw is None:
            continue
        if math.prod([1 if d is None else d for d in raw]) > _LARGEST:
            return False
    # what waits for a check must not be known before the check
    return bool(n._inputs) and not n._control_inputs


def _of_numbers(n: Operation) -> bool:
    """Whether an operation takes and gives numbers only: positions, distinct values."""
    kinds = (t._dtype.base_dtype for t in (*n._inputs, *n._outputs))
    return all(kind.is_integer or kind.is_bool or kind.is_floating for kind in kinds)


def _fold(n: Operation) -> None:
    values = _values(n)
    for i, tensor in enumerate(n._outputs):
        tensor.__dict__["_folded"] = None if values is None else values[i]


def captured(tensor: Tensor) -> Tensor | None:
    """The tensor outside that an input of a function body stands for, if it does."""
    graph = tensor.op.graph
    return graph.outside(tensor) if isinstance(graph, FuncGraph) else None


def _values(n: Operation) -> list[Array] | None:
    kind = kind_of(n.type)
    if kind is Kind.CONSTANT:
        value = n.attrs["value"]
        return _stored(value) if isinstance(value, StoredTensor) else [value]
    if n.type == "Placeholder":
        outer = captured(n._outputs[0])
        value = None if outer is None else constant(outer)
        return None if value is None else [value]
    if kind is Kind.SHAPE:
        return _shape_values(n)
    if not _foldable(n):
        return None
    inputs = [t.__dict__.get("_folded") for t in n._inputs]
    if any(v is None for v in inputs):
        return None
    declaration = registry[n.type]
    try:
        given = keywords(declaration, n, {}, _not_called)
        with np.errstate(all="ignore"):
            result = declaration.kernel(xp_numpy, *inputs, **given)
    except Exception:  # reported when the op runs, with its inputs
        return None
    outputs = binding(declaration, n).parts(result)[1]
    return [
        np.asarray(v, t.dtype.base_dtype.array_dtype)
        for v, t in zip(outputs, n._outputs, strict=True)
    ]


def _stored(value: StoredTensor) -> list[Any] | None:
    if math.prod(value.shape) > _LARGEST:
        return None
    try:
        return [value.array()]
    except OpError:  # raised when the op runs
        return None


def _shape_of(tensor: Tensor) -> RawShape:
    """The static shape of a tensor, or that of its value where it is known."""
    value = tensor.__dict__.get("_folded")
    return tensor._shape_raw if value is None else value.shape


def _shape_values(n: Operation) -> list[Array] | None:
    raws = [_shape_of(t) for t in n._inputs]
    if n.type == "Rank":
        return None if raws[0] is None else [np.array(len(raws[0]), np.int32)]
    if any(r is None or None in r for r in raws):
        return None
    dtype = n._outputs[0].dtype.as_numpy_dtype
    if n.type == "Size":
        return [np.array(math.prod(d or 0 for d in raws[0] or ()), dtype)]
    return [np.array(r, dtype) for r in raws]


def _not_called(body: FuncGraph) -> Any:
    raise TypeError(f"{body.name} is not called while a graph is built.")


def constant_as_shape(tensor: Tensor) -> RawShape:
    """The shape that a 1-D integer tensor holds, as far as it is known.

    An element that is −1 or not known gives an unknown dimension. Known parts are
    looked for where TensorFlow 1.15 does: in shapes, stacks, concatenations, slices.

    Raises:
      ValueError: an element is less than −1, or of another type.
    """
    if _asking and _withheld(tensor, as_shape=True):
        return _by_length(tensor.op, tensor)
    if getattr(tensor, "_is_eager", False):
        return _sizes(tensor.numpy())  # pyright: ignore[reportAttributeAccessIssue]
    if tensor.dtype.base_dtype.name not in ("int32", "int64"):
        value = constant(tensor)
        if value is None or not value.size:  # of no elements, the type is not looked at
            return None if value is None else ()
        word = type_word(tensor.dtype)
        raise ValueError(f"Input tensor must be int32 or int64, but was {word}")
    n = tensor.op
    if n.type == "Shape":
        return n._inputs[0]._shape_raw
    value = constant(tensor)
    if value is not None:
        return None if value.ndim == 0 else _sizes(value)
    found = _PARTIAL.get(n.type, _by_length)(n, tensor)
    return found


def _sizes(value: Array) -> RawShape:
    sizes = np.asarray(value).reshape(-1).tolist()
    for size in sizes:
        if size < -1:
            raise ValueError(f"Invalid value in tensor used for shape: {size}")
    return tuple(None if d < 0 else d for d in sizes)


def _by_length(n: Operation, tensor: Tensor) -> RawShape:
    del n
    raw = tensor._shape_raw
    if raw is None or len(raw) != 1 or raw[0] is None:
        return None
    return (None,) * raw[0]


def _packed(n: Operation, tensor: Tensor) -> RawShape:
    if any(t._shape_raw not in ((), None) for t in n._inputs):
        return _by_length(n, tensor)
    values = [constant(t) for t in n._inputs]
    return tuple(None if v is None or v < 0 else int(v) for v in values)


def _concatenated(n: Operation, tensor: Tensor) -> RawShape:
    parts = n._inputs[:-1] if n.type == "ConcatV2" else n._inputs[1:]
    whole: tuple[int | None, ...] = ()
    for part in parts:
        known = constant_as_shape(part)
        if known is None:
            return _by_length(n, tensor)
        whole += known
    return whole


def _sliced(n: Operation, tensor: Tensor) -> RawShape:
    whole = constant_as_shape(n._inputs[0])
    begin, end, strides = (constant(t) for t in n._inputs[1:4])
    masks = ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    if (
        whole is None
        or begin is None
        or end is None
        or strides is None
        or begin.size != 1
        or any(n.attrs[m] for m in masks)
    ):
        return _by_length(n, tensor)
    first = None if n.attrs["begin_mask"] else int(begin[0])
    last = None if n.attrs["end_mask"] else int(end[0])
    return whole[first : last : int(strides[0])]


def _outside(n: Operation, tensor: Tensor) -> RawShape:
    outer = captured(tensor)
    return _by_length(n, tensor) if outer is None else constant_as_shape(outer)


_PARTIAL = {
    "Placeholder": _outside,
    "Pack": _packed,
    "ConcatV2": _concatenated,
    "Concat": _concatenated,
    "StridedSlice": _sliced,
}

hooks.provide(constant_as_shape=constant_as_shape)
