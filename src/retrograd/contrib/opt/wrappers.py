"""Optimizers of `tf.contrib.opt` around another one."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.defaults import colocate_with, control_dependencies
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.gather import gather
from retrograd.ops.array.shape import reshape
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.control import group, no_op
from retrograd.ops.math.casts import cast
from retrograd.ops.math.clip import clip_by_global_norm, clip_by_norm
from retrograd.ops.math.reduce import count_nonzero
from retrograd.platform import logs
from retrograd.summary import summary
from retrograd.train import training_util
from retrograd.train.moving_averages import ExponentialMovingAverage
from retrograd.train.operands import _var_key
from retrograd.train.optimizer import Optimizer
from retrograd.train.saveable import op_list_to_dict
from retrograd.train.saver import Saver
from retrograd.variables.collections import global_variables
from retrograd.variables.initializers import Zeros
from retrograd.variables.scope import get_variable
from retrograd.variables.updates import assign_add, scatter_sub

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Structure, TensorLike, VariableLike
    from retrograd.variables.variable import Variable

Pairs = Iterable[tuple[Any, Any]]


class MovingAverageOptimizer(Optimizer):
    """An optimizer after whose steps moving averages of the variables are updated.

    Args:
      opt: the optimizer.
      average_decay: of the averages.
      num_updates: a count, for averages that follow faster at first.
      sequential_update: whether the averages wait for the step.

    Example:
      step = optimizer.minimize(loss)
      saver = optimizer.swapping_saver()  # saves averages in place of variables
    """

    def __init__(
        self,
        opt: Optimizer,
        average_decay: float = 0.9999,
        num_updates: TensorLike | None = None,
        sequential_update: bool = True,
    ) -> None:
        self._optimizer: Any = opt
        self._ema = ExponentialMovingAverage(average_decay, num_updates=num_updates)
        self._swapped_variable_name_map: dict[str, str] | None = None
        self._sequential_update = sequential_update

    def compute_gradients(self, *args: object, **kwargs: object) -> list[Any]:
        """As of the optimizer."""
        return self._optimizer.compute_gradients(*args, **kwargs)

    def apply_gradients(
        self,
        grads_and_vars: Pairs,
        global_step: VariableLike | None = None,
        name: str | None = None,
    ) -> Any:
        """A step of the optimizer, and the update of the averages."""
        pairs = list(grads_and_vars)
        train_op = self._optimizer.apply_gradients(pairs, global_step, name)
        variables = [v for grad, v in pairs if grad is not None]
        before = [train_op] if self._sequential_update else []
        with control_dependencies(before):
            averaged = self._ema.apply(variables)
        self._swapped_variable_name_map = {}
        for v in variables:
            average: Any = self._ema.average(v)
            self._swapped_variable_name_map[v.op.name] = average.op.name
            self._swapped_variable_name_map[average.op.name] = v.op.name
        return group(train_op, averaged, name="train_with_avg")

    def _find_swapped_variable(
        self, v_name_to_tensor: Mapping[str, Any], v_name: str, tensor: Any
    ) -> Any:
        """The average of a variable, or the variable of an average; else what is given.

        Raises:
          ValueError: it is not among those that are saved.
        """
        swapped = (self._swapped_variable_name_map or {}).get(tensor.op.name)
        if swapped is None:
            return tensor
        if swapped not in v_name_to_tensor:
            raise ValueError(
                f"Variable to swap {v_name} is not part of variables to save. This "
                "breaks MovingAverageOptimizer."
            )
        return v_name_to_tensor[swapped]

    def swapping_saver(
        self, var_list: Structure = None, name: str = "swapping_saver", **kwargs: Any
    ) -> Saver:
        """A saver that saves averages by the names of variables, and the reverse.

        Args:
          var_list: what is saved; by default all variables.
          name: the name scope.
          **kwargs: for the saver.

        Raises:
          RuntimeError: no step has been made yet.
        """
        if self._swapped_variable_name_map is None:
            raise RuntimeError(
                "Must call apply_gradients or minimize before creating the "
                "swapping_saver"
            )
        if var_list is None:
            var_list = global_variables()
        if not isinstance(var_list, dict):
            var_list = op_list_to_dict(var_list)
        by_name = {v.op.name: v for v in var_list.values() if not isinstance(v, list)}
        swapped = {
            key: tensor
            if isinstance(tensor, list)
            else self._find_swapped_variable(by_name, key, tensor)
            for key, tensor in var_list.items()
        }
        return Saver(swapped, name=name, **kwargs)


class VariableClippingOptimizer(Optimizer):
    """An optimizer after whose steps variables are scaled down to a norm.

    Args:
      opt: the optimizer.
      vars_to_clip_dims: for variables the axes that the norm sums over.
      max_norm: the largest norm.
      use_locking: an attribute of the updates.
      colocate_clip_ops_with_vars: whether clipping is on the variables' devices.
      name: the name scope.
    """

    def __init__(
        self,
        opt: Optimizer,
        vars_to_clip_dims: Mapping[Any, Sequence[int]],
        max_norm: float,
        use_locking: bool = False,
        colocate_clip_ops_with_vars: bool = False,
        name: str = "VariableClipping",
    ) -> None:
        super().__init__(use_locking, name)
        self._opt: Any = opt
        self._dims = {_var_key(v): list(d) for v, d in vars_to_clip_dims.items()}
        self._max_norm = max_norm
        self._colocate_clip_ops_with_vars = colocate_clip_ops_with_vars

    def compute_gradients(self, *args: object, **kwargs: object) -> list[Any]:
        """As of the optimizer."""
        return self._opt.compute_gradients(*args, **kwargs)

    def get_slot(self, *args: object, **kwargs: object) -> Any:
        """As of the optimizer."""
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: object, **kwargs: object) -> list[str]:
        """As of the optimizer."""
        return self._opt.get_slot_names(*args, **kwargs)

    def apply_gradients(
        self,
        grads_and_vars: Pairs,
        global_step: VariableLike | None = None,
        name: str | None = None,
    ) -> Any:
        """A step of the optimizer, and clipping."""
        pairs = list(grads_and_vars)
        with name_scope(name, self._name) as scope:
            step = self._opt.apply_gradients(pairs, global_step=global_step)
            clipped = []
            with control_dependencies([step]):
                for grad, var in pairs:
                    if grad is None or _var_key(var) not in self._dims:
                        continue
                    with name_scope("clip_" + var.op.name):
                        clipped.append(self._clip(grad, var))
                with control_dependencies([*clipped, step]):
                    return group(*clipped, name=scope)

    def _clip(self, grad: Tensor | IndexedSlices, var: Variable) -> Any:
        dims = self._dims[_var_key(var)]
        if not isinstance(grad, IndexedSlices):
            return self._clip_dense(var)
        if 0 in dims:
            logs.warning(
                "Clipping norm across dims %s for %s is inefficient when including "
                "sparse dimension 0.",
                dims,
                var.op.name,
            )
            return self._clip_dense(var)
        return self._clip_sparse(grad, var)

    def _clip_dense(self, var: Variable) -> Any:
        value = self._on(var, var.read_value)
        normed = clip_by_norm(value, self._max_norm, self._dims[_var_key(var)])
        return var.assign_sub(value - normed, use_locking=self._use_locking)

    def _clip_sparse(self, grad: IndexedSlices, var: Variable) -> Any:
        """Clip the rows that have a gradient."""
        rows = self._on(var, lambda: gather(var, grad.indices))
        normed = clip_by_norm(rows, self._max_norm, self._dims[_var_key(var)])
        lock = self._use_locking
        return scatter_sub(var, grad.indices, rows - normed, use_locking=lock)

    def _on(self, var: Variable, make: Callable[[], Any]) -> Any:
        if not self._colocate_clip_ops_with_vars:
            return make()
        with colocate_with(var):
            return make()


class DropStaleGradientOptimizer(Optimizer):
    """An optimizer that drops gradients which other workers' steps have overtaken.

    Args:
      opt: the optimizer.
      staleness: by how many steps at most a gradient may be late.
      use_locking: an attribute of the updates.
      name: the name scope.
    """

    def __init__(
        self,
        opt: Optimizer,
        staleness: int,
        use_locking: bool = False,
        name: str = "DropStaleGradient",
    ) -> None:
        super().__init__(use_locking, name)
        self._opt: Any = opt
        self._staleness = staleness
        self._local_step: Any = None

    def compute_gradients(
        self, loss: Any, *args: object, **kwargs: object
    ) -> list[Any]:
        """As of the optimizer, after the count of steps was read."""
        with colocate_with(loss):
            step: Any = training_util.get_global_step()
            self._local_step = step + 0
        with control_dependencies([self._local_step]):
            loss = F.Identity(loss)
            return self._opt.compute_gradients(loss, *args, **kwargs)

    def get_slot(self, *args: object, **kwargs: object) -> Any:
        """As of the optimizer."""
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: object, **kwargs: object) -> list[str]:
        """As of the optimizer."""
        return self._opt.get_slot_names(*args, **kwargs)

    def apply_gradients(
        self,
        grads_and_vars: Pairs,
        global_step: Any = None,
        name: str | None = None,
    ) -> Any:
        """A step of the optimizer unless the gradients are late.

        Returns:
          How many were late so far.
        """
        pairs = list(grads_and_vars)
        with colocate_with(global_step):
            counter = get_variable(
                "stale_counter", [], initializer=Zeros(), trainable=False
            )

        def accept() -> Any:
            with control_dependencies(
                [self._opt.apply_gradients(pairs, global_step, name)]
            ):
                return F.Identity(0.0)

        grads = [
            grad.values if isinstance(grad, IndexedSlices) else grad
            for grad, _ in pairs
            if grad is not None
        ]
        with control_dependencies(grads), colocate_with(global_step):
            staleness = reshape(global_step - self._local_step, shape=())
        late = cond(
            F.LessEqual(staleness, self._staleness), accept, lambda: F.Identity(1.0)
        )
        counted = assign_add(counter, late)
        share = counter / cast(global_step + 1, dtypes.float32)
        summary.scalar("Gradient staleness percentage", share)
        return counted


class MultitaskOptimizerWrapper:
    """An optimizer that leaves variables, and their slots, alone for zero gradients.

    So momentum does not move the variables of tasks that are not trained.

    Args:
      opt: the optimizer, which is changed.

    Raises:
      TypeError: it is none.
    """

    def __init__(self, opt: Optimizer) -> None:
        if not isinstance(opt, Optimizer):
            raise TypeError(
                "Supplied optimizer must be an instance of tf.train.Optimizer"
            )
        self._opt: Any = opt
        for name in (
            "_apply_dense",
            "_apply_sparse",
            "_resource_apply_dense",
            "_resource_apply_sparse",
        ):
            wrapper = _unless_zero(getattr(opt, name))
            setattr(opt, name, types.MethodType(wrapper, opt))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opt, name)


def _is_all_zeros(grad: Tensor | IndexedSlices) -> Any:
    values = grad.values if isinstance(grad, IndexedSlices) else grad
    return F.Equal(count_nonzero(values), cast(0, dtypes.int64))


def _unless_zero(function: Callable[..., Any]) -> Callable[..., Any]:
    """An update that is not made where the gradient is zero."""

    def update(self: Optimizer, grad: Tensor, *args: object, **kwargs: object) -> Any:
        del self

        def call() -> Any:
            with control_dependencies([function(grad, *args, **kwargs)]):
                return no_op()

        return cond(_is_all_zeros(grad), no_op, call)

    return update


def clip_gradients_by_global_norm(
    gradients_variables: Pairs, clip_norm: float = 20.0
) -> list[tuple[Any, Any]]:
    """Gradients scaled down so that all together have at most a norm.

    Args:
      gradients_variables: the gradients with their variables.
      clip_norm: the largest norm.
    """
    grads, variables = zip(*gradients_variables, strict=True)
    clipped, _ = clip_by_global_norm(list(grads), clip_norm)
    return list(zip(clipped, variables, strict=True))
