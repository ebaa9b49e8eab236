"""Layers of several inputs: sums, products, extremes, concatenation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.graph.tensor import Tensor
from retrograd.layers.configured import Configured
from retrograd.layers.tensor_functions import batch_dot
from retrograd.layers.tensor_functions import concatenate as joined
from retrograd.ops.array.fill import ones_like
from retrograd.ops.array.shape import expand_dims
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_all
from retrograd.ops.nn.nn import l2_normalize

if TYPE_CHECKING:
    from retrograd.typing import Structure

Sizes = tuple[int | None, ...]


def _each(input_shape: Structure) -> list[Sizes] | None:
    """The shapes of a list of inputs; None where there is but one."""
    if not isinstance(input_shape, list):
        return None
    if all(d is None or isinstance(d, (int, shapes.Dimension)) for d in input_shape):
        return None
    return [tuple(shapes.TensorShape(s).as_list()) for s in input_shape]


class _Merge(Configured):
    """A base: `_merged(inputs)`, of inputs that are broadcast.

    Inputs of fewer axes get axes of size 1 after the batch.

    Raises:
      ValueError: one input, or inputs whose shapes cannot be broadcast.
    """

    _reshape_required = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        raise NotImplementedError

    def build(self, input_shape: Structure) -> None:
        """Check the shapes."""
        given = _each(input_shape)
        if given is None:
            raise ValueError("A merge layer should be called on a list of inputs.")
        if len(given) < 2:
            raise ValueError(
                "A merge layer should be called on a list of at least 2 inputs. Got "
                f"{len(given)} inputs."
            )
        if len(_known({s[0] for s in given})) > 1:
            raise ValueError(
                "Can not merge tensors with different batch sizes. Got tensors with "
                f"shapes : {given}"
            )
        _broadcast(given)
        self.__dict__["_reshape_required"] = len({len(s) for s in given}) > 1
        self.built = True

    def call(self, inputs: Structure) -> Tensor:
        """The output for a list of inputs."""
        if not isinstance(inputs, list):
            raise ValueError("A merge layer should be called on a list of inputs.")
        if not self._reshape_required:
            return self._merged(inputs)
        rank = max(len(x.shape) for x in inputs)
        reshaped: list[Tensor] = []
        for x in inputs:
            for _ in range(rank - len(x.shape)):
                x = expand_dims(x, axis=1)
            reshaped.append(x)
        return self._merged(reshaped)

    def compute_output_shape(self, input_shape: Structure) -> Any:
        """[batch, *sizes broadcast]."""
        given = _each(input_shape) or []
        batch = _known({s[0] for s in given})
        first = batch.pop() if len(batch) == 1 else None
        return shapes.TensorShape([first, *_broadcast(given)])

    def compute_mask(self, inputs: Structure, mask: Structure = None) -> Any:
        """Where all inputs that have a mask are not masked."""
        masks = _masks(inputs, mask)
        if masks is None:
            return None
        rows = [expand_dims(m, axis=0) for m in masks if m is not None]
        return reduce_all(_as_bool(joined(rows, axis=0)), axis=0, keepdims=False)


def _known(sizes: set[int | None]) -> set[int]:
    return {size for size in sizes if size is not None}


def _as_bool(x: Tensor) -> Tensor:
    return cast(x, "bool")


def _broadcast(given: Sequence[Sizes]) -> Sizes:
    """The sizes of the result, without the batch."""
    found = given[0][1:]
    for sizes in given[1:]:
        found = _broadcast_two(found, sizes[1:])
    return found


def _broadcast_two(a: Sizes, b: Sizes) -> Sizes:
    if len(a) < len(b):
        a, b = b, a
    if not b:
        return a
    found = list(a[: -len(b)])
    for i, j in zip(a[-len(b) :], b, strict=True):
        if i is None or j is None:
            found.append(None)
        elif i == 1 or j == 1 or i == j:
            found.append(j if i == 1 else i)
        else:
            raise ValueError(
                f"Operands could not be broadcast together with shapes {a} {b}"
            )
    return tuple(found)


def _masks(inputs: Structure, mask: Any) -> list[Any] | None:
    """The masks of the inputs, None where none has one.

    Raises:
      ValueError: no lists, or lists of different lengths.
    """
    if mask is None:
        return None
    if not isinstance(mask, list):
        raise ValueError("`mask` should be a list.")
    if not isinstance(inputs, list):
        raise ValueError("`inputs` should be a list.")
    if len(mask) != len(inputs):
        raise ValueError("The lists `inputs` and `mask` should have the same length.")
    return None if all(m is None for m in mask) else mask


def _folded(inputs: Sequence[Any], function: Callable[[Any, Any], Any]) -> Any:
    """`function` of the first two, of that and the third, and so on."""
    output = inputs[0]
    for x in inputs[1:]:
        output = function(output, x)
    return output


# ---------------------------------------------------------------------- elementwise


class Add(_Merge):
    """The sum of the inputs."""

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        return _folded(inputs, lambda x, y: x + y)


class Subtract(_Merge):
    """The first of two inputs less the second.

    Raises:
      ValueError: another number of inputs.
    """

    def build(self, input_shape: Structure) -> None:
        """Check the shapes."""
        super().build(input_shape)
        self._check(input_shape)

    def _check(self, inputs: Sequence[Any]) -> None:
        if len(inputs) != 2:
            raise ValueError("A `Subtract` layer should be called on exactly 2 inputs")

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        self._check(inputs)
        return inputs[0] - inputs[1]


class Multiply(_Merge):
    """The product of the inputs, element by element."""

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        return _folded(inputs, lambda x, y: x * y)


class Average(_Merge):
    """The mean of the inputs, element by element."""

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        return _folded(inputs, lambda x, y: x + y) / len(inputs)


class Maximum(_Merge):
    """The largest of the inputs, element by element."""

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        return _folded(inputs, F.Maximum)


class Minimum(_Merge):
    """The smallest of the inputs, element by element."""

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        return _folded(inputs, F.Minimum)


# ---------------------------------------------------------------------- others


class Concatenate(_Merge):
    """The inputs one after another.

    Args:
      axis: along which axis.
      **kwargs: those of `Layer`.

    Raises:
      ValueError: one input, or inputs that do not agree in the other sizes.
    """

    _ARGUMENTS = ("axis",)

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Structure) -> None:
        """Check the shapes."""
        given = _each(input_shape)
        if given is None or len(given) < 2:
            raise ValueError(
                "A `Concatenate` layer should be called on a list of at least 2 inputs"
            )
        others: set[Sizes] = set()
        for sizes in given:
            rest = list(sizes)
            del rest[self.axis]
            others.add(tuple(rest))
        if len(others) > 1:
            raise ValueError(
                "A `Concatenate` layer requires inputs with matching shapes except for "
                f"the concat axis. Got inputs shapes: {given}"
            )
        self.built = True

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        return joined(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape: Structure) -> Any:
        """The sizes of the first input, with the sum along the axis.

        Raises:
          ValueError: one shape.
        """
        given = _each(input_shape)
        if given is None:
            raise ValueError(
                "A `Concatenate` layer should be called on a list of inputs."
            )
        found = list(given[0])
        along = [sizes[self.axis] for sizes in given]
        known = [d for d in along if d is not None]
        found[self.axis] = sum(known) if len(known) == len(along) else None
        return shapes.TensorShape(found)

    def compute_mask(self, inputs: Structure, mask: Structure = None) -> Any:
        """The masks one after another; an input without one is not masked."""
        masks = _masks(inputs, mask)
        if masks is None:
            return None
        whole: list[Tensor] = []
        for x, own in zip(inputs, masks, strict=True):
            if own is None:
                own = ones_like(x, dtype="bool")
            elif len(own.shape) < len(x.shape):
                own = expand_dims(own, axis=-1)
            whole.append(own)
        return reduce_all(
            _as_bool(joined(whole, axis=self.axis)), axis=-1, keepdims=False
        )


class Dot(_Merge):
    """The products of the samples of two inputs, over one axis of each.

    Args:
      axes: the axis of both, or one of each.
      normalize: whether the samples are made of length 1 along the axis before.
      **kwargs: those of `Layer`.

    Raises:
      TypeError: axes that are neither a number nor a list.
      ValueError: not two axes, not two inputs, or axes of different sizes.
    """

    _ARGUMENTS = ("axes", "normalize")

    def __init__(
        self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, (list, tuple)):
                raise TypeError("Invalid type for `axes` - should be a list or an int.")
            if len(axes) != 2:
                raise ValueError(
                    "Invalid format for `axes` - should contain two elements."
                )
            if not all(isinstance(axis, int) for axis in axes):
                raise ValueError(
                    'Invalid format for `axes` - list elements should be "int".'
                )
        self.axes = axes
        self.normalize = normalize

    def _axes_of(self, ranks: Sequence[int]) -> list[int]:
        """The axis of each input; one number counts from the end if it is negative."""
        if not isinstance(self.axes, int):
            return list(self.axes)
        if self.axes < 0:
            return [self.axes % rank for rank in ranks]
        return [self.axes] * 2

    def _two(self, input_shape: Structure) -> list[Sizes]:
        given = _each(input_shape)
        if given is None or len(given) != 2:
            raise ValueError("A `Dot` layer should be called on a list of 2 inputs.")
        return given

    def build(self, input_shape: Structure) -> None:
        """Check the shapes."""
        a, b = self._two(input_shape)
        i, j = self._axes_of([len(a), len(b)])
        if a[i] != b[j]:
            raise ValueError(
                f"Dimension incompatibility {a[i]} != {b[j]}. Layer shapes: {a}, {b}"
            )
        self.built = True

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        if len(inputs) != 2:
            raise ValueError("A `Dot` layer should be called on exactly 2 inputs")
        ranks = [len(x.shape) for x in inputs]
        axes = [
            axis % rank if axis < 0 else axis
            for axis, rank in zip(self._axes_of(ranks), ranks, strict=True)
        ]
        x, y = inputs
        if self.normalize:
            x, y = l2_normalize(x, axis=axes[0]), l2_normalize(y, axis=axes[1])
        return batch_dot(x, y, axes)

    def compute_output_shape(self, input_shape: Structure) -> Any:
        """The sizes of the first without the axis, then those of the second."""
        a, b = (list(s) for s in self._two(input_shape))
        i, j = self._axes_of([len(a), len(b)])
        a.pop(i)
        b.pop(j)
        found = a + b[1:]
        return shapes.TensorShape(found if len(found) > 1 else [*found, 1])

    def compute_mask(self, inputs: Structure, mask: Structure = None) -> Any:
        """None."""
        del inputs, mask
        return None


# ---------------------------------------------------------------------- functions


def add(inputs: Sequence[Tensor], **kwargs: Any) -> Tensor:
    """`Add(**kwargs)(inputs)`."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Tensor], **kwargs: Any) -> Tensor:
    """`Subtract(**kwargs)(inputs)`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Tensor], **kwargs: Any) -> Tensor:
    """`Multiply(**kwargs)(inputs)`."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Tensor], **kwargs: Any) -> Tensor:
    """`Average(**kwargs)(inputs)`."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Tensor], **kwargs: Any) -> Tensor:
    """`Maximum(**kwargs)(inputs)`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Tensor], **kwargs: Any) -> Tensor:
    """`Minimum(**kwargs)(inputs)`."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Tensor], axis: int = -1, **kwargs: Any) -> Tensor:
    """`Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(
    inputs: Sequence[Tensor],
    axes: int | Sequence[int],
    normalize: bool = False,
    **kwargs: Any,
) -> Tensor:
    """`Dot(axes, normalize, **kwargs)(inputs)`."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
