"""`tf.contrib.sparsemax`: probabilities of which many are zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.fill import fill, range_, zeros_like
from retrograd.ops.array.gather import gather_nd
from retrograd.ops.array.join import stack
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import shape
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.math.scan import cumsum

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def sparsemax(logits: TensorLike, name: str | None = None) -> Any:
    """The probabilities that are nearest to logits (Martins and Astudillo 2016).

        pᵢ = max (zᵢ − τ, 0), with τ so that they sum to 1

    Args:
      logits: z, shape [batch, classes].
      name: the name scope.
    """
    with name_scope(name, "sparsemax", [logits]):
        z: Any = convert_to_tensor(logits, name="logits")
        count, classes = shape(z)[0], shape(z)[1]
        sorted_ = F.TopKV2(z, classes)[0]
        sums = cumsum(sorted_, axis=1)
        places = range_(1, cast(classes, z.dtype) + 1, dtype=z.dtype)
        inside = 1 + places * sorted_ > sums
        number = reduce_sum(cast(inside, "int32"), axis=1)
        # where there is no number in a row, none is inside
        last = F.Maximum(number, 1)
        at = stack([range_(0, count), last - 1], axis=1)
        tau = (gather_nd(sums, at) - 1) / cast(number, z.dtype)
        found = F.Maximum(cast(0, z.dtype), z - tau[:, None])
        wrong = F.LogicalOr(F.Equal(number, 0), F.IsNan(sums[:, -1]))
        nothing = fill([count, classes], cast(float("nan"), z.dtype))
        return where(wrong, nothing, found)


def sparsemax_loss(
    logits: TensorLike,
    sparsemax: TensorLike,
    labels: TensorLike,
    name: str | None = None,
) -> Any:
    """The loss whose derivative by logits is `sparsemax − labels`.

    Args:
      logits: z, shape [batch, classes].
      sparsemax: p, what `sparsemax` gave for them.
      labels: q, probabilities of classes.
      name: the name scope.

    Returns:
      The losses, shape [batch].
    """
    with name_scope(name, "sparsemax_loss", [logits, sparsemax, labels]):
        z: Any = convert_to_tensor(logits, name="logits")
        p: Any = convert_to_tensor(sparsemax, name="sparsemax")
        q: Any = convert_to_tensor(labels, name="labels")
        # what is infinite counts only where it has a probability
        some = F.LogicalOr(p > 0, F.IsNan(p))
        first = where(some, p * (z - 0.5 * p), zeros_like(p))
        last = q * (0.5 * q - z)
        none = F.LogicalAnd(F.Equal(q, 0), F.IsInf(z))
        return reduce_sum(first + where(none, zeros_like(last), last), axis=1)
