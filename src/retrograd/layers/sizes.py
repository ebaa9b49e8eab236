"""Sizes and formats that layers of windows take: kernels, strides, paddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.layers.backend_config import image_data_format

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Sizes


def normalize_tuple(value: Sizes, n: int, name: str) -> tuple[int, ...]:
    """`value` as a tuple of n integers; one stands for all.

    Raises:
      ValueError: it has another number, or something that is no integer.
    """
    if isinstance(value, int):
        return (value,) * n
    text = f"The `{name}` argument must be a tuple of {n} integers. Received: {value}"
    try:
        found = tuple(value)
    except TypeError:
        raise ValueError(text) from None
    if len(found) != n:
        raise ValueError(text)
    for single in found:
        try:
            int(single)
        except (ValueError, TypeError):
            raise ValueError(
                f"{text} including element {single} of type {type(single)}"
            ) from None
    return found


def normalize_data_format(value: str | None) -> str:
    """`channels_first` or `channels_last`, the latter by default.

    Raises:
      ValueError: neither.
    """
    found = (image_data_format() if value is None else value).lower()
    if found not in ("channels_first", "channels_last"):
        raise ValueError(
            'The `data_format` argument must be one of "channels_first", '
            f'"channels_last". Received: {found}'
        )
    return found


def normalize_padding(value: str | Sequence[Any]) -> str:
    """`valid`, `same` or `causal`.

    Raises:
      ValueError: none of these.
    """
    if not isinstance(value, str):
        return value  # pyright: ignore[reportReturnType]
    padding = value.lower()
    if padding not in ("valid", "same", "causal"):
        raise ValueError(
            'The `padding` argument must be a list/tuple or one of "valid", "same" (or '
            f'"causal", only for `Conv1D). Received: {padding}'
        )
    return padding


def op_data_format(data_format: str, ndim: int) -> str:
    """The format as ops call it: NWC, NHWC, NDHWC, or with C second.

    Raises:
      ValueError: inputs of another rank.
    """
    if ndim not in (3, 4, 5):
        raise ValueError("Input rank not supported:", ndim)
    inner = {3: "W", 4: "HW", 5: "DHW"}[ndim]
    return f"NC{inner}" if data_format == "channels_first" else f"N{inner}C"


def conv_output_length(
    length: int | None, kernel: int, padding: str, stride: int, dilation: int = 1
) -> int | None:
    """How long the result of a window is that moves over `length` elements."""
    if length is None:
        return None
    reach = kernel + (kernel - 1) * (dilation - 1)
    if padding in ("same", "causal"):
        found = length
    elif padding == "valid":
        found = length - reach + 1
    else:
        found = length + reach - 1
    return (found + stride - 1) // stride


def deconv_output_length(
    length: int | None,
    kernel: int,
    padding: str,
    output_padding: int | None = None,
    stride: int = 0,
    dilation: int = 1,
) -> int | None:
    """How long the result of a transposed convolution is."""
    if length is None:
        return None
    reach = kernel + (kernel - 1) * (dilation - 1)
    if output_padding is None:
        if padding == "valid":
            return length * stride + max(reach - stride, 0)
        if padding == "full":
            return length * stride - (stride + reach - 2)
        return length * stride
    pad = {"same": reach // 2, "valid": 0, "full": reach - 1}[padding]
    return (length - 1) * stride + reach - 2 * pad + output_padding


#: what amounts before and after two and three axes may be
_PAIRS = {
    2: "a tuple of 2 ints (symmetric_height_PAD, symmetric_width_PAD), or a tuple of 2 "
    "tuples of 2 ints ((top_PAD, bottom_PAD), (left_PAD, right_PAD))",
    3: "a tuple of 3 ints (symmetric_dim1_PAD, symmetric_dim2_PAD, "
    "symmetric_dim3_PAD), or a tuple of 3 tuples of 2 ints ((left_dim1_PAD, "
    "right_dim1_PAD), "
    "(left_dim2_PAD, right_dim2_PAD), (left_dim3_PAD, right_dim2_PAD))",
}


def as_pairs(
    value: int | Sequence[Any], n: int, name: str
) -> tuple[tuple[int, int], ...]:
    """Amounts before and after each of n axes.

    Raises:
      ValueError: another number of them.
    """
    if isinstance(value, int):
        return ((value, value),) * n
    if not hasattr(value, "__len__"):
        text = _PAIRS[n].replace("PAD", name.removesuffix("ding").removesuffix("ping"))
        raise ValueError(f"`{name}` should be either an int, {text}. Found: {value}")
    if len(value) != n:
        count = "two" if n == 2 else n
        raise ValueError(f"`{name}` should have {count} elements. Found: {value}")
    ordinals = ("1st", "2nd", "3rd")
    found = [
        normalize_tuple(v, 2, f"{ordinals[i]} entry of {name}")
        for i, v in enumerate(value)
    ]
    return tuple((a, b) for a, b in found)


def spatial(sizes: Sequence[Any], data_format: str) -> list[Any]:
    """The sizes of the axes of space."""
    first = data_format == "channels_first"
    return list(sizes[2:] if first else sizes[1:-1])


def with_spatial(
    sizes: Sequence[Any], data_format: str, new: Sequence[Any], channels: int | None
) -> list[Any]:
    """The shape with other sizes of space and channels."""
    if data_format == "channels_first":
        return [sizes[0], channels, *new]
    return [sizes[0], *new, channels]


def rank_of(tensor: Tensor) -> int:
    """The rank of a tensor of which it is known."""
    rank = tensor.shape.ndims
    assert rank is not None
    return rank
