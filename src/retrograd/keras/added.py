"""Losses and metrics that are added to a graph of layers, as layers of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph.hooks import hooks
from retrograd.keras.topology import topology
from retrograd.layers.base import Layer
from retrograd.layers.nodes import has_history
from retrograd.layers.op_layers import create_keras_history

if TYPE_CHECKING:
    from retrograd.keras.network import Network


class AddLoss(Layer):
    """A layer whose input is a loss.

    Args:
      unconditional: whether the loss depends on no input.
      **kwargs: those of `Layer`.
    """

    def __init__(self, unconditional: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unconditional = unconditional

    def call(self, inputs: Any) -> Any:
        """The input; it is among the losses."""
        self.add_loss(inputs, inputs=None if self.unconditional else True)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        return {**super().get_config(), "unconditional": self.unconditional}


class AddMetric(Layer):
    """A layer whose input is a metric.

    Args:
      aggregation: `mean`, or None where the input is a metric's result.
      metric_name: its name.
      **kwargs: those of `Layer`.
    """

    def __init__(
        self,
        aggregation: str | None = None,
        metric_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.aggregation = aggregation
        self.metric_name = metric_name

    def call(self, inputs: Any) -> Any:
        """The input; it is among the metrics."""
        self.add_metric(inputs, self.aggregation, self.metric_name)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        return {
            **super().get_config(),
            "aggregation": self.aggregation,
            "metric_name": self.metric_name,
        }


def append(network: Network, layer: Layer, tensor: Any) -> None:
    """Call a layer on a tensor and take it, and what leads there, into a network."""
    if not has_history([tensor]):
        create_keras_history([tensor])
    layer(tensor)
    found = topology(network.inputs, [tensor])
    nodes = [n for n in found.in_order() if n.iterate_inbound()]
    known = {id(node) for nodes in network._nodes_by_depth.values() for node in nodes}
    fresh = [node for node in nodes if id(node) not in known]
    network._insert_layers([*found.layers, layer], [*fresh, layer._inbound_nodes[-1]])


def add_loss_to_network(network: Network, tensor: Any) -> None:
    """Let a graph of layers have a loss."""
    append(network, AddLoss(unconditional=False), tensor)


def add_metric_to_network(
    network: Network, tensor: Any, aggregation: str | None, name: str
) -> None:
    """Let a graph of layers have a metric."""
    append(network, AddMetric(aggregation, name), tensor)


hooks.provide(
    add_loss_to_network=add_loss_to_network,
    add_metric_to_network=add_metric_to_network,
)
