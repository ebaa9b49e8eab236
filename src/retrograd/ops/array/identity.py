"""Ops that pass their input on: identities, stops for gradients, checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrograd import shapes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import ShapeLike, TensorLike


def identity(input: TensorLike, name: str | None = None) -> Tensor:
    """A tensor with the value of `input`, which may be a variable."""
    if context.executing_eagerly() and not hasattr(input, "graph"):
        input = convert_to_tensor(input)
    return F.Identity(input, name=name)


def identity_n(input: Sequence[TensorLike], name: str | None = None) -> list[Tensor]:
    """Tensors with the values of `input`, all computed before any is used."""
    return F.IdentityN(input, name=name)


def stop_gradient(input: TensorLike, name: str | None = None) -> Tensor:
    """`input`, taken as constant by `tf.gradients`."""
    return F.StopGradient(input, name=name)


def prevent_gradient(
    input: TensorLike, message: str = "", name: str | None = None
) -> Tensor:
    """`input`; differentiating through it is a LookupError that gives `message`."""
    return F.PreventGradient(input, message=message, name=name)


def guarantee_const(input: TensorLike, name: str | None = None) -> Tensor:
    """`input`, said never to change."""
    return F.GuaranteeConst(input, name=name)


def check_numerics(tensor: TensorLike, message: str, name: str | None = None) -> Tensor:
    """`tensor`, after a check that no element is NaN or infinite.

    Raises:
      InvalidArgumentError: (when run) `message`, and which of them occur.
    """
    return F.CheckNumerics(tensor, message=message, name=name)


def ensure_shape(x: TensorLike, shape: ShapeLike, name: str | None = None) -> Tensor:
    """`x` with the static shape merged with `shape`.

    Raises:
      InvalidArgumentError: (when run) the value's shape does not fit `shape`.
    """
    if not isinstance(shape, shapes.TensorShape):
        shape = shapes.TensorShape(shape)
    return F.EnsureShape(x, shape=shape, name=name)


def deep_copy(x: TensorLike, name: str | None = None) -> Tensor:
    """`x` in memory of its own."""
    return F.DeepCopy(x, name=name)
