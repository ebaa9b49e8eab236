"""Attributes put into types that are written in C, which refuse new ones."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

#: where CPython keeps a type's flags, in a build with one interpreter lock
_FLAGS_AT = 168
#: the flag of a type whose attributes cannot be set (Py_TPFLAGS_IMMUTABLETYPE)
_IMMUTABLE = 1 << 8


def put(cls: type, name: str, value: object) -> bool:
    """Set an attribute of a type, also of one that refuses it.

    Returns:
      False where this Python keeps types in another way; nothing is changed then.
    """
    with contextlib.suppress(TypeError):
        setattr(cls, name, value)
        return True
    with _opened(cls) as opened:
        if opened:
            setattr(cls, name, value)
    return opened


@contextlib.contextmanager
def _opened(cls: type) -> Iterator[bool]:
    """A context in which the attributes of a type can be set; whether they can."""
    flags = ctypes.c_ulong.from_address(id(cls) + _FLAGS_AT)
    known = cls.__flags__
    if flags.value != known or not known & _IMMUTABLE:
        yield False
        return
    flags.value = known & ~_IMMUTABLE
    try:
        yield True
    finally:
        flags.value |= _IMMUTABLE
