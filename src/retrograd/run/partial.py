"""Partial runs: one run whose feeds are given, and fetches asked for, bit by bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from retrograd.errors import InvalidArgumentError
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.flow.demand import demand
from retrograd.run.feeds import Feed
from retrograd.run.interpret import Program
from retrograd.run.plan import Plan, make_plan
from retrograd.run.store import Store


def _invalid(text: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, text)


class PartialRun:
    """What is known in a partial run: each operation runs once over all its calls."""

    def __init__(
        self, store: Store, elements: Iterable[Any], feeds: Iterable[Tensor]
    ) -> None:
        self._store = store
        self._fetches = dict.fromkeys(elements)
        self._feeds = dict.fromkeys(feeds)
        self._values: dict[Tensor, Any] = {}
        self._done: set[Operation] = set()
        self._fed: set[Tensor] = set()
        self._fetched: set[Any] = set()

    @property
    def finished(self) -> bool:
        """Whether everything was fed and fetched."""
        return len(self._fetched) == len(self._fetches) and len(self._fed) == len(
            self._feeds
        )

    def run(self, elements: Sequence[Any], feeds: dict[Tensor, Any]) -> list[Any]:
        """The values of `elements`; None for operations.

        Raises:
          InvalidArgumentError: a feed or fetch was not set up, comes again, or depends
            on what was not fed yet.
        """
        self._check(elements, feeds)
        for tensor, value in feeds.items():
            self._values[tensor] = Feed(tensor)(value)
            self._fed.add(tensor)
        self._check_fed(elements)
        plan = self._plan(elements)
        known = [t for t in plan.feeds if t in self._values]
        values = Program(plan, self._store)([self._values[t] for t in known])
        self._values.update(zip(plan.fetches, values, strict=True))
        self._done.update(plan.ops)
        self._fetched.update(elements)
        return [self._values[e] if isinstance(e, Tensor) else None for e in elements]

    def _check(self, elements: Sequence[Any], feeds: dict[Tensor, Any]) -> None:
        for tensor in feeds:
            if tensor not in self._feeds:
                raise _invalid(
                    f"The feed {tensor.name} was not specified in partial_run_setup."
                )
            if tensor in self._fed:
                raise _invalid(f"The feed {tensor.name} has already been fed.")
        for element in elements:
            if element not in self._fetches:
                raise _invalid(
                    f"The fetch {element.name} was not specified in partial_run_setup."
                )
            if element in self._fetched:
                raise _invalid(f"The fetch {element.name} has already been fetched.")

    def _check_fed(self, elements: Sequence[Any]) -> None:
        missing = {t for t in self._feeds if t not in self._fed}
        if not missing:
            return
        for element in elements:
            op = element.op if isinstance(element, Tensor) else element
            needed = demand([], [op], set(self._values)).ops
            if element in missing or any(
                t in missing for o in needed for t in o._inputs
            ):
                raise _invalid(
                    f"Fetch {element.name} can't be computed from the feeds that have "
                    "been fed so far."
                )

    def _plan(self, elements: Sequence[Any]) -> Plan:
        """What is to be run still; every tensor it makes is kept for later calls."""
        fed = list(self._values)
        tensors = [e for e in elements if isinstance(e, Tensor)]
        targets = [e for e in elements if isinstance(e, Operation)]
        targets = [op for op in targets if op not in self._done]
        first = make_plan(tensors, targets, fed)
        ops = [op for op in first.ops if op not in self._done]
        made = [t for op in ops for t in op._outputs if t not in self._values]
        kept = [t for t in dict.fromkeys([*made, *tensors]) if t not in self._values]
        return Plan(ops, kept, fed, targets)
