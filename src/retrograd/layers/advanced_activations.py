"""Activations as layers, some of them with weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.layers import activations
from retrograd.layers.backend_config import cast_to_floatx
from retrograd.layers.configured import Elementwise
from retrograd.layers.input_spec import InputSpec
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.nn.nn import softmax

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Named, ShapeLike, Sizes


class LeakyReLU(Elementwise):
    """x where it is positive, else α x (Maas et al. 2013).

    Args:
      alpha: α.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("alpha",)

    def __init__(self, alpha: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = float(cast_to_floatx(alpha))

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        return activations.relu(inputs, alpha=self.alpha)


class PReLU(Elementwise):
    """x where it is positive, else α x with a trained α (He et al. 2015).

    Args:
      alpha_initializer, alpha_regularizer, alpha_constraint: for α.
      shared_axes: the axes along which α is one.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = tuple(
        "alpha_initializer alpha_regularizer alpha_constraint shared_axes".split()
    )

    def __init__(
        self,
        alpha_initializer: Named = "zeros",
        alpha_regularizer: Named = None,
        alpha_constraint: Named = None,
        shared_axes: Sizes | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(shared_axes, int):
            shared_axes = [shared_axes]
        self._keep(
            alpha_initializer=alpha_initializer,
            alpha_regularizer=alpha_regularizer,
            alpha_constraint=alpha_constraint,
            shared_axes=None if shared_axes is None else list(shared_axes),
        )

    def build(self, input_shape: ShapeLike) -> None:
        """Make α, in the shape of an input."""
        given = shapes.TensorShape(input_shape).as_list()
        sizes = given[1:]
        for axis in self.shared_axes or ():
            sizes[axis - 1] = 1
        self.alpha = self._weight("alpha", sizes)
        shared = self.shared_axes or ()
        axes = {i: given[i] for i in range(1, len(given)) if i not in shared}
        self.input_spec = InputSpec(ndim=len(given), axes=axes)
        self.built = True

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        positive = activations.relu(inputs)
        return positive + -self.alpha * activations.relu(-inputs)


class ELU(Elementwise):
    """x where it is positive, else α (exp x − 1) (Clevert et al. 2016).

    Args:
      alpha: α.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("alpha",)

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = float(cast_to_floatx(alpha))

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        return activations.elu(inputs, self.alpha)


class ThresholdedReLU(Elementwise):
    """x where it is greater than θ, else 0 (Konda et al. 2015).

    Args:
      theta: θ.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("theta",)

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.theta = float(cast_to_floatx(theta))

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        return inputs * cast(F.Greater(inputs, self.theta), inputs.dtype)


class Softmax(Elementwise):
    """exp x / Σ exp x.

    Args:
      axis: what the sum is over.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("axis",)

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        return softmax(inputs, axis=self.axis)


class ReLU(Elementwise):
    """max(x, 0), or with a slope below a threshold, and at most a value.

    Args:
      max_value: the value.
      negative_slope: the slope.
      threshold: the threshold.
      **kwargs: those of `Layer`.

    Raises:
      ValueError: a negative value or slope.
    """

    _ARGUMENTS = ("max_value", "negative_slope", "threshold")

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0,
        threshold: float = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0.0:
            raise ValueError(
                f"max_value of Relu layer cannot be negative value: {max_value}"
            )
        if negative_slope < 0.0:
            raise ValueError(
                "negative_slope of Relu layer cannot be negative value: "
                f"{negative_slope}"
            )
        # 1.15 means to say True: it writes another name
        self.supports_masking = False
        # and keeps arrays, in the configuration too
        self.max_value = None if max_value is None else cast_to_floatx(max_value)
        self.negative_slope = cast_to_floatx(negative_slope)
        self.threshold = cast_to_floatx(threshold)

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        return activations.relu(
            inputs,
            alpha=self.negative_slope,
            max_value=self.max_value,
            threshold=self.threshold,
        )
