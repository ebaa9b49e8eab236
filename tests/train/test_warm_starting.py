"""Variables that begin with values of a checkpoint; the numbers are those of 1.15."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd import errors


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "old").write_text("c\nx\na\n")
    (tmp_path / "new").write_text("a\nb\nc\n")
    numbers = np.arange(6, dtype=np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("emb", initializer=numbers.reshape(3, 2))
        tf.get_variable("logits", initializer=numbers.reshape(2, 3))
        tf.get_variable("b", initializer=[1.0, 2.0])
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(tmp_path / "m"))
    return str(tmp_path)


def zeros(name: str, shape: list[int], **more: Any) -> Any:
    return tf.get_variable(name, shape, initializer=tf.zeros_initializer(), **more)


def started(folder: str, build: Callable[[], Any], **options: Any) -> dict[str, Any]:
    with tf.Graph().as_default(), tf.Session() as session:
        build()
        tf.train.warm_start(folder, **options)
        session.run(tf.global_variables_initializer())
        return {v.op.name: session.run(v).tolist() for v in tf.global_variables()}


def info(folder: str, size: int, buckets: int, **more: Any) -> Any:
    return tf.train.VocabInfo(f"{folder}/new", size, buckets, f"{folder}/old", **more)


def test_which_variables(folder: str) -> None:
    def build() -> None:
        zeros("logits", [2, 3])
        zeros("b", [2], trainable=False)

    whole, none = [[0, 1, 2], [3, 4, 5]], [[0] * 3] * 2
    assert started(folder, build) == {"logits": whole, "b": [0, 0]}
    wanted = {"logits": none, "b": [1, 2]}
    assert started(folder, build, vars_to_warm_start=["b"]) == wanted
    wanted = {"logits": none, "b": [0, 0]}
    assert started(folder, build, vars_to_warm_start=None) == wanted
    names = {"c": "b"}
    found = started(folder, lambda: zeros("c", [2]), var_name_to_prev_var_name=names)
    assert found == {"c": [1, 2]}


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"vars_to_warm_start": 3}, ValueError, "must be a `list` or `str`"),
        ({"vars_to_warm_start": ["b", 3]}, ValueError, "must be all `Variable` or"),
        ({"var_name_to_prev_var_name": {"q": "b"}}, ValueError, "Perhaps you misspe"),
    ],
)
def test_what_is_refused(folder: str, options: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        started(folder, lambda: zeros("b", [2]), **options)
    with pytest.raises(ValueError, match="Tensor q is not found in"):
        started(folder, lambda: zeros("q", [2]))
    with pytest.raises(ValueError, match=r"new_row_vocab_size \(3\) \+ .* = 4"):
        started(
            folder,
            lambda: zeros("emb", [6, 2]),
            var_name_to_vocab_info={"emb": info(folder, 3, 1)},
        )


@pytest.mark.covers("GenerateVocabRemapping", "LoadAndRemapMatrix")
@pytest.mark.parametrize("parts", [None, 2])
def test_rows_of_a_vocabulary(folder: str, parts: int | None) -> None:
    split = parts and tf.fixed_size_partitioner(parts)
    made = info(folder, 3, 1, backup_initializer=tf.ones_initializer())
    found = started(
        folder,
        lambda: zeros("emb", [4, 2], partitioner=split),
        var_name_to_vocab_info={"emb": made},
    )
    assert np.concatenate(list(found.values())).tolist() == [
        [4, 5],
        [1, 1],
        [0, 1],
        [1, 1],
    ]


def test_columns_of_a_vocabulary(folder: str) -> None:
    found = started(
        folder,
        lambda: zeros("logits", [2, 4], use_resource=True),
        var_name_to_vocab_info={"logits": info(folder, 3, 1, axis=1)},
    )
    assert found == {"logits": [[2, 0, 0, 0], [5, 0, 3, 0]]}
    with pytest.raises(ValueError, match="only supported values for the axis"):
        info(folder, 3, 1, axis=2)


@pytest.mark.parametrize(
    ("rows", "columns", "values", "error", "text"),
    [
        ([2, -1], [1, -1], [5, 6], errors.InvalidArgumentError, "more missing values"),
        ([2, -1], [1, -1], [5] * 4, errors.InvalidArgumentError, "but only 3 elements"),
        ([2, 2], [1, 0], [], errors.UnimplementedError, "Old ID 2 is mapped to both"),
        ([2, 9], [1, 0], [], errors.InternalError, "out of bounds in dimension 0"),
        ([2], [1, 0], [], errors.InvalidArgumentError, "Size of row_remapping is 1"),
        ([2, 1], [1], [], errors.InvalidArgumentError, "its size is 1 instead of"),
        ([2, 1], [], [], errors.InvalidArgumentError, "its 2nd dimension is 3 inst"),
    ],
)
def test_what_the_op_refuses(
    folder: str, rows: Any, columns: Any, values: Any, error: Any, text: str
) -> None:
    name = "logits" if not columns else "emb"
    with tf.Graph().as_default(), tf.Session() as session:
        matrix = tf.raw_ops.LoadAndRemapMatrix(
            ckpt_path=folder + "/m",
            old_tensor_name=name,
            row_remapping=np.array(rows, np.int64),
            col_remapping=np.array(columns, np.int64),
            initializing_values=np.array(values, np.float32),
            num_rows=2,
            num_cols=2,
        )
        assert matrix.shape == (2, 2)
        with pytest.raises(error, match=text):
            session.run(matrix)
