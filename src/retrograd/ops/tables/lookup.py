"""Tables: what they are asked, those that are filled once, and those that change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.function import uid
from retrograd.graph.hooks import hooks
from retrograd.graph.name_scopes import name_scope
from retrograd.graph.names import GraphKeys
from retrograd.ops.declare import F
from retrograd.ops.tables.initializers import TableInitializerBase, Typed, sharing
from retrograd.util.tracking import Trackable

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import CompositeLike, DTypeLike, TensorLike


@sharing(Typed)
class LookupInterface(Trackable):
    """What values are looked up in.

    Args:
      key_dtype: the type of keys.
      value_dtype: the type of values.
    """

    key_dtype: dtypes.DType
    value_dtype: dtypes.DType

    def __init__(self, key_dtype: DTypeLike, value_dtype: DTypeLike) -> None:
        self._key_dtype = dtypes.as_dtype(key_dtype)
        self._value_dtype = dtypes.as_dtype(value_dtype)

    @property
    def name(self) -> str | None:
        """The name of the table."""
        raise NotImplementedError

    def size(self, name: str | None = None) -> Tensor:
        """How many keys there are."""
        raise NotImplementedError

    def lookup(self, keys: CompositeLike, name: str | None = None) -> Any:
        """The values of keys."""
        raise NotImplementedError


class _Table:
    """The methods of a table that an operation makes: its handle and its name."""

    _handle: Any
    _table_name: str | None
    _default_value: Any
    _key_dtype: dtypes.DType
    _value_dtype: dtypes.DType

    def _made(self, handle: Tensor) -> None:
        self._handle = handle
        eagerly = context.executing_eagerly()
        self._table_name = None if eagerly else handle.op.name.split("/")[-1]

    @property
    def name(self) -> str | None:
        """The name of the table."""
        return self._table_name

    @property
    def resource_handle(self) -> Tensor:
        """The tensor that stands for the table."""
        return self._handle

    @property
    def default_value(self) -> Tensor:
        """The value of keys that are not there."""
        return self._default_value

    def size(self, name: str | None = None) -> Tensor:
        """How many keys there are."""
        with name_scope(name, f"{self.name}_Size", [self._handle]):
            return F.LookupTableSizeV2(self._handle)

    def _export(self, name: str | None, word: str) -> tuple[Tensor, Tensor]:
        with name_scope(name, f"{self.name}_{word}", [self._handle]):
            keys, values = F.LookupTableExportV2(
                self._handle, Tkeys=self._key_dtype, Tvalues=self._value_dtype
            )
        values.set_shape([None, *self._default_value.shape.as_list()])
        return keys, values


# ---------------------------------------------------------------------- filled once


@sharing(_Table)
class InitializableLookupTableBase(LookupInterface):
    """A table that is filled before it is used.

    Args:
      default_value: the value of keys that are not there.
      initializer: what fills it.
    """

    # shared with other tables
    resource_handle: Tensor
    default_value: Tensor
    _handle: Any
    _made: Callable[..., None]
    _export: Callable[..., tuple[Tensor, Tensor]]

    def __init__(
        self, default_value: TensorLike, initializer: TableInitializerBase
    ) -> None:
        super().__init__(initializer.key_dtype, initializer.value_dtype)
        self._default_value = convert_to_tensor(default_value, self._value_dtype)
        self._default_value.shape.merge_with([])
        self._initializer = initializer
        self._made(self._create_resource())
        self._init_op = self._initialize()

    def _create_resource(self) -> Tensor:
        raise NotImplementedError

    def _initialize(self) -> Operation | None:
        return self._initializer.initialize(self)

    @property
    def initializer(self) -> Operation | None:
        """The operation that fills the table."""
        return self._init_op

    @property
    def init(self) -> Operation | None:
        """The operation that fills the table."""
        return self._init_op

    @property
    def table_ref(self) -> Tensor:
        """The tensor that stands for the table."""
        return self._handle

    def lookup(self, keys: CompositeLike, name: str | None = None) -> Any:
        """The values of keys.

        Args:
          keys: a tensor, or a sparse one, whose values are looked up.
          name: the name of operations.

        Raises:
          TypeError: keys of another type.
        """
        found: Any = keys.values if isinstance(keys, SparseTensor) else keys
        dtype = found.dtype
        if dtypes.as_dtype(dtype).base_dtype != self._key_dtype:
            raise TypeError(
                f"Signature mismatch. Keys must be dtype {self._key_dtype}, got "
                f"{dtype}."
            )
        held = (self._handle, found, self._default_value)
        with name_scope(name, f"{self.name}_Lookup", held):
            values = F.LookupTableFindV2(*held)
        values.set_shape(found.shape)
        if isinstance(keys, SparseTensor):
            return SparseTensor(keys.indices, values, keys.dense_shape)
        return values


class StaticHashTable(InitializableLookupTableBase):
    """A table that is filled once.

    Args:
      initializer: what fills it.
      default_value: the value of keys that are not there.
      name: the name of operations.

    Example:
      table = tf.lookup.StaticHashTable(
          tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)
      table.lookup(tf.constant(["b", "c"])) is [2, -1] after tf.tables_initializer().
    """

    def __init__(
        self,
        initializer: TableInitializerBase,
        default_value: TensorLike,
        name: str | None = None,
    ) -> None:
        self._shared_name = getattr(initializer, "_shared_name", "")
        self._name = name or "hash_table"
        super().__init__(default_value, initializer)

    def _create_resource(self) -> Tensor:
        return F.HashTableV2(
            shared_name=self._shared_name,
            key_dtype=self._initializer.key_dtype,
            value_dtype=self._initializer.value_dtype,
            name=self._name,
        )

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """All keys and values."""
        return self._export(name, "Export")


class StaticHashTableV1(StaticHashTable):
    """`StaticHashTable`, with the operation that fills it at hand."""


class InitializableLookupTableBaseV1(InitializableLookupTableBase):
    """`InitializableLookupTableBase`, with the operation that fills it at hand."""


@sharing(StaticHashTable)
class HashTable(InitializableLookupTableBaseV1):
    """`StaticHashTable` as tf.contrib had it.

    Args:
      initializer: what fills it.
      default_value: the value of keys that are not there.
      shared_name: the name under which sessions share it.
      name: the name of operations.
    """

    def __init__(
        self,
        initializer: TableInitializerBase,
        default_value: TensorLike,
        shared_name: str | None = None,
        name: str | None = None,
    ) -> None:
        self._shared_name = shared_name or getattr(initializer, "_shared_name", "")
        self._name = name or "hash_table"
        super().__init__(default_value, initializer)


# ---------------------------------------------------------------------- that change


class _Changing(_Table):
    """The methods of a table that can be changed while it is used."""

    def _keys(self, keys: TensorLike) -> Tensor:
        return convert_to_tensor(keys, self._key_dtype, name="keys")

    def _note_for_savers(self, name: str) -> None:
        """Have savers of the graph save what the table holds."""
        if not context.executing_eagerly():
            graph = context.get_default_graph()
            saveable = hooks.saveable_of_table(self, name)
            graph.add_to_collection(GraphKeys.SAVEABLE_OBJECTS, saveable)

    def _scope(self, name: str | None, word: str, *values: object) -> Any:
        return name_scope(name, f"{self.name}_lookup_table_{word}", values)

    def lookup(self, keys: CompositeLike, name: str | None = None) -> Any:
        """The values of keys.

        Raises:
          ValueError: keys of another type.
        """
        with self._scope(name, "find", self._handle, keys, self._default_value):
            tensor = self._keys(keys)  # pyright: ignore[reportArgumentType]
            return F.LookupTableFindV2(self._handle, tensor, self._default_value)

    def insert(
        self, keys: TensorLike, values: TensorLike, name: str | None = None
    ) -> Operation:
        """Put values in, or others in their place.

        Raises:
          ValueError: keys or values of another type.
        """
        with self._scope(name, "insert", self._handle, keys, values):
            key_tensor = self._keys(keys)
            tensor = convert_to_tensor(values, self._value_dtype, name="values")
            return F.LookupTableInsertV2(self._handle, key_tensor, tensor)

    def remove(self, keys: TensorLike, name: str | None = None) -> Operation:
        """Take keys out; those that are not there are ignored.

        Raises:
          ValueError: keys of another type.
        """
        with self._scope(name, "remove", self._handle, keys):
            return F.LookupTableRemoveV2(self._handle, self._keys(keys))

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """All keys and values."""
        return self._export(name, "lookup_table_export_values")


@sharing(_Changing, _Table)
class MutableHashTable(LookupInterface):
    """A table that can be changed.

    Args:
      key_dtype: the type of keys.
      value_dtype: the type of values.
      default_value: the value of keys that are not there: a scalar or a vector.
      name: the name of operations.
      checkpoint: whether savers save the table.
    """

    # shared with other tables
    export: Callable[..., tuple[Tensor, Tensor]]
    _made: Callable[..., None]
    _note_for_savers: Callable[[str], None]

    def __init__(
        self,
        key_dtype: DTypeLike,
        value_dtype: DTypeLike,
        default_value: TensorLike,
        name: str = "MutableHashTable",
        checkpoint: bool = True,
    ) -> None:
        super().__init__(key_dtype, value_dtype)
        self._default_value = convert_to_tensor(default_value, self._value_dtype)
        self._name = name
        self._made(self._create_resource())
        if checkpoint:
            self._note_for_savers(name)

    def _create_resource(self) -> Tensor:
        eagerly = context.executing_eagerly()
        about: dict[str, Any] = dict(
            shared_name=f"table_{uid()}" if eagerly else "",
            use_node_name_sharing=not eagerly,
            key_dtype=self._key_dtype,
            value_dtype=self._value_dtype,
            name=self._name,
        )
        if self._default_value.shape.ndims == 0:
            return F.MutableHashTableV2(**about)
        return F.MutableHashTableOfTensorsV2(
            value_shape=self._default_value.shape, **about
        )


@sharing(_Changing, _Table)
class DenseHashTable(LookupInterface):
    """A table that can be changed, with two keys that cannot be used.

    Args:
      key_dtype: the type of keys.
      value_dtype: the type of values.
      default_value: the value of keys that are not there.
      empty_key, deleted_key: the two keys.
      initial_num_buckets: how much memory is taken at first.
      name: the name of operations.
      checkpoint: whether savers save the table.
    """

    # shared with other tables
    export: Callable[..., tuple[Tensor, Tensor]]
    _made: Callable[..., None]
    _note_for_savers: Callable[[str], None]

    def __init__(
        self,
        key_dtype: DTypeLike,
        value_dtype: DTypeLike,
        default_value: TensorLike,
        empty_key: TensorLike,
        deleted_key: TensorLike,
        initial_num_buckets: int | None = None,
        name: str = "MutableDenseHashTable",
        checkpoint: bool = True,
    ) -> None:
        super().__init__(key_dtype, value_dtype)
        self._default_value = convert_to_tensor(
            default_value, self._value_dtype, name="default_value"
        )
        empty, deleted = (
            convert_to_tensor(key, self._key_dtype, name=word)
            for key, word in ((empty_key, "empty_key"), (deleted_key, "deleted_key"))
        )
        more = (
            {}
            if initial_num_buckets is None
            else dict(initial_num_buckets=initial_num_buckets)
        )
        handle = F.MutableDenseHashTableV2(
            empty,
            deleted,
            use_node_name_sharing=not context.executing_eagerly(),
            value_dtype=self._value_dtype,
            value_shape=self._default_value.shape,
            name=name,
            **more,
        )
        self._made(handle)
        if checkpoint:
            self._note_for_savers(name)
