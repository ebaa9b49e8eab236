"""`with strategy.scope()`: a strategy in force, and how variables are made in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.distribute import current
from retrograd.graph.defaults import device
from retrograd.graph.distribution import entered
from retrograd.variables.scope import (
    get_variable_scope,
    variable_creator_scope,
    variable_scope,
)

if TYPE_CHECKING:
    from retrograd.distribute.strategy import Strategy
    from retrograd.typing import Getter

_NESTING = (
    "{} nesting error: move call to tf.distribute.set_strategy() out of `with` scope."
)


class StrategyScope:
    """A strategy in force; may be entered again inside itself.

    Args:
      strategy: the strategy.

    Raises:
      RuntimeError: on entering, inside the scope of another strategy, or while one
        replica is at work.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        #: for each time that it was entered: what to leave, with what to say if that
        #: fails
        self._entered: list[list[tuple[Any, str]]] = []

    def __enter__(self) -> Any:
        opened: list[tuple[Any, str]] = []
        if current.has_strategy():
            current.require_cross_replica(self._strategy.extended)
        else:
            for block, kind in self._blocks():
                block.__enter__()
                opened.append((block, kind))
        self._entered.append(opened)
        return self._strategy

    def _blocks(self) -> Any:
        extended = self._strategy.extended
        yield entered(self._strategy), "Strategy scope"
        scope = variable_scope(get_variable_scope(), custom_getter=extended._getter)
        yield scope, "Variable scope"
        yield variable_creator_scope(extended._creator), "Variable creator scope"
        if extended._default_device:
            yield device(extended._default_device), "Device scope"

    def __exit__(self, *details: object) -> None:
        for block, kind in reversed(self._entered.pop()):
            try:
                block.__exit__(*details)
            except RuntimeError as error:
                raise RuntimeError(_NESTING.format(kind)) from error


class DefaultScope:
    """The scope of the strategy that is in force without one: changes nothing.

    Raises:
      RuntimeError: on entering, inside the scope of another strategy.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._entered: list[Any] = []

    def __enter__(self) -> Any:
        if current.has_strategy():
            raise RuntimeError("Must not nest tf.distribute.Strategy scopes.")
        block = variable_creator_scope(self._creator)
        block.__enter__()
        self._entered.append(block)
        return self._strategy

    def _creator(self, next_creator: Getter, **arguments: Any) -> Any:
        current.require_strategy(self._strategy.extended)
        return next_creator(**arguments)

    def __exit__(self, *details: object) -> None:
        self._entered.pop().__exit__(*details)
