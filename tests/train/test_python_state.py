"""Arrays, lists, mappings and parts in checkpoints of objects, as 1.15.5 has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context

ckpt: Any = tf.contrib.checkpoint


@pytest.fixture(params=["graph", "eager"], autouse=True)
def _mode(request: pytest.FixtureRequest) -> Iterator[None]:
    with tf.Graph().as_default(), tf.Session():
        with context.eager_mode() if request.param == "eager" else nullcontext():
            yield


def names(path: str) -> list[str]:
    return [name for name, _ in tf.train.list_variables(path)][1:-1]


def test_arrays_are_saved_and_made_when_restored(tmp_path: Path) -> None:
    state = ckpt.NumpyState()
    state.x = np.zeros([3, 4])
    state.x[1, 1] = 4.0
    saved = tf.train.Checkpoint(arrays=state)
    path = saved.save(str(tmp_path / "a"))
    assert names(path) == ["arrays/x/.ATTRIBUTES/py_state"]
    state.x = np.ones(2)
    saved.restore(path).assert_consumed().run_restore_ops()
    assert state.x.shape == (3, 4) and state.x[1, 1] == 4
    other = ckpt.NumpyState()
    tf.train.Checkpoint(arrays=other).restore(path).run_restore_ops()
    np.testing.assert_array_equal(other.x, state.x)
    with pytest.raises(AttributeError, match=r"'NumpyState' object has no attrib"):
        print(state.none)
    with pytest.raises(NotImplementedError, match=r"^Assigned 3 to the s prop"):
        state.s = 3


class Counter(tf.train.experimental.PythonState):
    value = "1"

    def serialize(self) -> str:
        return self.value

    def deserialize(self, string_value: bytes) -> None:
        self.value = string_value.decode()


def test_state_of_python_is_what_it_is_when_saved(tmp_path: Path) -> None:
    counter = Counter()
    saved = tf.train.Checkpoint(counter=counter)
    for value in ("1", "2"):
        counter.value = value
        path = saved.save(str(tmp_path / "c"))
    counter.value = "lost"
    saved.restore(path).run_restore_ops()
    assert counter.value == "2"


def variable() -> Any:
    made = tf.Variable(1.0, use_resource=True)
    if not context.executing_eagerly():
        context.get_default_session().run(made.initializer)
    return made


def test_lists_grow_only(tmp_path: Path) -> None:
    held = ckpt.List([variable()])
    held.append(variable())
    held += [[variable()]]
    assert len(held) == 3 and len(held.trainable_variables) == 3
    path = tf.train.Checkpoint(l=held).save(str(tmp_path / "l"))
    ends = ["0", "1", "2/0"]
    assert names(path) == [f"l/{end}/.ATTRIBUTES/VARIABLE_VALUE" for end in ends]
    with pytest.raises(ValueError, match=r"^Only trackable objects \(such as Lay"):
        held.append(3)


def test_mappings_grow_only(tmp_path: Path) -> None:
    held = ckpt.Mapping(a=variable())
    held["b"] = variable()
    assert sorted(held) == ["a", "b"]
    path = tf.train.Checkpoint(m=held).save(str(tmp_path / "m"))
    assert names(path) == [f"m/{end}/.ATTRIBUTES/VARIABLE_VALUE" for end in "ab"]
    with pytest.raises(ValueError, match=r"^Mappings are an append-only data st"):
        held["a"] = variable()
    with pytest.raises(TypeError, match=r"^Mapping accepts only string keys, but g"):
        held[3] = variable()


def test_one_thing_is_saved_in_parts(tmp_path: Path) -> None:
    whole, found = np.arange(5.0, dtype="float32"), {}

    def fill(buffer: dict[str, Any]) -> None:
        buffer.update(a=tf.constant(whole[:3]), b=tf.constant(whole[3:]))

    def consume(buffer: dict[str, Any]) -> Any:
        found.update(buffer)

    parts = ckpt.split_dependency(
        ("a", "b"), (tf.float32, tf.float32), fill, consume, device="cpu:0"
    )
    saved = tf.train.Checkpoint(**parts)
    path = saved.save(str(tmp_path / "p"))
    assert names(path) == [f"{part}/.ATTRIBUTES/VARIABLE_VALUE" for part in "ab"]
    saved.restore(path)
    values = [found[name] for name in "ab"]
    if context.executing_eagerly():
        values = [value.numpy() for value in values]
    else:
        values = context.get_default_session().run(values)
    np.testing.assert_array_equal(np.concatenate(values), whole)
