"""Random programs: against a tape, against NumPy's memory, against differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import retrograd as tf
from retrograd import autograd
from retrograd.graph import context

#: the same step for our tensors and for those of a tape; the shape stays (2, 3)
STEPS: list[tuple[Callable[..., Any], Callable[..., Any]]] = [
    (lambda a, b: a + b, lambda a, b: a + b),
    (lambda a, b: a - b * 2, lambda a, b: a - b * 2),
    (lambda a, b: a * b, lambda a, b: a * b),
    (lambda a, b: a / (b * b + 1), lambda a, b: a / (b * b + 1)),
    (lambda a, b: a.tanh(), lambda a, b: tf.tanh(a)),
    (lambda a, b: a.sigmoid() ** 2, lambda a, b: tf.sigmoid(a) ** 2),
    (lambda a, b: (a * 0.1).exp(), lambda a, b: tf.exp(a * 0.1)),
    (
        lambda a, b: a.sum(0, keepdim=True) * b,
        lambda a, b: tf.reduce_sum(a, 0, keepdims=True) * b,
    ),
    (
        lambda a, b: a.mean() + b[0],
        lambda a, b: tf.reduce_mean(a) + b[0],
    ),
    (lambda a, b: a.softmax(1), lambda a, b: tf.nn.softmax(a, 1)),
    (lambda a, b: a @ (b.t() @ a), lambda a, b: a @ (tf.transpose(b) @ a)),
    (
        lambda a, b: a.reshape(3, 2).t() + b,
        lambda a, b: tf.transpose(tf.reshape(a, [3, 2])) + b,
    ),
    (
        lambda a, b: autograd.cat([a[:, :1], b[:, 1:]], 1),
        lambda a, b: tf.concat([a[:, :1], b[:, 1:]], 1),
    ),
    (
        lambda a, b: autograd.where(a > b, a, b * 3),
        lambda a, b: tf.where(a > b, a, b * 3),
    ),
]
programs = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 50), st.integers(0, 50)),
    min_size=1,
    max_size=8,
)
START = (
    np.array([[0.3, -0.7, 1.1], [0.5, 0.9, -0.2]]),
    np.array([[1.3, 0.4, -0.6], [-0.8, 0.2, 0.7]]),
)


def run(program: list[tuple[int, int, int]], side: int, x: Any, y: Any) -> Any:
    values = [x, y]
    for step, first, second in program:
        value = STEPS[step][side](
            values[first % len(values)], values[second % len(values)]
        )
        if tuple(value.shape) != (2, 3):  # a row that the other operand is repeated to
            value = value + x * 0
        values.append(value)
    return values[-1]


@settings(max_examples=60, deadline=None)
@given(programs)
def test_backward_is_what_a_tape_gives(program: list[tuple[int, int, int]]) -> None:
    x, y = (autograd.tensor(v, requires_grad=True) for v in START)
    result = run(program, 0, x, y)
    if result.requires_grad:
        result.sum().backward()
    with context.eager_mode():
        a, b = (tf.constant(v) for v in START)
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            total = tf.reduce_sum(run(program, 1, a, b))
        wanted = tape.gradient(total, [a, b])
    np.testing.assert_allclose(result.sum().item(), total.numpy(), rtol=1e-12)
    for leaf, gradient in zip((x, y), wanted, strict=True):
        if leaf.grad is None:
            assert gradient is None or not np.any(gradient.numpy())
        else:
            np.testing.assert_allclose(leaf.grad.tolist(), gradient.numpy(), 1e-10)


# ---------------------------------------------------------------------- memory

#: the same view of our tensors and of arrays, for two dimensions and more
VIEWS: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
    (lambda t: t[1:], lambda a: a[1:]),
    (lambda t: t[..., ::2], lambda a: a[..., ::2]),
    (lambda t: t[0][None], lambda a: a[0][None]),
    (lambda t: t[:, -1:], lambda a: a[:, -1:]),
    (lambda t: t.transpose(0, 1), lambda a: a.swapaxes(0, 1)),
    (lambda t: t.unsqueeze(0), lambda a: a[None]),
    (lambda t: t.permute(*reversed(range(t.dim()))), lambda a: a.T),
    (lambda t: t.narrow(0, 0, 1), lambda a: a[:1]),
    (lambda t: t.split(1)[-1], lambda a: a[-1:]),
    (lambda t: t.detach(), lambda a: a),
]
WRITES: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
    (lambda t: t.add_(1), lambda a: np.add(a, 1, out=a)),
    (lambda t: t.mul_(t), lambda a: np.multiply(a, a.copy(), out=a)),
    (lambda t: t.fill_(3), lambda a: a.fill(3)),
    (
        lambda t: t.__setitem__(0, t[-1] * 2),
        lambda a: a.__setitem__(0, a[-1].copy() * 2),
    ),
]
chains = st.lists(st.integers(0, len(VIEWS) - 1), max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(chains, st.integers(0, len(WRITES) - 1)), min_size=1))
def test_views_share_memory_as_arrays_do(
    writes: list[tuple[list[int], int]],
) -> None:
    array = np.arange(12.0).reshape(3, 4)
    base = autograd.tensor(array)
    pairs = []
    for chain, write in writes[:5]:
        ours, theirs = base, array
        for step in chain:
            if theirs.size:
                ours, theirs = VIEWS[step][0](ours), VIEWS[step][1](theirs)
        pairs.append((ours, theirs))
        if theirs.size:
            WRITES[write][0](ours)
            WRITES[write][1](theirs)
        assert base.tolist() == array.tolist()
        for view, part in pairs:
            assert view.tolist() == part.tolist()


@settings(max_examples=12, deadline=None)
@given(chains.filter(lambda c: len(VIEWS) - 1 not in c), st.integers(0, 2))
def test_writing_to_a_view_is_differentiated(chain: list[int], kind: int) -> None:
    def function(x: Any) -> Any:
        base = x * x
        view = base
        for step in chain:
            if view.numel():
                view = VIEWS[step][0](view)
        other = base[:, 1:3]
        if not view.numel():
            return view + base.sum()
        if kind == 0:
            view.mul_(x[0, 1])
        elif kind == 1:
            view.exp_()
        else:
            view[0] = x[1, 0] * 2
        return base * 3 + x, other

    x = autograd.arange(6.0, dtype=float).reshape(2, 3).mul(0.3).requires_grad_()
    x = x.detach().requires_grad_()
    assert autograd.gradcheck(function, x)
    assert autograd.gradgradcheck(function, x)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([(2, 3), (1, 3), (3,), (2, 1), (), (1, 1)]),
    st.sampled_from([(2, 3), (1, 3), (3,), (2, 1), (), (1, 1)]),
)
def test_broadcast_operands_get_gradients_in_their_shapes(
    first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    a = autograd.ones(first, requires_grad=True)
    b = autograd.full(second, 2.0, requires_grad=True)
    y = a * b
    y.sum().backward()
    assert a.grad.shape == a.shape and b.grad.shape == b.shape
    count = y.numel()
    assert a.grad.sum().item() == 2 * count and b.grad.sum().item() == count
