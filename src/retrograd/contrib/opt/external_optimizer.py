"""Optimizers outside of the graph, that ask a session for losses and gradients."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.grad.api import gradients
from retrograd.graph import context
from retrograd.ops.array.constant import placeholder
from retrograd.ops.array.fill import zeros_like
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import reshape
from retrograd.platform import logs
from retrograd.variables.collections import trainable_variables

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.run.session import BaseSession
    from retrograd.typing import Array


def _sizes(variable: Any) -> tuple[int, ...]:
    return tuple(variable.get_shape().as_list())


def _pack(tensors: Sequence[Any]) -> Any:
    """Tensors as one vector."""
    flat = [reshape(t, [-1]) for t in tensors]
    return flat[0] if len(flat) == 1 else concat(flat, 0) if flat else None


def _slopes(value: Tensor, variables: Sequence[Any]) -> list[Any]:
    """The gradient of a scalar by each variable."""
    found = gradients(value, variables)
    return [
        zeros_like(v) if g is None else g for v, g in zip(variables, found, strict=True)
    ]


class ExternalOptimizerInterface:
    """What minimizes a loss by a method that `_minimize` of a subclass brings."""

    def __init__(
        self,
        loss: Tensor,
        var_list: Sequence[Any] | None = None,
        equalities: Sequence[Any] | None = None,
        inequalities: Sequence[Any] | None = None,
        var_to_bounds: dict[Any, Any] | None = None,
        **optimizer_kwargs: Any,
    ) -> None:
        """Build the graph of the gradients and of the assignments.

        Args:
          loss: a scalar tensor.
          var_list: what may change; the trainable variables by default.
          equalities: scalar tensors to be held at zero.
          inequalities: scalar tensors to be held from going negative.
          var_to_bounds: for each variable the lowest and the highest value, numbers or
            arrays that broadcast to its shape.
          **optimizer_kwargs: what the method takes besides.
        """
        self._loss = loss
        self._equalities = list(equalities or ())
        self._inequalities = list(inequalities or ())
        self._vars = list(trainable_variables() if var_list is None else var_list)
        self._packed_bounds = self._bounds(var_to_bounds)
        self._update_placeholders = [placeholder(v.dtype) for v in self._vars]
        self._var_updates = [
            v.assign(reshape(fed, _sizes(v)))
            for v, fed in zip(self._vars, self._update_placeholders, strict=True)
        ]
        self.optimizer_kwargs = optimizer_kwargs
        values = loss, *self._equalities, *self._inequalities
        slopes = [_slopes(value, self._vars) for value in values]
        self._packed_var = _pack(self._vars)
        self._packed_loss_grad, *packed = (_pack(each) for each in slopes)
        self._packed_equality_grads = packed[: len(self._equalities)]
        self._packed_inequality_grads = packed[len(self._equalities) :]
        counts = (math.prod(_sizes(v)) for v in self._vars)
        ends = list(itertools.accumulate(counts, initial=0))
        self._packing_slices = [slice(*pair) for pair in itertools.pairwise(ends)]

    def _bounds(self, given: dict[Any, Any] | None) -> list[tuple[Any, Any]] | None:
        if given is None:
            return None
        packed: list[tuple[Any, Any]] = []
        for variable in self._vars:
            pair = given.get(variable, (-np.inf, np.inf))
            low, high = (np.broadcast_to(b, _sizes(variable)).flat for b in pair)
            packed.extend(zip(low, high, strict=True))
        return packed

    def minimize(
        self,
        session: Any = None,
        feed_dict: dict[Any, Any] | None = None,
        fetches: Sequence[Any] | None = None,
        step_callback: Callable[[Any], Any] | None = None,
        loss_callback: Callable[..., Any] | None = None,
        **run_kwargs: Any,
    ) -> None:
        """Minimize the loss now, and set the variables to what was found.

        Args:
          session: the default session by default.
          feed_dict: what to feed in each run.
          fetches: tensors whose values `loss_callback` gets.
          step_callback: called after each step with the variables as one vector.
          loss_callback: called each time that loss and gradient are computed.
          **run_kwargs: for the run that sets the variables.
        """
        session = session or context.get_default_session()
        fetches = list(fetches or ())

        def function(
            tensors: list[Any], callback: Callable[..., Any] | None = None
        ) -> Any:
            return self._function(tensors, session, feed_dict or {}, fetches, callback)

        found = self._minimize(
            initial_val=session.run(self._packed_var),
            loss_grad_func=function(
                [self._loss, self._packed_loss_grad], loss_callback
            ),
            equality_funcs=[function([t]) for t in self._equalities],
            equality_grad_funcs=[function([t]) for t in self._packed_equality_grads],
            inequality_funcs=[function([t]) for t in self._inequalities],
            inequality_grad_funcs=[
                function([t]) for t in self._packed_inequality_grads
            ],
            packed_bounds=self._packed_bounds,
            step_callback=step_callback or (lambda packed: None),
            optimizer_kwargs=self.optimizer_kwargs,
        )
        values = (found[part] for part in self._packing_slices)
        feeds = dict(zip(self._update_placeholders, values, strict=True))
        session.run(self._var_updates, feed_dict=feeds, **run_kwargs)

    def _function(
        self,
        tensors: list[Any],
        session: BaseSession,
        feed_dict: dict[Any, Any],
        fetches: list[Any],
        callback: Callable[..., Any] | None,
    ) -> Callable[[Any], list[Any]]:
        """The tensors as a function of the variables, which are fed, not assigned."""

        def function(packed: Array) -> list[Any]:
            feeds = {
                v: packed[part].reshape(_sizes(v))
                for v, part in zip(self._vars, self._packing_slices, strict=True)
            }
            values = session.run(tensors + fetches, feed_dict={**feeds, **feed_dict})
            if callback is not None:
                callback(*values[len(tensors) :])
            return values[: len(tensors)]

        return function

    def _minimize(
        self,
        initial_val: Array,
        loss_grad_func: Callable[..., Any],
        equality_funcs: Sequence[Callable[..., Any]],
        equality_grad_funcs: Sequence[Callable[..., Any]],
        inequality_funcs: Sequence[Callable[..., Any]],
        inequality_grad_funcs: Sequence[Callable[..., Any]],
        packed_bounds: Sequence[tuple[float, float]] | None,
        step_callback: Callable[..., Any] | None,
        optimizer_kwargs: dict[str, Any],
    ) -> Any:
        """The vector that minimizes the loss; subclasses bring the method.

        Args:
          initial_val: the vector to begin at.
          loss_grad_func: gives loss and gradient at a vector.
          equality_funcs: give a list of one number each, to be held at zero.
          equality_grad_funcs: their gradients.
          inequality_funcs: give a list of one number each, not to be negative.
          inequality_grad_funcs: their gradients.
          packed_bounds: a pair for each element, or None.
          step_callback: to call with the vector after each step.
          optimizer_kwargs: what else was given for the method.

        Raises:
          NotImplementedError: this is the base class.
        """
        raise NotImplementedError(
            "To use ExternalOptimizerInterface, subclass from it and implement the "
            "_minimize() method."
        )


class ScipyOptimizerInterface(ExternalOptimizerInterface):
    """Minimizes by `scipy.optimize.minimize`, with L-BFGS-B unless told another."""

    _DEFAULT_METHOD = "L-BFGS-B"

    def _minimize(
        self,
        initial_val: Array,
        loss_grad_func: Callable[..., Any],
        equality_funcs: Sequence[Callable[..., Any]],
        equality_grad_funcs: Sequence[Callable[..., Any]],
        inequality_funcs: Sequence[Callable[..., Any]],
        inequality_grad_funcs: Sequence[Callable[..., Any]],
        packed_bounds: Sequence[tuple[float, float]] | None,
        step_callback: Callable[..., Any] | None,
        optimizer_kwargs: dict[str, Any],
    ) -> Any:
        """The vector that SciPy finds.

        Raises:
          ValueError: an argument is given that this interface sets.
        """
        from scipy.optimize import minimize

        def loss_and_slopes(packed: Array) -> tuple[Any, Any]:
            loss, slopes = loss_grad_func(packed)
            return loss, slopes.astype(np.float64)

        constraints = [
            dict(type=kind, fun=_wide(function), jac=_wide(slope))
            for kind, functions, slopes in (
                ("eq", equality_funcs, equality_grad_funcs),
                ("ineq", inequality_funcs, inequality_grad_funcs),
            )
            for function, slope in zip(functions, slopes, strict=True)
        ]
        options: dict[str, Any] = dict(
            jac=True,
            callback=step_callback,
            constraints=constraints,
            bounds=packed_bounds,
        )
        for name in optimizer_kwargs.keys() & options.keys():
            if name == "bounds":
                raise ValueError("Bounds must be set using the var_to_bounds argument")
            raise ValueError(
                f"Optimizer keyword arg '{name}' is set automatically and cannot be "
                "injected manually"
            )
        options.update({"method": self._DEFAULT_METHOD, **optimizer_kwargs})
        start = np.asarray(initial_val, np.float64)
        result = minimize(loss_and_slopes, start, **options)
        _report(result)
        return result["x"]


def _wide(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function whose results are float64, as SciPy's methods want them."""
    return lambda packed: np.asarray(function(packed), np.float64)


def _report(result: Any) -> None:
    """Log how the minimization ended; not every method counts all of it."""
    lines = [
        "Optimization terminated with:",
        f"  Message: {result.message}",
        f"  Objective function value: {result.fun:f}",
    ]
    if hasattr(result, "nit"):
        lines.append(f"  Number of iterations: {result.nit}")
    if hasattr(result, "nfev"):
        lines.append(f"  Number of functions evaluations: {result.nfev}")
    logs.info("%s", "\n".join(lines))
