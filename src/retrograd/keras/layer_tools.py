"""What is done to the layers of a model that is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograd.layers import conv
from retrograd.layers.values import batch_get_value, batch_set_value
from retrograd.platform import logs


def convert_kernel(kernel: np.ndarray) -> np.ndarray:
    """A kernel of a convolution turned around in space.

    Raises:
      ValueError: it has not 3 to 5 axes.
    """
    if not 3 <= kernel.ndim <= 5:
        raise ValueError("Invalid kernel shape:", kernel.shape)
    return np.copy(np.flip(kernel, tuple(range(kernel.ndim - 2))))


def convert_all_kernels_in_model(model: Any) -> None:
    """Turn the kernels of all convolutions of a model around."""
    kinds = (conv.Conv1D, conv.Conv2D, conv.Conv3D, conv.Conv2DTranspose)
    found = [layer for layer in model.layers if type(layer) in kinds]
    kernels = [layer.kernel for layer in found]
    values = batch_get_value(kernels)
    turned = [convert_kernel(value) for value in values]
    batch_set_value(list(zip(kernels, turned, strict=True)))


def multi_gpu_model(
    model: Any,
    gpus: int | Sequence[int],
    cpu_merge: bool = True,
    cpu_relocation: bool = False,
) -> Any:
    """The model as it is: it runs on one device, whatever it is told.

    Args:
      model: the model.
      gpus: how many devices, or which: two or more.
      cpu_merge, cpu_relocation: accepted.

    Raises:
      ValueError: fewer than two devices.
    """
    del cpu_merge, cpu_relocation
    count = gpus if isinstance(gpus, int) else len(gpus)
    if count <= 1:
        what = "gpus" if isinstance(gpus, int) else "len(gpus)"
        raise ValueError(
            "For multi-gpu usage to be effective, call `multi_gpu_model` with "
            f"`{what} >= 2`. Received: `gpus={gpus}`"
        )
    logs.warning(
        "multi_gpu_model: the model is used as it is, on one device; the results are "
        "the same. tf.distribute.MirroredStrategy uses several."
    )
    return model
