"""What a program says that records hold, and what the ops are told of it."""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd import dtypes, shapes
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.ops.array.shape import reshape

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape, Tensor
    from retrograd.typing import DTypeLike


class VarLenFeature(namedtuple("VarLenFeature", ["dtype"])):
    """A feature of any length, read as a sparse tensor.

    Attributes:
      dtype: the type of its elements.
    """

    __slots__ = ()


class FixedLenFeature(
    namedtuple("FixedLenFeature", ["shape", "dtype", "default_value"], defaults=(None,))
):
    """A feature of one shape, read as a tensor.

    Attributes:
      shape: its shape.
      dtype: the type of its elements.
      default_value: what stands for one that is missing; none may be without it.
    """

    __slots__ = ()


class FixedLenSequenceFeature(
    namedtuple(
        "FixedLenSequenceFeature",
        ["shape", "dtype", "allow_missing", "default_value"],
        defaults=(False, None),
    )
):
    """A feature that is any number of parts of one shape, padded to the longest.

    Attributes:
      shape: the shape of a part.
      dtype: the type of its elements.
      allow_missing: whether it may be missing.
      default_value: what it is padded with.
    """

    __slots__ = ()


class SparseFeature(
    namedtuple(
        "SparseFeature",
        ["index_key", "value_key", "dtype", "size", "already_sorted"],
        defaults=(False,),
    )
):
    """A sparse tensor whose indices and values are features.

    Attributes:
      index_key: the feature with the indices, or a list of some, one for each axis.
      value_key: the feature with the values.
      dtype: the type of the values.
      size: the size of the axis, or a list of sizes.
      already_sorted: whether the indices ascend.
    """

    __slots__ = ()


class Wanted(NamedTuple):
    """Features as the ops are told of them, by key in order."""

    sparse_keys: list[str]
    sparse_types: list[Any]
    dense_keys: list[str]
    dense_types: list[Any]
    dense_defaults: dict[str, Any]
    dense_shapes: list[Any]


def _add_sparse(wanted: Wanted, key: str, dtype: DTypeLike) -> None:
    if key in wanted.sparse_keys:
        at = wanted.sparse_keys.index(key)
        if wanted.sparse_types[at] != dtype:
            raise ValueError(
                f"Conflicting type {wanted.sparse_types[at]} vs {dtype} for feature "
                f"{key}."
            )
    else:
        wanted.sparse_keys.append(key)
        wanted.sparse_types.append(dtype)


def _add_var_len(wanted: Wanted, key: str, feature: VarLenFeature) -> None:
    if not feature.dtype:
        raise ValueError(f"Missing type for feature {key}.")
    _add_sparse(wanted, key, feature.dtype)


def _add_sparse_feature(wanted: Wanted, key: str, feature: SparseFeature) -> None:
    for field in ("index_key", "value_key"):
        if not getattr(feature, field):
            raise ValueError(f"Missing {field} for SparseFeature {feature}.")
    if not feature.dtype:
        raise ValueError(f"Missing type for feature {key}.")
    keys = feature.index_key
    for index_key in [keys] if isinstance(keys, str) else sorted(keys):
        _add_sparse(wanted, index_key, dtypes.int64)
    _add_sparse(wanted, feature.value_key, feature.dtype)


def _add_dense(
    wanted: Wanted, key: str, feature: FixedLenFeature | FixedLenSequenceFeature
) -> None:
    wanted.dense_keys.append(key)
    wanted.dense_shapes.append(shapes.as_shape(feature.shape))
    wanted.dense_types.append(feature.dtype)
    if feature.default_value is not None:
        wanted.dense_defaults[key] = feature.default_value


def _add_fixed(wanted: Wanted, key: str, feature: FixedLenFeature) -> None:
    if not feature.dtype:
        raise ValueError(f"Missing type for feature {key}.")
    if feature.shape is None:
        raise ValueError(f"Missing shape for feature {key}.")
    shape = shapes.as_shape(feature.shape)
    if feature.shape and shape.ndims and shape.as_list()[0] is None:
        raise ValueError(
            f"First dimension of shape for feature {key} unknown. Consider using "
            "FixedLenSequenceFeature."
        )
    if not shape.is_fully_defined():
        raise ValueError(
            f"All dimensions of shape for feature {key} need to be known but received "
            f"{feature.shape}."
        )
    _add_dense(wanted, key, feature)


def _add_sequence(wanted: Wanted, key: str, feature: FixedLenSequenceFeature) -> None:
    if not feature.dtype:
        raise ValueError(f"Missing type for feature {key}.")
    if feature.shape is None:
        raise ValueError(f"Missing shape for feature {key}.")
    _add_dense(wanted, key, feature)
    if feature.allow_missing:
        wanted.dense_defaults.setdefault(key, None)


_ADDERS: dict[Any, Callable[..., None]] = {
    VarLenFeature: _add_var_len,
    SparseFeature: _add_sparse_feature,
    FixedLenFeature: _add_fixed,
    FixedLenSequenceFeature: _add_sequence,
}


def wanted_of(features: Mapping[str, Any] | None, kinds: Sequence[type]) -> Wanted:
    """What features ask the ops for.

    Args:
      features: by key.
      kinds: the classes that they may be of.

    Raises:
      ValueError: one is of another class, or incomplete.
    """
    wanted = Wanted([], [], [], [], {}, [])
    for key in sorted(features or {}):
        feature: Any = (features or {})[key]
        kind = next((k for k in _ADDERS if isinstance(feature, k)), None)
        if kind is None:
            raise ValueError(f"Invalid feature {key}:{feature}.")
        if kind not in kinds:
            raise ValueError(f"Unsupported {kind.__name__} {feature}.")
        _ADDERS[kind](wanted, key, feature)
    return wanted


def with_steps(features: Mapping[str, Any]) -> dict[str, Any]:
    """Features with a size that varies for the parts of those that have any number.

    Raises:
      ValueError: one of them may not be missing.
    """
    found = dict(features)
    for key, feature in features.items():
        if isinstance(feature, FixedLenSequenceFeature):
            if not feature.allow_missing:
                raise ValueError(
                    "Unsupported: FixedLenSequenceFeature requires allow_missing to be "
                    "True."
                )
            found[key] = feature._replace(shape=_after_steps(feature.shape))
    return found


def _after_steps(shape: Any) -> list[Any]:
    if shape is None:
        raise TypeError("'NoneType' object is not iterable")
    return [None, *shape]


def defaults_of(wanted: Wanted, shaped: bool = True) -> list[Any]:
    """A tensor for each dense feature.

    It is what stands for a missing feature, and has no elements if nothing does; where
    the first size varies it is the element that is padded with.

    Args:
      wanted: the features.
      shaped: whether defaults are given the shapes of their features.
    """
    columns = zip(
        wanted.dense_keys, wanted.dense_types, wanted.dense_shapes, strict=True
    )
    return [_default(wanted, shaped, *column) for column in columns]


def _default(
    wanted: Wanted, shaped: bool, key: str, dtype: DTypeLike, shape: shapes.TensorShape
) -> Tensor:
    given = wanted.dense_defaults.get(key)
    varies = bool(shape.ndims) and shape.as_list()[0] is None
    if given is not None:
        name = "key_" + re.sub(r"[^A-Za-z0-9_.\-/]", "_", key)
        made = convert_to_tensor(given, dtype=dtype, name=name)
        if not shaped:
            return made
        sizes: Any = [] if varies else shape.as_list()
        return reshape(made, sizes)
    if varies:
        text = dtypes.as_dtype(dtype) == dtypes.string
        return convert_to_tensor("" if text else 0, dtype=dtype)
    return convert_to_tensor([], dtype=dtype)


def raw_shapes(wanted: Wanted) -> list[RawShape]:
    """The shapes of the dense features."""
    return [shapes.raw(shape) for shape in wanted.dense_shapes]


def by_key(
    wanted: Wanted,
    indices: Sequence[Tensor],
    values: Sequence[Tensor],
    dense_shapes: Sequence[Tensor],
    dense: Sequence[Tensor],
) -> dict[str, Any]:
    """The outputs of an op by the keys of the features."""
    sparse = map(SparseTensor, indices, values, dense_shapes)
    found: dict[str, Any] = dict(zip(wanted.sparse_keys, sparse, strict=True))
    found.update(zip(wanted.dense_keys, dense, strict=True))
    return found
