"""Second derivatives: of all pairs of elements, or along one direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.grad.api import gradients
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.array.identity import stop_gradient
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import reshape, shape, size
from retrograd.ops.declare import F
from retrograd.ops.flow.loops import while_loop
from retrograd.ops.lists.tensor_array import TensorArray

if TYPE_CHECKING:
    from retrograd.typing import Structure, VariableLike


def _hessian_vector_product(ys: Structure, xs: list[Any], v: list[Any]) -> list[Any]:
    """The Hessian of the sum of `ys`, times a vector: for each x, Σⱼ ∂²y/∂x∂xⱼ · vⱼ.

    Costs a backward pass twice; the Hessian itself is never made.

    Args:
      ys: a tensor or a list.
      xs: a list of tensors or variables.
      v: a tensor for each x, of its shape.

    Raises:
      ValueError: `xs` and `v` differ in length.
    """
    if len(v) != len(xs):
        raise ValueError("xs and v must have the same length.")
    products = [
        F.Mul(dx, stop_gradient(one))
        for dx, one in zip(gradients(ys, xs), v, strict=True)
        if dx is not None
    ]
    return gradients(products, xs)


def hessians(
    ys: Structure,
    xs: Structure,
    name: str = "hessians",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
) -> list[Tensor]:
    """The second derivatives of the sum of `ys` for each x by itself.

    Args:
      ys: a tensor or a list.
      xs: a tensor, a variable, or a list.
      name: not used, as in TensorFlow.
      colocate_gradients_with_ops, gate_gradients, aggregation_method: see `gradients`.

    Returns:
      A list: for each x a tensor of shape x.shape + x.shape.

    Raises:
      LookupError: an operation on the way has no gradient.
    """
    del name
    xs = list(xs) if isinstance(xs, list | tuple) else [xs]
    first = gradients(
        ys,
        xs,
        colocate_gradients_with_ops=colocate_gradients_with_ops,
        gate_gradients=gate_gradients,
        aggregation_method=aggregation_method,
    )
    return [_hessian(reshape(dx, [-1]), x) for dx, x in zip(first, xs, strict=True)]


def _hessian(dx: Tensor, x: VariableLike) -> Tensor:
    """The derivatives of each element of `dx`, one after the other."""
    count = size(x)

    def step(j: Tensor, rows: TensorArray) -> tuple[Any, Any]:
        return j + 1, rows.write(j, gradients(dx[j], x)[0])

    start = [constant(0, dtypes.int32), TensorArray(x.dtype, count)]
    _, rows = while_loop(lambda j, _: j < count, step, start)
    sizes = shape(x)
    return reshape(rows.stack(), concat([sizes, sizes], 0))


def HessiansV2(
    ys: Structure,
    xs: Structure,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    name: str = "hessians",
) -> list[Tensor]:
    """`hessians` of TensorFlow 2."""
    return hessians(
        ys,
        xs,
        name,
        gate_gradients=gate_gradients,
        aggregation_method=aggregation_method,
    )
