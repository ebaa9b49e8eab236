"""Functions applied along the first axis: `tf.map_fn`, `tf.foldl`, `tf.scan`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest, shapes
from retrograd.graph import context, dispatch
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.ops.flow.loops import while_loop
from retrograd.ops.lists.tensor_array import TensorArray

if TYPE_CHECKING:
    from retrograd.typing import Structure, TensorLike


class _Form:
    """How leaves are arranged: as in a structure, or one by itself."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.nested = nest.is_sequence(structure)

    def flat(self, value: Structure) -> list[Any]:
        """The leaves of a value of this form."""
        return nest.flatten(value) if self.nested else [value]

    def packed(self, leaves: Iterable[Any]) -> Structure:
        """Leaves in this form."""
        if not self.nested:
            return next(iter(leaves))
        return nest.pack_sequence_as(self.structure, list(leaves))


class _Elements:
    """The tensors whose first axis a function goes along."""

    def __init__(self, elems: Structure, known_shape: bool = False) -> None:
        self.form = _Form(elems)
        self.tensors = [
            convert_to_tensor(e, name="elem") for e in self.form.flat(elems)
        ]
        self.count = _count(self.tensors[0])
        self.arrays = [self._array(t, known_shape) for t in self.tensors]

    def _array(self, tensor: Tensor, known_shape: bool) -> TensorArray:
        shape = tensor.shape[1:] if known_shape else None
        array = TensorArray(tensor.dtype, self.count, False, element_shape=shape)
        return array.unstack(tensor)

    def read(self, index: TensorLike) -> Structure:
        """The elements with an index."""
        return self.form.packed([a.read(index) for a in self.arrays])

    def set_count(self, results: list[Tensor]) -> None:
        """Make the number of elements, as far as it is known, that of the results."""
        known = None
        for tensor in self.tensors:
            raw = shapes.raw(tensor.shape.with_rank_at_least(1))
            known = shapes.merge_dim(known, None if raw is None else raw[0])
        for result in results:
            raw = result._shape_raw
            result.set_shape(None if raw is None else (known, *raw[1:]))


def _count(tensor: Tensor) -> Any:
    """The number of rows: a number if it is known, else a tensor."""
    raw = tensor._shape_raw
    if raw and raw[0]:
        return raw[0]
    shape = F.Shape(tensor)
    return F.StridedSlice(shape, [0], [1], [1], shrink_axis_mask=1)


def _check_callable(fn: object) -> None:
    if not callable(fn):
        raise TypeError("fn must be callable.")


def _tensors(structure: Structure) -> list[Tensor]:
    return [v for v in nest.flatten(structure) if isinstance(v, Tensor)]


def map_fn(
    fn: Callable[..., Any],
    elems: Structure,
    dtype: Structure = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
) -> Structure:
    """`fn` of each row of `elems`, stacked.

    Args:
      fn: takes a row, in the structure of `elems`.
      elems: a tensor, or a structure of tensors with equally many rows.
      dtype: the dtypes that `fn` makes, in their structure; by default as `elems`.
      parallel_iterations: accepted; rows are worked on in order.
      back_prop: whether gradients pass through.
      swap_memory: accepted.
      infer_shape: whether all results have the same shape.
      name: the name scope.

    Raises:
      TypeError: `fn` cannot be called, or `elems` is sparse.
      ValueError: `elems` has no rows to speak of.
    """
    _check_callable(fn)
    if isinstance(elems, SparseTensor):
        raise TypeError(
            "To perform a map on the values of a sparse tensor use either  "
            "SparseTensor(input.indices, fn(input.values), input.dense_shape) or  "
            "SparseTensor(input.indices, map_fn(fn, input.values), input.dense_shape)"
        )
    iterations = parallel_iterations or (1 if context.executing_eagerly() else 10)
    with dispatch.name_scope(name, "map", _tensors(elems)):
        flat = _Form(elems).flat(elems)
        first = convert_to_tensor(flat[0], name="elem")
        if first._shape_raw == ():
            raise ValueError(
                "elems must be a 1+ dimensional Tensor, not a scalar"
                if len(flat) == 1
                else "elements in elems must be 1+ dimensional Tensors, not scalars"
            )
        rows = _Elements(_Form(elems).packed([first, *flat[1:]]))
        wanted = dtype or rows.form.packed([t.dtype for t in rows.tensors])
        form = _Form(wanted)
        start = constant(0)
        results = [
            TensorArray(kind, rows.count, False, infer_shape=infer_shape)
            for kind in form.flat(wanted)
        ]

        def step(i: Tensor, arrays: Sequence[TensorArray]) -> tuple[Any, ...]:
            made = fn(rows.read(i))
            nest.assert_same_structure(dtype or elems, made)
            pairs = zip(arrays, form.flat(made), strict=True)
            return i + 1, [a.write(i, v) for a, v in pairs]

        _, final = while_loop(
            lambda i, _: i < rows.count,
            step,
            (start, results),
            parallel_iterations=iterations,
            back_prop=back_prop,
            swap_memory=swap_memory,
            maximum_iterations=rows.count,
        )
        stacked = [a.stack() for a in final]
        rows.set_count(stacked)
        return form.packed(stacked)


def foldl(
    fn: Callable[..., Any],
    elems: Structure,
    initializer: Structure = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Structure:
    """fn(… fn(fn(initializer, first row), second row) …).

    Args:
      fn: takes what has been accumulated and a row.
      elems: a tensor, or a structure of tensors with equally many rows.
      initializer: what to start with, by default the first row.
      parallel_iterations, back_prop, swap_memory, name: see `map_fn`.
    """
    _check_callable(fn)
    with dispatch.name_scope(name, "foldl", _tensors(elems)):
        rows = _Elements(elems)
        if initializer is None:
            start, total = constant(1), rows.read(0)
        else:
            start, total = constant(0), initializer
        _, result = while_loop(
            lambda i, a: i < rows.count,
            lambda i, a: [i + 1, fn(a, rows.read(i))],
            [start, total],
            parallel_iterations=parallel_iterations,
            back_prop=back_prop,
            swap_memory=swap_memory,
            maximum_iterations=rows.count,
        )
        return result


def foldr(
    fn: Callable[..., Any],
    elems: Structure,
    initializer: Structure = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Structure:
    """As `foldl`, from the last row to the first."""
    _check_callable(fn)
    with dispatch.name_scope(name, "foldr", _tensors(elems)):
        rows = _Elements(elems)
        if initializer is None:
            start = rows.count - 1
            total = rows.read(start)
        else:
            start, total = rows.count, initializer

        def step(i: Tensor, a: Structure) -> list[Any]:
            i -= 1
            return [i, fn(a, rows.read(i))]

        _, result = while_loop(
            lambda i, a: i > 0,
            step,
            [start, total],
            parallel_iterations=parallel_iterations,
            back_prop=back_prop,
            swap_memory=swap_memory,
            maximum_iterations=rows.count,
        )
        return result


def scan(
    fn: Callable[..., Any],
    elems: Structure,
    initializer: Structure = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Structure:
    """All that `foldl` accumulates on its way, stacked.

    Args:
      fn: takes what has been accumulated and a row.
      elems: a tensor, or a structure of tensors with equally many rows.
      initializer: what to start with, by default the first row.
      infer_shape: whether all results have the same shape.
      reverse: whether to go from the last row to the first.
      parallel_iterations, back_prop, swap_memory, name: see `map_fn`.
    """
    _check_callable(fn)
    form = _Form(elems if initializer is None else initializer)
    with dispatch.name_scope(name, "scan", _tensors(elems)):
        rows = _Elements(elems, known_shape=True)
        count = rows.count
        first = count - 1 if reverse else 0
        if initializer is None:
            totals = form.flat(rows.read(first))
        else:
            totals = [convert_to_tensor(t) for t in form.flat(initializer)]
        results = [
            TensorArray(
                t.dtype,
                count,
                False,
                element_shape=t.shape if infer_shape else None,
                infer_shape=infer_shape,
            )
            for t in totals
        ]
        done = 0
        if initializer is None:
            done = 1
            pairs = zip(results, totals, strict=True)
            results = [a.write(first, t) for a, t in pairs]

        def step(
            i: Tensor, flat: Sequence[Tensor], arrays: Sequence[TensorArray]
        ) -> tuple[Any, ...]:
            made = fn(form.packed(flat), rows.read(i))
            nest.assert_same_structure(form.structure, made)
            leaves = form.flat(made)
            pairs = zip(arrays, leaves, strict=True)
            written = [a.write(i, v) for a, v in pairs]
            return (i - 1 if reverse else i + 1), leaves, written

        _, _, final = while_loop(
            (lambda i, *_: i >= 0) if reverse else (lambda i, *_: i < count),
            step,
            (count - 1 - done if reverse else done, totals, results),
            parallel_iterations=parallel_iterations,
            back_prop=back_prop,
            swap_memory=swap_memory,
            maximum_iterations=count,
        )
        stacked = [a.stack() for a in final]
        rows.set_count(stacked)
        return form.packed(stacked)
