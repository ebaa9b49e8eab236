"""The switches between the habits of TensorFlow 1 and 2."""

import pytest

from retrograd import behavior

SWITCHES = """
import tensorflow as tf
from tensorflow.python import tf2
def state():
    return tf2.enabled(), tf.executing_eagerly(), tf.resource_variables_enabled()
print(*state())
tf.enable_v2_behavior()
print(*state(), tf.control_flow_v2_enabled(), type(tf.TensorShape([1])[0]).__name__)
tf.compat.v1.disable_v2_behavior()
print(*state(), tf.control_flow_v2_enabled(), type(tf.TensorShape([1])[0]).__name__)
x = tf.constant(1)
print((x == x) is True, x in {x: 0})
"""


def test_all_at_once(launcher):
    assert launcher.output(SWITCHES) == [
        "False False False",
        "True True True True int",
        "False False False False Dimension",
        "True True",
    ]


def test_tf2_by_environment(monkeypatch):
    assert not behavior.enabled()
    monkeypatch.setenv("TF2_BEHAVIOR", "1")
    assert behavior.enabled()
    monkeypatch.setattr(behavior, "_force_enable", False)
    assert not behavior.enabled()


def test_eager_execution_comes_first(launcher):
    result = launcher.run(
        "import tensorflow as tf\ntf.constant(1)\ntf.enable_eager_execution()\n"
    )
    assert result.returncode == 1
    assert (
        "ValueError: tf.enable_eager_execution must be called at program startup."
        in result.stderr
    )
    assert "fix:  call it right after" in result.stderr
    lines = launcher.output(
        "import tensorflow as tf\ntf.enable_eager_execution()\n"
        "tf.enable_eager_execution()\nprint(tf.executing_eagerly())\n"
    )
    assert lines == ["True"]


def test_eager_execution_of_a_program_that_has_left_its_graph(launcher):
    lines = launcher.output(
        "import tensorflow as tf\ntf.constant(1)\ntf.reset_default_graph()\n"
        "tf.enable_eager_execution()\nprint(tf.constant(2).numpy())\n"
    )
    assert lines == ["2"]


def test_arguments_are_checked():
    with pytest.raises(TypeError, match=r"config must be a tf\.ConfigProto, but got"):
        behavior.enable_eager_execution(config=3)
    with pytest.raises(ValueError, match="device_policy must be one of None"):
        behavior.enable_eager_execution(device_policy=9)
    with pytest.raises(ValueError, match="execution_mode must be one of None"):
        behavior.enable_eager_execution(execution_mode=9)
