"""Tensors of a `tf.train.Example`, by handlers of what is in it."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.contrib.slim.data.data_decoder import DataDecoder
from retrograd.graph import composite
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.shape import expand_dims, reshape, shape, transpose
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.cases import case
from retrograd.ops.flow.higher_order import map_fn
from retrograd.ops.image.coding import decode_image, decode_jpeg, is_jpeg
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_prod
from retrograd.ops.parsing.decode import decode_raw
from retrograd.ops.parsing.examples import parse_single_example
from retrograd.ops.parsing.features import FixedLenFeature
from retrograd.ops.sparse.conversion import sparse_tensor_to_dense
from retrograd.ops.sparse.pieces import sparse_reshape

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, TensorLike

#: what an example has, by key
Parsed = Mapping[str, Any]


def _dense(tensor: Any) -> Any:
    if isinstance(tensor, composite.SparseTensor):
        return sparse_tensor_to_dense(tensor)
    return tensor


class ItemHandler(abc.ABC):
    """Makes a tensor of what some keys have.

    Args:
      keys: a key, or several.
    """

    def __init__(self, keys: str | Sequence[str]) -> None:
        self._keys = list(keys) if isinstance(keys, list | tuple) else [keys]

    @property
    def keys(self) -> list[Any]:
        """The keys."""
        return self._keys

    @abc.abstractmethod
    def tensors_to_item(self, keys_to_tensors: Parsed) -> Any:
        """The tensor; `keys_to_tensors` has what the keys have."""


class ItemHandlerCallback(ItemHandler):
    """Makes a tensor by a function.

    Args:
      keys: a key, or several.
      func: makes it of a dict of tensors by key.
    """

    def __init__(
        self, keys: str | Sequence[str], func: Callable[[Parsed], Any]
    ) -> None:
        super().__init__(keys)
        self._func = func

    def tensors_to_item(self, keys_to_tensors: Parsed) -> Any:
        """The tensor."""
        return self._func(keys_to_tensors)


class BoundingBox(ItemHandler):
    """Boxes, shape [boxes, 4], of four lists.

    Args:
      keys: of ymin, xmin, ymax and xmax, by default so called.
      prefix: what keys begin with.

    Raises:
      ValueError: not four keys.
    """

    def __init__(self, keys: Sequence[str] | None = None, prefix: str = "") -> None:
        names = list(keys or ("ymin", "xmin", "ymax", "xmax"))
        if len(names) != 4:
            raise ValueError(f"BoundingBox expects 4 keys but got {len(names)}")
        self._prefix = prefix
        self._full_keys = [prefix + name for name in names]
        super().__init__(self._full_keys)

    def tensors_to_item(self, keys_to_tensors: Parsed) -> Any:
        """The boxes."""
        sides = []
        for key in self._full_keys:
            side = keys_to_tensors[key]
            if isinstance(side, composite.SparseTensor):
                side = side.values
            sides.append(expand_dims(side, 0))
        return transpose(concat(sides, 0))


class Tensor(ItemHandler):
    """A tensor, as it is or in a shape.

    Args:
      tensor_key: its key.
      shape_keys: keys of its shape: one of all sizes, or one of each.
      shape: its shape.
      default_value: of places that a sparse one does not have.

    Raises:
      ValueError: a shape, and keys of it.
    """

    def __init__(
        self,
        tensor_key: str,
        shape_keys: str | Sequence[str] | None = None,
        shape: Sequence[int] | None = None,
        default_value: TensorLike = 0,
    ) -> None:
        if shape_keys and shape is not None:
            raise ValueError("Cannot specify both shape_keys and shape parameters.")
        if shape_keys and not isinstance(shape_keys, list):
            shape_keys = [shape_keys]  # pyright: ignore[reportAssignmentType]
        self._tensor_key = tensor_key
        self._shape_keys = shape_keys
        self._shape = shape
        self._default_value = default_value
        super().__init__([tensor_key, *(shape_keys or ())])

    def tensors_to_item(self, keys_to_tensors: Parsed) -> Any:
        """The tensor."""
        tensor = keys_to_tensors[self._tensor_key]
        sizes: Any = self._shape
        if self._shape_keys:
            parts = [_dense(keys_to_tensors[key]) for key in self._shape_keys]
            sizes = reshape(stack(parts), [-1])
        if isinstance(tensor, composite.SparseTensor):
            if sizes is not None:
                tensor = sparse_reshape(tensor, sizes)
            found: Any = sparse_tensor_to_dense(tensor, self._default_value)
            if self._shape is not None and -1 not in self._shape:
                found.set_shape(self._shape)
            return found
        return tensor if sizes is None else reshape(tensor, sizes)


class LookupTensor(Tensor):
    """What a table has for the elements of a tensor.

    Args:
      table: the table.
      tensor_key, shape_keys, shape, default_value: as of `Tensor`.
    """

    def __init__(
        self,
        tensor_key: str,
        table: Any,
        shape_keys: str | Sequence[str] | None = None,
        shape: Sequence[int] | None = None,
        default_value: TensorLike = "",
    ) -> None:
        self._table = table
        super().__init__(tensor_key, shape_keys, shape, default_value)

    def tensors_to_item(self, keys_to_tensors: Parsed) -> Any:
        """What the table has."""
        return self._table.lookup(super().tensors_to_item(keys_to_tensors))


class BackupHandler(ItemHandler):
    """What one handler makes; where that has no elements, what another does.

    Args:
      handler: the one.
      backup: the other.

    Raises:
      ValueError: one of them is no handler.
    """

    def __init__(self, handler: ItemHandler, backup: ItemHandler) -> None:
        for each, name in ((handler, "Primary"), (backup, "Backup")):
            if not isinstance(each, ItemHandler):
                raise ValueError(
                    f"{name} handler is of type {type(each)} instead of ItemHandler"
                )
        self._handler, self._backup = handler, backup
        super().__init__(handler.keys + backup.keys)

    def tensors_to_item(self, keys_to_tensors: Parsed) -> Any:
        """The tensor of one of them."""
        item = self._handler.tensors_to_item(keys_to_tensors)
        return cond(
            F.Equal(reduce_prod(shape(item)), 0),
            lambda: self._backup.tensors_to_item(keys_to_tensors),
            lambda: item,
        )


class SparseTensor(ItemHandler):
    """A sparse tensor of two lists: places along the last axis, and values.

    Args:
      indices_key: of the places, by default `indices`.
      values_key: of the values, by default `values`.
      shape_key: of the shape.
      shape: the shape; by default that of the places.
      densify: whether it is made dense.
      default_value: of other places then.
    """

    def __init__(
        self,
        indices_key: str | None = None,
        values_key: str | None = None,
        shape_key: str | None = None,
        shape: Sequence[int] | None = None,
        densify: bool = False,
        default_value: TensorLike = 0,
    ) -> None:
        self._indices_key = indices_key or "indices"
        self._values_key = values_key or "values"
        self._shape_key, self._shape = shape_key, shape
        self._densify, self._default_value = densify, default_value
        keys = [self._indices_key, self._values_key]
        super().__init__(keys + ([shape_key] if shape_key else []))

    def tensors_to_item(self, keys_to_tensors: Parsed) -> Any:
        """The tensor."""
        indices = keys_to_tensors[self._indices_key]
        values = keys_to_tensors[self._values_key]
        sizes: Any = self._shape
        if self._shape_key:
            sizes = _dense(keys_to_tensors[self._shape_key])
        elif sizes is None:
            sizes = indices.dense_shape
        rank = shape(indices.indices)[1]
        places = reshape(cast(indices.values, dtypes.int64), [-1, 1])
        before = F.Slice(indices.indices, [0, 0], stack([-1, rank - 1]))
        found = composite.SparseTensor(
            concat([before, places], 1), values.values, sizes
        )
        if self._densify:
            return sparse_tensor_to_dense(found, self._default_value)
        return found


class Image(ItemHandler):
    """A decoded image.

    Args:
      image_key: of its bytes, by default `image/encoded`.
      format_key: of its format, by default `image/format`: `raw`, or as bytes say.
      shape: its shape, if it is known; it has to be of a raw one.
      channels: how many there are.
      dtype: of its elements.
      repeated: whether there are several.
      dct_method: how JPEG is decoded.
    """

    def __init__(
        self,
        image_key: str | None = None,
        format_key: str | None = None,
        shape: Sequence[int] | None = None,
        channels: int = 3,
        dtype: DTypeLike = dtypes.uint8,
        repeated: bool = False,
        dct_method: str = "",
    ) -> None:
        self._image_key = image_key or "image/encoded"
        self._format_key = format_key or "image/format"
        super().__init__([self._image_key, self._format_key])
        self._shape, self._channels = shape, channels
        self._dtype, self._repeated = dtype, repeated
        self._dct_method = dct_method

    def tensors_to_item(self, keys_to_tensors: Parsed) -> Any:
        """The image."""
        image_buffer = keys_to_tensors[self._image_key]
        image_format = keys_to_tensors[self._format_key]
        if self._repeated:
            return map_fn(
                lambda x: self._decode(x, image_format), image_buffer, dtype=self._dtype
            )
        return self._decode(image_buffer, image_format)

    def _decode(self, image_buffer: Any, image_format: Any) -> Any:
        def by_bytes() -> Any:
            found = decode_image(image_buffer, channels=self._channels)
            return cast(found, self._dtype)

        def jpeg() -> Any:
            found = decode_jpeg(
                image_buffer, channels=self._channels, dct_method=self._dct_method
            )
            return cast(found, self._dtype)

        def not_raw() -> Any:
            if self._dtype != dtypes.uint8:
                return by_bytes()
            return cond(is_jpeg(image_buffer), jpeg, by_bytes, name="cond_jpeg")

        def raw() -> Any:
            return decode_raw(image_buffer, out_type=self._dtype)

        is_raw = F.LogicalOr(F.Equal(image_format, "raw"), F.Equal(image_format, "RAW"))
        image: Any = case([(is_raw, raw)], default=not_raw, exclusive=True)
        image.set_shape([None, None, self._channels])
        return image if self._shape is None else reshape(image, self._shape)


class TFExampleDecoder(DataDecoder):
    """Makes tensors of serialized examples.

    Args:
      keys_to_features: what an example has, as for `tf.parse_single_example`.
      items_to_handlers: what is made of it, by name.
    """

    def __init__(
        self,
        keys_to_features: Mapping[str, Any],
        items_to_handlers: Mapping[str, ItemHandler],
    ) -> None:
        self._keys_to_features = keys_to_features
        self._items_to_handlers = items_to_handlers

    def list_items(self) -> list[str]:
        """The names of what is made."""
        return list(self._items_to_handlers)

    def decode(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, serialized_example: TensorLike, items: Sequence[str] | None = None
    ) -> list[Any]:
        """The tensors of an example.

        Args:
          serialized_example: a string, shape [].
          items: the names of those that are wanted; by default all.
        """
        example = parse_single_example(serialized_example, self._keys_to_features)
        # those of known shape, once for all handlers
        for key in sorted(self._keys_to_features):
            feature = self._keys_to_features[key]
            if isinstance(feature, FixedLenFeature):
                example[key] = reshape(example[key], feature.shape)
        handlers = self._items_to_handlers
        wanted = items or list(handlers)
        return [
            handlers[item].tensors_to_item(
                {key: example[key] for key in handlers[item].keys}
            )
            for item in wanted
        ]
