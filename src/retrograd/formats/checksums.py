"""The checksum of TensorFlow's record, checkpoint and event files: CRC-32C, masked."""

from __future__ import annotations

import google_crc32c


def masked_crc(data: bytes, start: int = 0) -> int:
    """The masked CRC-32C of bytes, as files hold it.

    A CRC over bytes that hold CRCs themselves is weak; so what is stored is turned by
    15 bits and has a constant added (the format of LevelDB's log files).

    Args:
      data: the bytes.
      start: the CRC, not masked, of what stands before them.

    Example:
      >>> hex(masked_crc(b"foo"))
      '0xfebe8a61'
    """
    crc = google_crc32c.extend(start, data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
