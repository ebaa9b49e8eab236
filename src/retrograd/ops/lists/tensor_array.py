"""TensorArray: a list of tensors that a loop reads, writes and passes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.errors import InvalidArgumentError
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import (
    TensorSpec,
    TypeSpec,
    register_type_spec_from_value_converter,
)
from retrograd.graph.tensor import Held, Tensor
from retrograd.ops.declare import F
from retrograd.ops.lists import tensor_list as list_ops
from retrograd.ops.lists.flow import Flowing
from retrograd.ops.lists.tensor_list_ops import of_array
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape
    from retrograd.typing import DTypeLike, ShapeLike, TensorLike


class TensorArray(Flowing):
    """Tensors by index, of which each may be written once; a loop can carry it.

    Every method that changes it gives a new TensorArray, to be used from then on.

    Args:
      dtype: the type of the elements.
      size: how many there are, a scalar int32.
      dynamic_size: whether writing past the end makes it longer.
      clear_after_read: accepted; an element can be read any number of times.
      tensor_array_name: accepted.
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
        del clear_after_read, colocate_with_first_write_call
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
                "Size must be declared for TensorArrays when eager execution is "
                "enabled."
                if context.executing_eagerly()
                else "Size must be provided if handle is not provided"
            )
        if flow is not None and size is not None:
            raise ValueError("Cannot provide both a handle and size at the same time")
        if flow is not None and element_shape is not None:
            raise ValueError(
                "Cannot provide both a handle and element_shape at the same time"
            )
        self._dtype = dtypes.as_dtype(dtype).base_dtype
        self._dynamic_size = dynamic_size
        self._infer_shape = infer_shape
        #: shared with the TensorArrays made of this one
        self._element_shape = [shapes.TensorShape(element_shape)]
        if flow is not None:
            self._flow = flow
            return
        count: Any = size
        values = [size] if isinstance(size, Tensor) else []
        with dispatch.name_scope(name, "TensorArrayV2", values) as scope:
            self._flow = list_ops.tensor_list_reserve(
                self._element_shape[0], count, self._dtype, name=scope
            )

    @property
    def flow(self) -> Tensor:
        """The tensor that holds the elements."""
        return self._flow

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
        return self._element_shape[0]

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
            raise ValueError(
                f"Inconsistent shapes: saw {shape} but expected {self.element_shape} "
                f"(and infer_shape={self._infer_shape})"
            )
        if self._infer_shape:
            self._element_shape[0] = self.element_shape.merge_with(shape)

    def _converted(self, value: TensorLike) -> Tensor:
        tensor = convert_to_tensor(value, preferred_dtype=self._dtype, name="value")
        if tensor.dtype.base_dtype != self._dtype:
            if context.executing_eagerly():
                raise InvalidArgumentError(
                    None,
                    None,
                    f"TensorArray dtype is {self._dtype.name} but Op is trying to "
                    f"write dtype {tensor.dtype.name}",
                )
            raise ValueError(
                f"TensorArray dtype is {self._dtype}, but Op is trying to write dtype "
                f"{tensor.dtype}."
            )
        return tensor

    def _with(self, flow: Tensor) -> TensorArray:
        return with_flow(self, flow)

    def identity(self) -> TensorArray:
        """The same, after what the control dependencies in force wait for."""
        return self._with(F.Identity(self._flow))

    def grad(
        self, source: str, flow: TensorLike | None = None, name: str | None = None
    ) -> Any:
        """Not there: gradients are TensorLists of their own."""
        raise NotImplementedError("TensorArray.grad is not supported.")

    def read(self, index: TensorLike, name: str | None = None) -> Tensor:
        """The element with the given index."""
        with dispatch.name_scope(name, "TensorArrayV2Read", [self._flow]):
            found = list_ops.tensor_list_get_item(
                self._flow, index, self._dtype, self.element_shape, name=name
            )
        return of_array(found)

    def write(
        self, index: TensorLike, value: TensorLike, name: str | None = None
    ) -> TensorArray:
        """This TensorArray with `value` as the element with the given index."""
        with dispatch.name_scope(name, "TensorArrayV2Write", [self._flow]):
            tensor = self._converted(value)
            self._check_shape(tensor._shape_raw)
            flow = list_ops.tensor_list_set_item(
                self._flow, index, tensor, bool(self._dynamic_size), name=name
            )
        return self._with(flow)

    def stack(self, name: str | None = None) -> Tensor:
        """All elements along a new first axis."""
        with dispatch.name_scope(name, "TensorArrayV2Stack", [self._flow]):
            return list_ops.tensor_list_stack(
                self._flow, self._dtype, element_shape=self.element_shape
            )

    def gather(self, indices: TensorLike, name: str | None = None) -> Tensor:
        """The elements with the given indices along a new first axis."""
        found = list_ops.tensor_list_gather(
            self._flow, indices, self._dtype, self.element_shape, name=name
        )
        return of_array(found)

    def concat(self, name: str | None = None) -> Tensor:
        """The elements one after the other along their first axis."""
        raw = shapes.raw(self.element_shape)
        shape = (None, *raw[1:]) if raw else None
        return list_ops.tensor_list_concat(
            self._flow, self._dtype, None if shape is None else list(shape), name=name
        )

    def unstack(self, value: Tensor, name: str | None = None) -> TensorArray:
        """A TensorArray of what `value` holds along its first axis."""
        with dispatch.name_scope(name, "TensorArrayUnstack", [self._flow]):
            tensor = self._converted(value)
            rest = tensor.shape[1:]
            self._check_shape(shapes.raw(rest))
            flow = list_ops.tensor_list_from_tensor(tensor, rest)
        return self._with(flow)

    def scatter(
        self, indices: TensorLike, value: Tensor, name: str | None = None
    ) -> TensorArray:
        """This TensorArray with the rows of `value` as elements with given indices."""
        with dispatch.name_scope(name, "TensorArrayScatter", [self._flow]):
            tensor = self._converted(value)
            self._check_shape(shapes.raw(tensor.shape[1:]))
            flow = list_ops.tensor_list_scatter(
                tensor, indices, self.element_shape, input_handle=self._flow
            )
        return self._with(flow)

    def split(
        self, value: Tensor, lengths: TensorLike, name: str | None = None
    ) -> TensorArray:
        """A TensorArray of consecutive parts of `value`, of the given lengths."""
        with dispatch.name_scope(name, "TensorArraySplit", [self._flow]):
            tensor = self._converted(value)
            sizes = convert_to_tensor(lengths)
            sizes = F.Cast(sizes, DstT=dtypes.int64)
            known = constant(sizes)
            raw = tensor._shape_raw
            if raw and known is not None and known.size and known.min() == known.max():
                self._check_shape((int(known[0]), *raw[1:]))
            flow = list_ops.tensor_list_split(
                tensor, self.element_shape, sizes, name=name
            )
        return self._with(flow)

    def size(self, name: str | None = None) -> Tensor:
        """How many elements there are."""
        return F.TensorListLength(self._flow, name=name)

    def close(self, name: str | None = None) -> Any:
        """An operation: there is nothing to close."""
        return F.NoOp(name=name)


def with_flow(old: TensorArray, flow: Tensor) -> TensorArray:
    """A TensorArray like another, with the elements that `flow` holds."""
    made = TensorArray(
        dtype=old.dtype,
        flow=flow,
        dynamic_size=old.dynamic_size,
        infer_shape=old._infer_shape,
    )
    made._element_shape = old._element_shape
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
