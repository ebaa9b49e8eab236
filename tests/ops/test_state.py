"""Ops on variables: what they change, in which order, what they refuse."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import retrograd as tf
from retrograd import errors
from retrograd.ops.declare import F

KINDS = [False, True]
START = np.arange(6.0).reshape(3, 2)

SCATTERS = {
    "Update": lambda a, b: b,
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Min": np.minimum,
    "Max": np.maximum,
}


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def variable(resource, start=START):
    return tf.Variable(start, use_resource=resource)


def run(fetch, *before):
    """Initialize, run `before`, and give the value of `fetch`."""
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in before:
            session.run(step)
        return session.run(fetch)


@pytest.mark.parametrize("resource", KINDS)
@pytest.mark.parametrize("how", SCATTERS)
def test_scatter_changes_rows(how, resource):
    v = variable(resource)
    rows = np.array([[2.0, 3.0], [4.0, 0.5]])
    wanted = START.copy()
    wanted[[2, 0]] = SCATTERS[how](wanted[[2, 0]], rows)
    function = getattr(tf, f"scatter_{how.lower()}")
    np.testing.assert_allclose(run(function(v, [2, 0], rows)), wanted)


@pytest.mark.parametrize("resource", KINDS)
def test_scatter_of_a_repeated_index_adds_up(resource):
    v = variable(resource)
    done = tf.scatter_add(v, [1, 1, 1], np.ones((3, 2)))
    np.testing.assert_allclose(run(done)[1], START[1] + 3)


@pytest.mark.parametrize("resource", KINDS)
def test_scatter_takes_a_scalar(resource):
    v = variable(resource)
    np.testing.assert_allclose(run(tf.scatter_mul(v, [0, 2], 10.0))[2], START[2] * 10)


@pytest.mark.parametrize("resource", KINDS)
@pytest.mark.parametrize("how", ["update", "add", "sub"])
def test_scatter_nd_changes_elements_and_slices(how, resource):
    v = variable(resource)
    wanted = START.copy()
    change = SCATTERS[how.capitalize()]
    wanted[1, 0] = change(wanted[1, 0], 5.0)
    done = getattr(tf, f"scatter_nd_{how}")(v, [[1, 0]], [5.0])
    np.testing.assert_allclose(run(done), wanted)
    row = getattr(tf, f"scatter_nd_{how}")(v, [[2]], [[5.0, 6.0]])
    np.testing.assert_allclose(run(row)[2], change(START[2], [5.0, 6.0]))


@pytest.mark.parametrize("resource", KINDS)
def test_an_index_outside_is_refused(resource):
    v = variable(resource)
    done = tf.scatter_add(v, tf.placeholder_with_default([3], [1]), np.ones((1, 2)))
    with pytest.raises(errors.InvalidArgumentError, match=r"= 3 is not in \[0, 3\)"):
        run(done)


@pytest.mark.parametrize("resource", KINDS)
def test_updates_of_another_shape_are_refused_when_built(resource):
    v = variable(resource)
    with pytest.raises(ValueError, match="Dimension 0 in both shapes must be equal"):
        tf.scatter_add(v, [0], np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"must match the outer 1 dimensions"):
        tf.scatter_nd_add(v, [[0, 1]], [1.0, 2.0])


def test_assign_keeps_the_shape_unless_told():
    v = variable(False)
    free = tf.placeholder_with_default(np.ones(4), None)
    with pytest.raises(errors.InvalidArgumentError) as caught:
        run(tf.assign(v, free))
    assert caught.value.message.startswith(
        "Assign requires shapes of both tensors to match. lhs shape= [3,2] rhs shape= "
        "[4]"
    )
    assert run(tf.assign(v, free, validate_shape=False)).shape == (4,)


def test_a_fed_array_stays_the_callers():
    v = variable(False)
    fed = tf.placeholder(tf.float64, [3, 2])
    array = START.copy()
    with tf.Session() as session:
        session.run(tf.assign(v, fed), {fed: array})
        array[:] = -1
        np.testing.assert_allclose(session.run(v), START)
        read = session.run(v)
        read[:] = -1
        np.testing.assert_allclose(session.run(v), START)


@pytest.mark.parametrize("resource", KINDS)
def test_count_up_to_stops(resource):
    n = tf.Variable(0, use_resource=resource)
    count = tf.count_up_to(n, 2)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert [session.run(count), session.run(count)] == [0, 1]
        with pytest.raises(errors.OutOfRangeError, match="Reached limit of 2"):
            session.run(count)
        assert session.run(n) == 2


@pytest.mark.parametrize("resource", KINDS)
def test_reads_see_the_writes_they_depend_on(resource):
    v = tf.Variable(1.0, use_resource=resource)
    with tf.control_dependencies([tf.assign_add(v, 1.0)]):
        after = v.read_value() * 10.0
    assert run(after) == 20.0


def test_a_read_of_a_resource_comes_before_writes_it_does_not_depend_on():
    v = tf.Variable(1.0, use_resource=True)
    before = v.read_value()
    with tf.control_dependencies([tf.assign_add(v, 1.0)]):
        after = v.read_value()
    assert run([before, after]) == [1.0, 2.0]


@pytest.mark.parametrize("resource", KINDS)
def test_an_uninitialized_variable_is_named(resource):
    v = tf.Variable(1.0, name="weights", use_resource=resource)
    with tf.Session() as session:
        known = tf.is_variable_initialized(v)
        assert not session.run(known)
        with pytest.raises(errors.FailedPreconditionError, match="weights"):
            session.run(v)
        session.run(v.initializer)
        assert session.run(known)


@pytest.mark.parametrize("resource", KINDS)
def test_threads_lose_no_update(resource):
    v = tf.Variable(0.0, use_resource=resource)
    more = tf.assign_add(v, 1.0)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())

        def work():
            for _ in range(200):
                session.run(more)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert session.run(v) == 800


@pytest.mark.covers("DestroyTemporaryVariable", "TemporaryVariable")
def test_a_temporary_variable_ends_with_its_run():
    t = F.TemporaryVariable(shape=[2], dtype=tf.float32, var_name="t")
    t = tf.assign_add(tf.assign(t, [1.0, 2.0]), [1.0, 1.0])
    end = F.DestroyTemporaryVariable(t, var_name="t")
    with tf.Session() as session:
        for _ in range(2):
            np.testing.assert_allclose(session.run(end), [2.0, 3.0])
        wrong = F.DestroyTemporaryVariable(t, var_name="other")
        with pytest.raises(errors.NotFoundError):
            session.run(wrong)


@pytest.mark.covers("DestroyResourceOp", "VarHandleOp")
def test_a_destroyed_resource_is_gone():
    v = variable(True)
    gone = F.DestroyResourceOp(v.handle, ignore_lookup_error=False)
    with tf.Session() as session:
        session.run(v.initializer)
        session.run(gone)
        assert not session.run(v.is_initialized())
        with pytest.raises(errors.NotFoundError, match="does not exist"):
            session.run(gone)


@pytest.mark.covers("Variable")
def test_slots_of_unknown_shape_take_any():
    v = F.Variable(shape=[], dtype=tf.float32)
    assert v.shape.ndims is None
    assert run(tf.assign(v, [1.0, 2.0])).tolist() == [1.0, 2.0]


def test_a_read_has_the_dtype_of_its_variable(graph):
    v = variable(True)
    with pytest.raises(ValueError, match="wrong dtype"):
        F.ReadVariableOp(v.handle, dtype=tf.float32)
    assert run(F.VariableShape(v.handle)).tolist() == [3, 2]


def test_gathered_rows_give_slices_back():
    v = variable(True)
    loss = tf.reduce_sum(v.sparse_read([2, 0]) * [[1.0, 2.0], [3.0, 4.0]])
    slices = tf.gradients(loss, v)[0]
    assert isinstance(slices, tf.IndexedSlices)
    found = run(slices)
    assert found.indices.tolist() == [2, 0]
    assert found.values.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert found.dense_shape.tolist() == [3, 2]


def test_gathered_elements_scatter_their_gradient():
    v = variable(True)
    read = v.gather_nd([[0, 1], [2, 0], [0, 1]])
    np.testing.assert_allclose(run(read), [1.0, 4.0, 1.0])
    found = run(tf.gradients(read, v)[0])
    np.testing.assert_allclose(found, [[0, 2], [0, 0], [1, 0]])
    rows = tf.gradients(v.gather_nd([[1]]), v)[0]
    assert isinstance(rows, tf.IndexedSlices)


def test_a_reference_that_is_handed_on_can_be_assigned(graph):
    v = variable(False)
    handed = F.RefIdentity(v._ref())
    with tf.control_dependencies([tf.assign(handed, START + 1)]):
        after = tf.identity(handed)
    np.testing.assert_array_equal(run(after), START + 1)
