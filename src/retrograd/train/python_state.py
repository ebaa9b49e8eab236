"""State that is kept in Python, in checkpoints of objects."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph import context
from retrograd.ops.array.constant import constant
from retrograd.ops.flow.control import no_op
from retrograd.ops.host.py_func import py_func
from retrograd.train.saveable import SaveableObject, SaveSpec
from retrograd.util.tracking import Trackable

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, DynamicShape

_KEY = "py_state"


class PythonState(Trackable):
    """A base for objects whose state is Python's; it is saved as bytes.

    A subclass defines `serialize` and `deserialize`.
    """

    def serialize(self) -> bytes | str:
        """The state as bytes."""
        raise NotImplementedError

    def deserialize(self, string_value: bytes) -> None:
        """Take the state from bytes that `serialize` gave."""
        raise NotImplementedError

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        return {_KEY: functools.partial(_Saveable, self)}


class _Saveable(SaveableObject):
    """The state of an object: read when a checkpoint is written."""

    def __init__(self, state: PythonState, name: str) -> None:
        def read() -> Any:
            if context.executing_eagerly():
                return constant(state.serialize(), dtype=dtypes.string)
            return py_func(state.serialize, [], dtypes.string)

        spec = SaveSpec(read, "", name, dtype=dtypes.string, device="cpu:0")
        super().__init__(read, [spec], name)
        self._state = state

    def restore(
        self,
        restored_tensors: Sequence[Tensor],
        restored_shapes: Sequence[DynamicShape] | None,
    ) -> Any:
        """Give the object its state: now, or when the graph is run."""
        del restored_shapes
        (text,) = restored_tensors
        if context.executing_eagerly():
            value: Any = text
            self._state.deserialize(value.numpy())
            return no_op()
        return py_func(self._state.deserialize, [text], [])


class _Array(PythonState):
    """An array of a `NumpyState`."""

    def __init__(self, array: Array | np.generic) -> None:
        self.array: Any = array

    def serialize(self) -> bytes:
        """The array as a `.npy` file."""
        stream = io.BytesIO()
        np.save(stream, self.array, allow_pickle=False)
        return stream.getvalue()

    def deserialize(self, string_value: bytes) -> None:
        """Take the array from a `.npy` file."""
        self.array = np.load(io.BytesIO(string_value), allow_pickle=False)


class NumpyState(Trackable):
    """An object whose attributes are arrays of NumPy, which checkpoints hold.

    Example:
      >>> import numpy as np
      >>> state = NumpyState()
      >>> state.x = np.zeros([3])
      >>> state.x[1] = 4.0
    """

    def _lookup_dependency(self, name: str) -> Any:
        """The array of a name; one that only the checkpoint has is made."""
        found = super()._lookup_dependency(name)
        if found is None:
            found = self._track_trackable(_Array(np.array([])), name)
        return found

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_"):
            for known, value in object.__getattribute__(
                self, "_unconditional_checkpoint_dependencies"
            ):
                if known == name:
                    return value.array
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
            return
        known = super()._lookup_dependency(name)
        if known is not None:
            known.array = value
        elif isinstance(value, (np.ndarray, np.generic)):
            self._track_trackable(_Array(value), name)
        else:
            raise NotImplementedError(
                f"Assigned {value} to the {name} property of {self}, which is not a "
                "NumPy array. Currently mixing NumPy arrays and other trackable "
                "objects is not supported. File a feature request if this limitation "
                "bothers you."
            )
