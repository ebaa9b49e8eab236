"""Calling a function once for each replica, in threads that take turns.

Each replica runs until it returns, or until it asks for all replicas to be merged; when
all have got there the merge is done once, and they go on with their parts of its
result. One thread runs at a time, so graphs are built in the same order in every run.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.distribute import current
from retrograd.distribute.devices import DeviceMap, replica_number
from retrograd.distribute.replica import ReplicaContext
from retrograd.distribute.values import regroup, select_replica
from retrograd.errors import message
from retrograd.graph import context, dispatch
from retrograd.graph.defaults import control_dependencies, device
from retrograd.ops.array.constant import constant
from retrograd.variables.scope import (
    get_variable_scope,
    variable_creator_scope,
    variable_scope,
)

if TYPE_CHECKING:
    from retrograd.distribute.strategy import Strategy


def call_for_each_replica(
    strategy: Strategy,
    device_map: DeviceMap,
    fn: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """Call `fn` for each replica with its part of the arguments.

    Returns:
      What the calls returned, put together.

    Raises:
      RuntimeError: the calls did not merge equally often.
    """
    shared = SharedVariables()
    replicas = [
        _Replica(strategy, device_map, i, shared, fn, args, kwargs)
        for i in range(device_map.num_replicas_in_graph)
    ]
    try:
        while not _all_done(replicas):
            _merge(strategy, device_map, replicas)
    finally:
        for replica in replicas:
            replica.stop()
    return regroup(device_map, tuple(r.result for r in replicas))


def _all_done(replicas: Sequence[_Replica]) -> bool:
    """Let every replica run to its next pause; whether all have returned."""
    done = [replica.advance() for replica in replicas]
    if any(done) and not all(done):
        raise RuntimeError(
            message(
                "Some replicas made a different number of "
                "replica_context().merge_call() calls.",
                fix="let no condition that differs between replicas decide on a merge",
            )
        )
    return all(done)


def _merge(
    strategy: Strategy, device_map: DeviceMap, replicas: Sequence[_Replica]
) -> None:
    """Call the function that the first replica wants called, with the values of all."""
    pauses: list[_Pause] = [r.pause for r in replicas]
    args = regroup(device_map, tuple(p.args for p in pauses))
    kwargs = regroup(device_map, tuple(p.kwargs for p in pauses))
    first = pauses[0]
    waits = dict.fromkeys(op for p in pauses for op in p.control_inputs)
    with (
        dispatch.name_scope(first.name_scope),
        control_dependencies(list(waits)),
        variable_scope(first.variable_scope),
    ):
        merged = first.function(strategy, *args, **kwargs)
    for i, pause in enumerate(pauses):
        pause.result = select_replica(i, merged)


class _Stopped(BaseException):
    """Ends a replica's thread whose result nobody waits for any more."""


class _Pause:
    """A replica waiting for a merge: what to call, and where it is."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.result: Any = None
        self.name_scope = _current_name_scope()
        self.variable_scope = get_variable_scope()
        self.control_inputs: list[Any] = []
        if not context.executing_eagerly():
            graph = context.get_default_graph()
            self.control_inputs = graph._current_control_dependencies()


def _current_name_scope() -> str:
    """The name scope in force, with a slash at its end; empty at the top."""
    if context.executing_eagerly():
        return context.local.name_scope
    name = context.get_default_graph().get_name_scope()
    return f"{name}/" if name else ""


class _Replica(threading.Thread):
    """The thread of one replica."""

    def __init__(
        self,
        strategy: Strategy,
        device_map: DeviceMap,
        number: int,
        shared: SharedVariables,
        fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        super().__init__(daemon=True)
        self._strategy = strategy
        self._number = number
        self._device = device_map.all_devices[number]
        self._creator = shared.creator(number)
        self._function = fn
        self._args = select_replica(number, args)
        self._kwargs = select_replica(number, kwargs)
        self._surroundings = _Surroundings()
        self._name_scope = _current_name_scope()
        if number:
            self._name_scope += f"replica_{number}/"
        self._variable_scope = get_variable_scope()
        self.graph = context.get_default_graph()
        self._may_run, self._waits = threading.Event(), threading.Event()
        self._stopping = False
        self._error: BaseException | None = None
        #: what it waits for; None when it has returned
        self.pause: Any = None
        self.result: Any = None

    # what the thread that calls does

    def advance(self) -> bool:
        """Let it run to its next pause; whether it has returned.

        Raises what the function raised.
        """
        if self.ident is None:
            self.start()
        self._may_run.set()
        self._waits.wait()
        self._waits.clear()
        if self._error is not None:
            raise self._error
        return self.pause is None

    def stop(self) -> None:
        """End the thread, wherever it is."""
        self._stopping = True
        self._may_run.set()
        if self.ident is not None:
            self.join()

    # what its own thread does

    def run(self) -> None:
        """See `threading.Thread`."""
        try:
            self._wait_for_turn()
            with self._surroundings.entered(), self._replica_scopes():
                self.result = self._function(*self._args, **self._kwargs)
            self.pause = None
        except _Stopped:
            pass
        except BaseException as error:
            self._error = error
        finally:
            self._waits.set()

    def _wait_for_turn(self) -> None:
        self._may_run.wait()
        self._may_run.clear()
        if self._stopping:
            raise _Stopped

    @contextlib.contextmanager
    def _replica_scopes(self) -> Iterator[None]:
        """Where the replica's operations and variables go."""
        with (
            _ReplicaInThread(self._strategy, constant(self._number)),
            device(self._device),
            dispatch.name_scope(self._name_scope),
            variable_scope(self._variable_scope, reuse=self._number > 0),
            variable_creator_scope(self._creator),
        ):
            yield

    def merged(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        """Pause until all replicas have; this one's part of the result."""
        self.pause = pause = _Pause(function, args, kwargs)
        self._waits.set()
        self._wait_for_turn()
        return pause.result


class _ReplicaInThread(ReplicaContext):
    """A replica that runs in a thread of its own."""

    def _merge_call(
        self,
        merge_fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        thread: Any = threading.current_thread()
        if context.get_default_graph() is not thread.graph:
            raise RuntimeError(
                "`merge_call` called while defining a new graph or a tf.function. This "
                "can often happen if the function `fn` passed to "
                "`strategy.experimental_run()` is decorated with `@tf.function` (or "
                "contains a nested `@tf.function`), and `fn` contains a "
                "synchronization point, such as aggregating gradients. This behavior "
                "is not yet supported. Instead, please wrap the entire call "
                "`strategy.experimental_run(fn)` in a `@tf.function`, and avoid nested "
                "`tf.function`s that may potentially cross a synchronization boundary."
            )
        return thread.merged(merge_fn, args, kwargs)

    @property
    def devices(self) -> Any:
        """The device it runs on."""
        current.require_replica(self)
        devices = self._strategy.extended.worker_devices
        return (devices[replica_number(self)],)


class _Surroundings:
    """What the calling thread has in force, for another thread to take over.

    Name scopes are left out: the replica enters its own.
    """

    def __init__(self) -> None:
        here = context.local
        self._local = {
            "graphs": list(here.graphs),
            "switches": list(here.switches),
            "eager": here.eager,
            "device": here.device,
        }
        #: the scopes in force in each graph; those are a thread's own
        self._scopes = [
            (graph._scopes, {**vars(graph._scopes), "name": ""})
            for graph in dict.fromkeys([context.get_default_graph(), *here.graphs])
        ]
        self._summaries = vars(here.summaries).copy()

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Put it in force in the thread at work, which has nothing in force yet."""
        vars(context.local).update(self._local)
        for scopes, found in self._scopes:
            vars(scopes).update(found)
        vars(context.local.summaries).update(self._summaries)
        yield


class SharedVariables:
    """The variables that the first replica makes, for the others to find.

    They find them by name, and those of one name in the order they were made.
    """

    def __init__(self) -> None:
        self._made: dict[str, list[Any]] = {}

    def creator(self, replica_id: int) -> Callable[..., Any]:
        """A variable creator for a replica."""
        if replica_id == 0:
            return self._make
        counts: dict[str, int] = {}

        def find(next_creator: Callable[..., Any], **arguments: Any) -> Any:
            del next_creator
            name = arguments.get("name")
            key = _without_number(name)
            index = counts.get(key, 0)
            counts[key] = index + 1
            made = self._made.get(key, [])
            if index >= len(made):
                raise RuntimeError(
                    f"Tried to create variable {name} with mismatching name on device "
                    f"{replica_id}"
                )
            return made[index]

        return find

    def _make(self, next_creator: Callable[..., Any], **arguments: Any) -> Any:
        variable = next_creator(**arguments)
        self._made.setdefault(_without_number(arguments.get("name")), []).append(
            variable
        )
        return variable


def _without_number(name: str | None) -> str:
    """A variable's name without what scopes that were opened twice add to it."""
    if name is None:
        return "Variable"
    return re.sub(r"_\d$", "", re.sub(r"_\d/", "/", name))
