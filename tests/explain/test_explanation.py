"""What an explanation says is what the engine did; nothing is left behind."""

from __future__ import annotations

import io
import json

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import retrograd
import retrograd as tf
from tests.explain.programs import PROGRAMS

UNARY = (tf.sin, tf.tanh, tf.exp, tf.square, tf.sigmoid, tf.negative, tf.identity)
BINARY = (tf.add, tf.multiply, tf.subtract, tf.maximum)


def random_graph(choices, shape):
    """A tensor made of a few leaves by operations that `choices` decide."""
    leaves = [tf.constant(np.linspace(-1, 1, 4)[i], tf.float64) for i in range(2)]
    leaves.append(tf.constant(np.linspace(-0.5, 0.8, 6).reshape(shape), tf.float64))
    made = list(leaves)
    for kind, first, second in choices:
        a, b = made[first % len(made)], made[second % len(made)]
        if kind < len(UNARY):
            made.append(UNARY[kind](a))
        elif kind < len(UNARY) + len(BINARY):
            made.append(BINARY[kind - len(UNARY)](a, b))
        else:
            made.append(tf.reduce_sum(a))
    return leaves, made[-1]


CHOICES = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 30), st.integers(0, 30)),
    min_size=1,
    max_size=12,
)


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(CHOICES, st.sampled_from([(6,), (2, 3)]))
def test_terms_sum_to_the_engines_gradient(choices, shape):
    with tf.Graph().as_default(), tf.Session() as session:
        leaves, y = random_graph(choices, shape)
        wanted = tf.gradients(y, leaves)
        reached = [x for x, g in zip(leaves, wanted, strict=True) if g is not None]
        if not reached:
            return
        expected = session.run([g for g in wanted if g is not None])
        found = retrograd.explain(y, reached)
        for node, value, want in zip(
            found.trace.xs, found.gradients, expected, strict=True
        ):
            np.testing.assert_array_equal(value, want)
            terms = [term.value for _, term in found.trace.terms_of(node)]
            if node not in found.trace.ys:
                np.testing.assert_allclose(sum(terms), want, rtol=1e-12, atol=1e-12)
        for made in found.derivations:
            want = found.gradients[found.trace.xs.index(made.node)][made.index]
            np.testing.assert_allclose(made.value, want, rtol=1e-12, atol=1e-12)
            paths = made.paths()
            if len(paths) < 64 and made.is_complete:
                total = sum(path.value for path in paths)
                np.testing.assert_allclose(total, want, rtol=1e-9, atol=1e-12)


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(CHOICES)
def test_partials_times_upstream_are_the_terms(choices):
    with tf.Graph().as_default():
        leaves, y = random_graph(choices, (2, 3))
        reached = [
            x
            for x, g in zip(leaves, tf.gradients(y, leaves), strict=True)
            if g is not None
        ]
        if not reached:
            return
        found = retrograd.explain(y, reached)
        for step in found.steps:
            partials = found.partials(step)
            for term in step.terms:
                partial = partials[term.position]
                assert partial is not None, step.op.type
                product = step.upstream[0] * partial
                np.testing.assert_allclose(product, term.whole, rtol=1e-6, atol=1e-9)


def test_the_graph_is_left_as_it_was():
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2], name="x")
        w = tf.get_variable("w", [2], use_resource=True)
        y = tf.reduce_sum(tf.square(x * w))
        graph.finalize()
        before = graph.as_graph_def(), graph.version, list(graph._names_in_use)
        consumers = y.consumers(), x.consumers(), w.handle.consumers()
        with tf.Session() as session:
            graph._unsafe_unfinalize()
            init = tf.global_variables_initializer()
            before = graph.as_graph_def(), graph.version, list(graph._names_in_use)
            consumers = y.consumers(), x.consumers(), w.handle.consumers()
            graph.finalize()
            session.run(init)
            retrograd.explain(y, None, {x: [1.0, 2.0]})
        assert graph.finalized
        after = graph.as_graph_def(), graph.version, list(graph._names_in_use)
        assert before == after
        assert consumers == (y.consumers(), x.consumers(), w.handle.consumers())


def test_a_loops_gradient_leaves_nothing_on_the_loop():
    with tf.Graph().as_default() as graph:
        x = tf.constant(1.5)
        n = tf.placeholder(tf.int32, [])
        _, y = tf.while_loop(
            lambda i, p: i < n, lambda i, p: (i + 1, p * x), [0, tf.constant(1.0)]
        )
        before = graph.as_graph_def()
        found = retrograd.explain(y, x, {n: 3})
        np.testing.assert_allclose(found.gradients[0], 3 * 1.5**2)
        assert graph.as_graph_def() == before
        (slope,) = tf.gradients(y, x)
        with tf.Session() as session:
            np.testing.assert_allclose(session.run(slope, {n: 4}), 4 * 1.5**3)


def test_the_session_goes_on_where_it_was():
    def draws(explaining):
        with tf.Graph().as_default():
            tf.set_random_seed(3)
            w = tf.Variable(1.0)
            noise = tf.random_normal([], seed=1)
            y = w * noise
            step = tf.assign_add(w, 1.0)
            with tf.control_dependencies([step]):
                after = tf.identity(y)
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                found = [session.run(y)]
                if explaining:
                    retrograd.explain(after, w)
                return [*found, session.run(y), session.run(w)]

    assert draws(True) == draws(False)


def test_values_are_the_next_runs():
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        x = tf.constant(2.0)
        y = x * tf.random_normal([], seed=1)
        with tf.Session() as session:
            found = retrograd.explain(y, x, session=session)
            assert found.value == session.run(y)


def test_names_are_tensors():
    with tf.Graph().as_default():
        x = tf.constant(2.0, name="x")
        tf.square(x, name="y")
        assert retrograd.explain("y", "x:0").gradients == [4.0]


def test_a_node_is_found_by_label_name_and_place():
    found = PROGRAMS["cost_of_two_weights"]()
    assert found.node("w") is found.node("n1") is found.node(0)
    assert found.derive("w", [1]).value == 28
    with pytest.raises(KeyError, match="no node 'v'"):
        found.node("v")
    with pytest.raises(IndexError, match=r"w has no element \[5\]"):
        found.derive(0, [5])


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_every_form_can_be_made(name):
    found = PROGRAMS[name]()
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [n["id"] for n in data["nodes"]] == [n.label for n in found.nodes]
    assert len(data["steps"]) == len(found.steps)
    assert found.latex.count(r"\begin{align*}") == 3
    from rich.console import Console

    console = Console(width=200, record=True, file=io.StringIO())
    console.print(found)
    assert "sums" in console.export_text()


# ---------------------------------------------------------------------- wrong input


def test_no_way_from_y_to_x():
    with tf.Graph().as_default():
        x, y = tf.constant(1.0, name="x"), tf.constant(2.0, name="y")
        with pytest.raises(ValueError, match=r"no derivative reaches x\.[^~]*why_none"):
            retrograd.explain(y, x)


def test_integers_have_no_derivative():
    with tf.Graph().as_default():
        x = tf.constant(1, name="x")
        with pytest.raises(TypeError, match=r"wrt has dtype int32[^~]*at: +x, made"):
            retrograd.explain(tf.cast(x, tf.float32), x)


def test_variables_without_a_session():
    with tf.Graph().as_default():
        w = tf.Variable(1.0)
        with pytest.raises(ValueError, match=r"no session holds their values[^~]*fix"):
            retrograd.explain(w * w, w)


def test_nothing_to_differentiate_by():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="depends on no trainable variable"):
            retrograd.explain(tf.constant(1.0) * 2)


def test_an_element_of_something_else():
    with tf.Graph().as_default():
        x, y = tf.constant([1.0]), tf.constant([2.0])
        with pytest.raises(KeyError, match="is not among wrt"):
            retrograd.explain(x * y, x, element={y: (0,)})


def test_eager_values_need_a_tape():
    from retrograd.graph import context

    with context.eager_mode():
        x = tf.constant(2.0)
        with pytest.raises(ValueError, match="no tape is given"):
            retrograd.explain(x * x, x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        tape.gradient(y, x)
        with pytest.raises(ValueError, match="the tape was used already"):
            retrograd.explain(y, x, tape=tape)


def test_paths_are_not_summed_where_some_were_left_out():
    with tf.Graph().as_default():
        x = tf.constant(np.linspace(0.1, 1.0, 20), tf.float32, name="x")
        s = tf.constant(2.0, name="s")
        found = retrograd.explain(tf.reduce_sum(x * s), s)
        (made,) = found.derivations
        assert made.rest[0] == 8 and not made.is_complete
        assert "and 8 more, together" in found.text
        assert "by paths" not in found.text


def test_an_x_that_is_made_from_another_is_followed_on():
    with tf.Graph().as_default():
        x = tf.constant(2.0, name="x")
        a = tf.square(x, name="a")
        b = tf.exp(a) * x
        found = retrograd.explain(b, [a, x])
        alone = retrograd.explain(b, a)
    assert "n2 = n1²" in found.sections["forward"]
    assert not any(made.opaque for made in found.derivations)
    paths = [path.value for path in found.derive("x").paths()]
    np.testing.assert_allclose(sum(paths), found.gradients[1], rtol=1e-6)
    assert len(paths) == 2
    assert alone.node("a").role == "input"


def test_sections_make_up_the_text():
    explanation = PROGRAMS["cost_of_two_weights"]()
    parts = explanation.sections
    assert list(parts) == [
        "f",
        "forward",
        "backward",
        "sums",
        "by element of f",
        "element by element",
    ]
    assert "\n\n".join(parts.values()) == explanation.text
    assert parts["sums"].startswith("sums\n  ∂f/∂w = ∂f/∂n1 = [6, 28]")
    assert "by element of f" not in PROGRAMS["polynomial"]().sections


def test_constants_have_the_name_that_the_program_gave():
    with tf.Graph().as_default():
        x = tf.constant(2.0, name="x")
        y = tf.constant(5.0, name="y")
        text = retrograd.explain(x * y + 3, x).text
        assert "n2 = y" in text and "n3 = 3" in text


def test_an_identity_with_a_gradient_of_its_own_is_shown():
    @tf.custom_gradient
    def reversed_(x):
        return tf.identity(x), lambda dy: -dy

    with tf.Graph().as_default() as graph, tf.Session() as session:
        w = tf.get_variable("w", initializer=3.0)
        session.run(w.initializer)
        plain = retrograd.explain(tf.square(tf.identity(w, name="again")), w)
        turned = retrograd.explain(tf.square(reversed_(w)), w)
        with graph.gradient_override_map({"Identity": "ExplainedReversal"}):
            again = tf.identity(w, name="turned")
        overridden = retrograd.explain(tf.square(again), w)
    assert [n.role for n in plain.trace.nodes] == ["input", "op"]
    assert [float(g) for e in (plain, turned, overridden) for g in e.gradients] == [
        6,
        -6,
        -12,
    ]
    for shown in (turned, overridden):
        assert "Identity" in [n.type.removesuffix("N") for n in shown.trace.nodes]


@tf.RegisterGradient("ExplainedReversal")
def _reversal(op, dy):
    del op
    return -2.0 * dy
