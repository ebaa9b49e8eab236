"""Layers of `tf.contrib.layers` that have no weights of their own, or only biases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.contrib.framework.arg_scopes import add_arg_scope
from retrograd.contrib.layers.scoping import (
    ZEROS,
    Collections,
    Function,
    Keys,
    activated,
    as_tensor,
    channels_of,
    check_data_format,
    collect_named_outputs,
    last_dimension,
    layer_scope,
    parameter,
)
from retrograd.graph.composite import SparseTensor
from retrograd.graph.dispatch import name_scope
from retrograd.layers import faces
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import linspace, ones
from retrograd.ops.array.grids import meshgrid
from retrograd.ops.array.join import concat
from retrograd.ops.array.reorder import tile
from retrograd.ops.array.selection import one_hot
from retrograd.ops.array.shape import reshape, shape, transpose
from retrograd.ops.array.slicing import strided_slice
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_max, reduce_sum
from retrograd.ops.nn import nn
from retrograd.variables.initializers import constant_initializer, ones_initializer
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import (
        DynamicShape,
        InitializerLike,
        Regularizer,
        Reuse,
        ScopeLike,
        TensorLike,
        Training,
    )


@add_arg_scope
def bias_add(
    inputs: TensorLike,
    activation_fn: Function = None,
    initializer: InitializerLike | None = ZEROS,
    regularizer: Regularizer | None = None,
    reuse: Reuse = None,
    variables_collections: Collections = None,
    outputs_collections: Keys = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: ScopeLike = None,
) -> Any:
    """Add `biases`, one for each channel.

    Args:
      inputs: of rank two or more; the number of channels must be known.
      activation_fn: applied last.
      initializer, regularizer: of `biases`.
      data_format: "NHWC", or "NCHW" for images whose channels come first.
      reuse, variables_collections, outputs_collections, trainable, scope: as for
        `fully_connected`.

    Raises:
      ValueError: an unknown data format, or an unknown rank.
    """
    check_data_format(data_format)
    with layer_scope(scope, "BiasAdd", inputs, reuse) as sc:
        inputs = as_tensor(inputs)
        rank = inputs.get_shape().ndims
        if rank is None:
            raise ValueError("Dims of shape must be known but is None")
        if rank != 4 and data_format == "NCHW":
            raise ValueError("Data format NCHW only supports 4D Tensor")
        axis = 1 if data_format == "NCHW" else -1
        width = inputs.get_shape().as_list()[axis]
        if width is None:
            raise ValueError("`C` dimension must be known but is None")
        biases = parameter(
            "biases",
            [width],
            inputs.dtype.base_dtype,
            initializer,
            regularizer,
            variables_collections,
            trainable,
        )
        outputs = nn.bias_add(inputs, biases, data_format=data_format)
        return activated(outputs, sc, activation_fn, outputs_collections)


@add_arg_scope
def dropout(
    inputs: TensorLike,
    keep_prob: float | Tensor = 0.5,
    noise_shape: DynamicShape | None = None,
    is_training: Training = True,
    outputs_collections: Keys = None,
    scope: ScopeLike = None,
    seed: int | None = None,
) -> Any:
    """Keep each element with a probability, scaled by its inverse; else zero.

    Args:
      inputs: a tensor.
      keep_prob: the probability.
      noise_shape: the shape of what is drawn.
      is_training: whether anything is dropped; a number or a tensor.
      outputs_collections: names of collections for the outputs.
      scope: the variable scope.
      seed: the operation's seed.
    """
    with layer_scope(scope, "Dropout", inputs) as sc:
        inputs = as_tensor(inputs)
        layer = faces.Dropout(
            rate=1 - keep_prob,
            noise_shape=noise_shape,
            seed=seed,
            name=sc.name,
            _scope=sc,
        )
        outputs = layer.apply(inputs, training=is_training)
        return collect_named_outputs(outputs_collections, sc.name, outputs)


@add_arg_scope
def flatten(
    inputs: TensorLike, outputs_collections: Keys = None, scope: str | None = None
) -> Any:
    """Each example of a batch as one row."""
    with name_scope(scope, "Flatten", [inputs]) as sc:
        outputs = faces.flatten(as_tensor(inputs))
        return collect_named_outputs(outputs_collections, sc, outputs)


@add_arg_scope
def one_hot_encoding(
    labels: TensorLike,
    num_classes: int,
    on_value: float = 1.0,
    off_value: float = 0.0,
    outputs_collections: Keys = None,
    scope: str | None = None,
) -> Any:
    """As `tf.one_hot`."""
    with name_scope(scope, "OneHotEncoding", [labels, num_classes]) as sc:
        labels = as_tensor(labels)
        if labels.dtype == dtypes.int32:
            labels = cast(labels, dtypes.int64)
        outputs = one_hot(labels, num_classes, on_value=on_value, off_value=off_value)
        return collect_named_outputs(outputs_collections, sc, outputs)


def _function_name(layer: Callable[..., Any], default: str) -> str:
    """The name of a function, also of one with arguments bound."""
    function = layer if hasattr(layer, "__name__") else getattr(layer, "func", None)
    return getattr(function, "__name__", default)


def repeat(
    inputs: TensorLike,
    repetitions: int,
    layer: Callable[..., Any],
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Apply the same layer repeatedly, in scopes that are numbered from 1.

    Args:
      inputs: of the first layer.
      repetitions: how often.
      layer: a function of inputs, of these arguments, and of `scope`.
      *args: for the layer.
      **kwargs: for the layer; `scope` is the scope around, and the beginning of
        those of the layers.
    """
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Repeat", [inputs]):
        outputs = as_tensor(inputs)
        scope = scope or _function_name(layer, "repeat")
        for i in range(repetitions):
            outputs = layer(outputs, *args, **kwargs, scope=f"{scope}_{i + 1}")
        return outputs


def stack(
    inputs: TensorLike,
    layer: Callable[..., Any],
    stack_args: Sequence[Any],
    **kwargs: Any,
) -> Any:
    """Apply a layer repeatedly, each time with other arguments.

    Args:
      inputs: of the first layer.
      layer: a function of inputs, of these arguments, and of `scope`.
      stack_args: for each time the argument, or a list or tuple of several.
      **kwargs: for the layer; `scope` as for `repeat`.

    Raises:
      ValueError: `stack_args` is neither a list nor a tuple.
    """
    scope = kwargs.pop("scope", None)
    if not isinstance(stack_args, (list, tuple)):
        raise ValueError("stack_args need to be a list or tuple")
    with variable_scope(scope, "Stack", [inputs]):
        outputs = as_tensor(inputs)
        scope = scope or _function_name(layer, "stack")
        for i, given in enumerate(stack_args):
            several = given if isinstance(given, (list, tuple)) else [given]
            outputs = layer(outputs, *several, **kwargs, scope=f"{scope}_{i + 1}")
        return outputs


@add_arg_scope
def unit_norm(
    inputs: Tensor, dim: int, epsilon: float = 1e-7, scope: str | None = None
) -> Any:
    """Divide by √(Σ x² + ε), the sum along an axis.

    Raises:
      ValueError: there is no such axis, or the rank is unknown.
    """
    with name_scope(scope, "UnitNorm", [inputs]):
        rank = inputs.get_shape().ndims
        if not rank:
            raise ValueError("The input rank must be known.")
        if dim < 0 or dim >= rank:
            raise ValueError("dim must be positive but smaller than the input rank.")
        lengths = F.Sqrt(epsilon + reduce_sum(F.Square(inputs), dim, True))
        multiples: list[Any] = []
        if dim > 0:
            multiples.append(ones([dim], dtypes.int32))
        multiples.append(strided_slice(shape(inputs), [dim], [dim + 1]))
        if dim < rank - 1:
            multiples.append(ones([rank - 1 - dim], dtypes.int32))
        return F.RealDiv(inputs, tile(lengths, concat(multiples, 0)), name="div")


@add_arg_scope
def softmax(logits: Tensor, scope: ScopeLike = None) -> Any:
    """The softmax of the last axis, whose size must be known."""
    with variable_scope(scope, "softmax", [logits]):
        width = last_dimension(logits.get_shape(), min_rank=2)
        found = nn.softmax(reshape(logits, [-1, width]))
        found = reshape(found, shape(logits))
        found.set_shape(logits.get_shape())
        return found


@add_arg_scope
def spatial_softmax(
    features: TensorLike,
    temperature: float | Tensor | None = None,
    name: ScopeLike = None,
    variables_collections: Collections = None,
    trainable: bool = True,
    data_format: str = "NHWC",
) -> Any:
    """Where in the image each channel is large: the mean place under its softmax.

    Args:
      features: images.
      temperature: what features are divided by, at first: the value of a variable
        `temperature`; by default 1.
      name: the variable scope.
      variables_collections: names of collections for the variable.
      trainable: whether the variable is trained.
      data_format: "NHWC" or "NCHW".

    Returns:
      The places, from −1 to 1, [batch, 2 channels].

    Raises:
      ValueError: an unknown data format, or an unknown number of channels.
    """
    with layer_scope(name, "spatial_softmax", features):
        features = as_tensor(features)
        check_data_format(data_format)
        sizes, known = shape(features), features.get_shape().as_list()
        places = (1, 2, 3) if data_format == "NHWC" else (2, 3, 1)
        static: list[Any] = known
        height, width, _ = (
            sizes[i] if static[i] is None else static[i] for i in places
        )
        channels = known[places[2]]
        if channels is None:
            raise ValueError("Channel dimension must be known.")
        softness = parameter(
            "temperature",
            (),
            dtypes.float32,
            ones_initializer()
            if temperature is None
            else constant_initializer(temperature),
            None,
            variables_collections,
            trainable,
        )
        with name_scope("spatial_softmax_op"):
            if data_format == "NHWC":
                features = transpose(features, [0, 3, 1, 2])
            return _mean_places(features, softness, height, width, channels)


def _mean_places(
    features: Tensor,
    temperature: Tensor,
    height: int | Tensor,
    width: int | Tensor,
    channels: int,
) -> Any:
    grids = meshgrid(
        linspace(-1.0, 1.0, num=height),
        linspace(-1.0, 1.0, num=width),
        indexing="ij",
    )
    flat = [reshape(grid, [height * width]) for grid in grids]
    rows = reshape(features, [-1, height * width])
    attention = nn.softmax(rows / temperature)
    means = [reduce_sum(place * attention, [1], keepdims=True) for place in flat]
    found = reshape(concat(means, 1), [-1, channels * 2])
    found.set_shape([None, channels * 2])
    return found


@add_arg_scope
def maxout(
    inputs: TensorLike, num_units: int, axis: int = -1, scope: ScopeLike = None
) -> Any:
    """The largest of each group of channels (Goodfellow et al. 2013).

    Args:
      inputs: a tensor.
      num_units: how many groups there are.
      axis: the axis of channels.
      scope: the variable scope.

    Raises:
      ValueError: the number of channels is no multiple of `num_units`.
    """
    with variable_scope(scope, "MaxOut", [inputs]):
        inputs = as_tensor(inputs)
        sizes: list[Any] = inputs.get_shape().as_list()
        width = sizes[axis]
        if width % num_units:
            raise ValueError(
                f"number of features({width}) is not a multiple of "
                f"num_units({num_units})"
            )
        sizes[axis] = num_units
        sizes = [
            shape(inputs)[i] if size is None else size for i, size in enumerate(sizes)
        ]
        return reduce_max(reshape(inputs, [*sizes, width // num_units]), -1)


def dense_to_sparse(
    tensor: TensorLike,
    eos_token: int = 0,
    outputs_collections: Keys = None,
    scope: ScopeLike = None,
) -> Any:
    """A sparse tensor of the elements that are not `eos_token`."""
    with variable_scope(scope, "dense_to_sparse", [tensor]) as sc:
        tensor = as_tensor(tensor)
        end = constant(eos_token, tensor.dtype)
        where = F.Where(F.NotEqual(tensor, end))
        values = F.GatherNd(tensor, where)
        sizes = shape(tensor, out_type=dtypes.int64)
        outputs = SparseTensor(where, values, sizes)
        return collect_named_outputs(outputs_collections, sc.name, outputs)


@add_arg_scope
def images_to_sequence(
    inputs: TensorLike,
    data_format: str = "NHWC",
    outputs_collections: Keys = None,
    scope: str | None = None,
) -> Any:
    """Images as sequences of their columns: [width, batch · height, channels].

    Raises:
      ValueError: an unknown data format.
    """
    check_data_format(data_format)
    with name_scope(scope, "ImagesToSequence", [inputs]) as sc:
        inputs = as_tensor(inputs)
        last = channels_of(data_format) == "channels_last"
        known: list[Any] = inputs.get_shape().as_list()
        sizes = shape(inputs)
        batch = sizes[0]
        height, width, depth = (1, 2, 3) if last else (2, 3, 1)
        rows, columns, channels = sizes[height], known[width], known[depth]
        turned = transpose(inputs, [width, 0, height, depth])
        columns = sizes[width] if columns is None else columns
        outputs = reshape(turned, [columns, batch * rows, channels])
        return collect_named_outputs(outputs_collections, sc, outputs)


@add_arg_scope
def sequence_to_images(
    inputs: TensorLike,
    height: int,
    output_data_format: str = "channels_last",
    outputs_collections: Keys = None,
    scope: str | None = None,
) -> Any:
    """The images whose columns are the steps of sequences.

    Args:
      inputs: [width, batch · height, channels].
      height: of the images.
      output_data_format: "channels_last" or "channels_first".
      outputs_collections: names of collections for the outputs.
      scope: the name scope.
    """
    with name_scope(scope, "SequenceToImages", [inputs]) as sc:
        inputs = as_tensor(inputs)
        known: list[Any] = inputs.get_shape().as_list()
        width, batch, depth = known
        batch = -1 if batch is None else batch // height
        outputs = reshape(inputs, [width, batch, height, depth])
        last = output_data_format == "channels_last"
        outputs = transpose(outputs, [1, 2, 0, 3] if last else [1, 3, 2, 0])
        return collect_named_outputs(outputs_collections, sc, outputs)
