"""Models and weights in HDF5 files, as Keras writes them, by the package h5py."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.keras import legacy_weights, network_config
from retrograd.keras.legacy_configs import readable
from retrograd.layers.values import batch_get_value, batch_set_value

if TYPE_CHECKING:
    from retrograd.typing import PathLike

#: how many bytes an attribute of an HDF5 file can hold, with its header
_ATTRIBUTE_LIMIT = 64512
_log = logging.getLogger("tensorflow")


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise ImportError("`save_model` requires h5py.") from None
    return h5py


def is_file(value: object) -> bool:
    """Whether a value is a file that h5py has opened."""
    return type(value).__module__.startswith("h5py")


@contextlib.contextmanager
def _written(path: Any) -> Iterator[Any]:
    """A new file that takes the place of `path` when it is whole."""
    if is_file(path):
        yield path
        return
    path = os.fspath(path)
    beside = f"{path}.{os.getpid()}.new"
    try:
        with _h5py().File(beside, "w") as file:
            yield file
        os.replace(beside, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)


@contextlib.contextmanager
def _read(path: Any) -> Iterator[Any]:
    if is_file(path):
        yield path
        return
    try:
        file = _h5py().File(os.fspath(path), "r")
    except OSError as error:
        raise type(error)(f"{error}\n  file: {os.fspath(path)}") from None
    with file:
        yield file


# -------------------------------------------------------------------------- attributes


def _text(value: Any) -> str:
    """An attribute that one version of h5py gives as text, another as bytes."""
    return value.decode("utf8") if isinstance(value, bytes) else str(value)


def write_names(group: Any, name: str, names: Sequence[str]) -> None:
    """Write a list of names as an attribute; in parts, if it is too long for one.

    Raises:
      RuntimeError: a single name is too long.
    """
    data = [n.encode("utf8") for n in names]
    too_long = [n for n in data if len(n) > _ATTRIBUTE_LIMIT]
    if too_long:
        raise RuntimeError(
            "The following attributes cannot be saved to HDF5 file because they are "
            f"larger than {_ATTRIBUTE_LIMIT} bytes: "
            f"{', '.join(_text(x) for x in too_long)}"
        )
    whole = np.asarray(data)
    count = 1
    parts = [whole]
    while any(part.nbytes > _ATTRIBUTE_LIMIT for part in parts):
        count += 1
        parts = np.array_split(whole, count)
    if count == 1:
        group.attrs[name] = data
        return
    for i, part in enumerate(parts):
        group.attrs[f"{name}{i}"] = part


def read_names(group: Any, name: str) -> list[str]:
    """The list of names that `write_names` has written."""
    if name in group.attrs:
        return [_text(n) for n in group.attrs[name]]
    found: list[str] = []
    part = 0
    while f"{name}{part}" in group.attrs:
        found += [_text(n) for n in group.attrs[f"{name}{part}"]]
        part += 1
    return found


# ----------------------------------------------------------------------------- weights


def _layer_weights(layer: Any) -> list[Any]:
    """The weights of a layer in the order of a file."""
    return layer.trainable_weights + layer.non_trainable_weights


def write_weights(group: Any, layers: Sequence[Any]) -> None:
    """Write the weights of layers; no more than a layer's are in memory at once."""
    write_names(group, "layer_names", [layer.name for layer in layers])
    group.attrs["backend"] = b"tensorflow"
    group.attrs["keras_version"] = network_config.KERAS_VERSION.encode("utf8")
    for layer in layers:
        own = group.create_group(layer.name)
        weights = _layer_weights(layer)
        names = [w.name for w in weights]
        write_names(own, "weight_names", names)
        for weight, name in zip(weights, names, strict=True):
            _write(own, name, batch_get_value([weight])[0])


def _write(group: Any, name: str, value: Any) -> None:
    value = np.asarray(value)
    dataset = group.create_dataset(name, value.shape, dtype=value.dtype)
    if value.shape:
        dataset[:] = value
    else:
        dataset[()] = value


def _origin(group: Any) -> tuple[str, str | None]:
    """The version of Keras and the backend that have written weights."""
    version = (
        _text(group.attrs["keras_version"]) if "keras_version" in group.attrs else "1"
    )
    backend = _text(group.attrs["backend"]) if "backend" in group.attrs else None
    return version, backend


def _stored(group: Any, name: str, file: str) -> list[Any]:
    """The datasets of a layer's weights.

    Raises:
      ValueError: the file says that there is one that it does not have.
    """
    if name not in group:
        raise ValueError(f"The file {file} names the layer {name}, but has none.")
    own = group[name]
    names = read_names(own, "weight_names")
    missing = [n for n in names if n not in own]
    if missing:
        raise ValueError(
            f"The file {file} names the weight {missing[0]} of the layer {name}, but "
            "has none."
        )
    return [own[n] for n in names]


def _converted(layer: Any, stored: Sequence[Any], version: str, backend: Any) -> Any:
    """Stored weights in the layout of the layer; unread where that is the same."""
    if not legacy_weights.is_needed(layer, stored, version, backend):
        return list(stored)
    values = [np.asarray(x) for x in stored]
    return legacy_weights.convert(layer, values, version, backend)


def read_weights(group: Any, layers: Sequence[Any], file: str = "") -> None:
    """Give layers the weights of a file, in order; all fit, or none is changed.

    Raises:
      ValueError: there are more or fewer layers or weights, or another shape.
    """
    version, backend = _origin(group)
    wanted = [layer for layer in layers if _layer_weights(layer)]
    names = [
        name
        for name in read_names(group, "layer_names")
        if name in group and read_names(group[name], "weight_names")
    ]
    if len(names) != len(wanted):
        raise ValueError(
            f"You are trying to load a weight file containing {len(names)} layers into "
            f"a model with {len(wanted)} layers."
        )
    pairs: list[tuple[Any, Any]] = []
    for i, (name, layer) in enumerate(zip(names, wanted, strict=True)):
        stored = _converted(layer, _stored(group, name, file), version, backend)
        weights = _layer_weights(layer)
        if len(stored) != len(weights):
            raise ValueError(
                f'Layer #{i} (named "{layer.name}" in the current model) was found to '
                f"correspond to layer {name} in the save file. However the new layer "
                f"{layer.name} expects {len(weights)} weights, but the saved weights "
                f"have {len(stored)} elements."
            )
        for weight, value in zip(weights, stored, strict=True):
            _check_shape(i, layer, weight, value)
        pairs += zip(weights, stored, strict=True)
    _set(pairs)


def read_weights_by_name(
    group: Any, layers: Sequence[Any], skip_mismatch: bool = False, file: str = ""
) -> None:
    """Give the layers whose names are in a file their weights.

    Args:
      group: where the weights are.
      layers: the layers.
      skip_mismatch: whether what does not fit is left out, with a warning.
      file: its name, for errors.

    Raises:
      ValueError: a layer has more or fewer weights, or another shape.
    """
    version, backend = _origin(group)
    by_name: dict[str, list[Any]] = {}
    for layer in layers:
        by_name.setdefault(layer.name, []).append(layer)
    pairs: list[tuple[Any, Any]] = []
    for i, name in enumerate(read_names(group, "layer_names")):
        for layer in by_name.get(name, ()):
            stored = _converted(layer, _stored(group, name, file), version, backend)
            weights = _layer_weights(layer)
            if len(stored) != len(weights):
                text = (
                    f'Layer #{i} (named "{layer.name}") expects {len(weights)} '
                    f"weight(s), but the saved weights have {len(stored)} element(s)."
                )
                if not skip_mismatch:
                    raise ValueError(text)
                _log.warning("Skipping loading of weights for layer %s: %s", name, text)
                continue
            for weight, value in zip(weights, stored, strict=True):
                if skip_mismatch and tuple(weight.shape.as_list()) != value.shape:
                    _log.warning(
                        "Skipping loading of weights for layer %s due to mismatch in "
                        "shape (%s vs %s).",
                        layer.name,
                        weight.shape,
                        value.shape,
                    )
                    continue
                _check_shape(i, layer, weight, value)
                pairs.append((weight, value))
    _set(pairs)


def _check_shape(number: int, layer: Any, weight: Any, value: Any) -> None:
    shape = tuple(weight.shape.as_list())
    if shape != tuple(value.shape):
        raise ValueError(
            f'Layer #{number} (named "{layer.name}"), weight {weight} has shape '
            f"{shape}, but the saved weight has shape {tuple(value.shape)}."
        )


def _set(pairs: Sequence[tuple[Any, Any]]) -> None:
    for weight, value in pairs:  # one at a time: datasets are read here
        batch_set_value([(weight, np.asarray(value))])


# ------------------------------------------------------------------------------ models


def save_weights(model: Any, path: PathLike) -> None:
    """Write the weights of a model to a file."""
    with _written(path) as file:
        write_weights(file, model.layers)


def load_weights(
    model: Any, path: PathLike, by_name: bool = False, skip_mismatch: bool = False
) -> None:
    """Give a model the weights of a file, which may hold a model.

    Raises:
      ValueError: they do not fit.
    """
    with _read(path) as file:
        group = file
        if "layer_names" not in file.attrs and "model_weights" in file:
            group = file["model_weights"]
        called = str(getattr(file, "filename", path))
        if by_name:
            read_weights_by_name(group, model.layers, skip_mismatch, called)
        else:
            read_weights(group, model.layers, called)


def save_model(model: Any, path: PathLike, include_optimizer: bool = True) -> None:
    """Write a model: its configuration, weights, and what it was compiled with."""
    with _written(path) as file:
        for key, value in metadata(model, include_optimizer).items():
            if isinstance(value, (dict, list, tuple)):
                file.attrs[key] = json.dumps(
                    value, default=network_config.json_type
                ).encode("utf8")
            else:
                file.attrs[key] = value
        write_weights(file.create_group("model_weights"), model.layers)
        optimizer = model.optimizer if include_optimizer else None
        if optimizer is not None and hasattr(optimizer, "get_config"):
            weights = getattr(optimizer, "weights", [])
            if weights:
                group = file.create_group("optimizer_weights")
                names = [w.name for w in weights]
                write_names(group, "weight_names", names)
                for weight, name in zip(weights, names, strict=True):
                    _write(group, name, batch_get_value([weight])[0])
        file.flush()


def metadata(model: Any, include_optimizer: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "keras_version": network_config.KERAS_VERSION,
        "backend": "tensorflow",
    }
    try:
        found["model_config"] = {
            "class_name": type(model).__name__,
            "config": model.get_config(),
        }
    except NotImplementedError:
        raise NotImplementedError(
            "Saving the model to HDF5 format requires the model to be a Functional "
            "model or a Sequential model. It does not work for subclassed models, "
            "because such models are defined via the body of a Python method, which "
            "isn't safely serializable. Consider saving to the Tensorflow SavedModel "
            'format (by setting save_format="tf") or using `save_weights`.'
        ) from None
    compilation = model._compilation
    if compilation is None or not include_optimizer:
        return found
    if not hasattr(model.optimizer, "get_config") or _is_wrapped(model.optimizer):
        _log.warning(
            "TensorFlow optimizers do not make it possible to access optimizer "
            "attributes or optimizer state after instantiation. As a result, we cannot "
            "save the optimizer as part of the model save file. You will have to "
            "compile your model again after loading it. Prefer using a Keras optimizer "
            "instead (see keras.io/optimizers)."
        )
        return found
    found["training_config"] = {
        "loss": compilation.loss,
        "metrics": compilation.given_metrics,
        "weighted_metrics": compilation.given_weighted,
        "sample_weight_mode": compilation.sample_weight_mode,
        "loss_weights": compilation.loss_weights,
        "optimizer_config": {
            "class_name": type(model.optimizer).__name__,
            "config": model.optimizer.get_config(),
        },
    }
    return found


def _is_wrapped(optimizer: Any) -> bool:
    """Whether an optimizer of `tf.train` is behind it."""
    return type(optimizer).__name__ == "TFOptimizer"


def load_model(
    path: PathLike,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
) -> Any:
    """The model that a file holds.

    Args:
      path: the file.
      custom_objects: the program's own classes and functions by their names.
      compile: whether the model is compiled as it was.

    Raises:
      ValueError: there is none in the file.
    """
    with _read(path) as file:
        if "model_config" not in file.attrs:
            raise ValueError("No model found in config file.")
        config = json.loads(_text(file.attrs["model_config"]))
        version = _text(file.attrs.get("keras_version", "1"))
        model = network_config.model_from_config(
            readable(config, version), custom_objects
        )
        read_weights(file["model_weights"], model.layers, str(file.filename))
        if compile:
            _compile(model, file, custom_objects)
    return model


def _compile(model: Any, file: Any, custom_objects: Mapping[str, Any] | None) -> None:
    """Compile a model as the file says, with the state of its optimizer."""
    from retrograd.keras import training_config

    if "training_config" not in file.attrs:
        _log.warning(
            "No training configuration found in save file: the model was *not* "
            "compiled. Compile it manually."
        )
        return
    written = json.loads(_text(file.attrs["training_config"]))
    model.compile(**training_config.arguments(written, custom_objects))
    if "optimizer_weights" not in file:
        return
    group = file["optimizer_weights"]
    names = read_names(group, "weight_names") or sorted(group)
    try:
        model._make_train_function()
        model.optimizer.set_weights([np.asarray(group[n]) for n in names])
    except ValueError:
        _log.warning(
            "Error in loading the saved optimizer state. As a result, your model is "
            "starting with a freshly initialized optimizer."
        )
