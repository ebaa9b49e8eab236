"""Contributions to a derivative: their sum, and the shape of what they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.errors import message
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import zeros, zeros_like
from retrograd.ops.declare import F, registry
from retrograd.ops.infer import broadcast
from retrograd.ops.state.variables import variable_shape

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape


def add_n(terms: list[Any]) -> Any:
    """The sum of the terms that reached one tensor.

    Sparse terms alone are concatenated; beside a dense one they are made dense.
    """
    if len(terms) == 1:
        return terms[0]
    if all(isinstance(t, IndexedSlices) for t in terms):
        return _concatenated(terms)
    return F.AddN([dense(t) for t in terms])


def dense(term: Any) -> Any:
    """A term as a tensor."""
    if isinstance(term, IndexedSlices):
        from retrograd.graph.convert import convert_to_tensor

        return convert_to_tensor(term)
    return term


def _concatenated(terms: list[IndexedSlices]) -> IndexedSlices:
    from retrograd.ops.array.constant import constant

    # in one int64 index space when the terms disagree about theirs
    mixed = len({t.indices.dtype for t in terms}) > 1
    indices = [
        F.Cast(t.indices, DstT=dtypes.int64)
        if mixed and t.indices.dtype != dtypes.int64
        else t.indices
        for t in terms
    ]
    zero = constant(0, dtypes.int32, name="axis")
    return IndexedSlices(
        F.ConcatV2([t.values for t in terms], zero),
        F.ConcatV2(indices, zero),
        terms[0].dense_shape,
    )


def zeros_for(tensor: Tensor, optimize: bool = False) -> Any:
    """Zeros in the shape and dtype of a tensor; of a handle, those of its variable.

    Args:
      tensor: the tensor.
      optimize: whether a constant may be made where the shape is known.
    """
    known = tensor._held if tensor.dtype is dtypes.resource else None
    if known is None or known.dtype is None:
        return zeros_like(tensor, optimize=optimize)
    return zeros(variable_shape(tensor), known.dtype)


def fit(term: Any, x: Tensor, op: Operation, strict: bool = True) -> Any:
    """A term in the shape of the input it belongs to.

    Where `op` broadcast the input, the term is summed over the dimensions it was
    repeated along.  Any other difference is an error of the rule.

    Args:
      strict: whether it is one of a rule of the program too. TensorFlow looks at
        shapes in graphs, not on tapes.

    Raises:
      ValueError: the shapes cannot agree.
    """
    declaration = registry.get(op.type)
    if (
        declaration is not None
        and declaration.infer is broadcast
        and "_gradient_op_type" not in op.attrs
    ):
        return _unbroadcast(dense(term), x)
    if isinstance(term, IndexedSlices) or x.dtype.name in ("resource", "variant"):
        return term  # the shape of a handle is not that of what it stands for
    if shapes.compatible(term._shape_raw, x._shape_raw):
        term._shape_raw = shapes.merge(term._shape_raw, x._shape_raw)
        return term
    own = op._gradient_function is not None or "_gradient_op_type" in op.attrs
    if own and not strict:
        return term
    raise ValueError(
        message(
            "Incompatible shapes between op input and calculated input gradient.  "
            f"Forward operation: {op.name}.  Input index: "
            f"{list(op.inputs).index(x)}. Original input shape: {x.shape}.  "
            f"Calculated input gradient shape: {term.shape}",
            at=f"{op.name}, made in {op.where}",
        )
    )


def _unbroadcast(term: Tensor, x: Tensor) -> Any:
    have, want = term._shape_raw, x._shape_raw
    if have is not None and have == want and None not in have:
        return term
    if have is not None and want is not None:
        axes = _summed_axes(have, want)
        if axes is not None:
            return _summed(term, want, axes)
    shape, whole = F.Shape(x), F.Shape(term)
    axes = F.BroadcastGradientArgs(shape, whole)[0]
    return _with_shape(F.Reshape(F.Sum(term, axes), shape), want)


def _with_shape(tensor: Tensor, raw: RawShape) -> Tensor:
    tensor._shape_raw = shapes.merge(tensor._shape_raw, raw)
    return tensor


def _summed_axes(have: Any, want: Any) -> list[int] | None:
    """Axes to sum over, None where it depends on sizes that are not known."""
    extra = len(have) - len(want)
    axes = list(range(extra))
    for i, size in enumerate(want):
        whole = have[extra + i]
        if size == 1 and whole == 1:
            continue
        if size == 1 and whole is not None:
            axes.append(extra + i)
        elif size is None or (size == 1 and whole is None):
            return None
    return axes


def _summed(term: Tensor, want: Any, axes: list[int]) -> Any:
    from retrograd.ops.array.constant import constant

    if not axes:
        return term
    extra = len(term._shape_raw or ()) - len(want)
    if all(a < extra for a in axes):
        return F.Sum(term, constant(axes, dtypes.int32, name="axes"))
    total = F.Sum(term, constant(axes, dtypes.int32, name="axes"))
    return F.Reshape(total, constant(list(want), dtypes.int32, name="shape"))
