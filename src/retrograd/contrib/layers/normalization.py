"""Layer, group and instance normalization of `tf.contrib.layers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    check_data_format,
    layer_scope,
    parameter,
)
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.declare import F
from retrograd.ops.math.reduce import reduce_mean
from retrograd.ops.nn.moments import batch_normalization, moments
from retrograd.variables.initializers import ones_initializer

if TYPE_CHECKING:
    from retrograd.dtypes import DType
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Reuse, ScopeLike, TensorLike

ONES = ones_initializer()


def offset_and_scale(
    center: bool,
    scale: bool,
    sizes: Sequence[Any],
    dtype: DType,
    initializers: Mapping[str, Any] | None,
    variables_collections: Collections,
    trainable: bool,
    regularizers: Mapping[str, Any] | None = None,
) -> tuple[Any, Any]:
    """The variables `beta` and `gamma`; None for what is not wanted."""
    initializers, regularizers = initializers or {}, regularizers or {}
    wanted = (("beta", center, ZEROS), ("gamma", scale, ONES))
    beta, gamma = (
        parameter(
            name,
            sizes,
            dtype,
            initializers.get(name, first),
            regularizers.get(name),
            variables_collections,
            trainable,
        )
        if used
        else None
        for name, used, first in wanted
    )
    return beta, gamma


@add_arg_scope
def layer_norm(
    inputs: TensorLike,
    center: bool = True,
    scale: bool = True,
    activation_fn: Function = None,
    reuse: Reuse = None,
    variables_collections: Collections = None,
    outputs_collections: Keys = None,
    trainable: bool = True,
    begin_norm_axis: int = 1,
    begin_params_axis: int = -1,
    scope: ScopeLike = None,
) -> Any:
    """γ (x − μ) / σ + β, with the moments of each example (Ba et al. 2016).

    Args:
      inputs: of rank two or more.
      center, scale: whether there is `beta`, and `gamma`.
      activation_fn: applied last.
      begin_norm_axis: the first axis that moments are taken along.
      begin_params_axis: the first axis that `beta` and `gamma` have.
      reuse, variables_collections, outputs_collections, trainable, scope: as for
        `fully_connected`.

    Raises:
      ValueError: an unknown rank, or no such axis, or an unknown size of `beta`.
    """
    with layer_scope(scope, "LayerNorm", inputs, reuse) as sc:
        inputs = as_tensor(inputs)
        sizes = inputs.get_shape()
        rank = sizes.ndims
        if rank is None:
            raise ValueError(f"Inputs {inputs.name} has undefined rank.")
        if begin_norm_axis < 0:
            begin_norm_axis += rank
        if begin_params_axis >= rank or begin_norm_axis >= rank:
            raise ValueError(
                f"begin_params_axis ({begin_params_axis}) and begin_norm_axis "
                f"({begin_norm_axis}) must be < rank(inputs) ({rank})"
            )
        wanted = sizes[begin_params_axis:]
        if not wanted.is_fully_defined():
            raise ValueError(
                f"Inputs {inputs.name}: shape(inputs)[{begin_params_axis}:] is not "
                f"fully defined: {sizes}"
            )
        beta, gamma = offset_and_scale(
            center,
            scale,
            wanted,
            inputs.dtype.base_dtype,
            None,
            variables_collections,
            trainable,
        )
        mean, variance = moments(
            inputs, list(range(begin_norm_axis, rank)), keep_dims=True
        )
        epsilon = 1e-3 if inputs.dtype.base_dtype == dtypes.float16 else 1e-12
        outputs = batch_normalization(
            inputs, mean, variance, beta, gamma, epsilon, name="batchnorm"
        )
        outputs.set_shape(sizes)
        return activated(outputs, sc, activation_fn, outputs_collections)


@add_arg_scope
def instance_norm(
    inputs: TensorLike,
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Function = None,
    param_initializers: Mapping[str, Any] | None = None,
    reuse: Reuse = None,
    variables_collections: Collections = None,
    outputs_collections: Keys = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: ScopeLike = None,
) -> Any:
    """γ (x − μ) / √(σ² + ε) + β, with the moments of each channel of each image.

    Args:
      inputs: a batch of images.
      center, scale: whether there is `beta`, and `gamma`.
      epsilon: ε.
      activation_fn: applied last.
      param_initializers: of `beta` and `gamma`, by these names.
      data_format: "NHWC" or "NCHW".
      reuse, variables_collections, outputs_collections, trainable, scope: as for
        `fully_connected`.

    Raises:
      ValueError: an unknown rank, number of channels or data format.
    """
    inputs = as_tensor(inputs)
    sizes = inputs.get_shape()
    rank = sizes.ndims
    if rank is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    check_data_format(data_format)
    with layer_scope(scope, "InstanceNorm", inputs, reuse) as sc:
        axis = 1 if data_format == "NCHW" else rank - 1
        channels = sizes.as_list()[axis]
        if channels is None:
            raise ValueError(
                f"Inputs {inputs.name} has undefined channels dimension {axis}."
            )
        beta, gamma = _broadcast_parameters(
            center,
            scale,
            channels,
            [channels if i == axis else 1 for i in range(rank)]
            if axis != rank - 1
            else None,
            inputs.dtype.base_dtype,
            param_initializers,
            variables_collections,
            trainable,
        )
        along = [i for i in range(1, rank) if i != axis]
        mean, variance = moments(inputs, along, keep_dims=True)
        outputs = batch_normalization(
            inputs, mean, variance, beta, gamma, epsilon, name="instancenorm"
        )
        outputs.set_shape(sizes)
        return activated(outputs, sc, activation_fn, outputs_collections)


def _broadcast_parameters(
    center: bool,
    scale: bool,
    channels: int,
    sizes: list[int] | None,
    dtype: DType,
    initializers: Mapping[str, Any] | None,
    variables_collections: Collections,
    trainable: bool,
) -> tuple[Any, Any]:
    """`beta` and `gamma`, each reshaped to `sizes` as soon as it is made."""

    def one(is_offset: bool) -> Any:
        both = offset_and_scale(
            center and is_offset,
            scale and not is_offset,
            [channels],
            dtype,
            initializers,
            variables_collections,
            trainable,
        )
        made = both[0] if is_offset else both[1]
        return made if made is None or sizes is None else reshape(made, sizes)

    return one(True), one(False)


@add_arg_scope
def group_norm(
    inputs: TensorLike,
    groups: int = 32,
    channels_axis: int = -1,
    reduction_axes: Sequence[int] = (-3, -2),
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Function = None,
    param_initializers: Mapping[str, Any] | None = None,
    reuse: Reuse = None,
    variables_collections: Collections = None,
    outputs_collections: Keys = None,
    trainable: bool = True,
    scope: ScopeLike = None,
    mean_close_to_zero: bool = False,
) -> Any:
    """γ (x − μ) / √(σ² + ε) + β, with the moments of groups (Wu and He 2018).

    Args:
      inputs: a batch; all sizes but the first must be known.
      groups: how many groups there are.
      channels_axis: the axis of channels.
      reduction_axes: the other axes that moments are taken along.
      center, scale: whether there is `beta`, and `gamma`.
      epsilon: ε.
      activation_fn: applied last.
      param_initializers: of `beta` and `gamma`, by these names.
      reuse, variables_collections, outputs_collections, trainable, scope: as for
        `fully_connected`.
      mean_close_to_zero: whether the variance is taken as mean square less squared
        mean, in one pass.

    Raises:
      ValueError: an unknown size, or a number of channels that `groups` does not fit.
    """
    inputs = as_tensor(inputs)
    rank = inputs.get_shape().ndims
    if rank is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    axis = channels_axis + rank if channels_axis < 0 else channels_axis
    along = [a + rank if a < 0 else a for a in reduction_axes]
    for a in along:
        if a == axis:
            raise ValueError("reduction_axes cannot contain channels_axis.")
    along = [a + 1 if a > axis else a for a in along] + [axis + 1]
    channels = _check_groups(inputs, groups, axis)
    original = shape(inputs)
    sizes: list[Any] = [
        original[i] if size is None else size
        for i, size in enumerate(inputs.get_shape().as_list())
    ]
    per_group = channels // groups
    inside = [*sizes[:axis], groups, per_group, *sizes[axis + 1 :]]
    spread = [1] * (rank + 1)
    spread[axis], spread[axis + 1] = groups, per_group
    grouped = reshape(inputs, inside)
    with layer_scope(scope, "GroupNorm", grouped, reuse) as sc:
        beta, gamma = _broadcast_parameters(
            center,
            scale,
            channels,
            spread,
            inputs.dtype.base_dtype,
            param_initializers,
            variables_collections,
            trainable,
        )
        mean, variance = _grouped_moments(grouped, along, mean_close_to_zero)
        gain = F.Rsqrt(variance + epsilon)
        offset = -mean * gain
        if gamma is not None:
            gain, offset = gain * gamma, offset * gamma
        if beta is not None:
            offset = offset + beta
        outputs = reshape(grouped * gain + offset, original)
        outputs.set_shape(inputs.get_shape())
        return activated(outputs, sc, activation_fn, outputs_collections)


def _check_groups(inputs: Tensor, groups: int, axis: int) -> int:
    """The number of channels, once all sizes but the first are known."""
    sizes = inputs.get_shape().as_list()
    for i, size in enumerate(sizes):
        if i and size is None:
            raise ValueError(f"Inputs {inputs.name} has undefined dimensions {i}.")
    channels = sizes[axis]
    if channels is None:
        raise ValueError(f"Inputs {inputs.name} has undefined channel dimension.")
    if groups > channels:
        raise ValueError(f"Invalid groups {groups} for {channels} channels.")
    if channels % groups:
        raise ValueError(
            f"{channels} channels is not commensurate with {groups} groups."
        )
    return channels


def _grouped_moments(x: Tensor, along: list[int], mean_close_to_zero: bool) -> Any:
    if not mean_close_to_zero:
        return moments(x, along, keep_dims=True)
    mean = reduce_mean(x, along, keepdims=True)
    return mean, reduce_mean(F.Square(x), along, keepdims=True) - F.Square(mean)
