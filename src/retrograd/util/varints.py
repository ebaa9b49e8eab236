"""Numbers in as many bytes as they need, as protocol buffers and tables have them."""

from __future__ import annotations

_LONGEST_VARINT = 10


def varint(number: int) -> bytes:
    """A number that is not negative, seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """The number that begins at a place, and the place behind it.

    Raises:
      ValueError: the bytes end within it, or it has too many.
    """
    number = 0
    for i in range(_LONGEST_VARINT):
        if at + i >= len(data):
            break
        byte = data[at + i]
        number |= (byte & 127) << 7 * i
        if byte < 128:
            return number, at + i + 1
    raise ValueError("a number is cut off")
