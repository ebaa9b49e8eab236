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


# ---------------------------------------------------------------------- NaN, infinities

NAN, INF = np.nan, np.inf


def same(found: Any, want: Any) -> bool:
    return np.array_equal(np.asarray(found), np.asarray(want), equal_nan=True)


def test_nan_is_no_extreme_unless_it_is_alone(run: Any) -> None:
    x = np.array([[NAN, 1, 2], [3, NAN, -INF], [NAN, NAN, NAN]], np.float32)
    assert same(run(lambda x: tf.reduce_max(x, 1), x), [2, 3, -INF])
    assert same(run(lambda x: tf.reduce_min(x, 0), x), [3, 1, -INF])
    assert same(run(lambda x: tf.reduce_max(x[:, :1], 1), x), [NAN, 3, NAN])
    first = run(lambda x: tf.gradients(tf.reduce_max(x, 1), x)[0][:2], x)
    assert same(first, [[0, 0, 1], [1, 0, 0]])


def test_positions_of_extremes_pass_nan_over(run: Any) -> None:
    x = np.array([[NAN, 1, 2], [-INF, NAN, -INF], [1, NAN, 0]], np.float32)
    assert same(run(lambda x: tf.argmax(x, 1), x), [2, 0, 0])
    assert same(run(lambda x: tf.argmin(x, 1), x), [1, 0, 2])


def test_pools_pass_nan_over(run: Any) -> None:
    x = np.array([1, NAN, 2, NAN, NAN, -INF], np.float32).reshape(1, 1, 6, 1)

    def build(x: Tensor) -> Any:
        y = tf.nn.max_pool(x, [1, 1, 2, 1], [1, 1, 2, 1], "VALID")
        return [y, tf.gradients(y, x)[0]]

    y, dx = run(build, x)
    lowest = np.finfo(np.float32).min
    assert same(y.ravel(), [1, 2, lowest])
    assert same(dx.ravel(), [1, 0, 1, 0, 1, 0])


def test_segments_with_nan(run: Any) -> None:
    x = np.array([NAN, 1, 2, NAN, NAN, -INF, 3], np.float32)
    ids = [0, 0, 1, 1, 2, 3, 3]
    assert same(run(lambda x: tf.segment_max(x, ids), x), [1, 2, NAN, 3])
    assert same(run(lambda x: tf.segment_min(x, ids), x), [1, 2, NAN, -INF])
    found = run(lambda x: tf.unsorted_segment_max(x, ids, 4), x)
    assert same(found, [1, NAN, NAN, 3])
    assert run(lambda x: tf.segment_max(x, [0]), x[5:6]).tolist() == [-INF]


def test_sorting_does_not_look_at_signs_of_zero_and_nan(run: Any) -> None:
    x = np.array([0.0, -0.0, 1, -0.0, 0.0], np.float32)
    found = run(lambda x: tf.argsort(x, stable=True), x)
    assert found.tolist() == [0, 1, 3, 4, 2]
    y = np.array([NAN, 3, -NAN], np.float32)
    assert run(lambda x: tf.nn.top_k(x, 3)[1], y).tolist() == [0, 2, 1]
    assert run(lambda x: tf.nn.top_k(x, 1)[1], y).tolist() == [1]
    places = run(
        lambda x: tf.searchsorted([[0.0, 1.0]], x), np.array([[NAN, 0.5]], "f")
    )
    assert places.tolist() == [[0, 1]]


def test_special_functions_at_their_limits(run: Any) -> None:
    def of(function: Build, *pairs: tuple[float, float]) -> Any:
        a, x = np.array(pairs).T
        return run(function, a, x)

    pairs = (INF, 0.5), (INF, 2), (2, INF), (INF, INF), (NAN, 1)
    assert same(of(tf.igamma, *pairs), [0, NAN, 1, NAN, NAN])
    assert same(of(tf.igammac, *pairs), [1, NAN, 0, 0, NAN])
    pairs = (INF, 1), (INF, 0.5), (2, INF), (NAN, -1), (1e300, 1), (INF, 2)
    assert same(of(tf.zeta, *pairs), [1, INF, NAN, INF, 1, NAN])
    assert same(of(tf.polygamma, (INF, 1), (1e300, 0.5), (2, INF)), [INF, INF, NAN])
    assert same(run(tf.lgamma, np.array([1, 2], np.float32)), [0, 0])


def test_incomplete_gamma_functions_of_large_arguments(run: Any) -> None:
    a = np.array([1e9, 1e9, 1e19, 1e30])
    x = np.array([1e9, 1e9 + 1e4, 1e19, 2e30])
    # by SciPy; TensorFlow's own series gives up after 2,000 terms
    want = np.array([0.5000042052208701, 0.6240887830875205, 0.5000000000420523, 1])
    np.testing.assert_allclose(run(tf.igamma, a, x), want, rtol=1e-9)
    np.testing.assert_allclose(run(tf.igammac, a, x), 1 - want, rtol=1e-9)


def test_slopes_of_units_at_nan(run: Any) -> None:
    x = np.array([NAN, -INF, 1], np.float32)
    for unit, top in ((tf.nn.elu, 1), (tf.nn.selu, 1.0507010221481323)):
        found = run(lambda x, unit=unit: tf.gradients(unit(x), x)[0], x)
        assert same(found, np.array([top, 0, top], np.float32))


def test_means_of_large_integers_are_exact(run: Any) -> None:
    x = np.array([2**62 + 1, 2**60 + 3, -5])
    assert run(tf.reduce_mean, x) == (2**62 + 2**60 - 1) // 3
    narrow = np.array([2**31 - 1, 2**31 - 1, -(2**31), -1], np.int32)
    assert run(lambda x: tf.segment_mean(x, [0, 0, 1, 1]), narrow).tolist() == [
        -1,
        2**30 - 1,
    ]


def test_narrow_integers_divided_at_their_limits(run: Any) -> None:
    x = np.array([-128, -128, 127, 7], np.int8)
    y = np.array([2, 3, -128, -2], np.int8)
    assert run(tf.floordiv, x, y).tolist() == [63, 42, 0, -4]
