"""Both namespaces have the same names, signatures and conventions."""

import inspect
import subprocess
import sys

import jax
import numpy as np
import pytest
from tests.arrays.both import both, close

from retrograd.arrays import names
from retrograd.arrays import numpy as xp_numpy
from retrograd.arrays import xla as xp_jax
from retrograd.arrays.xla import options


@pytest.mark.parametrize("xp", [xp_numpy, xp_jax], ids=["numpy", "jax"])
def test_every_name_is_there(xp: object) -> None:
    missing = [name for name in names.ALL if not hasattr(xp, name)]
    assert not missing
    assert len(set(names.ALL)) == len(names.ALL)


@pytest.mark.parametrize("name", [*names.DIFFERENT, *names.ADDED])
def test_signatures_are_the_same(name: str) -> None:
    one = inspect.signature(getattr(xp_numpy, name)).parameters.values()
    two = inspect.signature(getattr(xp_jax, name)).parameters.values()
    assert [(p.name, p.kind, p.default) for p in one] == [
        (p.name, p.kind, p.default) for p in two
    ]
    assert getattr(xp_numpy, name).__doc__


def test_names_not_listed_are_numpys() -> None:
    assert xp_numpy.heaviside is np.heaviside
    assert xp_jax.heaviside(-1.0, 0.5) == 0
    with pytest.raises(AttributeError):
        _ = xp_numpy.no_such_function


def test_the_numpy_namespace_is_light() -> None:
    heavy = "'jax', 'scipy', 'ml_dtypes'"
    code = f"""
import sys
from retrograd.arrays import numpy as xp_numpy
found = [name for name in ({heavy}) if name in sys.modules]
assert not found, found
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "float32", "complex64"])
def test_totals_keep_the_dtype(dtype: str) -> None:
    x = np.arange(1, 7).reshape(2, 3).astype(dtype)
    for name in ("sum", "prod"):
        assert both(lambda xp, x, f=name: getattr(xp, f)(x), x).dtype == x.dtype
        assert both(lambda xp, x, f=name: getattr(xp, f)(x, 1), x).dtype == x.dtype
    for name in ("cumsum", "cumprod"):
        assert both(lambda xp, x, f=name: getattr(xp, f)(x, 1), x).dtype == x.dtype
    assert both(lambda xp, x: xp.mean(x, 0), x).dtype == x.dtype


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_two_byte_floats_are_added_up_in_float32(dtype: str) -> None:
    x = np.full((5000, 2), 0.1).astype(getattr(xp_numpy, dtype))
    exact = np.float32(x[0, 0]) * 5000
    for axis in (0, None):
        total = both(lambda xp, x, a=axis: xp.sum(x, a), x, rtol=1e-2)
        close(total.astype(np.float32).mean(), exact * (1 if axis == 0 else 2), 1e-2)
    assert both(lambda xp, x: xp.matmul(x.T, x), x, rtol=1e-2).dtype == x.dtype
    assert both(lambda xp, x: xp.mean(x, (0, 1)), x).dtype == x.dtype


def test_a_mean_of_integers_truncates() -> None:
    x = np.int32([[-1, -2, -4, 0], [7, 7, 7, 6]])
    assert both(lambda xp, x: xp.mean(x, 1), x).tolist() == [-1, 6]


@pytest.mark.parametrize("axis", [0, (0, 1), (0, 2), None, (0, 1, 2), -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_sums_of_many(axis: object, keepdims: bool) -> None:
    x = np.random.default_rng(0).normal(size=(40, 50, 6))
    got = both(lambda xp, x: xp.sum(x, axis, keepdims), x, rtol=1e-12)
    close(got, x.sum(axis=axis, keepdims=keepdims), 1e-12)
    got = xp_numpy.sum(x[:, ::2], axis, keepdims)
    close(got, x[:, ::2].sum(axis=axis, keepdims=keepdims), 1e-12)


def test_reductions_of_nothing() -> None:
    x = np.zeros((0, 2), np.float32)
    n = x.astype(np.int32)
    assert both(lambda xp, x: xp.max(x, 0), x).tolist() == [-np.inf] * 2
    assert both(lambda xp, x: xp.min(x, 0), x).tolist() == [np.inf] * 2
    assert both(lambda xp, x: xp.max(x, 0), n).tolist() == [-(2**31)] * 2
    assert both(lambda xp, x: xp.min(x, 0), n).tolist() == [2**31 - 1] * 2
    assert both(lambda xp, x: xp.prod(x, 0), x).tolist() == [1, 1]
    assert both(lambda xp, x: xp.sum(x, 0), n).tolist() == [0, 0]
    assert np.isnan(both(lambda xp, x: xp.mean(x, 0), x)).all()
    assert both(lambda xp, x: xp.mean(x, 0), n).tolist() == [0, 0]
    assert both(lambda xp, x: xp.max(x, 1), x).shape == (0,)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("axis", [0, -1])
def test_running_totals(axis: int, exclusive: bool, reverse: bool) -> None:
    x = np.random.default_rng(0).integers(1, 4, (3, 4)).astype(np.float32)
    for name, ufunc, unit in (("cumsum", np.add, 0), ("cumprod", np.multiply, 1)):
        got = both(lambda xp, x, f=name: getattr(xp, f)(x, axis, exclusive, reverse), x)
        lines = np.flip(x, axis) if reverse else x
        lines = np.moveaxis(lines, axis, -1)
        want = ufunc.accumulate(lines, -1)
        if exclusive:
            want = np.concatenate([np.full_like(want[:, :1], unit), want[:, :-1]], -1)
        want = np.moveaxis(want, -1, axis)
        close(got, np.flip(want, axis) if reverse else want)


def test_sorting_is_stable() -> None:
    x = np.array([[2, 1, 2, 1], [0, 3, 0, 3]], np.float32)
    order = both(lambda xp, x: xp.argsort(x, 1), x)
    assert order.tolist() == [[1, 3, 0, 2], [0, 2, 1, 3]]
    assert order.dtype == np.int64
    assert both(lambda xp, x: xp.sort(x, 0), x).tolist()[0] == [0, 1, 0, 1]
    assert both(lambda xp, x: xp.argmax(x, 1), x).tolist() == [0, 1]
    assert both(lambda xp, x: xp.argmin(x, 0), x).dtype == np.int64


def test_where_broadcasts() -> None:
    c = np.array([[True], [False]])
    x, y = np.float32([1, 2, 3]), np.float32(9)
    got = both(lambda xp, c, x, y: xp.where(c, x, y), c, x, y)
    assert got.tolist() == [[1, 2, 3], [9, 9, 9]]
    assert both(lambda xp, x: xp.where(x > 1, x, 0), x).dtype == np.float32


def test_einsum_keeps_the_dtype() -> None:
    a = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    got = both(lambda xp, a: xp.einsum("bij,bkj->bik", a, a), a)
    close(got, a @ a.swapaxes(1, 2))
    assert both(lambda xp, a: xp.einsum("bij->i", a), a).shape == (3,)


def test_control_flow() -> None:
    def power(xp: object, x: np.ndarray, n: np.ndarray) -> np.ndarray:
        def body(state: tuple) -> tuple:
            i, y = state
            return i + 1, y * x

        return xp.while_loop(lambda s: s[0] < n, body, (n * 0, x * 0 + 1))[1]

    assert both(power, np.float32(3), np.int32(4)) == 81
    for flag in (True, False):
        got = both(
            lambda xp, p, x: xp.cond(p, lambda x: x + 1, lambda x: x - 1, x),
            np.bool_(flag),
            np.float32(3),
        )
        assert got == (4 if flag else 2)


def test_compiler_options_are_those_that_xla_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fresh = options.compiler_options
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    few, many = fresh(2), fresh(100_000)
    assert few.keys() <= many.keys()
    for known in (few, many):
        double = jax.jit(lambda x: x * 2, compiler_options=known)
        assert double(np.float32(3)) == 6
    monkeypatch.setattr(options, "_CPU", {"xla_no_such_option": "1"})
    assert fresh() == {}
    name = "xla_cpu_enable_fast_min_max"
    monkeypatch.setattr(options, "_CPU_LIGHT", {name: "True"})
    assert (fresh(2), fresh(100_000)) == ({}, {name: "True"})
    monkeypatch.setattr(options, "_CPU", {name: "True"})
    assert fresh() == {name: "True"}
    monkeypatch.setenv("XLA_FLAGS", f"--{name}=false")
    assert fresh() == {}


@pytest.mark.parametrize("scalar", [np.float32(2.5), np.array(2.5, np.float32)])
def test_scalars(scalar: np.ndarray) -> None:
    for name in (
        "sum prod mean max min sigmoid softplus rsqrt round erf digamma lgamma"
    ).split():
        y = both(lambda xp, x, f=name: getattr(xp, f)(x), scalar)
        assert y.shape == ()
        assert y.dtype == np.float32
    assert both(lambda xp, x: xp.cast(x, np.int32), scalar) == 2
    assert both(lambda xp, x: xp.any(x > 2), scalar)
    table = np.float32([3, 4, 5])
    assert both(lambda xp, x, i: xp.gather(x, i), table, np.int64(2)) == 5
    assert both(lambda xp, x, i: xp.gather_nd(x, i), table, np.int32([1])) == 4
