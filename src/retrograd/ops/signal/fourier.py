"""tf.signal's Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.pad import pad
from retrograd.ops.array.reorder import roll
from retrograd.ops.array.shape import rank, shape
from retrograd.ops.declare import F
from retrograd.ops.math.elementwise import maximum
from retrograd.ops.static import constant_as_shape

if TYPE_CHECKING:
    from retrograd.typing import AxisLike, TensorLike


# ---------------------------------------------------------------------- complex


def fft(input: TensorLike, name: str | None = None) -> Tensor:
    """The Fourier transform over the last axis.

    Example:
      tf.signal.fft([1.0, 0.0, 0.0]) is [1, 1, 1].
    """
    return F.FFT(input, name=name)


def fft2d(input: TensorLike, name: str | None = None) -> Tensor:
    """The Fourier transform over the last two axes."""
    return F.FFT2D(input, name=name)


def fft3d(input: TensorLike, name: str | None = None) -> Tensor:
    """The Fourier transform over the last three axes."""
    return F.FFT3D(input, name=name)


def ifft(input: TensorLike, name: str | None = None) -> Tensor:
    """The inverse of `fft`."""
    return F.IFFT(input, name=name)


def ifft2d(input: TensorLike, name: str | None = None) -> Tensor:
    """The inverse of `fft2d`."""
    return F.IFFT2D(input, name=name)


def ifft3d(input: TensorLike, name: str | None = None) -> Tensor:
    """The inverse of `fft3d`."""
    return F.IFFT3D(input, name=name)


# ---------------------------------------------------------------------- real

Transform = Callable[..., Tensor]


def _lengths(x: Tensor, axes: int, halved: bool) -> TensorLike:
    """The sizes of the real array that x is, or whose transform it is."""
    raw = x._shape_raw
    if raw is not None and len(raw) >= axes and None not in raw[-axes:]:
        sizes = [int(size or 0) for size in raw[-axes:]]
        if halved:
            sizes[-1] = max(0, 2 * (sizes[-1] - 1))
        return np.array(sizes, np.int32)
    found = shape(x)[-axes:]
    if not halved:
        return found
    last = maximum(0, 2 * (found[-1:] - 1))
    return F.ConcatV2([found[:-1], last], 0) if axes > 1 else last


def _filled(x: Tensor, axes: int, lengths: Tensor, halved: bool) -> Tensor:
    """x with zeros behind it as far as `lengths` ask for more than there is."""
    wanted, have = constant_as_shape(lengths), x._shape_raw
    if wanted is not None and halved and wanted[-1] is not None:
        wanted = (*wanted[:-1], wanted[-1] // 2 + 1)
    if wanted is not None and have is not None and len(have) >= axes:
        pairs = zip(wanted, have[-axes:], strict=False)
        if all(w is not None and h is not None and w <= h for w, h in pairs):
            return x
        if any(h == 0 for h in have[-axes:]):
            return x
    sizes = F.ConcatV2([lengths[:-1], lengths[-1:] // 2 + 1], 0) if halved else lengths
    missing = maximum(0, sizes - shape(x)[-axes:])
    missing = F.Pad(missing, F.Pack([F.Pack([rank(x) - axes, 0])], axis=0))
    return pad(x, F.Pack([F.ZerosLike(missing), missing], axis=1))


def _real(
    op: Transform,
    axes: int,
    x: TensorLike,
    lengths: TensorLike | None,
    name: str | None,
) -> Tensor:
    halved = op.__name__.startswith("I")
    dtype = dtypes.complex64 if halved else dtypes.float32
    with name_scope(name, op.__name__.lower(), [x, lengths]) as scope:
        tensor: Any = convert_to_tensor(x, dtype)
        shaped = tensor._shape_raw
        if shaped is not None:
            tensor.shape.with_rank_at_least(axes)
        if lengths is None:
            sizes: Any = convert_to_tensor(_lengths(tensor, axes, halved), dtypes.int32)
        else:
            sizes = convert_to_tensor(lengths, dtypes.int32)
            tensor = _filled(tensor, axes, sizes, halved)
        return op(tensor, sizes, name=scope)


def rfft(
    input_tensor: TensorLike,
    fft_length: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """The Fourier transform of real numbers over the last axis.

    Args:
      input_tensor: float32.
      fft_length: how many of them count, as a vector of one; zeros follow where there
        are fewer. By default all.
      name: the name of the operation.

    Returns:
      The first half of the transform, fft_length // 2 + 1 numbers; the other half are
      their conjugates.
    """
    return _real(F.RFFT, 1, input_tensor, fft_length, name)


def rfft2d(
    input_tensor: TensorLike,
    fft_length: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """As `rfft`, over the last two axes; the last one is halved."""
    return _real(F.RFFT2D, 2, input_tensor, fft_length, name)


def rfft3d(
    input_tensor: TensorLike,
    fft_length: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """As `rfft`, over the last three axes; the last one is halved."""
    return _real(F.RFFT3D, 3, input_tensor, fft_length, name)


def irfft(
    input_tensor: TensorLike,
    fft_length: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """The real numbers that have a transform, the first half of which is given.

    Args:
      input_tensor: complex64.
      fft_length: how many numbers to make, as a vector of one; by default the even
        number that `input_tensor` can be the transform of.
      name: the name of the operation.
    """
    return _real(F.IRFFT, 1, input_tensor, fft_length, name)


def irfft2d(
    input_tensor: TensorLike,
    fft_length: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """As `irfft`, over the last two axes."""
    return _real(F.IRFFT2D, 2, input_tensor, fft_length, name)


def irfft3d(
    input_tensor: TensorLike,
    fft_length: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """As `irfft`, over the last three axes."""
    return _real(F.IRFFT3D, 3, input_tensor, fft_length, name)


# ---------------------------------------------------------------------- order


def _shifted(
    x: TensorLike, axes: AxisLike, name: str | None, word: str, back: bool
) -> Tensor:
    with name_scope(name, word, [x]) as scope:
        tensor: Any = convert_to_tensor(x)
        if axes is None:
            axes = list(range(tensor.shape.ndims))
        alone = not isinstance(axes, Sequence | np.ndarray | Tensor)
        raw = tensor._shape_raw
        where: Any = axes if isinstance(axes, Tensor) else np.atleast_1d(axes)
        if isinstance(where, Tensor) or raw is None or None in raw:
            sizes: Any = F.GatherV2(shape(tensor), where, 0)
        else:
            sizes = np.array(raw, np.int32)[where]
        shift: Any = -(sizes // 2) if back else sizes // 2
        if alone:
            shift, where = shift[0], axes
        return roll(tensor, shift, where, name=scope)


def fftshift(x: TensorLike, axes: AxisLike = None, name: str | None = None) -> Tensor:
    """Move what stands for frequency 0 into the middle.

    Args:
      x: a transform, of any type.
      axes: the axes to do this along; by default all.
      name: the name of the operation.

    Example:
      tf.signal.fftshift([0, 1, 2, -2, -1]) is [-2, -1, 0, 1, 2].
    """
    return _shifted(x, axes, name, "fftshift", False)


def ifftshift(x: TensorLike, axes: AxisLike = None, name: str | None = None) -> Tensor:
    """The inverse of `fftshift`."""
    return _shifted(x, axes, name, "ifftshift", True)
