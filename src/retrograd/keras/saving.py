"""Models and weights in files: which format a program means."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd.keras import checkpointed, hdf5

if TYPE_CHECKING:
    from retrograd.typing import PathLike

_HDF5 = (".h5", ".keras", ".hdf5")


def _format(path: PathLike, given: str | None, default: str) -> str:
    """`h5` or `tf`.

    Raises:
      ValueError: another format, or `tf` for a name that says otherwise.
    """
    if given is None:
        if hdf5.is_file(path) or str(path).endswith(_HDF5):
            return "h5"
        return default
    found = {"tf": "tf", "tensorflow": "tf"}.get(given.lower().strip())
    if found is None:
        if given.lower().strip() not in ("h5", "hdf5", "keras"):
            raise ValueError(
                f'Unknown format "{given}". Was expecting one of {{"tf", "h5"}}.'
            )
        return "h5"
    if str(path).endswith(_HDF5):
        raise ValueError(
            'save_weights got save_format="tf"/"tensorflow", but the filepath '
            f'("{path}") looks like an HDF5 file. Omit the ".h5"/".keras" when saving '
            "in TensorFlow format."
        )
    return found


def _may_write(path: PathLike, overwrite: bool) -> bool:
    """Whether a file may be written: where it is there, the user is asked."""
    if overwrite or hdf5.is_file(path) or not os.path.isfile(path):
        return True
    question = f"[WARNING] {path} already exists - overwrite? [y/n]"
    answer = input(question).strip().lower()
    while answer not in ("y", "n"):
        answer = input('Enter "y" (overwrite) or "n" (cancel).').strip().lower()
    if answer == "n":
        return False
    print("[TIP] Next time specify overwrite=True!", file=sys.stdout)
    return True


def _check_path(path: Any) -> Any:
    if isinstance(path, (str, os.PathLike)) or hdf5.is_file(path):
        return os.fspath(path) if not hdf5.is_file(path) else path
    raise ValueError(f"Unexpected type {type(path)} for `filepath`.")


def save_model(
    model: Any,
    filepath: PathLike,
    overwrite: bool = True,
    include_optimizer: bool = True,
    save_format: str | None = None,
    signatures: object = None,
) -> None:
    """Write a model to a file: what it is, its weights, and its optimizer's state.

    The file that was there is whole until the new one is.

    Args:
      model: a Sequential, or a graph of layers.
      filepath: the file, or one that h5py has opened.
      overwrite: whether a file that is there is replaced unasked.
      include_optimizer: whether what the model was compiled with is written.
      save_format: `h5`; `tf` for a SavedModel.
      signatures: for a SavedModel.

    Raises:
      NotImplementedError: a model of a subclass, in HDF5.
      ValueError: a model for a SavedModel that was never called.
      ImportError: h5py is missing.
    """
    path = _check_path(filepath)
    if _format(path, save_format, "h5") == "tf":
        from retrograd.keras import saved_model

        if _may_write(os.path.join(path, "saved_model.pb"), overwrite):
            saved_model.save(model, path, include_optimizer, signatures)
        return
    if _may_write(path, overwrite):
        hdf5.save_model(model, path, include_optimizer)


def load_model(
    filepath: PathLike,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
) -> Any:
    """The model that `save_model` has written; nothing in the file is executed.

    Args:
      filepath: the file; or the folder of a SavedModel.
      custom_objects: the program's own classes and functions by their names.
      compile: whether the model is compiled as it was.

    Raises:
      IOError: there is no such file.
      ValueError: the file holds no model, or one of classes that are not known.
    """
    path = _check_path(filepath)
    if isinstance(path, str) and not os.path.exists(path):
        raise OSError(
            f"SavedModel file does not exist at: {path}/"
            "{saved_model.pbtxt|saved_model.pb}"
        )
    if isinstance(path, str):
        from retrograd.train.saved_model_loader import maybe_saved_model_directory

        if maybe_saved_model_directory(path):
            from retrograd.keras import saved_model

            return saved_model.load(path, custom_objects, compile)
    return hdf5.load_model(path, custom_objects, compile)


def save_weights(
    model: Any,
    filepath: PathLike,
    overwrite: bool = True,
    save_format: str | None = None,
) -> None:
    """Write the weights of a model: see `Model.save_weights`."""
    model._check_weights_exist()
    path = _check_path(filepath)
    if _format(path, save_format, "tf") == "h5":
        if _may_write(path, overwrite):
            hdf5.save_weights(model, path)
        return
    if _may_write(f"{path}.index", overwrite):
        checkpointed.save_weights(model, path)


def load_weights(
    model: Any, filepath: PathLike, by_name: bool = False, skip_mismatch: bool = False
) -> Any:
    """Give a model the weights of a file: see `Model.load_weights`."""
    if skip_mismatch and not by_name:
        raise ValueError(
            "When calling model.load_weights, skip_mismatch can only be set to True "
            "when by_name is True."
        )
    path = _check_path(filepath)
    if not hdf5.is_file(path) and not path.endswith(_HDF5):
        if not os.path.isfile(path):
            return _load_checkpoint(model, path, by_name)
    if not model._is_graph_network and not model.built:
        raise ValueError(
            "Unable to load weights saved in HDF5 format into a subclassed Model which "
            "has not created its variables yet. Call the Model, then load the weights."
        )
    hdf5.load_weights(model, path, by_name, skip_mismatch)
    return None


def _load_checkpoint(model: Any, path: str, by_name: bool) -> Any:
    if by_name:
        raise NotImplementedError(
            "Weights may only be loaded based on topology into Models when loading "
            "TensorFlow-formatted weights (got by_name=True to load_weights)."
        )
    return checkpointed.load_weights(model, path)
