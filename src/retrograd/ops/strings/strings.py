"""tf.strings' functions, and the older names of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.arguments import renamed
from retrograd.ops.array.fill import range_
from retrograd.ops.array.shape import rank
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import AxisLike, DTypeLike, TensorLike


# ---------------------------------------------------------------------- numbers


def as_string(
    input: TensorLike,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: str | None = None,
) -> Tensor:
    """Numbers as texts.

    Args:
      input: numbers or truth values.
      precision: digits behind the point, of floats; by default 6.
      scientific: whether floats are written with an exponent.
      shortest: whether floats are written with or without one, as is shorter.
      width: how long texts are at the least.
      fill: what is put before a text that is shorter; by default blanks.
      name: the name of the operation.

    Example:
      tf.strings.as_string([1.5, 2.25], precision=1) is ["1.5", "2.2"].
    """
    return F.AsString(
        input,
        precision=precision,
        scientific=scientific,
        shortest=shortest,
        width=width,
        fill=fill,
        name=name,
    )


def string_to_number(
    string_tensor: TensorLike | None = None,
    out_type: DTypeLike = dtypes.float32,
    name: str | None = None,
    input: TensorLike | None = None,
) -> Tensor:
    """The numbers that texts stand for.

    Args:
      string_tensor: texts.
      out_type: float32, float64, int32 or int64.
      name: the name of the operation.
      input: another name of `string_tensor`.

    Example:
      tf.strings.to_number(["1.5", "-2"]) is [1.5, -2].
    """
    text = renamed("input", input, "string_tensor", string_tensor)
    return F.StringToNumber(text, out_type=out_type, name=name)


def string_to_number_v2(
    input: TensorLike, out_type: DTypeLike = dtypes.float32, name: str | None = None
) -> Tensor:
    """As `string_to_number`."""
    return F.StringToNumber(input, out_type=out_type, name=name)


def string_to_hash_bucket(
    string_tensor: TensorLike | None = None,
    num_buckets: int | None = None,
    name: str | None = None,
    input: TensorLike | None = None,
) -> Tensor:
    """A number from 0 to `num_buckets` − 1 for each text, the same for equal texts.

    Args:
      string_tensor: texts.
      num_buckets: how many numbers.
      name: the name of the operation.
      input: another name of `string_tensor`.
    """
    text = renamed("input", input, "string_tensor", string_tensor)
    return F.StringToHashBucket(text, num_buckets=num_buckets, name=name)


def string_to_hash_bucket_v1(
    input: TensorLike, num_buckets: int, name: str | None = None
) -> Tensor:
    """As `string_to_hash_bucket`."""
    return F.StringToHashBucket(input, num_buckets=num_buckets, name=name)


def string_to_hash_bucket_fast(
    input: TensorLike, num_buckets: int, name: str | None = None
) -> Tensor:
    """As `string_to_hash_bucket`, by a hash that will never change."""
    return F.StringToHashBucketFast(input, num_buckets=num_buckets, name=name)


def string_to_hash_bucket_strong(
    input: TensorLike, num_buckets: int, key: Sequence[int], name: str | None = None
) -> Tensor:
    """As `string_to_hash_bucket`, by a hash that depends on a key of two numbers."""
    return F.StringToHashBucketStrong(
        input, num_buckets=num_buckets, key=key, name=name
    )


def fingerprint(
    data: TensorLike, method: TensorLike = "farmhash64", name: str | None = None
) -> Tensor:
    """8 bytes for each row, the same for equal rows.

    Args:
      data: of any type.
      method: "farmhash64".
      name: the name of the operation.
    """
    return F.Fingerprint(data, method, name=name)


# ---------------------------------------------------------------------- letters


def string_lower(
    input: TensorLike, encoding: str = "", name: str | None = None
) -> Tensor:
    """Texts in lower case: letters of ASCII, or with encoding "utf-8" all."""
    return F.StringLower(input, encoding=encoding, name=name)


def string_upper(
    input: TensorLike, encoding: str = "", name: str | None = None
) -> Tensor:
    """Texts in upper case: letters of ASCII, or with encoding "utf-8" all."""
    return F.StringUpper(input, encoding=encoding, name=name)


def string_strip(input: TensorLike, name: str | None = None) -> Tensor:
    """Texts without blanks before and after."""
    return F.StringStrip(input, name=name)


def string_length(
    input: TensorLike, name: str | None = None, unit: str = "BYTE"
) -> Tensor:
    """How long texts are: in bytes, or with unit "UTF8_CHAR" in characters."""
    return F.StringLength(input, unit=unit, name=name)


def string_length_v2(
    input: TensorLike, unit: str = "BYTE", name: str | None = None
) -> Tensor:
    """As `string_length`."""
    return F.StringLength(input, unit=unit, name=name)


def substr(
    input: TensorLike,
    pos: TensorLike,
    len: TensorLike,
    name: str | None = None,
    unit: str = "BYTE",
) -> Tensor:
    """The part of each text that begins at `pos` and is `len` long.

    Args:
      input: texts.
      pos: where parts begin, of negative numbers from the end; broadcast with `input`.
      len: how long they are, of the shape of `pos`.
      name: the name of the operation.
      unit: whether bytes are counted, or with "UTF8_CHAR" characters.
    """
    return F.Substr(input, pos, len, unit=unit, name=name)


def substr_v2(
    input: TensorLike,
    pos: TensorLike,
    len: TensorLike,
    unit: str = "BYTE",
    name: str | None = None,
) -> Tensor:
    """As `substr`."""
    return F.Substr(input, pos, len, unit=unit, name=name)


def substr_deprecated(
    input: TensorLike,
    pos: TensorLike,
    len: TensorLike,
    name: str | None = None,
    unit: str = "BYTE",
) -> Tensor:
    """As `substr`."""
    return substr(input, pos, len, name, unit)


# ---------------------------------------------------------------------- patterns


def _is_text(value: object) -> bool:
    return isinstance(value, str | bytes)


def regex_full_match(
    input: TensorLike, pattern: TensorLike, name: str | None = None
) -> Tensor:
    """Whether a regular expression matches all of each text."""
    if _is_text(pattern):
        return F.StaticRegexFullMatch(input, pattern=pattern, name=name)
    return F.RegexFullMatch(input, pattern, name=name)


def regex_replace(
    input: TensorLike,
    pattern: TensorLike,
    rewrite: TensorLike,
    replace_global: bool = True,
    name: str | None = None,
) -> Tensor:
    r"""Texts with what a regular expression matches replaced.

    Args:
      input: texts.
      pattern: the expression.
      rewrite: what is put there; \1 stands for what the first group matched.
      replace_global: whether all matches are replaced, or only the first.
      name: the name of the operation.
    """
    if _is_text(pattern) and _is_text(rewrite):
        return F.StaticRegexReplace(
            input,
            pattern=pattern,
            rewrite=rewrite,
            replace_global=replace_global,
            name=name,
        )
    return F.RegexReplace(
        input, pattern, rewrite, replace_global=replace_global, name=name
    )


# ---------------------------------------------------------------------- splitting


def _texts(source: TensorLike, name: str | None = None) -> Any:
    return convert_to_tensor(source, dtypes.string, name=name)


def _sparse(parts: Sequence[Tensor], result_type: str) -> SparseTensor:
    """The parts of texts as a sparse matrix.

    Raises:
      NotImplementedError: they are asked for as a ragged tensor.
      ValueError: they are asked for as something else.
    """
    if result_type == "SparseTensor":
        indices, values, shape = parts
        indices.set_shape([None, 2])
        values.set_shape([None])
        shape.set_shape([2])
        return SparseTensor(indices, values, shape)
    if result_type == "RaggedTensor":
        raise NotImplementedError("Ragged tensors are not provided.")
    raise ValueError("result_type must be 'RaggedTensor' or 'SparseTensor'.")


def string_split(
    source: TensorLike,
    sep: TensorLike | None = None,
    skip_empty: bool = True,
    delimiter: TensorLike | None = None,
    result_type: str = "SparseTensor",
    name: str | None = None,
) -> SparseTensor:
    """The parts of texts between delimiters.

    Args:
      source: a vector of texts.
      sep: a text, each byte of which is a delimiter; if empty, each byte of a text is
        a part. By default a blank.
      skip_empty: whether empty parts are left out.
      delimiter: another name of `sep`.
      result_type: "SparseTensor".
      name: the name of the operation.

    Example:
      tf.string_split(["hello world"]).values is ["hello", "world"].
    """
    between = renamed("sep", sep, "delimiter", delimiter)
    with name_scope(name, "StringSplit", [source]):
        texts = _texts(source)
        between = _texts(" " if between is None else between)
        found = F.StringSplit(texts, between, skip_empty=skip_empty)
        return _sparse(found, result_type)


def string_split_v1(
    input: TensorLike | None = None,
    sep: TensorLike | None = None,
    maxsplit: int = -1,
    result_type: str = "SparseTensor",
    source: TensorLike | None = None,
    name: str | None = None,
) -> SparseTensor:
    """The parts of texts, as Python's `split` makes them.

    Args:
      input: a vector of texts.
      sep: what is between them; by default any blanks.
      maxsplit: how often a text is split at the most; −1 for no limit.
      result_type: "SparseTensor".
      source: another name of `input`.
      name: the name of the operation.
    """
    given = renamed("input", input, "source", source)
    with name_scope(name, "StringSplit", [given]):
        texts = _texts(given, "input")
        between = _texts("" if sep is None else sep)
        found = F.StringSplitV2(texts, between, maxsplit=maxsplit)
        return _sparse(found, result_type)


# ---------------------------------------------------------------------- joining


def reduce_join(
    inputs: TensorLike,
    axis: AxisLike = None,
    keep_dims: bool | None = None,
    separator: str = "",
    name: str | None = None,
    reduction_indices: AxisLike = None,
    keepdims: bool | None = None,
) -> Tensor:
    """Texts joined along axes.

    Args:
      inputs: texts.
      axis: the axes, in the order in which texts are joined; by default all, the last
        one first.
      keep_dims: another name of `keepdims`.
      separator: what is put between them.
      name: the name of the operation.
      reduction_indices: another name of `axis`.
      keepdims: whether the axes stay, of size 1.

    Example:
      tf.strings.reduce_join([["a", "b"], ["c", "d"]], 0) is ["ac", "bd"].
    """
    kept = renamed("keepdims", keepdims, "keep_dims", keep_dims)
    axes = renamed("axis", axis, "reduction_indices", reduction_indices)
    return reduce_join_v2(inputs, axes, bool(kept), separator, name)


def reduce_join_v2(
    inputs: TensorLike,
    axis: AxisLike = None,
    keepdims: bool = False,
    separator: str = "",
    name: str | None = None,
) -> Tensor:
    """As `reduce_join`."""
    with name_scope(None, "ReduceJoin", [inputs, axis]):
        text = _texts(inputs)
        axes: Any = axis
        if axis is None and text._shape_raw is None:
            axes = range_(rank(text) - 1, -1, -1)
        elif axis is None:
            last = len(text._shape_raw) - 1
            axes = convert_to_tensor(list(range(last, -1, -1)), dtypes.int32)
        how = dict(keep_dims=keepdims, separator=separator, name=name)
        return F.ReduceJoin(text, axes, **how)


def unsorted_segment_join(
    inputs: TensorLike,
    segment_ids: TensorLike,
    num_segments: TensorLike,
    separator: str = "",
    name: str | None = None,
) -> Tensor:
    """The texts of each segment joined.

    Args:
      inputs: texts.
      segment_ids: to which segment each belongs; negative ones to none.
      num_segments: how many segments there are.
      separator: what is put between texts.
      name: the name of the operation.
    """
    return F.UnsortedSegmentJoin(
        inputs, segment_ids, num_segments, separator=separator, name=name
    )
