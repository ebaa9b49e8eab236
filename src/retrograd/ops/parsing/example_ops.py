"""The ops that read tensors from Examples: a batch of them, or one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import op
from retrograd.ops.host.text import bytes_of
from retrograd.ops.infer import with_rank
from retrograd.ops.parsing.columns import (
    DenseColumn,
    SparseColumn,
    names_of,
    parsed,
    put,
)

if TYPE_CHECKING:
    from retrograd import dtypes
    from retrograd.typing import Array, Arrays


def sparse_shapes(count: int, rank: int) -> list[RawShape]:
    """The static shapes of the indices, values and shapes of sparse tensors."""
    shapes: list[RawShape] = [(None, rank), (None,), (rank,)]
    return [shape for shape in shapes for _ in range(count)]


def _batch_shapes(n: Operation) -> list[RawShape]:
    (count,) = with_rank(n, 0, 1)
    with_rank(n, 1, 1)
    dense: list[RawShape] = [(count, *shape) for shape in n.attrs["dense_shapes"]]
    return sparse_shapes(n.attrs["Nsparse"], 2) + dense


def _columns(
    sparse_keys: Sequence[Array | bytes],
    sparse_types: Sequence[dtypes.DType],
    dense_keys: Sequence[Array | bytes],
    dense_types: Sequence[dtypes.DType],
    dense_shapes: Sequence[RawShape],
    defaults: Sequence[Array],
) -> tuple[list[SparseColumn], list[DenseColumn]]:
    sparse = map(SparseColumn, sparse_keys, sparse_types)
    dense = map(DenseColumn, dense_keys, dense_types, dense_shapes, defaults)
    return list(sparse), list(dense)


def _outputs(sparse: Sequence[Sequence[Any]], dense: Sequence[Any]) -> Any:
    parts: list[list[Any]] = [[], [], []]
    for tensors in sparse:
        put(parts, tensors)
    whole = (*parts[0], *parts[1], *parts[2], *dense)
    return whole[0] if len(whole) == 1 else whole


@op("ParseExample", infer=_batch_shapes, host=True)
def parse_example(
    xp: Arrays, serialized: Array, names: Array, *rest: Array, n: Operation
) -> Any:
    """The features of several Examples, each feature in a tensor of its own."""
    del xp
    attrs = n.attrs
    first, second = attrs["Nsparse"], attrs["Nsparse"] + attrs["Ndense"]
    sparse, dense = _columns(
        rest[:first],
        attrs["sparse_types"],
        rest[first:second],
        attrs["Tdense"],
        attrs["dense_shapes"],
        rest[second:],
    )
    Example = hooks.record_message("Example")
    name = names_of(names, len(serialized))
    for i, record in enumerate(np.asarray(serialized, object)):
        features = parsed(Example, record).features.feature
        for column in (*dense, *sparse):
            column.add(features, name(i), i)
    return _outputs([c.batch() for c in sparse], [c.batch() for c in dense])


def _single_shapes(n: Operation) -> list[RawShape]:
    with_rank(n, 0, 0)
    sparse = sparse_shapes(n.attrs["num_sparse"], 1)
    return sparse + list(n.attrs["dense_shapes"])


@op("ParseSingleExample", infer=_single_shapes, host=True)
def parse_single_example(
    xp: Arrays, serialized: Array | bytes, *defaults: Array, n: Operation
) -> Any:
    """The features of one Example, each feature in a tensor of its own."""
    del xp
    attrs = n.attrs
    sparse, dense = _columns(
        [key.encode() for key in attrs["sparse_keys"]],
        attrs["sparse_types"],
        [key.encode() for key in attrs["dense_keys"]],
        attrs["Tdense"],
        attrs["dense_shapes"],
        defaults,
    )
    example = parsed(hooks.record_message("Example"), bytes_of(serialized))
    for column in (*dense, *sparse):
        column.add(example.features.feature, None, 0)
    return _outputs([c.single() for c in sparse], [c.single() for c in dense])
