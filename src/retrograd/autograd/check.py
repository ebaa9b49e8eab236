"""Comparing derivatives with differences: `gradcheck` and `gradgradcheck`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.autograd import modes
from retrograd.autograd.creation import tensor
from retrograd.autograd.derivatives import grad
from retrograd.autograd.generator import Generator
from retrograd.autograd.tensors import Tensor

if TYPE_CHECKING:
    from retrograd.typing import Array, Structure

Jacobian = Any  # an array, (elements of the input, elements of the output)


class GradcheckError(RuntimeError):
    """A derivative is not what differences of the function say."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    fast_mode: bool = False,
) -> bool:
    """Compare the derivatives of a function with central differences.

    Args:
      func: takes the inputs and makes a tensor or several.
      inputs: its arguments. Those that require grad are checked; they should be
        float64, and a warning says so where they are not.
      eps: the step of the differences.
      atol, rtol: how far |analytical − numerical| may be above zero, and in parts of
        |numerical|.
      raise_exception: whether a difference raises; otherwise False is returned.
      nondet_tol: how far two sweeps over the same graph may differ.
      check_undefined_grad: accepted; missing derivatives are zeros here.
      check_grad_dtypes: whether derivatives must have the types of their inputs.
      fast_mode: accepted; all elements are checked in any case.

    Returns:
      True where they agree.

    Raises:
      GradcheckError: they do not.
      ValueError: no input requires grad.
      NotImplementedError: an input is complex.
    """
    del check_undefined_grad, fast_mode
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    _check_inputs(given)
    try:
        _compare(func, given, eps, atol, rtol, nondet_tol, check_grad_dtypes)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    fast_mode: bool = False,
) -> bool:
    """Compare second derivatives of a function with differences of the first.

    Args:
      func, inputs: as for `gradcheck`.
      grad_outputs: ∂L/∂output for each output; random by default.
      eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad,
        check_grad_dtypes, fast_mode: as for `gradcheck`.

    Returns:
      True where they agree.

    Raises:
      GradcheckError: they do not.
    """
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    outputs = _differentiable(func(*given))
    if grad_outputs is None:
        source = Generator(0)
        seeds: list[Tensor] = []
        for y in outputs:
            drawn = source.normal(y.numel(), np.float64).reshape(y.shape)
            seeds.append(tensor(drawn, y.dtype, requires_grad=True))
    else:
        listed = [grad_outputs] if isinstance(grad_outputs, Tensor) else grad_outputs
        seeds = list(listed)

    def first(*args: Any) -> tuple[Tensor, ...]:
        values, dys = args[: len(given)], args[len(given) :]
        xs = [v for v in values if isinstance(v, Tensor) and v.requires_grad]
        with modes.enable_grad():
            ys = _differentiable(func(*values))
            found = grad(ys, xs, dys, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        first,
        (*given, *seeds),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        fast_mode=fast_mode,
    )


def _check_inputs(inputs: tuple[Any, ...]) -> None:
    checked = [
        (index, x)
        for index, x in enumerate(inputs)
        if isinstance(x, Tensor) and x.requires_grad
    ]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none "
            "of them have requires_grad=True."
        )
    for index, x in checked:
        if x.dtype.is_complex:
            raise NotImplementedError("gradcheck: complex inputs are not checked.")
        if x.dtype.name != "float64":
            warnings.warn(
                f"Input #{index} requires gradient and is not a double precision "
                "floating point or complex. This check will likely fail if all the "
                "inputs are not of double precision floating point or complex. ",
                stacklevel=3,
            )


def _listed(outputs: Structure) -> list[Any]:
    return [outputs] if isinstance(outputs, Tensor) else list(outputs)


def _differentiable(outputs: Structure) -> list[Tensor]:
    return [y for y in _listed(outputs) if isinstance(y, Tensor) and y.requires_grad]


def _compare(
    func: Callable[..., Any],
    inputs: tuple[Any, ...],
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
    check_grad_dtypes: bool,
) -> None:
    xs = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
    outputs = _listed(func(*inputs))
    numerical = [_numerical(func, inputs, x, eps) for x in xs]
    for j, y in enumerate(outputs):
        if not y.requires_grad:
            if y.is_floating_point() and any(np.any(n[j] != 0) for n in numerical):
                raise GradcheckError(
                    "Numerical gradient for function expected to be zero"
                )
            continue
        analytical = _analytical(y, xs, check_grad_dtypes)
        again = _analytical(y, xs, check_grad_dtypes)
        for i, x in enumerate(xs):
            if np.any(np.abs(analytical[i] - again[i]) > nondet_tol):
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input "
                    "and grad_output multiple times gives different values, although "
                    "analytical gradient matches numerical gradient."
                )
            if not np.allclose(analytical[i], numerical[i][j], rtol, atol):
                raise GradcheckError(_mismatch(x, i, j, numerical[i][j], analytical[i]))


def _mismatch(x: Tensor, i: int, j: int, numerical: object, analytical: object) -> str:
    return (
        f"Jacobian mismatch for output {j} with respect to input {i},\n"
        f"numerical:{tensor(numerical, x.dtype)}\n"
        f"analytical:{tensor(analytical, x.dtype)}\n"
    )


def _numerical(
    func: Callable[..., Any], inputs: tuple[Any, ...], x: Tensor, eps: float
) -> list[Jacobian]:
    """The Jacobian of each output by central differences."""
    base = x.detach().numpy()
    rows: list[list[Any]] = []
    for position in np.ndindex(base.shape):
        after, before = (
            _values(func, inputs, x, _moved(base, position, step))
            for step in (eps, -eps)
        )
        rows.append([(a - b) / (2 * eps) for a, b in zip(after, before, strict=True)])
    if not rows:
        sizes = [y.numel() for y in _listed(func(*inputs))]
        return [np.zeros((0, size)) for size in sizes]
    return [np.stack(column) for column in zip(*rows, strict=True)]


def _moved(base: Array, position: tuple[int, ...], step: float) -> Any:
    moved = base.copy()
    moved[position] += step
    return moved


def _values(
    func: Callable[..., Any], inputs: tuple[Any, ...], x: Tensor, value: Array
) -> list[Any]:
    """The outputs, flattened, with another value in place of an input."""
    moved = tensor(value, x.dtype, requires_grad=True)
    outputs = func(*(moved if given is x else given for given in inputs))
    return [y.detach().numpy().reshape(-1).astype(np.float64) for y in _listed(outputs)]


def _analytical(y: Tensor, xs: list[Tensor], check_types: bool) -> list[Jacobian]:
    """The Jacobian for each input by a sweep from each element of the output."""
    columns: list[list[Any]] = [[] for _ in xs]
    for position in np.ndindex(y.shape):
        unit = np.zeros(y.shape)
        unit[position] = 1
        seed = tensor(unit, y.dtype)
        found = grad(y, xs, seed, retain_graph=True, allow_unused=True)
        for column, x, term in zip(columns, xs, found, strict=True):
            if term is not None and check_types and term.dtype is not x.dtype:
                raise GradcheckError("Gradient has dtype mismatch")
            value = np.zeros(x.numel()) if term is None else term.detach().numpy()
            column.append(np.asarray(value, np.float64).reshape(-1))
    return [
        np.stack(c, axis=1) if c else np.zeros((x.numel(), 0))
        for c, x in zip(columns, xs, strict=True)
    ]
