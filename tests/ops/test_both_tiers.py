"""Values and refusals that TensorFlow 1.15 gives, in both tiers.

What is here depends on values or on shapes that are known only when a graph runs; the
values were asked of TensorFlow 1.15.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph.tensor import Tensor
from retrograd.run.tiers import pinned_tier

TIERS = ("0", "1")
Build = Callable[..., Tensor | Sequence[Tensor]]


@pytest.fixture(params=TIERS)
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs what a function builds of placeholders for some arrays, in one tier."""
    monkeypatch.setenv("RETROGRAD_TIER", request.param)
    assert pinned_tier() == int(request.param)

    def call(build: Build, *arrays: Any, known: bool = False) -> Any:
        with tf.Graph().as_default():
            fed = [np.asarray(a) for a in arrays]
            places = [
                tf.placeholder(a.dtype, a.shape if known else [None] * a.ndim)
                for a in fed
            ]
            with tf.Session() as session:
                fetches = build(*places)
                return session.run(fetches, dict(zip(places, fed, strict=True)))

    return call


def floats(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


# ---------------------------------------------------------------------- numbers


def test_powers_of_integers_are_cut_off(run: Any) -> None:
    bases = [3, 2, -3, 0, 7, -1]
    exponents = [41, 64, 41, 65, 200, 2**20 + 1]
    found = run(tf.pow, np.array(bases, np.int32), np.array(exponents, np.int32))
    assert found.tolist() == [2069870691, 0, -2069870691, 0, 816568513, -1]
    exponents[-1] = 2**40 + 1
    found = run(tf.pow, np.array(bases), np.array(exponents))
    third = 420491770248316829
    assert found.tolist() == [-third, 0, third, 0, 1459632558914132161, -1]


def test_integers_over_zero_have_all_bits_set(run: Any) -> None:
    numbers = np.array([7, 5, -7], np.int32), np.array([0, 3, 2], np.int32)
    assert run(tf.realdiv, *numbers).tolist() == [-1, 1, -3]


def test_an_integer_quotient_by_a_constant_is_refused(run: Any) -> None:
    def build(x: Tensor) -> Tensor:
        tf.constant(0)  # TensorFlow leaves graphs of three operations as they are
        return tf.realdiv(x, 2)

    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid cast from fl"):
        run(build, np.array([7, -7], np.int32))


def test_functions_with_fractions_refuse_integers(run: Any) -> None:
    for function in (tf.asin, tf.acos, tf.atan, tf.math.reciprocal):
        with pytest.raises(tf.errors.InvalidArgumentError) as raised:
            run(function, np.array([0, 1], np.int32))
        first, second = raised.value.message.splitlines()[:3:2]
        assert first == "2 root error(s) found."
        assert second.endswith("to S32 in ConstantR0WithType.")
    with pytest.raises(tf.errors.InvalidArgumentError, match="for cosine operation"):
        run(tf.tan, np.array([0, 1]))


def test_places_are_int64(run: Any) -> None:
    found = run(lambda x: tf.where(x > 0), np.array([1, -1], np.float32))
    assert found.dtype == np.int64 and found.tolist() == [[0]]


# ---------------------------------------------------------------------- shapes


def test_axes_may_be_named_twice(run: Any) -> None:
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    for axes in ([1, -2], [1, 1], [2, 0, -1]):
        found = run(lambda x, axes=axes: tf.reduce_sum(x, axes), x)
        assert found.tolist() == x.sum(tuple({a % 3 for a in axes})).tolist()
    kept = run(lambda x: tf.reduce_max(x, [0, -3], keepdims=True), x)
    assert kept.shape == (1, 3, 4)
    assert run(lambda x, a: tf.reduce_sum(x, a), x, np.array([1, -2])).shape == (2, 4)


@pytest.mark.parametrize("count", [2, 3])
def test_sums_of_different_shapes_are_refused(run: Any, count: int) -> None:
    def build(x: Tensor, y: Tensor) -> Tensor:
        return tf.add_n([x, y, x][:count])

    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        run(build, floats(1), floats(2))
    assert raised.value.message.startswith(
        "Inputs to operation AddN of type AddN must have the same size and shape.  "
        "Input 0: [1] != input 1: [2]"
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be the same size"):
        run(lambda x, y: tf.accumulate_n([x, y]), floats(1), floats(2))
    assert run(build, floats(2), floats(2)).tolist() == [count] * 2


POOLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "max": lambda x: tf.nn.max_pool(x, [1, 3, 2, 1], [1, 1, 3, 1], "VALID"),
    "mean": lambda x: tf.nn.avg_pool(x, [1, 3, 2, 1], [1, 1, 3, 1], "VALID"),
    "with places": lambda x: tf.nn.max_pool_with_argmax(
        x, [1, 3, 2, 1], [1, 1, 3, 1], "VALID"
    )[0],
    "many": lambda x: tf.nn.max_pool(x, [1, 9, 4, 1], [1, 8, 3, 1], "VALID"),
}


@pytest.mark.parametrize("pool", POOLINGS)
def test_a_window_larger_than_the_input(run: Any, pool: str) -> None:
    def build(x: Tensor) -> Any:
        y = POOLINGS[pool](x)
        return [y, *tf.gradients(y, x)]

    y, dx = run(build, floats(1, 2, 4, 1))
    assert y.shape == (1, 0, 1, 1)
    assert dx.shape == (1, 2, 4, 1) and not dx.any()


@pytest.mark.parametrize("convolve", ["conv2d", "depthwise_conv2d"])
@pytest.mark.parametrize("shape", [(3, 1, 1, 2), (1, 1, 1, 3)])
def test_gradients_of_convolutions_without_outputs(
    run: Any, convolve: str, shape: tuple[int, ...]
) -> None:
    def build(x: Tensor, f: Tensor) -> Sequence[Tensor]:
        f.set_shape(shape)
        y = getattr(tf.nn, convolve)(x, f, [1, 1, 1, 1], "VALID")
        return [y, *tf.gradients(y, [x, f])]

    x = floats(1, shape[0] - 1, 7, 1)
    y, dx, df = run(build, x, floats(*shape))
    assert y.shape == (1, 0, 7, shape[-1])
    assert dx.shape == x.shape and df.shape == shape and not df.any()


def test_segment_sums_of_unknown_rank_have_no_gradient() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float64)
        total = tf.unsorted_segment_sum(x, [0, -1, 1], 2)
        with pytest.raises(TypeError, match="unsupported operand type"):
            tf.gradients(total, x)


# ---------------------------------------------------------------------- strings


def test_a_scalar_string_is_fed(run: Any) -> None:
    text = np.array(b"abc", object)
    uses: dict[str, tuple[Build, Any]] = {
        "new axis": (lambda x: x[tf.newaxis], [b"abc"]),
        "tiled": (lambda x: tf.tile(x[None], [2]), [b"abc", b"abc"]),
        "padded": (lambda x: tf.pad(x[None], [[1, 0]]), [b"", b"abc"]),
        "one of several": (lambda x: tf.unstack(tf.stack([x, x]))[1][None], [b"abc"]),
        "a block": (lambda x: tf.slice(x[None], [0], [1]), [b"abc"]),
        "itself": (lambda x: x, b"abc"),
    }
    for name, (build, want) in uses.items():
        found = run(lambda x, f=build: f(tf.placeholder_with_default(x, [])), text)
        assert np.asarray(found, object).tolist() == want, name


def test_what_is_fed_and_fetched_is_an_array() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x, text = tf.placeholder(tf.float32, []), tf.placeholder(tf.string, [])
        found = session.run([x, text, x + 1], {x: 3.0, text: "abc"})
    assert [type(v) for v in found] == [np.ndarray, np.ndarray, np.float32]
    assert found[0] == 3 and found[1].dtype == object
