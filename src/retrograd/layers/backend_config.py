"""Defaults of Keras: the float type, a small number, and where channels stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_settings = {"floatx": "float32", "epsilon": 1e-7, "data_format": "channels_last"}


def floatx() -> str:
    """The dtype of floats: float16, float32 or float64."""
    return str(_settings["floatx"])


def set_floatx(value: str) -> None:
    """Set the dtype of floats.

    Raises:
      ValueError: it is none of the three.
    """
    if value not in ("float16", "float32", "float64"):
        raise ValueError(f"Unknown floatx type: {value}")
    _settings["floatx"] = str(value)


def cast_to_floatx(x: ArrayLike) -> np.ndarray:
    """An array of the dtype of floats."""
    return np.asarray(x, floatx())


def epsilon() -> float:
    """A small number that keeps divisions from zero."""
    return float(_settings["epsilon"])


def set_epsilon(value: float) -> None:
    """Set the small number."""
    _settings["epsilon"] = value


def image_data_format() -> str:
    """`channels_last` or `channels_first`."""
    return str(_settings["data_format"])


def set_image_data_format(data_format: str) -> None:
    """Set where the channels of images stand.

    Raises:
      ValueError: neither `channels_last` nor `channels_first`.
    """
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"Unknown data_format: {data_format}")
    _settings["data_format"] = str(data_format)
