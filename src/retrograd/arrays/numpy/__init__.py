"""The array namespace a kernel receives in tier 0: NumPy.

A kernel is written once against `xp`: NumPy's names and the additions in `names`. Here
they are NumPy's own functions where those keep TensorFlow's dtypes, and the modules of
this package where they do not. Arguments are NumPy arrays or NumPy scalars.

Nothing here switches NumPy's floating-point warnings off: whoever runs kernels does so,
once, around all of them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograd.arrays import names
from retrograd.arrays.numpy import (
    arithmetic,
    fourier,
    indexing,
    linalg,
    lists,
    reduce,
    special,
    windows,
)
from retrograd.arrays.windows import same_padding as same_padding

for _name in names.SAME_AS_NUMPY:
    globals()[_name] = getattr(np, _name)
for _name in names.DTYPES:
    globals()[_name] = getattr(np, _name)
for _module in (arithmetic, fourier, indexing, linalg, lists, reduce, special, windows):
    for _name in {*names.DIFFERENT, *names.ADDED} & set(vars(_module)):
        _found = getattr(_module, _name)
        if _found.__module__ == _module.__name__:  # not one it imported for itself
            globals()[_name] = _found

name = "numpy"
e, inf, nan, newaxis, pi = np.e, np.inf, np.nan, None, np.pi


def __getattr__(attribute: str) -> Any:
    """Load what needs ml_dtypes when it is first used; else ask NumPy."""
    if attribute in ("bfloat16", "finfo", "iinfo"):
        import ml_dtypes

        found = getattr(ml_dtypes, attribute)
    else:
        found = getattr(np, attribute)
    globals()[attribute] = found
    return found


def asarray(x: Any, dtype: Any = None) -> np.ndarray:
    """Return x as an array, of `dtype` if given."""
    return np.asarray(x, dtype)


def round(x: np.ndarray) -> np.ndarray:
    """Return the nearest whole number, of two the even one; integers as they are."""
    return x if x.dtype.kind in "iub" else np.rint(x)


def cast(x: np.ndarray, dtype: np.dtype | type) -> np.ndarray:
    """Convert as C does: floats truncate, complex numbers drop the imaginary part.

    What does not fit an integer comes out as x86 makes it, and so as under TensorFlow:
    the lowest number in int32 and int64, the low bits of that in narrower types.
    """
    dtype = np.dtype(dtype)
    if x.dtype == dtype:
        return x
    if x.dtype.kind == "c" and dtype.kind != "c":
        x = np.real(x)
    if x.dtype.kind in "fV" and dtype.kind in "iu" and dtype.itemsize < 8:
        # NumPy's own way to narrow types depends on the vector instructions at hand.
        middle = np.int64 if dtype == np.uint32 else np.int32
        return x.astype(middle).astype(dtype, copy=False)
    return x.astype(dtype)


def check(holds: np.ndarray | np.bool, error: Callable[[], Exception]) -> None:
    """Refuse what a kernel was given, unless `holds`, bool of any shape, is all true.

    In the compiled tier, which cannot raise, the run is told to be void; it is then
    done again in this one, and raises here.

    Args:
        holds: what has to be so.
        error: makes the error; only called here, where all values are known.
    """
    if not holds.all():
        raise error()


def while_loop(
    cond: Callable[[Any], Any],
    body: Callable[[Any], Any],
    init: Any,
    bound: Callable[[], int] | None = None,
) -> Any:
    """Return the state after `body` has been applied while `cond` holds of it.

    `bound()` says how often that is at the most, where lists need to know.
    """
    del bound
    state = init
    while cond(state):
        state = body(state)
    return state


def cond(
    pred: Any, on_true: Callable[..., Any], on_false: Callable[..., Any], *args: Any
) -> Any:
    """Return on_true(*args) or on_false(*args), as `pred` says."""
    return on_true(*args) if pred else on_false(*args)
