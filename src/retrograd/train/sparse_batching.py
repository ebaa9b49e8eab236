"""Sparse tensors on their way through queues: their numbers are what is queued."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import ones
from retrograd.ops.array.shape import expand_dims, shape, squeeze
from retrograd.ops.declare import F
from retrograd.ops.flow.cases import smart_cond
from retrograd.ops.flow.control import with_dependencies
from retrograd.ops.static import constant as known

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation


class Stored(NamedTuple):
    """What is known of a sparse tensor whose number is queued.

    Attributes:
      op: the operation that keeps it; None for a dense tensor.
      rank: how many axes an element has, if that is known.
      dtype: the type of its values.
    """

    op: Operation | None
    rank: int | None
    dtype: dtypes.DType


DENSE = Stored(None, None, dtypes.float32)


def stored(
    tensors: Sequence[Tensor | SparseTensor],
    enqueue_many: bool,
    kept: Tensor,
    before: Sequence[Stored] | None = None,
) -> tuple[list[Tensor], list[Stored]]:
    """Tensors with numbers in place of sparse ones, and what is known of these.

    Args:
      tensors: the tensors of an element.
      enqueue_many: whether their rows are the elements.
      kept: whether the element is queued at all.
      before: what is known of the same tensors of another thread: they are kept
        together.
    """
    found, facts = [], []
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, SparseTensor):
            found.append(tensor)
            facts.append(DENSE)
            continue
        rank = tensor.dense_shape.shape.with_rank(1).as_list()[0]
        if enqueue_many and rank is not None:
            rank -= 1
        name = ""
        if before is not None:
            maker = before[i].op
            name = "" if maker is None else maker.name
        made: list[Operation] = []
        numbers = _numbers(tensor, enqueue_many, kept, name, made)
        found.append(expand_dims(numbers, -1))
        facts.append(Stored(made[0], rank, tensor.dtype))
    return found, facts


def _numbers(
    sparse: SparseTensor,
    enqueue_many: bool,
    kept: Tensor,
    shared_name: str,
    made: list[Operation],
) -> Any:
    add = F.AddManySparseToTensorsMap if enqueue_many else F.AddSparseToTensorsMap

    def store() -> Any:
        parts = (sparse.indices, sparse.values, sparse.dense_shape)
        numbers = add(*parts, shared_name=shared_name)
        made.append(numbers.op)
        return numbers

    def leave() -> Any:
        if enqueue_many:
            count = shape(sparse, out_type=dtypes.int64)[0:1]
            return -1 * ones(count, dtype=dtypes.int64)
        return constant(-1, dtype=dtypes.int64)

    if kept.shape.ndims == 1 or known(kept) is not None:
        return store()
    return smart_cond(kept, store, leave)


def restored(batch: Any, facts: Sequence[Stored]) -> Any:
    """A batch with sparse tensors in place of their numbers."""
    if all(fact.op is None for fact in facts):
        return batch
    parts = [batch] if isinstance(batch, Tensor) else list(batch)
    found = [_taken(p, f) for p, f in zip(parts, facts, strict=True)]
    # all are taken, or none: what one thread takes no other can
    everything = [tensor for part in found for tensor in part]
    together = [[with_dependencies(everything, t) for t in part] for part in found]
    made = [SparseTensor(*p) if len(p) > 1 else p[0] for p in together]
    return made[0] if isinstance(batch, Tensor) else made


def _taken(part: Tensor, fact: Stored) -> tuple[Tensor, ...]:
    if fact.op is None:
        return (part,)
    numbers = squeeze(part, [1])
    shared = fact.op.get_attr("shared_name")
    taken = F.TakeManySparseFromTensorsMap(
        numbers,
        dtype=fact.dtype,
        shared_name=shared.decode() or fact.op.name,
    )
    if fact.rank is not None:
        taken.sparse_indices.set_shape([None, fact.rank + 1])
        taken.sparse_shape.set_shape([fact.rank + 1])
    return tuple(taken)
