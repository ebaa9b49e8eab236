"""The ops of accumulators, which sum gradients until there are enough of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, errors
from retrograd.graph.operation import Operation
from retrograd.graph.record import Record
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import op
from retrograd.ops.infer import nothing, scalar, unknown
from retrograd.ops.queues.buffers import shape_text
from retrograd.ops.queues.waiting import FINISHED, STUCK, Attempt, Lines

if TYPE_CHECKING:
    from retrograd.run.store import Store
    from retrograd.typing import Array, Arrays


def _invalid(text: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, text)


def _over(total: Array, count: Array | int) -> Array:
    """A sum over how many it is of, in its own type."""
    return total / np.asarray(count).astype(total.dtype)


class Accumulator(Lines):
    """Sums gradients; gives their mean or sum once there are as many as asked for.

    Args:
      dtype: their type.
      shape: what is known of their shape, raw.
      mean: whether it gives the mean.
    """

    _contents = ("count", "step", "_total")

    def __init__(self, dtype: dtypes.DType, shape: RawShape, mean: bool) -> None:
        super().__init__("TakeGrad")
        self.dtype, self.shape, self.mean = dtype, shape, mean
        self.count = self.step = 0
        self._total: Any = None

    def apply(self, step: int, *gradient: Array | None) -> None:
        """Add a gradient; one of a step that is over is dropped.

        Raises:
          InvalidArgumentError: it has another shape.
        """
        with self._lock:
            if step >= self.step:
                self._check(*gradient)
                self._add(*gradient)
                self.count += 1
            self._flush()

    def take(self, count: int) -> Array | tuple[Array, ...]:
        """The mean or sum of at least `count` gradients, as soon as there are as many.

        A new step begins, and a new sum.

        Raises:
          InvalidArgumentError: `count` is not positive.
          CancelledError: the session is closed.
        """
        if count <= 0:
            raise _invalid(f"Argument num_required must be positive, but was {count}")

        def step(attempt: Attempt) -> int:
            if self.count < attempt.wanted:
                return STUCK
            attempt.taken.append(self._result())
            self.step += 1
            self.count, self._total = 0, None
            return FINISHED

        attempt = Attempt(count, step)
        self._wait("TakeGrad", attempt)
        return attempt.taken[0]

    def _check(self, *parts: Any) -> None:
        (gradient,) = parts
        for wanted in ([self._total.shape] if self.count else []) + [self.shape]:
            if wanted is not None and not _compatible(gradient.shape, wanted):
                raise _invalid(
                    f"Shape mismatch: expected {shape_text(wanted)}, got "
                    f"{shape_text(gradient.shape)}"
                )

    def _add(self, *parts: Any) -> None:
        (gradient,) = parts
        # what was fed may be changed by the program
        self._total = self._total + gradient if self.count else np.array(gradient)

    def _result(self) -> Array | tuple[Array, ...]:
        return _over(self._total, self.count) if self.mean else self._total


def _compatible(shape: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(shape) == len(wanted) and all(
        w is None or w == h for h, w in zip(shape, wanted, strict=True)
    )


class SparseAccumulator(Accumulator):
    """The same for rows with their indices; each row is averaged on its own."""

    _contents = ("count", "step", "_total", "_indices", "_counts")

    def __init__(self, dtype: dtypes.DType, shape: RawShape, mean: bool) -> None:
        super().__init__(dtype, shape, mean)
        self._indices: list[int] = []
        self._counts: Any = None

    def _check(self, *parts: Any) -> None:
        indices, values, shape = parts
        if indices.ndim != 1:
            raise _invalid(
                "Input indices should be vector but received shape: "
                f"{shape_text(indices.shape)}"
            )
        if values.ndim == 0:
            raise _invalid("Values cannot be 0-dimensional.")
        if len(values) != len(indices):
            raise _invalid(
                f"Expected {len(indices)} non-empty input values, got {len(values)}"
            )
        if shape is not None:
            self._check_shape(shape.tolist())
        limit = self.shape[0] if self.shape else None
        for i, index in enumerate(indices.tolist() if limit is not None else ()):
            if index >= limit:
                raise _invalid(
                    f"Shape mismatch: index of slice {i} exceeded limits of shape; "
                    f"index is {index} exceeded {limit}"
                )
        self._check_values(values.shape)

    def _check_shape(self, shape: list[int]) -> None:
        known = self.shape or ()
        if len(known) > len(shape):
            raise _invalid(
                f"Shape mismatch: expected shape rank at least {len(known)}, got "
                f"{len(shape)}"
            )
        _check_sizes("shape", known, shape, 0)

    def _check_values(self, shape: tuple[int, ...]) -> None:
        known: Sequence[int | None] = self._total.shape if self.count else ()
        if self.count and len(known) != len(shape):
            raise _invalid(
                f"Shape mismatch: expected values rank {len(known)}, got {len(shape)}"
            )
        if not self.count:
            known = self.shape or ()
            if len(known) > len(shape):
                raise _invalid(
                    "Shape mismatch: expected values rank at least "
                    f"{len(known)}, got {len(shape)}"
                )
        _check_sizes("values", known, shape, 1)

    def _add(self, *parts: Any) -> None:
        indices, values, _ = parts
        if not self.count:
            self._indices, self._total = indices.tolist(), np.array(values)
            self._counts = np.ones(len(values), np.int64)
            return
        merged = _merge(self._indices, indices.tolist())
        total = np.zeros((len(merged), *values.shape[1:]), values.dtype)
        counts = np.zeros(len(merged), np.int64)
        for place, (_, i, j) in enumerate(merged):
            if j is not None:
                total[place] = values[j]
                counts[place] = 1
            if i is not None:
                total[place] += self._total[i]
                counts[place] += self._counts[i]
        self._indices = [index for index, _, _ in merged]
        self._total, self._counts = total, counts

    def _result(self) -> tuple[Array, ...]:
        total = self._total
        if self.mean:
            total = _over(total, self._counts.reshape(-1, *[1] * (total.ndim - 1)))
        first = -1 if not self.shape or self.shape[0] is None else self.shape[0]
        sizes = np.array([first, *total.shape[1:]], np.int64)
        return np.array(self._indices, np.int64), total, sizes


def _check_sizes(
    what: str, known: Sequence[int | None], shape: Sequence[int], start: int
) -> None:
    for i in range(start, len(known)):
        if known[i] is not None and known[i] != shape[i]:
            raise _invalid(
                f"Shape mismatch: expected {what} dim {i} to be {known[i]}, got "
                f"{shape[i]}"
            )


def _merge(a: list[int], b: list[int]) -> list[tuple[int, int | None, int | None]]:
    """Each index of two rising lists once, and where it is in both."""
    merged: list[tuple[int, int | None, int | None]] = []
    i = j = 0
    while i < len(a) or j < len(b):
        in_a = i < len(a) and (j == len(b) or a[i] <= b[j])
        in_b = j < len(b) and (i == len(a) or b[j] <= a[i])
        merged.append(
            (a[i] if in_a else b[j], i if in_a else None, j if in_b else None)
        )
        i, j = i + in_a, j + in_b
    return merged


def _make(n: Operation) -> Accumulator:
    sparse = n.type == "SparseConditionalAccumulator"
    kind = SparseAccumulator if sparse else Accumulator
    dtype = dtypes.as_dtype(n.attrs["dtype"])
    if dtype not in (dtypes.float16, dtypes.float32, dtypes.float64):
        raise _invalid(
            f"No OpKernel was registered to support Op '{n.type}' with dtype "
            f"{dtype.name}: float16, float32 and float64 are."
        )
    return kind(dtype, n.attrs["shape"], n.attrs["reduction_type"] == "MEAN")


def _accumulator_kernel(xp: Arrays, *, n: Operation, store: Store) -> Any:
    """The accumulator of a session: made at first, then found."""
    del xp
    if isinstance(n, Record):
        return _make(n)
    return store.resource("accumulator", n, functools.partial(_make, n))


def _handle_shape(n: Operation) -> RawShape:
    """A container and a name."""
    return (2,)


for _name in (
    "ConditionalAccumulator",
    "ResourceConditionalAccumulator",
    "SparseConditionalAccumulator",
):
    op(_name, infer=_handle_shape, host=True)(_accumulator_kernel)


def _check_type(accumulator: Accumulator, n: Operation) -> None:
    given = dtypes.as_dtype(n.attrs["dtype"])
    if given != accumulator.dtype:
        raise _invalid(
            f"Signature mismatch, have: {given.name} expected: {accumulator.dtype.name}"
        )


def _one(value: Array, name: str) -> int:
    if np.ndim(value):
        raise _invalid(
            f"Argument {name} must be scalar, but had bad shape "
            f"{shape_text(np.shape(value))}"
        )
    return int(value)


def _apply_kernel(
    xp: Arrays, handle: Accumulator, local_step: Array, gradient: Array, *, n: Operation
) -> tuple[()]:
    """Add a gradient."""
    del xp
    _check_type(handle, n)
    handle.apply(_one(local_step, "local_step"), gradient)
    return ()


def _apply_sparse_kernel(
    xp: Arrays,
    handle: Accumulator,
    local_step: Array,
    indices: Array,
    values: Array,
    shape: Array,
    *,
    n: Operation,
) -> tuple[()]:
    """Add rows of a gradient."""
    del xp
    _check_type(handle, n)
    known = shape if n.attrs["has_known_shape"] else None
    handle.apply(_one(local_step, "local_step"), indices, values, known)
    return ()


def _take_kernel(
    xp: Arrays, handle: Accumulator, num_required: Array, *, n: Operation
) -> Array | tuple[Array, ...]:
    """Take out what there is, once it is enough."""
    del xp
    _check_type(handle, n)
    return handle.take(_one(num_required, "num_required"))


def _count_kernel(xp: Arrays, handle: Accumulator) -> np.int32:
    """How many gradients there are."""
    del xp
    return np.int32(handle.count)


def _step_kernel(xp: Arrays, handle: Accumulator, new_global_step: Array) -> tuple[()]:
    """Begin a step."""
    del xp
    handle.step = int(new_global_step)
    return ()


def _declare(name: str, kernel: Callable[..., Any], infer: Callable[..., Any]) -> None:
    op(
        name,
        infer=infer,
        host=True,
        cells="handle",
        pure=False,
    )(kernel)


for _prefix in ("", "Resource"):
    _declare(f"{_prefix}AccumulatorApplyGradient", _apply_kernel, nothing)
    _declare(f"{_prefix}AccumulatorTakeGradient", _take_kernel, unknown)
    _declare(f"{_prefix}AccumulatorNumAccumulated", _count_kernel, scalar)
    _declare(f"{_prefix}AccumulatorSetGlobalStep", _step_kernel, nothing)
_declare("SparseAccumulatorApplyGradient", _apply_sparse_kernel, nothing)
_declare("SparseAccumulatorTakeGradient", _take_kernel, unknown)
