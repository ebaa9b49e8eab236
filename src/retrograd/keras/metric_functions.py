"""Accuracies of Keras: whether predictions are right, sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.layers.backend_config import floatx
from retrograd.ops.array.shape import reshape, squeeze
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_mean
from retrograd.ops.nn.nn import in_top_k

if TYPE_CHECKING:
    from retrograd.typing import Operand, TensorLike


def accuracy(y_true: Operand, y_pred: Operand) -> Any:
    """Whether predictions equal labels, element by element."""
    y, p = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    p.shape.assert_is_compatible_with(y.shape)
    if y.dtype != p.dtype:
        p = cast(p, y.dtype)
    return cast(F.Equal(y, p), floatx())


def binary_accuracy(
    y_true: TensorLike, y_pred: TensorLike, threshold: float = 0.5
) -> Any:
    """How many predictions are on the side of the threshold that labels 0 and 1 say."""
    p: Any = convert_to_tensor(y_pred)
    positive = cast(F.Greater(p, cast(threshold, p.dtype)), p.dtype)
    return reduce_mean(cast(F.Equal(y_true, positive), floatx()), axis=-1)


def categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Whether the largest prediction is that of the right class."""
    right = F.Equal(F.ArgMax(y_true, -1), F.ArgMax(y_pred, -1))
    return cast(right, floatx())


def sparse_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Whether the largest prediction is that of the class whose number is given."""
    p, y = convert_to_tensor(y_pred), convert_to_tensor(y_true)
    ranks = y.shape.ndims, p.shape.ndims
    if None not in ranks and ranks[0] == ranks[1]:
        y = squeeze(y, [-1])
    found: Any = F.ArgMax(p, -1)
    if found.dtype != y.dtype:
        found = cast(found, y.dtype)
    return cast(F.Equal(y, found), floatx())


def top_k_categorical_accuracy(
    y_true: TensorLike, y_pred: TensorLike, k: int = 5
) -> Any:
    """Whether the right class is among the k with the largest predictions."""
    return cast(in_top_k(y_pred, F.ArgMax(y_true, -1), k), floatx())


def sparse_top_k_categorical_accuracy(
    y_true: TensorLike, y_pred: TensorLike, k: int = 5
) -> Any:
    """As `top_k_categorical_accuracy`, of the numbers of the classes."""
    p, y = convert_to_tensor(y_pred), convert_to_tensor(y_true)
    ranks = y.shape.ndims, p.shape.ndims
    if None not in ranks:
        if ranks[1] > 2:  # pyright: ignore[reportOptionalOperand]
            p = reshape(p, [-1, p.shape.as_list()[-1]])  # pyright: ignore[reportArgumentType]
        if ranks[0] > 1:  # pyright: ignore[reportOptionalOperand]
            y = reshape(y, [-1])
    return cast(in_top_k(p, cast(y, dtypes.int32), k), floatx())
