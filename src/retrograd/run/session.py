"""Sessions: run parts of a graph, keep its variables between runs."""

from __future__ import annotations

import contextlib
import itertools
import threading
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.errors import InvalidArgumentError, ResourceExhaustedError
from retrograd.graph import context
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.flow.effects import bodies_of
from retrograd.platform.depth import deeper
from retrograd.run import mixed_precision, servers
from retrograd.run.configuration import session_config
from retrograd.run.devices import DeviceAttributes, local_devices
from retrograd.run.feeds import Feed, feed_tensor, flat_feeds
from retrograd.run.fetches import Fetches, partial_feed_function_of
from retrograd.run.partial import PartialRun
from retrograd.run.plan import make_plan, refuse_values
from retrograd.run.results import ResultProgram, copied
from retrograd.run.store import Store
from retrograd.run.tiers import Runner, pinned_tier
from retrograd.run.trace import NO_TRACE, Step, TracedProgram, fill

if TYPE_CHECKING:
    from retrograd.typing import FeedDict, Fetchable, Message


class Executable:
    """What to run for one combination of fetched elements and feeds, made once.

    Attributes:
      runs: how often it was run with a RunMetadata.
    """

    def __init__(
        self, session: BaseSession, elements: Sequence[Any], feeds: list[Feed]
    ) -> None:
        self.feeds = feeds
        self.runs = 0
        self._store = session._store
        self._count = len(elements)
        tensors = [e for e in elements if isinstance(e, Tensor)]
        targets = [e for e in elements if isinstance(e, Operation)]
        self.plan = make_plan(tensors, targets, [f.tensor for f in feeds])
        refuse_values(self.plan)
        self.runner = Runner(self.plan, session._store, session._tier, ResultProgram)
        self._is_deep = any(bodies_of(op) for op in self.plan.ops)
        self._traced: TracedProgram | None = None
        # positions of the fetched tensors among the elements; operations give None
        self._places: list[int] | None = None
        if targets:
            self._places = [i for i, e in enumerate(elements) if isinstance(e, Tensor)]

    def run(self, values: Sequence[Any]) -> Sequence[Any]:
        """Run with the given feed values; the results, element by element."""
        if self._is_deep:
            with deeper:
                return self._results(self.runner.run(values))
        return self._results(self.runner.run(values))

    def traced(self, values: Sequence[Any]) -> tuple[Sequence[Any], list[Step]]:
        """As `run`, and what each operation did."""
        if self._traced is None:
            self._traced = TracedProgram(self.plan, self._store)
        return self._results(self._traced(values)), self._traced.steps

    def _results(self, found: Sequence[Any]) -> Sequence[Any]:
        if self._places is None:
            return found
        spread: list[Any] = [None] * self._count
        for place, value in zip(self._places, found, strict=True):
            spread[place] = value
        return spread


class Call:
    """An executable, and the structure that its results take."""

    __slots__ = ("executable", "feeds", "rebuild", "single")

    def __init__(self, executable: Executable, fetches: Fetches) -> None:
        self.executable = executable
        self.feeds = executable.feeds
        self.rebuild = fetches.rebuild
        self.single = len(fetches.elements) == 1 and self.rebuild([_MARK]) is _MARK

    def run(self, values: Sequence[Any]) -> Any:
        """Run with the given feed values; the structure of results."""
        results = self.executable.run(values)
        return results[0] if self.single else self.rebuild(results)


_MARK = object()


class BaseSession:
    """Runs operations of one graph; holds the values of its variables."""

    def __init__(
        self,
        target: str = "",
        graph: Graph | None = None,
        config: Message | None = None,
    ) -> None:
        if graph is None:
            graph = context.get_default_graph()
        elif not isinstance(graph, Graph):
            raise TypeError(f"graph must be a tf.Graph, but got {type(graph)}")
        if target is None or isinstance(target, bytes):
            target = (target or b"").decode()
        elif not isinstance(target, str):
            raise TypeError(f"target must be a string, but got {target}")
        if config is not None and not hasattr(config, "SerializeToString"):
            raise TypeError(f"config must be a tf.ConfigProto, but got {type(config)}")
        self._graph = graph
        self._target = target
        server = servers.find(target)
        if config is None:
            config = session_config() if server is None else server.config
        self._config = config = mixed_precision.session_config(config)
        self._add_shapes = config is not None and config.graph_options.infer_shapes
        #: milliseconds that a run may wait, for all runs; 0 for any time
        self._timeout = 0 if config is None else config.operation_timeout_in_ms
        self._store = Store() if server is None else server.store
        self._shared = server is not None
        self._tier = pinned_tier(config)
        self._closed = False
        self._calls: dict[Any, Call] = {}
        self._executables: dict[Any, Executable] = {}
        #: makes what runs some elements with some feeds; a diagnosis puts its own here
        self._make_executable: Callable[..., Executable] = Executable
        self._partial_runs: dict[str, PartialRun] = {}
        self._rewirings = graph._rewirings
        self._lock = threading.RLock()

    @property
    def graph(self) -> Graph:
        """The graph that this session runs."""
        return self._graph

    @property
    def graph_def(self) -> Any:
        """The graph as a GraphDef message; with shapes if the config asks for them."""
        return self._graph.as_graph_def(add_shapes=self._add_shapes)

    @property
    def sess_str(self) -> bytes:
        """The target."""
        return self._target.encode()

    def list_devices(self) -> list[DeviceAttributes]:
        """The devices operations can be placed on."""
        return local_devices(self._config)

    def close(self) -> None:
        """Release what the session holds; it cannot run any more."""
        self._closed = True
        self._calls.clear()
        self._executables.clear()
        if not self._shared:
            self._store.cancel()

    def as_default(self) -> Any:
        """A context in which `eval` and `run` use this session."""
        return context.default_session(self)

    # ------------------------------------------------------------------ running

    def run(
        self,
        fetches: Fetchable,
        feed_dict: FeedDict | None = None,
        options: Message | None = None,
        run_metadata: Message | None = None,
    ) -> Any:
        """Run what `fetches` needs and return their values.

        Args:
          fetches: a tensor, an operation, a name, or nested lists, tuples, dicts and
            named tuples of these.
          feed_dict: values that replace those of tensors, by tensor or name.
          options: a RunOptions message: a time limit for loops and queues, whether to
            trace the run and to report the graph that was run.
          run_metadata: a RunMetadata message, written anew: times of operations where
            they are traced, the graph that was run.

        Returns:
          The values in the structure of `fetches`; None for an operation.

        Raises:
          RuntimeError: the session is closed.
          TypeError, ValueError: a fetch or feed is not of the graph or does not fit.
          OpError: an operation failed.
        """
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if self._graph._rewirings != self._rewirings:
            self._calls.clear()
            self._executables.clear()
            self._rewirings = self._graph._rewirings
        try:
            kind = type(fetches)
            key = (kind, tuple(fetches)) if kind is list else fetches
            call = self._calls[(key, tuple(feed_dict)) if feed_dict else key]
        except (KeyError, TypeError):
            call, feed_dict = self._prepare(fetches, feed_dict)
        values: Sequence[Any] = ()
        if feed_dict:
            values = [
                feed(value)
                for feed, value in zip(call.feeds, feed_dict.values(), strict=True)
            ]
        if options is None and run_metadata is None and not self._timeout:
            return call.run(values)
        return self._run_observed(call, values, options, run_metadata)

    def _run_observed(
        self,
        call: Call,
        values: Sequence[Any],
        options: Message | None,
        run_metadata: Message | None,
    ) -> Any:
        """Run with a time limit, or with a record of what was run."""
        limit = self._timeout if options is None else options.timeout_in_ms
        with contextlib.ExitStack() as stack:
            if limit or self._timeout:
                stack.enter_context(context.time_limit((limit or self._timeout) / 1000))
            if run_metadata is None:
                return call.run(values)
            executable = call.executable
            executable.runs += 1
            cost = self._wants_costs(executable.runs)
            tracing = options is not None and options.trace_level != NO_TRACE
            if tracing or cost:
                results, steps = executable.traced(values)
            else:
                results, steps = executable.run(values), None
        partition = options is not None and options.output_partition_graphs
        fill(run_metadata, executable.plan, steps, partition, cost)
        if steps is not None:
            steps.clear()  # they hold the values of the whole run
            if not tracing:
                run_metadata.ClearField("step_stats")
        return call.rebuild(results)

    def _wants_costs(self, runs: int) -> bool:
        """Whether the config asks for a cost model after so many runs."""
        if self._config is None:
            return False
        options = self._config.graph_options
        every, after = options.build_cost_model, options.build_cost_model_after
        return every > 0 and runs > after and (runs - after) % every == 0

    def _prepare(
        self, fetches: Fetchable, feed_dict: FeedDict | None
    ) -> tuple[Call, Any]:
        """Find or make what a combination of fetches and feeds needs."""
        self._check_graph()
        flat = flat_feeds(self._graph, feed_dict)
        found = Fetches(self._graph, fetches)
        call = Call(self._executable(found.elements, flat), found)
        self._remember(fetches, feed_dict, flat, call)
        return call, flat

    def _check_graph(self) -> None:
        if not self._graph._ops:
            raise RuntimeError(
                "The Session graph is empty.  Add operations to the graph before "
                "calling run()."
            )
        for _, text in self._graph._broken_edges.values():
            raise InvalidArgumentError(None, None, text)

    def _executable(self, elements: Sequence[Any], feeds: Iterable[Tensor]) -> Any:
        key = (tuple(elements), tuple(feeds))
        with self._lock:
            known = self._executables.get(key)
            if known is None:
                fed = [Feed(t) for t in key[1]]
                try:
                    with deeper:
                        known = self._make_executable(self, elements, fed)
                except RecursionError:
                    text = "Functions call each other within too many others."
                    raise ResourceExhaustedError(None, None, text) from None
                self._executables[key] = known
        return known

    def _remember(
        self,
        fetches: Fetchable,
        feed_dict: FeedDict | None,
        flat: dict[Tensor, Any],
        made: Call,
    ) -> None:
        """Find `made` at once next time, where fetches and feeds can be keys."""
        if feed_dict and list(feed_dict) != list(flat):
            return
        kind = type(fetches)
        key = (kind, tuple(fetches)) if kind is list else fetches
        try:
            hash(key)
        except TypeError:
            return
        if isinstance(fetches, (list, tuple)) and any(
            isinstance(f, (str, bytes)) for f in fetches
        ):
            return
        self._calls[(key, tuple(feed_dict)) if feed_dict else key] = made

    # ------------------------------------------------------------------ other ways

    def make_callable(
        self,
        fetches: Fetchable,
        feed_list: Sequence[Any] | None = None,
        accept_options: bool = False,
    ) -> Callable[..., Any]:
        """A function that runs `fetches`, its arguments the values of `feed_list`.

        Args:
          fetches: as for `run`.
          feed_list: the tensors to feed, or their names.
          accept_options: accepted; the function always takes `options` and
            `run_metadata`.

        Raises:
          TypeError: `feed_list` is not a list or tuple.
        """
        del accept_options
        if feed_list is not None and not isinstance(feed_list, (list, tuple)):
            raise TypeError("`feed_list` must be a list or tuple.")
        self._check_graph()
        tensors = [feed_tensor(self._graph, f) for f in feed_list or ()]
        found = Fetches(self._graph, fetches)
        made = Call(self._executable(found.elements, tensors), found)

        def run_some(values: tuple[Any, ...], *given: Any) -> Any:
            # what is too much is left out, and what lacks is not fed
            return self.run(fetches, dict(zip(tensors, values, strict=False)), *given)

        return self._function(made, run_some)

    def _function(
        self,
        made: Call,
        otherwise: Callable[..., Any],
        default_options: Message | None = None,
    ) -> Callable[..., Any]:
        """`made` as a function; another number of values is for `otherwise`."""
        feeds = made.feeds

        def call(
            *values: object,
            options: Message | None = None,
            run_metadata: Message | None = None,
        ) -> Any:
            if self._closed:
                raise RuntimeError("Attempted to use a closed Session.")
            if len(values) != len(feeds):
                return otherwise(values, options, run_metadata)
            arrays = [f(v) for f, v in zip(feeds, values, strict=True)]
            options = options or default_options
            if options is None and run_metadata is None and not self._timeout:
                return made.run(arrays)
            return self._run_observed(made, arrays, options, run_metadata)

        return call

    def _make_callable_from_options(
        self, callable_options: Message
    ) -> Callable[..., Any]:
        """As `make_callable`, from a CallableOptions message; results in a list."""
        self._check_graph()
        feeds = [feed_tensor(self._graph, name) for name in callable_options.feed]
        names = [*callable_options.fetch, *callable_options.target]
        found = Fetches(self._graph, list(names))
        call = Call(self._executable(found.elements, feeds), found)
        count = len(callable_options.fetch)

        def refuse(values: tuple[Any, ...], *_: object) -> Any:
            raise InvalidArgumentError(
                None, None, f"Expected {len(feeds)} feed tensors, but got {len(values)}"
            )

        run = self._function(call, refuse, callable_options.run_options)
        return lambda *values, **options: run(*values, **options)[:count]

    def partial_run_setup(
        self, fetches: Fetchable, feeds: Sequence[Any] | None = None
    ) -> str:
        """Begin a run whose feeds and fetches come bit by bit; experimental in 1.15.

        Args:
          fetches: everything that will be fetched, as for `run`.
          feeds: the tensors that will be fed.

        Returns:
          A handle for `partial_run`.

        Raises:
          RuntimeError: the session is closed, or the graph empty.
        """
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        self._check_graph()
        tensors = []
        for feed in feeds or ():
            expand = partial_feed_function_of(feed)
            parts = [feed] if expand is None else expand(feed)
            tensors.extend(feed_tensor(self._graph, part) for part in parts)
        elements = Fetches(self._graph, fetches).elements
        handle = f"{'/'.join(e.name for e in elements)};{next(_partial_runs)}"
        self._partial_runs[handle] = PartialRun(self._store, elements, tensors)
        return handle

    def partial_run(
        self, handle: str, fetches: Fetchable, feed_dict: FeedDict | None = None
    ) -> Any:
        """Go on with a run: feed some tensors, fetch some others.

        Args:
          handle: what `partial_run_setup` returned.
          fetches: some of those set up that were not fetched yet.
          feed_dict: values for some tensors that were set up and not fed yet.

        Returns:
          The values in the structure of `fetches`.

        Raises:
          RuntimeError: the session is closed.
          InvalidArgumentError: there is no such run, or it does not fit.
        """
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        run = self._partial_runs.get(handle)
        if run is None:
            raise InvalidArgumentError(
                None, None, "Must run 'setup' before performing partial runs!"
            )
        found = Fetches(self._graph, fetches)
        values = run.run(found.elements, flat_feeds(self._graph, feed_dict))
        if run.finished:
            del self._partial_runs[handle]
        return found.rebuild([copied(v) for v in values])


_partial_runs = itertools.count()


class Session(BaseSession):
    """A session that is also a context: default graph and session, closed at the end.

    Args:
      target: accepted; sessions run in this process.
      graph: the graph to run, by default the default graph.
      config: a ConfigProto message.
    """

    def __init__(
        self,
        target: str = "",
        graph: Graph | None = None,
        config: Message | None = None,
    ) -> None:
        super().__init__(target, graph, config)
        self._entered: list[Any] = []

    def __enter__(self) -> Session:
        if self._entered:
            raise RuntimeError(
                "Session context managers are not re-entrant. Use "
                "`Session.as_default()` if you want to enter a session multiple times."
            )
        for entered in (self._graph.as_default(), self.as_default()):
            entered.__enter__()
            self._entered.append(entered)
        return self

    def __exit__(self, *details: object) -> None:
        while self._entered:
            self._entered.pop().__exit__(*details)
        self.close()

    @staticmethod
    def reset(
        target: str,
        containers: Sequence[str] | None = None,
        config: Message | None = None,
    ) -> None:
        """Forget the variables of a server.

        Args:
          target: the server's; sessions without one share nothing.
          containers: the names of the containers to empty; by default all.
          config: accepted.
        """
        del config
        server = servers.find(target)
        if server is not None:
            server.store.clear(containers)


class InteractiveSession(BaseSession):
    """A session that is the default from the start, for shells and notebooks."""

    _active_session_count = 0
    _count_lock = threading.Lock()

    def __init__(
        self,
        target: str = "",
        graph: Graph | None = None,
        config: Message | None = None,
    ) -> None:
        super().__init__(target, graph, config)
        self._explicit_graph = graph
        with InteractiveSession._count_lock:
            if InteractiveSession._active_session_count > 0:
                warnings.warn(
                    "An interactive session is already active. This can cause "
                    "out-of-memory errors in some cases. You must explicitly call "
                    "`InteractiveSession.close()` to release resources held by the "
                    "other session(s).",
                    stacklevel=2,
                )
            InteractiveSession._active_session_count += 1
        self._contexts: list[Any] = []
        if graph is not None:
            self._contexts.append(graph.as_default())
        self._contexts.append(context.default_session(self, nested=False))
        for entered in self._contexts:
            entered.__enter__()

    def close(self) -> None:
        """Release what the session holds, and stop being the default."""
        super().close()
        if self._contexts:
            with InteractiveSession._count_lock:
                InteractiveSession._active_session_count -= 1
        while self._contexts:
            self._contexts.pop().__exit__(None, None, None)


__all__ = ["BaseSession", "Executable", "InteractiveSession", "Session"]
