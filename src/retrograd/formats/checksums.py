"""The checksum of TensorFlow's record, checkpoint and event files: CRC-32C, masked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import google_crc32c

if TYPE_CHECKING:
    from numpy import ndarray

    Buffer = bytes | ndarray


def extended_crc(crc: int, data: Buffer) -> int:
    """The CRC-32C, not masked, of bytes that follow others whose CRC is `crc`."""
    return google_crc32c.extend(crc, data)


def masked(crc: int) -> int:
    """A CRC-32C as files hold it.

    A CRC over bytes that hold CRCs themselves is weak; so what is stored is turned by
    15 bits and has a constant added (the format of LevelDB's log files).
    """
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def unmasked(stored: int) -> int:
    """A CRC-32C, given as files hold it."""
    turned = (stored - 0xA282EAD8) & 0xFFFFFFFF
    return (turned >> 17 | turned << 15) & 0xFFFFFFFF


def masked_crc(data: bytes, start: int = 0) -> int:
    """The masked CRC-32C of bytes.

    Args:
      data: the bytes.
      start: the CRC, not masked, of what stands before them.

    Example:
      >>> hex(masked_crc(b"foo"))
      '0xfebe8a61'
    """
    return masked(google_crc32c.extend(start, data))
