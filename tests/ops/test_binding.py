"""Which input of an op is what, and what its kernel returns."""

from __future__ import annotations

import numpy as np
import pytest

import retrograd as tf
from retrograd.arrays import numpy as xp_numpy
from retrograd.functions import typed as function
from retrograd.graph.operation import Operation
from retrograd.ops.binding import Binding, Role, binding, input_names, keywords
from retrograd.ops.declare import find, load_all, registry


def _binding(op: Operation) -> Binding:
    declaration = find(op.type)
    assert declaration is not None
    return binding(declaration, op)


def _no_call(body: object) -> None:
    raise AssertionError(body)


def test_values_are_the_rule() -> None:
    with tf.Graph().as_default():
        op = tf.matmul(tf.ones([2, 3]), tf.ones([3, 4])).op
    found = _binding(op)
    assert found.names == ("a", "b")
    assert found.roles == (Role.VALUE, Role.VALUE)
    assert (found.changed, found.returned, found.referring) == (0, (0,), ())


def test_a_reference_that_is_changed() -> None:
    with tf.Graph().as_default():
        op = tf.Variable(1.0).assign_add(2.0).op
    found = _binding(op)
    assert found.roles == (Role.UPDATE, Role.VALUE)
    assert (found.updates, found.reads) == ((0,), ())
    # the kernel returns the new value; the output is a reference to it
    assert (found.changed, found.returned, found.referring) == (1, (), (0,))
    assert found.parts("new") == (("new",), ())


def test_a_handle_that_is_read_and_one_that_is_changed() -> None:
    with tf.Graph().as_default():
        variable = tf.get_variable("v", [2], use_resource=True)
        read, change = (
            variable.read_value().op.inputs[0].op,
            variable.assign_add([1, 2]),
        )
    read = read if read.type == "ReadVariableOp" else read.inputs[0].op
    assert _binding(read).roles == (Role.READ,)
    assert _binding(read).reads == (0,)
    changing = next(o for o in change.graph.get_operations() if "AssignAdd" in o.type)
    assert _binding(changing).roles == (Role.UPDATE, Role.VALUE)
    assert _binding(changing).referring == ()


def test_several_variables_change_at_once() -> None:
    with tf.Graph().as_default():
        x = tf.Variable([1.0])
        tf.train.AdamOptimizer().minimize(x * x)
        (op,) = (o for o in x.graph.get_operations() if o.type == "ApplyAdam")
    found = _binding(op)
    assert [found.names[i] for i in found.updates] == ["var", "m", "v"]
    assert (found.changed, found.referring) == (3, (0,))


def test_hidden_state_comes_first() -> None:
    with tf.Graph().as_default():
        op = tf.random_uniform([3], seed=1).op.inputs[0].op.inputs[0].op
    assert op.type == "RandomUniform"
    found = _binding(op)
    assert found.state and found.changed == 1 and found.returned == (0,)
    assert found.parts(("state", "numbers")) == (("state",), ("numbers",))


def test_an_op_that_calls_functions_may_be_passed_storage() -> None:
    with tf.Graph().as_default():
        op = tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0]).op
        while op.type not in ("While", "StatelessWhile"):
            op = op.inputs[0].op
    assert set(_binding(op).roles) == {Role.CELL}


def test_lists_of_other_lengths_have_another_binding() -> None:
    with tf.Graph().as_default():
        two = tf.concat([[1.0], [2.0]], 0).op
        three = tf.concat([[1.0], [2.0], [3.0]], 0).op
        again = tf.concat([[4.0], [5.0]], 0).op
    assert _binding(two).names == ("values", "values", "axis")
    assert _binding(three).names == ("values", "values", "values", "axis")
    assert _binding(again) is _binding(two)


def test_outputs_that_are_lists() -> None:
    with tf.Graph().as_default():
        parts = tf.unstack(tf.ones([3, 2]))
    assert _binding(parts[0].op).returned == (0, 1, 2)


def test_an_op_without_outputs_returns_nothing() -> None:
    with tf.Graph().as_default():
        op = tf.no_op()
    assert _binding(op).parts(None) == ((), ())


def test_an_op_without_a_signature_has_unnamed_inputs() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.constant(1.0)
        op = graph.add("OfALibrary", [x, x], {}, output_types=[tf.float32])
    assert input_names(op) == ["", ""]


def test_functions_called_by_name_are_told_apart() -> None:
    @function.Defun(tf.float32)
    def one(x):
        return x, x

    @function.Defun(tf.float32, tf.float32)
    def two(x, y):
        return x + y

    with tf.Graph().as_default():
        first, second = one(1.0)[0].op, two(1.0, 2.0).op
    assert (first.type, second.type) == (one.name, two.name)
    assert len(_binding(first).roles) == 1 and _binding(first).returned == (0, 1)
    assert len(_binding(second).roles) == 2 and _binding(second).returned == (0,)


def test_keywords_are_what_the_kernel_names() -> None:
    with tf.Graph().as_default():
        op = tf.cast([1.5], tf.int32).op
    declaration = find("Cast")
    assert declaration is not None
    named = keywords(declaration, op, {}, _no_call)
    assert named["DstT"] == np.dtype("int32")
    value = declaration.kernel(xp_numpy, np.array([1.5], np.float32), **named)
    assert value.dtype == np.int32


def test_a_kernel_that_needs_what_there_is_not_is_refused() -> None:
    with tf.Graph().as_default():
        op = tf.get_variable("v", [2]).op
    declaration = find(op.type)
    assert declaration is not None
    with pytest.raises(TypeError, match="The kernel of VariableV2 needs store"):
        keywords(declaration, op, {}, _no_call)
    assert keywords(declaration, op, {"store": 1}, _no_call)["store"] == 1


def test_every_declared_input_is_one_of_the_signature() -> None:
    """A name that no input has would say nothing."""
    from retrograd.graph import opdef

    load_all()
    for name, declaration in registry.items():
        op_def = opdef.lookup(name)
        assert op_def is not None
        static = () if callable(declaration.static) else declaration.static
        named = (*declaration.updates, *declaration.reads, *declaration.cells, *static)
        assert set(named) <= {a.name for a in op_def.inputs}, name
