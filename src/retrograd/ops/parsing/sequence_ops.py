"""The ops that read tensors from SequenceExamples: a batch of them, or one.

Such a record has features of its own, its context, and lists of features: one for each
step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import op
from retrograd.ops.host.text import bytes_of, text_of
from retrograd.ops.infer import with_rank
from retrograd.ops.parsing.columns import (
    Column,
    DenseColumn,
    SparseColumn,
    empty,
    invalid,
    names_of,
    padded,
    parsed,
    put,
    sparse,
    values_of,
)
from retrograd.ops.parsing.example_ops import sparse_shapes
from retrograd.shapes import text as shape_text

if TYPE_CHECKING:
    from retrograd.ops.parsing.columns import Features
    from retrograd.typing import Array, Arrays, Message


def _keys(n: Operation, name: str, count: int, inputs: list[Any]) -> list[Any]:
    """Keys, which are attributes of the newer op and inputs of the older."""
    if name in n.attrs:
        return [key.encode() for key in n.attrs[name]]
    return [inputs.pop(0) for _ in range(count)]


class _Job:
    """What an operation asks for.

    Args:
      n: the operation.
      inputs: its keys, if they are inputs, and the defaults of the context.
      optional: the lists that may be missing.
    """

    def __init__(self, n: Operation, inputs: list[Any], optional: list[Any]) -> None:
        attrs = n.attrs
        keys = [
            _keys(n, f"{part}_keys", attrs[f"N{part}"], inputs)
            for part in (
                "context_sparse",
                "context_dense",
                "feature_list_sparse",
                "feature_list_dense",
            )
        ]
        kinds = attrs["context_sparse_types"]
        self.sparse = [SparseColumn(k, t) for k, t in zip(keys[0], kinds, strict=True)]
        shapes = attrs["context_dense_shapes"]
        self.dense = [
            DenseColumn(*parts)
            for parts in zip(
                keys[1],
                attrs["Tcontext_dense"],
                shapes,
                inputs[: len(shapes)],
                strict=True,
            )
        ]
        kinds = attrs["feature_list_sparse_types"]
        self.sparse_lists = [Column(k, t) for k, t in zip(keys[2], kinds, strict=True)]
        kinds, shapes = (
            attrs["feature_list_dense_types"],
            attrs["feature_list_dense_shapes"],
        )
        nothing = np.zeros(0)
        self.dense_lists = [
            DenseColumn(k, t, s, nothing)
            for k, t, s in zip(keys[3], kinds, shapes, strict=True)
        ]
        self.optional = {text_of(key) for key in optional}


def _grouped(sparse_parts: Sequence[Sequence[Any]]) -> list[Any]:
    parts: list[list[Any]] = [[], [], []]
    for tensors in sparse_parts:
        put(parts, tensors)
    return parts[0] + parts[1] + parts[2]


def _whole(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else tuple(values)


# ---------------------------------------------------------------------- one record


def _single_shapes(n: Operation) -> list[RawShape]:
    with_rank(n, 0, 0)
    attrs = n.attrs
    lists = [(None, *shape) for shape in attrs["feature_list_dense_shapes"]]
    return [
        *sparse_shapes(attrs["Ncontext_sparse"], 1),
        *attrs["context_dense_shapes"],
        *sparse_shapes(attrs["Nfeature_list_sparse"], 2),
        *lists,
    ]


def _other_type(column: Column, feature: Message, what: str) -> Exception:
    return invalid(
        f"{what}.  Data types don't match. Expected type: {column.word}  Feature is: "
        f"{feature}"
    )


def _context(column: SparseColumn | DenseColumn, features: Features, name: str) -> None:
    """Take a feature of the context of the only record."""
    feature, prefix = column.feature(features), f"Name: {name}, "
    if feature is None:
        if isinstance(column, DenseColumn) and not column.default.size:
            raise invalid(
                f"{prefix}Context feature '{column.key}' is required but could not be "
                "found."
            )
    elif column.differs(feature):
        what = f"{prefix}Context feature: {column.key}"
        raise _other_type(column, feature, what)
    elif isinstance(column, DenseColumn):
        _check_count(column, feature, name, 0)
    column.add(features, None, 0)


def _check_count(column: DenseColumn, feature: Message, name: str, index: int) -> None:
    count = len(getattr(feature, column.field).value)
    if count != column.stride:
        # TensorFlow writes it in one way for strings, in another for numbers
        text = column.word == "string"
        key, values = ("Key", "Values") if text else ("Key:", "values")
        raise invalid(
            f"Name: {name}, {key} {column.key}, Index: {index}.  Number of "
            f"{column.elements} values != expected.  {values} size: {count} but output "
            f"shape: {shape_text(column.shape)}"
        )


def _sparse_list(column: Column, lists: Features, name: str) -> Any:
    """Indices, values and shape of a list whose steps have any length."""
    rows = []
    for i, feature in enumerate(
        lists[column.key].feature if column.key in lists else ()
    ):
        held = feature.WhichOneof("kind")
        if held and held != column.field:
            what = f"Name: {name}, Feature List: {column.key}, Index: {i}"
            raise _other_type(column, feature, what)
        rows.append(values_of(feature, column.field))
    return sparse(rows, column.dtype)


def _dense_list(
    column: DenseColumn, lists: Features, job: _Job, name: str
) -> np.ndarray:
    """A list whose steps have one shape."""
    if column.key not in lists and column.key not in job.optional:
        raise invalid(
            f"Name: {name}, Feature list '{column.key}' is required but could not be "
            "found.  Did you mean to include it in "
            "feature_list_dense_missing_assumed_empty or feature_list_dense_defaults?"
        )
    rows = [empty(0, column.dtype)]
    steps = lists[column.key].feature if column.key in lists else ()
    for i, feature in enumerate(steps):
        if feature.WhichOneof("kind") != column.field:
            what = f"Name: {name}, Feature list: {column.key}, Index: {i}"
            raise _other_type(column, feature, what)
        _check_count(column, feature, name, i)
        rows.append(values_of(feature, column.field))
    return np.concatenate(rows).reshape(len(steps), *column.inner)


@op("ParseSingleSequenceExample", infer=_single_shapes, host=True)
def parse_single_sequence_example(
    xp: Arrays,
    serialized: Array | bytes,
    feature_list_dense_missing_assumed_empty: Array,
    *rest: Array,
    n: Operation,
) -> Any:
    """The features and lists of one SequenceExample."""
    del xp
    inputs, name = list(rest[:-1]), text_of(rest[-1])
    optional = np.asarray(feature_list_dense_missing_assumed_empty, object)
    job = _Job(n, inputs, optional.tolist())
    record = parsed(hooks.record_message("SequenceExample"), bytes_of(serialized))
    for column in (*job.dense, *job.sparse):
        _context(column, record.context.feature, name)
    lists = record.feature_lists.feature_list
    sparse_lists = [_sparse_list(c, lists, name) for c in job.sparse_lists]
    dense_lists = [_dense_list(c, lists, job, name) for c in job.dense_lists]
    return _whole(
        [
            *_grouped([c.single() for c in job.sparse]),
            *[c.single() for c in job.dense],
            *_grouped(sparse_lists),
            *dense_lists,
        ]
    )


# ---------------------------------------------------------------------- a batch


def _batch_shapes(n: Operation) -> list[RawShape]:
    (count,) = with_rank(n, 0, 1)
    attrs = n.attrs
    lists = attrs["feature_list_dense_shapes"]
    return [
        *sparse_shapes(attrs["Ncontext_sparse"], 2),
        *[(count, *shape) for shape in attrs["context_dense_shapes"]],
        *sparse_shapes(attrs["Nfeature_list_sparse"], 3),
        *[(count, None, *shape) for shape in lists],
        *[(count,) for _ in lists],
    ]


def _steps_of(column: Column, lists: Features, name: str) -> list[np.ndarray]:
    """The steps of a list; none if it is not there.

    Raises:
      InvalidArgumentError: one is of another type.
    """
    if column.key not in lists:
        return []
    steps = lists[column.key].feature
    for feature in steps:
        held = feature.WhichOneof("kind")
        if held and held != column.field:
            raise invalid(f"Error in sequence feature {column.key} in example {name}")
    return [values_of(feature, column.field) for feature in steps]


def _batch_context(
    column: SparseColumn | DenseColumn, features: Features, name: str, index: int
) -> None:
    feature = column.feature(features)
    if feature is not None:
        if column.differs(feature):
            raise invalid(f"Error in context feature {column.key} in example {name}")
        if isinstance(column, DenseColumn):
            count = len(getattr(feature, column.field).value)
            if count != column.stride:
                raise invalid(
                    f"Inconsistent number of elements for feature {column.key}: "
                    f"{count} vs {column.stride}"
                )
    column.add(features, None, index)


def _sparse_lists(column: Column, records: Sequence[list[np.ndarray]]) -> Any:
    """Indices, values and shape of the lists of all records."""
    rows = [row for steps in records for row in steps]
    places, values, shape = sparse(rows, column.dtype)
    owner = np.repeat(np.arange(len(records)), [len(steps) for steps in records])
    step = np.array([i for steps in records for i in range(len(steps))], np.int64)
    numbers = places[:, 0]
    indices = np.stack([owner[numbers], step[numbers], places[:, 1]], -1)
    most = max(map(len, records), default=0)
    return indices, values, np.array([len(records), most, shape[1]])


def _dense_lists(
    column: DenseColumn, records: Sequence[list[np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """The lists of all records, padded, and their lengths."""
    rows = [np.concatenate([empty(0, column.dtype), *steps]) for steps in records]
    padding = np.zeros((), object) if column.word == "string" else np.zeros(())
    if column.word == "string":
        padding[()] = b""
    lengths = np.array([len(steps) for steps in records], np.int64)
    return padded(rows, column.inner, padding, column.dtype), lengths


def _required(
    column: DenseColumn, lists: Features, job: _Job, name: str
) -> list[np.ndarray]:
    """The steps of a list that must be there, each of one shape."""
    if column.key not in lists and column.key not in job.optional:
        raise invalid(f"Missing feature {column.key} in example {name}")
    steps = _steps_of(column, lists, name)
    if any(len(step) != column.stride for step in steps):
        raise invalid(
            f"Unexpected number of elements in feature {column.key}, example {name}"
        )
    return steps


@op("ParseSequenceExample", infer=_batch_shapes, host=True)
def parse_sequence_example(
    xp: Arrays, serialized: Array, debug_name: Array, *defaults: Array, n: Operation
) -> Any:
    """The features and lists of several SequenceExamples."""
    del xp
    optional = n.attrs["feature_list_dense_missing_assumed_empty"]
    job = _Job(n, list(defaults), [key.encode() for key in optional])
    SequenceExample = hooks.record_message("SequenceExample")
    name = names_of(debug_name, len(serialized))
    sparse_lists: list[list[Any]] = [[] for _ in job.sparse_lists]
    dense_lists: list[list[Any]] = [[] for _ in job.dense_lists]
    for i, text in enumerate(np.asarray(serialized, object)):
        try:
            record = SequenceExample.FromString(text)
        except Exception:
            raise invalid(
                f"Invalid protocol message input, example id: {name(i)}"
            ) from None
        for column in (*job.dense, *job.sparse):
            _batch_context(column, record.context.feature, name(i), i)
        lists = record.feature_lists.feature_list
        for column, held in zip(job.sparse_lists, sparse_lists, strict=True):
            held.append(_steps_of(column, lists, name(i)))
        for column, held in zip(job.dense_lists, dense_lists, strict=True):
            held.append(_required(column, lists, job, name(i)))
    pairs = [
        _dense_lists(c, h) for c, h in zip(job.dense_lists, dense_lists, strict=True)
    ]
    found = [
        _sparse_lists(c, h) for c, h in zip(job.sparse_lists, sparse_lists, strict=True)
    ]
    return _whole(
        [
            *_grouped([c.batch() for c in job.sparse]),
            *[c.batch() for c in job.dense],
            *_grouped(found),
            *[values for values, _ in pairs],
            *[lengths for _, lengths in pairs],
        ]
    )
