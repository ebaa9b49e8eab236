"""Losses of embeddings, that examples of a class be near each other.

Embeddings have shape [batch, size]; labels are integers, shape [batch].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.fill import ones, ones_like
from retrograd.ops.array.join import stack
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import expand_dims, reshape, shape, size, transpose
from retrograd.ops.declare import F
from retrograd.ops.host.printing import Print
from retrograd.ops.linalg.diagonals import diag
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math.casts import cast
from retrograd.ops.math.elementwise import truediv
from retrograd.ops.math.reduce import reduce_max, reduce_mean, reduce_min, reduce_sum
from retrograd.ops.nn.cross_entropy import softmax_cross_entropy_with_logits_v2
from retrograd.ops.sparse.conversion import sparse_tensor_to_dense

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def pairwise_distance(feature: Tensor, squared: bool = False) -> Any:
    """The distances of all pairs of rows, shape [batch, batch].

    Args:
      feature: the rows.
      squared: whether the squares are wanted.
    """
    sums = reduce_sum(F.Square(feature), axis=[1], keepdims=True)
    turned = transpose(feature)
    others = reduce_sum(F.Square(turned), axis=[0], keepdims=True)
    found = F.Add(sums, others) - 2.0 * matmul(feature, turned)
    # rounding may have made them negative
    found = F.Maximum(found, 0.0)
    none = F.LessEqual(found, 0.0)
    if not squared:
        # the root has a derivative where it is not 0
        found = F.Sqrt(found + cast(none, dtypes.float32) * 1e-16)
    found = F.Mul(found, cast(F.LogicalNot(none), dtypes.float32))
    apart = ones_like(found) - diag(ones([shape(feature)[0]]))
    return F.Mul(found, apart)


def masked_maximum(data: Tensor, mask: Tensor, dim: int = 1) -> Any:
    """The largest elements of an axis where a mask, zeros and ones, says so."""
    least = reduce_min(data, dim, keepdims=True)
    return reduce_max(F.Mul(data - least, mask), dim, keepdims=True) + least


def masked_minimum(data: Tensor, mask: Tensor, dim: int = 1) -> Any:
    """The least elements of an axis where a mask, zeros and ones, says so."""
    most = reduce_max(data, dim, keepdims=True)
    return reduce_min(F.Mul(data - most, mask), dim, keepdims=True) + most


def contrastive_loss(
    labels: TensorLike,
    embeddings_anchor: Tensor,
    embeddings_positive: Tensor,
    margin: float = 1.0,
) -> Any:
    """d² for pairs of one class, max (margin − d, 0)² for others (Hadsell et al. 2006).

    Args:
      labels: 1 where a pair is of one class, else 0.
      embeddings_anchor, embeddings_positive: the pairs.
      margin: how far apart others should be.
    """
    squares = F.SquaredDifference(embeddings_anchor, embeddings_positive)
    apart = F.Sqrt(reduce_sum(squares, 1))
    same = cast(labels, dtypes.float32)
    near = F.Square(F.Maximum(margin - apart, 0.0))
    return reduce_mean(
        same * F.Square(apart) + (1.0 - same) * near, name="contrastive_loss"
    )


def _adjacency(labels: TensorLike) -> tuple[Any, Any]:
    """Where two labels are equal; and how many there are."""
    given: Any = labels
    column = reshape(given, [shape(given)[0], 1])
    return F.Equal(column, transpose(column)), size(column)


def triplet_semihard_loss(
    labels: TensorLike, embeddings: Tensor, margin: float = 1.0
) -> Any:
    """max (d(a, p) − d(a, n) + margin, 0), in the mean (Schroff et al. 2015).

    For each pair of one class n is the nearest other that is farther than p; where all
    are nearer, the farthest. Embeddings should be of length 1.

    Args:
      labels: the classes.
      embeddings: the rows.
      margin: how much farther others should be.
    """
    distances = pairwise_distance(embeddings, squared=True)
    same, count = _adjacency(labels)
    others = F.LogicalNot(same)
    tiled = F.Tile(distances, stack([count, 1]))
    farther = F.Greater(tiled, reshape(transpose(distances), [-1, 1]))
    mask = F.LogicalAnd(F.Tile(others, stack([count, 1])), farther)
    weights = cast(mask, dtypes.float32)
    square = stack([count, count])
    some = F.Greater(reduce_sum(weights, 1, keepdims=True), 0.0)
    some = transpose(reshape(some, square))
    outside = transpose(reshape(masked_minimum(tiled, weights), square))
    inside = masked_maximum(distances, cast(others, dtypes.float32))
    inside = F.Tile(inside, stack([1, count]))
    losses = F.Add(margin, distances - where(some, outside, inside))
    pairs = cast(same, dtypes.float32) - diag(ones([count]))
    total = reduce_sum(F.Maximum(F.Mul(losses, pairs), 0.0))
    return truediv(total, reduce_sum(pairs), name="triplet_semihard_loss")


def lifted_struct_loss(
    labels: TensorLike, embeddings: Tensor, margin: float = 1.0
) -> Any:
    """Pairs of one class against all others at once (Song et al. 2016).

    Args:
      labels: the classes.
      embeddings: the rows.
      margin: how much farther others should be.
    """
    distances = pairwise_distance(embeddings)
    same, count = _adjacency(labels)
    others = cast(F.LogicalNot(same), dtypes.float32)
    near = margin - distances
    most = masked_maximum(near, others)
    # what is taken off before exponentials
    most = F.Maximum(most, transpose(most))
    tiled, mask = (F.Tile(x, stack([count, 1])) for x in (near, others))
    shift = reshape(transpose(most), [-1, 1])
    sums = reduce_sum(F.Mul(F.Exp(tiled - shift), mask), 1, keepdims=True)
    left = reshape(sums, stack([count, count]))
    losses = most + F.Log(left + transpose(left)) + distances
    pairs = cast(same, dtypes.float32) - diag(ones([count]))
    total = reduce_sum(F.Square(F.Maximum(F.Mul(losses, pairs), 0.0)))
    return truediv(0.25 * total, reduce_sum(pairs) / 2.0, name="liftedstruct_loss")


def _npairs(
    alike: Tensor,
    anchor: Tensor,
    positive: Tensor,
    reg_lambda: float,
    print_losses: bool,
) -> Any:
    """The cross entropy of similarities with what is alike; and lengths, a little."""
    lengths = [reduce_mean(reduce_sum(F.Square(x), 1)) for x in (anchor, positive)]
    size_loss = F.Mul(0.25 * reg_lambda, F.Add(*lengths), name="l2loss")
    similarity = matmul(anchor, positive, transpose_a=False, transpose_b=True)
    shares = truediv(alike, reduce_sum(alike, 1, keepdims=True))
    entropy = softmax_cross_entropy_with_logits_v2(logits=similarity, labels=shares)
    loss: Any = reduce_mean(entropy, name="xentropy")
    if print_losses:
        loss = Print(loss, ["cross entropy:", loss, "l2loss:", size_loss])
    return size_loss + loss


def npairs_loss(
    labels: TensorLike,
    embeddings_anchor: Tensor,
    embeddings_positive: Tensor,
    reg_lambda: float = 0.002,
    print_losses: bool = False,
) -> Any:
    """Each anchor should be like the positives of its class (Sohn 2016).

    Args:
      labels: the classes of the pairs.
      embeddings_anchor, embeddings_positive: the pairs.
      reg_lambda: the weight of the lengths of embeddings.
      print_losses: whether both parts are printed.
    """
    same, _ = _adjacency(labels)
    given = embeddings_anchor, embeddings_positive, reg_lambda, print_losses
    return _npairs(cast(same, dtypes.float32), *given)


def npairs_loss_multilabel(
    sparse_labels: Sequence[SparseTensor],
    embeddings_anchor: Tensor,
    embeddings_positive: Tensor,
    reg_lambda: float = 0.002,
    print_losses: bool = False,
) -> Any:
    """`npairs_loss` where examples have several labels: they are alike by the number
    of those that they share.

    Args:
      sparse_labels: for each pair a sparse row, [1, classes], of counts of labels.
      embeddings_anchor, embeddings_positive, reg_lambda, print_losses: as of
        `npairs_loss`.

    Raises:
      TypeError: the labels are no list of sparse tensors.
    """
    if not all(isinstance(label, SparseTensor) for label in sparse_labels):
        raise TypeError(
            f"sparse_labels must be a list of SparseTensors, but got {sparse_labels}"
        )
    with name_scope("NpairsLossMultiLabel"):
        rows = stack([reshape(sparse_tensor_to_dense(x), [-1]) for x in sparse_labels])
        shared = F.Minimum(expand_dims(rows, 0), expand_dims(rows, 1))
        alike = cast(reduce_sum(shared, 2), dtypes.float32)
        given = embeddings_anchor, embeddings_positive, reg_lambda, print_losses
        return _npairs(alike, *given)
