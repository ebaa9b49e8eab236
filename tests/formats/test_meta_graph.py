"""Graphs with their collections, whole and by name scope."""

import numpy as np
import pytest

import retrograd as tf
from retrograd.formats import graph_io, meta_graph


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def layer():
    """A scope with two variables of either kind that takes `images` from outside."""
    images = tf.ones([2, 3], name="images")
    with tf.name_scope("hidden"):
        weights = tf.Variable(tf.ones([3, 2]), name="weights")
        with tf.colocate_with(weights.op):
            bias = tf.Variable(tf.zeros([2]), name="bias", use_resource=True)
        out = tf.nn.relu(tf.matmul(images, weights) + bias, name="out")
    tf.add_to_collection("outputs", out)
    for item in ("text", 3, 2.5):
        tf.add_to_collection(f"of_{type(item).__name__}", item)
    return out


def test_a_graph_comes_back_from_a_file(graph, tmp_path):
    out = layer()
    path = str(tmp_path / "sub" / "meta")
    written = meta_graph.export_meta_graph(path, as_text=True)
    assert written.meta_info_def.tensorflow_version == "1.15.5"
    names = [op.name for op in written.meta_info_def.stripped_op_list.op]
    assert "MatMul" in names and names == sorted(names)
    with tf.Graph().as_default(), tf.Session() as session:
        found = meta_graph.import_scoped_meta_graph(path)
        assert sorted(found) == ["hidden/bias:0", "hidden/weights:0"]
        trained = tf.trainable_variables()
        assert [id(v) for v in trained] == [id(v) for v in tf.global_variables()]
        session.run(tf.global_variables_initializer())
        (again,) = tf.get_collection("outputs")
        assert again.name == out.name
        np.testing.assert_array_equal(session.run(again).shape, [2, 2])
        assert tf.get_collection("of_str") == ["text"]
        assert tf.get_collection("of_int") == [3]
        assert tf.get_collection("of_float") == [2.5]


def test_one_scope_and_its_inputs():
    layer()
    written, found = meta_graph.export_scoped_meta_graph(export_scope="hidden")
    assert sorted(found) == ["bias:0", "weights:0"]
    assert "$unbound_inputs_images" in {
        i for n in written.graph_def.node for i in n.input
    }
    assert all(not n.name.startswith("hidden") for n in written.graph_def.node)
    with tf.Graph().as_default(), tf.Session() as session:
        with pytest.raises(
            ValueError, match=r"Graph contains unbound inputs: .*images"
        ):
            meta_graph.import_scoped_meta_graph(written, import_scope="new")
        given = {"$unbound_inputs_images": tf.fill([2, 3], 2.0)}
        made, (out,) = meta_graph.import_scoped_meta_graph_with_return_elements(
            written, import_scope="new", input_map=given, return_elements=["out:0"]
        )
        assert made["weights:0"].name == "new/weights:0" and out.name == "new/out:0"
        session.run([v.initializer for v in made.values()])
        assert session.run(out).tolist() == [[6, 6], [6, 6]]


def test_a_scope_is_copied(graph):
    with tf.name_scope("a"):
        tf.Variable(1.0, name="v")
    found = meta_graph.copy_scoped_meta_graph("a", "b")
    assert [v.name for v in found.values()] == ["b/v:0"]
    assert [v.name for v in tf.global_variables()] == ["a/v:0", "b/v:0"]
    with pytest.raises(ValueError, match="need to be different"):
        meta_graph.copy_scoped_meta_graph("a", "a")


def test_devices_are_cleared():
    with tf.device("/gpu:0"):
        tf.constant(1, name="c")
    written = meta_graph.export_meta_graph(clear_devices=True)
    assert written.graph_def.node[0].device == ""


def test_defaults_are_stripped():
    tf.complex(tf.constant(1.0), tf.constant(2.0), name="c")
    tf.complex(
        tf.constant(1.0, tf.float64), tf.constant(2.0, tf.float64), name="double"
    )
    written = meta_graph.export_meta_graph(strip_default_attrs=True)
    nodes = {n.name: n for n in written.graph_def.node}
    assert set(nodes["c"].attr) == {"_output_shapes"}
    assert set(nodes["double"].attr) == {"T", "Tout", "_output_shapes"}
    assert written.meta_info_def.stripped_default_attrs


def test_savers_besides_the_given_one_are_left_out():
    from tensorboard.compat.proto.saver_pb2 import SaverDef

    with tf.Graph().as_default() as graph:
        for scope in ("save", "save_1"):
            with tf.name_scope(scope):
                tf.raw_ops.RestoreV2(
                    prefix="x", tensor_names=["a"], shape_and_slices=[""],
                    dtypes=[tf.float32], name="restore"
                )  # fmt: skip
        saver = SaverDef(
            save_tensor_name="save/restore:0", restore_op_name="save/restore"
        )
        excluded = meta_graph._savers_besides(graph.as_graph_def(), saver)
    assert excluded and all(name.startswith("save_1/") for name in excluded)


def test_what_cannot_be_written_is_left_out(caplog):
    tf.add_to_collection("odd", object())
    tf.constant(1)
    assert not meta_graph.export_meta_graph().collection_def


def test_wrong_arguments(tmp_path):
    with pytest.raises(TypeError, match="graph must be of type Graph"):
        meta_graph.create_meta_graph_def(graph=3)
    with pytest.raises(TypeError, match="graph_def must be of type GraphDef"):
        meta_graph.create_meta_graph_def(graph_def=tf.NodeDef(name="x"))
    with pytest.raises(OSError, match="does not exist"):
        meta_graph.read_meta_graph_file(str(tmp_path / "none"))
    (tmp_path / "odd").write_bytes(b"\xff\xfe what is this")
    with pytest.raises(OSError, match="Cannot parse file"):
        meta_graph.read_meta_graph_file(str(tmp_path / "odd"))
    with pytest.raises(ValueError, match="Op Foo is used by the graph, but is not"):
        meta_graph.stripped_op_list_for_graph(
            tf.GraphDef(node=[tf.NodeDef(name="a", op="Foo")])
        )


def test_where_operations_were_made(tmp_path):
    tf.constant(1, name="c")
    meta_graph.export_meta_graph(str(tmp_path / "m.meta"), save_debug_info=True)
    from tensorboard.compat.proto.graph_debug_info_pb2 import GraphDebugInfo

    info = graph_io.read_message(str(tmp_path / "m.debug"), GraphDebugInfo())
    first = info.traces["c"].file_line_cols[0]
    assert info.files[first.file_index] == __file__


def test_frames_of_loops_are_left_out():
    with tf.Graph().as_default():
        tf.constant(1.0)
        written = tf.train.export_meta_graph()
    # messages of TensorFlow, which are no text
    written.collection_def["while_context"].bytes_list.value.append(b"\n\x84")
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(written)
        assert graph.get_all_collection_keys() == []
        assert len(graph.get_operations()) == 1
