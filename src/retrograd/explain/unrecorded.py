"""Why a tape has no way from y to x: what it did not watch, or was not told."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from retrograd.explain.remedies import USE_VALUE
from retrograd.explain.report import Finding
from retrograd.grad.history import Passed, Read
from retrograd.grad.tape import GradientTape, differentiable

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor

_WRITES_FIX = USE_VALUE + "; or assign outside the tape's block"


def unrecorded(
    tape: GradientTape, y: Tensor, x: Tensor, given: Any, names: tuple[str, str]
) -> list[Finding]:
    """Why the tape connects y and x by no operation; empty where it does not say.

    Args:
      tape: where y was computed, or should have been.
      y, x: tensors; of a variable, its handle.
      given: what the caller passed for x.
      names: what y and x are called.
    """
    found = _Unrecorded(tape, y, x, given, names)
    return [f for reason in found.reasons for f in reason()][:1] or [found.apart()]


def used() -> Finding:
    """What is said of a tape that has given its gradients."""
    return Finding(
        "The tape was used already, and forgot what it recorded.",
        ["a tape that is not persistent gives gradients once"],
        None,
        "tf.GradientTape(persistent=True), or ask for all gradients in one call",
    )


class _Unrecorded:
    """What a tape recorded and saw of the making of y."""

    def __init__(
        self,
        tape: GradientTape,
        y: Tensor,
        x: Tensor,
        given: Any,
        names: tuple[str, str],
    ) -> None:
        self.tape, self.y, self.x, self.given = tape, y, x, given
        self.y_name, self.x_name = names
        self.history = tape._history
        self.behind = list(self._behind(y))
        self.reasons = (self._unwatched, self._written, self._read)

    def _behind(self, item: Tensor | None) -> Iterator[tuple[Any, list[Any]]]:
        """What an item was made of: each operation with its inputs, nearest first."""
        pending, seen = [item], {id(item)}
        for at in pending:
            op, sources = self._made_by(at)
            if op is None:
                continue
            yield op, sources
            for source in sources:
                if id(source) not in seen:
                    seen.add(id(source))
                    pending.append(source)

    def _made_by(self, item: Any) -> tuple[Any, list[Any]]:
        """The operation that made an item, and items for its inputs."""
        if isinstance(item, Passed):
            return item, [_held(s) for s in item.sources]
        record = self.tape._producer(item)
        if record is not None:
            return record, list(record._inputs)
        passed = self.history.maker(item)
        if passed is not None:
            return self._made_by(passed)
        op = None if getattr(item, "_is_eager", False) else getattr(item, "_op", None)
        return op, [] if op is None else list(op._inputs)

    def _uses_x(self, behind: Iterable[tuple[Any, list[Any]]]) -> Any:
        """The operation furthest back that has x as an input, or None."""
        used = [op for op, sources in behind if any(s is self.x for s in sources)]
        return used[-1] if used else None

    # ------------------------------------------------------------------ reasons

    def _unwatched(self) -> Iterator[Finding]:
        """x is behind y, and the tape did not watch it when it was used."""
        op = self._uses_x(self.behind)
        if op is None and self.x is not self.y:
            return
        x, y = self.x_name, self.y_name
        details = []
        if self.tape.knows(self.x) and op is not None:
            what = f"{x} was watched after {y} was made from it."
            fix = f"tape.watch({x}) before its first use on the way to {y}"
        else:
            what = f"The tape does not watch {x}."
            fix = f"tape.watch({x}), inside the block and before it is used"
            details += self._why_unwatched()
        yield Finding(what, details, op, fix)

    def _why_unwatched(self) -> Iterator[str]:
        if not differentiable(self.x.dtype):
            yield f"it has dtype {self.x.dtype.name}, which has no derivative"
        elif not getattr(self.given, "_is_resource_variable", False):
            yield "only trainable variables are watched without being asked"
        elif not self.given.trainable:
            yield "it is a variable with trainable=False"
        elif not self.tape._watches_variables:
            yield "the tape was made with watch_accessed_variables=False"

    def _written(self) -> Iterator[Finding]:
        """A variable behind y was given a value that was made from x."""
        leaves = [s for _, sources in self.behind for s in sources]
        for write in self.history.written:
            handle, *values = map(_held, write.sources)
            if not any(leaf is handle for leaf in leaves if leaf is not None):
                continue
            if any(self._leads_to_x(v) for v in values):
                yield Finding(
                    f"{self.x_name} reaches {self.y_name} only through a variable that "
                    "was assigned: assignments pass no gradient.",
                    [],
                    write,
                    _WRITES_FIX,
                )

    def _read(self) -> Iterator[Finding]:
        """A value made from x left the tape, and y did not come about without it."""
        for read in self.history.read.values():
            tensor = read.tensor()
            if tensor is not None and self._leads_to_x(tensor):
                yield self._left(read)

    def _left(self, read: Read) -> Finding:
        call = ".numpy()" if read.type == "numpy" else f"{read.type}(…)"
        return Finding(
            f"{call} took a value made from {self.x_name} out of the tape: what "
            "NumPy or Python computes with it is a constant to TensorFlow.",
            [f"{self.y_name} is made from: {self._leaves()}"],
            read,
            "go on with the tensor itself, and TensorFlow's functions",
        )

    def _leads_to_x(self, item: Tensor | None) -> bool:
        if item is None:
            return False
        return item is self.x or self._uses_x(self._behind(item)) is not None

    def apart(self) -> Finding:
        """y is made from other things than x."""
        x, y = self.x_name, self.y_name
        if not self.behind:
            what = f"The tape has not seen how {y} was made."
            details = ["it was computed outside of the tape's block, or is a constant"]
            fix = f"compute {y} inside `with tf.GradientTape() as tape:`"
            return Finding(what, details, None, fix)
        what = f"{y} does not depend on {x}: no operation leads from one to the other."
        details = [f"{y} is made from: {self._leaves()}"]
        if not self.tape.knows(self.x):
            details.append(f"the tape does not watch {x}")
        else:
            details.append(
                "what is made outside of the block, in stop_recording or by NumPy is a "
                "constant"
            )
        fix = f"make {y} from {x}, inside the block"
        return Finding(what, details, self.behind[0][0], fix)

    def _leaves(self) -> str:
        """What is behind y and not made from anything."""
        made = {id(s): s for _, sources in self.behind for s in sources}
        leaves = [s for s in made.values() if self._made_by(s)[0] is None]
        watched = [s for s in leaves if s is not None and self.tape.knows(s)]
        text = f"{len(watched)} watched" if watched else "nothing that is watched"
        others = len(leaves) - len(watched)
        if others:
            text += f", {others} constant{'s' * (others > 1)}"
        return text


def _held(source: object) -> Any:
    """The tensor of a weak reference, None where it is gone; others as they are."""
    return source() if isinstance(source, weakref.ref) else source
