"""Variable scopes: prefixes of names, and what variables take by default in them."""

from __future__ import annotations

import contextlib
import copy
import functools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.graph import graph_of
from retrograd.graph.hooks import hooks
from retrograd.graph.names import GraphKeys
from retrograd.util.decorators import contextmanager
from retrograd.variables.options import VariableAggregation, VariableSynchronization
from retrograd.variables.store import (
    AUTO_REUSE,
    VariableStore,
    _get_default_variable_store,
    resource_variables_enabled,
    set_resource_variables,
)

if TYPE_CHECKING:
    from retrograd.typing import (
        Aggregation,
        Constraint,
        DeviceLike,
        DTypeLike,
        Getter,
        InitializerLike,
        Partitioner,
        Regularizer,
        Reuse,
        ShapeLike,
    )


def enable_resource_variables() -> None:
    """Make resource variables where nothing else is said."""
    set_resource_variables(True)


def disable_resource_variables() -> None:
    """Make reference variables where nothing else is said."""
    set_resource_variables(False)


def no_regularizer(_: object) -> None:
    """A regularizer that turns off the one of the scopes around."""
    return None


#: what a scope hands on to the scopes and variables inside
_INHERITED = (
    "initializer",
    "regularizer",
    "caching_device",
    "partitioner",
    "custom_getter",
    "dtype",
    "use_resource",
)


class VariableScope:
    """A prefix of variable names, with defaults for the variables made in it.

    Attributes:
      name: the prefix, without a slash at the end.
      reuse: False or None: variables are new; True: they exist; AUTO_REUSE: either.
      original_name_scope: the name scope that was opened with it.
    """

    def __init__(
        self,
        reuse: Reuse,
        name: str = "",
        initializer: InitializerLike | None = None,
        regularizer: Regularizer | None = None,
        caching_device: DeviceLike = None,
        partitioner: Partitioner | None = None,
        custom_getter: Getter | None = None,
        name_scope: str = "",
        dtype: DTypeLike = dtypes.float32,
        use_resource: bool | None = None,
        constraint: Constraint | None = None,
    ) -> None:
        self._name = name
        self._initializer = initializer
        self._regularizer = regularizer
        self._reuse = reuse
        self._caching_device = caching_device
        self._partitioner = partitioner
        self._custom_getter = custom_getter
        self._name_scope = name_scope
        self._dtype = dtype
        self._use_resource = use_resource
        self._constraint = constraint
        if context.executing_eagerly():
            if caching_device is not None:
                raise NotImplementedError(
                    "Caching devices is not yet supported when eager execution is "
                    "enabled."
                )
            self._reuse = AUTO_REUSE
            self._use_resource = True

    @property
    def name(self) -> str:
        """The prefix of the names."""
        return self._name

    @property
    def original_name_scope(self) -> str:
        """The name scope that was opened with it."""
        return self._name_scope

    @property
    def reuse(self) -> Any:
        """Whether variables exist already."""
        return self._reuse

    @property
    def initializer(self) -> Any:
        """The default initializer."""
        return self._initializer

    @property
    def dtype(self) -> Any:
        """The default dtype."""
        return self._dtype

    @property
    def use_resource(self) -> bool | None:
        """Whether variables are resource variables."""
        return self._use_resource

    @property
    def regularizer(self) -> Any:
        """The default regularizer."""
        return self._regularizer

    @property
    def caching_device(self) -> Any:
        """The default caching device."""
        return self._caching_device

    @property
    def partitioner(self) -> Any:
        """The default partitioner."""
        return self._partitioner

    @property
    def custom_getter(self) -> Any:
        """What `get_variable` is handed to."""
        return self._custom_getter

    @property
    def constraint(self) -> Any:
        """The default constraint."""
        return self._constraint

    def reuse_variables(self) -> None:
        """From now on, take variables that exist."""
        self._reuse = True

    def set_initializer(self, initializer: InitializerLike | None) -> None:
        """Change the default initializer."""
        self._initializer = initializer

    def set_dtype(self, dtype: DTypeLike) -> None:
        """Change the default dtype."""
        self._dtype = dtype

    def set_use_resource(self, use_resource: bool | None) -> None:
        """Change whether variables are resource variables."""
        if context.executing_eagerly() and not use_resource:
            raise ValueError(
                "When eager execution is enabled, use_resource cannot be set to false."
            )
        self._use_resource = use_resource

    def set_regularizer(self, regularizer: Regularizer | None) -> None:
        """Change the default regularizer."""
        self._regularizer = regularizer

    def set_caching_device(self, caching_device: DeviceLike) -> None:
        """Change the default caching device."""
        if context.executing_eagerly():
            raise NotImplementedError(
                "Caching devices are not yet supported when eager execution is enabled."
            )
        self._caching_device = caching_device

    def set_partitioner(self, partitioner: Partitioner | None) -> None:
        """Change the default partitioner."""
        self._partitioner = partitioner

    def set_custom_getter(self, custom_getter: Getter | None) -> None:
        """Change what `get_variable` is handed to."""
        self._custom_getter = custom_getter

    def get_collection(self, name: str) -> list[Any]:
        """The items of a collection whose names are in this scope."""
        scope = f"{self._name}/" if self._name else ""
        return context.get_default_graph().get_collection(name, scope)

    def trainable_variables(self) -> list[Any]:
        """The trainable variables in this scope."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self) -> list[Any]:
        """The global variables in this scope."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        """The local variables in this scope."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def get_variable(
        self,
        var_store: VariableStore,
        name: str,
        shape: ShapeLike = None,
        dtype: DTypeLike | None = None,
        initializer: InitializerLike | None = None,
        regularizer: Regularizer | None = None,
        reuse: Reuse = None,
        trainable: bool | None = None,
        collections: Collection[str] | None = None,
        caching_device: DeviceLike = None,
        partitioner: Partitioner | None = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        custom_getter: Getter | None = None,
        constraint: Constraint | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: Aggregation = VariableAggregation.NONE,
    ) -> Any:
        """The variable `name` of this scope, from `var_store`. See `get_variable`."""
        if context.executing_eagerly():
            reuse, use_resource = False, True
        else:
            reuse = self._reuse if reuse is None else reuse
            use_resource = self._use_resource if use_resource is None else use_resource
        # names depend on variable scopes alone: name scopes are left meanwhile
        with dispatch.name_scope(None):
            _check_dtype(initializer, dtype)
            return var_store.get_variable(
                f"{self.name}/{name}" if self.name else name,
                shape=shape,
                dtype=self._dtype if dtype is None else dtype,
                initializer=self._initializer if initializer is None else initializer,
                regularizer=self._regularizer if regularizer is None else regularizer,
                reuse=reuse,
                trainable=trainable,
                collections=collections,
                caching_device=caching_device or self._caching_device,
                partitioner=partitioner or self._partitioner,
                validate_shape=validate_shape,
                use_resource=use_resource,
                custom_getter=custom_getter or self._custom_getter,
                constraint=self._constraint if constraint is None else constraint,
                synchronization=synchronization,
                aggregation=aggregation,
            )

    def _get_partitioned_variable(
        self, var_store: VariableStore, name: str | None, **arguments: Any
    ) -> Any:
        """The partitioned variable `name`, which may be empty, of this scope."""
        if self._custom_getter is not None:
            raise ValueError(
                "Private access to _get_partitioned_variable is not allowed when a "
                "custom getter is set.  Current custom getter: "
                f"{self._custom_getter}.  It is likely that you're using "
                "create_partitioned_variables.  If so, consider instead using "
                "get_variable with a non-empty partitioner parameter instead."
            )
        for key in (*_INHERITED, "constraint"):
            if key != "custom_getter" and arguments.get(key) is None:
                arguments[key] = getattr(self, key)
        if arguments["partitioner"] is None:
            raise ValueError("No partitioner was specified")
        full_name = "/".join(part for part in (self.name, name) if part)
        with dispatch.name_scope(None):
            return var_store._get_partitioned_variable(
                full_name, reuse=self.reuse, **arguments
            )


def _check_dtype(initializer: InitializerLike | None, dtype: DTypeLike | None) -> None:
    if dtype is None or initializer is None or callable(initializer):
        return
    found = convert_to_tensor(initializer).dtype.base_dtype
    if found != dtype:
        raise ValueError(
            f"Initializer type '{found}' and explicit dtype '{dtype}' don't match."
        )


# ---------------------------------------------------------------------- current scope

_SCOPES_KEY = ("__varscope",)


class _VariableScopeStore(threading.local):
    """The current scope of a graph in each thread, and how often scopes were opened."""

    def __init__(self) -> None:
        self.current_scope = VariableScope(False)
        self.variable_scopes_count: dict[str, int] = {}

    def open_variable_scope(self, scope_name: str) -> None:
        """Count that a scope is opened."""
        counts = self.variable_scopes_count
        counts[scope_name] = counts.get(scope_name, 0) + 1

    def close_variable_subscopes(self, scope_name: str | None) -> None:
        """Forget how often scopes inside of one were opened."""
        for name in self.variable_scopes_count:
            if scope_name is None or name.startswith(f"{scope_name}/"):
                self.variable_scopes_count[name] = 0

    def variable_scope_count(self, scope_name: str) -> int:
        """How often a scope was opened."""
        return self.variable_scopes_count.get(scope_name, 0)


def get_variable_scope_store() -> _VariableScopeStore:
    """The scopes of the default graph."""
    found = context.get_default_graph().get_collection_ref(_SCOPES_KEY)
    if not found:
        found.append(_VariableScopeStore())
    return found[0]


def get_variable_scope() -> VariableScope:
    """The current variable scope."""
    return get_variable_scope_store().current_scope


def get_variable(
    name: str,
    shape: ShapeLike = None,
    dtype: DTypeLike | None = None,
    initializer: InitializerLike | None = None,
    regularizer: Regularizer | None = None,
    trainable: bool | None = None,
    collections: Collection[str] | None = None,
    caching_device: DeviceLike = None,
    partitioner: Partitioner | None = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Getter | None = None,
    constraint: Constraint | None = None,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: Aggregation = VariableAggregation.NONE,
) -> Any:
    """The variable of that name in the current variable scope, made if it is new.

    Args:
      name: its name, below that of the scope.
      shape: its shape; left out where `initializer` is a value.
      dtype: its dtype, by default that of the scope, float32.
      initializer: an initializer, a function without arguments, or a value; by default
        that of the scope, or Glorot's uniform one; zeros for integers.
      regularizer: a function of the variable whose result joins the collection of
        regularization losses.
      trainable: whether optimizers change it by default.
      collections: the collections it is added to, by default the global variables.
      caching_device: a device that keeps the value that is read.
      partitioner: a function of shape and dtype that says into how many parts each
        axis is split.
      validate_shape: whether the initial value must have the shape.
      use_resource: whether it is a resource variable.
      custom_getter: a function that this call is handed to, `getter` its first
        argument.
      constraint: a function that optimizers apply to the value after an update.
      synchronization, aggregation: see the enumerations of these names.

    Raises:
      ValueError: the scope does not reuse and the variable exists, or it reuses and
        there is none, or the shape or dtype is not that of the one that exists.
    """
    return get_variable_scope().get_variable(
        _get_default_variable_store(),
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=trainable,
        collections=collections,
        caching_device=caching_device,
        partitioner=partitioner,
        validate_shape=validate_shape,
        use_resource=use_resource,
        custom_getter=custom_getter,
        constraint=constraint,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def get_local_variable(
    name: str,
    shape: ShapeLike = None,
    dtype: DTypeLike | None = None,
    initializer: InitializerLike | None = None,
    regularizer: Regularizer | None = None,
    trainable: bool = False,
    collections: Collection[str] | None = None,
    caching_device: DeviceLike = None,
    partitioner: Partitioner | None = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Getter | None = None,
    constraint: Constraint | None = None,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: Aggregation = VariableAggregation.NONE,
) -> Any:
    """As `get_variable`, for a local variable that is not trained."""
    del trainable
    return get_variable(
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=False,
        collections=[*(collections or ()), GraphKeys.LOCAL_VARIABLES],
        caching_device=caching_device,
        partitioner=partitioner,
        validate_shape=validate_shape,
        use_resource=use_resource,
        custom_getter=custom_getter,
        constraint=constraint,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def _get_partitioned_variable(name: str | None, **arguments: Any) -> Any:
    scope = get_variable_scope()
    return scope._get_partitioned_variable(
        _get_default_variable_store(), name, **arguments
    )


# ---------------------------------------------------------------------- entering


def _wrapped_getter(custom_getter: Getter, outer: Getter | None) -> Any:
    """A getter that has `outer`, that of the scope around, between it and the store."""
    if outer is None:
        return custom_getter

    def wrapped(getter: Getter, *args: Any, **kwargs: Any) -> Any:
        return custom_getter(functools.partial(outer, getter), *args, **kwargs)

    return wrapped


class _pure_variable_scope:
    """A context that changes the current variable scope, not the name scope.

    Args:
      name_or_scope: a name, which prolongs the current scope, or a scope to enter.
      old_name_scope: the name scope opened along with it.
      **given: what variables inside take by default.
    """

    def __init__(
        self,
        name_or_scope: str | VariableScope | None,
        reuse: Reuse = None,
        initializer: InitializerLike | None = None,
        regularizer: Regularizer | None = None,
        caching_device: DeviceLike = None,
        partitioner: Partitioner | None = None,
        custom_getter: Getter | None = None,
        old_name_scope: str | None = None,
        dtype: DTypeLike = dtypes.float32,
        use_resource: bool | None = None,
        constraint: Constraint | None = None,
    ) -> None:
        self._name_or_scope = name_or_scope
        self._reuse = reuse
        self._old_name_scope = old_name_scope
        self._constraint = constraint
        self._given = {
            "initializer": initializer,
            "regularizer": regularizer,
            "caching_device": caching_device,
            "partitioner": partitioner,
            "custom_getter": custom_getter,
            "dtype": dtype,
            "use_resource": use_resource,
        }
        self._scopes = get_variable_scope_store()
        self._entered: VariableScope | None = None
        self._shared: VariableScope | None = None
        if isinstance(name_or_scope, VariableScope):
            # a copy: what is changed inside does not stay
            self._shared = self._derived(
                name_or_scope,
                name_or_scope.name,
                reuse or name_or_scope.reuse,
                name_or_scope.original_name_scope,
            )

    def _derived(
        self, outer: VariableScope, name: str, reuse: Reuse, name_scope: str
    ) -> VariableScope:
        """A scope with the defaults of `outer`, except for those given."""
        inherited = {key: getattr(outer, key) for key in _INHERITED}
        for key, value in self._given.items():
            if key == "custom_getter" and value is not None:
                value = _wrapped_getter(value, outer.custom_getter)
            if value is not None:
                inherited[key] = value
        return VariableScope(
            reuse,
            name=name,
            name_scope=name_scope,
            constraint=self._constraint,
            **inherited,
        )

    def __enter__(self) -> VariableScope:
        scopes = self._scopes
        self._old = scopes.current_scope
        if self._shared is not None:
            self._new_name = self._shared.name
            scopes.open_variable_scope(self._new_name)
            self._old_counts = copy.copy(scopes.variable_scopes_count)
            entered = self._shared
        else:
            name: Any = self._name_or_scope
            self._new_name = f"{self._old.name}/{name}" if self._old.name else name
            self._reuse = self._reuse or self._old.reuse
            name_scope = name if self._old_name_scope is None else self._old_name_scope
            entered = self._derived(self._old, self._new_name, self._reuse, name_scope)
            scopes.open_variable_scope(self._new_name)
        scopes.current_scope = self._entered = entered
        return entered

    def check_nesting(self) -> None:
        """Check that this is the current scope.

        Raises:
          RuntimeError: it is not.
        """
        if self._scopes.current_scope is not self._entered:
            raise RuntimeError("Improper nesting of variable_scope.")

    def __exit__(self, *unused: object) -> None:
        self.check_nesting()
        scopes = self._scopes
        if self._shared is not None:
            scopes.variable_scopes_count = self._old_counts
        else:
            scopes.close_variable_subscopes(self._new_name)
        scopes.current_scope = self._old


def _get_unique_variable_scope(prefix: str) -> str:
    """`prefix`, with `_1`, `_2` … where the current scope has had such a scope."""
    scopes, current = get_variable_scope_store(), get_variable_scope()
    name = f"{current.name}/{prefix}" if current.name else prefix
    if scopes.variable_scope_count(name) == 0:
        return prefix
    number = 1
    while scopes.variable_scope_count(f"{name}_{number}") > 0:
        number += 1
    return f"{prefix}_{number}"


class variable_scope:
    """A context with a variable scope and, by default, a name scope of the same name.

    Args:
      name_or_scope: a name, or a `VariableScope` to enter again.
      default_name: the name to use, made unique, where `name_or_scope` is None.
      values: tensors whose graph is entered.
      initializer, regularizer, caching_device, partitioner, custom_getter, dtype,
      use_resource, constraint: what `get_variable` takes by default inside.
      reuse: True: variables must exist; AUTO_REUSE: they may; None: as outside.
      auxiliary_name_scope: whether a name scope is opened too.

    Raises:
      TypeError: no name, or one of another type.
      ValueError: another `reuse`, or reuse without a name.
    """

    def __init__(
        self,
        name_or_scope: str | VariableScope | None,
        default_name: str | None = None,
        values: Iterable[Any] | None = None,
        initializer: InitializerLike | None = None,
        regularizer: Regularizer | None = None,
        caching_device: DeviceLike = None,
        partitioner: Partitioner | None = None,
        custom_getter: Getter | None = None,
        reuse: Reuse = None,
        dtype: DTypeLike | None = None,
        use_resource: bool | None = None,
        constraint: Constraint | None = None,
        auxiliary_name_scope: bool = True,
    ) -> None:
        if default_name is None and name_or_scope is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        self._name_or_scope = name_or_scope
        self._default_name = default_name
        # a scope within one that reuses always reuses: False means None
        self._reuse = None if reuse is False else reuse
        if self._reuse not in (True, None, AUTO_REUSE):
            raise ValueError("The reuse parameter must be True or False or None.")
        if not isinstance(auxiliary_name_scope, bool):
            raise TypeError(
                "The auxiliary_name_scope must be `True` or `False`, while get "
                f"{auxiliary_name_scope}"
            )
        self._auxiliary_name_scope = auxiliary_name_scope
        self._given = {
            "initializer": initializer,
            "regularizer": regularizer,
            "caching_device": caching_device,
            "partitioner": partitioner,
            "custom_getter": custom_getter,
            "dtype": dtype,
            "use_resource": use_resource,
            "constraint": constraint,
        }
        self._graph = None
        if not context.executing_eagerly():
            self._graph = graph_of(values or ())
        self._entered: list[contextlib.ExitStack] = []
        self._scope: _pure_variable_scope | None = None
        self._name: str | None = None

    def __enter__(self) -> VariableScope:
        with contextlib.ExitStack() as stack:
            if self._graph is not None:
                if not context.get_default_graph().building_function:
                    stack.enter_context(self._graph.as_default())
            scope = self._enter(stack)
            self._entered.append(stack.pop_all())
        return scope

    def __exit__(self, *details: Any) -> None:
        if self._scope is not None:
            self._scope.check_nesting()
        self._entered.pop().__exit__(*details)

    def _enter(self, stack: contextlib.ExitStack) -> VariableScope:
        if self._scope is not None:
            # entered before: the same scopes again
            if self._name is not None:
                stack.enter_context(dispatch.name_scope(self._name))
            return stack.enter_context(self._scope)
        named = self._name_or_scope
        if named is not None and not isinstance(named, (VariableScope, str)):
            raise TypeError(
                "VariableScope: name_or_scope must be a string or VariableScope."
            )
        if named is None and self._reuse:
            raise ValueError("reuse=True cannot be used without a name_or_scope")
        name_scope = self._open_name_scope(stack, named)
        reuse = self._reuse
        if named is None:
            named = _get_unique_variable_scope(self._default_name or "")
        elif isinstance(named, VariableScope):
            name_scope = named.original_name_scope
        made = _pure_variable_scope(
            named, reuse=reuse, old_name_scope=name_scope, **self._given
        )
        scope = stack.enter_context(made)
        self._scope = made
        return scope

    def _open_name_scope(self, stack: contextlib.ExitStack, named: Any) -> str | None:
        """Open the name scope that goes along; its name, None where there is none."""
        if not self._auxiliary_name_scope:
            name = context.get_default_graph().get_name_scope()
            name = f"{name}/" if name else name
        elif named is None:
            name = self._default_name
        else:
            name = named if isinstance(named, str) else named.name.split("/")[-1]
            if not name:
                return None
        self._name = name
        return stack.enter_context(dispatch.name_scope(name))


@contextmanager
def variable_op_scope(
    values: Iterable[Any],
    name_or_scope: str | VariableScope | None,
    default_name: str | None = None,
    initializer: InitializerLike | None = None,
    regularizer: Regularizer | None = None,
    caching_device: DeviceLike = None,
    partitioner: Partitioner | None = None,
    custom_getter: Getter | None = None,
    reuse: Reuse = None,
    dtype: DTypeLike | None = None,
    use_resource: bool | None = None,
    constraint: Constraint | None = None,
) -> Iterator[VariableScope]:
    """The former form of `variable_scope`, `values` its first argument."""
    with variable_scope(
        name_or_scope,
        default_name,
        values,
        initializer,
        regularizer,
        caching_device,
        partitioner,
        custom_getter,
        reuse,
        dtype,
        use_resource,
        constraint,
    ) as scope:
        yield scope


@contextmanager
def variable_creator_scope(variable_creator: Callable[..., Any]) -> Iterator[None]:
    """A context in which `variable_creator(next_creator, **arguments)` makes variables.

    It may change the arguments, call `next_creator(**arguments)`, and change what that
    returns.
    """
    with context.get_default_graph()._variable_creator_scope(variable_creator):
        yield


variable_creator_scope_v1 = variable_creator_scope

__all__ = [
    "AUTO_REUSE",
    "VariableScope",
    "get_local_variable",
    "get_variable",
    "get_variable_scope",
    "no_regularizer",
    "resource_variables_enabled",
    "variable_creator_scope",
    "variable_op_scope",
    "variable_scope",
]


def _variables_are_resources() -> bool:
    return bool(get_variable_scope().use_resource)


hooks.provide(variables_are_resources=_variables_are_resources)
