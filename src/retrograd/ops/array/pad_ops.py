"""Ops: padding: with a constant, or with the tensor's own elements mirrored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.join import stack
from retrograd.ops.array.shape import rank, reshape, shape
from retrograd.ops.declare import F, gradient, op, rule
from retrograd.ops.infer import invalid, merged, shape_text, with_rank
from retrograd.ops.static import constant as static_value
from retrograd.ops.traits import Traits

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- shapes


def _pad_shape(n: Operation) -> RawShape:
    raw = n._inputs[0]._shape_raw
    count, columns = with_rank(n, 1, 2)
    if columns not in (2, None):
        raise invalid(n, f"Dimension must be 2 but is {columns}")
    if count is not None:
        raw = with_rank(n, 0, count)
    paddings = static_value(n._inputs[1])
    if paddings is None:
        known = count if raw is None else len(raw)
        return None if known is None else (None,) * known
    raw = with_rank(n, 0, len(paddings))
    if (paddings < 0).any():
        raise invalid(n, "Paddings must be non-negative")
    added = paddings.sum(1).tolist()
    return tuple(None if d is None else d + a for d, a in zip(raw, added, strict=True))


def _mirror_grad_shape(n: Operation) -> RawShape:
    count = with_rank(n, 1, 2)[0]
    if count is None:
        return None
    raw = with_rank(n, 0, count)
    merged(n, n._inputs[1]._shape_raw, (count, 2))
    paddings = static_value(n._inputs[1])
    if paddings is None:
        return (None,) * count
    if (paddings < 0).any():
        raise invalid(n, "Paddings must be non-negative")
    found: list[int | None] = []
    for d, (before, after) in zip(raw, paddings.tolist(), strict=True):
        found.append(None if d is None else d - before - after)
        if d is not None and d < before + after:
            raise invalid(
                n,
                "Negative dimension size caused by subtracting "
                f"{before + after} from {d}",
            )
    return tuple(found)


# ---------------------------------------------------------------------- kernels


def _checked(x: Array, paddings: Array, comma: str, word: str) -> list[tuple[int, int]]:
    """The numbers of elements to add before and after, for each axis."""
    have = np.shape(x)
    if np.ndim(paddings) != 2 or paddings.shape[1] != 2:
        raise refused(
            f"paddings must be a matrix with 2 columns: {shape_text(paddings.shape)}"
        )
    if len(paddings) != len(have):
        raise refused(
            "The first dimension of paddings must be the rank of inputs"
            f"{shape_text(paddings.shape)}{comma} {shape_text(have)}"
        )
    pairs = [(int(b), int(a)) for b, a in paddings.tolist()]
    for before, after in pairs:
        if before < 0 or after < 0:
            raise refused(f"{word} must be non-negative: {before} {after}")
    return pairs


_HELD = (np.ndarray, np.generic, bytes)


def _padded(
    xp: Arrays, x: Array, pairs: list[tuple[int, int]], value: Array | bytes
) -> Array:
    if not isinstance(x, np.ndarray) or not isinstance(value, _HELD):
        return xp.pad(x, pairs, constant_values=value)
    sizes = [b + d + a for d, (b, a) in zip(x.shape, pairs, strict=True)]
    found = np.full(sizes, value, x.dtype)
    inner = tuple(slice(b, b + d) for d, (b, _) in zip(x.shape, pairs, strict=True))
    found[inner] = x
    return found


def _cut(n: Operation, dy: Tensor) -> Tensor:
    """The part of ȳ that the input was put in."""
    x, paddings = n.inputs[0], n.inputs[1]
    before = F.Slice(paddings, [0, 0], stack([rank(x), 1]))
    begin = reshape(before, [-1])
    return F.Slice(dy, begin, shape(x, out_type=begin.dtype.base_dtype))


@op(
    "Pad",
    infer=_pad_shape,
    math="y = x with zeros around it",
    grad=dict(input=rule("x̄ = ȳ without its margins", lambda n, dy: _cut(n, dy))),
    static="paddings",
    traits=Traits(linear=("input",)),
)
def pad_kernel(xp: Arrays, x: Array, paddings: Array) -> Array:
    """x with zeros before and after its elements, along each axis."""
    pairs = _checked(x, paddings, "", "Paddings")
    zero = b"" if x.dtype == object else np.zeros((), x.dtype)
    return _padded(xp, x, pairs, zero)


@op(
    "PadV2",
    infer=_pad_shape,
    math="y = x with c around it",
    grad=dict(input=rule("x̄ = ȳ without its margins", lambda n, dy: _cut(n, dy))),
    static="paddings",
    notation=dict(constant_values="c"),
)
def pad_v2_kernel(xp: Arrays, x: Array, paddings: Array, value: Array) -> Array:
    """x with a constant before and after its elements, along each axis."""
    return _padded(xp, x, _checked(x, paddings, "", "Paddings"), value)


def _mirror_checked(x: Array, paddings: Array, offset: int) -> list[tuple[int, int]]:
    pairs = _checked(x, paddings, ",", "paddings")
    for size, (before, after) in zip(np.shape(x), pairs, strict=True):
        if max(before, after) > size - offset:
            raise refused(
                f"paddings must be less than the dimension size: {before}, {after} "
                f"not less than {size}"
                if offset
                else "paddings must be no greater than the dimension size: "
                f"{before}, {after} greater than {size}"
            )
    return pairs


@op(
    "MirrorPad",
    infer=_pad_shape,
    math="y = x with its mirror images around it",
    static="paddings",
)
def mirror_pad_kernel(xp: Arrays, x: Array, paddings: Array, *, mode: str) -> Array:
    """x continued by its mirror images; REFLECT leaves the border itself out."""
    pairs = _mirror_checked(x, paddings, int(mode == "REFLECT"))
    if not any(map(any, pairs)):
        return x
    return xp.pad(x, pairs, mode="reflect" if mode == "REFLECT" else "symmetric")


@gradient("MirrorPad", input="x̄ = ȳ, each margin folded back")
def mirror_pad_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """Fold the margins back."""
    return [F.MirrorPadGrad(dy, n.inputs[1], mode=n.attrs["mode"]), None]


@op(
    "MirrorPadGrad",
    infer=_mirror_grad_shape,
    math="y = x, each margin folded back",
    static="paddings",
)
def mirror_pad_grad_kernel(
    xp: Arrays, x: Array, paddings: Array, *, mode: str
) -> Array:
    """x without its margins, which are added where their mirror images are."""
    offset = int(mode == "REFLECT")
    for axis, (before, after) in enumerate(_checked(x, paddings, ",", "paddings")):
        size = np.shape(x)[axis] - before - after
        if max(before, after) > size - offset:
            raise refused(
                "paddings must be "
                + (
                    f"less than the output dimension size: {before}, {after} not less "
                    if offset
                    else "no greater than the output dimension size: "
                    f"{before}, {after} greater "
                )
                + f"than {size}"
            )
        x = _folded(xp, x, axis, before, after, offset)
    return x


def _folded(
    xp: Arrays, x: Array, axis: int, before: int, after: int, offset: int
) -> Array:
    size = np.shape(x)[axis] - before - after

    def part(first: int, last: int) -> Array:
        return x[(slice(None),) * axis + (slice(first, last),)]

    def spread(piece: Array, begin: int, count: int) -> Array:
        pairs = [(0, 0)] * len(np.shape(x))
        pairs[axis] = (begin, size - begin - count)
        return xp.pad(xp.flip(piece, axis), pairs)

    found = part(before, before + size)
    if before:
        found = found + spread(part(0, before), offset, before)
    if after:
        last = part(before + size, before + size + after)
        found = found + spread(last, size - offset - after, after)
    return found


@gradient("MirrorPadGrad", input="x̄ = ȳ with its mirror images around it")
def mirror_pad_grad_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """Mirror again."""
    return [F.MirrorPad(dy, n.inputs[1], mode=n.attrs["mode"]), None]
