"""tf.contrib.graph_editor: what TensorFlow 1.15.5 finds, rewires and copies.

What is found in waves has no order there.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import retrograd as tf

ge = tf.contrib.graph_editor


@pytest.fixture
def g() -> Iterator[Any]:
    with tf.Graph().as_default() as graph:
        with tf.name_scope("s"):
            a, b = tf.constant([1.0, 2.0], name="a"), tf.constant([3.0, 4.0], name="b")
            c = tf.add(a, b, name="c")
            d = tf.multiply(c, a, name="d")
            e = tf.identity(d, name="e")
        f = tf.add(e, c, name="f")
        yield SimpleNamespace(graph=graph, a=a, b=b, c=c, d=d, e=e, f=f)


def names(found: Any) -> list[str]:
    return [each.name for each in found]


def edges(graph: Any, after: int = 2) -> dict[str, list[str]]:
    """The inputs of operations by their names."""
    return {op.name: names(op.inputs) for op in graph.get_operations()[after:]}


def test_walks(g: Any) -> None:
    back, forward = ge.get_backward_walk_ops, ge.get_forward_walk_ops
    assert sorted(names(back(g.e))) == ["s/a", "s/b", "s/c", "s/d", "s/e"]
    found = back([g.f.op], inclusive=False, stop_at_ts=[g.c])
    assert names(found) == ["s/e", "s/d", "s/a"]
    assert names(back([g.d.op], within_ops=[g.c.op, g.d.op])) == ["s/d", "s/c"]
    assert sorted(names(forward(g.b.op))) == ["f", "s/b", "s/c", "s/d", "s/e"]
    within = [g.c.op, g.d.op, g.e.op]
    assert names(forward([g.a, g.b], inclusive=False, within_ops=within)) == ["s/e"]
    between = ge.get_walks_intersection_ops([g.c.op], [g.e.op])
    assert sorted(names(between)) == ["s/c", "s/d", "s/e"]
    assert len(ge.get_walks_union_ops([g.c.op], [g.e.op])) == 6
    near = ge.get_within_boundary_ops(g.graph, [g.d.op], [g.c.op, g.f.op])
    assert sorted(names(near)) == ["f", "s/a", "s/c", "s/d", "s/e"]


def test_lists(g: Any) -> None:
    graph = g.graph
    assert names(ge.filter_ts([g.d.op], True)) == ["s/c:0", "s/a:0", "s/d:0"]
    assert names(ge.filter_ops_from_regex(graph, "c$")) == ["s/c"]
    assert names(ge.filter_ops(graph, lambda op: op.type == "Const")) == ["s/a", "s/b"]
    assert len(ge.get_name_scope_ops(graph, "s")) == 5
    assert len(ge.get_tensors(graph)) == 6
    boundary = ge.compute_boundary_ts([g.c.op, g.d.op])
    wanted = [["s/a:0", "s/b:0"], ["s/c:0", "s/d:0"], ["s/c:0"]]
    assert [names(each) for each in boundary] == wanted
    assert names(ge.get_generating_ops([g.c, g.d])) == ["s/c", "s/d"]
    assert names(ge.get_consuming_ops([g.c])) == ["s/d", "f"]
    assert names(ge.get_ops_ios(g.d.op)) == ["s/c", "s/a", "s/e"]
    assert names(ge.select_ops("^s/[cd]$", graph=graph)) == ["s/c", "s/d"]
    assert names(ge.select_ts("(?#ts)^s/[cd]:0", graph=graph)) == ["s/c:0", "s/d:0"]
    with pytest.raises(ValueError, match="Use the keyword argument 'graph' to use"):
        ge.select_ops("^s/[cd]$")
    with pytest.raises(TypeError, match="Expected a type in"):
        ge.make_list_of_op([g.a])


def test_views(g: Any) -> None:
    view = ge.sgv([g.c.op, g.d.op])
    assert (names(view.inputs), names(view.outputs)) == (
        ["s/a:0", "s/b:0"],
        ["s/c:0", "s/d:0"],
    )
    assert names(view.consumers()) == ["s/d", "f", "s/e"]
    other = view.remap([1], [0])
    assert (names(other.inputs), names(other.outputs)) == (["s/b:0"], ["s/c:0"])
    assert names(other.remap_default().inputs) == ["s/a:0", "s/b:0"]
    assert names(ge.sgv_scope("s", graph=g.graph).outputs) == ["s/c:0", "s/e:0"]
    assert view.find_op_by_name("s/d") is g.d.op and view.input_index(g.b) == 1
    assert names(ge.sgv(g.c.op, g.e).passthroughs) == ["s/e:0"]
    with pytest.raises(ValueError, match=r"^Out of \[0, 2\[ range: 7$"):
        view.remap_inputs([7])


def test_copies(g: Any) -> None:
    made, info = ge.copy(ge.sgv([g.c.op, g.d.op, g.e.op]), dst_scope="copied")
    assert edges(g.graph, 6) == {
        "copied/geph__a_0": [],
        "copied/geph__b_0": [],
        "copied/s/c": ["copied/geph__a_0:0", "copied/geph__b_0:0"],
        "copied/geph__a_0_1": [],
        "copied/s/d": ["copied/s/c:0", "copied/geph__a_0_1:0"],
        "copied/s/e": ["copied/s/d:0"],
    }
    assert names(made.outputs) == ["copied/s/e:0"]
    assert info.transformed(g.c).name == "copied/s/c:0"
    assert info.original(info.transformed(g.d.op)) is g.d.op
    assert info.transformed([g.f, {"k": g.d}])[0] is None
    before = len(g.graph.get_operations())
    ge.copy(ge.sgv([g.c.op]), dst_scope="x", src_scope="s")
    assert list(edges(g.graph, before)) == ["x/geph__a_0", "x/geph__b_0", "x/c"]
    with pytest.raises(ValueError, match=r"^f does not belong to source scope: s/"):
        ge.copy(ge.sgv([g.f.op]), dst_scope="x", src_scope="s")


def test_a_graph_in_another(g: Any) -> None:
    other = tf.Graph()
    _, info = ge.copy(g.graph, other, dst_scope="k", reuse_dst_scope=True)
    assert list(edges(other, 0)) == [
        "k/s/a",
        "k/s/b",
        "k/s/c",
        "k/s/d",
        "k/s/e",
        "k/f",
    ]
    with tf.Session(graph=other) as session:
        assert session.run(info.transformed(g.f)).tolist() == [8.0, 18.0]


def test_tensors_of_other_inputs(g: Any) -> None:
    z = tf.constant([10.0, 20.0], name="z")
    f, d = ge.graph_replace([g.f, g.d], {g.a: z})
    assert edges(g.graph, 7) == {
        "s/c_1": ["z:0", "s/b:0"],
        "s/d_1": ["s/c_1:0", "z:0"],
        "s/e_1": ["s/d_1:0"],
        "f_1": ["s/e_1:0", "s/c_1:0"],
    }
    with tf.Session() as session:
        found = [value.tolist() for value in session.run([f, d, g.f])]
    assert found == [[143, 504], [130, 480], [8, 18]]
    made = ge.graph_replace({"k": g.f}, {g.b: g.a}, dst_scope="q")
    assert made["k"].name == "q/f:0"
    with pytest.raises(
        ValueError, match=r"^Targets and replacements are not connected"
    ):
        ge.graph_replace(g.b, {g.a: g.b})
    with pytest.raises(TypeError, match=r"^In op 's/c_2', input types \(\[tf.int32"):
        ge.graph_replace(g.f, {g.a: tf.constant(1)})


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        (lambda g: ge.reroute_ts([g.a], [g.b]), {"s/c": ["s/a:0", "s/a:0"]}),
        (
            lambda g: ge.reroute_ts([g.a], [g.c], can_modify=[g.f.op, g.d.op]),
            {"s/d": ["s/a:0", "s/a:0"], "f": ["s/e:0", "s/a:0"]},
        ),
        (
            lambda g: ge.swap_ts([g.a], [g.e], cannot_modify=[g.e.op, g.d.op, g.c.op]),
            {"f": ["s/a:0", "s/c:0"]},
        ),
        (
            lambda g: ge.reroute_inputs(ge.sgv(g.c.op), ge.sgv(g.f.op)),
            {"f": ["s/a:0", "s/b:0"]},
        ),
        (
            lambda g: ge.reroute_outputs(ge.sgv(g.a.op), ge.sgv(g.b.op)),
            {"s/c": ["s/a:0", "s/a:0"]},
        ),
        (lambda g: ge.connect(ge.sgv(g.a.op), ge.sgv(g.e.op)), {"s/e": ["s/a:0"]}),
        (
            lambda g: ge.detach(ge.sgv(g.d.op)),
            {
                "s/d": ["s/geph__c_0:0", "s/geph__a_0:0"],
                "s/e": ["s/geph__d_0:0"],
                "s/geph__c_0": [],
                "s/geph__a_0": [],
                "s/geph__d_0": [],
            },
        ),
        (
            lambda g: ge.bypass(ge.sgv(g.e.op)),
            {"s/e": ["s/geph__d_0:0"], "f": ["s/d:0", "s/c:0"], "s/geph__d_0": []},
        ),
    ],
)
def test_other_edges(g: Any, edit: Any, changed: dict[str, list[str]]) -> None:
    wanted = {**edges(g.graph), **changed}
    edit(g)
    assert edges(g.graph) == wanted


def test_what_runs_before(g: Any) -> None:
    ge.add_control_inputs(g.e.op, [g.a.op])
    assert g.e.op.control_inputs == [g.a.op]
    assert ge.ControlOutputs(g.graph).get(g.a.op) == [g.e.op]
    with pytest.raises(ValueError, match=r"^s/e is already a control_input of s/a$"):
        ge.add_control_inputs(g.e.op, g.a.op)
    ge.remove_control_inputs(g.e.op, g.a.op)
    assert g.e.op.control_inputs == []
    with pytest.raises(ValueError, match=r"^s/e is not a control_input of s/a$"):
        ge.remove_control_inputs(g.e.op, g.a.op)


def test_placeholders(g: Any) -> None:
    assert ge.ph(tf.float32, [2]).name == "geph:0"
    assert ge.make_placeholder_from_tensor(g.c).name == "s/geph__c_0:0"
    assert ge.make_placeholder_from_tensor(g.c, scope="z").name == "z/geph__c_0:0"
    assert ge.placeholder_name(scope="w") == "w/geph"


def test_gradients_through_what_is_computed_again() -> None:
    """As programs do that keep few tensors for the way back."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(np.linspace(-1, 1, 6).reshape(2, 3), tf.float32)
        weights = [tf.Variable(np.full((3, 3), 0.1 * i, "f4")) for i in (1, 2, 3, 4)]
        layers = [x]
        for weight in weights:
            layers.append(tf.tanh(tf.matmul(layers[-1], weight)))
        loss = tf.reduce_sum(layers[-1] ** 2)
        wanted = tf.gradients(loss, weights)
        kept = layers[2]
        within = ge.get_forward_walk_ops([x.op], inclusive=False)
        again = ge.get_backward_walk_ops(
            [loss.op], within_ops=within, stop_at_ts=[kept]
        )
        cut = tf.stop_gradient(kept)
        _, info = ge.copy_with_input_replacements(ge.sgv(again), {kept: cut})
        copied = info.transformed(loss)
        ge.add_control_inputs(copied.op, [kept.op])
        late = tf.gradients(copied, [cut, *weights[2:]])
        early = tf.gradients(kept, weights[:2], grad_ys=late[0])
        session.run(tf.global_variables_initializer())
        for value, right in zip(*session.run([early + late[1:], wanted]), strict=True):
            np.testing.assert_allclose(value, right, 1e-5)
