"""Cross entropies of Keras' backend: of probabilities, or of what they come from.

Probabilities are kept away from 0 and 1. Those that a softmax or a sigmoid of the graph
has just given are not looked at: its inputs are, which is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.layers.backend_config import epsilon
from retrograd.ops.array.constant import constant
from retrograd.ops.array.shape import reshape, shape, transpose
from retrograd.ops.declare import F, traits_of
from retrograd.ops.math.casts import cast
from retrograd.ops.math.clip import clip_by_value
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.nn.cross_entropy import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from retrograd.ops.traits import Function
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Operand


def _before(output: Any, function: Function) -> Tensor | None:
    """The input of the softmax or sigmoid that made a tensor of the graph, if any."""
    if isinstance(output, Variable) or getattr(output, "_is_eager", False):
        return None
    op = output.op
    return op.inputs[0] if traits_of(op.type).function is function else None


def _small(output: Any) -> Tensor:
    return constant(epsilon(), output.dtype.base_dtype)


def _inside(output: Any, small: Tensor) -> Tensor:
    """Probabilities in [ε, 1 − ε]."""
    return clip_by_value(output, small, 1.0 - small)


def _axis(output: Any, axis: int) -> int:
    rank = output.shape.ndims
    return axis % rank if rank and axis < 0 else axis


def categorical_crossentropy(
    target: Operand, output: Operand, from_logits: bool = False, axis: int = -1
) -> Any:
    """−Σ target · log output along an axis.

    Args:
      target: distributions, in the shape of `output`.
      output: positive numbers, which are scaled to sum to one.
      from_logits: whether they are the inputs of a softmax instead.
      axis: where the classes are.
    """
    if not from_logits:
        logits = _before(output, Function.SOFTMAX)
        if logits is None:
            probable = output / reduce_sum(output, axis, True)
            probable = _inside(probable, _small(output))
            return -reduce_sum(target * F.Log(probable), axis)
        output = logits
    return softmax_cross_entropy_with_logits_v2(labels=target, logits=output, axis=axis)


def sparse_categorical_crossentropy(
    target: Operand, output: Operand, from_logits: bool = False, axis: int = -1
) -> Any:
    """−log of the output for each target, a class.

    Args:
      target: the numbers of the classes, in the shape of `output` without the axis;
        or of as many elements.
      output: probabilities.
      from_logits: whether they are the inputs of a softmax instead.
      axis: where the classes are.
    """
    scores: Any = output
    if not from_logits:
        scores = _before(output, Function.SOFTMAX)
        if scores is None:
            scores = F.Log(_inside(output, _small(output)))
    rank = scores.shape.ndims
    axis = _axis(scores, axis)
    if rank is not None and axis < rank - 1:
        others = [i for i in range(rank) if i != axis]
        scores = transpose(scores, [*others, axis])
    target = cast(target, dtypes.int64)
    sizes = shape(scores)
    of_target = target.shape.ndims
    flat = rank is not None and of_target is not None and of_target != rank - 1
    if flat:
        target = reshape(target, [-1])
        scores = reshape(scores, [-1, sizes[-1]])
    found = sparse_softmax_cross_entropy_with_logits(labels=target, logits=scores)
    if flat and rank is not None and rank >= 3:
        return reshape(found, sizes[:-1])
    return found


def binary_crossentropy(
    target: Operand, output: Operand, from_logits: bool = False
) -> Any:
    """−t log p − (1 − t) log(1 − p), element by element.

    Args:
      target: t, in [0, 1].
      output: the probabilities p.
      from_logits: whether they are the inputs of a sigmoid instead.
    """
    if not from_logits:
        logits = _before(output, Function.SIGMOID)
        if logits is None:
            small = _small(output)
            probable = _inside(output, small)
            found = target * F.Log(probable + epsilon())
            found += (1 - target) * F.Log(1 - probable + epsilon())
            return -found
        output = logits
    return sigmoid_cross_entropy_with_logits(labels=target, logits=output)
