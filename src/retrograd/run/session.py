"""Sessions: run parts of a graph, keep its variables between runs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograd import dtypes
from retrograd.errors import message
from retrograd.graph import context
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.constant import make_array
from retrograd.run.fetches import Fetches, feed_function_of
from retrograd.run.plan import make_plan
from retrograd.run.store import Store
from retrograd.run.tiers import Runner, pinned_tier


class Feed:
    """A fed tensor: checks a value and turns it into an array."""

    __slots__ = ("known", "numpy_type", "raw", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.raw = tensor._shape_raw
        self.known = self.raw is not None and None not in self.raw
        self.numpy_type = np.dtype(tensor.dtype.base_dtype.as_numpy_dtype)

    def __call__(self, value: Any) -> Any:
        """The array of `value`.

        Raises:
          TypeError: the value is a tensor, or not of the dtype.
          ValueError: its shape contradicts the static shape.
        """
        if type(value) is not np.ndarray or value.dtype != self.numpy_type:
            value = self._converted(value)
        raw = self.raw
        if raw is not None and value.shape != raw:
            if len(value.shape) != len(raw) or any(
                w is not None and w != h for w, h in zip(raw, value.shape, strict=True)
            ):
                raise self._wrong_shape(value)
        return value

    def _converted(self, value: Any) -> Any:
        tensor = self.tensor
        if isinstance(value, Tensor):
            raise TypeError(
                "The value of a feed cannot be a tf.Tensor object. Acceptable feed "
                "values include Python scalars, strings, lists, numpy ndarrays, or "
                "TensorHandles. For reference, the tensor object was "
                f"{value} which was passed to the feed with key {tensor}."
            )
        if tensor.dtype.base_dtype is dtypes.string:
            return make_array(_text_array(value), dtypes.string)[0]
        if tensor.dtype.base_dtype in (dtypes.resource, dtypes.variant):
            return value
        if isinstance(value, int) and self._overflows(value):
            raise TypeError(
                f"Type of feed value {value} with type {type(value)} is not compatible "
                f"with Tensor type {self.numpy_type.type}. Try explicitly setting the "
                "type of the feed tensor to a larger type (e.g. int64)."
            )
        return np.asarray(value, dtype=self.numpy_type)

    def _overflows(self, value: int) -> bool:
        if self.numpy_type.kind not in "iu":
            return False
        limits = np.iinfo(self.numpy_type)
        return not limits.min <= value <= limits.max

    def _wrong_shape(self, value: np.ndarray) -> ValueError:
        tensor = self.tensor
        return ValueError(
            message(
                f"Cannot feed value of shape {value.shape!r} for Tensor "
                f"{tensor.name!r}, which has shape {str(tensor.shape)!r}",
                at=f"{tensor.name}, made in {tensor.op.where}",
            )
        )


def _text_array(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in "US":
        return value.astype(object)
    return value


class Executable:
    """Everything about one combination of fetches and feeds, made once."""

    def __init__(
        self, session: BaseSession, fetches: Fetches, feeds: list[Feed]
    ) -> None:
        self.feeds = feeds
        self.fetches = fetches
        tensors = fetches.tensors
        targets = [e for e in fetches.elements if isinstance(e, Operation)]
        plan = make_plan(tensors, targets, [f.tensor for f in feeds])
        self.runner = Runner(plan, session._store, session._tier)
        # positions of the fetched tensors among the elements; operations give None
        self._places: list[int] | None = None
        if targets:
            self._places = [
                i for i, e in enumerate(fetches.elements) if isinstance(e, Tensor)
            ]
        self._single = len(fetches.elements) == 1 and fetches.rebuild([_MARK]) is _MARK

    def run(self, values: Sequence[Any]) -> Any:
        """Run with the given feed values; the structure of results."""
        results = self.runner.run(values)
        if self._single:
            return _own(results[0], _ALONE) if self._places is None else None
        owned: list[Any] = [_own(r, _AMONG) for r in results]
        if self._places is not None:
            spread: list[Any] = [None] * len(self.fetches.elements)
            for place, value in zip(self._places, owned, strict=True):
                spread[place] = value
            owned = spread
        return self.fetches.rebuild(owned)


_MARK = object()


def _references(value: Any, most: int) -> int:
    """How many references a value has, called as `_own` is."""
    del most
    return sys.getrefcount(value)


def _unshared() -> tuple[int, int]:
    """References that a value of the results alone has, passed to `_own` by `run`."""
    results = (np.empty(1),)
    return _references(results[0], 0), max([_references(r, 0) for r in results])


_ALONE, _AMONG = _unshared()


def _own(value: Any, most: int) -> Any:
    """`value` as the caller may keep and change it.

    Scalars become NumPy scalars.  An array that something else holds too (a variable, a
    constant, a feed), with more references than `most`, is copied; one that was made
    for this run is not.
    """
    if type(value) is np.ndarray:
        if not value.shape:
            item = value[()]
            return item
        if value.base is None and sys.getrefcount(value) <= most:
            return value
        return value.copy()
    if isinstance(value, np.generic) or value is None:
        return value
    if hasattr(value, "__array__") and hasattr(value, "dtype"):
        array = np.array(value)
        return array if array.shape else array[()]
    return value


class BaseSession:
    """Runs operations of one graph; holds the values of its variables."""

    def __init__(
        self, target: str = "", graph: Graph | None = None, config: Any = None
    ):
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
        self._config = config
        self._store = Store()
        self._tier = pinned_tier(config)
        #: milliseconds that a run may wait, for all runs; 0 for any time
        self._timeout = 0 if config is None else config.operation_timeout_in_ms
        self._closed = False
        self._executables: dict[Any, Executable] = {}
        self._rewirings = graph._rewirings
        self._lock = threading.RLock()

    @property
    def graph(self) -> Graph:
        """The graph that this session runs."""
        return self._graph

    @property
    def graph_def(self) -> Any:
        """The graph as a GraphDef message."""
        return self._graph.as_graph_def(add_shapes=True)

    @property
    def sess_str(self) -> str:
        """The target."""
        return self._target

    def list_devices(self) -> list[Any]:
        """The devices operations can run on."""
        return []

    def close(self) -> None:
        """Release what the session holds; it cannot run any more."""
        self._closed = True
        self._executables.clear()
        self._store.cancel()

    def as_default(self) -> Any:
        """A context in which `eval` and `run` use this session."""
        return context.default_session(self)

    # ------------------------------------------------------------------ running

    def run(
        self,
        fetches: Any,
        feed_dict: Any = None,
        options: Any = None,
        run_metadata: Any = None,
    ) -> Any:
        """Run what `fetches` needs and return their values.

        Args:
          fetches: a tensor, an operation, a name, or nested lists, tuples, dicts and
            named tuples of these.
          feed_dict: values that replace those of tensors, by tensor or name.
          options: a RunOptions message; its time limit holds for loops and queues.
          run_metadata: a RunMetadata message, accepted.

        Returns:
          The values in the structure of `fetches`; None for an operation.

        Raises:
          RuntimeError: the session is closed.
          TypeError, ValueError: a fetch or feed is not of the graph or does not fit.
          OpError: an operation failed.
        """
        del run_metadata
        if options is not None or self._timeout:
            asked = 0 if options is None else options.timeout_in_ms
            if context.local.deadline is None and (asked or self._timeout) > 0:
                with context.time_limit((asked or self._timeout) / 1000):
                    return self.run(fetches, feed_dict)
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if self._graph._rewirings != self._rewirings:
            self._executables.clear()
            self._rewirings = self._graph._rewirings
        try:
            kind = type(fetches)
            key = (kind, tuple(fetches)) if kind is list else fetches
            executable = self._executables[
                (key, tuple(feed_dict)) if feed_dict else key
            ]
        except (KeyError, TypeError):
            executable, feed_dict = self._prepare(fetches, feed_dict)
        if not feed_dict:
            return executable.run(())
        values = [
            feed(value)
            for feed, value in zip(executable.feeds, feed_dict.values(), strict=True)
        ]
        return executable.run(values)

    def _prepare(self, fetches: Any, feed_dict: Any) -> tuple[Executable, Any]:
        """Make what a new combination of fetches and feeds needs."""
        if not self._graph._ops:
            raise RuntimeError(
                "The Session graph is empty.  Add operations to the graph before "
                "calling run()."
            )
        flat = self._flat_feeds(feed_dict)
        found = Fetches(self._graph, fetches)
        key = (tuple(found.elements), tuple(flat))
        with self._lock:
            known = self._executables.get(("elements", key))
            if known is None or known.fetches.rebuild is not found.rebuild:
                known = Executable(self, found, [Feed(t) for t in flat])
                self._remember(fetches, feed_dict, flat, known)
        return known, flat

    def _remember(
        self, fetches: Any, feed_dict: Any, flat: dict[Tensor, Any], made: Executable
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
        self._executables[(key, tuple(feed_dict)) if feed_dict else key] = made

    def _flat_feeds(self, feed_dict: Any) -> dict[Tensor, Any]:
        flat: dict[Tensor, Any] = {}
        if not feed_dict:
            return flat
        for key, value in _flat_items(feed_dict):
            for part, part_value in _expanded(key, value):
                try:
                    tensor = self._graph.as_graph_element(part, allow_operation=False)
                except Exception as error:
                    text = error.args[0] if error.args else ""
                    raise TypeError(
                        f"Cannot interpret feed_dict key as Tensor: {text}"
                    ) from None
                if not self._graph.is_feedable(tensor):
                    raise ValueError(f"Tensor {tensor} may not be fed.")
                flat[tensor] = part_value
        return flat

    def make_callable(
        self, fetches: Any, feed_list: Any = None, accept_options: bool = False
    ) -> Callable[..., Any]:
        """A function that runs `fetches`, its arguments the values of `feed_list`.

        Raises:
          TypeError: `feed_list` is not a list or tuple.
        """
        if feed_list is not None and not isinstance(feed_list, (list, tuple)):
            raise TypeError("`feed_list` must be a list or tuple.")
        feeds = [
            Feed(self._graph.as_graph_element(f, allow_operation=False))
            for f in feed_list or ()
        ]
        made = Executable(self, Fetches(self._graph, fetches), feeds)

        def call(*values: Any, options: Any = None, run_metadata: Any = None) -> Any:
            del options, run_metadata
            if self._closed:
                raise RuntimeError("Attempted to use a closed Session.")
            if len(values) != len(feeds):
                raise TypeError(
                    f"Expected {len(feeds)} feed values, got {len(values)}."
                )
            return made.run([f(v) for f, v in zip(feeds, values, strict=True)])

        del accept_options
        return call


def _flat_items(feed_dict: Any) -> list[tuple[Any, Any]]:
    """Keys and values, where a key may be a tuple of tensors fed by a tuple."""
    items: list[tuple[Any, Any]] = []
    for key, value in feed_dict.items():
        if isinstance(key, (tuple, list)) and not hasattr(key, "_as_graph_element"):
            if len(key) != len(value):
                raise ValueError(
                    f"Could not flatten dictionary. Key had {len(key)} elements, but "
                    f"value had {len(value)} elements. Key: {key}, value: {value}."
                )
            items.extend(zip(key, value, strict=True))
        else:
            items.append((key, value))
    return items


def _expanded(key: Any, value: Any) -> Any:
    expand = feed_function_of(key)
    return expand(key, value) if expand is not None else [(key, value)]


class Session(BaseSession):
    """A session that is also a context: default graph and session, closed at the end.

    Args:
      target: accepted; sessions run in this process.
      graph: the graph to run, by default the default graph.
      config: a ConfigProto message.
    """

    def __init__(
        self, target: str = "", graph: Graph | None = None, config: Any = None
    ):
        super().__init__(target, graph, config)
        self._entered: list[Any] = []

    def __enter__(self) -> Session:
        contexts = [self._graph.as_default(), self.as_default()]
        for entered in contexts:
            entered.__enter__()
        self._entered.append(contexts)
        return self

    def __exit__(self, *details: Any) -> None:
        for entered in reversed(self._entered.pop()):
            entered.__exit__(*details)
        self.close()

    @staticmethod
    def reset(target: str, containers: Any = None, config: Any = None) -> None:
        """Accepted: sessions of one process do not share state."""
        del target, containers, config


class InteractiveSession(BaseSession):
    """A session that is the default from the start, for shells and notebooks."""

    def __init__(
        self, target: str = "", graph: Graph | None = None, config: Any = None
    ):
        super().__init__(target, graph, config)
        self._explicit_graph = graph
        self._contexts: list[Any] = []
        if graph is not None:
            self._contexts.append(graph.as_default())
        self._contexts.append(self.as_default())
        for entered in self._contexts:
            entered.__enter__()

    def close(self) -> None:
        """Release what the session holds, and stop being the default."""
        super().close()
        while self._contexts:
            self._contexts.pop().__exit__(None, None, None)


__all__ = ["BaseSession", "Executable", "Feed", "InteractiveSession", "Session"]
