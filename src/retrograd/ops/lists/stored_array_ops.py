"""TensorArrays of version 1: objects that live for one run.

A handle stands for the object; `flow` inputs and outputs put reads and writes in order.
Graphs that TensorFlow 1 saved have them. `tf.TensorArray` is made of lists instead.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.arrays.array_rules import (
    Marks,
    Rules,
    check_lengths,
    check_rows,
    check_scattered,
    check_total,
    nothing_to_join,
    nothing_to_stack,
    numbered,
    outside,
    refused,
    text_of,
    unlike,
    unlike_rows,
)
from retrograd.errors import UnimplementedError
from retrograd.graph.opdef import type_word
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Held, RawShape, Tensor
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, Facts, op
from retrograd.ops.infer import nothing, same_dim, scalar
from retrograd.ops.static import constant_as_shape

if TYPE_CHECKING:
    from retrograd.ops.declare import _NotDifferentiable
    from retrograd.typing import Array, Arrays, Gradient


class _Element:
    """One place of an array; `value` is None where it holds zeros, or nothing."""

    __slots__ = ("shape", "value")

    def __init__(self, shape: RawShape = None) -> None:
        self.value: Any = None
        self.shape = shape


class StoredArray:
    """An array of tensors.

    Attributes:
      dtype: the DType of its elements.
      marks: its name, what it allows, what is known of the shape of its elements.
      gradient: whether this holds the gradients of another array: several writes to one
        place add up there.
    """

    def __init__(
        self,
        name: str,
        size: int,
        dtype: dtypes.DType,
        shape: RawShape,
        rules: Rules,
        gradient: bool = False,
    ) -> None:
        self.dtype, self.gradient = dtype, gradient
        self.marks = Marks(rules, name, shape)
        self.elements = [_Element() for _ in range(size)]
        self.closed = False
        self._gradients: dict[str, StoredArray] = {}

    def _check_open(self) -> None:
        if self.closed:
            raise refused(f"TensorArray {self.marks.name} has already been closed.")

    def size(self) -> int:
        """The number of elements."""
        self._check_open()
        return len(self.elements)

    def write(self, index: int, value: Array) -> None:
        """Put an element into its place; add it to what is there, for gradients.

        Raises:
          InvalidArgumentError: there is no such place, it has been written or read, or
            the element does not fit.
        """
        self._check_open()
        elements, shape = self.elements, np.shape(value)
        is_first = index not in self.marks.written
        self.marks.write(index, len(elements), shape, again=self.gradient)
        while index >= len(elements):
            elements.append(_Element())
        element = elements[index]
        if is_first:
            element.value, element.shape = value, shape
            return
        if element.shape != shape:
            raise self.marks.refused(
                f"Could not aggregate to TensorArray index {index} because the "
                f"existing shape is {text_of(element.shape)} but the new input shape "
                f"is {text_of(shape)}."
            )
        element.value = value if element.value is None else element.value + value

    def read(self, index: int) -> Any:
        """An element; zeros where none was written and the shape is known.

        Raises:
          InvalidArgumentError: there is no such element any more, or none was written.
        """
        self._check_open()
        elements = self.elements
        if index < 0 or (not self.gradient and index >= len(elements)):
            raise outside(index, len(elements))
        if index not in self.marks.written:
            self._fill(index)
        self.marks.take(index, len(elements))
        element = elements[index]
        value = element.value
        if value is None:
            value = self._zeros(element.shape)
        element.value = None if self.marks.rules.clears else value
        return value

    def _fill(self, index: int) -> None:
        """Let zeros be in places that were not written."""
        shape = self.marks.shape
        if shape is None or None in shape:
            raise self.marks.undefined(index, shape)
        while index >= len(self.elements):
            self.marks.written.add(len(self.elements))
            self.elements.append(_Element(shape))
        self.elements[index].shape = shape

    def _zeros(self, shape: RawShape) -> Array:
        sizes: Any = shape
        if self.dtype is dtypes.string:
            return np.full(sizes, b"", object)
        return np.zeros(sizes, self.dtype.as_numpy_dtype)

    def check_dtype(self, dtype: dtypes.DType, what: str) -> None:
        """Raise InvalidArgumentError unless the elements are of a dtype."""
        if dtype is not self.dtype:
            raise refused(
                f"TensorArray dtype is {type_word(self.dtype)} but Op {what} dtype "
                f"{type_word(dtype)}."
            )

    def gradients(self, source: str, prefix: tuple[int, ...]) -> StoredArray:
        """The array of the gradients of this one that one call of tf.gradients uses.

        Its elements are zeros in the shapes of those here, behind `prefix`.
        """
        marks = self.marks
        marks.rules = replace(marks.rules, dynamic=False)
        found = self._gradients.get(source)
        if found is None:
            shape = None if marks.shape is None else (*prefix, *marks.shape)
            found = StoredArray(
                f"{marks.name}@{source}",
                self.size(),
                self.dtype,
                shape,
                replace(marks.rules, clears=True),
                gradient=True,
            )
            for i in marks.written:
                found.elements[i].shape = (*prefix, *(self.elements[i].shape or ()))
                found.marks.written.add(i)
            self._gradients[source] = found
        return found


# ---------------------------------------------------------------------- shapes


def _known(handle: Tensor) -> RawShape:
    """What is known of the elements of the array that a handle stands for."""
    return None if handle._held is None else handle._held.shape


def _made(n: Operation) -> list[RawShape | Facts]:
    shape = n.attrs.get("element_shape")
    held = None
    if n.attrs.get("identical_element_shapes") and shape is not None:
        held = Held(shape, n.attrs["dtype"])
    return [Facts(held, (2,)), *([()] * (len(n._outputs) - 1))]


def _gradient_made(n: Operation) -> list[RawShape | Facts]:
    shape = _known(n._inputs[0])
    prefix: RawShape = ()
    if n.type == "TensorArrayGradWithShape" and shape is not None:
        prefix = constant_as_shape(n._inputs[2])
    held = None
    if shape is not None and prefix is not None:
        held = Held((*prefix, *shape), None)
    return [Facts(held, (2,)), *([()] * (len(n._outputs) - 1))]


def _one_element(n: Operation) -> RawShape:
    return _known(n._inputs[0])


def _some_elements(n: Operation) -> RawShape:
    shape, count = _known(n._inputs[0]), n._inputs[1]._shape_raw
    return None if shape is None or count is None else (*count, *shape)


def _scattered(n: Operation) -> RawShape:
    indices, values = n._inputs[1]._shape_raw, n._inputs[2]._shape_raw
    is_newer = n._inputs[0]._dtype is dtypes.resource
    if is_newer and indices and values:  # of older handles nobody compares them
        same_dim(n, values[0], indices[0])
    return ()


def _joined(n: Operation) -> list[RawShape]:
    del n
    return [None, (None,)]


# ---------------------------------------------------------------------- arrays


def _make(
    xp: Arrays, size: Array, *, n: Operation
) -> StoredArray | tuple[StoredArray, np.float32]:
    """A new array, and a flow."""
    del xp
    attrs = n.attrs
    if np.ndim(size):
        raise refused(
            f"TensorArray size must be scalar, but had shape: {text_of(np.shape(size))}"
        )
    if size < 0:
        raise refused("Size should be >= 0.")
    made = StoredArray(
        numbered(attrs["tensor_array_name"] or n.name),
        int(size),
        attrs["dtype"],
        attrs["element_shape"],
        Rules(
            dynamic=attrs["dynamic_size"],
            clears=attrs["clear_after_read"],
            alike=attrs.get("identical_element_shapes", False),
        ),
    )
    return made if len(n._outputs) == 1 else (made, np.float32(0))


def _make_gradient(
    xp: Arrays, handle: StoredArray, flow: Array, *prefix: Array, n: Operation
) -> StoredArray | tuple[StoredArray, Array]:
    """The array of gradients that belongs to an array, and a flow."""
    del xp
    sizes = tuple(np.asarray(prefix[0]).tolist()) if prefix else ()
    made = handle.gradients(n.attrs["source"], sizes)
    return made if len(n._outputs) == 1 else (made, flow)


def _write(
    xp: Arrays,
    handle: StoredArray,
    index: Array,
    value: Array,
    flow: Array,
    *,
    n: Operation,
) -> Array:
    """Puts an element into an array."""
    del xp
    handle.check_dtype(n.attrs["T"], "is trying to write")
    handle.write(int(index), value)
    return flow


def _read(
    xp: Arrays, handle: StoredArray, index: Array, flow: Array, *, n: Operation
) -> Array:
    """An element of an array."""
    del xp, flow
    handle.check_dtype(n.attrs["dtype"], "requested")
    return handle.read(int(index))


def _gather(
    xp: Arrays, handle: StoredArray, indices: Array, flow: Array, *, n: Operation
) -> Array:
    """The elements with the given indices along a new first axis."""
    del xp, flow
    shape = n.attrs["element_shape"]
    handle.check_dtype(n.attrs["dtype"], "requested")
    handle.marks.shape = shapes.merge(handle.marks.shape, shape)
    if not len(indices):
        if shape is None or None in shape:
            raise UnimplementedError(None, None, nothing_to_stack(shape))
        return np.zeros((0, *shape), n.attrs["dtype"].as_numpy_dtype)
    values = [handle.read(int(i)) for i in indices]
    first = np.shape(values[0])
    for i, value in enumerate(values):
        if np.shape(value) != first:
            raise unlike(first, i, np.shape(value))
    return np.stack(values)


def _scatter(
    xp: Arrays,
    handle: StoredArray,
    indices: Array,
    value: Array,
    flow: Array,
    *,
    n: Operation,
) -> Array:
    """Puts the rows of a tensor into the given places of an array."""
    del xp
    handle.check_dtype(n.attrs["T"], "is trying to write")
    check_rows(len(indices), np.shape(value))
    most = int(max(indices, default=-1))
    check_scattered(handle.marks.rules, most, handle.size())
    for i, row in zip(indices.tolist(), value, strict=True):
        handle.write(i, row)
    return flow


def _concat(
    xp: Arrays, handle: StoredArray, flow: Array, *, n: Operation
) -> tuple[Array, Array]:
    """The elements along their first axis, and the length of each."""
    del xp, flow
    handle.check_dtype(n.attrs["dtype"], "requested")
    values = [handle.read(i) for i in range(handle.size())]
    if not values:
        rest = n.attrs["element_shape_except0"]
        if rest is None or None in rest:
            raise UnimplementedError(None, None, nothing_to_join(rest))
        kind = n.attrs["dtype"].as_numpy_dtype
        return np.zeros((0, *rest), kind), np.zeros(0, np.int64)
    first = np.shape(values[0])[1:]
    for i, value in enumerate(values):
        if not np.ndim(value):
            raise refused(
                f"Concat saw a scalar shape at index {i} but requires at least vectors."
                "  Did you mean to call pack?"
            )
        if value.shape[1:] != first:
            raise unlike_rows(first, i, value.shape[1:])
    return np.concatenate(values), np.array([len(v) for v in values], np.int64)


def _split(
    xp: Arrays,
    handle: StoredArray,
    value: Array,
    lengths: Array,
    flow: Array,
    *,
    n: Operation,
) -> Array:
    """Puts consecutive parts of a tensor into an array."""
    del xp
    handle.check_dtype(n.attrs["T"], "is trying to write")
    check_total(int(np.sum(lengths)), np.shape(value))
    check_lengths(handle.marks.rules, len(lengths), handle.size())
    ends = np.cumsum([0, *lengths.tolist()]).tolist()
    for i, (start, end) in enumerate(itertools.pairwise(ends)):
        handle.write(i, value[start:end])
    return flow


def _size(xp: Arrays, handle: StoredArray, flow: Array) -> np.int32:
    """The number of elements of an array."""
    del xp, flow
    return np.int32(handle.size())


def _close(xp: Arrays, handle: StoredArray) -> tuple[()]:
    """Removes the elements of an array."""
    del xp
    handle.elements, handle.closed = [], True
    return ()


# ---------------------------------------------------------------------- gradients


def _gradients_of(handle: Tensor, flow: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    """The array that holds the gradients of another one, for this call of gradients.

    Raises:
      ValueError: `dy` was not made in a scope of that name.
    """
    parts = dy.name.split("/")
    places = [i for i, part in enumerate(parts) if part.startswith("gradients")]
    if not places:
        raise ValueError(
            "Expected op/tensor name to start with gradients (excluding scope), got: "
            f"{dy.name}. This means that a tf.gradients op with this op in its "
            "dependency path has a custom name that does not start with 'gradients'. "
            "Please make sure all calls to tf.gradients that have non-empty 'name' "
            "arguments use names that start with 'gradients'."
        )
    source = "/".join(parts[: places[-1] + 1])
    made = F.TensorArrayGradV3(handle, flow, source=source)
    return made[0], made[1]


def _read_gradient(n: Operation, dy: Tensor) -> list[Gradient]:
    handle, index, flow = n.inputs
    array, start = _gradients_of(handle, flow, dy)
    return [None, None, F.TensorArrayWriteV3(array, index, dy, start)]


def _write_gradient(n: Operation, dflow: Tensor) -> list[Gradient]:
    handle, index, value, _ = n.inputs
    array, start = _gradients_of(handle, dflow, dflow)
    dtype = value.dtype.base_dtype
    return [None, None, F.TensorArrayReadV3(array, index, start, dtype=dtype), dflow]


def _gather_gradient(n: Operation, dy: Tensor) -> list[Gradient]:
    handle, indices, flow = n.inputs
    array, start = _gradients_of(handle, flow, dy)
    return [None, None, F.TensorArrayScatterV3(array, indices, dy, start)]


def _scatter_gradient(n: Operation, dflow: Tensor) -> list[Gradient]:
    handle, indices, value, _ = n.inputs
    array, start = _gradients_of(handle, dflow, dflow)
    dtype = value.dtype.base_dtype
    rows = F.TensorArrayGatherV3(array, indices, start, dtype=dtype)
    return [None, None, rows, dflow]


def _concat_gradient(n: Operation, dy: Tensor, _: Tensor) -> list[Gradient]:
    handle, flow = n.inputs
    array, start = _gradients_of(handle, flow, dy)
    return [None, F.TensorArraySplitV3(array, dy, n.outputs[1], start)]


def _split_gradient(n: Operation, dflow: Tensor) -> list[Gradient]:
    handle, value, _, _ = n.inputs
    array, start = _gradients_of(handle, dflow, dflow)
    dtype = value.dtype.base_dtype
    whole = F.TensorArrayConcatV3(array, start, dtype=dtype)[0]
    return [None, whole, None, dflow]


def _declare(
    kernel: Callable[..., Any],
    infer: Callable[..., Any],
    grad: Callable[..., Any] | _NotDifferentiable,
    *names: str,
    **written: Any,
) -> None:
    """Declare op types that differ in the dtype of the handle alone.

    The notation has the flows for the arrays: A before, B after the operation.
    """
    for name in names:
        op(name, infer=infer, grad=grad, host=True, pure=False, **written)(kernel)


_NO = NOT_DIFFERENTIABLE
_declare(_make, _made, _NO, "TensorArrayV2", "TensorArrayV3")
_declare(
    _make_gradient,
    _gradient_made,
    _NO,
    "TensorArrayGradV2",
    "TensorArrayGradV3",
    "TensorArrayGradWithShape",
)
_declare(
    _write,
    scalar,
    _write_gradient,
    "TensorArrayWriteV2",
    "TensorArrayWriteV3",
    math="B = A, B[i] = x",
    notation=dict(index="i", value="x̄ = B̄[i]", flow_in="Ā = B̄"),
)
_declare(
    _read,
    _one_element,
    _read_gradient,
    "TensorArrayReadV2",
    "TensorArrayReadV3",
    math="y = A[i]",
    notation=dict(index="i", flow_in="Ā = ȳ at i, 0 elsewhere"),
)
_declare(
    _gather,
    _some_elements,
    _gather_gradient,
    "TensorArrayGatherV2",
    "TensorArrayGatherV3",
    math="yⱼ = A[iⱼ]",
    notation=dict(indices="i", flow_in="Ā = ȳⱼ at iⱼ, 0 elsewhere"),
)
_declare(
    _scatter,
    _scattered,
    _scatter_gradient,
    "TensorArrayScatterV2",
    "TensorArrayScatterV3",
    math="B = A, B[iⱼ] = xⱼ",
    notation=dict(indices="i", value="x̄ⱼ = B̄[iⱼ]", flow_in="Ā = B̄"),
)
_declare(
    _concat,
    _joined,
    _concat_gradient,
    "TensorArrayConcatV2",
    "TensorArrayConcatV3",
    math="y = A[0], A[1], … one after the other; n = their lengths",
    notation=dict(flow_in="Ā = ȳ cut in parts of lengths n"),
)
_declare(
    _split,
    scalar,
    _split_gradient,
    "TensorArraySplitV2",
    "TensorArraySplitV3",
    math="B = A, B[i] = part i of x, of length nᵢ",
    notation=dict(
        value="x̄ = B̄[0], B̄[1], … one after the other", lengths="n", flow_in="Ā = B̄"
    ),
)
_declare(_size, scalar, _NO, "TensorArraySizeV2", "TensorArraySizeV3")
_declare(_close, nothing, _NO, "TensorArrayCloseV2", "TensorArrayCloseV3")
