"""Random numbers against TensorFlow 1.15's, run after run, on NumPy and traced."""

from __future__ import annotations

import json
import math
import pathlib
import zlib

import ml_dtypes
import numpy as np
import pytest

from retrograd import errors
from retrograd.arrays import numpy as xp_numpy
from retrograd.ops.random import philox, philox_distributions

DATA = pathlib.Path(__file__).parent.parent / "data" / "philox.npz"
CASES = {k: v for k, v in np.load(DATA).items() if k != "op_seeds"}
FLOATS = {
    "RandomUniform": philox.random_uniform,
    "RandomStandardNormal": philox.random_standard_normal,
    "TruncatedNormal": philox.truncated_normal,
    "StatelessRandomUniform": philox.random_uniform,
    "StatelessRandomNormal": philox.random_standard_normal,
    "StatelessTruncatedNormal": philox.truncated_normal,
    "StatefulUniformFullInt": philox.random_uniform_full_int,
}
INTS = ("RandomUniformInt", "StatelessRandomUniformInt")
CATEGORIES = ("Multinomial", "StatelessMultinomial")
SMALL = ([], [7], [0, 4], [13])  # shapes that tracing tells nothing more about


def is_traced(key):
    op, _, arguments = json.loads(key)
    traced = op in FLOATS or op in INTS or op in CATEGORIES
    return traced and arguments.get("shape") not in SMALL


def numpy_type(name):
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def logits(batch, classes, dtype):
    """As make_philox.py has them."""
    n = np.arange(batch * classes)
    flat = ((n * 37) % 101) / 101 * 6 - 3
    flat[n % 11 == 10] = -np.inf
    return flat.reshape(batch, classes).astype(dtype)


def draw(xp, state, op, dtype, a):
    """One run of the case: values, next state."""
    dtype = numpy_type(dtype)
    if op in FLOATS:
        return FLOATS[op](xp, state, a["shape"], dtype)
    if op in INTS:
        return philox.random_uniform_int(xp, state, a["shape"], *a["bounds"], dtype)
    if op in CATEGORIES:
        weights = xp.asarray(logits(a["batch"], a["classes"], dtype))
        return philox_distributions.multinomial(
            xp, state, weights, a["samples"], np.int64
        )
    if op == "RandomShuffle":
        return philox_distributions.random_shuffle(state, a["size"])
    if op == "RandomGamma":
        alpha = np.array(a["rate"], dtype)
        return philox_distributions.random_gamma(state, a["shape"], alpha)
    if op == "RandomPoissonV2":
        rate = np.array(a["rate"])
        return philox_distributions.random_poisson(state, a["shape"], rate, dtype)
    assert op == "ParameterizedTruncatedNormal"
    parameters = (np.array(p, dtype) for p in a["parameters"])
    return philox_distributions.parameterized_truncated_normal(
        state, a["shape"], *parameters
    )


def first_state(xp, op, seeds):
    if op.startswith("Stateless"):
        return philox.stateless_state(xp, xp.asarray(np.array(seeds, np.int64)))
    return philox.initial_state(*seeds)


def check(key, runs):
    """Compare a case's successive runs with what TensorFlow drew."""
    op, dtype, arguments = json.loads(key)
    expected = CASES[key]
    assert len(runs) == len(expected)
    shape = arguments.get("shape")
    for got, want in zip(runs, expected, strict=True):
        if op in FLOATS:
            assert got.dtype == numpy_type(dtype)
        if shape is not None and math.prod(shape) > want.size:
            assert list(got.shape) == shape
            assert zlib.crc32(np.ascontiguousarray(got).tobytes()) == int(want)
        elif dtype == "float64":
            # log, sine and cosine in double precision are the platform's own.
            np.testing.assert_allclose(got, want, rtol=1e-14, atol=1e-16)
        else:
            assert got.shape == want.shape
            np.testing.assert_array_equal(got.astype(want.dtype), want)


@pytest.fixture(scope="module")
def traced():
    """The namespace of kernels that are being compiled."""
    import jax

    from retrograd.arrays import xla as xp_jax

    with jax.enable_x64():
        yield xp_jax


@pytest.mark.parametrize("key", CASES)
def test_numpy_draws_what_tensorflow_drew(key):
    op, dtype, arguments = json.loads(key)
    state = first_state(np, op, arguments["seeds"])
    runs = []
    for _ in CASES[key]:
        before = state.copy()
        values, after = draw(xp_numpy, state, op, dtype, arguments)
        np.testing.assert_array_equal(state, before)
        state = after
        runs.append(values)
    check(key, runs)


@pytest.mark.parametrize("key", list(filter(is_traced, CASES)))
def test_traced_draws_what_tensorflow_drew(key, traced):
    op, dtype, arguments = json.loads(key)
    import jax

    step = jax.jit(lambda state: draw(traced, state, op, dtype, arguments))
    state = traced.asarray(first_state(np, op, arguments["seeds"]))
    runs = []
    for _ in CASES[key]:
        values, state = step(state)
        runs.append(np.asarray(values))
    check(key, runs)
    known = first_state(np, op, arguments["seeds"])
    for _ in CASES[key]:
        known = draw(xp_numpy, known, op, dtype, arguments)[1]
    np.testing.assert_array_equal(np.asarray(state), known)


def test_known_states_are_drawn_from_at_once(traced):
    state = philox.stateless_state(traced, np.array([1, 2]))
    values, after = philox.random_standard_normal(traced, state, (3,), np.float32)
    assert all(isinstance(v, np.ndarray) for v in (state, values, after))


def test_op_seeds_follow_the_graph():
    recorded = json.loads(str(np.load(DATA)["op_seeds"]))
    assert len(recorded) == 25
    for graph_seed, op_seed, want in recorded:
        assert list(philox.op_seeds(graph_seed, op_seed, last_id=2)) == want


def test_no_seed_is_another_state_each_time():
    states = [philox.initial_state(0, 0) for _ in range(3)]
    assert len({s.tobytes() for s in states}) == 3
    assert all(s[0] == 0 for s in states)


def test_counter_carries_into_its_high_half():
    last = 2**64 - 1
    state = np.array([last - 1, last, 7], np.uint64)
    np.testing.assert_array_equal(philox.skip(np, state, 2), [0, 0, 7])
    # Block 2 from there is block 0 of a counter of zero, which wrapped around.
    zero = np.array([0, 0, 7], np.uint64)
    first = philox.blocks(np, zero, np.zeros(1, np.uint64))
    third = philox.blocks(np, state, np.array([2], np.uint64))
    np.testing.assert_array_equal(first, third)


def test_philox_known_answers():
    """The published vectors of Random123 for philox4x32-10."""
    ones = np.array([2**64 - 1] * 3, np.uint64)
    zero = np.zeros(1, np.uint64)
    got = philox.blocks(np, np.zeros(3, np.uint64), zero)[0].tolist()
    assert got == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    got = philox.blocks(np, ones, zero)[0].tolist()
    assert got == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def test_int32_and_int64_seeds_are_one():
    narrow = philox.stateless_state(np, np.array([-3, 5], np.int32))
    wide = philox.stateless_state(np, np.array([-3, 5], np.int64))
    np.testing.assert_array_equal(narrow, wide)


def test_nothing_drawn_leaves_the_state():
    state = philox.initial_state(1, 2)
    for values, after in (
        philox.random_uniform_int(xp_numpy, state, (0, 3), 5, 5, np.int32),
        philox_distributions.random_gamma(state, (0,), np.ones(2)),
        philox_distributions.random_poisson(state, (0,), np.ones(2), np.int32),
        philox_distributions.multinomial(np, state, np.ones((2, 3)), 0, np.int32),
    ):
        assert values.size == 0
        np.testing.assert_array_equal(after, state)


def bounded(mean=0.0, stddev=1.0, low=-1.0, high=1.0, shape=(2, 3)):
    parameters = (np.asarray(p, np.float32) for p in (mean, stddev, low, high))
    state = philox.initial_state(1, 2)
    return philox_distributions.parameterized_truncated_normal(
        state, shape, *parameters
    )


def multinomial(logits, samples=1):
    state = philox.initial_state(1, 2)
    return philox_distributions.multinomial(np, state, logits, samples, np.int32)


REFUSED = {
    "Need minval < maxval, got 3 >= 3": lambda: philox.random_uniform_int(
        xp_numpy, philox.initial_state(1, 2), (1,), 3, 3, np.int32
    ),
    "seed must have shape [2], not [1,2]": lambda: philox.stateless_state(
        np, np.zeros((1, 2), np.int64)
    ),
    "logits should be a matrix, got shape [3]": lambda: multinomial(np.ones(3)),
    "num_samples should be nonnegative, got -1": lambda: multinomial(
        np.ones((1, 2)), -1
    ),
    "num_classes should be positive, got 0": lambda: multinomial(np.ones((1, 0))),
    "Invalid parameters": lambda: bounded(stddev=-1.0),
    "Input minvals should be a scalar or vector, got shape: [1,1]": lambda: bounded(
        low=[[0.0]]
    ),
    "Input means should have length 1 or shape[0], got shape: [3]": lambda: bounded(
        mean=[0.0, 1.0, 2.0]
    ),
    "RandomPoisson: rate should be finite.": lambda: (
        philox_distributions.random_poisson(
            philox.initial_state(1, 2), (1,), np.array(np.inf), np.int32
        )
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_bad_arguments_are_refused_in_tensorflows_words(text):
    with pytest.raises(errors.InvalidArgumentError) as caught:
        REFUSED[text]()
    assert str(caught.value).splitlines()[0] == text


def test_bounds_that_nothing_falls_within_are_reported():
    with pytest.raises(errors.InternalError, match="failed to accept a sample"):
        bounded(low=[0.0, 1e30], high=[1.0, 2e30])
