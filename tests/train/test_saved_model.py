"""SavedModels: written, read, and refused in the words of TensorFlow 1.15."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import retrograd as tf

saved_model = tf.saved_model


def network() -> tuple[Any, Any, Any]:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.get_variable("w", [2, 1], initializer=tf.ones_initializer())
    return x, w, tf.matmul(x, w, name="y")


def test_a_model_for_serving(tmp_path: Path) -> None:
    """It is read with one signature, under any scope; nothing is written over."""
    folder = str(tmp_path / "m")
    with tf.Graph().as_default(), tf.Session() as session:
        x, _, y = network()
        session.run(tf.global_variables_initializer())
        saved_model.simple_save(session, folder, {"x": x}, {"y": y})
        with pytest.raises(AssertionError, match="Export directory already exists"):
            saved_model.simple_save(session, folder, {"x": x}, {"y": y})
    assert sorted(os.listdir(folder)) == ["saved_model.pb", "variables"]
    assert saved_model.maybe_saved_model_directory(folder)
    for scope, prefix in ((None, ""), ("s", "s/")):
        with tf.Graph().as_default(), tf.Session() as session:
            found = saved_model.loader.load(session, ["serve"], folder, scope)
            signature = found.signature_def["serving_default"]
            assert signature.method_name == "tensorflow/serving/predict"
            assert [d.size for d in signature.inputs["x"].tensor_shape.dim] == [-1, 2]
            fed = {prefix + signature.inputs["x"].name: [[1.0, 2.0]]}
            out = prefix + signature.outputs["y"].name
            assert session.run(out, fed).tolist() == [[3.0]]


def test_a_predictor(tmp_path: Path) -> None:
    folder = str(tmp_path / "m")
    with tf.Graph().as_default(), tf.Session() as session:
        x, _, y = network()
        session.run(tf.global_variables_initializer())
        saved_model.simple_save(session, folder, {"x": x}, {"y": y})
    make = tf.contrib.predictor.from_saved_model
    for options in ({}, {"input_names": {"x": "x:0"}, "output_names": {"y": "y:0"}}):
        predict = make(folder, **options)
        assert predict({"x": [[1.0, 2.0]]})["y"].tolist() == [[3.0]]
        with pytest.raises(ValueError, match="unexpected keys in input_dict"):
            predict({"z": 1.0})
    with pytest.raises(ValueError, match="Available signatures are serving_default"):
        make(folder, signature_def_key="nope")
    with pytest.raises(ValueError, match="must both be specified"):
        make(folder, input_names={"x": "x:0"})


def test_tags_files_and_what_is_run(tmp_path: Path) -> None:
    """Several graphs share variables; files come along; the main operation is run."""
    folder, asset = str(tmp_path / "m"), tmp_path / "words.txt"
    asset.write_text("a b")
    with tf.Graph().as_default(), tf.Session() as session:
        x, w, y = network()
        session.run(tf.global_variables_initializer())
        name = tf.constant(str(asset), name="words")
        tf.add_to_collection(tf.GraphKeys.ASSET_FILEPATHS, name)
        builder = saved_model.builder.SavedModelBuilder(folder)
        with pytest.raises(AssertionError, match="has not been saved yet"):
            builder.add_meta_graph(["q"])
        signature = saved_model.predict_signature_def({"x": x}, {"y": y})
        assert saved_model.is_valid_signature(signature)
        builder.add_meta_graph_and_variables(
            session,
            [saved_model.tag_constants.TRAINING, "b"],
            {"foo": signature},
            assets_collection=tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS),
            main_op=tf.group(w.assign(w * 2.0)),
        )
        with pytest.raises(AssertionError, match="has already been saved"):
            builder.add_meta_graph_and_variables(session, ["q"])
        builder.add_meta_graph(["only"])
        assert builder.save() == f"{folder}/saved_model.pb".encode()
    asset.unlink()
    with tf.Graph().as_default(), tf.Session() as session:
        saved_model.loader.load(session, ["b", "train"], folder)
        assert session.run("y:0", {"x:0": [[1.0, 2.0]]}).tolist() == [[6.0]]
        kept = os.path.join(folder, "assets", "words.txt")
        assert Path(kept).read_text() == "a b"
    with tf.Graph().as_default(), tf.Session() as session:
        with pytest.raises(RuntimeError, match="with tags 'nope' could not be found"):
            saved_model.loader.load(session, ["nope"], folder)


def test_what_is_no_model(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        with pytest.raises(OSError, match="SavedModel file does not exist at"):
            saved_model.loader.load(session, ["serve"], str(tmp_path))
        (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff hello")
        with pytest.raises(OSError, match="Cannot parse file"):
            saved_model.loader.load(session, ["serve"], str(tmp_path))


def test_a_model_as_text(tmp_path: Path) -> None:
    folder = str(tmp_path / "m")
    with tf.Graph().as_default(), tf.Session() as session:
        network()
        session.run(tf.global_variables_initializer())
        builder = saved_model.Builder(folder)
        builder.add_meta_graph_and_variables(session, ["serve"])
        builder.save(as_text=True)
    with tf.Graph().as_default(), tf.Session() as session:
        saved_model.loader.load(session, ["serve"], folder)
        assert session.run("y:0", {"x:0": [[1.0, 2.0]]}).tolist() == [[3.0]]


def test_signatures() -> None:
    with tf.Graph().as_default():
        examples = tf.placeholder(tf.string, [None], name="e")
        scores = tf.placeholder(tf.float32, [None], name="s")
        classes = tf.placeholder(tf.string, [None], name="c")
        regression = saved_model.regression_signature_def(examples, scores)
        both = saved_model.classification_signature_def(examples, classes, scores)
        assert saved_model.is_valid_signature(regression)
        assert saved_model.is_valid_signature(both)
        assert sorted(both.outputs) == ["classes", "scores"]
        found = saved_model.get_tensor_from_tensor_info(both.outputs["scores"])
        assert found is scores
        with pytest.raises(ValueError, match="must be of type float32"):
            saved_model.regression_signature_def(examples, classes)
        with pytest.raises(ValueError, match="cannot be None or empty"):
            saved_model.predict_signature_def({}, {"y": scores})
        both.method_name = "other"
        assert not saved_model.is_valid_signature(both)
