"""What is recorded: the engine's records, for as long as a result needs them."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd import autograd
from retrograd.grad.sweep import Step, sweep
from retrograd.graph import context
from retrograd.ops.array.constant import constant


@pytest.fixture
def references_alone() -> Iterator[None]:
    """No cyclic garbage is collected: what goes, goes with its last reference."""
    gc.disable()
    yield
    gc.enable()


def leaf(*values: float) -> Any:
    return autograd.tensor(values, dtype=autograd.float32, requires_grad=True)


def swept(y: Any, x: Any) -> tuple[Any, list[str]]:
    """∂(sum y)/∂x by the engine's own sweep, and the ops it visited."""
    value, producer = autograd.recording(y)
    steps: list[Step] = []
    with context.eager_mode():
        (found,) = sweep(
            [value],
            [autograd.engine_tensor(x)],
            [constant(np.ones(y.shape, np.float32))],
            producer=producer,
            observe=steps.append,
        )
    return found.numpy(), [step.op.type for step in steps]


def test_a_recording_is_swept_with_an_observer() -> None:
    x = leaf(1, 2)
    y = (x * x).exp().sum()
    found, ops = swept(y, x)
    np.testing.assert_allclose(found, 2 * np.exp([1, 4]) * [1, 2], rtol=1e-6)
    assert ops == ["Sum", "Exp", "Mul"]


def test_a_recording_outlives_a_backward_that_retains_the_graph() -> None:
    x = leaf(1, 2)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    assert swept(y, x)[0].tolist() == x.grad.tolist() == [2, 4]
    assert x.grad.tolist() == [2, 4], "a sweep accumulates nothing"
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        autograd.recording(y)


def test_a_recording_reaches_through_a_function() -> None:
    class Triple(autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 3

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            return dy * 3

    x = leaf(1, 2)
    assert swept(Triple.apply(x) * 2, x)[1] == ["Mul", "Triple"]


def test_the_leaves_of_a_result_are_found() -> None:
    x, w, b = leaf(1, 2), leaf(3), autograd.tensor([1.0])
    found = autograd.leaves((x * w + b).sum() * x.sum())
    assert len(found) == 2 and found[0] is x and found[1] is w
    assert autograd.leaves(x)[0] is x and autograd.leaves(b) == []


def test_a_recording_needs_a_graph() -> None:
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require"):
        autograd.recording(autograd.tensor(1.0))


def test_an_engine_tensor_has_the_value_after_changes() -> None:
    x = autograd.tensor([1.0, 2.0])
    before = autograd.engine_tensor(x)
    x.add_(1)
    assert autograd.engine_tensor(x).numpy().tolist() == [2, 3]
    assert before.numpy().tolist() == [1, 2]
    assert autograd.engine_tensor(x).dtype is tf.float32


@pytest.mark.usefixtures("references_alone")
def test_a_graph_goes_with_its_result() -> None:
    x = leaf(1, 2)
    h = x.exp()
    value = weakref.ref(autograd.engine_tensor(h))
    y = (h * h).sum()
    del h
    assert value() is not None
    del y
    assert value() is None


@pytest.mark.usefixtures("references_alone")
def test_backward_lets_go_of_values() -> None:
    x = leaf(1, 2)
    h = x.exp()
    value = weakref.ref(autograd.engine_tensor(h))
    y = (h * h).sum()
    del h
    y.backward()
    assert value() is None


@pytest.mark.usefixtures("references_alone")
def test_a_function_that_saves_its_result_makes_no_cycle() -> None:
    class Exp(autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            return dy * ctx.saved_tensors[0]

    y = Exp.apply(leaf(1, 2))
    value = weakref.ref(autograd.engine_tensor(y))
    del y
    assert value() is None


def test_a_long_chain_needs_no_recursion() -> None:
    x = leaf(1)
    y = x
    for _ in range(3 * sys.getrecursionlimit()):
        y = y + x
    y.backward()
    assert x.grad.item() == 3 * sys.getrecursionlimit() + 1


@pytest.mark.usefixtures("references_alone")
def test_nothing_is_kept_without_grad() -> None:
    x = leaf(1, 2)
    with autograd.no_grad():
        h = x * 2
    value = weakref.ref(autograd.engine_tensor(h))
    y = h + 1
    del h
    assert value() is None and y.grad_fn is None


def test_the_graph_in_force_is_left_alone() -> None:
    with tf.Graph().as_default() as graph:
        x = leaf(1, 2)
        (x * x).sum().backward()
        assert x.grad.tolist() == [2, 4]
        assert not graph.get_operations()
        assert not tf.executing_eagerly()


def test_a_tape_around_sees_the_same_operations() -> None:
    x = leaf(1, 2)
    with context.eager_mode(), tf.GradientTape() as tape:
        tape.watch(autograd.engine_tensor(x))
        y = (x * x).sum()
    y.backward()
    with context.eager_mode():
        found = tape.gradient(autograd.engine_tensor(y), autograd.engine_tensor(x))
    assert found.numpy().tolist() == x.grad.tolist()


def test_gradients_of_both_modes_are_the_same_function() -> None:
    """The rules are the registry's: a program that replaces one is heard."""
    x = leaf(1, 2)
    y = x.tanh()
    y.grad_fn.record._gradient_function = lambda n, dy: dy * 7
    y.sum().backward()
    assert x.grad.tolist() == [7, 7]


def test_a_tensor_without_grad_is_an_array() -> None:
    x = autograd.tensor([1.0, 2.0])
    assert np.asarray(x).tolist() == [1, 2]
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(tf.square(tf.constant(np.asarray(x)))).tolist() == [1, 4]
    copied = x.numpy()
    copied[0] = 9
    assert x.tolist() == [1, 2]


def test_it_is_found_without_an_import() -> None:
    program = (
        "import retrograd as tf; x = tf.autograd.tensor([3.0], requires_grad=True); "
        "(x * x).backward(); print(x.grad)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "tensor([6.])\n"


def test_names_that_are_not_there_are_refused() -> None:
    for module in (autograd, autograd.nn.functional):
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            _ = module.nothing
    assert {"exp", "float32", "tensor", "matmul"} <= set(dir(autograd))
