"""Variable scopes: variables shared by name, and what they take by default."""

from __future__ import annotations

from retrograd.graph import context


class _Modes:
    resource_variables = False


_modes = _Modes()


def enable_resource_variables() -> None:
    """Make resource variables where nothing else is said."""
    _modes.resource_variables = True


def disable_resource_variables() -> None:
    """Make reference variables where nothing else is said."""
    _modes.resource_variables = False


def resource_variables_enabled() -> bool:
    """Whether resource variables are made where nothing else is said."""
    return _modes.resource_variables


resource_by_default = resource_variables_enabled


class VariableScope:
    use_resource = None


def get_variable_scope() -> VariableScope:
    found = context.get_default_graph().get_collection_ref("__varscope")
    return found[0] if found else VariableScope()
