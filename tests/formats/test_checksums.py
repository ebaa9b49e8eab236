"""The checksum of records is TensorFlow's."""

from __future__ import annotations

import google_crc32c

from retrograd.formats.checksums import masked_crc


def test_masked_crc_of_what_tensorflow_wrote() -> None:
    """1.15 wrote this number behind the record `foo`."""
    assert masked_crc(b"foo") == 0xFEBE8A61
    assert masked_crc(b"oo", google_crc32c.value(b"f")) == 0xFEBE8A61
    assert masked_crc(b"fo") != 0xFEBE8A61
