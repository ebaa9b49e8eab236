"""Tensors in their messages, as TensorFlow's runtime reads them."""

from __future__ import annotations

import functools
import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.errors import InternalError, InvalidArgumentError
from retrograd.graph import opdef
from retrograd.graph.stored_tensor import StoredTensor
from retrograd.ops.array.tensor_protos import make_ndarray, strings_in

if TYPE_CHECKING:
    from retrograd.typing import Message


#: bytes up to which an array is made at once from fewer elements than it has
_SMALL = 1 << 20
#: bytes up to which nobody asks whether the machine has them
_MODEST = 1 << 28
#: the most axes that an array of NumPy has
_NUMPY_AXES = 64


def tensor_value(proto: Message, dtype: dtypes.DType | None = None) -> Any:
    """The value that a TensorProto holds: an array, or a StoredTensor.

    Args:
      proto: the message.
      dtype: what its dtype must be, where that is known.
    """
    sizes = tuple([d.size for d in proto.tensor_shape.dim])
    plain = _is_readable(proto, sizes) and len(sizes) <= _NUMPY_AXES
    if plain and (dtype is None or proto.dtype == dtype.as_datatype_enum):
        if proto.tensor_content or _nbytes(proto, sizes) <= _SMALL:
            return make_ndarray(proto)
    return StoredTensor(proto, sizes, functools.partial(_read, proto, sizes, dtype))


def _is_readable(proto: Message, sizes: tuple[int, ...]) -> bool:
    """Whether the message holds a tensor, and the bytes that it must have."""
    if (min(sizes, default=0) < 0) or shapes.why_invalid(sizes, False):
        return False
    kind = _dtype(proto)
    if kind is None:
        return False
    content = proto.tensor_content
    count = math.prod(sizes)
    if not content or not count:
        return True
    if kind is dtypes.string:
        return strings_in(content, count) is not None
    return len(content) == count * kind.size


def _dtype(proto: Message) -> dtypes.DType | None:
    """The dtype of a message, where arrays can have it."""
    try:
        kind = dtypes.as_dtype(proto.dtype)
    except TypeError:
        return None
    return None if kind._is_ref_dtype or not kind.is_numpy_compatible else kind


def _nbytes(proto: Message, sizes: tuple[int, ...]) -> int:
    kind = dtypes.as_dtype(proto.dtype)
    return math.prod(sizes) * np.dtype(kind.as_numpy_dtype).itemsize


def _read(
    proto: Message, sizes: tuple[int, ...], dtype: dtypes.DType | None
) -> np.ndarray:
    """The array of a message.

    Raises:
      InvalidArgumentError: the message cannot be read, or is of another dtype.
      InternalError: the array would have more axes than arrays can have.
    """
    fits = _is_readable(proto, sizes) and _fits(_nbytes(proto, sizes))
    if not fits:
        raise InvalidArgumentError(
            None, None, f"Cannot parse tensor from proto: {proto}"
        )
    if dtype is not None and proto.dtype != dtype.as_datatype_enum:
        found = opdef.type_word(dtypes.as_dtype(proto.dtype))
        raise InvalidArgumentError(
            None,
            None,
            f"Type mismatch between value ({found}) and dtype "
            f"({opdef.type_word(dtype)})",
        )
    if len(sizes) > _NUMPY_AXES:
        raise InternalError(None, None, "Could not allocate ndarray")
    return make_ndarray(proto)


def _fits(nbytes: int) -> bool:
    """Whether an array of so many bytes takes at most half of the machine's memory."""
    if nbytes <= _MODEST:
        return True
    return nbytes <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
