"""Checks that a tensor, or all of a graph, is free of infinities and NaN."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.identity import check_numerics
from retrograd.ops.flow.control import group, with_dependencies

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


_FUNCTIONAL = ("If", "StatelessIf", "Case", "While", "StatelessWhile", "For")


def verify_tensor_all_finite(
    t: TensorLike | None = None,
    msg: str | None = None,
    name: str | None = None,
    x: TensorLike | None = None,
    message: str | None = None,
) -> Tensor:
    """`x`, which fails in a run where an element is infinite or NaN.

    Args:
      t: the old name of `x`.
      msg: the old name of `message`.
      name: the name scope.
      x: floating-point numbers.
      message: what the error says first.

    Raises:
      ValueError: an argument is given under both names.
    """
    x = renamed("x", x, "t", t)
    message = renamed("message", message, "msg", msg)
    with name_scope(name, "VerifyFinite", [x]):
        x = convert_to_tensor(x, name="x")
        beside: Any = contextlib.nullcontext()
        if not context.executing_eagerly():
            beside = context.get_default_graph().colocate_with(x)
        with beside:
            checked = check_numerics(x, message=message or "")
            return with_dependencies([checked], x)


def verify_tensor_all_finite_v2(
    x: TensorLike, message: str, name: str | None = None
) -> Tensor:
    """`verify_tensor_all_finite` of TensorFlow 2."""
    return verify_tensor_all_finite(x=x, message=message, name=name)


def add_check_numerics_ops() -> Operation:
    """An operation that fails where any tensor of the graph is infinite or NaN.

    Raises:
      RuntimeError: in eager mode.
      ValueError: the graph has branches or loops.
    """
    if context.executing_eagerly():
        raise RuntimeError(
            "add_check_numerics_ops() is not compatible with eager execution. To check "
            "for Inf's and NaN's under eager execution, call "
            "tfe.seterr(inf_or_nan='raise') once before executing the checked "
            "operations."
        )
    graph = context.get_default_graph()
    checks: list[Any] = []
    for op in graph.get_operations():
        if op.type in _FUNCTIONAL:
            raise ValueError(
                "`tf.add_check_numerics_ops() is not compatible with TensorFlow "
                "control flow operations such as `tf.cond()` or `tf.while_loop()`."
            )
        for tensor in op.outputs:
            if tensor.dtype in (dtypes.float16, dtypes.float32, dtypes.float64):
                text = f"{op.name}:{tensor.value_index}"
                with graph.control_dependencies(checks):
                    checks = [check_numerics(tensor, message=text)]
    return group(*checks)
