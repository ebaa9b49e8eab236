"""Layer normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.layers.normalization import Normalization, spread
from retrograd.layers.sizes import rank_of
from retrograd.ops.nn.moments import batch_normalization, moments

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Named, ShapeLike


class LayerNormalization(Normalization):
    """γ (x − μ) / √(σ² + ε) + β, by element of the batch (Ba et al. 2016).

    Args:
      axis: the axes that μ and σ² are over.
      epsilon: ε.
      center: whether there is β.
      scale: whether there is γ.
      beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
      beta_constraint, gamma_constraint: for the weights.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = tuple(
        "axis epsilon center scale beta_initializer gamma_initializer beta_regularizer "
        "gamma_regularizer beta_constraint gamma_constraint".split()
    )

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Named = "zeros",
        gamma_initializer: Named = "ones",
        beta_regularizer: Named = None,
        gamma_regularizer: Named = None,
        beta_constraint: Named = None,
        gamma_constraint: Named = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, trainable=trainable, **kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise ValueError(
                "Expected an int or a list/tuple of ints for the argument 'axis', but "
                f"received instead: {axis}"
            )
        self._keep(
            axis=axis if isinstance(axis, int) else list(axis),
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )

    def build(self, input_shape: ShapeLike) -> None:
        """Make γ and β, in the shape of the axes."""
        given = shapes.TensorShape(input_shape)
        if given.ndims is None:
            raise ValueError(f"Input shape {given} has undefined rank.")
        self.axis = self._checked_axes(given.ndims)
        sizes = [given.as_list()[axis] for axis in self.axis]
        self.gamma = self._parameter("gamma", sizes) if self.scale else None
        self.beta = self._parameter("beta", sizes) if self.center else None
        self.built = True

    def _shown(self, axes: list[int]) -> Any:
        return tuple(axes)

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        rank = rank_of(inputs)
        mean, variance = moments(inputs, self.axis, keep_dims=True)
        sizes: list[Any] = [1] * rank
        for axis in self.axis:
            sizes[axis] = inputs.shape.as_list()[axis]

        is_last = self.axis == [rank - 1]
        outputs = batch_normalization(
            inputs,
            mean,
            variance,
            offset=spread(self.beta, sizes, is_last),
            scale=spread(self.gamma, sizes, is_last),
            variance_epsilon=self.epsilon,
        )
        outputs.set_shape(inputs.shape)
        return outputs
