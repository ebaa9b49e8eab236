"""Files of checkpoints: of TensorFlow 1.15 are read, and damaged ones refused."""

from __future__ import annotations

import base64
import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from retrograd import dtypes, errors
from retrograd.formats.checkpoint_reader import CheckpointReader
from retrograd.formats.table import TableReader, TableWriter, _unpacked
from retrograd.formats.tensor_bundle import BundleReader, BundleWriter
from retrograd.formats.tensor_slice import parse_shape_and_slice, slice_key

DATA = Path(__file__).parent.parent / "data" / "savers.json"
FILES = json.loads(DATA.read_text())["files"]
INDEX, SHARD = "m.index", "m.data-00000-of-00001"


def stored(folder: Path, kind: str = "v2", **changed: bytes) -> str:
    """Files of TensorFlow 1.15, some of them changed; their prefix."""
    for name, content in FILES[kind].items():
        (folder / name).write_bytes(base64.b64decode(content))
    for name, content in changed.items():
        (folder / {"index": INDEX, "data": SHARD, "m": "m"}[name]).write_bytes(content)
    return str(folder / "m")


def bytes_of(name: str, kind: str = "v2") -> bytes:
    return base64.b64decode(FILES[kind][name])


def flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 255
    return bytes(changed)


# ---------------------------------------------------------------------- readers


def test_reader_of_version_2(tmp_path: Path) -> None:
    reader = CheckpointReader(stored(tmp_path))
    shapes = {"p": [5, 2], "r": [2], "v": [2, 3], "w": [2]}
    assert reader.get_variable_to_shape_map() == shapes
    assert reader.get_variable_to_dtype_map()["w"] is dtypes.string
    assert reader.has_tensor("v")
    assert not reader.has_tensor("x")
    assert reader.get_tensor("w").tolist() == [b"a", b"bcd"]
    assert reader.get_tensor("p")[:, 0].tolist() == [1, 3, 5, 7, 9]
    assert reader.debug_string() == (
        b"\x00p\x00\x01\x01\x02\x80\x83\x80\x82 (DT_FLOAT) [3,2]\n"
        b"\x00p\x00\x01\x01\x02\x83\x82\x80\x82 (DT_FLOAT) [2,2]\n"
        b"r (DT_FLOAT) [2]\nv (DT_FLOAT) [2,3]\nw (DT_STRING) [2]\n"
    )
    with pytest.raises(errors.NotFoundError, match="Key x not found in checkpoint"):
        reader.get_tensor("x")


def test_reader_of_version_1(tmp_path: Path) -> None:
    reader = CheckpointReader(stored(tmp_path, "v1"))
    assert reader.get_variable_to_shape_map()["p"] == [5, 2]
    assert reader.get_tensor("v").tolist() == [[0, 1, 2], [3, 4, 5]]
    assert b"p (DT_FLOAT) [5,2], 2 slices\n" in reader.debug_string()
    with pytest.raises(errors.UnimplementedError, match="Sliced checkpoints are not"):
        reader.get_tensor("p")
    with pytest.raises(errors.NotFoundError, match="x not found in checkpoint file"):
        reader.get_tensor("x")


def refusal(prefix: str) -> str:
    """What reading all of a checkpoint is refused with, the class first."""
    try:
        reader = CheckpointReader(prefix)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except errors.OpError as error:
        return f"{type(error).__name__}: {error.message}"
    return ""


@pytest.mark.parametrize(
    ("index", "says"),
    ids=["empty", "text", "short", "footer", "header"],
    argvalues=[
        (b"", "DataLossError: file is too short to be an sstable"),
        (b"hello world " * 20, "DataLossError: not an sstable (bad magic number)"),
        (
            bytes_of(INDEX)[:-10],
            "DataLossError: not an sstable (bad magic number)",
        ),
        (flipped(bytes_of(INDEX), -45), "DataLossError: block checksum mismatch"),
        (
            flipped(bytes_of(INDEX), 10),
            "(failed to seek to header entry): block checksum mismatch",
        ),
    ],
)
def test_damaged_index(index: bytes, says: str, tmp_path: Path) -> None:
    assert says in refusal(stored(tmp_path, index=index))


@pytest.mark.parametrize(
    ("data", "says"),
    ids=["first", "last", "lengths", "short", "empty"],
    argvalues=[
        (
            flipped(bytes_of(SHARD), 0),
            "DataLossError: Checksum does not match: stored",
        ),
        (flipped(bytes_of(SHARD), -1), "DataLossError: Checksum does not match"),
        (
            flipped(bytes_of(SHARD), -8),
            "DataLossError: The length checksum does not match: expected",
        ),
        (bytes_of(SHARD)[:-1], "OutOfRangeError: Read less bytes than requested"),
        (b"", "OutOfRangeError: Read less bytes than requested"),
    ],
)
def test_damaged_data(data: bytes, says: str, tmp_path: Path) -> None:
    assert says in refusal(stored(tmp_path, data=data))


def test_other_files(tmp_path: Path) -> None:
    prefix = stored(tmp_path, "v1", m=b"hello world " * 20)
    assert refusal(prefix) == (
        f"DataLossError: Unable to open table file {prefix}: Data loss: not an sstable "
        "(bad magic number): perhaps your file is in a different file format and you "
        "need to use a different restore operator?"
    )
    assert refusal(str(tmp_path / "none")) == (
        "NotFoundError: Unsuccessful TensorSliceReader constructor: Failed to find any "
        f"matching files for {tmp_path}/none"
    )
    prefix = stored(tmp_path, "v1", m=flipped(bytes_of("m", "v1"), 10))
    assert "InternalError: Failed to find the saved tensor slices" in refusal(prefix)


def test_no_change_of_a_byte_is_fatal(tmp_path: Path) -> None:
    """Whatever byte is another: an error of TensorFlow's, or nothing."""
    for kind, name in (("v2", INDEX), ("v2", SHARD), ("v1", "m")):
        data = bytes_of(name, kind)
        prefix = stored(tmp_path, kind)
        for place in range(0, len(data), 3):
            (tmp_path / name).write_bytes(flipped(data, place))
            refusal(prefix)  # raises nothing else
        for end in range(0, len(data), 7):
            (tmp_path / name).write_bytes(data[:end])
            assert refusal(prefix)
        (tmp_path / name).unlink()
        if name != "m":
            assert refusal(prefix)


# ---------------------------------------------------------------------- tables


def test_table_of_many_blocks() -> None:
    pairs = [(b"key%06d" % i, b"v" * (i % 50)) for i in range(2000)]
    stream = io.BytesIO()
    writer = TableWriter(stream, block_size=1000)
    for key, value in pairs:
        writer.add(key, value)
    writer.finish()
    reader = TableReader(stream)
    assert list(reader.items()) == pairs
    assert reader.get(b"key001234") == b"v" * (1234 % 50)
    assert [reader.get(k) for k in (b"", b"key0012345", b"z")] == [None] * 3
    assert next(reader.items(b"key0019"))[0] == b"key001900"
    with pytest.raises(ValueError, match="not in order"):
        writer.add(b"a", b"")


def test_snappy() -> None:
    # "abcd" as it is, then twelve bytes copied from four before
    assert _unpacked(b"\x10\x0cabcd\x2e\x04\x00") == b"abcd" * 4
    for bad in (b"", b"\x10\x0cab", b"\x10\x0cabcd\x2e\x09\x00", b"\x01\x0cabcd"):
        with pytest.raises(errors.DataLossError, match="corrupted compressed block"):
            _unpacked(bad)


# ---------------------------------------------------------------------- bundles


@pytest.mark.parametrize(
    "name",
    "float32 float64 float16 bfloat16 int8 uint16 int64 bool complex64 qint8".split(),
)
def test_dtypes(name: str, tmp_path: Path) -> None:
    kind = dtypes.as_dtype(name)
    value = np.array([[0, 1], [2, 3]]).astype(kind.array_dtype)
    prefix = str(tmp_path / "m")
    with BundleWriter(prefix) as writer:
        writer.add("a", value, kind)
        writer.add("scalar", value[1, 1], kind)
        writer.add("empty", value[:0], kind)
        writer.add("turned", value.T, kind)
    with BundleReader(prefix) as reader:
        assert reader.lookup("a") == (kind, (2, 2))
        assert reader.get("a").dtype == kind.array_dtype
        np.testing.assert_array_equal(reader.get("a"), value)
        assert reader.get("scalar") == value[1, 1]
        assert reader.get("empty").shape == (0, 2)
        np.testing.assert_array_equal(reader.get("turned"), value.T)


def test_texts(tmp_path: Path) -> None:
    value = np.array([b"", b"\x00\xff", b"x" * 300], object)
    prefix = str(tmp_path / "m")
    with BundleWriter(prefix) as writer:
        writer.add("a", value, dtypes.string)
        writer.add("none", value[:0], dtypes.string)
    with BundleReader(prefix) as reader:
        assert reader.get("a").tolist() == value.tolist()
        assert reader.get("none").shape == (0,)


def test_an_entry_that_lies(tmp_path: Path) -> None:
    """Sizes that no bytes stand behind are refused before anything is allocated."""
    prefix = str(tmp_path / "m")
    with BundleWriter(prefix) as writer:
        writer.add("a", np.zeros(4, np.float32), dtypes.float32)
        writer._entries[b"a"].shape.dim[0].size = 1 << 50
        writer._entries[b"a"].size = 1 << 52
    with BundleReader(prefix) as reader:
        with pytest.raises(errors.OutOfRangeError, match="Read less bytes"):
            reader.get("a")
    with BundleWriter(prefix) as writer:
        writer.add("a", np.zeros(4, np.float32), dtypes.float32)
        writer._entries[b"a"].shape.dim[0].size = 5
    with BundleReader(prefix) as reader:
        with pytest.raises(errors.DataLossError, match="Invalid size in bundle entry"):
            reader.get("a")


def test_slices(tmp_path: Path) -> None:
    whole = np.arange(24.0).reshape(4, 6)
    prefix = str(tmp_path / "m")
    with BundleWriter(prefix) as writer:
        for spec in ("4 6 0,3:-", "4 6 3,1:0,2", "4 6 3,1:2,4"):
            shape, part, _ = parse_shape_and_slice(spec)
            rows, columns = (slice(s, None if n < 0 else s + n) for s, n in part)
            writer.add_slice("w", shape, part, whole[rows, columns], dtypes.float64)
        shape, part, _ = parse_shape_and_slice("4 6 0,4:-")
        writer.add_slice("full", shape, part, whole, dtypes.float64)
    with BundleReader(prefix) as reader:
        assert not reader.entry("full").slices
        np.testing.assert_array_equal(reader.get("w"), whole)
        for name in ("w", "full"):
            part = parse_shape_and_slice("4 6 2,2:1,3")[1]
            np.testing.assert_array_equal(reader.get_slice(name, part), whole[2:, 1:4])


def test_missing_slices(tmp_path: Path) -> None:
    prefix = str(tmp_path / "m")
    with BundleWriter(prefix) as writer:
        shape, part, _ = parse_shape_and_slice("4 0,3")
        writer.add_slice("w", shape, part, np.zeros(3), dtypes.float64)
    with BundleReader(prefix) as reader:
        with pytest.raises(errors.InvalidArgumentError, match="not have sufficient"):
            reader.get("w")
        assert reader.get_slice("w", ((1, 2),)).shape == (2,)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("4", "Need least two elements in shape_and_slice specification"),
        ("x 0,1", "Non numerical dimension in shape_and_slice: x"),
        ("4 0", "Expected a pair of numbers or '-' but got"),
        ("4 -1,2", "Expected non-negative start and positive length"),
        ("4 3,2", "Extent in dimension 0 out of bounds"),
        ("4 4 0,2", "Mismatching ranks"),
    ],
)
def test_wrong_slices(spec: str, says: str) -> None:
    outside = "Extent" in says or "ranks" in says
    kind = errors.InternalError if outside else errors.InvalidArgumentError
    with pytest.raises(kind, match=says):
        parse_shape_and_slice(spec)


def test_keys_of_slices() -> None:
    # as in files of TensorFlow 1.15; the numbers sort as bytes
    assert slice_key("p", ((3, 2), (0, -1))) == b"\x00p\x00\x01\x01\x02\x83\x82\x80\x7f"
    assert slice_key("a\0b", ()) == b"\x00a\x00\xffb\x00\x01\x00"
    numbers = [0, 63, 64, 8191, 8192, 1 << 40, (1 << 62) + 5]
    keys = [slice_key("p", ((n, 1),)) for n in numbers]
    assert keys == sorted(keys)
    assert keys[2][6:8] == struct.pack(">H", 0xC040)
