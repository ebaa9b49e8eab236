"""The collections that variables are in, and ops that initialize or check them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.graph.names import GraphKeys
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F, kind_of
from retrograd.ops.traits import Kind

if TYPE_CHECKING:
    from retrograd.variables.variable import Variable


def _collection(key: str, scope: str | None) -> list[Any]:
    return context.get_default_graph().get_collection(key, scope)


def global_variables(scope: str | None = None) -> list[Any]:
    """The variables that are saved and shared.

    Args:
      scope: a regular expression; only variables whose name it matches from the start.
    """
    return _collection(GraphKeys.GLOBAL_VARIABLES, scope)


def all_variables() -> list[Any]:
    """The former name of `global_variables`."""
    return global_variables()


def _all_saveable_objects(scope: str | None = None) -> list[Any]:
    return global_variables(scope) + _collection(GraphKeys.SAVEABLE_OBJECTS, scope)


def local_variables(scope: str | None = None) -> list[Any]:
    """The variables that are not saved; `scope` as for `global_variables`."""
    return _collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Any]:
    """The variables of the model; `scope` as for `global_variables`."""
    return _collection(GraphKeys.MODEL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    """The variables that optimizers change; `scope` as for `global_variables`."""
    return _collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Any]:
    """The variables with a moving average; `scope` as for `global_variables`."""
    return _collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def variables_initializer(var_list: Sequence[Any], name: str = "init") -> Any:
    """An operation that runs the initializers of all variables in the list."""
    if not var_list or context.executing_eagerly():
        return F.NoOp(name=name)
    from retrograd.ops.flow.control import group

    return group(*[v.initializer for v in var_list], name=name)


def initialize_variables(var_list: Sequence[Any], name: str = "init") -> Any:
    """The former name of `variables_initializer`."""
    return variables_initializer(var_list, name=name)


def global_variables_initializer() -> Any:
    """An operation that initializes all global variables there are now."""
    if context.executing_eagerly():
        return F.NoOp(name="global_variables_initializer")
    return variables_initializer(global_variables())


def initialize_all_variables() -> Any:
    """The former name of `global_variables_initializer`."""
    return global_variables_initializer()


def local_variables_initializer() -> Any:
    """An operation that initializes all local variables there are now."""
    if context.executing_eagerly():
        return F.NoOp(name="local_variables_initializer")
    return variables_initializer(local_variables())


def initialize_local_variables() -> Any:
    """The former name of `local_variables_initializer`."""
    return local_variables_initializer()


def tables_initializer(name: str = "init_all_tables") -> Any:
    """An operation that initializes all tables there are now.

    Args:
      name: of the operation.
    """
    initializers = _collection(GraphKeys.TABLE_INITIALIZERS, None)
    if not initializers:
        return F.NoOp(name=name)
    from retrograd.ops.flow.control import group

    return group(*initializers, name=name)


def is_variable_initialized(variable: Variable) -> Tensor:
    """Whether a variable has a value: a bool scalar."""
    from retrograd.variables.updates import is_variable_initialized

    return is_variable_initialized(variable)


def _variables_or_references(var_list: Sequence[Any] | None) -> Sequence[Any]:
    """The list, by default all variables, or references where no variable is known."""
    if var_list is not None:
        return var_list
    return (global_variables() + local_variables()) or _references()


def _references() -> list[Tensor]:
    ops = context.get_default_graph().get_operations()
    stored = [n.outputs[0] for n in ops if kind_of(n.type) is Kind.VARIABLE]
    return [t for t in stored if t.dtype._is_ref_dtype]


def assert_variables_initialized(var_list: Sequence[Any] | None = None) -> Any:
    """A tensor that fails with FailedPreconditionError where a variable has no value.

    Returns:
      The ranks of the variables; None if there are none.
    """
    var_list = _variables_or_references(var_list) or _references()
    if not var_list:
        return None
    graph = context.get_default_graph()
    ranks = []
    for variable in var_list:
        with graph.colocate_with(variable.op):
            ranks.append(F.Rank(variable))
    return ranks[0] if len(ranks) == 1 else F.Pack(ranks, name="stack")


def report_uninitialized_variables(
    var_list: Sequence[Any] | None = None, name: str = "report_uninitialized_variables"
) -> Tensor:
    """The names of the variables without a value: a string vector.

    Args:
      var_list: the variables to check, by default all global and local ones.
      name: the name scope of the operations.
    """
    from retrograd.graph import dispatch
    from retrograd.ops.array.constant import constant
    from retrograd.ops.array.selection import boolean_mask

    var_list = _variables_or_references(var_list)
    graph = context.get_default_graph()
    with dispatch.name_scope(name):
        known = [is_variable_initialized(v) for v in var_list]
        with graph.device("/cpu:0"):
            if not var_list:
                return constant([], dtype="string")
            missing = F.LogicalNot(F.Pack(known, name="stack"))
            names = constant([v.op.name for v in var_list])
            return boolean_mask(names, missing)
