"""What is computed and what is not: branches, phases, loops over elements; updates."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.grad import api
from retrograd.graph.tensor import Tensor
from retrograd.keras.backend_tensors import ndim
from retrograd.layers.phase import keras_graph, learning_phase
from retrograd.ops.array.fill import ones_like
from retrograd.ops.array.identity import identity
from retrograd.ops.array.identity import stop_gradient as stop_gradient_op
from retrograd.ops.array.join import concat
from retrograd.ops.array.reorder import tile
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.flow import higher_order
from retrograd.ops.flow.branches import cond
from retrograd.ops.host.printing import print_v2
from retrograd.ops.math.casts import cast
from retrograd.train.moving_averages import assign_moving_average
from retrograd.variables.updates import assign, assign_add, assign_sub

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrograd.typing import DTypeLike, TensorLike, Training, VariableLike

#: a value, or a function without arguments that gives it
Expression = Any


def switch(
    condition: Any, then_expression: Expression, else_expression: Expression
) -> Any:
    """One of two values, or of two elements in each place.

    Args:
      condition: a scalar, which chooses; or a tensor, which does for each element, or
        for each slice where it has fewer axes.
      then_expression: a tensor, or a function that makes it, where it is true.
      else_expression: the same where it is false; of the same shape.

    Raises:
      ValueError: the condition has more axes than the values.
    """
    if condition.dtype != dtypes.bool:
        condition = cast(condition, dtypes.bool)
    rank = ndim(condition)
    if not rank:
        return cond(
            condition, _as_function(then_expression), _as_function(else_expression)
        )
    first, second = _value(then_expression), _value(else_expression)
    wanted = ndim(first) or 0
    if rank > wanted:
        raise ValueError(
            "Rank of `condition` should be less than or equal to rank of "
            "`then_expression` and `else_expression`. "
            f"ndim(condition)={rank}, ndim(then_expression)={wanted}"
        )
    if rank > 1:
        condition = _repeated(condition, first, wanted - rank)
    return where(condition, first, second)


def _as_function(expression: Expression) -> Callable[[], Any]:
    return expression if callable(expression) else lambda: expression


def _value(expression: Expression) -> Any:
    return expression() if callable(expression) else expression


def _repeated(condition: Any, like: Any, missing: int) -> Tensor:
    """A condition in the shape of the values, along the axes that it lacks."""
    sizes: Any = concat([shape(condition), [1] * missing], axis=0)
    condition = reshape(condition, sizes)
    wanted = shape(like)
    more: Any = wanted - sizes
    return tile(condition, where(more > 0, wanted, ones_like(wanted)))


def in_train_phase(
    x: Expression, alt: Expression, training: Training | None = None
) -> Any:
    """`x` in training, else `alt`.

    Args:
      x, alt: tensors, or functions that make them.
      training: whether it is training; by default the learning phase.
    """
    if training is None:
        training = learning_phase()
    if training is True or (isinstance(training, int) and training == 1):
        return _value(x)
    if training is False or (isinstance(training, int) and training == 0):
        return _value(alt)
    return switch(training, x, alt)


def in_test_phase(
    x: Expression, alt: Expression, training: Training | None = None
) -> Any:
    """`x` in testing, else `alt`."""
    return in_train_phase(alt, x, training)


# ---------------------------------------------------------------------- loops


def map_fn(
    fn: Callable[[Any], Any],
    elems: TensorLike,
    name: str | None = None,
    dtype: DTypeLike | None = None,
) -> Any:
    """A function of each slice along the first axis."""
    return higher_order.map_fn(fn, elems, name=name, dtype=dtype)


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: TensorLike,
    initializer: TensorLike | None = None,
    name: str | None = None,
) -> Any:
    """A function of what it gave before and the next slice, first to last."""
    return higher_order.foldl(fn, elems, initializer=initializer, name=name)


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: TensorLike,
    initializer: TensorLike | None = None,
    name: str | None = None,
) -> Any:
    """A function of what it gave before and the next slice, last to first."""
    return higher_order.foldr(fn, elems, initializer=initializer, name=name)


# ---------------------------------------------------------------------- derivatives


def gradients(loss: Any, variables: Any) -> list[Any]:
    """The derivatives of a loss for variables or tensors."""
    return api.gradients(loss, variables)


def stop_gradient(variables: Any) -> Any:
    """A tensor, or a list of some, that derivatives do not pass."""
    if isinstance(variables, (list, tuple)):
        return [stop_gradient_op(x) for x in variables]
    return stop_gradient_op(variables)


# ---------------------------------------------------------------------- updates


def update(x: VariableLike, new_x: TensorLike) -> Any:
    """Give a variable a value."""
    return assign(x, new_x)


def update_add(x: VariableLike, increment: TensorLike) -> Any:
    """Add to a variable."""
    return assign_add(x, increment)


def update_sub(x: VariableLike, decrement: TensorLike) -> Any:
    """Subtract from a variable."""
    return assign_sub(x, decrement)


def moving_average_update(x: Any, value: Any, momentum: float) -> Any:
    """Move a variable that began at zero towards a value.

    Args:
      x: the variable.
      value: a tensor of its shape.
      momentum: which share of the old value stays.
    """
    return assign_moving_average(x, value, momentum, zero_debias=True)


def print_tensor(x: Any, message: str = "") -> Any:
    """`x`, whose computation prints a message and the value."""
    if isinstance(x, Tensor) and not getattr(x, "_is_eager", False):
        with keras_graph().as_default():
            printed = print_v2(message, x, output_stream=sys.stdout)
            with x.graph.control_dependencies([printed]):
                return identity(x)
    print_v2(message, x, output_stream=sys.stdout)
    return x
