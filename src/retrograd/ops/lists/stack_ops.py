"""Stacks: tensors that old control flow keeps for a gradient, one on top of another."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.arrays.array_rules import refused, text_of
from retrograd.graph.operation import Operation
from retrograd.ops.declare import op
from retrograd.ops.infer import like, nothing, unknown

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


_counter = itertools.count()


class Stack:
    """Tensors of which the one pushed last is popped first."""

    def __init__(self, name: str, limit: int) -> None:
        self.name, self.limit = name, limit
        self.items: list[Any] = []
        self.closed = False

    def check_open(self) -> None:
        """Raise InvalidArgumentError if the stack was closed."""
        if self.closed:
            raise refused(f"Stack[{self.name}] has already been closed.")


@op("StackV2", infer=lambda n: (2,), host=True, pure=False)
def make_stack(xp: Arrays, max_size: Array, *, n: Operation) -> Stack:
    """A new stack."""
    del xp
    if np.ndim(max_size):
        raise refused(
            f"Stack size must be a scalar, but had shape: {text_of(np.shape(max_size))}"
        )
    return Stack(f"{n.attrs['stack_name']}_{next(_counter)}", int(max_size))


@op(
    "StackPushV2",
    infer=like(1),
    host=True,
    pure=False,
)
def push(xp: Arrays, stack: Stack, value: Array) -> Array:
    """Puts a tensor on a stack, and returns it."""
    del xp
    stack.check_open()
    if 0 <= stack.limit <= len(stack.items):
        raise refused(f"Stack[{stack.name}] overflowed its max_size ({stack.limit})")
    stack.items.append(value)
    return value


@op("StackPopV2", infer=unknown, host=True, pure=False)
def pop(xp: Arrays, stack: Stack) -> Array:
    """Takes the last tensor off a stack."""
    del xp
    stack.check_open()
    if not stack.items:
        raise refused(f"Stack[{stack.name}] is empty when calling Pop().")
    return stack.items.pop()


@op("StackCloseV2", infer=nothing, host=True, pure=False)
def close_stack(xp: Arrays, stack: Stack) -> tuple[()]:
    """Removes what is on a stack."""
    del xp
    stack.items, stack.closed = [], True
    return ()
