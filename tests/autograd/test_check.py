"""Checks of derivatives find planted errors, and what they cannot check is said."""

from __future__ import annotations

from typing import Any

import pytest

from retrograd import autograd

X = autograd.tensor([0.5, -1.5, 2.0], dtype=float, requires_grad=True)


def wrong_by(part: float) -> Any:
    """The square, with a derivative that is off by this part."""

    class Square(autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            return ctx.saved_tensors[0] * 2 * (1 + part) * dy

    return Square.apply


def test_a_right_derivative_passes() -> None:
    assert autograd.gradcheck(wrong_by(0), X, rtol=1e-6)
    assert autograd.gradgradcheck(wrong_by(0), X, rtol=1e-6)


def test_an_error_of_a_thousandth_is_found() -> None:
    with pytest.raises(autograd.GradcheckError, match=r"output 0 with respect to inp"):
        autograd.gradcheck(wrong_by(1e-3), X, rtol=1e-4)
    with pytest.raises(autograd.GradcheckError, match="Jacobian mismatch"):
        autograd.gradcheck(wrong_by(2e-3), X)
    assert not autograd.gradcheck(wrong_by(2e-3), X, raise_exception=False)


def test_an_error_in_the_second_derivative_is_found() -> None:
    class Cube(autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 3 * x * x.detach() * dy

    assert autograd.gradcheck(Cube.apply, X)
    assert not autograd.gradgradcheck(Cube.apply, X, raise_exception=False)


def test_a_random_derivative_is_found() -> None:
    class Noisy(autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            return dy + autograd.rand(3, dtype=float) * 1e-9

    with pytest.raises(autograd.GradcheckError, match="Backward is not reentrant"):
        autograd.gradcheck(Noisy.apply, X)
    assert autograd.gradcheck(Noisy.apply, X, nondet_tol=1e-8)


def test_single_precision_is_warned_of() -> None:
    x = autograd.tensor([1.0, 2.0], requires_grad=True)
    with pytest.warns(UserWarning, match="Input #0 requires gradient and is not a dou"):
        autograd.gradcheck(lambda a: a + 1, x, atol=0.2)


def test_complex_inputs_are_refused() -> None:
    x = autograd.tensor([1 + 2j], requires_grad=True)
    with pytest.raises(NotImplementedError, match="complex inputs are not checked"):
        autograd.gradcheck(lambda a: a * 2, x)


def test_types_of_derivatives_are_checked_when_asked() -> None:
    assert autograd.gradcheck(lambda a: a.sum(), X, check_grad_dtypes=True)


@pytest.mark.parametrize(
    "function",
    [
        lambda a: a.exp().sum(),
        lambda a: (a.sin(), a * a),
        lambda a: a.unsqueeze(0) * a.unsqueeze(1),
        lambda a: a.norm(),
    ],
)
def test_functions_of_the_table_pass(function: Any) -> None:
    assert autograd.gradcheck(function, X)
    assert autograd.gradgradcheck(function, X)
