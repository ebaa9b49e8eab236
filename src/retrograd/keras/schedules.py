"""Learning rate schedules by name: `tf.keras.optimizers.schedules`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrograd.layers import serialization
from retrograd.train import schedules

#: the classes by their names
_KNOWN = {
    name: value
    for name, value in vars(schedules).items()
    if isinstance(value, type) and issubclass(value, schedules.LearningRateSchedule)
}


def serialize(learning_rate_schedule: schedules.LearningRateSchedule) -> Any:
    """The class and the arguments of a schedule."""
    return serialization.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Mapping[str, object] | None = None) -> Any:
    """The schedule of a name or configuration.

    Raises:
      ValueError: there is none.
    """
    return serialization.deserialize(config, _KNOWN, custom_objects, "decay")
