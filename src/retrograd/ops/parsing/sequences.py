"""`tf.parse_single_sequence_example` and the like: tensors out of SequenceExamples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd.graph.dispatch import name_scope
from retrograd.ops.declare import F
from retrograd.ops.parsing.features import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    VarLenFeature,
    Wanted,
    by_key,
    defaults_of,
    raw_shapes,
    wanted_of,
)

if TYPE_CHECKING:
    from retrograd.typing import TensorLike

Features = Mapping[str, Any] | None


def _wanted(context: Features, lists: Features) -> tuple[Wanted, Wanted, list[str]]:
    """What is asked of contexts and of lists, and the lists that may be missing."""
    if not (context or lists):
        raise ValueError("Missing features.")
    inner = wanted_of(context, (VarLenFeature, FixedLenFeature))
    outer = wanted_of(lists, (VarLenFeature, FixedLenSequenceFeature))
    for key, value in outer.dense_defaults.items():
        if value is not None:
            raise ValueError(f"Value feature_list_dense_defaults[{key}] must be None")
    return inner, outer, sorted(outer.dense_defaults)


def parse_single_sequence_example(
    serialized: TensorLike,
    context_features: Features = None,
    sequence_features: Features = None,
    example_name: TensorLike | None = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The features of one SequenceExample.

    Args:
      serialized: a string: a serialized SequenceExample.
      context_features: what its context holds, by key: `FixedLenFeature` or
        `VarLenFeature`.
      sequence_features: what its lists hold, by key: `FixedLenSequenceFeature` or
        `VarLenFeature`.
      example_name: a string that errors call the record by.
      name: the name scope.

    Returns:
      The tensors of the context and those of the lists, each by key; those of lists
      have an axis for the steps.

    Raises:
      ValueError: a feature is incomplete, or there is none.
      InvalidArgumentError: (when run) the record does not hold what is asked for.
    """
    inner, outer, optional = _wanted(context_features, sequence_features)
    with name_scope(name, "ParseSingleSequenceExample", [serialized]):
        outputs = F.ParseSingleSequenceExample(
            serialized,
            optional,
            inner.sparse_keys,
            inner.dense_keys,
            outer.sparse_keys,
            outer.dense_keys,
            defaults_of(inner),
            "" if example_name is None else example_name,
            context_sparse_types=inner.sparse_types,
            context_dense_shapes=raw_shapes(inner),
            feature_list_sparse_types=outer.sparse_types,
            feature_list_dense_types=outer.dense_types,
            feature_list_dense_shapes=raw_shapes(outer),
            name=name,
        )
    return by_key(inner, *outputs[:4]), by_key(outer, *outputs[4:])


def parse_sequence_example(
    serialized: TensorLike,
    context_features: Features = None,
    sequence_features: Features = None,
    example_names: TensorLike | None = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The features of a batch of SequenceExamples.

    Args:
      serialized: strings, 1-D: serialized SequenceExamples.
      context_features, sequence_features: see `parse_single_sequence_example`.
      example_names: strings that errors call the records by.
      name: the name scope.

    Returns:
      The tensors of the contexts, those of the lists, padded to the longest, and the
      lengths of the lists that are dense, each by key.

    Raises:
      ValueError: a feature is incomplete, or there is none.
      InvalidArgumentError: (when run) a record does not hold what is asked for.
    """
    inner, outer, optional = _wanted(context_features, sequence_features)
    with name_scope(name, "ParseSequenceExample", [serialized]):
        outputs = F.ParseSequenceExample(
            serialized,
            [] if example_names is None else example_names,
            defaults_of(inner, shaped=False),
            feature_list_dense_missing_assumed_empty=optional,
            context_sparse_keys=inner.sparse_keys,
            context_dense_keys=inner.dense_keys,
            feature_list_sparse_keys=outer.sparse_keys,
            feature_list_dense_keys=outer.dense_keys,
            Ncontext_sparse=len(inner.sparse_keys),
            Ncontext_dense=len(inner.dense_keys),
            Nfeature_list_sparse=len(outer.sparse_keys),
            Nfeature_list_dense=len(outer.dense_keys),
            context_sparse_types=inner.sparse_types,
            context_dense_shapes=raw_shapes(inner),
            feature_list_sparse_types=outer.sparse_types,
            feature_list_dense_types=outer.dense_types,
            feature_list_dense_shapes=raw_shapes(outer),
            name=name,
        )
    lengths = dict(zip(outer.dense_keys, outputs[8], strict=True))
    return by_key(inner, *outputs[:4]), by_key(outer, *outputs[4:8]), lengths
