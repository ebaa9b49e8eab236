"""Tables give what TensorFlow 1.15's give."""

from __future__ import annotations

from pathlib import Path

import pytest

import retrograd as tf
from tests.expressions import Expressions

FOUND = Expressions("tables")
_STATIC = (
    "t = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(['a', 'b'], "
)
_MUTABLE = (
    "m = tf.contrib.lookup.MutableHashTable(tf.string, tf.int64, -1, checkpoint=False)"
)
LINES = FOUND.marked(
    HashTable="h = tf.raw_ops.HashTable(",
    HashTableV2=_STATIC + "np",
    InitializeTable="h = tf.raw_ops.HashTable(",
    InitializeTableFromTextFile="h = tf.raw_ops.HashTable(key_dtype=tf.string, "
    "value_dtype=tf.int64)",
    InitializeTableFromTextFileV2="t = tf.contrib.lookup.index_table_from_file(words(",
    InitializeTableV2="h = tf.raw_ops.HashTableV2(",
    LookupTableExport="h = tf.raw_ops.MutableHashTable(",
    LookupTableExportV2="h = tf.raw_ops.HashTableV2(",
    LookupTableFind="h = tf.raw_ops.HashTable(",
    LookupTableFindV2=_STATIC + "np",
    LookupTableImport="h = tf.raw_ops.MutableHashTable(",
    LookupTableImportV2=_STATIC + "np",
    LookupTableInsert="h = tf.raw_ops.MutableHashTable(",
    LookupTableInsertV2=_MUTABLE + "; ready",
    LookupTableRemoveV2="m = tf.contrib.lookup.MutableHashTable(tf.int64",
    LookupTableSize="h = tf.raw_ops.HashTable(",
    LookupTableSizeV2=_STATIC + "[",
    MutableDenseHashTableV2="m = tf.contrib.lookup.MutableDenseHashTable(",
    MutableHashTable="h = tf.raw_ops.MutableHashTable(",
    MutableHashTableOfTensors="h = tf.raw_ops.MutableHashTableOfTensors(",
    MutableHashTableOfTensorsV2="m = tf.contrib.lookup.MutableHashTable(tf.int64",
    MutableHashTableV2=_MUTABLE + "; ready",
)
#: in eager mode TensorFlow takes tables for one that are filled from one file
EAGER = [x for x in FOUND.lines if x.startswith("t =") and "words(" not in x]


@pytest.mark.parametrize("line", LINES)
def test_in_a_graph(line: str) -> None:
    FOUND.check(line)


@pytest.mark.parametrize("line", EAGER)
def test_in_eager_mode(line: str) -> None:
    FOUND.check_eager(line)


def _tables() -> tuple[object, ...]:
    words = tf.contrib.lookup.MutableHashTable(tf.string, tf.int64, -1, name="mine")
    return words, tf.contrib.lookup.MutableDenseHashTable(tf.int64, tf.int64, -1, 0, -2)


def _wanted() -> tf.Tensor:
    return tf.constant([5, 6], tf.int64)


def test_savers_save_tables(tmp_path: Path) -> None:
    prefix = str(tmp_path / "model")
    with tf.Graph().as_default(), tf.Session() as session:
        words, numbers = _tables()
        one = words.insert(tf.constant(["a", "b"]), tf.constant([1, 2], tf.int64))
        five = tf.constant([5], tf.int64)
        session.run([one, numbers.insert(five, five)])
        tf.train.Saver().save(session, prefix)
    assert [name for name, _ in tf.train.list_variables(prefix)] == [
        "MutableDenseHashTable-keys",
        "MutableDenseHashTable-values",
        "mine-keys",
        "mine-values",
    ]
    with tf.Graph().as_default(), tf.Session() as session:
        words, numbers = _tables()
        tf.train.Saver().restore(session, prefix)
        found = words.lookup(tf.constant(["b", "c"])), numbers.lookup(_wanted())
        assert [x.tolist() for x in session.run(found)] == [[2, -1], [5, -1]]
