"""Control dependencies that make operations with state run in the program's order.

Inside a function there is nobody to fetch an operation: what has an effect must run
because the function is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.graph import context, opdef
from retrograd.graph.composite import IndexedSlices, SparseTensor
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.lists.flow import Flowing
from retrograd.util.decorators import make_decorator

if TYPE_CHECKING:
    from retrograd.graph.specs import CompositeTensor
    from retrograd.typing import CompositeLike


#: ops with state that may run at any time, lest they wait for each other for ever
ASYNC_STATEFUL_OPS = [
    "CollectiveGather",
    "CollectiveReduce",
    "CollectiveBcastSend",
    "CollectiveBcastRecv",
    "NcclAllReduce",
]
#: random ops, which initial values are made of: initializers run in no order
LEGACY_RANDOM_OPS = [
    "RandomUniform",
    "RandomUniformInt",
    "RandomStandardNormal",
    "ParameterizedTruncatedNormal",
    "TruncatedNormal",
    "RandomShuffle",
    "Multinomial",
    "RandomGamma",
    "RandomGammaGrad",
    "RandomPoisson",
    "RandomPoissonV2",
]
_FREE = frozenset((*ASYNC_STATEFUL_OPS, *LEGACY_RANDOM_OPS))
_PLACEHOLDERS = ("Placeholder", "PlaceholderV2", "PlaceholderWithDefault")


def op_is_stateful(op: Operation) -> bool:
    """Whether an operation has state that the order of the program matters for."""
    return op._is_stateful and op.type not in _FREE


class AutomaticControlDependencies:
    """A context whose operations with state all run, in the order they are made.

    Those that use one resource follow each other; so do those that use none. Results
    marked with `mark_as_return` come after all of them.

    Attributes:
      ops_which_must_run: on leaving, the operations with state.
    """

    def __init__(self) -> None:
        self._returned: list[Tensor] = []
        self.ops_which_must_run: set[Operation] = set()
        self._graph: Graph | None = None
        self._first = 0
        self._before = False

    def mark_as_return(self, tensor: Tensor | CompositeTensor | Flowing) -> Any:
        """A copy of a result, which comes after the operations that must run."""
        if isinstance(tensor, IndexedSlices):
            values, indices = self._copy(tensor.values), self._copy(tensor.indices)
            return IndexedSlices(values, indices, tensor.dense_shape)
        if isinstance(tensor, SparseTensor):
            values, indices = self._copy(tensor.values), self._copy(tensor.indices)
            return SparseTensor(indices, values, tensor.dense_shape)
        if isinstance(tensor, Flowing):
            return tensor._with(self._copy(tensor.flow))
        return self._copy(tensor)

    def _copy(self, tensor: CompositeLike) -> Tensor:
        copied = F.Identity(tensor)
        self._returned.append(copied)
        return copied

    def __enter__(self) -> AutomaticControlDependencies:
        if not context.executing_eagerly():
            graph = self._graph = context.get_default_graph()
            self._before = graph._add_control_dependencies
            graph._add_control_dependencies = True
            self._first = len(graph._ops)
        return self

    def __exit__(self, *unused: object) -> None:
        graph = self._graph
        if context.executing_eagerly() or graph is None:
            return
        if graph is not context.get_default_graph():
            raise RuntimeError(
                "Graph changed while trying to add control dependencies."
            )
        graph._add_control_dependencies = self._before
        self._order(graph._ops[self._first :])
        must_run = sorted(self.ops_which_must_run, key=lambda o: o._id)
        for tensor in self._returned:
            if must_run:
                tensor.op._add_control_inputs(must_run)

    def _order(self, ops: list[Operation]) -> None:
        """Let each operation follow the last one that used what it uses."""
        last: dict[Tensor | None, Operation] = {}
        for op in ops:
            if op.type in _PLACEHOLDERS:
                continue
            stateful = op_is_stateful(op)
            if stateful or opdef.lookup(op.type) is None:
                self.ops_which_must_run.add(op)
            used = dict.fromkeys(
                t for t in op._inputs if t.dtype.base_dtype.name == "resource"
            )
            keys: list[Tensor | None] = list(used)
            if stateful and not used:
                keys.append(None)
            before = {last[key]: None for key in keys if key in last}
            op._add_control_inputs(o for o in before if o is not op)
            last.update((key, op) for key in keys)


def automatic_control_dependencies(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose operations with state all run when its results are asked for.

    They run in the order they are made.
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with AutomaticControlDependencies() as manager:
            result = f(*args, **kwargs)
            marked = [manager.mark_as_return(t) for t in nest.flatten(result)]
            return nest.pack_sequence_as(result, marked)

    return make_decorator(f, wrapper)
