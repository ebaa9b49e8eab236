"""Variables in collections of a MetaGraphDef: VariableDef messages."""

from __future__ import annotations

from typing import Any

from retrograd.graph.names import GraphKeys
from retrograd.graph.proto_functions import register_proto_function
from retrograd.util import protos
from retrograd.variables.resource import ResourceVariable
from retrograd.variables.variable import Variable


def _to_proto(variable: Any, export_scope: str | None = None) -> Any:
    return variable.to_proto(export_scope=export_scope)


def _from_proto(message: Any, import_scope: str | None = None) -> Any:
    kind: Any = ResourceVariable if message.is_resource else Variable
    return kind.from_proto(message, import_scope=import_scope)


_VariableDef = protos.message("variable.VariableDef")
for _key in (
    GraphKeys.GLOBAL_VARIABLES,
    GraphKeys.TRAINABLE_VARIABLES,
    GraphKeys.MOVING_AVERAGE_VARIABLES,
    GraphKeys.LOCAL_VARIABLES,
    GraphKeys.MODEL_VARIABLES,
    GraphKeys.GLOBAL_STEP,
    GraphKeys.METRIC_VARIABLES,
):
    register_proto_function(_key, _VariableDef, _to_proto, _from_proto)
