"""`saved_model_cli` and `freeze_graph`, as 1.15.5 prints and computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.train import freeze_graph, saved_model_cli


@pytest.fixture
def folder(tmp_path: Path) -> str:
    path = str(tmp_path / "m")
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        z = tf.matmul(x, tf.Variable([[1.0], [2.0]]), name="z")
        texts = tf.placeholder(tf.string, [None], name="ex")
        one = {"a": tf.FixedLenFeature([], tf.float32)}
        values = tf.parse_example(texts, one)["a"]
        session.run(tf.global_variables_initializer())
        builder = tf.saved_model.builder.SavedModelBuilder(path)
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {
                "serving_default": tf.saved_model.predict_signature_def(
                    {"x": x}, {"z": z}
                ),
                "reg": tf.saved_model.regression_signature_def(texts, values),
            },
        )
        builder.add_meta_graph(["train", "foo"], {})
        builder.save()
    return path


def cli(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["saved_model_cli", *arguments])
    saved_model_cli.main()


def test_what_is_shown(
    folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli(monkeypatch, "show", "--dir", folder)
    assert capsys.readouterr().out == (
        "The given SavedModel contains the following tag-sets:\nserve\nfoo, train\n"
    )
    at = ("show", "--dir", folder, "--tag_set", "serve")
    cli(monkeypatch, *at)
    assert capsys.readouterr().out.splitlines()[1:] == [
        'SignatureDef key: "reg"',
        'SignatureDef key: "serving_default"',
    ]
    cli(monkeypatch, *at, "--signature_def", "serving_default")
    assert capsys.readouterr().out == (
        "The given SavedModel SignatureDef contains the following input(s):\n"
        "  inputs['x'] tensor_info:\n"
        "      dtype: DT_FLOAT\n"
        "      shape: (-1, 2)\n"
        "      name: x:0\n"
        "The given SavedModel SignatureDef contains the following output(s):\n"
        "  outputs['z'] tensor_info:\n"
        "      dtype: DT_FLOAT\n"
        "      shape: (-1, 1)\n"
        "      name: z:0\n"
        "Method name is: tensorflow/serving/predict\n"
    )
    cli(monkeypatch, "show", "--dir", folder, "--all")
    text = capsys.readouterr().out
    assert "\nMetaGraphDef with tag-set: 'serve' contains the following Sig" in text
    assert "signature_def['reg']:\n  The given SavedModel SignatureDef con" in text
    with pytest.raises(RuntimeError, match=r"^MetaGraphDef associated with tag-set no"):
        cli(monkeypatch, "show", "--dir", folder, "--tag_set", "nope")


def test_what_is_run(
    folder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(*arguments: str, signature: str = "serving_default") -> str:
        at = ("run", "--dir", folder, "--tag_set", "serve", "--signature_def")
        cli(monkeypatch, *at, signature, *arguments)
        return capsys.readouterr().out

    shown = run("--input_exprs", "x=[[1.,2.],[3.,4.]]")
    assert shown == "Result for output key z:\n[[ 5.]\n [11.]]\n"
    file = tmp_path / "x.npz"
    np.savez(file, a=np.ones((1, 2)))
    out = str(tmp_path / "out")
    shown = run("--inputs", f"x={file}[a]", "--outdir", out)
    assert shown.endswith(f"Output z is saved to {out}/z.npy\n")
    assert np.load(f"{out}/z.npy").tolist() == [[3.0]]
    with pytest.raises(RuntimeError, match=r'already exists. Add "--overwrite" to ove'):
        run("--inputs", f"x={file}[a]", "--outdir", out)
    examples = "inputs=[{'a':[2.5]},{'a':[1.]}]"
    shown = run("--input_examples", examples, signature="reg")
    assert shown.splitlines()[-1] == "[2.5 1. ]"
    with pytest.raises(ValueError, match=r'^"bad" is not a valid input key. Please ch'):
        run("--input_exprs", "bad=3")
    with pytest.raises(AttributeError, match=r"^At least one of --inputs, --input_ex"):
        run()
    with pytest.raises(ValueError, match=r'^feature value must be a list, but a: "2.'):
        run("--input_examples", "inputs=[{'a':2.5}]", signature="reg")


def test_a_saved_model_is_frozen(folder: str, tmp_path: Path) -> None:
    path = str(tmp_path / "frozen.pb")
    arguments: Any = ["", "", False, "", "z", None, None, path, True, ""]
    freeze_graph.freeze_graph(*arguments, input_saved_model_dir=folder)
    frozen = tf.GraphDef()
    frozen.ParseFromString(Path(path).read_bytes())
    assert "VariableV2" not in {node.op for node in frozen.node}
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(frozen, name="")
        assert session.run("z:0", {"x:0": [[1.0, 2.0]]}).tolist() == [[5.0]]
