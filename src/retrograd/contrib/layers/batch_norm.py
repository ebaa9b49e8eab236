"""`tf.contrib.layers.batch_norm`.

Where moving averages are updated by the collection UPDATE_OPS, the layer of `tf.layers`
does it; else, and with weights or without bias to zero, what is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd import dtypes
from retrograd.contrib.framework.arg_scopes import add_arg_scope
from retrograd.contrib.layers.normalization import ONES, offset_and_scale
from retrograd.contrib.layers.scoping import (
    ZEROS,
    Collections,
    Function,
    Keys,
    activated,
    as_tensor,
    check_data_format,
    collect_variables,
    layer_scope,
    made,
    parameter,
)
from retrograd.graph import context
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.names import GraphKeys
from retrograd.layers import faces
from retrograd.ops.array.constant import constant
from retrograd.ops.array.identity import identity
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.flow.cases import smart_cond, smart_constant_value
from retrograd.ops.nn.moments import (
    batch_normalization,
    fused_batch_norm,
    moments,
    weighted_moments,
)
from retrograd.train.moving_averages import assign_moving_average
from retrograd.variables.scope import VariableScope, get_variable_scope, variable_scope

if TYPE_CHECKING:
    from retrograd.dtypes import DType
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Reuse, ScopeLike, TensorLike, Training


class _Averages(NamedTuple):
    """The moving averages of a layer, and how they are moved."""

    mean: Any
    variance: Any
    decay: float | Tensor
    zero_debias: bool

    def move(self, mean: Tensor, variance: Tensor) -> tuple[Any, Any]:
        """Operations that move them towards the moments of a batch."""
        return (
            assign_moving_average(
                self.mean, mean, self.decay, zero_debias=self.zero_debias
            ),
            assign_moving_average(
                self.variance, variance, self.decay, zero_debias=False
            ),
        )


@add_arg_scope
def batch_norm(
    inputs: TensorLike,
    decay: float | Tensor = 0.999,
    center: bool = True,
    scale: bool = False,
    epsilon: float = 0.001,
    activation_fn: Function = None,
    param_initializers: Mapping[str, Any] | None = None,
    param_regularizers: Mapping[str, Any] | None = None,
    updates_collections: Keys = GraphKeys.UPDATE_OPS,
    is_training: Training = True,
    reuse: Reuse = None,
    variables_collections: Collections = None,
    outputs_collections: Keys = None,
    trainable: bool = True,
    batch_weights: TensorLike | None = None,
    fused: bool | None = None,
    data_format: str = "NHWC",
    zero_debias_moving_mean: bool = False,
    scope: ScopeLike = None,
    renorm: bool = False,
    renorm_clipping: Mapping[str, Any] | None = None,
    renorm_decay: float | Tensor = 0.99,
    adjustment: Function = None,
) -> Any:
    """γ (x − μ) / √(σ² + ε) + β, by channel (Ioffe and Szegedy 2015).

    In training, μ and σ² are those of the batch, and moving averages of them are kept;
    else they are the averages.

    Args:
      inputs: of rank two or more.
      decay: how much of a moving average is kept each time.
      center, scale: whether there is `beta`, and `gamma`.
      epsilon: ε.
      activation_fn: applied last.
      param_initializers: of `beta`, `gamma`, `moving_mean` and `moving_variance`, by
        these names.
      param_regularizers: of `beta` and `gamma`, by these names.
      updates_collections: where the operations that move the averages are added; if
        None, the outputs wait for them.
      is_training: whether the layer is trained; a bool or a tensor.
      reuse: whether variables that are there are used; needs a scope.
      variables_collections: names of collections for the variables, or a dictionary
        of them by the variables' names.
      outputs_collections: names of collections for the outputs.
      trainable: whether `beta` and `gamma` are trained.
      batch_weights: the weight of each example in the moments.
      fused: whether one op does all; by default where it can.
      data_format: "NHWC", or "NCHW" where channels come first.
      zero_debias_moving_mean: whether the moving mean is freed of the bias of its
        beginning at zero.
      scope: the variable scope.
      renorm, renorm_clipping, renorm_decay: see `tf.layers.batch_normalization`.
      adjustment: a function from the shape of the inputs to a scale and an offset.

    Raises:
      ValueError: options that exclude each other, an unknown data format, or an unknown
        number of channels.
    """
    given = dict(locals())
    fused = True if fused is None else fused
    inputs = given["inputs"] = as_tensor(inputs)
    rank = inputs.get_shape().ndims
    by_collection = updates_collections == GraphKeys.UPDATE_OPS
    plain = batch_weights is None and not renorm and adjustment is None
    special = zero_debias_moving_mean or rank == 2 or not by_collection
    if fused and plain and rank in (2, 4) and special:
        return _fused(**{name: given[name] for name in _COMMON})
    check_data_format(data_format)
    with layer_scope(scope, "BatchNorm", inputs, reuse) as sc:
        if batch_weights is None and by_collection and not zero_debias_moving_mean:
            return _of_layer(given, sc, fused)
        if renorm:
            raise ValueError(
                "renorm is not supported with batch_weights, updates_collections or "
                "zero_debias_moving_mean"
            )
        outputs = _by_moments(**{name: given[name] for name in (*_OWN, *_COMMON[:13])})
        return activated(outputs, sc, activation_fn, outputs_collections)


_OWN = ("batch_weights",)
_COMMON = (
    "inputs",
    "decay",
    "center",
    "scale",
    "epsilon",
    "param_initializers",
    "param_regularizers",
    "updates_collections",
    "is_training",
    "variables_collections",
    "trainable",
    "data_format",
    "zero_debias_moving_mean",
    "activation_fn",
    "reuse",
    "outputs_collections",
    "scope",
)


def _of_layer(given: dict[str, Any], sc: VariableScope, fused: bool) -> Any:
    """The outputs of the layer of `tf.layers`."""
    firsts = given["param_initializers"] or {}
    losses = given["param_regularizers"] or {}
    layer = made(
        faces.BatchNormalization,
        sc,
        given["inputs"],
        given["reuse"],
        axis=1 if given["data_format"] == "NCHW" else -1,
        momentum=given["decay"],
        epsilon=given["epsilon"],
        center=given["center"],
        scale=given["scale"],
        beta_initializer=firsts.get("beta", ZEROS),
        gamma_initializer=firsts.get("gamma", ONES),
        moving_mean_initializer=firsts.get("moving_mean", ZEROS),
        moving_variance_initializer=firsts.get("moving_variance", ONES),
        beta_regularizer=losses.get("beta"),
        gamma_regularizer=losses.get("gamma"),
        trainable=given["trainable"],
        renorm=given["renorm"],
        renorm_clipping=given["renorm_clipping"],
        renorm_momentum=given["renorm_decay"],
        adjustment=given["adjustment"],
        fused=fused and None,
    )
    outputs = layer.apply(given["inputs"], training=given["is_training"])
    names = ("moving_mean", "moving_variance", "beta", "gamma")
    collect_variables(
        layer, given["variables_collections"], *((name, name) for name in names)
    )
    return activated(outputs, sc, given["activation_fn"], given["outputs_collections"])


def _moving(
    width: int,
    dtype: DType,
    decay: float | Tensor,
    zero_debias: bool,
    initializers: Mapping[str, Any] | None,
    variables_collections: Collections,
) -> _Averages:
    """The moving averages, which are never parted."""
    with variable_scope(get_variable_scope()) as whole:
        whole.set_partitioner(None)
        mean, variance = (
            parameter(
                name,
                [width],
                dtype,
                (initializers or {}).get(name, first),
                None,
                variables_collections,
                False,
            )
            for name, first in (("moving_mean", ZEROS), ("moving_variance", ONES))
        )
    return _Averages(mean, variance, decay, zero_debias)


def _width(inputs: Tensor, data_format: str) -> int:
    sizes = inputs.get_shape()
    if sizes.ndims is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    width = sizes.as_list()[1 if data_format == "NCHW" else -1]
    if width is None:
        raise ValueError(f"Inputs {inputs.name} has undefined `C` dimension {sizes}.")
    return width


def _parameter_dtype(inputs: Tensor) -> Any:
    """That of the inputs; float32 where that is shorter."""
    dtype = inputs.dtype.base_dtype
    return dtypes.float32 if dtype in (dtypes.float16, dtypes.bfloat16) else dtype


def _collect_updates(collections: str | Sequence[str], updates: Sequence[Any]) -> None:
    graph = context.get_default_graph()
    for update in updates:
        for name in [collections] if isinstance(collections, str) else collections:
            graph.add_to_collection(name, update)


def _fused(
    inputs: Tensor,
    decay: float | Tensor,
    center: bool,
    scale: bool,
    epsilon: float,
    param_initializers: Mapping[str, Any] | None,
    param_regularizers: Mapping[str, Any] | None,
    updates_collections: Keys,
    is_training: Training,
    variables_collections: Collections,
    trainable: bool,
    data_format: str,
    zero_debias_moving_mean: bool,
    activation_fn: Function,
    reuse: Reuse,
    outputs_collections: Keys,
    scope: ScopeLike,
) -> Any:
    """The outputs of the op that does all, also for rows."""
    check_data_format(data_format)
    with variable_scope(scope, "BatchNorm", [inputs], reuse=reuse) as sc:
        original, width = inputs, _width(inputs, data_format)
        if inputs.get_shape().ndims == 2:
            last = data_format == "NHWC"
            inputs = reshape(inputs, [-1, 1, 1, width] if last else [-1, width, 1, 1])
        dtype = _parameter_dtype(inputs)
        beta, gamma = _all_parameters(
            center,
            scale,
            width,
            dtype,
            param_initializers,
            variables_collections,
            trainable,
            param_regularizers,
        )
        averages = _moving(
            width,
            dtype,
            decay,
            zero_debias_moving_mean,
            param_initializers,
            variables_collections,
        )

        def normalize(training: bool) -> Any:
            return fused_batch_norm(
                inputs,
                gamma,
                beta,
                mean=None if training else averages.mean,
                variance=None if training else averages.variance,
                epsilon=epsilon,
                is_training=training,
                data_format=data_format,
            )

        normal: Any = smart_cond(
            is_training, lambda: normalize(True), lambda: normalize(False)
        )
        outputs, mean, variance = normal
        if smart_constant_value(is_training) is not False:
            outputs = _updated(
                outputs, mean, variance, averages, is_training, updates_collections
            )
        outputs.set_shape(inputs.get_shape())
        if inputs is not original:
            outputs = reshape(outputs, shape(original))
        outputs.set_shape(original.get_shape())
        return activated(outputs, sc, activation_fn, outputs_collections)


def _all_parameters(
    center: bool, scale: bool, width: int, dtype: DType, *rest: Any
) -> tuple[Any, Any]:
    """`beta` and `gamma` of the op that does all: constants where there is none."""
    beta, _ = offset_and_scale(center, False, [width], dtype, *rest)
    if beta is None:
        beta = constant(0.0, dtype=dtype, shape=[width])
    _, gamma = offset_and_scale(False, scale, [width], dtype, *rest)
    if gamma is None:
        gamma = constant(1.0, dtype=dtype, shape=[width])
    return beta, gamma


def _updated(
    outputs: Tensor,
    mean: Tensor,
    variance: Tensor,
    averages: _Averages,
    is_training: Training,
    updates_collections: Keys,
) -> Any:
    """The outputs, after the averages have moved unless a collection has that."""
    if updates_collections is not None:
        moves: Any = smart_cond(
            is_training,
            lambda: averages.move(mean, variance),
            lambda: (averages.mean, averages.variance),
        )
        _collect_updates(updates_collections, moves)
        return outputs

    def after_moving() -> Any:
        with control_dependencies(list(averages.move(mean, variance))):
            return identity(outputs)

    return smart_cond(is_training, after_moving, lambda: outputs)


def _by_moments(
    batch_weights: TensorLike | None,
    inputs: Tensor,
    decay: float | Tensor,
    center: bool,
    scale: bool,
    epsilon: float,
    param_initializers: Mapping[str, Any] | None,
    param_regularizers: Mapping[str, Any] | None,
    updates_collections: Keys,
    is_training: Training,
    variables_collections: Collections,
    trainable: bool,
    data_format: str,
    zero_debias_moving_mean: bool,
) -> Any:
    """The outputs of several ops, for inputs of any rank."""
    width, sizes = _width(inputs, data_format), inputs.get_shape()
    rank = len(sizes)
    dtype = inputs.dtype.base_dtype
    first = data_format == "NCHW"
    if batch_weights is not None:
        batch_weights = as_tensor(batch_weights)
        sizes[0:1].assert_is_compatible_with(batch_weights.get_shape())
        batch_weights = reshape(batch_weights, [-1] + [1] * (rank - 1))
    spread = [1, width] + [1] * (rank - 2) if first else None
    beta, gamma = offset_and_scale(
        center,
        scale,
        [width],
        dtype,
        param_initializers,
        variables_collections,
        trainable,
        param_regularizers,
    )
    averages = _moving(
        width,
        dtype,
        decay,
        zero_debias_moving_mean,
        param_initializers,
        variables_collections,
    )
    mean, variance = averages.mean, averages.variance
    if smart_constant_value(is_training) is not False:
        along = [i for i in range(rank) if i != (1 if first else rank - 1)]
        found = _moments(inputs, along, batch_weights, first)
        mean, variance = _chosen(found, averages, is_training, updates_collections)
    if spread is not None:
        mean, variance = reshape(mean, spread), reshape(variance, spread)
        beta = None if beta is None else reshape(beta, spread)
        gamma = None if gamma is None else reshape(gamma, spread)
    outputs = batch_normalization(inputs, mean, variance, beta, gamma, epsilon)
    outputs.set_shape(sizes)
    return outputs


def _moments(
    inputs: Tensor, along: list[int], weights: Tensor | None, keep: bool
) -> Any:
    """The moments of a batch, as vectors."""
    if weights is None:
        mean, variance = moments(inputs, along, keep_dims=keep)
    else:
        mean, variance = weighted_moments(inputs, along, weights, keep_dims=keep)
    return (reshape(mean, [-1]), reshape(variance, [-1])) if keep else (mean, variance)


def _chosen(
    found: Sequence[Tensor],
    averages: _Averages,
    is_training: Training,
    updates_collections: Keys,
) -> Any:
    """The moments of the batch in training, else the averages, which are moved."""
    moving = averages.mean, averages.variance
    if updates_collections is None:

        def after_moving() -> Any:
            with control_dependencies(list(averages.move(*found))):
                return identity(found[0]), identity(found[1])

        return smart_cond(is_training, after_moving, lambda: moving)
    moves: Any = smart_cond(is_training, lambda: averages.move(*found), lambda: moving)
    _collect_updates(updates_collections, moves)
    return smart_cond(is_training, lambda: found, lambda: moving)
