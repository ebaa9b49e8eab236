"""Where a session keeps variables and other state between runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from retrograd import dtypes
from retrograd.errors import FailedPreconditionError, message
from retrograd.graph.function import function_body_of
from retrograd.graph.operation import Operation
from retrograd.graph.record import Record
from retrograd.graph.tensor import Held

_READY = (np.ndarray, np.generic)


class Unsettled(Protocol):
    """Results of a compiled call that are on their way into variables."""

    def settle(self) -> None:
        """Put them there."""
        ...


class Guard:
    """What all state of a store is read and changed under.

    Attributes:
      lock: held while variables change, and while compiled buffers are read.
      unsettled: a compiled call whose results may not be in its variables yet.
    """

    __slots__ = ("lock", "unsettled")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.unsettled: Unsettled | None = None

    def settle(self) -> None:
        """Wait for the compiled call that goes on, and put its results in place."""
        with self.lock:
            if self.unsettled is not None:
                self.unsettled.settle()


class Cell:
    """The storage of one variable, or of the hidden state of one operation.

    `value` is a NumPy array, or a device buffer while the compiled tier has it; None
    before it is initialized.  Arrays are replaced, never written to.
    """

    __slots__ = ("extra", "guard", "lock", "name", "op", "value")

    def __init__(
        self,
        name: str,
        op: Operation | None = None,
        value: Any = None,
        guard: Guard | None = None,
    ) -> None:
        self.value = value
        self.op = op
        self.name = name
        self.guard = Guard() if guard is None else guard
        #: held while the variable changes; the same for all variables of a store
        self.lock = self.guard.lock
        self.extra: Any = None

    @property
    def facts(self) -> Held:
        """Shape and dtype of the variable: as declared, or those of its value."""
        if self.op is not None:
            return Held(self.op.attrs["shape"], self.op.attrs["dtype"])
        return Held(self.value.shape, dtypes.as_dtype(self.value.dtype))

    def read(self) -> Any:
        """The value as a NumPy array.

        Raises:
          FailedPreconditionError: the variable is not initialized.
        """
        if self.guard.unsettled is not None:
            self.guard.settle()
        value = self.value
        if isinstance(value, _READY):
            return value
        if value is None:
            raise self.unset()
        with self.lock:  # a buffer that a compiled call may take over
            return np.asarray(self.held())

    def held(self) -> Any:
        """The value as it is kept: an array of NumPy or of the compiled tier, or None.

        Whoever uses a buffer of the compiled tier holds the lock.
        """
        if self.guard.unsettled is not None:
            self.guard.settle()
        return self.value

    def peek(self) -> Any:
        """The value as a NumPy array, or None."""
        return None if self.value is None else self.read()

    def unset(self) -> FailedPreconditionError:
        """The error that a read before initialization is."""
        op = self.op
        if op is not None and op._outputs[0].dtype.name == "resource":
            first = (
                f"Error while reading resource variable {self.name} from Container: "
                "localhost. This could mean that the variable was uninitialized. Not "
                f"found: Resource localhost/{self.name}/N10tensorflow3VarE does not "
                "exist."
            )
        else:
            first = f"Attempting to use uninitialized value {self.name}"
        where = None if op is None else f"{op.name}, made in {op.where}"
        return FailedPreconditionError(
            None,
            op,
            message(
                first,
                at=where,
                fix="session.run(tf.global_variables_initializer()) first",
            ),
        )

    def __repr__(self) -> str:
        return f"<Cell {self.name}>"


class EagerVariable:
    """Stands for the operation that holds a variable, where there is none.

    A function that takes a variable from outside refers to it by this.
    """

    def __init__(self, cell: Cell, record: Record) -> None:
        self.cell, self.name = cell, cell.name
        self.type, self.attrs = record.type, record.attrs


class Store:
    """The cells and other resources (tables, queues, iterators) of a session."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, str], Cell] = {}
        self.resources: dict[tuple[str, str, str], Any] = {}
        self.guard = Guard()
        self.lock = self.guard.lock
        #: how many devices share the batches of compiled stages (see `mesh`)
        self.devices = 1

    def cell(self, op: Operation | EagerVariable) -> Cell:
        """A variable's cell, found by container and shared name, or its own name."""
        if isinstance(op, EagerVariable):
            return op.cell
        name = op.attrs.get("shared_name") or op.name
        key = (op.attrs.get("container") or "", name)
        found = self.cells.get(key)
        if found is None:
            with self.lock:
                found = self.cells.setdefault(key, Cell(name, op, guard=self.guard))
        return found

    def temporary(self, op: Operation) -> Cell:
        """A cell of its own for a variable that lives within one run."""
        return Cell(op.name, op, guard=self.guard)

    def hidden(self, op: Operation, make: Callable[..., Any]) -> Cell:
        """The cell of an operation's hidden state, made by `make(op)` at first."""
        body = function_body_of(op._graph)
        # operations of different functions may have one name
        key = ("hidden", op.name if body is None else f"{body.number}/{op.name}")
        found = self.cells.get(key)
        if found is None:
            with self.lock:
                found = self.cells.get(key)
                if found is None:
                    value = make(op)
                    found = self.cells[key] = Cell(op.name, op, value, self.guard)
        return found

    def resource(self, kind: str, op: Operation, make: Callable[..., Any]) -> Any:
        """A shared object of another kind, made by `make()` at first."""
        name = op.attrs.get("shared_name") or op.name
        key = (kind, op.attrs.get("container") or "", name)
        with self.lock:
            found = self.resources.get(key)
            if found is None:
                found = self.resources[key] = make()
        return found

    def cancel(self) -> None:
        """End what other threads wait for in shared objects that can be waited for."""
        with self.lock:
            found = list(self.resources.values())
        for shared in found:
            if hasattr(shared, "cancel"):
                shared.cancel()

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """A context after which all state is again what it was before.

        Variables, the state of random operations, and shared objects that can say what
        they hold: those with a method `saved()`, which returns a function that puts it
        back.  Other threads must not run meanwhile.
        """
        with self.lock:
            self.guard.settle()
            values = {key: (cell, cell.value) for key, cell in self.cells.items()}
            shared = dict(self.resources)
        put_back = [r.saved() for r in shared.values() if hasattr(r, "saved")]
        try:
            yield
        finally:
            with self.lock:
                for key, cell in list(self.cells.items()):
                    if key in values:
                        cell.value = values[key][1]
                    elif key[0] == "hidden":
                        del self.cells[key]
                    else:
                        cell.value = None
                self.resources.clear()
                self.resources.update(shared)
            for restore in put_back:
                restore()

    def snapshot(self) -> dict[Any, Any]:
        """The values of all cells now, as arrays that later runs leave alone."""
        found = {}
        with self.lock:
            for key, cell in self.cells.items():
                value = cell.held()
                owned = value is None or isinstance(value, _READY)
                # a buffer of the compiled tier is taken over by the next run
                found[key] = value if owned else np.array(value)
        return found

    def restore(self, values: dict[Any, Any]) -> None:
        """Give the cells the values of a snapshot; a new one has none."""
        with self.lock:
            self.guard.settle()
            for key, cell in list(self.cells.items()):
                if key[0] == "hidden" and key not in values:
                    del self.cells[key]
                else:
                    cell.value = values.get(key)

    def clear(self, containers: Sequence[str] | None = None) -> None:
        """Forget all state, or that of some containers."""
        with self.lock:
            if not containers:
                self.cells.clear()
                self.resources.clear()
                return
            for key in [k for k in self.cells if k[0] in containers]:
                del self.cells[key]
            for key in [k for k in self.resources if k[1] in containers]:
                del self.resources[key]
