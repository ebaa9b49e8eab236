"""TensorArray: a list of tensors that a loop reads, writes and passes on."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.arrays.array_rules import Rules, from_text
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import (
    TensorSpec,
    TypeSpec,
    register_type_spec_from_value_converter,
)
from retrograd.graph.tensor import Held, Tensor
from retrograd.ops.array.join import split
from retrograd.ops.declare import F
from retrograd.ops.flow.control_flow_util import EnableControlFlowV2
from retrograd.ops.lists import tensor_list as list_ops
from retrograd.ops.lists.eager_array import EagerArray
from retrograd.ops.lists.flow import Flowing
from retrograd.ops.lists.tensor_list_ops import PLACES, RULES
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from retrograd.graph.tensor import RawShape
    from retrograd.typing import Array, DTypeLike, ShapeLike, TensorLike


class TensorArray(Flowing):
    """Tensors by index, of which each may be written once; a loop can carry it.

    Every method that changes it gives a new TensorArray, to be used from then on.
    In graphs of version 1 a place is written once, and read once unless
    `clear_after_read` is False; otherwise the last value is the one that counts.

    Args:
      dtype: the type of the elements.
      size: how many there are, a scalar int32.
      dynamic_size: whether writing past the end makes it longer.
      clear_after_read: whether an element can be read only once; by default, it is so.
      tensor_array_name: what messages call it.
      handle: must be None: the elements are in `flow`.
      flow: a variant scalar, the elements of an existing TensorArray.
      infer_shape: whether all elements have the same shape.
      element_shape: what is known of their shapes.
      colocate_with_first_write_call: accepted.
      name: the name of the operation.

    Raises:
      TypeError: `flow` is no such tensor.
      ValueError: `size` and `flow` are both given, or neither.
    """

    def __init__(
        self,
        dtype: DTypeLike,
        size: TensorLike | None = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Tensor | None = None,
        flow: Tensor | None = None,
        infer_shape: bool = True,
        element_shape: ShapeLike = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        del colocate_with_first_write_call
        _check_arguments(tensor_array_name, handle, flow, size, element_shape)
        self._dtype = dtypes.as_dtype(dtype).base_dtype
        self._dynamic_size = dynamic_size
        self._infer_shape = infer_shape
        #: shared with the TensorArrays made of this one
        self._element_shape = [shapes.TensorShape(element_shape)]
        self._eager: EagerArray | None = None
        #: what a graph of version 1 holds it to
        self._rules: Rules | None = None
        if flow is not None:
            self._flow = flow
            return
        count: Any = size
        clears = clear_after_read is not False
        if context.executing_eagerly():
            self._eager = EagerArray(
                self._dtype,
                count,
                bool(dynamic_size),
                clears,
                infer_shape,
                self._element_shape[0],
            )
            return
        if not EnableControlFlowV2(context.get_default_graph()):
            self._rules = Rules(bool(dynamic_size), clears, bool(infer_shape))
        values = [size] if isinstance(size, Tensor) else []
        kind = "TensorArray" if self._rules else "TensorArrayV2"
        with dispatch.name_scope(name, kind, values) as scope:
            self._flow = list_ops.tensor_list_reserve(
                self._element_shape[0], count, self._dtype, name=scope
            )
        self._note(self._flow, tensor_array_name)

    def _note(self, flow: Tensor, name: str | None = None) -> Tensor:
        """Note on what makes an array which rules it is held to."""
        if self._rules is not None:
            flow._op.attrs[RULES] = self._rules.text(name or "")
        return flow

    def _anew(self, flow: Tensor) -> TensorArray:
        """This array, which was empty so far, with the elements that `flow` makes."""
        if self._rules is not None:
            _, name = from_text(self._flow._op.attrs[RULES])
            self._note(flow, name or self._flow._op.name)
        return self._with(flow)

    @property
    def flow(self) -> Tensor:
        """The tensor that holds the elements."""
        return self._flow if self._eager is None else self._eager.flow()

    @property
    def dtype(self) -> dtypes.DType:
        """The type of the elements."""
        return self._dtype

    @property
    def handle(self) -> None:
        """None: there is nothing but `flow`."""
        return None

    @property
    def element_shape(self) -> shapes.TensorShape:
        """What is known of the shape of the elements."""
        return self._element_shape[0] if self._eager is None else self._eager.shape

    @property
    def dynamic_size(self) -> bool | None:
        """Whether writing past the end makes it longer."""
        return self._dynamic_size

    def _check_shape(self, raw: RawShape) -> None:
        """Note the shape of an element.

        Raises:
          ValueError: the others have another shape.
        """
        shape = shapes.TensorShape.of(raw)
        if not shape.is_compatible_with(self.element_shape):
            rest = "" if self._rules else f"(and infer_shape={self._infer_shape})"
            raise ValueError(
                f"Inconsistent shapes: saw {shape} but expected {self.element_shape} "
                f"{rest}"
            )
        if self._infer_shape:
            self._element_shape[0] = self.element_shape.merge_with(shape)

    def _converted(self, value: TensorLike) -> Tensor:
        tensor = convert_to_tensor(value, preferred_dtype=self._dtype, name="value")
        if tensor.dtype.base_dtype != self._dtype:
            raise ValueError(
                f"TensorArray dtype is {self._dtype}, but Op is trying to write dtype "
                f"{tensor.dtype}."
            )
        return tensor

    def _with(self, flow: Tensor) -> TensorArray:
        return with_flow(self, flow)

    def _scope(self, name: str | None, kind: str) -> AbstractContextManager[Any]:
        """The name scope that a method opens."""
        return dispatch.name_scope(name, kind, [self._flow])

    def _named(self, name: str | None, kind: str) -> str | None:
        """The name of an operation of version 1 that has no scope of its own."""
        return name or (f"TensorArray{kind}V3" if self._rules else None)

    def _check_index(self, index: TensorLike, kind: str, *others: RawShape) -> None:
        """Raise ValueError if an index is known not to be a scalar."""
        known: Any = index
        raw = index._shape_raw if isinstance(index, Tensor) else np.shape(known)
        if self._rules is None or not raw:
            return
        raise _refused(
            f"Shape must be rank 0 but is rank {len(raw)}", kind, raw, *others
        )

    def identity(self) -> TensorArray:
        """The same, after what the control dependencies in force wait for."""
        return self if self._eager else self._with(F.Identity(self._flow))

    def grad(
        self, source: str, flow: TensorLike | None = None, name: str | None = None
    ) -> Any:
        """Not there: gradients are TensorLists of their own."""
        raise NotImplementedError(
            "TensorArray.grad is not supported when executing eagerly; eager's "
            "gradient implementation does not use/need this function to compute "
            "gradients of operations that use TensorArrays."
            if self._eager
            else "TensorArray.grad is not supported."
        )

    def read(self, index: TensorLike, name: str | None = None) -> Tensor:
        """The element with the given index."""
        if self._eager:
            return self._eager.read(index)
        if self._rules:
            self._check_index(index, "Read")
            name = self._named(name, "Read")
            return list_ops.tensor_list_get_item(
                self._flow, index, self._dtype, self.element_shape, name=name
            )
        with self._scope(name, "TensorArrayV2Read"):
            return list_ops.tensor_list_get_item(
                self._flow, index, self._dtype, self.element_shape, name=name
            )

    def write(
        self, index: TensorLike, value: TensorLike, name: str | None = None
    ) -> TensorArray:
        """This TensorArray with `value` as the element with the given index."""
        if self._eager:
            self._eager.write(index, value)
            return self
        v1 = self._rules is not None
        with self._scope(name, "TensorArrayWrite" if v1 else "TensorArrayV2Write"):
            tensor = self._converted(value)
            self._check_shape(tensor._shape_raw)
            self._check_index(index, "Write", tensor._shape_raw)
            flow = list_ops.tensor_list_set_item(
                self._flow,
                index,
                tensor,
                bool(self._dynamic_size),
                name=self._named(name, "Write"),
            )
        return self._with(flow)

    def stack(self, name: str | None = None) -> Tensor:
        """All elements along a new first axis."""
        if self._eager:
            return self._eager.stack()
        v1 = self._rules is not None
        with self._scope(name, "TensorArrayStack" if v1 else "TensorArrayV2Stack"):
            return list_ops.tensor_list_stack(
                self._flow,
                self._dtype,
                element_shape=self.element_shape,
                name="TensorArrayGatherV3" if v1 else None,
            )

    def gather(self, indices: TensorLike, name: str | None = None) -> Tensor:
        """The elements with the given indices along a new first axis."""
        if self._eager:
            return self._eager.gather(indices)
        return list_ops.tensor_list_gather(
            self._flow,
            indices,
            self._dtype,
            self.element_shape,
            name=self._named(name, "Gather"),
        )

    def concat(self, name: str | None = None) -> Tensor:
        """The elements one after the other along their first axis."""
        if self._eager:
            return self._eager.concat()
        raw = shapes.raw(self.element_shape)
        shape = (None, *raw[1:]) if raw else None
        return list_ops.tensor_list_concat(
            self._flow,
            self._dtype,
            None if shape is None else list(shape),
            name=self._named(name, "Concat"),
        )

    def unstack(self, value: Tensor, name: str | None = None) -> TensorArray:
        """A TensorArray of what `value` holds along its first axis."""
        if self._eager:
            self._eager.unstack(value)
            return self
        with self._scope(name, "TensorArrayUnstack"):
            tensor = self._converted(value)
            rest = tensor.shape[1:]
            self._check_shape(shapes.raw(rest))
            if self._rules is None or self._takes_rows_of(tensor):
                flow = list_ops.tensor_list_from_tensor(tensor, rest)
                return self._anew(flow)
            count = F.StridedSlice(F.Shape(tensor), [0], [1], [1], shrink_axis_mask=1)
            places = F.Range(np.int32(0), count, np.int32(1))
            flow = list_ops.tensor_list_scatter(
                tensor, places, self.element_shape, input_handle=self._flow
            )
        return self._with(flow)

    def _reserved(self) -> Tensor | None:
        """The size with which this has just been made; None if it has been used."""
        op = self._flow._op
        is_new = RULES in op.attrs and op.type == "TensorListReserve"
        return op._inputs[1] if is_new else None

    def _takes_rows_of(self, tensor: Tensor) -> bool:
        """Whether this has just been made, in a size that the rows of a tensor fit."""
        size = self._reserved()
        known = None if size is None else constant(size)
        if size is None or known is None:
            return size is not None and _counted_by(size) is tensor
        rows = tensor._shape_raw[0] if tensor._shape_raw else None
        if self._dynamic_size:
            return known == 0 or (rows is not None and bool(known <= rows))
        return rows is not None and bool(known == rows)

    def scatter(
        self, indices: TensorLike, value: Tensor, name: str | None = None
    ) -> TensorArray:
        """This TensorArray with the rows of `value` as elements with given indices."""
        if self._eager:
            self._eager.scatter(indices, value)
            return self
        with self._scope(name, "TensorArrayScatter"):
            tensor = self._converted(value)
            self._check_shape(shapes.raw(tensor.shape[1:]))
            places = convert_to_tensor(indices, dtypes.int32)
            if self._rules:
                _check_rows(places._shape_raw, tensor._shape_raw)
            flow = list_ops.tensor_list_scatter(
                tensor, places, self.element_shape, input_handle=self._flow
            )
        return self._with(flow)

    def split(
        self, value: Tensor, lengths: TensorLike, name: str | None = None
    ) -> TensorArray:
        """A TensorArray of consecutive parts of `value`, of the given lengths."""
        if self._eager:
            self._eager.split(value, lengths)
            return self
        with self._scope(name, "TensorArraySplit"):
            tensor = self._converted(value)
            sizes = convert_to_tensor(lengths)
            sizes = F.Cast(sizes, DstT=dtypes.int64)
            known = constant(sizes)
            raw = tensor._shape_raw
            if raw and known is not None and known.size and known.min() == known.max():
                self._check_shape((int(known[0]), *raw[1:]))
            size = self._reserved()
            if self._rules and size is None and known is not None:
                return self._with_parts(tensor, known)
            flow = list_ops.tensor_list_split(
                tensor, self.element_shape, sizes, name=name
            )
            if size is None:
                return self._with(flow)
            places = constant(size)
            if places is not None:
                flow._op.attrs[PLACES] = int(places)
        return self._anew(flow)

    def _with_parts(self, tensor: Tensor, sizes: Array) -> TensorArray:
        """This array with parts of a tensor in its first places."""
        flow = self._flow
        for i, part in enumerate(split(tensor, sizes)):
            flow = list_ops.tensor_list_set_item(
                flow, i, part, bool(self._dynamic_size)
            )
        return self._with(flow)

    def size(self, name: str | None = None) -> Tensor:
        """How many elements there are."""
        if self._eager:
            return self._eager.size()
        return F.TensorListLength(self._flow, name=self._named(name, "Size"))

    def close(self, name: str | None = None) -> Any:
        """An operation: there is nothing to close."""
        if self._eager:
            self._eager.items = []
            return None
        return F.NoOp(name=self._named(name, "Close"))


def _refused(what: str, kind: str, *inputs: RawShape) -> ValueError:
    """What the shapes of the inputs of an operation on an array are refused with."""
    op_type = f"TensorArray{kind}V3"
    name = context.get_default_graph().unique_name(op_type, mark_as_used=False)
    given = ", ".join(shapes.text(s) for s in ((2,), *inputs, ()))
    return ValueError(
        f"{what} for '{name}' (op: '{op_type}') with input shapes: {given}."
    )


def _check_rows(places: RawShape, rows: RawShape) -> None:
    """Raise ValueError if there are known to be more or fewer indices than rows."""
    what = ""
    if rows == ():
        what = "Shape must be at least rank 1 but is rank 0"
    elif places and rows and places[0] != rows[0] and None not in (places[0], rows[0]):
        what = f"Dimensions must be equal, but are {rows[0]} and {places[0]}"
    if what:
        raise _refused(what, "Scatter", places, rows)


def _counted_by(size: Tensor) -> Tensor | None:
    """The tensor of which `size` is the number of rows, where that shows."""
    op = size._op
    if op.type != "StridedSlice" or op.attrs["shrink_axis_mask"] != 1:
        return None
    shape, begin = op._inputs[0]._op, constant(op._inputs[1])
    if shape.type != "Shape" or begin is None or begin.tolist() != [0]:
        return None
    return shape._inputs[0]


def _check_arguments(
    tensor_array_name: str | None,
    handle: object,
    flow: object,
    size: object,
    element_shape: object,
) -> None:
    """Raise what the arguments of a TensorArray are refused with."""
    if handle is not None and tensor_array_name:
        raise ValueError("Cannot construct with both handle and tensor_array_name")
    if handle is not None and not isinstance(handle, Tensor):
        raise TypeError("Handle must be a Tensor")
    if flow is not None and not (
        isinstance(flow, Tensor) and flow.dtype is dtypes.variant
    ):
        raise TypeError("flow must be a variant tensor")
    if flow is None and size is None:
        raise ValueError(
            "Size must be declared for TensorArrays when eager execution is enabled."
            if context.executing_eagerly()
            else "Size must be provided if handle is not provided"
        )
    if flow is not None and size is not None:
        raise ValueError("Cannot provide both a handle and size at the same time")
    if flow is not None and element_shape is not None:
        raise ValueError(
            "Cannot provide both a handle and element_shape at the same time"
        )


def with_flow(old: TensorArray, flow: Tensor) -> TensorArray:
    """A TensorArray like another, with the elements that `flow` holds."""
    made = copy.copy(old)
    made._flow, made._eager = flow, None
    if flow._held is None:
        flow._held = Held(shapes.raw(old.element_shape), old.dtype)
    return made


build_ta_with_new_flow = with_flow


class TensorArraySpec(TypeSpec):
    """What is known of a TensorArray before it exists."""

    def __init__(
        self,
        element_shape: ShapeLike = None,
        dtype: DTypeLike = dtypes.float32,
        dynamic_size: bool | None = False,
        infer_shape: bool = True,
    ) -> None:
        self._element_shape = shapes.TensorShape(element_shape)
        self._dtype = dtypes.as_dtype(dtype)
        self._dynamic_size = dynamic_size
        self._infer_shape = infer_shape

    @property
    def value_type(self) -> type[TensorArray]:
        """`TensorArray`."""
        return TensorArray

    @property
    def _component_specs(self) -> list[TensorSpec]:
        return [TensorSpec([], dtypes.variant)]

    def _to_components(self, value: object) -> list[Tensor]:
        if not isinstance(value, TensorArray):
            raise TypeError(f"value must be a TensorArray, but saw: {type(value)}")
        return [value.flow]

    def _from_components(self, components: Sequence[Tensor]) -> TensorArray:
        made = TensorArray(
            self._dtype,
            flow=components[0],
            dynamic_size=self._dynamic_size,
            infer_shape=self._infer_shape,
        )
        made._element_shape = [self._element_shape]
        return made

    def _serialize(self) -> tuple[Any, ...]:
        return (
            self._element_shape,
            self._dtype,
            self._dynamic_size,
            self._infer_shape,
        )

    @staticmethod
    def from_value(value: object) -> TensorArraySpec:
        """The description of a TensorArray."""
        if not isinstance(value, TensorArray):
            raise TypeError(f"Expected value to be a TensorArray, but saw: {value}")
        return TensorArraySpec(
            value.element_shape, value.dtype, value.dynamic_size, value._infer_shape
        )

    def _to_legacy_output_types(self) -> Any:
        return self._dtype

    def _to_legacy_output_shapes(self) -> Any:
        flags = shapes.TensorShape([self._dynamic_size, self._infer_shape])
        return flags.concatenate(self._element_shape)


register_type_spec_from_value_converter(
    TensorArray, TensorArraySpec.from_value, allow_subclass=True
)
