"""`tf.Module`: an object with variables and parts, found among its attributes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from retrograd import nest
from retrograd.graph.name_scopes import name_scope
from retrograd.util.decorators import make_decorator
from retrograd.util.tracking import AutoTrackable
from retrograd.variables.variable import Variable

_WORD = re.compile(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))")


def camel_to_snake(value: str) -> str:
    """`linear_layer` for `LinearLayer`."""
    return _WORD.sub(r"_\1", value).lower()


def valid_identifier(name: str) -> bool:
    """Whether a name is of ASCII letters, digits and underscores, no digit first."""
    return re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name) is not None


class Module(AutoTrackable):
    """A base for objects that have variables and other modules as attributes.

    Lists, tuples and dicts among the attributes are looked into.

    Args:
      name: a name for the module's scope, by default the class's in lower case.

    Raises:
      ValueError: the name is no identifier.
    """

    #: attributes that are not looked into
    _TF_MODULE_IGNORED_PROPERTIES: ClassVar[frozenset[str]] = frozenset(
        (
            "_self_unconditional_checkpoint_dependencies",
            "_self_unconditional_dependency_names",
            "_self_containers",
        )
    )

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = camel_to_snake(type(self).__name__)
        elif not valid_identifier(name):
            raise ValueError(
                f"{name!r} is not a valid module name. Module names must be valid "
                "Python identifiers (e.g. a valid class name)."
            )
        self._name = name
        with name_scope(name) as scope:
            self._scope_name = scope

    @property
    def name(self) -> str:
        """The name that was given; the scope's has those of the scopes around it."""
        return self._name

    @property
    def name_scope(self) -> Any:
        """A context in which operations get names in the module's scope."""
        return name_scope(self._scope_name)

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables of the module by attribute name, then those of its parts."""
        return tuple(self._flatten(predicate=_is_variable))

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Those of `variables` that are trained."""
        return tuple(self._flatten(predicate=_is_trainable_variable))

    @property
    def submodules(self) -> tuple[Any, ...]:
        """The modules among the attributes, then theirs."""
        return tuple(self._flatten(predicate=lambda o: isinstance(o, Module)))

    def _flatten(
        self,
        recursive: bool = True,
        predicate: Callable[[Any], Any] | None = None,
        attribute_traversal_key: Callable[[str], Any] | None = None,
        with_path: bool = False,
    ) -> Iterator[Any]:
        """What the attributes hold, in the order of their names, each object once.

        Args:
          recursive: whether to go on into modules, after the module's own attributes.
          predicate: which objects are wanted, by default all.
          attribute_traversal_key: by what attributes are sorted.
          with_path: whether to give `(path, object)`, and each path to an object.
        """
        return _flattened(
            self, recursive, predicate, attribute_traversal_key, with_path
        )

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: run a method in the module's name scope."""

        def method_with_name_scope(self: Any, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return make_decorator(method, method_with_name_scope)


def _is_variable(value: Any) -> bool:
    return isinstance(value, Variable)


def _is_trainable_variable(value: Any) -> bool:
    return _is_variable(value) and getattr(value, "trainable", False)


def _flattened(
    module: Module,
    recursive: bool,
    predicate: Callable[[Any], Any] | None,
    key: Callable[[str], Any] | None,
    with_path: bool,
) -> Iterator[Any]:
    """See `Module._flatten`."""
    seen = {id(module)}
    waiting: list[tuple[tuple[Any, ...], Module]] = [((), module)]
    while waiting:
        before, current = waiting.pop()
        inner = []
        attributes = vars(current)
        ignored = current._TF_MODULE_IGNORED_PROPERTIES
        for name in sorted((n for n in attributes if n not in ignored), key=key):
            for path, leaf in nest.flatten_with_tuple_paths(attributes[name]):
                path = (*before, name, *path)
                if not with_path:
                    if id(leaf) in seen:
                        continue
                    seen.add(id(leaf))
                if predicate is None or predicate(leaf):
                    yield (path, leaf) if with_path else leaf
                if recursive and isinstance(leaf, Module):
                    inner.append((path, leaf))
        waiting += reversed(inner)  # the first one's parts before the second's
