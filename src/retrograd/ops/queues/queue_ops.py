"""The ops of queues: making one, putting tensors in, taking them out, closing."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retrograd import dtypes, errors
from retrograd.graph.opdef import type_word
from retrograd.graph.operation import Operation
from retrograd.graph.record import Record
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import invalid, nothing, scalar, unknown
from retrograd.ops.queues import buffers as queue_kernels
from retrograd.ops.queues.buffers import shape_text
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.ops.declare import _NotDifferentiable
    from retrograd.ops.queues.buffers import Queue
    from retrograd.run.store import Store
    from retrograd.typing import Array, Arrays

    Handle: TypeAlias = Queue | np.ndarray


# ---------------------------------------------------------------------- making queues

_KINDS: dict[str, type[queue_kernels.Queue]] = {
    "FIFOQueue": queue_kernels.Queue,
    "PaddingFIFOQueue": queue_kernels.PaddingQueue,
    "PriorityQueue": queue_kernels.PriorityQueue,
    "RandomShuffleQueue": queue_kernels.ShuffleQueue,
}
#: queues without a shared name are numbered
_unnamed = itertools.count()


def _invalid(text: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, text)


def _components(n: Operation) -> tuple[list[Any], list[Any]]:
    """The dtypes and raw shapes of the components of a queue's elements."""
    kinds, raw = list(n.attrs["component_types"]), list(n.attrs["shapes"])
    if n.type.startswith("PriorityQueue"):
        kinds.insert(0, dtypes.int64)
        raw = [(), *raw] if raw else raw
    return kinds, raw


def _make(n: Operation) -> queue_kernels.Queue:
    kinds, raw = _components(n)
    attrs = n.attrs
    name = attrs["shared_name"] or f"_{next(_unnamed)}_{n.name}"
    extra: dict[str, Any] = {}
    if n.type.startswith("RandomShuffleQueue"):
        least, capacity = attrs["min_after_dequeue"], attrs["capacity"]
        if least < 0:
            raise _invalid(f"min_after_dequeue {least} must be >= 0")
        if 0 <= capacity <= least:
            raise _invalid(f"min_after_dequeue {least} must be < capacity {capacity}")
        extra = {"seeds": (attrs["seed"], attrs["seed2"]), "least": least}
    if n.type.startswith("PaddingFIFOQueue") and len(kinds) != len(raw):
        raise _invalid(
            "Shapes must be provided for all components, but received "
            f"{len(kinds)} dtypes and {len(raw)} shapes."
        )
    types = [np.dtype(dtypes.as_dtype(k).as_numpy_dtype) for k in kinds]
    kind = _KINDS[n.type.removesuffix("V2")]
    queue = kind(name, attrs["capacity"], types, raw, **extra)
    queue.components = kinds
    return queue


def _check_shared(queue: Queue, n: Operation) -> None:
    """Check that a queue found under its shared name is what an operation asks for.

    Raises:
      InvalidArgumentError: it is another.
    """
    if n.type.removesuffix("V2") != queue.kind:
        raise _invalid(f"Expected {queue.kind}, found {n.type}")

    def same(what: str, held: int, asked: int, end: str = "") -> None:
        if held != asked:
            raise _invalid(
                f"Shared queue '{queue.name}' has {what} {held} but requested "
                f"{what} was {asked}{end}"
            )

    def same_list(
        what: str,
        held: Sequence[dtypes.DType | Sequence[int | None]],
        asked: Sequence[dtypes.DType | Sequence[int | None]],
        text: Callable[..., Any],
    ) -> None:
        if held != asked:
            raise _invalid(
                f"Shared queue '{queue.name}' has {what} {text(held)} but requested "
                f"{what} were {text(asked)}"
            )

    same("capacity", _limit(queue.capacity), _limit(n.attrs["capacity"]))
    if isinstance(queue, queue_kernels.ShuffleQueue):
        same("min_after_dequeue", queue.least, n.attrs["min_after_dequeue"], end=".")
        seeds = n.attrs["seed"], n.attrs["seed2"]
        if seeds not in ((0, 0), queue.seeds):
            raise _invalid(
                f"Shared queue '{queue.name}' has random seeds {queue.seeds} but "
                f"requested seeds are {seeds}."
            )
    kinds, raw = _components(n)
    same_list("component types", queue.components, kinds, _type_texts)
    same_list("component shapes", queue.shapes, raw, _shape_texts)


def _limit(capacity: int) -> int:
    return 2**31 - 1 if capacity < 0 else capacity


def _type_text(kind: dtypes.DType) -> str:
    """A type as the runtime calls it."""
    return type_word(dtypes.as_dtype(kind))


def _type_texts(kinds: Sequence[dtypes.DType]) -> str:
    return ", ".join(map(_type_text, kinds))


def _shape_texts(raw: Sequence[Sequence[int]]) -> str:
    return f"[{', '.join(map(shape_text, raw))}]"


def _queue_kernel(xp: Arrays, *, n: Operation, store: Store) -> Any:
    """The queue of a session: made at first, then found."""
    del xp
    if isinstance(n, Record):  # not shared: it lives as long as its handle
        return _make(n)
    queue = store.resource("queue", n, functools.partial(_make, n))
    _check_shared(queue, n)
    return queue


def _two(n: Operation) -> RawShape:
    """Older handles hold the container and the name."""
    return (2,)


for _kind in _KINDS:
    op(_kind, infer=_two, host=True)(_queue_kernel)
    op(f"{_kind}V2", infer=scalar, host=True)(_queue_kernel)

# ---------------------------------------------------------------------- using queues


def _found(handle: Handle) -> Queue:
    """The queue that a handle is: one picked out of several is in an array."""
    return handle.item() if isinstance(handle, np.ndarray) else handle


def _parts(queue: Queue, values: Sequence[Array], n: Operation) -> tuple[Array, ...]:
    """The components of an operation, checked against the queue's types.

    Raises:
      InvalidArgumentError: they have others.
    """
    given = [dtypes.as_dtype(k) for k in n.attrs["Tcomponents"]]
    _check_signature(n, given, queue, "inputs")
    # what was fed may be changed by the program
    return tuple(np.array(v, t) for v, t in zip(values, queue.dtypes, strict=True))


def _check_signature(
    n: Operation, given: Sequence[dtypes.DType], queue: Queue, what: str
) -> None:
    wanted = [dtypes.as_dtype(k) for k in queue.components]
    if list(given) == wanted:
        return
    old = n._inputs[0].dtype._is_ref_dtype
    handle = "string_ref" if old else "resource"
    extra = ["int32"] if len(n._inputs) == 2 and what == "outputs" else []
    ins = [handle, *extra]
    texts, asked = list(map(_type_text, given)), list(map(_type_text, wanted))
    if what == "inputs":
        have, want = f"{', '.join(ins + texts)}->", f"{', '.join(ins + asked)}->"
    else:
        have = f"{', '.join(ins)}->{', '.join(texts)}"
        want = f"{', '.join(ins)}->{', '.join(asked)}"
    raise _invalid(f"Signature mismatch, have: {have} expected: {want}")


def _enqueue_kernel(
    xp: Arrays, handle: Handle, *values: Array, n: Operation
) -> tuple[()]:
    """Put an element in."""
    del xp
    queue = _found(handle)
    queue.enqueue(_parts(queue, values, n))
    return ()


def _enqueue_many_kernel(
    xp: Arrays, handle: Handle, *values: Array, n: Operation
) -> tuple[()]:
    """Put in an element for each row."""
    del xp
    queue = _found(handle)
    queue.enqueue_many(_parts(queue, values, n))
    return ()


def _outputs(taken: Sequence[Array | bytes], queue: Queue) -> Array | tuple[Array, ...]:
    values = tuple(np.asarray(v, t) for v, t in zip(taken, queue.dtypes, strict=True))
    return values[0] if len(values) == 1 else values


def _wanted(n: Operation) -> list[dtypes.DType]:
    return [dtypes.as_dtype(k) for k in n.attrs["component_types"]]


def _dequeue_kernel(
    xp: Arrays, handle: Handle, *, n: Operation
) -> Array | tuple[Array, ...]:
    """Take an element out."""
    del xp
    queue = _found(handle)
    _check_signature(n, _wanted(n), queue, "outputs")
    return _outputs(queue.dequeue(), queue)


def _dequeue_many_kernel(
    xp: Arrays, handle: Handle, count: Array, *, n: Operation
) -> Array | tuple[Array, ...]:
    """Take several elements out."""
    del xp
    queue = _found(handle)
    fewer = n.type.startswith("QueueDequeueUpTo")
    _check_signature(n, _wanted(n), queue, "outputs")
    return _outputs(queue.dequeue_many(int(count), fewer), queue)


def _close_kernel(
    xp: Arrays, handle: Handle, *, cancel_pending_enqueues: bool
) -> tuple[()]:
    """Let nothing more in."""
    del xp
    _found(handle).close(cancel_pending_enqueues)
    return ()


def _size_kernel(xp: Arrays, handle: Handle) -> np.int32:
    """How many elements there are."""
    del xp
    return np.int32(_found(handle).size())


def _is_closed_kernel(xp: Arrays, handle: Handle) -> np.bool_:
    """Whether nothing more is let in."""
    del xp
    return np.bool_(_found(handle).closed)


def _many(n: Operation) -> Any:
    count = constant(n._inputs[1])
    if count is not None and count.size and count.flat[0] < 0:
        raise invalid(n, f"Input 'n' must be >= 0, but is {count.flat[0]}")
    return unknown(n)


def _declare(
    name: str,
    kernel: Callable[..., Any],
    infer: Callable[..., Any],
    older: _NotDifferentiable | None = NOT_DIFFERENTIABLE,
    newer: Callable[..., Any] | None = None,
) -> None:
    """Declare both forms of an op: for the older handles, and for resources.

    `newer` is the shape rule of the second, where it is another.
    TensorFlow says of most of the older that they pass no gradient; of the newer,
    nothing.
    """
    forms = ((name, older, infer), (f"{name}V2", None, newer or infer))
    for form, grad, rule in forms:
        op(
            form,
            infer=rule,
            host=True,
            cells="handle",
            pure=False,
            grad=grad,
        )(kernel)


_declare("QueueEnqueue", _enqueue_kernel, nothing)
_declare("QueueEnqueueMany", _enqueue_many_kernel, nothing)
_declare("QueueDequeue", _dequeue_kernel, unknown)
_declare("QueueDequeueMany", _dequeue_many_kernel, unknown, newer=_many)
_declare("QueueDequeueUpTo", _dequeue_many_kernel, unknown)
_declare("QueueClose", _close_kernel, nothing)
_declare("QueueSize", _size_kernel, scalar)
_declare("QueueIsClosed", _is_closed_kernel, scalar, older=None)
