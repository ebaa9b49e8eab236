"""Images from bytes and to bytes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.host.printing import Assert
from retrograd.ops.image.colors import convert_image_dtype
from retrograd.ops.math.compare import equal, logical_and, not_equal
from retrograd.ops.random.random import random_uniform

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, TensorLike


def decode_png(
    contents: TensorLike,
    channels: int = 0,
    dtype: DTypeLike = dtypes.uint8,
    name: str | None = None,
) -> Tensor:
    """The pixels [height, width, channels] of a PNG file.

    Args:
      contents: the bytes of the file.
      channels: 1 for gray, 3 for colors, 4 with opacity; 0 for those of the file.
      dtype: uint8 or uint16.
      name: the name of the operation.
    """
    return F.DecodePng(contents, channels=channels, dtype=dtype, name=name)


def decode_jpeg(
    contents: TensorLike,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """The pixels uint8 [height, width, channels] of a JPEG file.

    They are those of the accurate method of decoding, whichever is asked for.

    Args:
      contents: the bytes of the file.
      channels: 1 for gray, 3 for colors; 0 for those of the file.
      ratio: by how much smaller it shall be: 1, 2, 4 or 8.
      fancy_upscaling, dct_method: kept by the operation, without effect.
      try_recover_truncated, acceptable_fraction: likewise.
      name: the name of the operation.
    """
    return F.DecodeJpeg(
        contents,
        channels=channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=acceptable_fraction,
        dct_method=dct_method,
        name=name,
    )


def decode_and_crop_jpeg(
    contents: TensorLike,
    crop_window: TensorLike,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """A part of a JPEG file: `crop_window` is (top, left, height, width).

    Other arguments as for `decode_jpeg`.
    """
    return F.DecodeAndCropJpeg(
        contents,
        crop_window,
        channels=channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=acceptable_fraction,
        dct_method=dct_method,
        name=name,
    )


def decode_bmp(
    contents: TensorLike, channels: int = 0, name: str | None = None
) -> Tensor:
    """The pixels uint8 [height, width, channels] of a BMP file."""
    return F.DecodeBmp(contents, channels=channels, name=name)


def decode_gif(contents: TensorLike, name: str | None = None) -> Tensor:
    """The frames uint8 [frames, height, width, 3] of a GIF file."""
    return F.DecodeGif(contents, name=name)


def extract_jpeg_shape(
    contents: TensorLike,
    output_type: DTypeLike = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """The height, width and channels of a JPEG file."""
    return F.ExtractJpegShape(contents, output_type=output_type, name=name)


def encode_png(
    image: TensorLike, compression: int = -1, name: str | None = None
) -> Tensor:
    """The bytes of a PNG file of uint8 or uint16 [height, width, channels]."""
    return F.EncodePng(image, compression=compression, name=name)


def encode_jpeg(
    image: TensorLike,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
    name: str | None = None,
) -> Tensor:
    """The bytes of a JPEG file.

    Args:
      image: uint8 [height, width, 1 or 3].
      format: `grayscale`, `rgb`, or neither.
      quality: 0 to 100.
      progressive: whether it can be shown before it is all there.
      optimize_size: whether to take time for a smaller file.
      chroma_downsampling: whether colors have half the resolution.
      density_unit: `in` or `cm`.
      x_density, y_density: pixels a unit.
      xmp_metadata: what to put in besides.
      name: the name of the operation.
    """
    return F.EncodeJpeg(
        image,
        format=format,
        quality=quality,
        progressive=progressive,
        optimize_size=optimize_size,
        chroma_downsampling=chroma_downsampling,
        density_unit=density_unit,
        x_density=x_density,
        y_density=y_density,
        xmp_metadata=xmp_metadata,
        name=name,
    )


# ---------------------------------------------------------------------- any format


def is_jpeg(contents: TensorLike, name: str | None = None) -> Tensor:
    """Whether bytes begin as those of a JPEG file do."""
    with name_scope(name, "is_jpeg"):
        return equal(F.Substr(contents, 0, 3), b"\xff\xd8\xff")


def _is_png(contents: TensorLike) -> Tensor:
    with name_scope(None, "is_png"):
        return equal(F.Substr(contents, 0, 3), b"\x89PN")


def decode_image(
    contents: TensorLike,
    channels: int | None = None,
    dtype: DTypeLike = dtypes.uint8,
    name: str | None = None,
    expand_animations: bool = True,
) -> Tensor:
    """The pixels of a BMP, GIF, JPEG or PNG file.

    Args:
      contents: the bytes of the file.
      channels: 1 for gray, 3 for colors, 4 with opacity; None for those of the file.
      dtype: of the pixels; floats are in [0, 1].
      name: a scope for the operations.
      expand_animations: whether a GIF gives [frames, height, width, 3]; else its first
        frame alone.

    Returns:
      [height, width, channels]; of unknown static shape, because of GIF.

    Raises:
      ValueError: another number of channels.
    """
    with name_scope(name, "decode_image"):
        if channels not in (None, 0, 1, 3, 4):
            raise ValueError("channels must be in (None, 0, 1, 3, 4)")
        wanted = dtypes.as_dtype(dtype)
        start = F.Substr(contents, 0, 3)

        def refuse(number: int, kind: str, label: str) -> list[Any]:
            text = f"Channels must be in (None, 0, 1, 3) when decoding {kind} images"
            holds = not_equal(_number(channels), number, name=label)
            return [Assert(holds, [text])]

        def bmp() -> Tensor:
            signature = F.Substr(contents, 0, 2)
            is_bmp = equal(signature, b"BM", name="is_bmp")
            text = "Unable to decode bytes as JPEG, PNG, GIF, or BMP"
            holds = [Assert(is_bmp, [text])]
            with _after(holds):
                found = F.DecodeBmp(contents, channels=channels or 0)
                return convert_image_dtype(found, wanted)

        def gif() -> Tensor:
            good = logical_and(
                not_equal(_number(channels), 1, name="check_gif_channels"),
                not_equal(_number(channels), 4, name="check_gif_channels"),
            )
            text = "Channels must be in (None, 0, 3) when decoding GIF images"
            with _after([Assert(good, [text])]):
                frames: Any = F.DecodeGif(contents)
                if not expand_animations:
                    frames = frames[0]
                return convert_image_dtype(frames, wanted)

        def gif_or_bmp() -> Tensor:
            is_gif = equal(start, b"GIF", name="is_gif")
            return cond(is_gif, gif, bmp, name="cond_gif")

        def png() -> Tensor:
            deep = wanted == dtypes.uint16
            kind = dtypes.uint16 if deep else dtypes.uint8
            found = F.DecodePng(contents, channels=channels or 0, dtype=kind)
            return convert_image_dtype(found, wanted)

        def png_or_other() -> Tensor:
            return cond(_is_png(contents), png, gif_or_bmp, name="cond_png")

        def jpeg() -> Tensor:
            with _after(refuse(4, "JPEG", "check_jpeg_channels")):
                found = F.DecodeJpeg(contents, channels=channels or 0)
                return convert_image_dtype(found, wanted)

        return cond(is_jpeg(contents), jpeg, png_or_other, name="cond_jpeg")


def _number(channels: int | None) -> Tensor:
    return constant(channels or 0, dtypes.int32)


def _after(assertions: list[Any]) -> Any:
    """A context whose operations wait for assertions."""
    if context.executing_eagerly():
        return contextlib.nullcontext()
    return context.get_default_graph().control_dependencies(assertions)


# ---------------------------------------------------------------------- quality


def adjust_jpeg_quality(
    image: TensorLike, jpeg_quality: TensorLike, name: str | None = None
) -> Tensor:
    """An image as it is after it has been a JPEG file.

    Args:
      image: [height, width, 1 or 3].
      jpeg_quality: 0 to 100.
      name: a scope for the operations.
    """
    with name_scope(name, "adjust_jpeg_quality", [image]):
        x = convert_to_tensor(image, name="image")
        kind = x.dtype
        pixels = convert_image_dtype(x, dtypes.uint8)
        if not hasattr(jpeg_quality, "dtype"):
            jpeg_quality = convert_to_tensor(jpeg_quality, dtypes.int32)
        data = F.EncodeJpegVariableQuality(pixels, jpeg_quality)
        return convert_image_dtype(F.DecodeJpeg(data), kind)


def random_jpeg_quality(
    image: TensorLike,
    min_jpeg_quality: int,
    max_jpeg_quality: int,
    seed: int | None = None,
) -> Tensor:
    """An image as it is after it has been a JPEG file of random quality.

    Raises:
      ValueError: not 0 ≤ min < max ≤ 100.
    """
    if not (0 <= min_jpeg_quality <= 100 and 0 <= max_jpeg_quality <= 100):
        raise ValueError("jpeg encoding range must be between 0 and 100.")
    if min_jpeg_quality >= max_jpeg_quality:
        raise ValueError("`min_jpeg_quality` must be less than `max_jpeg_quality`.")
    quality = random_uniform(
        [], min_jpeg_quality, max_jpeg_quality, seed=seed, dtype=dtypes.int32
    )
    return adjust_jpeg_quality(image, quality)
