"""`tf.parse_example`, `tf.parse_single_example`: tensors out of Examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import expand_dims, squeeze
from retrograd.ops.array.slicing import slice_
from retrograd.ops.array.sparse_order import sparse_reorder
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.parsing.features import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    SparseFeature,
    VarLenFeature,
    Wanted,
    by_key,
    defaults_of,
    raw_shapes,
    wanted_of,
    with_steps,
)

if TYPE_CHECKING:
    from retrograd.typing import TensorLike

_KINDS = (VarLenFeature, FixedLenFeature, FixedLenSequenceFeature, SparseFeature)


def parse_example(
    serialized: TensorLike,
    features: Mapping[str, Any],
    name: str | None = None,
    example_names: TensorLike | None = None,
) -> dict[str, Any]:
    """The features of a batch of Examples, each a tensor whose rows are the records.

    Args:
      serialized: strings, 1-D: serialized Examples.
      features: what they hold, by key: `FixedLenFeature`, `VarLenFeature`,
        `FixedLenSequenceFeature` or `SparseFeature`.
      name: the name scope.
      example_names: strings that errors call the records by.

    Returns:
      A tensor or sparse tensor for each key.

    Raises:
      ValueError: a feature is incomplete, or there is none.
      InvalidArgumentError: (when run) a record does not hold what is asked for.

    Example:
      >>> import retrograd as tf
      >>> record = tf.train.Example()
      >>> record.features.feature["age"].int64_list.value.append(7)
      >>> with tf.Graph().as_default(), tf.Session() as session:
      ...     wanted = {"age": FixedLenFeature([], tf.int64)}
      ...     read = parse_example([record.SerializeToString()], wanted)
      ...     session.run(read)["age"].tolist()
      [7]
    """
    return parse_example_v2(serialized, features, example_names, name)


def parse_example_v2(
    serialized: TensorLike,
    features: Mapping[str, Any],
    example_names: TensorLike | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    """As `parse_example`, with the arguments in the order of version 2."""
    if not features:
        raise ValueError(f"Missing: features was {features}.")
    features = with_steps(features)
    wanted = wanted_of(features, _KINDS)
    found = _parsed(serialized, example_names, wanted, name)
    return _with_sparse_features(features, found)


def _parsed(
    serialized: TensorLike,
    names: TensorLike | None,
    wanted: Wanted,
    name: str | None,
) -> dict[str, Any]:
    with name_scope(name, "ParseExample", [serialized, names]):
        outputs = F.ParseExample(
            serialized,
            [] if names is None else names,
            wanted.sparse_keys,
            wanted.dense_keys,
            defaults_of(wanted),
            sparse_types=wanted.sparse_types,
            dense_shapes=raw_shapes(wanted),
            name=name,
        )
        return by_key(wanted, *outputs)


def parse_single_example(
    serialized: TensorLike,
    features: Mapping[str, Any],
    name: str | None = None,
    example_names: TensorLike | None = None,
) -> dict[str, Any]:
    """The features of one Example, each a tensor.

    Args:
      serialized: a string: a serialized Example.
      features: what it holds, by key; see `parse_example`.
      name: the name scope.
      example_names: a string that errors call the record by.

    Returns:
      A tensor or sparse tensor for each key.

    Raises:
      ValueError: a feature is incomplete, or there is none.
      InvalidArgumentError: (when run) the record does not hold what is asked for.
    """
    if not features:
        raise ValueError("Missing features.")
    if example_names is None:
        return parse_single_example_v2(serialized, features, name)
    features = with_steps(features)
    wanted = wanted_of(features, _KINDS)
    found = _parsed_as_batch(serialized, example_names, wanted, name)
    return _with_sparse_features(features, found)


def parse_single_example_v2_unoptimized(
    serialized: TensorLike,
    features: Mapping[str, Any],
    example_names: TensorLike | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    """As `parse_single_example`, with the arguments in the order of version 2."""
    return parse_single_example(serialized, features, name, example_names)


def parse_single_example_v2(
    serialized: TensorLike, features: Mapping[str, Any], name: str | None = None
) -> dict[str, Any]:
    """As `parse_single_example`, without names for records."""
    if not features:
        raise ValueError("Missing features.")
    features = with_steps(features)
    wanted = wanted_of(features, _KINDS)
    with name_scope(name, "ParseSingleExample", [serialized]):
        record = convert_to_tensor(serialized, name="serialized")
        outputs = F.ParseSingleExample(
            record,
            defaults_of(wanted),
            num_sparse=len(wanted.sparse_keys),
            sparse_keys=wanted.sparse_keys,
            sparse_types=wanted.sparse_types,
            dense_keys=wanted.dense_keys,
            dense_shapes=raw_shapes(wanted),
            name=name,
        )
        found = by_key(wanted, *outputs)
    return _with_sparse_features(features, found)


def _parsed_as_batch(
    serialized: TensorLike, names: TensorLike, wanted: Wanted, name: str | None
) -> dict[str, Any]:
    """One record, read as a batch of one."""
    with name_scope(name, "ParseSingleExample", [serialized, names]):
        records = expand_dims(convert_to_tensor(serialized), 0)
        labels = expand_dims(convert_to_tensor(names), 0)
        found = _parsed(records, labels, wanted, name)
        for key in wanted.dense_keys:
            short = key.replace(" ", "_")
            found[key] = squeeze(found[key], [0], name=f"Squeeze_{short}")
        for key in wanted.sparse_keys:
            short, sparse = key.replace(" ", "_"), found[key]
            indices = slice_(
                sparse.indices, [0, 1], [-1, -1], name=f"Slice_Indices_{short}"
            )
            shape = slice_(sparse.dense_shape, [1], [-1], name=f"Squeeze_Shape_{short}")
            found[key] = SparseTensor(indices, sparse.values, shape)
    return found


# ---------------------------------------------------------------------- sparse tensors


def _with_sparse_features(
    features: Mapping[str, Any], found: dict[str, Any]
) -> dict[str, Any]:
    """What was read, with the sparse tensors whose parts are features put together."""
    used = {k for k, f in features.items() if not isinstance(f, SparseFeature)}
    for key in sorted(features):
        feature = features[key]
        if isinstance(feature, SparseFeature):
            keys = feature.index_key
            several = not isinstance(keys, str)
            ids = [found[k] for k in (keys if several else [keys])]
            sizes = feature.size if several else [feature.size]
            values = found[feature.value_key]
            merged = _merged(ids, values, sizes, feature.already_sorted)
            found[key] = merged
    kept = used | {k for k, f in features.items() if isinstance(f, SparseFeature)}
    return {k: v for k, v in found.items() if k in kept}


def _merged(
    ids: Sequence[SparseTensor],
    values: SparseTensor,
    sizes: Sequence[TensorLike],
    already_sorted: bool,
) -> SparseTensor:
    """A sparse tensor with the values of one, at the places that others hold."""
    for size in sizes:
        if not isinstance(size, int) and not hasattr(size, "dtype"):
            raise TypeError(
                f"vocab_size has to be a Tensor or Python int. Found {type(size)}"
            )
    if len(ids) != len(sizes):
        raise ValueError("sp_ids and vocab_size have to have equal lengths.")
    with name_scope(None, "SparseMerge", [*ids, values]):
        columns = [expand_dims(cast(i.values, dtypes.int64), 1) for i in ids]
        ends = [cast(size, dtypes.int64) for size in sizes]
        rows = ids[0].indices[:, :-1]
        indices = concat([rows, *columns], 1)
        shape = concat([ids[0].dense_shape[:-1], ends], 0)
        merged = SparseTensor(indices, values.values, shape)
        if already_sorted:
            return merged
        ordered = sparse_reorder(merged)
        return SparseTensor(ordered.indices, ordered.values, shape)
