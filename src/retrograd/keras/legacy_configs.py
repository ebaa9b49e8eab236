"""Configurations that other versions of Keras have written, as this one writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograd.layers.conv import Conv2D, Conv3D
from retrograd.layers.deserialization import LAYERS, all_layers
from retrograd.util.functions import fn_args

Config = dict[str, Any]

#: keys that later versions have added, with the value that asks for nothing new
_NEUTRAL: dict[str, Any] = {
    "groups": 1,
    "keepdims": False,
    "synchronized": False,
    "sparse": False,
    "ragged": False,
    "seed": None,
    "time_major": False,
    "zero_output_for_mask": False,
    "rms_scaling": False,
    "use_cache": False,
    "score_mode": "dot",
    "optional": False,
}
#: keys that say nothing about what a layer computes
_REMARKS = (
    "module",
    "registered_name",
    "build_config",
    "compile_config",
    "shared_object_id",
)
#: classes that have had another name
_CLASSES = {
    "Functional": "Model",
    "L1": "L1L2",
    "L2": "L1L2",
    "Convolution1D": "Conv1D",
    "Convolution2D": Conv2D.__name__,
    "Convolution3D": Conv3D.__name__,
    "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    "AtrousConvolution2D": Conv2D.__name__,
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
}


def readable(config: Any, version: str) -> Any:
    """The configuration of a model, in the form of 1.15.

    Args:
      config: as a file has it.
      version: that of the Keras that has written it.
    """
    if isinstance(config, list):
        return [readable(item, version) for item in config]
    if not isinstance(config, dict):
        return config
    found = {k: readable(v, version) for k, v in config.items() if k not in _REMARKS}
    name = found.get("class_name")
    if name is None or not isinstance(found.get("config"), (dict, list)):
        return found
    if name == "DTypePolicy" or name == "Policy":
        return found["config"].get("name", "float32")
    name = str(name).rpartition(">")[2]
    found["class_name"] = name = _CLASSES.get(name, name)
    if isinstance(found["config"], dict):
        found["config"] = _layer(name, found["config"], version)
    return found


def _layer(name: str, config: Config, version: str) -> Config:
    """The arguments of a layer."""
    if name == "InputLayer" and "batch_shape" in config:
        config["batch_input_shape"] = config.pop("batch_shape")
    if version == "1" or version.startswith(("0.", "1.")):
        config = _of_keras_1(name, config)
    known = _accepted(name)
    if known is None:
        return config
    return {
        key: value
        for key, value in config.items()
        if key in known or key not in _NEUTRAL or value != _NEUTRAL[key]
    }


def _accepted(name: str) -> set[str] | None:
    """The arguments of a layer's class and of its base, None for one of a program."""
    kind = LAYERS.get(name) or all_layers().get(name)
    if kind is None:
        return None
    return {
        a
        for base in kind.__mro__
        if hasattr(base, "__init__")
        for a in fn_args(base.__init__)
    }


# --------------------------------------------------------------------------- Keras 1

#: arguments of Keras 1 with their later names, for all layers
_RENAMED = {
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "forget_bias_init": "unit_forget_bias",
    "inner_activation": "recurrent_activation",
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "U_constraint": "recurrent_constraint",
    "bias": "use_bias",
    "border_mode": "padding",
    "subsample": "strides",
    "subsample_length": "strides",
    "stride": "strides",
    "dim_ordering": "data_format",
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "pool_length": "pool_size",
    "atrous_rate": "dilation_rate",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
    "consume_less": "implementation",
}
_ORDERINGS = {"tf": "channels_last", "th": "channels_first", "default": None}


def _of_keras_1(name: str, config: Config) -> Config:
    """The arguments of a layer of Keras 1 by their later names."""
    found = {_RENAMED.get(key, key): value for key, value in config.items()}
    special = _BY_CLASS.get(name)
    if special is not None:
        found = special(found)
    if "data_format" in found:
        found["data_format"] = _ORDERINGS.get(
            found["data_format"], found["data_format"]
        )
    found.pop("input_dtype", None)
    if found.pop("implementation", None) is not None:
        found["implementation"] = 1
    if "unit_forget_bias" in found:
        found["unit_forget_bias"] = found["unit_forget_bias"] == "one"
    return {k: v for k, v in found.items() if k != "weights"}


def _units(config: Config) -> Config:
    if "output_dim" in config:
        config["units"] = config.pop("output_dim")
    config.pop("input_dim", None)
    return config


def _kernel(names: tuple[str, ...]) -> Callable[[Config], Config]:
    def sized(config: Config) -> Config:
        if names[0] in config:
            config["kernel_size"] = [config.pop(n) for n in names]
        return config

    return sized


def _rate(config: Config) -> Config:
    if "p" in config:
        config["rate"] = config.pop("p")
    return config


def _normalization(config: Config) -> Config:
    config.pop("mode", None)
    for letter, name in (("gamma", "gamma_regularizer"), ("beta", "beta_regularizer")):
        if f"{letter}_init" in config:
            config[f"{letter}_initializer"] = config.pop(f"{letter}_init")
        config.setdefault(name, None)
    return config


def _embedding(config: Config) -> Config:
    for old, new in (
        ("kernel_initializer", "embeddings_initializer"),
        ("kernel_regularizer", "embeddings_regularizer"),
        ("kernel_constraint", "embeddings_constraint"),
    ):
        if old in config:
            config[new] = config.pop(old)
    config.pop("dropout", None)
    return config


_BY_CLASS: dict[str, Callable[[Config], Config]] = {
    "Dense": _units,
    "SimpleRNN": _units,
    "GRU": _units,
    "LSTM": _units,
    "Embedding": _embedding,
    "Dropout": _rate,
    "SpatialDropout1D": _rate,
    "SpatialDropout2D": _rate,
    "SpatialDropout3D": _rate,
    "GaussianDropout": _rate,
    "GaussianNoise": lambda c: {
        ("stddev" if k == "sigma" else k): v for k, v in c.items()
    },
    Conv2D.__name__: _kernel(("nb_row", "nb_col")),
    "Conv2DTranspose": _kernel(("nb_row", "nb_col")),
    "SeparableConv2D": _kernel(("nb_row", "nb_col")),
    Conv3D.__name__: _kernel(("kernel_dim1", "kernel_dim2", "kernel_dim3")),
    "BatchNormalization": _normalization,
}
