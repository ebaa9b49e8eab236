"""tf.audio's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def decode_wav(
    contents: TensorLike,
    desired_channels: int = -1,
    desired_samples: int = -1,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The sound in a WAVE file.

    Args:
      contents: the bytes of the file, of numbers of 16 bits.
      desired_channels: how many channels to make: the last one is repeated. By default
        those that there are.
      desired_samples: how many samples to make: silence follows. By default those that
        there are.
      name: the name of the operation.

    Returns:
      A named tuple: audio, float32 [samples, channels] in [−1, 1), and sample_rate,
      int32.
    """
    return F.DecodeWav(
        contents,
        desired_channels=desired_channels,
        desired_samples=desired_samples,
        name=name,
    )


def encode_wav(
    audio: TensorLike, sample_rate: TensorLike, name: str | None = None
) -> Tensor:
    """The bytes of a WAVE file of 16 bits.

    Args:
      audio: float32 [samples, channels] in [−1, 1).
      sample_rate: samples a second, int32.
      name: the name of the operation.
    """
    return F.EncodeWav(audio, sample_rate, name=name)
