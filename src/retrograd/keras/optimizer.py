"""The base of Keras' optimizers: hyperparameters and state in variables; updates."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, nest
from retrograd.distribute import current
from retrograd.distribute.reduce_op import ReduceOp
from retrograd.distribute.values import container_of
from retrograd.grad.api import gradients
from retrograd.grad.tape import GradientTape
from retrograd.graph import context, defaults
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.name_scopes import name_scope
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.keras.schedules import deserialize, serialize
from retrograd.layers import initializers
from retrograd.layers.phase import keras_graph
from retrograd.layers.values import batch_get_value, batch_set_value, track_variable
from retrograd.layers.weights import is_trainable, make_variable
from retrograd.ops.array.identity import identity
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.clip import clip_by_norm, clip_by_value
from retrograd.platform import logs
from retrograd.train.operands import _deduplicate_indexed_slices, assert_dtypes
from retrograd.train.schedules import LearningRateSchedule
from retrograd.util.functions import fn_args
from retrograd.util.tracking import Trackable
from retrograd.variables.options import VariableAggregation, VariableSynchronization
from retrograd.variables.updates import assign
from retrograd.variables.variable import Variable, VariableV1

if TYPE_CHECKING:
    from retrograd.distribute.strategy import Strategy
    from retrograd.typing import (
        Aggregation,
        DTypeLike,
        Hyperparameter,
        Structure,
        TensorLike,
    )

_FLOATS = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64)
#: values of an update for each device and dtype: what `_prepare_local` computes
State = dict[tuple[str, Any], dict[str, Any]]


class OptimizerV2(Trackable):
    """What Keras' optimizers share; a subclass says how one variable is updated.

    It sets its hyperparameters with `_set_hyper`, makes slots in `_create_slots`, and
    defines `_resource_apply_dense`, for gradients of rows `_resource_apply_sparse`, and
    `get_config`. What all updates share, it computes in `_prepare_local`.

    Args:
      name: the name scope of updates and of the optimizer's variables.
      **kwargs: `clipnorm` and `clipvalue`, the largest norm and value of a gradient;
        `decay`, how fast the learning rate falls: η / (1 + decay · step); `lr`, an
        older name of `learning_rate`.

    Raises:
      TypeError: another argument.
      ValueError: one of them is negative.
    """

    _hyper: dict[str, Any]
    clipnorm: float
    clipvalue: float

    #: what SavedModels call its kind
    _object_identifier = "optimizer"

    def __init__(self, name: str, **kwargs: Any) -> None:
        for key, value in kwargs.items():
            if key not in ("clipnorm", "clipvalue", "lr", "decay"):
                raise TypeError(
                    f"Unexpected keyword argument passed to optimizer: {key}"
                )
            if value < 0:
                raise ValueError(f"Expected {key} >= 0, received: {value}")
        self._use_locking = True
        self._name = name
        self._hyper = {}
        #: key of a variable → slot name → its slot
        self._slots: dict[Any, dict[str, Any]] = {}
        self._slot_names: list[str] = []
        self._weights: list[Any] = []
        self._iterations: Any = None
        self._initial_decay = kwargs.pop("decay", 0.0)
        for key in ("clipnorm", "clipvalue"):
            if key in kwargs:
                setattr(self, key, kwargs[key])
        self._hypers_created = False

    # ------------------------------------------------------------------ minimizing

    def minimize(
        self,
        loss: Callable[[], TensorLike],
        var_list: Structure,
        grad_loss: TensorLike | None = None,
        name: str | None = None,
    ) -> Any:
        """An operation that takes one step to a smaller `loss`.

        Args:
          loss: a function without arguments that gives the loss.
          var_list: the variables to change, or a function that gives them.
          grad_loss: the derivative of what is minimized with respect to `loss`.
          name: the name of the operation.

        Raises:
          ValueError: the loss depends on none of the variables.
        """
        pairs = self._compute_gradients(loss, var_list=var_list, grad_loss=grad_loss)
        return self.apply_gradients(pairs, name=name)

    def _compute_gradients(
        self,
        loss: Callable[[], TensorLike],
        var_list: Structure,
        grad_loss: TensorLike | None = None,
    ) -> list[tuple[Any, Any]]:
        """Pairs of a gradient of `loss` and its variable."""
        with GradientTape() as tape:
            if not callable(var_list):
                tape.watch(var_list)
            value = loss()
            if callable(var_list):
                var_list = var_list()
        variables = nest.flatten(var_list)
        with name_scope(f"{self._name}/gradients"):
            found = self._clipped(tape.gradient(value, variables, grad_loss))
        pairs = list(zip(found, variables, strict=True))
        self._assert_valid_dtypes(
            [v for g, v in pairs if g is not None and v.dtype != dtypes.resource]
        )
        return pairs

    def _clipped(self, grads: Sequence[Any]) -> list[Any]:
        found = list(grads)
        if hasattr(self, "clipnorm"):
            found = [g if g is None else clip_by_norm(g, self.clipnorm) for g in found]
        if hasattr(self, "clipvalue"):
            limit = self.clipvalue
            found = [g if g is None else clip_by_value(g, -limit, limit) for g in found]
        return found

    def get_gradients(self, loss: Tensor, params: Structure) -> list[Any]:
        """Gradients of a loss in a graph.

        Args:
          loss: the loss.
          params: the variables.

        Raises:
          ValueError: it does not depend on one of them.
        """
        variables = nest.flatten(params)
        with keras_graph().as_default(), name_scope(f"{self._name}/gradients"):
            found = gradients(loss, variables)
            for grad, variable in zip(found, variables, strict=True):
                if grad is None:
                    raise ValueError(
                        f"Variable {variable} has `None` for gradient. Please make "
                        "sure that all of your ops have a gradient defined (i.e. are "
                        "differentiable). Common ops without gradient: K.argmax, "
                        "K.round, K.eval."
                    )
            return self._clipped(found)

    def get_updates(self, loss: Tensor, params: Sequence[Any]) -> list[Any]:
        """The operations that take a step to a smaller loss, in a graph."""
        found = self.get_gradients(loss, params)
        pairs = list(zip(found, params, strict=True))
        self._assert_valid_dtypes(
            [v for g, v in pairs if g is not None and v.dtype != dtypes.resource]
        )
        return [self.apply_gradients(pairs)]

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Any]], name: str | None = None
    ) -> Any:
        """An operation that updates variables by their gradients.

        Args:
          grads_and_vars: pairs of a gradient and a variable.
          name: the name of the operation.

        Raises:
          ValueError: there is no gradient.
        """
        pairs = _with_gradients(grads_and_vars)
        variables = [v for _, v in pairs]
        with name_scope(self._name):
            with context.init_scope():
                _ = self.iterations
                self._create_hypers()
                self._create_slots(variables)
            state = self._prepare(variables)
            apply = functools.partial(self._distributed_apply, apply_state=state)
            replica = current.get_replica_context()
            return replica.merge_call(apply, args=(pairs,), kwargs={"name": name})

    def _distributed_apply(
        self,
        distribution: Strategy,
        grads_and_vars: Iterable[tuple[Any, Any]],
        name: str | None,
        apply_state: State,
    ) -> Any:
        """Update all copies of variables by the sum of the replicas' gradients."""
        pairs = list(grads_and_vars)
        extended = distribution.extended
        reduced = extended.batch_reduce_to(ReduceOp.SUM, pairs)

        def update(var: Any, grad: Any) -> Any:
            return self._update(var, grad, apply_state)

        updates: list[Any] = []
        with name_scope(name or self._name):
            for grad, (_, var) in zip(reduced, pairs, strict=True):
                outside = defaults.executing_eagerly_outside_functions()
                scope = "update" if outside else f"update_{var.op.name}"
                with name_scope(scope):
                    done = extended.update(var, update, args=(grad,), group=False)
                    updates.extend(done if isinstance(done, (list, tuple)) else [done])
            kinds = (Operation, Tensor)
            symbolic = [x for x in updates if isinstance(x, kinds) and not _eager(x)]
            if context.executing_eagerly() and not symbolic:
                return self._iterations.assign_add(1)
            with symbolic[0].graph.as_default() if symbolic else nullcontext():
                with defaults.control_dependencies(updates):
                    return self._iterations.assign_add(1).op

    def _update(self, var: Any, grad: Any, state: State) -> Any:
        """Update one variable, and make it keep to its constraint.

        Raises:
          NotImplementedError: it is a tensor.
          RuntimeError: a constraint, where the gradient is one of some rows.
        """
        if isinstance(var, Tensor):
            raise NotImplementedError("Trying to update a Tensor ", var)
        if isinstance(grad, IndexedSlices):
            if var.constraint is not None:
                raise RuntimeError(
                    "Cannot use a constraint function on a sparse variable."
                )
            given = self._with_state(self._resource_apply_sparse, state)
            return self._resource_apply_sparse_duplicate_indices(
                grad.values, var, grad.indices, **given
            )
        given = self._with_state(self._resource_apply_dense, state)
        done = self._resource_apply_dense(grad, var, **given)
        if var.constraint is None:
            return done
        with defaults.control_dependencies([done]):
            return var.assign(var.constraint(var))

    def _with_state(self, apply: Callable[..., Any], state: State) -> dict[str, Any]:
        """The shared values as an argument, for methods that take them."""
        return {"apply_state": state} if "apply_state" in fn_args(apply) else {}

    # ------------------------------------------------------------------ hyperparameters

    def _set_hyper(self, name: str, value: Any) -> None:
        """Set a hyperparameter: a number, a tensor, a function, or a schedule."""
        known = self._hyper.get(name)
        kinds = (Tensor, int, float, LearningRateSchedule)
        if (
            name not in self._hyper
            or callable(known)
            or isinstance(known, kinds)
            or isinstance(value, LearningRateSchedule)
        ):
            self._hyper[name] = value
        else:
            batch_set_value([(known, value)])

    def _get_hyper(self, name: str, dtype: DTypeLike | None = None) -> Any:
        """A hyperparameter, in a dtype if that is given."""
        if not self._hypers_created:
            self._create_hypers()
        value = self._hyper[name]
        if isinstance(value, LearningRateSchedule):
            return value
        value: Any = self._call_if_callable(value)
        return value if dtype is None else cast(value, dtype)

    def _create_hypers(self) -> None:
        """Make variables of the hyperparameters that are numbers."""
        if self._hypers_created:
            return
        for name, value in sorted(self._hyper.items()):
            if not isinstance(value, (Tensor, Variable)) and not callable(value):
                self._hyper[name] = self.add_weight(
                    name,
                    shape=[],
                    trainable=False,
                    initializer=value,
                    aggregation=VariableAggregation.ONLY_FIRST_REPLICA,
                )
        self._hypers_created = True

    def __getattr__(self, name: str) -> Any:
        if name in ("_hyper", "_hypers_created"):
            raise AttributeError(name)
        wanted = "learning_rate" if name == "lr" else name
        if wanted in self._hyper:
            return self._get_hyper(wanted)
        raise AttributeError(
            f"'{type(self).__name__}' object has no attribute '{name}'"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        wanted = "learning_rate" if name == "lr" else name
        if "_hyper" in self.__dict__ and wanted in self._hyper:
            self._set_hyper(wanted, value)
        else:
            super().__setattr__(wanted, value)

    def _decayed_lr(self, var_dtype: Any) -> Any:
        """The learning rate of this step."""
        rate = self._get_hyper("learning_rate", var_dtype)
        if isinstance(rate, LearningRateSchedule):
            step = cast(self.iterations, var_dtype)
            rate = cast(rate(step), var_dtype)
        if self._initial_decay > 0.0:
            step = cast(self.iterations, var_dtype)
            decay = self._get_hyper("decay", var_dtype)
            rate = rate / (1.0 + decay * step)
        return rate

    # ------------------------------------------------------------------ variables

    @property
    def iterations(self) -> Any:
        """The variable that counts the steps."""
        if self._iterations is None:
            self._iterations = self.add_weight(
                "iter",
                shape=[],
                dtype=dtypes.int64,
                trainable=False,
                aggregation=VariableAggregation.ONLY_FIRST_REPLICA,
            )
            self._weights.append(self._iterations)
        return self._iterations

    @iterations.setter
    def iterations(self, variable: Variable) -> None:
        if self._iterations is not None:
            raise RuntimeError(
                "Cannot set `iterations` to a new Variable after the Optimizer weights "
                "have been created"
            )
        self._iterations = variable
        self._weights.append(variable)

    def add_weight(
        self,
        name: str,
        shape: Sequence[Any],
        dtype: DTypeLike | None = None,
        initializer: Any = "zeros",
        trainable: bool | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: Aggregation = VariableAggregation.NONE,
    ) -> Any:
        """A new variable of the optimizer.

        Args:
          name: its name in the current scope.
          shape: its shape.
          dtype: by default float32.
          initializer: a name, an initializer, or its first value.
          trainable: whether it is trained.
          synchronization, aggregation: for copies on several devices.

        Raises:
          ValueError: a trainable variable that is synchronized on reading.
        """
        if isinstance(initializer, str) or callable(initializer):
            initializer = initializers.get(initializer)
        variable: Any = make_variable(
            name,
            shape=shape,
            dtype=dtypes.as_dtype(dtypes.float32 if dtype is None else dtype),
            initializer=initializer,
            trainable=is_trainable(trainable, synchronization),
            use_resource=True,
            synchronization=synchronization,
            aggregation=aggregation,
        )
        self._track_trackable(variable, name, overwrite=True)
        track_variable(variable)
        return variable

    def add_slot(
        self, var: Variable, slot_name: str, initializer: Any = "zeros"
    ) -> Any:
        """The slot of a variable, made if there is none.

        Args:
          var: the variable.
          slot_name: what the slot is for; part of its name.
          initializer: a name, an initializer, or its first value.
        """
        if slot_name not in self._slot_names:
            self._slot_names.append(slot_name)
        slots = self._slots.setdefault(_key(var), {})
        if slot_name not in slots:
            if isinstance(initializer, str) or callable(initializer):
                initializer = functools.partial(
                    initializers.get(initializer), shape=var.shape, dtype=var.dtype
                )
            strategy = current.get_strategy()
            with strategy.extended.colocate_vars_with(var):
                slots[slot_name] = VariableV1(
                    name=f"{var._shared_name}/{slot_name}",
                    dtype=var.dtype,
                    trainable=False,
                    initial_value=initializer,
                    use_resource=True,
                )
            track_variable(slots[slot_name])
            self._weights.append(slots[slot_name])
        return slots[slot_name]

    def get_slot(self, var: Variable, slot_name: str) -> Any:
        """The slot of a variable.

        Raises:
          KeyError: there is none.
        """
        found = self._slots[_key(var)][slot_name]
        if container_of(var) is None or container_of(found) is None:
            return found
        return found.get(var.device)

    def get_slot_names(self) -> list[str]:
        """The names of the slots made so far."""
        return self._slot_names

    def variables(self) -> list[Any]:
        """The variables that hold the state, in the order in which they were made."""
        return self._weights

    @property
    def weights(self) -> list[Any]:
        """As `variables`."""
        return self._weights

    def get_weights(self) -> list[np.ndarray]:
        """The values of `weights`."""
        return batch_get_value(self.weights)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give `weights` these values.

        Raises:
          ValueError: there are more or fewer, or one has another shape.
        """
        variables = self.weights
        if len(variables) != len(weights):
            raise ValueError(
                f"You called `set_weights(weights)` on optimizer {self._name} with a  "
                f"weight list of length {len(weights)}, but the optimizer was "
                f"expecting {len(variables)} weights. Provided weights: "
                f"{str(weights)[:50]}..."
            )
        pairs = list(zip(variables, weights, strict=True))
        for known, (_, value) in zip(batch_get_value(variables), pairs, strict=True):
            if known.shape != np.shape(value):
                raise ValueError(
                    f"Optimizer weight shape {known.shape} not compatible with "
                    f"provided weight shape {np.shape(value)}"
                )
        batch_set_value(pairs)

    # ------------------------------------------------------------------ configuration

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one, without its state."""
        config: dict[str, Any] = {"name": self._name}
        for key in ("clipnorm", "clipvalue"):
            if hasattr(self, key):
                config[key] = getattr(self, key)
        return config

    def _hyper_config(self, *names: str) -> dict[str, Any]:
        return {name: self._serialize_hyperparameter(name) for name in names}

    def _serialize_hyperparameter(self, hyperparameter_name: str) -> Any:
        """A hyperparameter as a number, or the configuration of a schedule."""
        value = self._hyper[hyperparameter_name]
        if isinstance(value, LearningRateSchedule):
            return serialize(value)
        if callable(value):
            return value()
        if isinstance(value, (Tensor, Variable)):
            return batch_get_value([value])[0]
        return value

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The optimizer with the arguments that `get_config` gave."""
        if "lr" in config:
            config["learning_rate"] = config.pop("lr")
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = deserialize(
                config["learning_rate"], custom_objects=custom_objects
            )
        return cls(**config)

    # ------------------------------------------------------------------ for subclasses

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        """Make the slots that variables need."""

    def _prepare(self, var_list: Sequence[Any]) -> State:
        """What the updates share, for each device and dtype."""
        keys = {
            (device, var.dtype.base_dtype): None
            for var in var_list
            for device in getattr(var, "devices", [var.device])
        }
        state: State = {}
        for device, dtype in keys:
            state[device, dtype] = {}
            with defaults.device(device):
                self._prepare_local(device, dtype, state)
        return state

    def _prepare_local(
        self, var_device: str, var_dtype: Any, apply_state: State
    ) -> None:
        """Compute what the updates on one device share."""
        if "learning_rate" in self._hyper:
            rate = identity(self._decayed_lr(var_dtype))
            apply_state[var_device, var_dtype]["lr_t"] = rate

    def _fallback_apply_state(self, var_device: str, var_dtype: Any) -> dict[str, Any]:
        """The same, where a subclass's method has not handed it on."""
        state: State = {(var_device, var_dtype): {}}
        self._prepare_local(var_device, var_dtype, state)
        return state[var_device, var_dtype]

    def _shared(self, var: Any, apply_state: State | None) -> dict[str, Any]:
        """What the updates share, for the device and dtype of one variable."""
        key = var.device, var.dtype.base_dtype
        return (apply_state or {}).get(key) or self._fallback_apply_state(*key)

    def _resource_apply_dense(
        self, grad: Tensor, var: Any, apply_state: State | None = None
    ) -> Any:
        """Update a variable by a tensor."""
        raise NotImplementedError()

    def _resource_apply_sparse_duplicate_indices(
        self, grad: Tensor, var: Any, indices: Tensor, **kwargs: Any
    ) -> Any:
        """Update rows of a variable; an index may occur more than once.

        By default rows with equal indices are summed first.
        """
        values, distinct = _deduplicate_indexed_slices(grad, indices)
        return self._resource_apply_sparse(values, var, distinct, **kwargs)

    def _resource_apply_sparse(
        self, grad: Tensor, var: Any, indices: Tensor, apply_state: State | None = None
    ) -> Any:
        """Update the rows `indices`, all distinct, of a variable."""
        raise NotImplementedError()

    def _resource_scatter_add(self, x: Any, i: Tensor, v: Tensor) -> Any:
        """Add to rows of a variable; its value after that."""
        with defaults.control_dependencies([F.ResourceScatterAdd(x.handle, i, v)]):
            return x.value()

    def _resource_scatter_update(self, x: Any, i: Tensor, v: Tensor) -> Any:
        """Set rows of a variable; its value after that."""
        with defaults.control_dependencies([F.ResourceScatterUpdate(x.handle, i, v)]):
            return x.value()

    def _assigned(self, variable: Any, value: Any) -> Any:
        """A variable after it has been given a value."""
        return assign(variable, value, use_locking=self._use_locking)

    def _valid_dtypes(self) -> set[Any]:
        """The dtypes that losses, variables and gradients may have."""
        return set(_FLOATS)

    def _assert_valid_dtypes(self, tensors: Iterable[Any]) -> None:
        assert_dtypes(tensors, self._valid_dtypes())

    def _call_if_callable(self, param: Hyperparameter) -> Any:
        """A hyperparameter; one that is a function is called."""
        return param() if callable(param) else param


def _eager(value: Any) -> bool:
    return getattr(value, "_is_eager", False)


def op_of(assigned: Any) -> Any:
    """The operation of an assignment; run at once, the variable."""
    return assigned if context.executing_eagerly() else assigned.op


def from_keras_v1(optimizer: OptimizerV2, weights: Sequence[Any]) -> Sequence[Any]:
    """Values of weights with a count of steps, which old optimizers did not have."""
    if len(optimizer.weights) == len(weights) + 1:
        return [np.array(0), *weights]
    return weights


def _key(var: Any) -> Any:
    """What a variable is known by: its name in a graph, else its own id."""
    container = container_of(var)
    if container is not None:
        var = container.primary
    return var._shared_name if var._in_graph_mode else var._unique_id


def _with_gradients(pairs: Iterable[tuple[Any, Any]]) -> tuple[tuple[Any, Any], ...]:
    """Those pairs that have a gradient.

    Raises:
      ValueError: there is none.
    """
    given = tuple(pairs)
    found = tuple((g, v) for g, v in given if g is not None)
    without = [v.name for g, v in given if g is None]
    if given and not found:
        raise ValueError(f"No gradients provided for any variable: {without}.")
    if without:
        logs.warning(
            "Gradients do not exist for variables %s when minimizing the loss.", without
        )
    return found
