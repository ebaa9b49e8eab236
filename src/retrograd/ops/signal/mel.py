"""The mel scale, on which pitches that sound equally far apart are so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import linspace
from retrograd.ops.array.join import split
from retrograd.ops.array.pad import pad
from retrograd.ops.array.shape import expand_dims, shape
from retrograd.ops.math.casts import cast
from retrograd.ops.math.elementwise import maximum, minimum
from retrograd.ops.math.unary import log, rsqrt
from retrograd.ops.signal.cosine import dct
from retrograd.ops.signal.framing import frame

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, TensorLike


def _mel(hertz: Tensor) -> Tensor:
    """Frequencies on the mel scale of the HTK toolkit: 1127 ln(1 + f / 700)."""
    return 1127.0 * log(1.0 + hertz / 700.0)


def _check(
    bands: int, rate: TensorLike, lowest: float, highest: float, dtype: dtypes.DType
) -> None:
    if bands <= 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {bands}")
    if lowest < 0.0:
        raise ValueError(f"lower_edge_hertz must be non-negative. Got: {lowest}")
    if lowest >= highest:
        raise ValueError(f"lower_edge_hertz {lowest} >= upper_edge_hertz {highest}")
    if isinstance(rate, int | float):
        if rate <= 0.0:
            raise ValueError(f"sample_rate must be positive. Got: {rate}")
        if highest > rate / 2:
            raise ValueError(
                "upper_edge_hertz must not be larger than the Nyquist frequency "
                f"(sample_rate / 2). Got: {highest} for sample_rate: {rate}"
            )
    if not dtype.is_floating:
        raise ValueError(f"dtype must be a floating point type. Got: {dtype}")


def linear_to_mel_weight_matrix(
    num_mel_bins: int = 20,
    num_spectrogram_bins: TensorLike = 129,
    sample_rate: TensorLike = 8000,
    lower_edge_hertz: float = 125.0,
    upper_edge_hertz: float = 3800.0,
    dtype: DTypeLike = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """The matrix that turns spectra into such of bands on the mel scale.

    Args:
      num_mel_bins: how many bands; they overlap by half, and are triangles.
      num_spectrogram_bins: how many frequencies a spectrum has, from 0 to half the
        rate.
      sample_rate: samples a second.
      lower_edge_hertz: where the lowest band begins.
      upper_edge_hertz: where the highest ends.
      dtype: a type of floats.
      name: the name of the operation.

    Returns:
      [num_spectrogram_bins, num_mel_bins].

    Raises:
      ValueError: no bands, an edge that is negative or above half the rate, edges in
        the wrong order, or another type.
    """
    dtype = dtypes.as_dtype(dtype)
    _check(num_mel_bins, sample_rate, lower_edge_hertz, upper_edge_hertz, dtype)
    with name_scope(name, "linear_to_mel_weight_matrix") as scope:
        rate: Any = cast(convert_to_tensor(sample_rate, name="sample_rate"), dtype)
        lowest = convert_to_tensor(lower_edge_hertz, dtype, name="lower_edge_hertz")
        highest = convert_to_tensor(upper_edge_hertz, dtype, name="upper_edge_hertz")
        zero = constant(0.0, dtype)
        # frequency 0 is in no band
        linear = linspace(zero, rate / 2.0, num_spectrogram_bins)[1:]
        at = expand_dims(_mel(linear), 1)
        edges = linspace(_mel(lowest), _mel(highest), num_mel_bins + 2)
        bands = split(frame(edges, 3, 1), 3, axis=1)
        low, middle, high = (expand_dims(band[:, 0], 0) for band in bands)
        rising = (at - low) / (middle - low)
        falling = (high - at) / (high - middle)
        weights = maximum(zero, minimum(rising, falling))
        return pad(weights, [[1, 0], [0, 0]], name=scope)


def mfccs_from_log_mel_spectrograms(
    log_mel_spectrograms: TensorLike, name: str | None = None
) -> Tensor:
    """The cepstral coefficients of spectra on the mel scale.

    Args:
      log_mel_spectrograms: float32, [..., bands], logarithms of sums over bands.
      name: the name of the operation.

    Returns:
      Of the same shape: their cosine transform, scaled as that of the HTK toolkit.

    Raises:
      ValueError: no bands.
    """
    with name_scope(name, "mfccs_from_log_mel_spectrograms", [log_mel_spectrograms]):
        x: Any = convert_to_tensor(log_mel_spectrograms, dtypes.float32)
        x.shape.with_rank_at_least(1)
        raw = x._shape_raw
        if raw is not None and raw[-1] == 0:
            raise ValueError(f"num_mel_bins must be positive. Got: {x}")
        bands: Any = shape(x)[-1] if raw is None or raw[-1] is None else raw[-1]
        return dct(x) * rsqrt(2.0 * cast(bands, dtypes.float32))
