"""Special functions and casts: NumPy against XLA and TensorFlow 1.15."""

import warnings

import numpy as np
import pytest
from tests.arrays.both import both, cases, close, on_jax, on_numpy

from retrograd.arrays import numpy as xp_numpy

FUNCTIONS = """
erf erfc lgamma digamma bessel_i0e bessel_i1e softplus igamma igammac igamma_grad_a
random_gamma_grad polygamma zeta betainc
""".split()


@pytest.mark.parametrize("number", [0, 1], ids=["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_functions_equal_tensorflow(name: str, number: int) -> None:
    case = cases(f"special_{name}")[number]
    args, want = case["args"], case["y"]
    rtol = 2e-5 if want.dtype == np.float32 else 1e-9
    for run in (on_numpy, on_jax):
        (got,) = run(lambda xp, *args: getattr(xp, name)(*args), *args)
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * 3e-2)


@pytest.mark.parametrize("case", cases("cast"))
def test_casts_equal_tensorflow(case: dict[str, np.ndarray]) -> None:
    x = case["x"]
    for kind in set(case) - {"x", "case"}:
        to = np.dtype(kind)
        for run in (on_numpy, on_jax):
            (got,) = run(lambda xp, x, to=to: xp.cast(x, to), x)
            np.testing.assert_array_equal(got, case[kind], f"{x.dtype} to {kind}")
            assert got.dtype == to


def test_cast_to_bfloat16_rounds_to_the_nearest() -> None:
    x = np.array([1.00390625, 1.01171875, 1.0078, 0.1, 3.3], np.float32)
    y = both(lambda xp, x: xp.cast(x, xp.bfloat16), x)
    back = xp_numpy.cast(y, np.float32)
    close(back, np.float32([1.0, 1.015625, 1.0078125, 0.10009766, 3.296875]), 1e-7)
    assert both(lambda xp, y: xp.cast(y, np.int8), y).tolist() == [1, 1, 1, 0, 3]


def test_cast_of_a_complex_number_gives_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert xp_numpy.cast(np.complex64(2 + 3j), np.float32) == 2


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_two_byte_floats_keep_their_dtype(dtype: str) -> None:
    dtype = getattr(xp_numpy, dtype)
    x = np.array([0.25, 0.5, 0.75], dtype)
    ones = np.ones(3, dtype)
    for (
        name
    ) in "erf erfc erfinv lgamma digamma bessel_i0e ndtri sigmoid softplus".split():
        y = both(lambda xp, x, f=name: getattr(xp, f)(x), x, rtol=2e-2)
        assert y.dtype == dtype, name
    for name in ("igamma", "igammac", "igamma_grad_a", "zeta", "polygamma"):
        args = (ones + ones, x)
        y = both(lambda xp, a, x, f=name: getattr(xp, f)(a, x), *args, rtol=3e-2)
        assert y.dtype == dtype, name


def test_special_functions_broadcast() -> None:
    a, x = np.array([[0.5], [2.0]]), np.array([0.1, 1.0, 3.0])
    for name in ("igamma", "igammac", "igamma_grad_a", "random_gamma_grad"):
        y = both(lambda xp, a, x, f=name: getattr(xp, f)(a, x), a, x)
        assert y.shape == (2, 3)
    assert both(lambda xp, a, x: xp.betainc(a, a, x), a, x / 4).shape == (2, 3)


def test_igamma_grad_a_equals_central_differences() -> None:
    a = np.array([0.01, 0.3, 1, 2.5, 12, 80, 80, 300, 3000, 3000])
    x = np.array([0.02, 3.0, 1, 2.4, 14, 70, 95, 305, 3000, 2900])
    step = 1e-5 * a
    want = (xp_numpy.igamma(a + step, x) - xp_numpy.igamma(a - step, x)) / (2 * step)
    close(xp_numpy.igamma_grad_a(a, x), want, 1e-6)


def test_inverses() -> None:
    x = np.array([-1, -0.9, -0.3, 0, 1e-3, 0.99, 1])
    y = both(lambda xp, x: xp.erfinv(x), x, rtol=1e-12)
    close(xp_numpy.erf(y), x, 1e-12)
    p = np.array([0, 1e-5, 0.2, 0.5, 0.999, 1])
    z = both(lambda xp, p: xp.ndtri(p), p, rtol=1e-10)
    close(xp_numpy.erfc(-z / np.sqrt(2)) / 2, p, 1e-10)
    assert np.isnan(both(lambda xp, x: xp.ndtri(x), np.array([-0.1, 1.1]))).all()


def test_sigmoid_and_softplus_far_out() -> None:
    x = np.array([-1000, -90, -20, 0, 20, 90, 1000], np.float32)
    y = both(lambda xp, x: xp.sigmoid(x), x)
    assert y.tolist()[0] == 0
    assert y.tolist()[-1] == 1
    close(y[2], np.float32(2.0611537e-09))
    z = both(lambda xp, x: xp.softplus(x), x)
    assert z.tolist()[-3:] == [20, 90, 1000]
    close(z[2], np.float32(2.0611537e-09))


def test_round_takes_halves_to_the_even_number() -> None:
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5], np.float32)
    assert both(lambda xp, x: xp.round(x), x).tolist() == [0, 2, 2, 0, -2]
    assert both(lambda xp, x: xp.round(x), np.int32([3, -2])).tolist() == [3, -2]
