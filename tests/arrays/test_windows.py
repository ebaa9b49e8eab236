"""Convolution and pooling: NumPy against XLA, brute force and TensorFlow 1.15."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from tests.arrays.both import both, cases, close

from retrograd.arrays import numpy as xp_numpy
from retrograd.arrays.numpy import windows
from retrograd.arrays.windows import (
    output_sizes,
    same_padding,
    used_taps,
    window_counts,
)

# spatial sizes, kernel, strides, padding, dilations, groups, channels in and out
SHAPES = {
    "line": ((9,), (3,), (2,), [(1, 1)], (1,), 1, (2, 3)),
    "dilated line": ((12,), (3,), (1,), [(2, 3)], (2,), 1, (2, 1)),
    "plane": ((5, 6), (3, 3), (1, 1), [(1, 1), (1, 1)], (1, 1), 1, (2, 3)),
    "uneven": ((7, 6), (3, 2), (2, 3), [(0, 1), (2, 0)], (1, 1), 1, (3, 2)),
    "dilated": ((9, 8), (3, 2), (1, 1), [(2, 2), (1, 0)], (2, 3), 1, (2, 2)),
    "strided and dilated": ((9, 8), (2, 2), (2, 1), [(1, 0)] * 2, (2, 2), 1, (1, 2)),
    "one by one": ((4, 5), (1, 1), (2, 2), [(0, 0)] * 2, (1, 1), 1, (3, 2)),
    "wide padding": ((3, 3), (2, 2), (1, 1), [(4, 3)] * 2, (1, 1), 1, (1, 2)),
    "grouped": ((5, 4), (3, 2), (1, 2), [(1, 1), (0, 1)], (1, 1), 2, (4, 6)),
    "space": ((4, 5, 3), (2, 3, 2), (1, 2, 1), [(1, 0)] * 3, (1, 1, 1), 1, (2, 2)),
    "input left over": ((8, 8), (2, 2), (3, 3), [(0, 0)] * 2, (1, 1), 1, (2, 2)),
    "few inputs": ((6, 6), (3, 3), (1, 1), [(1, 1)] * 2, (1, 1), 1, (1, 5)),
}


def attrs_of(shape: str) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    """Return the shapes of x and f and the attributes of a case."""
    size, ksize, strides, padding, dilations, groups, (c, o) = SHAPES[shape]
    attrs = {"strides": strides, "padding": padding, "dilations": dilations}
    return (2, *size, c), (*ksize, c // groups, o), {**attrs, "groups": groups}


def slow_conv(x: np.ndarray, f: np.ndarray, attrs: dict[str, Any]) -> np.ndarray:
    """Convolve element by element."""
    strides, dilations, groups = attrs["strides"], attrs["dilations"], attrs["groups"]
    *ksize, c, o = f.shape
    padding = attrs["padding"]
    out = output_sizes(x.shape[1:-1], ksize, strides, padding, dilations)
    y = np.zeros((len(x), *out, o))
    for p, k in product(np.ndindex(*out), np.ndindex(*ksize)):
        at = [
            q * s + i * d - lo
            for q, s, i, d, (lo, _) in zip(
                p, strides, k, dilations, padding, strict=True
            )
        ]
        inside = zip(at, x.shape[1:-1], strict=True)
        if not all(0 <= a < n for a, n in inside):
            continue
        for g in range(groups):
            xs = x[(slice(None), *at)][:, g * c : (g + 1) * c]
            part = slice(g * o // groups, (g + 1) * o // groups)
            y[(slice(None), *p)][:, part] += xs @ f[k][:, part]
    return y


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_conv_equals_brute_force(shape: str) -> None:
    x_shape, f_shape, attrs = attrs_of(shape)
    x, f = random(*x_shape), random(*f_shape)
    y = both(lambda xp, x, f: xp.conv(x, f, **attrs), x, f)
    close(y, slow_conv(x, f, attrs))


@pytest.mark.parametrize("shape", SHAPES)
def test_conv_gradients_are_its_adjoints(shape: str) -> None:
    x_shape, f_shape, attrs = attrs_of(shape)
    x, f = random(*x_shape), random(*f_shape)
    y = xp_numpy.conv(x, f, **attrs)
    dy = random(*y.shape)
    dx = both(lambda xp, f, dy: xp.conv_input_grad(x_shape, f, dy, **attrs), f, dy)
    df = both(lambda xp, x, dy: xp.conv_filter_grad(x, f_shape, dy, **attrs), x, dy)
    assert dx.shape == x_shape
    assert df.shape == f_shape
    # conv is linear in each: ⟨conv(u, f), dy⟩ = ⟨u, dx⟩ for any u, and so for f.
    u, v = random(*x_shape[::-1]).reshape(x_shape), random(*f_shape[::-1])
    v = v.reshape(f_shape)
    close(np.vdot(u, dx), np.vdot(slow_conv(u, f, attrs), dy), 1e-4)
    close(np.vdot(v, df), np.vdot(slow_conv(x, v, attrs), dy), 1e-4)


def test_conv_in_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x, f = random(5, 9, 8, 3), random(3, 3, 3, 2)
    attrs = {"strides": (2, 1), "padding": [(1, 1)] * 2, "dilations": (1, 1)}
    whole = xp_numpy.conv(x, f, **attrs)
    dy = random(*whole.shape)
    dx = xp_numpy.conv_input_grad(x.shape, f, dy, **attrs)
    df = xp_numpy.conv_filter_grad(x, f.shape, dy, **attrs)
    for block in (1, 2000, 20_000):  # a line, a few lines, a few images at a time
        monkeypatch.setattr(windows, "BLOCK", block)
        close(xp_numpy.conv(x, f, **attrs), whole)
        close(xp_numpy.conv_input_grad(x.shape, f, dy, **attrs), dx)
        close(xp_numpy.conv_filter_grad(x, f.shape, dy, **attrs), df)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_conv_and_pool_keep_the_dtype(dtype: str) -> None:
    dtype = getattr(xp_numpy, dtype)
    x, f = random(2, 6, 6, 2).astype(dtype), random(3, 3, 2, 2).astype(dtype)
    attrs = {"strides": (1, 1), "padding": [(1, 1)] * 2, "dilations": (1, 1)}
    pool = ((2, 2), (2, 2), [(0, 0)] * 2)
    kernels = [
        lambda xp, x, f: xp.conv(x, f, **attrs),
        lambda xp, x, f: xp.conv_input_grad(x.shape, f, x, **attrs),
        lambda xp, x, f: xp.conv_filter_grad(x, f.shape, x, **attrs),
        lambda xp, x, f: xp.depthwise_conv(x, f[..., :1], **attrs),
        lambda xp, x, f: xp.avg_pool(x, *pool),
        lambda xp, x, f: xp.avg_pool_grad(x.shape, xp.avg_pool(x, *pool), *pool),
        lambda xp, x, f: xp.max_pool(x, *pool),
        lambda xp, x, f: xp.max_pool_grad(
            x, xp.max_pool(x, *pool), xp.max_pool(x, *pool), *pool
        ),
    ]
    for kernel in kernels:
        assert both(kernel, x, f, rtol=2e-2).dtype == dtype


def test_no_images() -> None:
    x, f = random(0, 6, 6, 2), random(3, 3, 2, 4)
    attrs = {"strides": (1, 1), "padding": [(1, 1)] * 2, "dilations": (1, 1)}
    dy = random(0, 6, 6, 4)
    assert both(lambda xp, x, f: xp.conv(x, f, **attrs), x, f).shape == dy.shape
    df = both(lambda xp, x, dy: xp.conv_filter_grad(x, f.shape, dy, **attrs), x, dy)
    assert not df.any()


def padding_of(case: dict[str, np.ndarray], ksize: tuple[int, ...]) -> list[Any]:
    if str(case["padding"]) == "VALID":
        return [(0, 0)] * len(ksize)
    sizes = case["x"].shape[1:-1]
    return [
        same_padding(n, k, int(s))
        for n, k, s in zip(sizes, ksize, case["strides"], strict=True)
    ]


def attrs_of_case(
    case: dict[str, np.ndarray], ksize: tuple[int, ...]
) -> dict[str, Any]:
    return {
        "strides": tuple(int(s) for s in case["strides"]),
        "padding": padding_of(case, ksize),
        "dilations": (1,) * len(ksize),
    }


@pytest.mark.parametrize("case", cases("conv"))
def test_conv_equals_tensorflow(case: dict[str, np.ndarray]) -> None:
    x, f, dy = case["x"], case["f"], case["dy"]
    attrs = attrs_of_case(case, f.shape[:-2])
    close(both(lambda xp, x, f: xp.conv(x, f, **attrs), x, f), case["y"])
    dx = both(lambda xp, f, dy: xp.conv_input_grad(x.shape, f, dy, **attrs), f, dy)
    df = both(lambda xp, x, dy: xp.conv_filter_grad(x, f.shape, dy, **attrs), x, dy)
    close(dx, case["dx"])
    close(df, case["df"])


@pytest.mark.parametrize("case", cases("depthwise"))
def test_depthwise_conv_equals_tensorflow(case: dict[str, np.ndarray]) -> None:
    x, f, dy = case["x"], case["f"], case["dy"]
    attrs = attrs_of_case(case, f.shape[:-2])
    close(both(lambda xp, x, f: xp.depthwise_conv(x, f, **attrs), x, f), case["y"])
    dx = both(
        lambda xp, f, dy: xp.depthwise_conv_input_grad(x.shape, f, dy, **attrs), f, dy
    )
    df = both(
        lambda xp, x, dy: xp.depthwise_conv_filter_grad(x, f.shape, dy, **attrs), x, dy
    )
    close(dx, case["dx"])
    close(df, case["df"])


@pytest.mark.parametrize("m", [1, 2])
@pytest.mark.parametrize("dilations", [(1, 1), (2, 3)])
def test_depthwise_conv_is_a_conv_of_groups(m: int, dilations: tuple) -> None:
    x, f = random(2, 9, 8, 3), random(3, 2, 3, m)
    attrs: dict[str, Any] = {"strides": (2, 1), "padding": [(2, 1), (0, 3)]}
    attrs["dilations"] = dilations
    y = both(lambda xp, x, f: xp.depthwise_conv(x, f, **attrs), x, f)
    joined = f.reshape(3, 2, 1, 3 * m)
    close(y, slow_conv(x, joined, {**attrs, "groups": 3}))
    dy = random(*y.shape)
    dx = both(
        lambda xp, f, dy: xp.depthwise_conv_input_grad(x.shape, f, dy, **attrs), f, dy
    )
    df = both(
        lambda xp, x, dy: xp.depthwise_conv_filter_grad(x, f.shape, dy, **attrs), x, dy
    )
    same = {**attrs, "groups": 3}
    close(dx, xp_numpy.conv_input_grad(x.shape, joined, dy, **same))
    want = xp_numpy.conv_filter_grad(x, joined.shape, dy, **same)
    close(df, want.reshape(f.shape))


@pytest.mark.parametrize("case", cases("pool"))
def test_pools_equal_tensorflow(case: dict[str, np.ndarray]) -> None:
    x, dy = case["x"], case["dy"]
    ksize = tuple(int(k) for k in case["ksize"])
    attrs = attrs_of_case(case, ksize)
    pool = (ksize, attrs["strides"], attrs["padding"])
    # TensorFlow's MaxPool3DGrad, unlike MaxPoolGrad, rewards every one of equals.
    ties = "all" if len(ksize) == 3 else "first"
    y = both(lambda xp, x: xp.max_pool(x, *pool), x)
    close(y, case["max"])
    close(both(lambda xp, x: xp.avg_pool(x, *pool), x), case["avg"])
    dx = both(
        lambda xp, x, y, dy: xp.max_pool_grad(x, y, dy, *pool, ties=ties), x, y, dy
    )
    close(dx, case["dmax"])
    close(both(lambda xp, dy: xp.avg_pool_grad(x.shape, dy, *pool), dy), case["davg"])
    if "ddmax" not in case:
        return
    ddy = both(
        lambda xp, x, y, ddx: xp.max_pool_grad_grad(x, y, ddx, *pool),
        x,
        y,
        case["ddx"],
    )
    close(ddy, case["ddmax"])
    _, at = both(lambda xp, x: xp.max_pool_argmax(x, *pool), x)
    np.testing.assert_array_equal(at, case["argmax0"])
    _, at = both(lambda xp, x: xp.max_pool_argmax(x, *pool, include_batch=True), x)
    np.testing.assert_array_equal(at, case["argmax1"])


@pytest.mark.parametrize("ksize", [(2, 3), (5, 4)])  # slice by slice, and ReduceWindow
@pytest.mark.parametrize("strides", [(1, 2), (2, 3), (5, 4)])
def test_pools_of_few_and_of_many(ksize: tuple, strides: tuple) -> None:
    x = np.random.default_rng(3).integers(0, 5, (2, 11, 12, 2)).astype(np.float32)
    padding = [same_padding(11, ksize[0], strides[0]), (1, 2)]
    pool = (ksize, strides, padding)
    y = both(lambda xp, x: xp.max_pool(x, *pool), x)
    dy = random(*y.shape)
    dx = both(lambda xp, x, y, dy: xp.max_pool_grad(x, y, dy, *pool), x, y, dy)
    assert dx.sum() == pytest.approx(dy.sum(), rel=1e-4)  # each dy goes to one element
    z = both(lambda xp, x: xp.avg_pool(x, *pool), x)
    dz = both(lambda xp, dy: xp.avg_pool_grad(x.shape, dy, *pool), dy)
    assert np.vdot(z, dy) == pytest.approx(np.vdot(x, dz), rel=1e-4)


def test_max_pool_of_integers_and_of_minus_infinity() -> None:
    pool = ((2, 2), (2, 2), [(0, 1), (1, 0)])
    x = np.random.default_rng(3).integers(-9, 5, (2, 3, 3, 2)).astype(np.int32)
    assert both(lambda xp, x: xp.max_pool(x, *pool), x).dtype == np.int32
    x = np.full((1, 3, 3, 1), -np.inf, np.float32)
    y = both(lambda xp, x: xp.max_pool(x, *pool), x)
    dx = both(
        lambda xp, x, y, dy: xp.max_pool_grad(x, y, dy, *pool), x, y, np.ones_like(y)
    )
    assert dx.sum() == y.size  # padding takes no share


@pytest.mark.parametrize(
    ("size", "ksize", "stride", "dilation", "want"),
    [
        (5, 3, 1, 1, (1, 1)),
        (6, 3, 2, 1, (0, 1)),
        (5, 2, 1, 1, (0, 1)),
        (5, 1, 2, 1, (0, 0)),
        (7, 3, 1, 2, (2, 2)),
        (4, 2, 5, 1, (0, 0)),
    ],
)
def test_same_padding(
    size: int, ksize: int, stride: int, dilation: int, want: tuple[int, int]
) -> None:
    assert same_padding(size, ksize, stride, dilation) == want


def test_window_counts() -> None:
    counts = window_counts((3, 2), (2, 2), (1, 2), [(0, 1), (0, 0)])
    np.testing.assert_array_equal(counts[..., 0], [[4], [4], [2]])


@pytest.mark.parametrize("size", [1, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("dilation", [1, 2, 3, 40])
def test_used_taps_make_the_same_windows(size: int, stride: int, dilation: int) -> None:
    x = random(1, size, 1)
    for ksize, explicit in product((1, 2, 3, 9), (None, (2, 30), (50, 0))):
        pad = explicit or same_padding(size, ksize, stride, dilation)
        f = random(ksize, 1, 1)
        how: Any = {"strides": [stride], "padding": [pad], "dilations": [dilation]}
        want = xp_numpy.conv(x, f, **how)
        first, count, apart, around = used_taps(size, ksize, stride, pad, dilation)
        how = {"strides": [stride], "padding": [around], "dilations": [apart]}
        assert 1 <= count <= ksize
        assert not want.size or max(around) <= size + want.size * stride
        close(xp_numpy.conv(x, f[first : first + count], **how), want, 1e-6)
