"""Where a layer stands among others: its inputs and outputs, by node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.layers.nodes import Node
from retrograd.layers.records import Records

if TYPE_CHECKING:
    from retrograd.typing import Structure


class Connections(Records):
    """What a layer knows of its calls; a part of `Layer`."""

    _inbound_nodes: list[Node]
    _outbound_nodes: list[Node]

    @property
    def inbound_nodes(self) -> list[Node]:
        """The calls of this layer."""
        return self._inbound_nodes

    @property
    def outbound_nodes(self) -> list[Node]:
        """The calls of other layers with outputs of this one."""
        return self._outbound_nodes

    def _at_node(self, index: int, attribute: str, called: str) -> Any:
        """What a node holds.

        Raises:
          RuntimeError: the layer has not been called.
          ValueError: there is no such node.
        """
        nodes = self._inbound_nodes
        if not nodes:
            raise RuntimeError(
                f"The layer has never been called and thus has no defined {called}."
            )
        if not len(nodes) > index:
            raise ValueError(
                f"Asked to get {called} at node {index}, but the layer has only "
                f"{len(nodes)} inbound nodes."
            )
        values = getattr(nodes[index], attribute)
        return values[0] if isinstance(values, list) and len(values) == 1 else values

    def get_input_at(self, node_index: int) -> Any:
        """What the layer was called with the time of that number."""
        return self._at_node(node_index, "input_tensors", "input")

    def get_output_at(self, node_index: int) -> Any:
        """What the layer gave the time of that number."""
        return self._at_node(node_index, "output_tensors", "output")

    def get_input_shape_at(self, node_index: int) -> Any:
        """The shapes of `get_input_at`."""
        return self._at_node(node_index, "input_shapes", "input shape")

    def get_output_shape_at(self, node_index: int) -> Any:
        """The shapes of `get_output_at`."""
        return self._at_node(node_index, "output_shapes", "output shape")

    def get_input_mask_at(self, node_index: int) -> Any:
        """The masks of `get_input_at`."""
        return _masks(self.get_input_at(node_index))

    def get_output_mask_at(self, node_index: int) -> Any:
        """The masks of `get_output_at`."""
        return _masks(self.get_output_at(node_index))

    def _check_connected(self, what: str) -> None:
        """Require one call, or several.

        Raises:
          AttributeError: there was none, or there were several.
        """
        if not self._inbound_nodes:
            raise AttributeError(
                f"Layer {self.name} is not connected, no {what} to return."
                if what == "input"
                else f"Layer {self.name} has no inbound nodes."
            )

    @property
    def input(self) -> Any:
        """What the layer was called with, if it was called once.

        Raises:
          AttributeError: it was called more often, or never.
        """
        if len(self._inbound_nodes) > 1:
            raise AttributeError(
                f"Layer {self.name} has multiple inbound nodes, hence the notion of "
                '"layer input" is ill-defined. Use `get_input_at(node_index)` instead.'
            )
        self._check_connected("input")
        return self.get_input_at(0)

    @property
    def output(self) -> Any:
        """What the layer gave, if it was called once.

        Raises:
          AttributeError: it was called more often, or never.
        """
        self._check_connected("output")
        if len(self._inbound_nodes) > 1:
            raise AttributeError(
                f"Layer {self.name} has multiple inbound nodes, hence the notion of "
                '"layer output" is ill-defined. Use `get_output_at(node_index)` '
                "instead."
            )
        return self.get_output_at(0)

    @property
    def input_mask(self) -> Any:
        """The mask of `input`.

        Raises:
          AttributeError: the layer was not called just once.
        """
        self._check_single("input mask")
        return self.get_input_mask_at(0)

    @property
    def output_mask(self) -> Any:
        """The mask of `output`.

        Raises:
          AttributeError: the layer was not called just once.
        """
        self._check_single("output mask")
        return self.get_output_mask_at(0)

    def _check_single(self, what: str) -> None:
        if len(self._inbound_nodes) != 1:
            raise AttributeError(
                f"Layer {self.name} has multiple inbound nodes, hence the notion of "
                f'"layer {what}" is ill-defined. Use '
                f"`get_{what.replace(' ', '_')}_at(node_index)` instead."
            )

    @property
    def input_shape(self) -> Any:
        """The shape of the inputs, if it was the same in every call.

        Raises:
          AttributeError: the layer was not called, or with different shapes.
        """
        return self._same_shape("input")

    @property
    def output_shape(self) -> Any:
        """The shape of the outputs, if it was the same in every call.

        Raises:
          AttributeError: the layer was not called, or gave different shapes.
        """
        return self._same_shape("output")

    def _same_shape(self, side: str) -> Any:
        if not self._inbound_nodes:
            raise AttributeError(
                f"The layer has never been called and thus has no defined {side} shape."
            )
        found = [getattr(node, f"{side}_shapes") for node in self._inbound_nodes]
        if len({str(shapes) for shapes in found}) > 1:
            raise AttributeError(
                f'The layer "{self.name} has multiple inbound nodes, with different '
                f'{side} shapes. Hence the notion of "{side} shape" is ill-defined for '
                f"the layer. Use `get_{side}_shape_at(node_index)` instead."
            )
        return found[0]


def _masks(tensors: Structure) -> Any:
    if isinstance(tensors, list):
        return [getattr(x, "_keras_mask", None) for x in tensors]
    return getattr(tensors, "_keras_mask", None)
