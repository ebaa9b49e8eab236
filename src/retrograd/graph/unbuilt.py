"""Functions that operations name and that nobody can call."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from retrograd.errors import OpError

if TYPE_CHECKING:
    from retrograd.typing import Message


class UnbuiltFunction:
    """A function without a body: there is none of its name, or it cannot be built.

    TensorFlow 1.15 takes a graph that has one, and fails when it is to run: so asking
    it for anything that a function has raises the error.

    Args:
      name: its name in the library of functions.
      error: what is wrong.
      definition: the FunctionDef that cannot be built; None where there is none.
    """

    def __init__(
        self, name: str, error: OpError, definition: Message | None = None
    ) -> None:
        self.name = self.function_name = name
        self.error = error
        self.definition = definition

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self.error

    def check(self) -> None:
        """Raise the error if there is a definition, which is at fault."""
        if self.definition is not None:
            raise self.error
