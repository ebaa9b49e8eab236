"""The base class of optimizers: gradients of a loss, and their application."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.distribute import current
from retrograd.distribute.reduce_op import ReduceOp
from retrograd.distribute.strategy import get_loss_reduction
from retrograd.distribute.values import container_of
from retrograd.errors import message
from retrograd.grad.api import gradients
from retrograd.graph import context, defaults, dispatch
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.names import GraphKeys
from retrograd.graph.tensor import Tensor
from retrograd.ops.flow import control
from retrograd.train import slot_creator
from retrograd.train.operands import (
    _deduplicate_indexed_slices,
    _var_key,
    as_gradient,
    assert_dtypes,
    collected_as_train_op,
    count_up,
    has_no_op,
    is_handle,
    target,
)
from retrograd.util.tracking import Restorable, Trackable, TrackableReference
from retrograd.variables.collections import trainable_variables
from retrograd.variables.updates import assign_add
from retrograd.variables.variable import VariableV1, is_resource_variable

if TYPE_CHECKING:
    from retrograd.distribute.strategy import Strategy
    from retrograd.graph.graph import Graph
    from retrograd.shapes import TensorShape
    from retrograd.typing import (
        CompositeLike,
        DTypeLike,
        Hyperparameter,
        InitializerLike,
        Structure,
        TensorLike,
        VariableLike,
    )
    from retrograd.variables.resource import BaseResourceVariable
    from retrograd.variables.variable import Variable

_FLOATS = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64)


class Optimizer(Trackable):
    """What all optimizers share; a subclass says how one variable is updated.

    `minimize(loss)` is `compute_gradients(loss)` followed by `apply_gradients`; a
    program that changes the gradients in between calls the two itself. A subclass
    defines `_apply_dense` and `_resource_apply_dense`, for gradients of some rows
    `_apply_sparse` and `_resource_apply_sparse`, and, as it needs them,
    `_create_slots`, `_prepare` and `_finish`.

    Args:
      use_locking: an attribute of the update ops; updates never overlap in any case.
      name: the name scope of the updates.

    Raises:
      ValueError: there is no name.
    """

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, use_locking: bool, name: str) -> None:
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        #: slot name → key of a variable → its slot
        self._slots: dict[str, dict[Any, Any]] = {}
        #: (name, graph) → a variable that belongs to no other
        self._non_slot_dict: dict[tuple[str, Any], Any] = {}
        #: (slot name, key of a variable) → what a checkpoint has for that slot
        self._deferred_slots: dict[tuple[str, Any], list[Restorable]] = {}

    def get_name(self) -> str:
        """The name given."""
        return self._name

    # ------------------------------------------------------------------ minimizing

    def minimize(
        self,
        loss: TensorLike | Callable[[], TensorLike],
        global_step: VariableLike | None = None,
        var_list: Structure = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: TensorLike | None = None,
    ) -> Any:
        """An operation that takes one step to a smaller `loss`.

        Args:
          loss: a tensor; executing eagerly, a function that returns one.
          global_step: a variable to count up after the step.
          var_list: the variables to change, by default the trainable ones.
          gate_gradients, aggregation_method, colocate_gradients_with_ops, grad_loss:
            see `compute_gradients`.
          name: the name of the operation.

        Raises:
          ValueError: the loss depends on none of the variables.
        """
        pairs = self.compute_gradients(
            loss,
            var_list=var_list,
            gate_gradients=gate_gradients,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
            grad_loss=grad_loss,
        )
        if all(gradient is None for gradient, _ in pairs):
            raise ValueError(
                message(
                    "No gradients provided for any variable, check your graph for ops "
                    "that do not support gradients, between variables "
                    f"{[str(v) for _, v in pairs]} and loss {loss}.",
                    fix="make the loss depend on a variable by differentiable "
                    "operations, or pass var_list",
                )
            )
        return self.apply_gradients(pairs, global_step=global_step, name=name)

    def compute_gradients(
        self,
        loss: TensorLike | Callable[[], TensorLike],
        var_list: Structure = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: TensorLike | None = None,
    ) -> list[tuple[Any, Any]]:
        """Pairs of a gradient (a tensor, IndexedSlices or None) and its variable.

        Args:
          loss: a tensor, or a function without arguments that returns one.
          var_list: the variables, by default the trainable ones.
          gate_gradients: with GATE_GRAPH no gradient is used before all are computed.
          aggregation_method: see `AggregationMethod`.
          colocate_gradients_with_ops: whether to ask for the device of the forward op.
          grad_loss: the derivative of what is minimized with respect to `loss`.

        Raises:
          RuntimeError: executing eagerly, and `loss` is no function.
          ValueError: there are no variables, or a dtype that is not supported.
        """
        if callable(loss):
            return self._taped(loss, var_list, grad_loss)
        if context.executing_eagerly():
            raise RuntimeError(
                "`loss` passed to Optimizer.compute_gradients should be a function "
                "when eager execution is enabled."
            )
        gates = (Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH)
        if gate_gradients not in gates:
            raise ValueError(
                "gate_gradients must be one of: Optimizer.GATE_NONE, "
                f"Optimizer.GATE_OP, Optimizer.GATE_GRAPH.  Not {gate_gradients}"
            )
        loss = self._scale_loss(loss)
        self._assert_valid_dtypes([loss] if grad_loss is None else [loss, grad_loss])
        if var_list is None:
            var_list = trainable_variables() + defaults.get_collection(
                GraphKeys.TRAINABLE_RESOURCE_VARIABLES
            )
        else:
            var_list = nest.flatten(var_list)
        var_list += defaults.get_collection(GraphKeys._STREAMING_MODEL_PORTS)
        targets = [target(v) for v in var_list]
        if not targets:
            raise ValueError("No variables to optimize.")
        found = gradients(
            loss,
            targets,
            grad_ys=grad_loss,
            gate_gradients=gate_gradients == Optimizer.GATE_OP,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )
        if gate_gradients == Optimizer.GATE_GRAPH:
            found = control.tuple(found)
        pairs = list(zip(found, var_list, strict=True))
        self._assert_valid_dtypes(
            v for g, v in pairs if g is not None and v.dtype != dtypes.resource
        )
        return pairs

    def _taped(
        self,
        loss: Callable[[], TensorLike],
        var_list: Structure,
        grad_loss: TensorLike | None,
    ) -> list[Any]:
        """Gradients of what a function returns, with a tape."""
        from retrograd.grad.tape import GradientTape

        with GradientTape() as tape:
            if var_list is not None:
                tape.watch(var_list)
            value = self._scale_loss(loss())
        if var_list is None:
            var_list = tape.watched_variables()
        with defaults.control_dependencies([value]):
            found = tape.gradient(value, var_list, grad_loss)
        return list(zip(found, var_list, strict=True))

    def _scale_loss(self, loss: TensorLike) -> Any:
        """A loss that is a mean over one replica's examples, as its part of the mean.

        Gradients of replicas are summed. See `get_loss_reduction`.
        """
        graph = context.get_default_graph()
        graph._is_loss_scaled_by_optimizer = False
        if get_loss_reduction() != ReduceOp.MEAN:
            return loss
        replicas = current.get_strategy().num_replicas_in_sync
        if replicas < 2:
            return loss
        graph._is_loss_scaled_by_optimizer = True
        return loss * (1.0 / replicas)

    # ------------------------------------------------------------------ applying

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: VariableLike | None = None,
        name: str | None = None,
    ) -> Any:
        """An operation that updates variables by their gradients.

        A replica of a strategy waits for the others; all copies of the variables are
        updated by the sum of the gradients.

        Args:
          grads_and_vars: what `compute_gradients` returns.
          global_step: a variable to count up afterwards.
          name: the name of the operation, by default that of the optimizer.

        Raises:
          RuntimeError: for all replicas of a strategy at once.
          TypeError: a gradient is no tensor.
          ValueError: there are no variables, or all gradients are None.
        """
        if current.has_strategy():
            return self._apply_with_others(grads_and_vars, global_step, name)
        pairs = [(None if g is None else as_gradient(g), v) for g, v in grads_and_vars]
        if not pairs:
            raise ValueError("No variables provided.")
        updated = [(g, v) for g, v in pairs if g is not None]
        if not updated:
            raise ValueError(
                f"No gradients provided for any variable: {[str(v) for _, v in pairs]}."
            )
        with context.init_scope():
            self._create_slots([v for _, v in updated])
        with dispatch.name_scope(name, self._name) as scope:
            self._prepare()
            updates = [self._update_in_scope(g, v) for g, v in updated]
            if global_step is None:
                done = self._finish(updates, scope)
            else:
                with defaults.control_dependencies([self._finish(updates, "update")]):
                    done = count_up(global_step, scope)
        return collected_as_train_op(done)

    def _apply_with_others(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: VariableLike | None,
        name: str | None,
    ) -> Any:
        """`apply_gradients` for one replica of a strategy."""
        replica = current.get_replica_context()
        if replica is None:
            raise RuntimeError(
                "Use `_distributed_apply()` instead of `apply_gradients()` in a "
                "cross-replica context."
            )
        # the replicas must agree about the variables; those whose gradient is None
        # may be another replica's copies
        pairs = [(g, v) for g, v in grads_and_vars if g is not None]
        return replica.merge_call(self._distributed_apply, (pairs, global_step, name))

    def _distributed_apply(
        self,
        distribution: Strategy,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: VariableLike | None = None,
        name: str | None = None,
    ) -> Any:
        """Update all copies of variables by the sum of the gradients of all replicas.

        Args:
          distribution: the strategy, in cross-replica context.
          grads_and_vars: pairs of a gradient, with a value for each replica, and a
            variable.
          global_step: a variable to count up afterwards, or None.
          name: the name of the operation, by default that of the optimizer.
        """
        extended = distribution.extended
        pairs = list(grads_and_vars)
        reduced = extended.batch_reduce_to(ReduceOp.SUM, pairs)
        variables = [v for _, v in pairs]
        with context.init_scope():
            self._create_slots(variables)
        with dispatch.name_scope(name, self.get_name()) as scope:
            self._prepare()
            updates = [
                done
                for grad, variable in zip(reduced, variables, strict=True)
                for done in extended.update(
                    variable, self._update_copy, args=(grad,), group=False
                )
            ]
            finished = extended.update_non_slot(
                extended.non_slot_devices(variables),
                lambda: self._finish(updates, "update"),
                group=False,
            )
            return collected_as_train_op(
                _counted(distribution, finished, global_step, scope)
            )

    def _update_copy(self, var: Variable, grad: CompositeLike) -> Any:
        """Update the copy of a variable that one device has."""
        grad = as_gradient(grad)
        label = var.name.partition(":")[0] if has_no_op(var) else var.op.name
        with dispatch.name_scope("update_" + label):
            return self._updated(grad, var)

    def _update_in_scope(self, grad: Tensor | IndexedSlices, var: Variable) -> Any:
        """Update one variable, in a name scope and on a device of its own."""
        label = "" if has_no_op(var) else var.op.name
        with dispatch.name_scope("update_" + label), defaults.colocate_with(var):
            return self._updated(grad, var)

    def _updated(self, grad: Any, var: Variable) -> Any:
        """Update one variable, and make it keep to its constraint."""
        update = self._applied(grad, var)
        if var.constraint is None:
            return update
        with defaults.control_dependencies([update]):
            return var.assign(var.constraint(var))

    def _applied(self, grad: Tensor | IndexedSlices, var: Any) -> Any:
        handle = is_handle(var)
        if isinstance(var, Tensor):
            raise NotImplementedError("Trying to update a Tensor ", var)
        if not isinstance(grad, IndexedSlices):
            apply = self._resource_apply_dense if handle else self._apply_dense
            return apply(grad, var)
        if var.constraint is not None:
            raise RuntimeError("Cannot use a constraint function on a sparse variable.")
        if not handle:
            return self._apply_sparse_duplicate_indices(grad, var)
        return self._resource_apply_sparse_duplicate_indices(
            grad.values, var, grad.indices
        )

    # ------------------------------------------------------------------ slots

    def get_slot(self, var: Variable, name: str) -> Any:
        """The slot `name` of a variable; None if there is none.

        Of a variable with copies on several devices, the copy of the slot where `var`
        is.
        """
        found = self._slots.get(name, {}).get(_var_key(var))
        if found is None or container_of(var) is None:
            return found
        return found.get(var.device)

    def get_slot_names(self) -> list[str]:
        """The names of the slots made so far, sorted."""
        return sorted(self._slots)

    def variables(self) -> list[Any]:
        """The slots and other variables of this optimizer in the default graph."""
        graph = context.get_default_graph()
        slots = [v for by_key in self._slots.values() for v in by_key.values()]
        found = [
            v
            for v in (*self._non_slot_variables(), *slots)
            if (
                v.op.graph is graph
                if v._in_graph_mode
                else v._graph_key == graph._graph_key
            )
        ]
        return sorted(found, key=lambda v: v.name)

    def _create_non_slot_variable(
        self, initial_value: Hyperparameter, name: str, colocate_with: Variable
    ) -> Any:
        """A variable of the optimizer that belongs to none that it trains."""
        graph = None if context.executing_eagerly() else colocate_with.graph
        found = self._non_slot_dict.get((name, graph))
        if found is None:
            strategy = current.get_strategy()
            with strategy.extended.colocate_vars_with(colocate_with):
                found = VariableV1(
                    initial_value,
                    name=name,
                    trainable=False,
                    use_resource=is_resource_variable(colocate_with),
                )
            self._non_slot_dict[name, graph] = found
            self._handle_deferred_dependencies(name, found)
        return found

    def _get_non_slot_variable(self, name: str, graph: Graph | None = None) -> Any:
        found = self._non_slot_dict.get((name, graph))
        container = container_of(found)
        return found if container is None else container.get()

    def _non_slot_variables(self) -> Iterable[Any]:
        return self._non_slot_dict.values()

    def _slot_dict(self, slot_name: str) -> dict[Any, Any]:
        """The slots of one name, by the keys of their variables."""
        return self._slots.setdefault(slot_name, {})

    def _get_or_make_slot(
        self, var: Variable, val: Tensor, slot_name: str, op_name: str
    ) -> Any:
        """A slot of `var`, made with the initial value `val` if there is none."""
        slots, key = self._slot_dict(slot_name), _var_key(var)
        if key not in slots:
            slots[key] = slot_creator.create_slot(var, val, op_name)
            self._restore_slot(slot_name, key, slots[key])
        return slots[key]

    def _get_or_make_slot_with_initializer(
        self,
        var: Variable,
        initializer: InitializerLike,
        shape: TensorShape,
        dtype: DTypeLike,
        slot_name: str,
        op_name: str,
    ) -> Any:
        """A slot of `var`, made with an initializer if there is none."""
        slots, key = self._slot_dict(slot_name), _var_key(var)
        if key not in slots:
            slots[key] = slot_creator.create_slot_with_initializer(
                var, initializer, shape, dtype, op_name
            )
            self._restore_slot(slot_name, key, slots[key])
        return slots[key]

    def _zeros_slot(self, var: Variable, slot_name: str, op_name: str) -> Any:
        """A slot of `var`, made of zeros if there is none."""
        slots, key = self._slot_dict(slot_name), _var_key(var)
        if key not in slots:
            slots[key] = slot_creator.create_zeros_slot(var, op_name)
            self._restore_slot(slot_name, key, slots[key])
        return slots[key]

    def _defer_slot(self, slot_name: str, var: Variable, position: Restorable) -> None:
        """Restore a slot of `var` as soon as it is made."""
        waiting = self._deferred_slots.setdefault((slot_name, _var_key(var)), [])
        waiting.append(position)

    def _restore_slot(self, slot_name: str, key: object, slot: Variable) -> None:
        for position in self._deferred_slots.pop((slot_name, key), ()):
            position.restore(slot)

    @property
    def _checkpoint_dependencies(self) -> list[TrackableReference]:
        """The variables of the current graph that belong to no variable of others."""
        key = context.get_default_graph()._graph_key
        found = [
            TrackableReference(name, variable)
            for (name, _), variable in self._non_slot_dict.items()
            if variable._graph_key == key
        ]
        return sorted(found, key=lambda r: r.name) + super()._checkpoint_dependencies

    # ------------------------------------------------------------------ for subclasses

    def _valid_dtypes(self) -> set[Any]:
        """The dtypes that losses, variables and gradients may have."""
        return set(_FLOATS)

    def _assert_valid_dtypes(self, tensors: Iterable[Any]) -> None:
        assert_dtypes(tensors, self._valid_dtypes())

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        """Make the slots that the variables need."""

    def _prepare(self) -> None:
        """Make the tensors that all updates share, in the scope of the step."""

    def _apply_dense(self, grad: Tensor, var: Variable) -> Any:
        """Update a reference variable by a tensor."""
        raise NotImplementedError()

    def _resource_apply_dense(self, grad: Tensor, handle: BaseResourceVariable) -> Any:
        """Update a resource variable by a tensor."""
        raise NotImplementedError()

    def _apply_sparse_duplicate_indices(
        self, grad: IndexedSlices, var: Variable
    ) -> Any:
        """Update rows of a reference variable; an index may occur more than once.

        By default rows with equal indices are summed first, for `_apply_sparse`.
        """
        values, indices = _deduplicate_indexed_slices(grad.values, grad.indices)
        return self._apply_sparse(IndexedSlices(values, indices, grad.dense_shape), var)

    def _resource_apply_sparse_duplicate_indices(
        self, grad: Tensor, handle: BaseResourceVariable, indices: Tensor
    ) -> Any:
        """Update rows of a resource variable; an index may occur more than once."""
        values, indices = _deduplicate_indexed_slices(grad, indices)
        return self._resource_apply_sparse(values, handle, indices)

    def _apply_sparse(self, grad: IndexedSlices, var: Variable) -> Any:
        """Update rows of a reference variable; the indices are distinct."""
        raise NotImplementedError()

    def _resource_apply_sparse(
        self, grad: Tensor, handle: BaseResourceVariable, indices: Tensor
    ) -> Any:
        """Update the rows `indices`, all distinct, of a resource variable."""
        raise NotImplementedError()

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        """The operation that has run when all updates have."""
        return control.group(*update_ops, name=name_scope)

    def _call_if_callable(self, param: Hyperparameter) -> Any:
        """A hyperparameter; one that is a function is called."""
        return param() if callable(param) else param


def _counted(
    strategy: Strategy,
    finished: Sequence[Any],
    global_step: VariableLike | None,
    name: str,
) -> Any:
    """What runs the step of all replicas, and counts it."""
    if global_step is None:
        return strategy.group(finished, name=name)
    with defaults.control_dependencies(finished):
        return strategy.extended.update(
            global_step, assign_add, args=(1,), kwargs={"name": name}
        )
