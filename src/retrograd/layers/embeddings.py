"""Embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.layers import regularizers
from retrograd.layers.configured import Configured
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.nn.embedding import embedding_lookup

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Named, ShapeLike, Sizes


class Embedding(Configured):
    """Integers [batch, …] as vectors [batch, …, output_dim].

    Args:
      input_dim: how many different integers there are.
      output_dim: the size of the vectors.
      embeddings_initializer, embeddings_regularizer, embeddings_constraint: for them.
      activity_regularizer: the loss of the outputs.
      mask_zero: whether 0 stands for nothing, and is masked.
      input_length: the length of the sequences.
      **kwargs: those of `Layer`.

    Raises:
      ValueError: `input_length` that the inputs do not have.
    """

    _ARGUMENTS = tuple(
        "input_dim output_dim embeddings_initializer embeddings_regularizer "
        "activity_regularizer embeddings_constraint mask_zero input_length".split()
    )

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Named = "uniform",
        embeddings_regularizer: Named = None,
        activity_regularizer: Named = None,
        embeddings_constraint: Named = None,
        mask_zero: bool = False,
        input_length: Sizes | None = None,
        **kwargs: Any,
    ) -> None:
        if "input_shape" not in kwargs:
            kwargs["input_shape"] = (input_length,) if input_length else (None,)
        kwargs.setdefault("dtype", "float32")
        super().__init__(
            activity_regularizer=regularizers.get(activity_regularizer), **kwargs
        )
        self._keep(
            input_dim=input_dim,
            output_dim=output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            input_length=input_length,
        )
        self.supports_masking = mask_zero

    def build(self, input_shape: ShapeLike) -> None:
        """Make the vectors [input_dim, output_dim]."""
        del input_shape
        sizes = self.input_dim, self.output_dim
        self.embeddings = self._weight("embeddings", sizes)
        self.built = True

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Any:
        """Where the inputs are not 0, if `mask_zero`."""
        del mask
        return F.NotEqual(inputs, 0) if self.mask_zero else None

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        if inputs.dtype.base_dtype.name not in ("int32", "int64"):
            inputs = cast(inputs, "int32")
        return embedding_lookup(self.embeddings, inputs)

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """[batch, …, output_dim].

        Raises:
          ValueError: the inputs do not have `input_length`.
        """
        given = shapes.TensorShape(input_shape).as_list()
        if self.input_length is None:
            return shapes.TensorShape([*given, self.output_dim])
        lengths = self.input_length
        lengths = list(lengths) if isinstance(lengths, (list, tuple)) else [lengths]
        text = (
            f'"input_length" is {self.input_length}, but received input has shape '
            f"{given}"
        )
        if len(lengths) != len(given) - 1:
            raise ValueError(text)
        for i, (wanted, known) in enumerate(zip(lengths, given[1:], strict=True)):
            if wanted is not None and known is not None and wanted != known:
                raise ValueError(text)
            lengths[i] = known if wanted is None else wanted
        return shapes.TensorShape([given[0], *lengths, self.output_dim])
