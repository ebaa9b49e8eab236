"""Run a kernel on both array namespaces and hold the two results together."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from retrograd.arrays import numpy as xp_numpy
from retrograd.arrays import xla as xp_jax

Results = tuple[np.ndarray, ...]
DATA = Path(__file__).parent.parent / "data" / "xp.npz"


def _results(value: Any) -> Results:
    values = value if isinstance(value, tuple) else (value,)
    return tuple(np.asarray(v) for v in values)


def on_numpy(kernel: Callable[..., Any], *args: Any) -> Results:
    """Return what `kernel(xp_numpy, *args)` returns, as a tuple of arrays."""
    with np.errstate(all="ignore"):
        return _results(kernel(xp_numpy, *args))


def on_jax(kernel: Callable[..., Any], *args: Any) -> Results:
    """Return what `kernel(xp_jax, *args)` returns, compiled, as a tuple of arrays."""
    with jax.enable_x64(True):
        return _results(jax.jit(functools.partial(kernel, xp_jax))(*args))


def both(kernel: Callable[..., Any], *args: Any, rtol: float = 1e-5) -> Any:
    """Return NumPy's result, after XLA's has been found to be the same.

    The same shape and dtype, and the same values to `rtol` of the largest.
    """
    one, two = on_numpy(kernel, *args), on_jax(kernel, *args)
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        close(b, a, rtol)
    return one if len(one) > 1 else one[0]


def close(got: Any, want: Any, rtol: float = 1e-5) -> None:
    """Compare with a tolerance of `rtol`, relative to each value or to the largest."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    if want.dtype.kind == "V":
        got, want = got.astype(np.float32), want.astype(np.float32)
    scale = np.abs(want[np.isfinite(want)]).max(initial=0) if want.dtype != bool else 0
    atol = rtol * min(float(scale), 1e6) if want.dtype.kind in "fc" else 0
    np.testing.assert_allclose(got, want, rtol=rtol, atol=atol)


@functools.cache
def _saved() -> dict[str, dict[int, dict[str, np.ndarray]]]:
    kinds: dict[str, dict[int, dict[str, np.ndarray]]] = {}
    with np.load(DATA) as file:
        for key in file:
            kind, number, what = key.split("/")
            kinds.setdefault(kind, {}).setdefault(int(number), {})[what] = file[key]
    return kinds


def cases(kind: str) -> list[dict[str, np.ndarray]]:
    """Return the cases of one kind that TensorFlow 1.15 computed."""
    return list(_saved()[kind].values())
