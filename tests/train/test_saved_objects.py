"""SavedModels of objects: written and read here, and those that TensorFlow wrote."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.formats import structures
from retrograd.train.saved_model_loader import parse_saved_model

DATA = Path(__file__).parent.parent / "data" / "saved_objects.zip"


@pytest.fixture(autouse=True)
def _eagerly() -> Iterator[None]:
    from retrograd.graph import context

    with context.eager_mode():
        yield


class Net(tf.Module):
    """The same as in `make_saved_objects.py`, but for its size."""

    def __init__(self) -> None:
        super().__init__()
        self.w = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="w")
        self.b = tf.Variable([0.5, 0.5], name="b")
        self.layers = [tf.Variable(2.0), tf.Variable(3.0)]
        self.big = tf.constant(np.arange(400.0, dtype="float32"))

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def __call__(self, x: Any) -> Any:
        y = tf.nn.relu(tf.matmul(x, self.w) + self.b)
        return y * self.layers[0] + self.big[3]

    @tf.function
    def loop(self, x: Any, n: int = 3) -> Any:
        _, y = tf.while_loop(
            lambda i, y: i < n, lambda i, y: (i + 1, y * self.layers[1]), [0, x]
        )
        return {"y": y, "z": tf.cond(x > 0, lambda: x, lambda: -x), "l": [x, x]}


def check(model: Any, folder: str) -> None:
    """What 1.15.5 computes with each of these models."""
    x = tf.constant([[1.0, -1.0], [2.0, 3.0]])
    expected = [[3.0, 3.0], [26.0, 36.0]]
    np.testing.assert_array_equal(model(x).numpy(), expected)
    found = model.loop(tf.constant(2.0))
    assert {k: np.array(v).tolist() for k, v in found.items()} == {
        "y": 54.0,
        "z": 2.0,
        "l": [2.0, 2.0],
    }
    assert model.loop(tf.constant(-2.0), 4)["y"].numpy() == -162
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model(x))
    slopes = [g.numpy().tolist() for g in tape.gradient(total, [model.w, model.b])]
    assert slopes == [[[4.0, 4.0], [6.0, 6.0]], [2.0, 2.0]]
    model.layers[0].assign(1.0)
    np.testing.assert_array_equal(model(x).numpy(), [[3.0, 3.0], [14.5, 19.5]])
    (served,) = model.signatures.values()
    assert list(served(tf.constant([[0.0, 0.0]]))) == ["output_0"]
    with pytest.raises(ValueError, match=r"^Could not find matching function to call"):
        model.loop(tf.constant("a"))
    with pytest.raises(ValueError, match=r"^Python inputs incompatible with input_sig"):
        model(tf.constant(1))
    with tf.Graph().as_default(), tf.Session() as session:
        signature = tf.saved_model.loader.load(session, ["serve"], folder)
        (names,) = (
            s for k, s in signature.signature_def.items() if k == "serving_default"
        )
        (fed,), (fetched,) = names.inputs.values(), names.outputs.values()
        assert session.run(fetched.name, {fed.name: [[1.0, -1.0]]}).tolist() == [[3, 3]]


@pytest.mark.parametrize("version", ["1", "2"])
def test_models_that_tensorflow_wrote_are_read(version: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(DATA) as archive:
        archive.extractall(tmp_path)
    folder = str(tmp_path / version)
    check(tf.saved_model.load_v2(folder), folder)


def test_models_are_read_as_they_were_written_and_written_again(tmp_path: Path) -> None:
    net = Net()
    net.loop(tf.constant(2.0))
    net.loop(tf.constant(2.0), 4)
    first, second = str(tmp_path / "a"), str(tmp_path / "b")
    tf.saved_model.save(net, first, signatures=net.__call__)
    read = tf.saved_model.load_v2(first, tags="serve")
    assert (read.tensorflow_version, read.w.name) == (tf.__version__, "w:0")
    tf.saved_model.save(read, second)  # the one function that can be served
    check(read, first)
    check(tf.saved_model.load_v2(second), second)


def test_what_is_written_is_what_tensorflow_writes(tmp_path: Path) -> None:
    net = Net()
    net.loop(tf.constant(2.0))
    tf.saved_model.save(net, str(tmp_path))
    with zipfile.ZipFile(DATA) as archive:
        archive.extractall(tmp_path)
    ours = parse_saved_model(tmp_path).meta_graphs[0]
    theirs = parse_saved_model(tmp_path / "1").meta_graphs[0]
    assert list(ours.meta_info_def.tags) == list(theirs.meta_info_def.tags)
    assert set(ours.signature_def) == set(theirs.signature_def)
    assert (
        ours.signature_def["serving_default"]
        == (theirs.signature_def["serving_default"])
    )

    def said(meta_graph: Any) -> list[Any]:
        nodes = meta_graph.object_graph_def.nodes
        found = []
        for node in nodes:
            for child in node.children:
                kind = nodes[child.node_id]
                which = kind.WhichOneof("kind")
                text = kind.user_object.identifier or kind.variable.name
                spec = kind.function.function_spec.fullargspec.SerializeToString()
                found.append((child.local_name, which, text, spec))
        return sorted(found)

    assert said(ours) == said(theirs)


def test_in_a_graph_initializing_restores(tmp_path: Path) -> None:
    with zipfile.ZipFile(DATA) as archive:
        archive.extractall(tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        model = tf.saved_model.load_v2(str(tmp_path / "1"))
        out = model(tf.constant([[1.0, -1.0]]))
        session.run(tf.global_variables_initializer())
        assert session.run(out).tolist() == [[3.0, 3.0]]


def test_bad_objects_signatures_tags_and_folders_are_refused(tmp_path: Path) -> None:
    net, folder = Net(), str(tmp_path / "m")
    with pytest.raises(ValueError, match=r"^Expected a Trackable object for export, g"):
        tf.saved_model.save(3, folder)
    for wrong in (3, net.loop):
        with pytest.raises(ValueError, match=r"^Expected a TensorFlow function to gen"):
            tf.saved_model.save(net, folder, signatures=wrong)
    outside = tf.Variable(1.0)

    class Forgets(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
        def __call__(self, x: Any) -> Any:
            return outside * x

    with pytest.raises(AssertionError, match=r"^Tried to export a function which refe"):
        tf.saved_model.save(Forgets(), folder)
    with pytest.raises(OSError, match=r"^SavedModel file does not exist at: "):
        tf.saved_model.load_v2(folder)
    tf.saved_model.save(tf.train.Checkpoint(a=outside), folder)
    assert tf.saved_model.load_v2(folder).a.numpy() == 1
    with pytest.raises(ValueError, match=r"has one MetaGraph with tags \['serve'\], b"):
        tf.saved_model.load_v2(folder, tags="other")
    served = tf.saved_model.load_v2(folder).signatures
    assert dict(served) == {}


@pytest.mark.parametrize(
    "structure",
    [
        None,
        [1, 2.5, True, "text", (None, [])],
        {"a": tf.TensorShape([None, 3])},
        tf.int64,
        tf.TensorSpec([2, None], tf.float32, name="x"),
        (tf.SparseTensorSpec([2, 2], tf.float32),),
    ],
)
def test_structures_come_back(structure: Any) -> None:
    assert repr(structures.decode(structures.encode(structure))) == repr(structure)


def test_what_no_message_can_say_is_refused() -> None:
    with pytest.raises(structures.NotEncodableError, match=r"^No encoder for object"):
        structures.encode([object()])
