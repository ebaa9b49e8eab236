"""Padding: with a constant, or with the tensor's own elements mirrored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import shapes
from retrograd.graph import context
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.static import constant_as_shape

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def pad(
    tensor: TensorLike,
    paddings: TensorLike,
    mode: str = "CONSTANT",
    name: str | None = None,
    constant_values: TensorLike = 0,
) -> Tensor:
    """`tensor` with elements added before and after, along each axis.

    Args:
      tensor: a tensor of rank r.
      paddings: [r, 2] int32 or int64: how many before, how many after.
      mode: CONSTANT; REFLECT or SYMMETRIC for the mirror image, without or with the
        border itself.
      name: the name of the operation.
      constant_values: the scalar that CONSTANT adds.

    Raises:
      ValueError: another mode; (static) paddings that do not fit the tensor.
    """
    kind = mode.upper()
    if kind == "CONSTANT":
        if not isinstance(constant_values, Tensor) and constant_values == 0:
            found = F.Pad(tensor, paddings, name=name)
        else:
            found = F.PadV2(tensor, paddings, constant_values, name=name)
    elif kind in ("REFLECT", "SYMMETRIC"):
        found = F.MirrorPad(tensor, paddings, mode=kind, name=name)
    else:
        raise ValueError(f"Unknown padding mode: {kind}")
    if not context.executing_eagerly() and not found.shape.is_fully_defined():
        _refine(found)
    return found


def _refine(padded: Tensor) -> None:
    """Set the sizes of the axes whose padding is known though others' is not."""
    tensor, paddings = padded.op.inputs[:2]
    raw, rows = tensor._shape_raw, paddings.op.inputs
    if raw is None or paddings.op.type != "Pack" or len(rows) != len(raw):
        return
    sizes: list[int | None] = []
    for row, size in zip(rows, raw, strict=True):
        pair = constant_as_shape(row)
        whole = shapes.is_full(pair) and size is not None
        sizes.append(size + sum(pair) if whole else None)  # pyright: ignore[reportArgumentType, reportCallIssue]
    padded.set_shape(sizes)


def pad_v2(
    tensor: TensorLike,
    paddings: TensorLike,
    mode: str = "CONSTANT",
    constant_values: TensorLike = 0,
    name: str | None = None,
) -> Tensor:
    """As `pad`."""
    return pad(tensor, paddings, mode, name, constant_values)


def mirror_pad(
    input: TensorLike, paddings: TensorLike, mode: str, name: str | None = None
) -> Tensor:
    """`input` continued by its mirror images (see `pad`)."""
    return F.MirrorPad(input, paddings, mode=mode, name=name)
