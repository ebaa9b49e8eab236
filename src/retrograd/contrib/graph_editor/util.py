"""Lists of operations and tensors, and placeholders for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.graph import Graph
from retrograd.graph.names import GraphKeys
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import placeholder

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, ShapeLike, Structure

    #: operations, tensors, or a graph
    Given = Any

#: what the names of placeholders begin with
_DEFAULT_PLACEHOLDER_PREFIX = "geph"


def concatenate_unique(la: list[Any], lb: Iterable[Any]) -> list[Any]:
    """Add what is not there yet to a list, and return it."""
    there = set(la)
    for each in lb:
        if each not in there:
            la.append(each)
            there.add(each)
    return la


def is_iterable(obj: object) -> bool:
    """Whether something can be iterated over; tensors count as one thing."""
    return isinstance(obj, Iterable) and not isinstance(obj, Tensor | Operation)


def get_unique_graph(
    tops: Given, check_types: type[Any] | None = None, none_if_empty: bool = False
) -> Any:
    """The graph of operations or tensors.

    Args:
      tops: a list of them, or a graph.
      check_types: what they have to be.
      none_if_empty: whether the graph of nothing is None.

    Raises:
      TypeError: something else is among them.
      ValueError: they are of several graphs, or there are none.
    """
    if isinstance(tops, Graph):
        return tops
    if not is_iterable(tops):
        raise TypeError(f"{type(tops)} is not iterable")
    kinds = (Operation, Tensor) if check_types is None else (check_types,)
    graph = None
    for each in tops:
        if not isinstance(each, kinds):
            raise TypeError(
                f"Expected a type in ({', '.join(str(k) for k in kinds)}), got: "
                f"{type(each)}"
            )
        if graph is None:
            graph = each.graph
        elif graph is not each.graph:
            raise ValueError(f"Operation {each} does not belong to given graph")
    if graph is None and not none_if_empty:
        raise ValueError("Can't find the unique graph of an empty list")
    return graph


def _listed(
    given: Given,
    kind: type[Any],
    all_of: Callable[[Graph], list[Any]],
    check_graph: bool,
    allow: bool,
    ignore: bool,
) -> list[Any]:
    if isinstance(given, Graph):
        if not allow:
            raise TypeError("allow_graph is False: cannot convert a tf.Graph.")
        return all_of(given)
    values = list(given) if is_iterable(given) else [given]
    if not values:
        return []
    if check_graph:
        get_unique_graph(values, None if ignore else kind)
    return [value for value in values if isinstance(value, kind)]


def make_list_of_op(
    ops: Given,
    check_graph: bool = True,
    allow_graph: bool = True,
    ignore_ts: bool = False,
) -> list[Any]:
    """Operations in a list.

    Args:
      ops: one, several, or a graph.
      check_graph: whether they have to be of one graph.
      allow_graph: whether it may be a graph.
      ignore_ts: whether tensors are left out.

    Raises:
      TypeError: there is something else.
    """
    every = Graph.get_operations
    return _listed(ops, Operation, every, check_graph, allow_graph, ignore_ts)


def make_list_of_t(
    ts: Given,
    check_graph: bool = True,
    allow_graph: bool = True,
    ignore_ops: bool = False,
) -> list[Any]:
    """Tensors in a list; see `make_list_of_op`."""
    return _listed(ts, Tensor, get_tensors, check_graph, allow_graph, ignore_ops)


def get_tensors(graph: Graph) -> list[Any]:
    """The outputs of all operations of a graph.

    Raises:
      TypeError: it is none.
    """
    if not isinstance(graph, Graph):
        raise TypeError(f"Expected a graph, got: {type(graph)}")
    return [t for op in graph.get_operations() for t in op.outputs]


def get_generating_ops(ts: Given) -> list[Any]:
    """The operations whose outputs tensors are."""
    return [t.op for t in make_list_of_t(ts, allow_graph=False)]


def get_consuming_ops(ts: Given) -> list[Any]:
    """The operations that take tensors."""
    found: list[Any] = []
    for t in make_list_of_t(ts, allow_graph=False):
        concatenate_unique(found, t.consumers())
    return found


class ControlOutputs:
    """Which operations run after which.

    Args:
      graph: the graph, as it is now.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._control_outputs: dict[Any, list[Any]] = {}
        self._build()

    @property
    def graph(self) -> Any:
        """The graph."""
        return self._graph

    def update(self) -> ControlOutputs:
        """Look again, as the graph has changed."""
        self._control_outputs.clear()
        self._build()
        return self

    def _build(self) -> None:
        for op in self._graph.get_operations():
            for before in op.control_inputs:
                self._control_outputs.setdefault(before, []).append(op)

    def get_all(self) -> dict[Any, list[Any]]:
        """All of them, by what they run after."""
        return self._control_outputs

    def get(self, op: Operation) -> list[Any]:
        """Those that run after one."""
        return self._control_outputs.get(op, [])


def scope_finalize(scope: str) -> str:
    """A scope with a slash at its end; none stays empty."""
    return scope if not scope or scope[-1] == "/" else scope + "/"


def scope_dirname(scope: str) -> str:
    """The scope that a name is in, with its slash."""
    return scope[: scope.rfind("/") + 1]


def scope_basename(scope: str) -> str:
    """A name without the scope that it is in."""
    return scope[scope.rfind("/") + 1 :]


def placeholder_name(
    t: Tensor | None = None,
    scope: str | None = None,
    prefix: str = _DEFAULT_PLACEHOLDER_PREFIX,
) -> str:
    """The name of a placeholder for a tensor.

    Args:
      t: the tensor.
      scope: the scope; by default that of the tensor.
      prefix: what the name begins with.
    """
    if scope is not None:
        scope = scope_finalize(scope)
    if t is None:
        return (scope or "") + prefix
    if not isinstance(t, Tensor):
        raise TypeError(f"Expected a tf.Tenfor, got: {type(t)}")
    name = scope_basename(t.op.name)
    if scope is None:
        scope = scope_dirname(t.op.name)
    if not name.startswith(f"{prefix}__"):
        name = f"{prefix}__{name}_{t.value_index}"
    return scope + name


def make_placeholder_from_tensor(
    t: Tensor, scope: str | None = None, prefix: str = _DEFAULT_PLACEHOLDER_PREFIX
) -> Any:
    """A placeholder of a tensor's dtype and shape; see `placeholder_name`."""
    name = placeholder_name(t, scope=scope, prefix=prefix)
    return placeholder(dtype=t.dtype, shape=t.get_shape(), name=name)


def make_placeholder_from_dtype_and_shape(
    dtype: DTypeLike,
    shape: ShapeLike = None,
    scope: str | None = None,
    prefix: str = _DEFAULT_PLACEHOLDER_PREFIX,
) -> Any:
    """A placeholder.

    Args:
      dtype, shape: its own.
      scope: its scope.
      prefix: its name.
    """
    name = placeholder_name(scope=scope, prefix=prefix)
    return placeholder(dtype=dtype, shape=shape, name=name)


ph = make_placeholder_from_dtype_and_shape


def get_predefined_collection_names() -> list[str]:
    """The names of TensorFlow's own collections."""
    return [
        value
        for name, value in vars(GraphKeys).items()
        if name[0] != "_" and isinstance(value, str)
    ]


def transform_tree(tree: Structure, fn: Callable[[Any], Any]) -> Any:
    """Lists, tuples and dicts of what a function makes of the leaves."""
    if isinstance(tree, dict):
        return {key: transform_tree(value, fn) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        made = [transform_tree(value, fn) for value in tree]
        if hasattr(tree, "_make"):
            return tree._make(made)  # pyright: ignore[reportAttributeAccessIssue]
        return type(tree)(made)
    return fn(tree)


def flatten_tree(tree: Structure) -> list[Any]:
    """The leaves of lists, tuples and dicts."""
    found: list[Any] = []
    transform_tree(tree, found.append)
    return found


def checked_lengths(ts0: Sequence[Any], ts1: Sequence[Any]) -> None:
    """Raise ValueError unless two lists have as many tensors."""
    if len(ts0) != len(ts1):
        raise ValueError(f"ts0 and ts1 have different sizes: {len(ts0)} != {len(ts1)}")
