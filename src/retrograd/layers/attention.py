"""Attention: values averaged by how well their keys go with a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.layers.backend_config import floatx
from retrograd.layers.configured import Configured
from retrograd.ops.array.fill import ones, ones_like
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import expand_dims, shape
from retrograd.ops.declare import F
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.math.scan import cumsum
from retrograd.ops.nn.nn import softmax
from retrograd.variables.initializers import (
    glorot_uniform_initializer,
    ones_initializer,
)

if TYPE_CHECKING:
    from retrograd.typing import Structure


class BaseDenseAttention(Configured):
    """softmax(scores of queries and keys) · values; a base.

    Args:
      causal: whether a query sees no value after its own place.
      **kwargs: those of `Layer`.

    Inputs [query, value] or [query, value, key], each [batch, steps, features]; masks
    [of queries, of values], each [batch, steps] bool. Outputs [batch, query steps,
    features].

    Raises:
      ValueError: other inputs or masks.
    """

    _ARGUMENTS = ("causal",)

    def __init__(self, causal: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.causal = causal
        self.supports_masking = True

    def _calculate_scores(self, query: Tensor, key: Tensor) -> Tensor:
        """[batch, query steps, key steps]."""
        raise NotImplementedError

    def _apply_scores(
        self, scores: Tensor, value: Tensor, scores_mask: Tensor | None = None
    ) -> Tensor:
        """The values averaged by the scores, of those that the mask lets through."""
        if scores_mask is not None:
            hidden = cast(F.LogicalNot(scores_mask), floatx())
            scores = scores - 1e9 * hidden
        return matmul(softmax(scores), value)

    def call(self, inputs: Structure, mask: Structure = None) -> Tensor:
        """The outputs for inputs."""
        self._validate_call_args(inputs, mask)
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        of_query, of_value = mask or (None, None)
        scores = self._calculate_scores(query=query, key=key)
        seen = None if of_value is None else expand_dims(of_value, axis=-2)
        if self.causal:
            sizes = shape(scores)
            sizes = concat([ones_like(sizes[:-2]), sizes[-2:]], axis=0)
            before = _lower_triangle(sizes)
            seen = before if seen is None else F.LogicalAnd(seen, before)
        result = self._apply_scores(scores=scores, value=value, scores_mask=seen)
        if of_query is not None:
            result = result * cast(expand_dims(of_query, axis=-1), result.dtype)
        return result

    def compute_mask(self, inputs: Structure, mask: Structure = None) -> Any:
        """The mask of the queries."""
        self._validate_call_args(inputs, mask)
        if not mask or mask[0] is None:
            return None
        return convert_to_tensor(mask[0])

    def _validate_call_args(self, inputs: Structure, mask: Structure) -> None:
        name = type(self).__name__
        if not isinstance(inputs, list):
            raise ValueError(
                f"{name} layer must be called on a list of inputs, namely [query, "
                "value] or [query, value, key]."
            )
        if len(inputs) not in (2, 3):
            raise ValueError(
                f"{name} layer accepts inputs list of length 2 or 3, namely [query, "
                f"value] or [query, value, key]. Given length: {len(inputs)}"
            )
        if mask and not isinstance(mask, list):
            raise ValueError(
                f"{name} layer mask must be a list, namely [query_mask, value_mask]."
            )
        if mask and len(mask) != 2:
            raise ValueError(
                f"{name} layer mask must be a list of length 2, namely [query_mask, "
                f"value_mask]. Given length: {len(mask)}"
            )


def _lower_triangle(sizes: Tensor) -> Tensor:
    """Bool tensor of these sizes: whether the column is not after the row."""
    row = cumsum(ones(sizes, dtypes.int32), axis=-2)
    column = cumsum(ones(sizes, dtypes.int32), axis=-1)
    return F.GreaterEqual(row, column)


class Attention(BaseDenseAttention):
    """Attention by the products of queries and keys (Luong et al. 2015).

    Args:
      use_scale: whether the scores are multiplied by a weight, `scale`.
      **kwargs: those of `BaseDenseAttention`.
    """

    _ARGUMENTS = ("causal", "use_scale")

    def __init__(self, use_scale: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_scale = use_scale

    def build(self, input_shape: Structure) -> None:
        """Make the scale, a scalar."""
        del input_shape
        self.scale = None
        if self.use_scale:
            self.scale = self.add_weight(
                name="scale",
                shape=(),
                initializer=ones_initializer(),
                dtype=self.dtype,
                trainable=True,
            )
        self.built = True

    def _calculate_scores(self, query: Tensor, key: Tensor) -> Tensor:
        scores = matmul(query, key, transpose_b=True)
        return scores if self.scale is None else scores * self.scale


class AdditiveAttention(BaseDenseAttention):
    """Attention by Σ scale · tanh(query + key) (Bahdanau et al. 2014).

    Args:
      use_scale: whether the scale is a weight, [features]; else it is 1.
      **kwargs: those of `BaseDenseAttention`.
    """

    _ARGUMENTS = ("causal", "use_scale")

    def __init__(self, use_scale: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_scale = use_scale

    def build(self, input_shape: Structure) -> None:
        """Make the scale."""
        features = shapes.TensorShape(input_shape[1]).as_list()[-1]
        self.scale = None
        if self.use_scale:
            self.scale = self.add_weight(
                name="scale",
                shape=[features],
                initializer=glorot_uniform_initializer(),
                dtype=self.dtype,
                trainable=True,
            )
        self.built = True

    def _calculate_scores(self, query: Tensor, key: Tensor) -> Tensor:
        query, key = expand_dims(query, axis=-2), expand_dims(key, axis=-3)
        scale = 1.0 if self.scale is None else self.scale
        return reduce_sum(scale * F.Tanh(query + key), axis=-1)
