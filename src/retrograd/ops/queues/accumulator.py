"""Accumulators: gradients of several workers, summed until there are enough of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.graph import context
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.typing import DTypeLike, ShapeLike, TensorLike


def _step(value: int | Tensor) -> Tensor:
    return cast(convert_to_tensor(value), dtypes.int64)


class ConditionalAccumulatorBase:
    """An accumulator that sessions keep between runs.

    Args:
      dtype: the type of the gradients.
      shape: what is known of their shape.
      accumulator_ref: the handle of the accumulator.
    """

    _prefix = ""

    def __init__(
        self, dtype: DTypeLike, shape: ShapeLike, accumulator_ref: Tensor
    ) -> None:
        self._dtype = dtype
        self._shape = shapes.TensorShape(shape)
        self._accumulator_ref = accumulator_ref
        if context.executing_eagerly():
            self._name = context.local.name_scope or "Empty"
        else:
            self._name = accumulator_ref.op.name.split("/")[-1]

    @property
    def accumulator_ref(self) -> Tensor:
        """The handle of the accumulator."""
        return self._accumulator_ref

    @property
    def name(self) -> str:
        """The last part of its name."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The type of the gradients."""
        return self._dtype

    def num_accumulated(self, name: str | None = None) -> Tensor:
        """How many gradients it has, an int32 scalar."""
        name = f"{self._name}_NumAccumulated" if name is None else name
        op_type = f"{self._prefix}AccumulatorNumAccumulated"
        return getattr(F, op_type)(self._accumulator_ref, name=name)

    def set_global_step(
        self, new_global_step: int | Tensor, name: str | None = None
    ) -> Operation:
        """Begin a step: gradients of earlier ones are dropped from now on."""
        op_type = f"{self._prefix}AccumulatorSetGlobalStep"
        step = _step(new_global_step)
        return getattr(F, op_type)(self._accumulator_ref, step, name=name)


class ConditionalAccumulator(ConditionalAccumulatorBase):
    """An accumulator of gradients.

    Args:
      dtype: their type.
      shape: what is known of their shape.
      shared_name: accumulators with one shared name are one in a session.
      name: the name of the operation.
      reduction_type: "MEAN" or "SUM".
    """

    _prefix = "Resource"

    def __init__(
        self,
        dtype: DTypeLike,
        shape: ShapeLike = None,
        shared_name: str | None = None,
        name: str = "conditional_accumulator",
        reduction_type: str = "MEAN",
    ) -> None:
        handle = F.ResourceConditionalAccumulator(
            dtype=dtype,
            shape=shape,
            shared_name=shared_name,
            name=name,
            reduction_type=reduction_type,
        )
        super().__init__(dtype, shape, handle)

    def apply_grad(
        self, grad: TensorLike, local_step: int | Tensor = 0, name: str | None = None
    ) -> Operation:
        """Add a gradient, unless it is of a step that is over.

        Raises:
          ValueError: it has another shape.
        """
        grad = convert_to_tensor(grad, self._dtype)
        grad.shape.assert_is_compatible_with(self._shape)
        return F.ResourceAccumulatorApplyGradient(
            self._accumulator_ref, _step(local_step), grad, name=name
        )

    def take_grad(self, num_required: int | Tensor, name: str | None = None) -> Tensor:
        """The mean or sum of at least `num_required` gradients, waiting for them.

        It begins a new step, and a new sum.
        """
        taken = F.ResourceAccumulatorTakeGradient(
            self._accumulator_ref, num_required, dtype=self._dtype, name=name
        )
        taken.set_shape(self._shape)
        return taken


class SparseConditionalAccumulator(ConditionalAccumulatorBase):
    """An accumulator of gradients that are some rows of a tensor.

    Arguments as for `ConditionalAccumulator`; a mean is taken of each row, over the
    gradients that have it.
    """

    def __init__(
        self,
        dtype: DTypeLike,
        shape: ShapeLike = None,
        shared_name: str | None = None,
        name: str = "sparse_conditional_accumulator",
        reduction_type: str = "MEAN",
    ) -> None:
        handle = F.SparseConditionalAccumulator(
            dtype=dtype,
            shape=shape,
            shared_name=shared_name,
            name=name,
            reduction_type=reduction_type,
        )
        super().__init__(dtype, shape, handle)

    def apply_indexed_slices_grad(
        self, grad: IndexedSlices, local_step: int | Tensor = 0, name: str | None = None
    ) -> Any:
        """Add a gradient, unless it is of a step that is over."""
        parts = (grad.indices, grad.values, grad.dense_shape)
        return self.apply_grad(*parts, local_step=local_step, name=name)

    def apply_grad(
        self,
        grad_indices: TensorLike,
        grad_values: TensorLike,
        grad_shape: TensorLike | None = None,
        local_step: int | Tensor = 0,
        name: str | None = None,
    ) -> Operation:
        """Add a gradient, unless it is of a step that is over.

        Args:
          grad_indices: which rows it has, rising.
          grad_values: these rows.
          grad_shape: the shape of the whole, if known.
          local_step: the step it was computed in.
          name: the name of the operation.
        """
        step = _step(local_step)
        return F.SparseAccumulatorApplyGradient(
            self._accumulator_ref,
            step,
            cast(grad_indices, dtypes.int64),
            grad_values,
            cast([] if grad_shape is None else grad_shape, dtypes.int64),
            has_known_shape=grad_shape is not None,
            name=name,
        )

    def take_grad(self, num_required: int | Tensor, name: str | None = None) -> Any:
        """Indices, rows and shape of the mean or sum of at least so many gradients."""
        return F.SparseAccumulatorTakeGradient(
            self._accumulator_ref, num_required, dtype=self._dtype, name=name
        )

    def take_indexed_slices_grad(
        self, num_required: int | Tensor, name: str | None = None
    ) -> IndexedSlices:
        """The same as IndexedSlices."""
        taken = self.take_grad(num_required, name)
        return IndexedSlices(
            values=taken.values, indices=taken.indices, dense_shape=taken.shape
        )
