"""tf.contrib.training, optimize_loss and the training operations of slim."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf

L, S, T = tf.contrib.layers, tf.contrib.slim, tf.contrib.training
SGD = tf.train.GradientDescentOptimizer


def hparams() -> Any:
    return T.HParams(a=1, b=2.5, c="s", d=[1, 2], e=True, f=[0.5], g=["x", "y"])


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("a=3", "a", 3),
        ("b=3", "b", 3.0),
        ("c=a=b", "c", "a=b"),
        ("d=[4,5,6]", "d", [4, 5, 6]),
        ("e=false", "e", False),
        ("e=2", "e", True),
        ("a=1, b=3,c=zz", "c", "zz"),
        ("g=[p,q],a=5", "g", ["p", "q"]),
        ("d=[]", "d", []),
    ],
)
def test_hyperparameters_are_read(text: str, name: str, value: object) -> None:
    found = getattr(hparams().parse(text), name)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=3.5", "Could not parse hparam 'a' of type 'int' with value '3.5' in a=3.5"),
        ("d=7", "Must pass a list for multi-valued parameter: d."),
        ("a=[1,2]", "Must not pass a list for single-valued parameter: a"),
        ("q=1", "Unknown hyperparameter type for q"),
        ("d=[1,2", "Malformed hyperparameter value: d=[1,2"),
        ("a=1,a=2", "Multiple assignments to variable 'a' in a=1,a=2"),
        (
            "a[0]=3",
            "Could not cast hparam 'a' of type '<class 'int'>' from value {0: 3}",
        ),
    ],
)
def test_wrong_hyperparameters_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        hparams().parse(text)
    assert str(error.value).startswith(message)


def test_hyperparameters_keep_their_types() -> None:
    h = T.HParams(b=1, a="x")
    assert repr(h) == "HParams([('a', 'x'), ('b', 1)])" and "a" in h
    with pytest.raises(ValueError, match="Could not cast hparam 'b'"):
        h.set_hparam("b", True)
    with pytest.raises(ValueError, match="Hyperparameter name is reserved: values"):
        h.add_hparam("values", 1)
    with pytest.raises(ValueError, match=r"is incompatible with default=2\.5\. Could"):
        h.get("b", 2.5)
    assert h.parse_json('{"b": 9}').to_json(sort_keys=True) == '{"a": "x", "b": 9}'


def trained(make: Any) -> tuple[list[float], list[str], int]:
    """What one step leaves: x, y; the summaries; and the step."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.get_variable("x", [2], initializer=tf.constant_initializer(3.0))
        y = tf.get_variable("y", [], initializer=tf.ones_initializer())
        step = tf.train.get_or_create_global_step()
        op = make(tf.reduce_sum(x * x) * y, x)
        session.run(tf.global_variables_initializer())
        session.run(op)
        names = [s.op.name for s in graph.get_collection("summaries")]
        values = session.run([x, y, step])
    return [float(values[0][0]), float(values[1])], names, int(values[2])


NORM, LOSS = "OptimizeLoss/global_norm/gradient_norm", "OptimizeLoss/loss"


@pytest.mark.parametrize(
    ("arguments", "values", "summaries"),
    [
        ((0.1, "SGD"), [2.4, -0.8], [NORM, LOSS]),
        ((0.1, tf.train.AdamOptimizer), [2.9, 0.9], [NORM, LOSS]),
        ((None, SGD(0.1)), [2.4, -0.8], [NORM, LOSS]),
        ((0.1, SGD), [2.4, -0.8], [NORM, LOSS]),
    ],
)
def test_losses_are_optimized(
    arguments: Any, values: list[float], summaries: list[str]
) -> None:
    found = trained(lambda loss, _: L.optimize_loss(loss, None, *arguments))
    assert found[0] == pytest.approx(values, rel=1e-5)
    assert found[1:] == (summaries, 1)


def test_gradients_of_an_optimized_loss_are_changed() -> None:
    def make(loss: Any, x: Any) -> Any:
        return L.optimize_loss(
            loss,
            None,
            0.1,
            "SGD",
            gradient_multipliers={x: 2.0},
            clip_gradients=1.0,
            learning_rate_decay_fn=lambda rate, step: rate / 2,
            summaries=L.OPTIMIZER_SUMMARIES,
            increment_global_step=False,
        )

    values, names, step = trained(make)
    norm = np.sqrt(2 * 12.0**2 + 18.0**2)
    assert values == pytest.approx([3 - 0.05 * 12 / norm, 1 - 0.05 * 18 / norm])
    assert step == 0
    assert names == [
        "OptimizeLoss/learning_rate_1",
        NORM,
        LOSS,
        "OptimizeLoss/gradients/x_0",
        "OptimizeLoss/gradient_norm/x_0",
        "OptimizeLoss/gradients/y_0",
        "OptimizeLoss/gradient_norm/y_0",
        "OptimizeLoss/global_norm/clipped_gradient_norm",
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"optimizer": "Nope"},
            "[Adagrad, Adam, Ftrl, Momentum, RMSProp, SGD], you",
        ),
        ({"learning_rate": -1.0}, "('Invalid learning_rate %s.', -1.0)"),
        ({"optimizer": 3}, "Unrecognized optimizer: should be string, subclass of"),
        ({"clip_gradients": "a"}, "Unknown type <class 'str'> for clip_gradients"),
        ({"summaries": ["q"]}, "gradient_norm, global_gradient_norm], you provided q."),
    ],
)
def test_wrong_arguments_of_optimize_loss(arguments: Any, text: str) -> None:
    given = {"learning_rate": 0.1, "optimizer": "SGD", **arguments}
    with pytest.raises(ValueError) as error:
        trained(lambda loss, _: L.optimize_loss(loss, None, **given))
    assert text in str(error.value)


def test_train_ops() -> None:
    def clipped(loss: Any, x: Any) -> Any:
        return S.learning.create_train_op(
            loss,
            SGD(0.1),
            clip_gradient_norm=1.0,
            gradient_multipliers={"x": 2.0},
            summarize_gradients=True,
        )

    values, names, step = trained(clipped)
    assert values == pytest.approx([2.9292893, 0.9]) and step == 1
    grads = ["x_gradient", "x_gradient_norm", "y_gradient", "y_gradient_norm"]
    assert names == ["summarize_grads/" + name for name in grads]
    found = trained(lambda loss, x: T.create_train_op(loss, SGD(0.1), None))
    assert found[0] == pytest.approx([2.4, -0.8]) and found[2] == 0


def test_a_train_op_waits_for_updates_and_is_collected() -> None:
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.get_variable("x", initializer=1.0)
        moved = tf.get_variable("moved", initializer=1.0, trainable=False)
        tf.add_to_collection("update_ops", tf.assign(moved, 5.0))
        op = T.create_train_op(x * x, SGD(0.1))
        assert op.op.name == "train_op/control_dependency"
        assert graph.get_collection("train_op")[-1] is op
        session.run(tf.global_variables_initializer())
        session.run(op)
        assert session.run(moved) == 5


@pytest.mark.parametrize(
    ("grads", "factors", "text"),
    [
        ([], {}, "`gradient_multipliers` is empty."),
        ([], [1], "`gradient_multipliers` must be a dict."),
        ((), {"x": 1.0}, "`grads_and_vars` must be a list."),
    ],
)
def test_wrong_factors_are_refused(grads: Any, factors: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        S.learning.multiply_gradients(grads, factors)


def test_summaries_of_tensors() -> None:
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.get_variable("x", initializer=[-1.0, 1.0, 2.0])
        assert L.summarize_tensor(x).op.name == "x_summary"
        assert L.summarize_tensor(tf.reduce_sum(x), "tg").op.type == "ScalarSummary"
        L.summarize_activation(tf.nn.relu(x))
        (again,) = L.summarize_collection("trainable_variables", "x")
        assert L.summarize_collection("trainable_variables", "y") == []
        names = [s.op.name for s in graph.get_collection("summaries")]
        both = ["Relu/zeros", "Relu/activation"]
        assert names == ["x_summary", "tg", *both, again.op.name]
        session.run(tf.global_variables_initializer())
        message = tf.Summary.FromString(session.run(tf.get_collection("summaries")[2]))
        # 1.15 counts what is below zero, and of a rectifier nothing is
        assert message.value[0].simple_value == 0
