"""Files of records, as TensorFlow 1.15 writes and reads them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

import retrograd as tf

# three records, written by TensorFlow 1.15.5: a, nothing, ccc
PLAIN = bytes.fromhex(
    "010000000000000001 75de41 61 786ee428"
    "0000000000000000 29039807 d8ea82a2"
    "0300000000000000 b099490e 636363 e5bf1d8e"
)
RECORDS = [b"a", b"", b"ccc"]


def written(path: Path, options: Any = None, records: list[bytes] = RECORDS) -> bytes:
    with tf.python_io.TFRecordWriter(str(path), options) as writer:
        for record in records:
            writer.write(record)
    return path.read_bytes()


def read(path: Path, options: Any = None) -> list[bytes]:
    return list(tf.python_io.tf_record_iterator(str(path), options))


def test_the_bytes_are_those_of_tensorflow(tmp_path: Path) -> None:
    assert written(tmp_path / "r") == PLAIN
    assert read(tmp_path / "r") == RECORDS


@pytest.mark.parametrize("kind", ["ZLIB", "GZIP"])
def test_compression(tmp_path: Path, kind: str) -> None:
    types = tf.python_io.TFRecordCompressionType
    path, long = tmp_path / "r", [b"abc" * 100_000, b"x"]
    for options in (
        kind,
        getattr(types, kind),
        tf.io.TFRecordOptions(kind, compression_level=9),
    ):
        assert len(written(path, options, long)) < 2000
        assert read(path, kind) == long
    # 1.15 compresses to the same bytes
    start = {"ZLIB": "789cd3616400834fffa2e726", "GZIP": "1f8b0800000000000003d361"}
    short = written(path, kind, [b"abc" * 100, b"x"])
    assert short[:12].hex() == start[kind]


@pytest.mark.parametrize("cut", range(len(PLAIN)))
def test_files_that_are_cut_off(tmp_path: Path, cut: int) -> None:
    """A cut in a header is the end, as in TensorFlow; one in a record an error."""
    path = tmp_path / "r"
    path.write_bytes(PLAIN[:cut])
    starts = [0, 17, 33]
    whole = sum(cut >= end for end in (17, 33, 52))
    if whole < 3 and cut - starts[whole] >= 12:
        with pytest.raises(tf.errors.DataLossError) as found:
            read(path)
        assert found.value.message == f"truncated record at {starts[whole]}"
    else:
        assert read(path) == RECORDS[:whole]


@pytest.mark.parametrize(
    ("at", "place"), [(0, 0), (8, 0), (12, 12), (14, 12), (18, 17), (50, 45)]
)
def test_files_with_a_wrong_byte(tmp_path: Path, at: int, place: int) -> None:
    path, broken = tmp_path / "r", bytearray(PLAIN)
    broken[at] ^= 1
    path.write_bytes(broken)
    with pytest.raises(tf.errors.DataLossError) as found:
        read(path)
    assert found.value.message == f"corrupted record at {place}"


def test_a_length_that_is_not_there_takes_no_memory(tmp_path: Path) -> None:
    import struct

    from retrograd.formats.checksums import masked_crc

    length = struct.pack("<Q", 1 << 62)
    path = tmp_path / "r"
    path.write_bytes(length + struct.pack("<I", masked_crc(length)) + b"few")
    with pytest.raises(tf.errors.DataLossError, match="truncated record at 0"):
        read(path)


def test_files_that_are_not_compressed_so(tmp_path: Path) -> None:
    path = tmp_path / "r"
    written(path)
    first = r"inflate\(\) failed with error -3: incorrect header check"
    for kind in ("ZLIB", "GZIP"):
        with pytest.raises(tf.errors.DataLossError, match=first):
            read(path, kind)
    written(path, "ZLIB")
    with pytest.raises(tf.errors.DataLossError, match="corrupted record at 0"):
        read(path)


def test_arguments(tmp_path: Path) -> None:
    records = tf.python_io
    with pytest.raises(ValueError, match='Not a valid compression_type: "junk"'):
        records.TFRecordOptions("junk")
    name = records.TFRecordOptions.get_compression_type_string
    assert [name(x) for x in (None, "ZLIB", 2, records.TFRecordOptions("GZIP"))] == [
        "",
        "ZLIB",
        "GZIP",
        "GZIP",
    ]
    with pytest.raises(tf.errors.NotFoundError) as found:
        records.TFRecordWriter("/not/there")
    assert found.value.message == "/not/there; No such file or directory"
    with pytest.raises(tf.errors.NotFoundError, match="No such file or directory"):
        read(Path("/not/there"))
    with pytest.raises(tf.errors.FailedPreconditionError, match="Is a directory"):
        read(tmp_path)


def test_a_writer_is_flushed_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "r"
    for kind in ("", "GZIP"):
        writer = tf.io.TFRecordWriter(str(path), kind)
        writer.write(b"q")
        writer.flush()
        assert path.stat().st_size >= 17
        wrong: Any = "text"
        with pytest.raises(TypeError, match="expected bytes, str found"):
            writer.write(wrong)
        writer.close()
        writer.close()
        assert read(path, kind) == [b"q"]
        for call in (functools.partial(writer.write, b"x"), writer.flush):
            with pytest.raises(tf.errors.FailedPreconditionError) as found:
                call()
            first = "Writer not initialized or previously closed"
            assert found.value.message == first
