"""`tf.train.Checkpoint`: objects are saved with their variables, attribute by name."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, errors
from retrograd.formats.checkpoint_reader import NewCheckpointReader
from retrograd.graph import context
from retrograd.graph.defaults import device
from retrograd.ops.array.constant import constant, placeholder_with_default
from retrograd.ops.array.identity import identity
from retrograd.shapes import TensorShape
from retrograd.train.checkpoint_state import update_checkpoint_state_internal
from retrograd.train.object_graph import (
    OBJECT_GRAPH_PROTO_KEY,
    ConstantSaveable,
    ObjectGraph,
    full_name,
)
from retrograd.train.object_restore import Restoration
from retrograd.train.saveable import SaveableObject, gather_saveables
from retrograd.train.saver import Saver
from retrograd.train.saver_builder import BulkSaverBuilder
from retrograd.util import protos
from retrograd.util.tracking import AutoTrackable, Trackable
from retrograd.variables.collections import is_variable_initialized
from retrograd.variables.initializers import Zeros, glorot_uniform_initializer
from retrograd.variables.variable import Variable, VariableV1

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.typing import DTypeLike, InitializerLike, Message, ShapeLike

# ---------------------------------------------------------------------- statuses


def _session(session: BaseSession | None) -> Any:
    """A session to run in, by default the default one.

    Raises:
      ValueError: there is none.
    """
    found = session or context.get_default_session()
    if found is None:
        raise ValueError(
            "Saving and restoring objects in a graph takes a session: give `session`, "
            "or make one the default with `with session.as_default()`."
        )
    return found


class _LoadStatus:
    """What became of a restore."""

    def assert_consumed(self) -> Any:
        """Raise an AssertionError unless all was found, in both directions."""
        raise NotImplementedError

    def assert_existing_objects_matched(self) -> Any:
        """Raise an AssertionError unless all objects have got values."""
        raise NotImplementedError

    def assert_nontrivial_match(self) -> Any:
        """Raise an AssertionError if nothing but the root was found."""
        raise NotImplementedError

    def run_restore_ops(self, session: BaseSession | None = None) -> None:
        """In a graph: give the objects their values."""
        raise NotImplementedError

    def initialize_or_restore(self, session: BaseSession | None = None) -> None:
        """In a graph: give variables their values or else initial ones."""
        raise NotImplementedError

    def expect_partial(self) -> Any:
        """Accept that not all of the checkpoint is used."""
        return self


class CheckpointLoadStatus(_LoadStatus):
    """What became of restoring a checkpoint of objects."""

    def __init__(self, restoration: Restoration, root: Trackable) -> None:
        self._restoration = restoration
        self._root = root

    def _unmatched(self) -> list[Any]:
        restored = self._restoration.objects()
        return [
            value
            for value in ObjectGraph(self._root).everything()
            if gather_saveables(value) and value not in restored
        ]

    def assert_consumed(self) -> CheckpointLoadStatus:
        """Raise an AssertionError unless all was found, in both directions."""
        self.assert_existing_objects_matched()
        restoration = self._restoration
        for number, node in enumerate(restoration.proto.nodes):
            if number not in restoration.matched:
                name = _path_of(restoration.proto, number)
                raise AssertionError(f"Unresolved object in checkpoint {name}: {node}")
        if restoration.unused:
            unused = {
                restoration.matched[number]: names
                for number, names in restoration.unused.items()
            }
            raise AssertionError(
                "Unused attributes in these objects (the attributes exist in the "
                f"checkpoint but not in the objects): {list(unused.items())}"
            )
        return self

    def assert_existing_objects_matched(self) -> CheckpointLoadStatus:
        """Raise an AssertionError unless all objects have got values."""
        unmatched = self._unmatched()
        if unmatched:
            raise AssertionError(
                "Some Python objects were not bound to checkpointed values, likely due "
                f"to changes in the Python program: {unmatched}"
            )
        return self

    def assert_nontrivial_match(self) -> CheckpointLoadStatus:
        """Raise an AssertionError if nothing but the root was found."""
        if len(self._restoration.matched) <= 1:
            raise AssertionError(
                "Nothing except the root object matched a checkpointed value. "
                "Typically this means that the checkpoint does not match the Python "
                f"program. The following objects have no matching checkpointed value: "
                f"{self._unmatched()}"
            )
        return self

    def run_restore_ops(self, session: BaseSession | None = None) -> None:
        """In a graph: give the objects their values."""
        if not context.executing_eagerly() and self._restoration.operations:
            _session(session).run(self._restoration.operations)

    def initialize_or_restore(self, session: BaseSession | None = None) -> None:
        """In a graph: give variables their values or else initial ones."""
        if context.executing_eagerly():
            return
        unmatched = [v for v in self._unmatched() if isinstance(v, Variable)]
        self.run_restore_ops(session)
        _session(session).run([v.initializer for v in unmatched])


class InitializationOnlyStatus(_LoadStatus):
    """What became of restoring from None: variables are to be initialized."""

    def __init__(self, root: Trackable) -> None:
        self._root = root

    def _refuse(self) -> Any:
        raise AssertionError(
            "No checkpoint specified (save_path=None); nothing is being restored."
        )

    assert_consumed = _refuse
    assert_existing_objects_matched = _refuse
    assert_nontrivial_match = _refuse

    def run_restore_ops(self, session: BaseSession | None = None) -> None:
        """Raise an AssertionError: there is nothing to restore."""
        del session
        raise AssertionError(
            "No checkpoint specified, so no restore ops are available (save_path=None "
            "to Saver.restore)."
        )

    def initialize_or_restore(self, session: BaseSession | None = None) -> None:
        """In a graph: give variables that have none their initial values."""
        if context.executing_eagerly():
            return
        run = _session(session).run
        everything = ObjectGraph(self._root).everything()
        variables = [v for v in everything if isinstance(v, Variable)]
        known = run([is_variable_initialized(v) for v in variables])
        pairs = zip(variables, known, strict=True)
        run([v.initializer for v, done in pairs if not done])


class NameBasedSaverStatus(_LoadStatus):
    """What became of restoring a checkpoint of a `tf.train.Saver`: by names."""

    def __init__(self, path: str, root: Trackable, optional: list[Any]) -> None:
        self._path = path
        self._root = root
        self._optional = optional

    def _variables(self) -> dict[str, Any]:
        return {
            full_name(v): v
            for v in ObjectGraph(self._root).everything()
            if isinstance(v, Variable)
        }

    def assert_consumed(self) -> NameBasedSaverStatus:
        """Raise an AssertionError unless all was found, in both directions."""
        self.assert_existing_objects_matched()
        known = self._variables()
        for name in NewCheckpointReader(self._path).get_variable_to_shape_map():
            if name not in known:
                raise AssertionError(
                    f"Some objects had attributes which were not restored: {{{name!r}}}"
                )
        return self

    def assert_existing_objects_matched(self) -> NameBasedSaverStatus:
        """Raise an AssertionError unless all variables are in the checkpoint."""
        missing = [
            f"\n    {variable}: {[name]}"
            for name, variable in self._missing().items()
            if not self._is_optional(variable)
        ]
        if missing:
            raise AssertionError(
                "Some objects had attributes which were not restored:"
                f"{''.join(missing)}"
            )
        return self

    def _missing(self) -> dict[str, Any]:
        """The variables that are not in the checkpoint."""
        reader = NewCheckpointReader(self._path)
        known = self._variables().items()
        return {name: v for name, v in known if not reader.has_tensor(name)}

    def assert_nontrivial_match(self) -> NameBasedSaverStatus:
        """As `assert_existing_objects_matched`: names match or they do not."""
        return self.assert_existing_objects_matched()

    def _is_optional(self, variable: object) -> bool:
        return any(variable is other for other in self._optional)

    def run_restore_ops(self, session: BaseSession | None = None) -> None:
        """Give the variables that are in the checkpoint their values."""
        missing = self._missing()
        known = self._variables().items()
        wanted = {name: v for name, v in known if name not in missing}
        if not wanted:
            return
        eager = context.executing_eagerly()
        Saver(wanted).restore(None if eager else _session(session), self._path)

    def initialize_or_restore(self, session: BaseSession | None = None) -> None:
        """As `run_restore_ops`; variables that are missing are initialized."""
        missing = list(self._missing().values())
        if missing and not context.executing_eagerly():
            _session(session).run([v.initializer for v in missing])
        self.run_restore_ops(session)


def _path_of(proto: Message, number: int) -> str:
    """How a node of a checkpoint is reached from the root, as messages have it."""
    names = {0: "(root)"}
    pending = [0]
    for node in pending:
        for child in proto.nodes[node].children:
            if child.node_id not in names:
                names[child.node_id] = f"{names[node]}.{child.local_name}"
                pending.append(child.node_id)
    for node, owner in enumerate(proto.nodes):
        for slot in owner.slot_variables:
            names.setdefault(
                slot.slot_variable_node_id,
                f"{names.get(node)}'s state '{slot.slot_name}' for "
                f"{names.get(slot.original_variable_node_id)}",
            )
    return names.get(number, "")


# ---------------------------------------------------------------------- saver


class TrackableSaver:
    """Saves and restores all objects that one depends on.

    Args:
      root: the object.
    """

    def __init__(self, root: Trackable) -> None:
        self._root = root
        #: in a graph: what was saved last, and the operations that save it
        self._built: tuple[bytes, Any, Any, Any] | None = None

    def save(self, file_prefix: str, session: BaseSession | None = None) -> str:
        """Write a checkpoint.

        Args:
          file_prefix: what the names of the files begin with.
          session: a session of the graph.

        Returns:
          The path to give to `restore`.
        """
        proto, saveables = ObjectGraph(self._root).serialized()
        text = proto.SerializeToString()
        if context.executing_eagerly():
            builder = BulkSaverBuilder()
            builder.save_op(file_prefix, [*saveables, _graph_saveable(text)])
            return file_prefix
        graph = context.get_default_graph()
        if self._built is None or self._built[:2] != (text, graph):
            self._built = (text, graph, *self._build(text, saveables))
        _, _, prefix, saved = self._built
        return _session(session).run(saved, {prefix: file_prefix}).decode()

    def _build(self, text: bytes, saveables: list[SaveableObject]) -> tuple[Any, Any]:
        with device("cpu:0"):
            prefix = placeholder_with_default("model", ())
            everything = [*saveables, _graph_saveable(text)]
            return prefix, BulkSaverBuilder()._add_save_ops(prefix, everything)

    def restore(self, save_path: str | None, optional: list[Any]) -> Any:
        """Give the objects the values of a checkpoint; see `CheckpointV1`."""
        if save_path is None:
            return InitializationOnlyStatus(self._root)
        reader = NewCheckpointReader(save_path)
        try:
            text = reader.get_tensor(OBJECT_GRAPH_PROTO_KEY)
        except errors.NotFoundError:
            status = NameBasedSaverStatus(save_path, self._root, optional)
            if context.executing_eagerly():
                status.run_restore_ops()
            return status
        proto = protos.message("trackable_object_graph.TrackableObjectGraph")()
        proto.ParseFromString(text)
        restoration = Restoration(save_path, proto, reader)
        restoration.restore(self._root, 0)
        return CheckpointLoadStatus(restoration, self._root)


def _graph_saveable(text: bytes) -> SaveableObject:
    """The bytes of an object graph as something to save."""
    return ConstantSaveable(
        lambda: constant(text, dtype=dtypes.string), OBJECT_GRAPH_PROTO_KEY
    )


# ---------------------------------------------------------------------- checkpoint


class _Saving:
    """What both classes of checkpoints do; see `CheckpointV1`."""

    def __init__(self, **kwargs: Any) -> None:
        owner: Any = self
        for name, value in sorted(kwargs.items()):
            if not isinstance(value, Trackable):
                raise ValueError(
                    "`Checkpoint` was expecting a trackable object (an object derived "
                    f"from `TrackableBase`), got {value}. If you believe this object "
                    "should be trackable (i.e. it is part of the TensorFlow Python API "
                    "and manages state), please open an issue."
                )
            setattr(self, name, value)
        self._saver = TrackableSaver(owner)
        self._save_counter: Any = None
        self._save_assign_op: Any = None

    @property
    def save_counter(self) -> Any:
        """A variable that counts the calls of `save`."""
        self._maybe_create_save_counter()
        return self._save_counter

    def _maybe_create_save_counter(self) -> None:
        if self._save_counter is not None:
            return
        with device("cpu:0"):
            counter = VariableV1(
                0,
                name="save_counter",
                dtype=dtypes.int64,
                trainable=False,
                use_resource=True,
            )
        owner: Any = self
        owner.__dict__["_save_counter"] = counter
        owner._track_trackable(counter, "save_counter", overwrite=True)

    def write(self, file_prefix: str, session: BaseSession | None = None) -> str:
        """Write a checkpoint under just this name; see `save`."""
        return self._saver.save(os.fspath(file_prefix), session)

    def save(self, file_prefix: str, session: BaseSession | None = None) -> str:
        """Write a checkpoint with the next number behind its name.

        Args:
          file_prefix: what the names of the files begin with.
          session: in a graph, a session; by default the default one.

        Returns:
          The path to give to `restore`.
        """
        file_prefix = os.fspath(file_prefix)
        eager = context.executing_eagerly()
        live: Any = None
        if not eager:
            live = _session(session)
            if self._save_counter is None:
                live.run(self.save_counter.initializer)
        self._maybe_create_save_counter()
        if eager:
            number = int(self.save_counter.assign_add(1).numpy())
        else:
            if self._save_assign_op is None:
                read = self.save_counter.assign_add(1, read_value=True)
                self.__dict__["_save_assign_op"] = identity(read)
            number = int(live.run(self._save_assign_op))
        path = self.write(f"{file_prefix}-{number}", live)
        update_checkpoint_state_internal(
            save_dir=os.path.dirname(file_prefix),
            model_checkpoint_path=path,
            all_model_checkpoint_paths=[path],
            save_relative_paths=True,
        )
        return path

    def restore(self, save_path: str | None) -> Any:
        """Give the objects the values of a checkpoint, now or when they are there.

        Args:
          save_path: what `save` returned; None to initialize only.

        Returns:
          An object with `assert_consumed`, `run_restore_ops`,
          `initialize_or_restore` and others, which tell and do the rest.

        Raises:
          NotFoundError: there is no such checkpoint.
        """
        path = None if save_path is None else os.fspath(save_path)
        if path is None or not _is_of_objects(path):
            self._maybe_create_save_counter()
            return self._saver.restore(path, [self._save_counter])
        status = self._saver.restore(path, [])
        self._maybe_create_save_counter()
        return status


def _is_of_objects(path: str) -> bool:
    return NewCheckpointReader(path).has_tensor(OBJECT_GRAPH_PROTO_KEY)


class CheckpointV1(AutoTrackable, _Saving):
    """Saves objects, and restores them into others of the same structure.

    Args:
      **kwargs: objects, by the names under which the checkpoint knows them.

    Raises:
      ValueError: one cannot be saved.

    Example:
      >>> import os, tempfile
      >>> import retrograd as tf
      >>> v = tf.Variable([1.0, 2.0], use_resource=True)
      >>> checkpoint = tf.train.Checkpoint(v=v)
      >>> prefix = os.path.join(tempfile.mkdtemp(), "model")
      >>> with tf.Session() as session:
      ...     session.run(v.initializer)
      ...     path = checkpoint.save(prefix)
      >>> with tf.Session() as session:
      ...     checkpoint.restore(path).assert_consumed().run_restore_ops()
      ...     session.run(v)
      array([1., 2.], dtype=float32)
    """


class Checkpoint(AutoTrackable, _Saving):
    """`tf.train.Checkpoint` of version 2; the same."""


def add_variable(
    trackable: Trackable,
    name: str,
    shape: ShapeLike = None,
    dtype: DTypeLike = dtypes.float32,
    initializer: InitializerLike | None = None,
    trainable: bool = True,
) -> Any:
    """A new variable that an object depends on.

    Args:
      trackable: the object.
      name: the name of the variable, and that by which the object depends on it.
      shape, dtype: what `initializer` is called with.
      initializer: a value, or a function of a shape; by default that of `get_variable`.
      trainable: whether optimizers change it by default.
    """
    kind, first = dtypes.as_dtype(dtype), initializer
    if first is None:
        first = glorot_uniform_initializer() if kind.is_floating else Zeros()
    make: Any = first
    if callable(first):
        size = TensorShape(shape or ()).as_list()
        first = functools.partial(make, size, dtype=kind)
    made = VariableV1(
        first, name=name, dtype=kind, trainable=trainable, use_resource=True
    )
    return trackable._track_trackable(made, name)


def list_objects(root_trackable: Trackable) -> list[Any]:
    """All objects that one depends on, itself and slots of optimizers too."""
    return ObjectGraph(root_trackable).everything()


def gather_initializers(root_trackable: Trackable) -> list[Any]:
    """In a graph: the initializers of all that one object depends on."""
    return [
        value.initializer
        for value in list_objects(root_trackable)
        if getattr(value, "initializer", None) is not None
    ]
