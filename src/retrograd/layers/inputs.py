"""Where graphs of layers begin: `Input`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.layers import naming, phase
from retrograd.layers.backend_config import floatx
from retrograd.layers.base import Layer
from retrograd.layers.nodes import KerasHistory, Node, graphs_of_models
from retrograd.layers.records import is_symbolic
from retrograd.ops.array.constant import placeholder, sparse_placeholder

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike


class InputLayer(Layer):
    """The beginning of a graph of layers: a placeholder, or a tensor that is given.

    Args:
      input_shape: the shape without the batch.
      batch_size: the size of the batch.
      dtype: of the tensor; by default `floatx`.
      input_tensor: a tensor to use.
      sparse: whether the placeholder is sparse.
      name: the layer's.
      ragged: not supported.
      **kwargs: `batch_input_shape`, the shape with the batch.

    Raises:
      ValueError: both shapes, other arguments, or a tensor of another dtype.
    """

    def __init__(
        self,
        input_shape: Any = None,
        batch_size: int | None = None,
        dtype: DTypeLike | None = None,
        input_tensor: Any = None,
        sparse: bool = False,
        name: str | None = None,
        ragged: bool = False,
        **kwargs: Any,
    ) -> None:
        if "batch_input_shape" in kwargs:
            whole = kwargs.pop("batch_input_shape")
            if input_shape and whole:
                raise ValueError(
                    "Only provide the input_shape OR batch_input_shape argument to "
                    "InputLayer, not both at the same time."
                )
            batch_size, input_shape = whole[0], whole[1:]
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments: {kwargs.keys()}")
        if ragged:
            raise ValueError("Ragged inputs are not supported.")
        name = name or naming.unique_object_name("input", zero_based=False)
        if dtype is None:
            dtype = floatx() if input_tensor is None else input_tensor.dtype.name
        elif input_tensor is not None and input_tensor.dtype != dtype:
            raise ValueError(
                "`input_tensor.dtype` differs from `dtype`: "
                f"{input_tensor.dtype} vs. {dtype}"
            )
        super().__init__(dtype=dtype, name=name)
        self.built = True
        self.sparse = sparse
        self.ragged = ragged
        self.batch_size = batch_size
        self.supports_masking = True
        self.is_placeholder = input_tensor is None
        if input_tensor is None:
            sizes = None if input_shape is None else tuple(input_shape)
            self.__dict__["_batch_input_shape"] = (batch_size, *(sizes or ()))
            input_tensor = self._placeholder(sparse, sizes is None)
        else:
            if not is_symbolic(input_tensor):
                raise ValueError(
                    "You should not pass an EagerTensor to `Input`. For example, "
                    "instead of creating an InputLayer, you should instantiate your "
                    "model and directly call it on your input."
                )
            self.__dict__["_batch_input_shape"] = tuple(input_tensor.shape.as_list())
        input_tensor._keras_mask = None
        graphs_of_models.add(phase.keras_graph())
        input_tensor._keras_history = KerasHistory(self, 0, 0)
        Node(self, [], [], [], [input_tensor], [input_tensor])

    def _placeholder(self, sparse: bool, unknown: bool) -> Any:
        sizes = None if unknown else self._batch_input_shape
        with phase.keras_graph().as_default():
            if sparse:
                return sparse_placeholder(dtypes.as_dtype(self.dtype), sizes, self.name)
            return placeholder(dtypes.as_dtype(self.dtype), sizes, self.name)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        return {
            "batch_input_shape": self._batch_input_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
        }


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    name: str | None = None,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
    tensor: Any = None,
    ragged: bool = False,
    **kwargs: Any,
) -> Any:
    """A tensor that a graph of layers begins with.

    Args:
      shape: its shape without the batch.
      batch_size: the size of the batch.
      name: of its layer.
      dtype: its dtype; by default `floatx`.
      sparse: whether it is sparse.
      tensor: a tensor to use in place of a placeholder.
      ragged: not supported.
      **kwargs: `batch_shape`, the shape with the batch.

    Raises:
      ValueError: no shape and no tensor, or two shapes.
    """
    batch_shape = kwargs.pop("batch_shape", kwargs.pop("batch_input_shape", None))
    if shape is not None and batch_shape is not None:
        raise ValueError(
            "Only provide the `shape` OR `batch_input_shape` argument to Input, not "
            "both at the same time."
        )
    if shape is None and batch_shape is None and tensor is None:
        raise ValueError(
            "Please provide to Input either a `shape` or a `tensor` argument. Note "
            "that `shape` does not include the batch dimension."
        )
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments: {kwargs.keys()}")
    if batch_shape is not None:
        batch_size, shape = batch_shape[0], batch_shape[1:]
    layer = InputLayer(
        input_shape=shape if tensor is None else None,
        batch_size=batch_size,
        name=name,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        input_tensor=tensor,
    )
    outputs = layer._inbound_nodes[0].output_tensors
    return outputs[0] if len(outputs) == 1 else outputs
