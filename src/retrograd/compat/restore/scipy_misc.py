"""`scipy.misc` as SciPy 1.1 had it: images through Pillow, and small mathematics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from retrograd.typing import Array, PathLike

_RESAMPLE = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "cubic": 3}
_ELSEWHERE = {
    "comb": "scipy.special",
    "factorial": "scipy.special",
    "factorial2": "scipy.special",
    "factorialk": "scipy.special",
    "logsumexp": "scipy.special",
    "ascent": "scipy.datasets",
    "face": "scipy.datasets",
    "electrocardiogram": "scipy.datasets",
    "pade": "scipy.interpolate",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name in _ELSEWHERE:
        return getattr(importlib.import_module(_ELSEWHERE[name]), name)
    raise AttributeError(f"module 'scipy.misc' has no attribute {name!r}")


def bytescale(
    data: Array,
    cmin: float | None = None,
    cmax: float | None = None,
    high: int = 255,
    low: int = 0,
) -> np.ndarray:
    """An array scaled to bytes from `low` to `high`; uint8 is left as it is.

    Args:
      data: any real array.
      cmin: the value that becomes `low`; the smallest by default.
      cmax: the value that becomes `high`; the largest by default.
      high: at most 255.
      low: at least 0.

    Raises:
      ValueError: the bounds are out of order or out of range.
    """
    data = np.asarray(data)
    if data.dtype == np.uint8:
        return data
    if high > 255:
        raise ValueError("`high` should be less than or equal to 255.")
    if low < 0:
        raise ValueError("`low` should be greater than or equal to 0.")
    if high < low:
        raise ValueError("`high` should be greater than or equal to `low`.")
    start = data.min() if cmin is None else cmin
    stop = data.max() if cmax is None else cmax
    span = stop - start
    if span < 0:
        raise ValueError("`cmax` should be larger than `cmin`.")
    scaled = (data - start) * (float(high - low) / (span or 1)) + low
    return (scaled.clip(low, high) + 0.5).astype(np.uint8)


def imread(
    name: PathLike | IO[bytes], flatten: bool = False, mode: str | None = None
) -> np.ndarray:
    """An image file as an array [height, width] or [height, width, channels].

    Args:
      name: a path or an open file.
      flatten: as one channel of float32 grey.
      mode: convert to this Pillow mode first.
    """
    from PIL import Image

    return fromimage(Image.open(name), flatten=flatten, mode=mode)


def fromimage(im: object, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """A Pillow image as an array; see `imread`."""
    from PIL import Image

    if not isinstance(im, Image.Image):
        raise TypeError("Input is not a PIL image.")
    if mode is not None:
        if mode != im.mode:
            im = im.convert(mode)
    elif im.mode == "P":
        im = im.convert("RGBA" if "transparency" in im.info else "RGB")
    if flatten:
        im = im.convert("F")
    elif im.mode == "1":
        im = im.convert("L")
    return np.array(im)


def toimage(
    arr: Array,
    high: int = 255,
    low: int = 0,
    cmin: float | None = None,
    cmax: float | None = None,
    pal: object = None,
    mode: str | None = None,
    channel_axis: int | None = None,
) -> Any:
    """An array as a Pillow image, its values scaled to bytes.

    Args:
      arr: shape [height, width], or three axes of which one has length 3 or 4.
      high: see `bytescale`.
      low: see `bytescale`.
      cmin: see `bytescale`.
      cmax: see `bytescale`.
      pal: a palette, bytes or [n, 3]; gives mode P.
      mode: a Pillow mode; found from the shape by default.
      channel_axis: the axis of the channels, where it is not clear.

    Raises:
      ValueError: complex values, or a shape or mode that is no image.
    """
    from PIL import Image

    data = np.asarray(arr)
    if np.iscomplexobj(data):
        raise ValueError("Cannot convert a complex-valued array.")
    shape = data.shape
    if len(shape) == 2:
        return _grey_image(data, high, low, cmin, cmax, pal, mode)
    if len(shape) != 3 or not {3, 4}.intersection(shape):
        raise ValueError("'arr' does not have a suitable array shape for any mode.")
    if channel_axis is None:
        channel_axis = shape.index(3) if 3 in shape else shape.index(4)
    channels = shape[channel_axis]
    if channels not in (3, 4):
        raise ValueError("Channel axis dimension is not valid.")
    pixels = np.moveaxis(bytescale(data, cmin, cmax, high, low), channel_axis, 2)
    if mode is None:
        mode = "RGB" if channels == 3 else "RGBA"
    if mode not in ("RGB", "RGBA", "YCbCr", "CMYK"):
        raise ValueError("Invalid array shape for mode")
    if (channels == 3) != (mode in ("RGB", "YCbCr")):
        raise ValueError("Invalid array shape for mode")
    size = (pixels.shape[1], pixels.shape[0])
    return Image.frombytes(mode, size, np.ascontiguousarray(pixels).tobytes())


def _grey_image(
    data: np.ndarray,
    high: int,
    low: int,
    cmin: float | None,
    cmax: float | None,
    pal: object,
    mode: str | None,
) -> Any:
    from PIL import Image

    size = (data.shape[1], data.shape[0])
    if mode == "F":
        return Image.frombytes("F", size, data.astype(np.float32).tobytes())
    if mode in (None, "L", "P"):
        pixels = bytescale(data, cmin, cmax, high, low)
        image = Image.frombytes("L", size, pixels.tobytes())
        if pal is not None:
            image.putpalette(np.asarray(pal, dtype=np.uint8).tobytes())
        elif mode == "P":
            grey = np.arange(0, 256, 1, dtype=np.uint8)[:, np.newaxis]
            image.putpalette(np.repeat(grey, 3, axis=1).tobytes())
        return image
    if mode == "1":
        mask = np.asarray(bytescale(data, cmin, cmax, high, low) > 128)
        return Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).convert("1")
    if mode == "I":
        start = data.min() if cmin is None else cmin
        stop = data.max() if cmax is None else cmax
        scaled = (data - start) * (float(high - low) / ((stop - start) or 1)) + low
        return Image.frombytes("I", size, scaled.astype(np.uint32).tobytes())
    raise ValueError(f"Mode {mode!r} does not go with two axes.")


def imsave(name: PathLike | object, arr: Array, format: str | None = None) -> None:
    """Save an array as an image; three axes are [height, width, channels]."""
    image = toimage(arr, channel_axis=2)
    if format is None:
        image.save(name)
    else:
        image.save(name, format)


def imresize(
    arr: Array,
    size: int | float | Sequence[int],
    interp: str = "bilinear",
    mode: str | None = None,
) -> np.ndarray:
    """An image array at another size, as uint8.

    Args:
      arr: an image array; see `toimage`.
      size: percent as an int, a factor as a float, or (height, width).
      interp: nearest, lanczos, bilinear, bicubic or cubic.
      mode: the Pillow mode to work in.
    """
    image = toimage(arr, mode=mode)
    if isinstance(size, int | np.integer):
        width, height = (int(side * (size / 100.0)) for side in image.size)
    elif isinstance(size, float | np.floating):
        width, height = (int(side * size) for side in image.size)
    else:
        height, width = (int(side) for side in size[:2])
    resized = image.resize((width, height), resample=_RESAMPLE[interp])
    return fromimage(resized)


def imrotate(arr: Array, angle: float, interp: str = "bilinear") -> np.ndarray:
    """An image array turned counter-clockwise by an angle in degrees."""
    return fromimage(toimage(arr).rotate(angle, resample=_RESAMPLE[interp]))


def imfilter(arr: Array, ftype: str) -> np.ndarray:
    """An image array through one of Pillow's filters: blur, sharpen, smooth …"""
    from PIL import ImageFilter

    return fromimage(toimage(arr).filter(getattr(ImageFilter, ftype.upper())))


def imshow(arr: Array) -> None:
    """Show an image array in the viewer of the desktop."""
    toimage(arr).show()


def central_diff_weights(Np: int, ndiv: int = 1) -> np.ndarray:
    """Weights of `Np` equally spaced points for the derivative of order `ndiv`.

    Raises:
      ValueError: too few points, or an even number of them.
    """
    if Np < ndiv + 1:
        raise ValueError("Number of points must be at least the derivative order + 1.")
    if Np % 2 == 0:
        raise ValueError("The number of points must be odd.")
    half = Np >> 1
    offsets = np.arange(-half, half + 1.0)[:, np.newaxis]
    powers = offsets ** np.arange(Np)
    return np.prod(np.arange(1, ndiv + 1)) * np.linalg.inv(powers)[ndiv]


def derivative(
    func: Callable[..., Any],
    x0: float,
    dx: float = 1.0,
    n: int = 1,
    args: tuple[Any, ...] = (),
    order: int = 3,
) -> Any:
    """The n-th derivative of a function at a point, by central differences.

    Args:
      func: called as `func(x, *args)`.
      x0: the point.
      dx: the spacing of the points.
      n: which derivative.
      args: further arguments of `func`.
      order: how many points, an odd number.
    """
    weights = central_diff_weights(order, n)
    half = order >> 1
    values = [w * func(x0 + (k - half) * dx, *args) for k, w in enumerate(weights)]
    return sum(values) / dx**n
