"""Making tensors: from data, of one value, in a row, at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.autograd import generator as generators
from retrograd.autograd import types
from retrograd.autograd.structure import sizes_of
from retrograd.autograd.tensors import Tensor
from retrograd.errors import message
from retrograd.run.eager import EagerTensor

if TYPE_CHECKING:
    from retrograd.autograd.generator import Generator
    from retrograd.typing import Array, DTypeLike, Number, TensorLike


def device(type: object, index: int | None = None) -> str:
    """The name of a device; there is one.

    Raises:
      RuntimeError: it is not the computer's own memory.
    """
    del index
    if str(type).partition(":")[0] != "cpu":
        raise RuntimeError(
            message(
                "values are in the computer's memory",
                got=f"device {str(type)!r}",
                fix='device="cpu"; a graph and a Session run on accelerators',
            )
        )
    return "cpu"


def _made(
    array: Array, dtype: DTypeLike | None, requires_grad: bool, where: object = None
) -> Tensor:
    """A leaf that holds an array, which nobody else may change."""
    if where is not None:
        device(where)
    kind = types.as_dtype(dtype)
    value = np.asarray(array).astype(kind.as_numpy_dtype, copy=False)
    made = Tensor._of(EagerTensor(value, kind))
    if requires_grad:
        if not types.is_differentiable(kind):
            raise RuntimeError(
                message(
                    "Only Tensors of floating point and complex dtype can require "
                    "gradients",
                    got=f"{kind.name}{list(made.shape)}",
                    fix="dtype=torch.float32, or write a number with a point: 1.",
                )
            )
        made._leaf = True
    return made


def tensor(
    data: object,
    dtype: DTypeLike | None = None,
    device: object = None,
    requires_grad: bool = False,
) -> Tensor:
    """A leaf that holds a copy of `data`.

    Args:
      data: numbers, nested lists of them, an array, or a tensor.
      dtype: the type; by default float32 for Python's floats, int64 for whole numbers,
        and an array's own.
      device: "cpu".
      requires_grad: whether derivatives with respect to it are wanted.

    Raises:
      RuntimeError: gradients of whole numbers are asked for.
    """
    if isinstance(data, Tensor):
        data = np.array(data._engine._value)
    elif isinstance(data, (list, tuple)):
        data = _plain(data)
    array = np.array(data)
    if dtype is None:
        dtype = _type_of(data, array)
    return _made(array, dtype, requires_grad, device)


def _plain(data: TensorLike | Tensor) -> Any:
    """Nested lists with numbers in place of tensors."""
    if isinstance(data, Tensor):
        return data.item() if not data.dim() else data.tolist()
    return [_plain(d) for d in data] if isinstance(data, (list, tuple)) else data


def _type_of(data: object, array: Array) -> Any:
    if isinstance(data, (np.ndarray, np.generic)) or _holds_arrays(data):
        return dtypes.as_dtype(array.dtype)
    if not array.size:
        return types.default
    if array.dtype.kind not in "biufc":
        raise TypeError(f"can't convert {array.dtype} to a tensor: numbers are wanted")
    return types.of_number(array.reshape(-1)[0].item())


def _holds_arrays(data: object) -> bool:
    while isinstance(data, list) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic))


def as_tensor(
    data: TensorLike | Tensor, dtype: DTypeLike | None = None, device: object = None
) -> Tensor:
    """`data` itself if it is a tensor of that type, else a tensor that holds it."""
    if isinstance(data, Tensor):
        wanted = data.dtype if dtype is None else types.as_dtype(dtype)
        return data.to(wanted)
    return tensor(data, dtype, device)


def from_numpy(ndarray: Array) -> Tensor:
    """A tensor that holds a copy of an array: neither changes with the other."""
    return tensor(np.asarray(ndarray))


# ---------------------------------------------------------------------- one value


def full(
    size: Sequence[int],
    fill_value: Number,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: object = None,
) -> Tensor:
    """A tensor of one value everywhere."""
    kind = types.of_number(fill_value) if dtype is None else dtype
    return _made(np.full(sizes_of([size]), fill_value), kind, requires_grad, device)


def zeros(
    *size: int | Sequence[int],
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: object = None,
) -> Tensor:
    """Zeros, of float32 unless said otherwise."""
    return _made(
        np.zeros(sizes_of(size)), dtype or types.default, requires_grad, device
    )


def ones(
    *size: int | Sequence[int],
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: object = None,
) -> Tensor:
    """Ones, of float32 unless said otherwise."""
    return _made(np.ones(sizes_of(size)), dtype or types.default, requires_grad, device)


def empty(
    *size: int | Sequence[int],
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: object = None,
) -> Tensor:
    """Zeros, to be written to."""
    return zeros(*size, dtype=dtype, requires_grad=requires_grad, device=device)


def full_like(
    input: Tensor,
    fill_value: Number,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: object = None,
) -> Tensor:
    """One value everywhere, in the shape and type of another tensor."""
    return full(
        input.shape,
        fill_value,
        dtype=dtype or input.dtype,
        requires_grad=requires_grad,
        device=device,
    )


def zeros_like(
    input: Tensor,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: object = None,
) -> Tensor:
    """Zeros, in the shape and type of another tensor."""
    return full_like(input, 0, dtype=dtype, requires_grad=requires_grad, device=device)


def ones_like(
    input: Tensor,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: object = None,
) -> Tensor:
    """Ones, in the shape and type of another tensor."""
    return full_like(input, 1, dtype=dtype, requires_grad=requires_grad, device=device)


# ---------------------------------------------------------------------- in a row


def arange(
    start: Number,
    end: Number | None = None,
    step: Number = 1,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: object = None,
) -> Tensor:
    """Numbers from `start` in steps, without `end`; with one argument, from 0 up."""
    if end is None:
        start, end = 0, start
    kind = types.result_type(start, end, step) if dtype is None else dtype
    count = max(0, int(np.ceil((end - start) / step)))
    return _made(start + step * np.arange(count), kind, requires_grad, device)


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: object = None,
) -> Tensor:
    """So many numbers from `start` to `end`, evenly spaced."""
    values = np.linspace(start, end, steps)
    return _made(values, dtype or types.default, requires_grad, device)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: object = None,
) -> Tensor:
    """The matrix with ones on the diagonal."""
    return _made(np.eye(n, m), dtype or types.default, requires_grad, device)


# ---------------------------------------------------------------------- at random


def _drawn(
    draw: str,
    size: Sequence[Any],
    source: Generator | None,
    dtype: DTypeLike | None,
    requires_grad: bool,
    where: object,
) -> Tensor:
    kind = types.as_dtype(dtype or types.default)
    shape = sizes_of(size)
    source = source or generators.default
    fine = np.float64 if kind is dtypes.float64 else np.float32
    values = getattr(source, draw)(int(np.prod(shape, dtype=np.int64)), fine)
    return _made(values.reshape(shape), kind, requires_grad, where)


def rand(
    *size: int | Sequence[int],
    generator: Generator | None = None,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: object = None,
) -> Tensor:
    """Random numbers in [0, 1); the same after the same `manual_seed`."""
    return _drawn("uniform", size, generator, dtype, requires_grad, device)


def randn(
    *size: int | Sequence[int],
    generator: Generator | None = None,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: object = None,
) -> Tensor:
    """Random numbers of mean 0 and standard deviation 1."""
    return _drawn("normal", size, generator, dtype, requires_grad, device)


def rand_like(
    input: Tensor, *, requires_grad: bool = False, device: object = None
) -> Tensor:
    """`rand` in the shape and type of another tensor."""
    return rand(
        *input.shape, dtype=input.dtype, requires_grad=requires_grad, device=device
    )


def randn_like(
    input: Tensor, *, requires_grad: bool = False, device: object = None
) -> Tensor:
    """`randn` in the shape and type of another tensor."""
    return randn(
        *input.shape, dtype=input.dtype, requires_grad=requires_grad, device=device
    )


def randint(
    low: int,
    high: Any = None,
    size: int | Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    device: object = None,
) -> Tensor:
    """Random whole numbers from `low` up to, and without, `high`."""
    if size is None:
        low, high, size = 0, low, high
    source = generator or generators.default
    shape = sizes_of([size])
    values = source.integers(low, high, int(np.prod(shape, dtype=np.int64)))
    return _made(values.reshape(shape), dtypes.int64, False, device)


def randperm(n: int, *, generator: Generator | None = None) -> Tensor:
    """The numbers below n in random order."""
    source = generator or generators.default
    return _made(source.permutation(n), dtypes.int64, False)
