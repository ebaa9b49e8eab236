"""What the layers of `tf.contrib.layers` share: scopes, names and collections."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.model_variables import model_variable
from retrograd.contrib.layers.initializers import xavier_initializer
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.shapes import Dimension, TensorShape
from retrograd.variables.initializers import zeros_initializer
from retrograd.variables.partition import PartitionedVariable
from retrograd.variables.scope import VariableScope, variable_scope

if TYPE_CHECKING:
    from retrograd.dtypes import DType
    from retrograd.layers.base import Layer
    from retrograd.typing import (
        CompositeLike,
        Getter,
        InitializerLike,
        Regularizer,
        Reuse,
        ScopeLike,
        ShapeLike,
        TensorLike,
    )

#: names of collections: for all variables, or for those of a name
Collections = Sequence[str] | str | Mapping[str, Any] | None
#: a function of a tensor, or none
Function = Callable[..., Any] | None
#: names of collections
Keys = Sequence[str] | str | None

XAVIER = xavier_initializer()
ZEROS = zeros_initializer()


def _renaming(
    getter: Getter,
    name: str,
    *args: Any,
    rename: Mapping[str, str] | None = None,
    reuse: object = None,
    constraint: object = None,
    validate_shape: object = None,
    **kwargs: Any,
) -> Any:
    """Make a model variable, renamed by the last part of its name."""
    del reuse, constraint, validate_shape
    before, slash, last = name.rpartition("/")
    name = before + slash + (rename or {}).get(last, last)
    return model_variable(name, *args, custom_getter=getter, **kwargs)


@contextmanager
def layer_scope(
    scope: ScopeLike,
    default_name: str,
    inputs: TensorLike,
    reuse: Reuse = None,
    rename: Mapping[str, str] | None = None,
) -> Iterator[VariableScope]:
    """The variable scope of a layer, in which variables are those of the model.

    Args:
      scope: the scope, or its name.
      default_name: the name if there is none, made unique.
      inputs: what the layer is called with.
      reuse: whether variables that are there are used.
      rename: the names that variables have here, by those that the layer gives.
    """
    getter = functools.partial(_renaming, rename=rename)
    with variable_scope(
        scope, default_name, [inputs], reuse=reuse, custom_getter=getter
    ) as entered:
        yield entered


#: how the variables of the layers of `tf.layers` are called here
RENAMED = {"kernel": "weights", "bias": "biases"}


def made(
    kind: Callable[..., Any],
    scope: VariableScope,
    inputs: Tensor,
    reuse: Reuse,
    **given: Any,
) -> Any:
    """A layer of `tf.layers` in a scope that is entered."""
    return kind(
        name=scope.name,
        dtype=inputs.dtype.base_dtype,
        _scope=scope,
        _reuse=reuse,
        **given,
    )


def collect_variables(
    layer: Layer, collections: Collections, *pairs: tuple[str, str]
) -> None:
    """Add variables of a layer to the collections that are named for them.

    Args:
      layer: the layer.
      collections: names of collections; or these by the variables' names.
      *pairs: attributes of the layer, each with the name it has in `collections`.
    """
    for attribute, name in pairs:
        var = getattr(layer, attribute, None)
        if var is not None:
            keys = get_variable_collections(collections, name) or ()
            parts = list(var) if isinstance(var, PartitionedVariable) else [var]
            graph = context.get_default_graph()
            for part in parts:
                for key in [keys] if isinstance(keys, str) else keys:
                    graph.add_to_collection(key, part)


def get_variable_collections(variables_collections: Collections, name: str) -> Any:
    """The collections for variables of a name: those under it, or all."""
    if isinstance(variables_collections, Mapping):
        return variables_collections.get(name)
    return variables_collections


def parameter(
    name: str,
    shape: Sequence[Any],
    dtype: DType,
    initializer: InitializerLike | None,
    regularizer: Regularizer | None,
    variables_collections: Collections,
    trainable: bool,
) -> Any:
    """A model variable of the current scope, in the collections for its name."""
    collections = get_variable_collections(variables_collections, name)
    return model_variable(
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        collections=[collections] if isinstance(collections, str) else collections,
        trainable=trainable,
    )


def activated(
    outputs: Tensor,
    scope: VariableScope,
    activation_fn: Function,
    outputs_collections: Keys,
) -> Any:
    """The outputs after an activation function, put into their collections."""
    if activation_fn is not None:
        outputs = activation_fn(outputs)
    return collect_named_outputs(outputs_collections, scope.name, outputs)


def collect_named_outputs(collections: Keys, alias: str, outputs: CompositeLike) -> Any:
    """Add outputs to collections, and an alias to the outputs.

    Args:
      collections: a name, names, or nothing.
      alias: another name of the outputs.
      outputs: a tensor.
    """
    if collections:
        append_tensor_alias(outputs, alias)
        graph = context.get_default_graph()
        for name in [collections] if isinstance(collections, str) else collections:
            graph.add_to_collection(name, outputs)
    return outputs


def append_tensor_alias(tensor: CompositeLike, alias: str) -> Any:
    """Add a name to those that a tensor has besides its own; a last slash goes."""
    kept = getattr(tensor, "aliases", [])
    vars(tensor)["aliases"] = [*kept, alias.removesuffix("/")]
    return tensor


def get_tensor_aliases(tensor: Tensor) -> list[str]:
    """The aliases of a tensor; its name if there are none."""
    return getattr(tensor, "aliases", None) or [tensor.op.name]


def gather_tensors_aliases(tensors: Sequence[Any]) -> list[str]:
    """The aliases of all tensors."""
    return [alias for tensor in tensors for alias in get_tensor_aliases(tensor)]


def convert_collection_to_dict(
    collection: str, clear_collection: bool = False
) -> dict[str, Any]:
    """The tensors of a collection by their aliases, in order.

    Args:
      collection: its name.
      clear_collection: whether it is empty afterwards.
    """
    graph = context.get_default_graph()
    tensors = graph.get_collection(collection)
    if clear_collection:
        graph.clear_collection(collection)
    return {alias: t for t in tensors for alias in get_tensor_aliases(t)}


def _sizes(shape: ShapeLike) -> Any:
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def _size(shape: ShapeLike, axis: int, min_rank: int) -> Any:
    """The size of an axis.

    Raises:
      ValueError: the shape has no known rank, or too small a one, or not this size.
    """
    known = _sizes(shape)
    if known.ndims is None:
        raise ValueError("dims of shape must be known but is None")
    if known.ndims < min_rank:
        raise ValueError(
            f"rank of shape must be at least {min_rank} not: {known.ndims}"
        )
    size = known.dims[axis].value
    if size is None:
        raise ValueError("last dimension shape must be known but is None")
    return size


def channel_dimension(shape: ShapeLike, data_format: str, min_rank: int = 1) -> Any:
    """How many channels a shape has, in a data format."""
    return _size(shape, 1 if data_format.startswith("NC") else -1, min_rank)


def last_dimension(shape: ShapeLike, min_rank: int = 1) -> Any:
    """The last size of a shape; it must be known."""
    return _size(shape, -1, min_rank)


def two_element_tuple(int_or_tuple: object) -> tuple[Any, Any]:
    """Two numbers: a number twice, or those of a list, tuple or shape.

    Raises:
      ValueError: it is nothing of these.
    """
    if isinstance(int_or_tuple, (list, tuple)):
        if len(int_or_tuple) != 2:
            raise ValueError(f"Must be a list with 2 elements: {int_or_tuple}")
        return int(int_or_tuple[0]), int(int_or_tuple[1])
    if isinstance(int_or_tuple, (int, Dimension)):
        return int(int_or_tuple), int(int_or_tuple)
    if isinstance(int_or_tuple, TensorShape) and len(int_or_tuple) == 2:
        first, second = int_or_tuple.as_list()
        return first, second
    raise ValueError(
        "Must be an int, a list with 2 elements or a TensorShape of length 2"
    )


def channels_of(data_format: str | None) -> str:
    """What `tf.layers` calls a data format."""
    first = bool(data_format) and str(data_format).startswith("NC")
    return "channels_first" if first else "channels_last"


def check_data_format(data_format: str, *known: str) -> None:
    """Refuse an unknown data format, by default all but those of images.

    Raises:
      ValueError: it is unknown.
    """
    first, last = known or ("NCHW", "NHWC")
    if data_format not in (first, last):
        raise ValueError(f"data_format has to be either {first} or {last}.")


def as_tensor(inputs: TensorLike) -> Tensor:
    """The inputs as a tensor."""
    return convert_to_tensor(inputs)
