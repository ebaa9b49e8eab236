"""What streaming metrics are made of: local variables, weights, collections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from retrograd.distribute.current import get_replica_context, get_strategy
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.names import GraphKeys
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.shape import expand_dims, rank, shape, squeeze
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.math.confusion import remove_squeezable_dimensions
from retrograd.ops.math.elementwise import div_no_nan
from retrograd.variables.options import VariableAggregation, VariableSynchronization
from retrograd.variables.variable import VariableV1

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, ShapeLike, TensorLike
    from retrograd.variables.variable import Variable

#: collections that a result is put into
Collections: TypeAlias = Sequence[str] | str | None
#: the value so far, and the operation that updates it and gives the new one
Streaming: TypeAlias = tuple[Any, Any]


def metric_variable(
    shape: ShapeLike,
    dtype: DTypeLike,
    validate_shape: bool = True,
    name: str | None = None,
) -> Variable:
    """A local variable of zeros, in LOCAL_VARIABLES and METRIC_VARIABLES."""
    return VariableV1(
        initial_value=lambda: zeros(shape, dtype),  # pyright: ignore[reportArgumentType]
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES],
        validate_shape=validate_shape,
        synchronization=VariableSynchronization.ON_READ,
        aggregation=VariableAggregation.SUM,
        name=name,
    )


def only_in_graphs(name: str) -> None:
    """Raise RuntimeError in eager mode."""
    if context.executing_eagerly():
        raise RuntimeError(
            f"tf.metrics.{name} is not supported when eager execution is enabled."
        )


def fitted(
    predictions: TensorLike, labels: TensorLike | None, weights: TensorLike | None
) -> tuple[Tensor, Any, Any]:
    """Tensors of one rank: a last dimension of one is taken off, or put on weights."""
    p = convert_to_tensor(predictions)
    y: Any = labels
    if labels is not None:
        y, p = remove_squeezable_dimensions(labels, p)
        p.shape.assert_is_compatible_with(y.shape)
    if weights is None:
        return p, y, None
    return p, y, _with_rank_of(convert_to_tensor(weights), p)


def squeeze_or_expand_dimensions(
    y_pred: TensorLike,
    y_true: TensorLike | None = None,
    sample_weight: TensorLike | None = None,
) -> tuple[Any, ...]:
    """Predictions, labels and, if there are some, weights, of one rank as far as known.

    As `fitted`, which also requires labels and predictions of one shape.
    """
    given = convert_to_tensor(y_pred)
    p, y = given, None
    if y_true is not None:
        y, p = _of_one_rank(convert_to_tensor(y_true), given)
    if sample_weight is None:
        return p, y
    # of the rank that predictions came with, as in TensorFlow
    return p, y, _with_rank_of(convert_to_tensor(sample_weight), given)


def _of_one_rank(y: Tensor, p: Tensor) -> tuple[Any, Any]:
    """Labels and predictions without a last dimension of one that only one of them has.

    Predictions of classes are left alone: their labels have a dimension less.
    """
    ranks = y.shape.ndims, p.shape.ndims
    if ranks[0] is not None and ranks[1] is not None:
        last = (p.shape.as_list() or [None])[-1]
        if ranks[1] - ranks[0] == 1 and last not in (1, None):
            return y, p
        return remove_squeezable_dimensions(y, p)
    more, last = rank(p) - rank(y), shape(p)[-1]
    of_classes = F.LogicalAnd(F.Equal(more, 1), F.NotEqual(last, 1))
    return cond(of_classes, lambda: (y, p), lambda: remove_squeezable_dimensions(y, p))


def _with_rank_of(weights: Tensor, values: Tensor) -> Tensor:
    given, wanted = weights.shape.ndims, values.shape.ndims
    if given == 0:
        return weights
    if given is not None and wanted is not None:
        if given - wanted == 1:
            return squeeze(weights, [-1])
        return expand_dims(weights, [-1]) if wanted - given == 1 else weights
    own = rank(weights)
    more = own - rank(values)

    def longer() -> Tensor:
        return cond(
            F.Equal(more, -1), lambda: expand_dims(weights, [-1]), lambda: weights
        )

    def shorter() -> Tensor:
        last = None if given is None else weights.shape.as_list()[-1]
        return squeeze(weights, [-1]) if last in (None, 1) else weights

    return cond(
        F.Equal(own, 0),
        lambda: weights,
        lambda: cond(F.Equal(more, 1), shorter, longer),
    )


def value_of(
    collections: Collections, function: Callable[..., Any], *args: Any
) -> Tensor:
    """`function` of the variables of all replicas, put into collections."""

    def merged(distribution: Any, *variables: Any) -> Any:
        del distribution
        with control_dependencies(None):
            value = function(*variables)
        keep(value, collections)
        return value

    return get_replica_context().merge_call(merged, args=args)


def ratio(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y; 0 where y is 0 or less."""
    return div_no_nan(x, F.Maximum(y, 0), name=name)


def read(variable: Any) -> Any:
    """A variable's value over all replicas."""
    return get_strategy().extended.read_var(variable)


def keep(value: Any, collections: Collections) -> None:
    """Put a result into collections."""
    if collections:
        context.get_default_graph().add_to_collections(collections, value)


def kept_update(update: Any, collections: Collections) -> Any:
    """An update, put into collections."""
    keep(update, collections)
    return update
