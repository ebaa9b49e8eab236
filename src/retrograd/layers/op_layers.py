"""Operations of a graph as layers, where a model is made of both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf import json_format

from retrograd.formats.node import attr_from_user
from retrograd.graph import context, opdef
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.layers import nodes
from retrograd.layers.base import Layer
from retrograd.layers.values import value_of
from retrograd.run.eager import execute
from retrograd.util import protos


class TensorFlowOpLayer(Layer):
    """An operation as a layer: what it has of other layers is its inputs.

    Args:
      node_def: the operation, as a message, its bytes, or the dict of `get_config`.
      name: of the operation; that of the layer begins with `tf_op_layer_`.
      constants: the inputs that come from no layer, by their places.
      trainable, dtype: as for any layer.
    """

    def __init__(
        self,
        node_def: Any,
        name: str,
        constants: Mapping[int, Any] | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=f"tf_op_layer_{name}", trainable=trainable, dtype=dtype)
        self.__dict__["constants"] = {int(k): v for k, v in (constants or {}).items()}
        self.__dict__["node_def"] = _message(node_def)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The outputs of the operation for inputs."""
        given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        for place in sorted(self.constants):
            given.insert(place, self._constant(place))
        node = self.node_def
        op_def = opdef.lookup(node.op)
        assert op_def is not None
        attrs = {k: attr_from_user(v) for k, v in node.attr.items()}
        if context.executing_eagerly():
            outputs = execute(op_def, given, attrs, None, None)
        else:
            graph = context.get_default_graph()
            outputs = graph.add(node.op, given, attrs, self._op_name()).outputs
        return outputs[0] if len(outputs) == 1 else list(outputs)

    def _op_name(self) -> str:
        return self.node_def.name.rpartition("/")[2]

    def _constant(self, place: int) -> Any:
        """An input that is no layer's, in the graph that is built."""
        kept = self.constants[place]
        if isinstance(kept, Tensor) and not context.executing_eagerly():
            if kept.graph is context.get_default_graph():
                return kept
        return convert_to_tensor(self._value(place))

    def _value(self, place: int) -> Any:
        kept = self.constants[place]
        if isinstance(kept, Tensor):
            kept = self.constants[place] = value_of(kept)
        return kept

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        config = super().get_config()
        config["name"] = config["name"].replace("tf_op_layer_", "", 1)
        config["node_def"] = json.loads(json_format.MessageToJson(self.node_def))
        values = {place: self._value(place) for place in self.constants}
        config["constants"] = {k: np.asarray(v).tolist() for k, v in values.items()}
        return config


def _message(node_def: Any) -> Any:
    message = protos.message("node_def.NodeDef")()
    if isinstance(node_def, bytes):
        message.ParseFromString(node_def)
    elif isinstance(node_def, Mapping):
        json_format.ParseDict(dict(node_def), message)
    else:
        message.CopyFrom(node_def)
    return message


def leads_back(tensors: Sequence[Any]) -> bool:
    """Whether a tensor is computed from what layers give."""
    pending = [x for x in tensors if isinstance(x, Tensor)]
    seen: list[Tensor] = []
    while pending:
        tensor = pending.pop()
        if getattr(tensor, "_keras_history_checked", False):
            continue
        if hasattr(tensor, "_keras_history"):
            return True
        tensor._keras_history_checked = True  # pyright: ignore[reportAttributeAccessIssue]
        seen.append(tensor)
        pending.extend(tensor.op.inputs)
    return False


def create_keras_history(tensors: Sequence[Any]) -> list[Layer]:
    """Make layers of the operations between what layers give and some tensors.

    Args:
      tensors: the tensors; afterwards each is the output of a layer.

    Returns:
      The layers that were made, in order.
    """
    made: list[Layer] = []
    for op in _between(tensors):
        _make_layer(op, made)
    return made


def _between(tensors: Sequence[Any]) -> list[Operation]:
    """The operations that become layers, each after those that it depends on."""
    ordered: list[Operation] = []
    done: set[Operation] = set()
    starts = [x.op for x in tensors if not _known(x)]
    waiting = [(op, False) for op in reversed(starts)]
    while waiting:
        op, leaving = waiting.pop()
        if leaving:
            ordered.append(op)
        elif op not in done:
            done.add(op)
            waiting.append((op, True))
            waiting += [(x.op, False) for x in reversed(op.inputs) if not _known(x)]
    of_layers: set[Operation] = set()
    for op in ordered:
        if any(_known(x) or x.op in of_layers for x in op.inputs):
            of_layers.add(op)
    return [op for op in ordered if op in of_layers or op in starts]


def _known(tensor: Any) -> bool:
    return hasattr(tensor, "_keras_history")


def _make_layer(op: Operation, made: list[Layer]) -> None:
    inputs = [x for x in op.inputs if _known(x)]
    constants = {i: x for i, x in enumerate(op.inputs) if not _known(x)}
    layer = TensorFlowOpLayer(op.node_def, op.name, constants)
    nodes.add_node(layer, inputs, list(op.outputs))
    made.append(layer)


hooks.provide(create_keras_history=create_keras_history, leads_back=leads_back)
