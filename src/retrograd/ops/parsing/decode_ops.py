"""The ops that decode strings, and encode tensors as strings."""

from __future__ import annotations

import binascii
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, errors
from retrograd.graph.hooks import hooks
from retrograd.graph.opdef import type_word
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.array.tensor_protos import make_ndarray
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.host.text import bytes_of, shape_of, text_of
from retrograd.ops.infer import invalid as wrong
from retrograd.ops.infer import same, scalar, unknown
from retrograd.ops.parsing.columns import invalid
from retrograd.ops.static import constant
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.dtypes import DType
    from retrograd.typing import Array, Arrays


def each(function: Callable[[bytes], bytes], strings: Array | bytes) -> np.ndarray:
    """An array with what a function makes of every string."""
    given = np.asarray(strings, object)
    made = np.empty(given.shape, object)
    flat = made.reshape(-1)
    for i, text in enumerate(given.ravel()):
        flat[i] = function(text)
    return made


# ---------------------------------------------------------------------- raw bytes


def _with_elements(n: Operation) -> RawShape:
    raw = n._inputs[0]._shape_raw
    return None if raw is None else (*raw, None)


def _viewed(whole: bytes, kind: np.dtype, little_endian: bool) -> np.ndarray:
    """Bytes as numbers; those that are in the other order are turned as a whole."""
    if little_endian:
        return np.frombuffer(bytearray(whole), kind)
    turned = np.frombuffer(whole, np.uint8).reshape(-1, kind.itemsize)[:, ::-1]
    return np.ascontiguousarray(turned).view(kind).ravel()


@op("DecodeRaw", infer=_with_elements, host=True, grad=NOT_DIFFERENTIABLE)
def decode_raw(
    xp: Arrays, strings: Array | bytes, *, out_type: DType, little_endian: bool
) -> np.ndarray:
    """The numbers whose bytes strings hold, along a new last axis."""
    del xp
    kind = np.dtype(dtypes.as_dtype(out_type).as_numpy_dtype)
    given = np.asarray(strings, object)
    flat = given.ravel()
    if not flat.size:
        return np.zeros((*given.shape, 0), kind)
    length = len(flat[0])
    for i, text in enumerate(flat):
        if len(text) != length:
            raise invalid(
                "DecodeRaw requires input strings to all be the same size, but element "
                f"{i} has size {length} != {len(text)}"
            )
    if length % kind.itemsize:
        raise invalid(
            f"Input to DecodeRaw has length {length} that is not a multiple of "
            f"{kind.itemsize}, the size of {type_word(dtypes.as_dtype(out_type))}"
        )
    made = _viewed(b"".join(flat), kind, little_endian)
    return made.reshape(*given.shape, length // kind.itemsize)


def _padded_shape(n: Operation) -> RawShape:
    raw, length = n._inputs[0]._shape_raw, constant(n._inputs[1])
    size = n.attrs["out_type"].size
    if length is not None and length % size:
        raise wrong(
            n, f"Dimension size must be evenly divisible by {size} but is {length}"
        )
    if raw is None:
        return None
    return (*raw, None if length is None else int(length) // size)


@op("DecodePaddedRaw", infer=_padded_shape, host=True, grad=NOT_DIFFERENTIABLE)
def decode_padded_raw(
    xp: Arrays,
    input_bytes: Array | bytes,
    fixed_length: Array,
    *,
    out_type: DType,
    little_endian: bool,
) -> np.ndarray:
    """The numbers in strings, each string cut or filled with zeros to one length."""
    del xp
    kind = np.dtype(dtypes.as_dtype(out_type).as_numpy_dtype)
    length = int(fixed_length)
    if length <= 0:
        raise invalid(f"fixed_length must be greater than 0 but was {length}")
    if length % kind.itemsize:
        raise invalid(
            f"fixed_length ({length}) must be a multiple of the size of out_type "
            f"({kind.itemsize})"
        )
    given = np.asarray(input_bytes, object)
    whole = b"".join(text[:length].ljust(length, b"\0") for text in given.ravel())
    made = _viewed(whole, kind, little_endian)
    return made.reshape(*given.shape, length // kind.itemsize)


# ---------------------------------------------------------------------- tensors


def tensor_message(array: Array) -> Any:
    """A TensorProto that holds numbers as a block of bytes, strings one by one."""
    array = np.asarray(array)
    kind = dtypes.as_dtype(array.dtype)
    proto = protos.message("tensor.TensorProto")(dtype=kind.as_datatype_enum)
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if kind == dtypes.string:
        proto.string_val.extend(array.ravel().tolist())
    else:
        proto.tensor_content = array.tobytes()
    return proto


@op("SerializeTensor", infer=scalar, host=True, grad=NOT_DIFFERENTIABLE)
def serialize_tensor(xp: Arrays, tensor: Array) -> bytes:
    """A tensor as the bytes of a TensorProto."""
    del xp
    return tensor_message(tensor).SerializeToString()


@op("ParseTensor", infer=unknown, host=True, grad=NOT_DIFFERENTIABLE)
def parse_tensor(
    xp: Arrays, serialized: Array | bytes, *, out_type: DType
) -> np.ndarray:
    """The tensor whose TensorProto a string is."""
    del xp
    if np.ndim(serialized):
        raise invalid(
            f"Expected `serialized` to be a scalar, got shape: {shape_of(serialized)}"
        )
    try:
        proto = protos.message("tensor.TensorProto").FromString(bytes_of(serialized))
    except Exception:
        raise invalid(
            f"Could not parse `serialized` as TensorProto: '{text_of(serialized)}'"
        ) from None
    try:
        array = make_ndarray(proto)
    except (TypeError, ValueError):
        raise invalid(f"Cannot parse tensor from proto: {proto}") from None
    held, kind = dtypes.as_dtype(proto.dtype), dtypes.as_dtype(out_type)
    if held != kind:
        raise invalid(
            f"Type mismatch between parsed tensor ({type_word(held)}) and dtype "
            f"({type_word(kind)})"
        )
    return array


# ---------------------------------------------------------------------- text


@op("EncodeBase64", infer=same, host=True, grad=NOT_DIFFERENTIABLE)
def encode_base64(xp: Arrays, strings: Array | bytes, *, pad: bool) -> np.ndarray:
    """Strings in base64, in the letters that web addresses may have."""
    del xp

    def encoded(text: bytes) -> bytes:
        made = binascii.b2a_base64(text, newline=False).translate(_TO_WEB)
        return made if pad else made.rstrip(b"=")

    return each(encoded, strings)


_TO_WEB = bytes.maketrans(b"+/", b"-_")
_FROM_WEB = bytes.maketrans(b"-_+/", b"+/!!")  # the other letters are no letters


@op("DecodeBase64", infer=same, host=True, grad=NOT_DIFFERENTIABLE)
def decode_base64(xp: Arrays, strings: Array | bytes) -> np.ndarray:
    """Strings of which others are the base64."""
    del xp

    def decoded(text: bytes) -> bytes:
        bare = text[:-2] + text[-2:].rstrip(b"=")
        if len(bare) % 4 == 1:
            raise invalid("Base64 string length cannot be 1 modulo 4.")
        letters = bare.translate(_FROM_WEB) + b"=" * (-len(bare) % 4)
        try:
            made = binascii.a2b_base64(letters, strict_mode=True)
        except binascii.Error:
            made = None
        if made is None:
            raise invalid("Invalid character found in base64.")
        return made

    return each(decoded, strings)


@op("DecodeCompressed", infer=same, host=True)
def decode_compressed(
    xp: Arrays, strings: Array | bytes, *, compression_type: str
) -> np.ndarray:
    """What strings are the compressed form of."""
    del xp
    if compression_type not in ("", "ZLIB", "GZIP"):
        raise invalid("Only ZLIB, GZIP or NONE are supported compressions")

    def opened(text: bytes) -> bytes:
        stream = hooks.decompressed(io.BytesIO(text), compression_type)
        return b"".join(iter(lambda: stream.read(1 << 20), b""))

    return each(opened, strings)


@op("DecodeJSONExample", infer=same, host=True)
def decode_json_example(xp: Arrays, json_examples: Array | bytes) -> np.ndarray:
    """Examples that are written as JSON, as bytes."""
    del xp
    from google.protobuf import json_format

    Example = hooks.record_message("Example")

    def read(text: bytes) -> bytes:
        try:
            example = json_format.Parse(text, Example())
        except json_format.ParseError as error:
            raise errors.InvalidArgumentError(
                None, None, f"Error while parsing JSON: {error}"
            ) from None
        return example.SerializeToString()

    return each(read, json_examples)
