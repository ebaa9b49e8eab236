"""Ops: sound in files of the WAVE format, and what it sounds like."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.ops.arguments import refused
from retrograd.ops.declare import op
from retrograd.ops.infer import invalid, scalar, shape_text, with_rank
from retrograd.ops.signal import filterbank

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- from files


class _Reader:
    """Reads the parts of a file in order."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes.

        Raises:
          InvalidArgumentError: there are not as many.
        """
        if self.at + size > len(self.data):
            raise refused("Data too short when trying to read string")
        self.at += size
        return self.data[self.at - size : self.at]

    def expect(self, word: bytes) -> None:
        """Read a word that has to be there.

        Raises:
          InvalidArgumentError: there is another one.
        """
        found = self.take(len(word))
        if found != word:
            text = found.decode("latin-1")
            raise refused(f"Header mismatch: Expected {word.decode()} but found {text}")

    def numbers(self, form: str) -> tuple[int, ...]:
        """The next numbers, in the form of `struct`, little-endian."""
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))


def _header(file: _Reader) -> tuple[int, int]:
    """The number of channels and the rate that a file begins with.

    Raises:
      InvalidArgumentError: another format than whole numbers of 16 bits.
    """
    file.expect(b"RIFF")
    file.take(4)
    file.expect(b"WAVE")
    file.expect(b"fmt ")
    size, form, channels, rate, per_second, per_sample, bits = file.numbers("IHHIIHH")
    if size not in (16, 18):
        raise refused(f"Bad file size for WAV: Expected 16 or 18, but got{size}")
    if form != 1:
        raise refused(f"Bad audio format for WAV: Expected 1 (PCM), but got{form}")
    if channels < 1:
        raise refused(
            f"Bad number of channels for WAV: Expected at least 1, but got {channels}"
        )
    if bits != 16:
        raise refused(f"Can only read 16-bit WAV files, but received {bits}")
    if per_sample != 2 * channels:
        raise refused(
            "Bad bytes per sample in WAV header: Expected "
            f"{2 * channels} but got {per_sample}"
        )
    if per_second != per_sample * rate:
        raise refused(
            "Bad bytes per second in WAV header: Expected "
            f"{per_sample * rate} but got {per_second} "
            f"(sample_rate={rate}, bytes_per_sample={per_sample})"
        )
    file.take(size - 16)
    return channels, rate


def read_wave(data: bytes) -> tuple[np.ndarray, int]:
    """The samples of a file, float32 [samples, channels] in [−1, 1), and their rate.

    Raises:
      InvalidArgumentError: the file is damaged, or of another format.
    """
    file = _Reader(data)
    channels, rate = _header(file)
    samples = None
    while file.at < len(data):
        word = file.take(4)
        (size,) = file.numbers("I")
        if size > 2**31 - 1:
            raise refused(
                f"WAV data chunk '{word.decode('latin-1')}' is too large: {size} "
                "bytes, but the limit is 2147483647"
            )
        if word != b"data":
            file.at += size
            continue
        if samples is not None:
            raise refused("More than one data chunk found in WAV")
        count = size // (2 * channels)
        whole = np.frombuffer(file.take(2 * channels * count), "<i2")
        samples = whole.reshape(count, channels)
    if samples is None:
        raise refused("No data chunk found in WAV")
    return samples.astype(np.float32) / np.float32(32768.0), rate


def _wave_shapes(n: Operation) -> list[RawShape]:
    with_rank(n, 0, 0)
    sizes: list[int | None] = []
    for word in ("samples", "channels"):
        size = n.attrs[f"desired_{word}"]
        if size < -1:
            raise invalid(n, f"{word} must be non-negative, got {size}")
        sizes.append(None if size == -1 else size)
    return [tuple(sizes), ()]


@op("DecodeWav", infer=_wave_shapes, host=True)
def _decode_wav(
    xp: Arrays, contents: Array, *, desired_channels: int, desired_samples: int
) -> tuple[Array, Array]:
    """The sound in a WAVE file of 16 bits, [samples, channels], and its rate.

    The last channel is repeated, and silence added, as far as more are asked for.

    Raises:
      InvalidArgumentError: the file is damaged, or of another format.
    """
    del xp
    if np.ndim(contents):
        shown = shape_text(np.shape(contents))
        raise refused(f"contents must be scalar, got shape {shown}")
    samples, rate = read_wave(np.asarray(contents).item())
    if desired_channels != -1:
        place = np.minimum(np.arange(desired_channels), samples.shape[1] - 1)
        samples = samples[:, place]
    if desired_samples != -1:
        missing = max(0, desired_samples - len(samples))
        samples = np.pad(samples[:desired_samples], [(0, missing), (0, 0)])
    return samples, np.array(rate).astype(np.int32)


# ---------------------------------------------------------------------- to files


def _encoded_shape(n: Operation) -> RawShape:
    with_rank(n, 0, 2)
    with_rank(n, 1, 0)
    return scalar(n)


def _check_rate(rate: Array) -> int:
    if np.ndim(rate):
        shown = shape_text(np.shape(rate))
        raise refused(
            f"Input sample_rate should be a scalar tensor, got {shown} instead."
        )
    return int(rate)


@op("EncodeWav", infer=_encoded_shape, host=True)
def _encode_wav(xp: Arrays, audio: Array, sample_rate: Array) -> Array:
    """A WAVE file of 16 bits with the sound, [samples, channels] in [−1, 1).

    Raises:
      InvalidArgumentError: no sound, or a rate that is not positive.
    """
    del xp
    if np.ndim(audio) != 2:
        raise refused(f"audio must be 2-dimensional{shape_text(np.shape(audio))}")
    rate = _check_rate(sample_rate)
    if rate <= 0:
        raise refused(f"sample_rate must be in (0, 2^32), got: {rate % 2**64}")
    channels = audio.shape[1]
    if not audio.size:
        raise refused("audio is null")
    scaled = audio.astype(np.float64) * 32768.0
    rounded = np.trunc(scaled + np.copysign(0.5, scaled))
    whole = np.clip(np.nan_to_num(rounded, nan=0.0), -32768, 32767).astype("<i2")
    data = whole.tobytes()
    form = struct.pack(
        "<IHHIIHH", 16, 1, channels, rate, 2 * channels * rate, 2 * channels, 16
    )
    parts = b"WAVEfmt " + form + b"data" + struct.pack("<I", len(data)) + data
    return np.array(b"RIFF" + struct.pack("<I", len(parts)) + parts, object)


# ---------------------------------------------------------------------- spectra


def _power_of_two(size: int) -> int:
    """The least power of two that is no less."""
    return 1 << max(size - 1, 0).bit_length()


def _spectrogram_shape(n: Operation) -> RawShape:
    length, channels = with_rank(n, 0, 2)
    window, stride = n.attrs["window_size"], n.attrs["stride"]
    count = None
    if length is not None and stride:
        # rounded towards zero, as C does
        count = max(0, 1 + math.trunc((length - window) / stride))
    return (channels, count, 1 + _power_of_two(window) // 2)


@op("AudioSpectrogram", infer=_spectrogram_shape, host=True)
def _audio_spectrogram(
    xp: Arrays, x: Array, *, window_size: int, stride: int, magnitude_squared: bool
) -> Array:
    """Magnitudes of the frequencies of pieces of sound, [channels, pieces, …].

    Pieces are taken of all channels one after the other, as TensorFlow does: those at
    the beginning of a channel hold the end of the one before, unless they fit exactly.

    Raises:
      InvalidArgumentError: sizes that make no sense, or channels that do not fit.
    """
    del xp
    if x.ndim != 2:
        raise refused(f"input must be 2-dimensional{shape_text(x.shape)}")
    if window_size < 2 or stride < 1:
        raise refused(
            "Spectrogram initialization failed for window size "
            f"{window_size} and stride {stride}"
        )
    length, channels = x.shape
    count = 0 if length < window_size else 1 + (length - window_size) // stride
    stream = x.T.ravel().astype(np.float64)
    ends = np.arange(window_size, len(stream) + 1, stride)
    for channel in range(channels):
        within = np.count_nonzero(
            (ends > channel * length) & (ends <= (channel + 1) * length)
        )
        if within != count:
            raise refused(
                "Spectrogram size calculation failed: Expected height "
                f"{count} but got {within}"
            )
    pieces = stream[(ends - window_size)[:, None] + np.arange(window_size)]
    turn = 2.0 * math.pi * np.arange(window_size) / window_size
    spectra = np.fft.rfft(
        pieces * (0.5 - 0.5 * np.cos(turn)), _power_of_two(window_size)
    )
    squares = (spectra.real**2 + spectra.imag**2).astype(np.float32)
    found = squares if magnitude_squared else np.sqrt(squares)
    return found.reshape(channels, count, -1)


def _mfcc_shape(n: Operation) -> RawShape:
    channels, count, _ = with_rank(n, 0, 3)
    with_rank(n, 1, 0)
    return (channels, count, n.attrs["dct_coefficient_count"])


@op("Mfcc", infer=_mfcc_shape, host=True)
def _mfcc(
    xp: Arrays,
    spectrogram: Array,
    sample_rate: Array,
    *,
    upper_frequency_limit: float,
    lower_frequency_limit: float,
    filterbank_channel_count: int,
    dct_coefficient_count: int,
) -> Array:
    """The cepstral coefficients of squared magnitudes of frequencies.

    Raises:
      InvalidArgumentError: limits or numbers that make no sense.
    """
    del xp
    if spectrogram.ndim != 3:
        text = f"spectrogram must be 3-dimensional{shape_text(spectrogram.shape)}"
        raise refused(text)
    rate = _check_rate(sample_rate)
    size = spectrogram.shape[-1]
    limits = lower_frequency_limit, upper_frequency_limit
    bands = filterbank.weights(size, rate, filterbank_channel_count, *limits)
    if bands is None or not 0 < dct_coefficient_count <= filterbank_channel_count:
        raise refused(
            f"Mfcc initialization failed for channel count {size} and sample rate "
            f"{rate}"
        )
    if filterbank.beyond(size, rate, upper_frequency_limit):
        # TensorFlow reports it in its log, and goes on
        shape = (*spectrogram.shape[:-1], dct_coefficient_count)
        return np.zeros(shape, np.float32)
    energies = filterbank.energies(np.sqrt(spectrogram.astype(np.float64)), bands)
    cosines = filterbank.cosines(dct_coefficient_count, filterbank_channel_count)
    return (np.log(energies) @ cosines.T).astype(np.float32)
