"""Features made of several columns: `tf.sparse.cross`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor, is_sparse
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast

if TYPE_CHECKING:
    from retrograd.typing import CompositeLike

_KEY = 0xDECAFCAFFE


def sparse_cross(
    inputs: Sequence[CompositeLike], name: str | None = None
) -> SparseTensor:
    """For each row all combinations of a feature of each column, as strings.

    Args:
      inputs: columns: tensors or SparseTensors [batch, n] of strings or integers.
      name: the name of the operation.

    Returns:
      A SparseTensor of strings, such as b"red_X_small".

    Raises:
      TypeError: it is no list, or holds something else.
    """
    return _crossed(inputs, False, name=name)


def sparse_cross_hashed(
    inputs: Sequence[CompositeLike],
    num_buckets: int = 0,
    hash_key: int | None = None,
    name: str | None = None,
) -> SparseTensor:
    """For each row all combinations of a feature of each column, as numbers.

    Args:
      inputs: columns: tensors or SparseTensors [batch, n] of strings or integers.
      num_buckets: numbers are below it; 0 for all that are not negative.
      hash_key: what hashing begins with.
      name: the name of the operation.

    Returns:
      A SparseTensor of int64.

    Raises:
      TypeError: it is no list, or holds something else.
    """
    return _crossed(inputs, True, num_buckets, hash_key, name)


def _crossed(
    inputs: Sequence[CompositeLike],
    hashed: bool,
    buckets: int = 0,
    key: int | None = None,
    name: str | None = None,
) -> SparseTensor:
    if not isinstance(inputs, list):
        raise TypeError("Inputs must be a list")
    if not all(is_sparse(i) or isinstance(i, Tensor) for i in inputs):
        raise TypeError("All inputs must be SparseTensors")
    sparse = [SparseTensor.from_value(i) for i in inputs if is_sparse(i)]
    dense: list[Any] = [i for i in inputs if not is_sparse(i)]
    values = [_feature(one.values) for one in sparse]
    dense = [_feature(one) for one in dense]
    texts = all(one.dtype.base_dtype == dtypes.string for one in [*values, *dense])
    found = F.SparseCross(
        [one.indices for one in sparse],
        values,
        [one.dense_shape for one in sparse],
        dense,
        hashed_output=hashed,
        num_buckets=buckets,
        hash_key=key or _KEY,
        out_type=dtypes.int64 if hashed else dtypes.string,
        internal_type=dtypes.int64 if hashed and not texts else dtypes.string,
        name=name,
    )
    return SparseTensor(*found)


def _feature(value: Tensor) -> Tensor:
    """Strings, or numbers as int64."""
    if value.dtype.base_dtype == dtypes.string:
        return value
    return cast(value, dtypes.int64)
