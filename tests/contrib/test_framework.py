"""tf.contrib.framework: argument scopes; variables found, filtered and assigned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf

F = tf.contrib.framework


@F.add_arg_scope
def scoped(a: int, b: int = 1, c: int = 2) -> tuple[int, int, int]:
    return a, b, c


def plain(a: int) -> int:
    return a


def test_arguments_of_scopes_nest_and_calls_win() -> None:
    with F.arg_scope([scoped], b=3) as outer:
        with F.arg_scope([scoped], c=4) as inner:
            assert scoped(0) == (0, 3, 4)
            assert scoped(0, b=7) == (0, 7, 4)
            assert F.current_arg_scope() is inner
            with pytest.raises(TypeError, match="multiple values for argument 'b'"):
                scoped(0, 7)
        assert list(outer.values()) == [{"b": 3}]
        assert list(inner.values()) == [{"b": 3, "c": 4}]
    assert scoped(0) == (0, 1, 2)
    with F.arg_scope(inner):
        assert scoped(0) == (0, 3, 4)
    assert F.current_arg_scope() == {}


@pytest.mark.parametrize(
    ("ops", "arguments", "kind", "text"),
    [
        (scoped, {"b": 1}, TypeError, "list_ops_or_scope must either be a list/tuple"),
        ([plain], {"b": 1}, ValueError, "is not decorated with @add_arg_scope"),
        ({}, {"b": 1}, ValueError, "suppling adictionary, kwargs must be empty"),
    ],
)
def test_wrong_scopes_are_refused(
    ops: Any, arguments: dict[str, int], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text), F.arg_scope(ops, **arguments):
        pass


def test_what_can_be_scoped_is_known() -> None:
    assert F.has_arg_scope(scoped) and not F.has_arg_scope(plain)
    assert F.arg_scoped_arguments(scoped) == ("b", "c")
    assert scoped.__name__ == "scoped"


def names(variables: list[Any]) -> list[str]:
    return [v.op.name for v in variables]


def make() -> tuple[Any, Any]:
    v = F.variable("v", [2], regularizer=tf.nn.l2_loss)
    m = F.model_variable("a/m", [3], device="/cpu:0")
    F.local_variable([1.0], name="l")
    F.global_variable(1.0, name="g")
    return v, m


def test_variables_are_in_their_collections() -> None:
    with tf.Graph().as_default():
        _, m = make()
        assert names(tf.global_variables()) == ["v", "a/m", "g"]
        assert names(tf.trainable_variables()) == ["v", "a/m"]
        assert names(F.get_model_variables()) == ["a/m"]
        assert names(F.get_local_variables()) == ["l"]
        assert m.device == "/device:CPU:0"
        assert len(tf.losses.get_regularization_losses()) == 1


def test_variables_are_found_by_names() -> None:
    with tf.Graph().as_default():
        make()
        assert names(F.get_variables_by_name("m")) == ["a/m"]
        assert names(F.get_variables_by_suffix("m")) == ["a/m"]
        assert names(F.get_variables("a")) == ["a/m"]
        assert names(F.get_variables_to_restore(exclude=["a"])) == ["v", "g"]
        assert names(F.get_variables_to_restore(include=["a", "g"])) == ["a/m", "g"]
        every = tf.global_variables()
        assert names(F.filter_variables(every, ["m", "v"], ["a/"])) == ["v"]
        assert F.filter_variables(every, ["m"], reg_search=False) == []
        assert F.get_unique_variable("a/m").op.name == "a/m"
        with pytest.raises(ValueError, match="Couldn't find variable q"):
            F.get_unique_variable("q")
        with pytest.raises(TypeError, match="include is provided but is not a list"):
            F.get_variables_to_restore(include="a")


def test_values_are_assigned(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        v, m = make()
        session.run(tf.global_variables_initializer())
        F.assign_from_values_fn({"a/m": np.array([1.0, 2, 3])})(session)
        assert session.run(m).tolist() == [1, 2, 3]
        path = tf.train.Saver().save(session, str(tmp_path / "x"))
        zero = tf.assign(m, [0.0, 0, 0])
        session.run(zero)
        op, feed = F.assign_from_checkpoint(path, [m])
        assert [key.name for key in feed] == ["placeholder/a/m_1:0"]
        session.run(op, feed)
        assert session.run(m).tolist() == [1, 2, 3]
        session.run(zero)
        restore = F.assign_from_checkpoint_fn(path, {"a/m": m, "no": v}, True)
        assert restore is not None
        restore(session)
        assert session.run(m).tolist() == [1, 2, 3]
        assert F.list_variables(path)[0] == ("a/m", [3])
        with pytest.raises(ValueError, match=r"Checkpoint is missing variable \[no\]"):
            F.assign_from_checkpoint(path, {"no": m})
        with pytest.raises(ValueError, match=r"for a/m lh_shape: \[\(3,\)\], rh_sha"):
            F.assign_from_checkpoint(path, {"a/m": v})
        assert F.assign_from_checkpoint_fn(path, {"no": m}, True) is None


def test_devices_are_chosen_in_turn() -> None:
    with tf.Graph().as_default():
        op = tf.no_op()
    choose = F.VariableDeviceChooser(2)
    tasks = ["/job:ps/task:0", "/job:ps/task:1", "/job:ps/task:0"]
    assert [choose(op) for _ in range(3)] == [t + "/device:CPU:0" for t in tasks]


def test_shapes_are_checked() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, name="x")
        checked = F.with_shape([2], x)
        assert checked.shape.as_list() == [2]
        assert session.run(checked, {x: [1.0, 2.0]}).tolist() == [1, 2]
        with pytest.raises(tf.errors.InvalidArgumentError, match="Wrong shape for x:0"):
            session.run(checked, {x: [[1.0, 2.0]]})
        known = tf.zeros([3], name="known")
        assert F.with_shape([3], known) is known
        with pytest.raises(ValueError, match=r"known:0, expected \[2\], got \(3,\)"):
            F.with_shape([2], known)
        assert session.run(F.reduce_sum_n([known + 1, known + 2])) == 9
        with pytest.raises(ValueError, match="Expected integer type for known:0"):
            F.assert_scalar_int(known)
