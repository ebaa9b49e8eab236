"""Models of Keras as SavedModels: what they are, their weights, what they compute."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd.formats import messages
from retrograd.formats.graph_io import write_message
from retrograd.functions import def_function
from retrograd.graph.specs import TensorSpec
from retrograd.keras import checkpointed, hdf5, network_config, training_config
from retrograd.keras.legacy_configs import readable
from retrograd.platform import files
from retrograd.train.saved_model_functions import attribute_functions
from retrograd.train.saved_model_load import load as load_objects
from retrograd.train.saved_model_loader import parse_saved_model
from retrograd.train.saved_model_save import write
from retrograd.train.saved_model_signatures import (
    ASSETS_DIRECTORY,
    SAVED_MODEL_FILENAME_PB,
    SAVED_MODEL_FILENAME_PBTXT,
    get_variables_path,
)

if TYPE_CHECKING:
    from retrograd.typing import PathLike, Structure

#: where later TensorFlow keeps what models are
_LATER_METADATA = "keras_metadata.pb"
_MODELS = ("_tf_keras_sequential", "_tf_keras_network", "_tf_keras_model")
#: what marks lists that were tuples or shapes
_MARKED = ("__tuple__", "TensorShape")
#: the configuration of a model, in the older way
_CONFIG = "saved_model.json"
_log = logging.getLogger("tensorflow")


def metadata(model: Any) -> str:
    """What a model is, as text of JSON: its configuration, and how it is trained."""
    found: dict[str, Any] = {
        "class_name": type(model).__name__,
        "name": model.name,
        "trainable": model.trainable,
        "expects_training_arg": True,
        "dtype": None,
        "batch_input_shape": None,
    }
    try:
        found.update(hdf5.metadata(model, True))
        found["config"] = found["model_config"]["config"]
    except NotImplementedError:  # a subclass: only what it computes is kept
        pass
    return json.dumps(found, default=network_config.json_type)


def functions(model: Any) -> dict[str, Any]:
    """What of a model is written: the functions among its attributes, and its call."""
    found = attribute_functions(model)
    if "_saved_functions" not in model.__dict__:
        model.__dict__["_saved_functions"] = _of_call(model)
    return {**found, **model.__dict__["_saved_functions"]}


def _of_call(model: Any) -> dict[str, Any]:
    """The functions that call a model; none where it is not known on what."""
    inputs = getattr(model, "inputs", None)
    if not inputs:
        return {}
    names = model.input_names
    specs = [
        TensorSpec([None, *t.shape.as_list()[1:]], t.dtype, name)
        for t, name in zip(inputs, names, strict=True)
    ]

    def packed(given: Any) -> Any:
        return given[0] if len(given) == 1 else list(given)

    def _wrapped_model(*args: Any) -> Any:
        outputs = model(packed(args), training=False)
        many = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        return dict(zip(model.output_names, many, strict=True))

    def call(inputs: Structure, training: bool = False) -> Any:
        return model(inputs, training=training)

    served = def_function.function(_wrapped_model, input_signature=specs)
    called = def_function.function(call)
    for training in (True, False):
        called.get_concrete_function(packed(specs), training)
    return {"_default_save_signature": served, "__call__": called}


def save(
    model: Any, path: PathLike, include_optimizer: bool, signatures: Structure
) -> None:
    """Write a model as a SavedModel.

    Args:
      model: the model; one of a subclass must have been called.
      path: the folder.
      include_optimizer: whether what the model was compiled with is written.
      signatures: what can be served, by default the call of the model.

    Raises:
      ValueError: it is not known on what the model is called.
    """
    if not getattr(model, "inputs", None):
        raise ValueError(
            f"Model {model} cannot be saved because the input shapes have not been "
            "set. Usually, input shapes are automatically determined from calling "
            ".fit() or .predict(). To manually set the shapes, call "
            "model._set_inputs(inputs)."
        )
    optimizer = model.optimizer if not include_optimizer else None
    try:
        if optimizer is not None:
            model.optimizer = None
        write(model, path, signatures, checkpointed.current_session())
    finally:
        model.__dict__.pop("_saved_functions", None)
        if optimizer is not None:
            model.optimizer = optimizer


def load(
    path: PathLike, custom_objects: Mapping[str, Any] | None, compile: bool
) -> Any:
    """The model of a SavedModel.

    One that was a graph of layers becomes one again. Of a subclass, what it computes is
    read: an object that can be called.

    Args:
      path: the folder.
      custom_objects: the program's own classes and functions by their names.
      compile: whether the model is compiled as it was.
    """
    folder = os.fsdecode(path)
    known = _metadata_of(folder)
    written = known.get("model_config") or _config_in(known)
    if written is None:
        return load_objects(folder)
    config = readable(written, str(known.get("keras_version", "2.2.4-tf")))
    model = network_config.model_from_config(config, custom_objects)
    training = known.get("training_config")
    if compile and training is not None:
        model.compile(**training_config.arguments(training, custom_objects))
    elif compile:
        _log.warning(
            "No training configuration found in save file, so the model was *not* "
            "compiled. Compile it manually."
        )
    checkpointed.load_weights(model, get_variables_path(folder))
    return model


def _config_in(known: Mapping[str, Any]) -> Any:
    """The configuration as models of later Keras have it."""
    if "config" not in known or "layers" not in known["config"]:
        return None
    return {"class_name": known["class_name"], "config": known["config"]}


def _metadata_of(folder: str) -> dict[str, Any]:
    """What a SavedModel says of the model that it is; nothing if it is none."""
    later = os.path.join(folder, _LATER_METADATA)
    if files.file_exists(later):
        message: Any = messages.SavedMetadata()
        message.ParseFromString(files.read_file_to_string(later, True))
        for node in message.nodes:
            if node.node_id == 0 and node.identifier in _MODELS:
                return _plain(json.loads(node.metadata))
        return {}
    graph: Any = parse_saved_model(folder).meta_graphs[0].object_graph_def
    if not graph.nodes or graph.nodes[0].user_object.identifier not in _MODELS:
        return {}
    return _plain(json.loads(graph.nodes[0].user_object.metadata))


def _plain(value: Structure) -> Any:
    """What was read, with lists in place of marked tuples and shapes."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in _MARKED and "items" in value:
        return [_plain(item) for item in value["items"]]
    return {key: _plain(item) for key, item in value.items()}


# ------------------------------------------------------------------ the older way


def export_saved_model(
    model: Any,
    saved_model_path: PathLike,
    custom_objects: Mapping[str, Any] | None = None,
    as_text: bool = False,
    input_signature: Structure = None,
    serving_only: bool = False,
) -> None:
    """Write a model as a SavedModel, with its configuration in a file beside it.

    Args:
      model: a Sequential, a graph of layers, or one of a subclass that was called.
      saved_model_path: the folder; what is there may not be a file or a full folder.
      custom_objects: accepted; the program's classes are looked up when it is read.
      as_text: whether the SavedModel is written as text.
      input_signature, serving_only: accepted; what is served is always written.

    Raises:
      AssertionError: the folder holds something.
    """
    del custom_objects, input_signature, serving_only
    folder = os.fsdecode(saved_model_path)
    if files.file_exists(folder) and files.list_directory(folder):
        raise AssertionError(
            "Export directory already exists, and isn't empty. Please choose a "
            "different export directory, or delete all the contents of the specified "
            f"directory: {folder}"
        )
    save(model, folder, True, None)
    assets = os.path.join(folder, ASSETS_DIRECTORY)
    files.recursive_create_dir(assets)
    try:
        text = model.to_json()
    except NotImplementedError:
        _log.warning("Skipped saving model JSON, subclassed model does not have it.")
        text = None
    if text is not None:
        files.write_string_to_file(os.path.join(assets, _CONFIG), text)
    if as_text:
        _written_as_text(folder)


def _written_as_text(folder: str) -> None:
    path = os.path.join(folder, SAVED_MODEL_FILENAME_PBTXT)
    write_message(path, parse_saved_model(folder), as_text=True)
    files.delete_file(os.path.join(folder, SAVED_MODEL_FILENAME_PB))


def load_from_saved_model(
    saved_model_path: PathLike, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The model that `export_saved_model` has written; it is not compiled.

    Args:
      saved_model_path: the folder.
      custom_objects: the program's own classes and functions by their names.

    Raises:
      NotFoundError: there is no configuration in it.
    """
    folder = os.fsdecode(saved_model_path)
    path = os.path.join(folder, ASSETS_DIRECTORY, _CONFIG)
    text = files.read_file_to_string(path)
    model = network_config.model_from_json(text, custom_objects)
    checkpointed.load_weights(model, get_variables_path(folder))
    return model
