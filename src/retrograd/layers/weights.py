"""The weights of a layer, its own and those of the layers in its attributes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, nest
from retrograd.graph import context
from retrograd.graph.name_scopes import name_scope
from retrograd.layers import constraints, initializers, regularizers
from retrograd.layers.backend_config import floatx
from retrograd.layers.values import batch_get_value, batch_set_value
from retrograd.util.tracking import Trackable
from retrograd.variables.module import Module
from retrograd.variables.options import VariableAggregation, VariableSynchronization
from retrograd.variables.partition import PartitionedVariable
from retrograd.variables.variable import Variable, VariableV1

if TYPE_CHECKING:
    from retrograd.layers.base import Layer
    from retrograd.typing import (
        Aggregation,
        DTypeLike,
        Named,
        Partitioner,
        ShapeLike,
        Structure,
    )


def layers_in(value: Any) -> Iterator[Layer]:
    """The layers that an attribute holds, itself or in lists, tuples and dicts."""
    if isinstance(value, Weights):
        yield value  # pyright: ignore[reportReturnType]
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from layers_in(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from layers_in(item)


def make_variable(
    name: str,
    shape: ShapeLike = None,
    dtype: dtypes.DType = dtypes.float32,
    initializer: Any = None,
    trainable: bool | None = None,
    caching_device: Any = None,
    validate_shape: bool = True,
    constraint: Callable[..., Any] | None = None,
    use_resource: bool | None = None,
    collections: Sequence[str] | None = None,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: Aggregation = VariableAggregation.NONE,
    partitioner: Partitioner | None = None,
) -> Any:
    """A variable in the current name scope; by default with a resource handle.

    `partitioner` has no effect, as in TensorFlow: only variable scopes heed it.
    """
    del partitioner
    with context.init_scope():
        if callable(initializer):
            if isinstance(initializer, type):
                initializer = initializer()
            initial: Any = functools.partial(initializer, shape, dtype=dtype)
            kind = dtype.base_dtype
        else:
            initial, kind = initializer, None
    return VariableV1(
        initial_value=initial,
        name=name,
        trainable=trainable,
        caching_device=caching_device,
        dtype=kind,
        validate_shape=validate_shape,
        constraint=constraint,
        use_resource=True if use_resource is None else use_resource,
        collections=collections,
        synchronization=synchronization,
        aggregation=aggregation,
        shape=shape or None,
    )


class Weights(Module):
    """What a layer has of weights; a part of `Layer`."""

    if TYPE_CHECKING:
        # what a layer keeps of its arguments, under their names
        def __getattr__(self, name: str) -> Any: ...

    _trainable_weights: list[Any]
    _non_trainable_weights: list[Any]
    _layers: list[Any]

    def add_weight(
        self,
        name: str | None = None,
        shape: ShapeLike = None,
        dtype: DTypeLike | None = None,
        initializer: Named = None,
        regularizer: Named = None,
        trainable: bool | None = None,
        constraint: Named = None,
        partitioner: Partitioner | None = None,
        use_resource: bool | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: Aggregation = VariableAggregation.NONE,
        **kwargs: Any,
    ) -> Any:
        """A new variable that belongs to the layer.

        Args:
          name: its name in the layer.
          shape: its shape; by default a scalar.
          dtype: by default that of the layer, or `floatx`.
          initializer: by default `glorot_uniform` for floats, zeros for others.
          regularizer: a function of the variable; its result is among `losses`.
          trainable: whether it is trained; by default it is, unless it is
            synchronized on reading.
          constraint: a function from the new value to that which is kept.
          partitioner: how it is cut into parts, where variable scopes are used.
          use_resource: whether it has a resource handle.
          synchronization, aggregation: for copies on several devices.
          **kwargs: `getter`, which makes it, `collections`, and
            `experimental_autocast`.

        Raises:
          TypeError: another argument.
          ValueError: no initializer for the dtype, or a trainable variable that is
            synchronized on reading.
        """
        if shape is None:
            shape = ()
        for key in kwargs:
            if key not in ("getter", "collections", "experimental_autocast"):
                raise TypeError("Unknown keyword argument:", key)
        kind = dtypes.as_dtype(dtype or self.dtype or floatx())
        self._settle_dtype(kind.base_dtype.name)
        trainable = is_trainable(trainable, synchronization)
        initializer = initializers.get(initializer)
        if initializer is None:
            initializer = self._default_initializer(name, kind)
        variable = self._add_variable(
            name,
            kwargs.get("getter") or make_variable,
            shape=shape,
            dtype=kind,
            initializer=initializer,
            trainable=trainable,
            constraint=constraints.get(constraint),
            partitioner=partitioner,
            use_resource=use_resource,
            collections=kwargs.get("collections"),
            synchronization=synchronization,
            aggregation=aggregation,
        )
        loss = regularizers.get(regularizer)
        if loss is not None:
            scope = variable.name[: variable.name.find(":")]
            self._handle_weight_regularization(scope, variable, loss)
        kept = self._trainable_weights if trainable else self._non_trainable_weights
        kept.append(variable)
        return variable

    def _settle_dtype(self, name: str) -> None:
        raise NotImplementedError

    def add_loss(self, losses: Structure, inputs: Structure = None) -> None:
        """See `Layer`."""
        raise NotImplementedError

    def _default_initializer(self, name: str | None, dtype: dtypes.DType) -> Any:
        if dtype.is_floating:
            return initializers.get("glorot_uniform")
        if dtype.is_integer or dtype.is_unsigned or dtype.is_bool:
            return initializers.get("zeros")
        raise ValueError(
            f"An initializer for variable {name} of type {dtype.base_dtype} is "
            f"required for layer {self.name}"
        )

    def _add_variable(
        self, name: str | None, getter: Callable[..., Any], **arguments: Any
    ) -> Any:
        variable = getter(name=name, **arguments)
        if name is not None and isinstance(variable, Trackable):
            self._track_trackable(variable, name, overwrite=True)
        return variable

    def _handle_weight_regularization(
        self,
        name: str,
        variable: Variable | PartitionedVariable,
        regularizer: Callable[..., Any],
    ) -> None:
        """Add the loss of a weight, worked out whenever `losses` are asked for."""

        def loss(of: Any) -> Any:
            with name_scope(f"{name}/Regularizer"):
                return regularizer(of)

        parts = variable if isinstance(variable, PartitionedVariable) else [variable]
        for part in parts:
            self.add_loss(functools.partial(loss, part))

    # ------------------------------------------------------------------ lists

    def _children(self) -> list[Layer]:
        """The layers in the attributes, each once."""
        found: dict[int, Layer] = {}
        for value in self.__dict__.get("_layers", ()):
            for layer in layers_in(value):
                found.setdefault(id(layer), layer)
        return list(found.values())

    def _gather_children_attribute(self, attribute: str) -> list[Any]:
        return [x for layer in self._children() for x in getattr(layer, attribute)]

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that are trained, in the order in which they were made."""
        if not self.trainable:
            return []
        nested = self._gather_children_attribute("trainable_weights")
        return self._trainable_weights + nested

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The variables that are not trained."""
        if self.trainable:
            nested = self._gather_children_attribute("non_trainable_weights")
            return self._non_trainable_weights + nested
        nested = self._gather_children_attribute("weights")
        return self._trainable_weights + self._non_trainable_weights + nested

    @property
    def weights(self) -> list[Any]:
        """All variables, those that are trained first."""
        return self.trainable_weights + self.non_trainable_weights

    @property
    def variables(self) -> list[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """As `weights`."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """As `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Any]:
        """As `non_trainable_weights`."""
        return self.non_trainable_weights

    # ------------------------------------------------------------------ values

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
                f'You called `set_weights(weights)` on layer "{self.name}" with a  '
                f"weight list of length {len(weights)}, but the layer was expecting "
                f"{len(variables)} weights. Provided weights: {str(weights)[:50]}..."
            )
        for variable, value in zip(variables, weights, strict=True):
            if not variable.shape.is_compatible_with(np.shape(value)):
                raise ValueError(
                    f"Layer weight shape {variable.shape} not compatible with provided "
                    f"weight shape {np.shape(value)}"
                )
        batch_set_value(list(zip(variables, weights, strict=True)))

    def count_params(self) -> int:
        """How many numbers the weights hold.

        Raises:
          ValueError: they have not been made yet.
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on {self.name}, but the layer isn't "
                "built. You can build it manually via: "
                f"`{self.name}.build(batch_input_shape)`."
            )
        return sum(int(np.prod(v.shape.as_list())) for v in _once(self.weights))

    # ------------------------------------------------------------------ attributes

    def _track_attribute(self, value: Any) -> None:
        """Take layers and variables that are assigned to an attribute as parts."""
        kept = self.__dict__
        parts = list(layers_in(value))
        for layer in parts:
            if "_use_resource_variables" in layer.__dict__:  # a layer of `tf.layers`
                layer.__dict__["_use_resource_variables"] = True
        if parts or (isinstance(value, (list, dict)) and "_layers" in kept):
            layers = kept.setdefault("_layers", [])
            if not any(value is known for known in layers):
                layers.append(value)
        for item in nest.flatten(value):
            if isinstance(item, Variable):
                self._track_variable(item)

    def _track_variable(self, variable: Variable) -> None:
        lists = [
            self.__dict__.setdefault(name, [])
            for name in ("_trainable_weights", "_non_trainable_weights")
        ]
        if not any(variable is known for found in lists for known in found):
            lists[0 if variable.trainable else 1].append(variable)


def is_trainable(
    trainable: bool | None, synchronization: VariableSynchronization
) -> bool:
    if synchronization is not VariableSynchronization.ON_READ:
        return True if trainable is None else trainable
    if trainable:
        raise ValueError(
            "Synchronization value can be set to VariableSynchronization.ON_READ only "
            "for non-trainable variables. You have specified trainable=True and "
            "synchronization=VariableSynchronization.ON_READ."
        )
    return False


def _once(variables: Sequence[Any]) -> list[Any]:
    return list({id(v): v for v in variables}.values())
