"""Files read in a graph, held to TensorFlow 1.15."""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Iterator

import pytest

import retrograd as tf
from retrograd.graph import context
from retrograd.ops.declare import F

DATA = pathlib.Path(__file__).parent.parent / "data" / "files.json"
WANTED = json.loads(DATA.read_text())
COVERED = {
    "datasets": ("TFRecordDataset", "TextLineDataset", "FixedLengthRecordDataset"),
    "files": "ReadFile WriteFile MatchingFiles ShardedFilename ShardedFilespec".split(),
    "readers": (
        *"TextLineReaderV2 WholeFileReaderV2 TFRecordReaderV2 IdentityReaderV2".split(),
        *"FixedLengthRecordReaderV2 ReaderReadV2 ReaderNumRecordsProducedV2".split(),
        "ReaderNumWorkUnitsCompletedV2",
    ),
    "reader_states": (
        *"ReaderReadUpToV2 ReaderResetV2 ReaderSerializeStateV2".split(),
        "ReaderRestoreStateV2",
    ),
}


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The programs import each other as files of one folder."""
    monkeypatch.syspath_prepend(str(pathlib.Path(__file__).parent))
    yield
    for name in ("parsing_programs", "file_programs"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "name", [pytest.param(k, marks=pytest.mark.covers(*v)) for k, v in COVERED.items()]
)
def test_against_tensorflow(name: str) -> None:
    import file_programs  # pyright: ignore[reportMissingImports]

    assert sorted(COVERED) == sorted(file_programs.PROGRAMS)
    found = file_programs.PROGRAMS[name](tf)
    assert json.loads(json.dumps(found)) == WANTED[name]


@pytest.mark.covers(
    *"TextLineReader WholeFileReader TFRecordReader IdentityReader ReaderRead".split(),
    *"FixedLengthRecordReader ReaderReadUpTo ReaderNumRecordsProduced".split(),
    *"ReaderNumWorkUnitsCompleted ReaderReset ReaderSerializeState".split(),
    "ReaderRestoreState",
)
def test_older_readers(tmp_path: pathlib.Path) -> None:
    """Their handles, and those of their queues, are texts."""
    path = tmp_path / "a"
    with tf.python_io.TFRecordWriter(str(path)) as writer:
        writer.write(b"ab")
    kinds = {
        F.TextLineReader(): 1,
        F.WholeFileReader(): 1,
        F.TFRecordReader(): b"ab",
        F.IdentityReader(): str(path).encode(),
        F.FixedLengthRecordReader(record_bytes=4): b"\2\0\0\0",
    }
    with tf.Session(graph=next(iter(kinds)).graph) as session:
        queue = F.FIFOQueue(component_types=["string"], shapes=[[]], capacity=9)
        session.run(F.QueueEnqueueMany(queue, [[str(path)] * 6]))
        for reader, wanted in kinds.items():
            found = session.run(F.ReaderRead(reader, queue)).value
            assert wanted in (1, found)
        same = list(kinds)[3]
        state = session.run(F.ReaderSerializeState(same))
        assert len(session.run(F.ReaderReadUpTo(same, queue, 5)).keys) == 1
        count = F.ReaderNumRecordsProduced(same)
        assert session.run([count, F.ReaderNumWorkUnitsCompleted(same)]) == [2, 2]
        session.run(F.ReaderRestoreState(same, state))
        assert session.run(count) == 1
        session.run(F.ReaderReset(same))
        assert session.run(count) == 0


@pytest.mark.covers("FixedLengthRecordDatasetV2")
def test_pieces_of_compressed_files(tmp_path: pathlib.Path) -> None:
    import gzip

    path = tmp_path / "a"
    path.write_bytes(gzip.compress(b"Haabb"))
    with context.eager_mode():
        made = tf.compat.v2.data.FixedLengthRecordDataset(
            str(path), 2, 1, compression_type="GZIP"
        )
        assert [piece.numpy() for piece in made] == [b"aa", b"bb"]
        path.write_bytes(gzip.compress(b"one\ntwo\n\nlast"))
        lines = tf.compat.v2.data.TextLineDataset([str(path)], "GZIP")
        assert [line.numpy() for line in lines] == [b"one", b"two", b"", b"last"]
        with pytest.raises(RuntimeError, match="Readers are not supported when eager"):
            tf.TextLineReader()


def test_what_is_made_of_a_dataset_of_files_is_a_dataset() -> None:
    with tf.Graph().as_default():
        made = tf.data.TFRecordDataset("a")
        assert repr(made) == "<TFRecordDatasetV1 shapes: (), types: tf.string>"
        batched = repr(made.repeat(2).batch(3))
        assert batched == "<DatasetV1Adapter shapes: (?,), types: tf.string>"
