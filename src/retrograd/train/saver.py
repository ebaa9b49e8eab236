"""`tf.train.Saver`: variables are written to checkpoints, and read from them."""

from __future__ import annotations

import numbers
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import errors
from retrograd.formats import meta_graph
from retrograd.graph import context
from retrograd.graph.hooks import hooks
from retrograd.graph.names import prepend_name_scope, strip_name_scope
from retrograd.platform import files, logs
from retrograd.platform.text import as_str, as_text
from retrograd.run.session import BaseSession
from retrograd.train import training_util
from retrograd.train.checkpoint_state import (
    checkpoint_exists_internal,
    get_checkpoint_mtimes,
    meta_graph_filename,
    remove_checkpoint,
    update_checkpoint_state_internal,
)
from retrograd.train.object_names import object_graph_key_mapping, saveables_by_key
from retrograd.train.saveable import validate_and_slice_inputs
from retrograd.train.saver_builder import V2, BulkSaverBuilder
from retrograd.util import protos
from retrograd.variables.collections import _all_saveable_objects

if TYPE_CHECKING:
    from retrograd.train.saver_builder import BaseSaverBuilder
    from retrograd.typing import Message, PathLike, Structure, TensorLike

_V1_IS_OLD = (
    "*******************************************************",
    "TensorFlow's V1 checkpoint format has been deprecated.",
    "Consider switching to the more efficient V2 format:",
    "   `tf.train.Saver(write_version=tf.train.SaverDef.V2)`",
    "now on by default.",
    "*******************************************************",
)


class Saver:
    """Saves variables to checkpoints and restores them.

    A checkpoint holds the values by name. In a graph the Saver adds the operations that
    write and read it, in the name scope `save`.

    Args:
      var_list: variables, or a dictionary of them by the names they are to have; by
        default all global variables and the collection SAVEABLE_OBJECTS.
      reshape: whether a value may have another shape than its variable.
      sharded: whether each device writes a file of its own.
      max_to_keep: how many checkpoints are kept; None or 0 for all.
      keep_checkpoint_every_n_hours: one in so many hours is kept for good.
      name: the name scope.
      restore_sequentially: accepted.
      saver_def: a SaverDef message; the Saver whose operations it names.
      builder: adds the operations.
      defer_build: whether to add them only when `build` is called.
      allow_empty: whether there may be nothing to save.
      write_version: the format, of `tf.train.SaverDef`.
      pad_step_number: whether steps in names get eight digits.
      save_relative_paths: whether the file `checkpoint` has no absolute paths.
      filename: the default name of the checkpoint.

    Raises:
      TypeError: `var_list` holds what cannot be saved.
      ValueError: it is empty, or has a name twice.
      RuntimeError: executing eagerly without `var_list`.

    Example:
      >>> import os, tempfile
      >>> import retrograd as tf
      >>> v = tf.Variable([1.0, 2.0])
      >>> saver = tf.train.Saver()
      >>> prefix = os.path.join(tempfile.mkdtemp(), "model")
      >>> with tf.Session() as session:
      ...     session.run(v.initializer)
      ...     path = saver.save(session, prefix)
      >>> with tf.Session() as session:
      ...     saver.restore(session, path)
      ...     session.run(v)
      array([1., 2.], dtype=float32)
    """

    def __init__(
        self,
        var_list: Structure = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: Message | None = None,
        builder: BaseSaverBuilder | None = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: int = V2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: TensorLike | None = None,
    ) -> None:
        if defer_build and var_list:
            raise ValueError(
                "If `var_list` is provided then build cannot be deferred. Either set "
                "defer_build=False or var_list=None."
            )
        if context.executing_eagerly():
            logs.warning(
                "Saver is deprecated, please switch to tf.train.Checkpoint or "
                "tf.keras.Model.save_weights for training checkpoints. When executing "
                "eagerly variables do not necessarily have unique names, and so the "
                "variable.name-based lookups Saver performs are error-prone."
            )
            if var_list is None:
                raise RuntimeError(
                    "When eager execution is enabled, `var_list` must specify a list "
                    "or dict of variables to save"
                )
        self._var_list = var_list
        self._reshape = reshape
        self._sharded = sharded
        self._max_to_keep = max_to_keep
        self._keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self._name = name
        self._restore_sequentially = restore_sequentially
        self.saver_def: Any = saver_def
        self._builder = builder
        self._is_built = False
        self._is_empty = False
        #: what restores a checkpoint of objects, and its keys
        self._object_saver: tuple[dict[str, str], Saver] | None = None
        self._allow_empty = allow_empty
        self._write_version = write_version
        self._pad_step_number = pad_step_number
        self._save_relative_paths = save_relative_paths
        self._filename = filename
        #: paths of checkpoints and when they were written, the oldest first
        self._last_checkpoints: list[tuple[str, float]] = []
        self._checkpoints_to_be_deleted: list[tuple[str, float]] = []
        if context.executing_eagerly():
            self._next_checkpoint_time = time.time() + 3600 * (
                keep_checkpoint_every_n_hours
            )
        elif not defer_build:
            self.build()
        if self.saver_def:
            self._check_saver_def()
            self._write_version = self.saver_def.version

    # ------------------------------------------------------------------ building

    def build(self) -> None:
        """Add the operations to the default graph, unless they are there.

        Raises:
          RuntimeError: executing eagerly.
        """
        if context.executing_eagerly():
            raise RuntimeError("Use save/restore instead of build in eager mode.")
        self._build(self._filename, build_save=True, build_restore=True)

    def _build_eager(self, path: str, build_save: bool, build_restore: bool) -> None:
        self._build(path, build_save=build_save, build_restore=build_restore)

    def _build(
        self, path: TensorLike | None, build_save: bool, build_restore: bool
    ) -> None:
        eager = context.executing_eagerly()
        if not eager:
            if self._is_built:
                return
            self._is_built = True
        if not self.saver_def or eager:
            if self._builder is None:
                self._builder = BulkSaverBuilder(self._write_version)
            if self._var_list is None:
                self._var_list = _all_saveable_objects()
            if not self._var_list:
                if not self._allow_empty:
                    raise ValueError("No variables to save")
                self._is_empty = True
                return
            self._is_empty = False
            self.saver_def = self._builder._build_internal(
                self._var_list,
                reshape=self._reshape,
                sharded=self._sharded,
                max_to_keep=self._max_to_keep,
                keep_checkpoint_every_n_hours=self._keep_checkpoint_every_n_hours,
                name=self._name,
                restore_sequentially=self._restore_sequentially,
                filename=path,
                build_save=build_save,
                build_restore=build_restore,
            )
        elif self.saver_def and self._name:
            for field in _NAMES:
                name = prepend_name_scope(getattr(self.saver_def, field), self._name)
                setattr(self.saver_def, field, name)
        self._check_saver_def()
        if not eager:
            hours = self.saver_def.keep_checkpoint_every_n_hours
            self._next_checkpoint_time = time.time() + hours * 3600

    def _check_saver_def(self) -> None:
        saver_def = self.saver_def
        if getattr(type(saver_def), "DESCRIPTOR", None) is None:
            raise ValueError(
                f"saver_def must be a saver_pb2.SaverDef: {saver_def}",
            )
        if context.executing_eagerly():
            return
        for field in ("save_tensor_name", "restore_op_name"):
            if not getattr(saver_def, field):
                raise ValueError(f"saver_def must specify the {field}: {saver_def}")

    # ------------------------------------------------------------------ bookkeeping

    def _checkpoint_filename(self, item: tuple[str, float]) -> str:
        return item[0]

    def _record_last_checkpoint(self, path: str) -> None:
        if not self.saver_def.max_to_keep:
            return
        for i, (known, _) in enumerate(self._last_checkpoints):
            if known == path:
                del self._last_checkpoints[i]
                break
        self._last_checkpoints.append((path, time.time()))
        if len(self._last_checkpoints) > self.saver_def.max_to_keep:
            self._checkpoints_to_be_deleted.append(self._last_checkpoints.pop(0))

    def _maybe_delete_old_checkpoints(self, meta_graph_suffix: str) -> None:
        if not self._checkpoints_to_be_deleted:
            return
        path, written = self._checkpoints_to_be_deleted.pop(0)
        if written > self._next_checkpoint_time:  # that one is kept for good
            hours = self.saver_def.keep_checkpoint_every_n_hours
            self._next_checkpoint_time += hours * 3600
            return
        try:
            remove_checkpoint(path, self.saver_def.version, meta_graph_suffix)
        except (
            Exception
        ) as error:  # of whatever file system; a save is not failed by it
            logs.warning("Ignoring: %s", str(error))

    def as_saver_def(self) -> Any:
        """The SaverDef message that names the operations."""
        return self.saver_def

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The SaverDef, None if it is outside of a name scope to export."""
        if export_scope is None:
            return self.saver_def
        names = [getattr(self.saver_def, field) for field in _NAMES]
        if not all(name.startswith(export_scope) for name in names):
            return None
        saver_def = protos.message("saver.SaverDef")()
        saver_def.CopyFrom(self.saver_def)
        for field, name in zip(_NAMES, names, strict=True):
            setattr(saver_def, field, strip_name_scope(name, export_scope))
        return saver_def

    @staticmethod
    def from_proto(saver_def: Message, import_scope: str | None = None) -> Saver:
        """The Saver whose operations a SaverDef names, in a name scope."""
        return Saver(saver_def=saver_def, name=import_scope)

    @property
    def last_checkpoints(self) -> list[str]:
        """The checkpoints that are kept, the oldest first."""
        return [path for path, _ in self._last_checkpoints]

    def set_last_checkpoints(self, last_checkpoints: list[str]) -> None:
        """Set which checkpoints are kept; when they were written is not known."""
        assert isinstance(last_checkpoints, list)
        self._last_checkpoints = [(path, float("inf")) for path in last_checkpoints]

    def set_last_checkpoints_with_time(
        self, last_checkpoints_with_time: list[tuple[str, float]]
    ) -> None:
        """Set which checkpoints are kept: pairs of a path and a time in seconds."""
        assert isinstance(last_checkpoints_with_time, list)
        self._last_checkpoints = last_checkpoints_with_time

    def recover_last_checkpoints(self, checkpoint_paths: Sequence[str]) -> None:
        """Set which checkpoints are kept, with the times of their files.

        Args:
          checkpoint_paths: checkpoints, the oldest first; those that are gone are left
            out.
        """
        times = [get_checkpoint_mtimes([path]) for path in checkpoint_paths]
        self.set_last_checkpoints_with_time(
            [(p, t[0]) for p, t in zip(checkpoint_paths, times, strict=True) if t]
        )

    # ------------------------------------------------------------------ saving

    def save(
        self,
        sess: BaseSession | None,
        save_path: PathLike,
        global_step: TensorLike | None = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> Any:
        """Write a checkpoint.

        Args:
          sess: a session of the graph; None when executing eagerly.
          save_path: what the names of the files begin with.
          global_step: a number, or a tensor or its name, that is put behind it.
          latest_filename: the name of the file that lists the checkpoints.
          meta_graph_suffix: the ending of the file with the graph.
          write_meta_graph: whether to write that.
          write_state: whether to write the list.
          strip_default_attrs: whether the graph is without attributes with defaults.
          save_debug_info: whether to write where its operations were made, too.

        Returns:
          The path to give to `restore`; None if there is nothing to save.

        Raises:
          TypeError: `sess` is no session.
          ValueError: a path cannot be used.
          RuntimeError: the Saver is not built.
        """
        eager = context.executing_eagerly()
        if not self._is_built and not eager:
            raise RuntimeError(
                "`build()` should be called before save if defer_build==True"
            )
        if self._write_version != V2:
            for line in _V1_IS_OLD:
                logs.warning(line)
        latest_filename = latest_filename or "checkpoint"
        if os.path.split(latest_filename)[0]:
            raise ValueError("'latest_filename' must not contain path components")
        save_path = as_str(_as_path(save_path))
        checkpoint_file = self._file_for(sess, save_path, global_step, latest_filename)
        if not eager and not isinstance(sess, BaseSession):
            if not hasattr(sess, "run") or not hasattr(sess, "graph"):
                raise TypeError(f"'sess' must be a Session; {sess}")
        written = None
        try:
            if not self._is_empty:
                written = self._write(sess, checkpoint_file)
            if write_meta_graph and not eager:
                session: Any = sess
                with session.graph.as_default():
                    self.export_meta_graph(
                        meta_graph_filename(checkpoint_file, meta_graph_suffix),
                        strip_default_attrs=strip_default_attrs,
                        save_debug_info=save_debug_info,
                    )
            # last: what the list names is whole, its graph too
            if written is not None and write_state:
                self._note(written, save_path, latest_filename, meta_graph_suffix)
        except (errors.FailedPreconditionError, errors.NotFoundError) as error:
            if not self._is_empty and not files.is_directory(
                os.path.dirname(save_path)
            ):
                raise ValueError(
                    f"Parent directory of {save_path} doesn't exist, can't save."
                ) from error
            raise
        return written

    def _file_for(
        self,
        sess: BaseSession | None,
        save_path: str,
        global_step: TensorLike | None,
        latest_filename: str,
    ) -> str:
        if global_step is not None:
            session: Any = sess
            if not isinstance(global_step, numbers.Integral):
                global_step = training_util.global_step(session, global_step)
            step = f"{global_step:08d}" if self._pad_step_number else f"{global_step}"
            return f"{save_path}-{step}"
        if os.path.basename(save_path) == latest_filename and not self._sharded:
            raise ValueError(
                "'latest_filename' collides with 'save_path': "
                f"'{latest_filename}' and '{save_path}'"
            )
        return save_path

    def _write(self, sess: BaseSession | None, checkpoint_file: str) -> str:
        if context.executing_eagerly():
            self._build_eager(checkpoint_file, build_save=True, build_restore=False)
            return as_str(self.saver_def.save_tensor_name)
        saver_def = self.saver_def
        feed = {saver_def.filename_tensor_name: checkpoint_file}
        session: Any = sess
        return as_str(session.run(saver_def.save_tensor_name, feed))

    def _note(
        self, path: str, save_path: str, latest_filename: str, meta_graph_suffix: str
    ) -> None:
        """Write the list of checkpoints, and delete one that is too many."""
        self._record_last_checkpoint(path)
        update_checkpoint_state_internal(
            save_dir=os.path.dirname(save_path),
            model_checkpoint_path=path,
            all_model_checkpoint_paths=self.last_checkpoints,
            latest_filename=latest_filename,
            save_relative_paths=self._save_relative_paths,
        )
        self._maybe_delete_old_checkpoints(meta_graph_suffix)

    def _add_collection_def(
        self, meta_graph_def: Message, key: str, export_scope: str | None = None
    ) -> None:
        meta_graph.add_collection_def(meta_graph_def, key, export_scope=export_scope)

    def export_meta_graph(
        self,
        filename: str | None = None,
        collection_list: Sequence[str] | None = None,
        as_text: bool = False,
        export_scope: str | None = None,
        clear_devices: bool = False,
        clear_extraneous_savers: bool = False,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> Any:
        """The MetaGraphDef of the default graph, with this Saver; see
        `tf.train.export_meta_graph`.
        """
        return meta_graph.export_meta_graph(
            filename=filename,
            graph_def=context.get_default_graph().as_graph_def(add_shapes=True),
            saver_def=self.saver_def,
            collection_list=collection_list,
            as_text=as_text,
            export_scope=export_scope,
            clear_devices=clear_devices,
            clear_extraneous_savers=clear_extraneous_savers,
            strip_default_attrs=strip_default_attrs,
            save_debug_info=save_debug_info,
        )

    def _restore_objects(
        self, sess: BaseSession | None, prefix: str, keys: dict[str, str]
    ) -> None:
        """Restore by the names that variables had in a checkpoint of objects."""
        known = self._object_saver
        if known is None or known[0] != keys or context.executing_eagerly():
            variables = self._var_list
            if variables is None:
                variables = _all_saveable_objects()
            saveables = validate_and_slice_inputs(variables)
            known = keys, Saver(saveables_by_key(saveables, keys))
            self._object_saver = known
        known[1].restore(sess, prefix)

    # ------------------------------------------------------------------ restoring

    def restore(self, sess: BaseSession | None, save_path: PathLike | None) -> None:
        """Give the variables the values of a checkpoint; they need no initializing.

        Args:
          sess: a session of the graph; None when executing eagerly.
          save_path: what `save` returned, or `tf.train.latest_checkpoint`.

        Raises:
          ValueError: `save_path` is None or no checkpoint.
          NotFoundError, InvalidArgumentError: it is not one of these variables.
          DataLossError, OutOfRangeError: the files are damaged.
        """
        if self._is_empty:
            return
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        prefix = as_text(_as_path(save_path))
        if not checkpoint_exists_internal(prefix):
            raise ValueError(
                f"The passed save_path is not a valid checkpoint: {prefix}"
            )
        logs.info("Restoring parameters from %s", prefix)
        try:
            if context.executing_eagerly():
                self._build_eager(prefix, build_save=False, build_restore=True)
                return
            session: Any = sess
            saver_def = self.saver_def
            feed = {saver_def.filename_tensor_name: prefix}
            session.run(saver_def.restore_op_name, feed)
        except errors.NotFoundError as error:
            keys = object_graph_key_mapping(prefix)
            if keys is None:
                raise _failure(
                    error, "a Variable name or other graph key that is missing"
                ) from error
            logs.warning(
                "Restoring an object-based checkpoint using a name-based saver. This "
                "may be somewhat fragile, and will re-build the Saver. Instead, "
                "consider loading object-based checkpoints using tf.train.Checkpoint()."
            )
            self._restore_objects(sess, prefix, keys)
        except errors.InvalidArgumentError as error:
            raise _failure(
                error, "a mismatch between the current graph and the graph"
            ) from error


def _as_path(path: PathLike) -> Any:
    known: Any = path
    return os.fspath(known) if hasattr(path, "__fspath__") else path


_NAMES = ("filename_tensor_name", "save_tensor_name", "restore_op_name")


def _failure(error: errors.OpError, reason: str) -> errors.OpError:
    """The error of a restore, which says what is most often the reason."""
    text = (
        f"Restoring from checkpoint failed. This is most likely due to {reason} from "
        "the checkpoint. Please ensure that you have not altered the graph expected "
        f"based on the checkpoint. Original error:\n\n{error.message}"
    )
    kind: Any = type(error)
    return kind(error.node_def, error.op, text)


def _protos() -> tuple[Any, Any, Any]:
    return protos.message("saver.SaverDef"), Saver.to_proto, Saver.from_proto


hooks.provide(saver_protos=_protos)
