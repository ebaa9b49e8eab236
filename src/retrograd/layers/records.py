"""Losses, updates and metrics that belong to a layer."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.layers import calls
from retrograd.layers.backend_config import floatx
from retrograd.layers.phase import in_function, keras_graph
from retrograd.layers.weights import Weights

if TYPE_CHECKING:
    from retrograd.typing import Structure


class Records(Weights):
    """What a layer has of losses, updates and metrics; a part of `Layer`."""

    stateful: bool
    _losses: list[Any]
    _callable_losses: list[Any]
    _updates: list[Any]
    _metrics: list[Any]
    _inbound_nodes: list[Any]
    _thread_local: Any

    # ------------------------------------------------------------------ losses

    @property
    def _eager_losses(self) -> list[Any]:
        return self._thread_local.__dict__.setdefault("losses", [])

    @property
    def losses(self) -> list[Any]:
        """The losses of the layer and its parts, as tensors.

        Those of weights are worked out each time, so that a tape sees them.
        """
        found = list(self._eager_losses or self._losses)
        for loss in self._callable_losses:
            tensor = loss()
            if tensor is not None:
                found.append(tensor)
        return found + self._gather_children_attribute("losses")

    def add_loss(self, losses: Structure, inputs: Structure = None) -> None:
        """Add losses to those of the layer.

        Args:
          losses: tensors, or functions without arguments that give one each.
          inputs: the inputs that they depend on; None where they are of the weights.

        Raises:
          ValueError: a value that is not a function, in eager mode outside `call`.
        """
        at_once: list[Any] = []
        symbolic: list[Any] = []
        for loss in nest.flatten(losses):
            if callable(loss):
                self._callable_losses.append(functools.partial(_tagged, loss, inputs))
                continue
            if loss is None:
                continue
            tensor = _tagged(loss, inputs)
            kept = symbolic if is_symbolic(tensor) and not in_function() else at_once
            kept.append(tensor)
        if at_once and not calls.current.in_call:
            raise ValueError(
                "Expected a symbolic Tensors or a callable for the loss value. Please "
                "wrap your loss computation in a zero argument `lambda`."
            )
        self._eager_losses.extend(at_once)
        for tensor in symbolic:
            self._add_symbolic_loss(tensor)

    def _add_symbolic_loss(self, tensor: Any) -> None:
        self._losses.append(tensor)

    def _clear_losses(self) -> None:
        self._eager_losses.clear()
        for layer in self._children():
            layer._clear_losses()

    def get_losses_for(self, inputs: Structure) -> list[Any]:
        """The losses that depend on these inputs; for None, those that do on none."""
        if inputs is None:
            return [x for x in self.losses if x._unconditional_loss]
        losses = [x for x in self.losses if not x._unconditional_loss]
        reached = reachable(nest.flatten(inputs), losses)
        return [x for x in losses if id(x) in reached]

    # ------------------------------------------------------------------ updates

    @property
    def updates(self) -> list[Any]:
        """The operations that change what the layer keeps, such as moving averages.

        None of a layer that is frozen, unless it is stateful.
        """
        if not self.trainable and not self.stateful:
            return []
        with keras_graph().as_default():
            found = [u() if callable(u) else u for u in self._updates]
        return found + self._gather_children_attribute("updates")

    def add_update(self, updates: Structure, inputs: Structure = None) -> None:
        """Add updates to those of the layer; in eager mode, make them.

        Args:
          updates: operations, tensors, or functions that give one.
          inputs: has no effect: what they depend on is looked for.
        """
        del inputs
        updates = updates if isinstance(updates, (list, tuple)) else [updates]
        call = calls.current
        if context.executing_eagerly() or in_function():
            if not call.frozen:
                for update in updates:
                    if callable(update):
                        update()
            return
        if call.in_call:
            inputs = nest.flatten(call.inputs)
        else:
            nodes = self.__dict__.get("_inbound_nodes", [])
            inputs = [x for node in nodes for x in nest.flatten(node.input_tensors)]
        for update in updates:
            found = _update_op(update)
            found._unconditional_update = id(found) not in reachable(inputs, [found])
            self._updates.append(found)

    def get_updates_for(self, inputs: Structure) -> list[Any]:
        """The updates that depend on these inputs; for None, those that do on none."""
        if inputs is None:
            return [u for u in self.updates if u._unconditional_update]
        updates = [u for u in self.updates if not u._unconditional_update]
        reached = reachable(nest.flatten(inputs), updates)
        return [u for u in updates if id(u) in reached]

    # ------------------------------------------------------------------ metrics

    @property
    def metrics(self) -> list[Any]:
        """The metrics of the layer and its parts."""
        return self._metrics + self._gather_children_attribute("metrics")

    def add_metric(
        self, value: Any, aggregation: str | None = None, name: str | None = None
    ) -> None:
        """Add a metric to those of the layer.

        Args:
          value: a tensor, a value for each sample or one; or what a metric has given.
          aggregation: `mean`, unless a metric has given the value.
          name: the metric's, unless it has one.

        Raises:
          ValueError: another aggregation, no name, or a value outside of a call.
        """
        if aggregation not in (None, "mean"):
            raise ValueError(
                "We currently support only `mean` sample-wise metric aggregation. You "
                f"provided aggregation=`{aggregation}`"
            )
        given = getattr(value, "_metric_obj", None)
        if name is None and given is None:
            raise ValueError(
                "Please provide a name for your metric like `self.add_metric("
                "tf.reduce_sum(inputs), name='mean_activation', aggregation='mean')`"
            )
        name = given.name if given is not None else name
        if calls.current.in_call:
            self._measure(value, aggregation, name, given)
            return
        if not is_symbolic(value):
            raise ValueError(
                f"Expected a symbolic Tensor for the metric value, received: {value}"
            )
        if not getattr(self, "_is_graph_network", False):
            with keras_graph().as_default():
                self._measure(value, aggregation, name, given)
            return
        if given is not None:
            raise ValueError(
                "Using the result of calling a `Metric` object when calling "
                "`add_metric` on a Functional Model is not supported. Please pass the "
                "Tensor to monitor directly."
            )
        hooks.add_metric_to_network(self, value, aggregation, name)

    def _measure(
        self, value: Any, aggregation: str | None, name: str | None, given: Any
    ) -> None:
        """Take a value into the metric of a name, which is made the first time."""
        known = next((m for m in self._metrics if m.name == name), None)
        if aggregation is None:
            if given is None:
                raise ValueError(
                    "`add_metric` is called with a value that no metric has given; "
                    "pass aggregation='mean'."
                )
            if known is None:
                self._metrics.append(given)
            return
        metric = known or given
        if metric is None:
            metric = hooks.mean_metric(name)
        if known is None:
            self._metrics.append(metric)
        metric(value)


def is_symbolic(value: Any) -> bool:
    """Whether a value is a tensor of a graph."""
    return isinstance(value, Tensor) and not getattr(value, "_is_eager", False)


def _tagged(loss: Any, inputs: Structure) -> Any:
    """A loss as a tensor that knows whether it depends on inputs."""
    tensor = _value(loss)
    if tensor is None:
        return None
    if not isinstance(tensor, Tensor):
        tensor = convert_to_tensor(tensor, floatx())
    tensor._unconditional_loss = inputs is None  # pyright: ignore[reportAttributeAccessIssue]
    return tensor


def _value(given: Any) -> Any:
    """What was given, or what it gives when it is called."""
    return given() if callable(given) else given


def _update_op(update: Any) -> Any:
    """The operation that makes an update."""
    if isinstance(update, Operation):
        return update
    value = _value(update)
    if isinstance(value, Operation):
        return value
    op = getattr(value, "op", None)
    return convert_to_tensor(value) if op is None else op


def reachable(inputs: Iterable[Any], targets: Sequence[Any]) -> set[int]:
    """The ids of those of `targets` that depend on one of `inputs`."""
    starts = {id(x) for x in inputs}
    found: set[int] = set()
    for target in targets:
        op = target if isinstance(target, Operation) else getattr(target, "op", None)
        if op is not None and _depends(op, starts):
            found.add(id(target))
    return found


def _depends(op: Operation, starts: set[int]) -> bool:
    pending, seen = [op], set()
    while pending:
        top = pending.pop()
        if id(top) in seen:
            continue
        seen.add(id(top))
        if any(id(x) in starts for x in (top, *top.outputs)):
            return True
        pending.extend(x.op for x in top.inputs)
        pending.extend(top.control_inputs)
    return False
