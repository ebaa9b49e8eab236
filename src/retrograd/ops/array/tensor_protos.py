"""The elements of an array in a TensorProto message, and those of a message."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from retrograd import dtypes

if TYPE_CHECKING:
    from retrograd.typing import Message


#: dtypes whose elements are written as one block of bytes
_BLOCKS = frozenset(
    "float32 float64 int32 uint8 int16 int8 int64 qint8 quint8 qint16 quint16 qint32 "
    "uint32 uint64".split()
)
#: the field that holds the elements of a dtype one by one
_FIELDS = {
    "float16": "half_val",
    "bfloat16": "half_val",
    "float32": "float_val",
    "float64": "double_val",
    "int64": "int64_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
    "complex64": "scomplex_val",
    "complex128": "dcomplex_val",
    "bool": "bool_val",
    "string": "string_val",
    **dict.fromkeys(
        "int32 uint8 uint16 int16 int8 qint8 quint8 qint16 quint16 qint32".split(),
        "int_val",
    ),
}


def write(proto: Message, array: np.ndarray, kind: dtypes.DType, count: int) -> None:
    """Put the elements of `array` into a message.

    Args:
      proto: a TensorProto.
      array: the elements.
      kind: their type.
      count: how many there are in the shape that the message says.

    Raises:
      ValueError: they are too many for a message.
      TypeError: messages have no elements of that type.
    """
    plain = array if array.dtype.names is None else array[array.dtype.names[0]]
    if array.size == count and count > 1 and kind.name in _BLOCKS:
        if plain.nbytes >= 1 << 31:
            raise ValueError(
                "Cannot create a tensor proto whose content is larger than 2GB."
            )
        proto.tensor_content = plain.tobytes()
        return
    field = _FIELDS.get(kind.name)
    if field is None:
        raise TypeError(f"Element type not supported in TensorProto: {kind.name}")
    flat = plain.ravel()
    if field == "half_val":
        flat = flat.view(np.uint16)
    elif flat.dtype.kind == "c":
        flat = flat.view(np.float32 if kind.name == "complex64" else np.float64)
    getattr(proto, field).extend(flat.tolist())


def count_of(tensor: Message) -> int | None:
    """How many elements a message lists one by one; None if it has bytes instead.

    Raises:
      TypeError: the message is of a type without elements.
    """
    name = dtypes.as_dtype(tensor.dtype).name
    if name not in _FIELDS:
        raise TypeError(f"Unsupported tensor type: {tensor.dtype}")
    if tensor.tensor_content:
        return None
    parts = 2 if name.startswith("complex") else 1
    return len(getattr(tensor, _FIELDS[name])) // parts


def make_ndarray(tensor: Message) -> np.ndarray:
    """The array that a TensorProto holds.

    Raises:
      TypeError: the message is of a type without elements.
      ValueError: it does not hold the bytes of its elements.
    """
    sizes = [d.size for d in tensor.tensor_shape.dim]
    count = math.prod(sizes)
    kind = dtypes.as_dtype(tensor.dtype)
    if kind.name not in _FIELDS:
        raise TypeError(f"Unsupported tensor type: {tensor.dtype}")
    dtype = np.dtype(kind.as_numpy_dtype)
    if not count:
        return np.zeros(sizes, dtype)
    if not tensor.tensor_content:
        return _repeated(_listed(tensor, kind.name, dtype), count).reshape(sizes)
    if dtype.kind != "O":
        return np.frombuffer(tensor.tensor_content, dtype).copy().reshape(sizes)
    strings = strings_in(tensor.tensor_content, count)
    if strings is None:
        raise ValueError(f"The content does not hold {count} strings.")
    return strings.reshape(sizes)


def _listed(tensor: Message, name: str, dtype: np.dtype) -> np.ndarray:
    """The elements that a message lists one by one, 1-D."""
    held = list(getattr(tensor, _FIELDS[name]))
    if dtype.kind == "O":
        values = np.empty(len(held), object)
        values[:] = held
        return values
    if _FIELDS[name] == "half_val":
        return np.array(held, np.uint16).view(dtype)
    if dtype.kind == "c":  # a part without the other is none
        part = np.float32 if name == "complex64" else np.float64
        return np.array(held[: len(held) // 2 * 2], part).view(dtype)
    if dtype.names is not None:
        return np.array(held, np.int64).astype(dtype[0].base).view(dtype)
    return np.array(held, np.uint64 if name == "uint64" else None).astype(dtype)


def _repeated(values: np.ndarray, count: int) -> np.ndarray:
    """`count` values: the last is repeated, or some are left out."""
    if len(values) >= count:
        return values[:count]
    whole = np.empty(count, values.dtype)
    whole[: len(values)] = values
    if len(values):
        whole[len(values) :] = values[-1]
    else:
        whole[:] = b"" if whole.dtype.kind == "O" else np.zeros((), whole.dtype)
    return whole


def strings_in(content: bytes, count: int) -> np.ndarray | None:
    """The strings that are written one after another, their lengths before them.

    A length is a number in groups of seven bits, the lowest first; the top bit says
    that another group follows. None where the bytes are none of `count` strings.
    """
    if count > len(content):
        return None
    lengths, place = [], 0
    for _ in range(count):
        length = shift = 0
        while True:
            if place == len(content) or shift > 28:
                return None
            byte = content[place]
            place += 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        lengths.append(length & 0xFFFFFFFF)
    if place + sum(lengths) != len(content):
        return None
    values = np.empty(count, object)
    for index, length in enumerate(lengths):
        values[index] = content[place : place + length]
        place += length
    return values
