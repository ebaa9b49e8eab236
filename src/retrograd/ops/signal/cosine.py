"""tf.signal's discrete cosine transforms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import range_
from retrograd.ops.array.join import concat
from retrograd.ops.array.pad import pad
from retrograd.ops.array.reorder import reverse
from retrograd.ops.array.shape import rank, shape
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast, real
from retrograd.ops.math.elementwise import maximum
from retrograd.ops.math.unary import rsqrt
from retrograd.ops.signal.fourier import irfft, rfft

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike

#: which type is the inverse of which, but for a factor
_INVERSE = {1: 1, 2: 3, 3: 2}


def _check(x: Tensor, type: int, n: int | None, axis: int, norm: str | None) -> None:
    if axis != -1:
        raise NotImplementedError(f"axis must be -1. Got: {axis}")
    if n is not None and n < 1:
        raise ValueError("n should be a positive integer or None")
    if type not in _INVERSE:
        raise ValueError("Only Types I, II and III (I)DCT are supported.")
    if type == 1:
        if norm == "ortho":
            raise ValueError("Normalization is not supported for the Type-I DCT.")
        raw = x._shape_raw
        if raw is not None and raw[-1] is not None and raw[-1] < 2:
            text = "Type-I DCT requires the dimension to be greater than one."
            raise ValueError(text)
    if norm not in (None, "ortho"):
        text = f"Unknown normalization. Expected None or 'ortho', got: {norm}"
        raise ValueError(text)


def dct(
    input: TensorLike,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The cosine transform over the last axis.

    Args:
      input: float32.
      type: 1, 2 or 3.
      n: how many numbers count; zeros follow where there are fewer. By default all.
      axis: −1.
      norm: "ortho" to have the transform keep lengths, of types 2 and 3 only.
      name: the name of the operation.

    Raises:
      NotImplementedError: another axis.
      ValueError: another type or norm, or a size that the type does not take.

    Example:
      tf.signal.dct([1.0, 1.0]) is [4, 0].
    """
    with name_scope(name, "dct", [input]):
        x: Any = convert_to_tensor(input, dtypes.float32)
        _check(x, type, n, axis, norm)
        raw = x._shape_raw
        if n is not None:
            x = _sized(x, n)
        known = n if n is not None else None if raw is None else raw[-1]
        size: Any = shape(x)[-1] if known is None else known
        if type == 1:
            mirrored = reverse(x[..., 1:-1], [-1])
            return real(rfft(concat([x, mirrored], -1)))
        return _second(x, size, norm) if type == 2 else _third(x, size, norm)


def _sized(x: Tensor, n: int) -> Tensor:
    """The first n numbers, with zeros behind them as needed."""
    missing = maximum(0, n - shape(x)[-1])
    rest = pad([[0, missing]], [[rank(x) - 1, 0], [0, 0]])
    return pad(x[..., :n], rest)


def _turns(size: int | Tensor, sign: int) -> Tensor:
    """exp(± i π k / 2n) for each k below n."""
    angle = constant(sign * math.pi * 0.5) * cast(range_(size), dtypes.float32)
    angle = angle / cast(size, dtypes.float32)
    return F.Exp(F.Complex(constant(0.0), angle))


def _second(x: Tensor, size: int | Tensor, norm: str | None) -> Tensor:
    """yₖ = 2 Σ xⱼ cos(π k (2j + 1) / 2n)."""
    spectrum = rfft(x, [2 * size])[..., :size]
    found = real(spectrum * (2.0 * _turns(size, -1)))
    if norm is None:
        return found
    ahead = 0.5 * rsqrt(cast(size, dtypes.float32))
    return found * _first_and_rest(size, ahead, ahead * math.sqrt(2.0))


def _third(x: Tensor, size: int | Tensor, norm: str | None) -> Tensor:
    """yₖ = x₀ + 2 Σ xⱼ cos(π j (2k + 1) / 2n), the sum from 1 on."""
    count = cast(size, dtypes.float32)
    if norm is not None:
        ahead = rsqrt(count)
        x = x * _first_and_rest(size, ahead, ahead * math.sqrt(0.5))
    spectrum = cast(x, dtypes.complex64) * _turns(size, 1)
    return irfft(spectrum, [2 * size])[..., :size] * (2.0 * count)


def _first_and_rest(size: int | Tensor, first: Tensor, rest: Tensor) -> Tensor:
    """A vector of n numbers, of which the first is another than the rest."""
    return F.SelectV2(F.Equal(range_(size), 0), first, rest)


def idct(
    input: TensorLike,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The inverse of `dct`: with norm "ortho" exactly, else but for the factor 2n.

    Of type 1 the factor is 2 (n − 1). Args and errors are those of `dct`; `n` has to
    be None.
    """
    return dct(input, _INVERSE.get(type, type), n, axis, norm, name)
