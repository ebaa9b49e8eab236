"""Variables in collections of a MetaGraphDef: VariableDef messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph.hooks import hooks
from retrograd.util import protos
from retrograd.variables.resource import ResourceVariable
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from retrograd.typing import Message


def _to_proto(variable: Variable, export_scope: str | None = None) -> Any:
    return variable.to_proto(export_scope=export_scope)


def _from_proto(message: Message, import_scope: str | None = None) -> Any:
    kind: Any = ResourceVariable if message.is_resource else Variable
    return kind.from_proto(message, import_scope=import_scope)


def variable_protos() -> tuple[Any, Any, Any]:
    """The class of messages, what makes one of a variable, and the other way round."""
    return protos.message("variable.VariableDef"), _to_proto, _from_proto


hooks.provide(variable_protos=variable_protos)
