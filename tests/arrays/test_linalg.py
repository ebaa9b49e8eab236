"""Dense linear algebra on both namespaces, in TensorFlow's conventions."""

import numpy as np
import pytest
from tests.arrays.both import both, close, on_jax, on_numpy

from retrograd.arrays import numpy as xp_numpy
from retrograd.errors import InvalidArgumentError


def matrices(*shape: int, dtype: str = "float64") -> np.ndarray:
    random = np.random.default_rng(1)
    x = random.normal(size=shape)
    if dtype.startswith("complex"):
        x = x + 1j * random.normal(size=shape)
    return x.astype(dtype)


def adjoint(x: np.ndarray) -> np.ndarray:
    return np.conj(np.swapaxes(x, -1, -2))


DTYPES = ["float32", "float64", "complex128"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_solving(dtype: str) -> None:
    a, b = matrices(2, 4, 4, dtype=dtype), matrices(2, 4, 3, dtype=dtype)
    rtol = 1e-3 if dtype == "float32" else 1e-9
    for flag in (False, True):
        aa = adjoint(a) if flag else a
        y = both(lambda xp, a, b, f=flag: xp.solve(a, b, f), a, b, rtol=rtol)
        close(aa @ y, b, rtol)
        i = both(lambda xp, a, f=flag: xp.inv(a, f), a, rtol=rtol)
        close(aa @ i, np.broadcast_to(np.eye(4, dtype=dtype), a.shape), rtol)
        for lower in (False, True):
            t = np.tril(a) if lower else np.triu(a)
            y = both(
                lambda xp, a, b, w=lower, f=flag: xp.triangular_solve(a, b, w, f),
                a,
                b,
                rtol=rtol,
            )
            close((adjoint(t) if flag else t) @ y, b, rtol)


@pytest.mark.parametrize("dtype", DTYPES)
def test_factorisations(dtype: str) -> None:
    a = matrices(2, 5, 3, dtype=dtype)
    rtol = 1e-4 if dtype == "float32" else 1e-9
    square = adjoint(a) @ a + np.eye(3, dtype=dtype)
    # Only the lower triangle may be read.
    torn = np.tril(square) + 7 * np.triu(np.ones_like(square), 1)
    low = both(lambda xp, x: xp.cholesky(x), torn, rtol=rtol)
    close(low @ adjoint(low), square, rtol)
    for run in (on_numpy, on_jax):
        e, v = run(lambda xp, x: xp.eigh(x), torn)
        assert e.dtype == v.dtype == square.dtype
        close(v * e[:, None, :] @ adjoint(v), square, rtol)
        assert (np.diff(e.real) >= 0).all()
        (alone,) = run(lambda xp, x: xp.eigh(x, False), torn)
        close(alone, e, rtol)
        for full in (False, True):
            q, r = run(lambda xp, x, f=full: xp.qr(x, f), a)
            assert q.shape == ((2, 5, 5) if full else (2, 5, 3))
            close(q @ r, a, rtol)
            s, u, v = run(lambda xp, x, f=full: xp.svd(x, full_matrices=f), a)
            assert u.shape == q.shape
            close(u[..., :3] * s[:, None, :] @ adjoint(v), a, rtol)
        (alone,) = run(lambda xp, x: xp.svd(x, False), a)
        close(alone, s, rtol)


def test_determinants() -> None:
    a = matrices(3, 4, 4)
    close(both(lambda xp, a: xp.det(a), a), np.linalg.det(a))
    sign, log = both(lambda xp, a: xp.slogdet(a), a)
    close(sign * np.exp(log), np.linalg.det(a))
    sign, log = both(lambda xp, a: xp.slogdet(a), np.zeros((2, 2)))
    assert (sign, log) == (0, -np.inf)


@pytest.mark.parametrize(
    ("name", "args", "line"),
    [
        (
            "cholesky",
            [-np.eye(2)],
            "Cholesky decomposition was not successful. The input might not be valid.",
        ),
        ("inv", [np.zeros((2, 2))], "Input is not invertible."),
        ("solve", [np.zeros((2, 2)), np.eye(2)], "Input matrix is not invertible."),
        (
            "triangular_solve",
            [np.zeros((2, 2)), np.eye(2)],
            "Input matrix is not invertible.",
        ),
    ],
)
def test_refusals(name: str, args: list, line: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        getattr(xp_numpy, name)(*args)
    assert str(caught.value).splitlines()[0] == line


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_svd_of_what_is_not_finite_is_nan(dtype: str, bad: float) -> None:
    a = matrices(2, 4, 3, dtype=dtype)
    a[1, 2, 0] = bad
    for run in (on_numpy, on_jax):
        for full in (False, True):
            parts = run(lambda xp, x, f=full: xp.svd(x, True, f), a)
            (alone,) = run(lambda xp, x: xp.svd(x, False), a)
            for part in (*parts, alone):
                assert np.isfinite(part[0]).all() and np.isnan(part[1]).all()
                assert part.dtype == (alone.dtype if part.ndim == 2 else a.dtype)
