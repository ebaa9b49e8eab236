"""Layers in variable scopes: the base of `tf.layers`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.name_scopes import name_scope
from retrograd.graph.names import GraphKeys
from retrograd.layers import base, naming
from retrograd.layers.weights import is_trainable
from retrograd.util.decorators import contextmanager
from retrograd.util.functions import fn_args
from retrograd.variables import scope as scopes
from retrograd.variables.collections import global_variables, trainable_variables
from retrograd.variables.options import VariableAggregation, VariableSynchronization

if TYPE_CHECKING:
    from retrograd.typing import Aggregation, DTypeLike, Named, Partitioner, Structure

_style = {"keras": False}


@contextmanager
def keras_style_scope() -> Iterator[None]:
    """Layers made inside name their weights as those of Keras do, and never share."""
    before, _style["keras"] = _style["keras"], True
    try:
        yield
    finally:
        _style["keras"] = before


def set_keras_style() -> None:
    """As `keras_style_scope`, from now on."""
    _style["keras"] = True


class Layer(base.Layer):
    """A layer whose variables `get_variable` makes, in a variable scope of its own.

    Args:
      trainable: whether its variables are trained.
      name: the scope's name; by default that of the class, made unique.
      dtype: of its variables; by default that of its first inputs.
      **kwargs: `_scope`, a scope to use; `_reuse`, whether variables that are there are
        used; those of Keras' layers.
    """

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        kept = self.__dict__
        kept["_use_resource_variables"] = False
        scope = kwargs.pop("_scope", None)
        kept["_reuse"] = kwargs.pop("_reuse", None)
        kept["_keras_style"] = _style["keras"]
        kept["_scope_of_variables"] = kept["_current_scope"] = None
        super().__init__(trainable=trainable, name=name, dtype=dtype, **kwargs)
        if _style["keras"]:
            if scope is not None or self._reuse is not None:
                raise ValueError(
                    "scope and reuse are not allowed when keras style layers are "
                    "enabled."
                )
            kept["_use_resource_variables"] = True
        if scope:
            with scopes.variable_scope(scope) as captured:
                kept["_scope_of_variables"] = captured

    def _init_set_name(self, name: Any, zero_based: bool = True) -> None:
        if _style["keras"]:
            super()._init_set_name(name, zero_based)
            return
        kept = self.__dict__
        if isinstance(name, scopes.VariableScope):
            kept["_name"] = kept["_base_name"] = name.name
        elif name:
            kept["_name"] = kept["_base_name"] = name
        else:
            base_name = naming.to_snake_case(type(self).__name__)
            kept["_base_name"] = base_name
            kept["_name"] = naming.unique_object_name(base_name)

    @property
    def _scope(self) -> Any:
        return self._scope_of_variables

    @property
    def graph(self) -> Any:
        """The graph of the layer's variables.

        Raises:
          RuntimeError: in eager mode.
        """
        if context.executing_eagerly():
            raise RuntimeError("Layer.graph not supported when executing eagerly.")
        weights = self.weights
        return weights[0].graph if weights else context.get_default_graph()

    @property
    def scope_name(self) -> str:
        """The name of the variable scope.

        Raises:
          ValueError: the layer has not been called.
        """
        if not self._scope_of_variables:
            raise ValueError(
                f'No name available for layer scope because the layer "{self._name}" '
                "has not been used yet. The scope name  is determined the first time "
                "the layer instance is called. You must therefore call the layer "
                "before querying `scope_name`."
            )
        return self._scope_of_variables.name

    def _set_scope(self, scope: Any = None) -> None:
        """Choose the variable scope, the first time."""
        if self._scope_of_variables is not None:
            return
        if self._reuse:
            chosen = scopes.variable_scope(self._base_name if scope is None else scope)
        else:
            chosen = scopes.variable_scope(scope, default_name=self._base_name)
        with chosen as captured:
            self.__dict__["_scope_of_variables"] = captured

    def _name_scope(self) -> Any:
        if self._keras_style:
            return super()._name_scope()
        return self._current_scope.original_name_scope

    def add_loss(self, losses: Structure, inputs: Structure = None) -> None:
        """As of Keras' layers; in graphs, also in REGULARIZATION_LOSSES."""
        before = len(self._losses), len(self._callable_losses)
        super().add_loss(losses, inputs=inputs)
        if context.executing_eagerly():
            return
        new = list(self._losses[before[0] :])
        for loss in self._callable_losses[before[1] :]:
            tensor = loss()
            if tensor is not None:
                new.append(tensor)
        _add_to_collection(new, GraphKeys.REGULARIZATION_LOSSES)

    def add_weight(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        name: str,
        shape: Any,
        dtype: DTypeLike | None = None,
        initializer: Named = None,
        regularizer: Named = None,
        trainable: bool | None = None,
        constraint: Named = None,
        use_resource: bool | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: Aggregation = VariableAggregation.NONE,
        partitioner: Partitioner | None = None,
        **kwargs: Any,
    ) -> Any:
        """A variable of the layer's scope, new or one that is there to be reused.

        The arguments are those of Keras' layers.

        Raises:
          TypeError: another argument.
          ValueError: a trainable variable that is synchronized on reading; see
            `get_variable` for names that are there, or are not.
        """
        for key in kwargs:
            if key != "experimental_autocast":
                raise TypeError("Unknown keyword argument:", key)
        given = {
            "dtype": dtype,
            "initializer": initializer,
            "regularizer": regularizer,
            "trainable": trainable,
            "constraint": constraint,
            "use_resource": use_resource,
            "synchronization": synchronization,
            "aggregation": aggregation,
            "partitioner": partitioner,
        }
        if self._keras_style:
            return super().add_weight(name, shape, **given)
        self._set_scope(None)
        known = set() if context.executing_eagerly() else _global_variables()
        reuse = self.built or self._reuse
        with (
            scopes.variable_scope(
                self._scope_of_variables, reuse=reuse, auxiliary_name_scope=False
            ) as scope,
        ):
            self.__dict__["_current_scope"] = scope
            with name_scope(self._name_scope()):
                return self._weight_in(scope, name, shape, known, given)

    def _weight_in(
        self, scope: Any, name: str, shape: Any, known: set[int], given: dict[str, Any]
    ) -> Any:
        regularizer = given.pop("regularizer")
        trainable = given.pop("trainable")
        given["dtype"] = dtypes.as_dtype(given["dtype"] or self.dtype or "float32")
        given["use_resource"] = (
            given["use_resource"] or self._use_resource_variables or scope.use_resource
        )
        if given["initializer"] is None:
            given["initializer"] = scope.initializer
        on_read = given["synchronization"] is VariableSynchronization.ON_READ
        wanted = is_trainable(trainable, given["synchronization"])
        variable = super().add_weight(
            name,
            shape,
            trainable=wanted and self.trainable and not on_read,
            getter=scopes.get_variable,
            **given,
        )
        parts = list(variable) if hasattr(variable, "_get_partitions") else [variable]
        if regularizer and not any(id(part) in known for part in parts):
            self._handle_weight_regularization(name, variable, regularizer)
        self._heed_scope(variable, wanted)
        return variable

    def _heed_scope(self, variable: Any, trainable: bool) -> None:
        """A getter of the program may have made a variable that is not trained."""
        if not (trainable and self.trainable) or context.executing_eagerly():
            return
        if not any(variable is v for v in trainable_variables()):
            kept = self._trainable_weights
            if (
                kept
                and kept[-1] is variable
                and not getattr(variable, "trainable", True)
            ):
                kept.pop()
                self._non_trainable_weights.append(variable)

    def __call__(self, inputs: Structure, *args: Any, **kwargs: Any) -> Any:
        """The outputs for inputs; see Keras' layers.

        Args:
          inputs: a tensor, or a structure of them.
          *args: for `call`.
          **kwargs: for `call`; `scope`, the variable scope to use.
        """
        scope = kwargs.pop("scope", None)
        if self._keras_style:
            if scope is not None:
                raise ValueError(
                    "scope argument not allowed when keras style layers are enabled, "
                    f"but saw: {scope}"
                )
            return super().__call__(inputs, *args, **kwargs)
        self._set_scope(scope)
        reuse = True if self.built else self._reuse
        with scopes.variable_scope(
            self._scope_of_variables, reuse=reuse, auxiliary_name_scope=False
        ) as current:
            self.__dict__["_current_scope"] = current
            if "scope" in fn_args(self.call):
                kwargs["scope"] = current
            outputs = super().__call__(inputs, *args, **kwargs)
        if not context.executing_eagerly():
            _add_to_collection(self.updates, GraphKeys.UPDATE_OPS)
        return outputs

    def _tracks_attributes(self, name: str) -> bool:
        return False

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        import copy

        result = type(self).__new__(type(self))
        memo[id(self)] = result
        shared = ("_scope_of_variables", "_thread_local", "_current_scope")
        for key, value in self.__dict__.items():
            result.__dict__[key] = (
                value if key in shared else copy.deepcopy(value, memo)
            )
        return result


def _global_variables() -> set[int]:
    """The ids of the variables that there are."""
    return {id(v) for v in global_variables()}


def _add_to_collection(elements: Iterable[Any], name: str) -> None:
    """Add what is not there yet."""
    graph = context.get_default_graph()
    kept = graph.get_collection_ref(name)
    known = {id(x) for x in kept}
    kept.extend(x for x in elements if id(x) not in known)
