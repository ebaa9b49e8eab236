"""Computing an explanation anew from other leaves, by the page's own script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
import retrograd.explain.page
from retrograd.explain.data import SMALL
from retrograd.explain.portable import MOST_ELEMENTS, program
from retrograd.explain.values import as_data

_FOLDER = Path(retrograd.explain.page.__file__).parent
EVALUATE = "\n".join(
    (_FOLDER / name).read_text("utf-8") for name in ("special.js", "evaluate.js")
)

Build = Callable[..., Any]


def unary(x: Any) -> Any:
    y = tf.tanh(x) + tf.sigmoid(x) * tf.nn.relu(x) + tf.exp(x) - tf.square(x)
    y += tf.abs(x) + tf.nn.softplus(x) + tf.sin(x) * tf.cos(x) + tf.erf(x)
    y += tf.nn.elu(x) + tf.nn.selu(x) + tf.nn.leaky_relu(x) + tf.atan(x)
    y += tf.nn.softsign(x) + tf.nn.relu6(x) + tf.expm1(x) + tf.sinh(x) - tf.cosh(x)
    return tf.reduce_sum(y + tf.erfc(x) + tf.asinh(x) + tf.sign(x) * tf.round(x))


def positive(x: Any) -> Any:
    y = tf.log(x) + tf.sqrt(x) + tf.rsqrt(x) + tf.pow(x, 1.7) + tf.log1p(x) + 1 / x
    y += tf.lgamma(x) + tf.digamma(x) + tf.tan(x / 9) + tf.asin(x / 9)
    return tf.reduce_sum(y + tf.acos(x / 9) + tf.acosh(x + 1) + tf.atanh(x / 9) + x**3)


def binary(x: Any, y: Any) -> Any:
    z = tf.maximum(x, y) * tf.minimum(x, 2 * y) + tf.where(x > y, x * x, y * y - x)
    z += tf.squared_difference(x, y) + tf.atan2(x, y) + tf.clip_by_value(x, -0.5, 0.5)
    return tf.reduce_sum(z + tf.floordiv(x, y) + tf.mod(x, y))


def reductions(x: Any) -> Any:
    y = tf.reduce_mean(x) + tf.reduce_max(x) + tf.reduce_sum(tf.reduce_prod(x, 1))
    y += tf.reduce_logsumexp(x) + tf.reduce_sum(tf.reduce_min(x, 0)) + tf.norm(x)
    return y + tf.reduce_sum(tf.cumsum(x, 1) * x) + tf.reduce_sum(tf.cumprod(x, 0))


def dense(x: Any, w: Any, b: Any) -> Any:
    labels = tf.constant([[0.0, 1, 0], [0.5, 0.5, 0]])
    logits = tf.nn.bias_add(tf.matmul(x, w), b)
    losses = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
    return tf.reduce_mean(losses)


def sparse(x: Any) -> Any:
    labels = tf.constant([0, 2])
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
    )


def attention(q: Any, k: Any) -> Any:
    weights = tf.nn.softmax(tf.matmul(q, k, transpose_b=True))
    return tf.reduce_sum(tf.square(tf.matmul(weights, k)))


def shapes(x: Any) -> Any:
    y = tf.reduce_sum(tf.concat([tf.transpose(x), tf.reshape(x, [3, 2])], 1) ** 2)
    y += tf.reduce_sum(tf.stack([x[0], x[1, ::-1]]) ** 2)
    y += tf.reduce_sum(tf.tile(x, [2, 2]) * 2)
    y += tf.reduce_sum(tf.pad(x, [[1, 0], [0, 2]]) ** 2)
    y += tf.reduce_sum(tf.split(x, 3, 1)[1] ** 2) + tf.reduce_sum(tf.unstack(x)[0] * 3)
    y += tf.reduce_sum(tf.reverse(x, [1]) * x)
    y += tf.reduce_sum(tf.slice(x, [0, 1], [2, 2]) ** 2)
    return y + tf.reduce_sum(tf.expand_dims(x, 1) * tf.squeeze(x[None]))


def picking(x: Any) -> Any:
    y = tf.reduce_sum(tf.square(tf.gather(x, [2, 0, 0])))
    y += tf.reduce_sum(tf.gather_nd(x, [[0, 1], [2, 1]]) ** 2)
    y += tf.reduce_sum(tf.segment_sum(x, [0, 0, 1]) ** 2)
    y += tf.reduce_sum(tf.boolean_mask(x, [True, False, True]))
    return y + tf.reduce_sum(tf.square(tf.nn.top_k(x, 1)[0]))


def convolution(x: Any, w: Any, d: Any) -> Any:
    y = tf.nn.relu(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"))
    y = tf.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    y = tf.nn.avg_pool(y, [1, 2, 2, 1], [1, 1, 1, 1], "SAME")
    y = tf.reduce_sum(tf.square(y))
    y += tf.reduce_sum(tf.nn.conv2d(x, w, [1, 2, 2, 1], "VALID") ** 2)
    return y + tf.reduce_sum(tf.nn.depthwise_conv2d(x, d, [1, 1, 1, 1], "SAME") ** 2)


def normalization(x: Any, g: Any, b: Any) -> Any:
    mean, variance = tf.nn.moments(x, [0])
    y = tf.nn.batch_normalization(x, mean, variance, b, g, 1e-3)
    weights = tf.constant([[1.0, 2, 3]] * 4)
    return tf.reduce_sum(y * weights) + tf.reduce_sum(tf.nn.l2_normalize(x, 1))


def fused(x: Any, g: Any, b: Any) -> Any:
    return tf.reduce_sum(tf.nn.fused_batch_norm(x, g, b)[0] ** 3)


def dropout(x: Any) -> Any:
    return tf.reduce_sum(tf.nn.dropout(x, rate=0.4, seed=1) ** 2)


def vector(x: Any, y: Any) -> Any:
    return x * x * y


PROGRAMS: list[tuple[Build, list[list[int]]]] = [
    (unary, [[2, 3]]),
    (positive, [[4]]),
    (binary, [[3, 2], [3, 2]]),
    (reductions, [[3, 4]]),
    (dense, [[2, 4], [4, 3], [3]]),
    (sparse, [[2, 3]]),
    (attention, [[2, 3, 4], [2, 3, 4]]),
    (shapes, [[2, 3]]),
    (picking, [[3, 2]]),
    (convolution, [[1, 6, 6, 2], [3, 3, 2, 3], [2, 2, 2, 1]]),
    (normalization, [[4, 3], [3], [3]]),
    (fused, [[2, 2, 2, 3], [3], [3]]),
    (dropout, [[5]]),
    (vector, [[3], [3]]),
]


def explained(build: Build, values: Sequence[Any]) -> Any:
    """∂/∂x of what a function builds on placeholders that are fed."""
    with tf.Graph().as_default():
        xs = [
            tf.placeholder(v.dtype, v.shape, name=f"x{i}") for i, v in enumerate(values)
        ]
        return tf.explain(build(*xs), xs, dict(zip(xs, values, strict=True)))


def draw(shapes: Sequence[Sequence[int]], seed: int, least: float) -> list[Any]:
    random = np.random.RandomState(seed)
    found = [random.randn(*shape).astype(np.float32) for shape in shapes]
    return [np.abs(v) + np.float32(0.3) for v in found] if least else found


def numbers(explanation: Any, made: dict[str, Any]) -> list[tuple[str, int, Any]]:
    """What each output of a program has to be: a name, its place, an array."""
    places = made["places"]
    found = [
        (node.label, places["nodes"][node.label], node.value)
        for node in explanation.nodes
        if node.label in places["nodes"]
    ]
    for step, place in zip(explanation.steps, places["steps"], strict=True):
        partials = explanation.partials(step)
        for i, upstream in zip(place["upstream"], step.upstream, strict=True):
            found.append((f"upstream of {step.op.name}", i, upstream))
        for term, at in zip(step.terms, place["terms"], strict=True):
            name = f"{step.op.name}, input {term.position}"
            partial = partials[term.position]
            found.append((f"term of {name}", at["value"], term.value))
            found.append((f"whole term of {name}", at["whole"], term.whole))
            if at["partial"] is not None and partial is not None:
                found.append((f"partial of {name}", at["partial"], partial))
    for i, gradient in zip(places["gradients"], explanation.gradients, strict=True):
        found.append(("gradient", i, gradient))
    return found


def check(found: Sequence[Any], explanation: Any, made: dict[str, Any]) -> None:
    """Compare all numbers: the page sums in double precision, NumPy rounds as it goes.

    What cancels is as wrong as the largest element is, relatively.
    """
    wanted = numbers(explanation, made)
    assert wanted
    for name, place, array in wanted:
        if place is None:
            assert array is None, name
            continue
        largest = np.max(np.abs(array), initial=1, where=np.isfinite(array))
        np.testing.assert_allclose(
            found[place],
            np.reshape(array, -1),
            rtol=2e-5,
            atol=2e-6 * largest,
            err_msg=name,
        )


def run(browser: Any, made: dict[str, Any], explanation: Any) -> list[Any]:
    """The outputs of a program, computed by the page's script."""
    values = {node.label: node.value for node in explanation.nodes}
    inputs = [
        as_data(
            values[name] if isinstance(name, str) else explanation.trace.seeds[name]
        )
        for name in made["inputs"]
    ]
    browser.get("about:blank")
    text = "return evaluate(...arguments).map((x) => x.data.map(String))"
    found = browser.execute_script(f"{EVALUATE}\n{text}", made["listing"], inputs)
    return [np.array([float(v.replace("Infinity", "inf")) for v in o]) for o in found]


@pytest.mark.parametrize(
    ("build", "sizes"), PROGRAMS, ids=[build.__name__ for build, _ in PROGRAMS]
)
def test_the_page_computes_what_the_engine_does(
    browser: Any, build: Build, sizes: list[list[int]]
) -> None:
    least = 0.3 if build is positive else 0
    explanation = explained(build, draw(sizes, 1, least))
    made = program(explanation)
    assert "refused" not in made
    for seed in (1, 2):  # the leaves as they were, then others
        other = explained(build, draw(sizes, seed, least))
        check(run(browser, made, other), other, made)


def test_a_leaf_that_decides_what_was_drawn_stays_as_it_is() -> None:
    explanation = explained(dropout, draw([[5]], 1, 0))
    rate = explanation.node("dropout/rate")
    inputs = program(explanation)["inputs"]
    assert explanation.node("x0").label in inputs
    assert rate.label not in inputs


def test_float64_is_not_rounded_to_float32(browser: Any) -> None:
    explanation = explained(lambda x: tf.exp(x) / 3, [np.array(0.1)])
    found = run(browser, program(explanation), explanation)
    assert found[-1] == pytest.approx(np.exp(0.1) / 3, rel=1e-15)


def test_a_tape_is_computed_anew_too(browser: Any) -> None:
    from retrograd.graph import context

    def recorded(value: float) -> Any:
        with context.eager_mode(), tf.GradientTape(persistent=True) as tape:
            x = tf.constant([value, 2.0])
            tape.watch(x)
            y = tf.reduce_sum(tf.tanh(x) * x)
            return tf.explain(y, x, tape=tape)

    made = program(recorded(0.5))
    other = recorded(-1.5)
    check(run(browser, made, other), other, made)


def test_what_is_stopped_stays_stopped(browser: Any) -> None:
    with tf.Graph().as_default():
        x = tf.constant(3.0, name="x")
        square = x * x
        explanation = tf.explain(square * x, x, stop_gradients=[square])
    found = run(browser, program(explanation), explanation)
    assert explanation.gradients[0] == 9
    assert found[program(explanation)["places"]["gradients"][0]] == [9]


def refusal(build: Build, *values: Any) -> str:
    arrays = [np.asarray(v, np.float32) for v in values]
    return program(explained(build, arrays))["refused"]


def test_what_cannot_be_computed_says_which_and_why() -> None:
    def chain(x: Any) -> Any:
        for _ in range(SMALL):
            x = tf.tanh(x)
        return x

    assert refusal(chain, 1.0) == (f"there are {SMALL + 1} nodes, more than {SMALL}.")
    large = np.ones(MOST_ELEMENTS + 1)
    assert refusal(tf.reduce_sum, large) == (
        f"n1 has {MOST_ELEMENTS + 1} elements, more than {MOST_ELEMENTS}."
    )
    assert refusal(lambda x: tf.py_func(lambda a: a, [x], tf.float32) * 0 + x, 1.0) == (
        "PyFunc (PyFunc) is not a function of arrays alone."
    )
    assert refusal(lambda x: tf.cond(x > 0, lambda: x * x, lambda: -x), 1.0) == (
        "cond (StatelessIf) is a loop, a branch or a call."
    )
    assert refusal(lambda x: tf.real(tf.cast(x, tf.complex64)), 1.0) == (
        "n2 is complex."
    )
    assert "dtype float16" in refusal(lambda x: tf.cast(x, tf.float16), 1.0)


def test_a_gradient_of_its_own_is_refused() -> None:
    @tf.custom_gradient
    def doubled(x: Any) -> Any:
        y = x * 2
        return y, lambda dy: dy * y

    assert "cannot be built anew" in refusal(doubled, 1.0)


def test_nothing_is_traced_until_a_page_is_asked_for() -> None:
    import subprocess
    import sys

    text = (
        "import sys, retrograd as tf\n"
        "x = tf.constant(2.0)\n"
        "print(tf.explain(x * x, x).text)\n"
        "assert 'jax' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", text], check=True, capture_output=True)
