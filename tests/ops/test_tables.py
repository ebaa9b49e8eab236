"""Tables give what TensorFlow 1.15's give."""

from __future__ import annotations

import pytest

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
