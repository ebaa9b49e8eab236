"""Sessions: what may be fetched and fed, partial runs, traces, time limits."""

import collections
import threading

import numpy as np
import pytest

import retrograd as tf
from retrograd.run import servers
from retrograd.run.fetches import register_session_run_conversion_functions
from retrograd.run.session import Session
from retrograd.train.server_lib import ClusterSpec, Server


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def test_dicts_are_planned_once():
    a = tf.constant([1.0, 2.0])
    with Session() as session:
        for _ in range(3):
            found = session.run({"a": a})
        assert found["a"].tolist() == [1, 2]
        assert len(session._executables) == 1


def test_structures_keep_their_types():
    Pair = collections.namedtuple("Pair", "first second")
    a, b = tf.constant(1), tf.constant("x")
    with Session() as session:
        found = session.run(Pair([a], collections.OrderedDict(b=b, a=(a, b.op))))
    assert found == Pair([1], collections.OrderedDict(b=b"x", a=(1, None)))


def test_nests_feed_nests():
    a, b, c = (tf.zeros([2]) for _ in range(3))
    with Session() as session:
        fed = {(((a,),), b, (c,)): ((([1, 1],),), [2, 2], ([3, 3],))}
        found = session.run([a, b, c], fed)
    assert [f.tolist() for f in found] == [[1, 1], [2, 2], [3, 3]]


def test_feeds_that_do_not_fit():
    number, text = tf.placeholder(tf.int32), tf.placeholder(tf.string)
    with Session() as session:
        with pytest.raises(TypeError, match="is not compatible with Tensor type"):
            session.run(number, {number: 2**40})
        with pytest.raises(TypeError, match=r"value 1 with type <class 'int'> is not"):
            session.run(text, {text: 1})
        with pytest.raises(TypeError, match="Cannot interpret feed_dict key"):
            session.run(number, {"nothing": 1})
        with pytest.raises(ValueError, match="Could not flatten dictionary"):
            session.run(number, {(number, text): (1,)})
        assert session.run(text, {text: np.array(["ä"], object)})[0] == "ä".encode()


def test_partial_runs_do_each_operation_once():
    a, b = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    noise = tf.random_uniform([])
    first, second = a + noise, (a + noise) * b
    with Session() as session:
        handle = session.partial_run_setup([first, second, noise], [a, b])
        one = session.partial_run(handle, first, {a: 1.0})
        two = session.partial_run(handle, second, {b: 3.0})
        drawn = session.partial_run(handle, noise)
        np.testing.assert_allclose([one, two], [1 + drawn, 3 * (1 + drawn)], rtol=1e-6)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Must run 'setup'"):
            session.partial_run(handle, first)


def test_partial_runs_say_what_does_not_fit():
    a = tf.placeholder(tf.float32, [])
    b, c = a + 1.0, a * 2.0
    with Session() as session:
        handle = session.partial_run_setup([b], [a])
        wrong = tf.errors.InvalidArgumentError
        with pytest.raises(wrong, match="can't be computed from the feeds"):
            session.partial_run(handle, b)
        with pytest.raises(wrong, match=r"fetch .* was not specified"):
            session.partial_run(handle, c, {a: 1.0})
        with pytest.raises(wrong, match=r"feed .* was not specified"):
            session.partial_run(handle, b, {c: 1.0})


def test_traces_name_operations_and_shapes():
    x = tf.placeholder(tf.float32, [2], name="x")
    y = tf.exp(x, name="y")
    options = tf.RunOptions(trace_level=3, output_partition_graphs=True)
    metadata = tf.RunMetadata()
    with Session() as session:
        session.run(y, {x: [0.0, 1.0]}, options, metadata)
        (device,) = metadata.step_stats.dev_stats
        (step,) = [n for n in device.node_stats if n.node_name == "y"]
        assert step.timeline_label == "y = Exp(x)"
        assert [d.size for d in step.output[0].tensor_description.shape.dim] == [2]
        assert [n.name for n in metadata.partition_graphs[0].node] == ["y"]
        session.run(y, {x: [0.0, 1.0]}, run_metadata=metadata)
        assert not metadata.HasField("step_stats")


def test_costs_after_so_many_runs():
    config = tf.ConfigProto()
    config.graph_options.build_cost_model = 2
    y = tf.zeros([3]) + tf.random_uniform([3])
    metadata = tf.RunMetadata()
    with Session(config=config) as session:
        session.run(y, run_metadata=metadata)
        assert not metadata.HasField("cost_graph")
        session.run(y, run_metadata=metadata)
    sizes = {n.name: n.output_info[0].size for n in metadata.cost_graph.node}
    assert sizes[y.op.name] == 12


def test_callables():
    x = tf.placeholder(tf.float32, name="x")
    y = tf.add(x, 1.0, name="y")
    with Session() as session:
        add = session.make_callable(y, [x])
        assert add(1.0) == 2
        assert add(1.0, 5.0) == 2  # what is too much is left out
        with pytest.raises(tf.errors.InvalidArgumentError, match="must feed a value"):
            add()
        with pytest.raises(TypeError, match="must be a list or tuple"):
            session.make_callable(y, x)
    with pytest.raises(RuntimeError, match="closed Session"):
        add(1.0)


def test_own_types_are_fetched_and_fed():
    class Square:
        def __init__(self, tensor):
            self.squared = tf.square(tensor)

    register_session_run_conversion_functions(
        Square,
        lambda s: ([s.squared], lambda values: values[0]),
        lambda s, value: [(s.squared, value)],
        lambda s: [s.squared],
    )
    square = Square(tf.constant([2.0, 3.0]))
    with Session() as session:
        assert session.run(square).tolist() == [4, 9]
        assert session.run(square, {square: [1.0, 1.0]}).tolist() == [1, 1]
        handle = session.partial_run_setup(square, [square])
        assert session.partial_run(handle, square, {square: [5, 6]}).tolist() == [5, 6]


def test_sessions_say_what_they_cannot_be():
    with pytest.raises(TypeError, match="target must be a string"):
        Session(37)
    with pytest.raises(TypeError, match=r"config must be a tf\.ConfigProto"):
        Session(config=37)
    with pytest.raises(tf.errors.NotFoundError, match="No session factory registered"):
        Session("INVALID_TARGET")
    with pytest.raises(tf.errors.UnimplementedError, match="other processes"):
        Session("grpc://elsewhere:2222")
    with Session() as session, pytest.raises(RuntimeError, match="not re-entrant"):
        session.__enter__()


def test_a_second_interactive_session_warns():
    first = tf.InteractiveSession()
    with pytest.warns(UserWarning, match="An interactive session is already active"):
        second = tf.InteractiveSession()
    assert tf.get_default_session() is second
    first.close()
    assert tf.get_default_session() is second
    second.close()
    assert tf.get_default_session() is None


def test_devices_are_as_many_as_asked_for():
    with Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
        names = [d.name for d in session.list_devices()]
    assert names == [f"/job:localhost/replica:0/task:0/device:CPU:{i}" for i in (0, 1)]


def test_cycles_and_wrong_inputs_are_reported(graph):
    x, y = tf.constant(1), tf.constant(2)
    z = x + y
    z.op._update_input(0, tf.constant("a"))
    with Session() as session:
        with pytest.raises(
            tf.errors.InvalidArgumentError,
            match="Input 0 of node add was passed string from Const_2:0 incompatible "
            "with expected int32",
        ):
            session.run(x)
        z.op._update_input(0, x)
        assert session.run(z) == 3
        x.op._add_control_input(y.op)
        y.op._add_control_input(x.op)
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="contains a cycle with 2 nodes"
        ):
            session.run(z)


def test_servers_share_variables():
    server = Server.create_local_server()
    v = tf.Variable(1.0)
    with Session(server.target) as session:
        session.run(v.initializer)
        session.run(v.assign_add(1.0))
    with Session(server.target) as session:
        assert session.run(v) == 2
    Session.reset(server.target)
    with Session(server.target) as session:
        with pytest.raises(tf.errors.FailedPreconditionError):
            session.run(v)


def test_servers_of_other_processes_are_missed():
    cluster = ClusterSpec({"worker": ["localhost:9101"], "ps": ["localhost:9102"]})
    worker = Server(cluster, "worker")
    with pytest.raises(tf.errors.UnimplementedError, match="localhost:9102"):
        servers.find(worker.target)
    Server(cluster, "ps")
    assert servers.find(worker.target) is not None


def test_clusters():
    cluster = ClusterSpec({"ps": ["a:1", "b:1"], "worker": {1: "c:1"}})
    assert cluster.as_dict() == {"ps": ["a:1", "b:1"], "worker": {1: "c:1"}}
    assert cluster == ClusterSpec(cluster.as_cluster_def())
    assert cluster.job_tasks("worker") == [None, "c:1"]
    assert cluster.num_tasks("ps") == 2
    with pytest.raises(ValueError, match="No task with index 0 in job 'worker'"):
        cluster.task_address("worker", 0)
    with pytest.raises(ValueError, match="No such job in cluster: 'x'"):
        cluster.task_indices("x")


def test_many_threads_run_one_session():
    v = tf.Variable(0, use_resource=True)
    add = v.assign_add(1)
    with Session() as session:
        session.run(v.initializer)
        session.run(add)
        threads = [threading.Thread(target=session.run, args=(v,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert session.run(v) == 1


@pytest.mark.parametrize(
    ("dtype", "given", "wanted"),
    [
        (tf.uint8, [-1, 300], [255, 44]),
        (tf.int8, [[-1], [300]], [[-1], [44]]),
        (tf.int32, [2**33 + 1, -(2**31) - 1], [1, 2**31 - 1]),
        (tf.uint32, [2**63, 1], [0, 1]),
        (tf.uint64, [-1], [2**64 - 1]),
    ],
)
def test_integers_in_lists_keep_their_low_bits(dtype, given, wanted):
    x = tf.placeholder(dtype)
    with Session() as session:
        assert session.run(x, {x: given}).tolist() == wanted
        with pytest.raises(OverflowError, match="too large to convert to C long"):
            session.run(x, {x: [2**64]})
        with pytest.raises(OverflowError, match="too large to convert to C long"):
            session.run(x, {x: 2**64})
