"""Ops: cross entropies of logits with labels, and the other losses of tf.nn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph import context
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import F, gradient, op
from retrograd.ops.infer import (
    broadcast,
    described,
    merged,
    same_dim,
    shape_text,
    with_rank,
)
from retrograd.ops.nn.nn_ops import shifted_exp, widened
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- dense labels


def _dense_shapes(n: Operation) -> list[RawShape]:
    """A loss for each row, and the derivative for the logits."""
    try:
        both = merged(n, with_rank(n, 0, 2), n._inputs[1]._shape_raw)
    except ValueError:
        both = broadcast(n)
    if both is None or len(both) != 2:
        found = "rank is unknown." if both is None else f"rank {len(both)}"
        raise ValueError(
            f"Shape must be broadcasted with rank 2, but is {found} for {described(n)}."
        )
    return [both[:1], both]


@op(
    "SoftmaxCrossEntropyWithLogits",
    infer=_dense_shapes,
    math="lᵢ = −Σⱼ pᵢⱼ log yᵢⱼ; gᵢⱼ = yᵢⱼ − pᵢⱼ, y = softmax(x)",
)
def softmax_cross_entropy_kernel(
    xp: Arrays, logits: Array, labels: Array
) -> tuple[Array, ...]:
    """The cross entropy of each row, and softmax(logits) − labels.

    Raises:
      InvalidArgumentError: the shapes cannot be broadcast, or are not matrices.
    """
    dtype = logits.dtype
    logits, labels = widened(xp, logits), widened(xp, labels)
    if logits.shape != labels.shape:
        logits, labels = _matching(xp, logits, labels)
    shifted, power, total = shifted_exp(xp, logits)
    loss = xp.sum(labels * (xp.log(total) - shifted), 1)
    return xp.cast(loss, dtype), xp.cast(power / total - labels, dtype)


def _matching(xp: Arrays, logits: Array, labels: Array) -> tuple[Array, Array]:
    """Both, repeated to the shape they have in common."""
    try:
        shape = np.broadcast_shapes(logits.shape, labels.shape)
    except ValueError:
        raise refused(
            "logits and labels must be broadcastable: logits_size="
            f"{shape_text(logits.shape)} labels_size={shape_text(labels.shape)}"
        ) from None
    if len(shape) != 2:
        raise refused(
            "logits and labels must be either 2-dimensional, or broadcasted to be "
            "2-dimensional"
        )
    return xp.broadcast_to(logits, shape), xp.broadcast_to(labels, shape)


def _by_row(weights: Tensor, matrix: Tensor) -> Tensor:
    """Each row of `matrix` times its weight."""
    column = F.ExpandDims(weights, -1)
    return F.Mul(column, matrix, name="mul")


def _is_zero(term: Tensor) -> bool:
    """Whether a term is known to be zero before anything runs."""
    if context.executing_eagerly():
        return False
    if term.op.type in ("ZerosLike", "Zeros"):
        return True
    value = constant(term)
    return value is not None and not value.any()


@gradient(
    "SoftmaxCrossEntropyWithLogits",
    features="x̄ᵢⱼ = l̄ᵢ gᵢⱼ + yᵢⱼ (ḡᵢⱼ − Σₖ ḡᵢₖ yᵢₖ)",
    labels="p̄ᵢⱼ = −l̄ᵢ log yᵢⱼ",
)
def _softmax_cross_entropy_gradient(
    n: Operation, dl: Tensor, dg: Tensor, *, wanted: Sequence[bool]
) -> list[Tensor | None]:
    """The first output's derivative is the second output; that has a derivative too."""
    logits = n.inputs[0]
    to_logits, to_labels = wanted
    dx = dlabels = None
    if to_logits:
        dx = _by_row(dl, n.outputs[1])
        if dg is not None and not _is_zero(dg):
            y = F.Softmax(logits)
            products = F.BatchMatMulV2(F.ExpandDims(dg, 1), F.ExpandDims(y, 2))
            dots = F.Squeeze(products, squeeze_dims=[1])
            bend = F.Mul(F.Sub(dg, dots, name="sub"), y, name="mul")
            dx = F.AddV2(dx, bend, name="add")
    if to_labels:
        dlabels = _by_row(dl, F.Neg(F.LogSoftmax(logits)))
    return [dx, dlabels]


# ---------------------------------------------------------------------- class labels


def _sparse_shapes(n: Operation) -> list[RawShape]:
    logits, labels = with_rank(n, 0, 2), with_rank(n, 1, 1)
    rows = same_dim(n, logits[0], labels[0])
    return [(rows,), (rows, logits[1])]


@op(
    "SparseSoftmaxCrossEntropyWithLogits",
    infer=_sparse_shapes,
    math="lᵢ = −Σⱼ [pᵢ = j] log yᵢⱼ; gᵢⱼ = yᵢⱼ − [pᵢ = j], y = softmax(x)",
)
def sparse_softmax_cross_entropy_kernel(
    xp: Arrays, logits: Array, labels: Array
) -> tuple[Array, ...]:
    """The cross entropy of each row with one class, and its derivative.

    A label that is no class is an error; where compiled, which cannot raise, it gives
    NaN.

    Raises:
      InvalidArgumentError: the sizes do not fit, or a label is no class.
    """
    for name, value, rank in (("logits", logits, 2), ("labels", labels, 1)):
        if value.ndim != rank:
            raise refused(
                f"{name} must be {rank}-D, but got shape {shape_text(value.shape)}"
            )
    classes = logits.shape[1]
    if logits.shape[0] != labels.shape[0]:
        raise refused(
            "logits and labels must have the same first dimension, got logits shape "
            f"{shape_text(logits.shape)} and labels shape {shape_text(labels.shape)}"
        )
    if not classes:
        raise refused(
            "Must have at least one class, but got logits shape "
            f"{shape_text(logits.shape)}"
        )
    inside = (labels >= 0) & (labels < classes)
    xp.check(inside, lambda: _no_class(labels, classes))
    wide = widened(xp, logits)
    shifted, power, total = shifted_exp(xp, wide)
    at = xp.where(inside, labels, labels.dtype.type(0))[:, None]
    loss = (xp.log(total) - xp.take_along_axis(shifted, at, 1))[:, 0]
    hot = xp.arange(classes, dtype=labels.dtype) == labels[:, None]
    slope = power / total - xp.cast(hot, wide.dtype)
    return xp.cast(loss, logits.dtype), xp.cast(slope, logits.dtype)


def _no_class(labels: Array, classes: int) -> Exception:
    wrong = labels.min() if labels.min() < 0 else labels.max()
    return refused(
        f"Received a label value of {wrong} which is outside the valid range of "
        f"[0, {classes}).  Label values: {' '.join(map(str, labels))}"
    )


@gradient("SparseSoftmaxCrossEntropyWithLogits", features="x̄ᵢⱼ = l̄ᵢ gᵢⱼ", labels="p")
def _sparse_softmax_cross_entropy_gradient(
    n: Operation, dl: Tensor, dg: Tensor
) -> list[Tensor | None]:
    """TensorFlow 1.15 refuses the second derivative, which would be wrong."""
    del dg
    once = F.PreventGradient(
        n.outputs[1],
        message="Currently there is no way to take the second derivative of "
        "sparse_softmax_cross_entropy_with_logits due to the fused implementation's "
        "interaction with tf.gradients()",
    )
    return [_by_row(dl, once), None]
