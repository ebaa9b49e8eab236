"""Convolution and pooling on NumPy, channels last, in any number of dimensions.

x is [N, *S, C], a filter [*K, C, O]. A convolution is one matrix product of the
windows, laid out as rows, with the filter; the rows are made for a few images at a
time, so that they are still in the cache when BLAS reads them. Loops run over blocks
and over the positions within a window, never over pixels.
"""

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from retrograd.arrays.numpy.reduce import widen
from retrograd.arrays.windows import (
    Padding,
    input_grad_padding,
    output_size,
    output_sizes,
    taps,
    window_counts,
)

Array = np.ndarray

# Windows laid out at a time, in bytes. Measured: 16 images of 56×56×64 under 3×3 take
# 26 ms with blocks between 2 and 30 MB, 47 ms with all windows at once.
BLOCK = 8 << 20


def _padded(x: Array, padding: Padding, value: float = 0) -> Array:
    """Return x with its spatial dimensions padded; a negative amount cuts off."""
    if not any(lo or hi for lo, hi in padding):
        return np.ascontiguousarray(x)
    inner = x.shape[1:-1]
    sizes = [n + lo + hi for n, (lo, hi) in zip(inner, padding, strict=True)]
    out = np.full((x.shape[0], *sizes, x.shape[-1]), value, x.dtype)
    target, source = [], []
    for n, (lo, hi) in zip(inner, padding, strict=True):
        target.append(slice(max(lo, 0), n + lo + min(hi, 0)))
        source.append(slice(max(-lo, 0), n + min(hi, 0)))
    out[:, *target] = x[:, *source]
    return out


def _unpadded(x: Array, sizes: Sequence[int], padding: Padding) -> Array:
    inner = [slice(lo, lo + n) for n, (lo, _) in zip(sizes, padding, strict=True)]
    return x[:, *inner]


def _tap(
    x: Array,
    tap: Sequence[int],
    out: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> Array:
    """Return the view of padded x that holds one position of every window."""
    return x[
        :,
        *(
            slice(t * d, t * d + (o - 1) * s + 1, s)
            for t, o, s, d in zip(tap, out, strides, dilations, strict=True)
        ),
    ]


def _windows(
    x: Array,
    ksize: Sequence[int],
    out: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> Array:
    """Return padded x as a view [N, *out, *K, C]."""
    n, *space, c = x.strides
    step = [b * s for b, s in zip(space, strides, strict=True)]
    within = [b * d for b, d in zip(space, dilations, strict=True)]
    return np.lib.stride_tricks.as_strided(
        x,
        (x.shape[0], *out, *ksize, x.shape[-1]),
        (n, *step, *within, c),
        writeable=False,
    )


def _blocks(
    batch: int, out: Sequence[int], row_bytes: int
) -> Iterator[tuple[slice, slice]]:
    """Cut [batch, out[0]] into blocks whose windows take about `BLOCK` bytes."""
    line = max(prod(out[1:]) * row_bytes, 1)
    image = line * out[0]
    if image <= BLOCK:
        step = BLOCK // max(image, 1)
        for n in range(0, batch, step):
            yield slice(n, min(n + step, batch)), slice(0, out[0])
        return
    lines = max(BLOCK // line, 1)
    for n in range(batch):
        for h in range(0, out[0], lines):
            yield slice(n, n + 1), slice(h, min(h + lines, out[0]))


def _per_group(groups: int, *arrays: tuple[Array, int]) -> Iterator[list[Array]]:
    """Cut each array into `groups` equal parts along its axis."""
    yield from zip(*(np.split(a, groups, axis) for a, axis in arrays), strict=True)  # pyright: ignore[reportReturnType]


def conv(
    x: Array,
    f: Array,
    *,
    strides: Sequence[int],
    padding: Padding,
    dilations: Sequence[int],
    groups: int = 1,
) -> Array:
    """Cross-correlate x [N, *S, C] with f [*K, C / groups, O]: y [N, *S', O].

    y[n, p, o] = Σ_{k, c} x[n, p·strides + k·dilations − padding before, c] f[k, c, o].
    """
    if groups > 1:
        parts = _per_group(groups, (x, -1), (f, -1))
        same = {"strides": strides, "padding": padding, "dilations": dilations}
        return np.concatenate([conv(a, b, **same) for a, b in parts], -1)
    dtype, (x, f) = x.dtype, (widen(x), widen(f))
    *ksize, _, o = f.shape
    out = output_sizes(x.shape[1:-1], ksize, strides, padding, dilations)
    y = np.empty((x.shape[0], *out, o), x.dtype)
    if not y.size:
        return y.astype(dtype, copy=False)
    view = _windows(_padded(x, padding), ksize, out, strides, dilations)
    matrix = f.reshape(-1, o)
    for n, h in _blocks(x.shape[0], out, matrix.shape[0] * x.itemsize):
        rows = view[n, h].reshape(-1, matrix.shape[0])
        np.matmul(rows, matrix, out=y[n, h].reshape(-1, o))
    return y.astype(dtype, copy=False)


def conv_filter_grad(
    x: Array,
    filter_shape: Sequence[int],
    dy: Array,
    *,
    strides: Sequence[int],
    padding: Padding,
    dilations: Sequence[int],
    groups: int = 1,
) -> Array:
    """Return ∂⟨conv(x, f), dy⟩/∂f, of shape `filter_shape`."""
    if groups > 1:
        shape = (*filter_shape[:-1], filter_shape[-1] // groups)
        parts = _per_group(groups, (x, -1), (dy, -1))
        same = {"strides": strides, "padding": padding, "dilations": dilations}
        return np.concatenate(
            [conv_filter_grad(a, shape, b, **same) for a, b in parts], -1
        )
    dtype, (x, dy) = dy.dtype, (widen(x), widen(dy))
    *ksize, c, o = filter_shape
    out = dy.shape[1:-1]
    df = np.zeros((prod(ksize) * c, o), dy.dtype)
    if dy.size:
        view = _windows(_padded(x, padding), ksize, out, strides, dilations)
        dy = np.ascontiguousarray(dy)
        for n, h in _blocks(x.shape[0], out, df.shape[0] * x.itemsize):
            rows = view[n, h].reshape(-1, df.shape[0])
            df += rows.T @ dy[n, h].reshape(-1, o)
    return df.reshape(filter_shape).astype(dtype, copy=False)


def conv_input_grad(
    input_shape: Sequence[int],
    f: Array,
    dy: Array,
    *,
    strides: Sequence[int],
    padding: Padding,
    dilations: Sequence[int],
    groups: int = 1,
) -> Array:
    """Return ∂⟨conv(x, f), dy⟩/∂x, of shape `input_shape`."""
    same = {"strides": strides, "padding": padding, "dilations": dilations}
    if groups > 1:
        shape = (*input_shape[:-1], input_shape[-1] // groups)
        parts = _per_group(groups, (f, -1), (dy, -1))
        return np.concatenate(
            [conv_input_grad(shape, a, b, **same) for a, b in parts], -1
        )
    dtype, (f, dy) = dy.dtype, (widen(f), widen(dy))
    c, o = f.shape[-2:]
    if all(s == 1 for s in strides) and 2 * c >= o:
        dx = _gathered_input_grad(input_shape, f, dy, **same)
    else:
        dx = _scattered_input_grad(input_shape, f, dy, **same)
    return dx.astype(dtype, copy=False)


def _gathered_input_grad(
    input_shape: Sequence[int],
    f: Array,
    dy: Array,
    *,
    strides: Sequence[int],
    padding: Padding,
    dilations: Sequence[int],
) -> Array:
    """Each input element collects from the windows it was in: a convolution of dy."""
    rank = len(strides)
    sizes = zip(
        input_shape[1:-1],
        f.shape[:rank],
        strides,
        padding,
        dilations,
        dy.shape[1:-1],
        strict=True,
    )
    around = [input_grad_padding(*each) for each in sizes]
    flipped = np.flip(f, tuple(range(rank))).swapaxes(-1, -2)
    return conv(dy, flipped, strides=(1,) * rank, padding=around, dilations=dilations)


def _scattered_input_grad(
    input_shape: Sequence[int],
    f: Array,
    dy: Array,
    *,
    strides: Sequence[int],
    padding: Padding,
    dilations: Sequence[int],
) -> Array:
    """Each window hands its share back: no products with the zeros between strides."""
    *ksize, c, o = f.shape
    out = dy.shape[1:-1]
    padded = [
        n + lo + hi for n, (lo, hi) in zip(input_shape[1:-1], padding, strict=True)
    ]
    dx = np.zeros((input_shape[0], *padded, c), dy.dtype)
    if dy.size:
        back = np.ascontiguousarray(f.reshape(-1, o).T)
        dy = np.ascontiguousarray(dy)
        for n, h in _blocks(dy.shape[0], out, back.shape[1] * dy.itemsize):
            rows = dy[n, h].reshape(-1, o) @ back
            part = (h.stop - h.start, *out[1:])
            rows = rows.reshape(-1, *part, *ksize, c)
            here = dx[n, h.start * strides[0] :]
            for tap in taps(ksize):
                mine = rows[(slice(None), *(slice(None),) * len(part), *tap)]
                _tap(here, tap, part, strides, dilations)[...] += mine
    return _unpadded(dx, input_shape[1:-1], padding)


def depthwise_conv(
    x: Array,
    f: Array,
    *,
    strides: Sequence[int],
    padding: Padding,
    dilations: Sequence[int],
) -> Array:
    """Filter each channel of x [N, *S, C] by its own f [*K, C, M]: y [N, *S', C·M]."""
    dtype, (x, f) = x.dtype, (widen(x), widen(f))
    *ksize, c, m = f.shape
    out = output_sizes(x.shape[1:-1], ksize, strides, padding, dilations)
    y = np.zeros((x.shape[0], *out, c, m), x.dtype)
    if y.size:
        x = _padded(x, padding)
        for n, _ in _images(x.shape[0], y[0].nbytes):
            for tap in taps(ksize):
                part = _tap(x[n], tap, out, strides, dilations)
                y[n] += part[..., None] * f[tap]
    return y.reshape(*y.shape[:-2], c * m).astype(dtype, copy=False)


def _images(batch: int, image_bytes: int) -> Iterator[tuple[slice, slice]]:
    """Blocks of whole images: a quarter of `BLOCK`, as several arrays are in use."""
    return _blocks(batch, (1,), 4 * image_bytes)


def depthwise_conv_input_grad(
    input_shape: Sequence[int],
    f: Array,
    dy: Array,
    *,
    strides: Sequence[int],
    padding: Padding,
    dilations: Sequence[int],
) -> Array:
    """Return ∂⟨depthwise_conv(x, f), dy⟩/∂x, of shape `input_shape`."""
    dtype, (f, dy) = dy.dtype, (widen(f), widen(dy))
    *ksize, c, m = f.shape
    out = dy.shape[1:-1]
    dy = dy.reshape(*dy.shape[:-1], c, m)
    padded = [
        n + lo + hi for n, (lo, hi) in zip(input_shape[1:-1], padding, strict=True)
    ]
    dx = np.zeros((input_shape[0], *padded, c), dy.dtype)
    if dy.size:
        for n, _ in _images(dy.shape[0], dy[0].nbytes):
            for tap in taps(ksize):
                share = dy[n] * f[tap]
                share = share[..., 0] if m == 1 else share.sum(-1)
                _tap(dx[n], tap, out, strides, dilations)[...] += share
    return _unpadded(dx, input_shape[1:-1], padding).astype(dtype, copy=False)


def depthwise_conv_filter_grad(
    x: Array,
    filter_shape: Sequence[int],
    dy: Array,
    *,
    strides: Sequence[int],
    padding: Padding,
    dilations: Sequence[int],
) -> Array:
    """Return ∂⟨depthwise_conv(x, f), dy⟩/∂f, of shape `filter_shape`."""
    dtype, (x, dy) = dy.dtype, (widen(x), widen(dy))
    *ksize, c, m = filter_shape
    out = dy.shape[1:-1]
    dy = dy.reshape(*dy.shape[:-1], c, m)
    df = np.zeros(filter_shape, dy.dtype)
    if dy.size:
        x = _padded(x, padding)
        for n, _ in _images(x.shape[0], dy[0].nbytes):
            for tap in taps(ksize):
                part = _tap(x[n], tap, out, strides, dilations)[..., None] * dy[n]
                # As a product with ones: BLAS adds long columns faster, more exactly.
                rows = part.reshape(-1, c * m)
                df[tap] += (np.ones(len(rows), rows.dtype) @ rows).reshape(c, m)
    return df.astype(dtype, copy=False)


def _lowest(dtype: np.dtype) -> float:
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def _along(
    x: Array,
    axis: int,
    ksize: int,
    stride: int,
    padding: tuple[int, int],
    ufunc: np.ufunc,
) -> Array:
    """Reduce windows along one axis of x, which must hold the padding already."""
    out = output_size(x.shape[axis], ksize, stride, (0, 0))
    if not out:
        return x[(slice(None),) * axis + (slice(0, 0),)]
    y = None
    for tap in range(ksize):
        at = slice(tap, tap + (out - 1) * stride + 1, stride)
        part = x[(slice(None),) * axis + (at,)]
        y = part.copy() if y is None else ufunc(y, part, out=y)
    assert y is not None
    return y


def max_pool(
    x: Array, ksize: Sequence[int], strides: Sequence[int], padding: Padding
) -> Array:
    """Return each window's largest element: x [N, *S, C], y [N, *S', C]."""
    x = _padded(x, padding, _lowest(x.dtype))
    # One axis after the other, the last first: it halves what is left to read.
    for axis in range(len(ksize), 0, -1):
        k, s = ksize[axis - 1], strides[axis - 1]
        x = _along(x, axis, k, s, (0, 0), np.maximum)
    return x


def _never_equal(x: Array, padding: Padding) -> Array:
    """Pad so that no padding can pass for a window's maximum."""
    return _padded(x, padding, np.nan if x.dtype.kind not in "iu" else _lowest(x.dtype))


def max_pool_grad(
    x: Array,
    y: Array,
    dy: Array,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
    *,
    ties: str = "first",
) -> Array:
    """Hand dy back to the elements of x that were their windows' maxima y.

    Among equals the first in row-major order gets it, as in TensorFlow's MaxPoolGrad;
    with ties="all" each of them gets all of it, as in TensorFlow's MaxPool3DGrad.
    """
    dtype, dy = dy.dtype, widen(dy)
    padded, ones = _never_equal(x, padding), (1,) * len(ksize)
    out = y.shape[1:-1]
    dx = np.zeros(padded.shape, dy.dtype)
    for n, _ in _images(len(y) if y.size else 0, y[:1].nbytes):
        for tap, won in _winners(padded[n], y[n], ksize, strides, ties):
            _tap(dx[n], tap, out, strides, ones)[...] += _only(dy[n], won)
    return _unpadded(dx, x.shape[1:-1], padding).astype(dtype, copy=False)


def _winners(
    padded: Array, y: Array, ksize: Sequence[int], strides: Sequence[int], ties: str
) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Yield each position in the windows and where it holds the maximum y."""
    free = np.ones(y.shape, bool)
    ones = (1,) * len(ksize)
    for tap in taps(ksize):
        won = _tap(padded, tap, y.shape[1:-1], strides, ones) == y
        if ties == "first":
            won &= free
            free ^= won
        yield tap, won


def _only(x: Array, kept: Array) -> Array:
    """Return x where `kept`, else 0: by its bits, six times as fast as np.where."""
    bits = x.view(f"i{x.dtype.itemsize}")
    mask = np.negative(kept.view(np.int8), dtype=bits.dtype)  # −1 is all ones
    mask &= bits
    return mask.view(x.dtype)


def max_pool_grad_grad(
    x: Array,
    y: Array,
    ddx: Array,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
) -> Array:
    """Return, for each window, ddx at the element that `max_pool_grad` hands dy to."""
    padded, ones = _never_equal(x, padding), (1,) * len(ksize)
    ddx = _padded(ddx, padding)
    ddy = np.zeros(y.shape, ddx.dtype)
    for n, _ in _images(len(y) if y.size else 0, y[:1].nbytes):
        for tap, won in _winners(padded[n], y[n], ksize, strides, "first"):
            ddy[n] += _only(_tap(ddx[n], tap, y.shape[1:-1], strides, ones), won)
    return ddy


def max_pool_argmax(
    x: Array,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
    *,
    include_batch: bool = False,
) -> tuple[Array, Array]:
    """Return `max_pool` and int64 [N, *S', C]: where in flattened x each maximum lies.

    Without `include_batch` positions are counted within each [*S, C] image.
    """
    y = max_pool(x, ksize, strides, padding)
    size = x.size if include_batch else prod(x.shape[1:])
    images = x.shape[0] if include_batch else 1
    index = np.arange(size, dtype=np.int64).reshape(images, *x.shape[1:])
    index = np.broadcast_to(index, x.shape)
    return y, max_pool_grad_grad(x, y, index, ksize, strides, padding)


def avg_pool(
    x: Array, ksize: Sequence[int], strides: Sequence[int], padding: Padding
) -> Array:
    """Return the mean of each window of x [N, *S, C], padding not counted."""
    dtype, x = x.dtype, widen(x)
    counts = window_counts(x.shape[1:-1], ksize, strides, padding)
    x = _padded(x, padding)
    for axis in range(len(ksize), 0, -1):
        x = _along(x, axis, ksize[axis - 1], strides[axis - 1], (0, 0), np.add)
    if not x.size:
        return x.astype(dtype, copy=False)
    return np.divide(x, counts.astype(x.dtype), out=x).astype(dtype, copy=False)


def avg_pool_grad(
    input_shape: Sequence[int],
    dy: Array,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
) -> Array:
    """Return ∂⟨avg_pool(x), dy⟩/∂x, of shape `input_shape`."""
    dtype, dy = dy.dtype, widen(dy)
    sizes = input_shape[1:-1]
    counts = window_counts(sizes, ksize, strides, padding)
    dx = dy / counts.astype(dy.dtype)
    for axis in range(1, len(ksize) + 1):
        k, s, (lo, hi) = ksize[axis - 1], strides[axis - 1], padding[axis - 1]
        dx = _spread(dx, axis, sizes[axis - 1] + lo + hi, k, s)
    return _unpadded(dx, sizes, padding).astype(dtype, copy=False)


def _spread(y: Array, axis: int, size: int, ksize: int, stride: int) -> Array:
    """Add each element of y to all of its window along one axis of `size`."""
    before = (slice(None),) * axis
    x = np.zeros((*y.shape[:axis], size, *y.shape[axis + 1 :]), y.dtype)
    for tap in range(ksize if y.size else 0):
        at = slice(tap, tap + (y.shape[axis] - 1) * stride + 1, stride)
        x[(*before, at)] += y
    return x
