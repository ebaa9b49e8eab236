"""Moving averages of variables and tensors."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor, is_eager_tensor
from retrograd.graph.defaults import add_to_collection, colocate_with, get_name_scope
from retrograd.graph.names import GraphKeys
from retrograd.ops.declare import F
from retrograd.ops.flow import control
from retrograd.ops.flow.effects import is_storage
from retrograd.ops.math.casts import cast
from retrograd.train import slot_creator
from retrograd.variables.collections import (
    global_variables,
    moving_average_variables,
    trainable_variables,
)
from retrograd.variables.initializers import Zeros
from retrograd.variables.scope import (
    get_variable,
    get_variable_scope,
    variable_scope,
)
from retrograd.variables.updates import assign, assign_sub
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike, VariableLike

_FLOATS = (dtypes.bfloat16, dtypes.float16, dtypes.float32, dtypes.float64)


def assign_moving_average(
    variable: Variable,
    value: Tensor,
    decay: float | Tensor,
    zero_debias: bool = True,
    name: str | None = None,
) -> Any:
    """Move `variable` towards `value`: it loses (1 − decay) (variable − value).

    An average that begins at zero is biased to zero by a factor 1 − decayᵗ after t
    updates. With `zero_debias` it is divided by this; the biased average and t are kept
    in variables of their own, `biased` and `local_step`, in a scope named after
    `variable` (Kingma & Ba 2015, section 3).

    Args:
      variable: the variable that holds the average.
      value: a tensor of its shape.
      decay: a number or a scalar tensor.
      zero_debias: whether `variable` begins at zero and the bias is taken out.
      name: the name of the operation.

    Returns:
      What has the new average.
    """
    with dispatch.name_scope(
        name, "AssignMovingAvg", [variable, value, decay]
    ) as scope:
        rest = convert_to_tensor(1.0 - decay, name="decay")
        dtype = variable.dtype.base_dtype
        if rest.dtype is not dtype:
            rest = cast(rest, dtype)
        if zero_debias:
            return _zero_debias(variable, value, rest)
        return assign_sub(variable, (variable - value) * rest, name=scope)


def _unused(name: str) -> str:
    """`name`, with a number where the variable scope has such a variable already."""
    scope = get_variable_scope()
    if scope.reuse:
        return name
    taken = {v.op.name for v in scope.global_variables()}
    found, count = name, 0
    while f"{scope.name}/{found}" in taken:
        count += 1
        found = f"{name}_{count}"
    return found


def _zero_debias(unbiased: Variable, value: Tensor, rest: Tensor) -> Any:
    """Give a variable the average of `value` without the bias of beginning at zero.

    `rest` is one minus the decay.
    """
    values = [unbiased, value, rest]
    with variable_scope(unbiased.name[: -len(":0")], values=values):
        with colocate_with(unbiased):
            biased = get_variable(
                _unused("biased"),
                initializer=Zeros(),
                shape=unbiased.get_shape(),
                dtype=unbiased.dtype,
                trainable=False,
            )
            local_step = get_variable(
                _unused("local_step"),
                shape=[],
                dtype=unbiased.dtype,
                initializer=Zeros(),
                trainable=False,
            )
    average = assign_sub(biased, (biased - value) * rest)
    count = local_step.assign_add(1)
    factor = 1 - F.Pow(1.0 - rest, count)
    return assign(unbiased, average / factor, name=get_name_scope() + "/")


def weighted_moving_average(
    value: Tensor,
    decay: float | Tensor,
    weight: Tensor,
    truediv: bool = True,
    collections: Collection[str] | None = None,
    name: str | None = None,
) -> Any:
    """The moving average of value · weight divided by that of weight.

    Args:
      value: a tensor.
      decay: a number or a scalar tensor.
      weight: a tensor that can be multiplied with `value`.
      truediv: whether to divide exactly; else as the dtypes have it.
      collections: of the two variables, by default the global variables.
      name: the name of the variable scope.
    """
    if collections is None:
        collections = [GraphKeys.GLOBAL_VARIABLES]
    with variable_scope(name, "WeightedMovingAvg", [value, weight, decay]) as scope:

        def average(label: str, like: Tensor) -> Any:
            return get_variable(
                label,
                shape=like.get_shape(),
                dtype=like.dtype,
                initializer=Zeros(),
                trainable=False,
                collections=collections,
            )

        product = average("value_x_weight", value)
        total = average("weight", weight)
        above = assign_moving_average(product, value * weight, decay, zero_debias=False)
        below = assign_moving_average(total, weight, decay, zero_debias=False)
        divide = F.RealDiv if truediv else F.Div
        return divide(above, below, name=scope.name)


class ExponentialMovingAverage:
    """Keeps moving averages of variables, which often do better than the last values.

    `apply` makes a variable for each average, which begins at the variable's initial
    value, and an operation that updates them: average ← decay · average + (1 − decay) ·
    value. `average` and `average_name` find them, for evaluation or for restoring a
    checkpoint.

    Args:
      decay: a number close to one.
      num_updates: the step; the decay is then at most (1 + step) / (10 + step).
      zero_debias: whether to take the bias out of averages of tensors, which begin at
        zero.
      name: what is added to the names of variables.
    """

    def __init__(
        self,
        decay: float | Tensor,
        num_updates: TensorLike | None = None,
        zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ) -> None:
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages: dict[Any, Any] = {}

    @property
    def name(self) -> str:
        """What is added to the names of variables."""
        return self._name

    def apply(self, var_list: Iterable[Any] | None = None) -> Any:
        """An operation that updates the averages, which are made if need be.

        Args:
          var_list: variables or tensors, by default the trainable variables.

        Raises:
          TypeError: one is not of a floating type, or an eager tensor.
        """
        chosen = trainable_variables() if var_list is None else list(var_list)
        if any(is_eager_tensor(v) for v in chosen):
            raise TypeError(
                "tf.train.ExponentialMovingAverage does not support non-Variable "
                "tensors when eager execution is enabled."
            )
        biased = set()
        for var in chosen:
            if var.dtype.base_dtype not in _FLOATS:
                raise TypeError(
                    f"The variables must be half, float, or double: {var.name}"
                )
            key = var.experimental_ref()
            if key not in self._averages:
                self._averages[key] = self._make(var)
                if self._zero_debias and not isinstance(var, Variable):
                    biased.add(key)
        with dispatch.name_scope(self.name) as scope:
            decay = self._current_decay()
            updates = [
                assign_moving_average(self._averages[key], var, decay, key in biased)
                for var in chosen
                for key in [var.experimental_ref()]
            ]
            return control.group(*updates, name=scope)

    def _make(self, var: VariableLike) -> Any:
        """A variable for the average of `var`."""
        with context.init_scope():
            if isinstance(var, Variable):
                start = var.initialized_value()
                average = slot_creator.create_slot(var, start, self.name)
                add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, var)
                return average
            return slot_creator.create_zeros_slot(
                var, self.name, colocate_with_primary=is_storage(var.op)
            )

    def _current_decay(self) -> Any:
        decay = convert_to_tensor(self._decay, name="decay")
        if self._num_updates is None:
            return decay
        step = cast(self._num_updates, dtypes.float32, name="num_updates")
        return F.Minimum(decay, (1.0 + step) / (10.0 + step))

    def average(self, var: VariableLike) -> Any:
        """The variable that holds the average of `var`; None if there is none."""
        return self._averages.get(var.experimental_ref())

    def average_name(self, var: VariableLike) -> str:
        """The name that the average of `var` has, or will have."""
        found = self.average(var)
        if found is not None:
            return found.op.name
        return context.get_default_graph().unique_name(
            f"{var.op.name}/{self.name}", mark_as_used=False
        )

    def variables_to_restore(
        self, moving_avg_variables: Iterable[Variable] | None = None
    ) -> dict[str, Any]:
        """Variables by the names to restore them from: averages where there are any.

        Args:
          moving_avg_variables: the variables to restore from their averages; by default
            those that are trainable or have one.
        """
        if moving_avg_variables is None:
            moving_avg_variables = trainable_variables() + moving_average_variables()
        averaged = dict.fromkeys(moving_avg_variables)
        names = {self.average_name(v): v for v in averaged}
        averaged_names = {v.name for v in averaged}
        for var in dict.fromkeys(global_variables()):
            if var.name not in averaged_names and var.op.name not in names:
                names[var.op.name] = var
        return names
