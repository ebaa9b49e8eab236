"""Tables that number what is in a vocabulary, and what is not in buckets."""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.array.fill import range_
from retrograd.ops.array.shape import size
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.strings.strings import as_string
from retrograd.ops.tables.initializers import (
    KeyValueTensorInitializer,
    TableInitializerBase,
    TextFileIdTableInitializer,
    TextFileIndex,
    TextFileStringTableInitializer,
    named_file,
)
from retrograd.ops.tables.lookup import (
    InitializableLookupTableBase,
    LookupInterface,
    StaticHashTable,
    StaticHashTableV1,
)

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import CompositeLike, DTypeLike, TensorLike

#: which hash puts what is not in a vocabulary into a bucket
HasherSpec = collections.namedtuple("HasherSpec", ["hasher", "key"])
FastHashSpec = HasherSpec("fasthash", None)

_NO_FILE = "vocabulary_file must be specified and must not be empty."


class StrongHashSpec(HasherSpec):
    """A hash that depends on a key.

    Args:
      key: two numbers.

    Raises:
      ValueError: not two.
      TypeError: no numbers.
    """

    __slots__ = ()

    def __new__(cls, key: Sequence[int]) -> StrongHashSpec:
        if len(key) != 2:
            raise ValueError(f"key must have size 2, got {len(key)}.")
        if not all(isinstance(k, int | np.integer) for k in key):
            raise TypeError(f"Invalid key {key}. Must be unsigned integer values.")
        return super().__new__(cls, "stronghash", key)


class IdTableWithHashBuckets(LookupInterface):
    """A table in which keys that are not there have a value by their hash.

    Args:
      table: a table from keys to int64; None for none.
      num_oov_buckets: how many more values there are.
      hasher_spec: by which hash.
      name: the name of operations.
      key_dtype: the type of keys, by default that of the table.

    Raises:
      TypeError: types or a hash that are not provided for.
      ValueError: neither a table nor buckets.
    """

    def __init__(
        self,
        table: LookupInterface | None,
        num_oov_buckets: int,
        hasher_spec: HasherSpec = FastHashSpec,
        name: str | None = None,
        key_dtype: DTypeLike | None = None,
    ) -> None:
        if name is not None:
            name = name.rstrip("/")
        if table is not None:
            kind = table.key_dtype if key_dtype is None else dtypes.as_dtype(key_dtype)
            if not table.key_dtype.is_integer and table.key_dtype != dtypes.string:
                raise TypeError("Invalid key dtype, expected one of integer or string")
            if table.key_dtype.is_integer != kind.is_integer:
                raise TypeError(
                    f"Invalid key dtype, expected "
                    f"{'integer' if kind.is_integer else dtypes.string} but got "
                    f"{table.key_dtype}."
                )
            name = name or table.name
        else:
            if num_oov_buckets <= 0:
                raise ValueError("oov_buckets must be > 0 if no table is supplied")
            kind = dtypes.string if key_dtype is None else dtypes.as_dtype(key_dtype)
            name = name or "hash_bucket"
        if not kind.is_integer and kind != dtypes.string:
            raise TypeError(
                f"Invalid key_dtype, expected integer or string, got {kind}."
            )
        self._table, self._num_oov_buckets = table, num_oov_buckets
        if not isinstance(hasher_spec, HasherSpec):
            raise TypeError(
                f"hasher_spec must be of type HasherSpec, got {hasher_spec}"
            )
        self._hasher_spec, self._table_name = hasher_spec, name
        super().__init__(kind, dtypes.int64)

    @property
    def initializer(self) -> Any:
        """The operation that fills the table."""
        if self._table is None:
            return F.NoOp()
        return _filled(self._table).initializer

    @property
    def init(self) -> Any:
        """The operation that fills the table."""
        return self.initializer

    @property
    def resource_handle(self) -> Tensor | None:
        """The tensor that stands for the table."""
        return None if self._table is None else _filled(self._table).resource_handle

    @property
    def table_ref(self) -> Tensor | None:
        """The tensor that stands for the table."""
        return self.resource_handle

    @property
    def name(self) -> str | None:
        """The name of the table."""
        return self._table_name

    def size(self, name: str | None = None) -> Tensor:
        """How many values there are: those of the table, and the buckets."""
        with name_scope(name, f"{self.name}_Size"):
            if self._table is None:
                return convert_to_tensor(self._num_oov_buckets, dtypes.int64)
            return self._table.size() + self._num_oov_buckets

    def _hashed(self, keys: Tensor) -> Tensor:
        spec = self._hasher_spec
        how: dict[str, Any] = dict(
            num_buckets=self._num_oov_buckets, name="hash_bucket"
        )
        if spec.hasher == "fasthash":
            return F.StringToHashBucketFast(_as_text(keys), **how)
        if spec.hasher == "legacy":
            return F.StringToHashBucket(_as_text(keys), **how)
        if spec.hasher == "stronghash":
            text = _as_text(keys)
            return F.StringToHashBucketStrong(text, key=list(spec.key), **how)
        raise ValueError(f"Unknown hasher {spec.hasher}")

    def lookup(self, keys: CompositeLike, name: str | None = None) -> Any:
        """The values of keys; of keys that are not there, the numbers of buckets.

        Raises:
          TypeError: keys of another type.
        """
        given: Any = keys
        if given.dtype.base_dtype != self._key_dtype:
            raise TypeError(
                f"Signature mismatch. Keys must be dtype {self._key_dtype}, got "
                f"{given.dtype}."
            )
        values = given.values if isinstance(keys, SparseTensor) else given
        if self._table is not None and self._table.key_dtype.is_integer:
            values = cast(values, dtypes.int64)
        if not self._num_oov_buckets:
            assert self._table is not None
            ids = self._table.lookup(values, name=name)
        else:
            with name_scope(name, f"{self.name}_Lookup"):
                ids = self._with_buckets(values)
        if isinstance(keys, SparseTensor):
            return SparseTensor(keys.indices, ids, keys.dense_shape)
        return ids

    def _with_buckets(self, values: Tensor) -> Tensor:
        buckets = self._hashed(values)
        if self._table is None:
            return buckets
        ids = self._table.lookup(values)
        buckets = F.Add(buckets, self._table.size())
        default = _filled(self._table).default_value
        there = F.NotEqual(ids, default)
        return F.SelectV2(there, ids, buckets)


def _filled(table: LookupInterface) -> InitializableLookupTableBase:
    assert isinstance(table, InitializableLookupTableBase)
    return table


def _as_text(keys: Tensor) -> Tensor:
    """Texts as they are, numbers as texts."""
    return keys if keys.dtype.base_dtype == dtypes.string else as_string(keys)


class StaticVocabularyTable(LookupInterface):
    """`StaticHashTable`, in which keys that are not there have a value by their hash.

    Args:
      initializer: what fills it; None for nothing.
      num_oov_buckets: how many more values there are.
      lookup_key_dtype: the type of keys, by default that of the initializer.
      name: the name of operations.

    Raises:
      TypeError: values that are not int64.
      ValueError: no buckets.
    """

    _kind: Callable[..., StaticHashTable] = StaticHashTable

    def __init__(
        self,
        initializer: TableInitializerBase | None,
        num_oov_buckets: int,
        lookup_key_dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> None:
        if num_oov_buckets <= 0:
            raise ValueError("oov_buckets must be > 0.")
        table = None
        if initializer is not None:
            if initializer.value_dtype != dtypes.int64:
                raise TypeError(
                    f"Invalid value dtype, expected {dtypes.int64} but got "
                    f"{initializer.value_dtype}."
                )
            table = type(self)._kind(initializer, -1, name)
        self._ids = IdTableWithHashBuckets(
            table, num_oov_buckets, FastHashSpec, name, lookup_key_dtype
        )
        super().__init__(self._ids.key_dtype, self._ids.value_dtype)

    @property
    def initializer(self) -> Any:
        """The operation that fills the table."""
        return self._ids.initializer

    @property
    def resource_handle(self) -> Tensor | None:
        """The tensor that stands for the table."""
        return self._ids.resource_handle

    @property
    def name(self) -> str | None:
        """The name of the table."""
        return self._ids.name

    def size(self, name: str | None = None) -> Tensor:
        """How many values there are: those of the table, and the buckets."""
        return self._ids.size(name)

    def lookup(self, keys: CompositeLike, name: str | None = None) -> Any:
        """The values of keys; of keys that are not there, the numbers of buckets.

        Raises:
          TypeError: keys of another type.
        """
        return self._ids.lookup(keys, name)


class StaticVocabularyTableV1(StaticVocabularyTable):
    """`StaticVocabularyTable`, with the operation that fills it at hand."""

    _kind = StaticHashTableV1


# -------------------------------------------------------------------- numbers of texts


def index_table_from_file(
    vocabulary_file: TensorLike | None = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    key_dtype: DTypeLike = dtypes.string,
    name: str | None = None,
    key_column_index: int = TextFileIndex.WHOLE_LINE,
    value_column_index: int = TextFileIndex.LINE_NUMBER,
    delimiter: str = "\t",
) -> LookupInterface:
    """A table that gives the numbers of the lines of a file.

    Args:
      vocabulary_file: the file.
      num_oov_buckets: how many more numbers there are, for what is not in the file.
      vocab_size: how many lines there are, where that is known.
      default_value: what all else has, where there are no buckets.
      hasher_spec: by which hash something is put into a bucket.
      key_dtype: the type of keys: string or of integers.
      name: the name of operations.
      key_column_index, value_column_index, delimiter: as of `TextFileInitializer`.

    Raises:
      ValueError: no file, or numbers that make no sense.
      TypeError: other keys.
    """
    vocabulary_file = named_file(vocabulary_file, _NO_FILE)
    _check_numbers(num_oov_buckets, vocab_size, vocabulary_file)
    kind = _kind_of(key_dtype)
    with name_scope(name, "string_to_index"):
        with name_scope(None, "hash_table"):
            initializer = TextFileIdTableInitializer(
                vocabulary_file,
                key_column_index,
                value_column_index,
                vocab_size,
                delimiter,
                "table_init",
                dtypes.int64 if kind.is_integer else kind,
            )
            table = StaticHashTableV1(initializer, default_value)
        return _with_buckets(table, num_oov_buckets, hasher_spec, kind)


def _kind_of(key_dtype: DTypeLike) -> dtypes.DType:
    """The type of keys.

    Raises:
      TypeError: another than string or of integers.
    """
    kind = dtypes.as_dtype(key_dtype)
    if not kind.is_integer and kind != dtypes.string:
        raise TypeError("Only integer and string keys are supported.")
    return kind


def _check_numbers(
    num_oov_buckets: int, vocab_size: int | None, file: TensorLike = ""
) -> None:
    if num_oov_buckets < 0:
        raise ValueError(
            f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}."
        )
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(
            f"vocab_size must be greater than 0, got {vocab_size}. "
            f"vocabulary_file: {file}"
        )


def _with_buckets(
    table: StaticHashTable, count: int, hasher_spec: HasherSpec, kind: dtypes.DType
) -> LookupInterface:
    if not count:
        return table
    return IdTableWithHashBuckets(table, count, hasher_spec, table.name, kind)


def index_table_from_tensor(
    vocabulary_list: TensorLike,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    dtype: DTypeLike = dtypes.string,
    name: str | None = None,
) -> LookupInterface:
    """A table that gives the places of the elements of a vector.

    Args:
      vocabulary_list: the vector, of texts or integers.
      num_oov_buckets: how many more numbers there are, for what is not in it.
      default_value: what all else has, where there are no buckets.
      hasher_spec: by which hash something is put into a bucket.
      dtype: the type of keys.
      name: the name of operations.

    Raises:
      ValueError: no vector, or a number that makes no sense.
      TypeError: other keys.
    """
    if vocabulary_list is None:
        raise ValueError("vocabulary_list must be specified.")
    _check_numbers(num_oov_buckets, None)
    kind = _kind_of(dtype)
    with name_scope(name, "string_to_index"):
        keys = convert_to_tensor(vocabulary_list)
        if keys.dtype.is_integer != kind.is_integer:
            raise ValueError(
                f"Expected {'integer' if kind.is_integer else 'non-integer'}, got "
                f"{keys.dtype}."
            )
        if not kind.is_integer and keys.dtype.base_dtype != kind:
            raise ValueError(f"Expected {kind}, got {keys.dtype}.")
        values = cast(range_(size(keys)), dtypes.int64)
        with name_scope(None, "hash_table"):
            wide = cast(keys, dtypes.int64) if keys.dtype.is_integer else keys
            initializer = KeyValueTensorInitializer(
                wide, values, wide.dtype.base_dtype, dtypes.int64, "table_init"
            )
            table = StaticHashTableV1(initializer, default_value)
        return _with_buckets(table, num_oov_buckets, hasher_spec, kind)


# -------------------------------------------------------------------- texts of numbers


def index_to_string_table_from_file(
    vocabulary_file: TensorLike,
    vocab_size: int | None = None,
    default_value: TensorLike = "UNK",
    name: str | None = None,
    key_column_index: int = TextFileIndex.LINE_NUMBER,
    value_column_index: int = TextFileIndex.WHOLE_LINE,
    delimiter: str = "\t",
) -> LookupInterface:
    """A table that gives the lines of a file by their numbers.

    Args:
      vocabulary_file: the file.
      vocab_size: how many lines there are, where that is known.
      default_value: what other numbers have.
      name: the name of operations.
      key_column_index, value_column_index, delimiter: as of `TextFileInitializer`.

    Raises:
      ValueError: no file, or a size that makes no sense.
    """
    vocabulary_file = named_file(vocabulary_file, _NO_FILE)
    _check_numbers(0, vocab_size, vocabulary_file)
    with name_scope(name, "index_to_string"):
        initializer = TextFileStringTableInitializer(
            vocabulary_file,
            key_column_index,
            value_column_index,
            vocab_size,
            delimiter,
            "table_init",
        )
        return StaticHashTableV1(initializer, default_value)


def index_to_string_table_from_tensor(
    vocabulary_list: TensorLike,
    default_value: TensorLike = "UNK",
    name: str | None = None,
) -> LookupInterface:
    """A table that gives the elements of a vector by their places.

    Args:
      vocabulary_list: the vector of texts.
      default_value: what other numbers have.
      name: the name of operations.

    Raises:
      ValueError: no vector.
    """
    if vocabulary_list is None:
        raise ValueError("vocabulary_list must be specified.")
    with name_scope(name, "index_to_string"):
        texts = convert_to_tensor(vocabulary_list, dtypes.string)
        keys = cast(range_(size(texts)), dtypes.int64)
        initializer = KeyValueTensorInitializer(
            keys, texts, dtypes.int64, dtypes.string, "table_init"
        )
        return StaticHashTableV1(initializer, default_value)


# ---------------------------------------------------------------------- tf.contrib


def contrib_index_table_from_tensor(
    mapping: TensorLike,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    dtype: DTypeLike = dtypes.string,
    name: str | None = None,
) -> LookupInterface:
    """`index_table_from_tensor` as tf.contrib had it.

    Raises:
      ValueError: no vector, or a number that makes no sense.
    """
    if mapping is None:
        raise ValueError("mapping must be specified.")
    return index_table_from_tensor(
        mapping, num_oov_buckets, default_value, hasher_spec, dtype, name
    )


def string_to_index_table_from_file(
    vocabulary_file: TensorLike | None = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    name: str | None = None,
) -> LookupInterface:
    """An older name of `index_table_from_file`."""
    return index_table_from_file(
        vocabulary_file,
        num_oov_buckets,
        vocab_size,
        default_value,
        hasher_spec,
        dtypes.string,
        name,
    )


def string_to_index_table_from_tensor(
    mapping: TensorLike,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    name: str | None = None,
) -> LookupInterface:
    """An older name of `index_table_from_tensor`, for texts."""
    return index_table_from_tensor(
        mapping, num_oov_buckets, default_value, hasher_spec, dtypes.string, name
    )


def contrib_index_to_string_table_from_tensor(
    mapping: TensorLike, default_value: TensorLike = "UNK", name: str | None = None
) -> LookupInterface:
    """`index_to_string_table_from_tensor` as tf.contrib had it.

    Raises:
      ValueError: no vector.
    """
    if mapping is None:
        raise ValueError("mapping must be specified.")
    return index_to_string_table_from_tensor(mapping, default_value, name)


def string_to_index(
    tensor: CompositeLike,
    mapping: TensorLike,
    default_value: int = -1,
    name: str | None = None,
) -> Any:
    """The places of texts in a vector."""
    table = index_table_from_tensor(
        mapping, default_value=default_value, dtype=dtypes.string, name=name
    )
    return table.lookup(tensor)


def index_to_string(
    tensor: CompositeLike,
    mapping: TensorLike,
    default_value: TensorLike = "UNK",
    name: str | None = None,
) -> Any:
    """The texts at places in a vector."""
    table = index_to_string_table_from_tensor(mapping, default_value, name)
    return table.lookup(tensor)
