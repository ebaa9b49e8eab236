"""Powers of symmetric positive matrices, by iteration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.ops.declare import F
from retrograd.ops.flow.loops import while_loop
from retrograd.ops.linalg.diagonals import eye
from retrograd.ops.linalg.norms import norm
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_max

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor


def matrix_square_root(
    mat_a: Tensor, mat_a_size: int, iter_count: int = 100, ridge_epsilon: float = 1e-4
) -> Any:
    """The root of a matrix, by Newton–Schulz steps.

        A ← A / ‖A‖;  Y = A, Z = I;  T = (3 I − Z Y) / 2;  Y ← Y T, Z ← T Z

    Args:
      mat_a: symmetric and positive.
      mat_a_size: how many rows it has.
      iter_count: how many steps there are at most; they end when they gain nothing.
      ridge_epsilon: how much of the identity is added first.
    """

    def error(root: Tensor) -> Any:
        return norm(matrix - matmul(root, root))

    identity = eye(mat_a_size, dtype=mat_a.dtype)
    matrix: Any = mat_a + ridge_epsilon * identity
    size = norm(matrix)
    start = matrix / size

    def step(i: Tensor, y: Tensor, z: Tensor, old: Tensor, new: Tensor) -> Any:
        del old
        middle = 0.5 * (3.0 * identity - matmul(z, y))
        next_y, next_z = matmul(y, middle), matmul(middle, z)
        return i + 1, next_y, next_z, new, error(next_y * F.Sqrt(size))

    def goes_on(i: Tensor, y: Tensor, z: Tensor, old: Tensor, new: Tensor) -> Any:
        del y, z
        return F.LogicalAnd(F.Less(i, iter_count), F.Less(new, old))

    first = error(start * F.Sqrt(size))
    state = while_loop(
        goes_on, step, [cast(0, "int32"), start, identity, first + 1.0, first]
    )
    return state[1] * F.Sqrt(size)


def matrix_inverse_pth_root(
    mat_g: Tensor,
    mat_g_size: int,
    alpha: float,
    iter_count: int = 100,
    epsilon: float = 1e-6,
    ridge_epsilon: float = 1e-6,
) -> Any:
    """A matrix to the power α = −1/p, by Schur–Newton steps (Guo & Higham 2006).

        M₀ = z G, X₀ = z^−α I;  T = (1 − α) I + α M;  X ← X T, M ← Tᵖ M

    Args:
      mat_g: symmetric and positive.
      mat_g_size: how many rows it has.
      alpha: the power; p is whole.
      iter_count: how many steps there are at most.
      epsilon: how near M has to come to the identity.
      ridge_epsilon: how much of the identity is added first.
    """
    identity = eye(mat_g_size, dtype=mat_g.dtype)
    power = round(-1.0 / alpha)
    matrix: Any = mat_g + ridge_epsilon * identity
    z = (1 - 1 / alpha) / (2 * norm(matrix))

    def error(m: Tensor) -> Any:
        return reduce_max(F.Abs(m - identity))

    def step(i: Tensor, x: Tensor, m: Tensor, last: Tensor) -> Any:
        del last
        middle = (1 - alpha) * identity + alpha * m
        raised = middle
        for _ in range(power - 1):
            raised = matmul(raised, middle)
        next_m = matmul(raised, m)
        return i + 1, matmul(x, middle), next_m, error(next_m)

    def goes_on(i: Tensor, x: Tensor, m: Tensor, last: Tensor) -> Any:
        del x, m
        return F.LogicalAnd(F.Less(i, iter_count), F.Greater(last, epsilon))

    first = matrix * z
    state = while_loop(
        goes_on,
        step,
        [cast(0, "int32"), identity * F.Pow(z, -alpha), first, error(first)],
    )
    return state[1]
