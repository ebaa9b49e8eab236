"""The base of Keras' metrics: values that are gathered in variables."""

from __future__ import annotations

import types
from abc import ABCMeta, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.distribute.current import get_replica_context
from retrograd.functions.def_function import function
from retrograd.graph import context
from retrograd.graph.defaults import control_dependencies
from retrograd.keras.graphs import graph_of
from retrograd.layers.backend_config import floatx
from retrograd.layers.base import Layer
from retrograd.layers.records import in_function
from retrograd.layers.values import batch_set_value
from retrograd.ops.array.identity import identity
from retrograd.variables.options import VariableAggregation, VariableSynchronization

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, Named, ShapeLike, Structure


class Metric(Layer, metaclass=ABCMeta):
    """Base of metrics, which a subclass makes of three parts.

    Its variables are made in `__init__` with `add_weight`; `update_state` changes them;
    `result` computes the value. In a graph `update_state` gives an operation to run.

    Args:
      name: its name.
      dtype: of its variables; by default `floatx`.
      **kwargs: as of layers.

    Example:
      >>> m = tf.keras.metrics.Mean()
      >>> m.update_state([1.0, 3.0])
      >>> m.result().numpy()
      2.0
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """A metric whose two methods work in graphs and for replicas."""
        del args, kwargs
        metric = super().__new__(cls)
        update = metric.update_state
        if not cls.__module__.startswith("retrograd."):
            # in order, whatever mode it is called in
            update = function(update)
        kept = vars(metric)
        kept["update_state"] = types.MethodType(_updating(update), metric)
        kept["result"] = types.MethodType(_giving(metric.result), metric)
        return metric

    def __init__(
        self, name: str | None = None, dtype: DTypeLike | None = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.stateful = True
        self.built = True
        self._settle_dtype(floatx())

    def __call__(self, *args: Structure, **kwargs: Structure) -> Any:
        """Update the variables, and give the value after that."""
        with graph_of(*args, *kwargs.values()):
            update = self.update_state(*args, **kwargs)
            with control_dependencies([] if update is None else [update]):
                result = self.result()
            # for models, which look for the metric of a tensor
            result._metric_obj = self
            return result

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        return {"name": self.name, "dtype": self.dtype}

    def reset_states(self) -> None:
        """Set all variables to zero."""
        batch_set_value([(v, 0) for v in self.variables])

    @abstractmethod
    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Change the variables."""
        raise NotImplementedError("Must be implemented in subclasses.")

    @abstractmethod
    def result(self) -> Any:
        """The value, from the variables."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def add_weight(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        name: str | None = None,
        shape: ShapeLike = (),
        aggregation: VariableAggregation = VariableAggregation.SUM,
        synchronization: VariableSynchronization = VariableSynchronization.ON_READ,
        initializer: Named = None,
        dtype: DTypeLike | None = None,
    ) -> Any:
        """A new variable of the metric.

        Args:
          name: its name.
          shape: its shape; by default a scalar.
          aggregation, synchronization: how the copies of replicas become one value.
          initializer: as of layers.
          dtype: by default that of the metric.
        """
        return super().add_weight(
            name=name,
            shape=shape,
            dtype=self._dtype if dtype is None else dtype,
            trainable=False,
            initializer=initializer,
            collections=[],
            synchronization=synchronization,
            aggregation=aggregation,
        )


def _updating(update: Callable[..., Any]) -> Callable[..., Any]:
    """A method that updates, and notes the update where it is an operation."""

    def decorated(metric: Metric, *args: Structure, **kwargs: Structure) -> Any:
        with graph_of(*args, *kwargs.values()):
            done = update(*args, **kwargs)
            if context.executing_eagerly() or in_function():
                return done
            if done is None:
                # what a function without results has added
                operations = context.get_default_graph().get_operations()
                done = operations[-1] if operations else None
            if done is not None:
                metric.add_update(done)
            return done

    return decorated


def _giving(compute: Callable[..., Any]) -> Callable[..., Any]:
    """A method that gives the value, over all replicas."""

    def decorated(metric: Metric, *args: Any) -> Any:
        replica = get_replica_context()
        if replica is None:
            found = identity(compute(*args))
        else:

            def merged(distribution: Any, first: Any, *given: Any) -> Any:
                own = distribution.experimental_local_results(first)[0]
                return identity(own(*given))

            found = replica.merge_call(merged, args=(compute, *args))
        vars(metric)["_call_result"] = found
        return found

    return decorated


def clone_metric(metric: Metric | Any) -> Any:
    """A new metric with the arguments of another; what is no metric, itself."""
    if isinstance(metric, Metric):
        return metric.__class__.from_config(metric.get_config())
    return metric


def clone_metrics(metrics: Any) -> list[Any]:
    """New metrics, as `clone_metric`."""
    return [clone_metric(metric) for metric in metrics]
