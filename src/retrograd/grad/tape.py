"""Recording ops as they happen, and differentiating what was recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.grad.api import UnconnectedGradients, unconnected_kind
from retrograd.grad.history import History
from retrograd.grad.sweep import sweep
from retrograd.grad.terms import dense
from retrograd.graph import context, opdef
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.convert import convert_to_tensor, internal_convert_to_tensor
from retrograd.graph.record import Record
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import (
        Convertible,
        Recorded,
        Structure,
        TensorLike,
    )


def watched_tensor(source: Any) -> Any:
    """The tensor that stands for a source: a resource variable's handle."""
    if getattr(source, "_is_resource_variable", False):
        return source.handle
    if isinstance(source, IndexedSlices):
        return source.values
    return internal_convert_to_tensor(source, as_ref=True)


def differentiable(dtype: dtypes.DType) -> bool:
    """Whether tensors of this dtype have derivatives."""
    base = dtype.base_dtype
    return base.is_floating or base.is_complex or base is dtypes.resource


class GradientTape:
    """Records the operations of a `with` block for differentiation.

    Trainable variables are watched when they are read; other tensors with `watch`.

    Args:
      persistent: whether `gradient` may be called more than once.
      watch_accessed_variables: whether variables are watched without being asked.
    """

    is_accumulator = False

    def __init__(
        self, persistent: bool = False, watch_accessed_variables: bool = True
    ) -> None:
        self._persistent = persistent
        self._watches_variables = watch_accessed_variables
        self._recording = False
        self._used = False
        self._clear()

    def _clear(self) -> None:
        # a tensor is on the tape while it is a key here; the record is what made it
        self._producers: dict[Tensor, Any] = {}
        self._variables: dict[int, Any] = {}
        self._history = History()

    # ------------------------------------------------------------------ recording

    def __enter__(self) -> GradientTape:
        self._start()
        return self

    def __exit__(self, *unused: object) -> None:
        if self._recording:
            self._stop()

    def _start(self) -> None:
        if self._recording:
            raise ValueError("Tape is already recording.")
        # accumulators come last: what they compute depends on what is recorded
        tapes = [*context.local.tapes, self]
        context.local.tapes = sorted(tapes, key=lambda tape: tape.is_accumulator)
        self._recording = True

    def _stop(self) -> None:
        if not self._recording:
            raise ValueError("Tape is not recording.")
        context.local.tapes = [t for t in context.local.tapes if t is not self]
        self._recording = False

    def record(self, op: Recorded) -> None:
        """Keep an operation, if it depends on something watched."""
        if any(self.knows(t) for t in op._inputs):
            for tensor in op._outputs:
                self._producers[tensor] = op
            if op._outputs:
                return
        if type(op) is Record:
            self._history.note(op)

    def note_read(self, tensor: Tensor, how: str) -> None:
        """Note that the program takes the value of a tensor, if it is known."""
        if self.knows(tensor):
            self._history.note_read(tensor, how)

    def knows(self, tensor: Tensor) -> bool:
        """Whether a tensor is watched, or depends on one that is."""
        return tensor in self._producers or self._producer(tensor) is not None

    def _producer(self, tensor: Tensor) -> Any:
        """The recorded operation that made a tensor, or None.

        An operation may have got further outputs since, for its derivative's sake.
        """
        found = self._producers.get(tensor)
        if found is None and tensor not in self._producers:
            op = getattr(tensor, "_op", None)
            if op is not None and self._producers.get(op._outputs[0]) is op:
                return op
        return found

    def record_capture(self, outer: Tensor, inner: Tensor) -> None:
        """Note that a function's input stands for a tensor from outside."""
        if self.knows(outer) and inner not in self._producers:
            record = Record(_identity(), [outer], {"T": inner.dtype})
            record._outputs = [inner]
            self._producers[inner] = record

    def watch(self, tensor: Structure) -> None:
        """Treat tensors as variables of differentiation from now on.

        Args:
          tensor: a tensor, a variable, or nested structures of these.
        """
        from retrograd import nest

        for item in nest.flatten(tensor):
            source = watched_tensor(item)
            if not differentiable(source.dtype):
                _warn(
                    "The dtype of the watched tensor must be floating (e.g. tf.float32)"
                    f", got {source.dtype!r}"
                )
            if getattr(item, "_is_resource_variable", False):
                self._variables[id(item)] = item
            self._producers.setdefault(source, None)

    def watch_variable(self, variable: Any) -> None:
        """Watch a variable that the program has just read."""
        if self._watches_variables:
            self._variables[id(variable)] = variable
            self._producers.setdefault(variable.handle, None)

    def watched_variables(self) -> tuple[Any, ...]:
        """The variables watched so far, in the order they were made."""
        found = self._variables.values()
        return tuple(sorted(found, key=lambda v: getattr(v, "_age", 0)))

    @contextlib.contextmanager
    def stop_recording(self) -> Iterator[None]:
        """A context whose operations are not recorded.

        Raises:
          ValueError: the tape is not recording.
        """
        self._stop()
        try:
            yield
        finally:
            self._start()

    def reset(self) -> None:
        """Forget everything, as after leaving and entering a new tape."""
        recording = self._recording
        if recording:
            self._stop()
        self._used = False
        self._clear()
        if recording:
            self._start()

    # ------------------------------------------------------------------ gradients

    def gradient(
        self,
        target: Structure,
        sources: Structure,
        output_gradients: Structure = None,
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
    ) -> Any:
        """Derivatives of the sum of `target` with respect to each source.

        Args:
          target: a tensor or a nested structure.
          sources: tensors or variables, or a nested structure of these.
          output_gradients: the seed of each target, by default ones.
          unconnected_gradients: None or zeros for sources without influence.

        Returns:
          The structure of `sources`, of tensors, IndexedSlices or None.

        Raises:
          RuntimeError: a second call on a tape that is not persistent.
          LookupError: an operation on the way has no gradient.
        """
        from retrograd import nest

        if self._used:
            raise RuntimeError(
                "GradientTape.gradient can only be called once on non-persistent tapes."
            )
        if self._recording and not self._persistent:
            self._stop()
        flat_targets = nest.flatten(target)
        targets = [_target(t) for t in flat_targets]
        flat_sources = nest.flatten(sources)
        watched = [watched_tensor(s) for s in flat_sources]
        given = None if output_gradients is None else nest.flatten(output_gradients)
        zero = unconnected_kind(unconnected_gradients) is UnconnectedGradients.ZERO
        found = self._sweep(targets, watched, given)
        if zero:
            found = [
                _zeros(s) if d is None else d
                for s, d in zip(flat_sources, found, strict=True)
            ]
        if not self._persistent:
            self._used = True
            self._producers = {}
        return nest.pack_sequence_as(sources, found)

    def _sweep(
        self, targets: list[Any], sources: list[Any], given: Structure
    ) -> list[Any]:
        kept = [
            (t, None if given is None else given[i])
            for i, t in enumerate(targets)
            if self.knows(t)
        ]
        if not kept:
            return [None] * len(sources)
        ys = [t for t, _ in kept]
        seeds = [_seed(t, g) for t, g in kept]
        known = [s if self.knows(s) else None for s in sources]
        wanted = list(dict.fromkeys(s for s in known if s is not None))
        terms = sweep(ys, wanted, seeds, producer=self._producer, strict=False)
        by_source = dict(zip(wanted, terms, strict=True))
        return [None if s is None else by_source[s] for s in known]

    def jacobian(
        self,
        target: Structure,
        sources: Structure,
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """∂target[i…]/∂source[j…] for each source, shape target.shape + source.shape.

        The tape has to be persistent, or this its only use: rows are swept one by one.
        """
        from retrograd import nest
        from retrograd.ops.array.join import stack
        from retrograd.ops.array.shape import reshape

        del parallel_iterations, experimental_use_pfor
        persistent, self._persistent = self._persistent, True
        try:
            with self._paused(persistent):
                size = int(target.shape.num_elements() or 0)
                rows = [
                    nest.flatten(
                        self.gradient(
                            target,
                            sources,
                            _unit(target, i),
                            unconnected_gradients,
                        )
                    )
                    for i in range(size)
                ]
        finally:
            self._persistent = persistent
        if not persistent:
            self._used = True
        columns = [list(column) for column in zip(*rows, strict=True)]
        whole = [
            None
            if column[0] is None
            else reshape(
                stack([dense(d) for d in column]),
                [*target.shape.as_list(), *dense(column[0]).shape.as_list()],
            )
            for column in columns
        ]
        return nest.pack_sequence_as(sources, whole)

    def batch_jacobian(
        self,
        target: Structure,
        source: TensorLike,
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """∂target[i, j…]/∂source[i, k…] for each row i of both.

        Args:
          target: shape [b, y…]; row i depends on row i of `source` only.
          source: shape [b, x…].
          unconnected_gradients: whether a target that does not depend on the source is
            an error or gives zeros.
          parallel_iterations, experimental_use_pfor: accepted; without the second a
            tape has to be persistent where ops run at once.

        Returns:
          Shape [b, y…, x…].

        Raises:
          RuntimeError: the tape is not persistent, see above.
          ValueError: the shapes do not fit, or the size of a row is not known.
        """
        from retrograd.ops.array.join import concat
        from retrograd.ops.array.shape import reshape, shape

        del parallel_iterations
        rows = _row_shapes(target, source)
        if context.executing_eagerly() and not (
            experimental_use_pfor or self._persistent
        ):
            raise RuntimeError(
                "GradientTape must be created with persistent=True"
                " to compute the batch_jacobian with eager execution enabled and "
                " with experimental_use_pfor set to False."
            )
        persistent, self._persistent = self._persistent, True
        try:
            with self._paused(persistent):
                found = [
                    self.gradient(target, source, seed, unconnected_gradients)
                    for seed in _row_units(target, rows)
                ]
        finally:
            self._persistent = persistent
        if not persistent:
            self._used = True
        sizes = concat([shape(target), shape(source)[1:]], 0)
        if not found or found[0] is None:
            return F.Fill(sizes, _zero(target))
        return reshape(F.Pack([dense(d) for d in found], axis=1), sizes)

    @contextlib.contextmanager
    def _paused(self, persistent: bool) -> Iterator[None]:
        if self._recording and not persistent:
            self._stop()
        yield


def _identity() -> opdef.OpDef:
    found = opdef.lookup("Identity")
    assert found is not None
    return found


def _target(value: Any) -> Any:
    if getattr(value, "_is_resource_variable", False):
        return value.handle
    return convert_to_tensor(value)


def _seed(y: Tensor, given: TensorLike | None) -> Any:
    if given is not None:
        return convert_to_tensor(given, None if isinstance(given, Tensor) else y.dtype)
    return F.OnesLike(y)


def _zeros(source: Any) -> Any:
    if getattr(source, "_is_resource_variable", False):
        return F.ZerosLike(source.read_value())
    return F.ZerosLike(source)


def _unit(target: Convertible, index: int) -> Any:
    """Zeros in the shape of `target`, but for a one at a flat index."""
    import numpy as np

    from retrograd.ops.array.constant import constant

    sizes = target.shape.as_list()
    unit = np.zeros(int(np.prod(sizes)), target.dtype.as_numpy_dtype)
    unit[index] = 1
    return constant(unit.reshape(sizes))


def _row_shapes(target: Convertible, source: Any) -> list[int]:
    """The sizes of a row of `target`.

    Raises:
      ValueError: they are not known, or `source` has another number of rows.
    """
    dim = None if target.shape.rank is None else target.shape.dims[:1]
    if not (
        target.shape.with_rank_at_least(2)
        and source.shape.with_rank_at_least(2)
        and (not dim or dim[0].is_compatible_with(source.shape[0]))
    ):
        raise ValueError(
            f"Need first dimension of target shape ({target.shape}) and "
            f"source shape ({source.shape}) to match."
        )
    rows = None if target.shape.rank is None else target.shape.as_list()[1:]
    if rows is None or None in rows:
        raise ValueError(
            f"batch_jacobian: the size of a row of {target.shape} is not known."
        )
    return rows


def _row_units(target: Convertible, rows: list[int]) -> Iterator[Any]:
    """Tensors like `target`: one element of every row is one, the others zero."""
    import numpy as np

    from retrograd.ops.array.constant import constant

    zeros = F.ZerosLike(target)
    for index in np.ndindex(*rows):
        unit = np.zeros([1, *rows], target.dtype.as_numpy_dtype)
        unit[0, *index] = 1
        yield F.AddV2(zeros, constant(unit))


def _zero(target: Convertible) -> Any:
    from retrograd.ops.array.constant import constant

    return constant(0, target.dtype)


def _warn(text: str) -> None:
    import warnings

    warnings.warn(text, stacklevel=4)


__all__ = ["GradientTape", "differentiable", "watched_tensor"]
