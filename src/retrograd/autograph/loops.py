"""`while` and `for`, as loops of Python or operations of the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from retrograd.autograph.branches import if_stmt
from retrograd.autograph.builtins_of import is_dataset, len_
from retrograd.autograph.state import (
    GetState,
    SetState,
    check_loop,
    is_dense,
    refuse_undefined_in_loop,
)
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.function import FuncGraph
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import bounds_of_range
from retrograd.ops.array.tensor_values import constant_value
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.loops import while_loop
from retrograd.ops.lists.tensor_array import TensorArray


def while_stmt(
    test: Callable[[], Any],
    body: Callable[[], None],
    get_state: GetState,
    set_state: SetState,
    names: Sequence[str],
) -> None:
    """Repeat a block: in Python, or in the graph.

    The condition is computed once to see what it is; if it is a tensor, once more.

    Args:
      test: computes the condition.
      body: the block.
      get_state, set_state: give and set what goes from one turn to the next.
      names: of that.
    """
    if context.executing_eagerly():
        going = test()
    else:
        with FuncGraph("tmp").as_default():
            going = test()
        if is_dense(going):
            _Loop(get_state, set_state, names).run((), lambda: test(), lambda: body())
            return
    while going:
        body()
        going = test()


class _Loop:
    """A loop of the graph, over variables of its own and those of the program."""

    def __init__(
        self, get_state: GetState, set_state: SetState, names: Sequence[str]
    ) -> None:
        self.get_state, self.set_state = get_state, set_state
        self.names = names

    def run(
        self, own: Sequence[Any], test: Callable[..., Any], body: Callable[..., Any]
    ) -> None:
        """Make the loop; set the program's variables to what it leaves.

        Args:
          own: the first values of variables that the program does not see.
          test: takes these; the condition.
          body: takes these and gives the next ones; runs the block.
        """
        before = self.get_state()
        refuse_undefined_in_loop(before)
        count = len(own)
        if not own and not before:
            own = [constant(0)]  # a loop has to have something

        def condition(*values: Any) -> Any:
            self.set_state(values[len(own) :])
            return test(*values[:count])

        def turn(*values: Any) -> Any:
            entered = values[len(own) :]
            self.set_state(entered)
            following = (
                body(*values[:count]) if count else (body(), values[: len(own)])[1]
            )
            left = self.get_state()
            check_loop(entered, left, self.names)
            return (*following, *left)

        try:
            found: Any = while_loop(
                condition, turn, (*own, *before), return_same_structure=True
            )
        except BaseException:
            self.set_state(before)
            raise
        self.set_state(tuple(found[len(own) :]))


def for_stmt(
    iterated: Any,
    extra_test: Callable[[], Any] | None,
    body: Callable[[Any], None],
    get_state: GetState,
    set_state: SetState,
    names: Sequence[str],
) -> None:
    """Run a block for each item of something: in Python, or in the graph.

    Args:
      iterated: a tensor, a dataset, or anything that Python can iterate.
      extra_test: computes whether the loop goes on, where there was a jump in it.
      body: the block; takes an item.
      get_state, set_state: give and set what goes from one turn to the next.
      names: of that.
    """
    if not context.executing_eagerly():
        loop = _Loop(get_state, set_state, names)
        if is_dense(iterated):
            _over_tensor(loop, convert_to_tensor(iterated), extra_test, body)
            return
        if is_dataset(iterated):
            iterated = iter(iterated)
        if hasattr(iterated, "_next_as_optional"):
            _over_iterator(loop, iterated, extra_test, body)
            return
    for item in iterated:
        body(item)
        if extra_test is not None and not extra_test():
            break


def _over_tensor(
    loop: _Loop,
    tensor: Any,
    extra_test: Callable[[], Any] | None,
    body: Callable[[Any], None],
) -> None:
    bounds = bounds_of_range(tensor)
    if bounds is not None:
        start, limit, step = bounds

        def following(at: Any) -> Any:
            body(at)
            return (at + step,)

        below = _below(limit, step)
        loop.run((start,), lambda at: _and(below(at), extra_test), following)
        return
    count = len_(tensor)
    items = TensorArray(tensor.dtype, count, element_shape=tensor.shape[1:])
    items = items.unstack(tensor)

    def next_item(i: Any) -> Any:
        body(items.read(i))
        return (i + 1,)

    loop.run((constant(0),), lambda i: _and(F.Less(i, count), extra_test), next_item)


def _over_iterator(
    loop: _Loop,
    iterator: Any,
    extra_test: Callable[[], Any] | None,
    body: Callable[[Any], None],
) -> None:
    """Over the elements of a dataset; no more are taken than the block is run for."""
    going = constant(True)

    def turn(_: Any) -> Any:
        taken = iterator._next_as_optional()
        there = taken.has_value()
        state = loop.get_state, loop.set_state, loop.names, len(loop.names)
        if_stmt(there, lambda: body(taken.get_value()), lambda: None, *state)
        return (there,)

    loop.run((going,), lambda going: _and(going, extra_test), turn)


def _below(limit: Any, step: Any) -> Callable[[Any], Any]:
    """Whether a place in a range is before its end, which may lie below."""
    known = constant_value(step)

    def test(at: Any) -> Any:
        if known is not None:
            return F.Less(at, limit) if known >= 0 else F.Greater(at, limit)
        up = F.LogicalAnd(F.GreaterEqual(step, F.ZerosLike(step)), F.Less(at, limit))
        down = F.LogicalAnd(F.Less(step, F.ZerosLike(step)), F.Greater(at, limit))
        return F.LogicalOr(up, down)

    return test


def _and(test: Any, extra_test: Callable[[], Any] | None) -> Any:
    if extra_test is None:
        return test
    return cond(test, extra_test, lambda: constant(False))
