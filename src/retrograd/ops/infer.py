"""Shape rules that many ops share; each takes an operation and gives raw shapes.

A raw shape is a tuple of sizes, None for one that is not known; None for unknown rank.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from retrograd import shapes
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.host.text import summarized
from retrograd.ops.static import constant, constant_as_shape, wanted

#: a shape as messages write it: `[2,?]`, or `?` for unknown rank
shape_text = shapes.text


#: before this version of graphs the axes of a reduction could be a tensor of any rank
_AXES_IN_A_VECTOR = 21


def same(n: Operation) -> RawShape:
    """The shape of the first input, for ops that work element by element."""
    return n._inputs[0]._shape_raw


def like(index: int) -> Callable[[Operation], RawShape]:
    """The shape of one input."""
    return lambda n: n._inputs[index]._shape_raw


def scalar(n: Operation) -> RawShape:
    """No dimensions."""
    del n
    return ()


def scalars(n: Operation) -> list[RawShape]:
    """No dimensions, for every output."""
    return [() for _ in n._outputs]


def vector(n: Operation) -> RawShape:
    """One dimension of unknown size."""
    del n
    return (None,)


def unknown(n: Operation) -> list[None] | None:
    """Nothing is known of any output."""
    return [None] * len(n._outputs) if len(n._outputs) != 1 else None


def nothing(n: Operation) -> list[RawShape]:
    """For ops without outputs."""
    return [None] * len(n._outputs)


def from_attr(name: str = "shape") -> Callable[[Operation], RawShape]:
    """The shape that an attribute gives.

    Raises (the rule):
      ValueError: no tensor has such a shape.
    """

    def rule(n: Operation) -> RawShape:
        raw = n.attrs[name]
        wrong = "" if raw is None else shapes.why_invalid(raw, partial=True)
        if wrong:
            raise invalid(n, wrong)
        return raw

    return rule


def from_attr_of_each(n: Operation) -> list[RawShape]:
    """The shapes of the outputs, as the attribute `output_shapes` gives them."""
    return list(n.attrs["output_shapes"])


def from_input(index: int = 0) -> Callable[[Operation], RawShape]:
    """The shape that an input tensor holds, as far as it is known."""
    return lambda n: constant_as_shape(n._inputs[index])


def broadcast(n: Operation) -> RawShape:
    """The shape that two inputs are broadcast to.

    Raises:
      ValueError: they cannot be.
    """
    x, y = n._inputs[0]._shape_raw, n._inputs[1]._shape_raw
    if x == y and (x is None or None not in x):
        return x
    try:
        return shapes.broadcast(x, y)
    except ValueError as error:
        raise ValueError(f"{error} for {described(n)}.") from None


def described(n: Operation) -> str:
    """The operation as an error message of shape inference names it.

    The inputs whose values the rule had asked for when it failed are named too.
    """
    inputs = ", ".join(shape_text(t._shape_raw) for t in n._inputs)
    text = f"'{n.name}' (op: '{n.type}') with input shapes: {inputs}"
    values, partial = [], []
    for i, tensor in enumerate(n._inputs):
        kind = wanted(tensor)
        raw = constant_as_shape(tensor) if kind == "shape" else None
        if raw is not None:
            partial.append(f"input[{i}] = {shape_text(raw)}")
        elif kind and (value := constant(tensor)) is not None:
            values.append(f"input[{i}] = <{summarized(value, 256)}>")
    if values:
        text += f" and with computed input tensors: {', '.join(values)}"
    if partial:
        listed = ", ".join(partial)
        text += f" and with input tensors computed as partial shapes: {listed}"
    return text


def invalid(n: Operation, text: str) -> ValueError:
    """The error of a shape rule: what is wrong, and with which operation."""
    return ValueError(f"{text} for {described(n)}.")


def with_rank(n: Operation, index: int, rank: int) -> tuple[int | None, ...]:
    """The shape of an input that must have `rank` dimensions.

    Raises:
      ValueError: it has another rank.
    """
    raw = n._inputs[index]._shape_raw
    if raw is None:
        return (None,) * rank
    if len(raw) != rank:
        raise ValueError(
            f"Shape must be rank {rank} but is rank {len(raw)} for {described(n)}."
        )
    return raw


def with_rank_at_least(n: Operation, index: int, rank: int) -> RawShape:
    """The shape of an input that must have at least `rank` dimensions.

    Raises:
      ValueError: it has fewer.
    """
    raw = n._inputs[index]._shape_raw
    if raw is not None and len(raw) < rank:
        raise ValueError(
            f"Shape must be at least rank {rank} but is rank {len(raw)} for "
            f"{described(n)}."
        )
    return raw


def with_rank_at_most(n: Operation, index: int, rank: int) -> RawShape:
    """The shape of an input that must have at most `rank` dimensions.

    Raises:
      ValueError: it has more.
    """
    raw = n._inputs[index]._shape_raw
    if raw is not None and len(raw) > rank:
        raise invalid(n, f"Shape must be at most rank {rank} but is rank {len(raw)}")
    return raw


def same_dim(n: Operation, a: int | None, b: int | None) -> int | None:
    """The size that two dimensions both have.

    Raises:
      ValueError: they differ.
    """
    if a is None or b is None:
        return b if a is None else a
    if a != b:
        raise ValueError(
            f"Dimensions must be equal, but are {a} and {b} for {described(n)}."
        )
    return a


def size_input(n: Operation, index: int) -> int | None:
    """The size that a scalar input gives, if it is known.

    Raises:
      ValueError: it is known, and no scalar or negative.
    """
    value = constant(n._inputs[index])
    if value is None:
        return None
    if value.ndim:
        raise invalid(n, f"Input must be scalar but has rank {value.ndim}")
    if value < 0:
        raise invalid(
            n,
            f"Dimension size, given by scalar input {index}, must be non-negative but "
            f"is {value}",
        )
    return int(value)


def merged(n: Operation, a: RawShape, b: RawShape) -> RawShape:
    """The shape that two tensors must share.

    Raises:
      ValueError: they differ.
    """
    try:
        return shapes.merge(a, b)
    except ValueError as error:
        raise invalid(n, str(error)) from None


def scalars_from(n: Operation, first: int) -> None:
    """Refuse inputs from `first` on that are no scalars."""
    for index in range(first, len(n._inputs)):
        with_rank(n, index, 0)


def same_with_scalars(n: Operation) -> RawShape:
    """The shape of input 0; all others are scalars."""
    scalars_from(n, 1)
    return same(n)


def axis_in(n: Operation, axis: int, rank: int) -> int:
    """`axis` counted from the front.

    Raises:
      ValueError: there is no such axis.
    """
    if not -rank <= axis < rank:
        raise ValueError(
            f"Invalid reduction dimension {axis} for input with {rank} dimensions. "
            f"for {described(n)}."
        )
    return axis + rank if axis < 0 else axis


def reduce(n: Operation) -> RawShape:
    """A reduction of input 0 over the axes in input 1, `keep_dims` an attribute."""
    raw, count = n._inputs[0]._shape_raw, n._inputs[1]._shape_raw
    if n.graph._producer >= _AXES_IN_A_VECTOR:
        with_rank_at_most(n, 1, 1)
    axes = constant(n._inputs[1])
    keep = bool(n.attrs.get("keep_dims"))
    if raw is None:
        return None
    if axes is None:
        if keep:
            return (None,) * len(raw)
        if count == ():
            return (None,) * (len(raw) - 1) if raw else None
        return None
    gone = {axis_in(n, int(a), len(raw)) for a in axes.reshape(-1)}
    if keep:
        return tuple(1 if i in gone else d for i, d in enumerate(raw))
    return tuple(d for i, d in enumerate(raw) if i not in gone)


def all_of(rules: Sequence[Callable[[Operation], Any]]) -> Callable[[Operation], Any]:
    """One rule for each output."""
    return lambda n: [r(n) for r in rules]
