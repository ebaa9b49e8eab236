"""Templates: functions that make their variables once and share them in later calls."""

from __future__ import annotations

import contextlib
import functools
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.graph.hooks import hooks
from retrograd.graph.names import GraphKeys
from retrograd.variables.scope import (
    VariableScope,
    _get_unique_variable_scope,
    _pure_variable_scope,
    get_variable_scope_store,
    variable_scope,
)
from retrograd.variables.store import (
    AUTO_REUSE,
    EagerVariableStore,
    _get_default_variable_store,
)

if TYPE_CHECKING:
    from retrograd.typing import Getter


def make_template(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Getter | None = None,
    **kwargs: Any,
) -> Template:
    """A function like `func_` whose calls share the variables it gets.

    Args:
      name_: the variable scope of its variables, made unique.
      func_: the function; it must take its variables by `get_variable`.
      create_scope_now_: whether the scope is opened now, not at the first call.
      unique_name_: the scope's name as it is; an existing scope is an error.
      custom_getter_: the custom getter of the scope.
      **kwargs: arguments that all calls have.

    Raises:
      ValueError: no name; or, when it is called again, a new trainable variable.
    """
    return make_template_internal(
        name_, func_, create_scope_now_, unique_name_, custom_getter_, **kwargs
    )


def make_template_internal(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Getter | None = None,
    create_graph_function_: bool = False,
    **kwargs: Any,
) -> Template:
    """As `make_template`; `create_graph_function_` makes the function a graph."""
    if kwargs:
        func_ = functools.update_wrapper(functools.partial(func_, **kwargs), func_)
    if create_graph_function_:
        func_ = hooks.defun(func_)
    if not context.executing_eagerly():
        return Template(name_, func_, create_scope_now_, unique_name_, custom_getter_)
    if unique_name_ is not None:
        raise ValueError("unique_name_ cannot be used when eager exeuction is enabled.")
    return EagerTemplate(name_, func_, create_scope_now_, custom_getter_)


def _skip_common_stack_elements(stack: list[str], base: list[str]) -> list[str]:
    """The frames of `stack` that `base` does not share."""
    for i, (frame, other) in enumerate(zip(stack, base, strict=False)):
        if frame != other:
            return stack[i:]
    return stack[-1:]


class Template:
    """What `make_template` gives in a graph. See there."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        create_scope_now: bool = False,
        unique_name: str | None = None,
        custom_getter: Getter | None = None,
    ) -> None:
        self._func = func
        self._stacktrace = traceback.format_stack()[:-2]
        self._name = name
        self._unique_name = unique_name
        self._custom_getter = custom_getter
        if name is None:
            raise ValueError("name cannot be None.")
        self._variable_scope: VariableScope | None = None
        if create_scope_now:
            scope_name = unique_name or _get_unique_variable_scope(name)
            with _pure_variable_scope(scope_name, custom_getter=custom_getter) as scope:
                self._variable_scope = scope
        self._variables_created = False
        self._first_call = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._variable_scope is not None:
            with variable_scope(self._variable_scope, reuse=not self._first_call):
                return self._call_func(args, kwargs)
        with self._opened():
            return self._call_func(args, kwargs)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[VariableScope]:
        """Open the scope for the first time."""
        with variable_scope(
            self._unique_name, self._name, custom_getter=self._custom_getter
        ) as scope:
            self._variable_scope = scope
            yield scope

    def _call_func(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return self._checked_call(args, kwargs)
        except Exception as error:
            stack = _skip_common_stack_elements(
                self._stacktrace, traceback.format_stack()
            )
            text = error.args[0] if error.args else ""
            text = f"{text}\n\noriginally defined at:\n{''.join(stack)}"
            error.args = (text, *error.args[1:])
            raise

    def _checked_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function; later calls must not make trainable variables."""
        before = self._trainable()
        first, self._first_call = self._first_call, False
        try:
            result = self._func(*args, **kwargs)
        except Exception:
            self._first_call = first
            raise
        if self._variables_created:
            known = set(before)
            added = [v for v in self._trainable() if v not in known]
            if added:
                raise ValueError(
                    "Trainable variable created when calling a template after the "
                    "first time, perhaps you used tf.Variable when you meant "
                    f"tf.get_variable: {added}"
                )
        self._variables_created = True
        return result

    def _trainable(self) -> list[Any]:
        graph = context.get_default_graph()
        return graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def _collection(self, key: str) -> list[Any]:
        if not self._variables_created:
            return []
        graph = context.get_default_graph()
        return graph.get_collection(key, self.variable_scope_name)

    @property
    def name(self) -> str:
        """The name it was given."""
        return self._name

    @property
    def func(self) -> Callable[..., Any]:
        """The function that it calls."""
        return self._func

    @property
    def variable_scope(self) -> VariableScope | None:
        """The variable scope; None before the first call."""
        return self._variable_scope

    @property
    def var_scope(self) -> VariableScope | None:
        """The former name of `variable_scope`."""
        return self._variable_scope

    @property
    def variable_scope_name(self) -> str | None:
        """The name of the variable scope, with a slash; None before the first call."""
        if self._variable_scope is None:
            return None
        name = self._variable_scope.name
        return name if not name or name[-1] == "/" else f"{name}/"

    @property
    def variables(self) -> list[Any]:
        """Global and local variables in the scope."""
        return self.global_variables + self.local_variables

    @property
    def trainable_variables(self) -> list[Any]:
        """Trainable variables in the scope."""
        return self._collection(GraphKeys.TRAINABLE_VARIABLES)

    @property
    def non_trainable_variables(self) -> list[Any]:
        """Global variables in the scope that are not trainable."""
        trainable = set(self.trainable_variables)
        return [v for v in self.global_variables if v not in trainable]

    @property
    def global_variables(self) -> list[Any]:
        """Global variables in the scope."""
        return self._collection(GraphKeys.GLOBAL_VARIABLES)

    @property
    def local_variables(self) -> list[Any]:
        """Local variables in the scope."""
        return self._collection(GraphKeys.LOCAL_VARIABLES)

    @property
    def weights(self) -> list[Any]:
        """As `variables`."""
        return self.variables

    @property
    def trainable_weights(self) -> list[Any]:
        """As `trainable_variables`."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Any]:
        """As `non_trainable_variables`."""
        return self.non_trainable_variables


class EagerTemplate(Template):
    """What `make_template` gives when executing eagerly: it keeps its variables."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        create_scope_now: bool = False,
        custom_getter: Getter | None = None,
    ) -> None:
        if not context.executing_eagerly():
            raise RuntimeError(
                f"{type(self)} objects can only be used when eager execution is "
                "enabled, use tf.Template for graph construction"
            )
        super().__init__(name, func, create_scope_now, None, custom_getter)
        outer = _get_default_variable_store()
        keeps = outer._store_eager_variables
        self._store = EagerVariableStore(outer if keeps else None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        entered = (
            self._opened()
            if self._variable_scope is None
            else variable_scope(self._variable_scope, reuse=AUTO_REUSE)
        )
        # the store comes second, so that templates inside are told apart
        with entered, self._storing():
            return self._call_func(args, kwargs)

    @contextlib.contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            with self._store.as_default():
                yield
        finally:
            assert self._variable_scope is not None
            scopes = get_variable_scope_store()
            scopes.close_variable_subscopes(self._variable_scope.name)

    def _inside(self, variables: list[Any]) -> list[Any]:
        if self._variable_scope is None:
            return []
        return [v for v in variables if v.name.startswith(self.variable_scope_name)]

    def _trainable(self) -> list[Any]:
        return self._inside(self._store.trainable_variables())

    def _collection(self, key: str) -> list[Any]:
        if not self._variables_created or key == GraphKeys.LOCAL_VARIABLES:
            return []
        if key == GraphKeys.TRAINABLE_VARIABLES:
            return self._trainable()
        return self._inside(self._store.variables())
