"""Writing SavedModels: graphs by tags, variables, and files that they need."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from google.protobuf.any_pb2 import Any as AnyMessage

from retrograd.formats import messages
from retrograd.graph import context
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.names import GraphKeys
from retrograd.ops.array.tensor_values import constant_value
from retrograd.ops.flow.control import group
from retrograd.platform import files
from retrograd.train.saved_model_signatures import (
    ASSETS_DIRECTORY,
    ASSETS_KEY,
    DEFAULT_SERVING_SIGNATURE_DEF_KEY,
    LEGACY_INIT_OP_KEY,
    MAIN_OP_KEY,
    SAVED_MODEL_FILENAME_PB,
    SAVED_MODEL_FILENAME_PBTXT,
    SAVED_MODEL_SCHEMA_VERSION,
    SERVING,
    get_variables_path,
    predict_signature_def,
)
from retrograd.train.saver import Saver
from retrograd.util import protos
from retrograd.variables import collections

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.run.session import BaseSession
    from retrograd.typing import Message, PathLike

#: how TensorFlow knows the message that describes a file
_ASSET_TYPE = "type.googleapis.com/tensorflow.AssetFileDef"


class SavedModelBuilder:
    """Writes a SavedModel: variables once, a graph for each set of tags.

    Args:
      export_dir: a folder that is not there, or is empty.

    Raises:
      AssertionError: it holds something.
    """

    def __init__(self, export_dir: PathLike) -> None:
        self._export_dir = os.fsdecode(export_dir)
        self._saved_model: Any = messages.SavedModel(
            saved_model_schema_version=SAVED_MODEL_SCHEMA_VERSION
        )
        if files.file_exists(self._export_dir):
            if files.list_directory(self._export_dir):
                raise AssertionError(
                    "Export directory already exists, and isn't empty. Please choose a "
                    "different export directory, or delete all the contents of the "
                    f"specified directory: {self._export_dir}"
                )
        else:
            files.recursive_create_dir(self._export_dir)
        self._has_saved_variables = False

    def add_meta_graph(
        self,
        tags: Sequence[str],
        signature_def_map: Mapping[str, Message] | None = None,
        assets_collection: Sequence[Tensor] | None = None,
        legacy_init_op: Operation | None = None,
        clear_devices: bool = False,
        main_op: Operation | None = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
    ) -> None:
        """Add the default graph under other tags; variables are there already.

        Args:
          tags: what it is known by.
          signature_def_map: what can be fed and fetched, by name.
          assets_collection: tensors that name files, which are copied.
          legacy_init_op: as `main_op`.
          clear_devices: whether devices are left out.
          main_op: run when the model is loaded.
          strip_default_attrs: whether attributes with default values are left out.
          saver: restores the variables.

        Raises:
          AssertionError: variables have not been saved.
        """
        if not self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has not been saved yet. "
                "Please invoke `add_meta_graph_and_variables()` first."
            )
        self._prepare(signature_def_map, assets_collection, legacy_init_op, main_op)
        saver = saver or _saver()
        self._add(saver, tags, signature_def_map, clear_devices, strip_default_attrs)

    def add_meta_graph_and_variables(
        self,
        sess: BaseSession,
        tags: Sequence[str],
        signature_def_map: Mapping[str, Message] | None = None,
        assets_collection: Sequence[Tensor] | None = None,
        legacy_init_op: Operation | None = None,
        clear_devices: bool = False,
        main_op: Operation | None = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
    ) -> None:
        """Save variables, and add the graph; see `add_meta_graph`.

        Args:
          sess: the session that has the variables.
          tags, signature_def_map, assets_collection, legacy_init_op, clear_devices,
            main_op, strip_default_attrs, saver: see `add_meta_graph`.

        Raises:
          AssertionError: variables have been saved.
        """
        if self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has already been saved. "
                "Please invoke `add_meta_graph()` instead."
            )
        self._prepare(signature_def_map, assets_collection, legacy_init_op, main_op)
        prefix = get_variables_path(self._export_dir)
        files.recursive_create_dir(os.path.dirname(prefix))
        saver = saver or _saver()
        saver.save(sess, prefix, write_meta_graph=False, write_state=False)
        self._add(saver, tags, signature_def_map, clear_devices, strip_default_attrs)
        self._has_saved_variables = True

    def _prepare(
        self,
        signatures: Mapping[str, Message] | None,
        assets: Sequence[Tensor] | None,
        legacy_init_op: Operation | None,
        main_op: Operation | None,
    ) -> None:
        for signature in (signatures or {}).values():
            _check_signature(signature)
        graph = context.get_default_graph()
        for tensor in assets or ():
            self._keep_asset(tensor)
        for key, op in ((MAIN_OP_KEY, main_op or legacy_init_op),):
            if op is not None:
                graph.clear_collection(key)
                graph.add_to_collection(key, op)
        graph.clear_collection(LEGACY_INIT_OP_KEY)

    def _keep_asset(self, tensor: Tensor) -> None:
        """Copy the file that a tensor names, and note it in the graph.

        Raises:
          ValueError: the tensor names none.
        """
        path = constant_value(tensor)
        if path is None or not getattr(path, "size", 1):
            raise ValueError(f"Invalid asset filepath: {tensor}")
        text = path.item() if hasattr(path, "item") else path
        source = text.decode() if isinstance(text, bytes) else str(text)
        name = os.path.basename(source)
        folder = os.path.join(self._export_dir, ASSETS_DIRECTORY)
        files.recursive_create_dir(folder)
        target = os.path.join(folder, name)
        if not files.file_exists(target):
            files.copy(source, target)
        asset = protos.message("meta_graph.AssetFileDef")(filename=name)
        asset.tensor_info.name = tensor.name
        packed = AnyMessage(type_url=_ASSET_TYPE, value=asset.SerializeToString())
        context.get_default_graph().add_to_collection(ASSETS_KEY, packed)

    def _add(
        self,
        saver: Saver,
        tags: Sequence[str],
        signatures: Mapping[str, Message] | None,
        clear_devices: bool,
        strip_default_attrs: bool,
    ) -> None:
        meta_graph = saver.export_meta_graph(
            clear_devices=clear_devices, strip_default_attrs=strip_default_attrs
        )
        meta_graph.meta_info_def.tags.extend(tags)
        for name, signature in (signatures or {}).items():
            meta_graph.signature_def[name].CopyFrom(signature)
        self._saved_model.meta_graphs.add().CopyFrom(meta_graph)

    def save(self, as_text: bool = False) -> bytes:
        """Write the file that describes the graphs; its path."""
        files.recursive_create_dir(self._export_dir)
        name = SAVED_MODEL_FILENAME_PBTXT if as_text else SAVED_MODEL_FILENAME_PB
        path = os.path.join(self._export_dir, name)
        data: Any = self._saved_model.SerializeToString()
        if as_text:
            data = str(self._saved_model)
        files.atomic_write_string_to_file(path, data)
        return path.encode()


def _saver() -> Saver:
    return Saver(
        collections._all_saveable_objects(),
        sharded=True,
        write_version=2,
        allow_empty=True,
    )


def _check_signature(signature_def: Message) -> None:
    """Require names and dtypes of all that is fed and fetched.

    Raises:
      AssertionError: one is missing.
    """
    signature: Any = signature_def
    for info in (*signature.inputs.values(), *signature.outputs.values()):
        if info.WhichOneof("encoding") is None:
            raise AssertionError(
                "All TensorInfo protos used in the SignatureDefs must have one of the "
                f"'encoding' fields (e.g., name or coo_sparse) set: {info}"
            )
        if not info.dtype:
            raise AssertionError(
                "All TensorInfo protos used in the SignatureDefs must have the dtype "
                f"field set: {info}"
            )


def simple_save(
    session: BaseSession,
    export_dir: PathLike,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    legacy_init_op: Operation | None = None,
) -> None:
    """Write a SavedModel for serving, with one signature.

    Args:
      session: has the variables.
      export_dir: a folder that is not there, or is empty.
      inputs, outputs: what is fed and fetched, by name.
      legacy_init_op: run when the model is loaded.
    """
    signature = predict_signature_def(inputs, outputs)
    builder = SavedModelBuilder(export_dir)
    builder.add_meta_graph_and_variables(
        session,
        tags=[SERVING],
        signature_def_map={DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature},
        assets_collection=context.get_default_graph().get_collection(
            GraphKeys.ASSET_FILEPATHS
        ),
        main_op=legacy_init_op,
        clear_devices=True,
    )
    builder.save()


def main_op() -> Operation:
    """Initializes local variables and tables when a model is loaded."""
    return group(
        collections.global_variables_initializer(),
        collections.local_variables_initializer(),
        collections.tables_initializer(),
    )


def main_op_with_restore(restore_op_name: Operation) -> Operation:
    """As `main_op`; then variables are restored by the operation given."""
    with control_dependencies([main_op()]):
        return group(restore_op_name)
