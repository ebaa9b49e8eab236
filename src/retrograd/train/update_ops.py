"""Optimizers whose update of a variable is one op of `ops/training`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.train.optimizer import Optimizer
from retrograd.variables.variable import is_resource_variable

if TYPE_CHECKING:
    from retrograd.graph.composite import IndexedSlices
    from retrograd.graph.tensor import Tensor
    from retrograd.variables.resource import BaseResourceVariable
    from retrograd.variables.variable import Variable

_Class = TypeVar("_Class", bound=type[Optimizer])


class _ByOneOp(Protocol):
    """What an optimizer under `updates_by_one_op` defines."""

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        """Update `var` by `grad`, its rows `indices` only where they are given."""
        ...


def _apply_dense(self: _ByOneOp, grad: Tensor, var: Variable) -> Any:
    return self._update(var, grad)


def _resource_apply_dense(
    self: _ByOneOp, grad: Tensor, handle: BaseResourceVariable
) -> Any:
    return self._update(handle, grad)


def _apply_sparse(self: _ByOneOp, grad: IndexedSlices, var: Variable) -> Any:
    return self._update(var, grad.values, grad.indices)


def _resource_apply_sparse(
    self: _ByOneOp, grad: Tensor, handle: BaseResourceVariable, indices: Tensor
) -> Any:
    return self._update(handle, grad, indices)


def updates_by_one_op(optimizer: _Class) -> _Class:
    """Class decorator: let the method `_update` serve every kind of variable.

    `_update(var, grad, indices=None)` updates a variable, or only its rows `indices`.
    What the class defines itself stays. No base class, as programs look at the bases of
    TensorFlow's optimizers.
    """
    for method in (
        _apply_dense,
        _resource_apply_dense,
        _apply_sparse,
        _resource_apply_sparse,
    ):
        if method.__name__ not in vars(optimizer):
            setattr(optimizer, method.__name__, method)
    return optimizer


def apply_rule(
    optimizer: Optimizer,
    rule: str,
    var: Variable,
    slots: Sequence[str],
    before: Sequence[Any],
    grad: Tensor,
    indices: Tensor | None = None,
    after: Sequence[Any] = (),
    counts: Sequence[Any] = (),
    **attrs: Any,
) -> Any:
    """Apply the form of an update rule that fits the variable and the gradient.

    Args:
      optimizer: whose slots are meant.
      rule: the op type without its prefix.
      var: the variable.
      slots: the names of the slots, in the order of the op's inputs.
      before: scalars that stand before the gradient, in the dtype of the variable.
      grad: the gradient.
      indices: which rows it is of; None: all.
      after: scalars that stand after the gradient.
      counts: what follows with a dtype of its own.
      **attrs: attributes of the op.
    """
    changed = [var, *(optimizer.get_slot(var, name) for name in slots)]
    resource = is_resource_variable(var)
    if resource:
        changed = [v.handle for v in changed]
    dtype = grad.dtype.base_dtype
    first = [cast(x, dtype) for x in before]
    last = [cast(x, dtype) for x in after]
    middle = [grad] if indices is None else [grad, indices]
    op_type = f"{'' if indices is None else 'Sparse'}Apply{rule}"
    apply = getattr(F, f"Resource{op_type}" if resource else op_type)
    done = apply(
        *changed,
        *first,
        *middle,
        *last,
        *counts,
        use_locking=optimizer._use_locking,
        **attrs,
    )
    return done if resource else done.op
