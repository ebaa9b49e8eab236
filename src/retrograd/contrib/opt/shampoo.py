"""Shampoo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.contrib.opt.matrix_functions import matrix_inverse_pth_root
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.fill import zeros_like
from retrograd.ops.array.gather import gather
from retrograd.ops.array.scatter import scatter_nd
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import expand_dims, transpose
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.linalg.decompositions import svd
from retrograd.ops.linalg.diagonals import eye
from retrograd.ops.linalg.einsum import tensordot
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_sum
from retrograd.train.optimizer import Optimizer
from retrograd.train.update_ops import updates_by_one_op
from retrograd.variables.updates import (
    assign,
    assign_add,
    assign_sub,
    scatter_add,
    scatter_sub,
)

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter, Operand
    from retrograd.variables.variable import Variable


@updates_by_one_op
class ShampooOptimizer(Optimizer):
    """Steps fitted to the second moments along each axis (Gupta et al. 2018).

    For each axis i, of n places, of a variable of k axes: the outer products of the
    gradient over the other axes are summed in Gᵢ, and the gradient is multiplied along
    i with (Gᵢ / n + ε I)^(−α / k). Of too long an axis Gᵢ has the diagonal alone.

    Args:
      global_step: the count of steps.
      max_matrix_size: the longest axis with a whole matrix.
      gbar_decay, gbar_weight: of the average that takes the gradient's place; with a
        decay of 0 there is none.
      mat_gbar_decay, mat_gbar_weight: of the matrices.
      learning_rate: the rate.
      svd_interval: after how many steps the powers are computed anew.
      precond_update_interval: after how many steps the matrices change.
      epsilon: ε.
      alpha: α.
      use_iterative_root: whether powers are computed by iteration, not by an SVD.
      use_locking: an attribute of the updates.
      name: the name scope of the updates, and part of the names of slots.
    """

    def __init__(
        self,
        global_step: Operand | int = 0,
        max_matrix_size: int = 768,
        gbar_decay: Hyperparameter = 0.0,
        gbar_weight: Hyperparameter = 1.0,
        mat_gbar_decay: Hyperparameter = 1.0,
        mat_gbar_weight: Hyperparameter = 1.0,
        learning_rate: Hyperparameter = 1.0,
        svd_interval: int = 1,
        precond_update_interval: int = 1,
        epsilon: float = 1e-4,
        alpha: float = 0.5,
        use_iterative_root: bool = False,
        use_locking: bool = False,
        name: str = "Shampoo",
    ) -> None:
        super().__init__(use_locking, name)
        self._global_step = cast(global_step, dtypes.float32)
        self._max_matrix_size = max_matrix_size
        self._gbar_decay, self._gbar_weight = gbar_decay, gbar_weight
        self._mat_gbar_decay = mat_gbar_decay
        self._mat_gbar_weight = mat_gbar_weight
        self._learning_rate = learning_rate
        self._svd_interval = svd_interval
        self._precond_update_interval = precond_update_interval
        self._epsilon, self._alpha = epsilon, alpha
        self._use_iterative_root = use_iterative_root

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for v in var_list:
            dtype = v.dtype.base_dtype
            self._zeros_slot(v, "gbar", self._name)
            for i, size in enumerate(v.get_shape().as_list()):
                whole = size <= self._max_matrix_size
                if whole and self._svd_interval > 1:
                    power = eye(size, dtype=dtype)
                    self._get_or_make_slot(v, power, f"H_{i}", self._name)
                start = np.zeros([size, size] if whole else [size], dtype.name)
                self._get_or_make_slot(
                    v, convert_to_tensor(start), f"Gbar_{i}", self._name
                )

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        if indices is not None:
            sizes: Any = var.get_shape().as_list()
            # rows keep to themselves where only the diagonal of theirs is kept
            if sizes[0] <= self._max_matrix_size or self._gbar_decay != 0.0:
                grad = scatter_nd(expand_dims(indices, 1), grad, sizes)
                indices = None
        return self._apply_gradient(grad, var, indices)

    def _weighted_average(
        self, var: Variable, weight: object, weight_t: Operand, rest: Operand
    ) -> Any:
        """var ← weight · var + rest; a `weight` of 0 or 1 takes less."""
        if weight == 0.0:
            return rest
        if weight == 1.0:
            return assign_add(var, rest)
        return assign_add(var, (weight_t - 1) * var + rest)

    def _apply_gradient(
        self, grad: Tensor, var: Variable, indices: Tensor | None = None
    ) -> Any:
        step = self._global_step + 1
        decay, weight, mat_decay, mat_weight, rate = (
            self._call_if_callable(x)
            for x in (
                self._gbar_decay,
                self._gbar_weight,
                self._mat_gbar_decay,
                self._mat_gbar_weight,
                self._learning_rate,
            )
        )
        gbar = self.get_slot(var, "gbar")
        found = self._weighted_average(gbar, self._gbar_decay, decay, weight * grad)
        sizes: Any = var.get_shape().as_list()
        power = -self._alpha / len(sizes)
        turned = [*range(1, len(sizes)), 0]
        for i, size in enumerate(sizes):
            others = [j for j in range(len(sizes)) if j != i]
            sums = self.get_slot(var, f"Gbar_{i}")
            if size > self._max_matrix_size:
                squares = reduce_sum(grad * grad, others)
                # as in TensorFlow, not of rows alone
                squares = squares / float(size) if indices is None else squares
                diagonal = self._diagonal(
                    sums, i, squares, mat_decay, mat_weight, indices
                )
                some = F.Greater(diagonal, 0)
                powers = where(some, F.Pow(diagonal, power), zeros_like(diagonal))
                found = transpose(found, turned) * powers
                continue
            matrix = self._matrix(sums, i, grad, others, mat_decay, mat_weight, step)
            matrix = matrix / float(size)
            powers = self._powers(var, i, matrix, size, power, step)
            found = tensordot(found, powers, axes=([0], [0]), name=f"precond_{i}")
        change = rate * found
        lock = self._use_locking
        if indices is None:
            return assign_sub(var, change, use_locking=lock)
        return scatter_sub(var, indices, change, use_locking=lock)

    def _diagonal(
        self,
        sums: Variable,
        axis: int,
        squares: Tensor,
        decay: Operand,
        weight: Operand,
        indices: Tensor | None,
    ) -> Any:
        """The diagonal of G after the update, perhaps of some rows only."""
        if indices is None or axis > 0:
            rest = weight * squares
            return self._weighted_average(sums, self._mat_gbar_decay, decay, rest)
        # rows without a gradient would have to decay
        assert self._mat_gbar_decay == 1.0
        change = weight * squares
        return gather(scatter_add(sums, indices, change), indices)

    def _matrix(
        self,
        sums: Variable,
        axis: int,
        grad: Tensor,
        others: list[int],
        decay: Operand,
        weight: Operand,
        step: Tensor,
    ) -> Any:
        """G after the update, which only some steps make."""
        interval = self._precond_update_interval

        def update() -> Any:
            outer = tensordot(
                grad, grad, axes=(others, others), name=f"grad_outer_{axis}"
            )
            rest = weight * interval * outer
            return self._weighted_average(sums, self._mat_gbar_decay, decay, rest)

        now = F.Less(F.FloorMod(step, float(interval)), 1.0)
        return cond(now, update, lambda: sums + 0)

    def _powers(
        self,
        var: Variable,
        axis: int,
        matrix: Tensor,
        size: int,
        power: float,
        step: Tensor,
    ) -> Any:
        """The power of a matrix, which only some steps compute."""
        if self._svd_interval == 1:
            return self._compute_power(matrix, size, power)
        kept = self.get_slot(var, f"H_{axis}")
        now = F.Less(F.FloorMod(step, float(self._svd_interval)), 1.0)
        return cond(
            now,
            lambda: assign(kept, self._compute_power(matrix, size, power)),
            lambda: kept + 0,
        )

    def _compute_power(self, mat_g: Tensor, mat_g_size: int, alpha: float) -> Any:
        """A matrix to a power, with ε of the identity added."""
        with name_scope("matrix_iterative_power"):
            if self._use_iterative_root:
                return matrix_inverse_pth_root(
                    mat_g, mat_g_size, alpha, ridge_epsilon=self._epsilon
                )
            damped = mat_g + self._epsilon * eye(mat_g_size, dtype=mat_g.dtype)
            values, left, right = svd(damped, full_matrices=True)
            raised = F.Pow(F.Maximum(values, self._epsilon), alpha)
            return matmul(right * raised, transpose(left))
