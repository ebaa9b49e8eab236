"""`tf.keras.optimizers`: how optimizers are found by name; those of `tf.train`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.distribute.current import has_strategy
from retrograd.graph.name_scopes import name_scope
from retrograd.keras import older_optimizers
from retrograd.keras.adagrad import Adadelta, Adagrad
from retrograd.keras.adam import Adam, Adamax
from retrograd.keras.ftrl import Ftrl
from retrograd.keras.gradient_descent import SGD
from retrograd.keras.nadam import Nadam
from retrograd.keras.optimizer import OptimizerV2
from retrograd.keras.rmsprop import RMSprop
from retrograd.layers import serialization
from retrograd.layers.values import track_variable
from retrograd.train import optimizer as train_optimizer
from retrograd.train.training_util import get_global_step
from retrograd.variables.updates import assign_add
from retrograd.variables.variable import VariableV1

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Structure


class TFOptimizer(older_optimizers.Optimizer):
    """An optimizer of `tf.train`, for Keras' models.

    Args:
      optimizer: the optimizer.
      iterations: the variable that counts the steps; by default a new one.
    """

    def __init__(
        self, optimizer: train_optimizer.Optimizer, iterations: Any = None
    ) -> None:
        super().__init__()
        self.optimizer = optimizer
        self._track_trackable(optimizer, name="optimizer")
        if iterations is None:
            with name_scope(type(self).__name__):
                iterations = VariableV1(
                    0, name="iterations", dtype="int64", use_resource=True
                )
            track_variable(iterations)
        self.iterations = iterations
        self._track_trackable(iterations, name="global_step")

    def apply_gradients(self, grads: Sequence[tuple[Any, Any]]) -> Any:
        """An operation that updates variables by their gradients, and counts it."""
        return self.optimizer.apply_gradients(grads, global_step=self.iterations)

    def get_grads(self, loss: Tensor, params: Structure) -> list[tuple[Any, Any]]:
        """Pairs of a gradient and its variable."""
        return self.optimizer.compute_gradients(loss, params)

    def get_updates(self, loss: Tensor, params: Structure) -> list[Any]:
        """The operations that take a step to a smaller loss, in a graph."""
        step = self.iterations
        if has_strategy():
            found = self.optimizer.compute_gradients(loss, params or None)
            step = get_global_step()
        elif not params:
            self.updates = [assign_add(step, 1)]
            return self.updates
        else:
            found = self.optimizer.compute_gradients(loss, params)
        self.updates = [self.optimizer.apply_gradients(found, global_step=step)]
        for variable in self.optimizer.variables():
            track_variable(variable)
        return self.updates

    @property
    def weights(self) -> list[Any]:
        """Not known.

        Raises:
          NotImplementedError: always.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Not known.

        Raises:
          NotImplementedError: always.
        """
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Not known.

        Raises:
          NotImplementedError: always.
        """
        raise NotImplementedError


#: the classes by their names in small letters
_KNOWN = {
    kind.__name__.lower(): kind
    for kind in (Adadelta, Adagrad, Adam, Adamax, Ftrl, Nadam, RMSprop, SGD)
}


def serialize(optimizer: OptimizerV2) -> Any:
    """The class and the arguments of an optimizer."""
    return serialization.serialize(optimizer)


def deserialize(
    config: dict[str, Any], custom_objects: Mapping[str, object] | None = None
) -> Any:
    """The optimizer of a configuration.

    Raises:
      ValueError: there is none.
    """
    if config["class_name"].lower() in _KNOWN:
        config["class_name"] = config["class_name"].lower()
    return serialization.deserialize(config, _KNOWN, custom_objects, "optimizer")


def get(identifier: Any) -> Any:
    """An optimizer for a name, a configuration or itself.

    Raises:
      ValueError: nothing of these.
    """
    if isinstance(identifier, (OptimizerV2, older_optimizers.Optimizer)):
        return identifier
    if isinstance(identifier, train_optimizer.Optimizer):
        return TFOptimizer(identifier)
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return deserialize({"class_name": identifier, "config": {}})
    raise ValueError("Could not interpret optimizer identifier:", identifier)
