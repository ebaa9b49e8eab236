"""What a model was compiled with, as a file says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrograd.keras import losses, metrics, optimizers
from retrograd.layers.serialization import CustomObjectScope


def arguments(
    written: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The arguments of `Model.compile`.

    Args:
      written: the configuration.
      custom_objects: the program's own classes and functions by their names.

    Raises:
      ValueError: it names what is not known.
    """
    known = dict(custom_objects or {})

    def read(value: Any) -> Any:
        if isinstance(value, str):
            return known.get(value, value)
        if isinstance(value, dict):
            if "class_name" in value:
                return _object(value, known)
            return {key: read(item) for key, item in value.items()}
        return [read(item) for item in value] if isinstance(value, list) else value

    config = dict(written["optimizer_config"])
    config["class_name"] = config["class_name"].rpartition(">")[2]
    config["config"] = _of_optimizer(config["config"])
    with CustomObjectScope(known):
        optimizer = optimizers.deserialize(config)
        return {
            "optimizer": optimizer,
            "loss": read(written.get("loss")),
            "metrics": _flat(read(written.get("metrics"))),
            "weighted_metrics": _flat(read(written.get("weighted_metrics"))),
            "loss_weights": written.get("loss_weights"),
            "sample_weight_mode": written.get("sample_weight_mode"),
        }


#: arguments that optimizers of later versions have; what 1.15 does is their default
_LATER = ("jit_compile", "is_legacy_optimizer")
_UNLESS_SET = ("weight_decay", "use_ema", "clipnorm", "clipvalue", "global_clipnorm")


def _of_optimizer(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an optimizer, without those that ask for nothing."""
    return {
        key: value
        for key, value in config.items()
        if key not in _LATER
        and not (key in _UNLESS_SET and not value)
        and not (key.startswith("ema_") and not config.get("use_ema"))
    }


def _flat(given: Any) -> Any:
    """Metrics; a list of one list, as later versions write it, as that list."""
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
        return given[0]
    return given


def _object(value: dict[str, Any], known: dict[str, Any]) -> Any:
    """A loss or a metric from its configuration."""
    plain = {"class_name": value["class_name"], "config": value["config"]}
    plain["class_name"] = plain["class_name"].rpartition(">")[2]
    name = plain["class_name"]
    if name == "MeanMetricWrapper":  # of a function: its name stands for it
        config = value["config"]
        function = config.get("fn", config.get("name"))
        return known.get(function, function)
    module = metrics if hasattr(metrics, name) else losses
    return module.deserialize(plain, known)
