"""The values of any tensors in one run that leaves no trace in the session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.arrays.list_value import TensorList
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.flow.control_ops import DEAD
from retrograd.run.feeds import Feed, flat_feeds
from retrograd.run.interpret import Program
from retrograd.run.plan import make_plan
from retrograd.run.session import BaseSession
from retrograd.run.store import Cell, Store
from retrograd.run.witness import Witness, WitnessedProgram

if TYPE_CHECKING:
    from retrograd.typing import FeedDict

#: dtypes whose tensors have no value to look at
_WITHOUT_VALUE = frozenset(("resource", "variant"))


class Observed:
    """Runs parts of a graph in tier 0 and gives the values of all tensors asked for.

    What the runs change (variables, random state, queues) is put back.

    Args:
      session: whose variables to use; None for a graph that has none.
      graph: the graph.
      feed_dict: as for `Session.run`.

    Attributes:
      store: where the variables are.
      feeds: the arrays that are fed.
    """

    def __init__(
        self,
        session: BaseSession | None,
        graph: Graph,
        feed_dict: FeedDict | None = None,
    ) -> None:
        self.store = Store() if session is None else session._store
        flat = flat_feeds(graph, feed_dict)
        self.feeds = {tensor: Feed(tensor)(value) for tensor, value in flat.items()}

    def __call__(
        self,
        tensors: Sequence[Tensor],
        feeds: dict[Tensor, Any] | None = None,
        witness: Witness | None = None,
        targets: Sequence[Operation] = (),
    ) -> dict[Tensor, Any]:
        """Run once.

        Args:
          tensors: what is wanted; handles and the like are left out.
          feeds: arrays for further tensors.
          witness: is told of each operation that runs.
          targets: operations to run as well.

        Returns:
          The array of each tensor, which nothing else holds; a tensor on a branch that
          was not taken has none.

        Raises:
          OpError: an operation failed.
        """
        given = {**self.feeds, **(feeds or {})}
        wanted = [
            t
            for t in dict.fromkeys(tensors)
            if t not in given and t.dtype.base_dtype.name not in _WITHOUT_VALUE
        ]
        extra = feeds or {}
        with self.store.kept():  # of what planning adds: the state of random operations
            run = self.prepared(list(extra), wanted, witness, targets)
            arrays = run(list(extra.values()))
        found = {t: a for t, a in zip(wanted, arrays, strict=True) if a is not None}
        return {**{t: np.asarray(given[t]) for t in tensors if t in given}, **found}

    def prepared(
        self,
        given: Sequence[Tensor],
        wanted: Sequence[Tensor],
        witness: Witness | None = None,
        targets: Sequence[Operation] = (),
    ) -> Callable[[Sequence[Any]], list[Any]]:
        """A function, planned once, from the arrays of some tensors to those of others.

        Args:
          given: tensors beside those that are fed in any case.
          wanted: what the function returns; None for one on a branch that is not taken,
            lists as they are.
          witness: is told of each operation that runs.
          targets: operations to run as well.
        """
        fixed = {t: a for t, a in self.feeds.items() if t not in set(given)}
        plan = make_plan(wanted, targets, [*fixed, *given])
        program: Program = (
            _Whole(plan, self.store)
            if witness is None
            else WitnessedProgram(plan, self.store, witness)
        )

        def run(arrays: Sequence[Any]) -> list[Any]:
            with self.store.kept():
                results = program([*fixed.values(), *arrays])
                return [None if r is DEAD else _own(r) for r in results]

        return run


class _Whole(Program):
    """A plan of which not every fetch needs a value."""

    def _with_dead(self, results: Sequence[Any]) -> Sequence[Any]:
        return results


def _own(value: object) -> Any:
    """A copy: constants and variables are handed out as they are, and so are lists."""
    if isinstance(value, TensorList):
        return value
    return np.array(value.read() if isinstance(value, Cell) else value)
