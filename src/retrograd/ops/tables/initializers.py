"""What tables are filled with: tensors of keys and values, or files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.graph.names import GraphKeys
from retrograd.ops.declare import F, kind_of
from retrograd.ops.tables.lines import LINE_NUMBER, WHOLE_LINE
from retrograd.ops.traits import Kind
from retrograd.util.tracking import Trackable

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.ops.tables.lookup import InitializableLookupTableBase
    from retrograd.typing import DTypeLike, TensorLike


T = TypeVar("T")


def check_table_dtypes(
    table: InitializableLookupTableBase, key_dtype: DTypeLike, value_dtype: DTypeLike
) -> None:
    """Check that a table has these types.

    Raises:
      TypeError: it has others.
    """
    for name, given, held in (
        ("key", key_dtype, table.key_dtype),
        ("value", value_dtype, table.value_dtype),
    ):
        found = dtypes.as_dtype(given).base_dtype
        if found != held:
            raise TypeError(f"Invalid {name} dtype, expected {held} but got {found}.")


def sharing(*holders: type) -> Callable[[type[T]], type[T]]:
    """A class decorator: the class has the methods of others too, but for its own.

    No base stands above all that share them, as in TensorFlow.
    """

    def decorate(cls: type[T]) -> type[T]:
        for holder in holders:
            for name, value in vars(holder).items():
                if name not in vars(cls) and not name.startswith("__"):
                    setattr(cls, name, value)
        return cls

    return decorate


class Typed:
    """The types of what has keys and values."""

    _key_dtype: dtypes.DType
    _value_dtype: dtypes.DType

    @property
    def key_dtype(self) -> dtypes.DType:
        """The type of keys."""
        return self._key_dtype

    @property
    def value_dtype(self) -> dtypes.DType:
        """The type of values."""
        return self._value_dtype


@sharing(Typed)
class TableInitializerBase(Trackable):
    """Fills tables.

    Args:
      key_dtype: the type of keys.
      value_dtype: the type of values.
    """

    key_dtype: dtypes.DType
    value_dtype: dtypes.DType

    def __init__(self, key_dtype: DTypeLike, value_dtype: DTypeLike) -> None:
        self._key_dtype = dtypes.as_dtype(key_dtype)
        self._value_dtype = dtypes.as_dtype(value_dtype)

    def initialize(self, table: InitializableLookupTableBase) -> Operation | None:
        """The operation that fills a table."""
        raise NotImplementedError

    @property
    def _shared_name(self) -> str:
        """The name that tables filled alike share; none if there is no such."""
        return ""


def _initializes(op: Operation) -> Operation:
    """Note an operation that fills a table."""
    if not context.executing_eagerly():
        graph = context.get_default_graph()
        graph.add_to_collection(GraphKeys.TABLE_INITIALIZERS, op)
    return op


class KeyValueTensorInitializer(TableInitializerBase):
    """Fills tables with tensors.

    Args:
      keys: a vector of keys.
      values: their values.
      key_dtype, value_dtype: the types, by default those of the tensors.
      name: the name of operations.
    """

    def __init__(
        self,
        keys: TensorLike,
        values: TensorLike,
        key_dtype: DTypeLike | None = None,
        value_dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> None:
        self._keys = convert_to_tensor(keys, key_dtype, name="keys")
        self._values = convert_to_tensor(values, value_dtype, name="values")
        self._name = "key_value_init" if name is None else name
        super().__init__(self._keys.dtype, self._values.dtype)

    def initialize(self, table: InitializableLookupTableBase) -> Operation:
        """The operation that fills a table.

        Raises:
          TypeError: the table has other types.
        """
        check_table_dtypes(table, self._keys.dtype, self._values.dtype)
        held = (table.resource_handle, self._keys, self._values)
        with name_scope(self._name, values=held):
            return _initializes(F.LookupTableImportV2(*held))


def named_file(filename: TensorLike | None, refusal: str) -> TensorLike:
    """The name of a file.

    Raises:
      ValueError: there is none, or an empty one.
    """
    if filename is None or (isinstance(filename, str | bytes) and not filename):
        raise ValueError(refusal)
    return filename


class TextFileIndex:
    """What stands for a column of a file: all of a line, or its number."""

    WHOLE_LINE = WHOLE_LINE
    LINE_NUMBER = LINE_NUMBER


class TextFileInitializer(TableInitializerBase):
    """Fills tables with columns of a file of text.

    Args:
      filename: the file.
      key_dtype: the type of keys.
      key_index: their column, or one of `TextFileIndex`.
      value_dtype: the type of values.
      value_index: their column, or one of `TextFileIndex`.
      vocab_size: how many lines there are, where that is known.
      delimiter: what is between columns.
      name: the name of operations.

    Raises:
      ValueError: columns that make no sense, or types that they cannot have.
    """

    def __init__(
        self,
        filename: TensorLike,
        key_dtype: DTypeLike,
        key_index: int,
        value_dtype: DTypeLike,
        value_index: int,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = None,
    ) -> None:
        filename = named_file(filename, f"Filename required for {name}.")
        super().__init__(key_dtype, value_dtype)
        for word, index, dtype in (
            ("Key", key_index, self._key_dtype),
            ("Value", value_index, self._value_dtype),
        ):
            _check_column(word, index, dtype)
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"Invalid vocab_size {vocab_size}.")
        self._filename_arg = filename
        self._key_index, self._value_index = key_index, value_index
        self._vocab_size, self._delimiter = vocab_size, delimiter
        self._name = "text_file_init" if name is None else name
        self._filename: Any = convert_to_tensor(
            filename, dtypes.string, name="asset_path"
        )

    def initialize(self, table: InitializableLookupTableBase) -> Operation:
        """The operation that fills a table.

        Raises:
          TypeError: the table has other types.
        """
        check_table_dtypes(table, self.key_dtype, self.value_dtype)
        with name_scope(self._name, "text_file_init", (table.resource_handle,)):
            op = F.InitializeTableFromTextFileV2(
                table.resource_handle,
                self._filename,
                key_index=self._key_index,
                value_index=self._value_index,
                vocab_size=-1 if self._vocab_size is None else self._vocab_size,
                delimiter=self._delimiter,
            )
        if context.executing_eagerly():
            return op
        _initializes(op)
        if kind_of(self._filename.op.type) is Kind.CONSTANT:
            graph = context.get_default_graph()
            graph.add_to_collection(GraphKeys.ASSET_FILEPATHS, self._filename)
        return op

    @property
    def _shared_name(self) -> str:
        """The name that tables filled alike share."""
        size = "" if not self._vocab_size else f"_{self._vocab_size}"
        columns = f"{self._key_index}_{self._value_index}"
        return f"hash_table_{self._filename_arg}{size}_{columns}"


def _check_column(word: str, index: int, dtype: dtypes.DType) -> None:
    if index < -2:
        raise ValueError(f"Invalid {word.lower()} index {index}.")
    if index == LINE_NUMBER and dtype != dtypes.int64:
        raise ValueError(
            f"Signature mismatch. {word}s must be dtype {dtypes.int64}, got {dtype}."
        )
    if index == WHOLE_LINE and not dtype.is_integer and dtype != dtypes.string:
        raise ValueError(
            f"Signature mismatch. {word}s must be integer or string, got {dtype}."
        )


class TextFileStringTableInitializer(TextFileInitializer):
    """Fills tables that give a text for a number.

    Args:
      filename: the file.
      key_column_index: the column of numbers; by default the numbers of lines.
      value_column_index: that of texts; by default whole lines.
      vocab_size, delimiter, name: as of `TextFileInitializer`.
    """

    def __init__(
        self,
        filename: TensorLike,
        key_column_index: int = LINE_NUMBER,
        value_column_index: int = WHOLE_LINE,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str = "text_file_string_table_init",
    ) -> None:
        super().__init__(
            filename,
            dtypes.int64,
            key_column_index,
            dtypes.string,
            value_column_index,
            vocab_size,
            delimiter,
            name,
        )


class TextFileIdTableInitializer(TextFileInitializer):
    """Fills tables that give a number for a text.

    Args:
      filename: the file.
      key_column_index: the column of texts; by default whole lines.
      value_column_index: that of numbers; by default the numbers of lines.
      vocab_size, delimiter, name: as of `TextFileInitializer`.
      key_dtype: the type of keys.
    """

    def __init__(
        self,
        filename: TensorLike,
        key_column_index: int = WHOLE_LINE,
        value_column_index: int = LINE_NUMBER,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str = "text_file_id_table_init",
        key_dtype: DTypeLike = dtypes.string,
    ) -> None:
        super().__init__(
            filename,
            key_dtype,
            key_column_index,
            dtypes.int64,
            value_column_index,
            vocab_size,
            delimiter,
            name,
        )
