"""The switches of 1.15 that turn single habits of TensorFlow 2 on and off."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from retrograd import shapes
from retrograd.errors import message
from retrograd.graph import context
from retrograd.graph.hooks import hooks
from retrograd.ops.flow import control_flow_util
from retrograd.ops.math import equality
from retrograd.variables import scope

if TYPE_CHECKING:
    from retrograd.typing import Message

SYNC, ASYNC = 0, 1
DEVICE_PLACEMENT_EXPLICIT = 0
DEVICE_PLACEMENT_WARN = 1
DEVICE_PLACEMENT_SILENT = 2
DEVICE_PLACEMENT_SILENT_FOR_INT32 = 3
_POLICIES = (None, 0, 1, 2, 3)


#: what `enable` and `disable` of `tensorflow.python.tf2` have set
_force_enable: bool | None = None


def enable() -> None:
    """Say that the habits of TensorFlow 2 are on (`tensorflow.python.tf2.enable`)."""
    global _force_enable
    _force_enable = True


def disable() -> None:
    """Say that the habits of TensorFlow 2 are off."""
    global _force_enable
    _force_enable = False


def enabled() -> bool:
    """Whether they are on; if nobody said so, by the variable TF2_BEHAVIOR."""
    if _force_enable is None:
        return os.getenv("TF2_BEHAVIOR", "0") != "0"
    return _force_enable


def enable_eager_execution(
    config: Message | None = None,
    device_policy: int | None = None,
    execution_mode: int | None = None,
) -> None:
    """Run operations at once from now on; call it before anything else.

    Args:
      config: a ConfigProto.
      device_policy: one of the DEVICE_PLACEMENT_ values; there is nothing to choose.
      execution_mode: SYNC or ASYNC; results are the same.

    Raises:
      TypeError: `config` is something else.
      ValueError: another value, or a graph has been built already.
    """
    if context.shared.eager_by_default:
        return
    if config is not None and type(config).__name__ != "ConfigProto":
        raise TypeError(f"config must be a tf.ConfigProto, but got {type(config)}")
    if device_policy not in _POLICIES:
        raise ValueError("device_policy must be one of None, tf.contrib.eager.DEVICE_*")
    if execution_mode not in (None, SYNC, ASYNC):
        raise ValueError(
            "execution_mode must be one of None, tf.contrib.eager.SYNC, "
            "tf.contrib.eager.ASYNC"
        )
    if context.shared.default_graph is not None:
        raise ValueError(
            message(
                "tf.enable_eager_execution must be called at program startup.",
                got="a default graph that is in use",
                fix="call it right after `import tensorflow as tf`",
            )
        )
    context.shared.eager_by_default = True


def disable_eager_execution() -> None:
    """Build graphs from now on; call it before anything else."""
    context.shared.eager_by_default = False


def enable_v2_behavior() -> None:
    """Turn on all habits of TensorFlow 2 that 1.15 knows."""
    enable()
    enable_eager_execution()
    shapes.enable_v2_tensorshape()
    scope.enable_resource_variables()
    equality.enable_tensor_equality()
    control_flow_util.enable_control_flow_v2()


def disable_v2_behavior() -> None:
    """Turn off all habits of TensorFlow 2."""
    disable()
    disable_eager_execution()
    shapes.disable_v2_tensorshape()
    scope.disable_resource_variables()
    equality.disable_tensor_equality()
    control_flow_util.disable_control_flow_v2()


hooks.provide(version_2_enabled=enabled)
