"""Short-time Fourier transforms: how the frequencies of a signal change."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.array.pad import pad
from retrograd.ops.array.reorder import tile
from retrograd.ops.array.shape import rank, reshape
from retrograd.ops.math.casts import cast
from retrograd.ops.math.elementwise import maximum, pow
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.math.unary import ceil, log, square
from retrograd.ops.signal.fourier import irfft, rfft
from retrograd.ops.signal.framing import frame, overlap_and_add, scalar_of
from retrograd.ops.signal.windows import hann_window
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, TensorLike

Window = Callable[..., Any]


def stft(
    signals: TensorLike,
    frame_length: TensorLike,
    frame_step: TensorLike,
    fft_length: TensorLike | None = None,
    window_fn: Window | None = hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Tensor:
    """The Fourier transforms of a signal's pieces.

    Args:
      signals: real, [..., samples].
      frame_length: how long a piece is.
      frame_step: how far a piece begins after the one before.
      fft_length: to which length pieces are filled up; by default to a power of two.
      window_fn: makes the weights of a piece from its length and `dtype`; None for
        none.
      pad_end: whether pieces that reach beyond the end are made too.
      name: the name of the operation.

    Returns:
      complex64, [..., pieces, fft_length // 2 + 1].
    """
    with name_scope(name, "stft", [signals, frame_length, frame_step]):
        x: Any = convert_to_tensor(signals, name="signals")
        x.shape.with_rank_at_least(1)
        length = scalar_of(frame_length, "frame_length")
        step = scalar_of(frame_step, "frame_step")
        size = _length(fft_length, length)
        pieces: Any = frame(x, length, step, pad_end)
        if window_fn is not None:
            pieces = pieces * window_fn(length, dtype=pieces.dtype)
        return rfft(pieces, [size])


def _length(fft_length: TensorLike | None, frame_length: Tensor) -> Tensor:
    """The length of transforms: what is asked for, or a power of two."""
    if fft_length is not None:
        return scalar_of(fft_length, "fft_length")
    known = constant(frame_length)
    if known is None:
        digits = ceil(log(cast(frame_length, dtypes.float32)) / math.log(2.0))
        return cast(pow(2.0, digits), frame_length.dtype)
    power = 2 ** math.ceil(math.log2(int(known)))
    return convert_to_tensor(np.array(power, known.dtype))


def inverse_stft(
    stfts: TensorLike,
    frame_length: TensorLike,
    frame_step: TensorLike,
    fft_length: TensorLike | None = None,
    window_fn: Window | None = hann_window,
    name: str | None = None,
) -> Tensor:
    """A signal that has, nearly, the given short-time Fourier transforms.

    It is exact with the window that `inverse_stft_window_fn` makes for that of `stft`,
    except for the ends.

    Args:
      stfts: complex64, [..., pieces, fft_length // 2 + 1].
      frame_length, frame_step, fft_length, window_fn, name: as of `stft`.

    Returns:
      float32, [..., samples].
    """
    with name_scope(name, "inverse_stft", [stfts]):
        x: Any = convert_to_tensor(stfts, name="stfts")
        x.shape.with_rank_at_least(2)
        length = scalar_of(frame_length, "frame_length")
        step = scalar_of(frame_step, "frame_step")
        size = _length(fft_length, length)
        pieces = _fitted(irfft(x, [size]), size, length)
        if window_fn is not None:
            pieces = pieces * window_fn(length, dtype=dtypes.float32)
        return overlap_and_add(pieces, step)


def _fitted(pieces: Tensor, size: Tensor, length: Tensor) -> Tensor:
    """Pieces of `size` as such of `length`: cut off, or with zeros behind them."""
    have, wanted = constant(size), constant(length)
    if have is None or wanted is None or have > wanted:
        pieces = pieces[..., :length]
    if have is None or wanted is None or have < wanted:
        missing = maximum(0, length - size)
        paddings = pad([[0, missing]], [[rank(pieces) - 1, 0], [0, 0]])
        pieces = pad(pieces, paddings)
    return pieces


def inverse_stft_window_fn(
    frame_step: TensorLike,
    forward_window_fn: Window = hann_window,
    name: str | None = None,
) -> Window:
    """The window with which `inverse_stft` undoes `stft`.

    Args:
      frame_step: that of `stft`.
      forward_window_fn: the window of `stft`.
      name: the name of the operations of the window.

    Returns:
      A function of a length and a `dtype`.
    """

    with name_scope(name, "inverse_stft_window_fn", [forward_window_fn]):
        pass  # TensorFlow opens the scope here too, and so leaves the name behind

    def inverse_window(frame_length: TensorLike, dtype: DTypeLike) -> Tensor:
        """The weights of `forward_window_fn`, divided by the sum of their squares."""
        with name_scope(name, "inverse_stft_window_fn", [forward_window_fn]):
            length: Any = scalar_of(frame_length, "frame_length")
            step: Any = scalar_of(frame_step, "frame_step")
            window = forward_window_fn(length, dtype=dtype)
            parts = -(-length // step)
            squares = pad(square(window), [[0, parts * step - length]])
            sums = reduce_sum(reshape(squares, [parts, step]), 0, keepdims=True)
            weights = reshape(tile(sums, [parts, 1]), [parts * step])
            return window / weights[:length]

    return inverse_window
