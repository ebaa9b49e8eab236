"""Functions that decode strings, and encode tensors as strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, TensorLike


def decode_raw(
    input_bytes: TensorLike,
    out_type: DTypeLike,
    little_endian: bool = True,
    fixed_length: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """The numbers whose bytes strings hold, along a new last axis.

    Args:
      input_bytes: strings of one length, unless another is given.
      out_type: the type of the numbers.
      little_endian: whether their lowest byte comes first.
      fixed_length: the number of bytes that each string is cut, or filled with zeros,
        to.
      name: the name of the operation.
    """
    attrs: dict[str, Any] = {"little_endian": little_endian, "name": name}
    if fixed_length is not None:
        return F.DecodePaddedRaw(input_bytes, fixed_length, out_type=out_type, **attrs)
    return F.DecodeRaw(input_bytes, out_type=out_type, **attrs)


def decode_raw_v1(
    input_bytes: TensorLike | None = None,
    out_type: DTypeLike | None = None,
    little_endian: bool = True,
    name: str | None = None,
    bytes: TensorLike | None = None,
) -> Tensor:
    """The numbers whose bytes strings hold, along a new last axis.

    Args:
      input_bytes: strings of one length.
      out_type: the type of the numbers.
      little_endian: whether their lowest byte comes first.
      name: the name of the operation.
      bytes: the older name of `input_bytes`.

    Raises:
      ValueError: both names are used, or there is no type.
    """
    if bytes is not None:
        if input_bytes is not None:
            raise ValueError("Cannot specify both 'bytes' and 'input_bytes'")
        input_bytes = bytes
    if out_type is None:
        raise ValueError("decode_raw_v1() missing 1 positional argument: 'out_type'")
    given: Any = input_bytes
    return decode_raw(given, out_type, little_endian, name=name)


def decode_csv_v2(
    records: TensorLike,
    record_defaults: Sequence[TensorLike],
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: Sequence[int] | None = None,
    name: str | None = None,
) -> list[Any]:
    """The columns of lines of CSV, each a tensor of the shape of `records`.

    Args:
      records: strings, each a line.
      record_defaults: for each column a tensor of its type, with what stands for an
        empty field; without elements if none may be empty.
      field_delim: what stands between fields.
      use_quote_delim: whether fields may stand between quotes.
      na_value: what stands for an empty field besides nothing.
      select_cols: the numbers of the columns to read, ascending; all by default.
      name: the name of the operation.

    Raises:
      ValueError: the numbers of columns do not ascend, or are not as many as the
        defaults.
    """
    chosen = list(select_cols) if select_cols is not None else []
    if chosen != sorted(set(chosen)):
        raise ValueError("select_cols is not strictly increasing.")
    if chosen and chosen[0] < 0:
        raise ValueError("select_cols contains negative values.")
    if select_cols is not None and len(chosen) != len(record_defaults):
        raise ValueError("Length of select_cols and record_defaults do not match.")
    return F.DecodeCSV(
        records,
        record_defaults,
        field_delim=field_delim,
        use_quote_delim=use_quote_delim,
        na_value=na_value,
        select_cols=chosen,
        name=name,
    )


def decode_csv(
    records: TensorLike,
    record_defaults: Sequence[TensorLike],
    field_delim: str = ",",
    use_quote_delim: bool = True,
    name: str | None = None,
    na_value: str = "",
    select_cols: Sequence[int] | None = None,
) -> list[Any]:
    """As `decode_csv_v2`, with the arguments in the order of version 1."""
    return decode_csv_v2(
        records,
        record_defaults,
        field_delim,
        use_quote_delim,
        na_value,
        select_cols,
        name,
    )


def serialize_tensor(tensor: TensorLike, name: str | None = None) -> Tensor:
    """A tensor as a string: the bytes of a TensorProto."""
    return F.SerializeTensor(tensor, name=name)


def parse_tensor(
    serialized: TensorLike, out_type: DTypeLike, name: str | None = None
) -> Tensor:
    """The tensor whose TensorProto a string is.

    Args:
      serialized: what `serialize_tensor` gives.
      out_type: its type.
      name: the name of the operation.
    """
    return F.ParseTensor(serialized, out_type=out_type, name=name)


def encode_base64(
    input: TensorLike, pad: bool = False, name: str | None = None
) -> Tensor:
    """Strings in base64, in the letters that web addresses may have.

    Args:
      input: the strings.
      pad: whether they end in `=` so that their length is a multiple of 4.
      name: the name of the operation.
    """
    return F.EncodeBase64(input, pad=pad, name=name)


def decode_base64(input: TensorLike, name: str | None = None) -> Tensor:
    """The strings of which others are the base64, in the letters of web addresses."""
    return F.DecodeBase64(input, name=name)


def decode_compressed(
    bytes: TensorLike, compression_type: str = "", name: str | None = None
) -> Tensor:
    """What strings are the compressed form of.

    Args:
      bytes: the strings.
      compression_type: "", "ZLIB" or "GZIP".
      name: the name of the operation.
    """
    return F.DecodeCompressed(bytes, compression_type=compression_type, name=name)


def decode_json_example(json_examples: TensorLike, name: str | None = None) -> Tensor:
    """Examples that are written as JSON, as the strings that `parse_example` takes."""
    return F.DecodeJSONExample(json_examples, name=name)
