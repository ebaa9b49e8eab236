"""The operations that save and restore, as a Saver adds them to a graph."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.defaults import control_dependencies, device
from retrograd.graph.device import canonical_name
from retrograd.graph.name_scopes import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant, placeholder_with_default
from retrograd.ops.array.identity import identity
from retrograd.ops.array.shape import shape as shape_of
from retrograd.ops.declare import F
from retrograd.ops.flow.control import group, with_dependencies
from retrograd.train.saveable import (
    ReferenceVariableSaveable,
    ResourceVariableSaveable,
    SaveableObject,
    SaveSpec,
    op_list_to_dict,
    set_cpu0,
    validate_and_slice_inputs,
)
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Structure, TensorLike

    #: devices and what is saved there
    Placed = list[tuple[str, list[SaveableObject]]]

V1, V2 = 1, 2  # SaverDef's numbers of its formats


class BaseSaverBuilder:
    """Adds the operations of a Saver to a graph; a subclass may change some of them.

    Args:
      write_version: the format of the checkpoints, of `tf.train.SaverDef`.
    """

    SaveSpec = SaveSpec
    SaveableObject = SaveableObject
    VariableSaveable = ReferenceVariableSaveable
    ResourceVariableSaveable = ResourceVariableSaveable

    def __init__(self, write_version: int = V2) -> None:
        self._write_version = write_version

    # ------------------------------------------------------------------ parts

    def save_op(
        self, filename_tensor: TensorLike, saveables: Sequence[SaveableObject]
    ) -> Any:
        """An operation that writes all to a file.

        Raises:
          RuntimeError: the format is not known.
        """
        specs = [spec for saveable in saveables for spec in saveable.specs]
        names = [spec.name for spec in specs]
        slices = [spec.slice_spec for spec in specs]
        tensors = [spec.tensor for spec in specs]
        if self._write_version == V1:
            return F.SaveSlices(filename_tensor, names, slices, tensors, name="save")
        if self._write_version == V2:
            return F.SaveV2(filename_tensor, names, slices, tensors)
        raise RuntimeError(f"Unexpected write_version: {self._write_version}")

    def bulk_restore(
        self,
        filename_tensor: TensorLike,
        saveables: Sequence[SaveableObject],
        preferred_shard: int,
        restore_sequentially: bool,
    ) -> list[Tensor]:
        """The values of all, each read by an operation of its own."""
        del restore_sequentially
        found: list[Tensor] = []
        for saveable in saveables:
            place = set_cpu0(saveable.device) if saveable.device else None
            with device(place):
                found += self.restore_op(filename_tensor, saveable, preferred_shard)
        return found

    def restore_op(
        self,
        filename_tensor: TensorLike,
        saveable: SaveableObject,
        preferred_shard: int,
    ) -> list[Tensor]:
        """The values of one."""
        del preferred_shard
        return [restored_values(filename_tensor, [spec])[0] for spec in saveable.specs]

    def sharded_filename(
        self, filename_tensor: TensorLike, shard: int, num_shards: TensorLike
    ) -> Any:
        """The name of one of several files."""
        return F.ShardedFilename(filename_tensor, shard, num_shards)

    def _add_save_ops(
        self, filename: Tensor, saveables: Sequence[SaveableObject]
    ) -> Any:
        """The name of the file, once it is written."""
        save = self.save_op(filename, saveables)
        return with_dependencies([save], filename)

    def _add_sharded_save(self, filename: Tensor, per_device: Placed) -> Any:
        if self._write_version == V2:
            return self._add_sharded_save_v2(filename, per_device)
        shards = constant(len(per_device), name="num_shards")
        saved = []
        for shard, (place, saveables) in enumerate(per_device):
            with device(place):
                name = self.sharded_filename(filename, shard, shards)
                saved.append(self._add_save_ops(name, saveables))
        with control_dependencies([x.op for x in saved]):
            return F.ShardedFilespec(filename, shards)

    def _add_sharded_save_v2(self, prefix: Tensor, per_device: Placed) -> Any:
        """Each device writes a checkpoint of its own; then they are made one."""
        suffix = f"_temp_{uuid.uuid4().hex}/part"
        temporary = F.StringJoin([prefix, suffix])
        shards = constant(len(per_device), name="num_shards")
        names, saved, last = [], [], None
        for shard, (place, saveables) in enumerate(per_device):
            last = set_cpu0(place)
            with device(last):
                names.append(self.sharded_filename(temporary, shard, shards))
                saved.append(self._add_save_ops(names[-1], saveables))
        with control_dependencies([x.op for x in saved]), device(last):
            merge = F.MergeV2Checkpoints(names, prefix, delete_old_dirs=True)
            with control_dependencies([merge]):
                return identity(prefix)

    def _add_restore_ops(
        self,
        filename_tensor: TensorLike,
        saveables: Sequence[SaveableObject],
        restore_sequentially: bool,
        reshape: bool,
        preferred_shard: int = -1,
        name: str = "restore_all",
    ) -> Any:
        """An operation that gives all their values."""
        tensors = self.bulk_restore(
            filename_tensor, saveables, preferred_shard, restore_sequentially
        )
        done: list[Any] = []
        at = 0
        for saveable in saveables:
            shapes = [_shape_for(spec) for spec in saveable.specs] if reshape else None
            values = tensors[at : at + len(saveable.specs)]
            at += len(saveable.specs)
            done.append(saveable.restore(values, shapes))
        return group(*done, name=name)

    def _add_sharded_restore(
        self, filename: Tensor, per_device: Placed, sequentially: bool, reshape: bool
    ) -> Any:
        shards = []
        for shard, (place, saveables) in enumerate(per_device):
            with device(place):
                shards.append(
                    self._add_restore_ops(
                        filename,
                        saveables,
                        sequentially,
                        reshape,
                        preferred_shard=shard,
                        name="restore_shard",
                    )
                )
        return group(*shards, name="restore_all")

    # ------------------------------------------------------------------ the whole

    @staticmethod
    def OpListToDict(
        op_list: Structure, convert_variable_to_tensor: bool = True
    ) -> Any:
        """Variables by name; see `saveable.op_list_to_dict`."""
        return op_list_to_dict(op_list, convert_variable_to_tensor)

    def _ValidateAndSliceInputs(
        self, names_to_saveables: Structure
    ) -> list[SaveableObject]:
        return validate_and_slice_inputs(names_to_saveables)

    def _GroupByDevices(self, saveables: Sequence[SaveableObject]) -> Placed:
        """Pairs of a device and what is there, sorted."""
        found: dict[str, list[SaveableObject]] = {}
        for saveable in saveables:
            places = {set_cpu0(spec.device) for spec in saveable.specs}
            if len(places) > 1:
                raise ValueError(
                    "All tensors of a saveable object must be on the same device: "
                    f"{saveable.name}"
                )
            found.setdefault(_canonical(saveable.device), []).append(saveable)
        return sorted(found.items(), key=lambda pair: pair[0])

    def build(
        self,
        names_to_saveables: Structure,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        filename: TensorLike | None = "model",
    ) -> Any:
        """Add the operations to the default graph.

        Args:
          names_to_saveables: variables by name, or a list of them.
          reshape: whether values take the shapes of the variables.
          sharded: whether each device writes a file.
          max_to_keep, keep_checkpoint_every_n_hours: noted in the result.
          name: the name scope, by default "save".
          restore_sequentially: accepted.
          filename: the default name of the file.

        Returns:
          A SaverDef that names the operations.
        """
        return self._build_internal(
            names_to_saveables=names_to_saveables,
            reshape=reshape,
            sharded=sharded,
            max_to_keep=max_to_keep,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours,
            name=name,
            restore_sequentially=restore_sequentially,
            filename=filename,
        )

    def _build_internal(
        self,
        names_to_saveables: Structure,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        filename: TensorLike | None = "model",
        build_save: bool = True,
        build_restore: bool = True,
    ) -> Any:
        eager = context.executing_eagerly()
        if not eager and (not build_save or not build_restore):
            raise ValueError(
                "save and restore operations need to be built together  when eager "
                "execution is not enabled."
            )
        saveables = self._ValidateAndSliceInputs(names_to_saveables)
        saved: Any = None
        restored: Any = None
        with name_scope(name, "save", [s.op for s in saveables]):
            given = placeholder_with_default(
                "model" if filename is None else filename, (), "filename"
            )
            prefix: Any = placeholder_with_default(given, (), "Const")
            per_device: Any = self._GroupByDevices(saveables) if sharded else None
            if build_save:
                saved = (
                    self._add_sharded_save(prefix, per_device)
                    if sharded
                    else self._add_save_ops(prefix, saveables)
                )
            if build_restore:
                restored = (
                    self._add_sharded_restore(
                        prefix, per_device, restore_sequentially, reshape
                    )
                    if sharded
                    else self._add_restore_ops(
                        prefix, saveables, restore_sequentially, reshape
                    )
                )
        return protos.message("saver.SaverDef")(
            filename_tensor_name=_name(prefix, eager),
            save_tensor_name=_name(saved, eager),
            restore_op_name="" if eager else restored.name,
            max_to_keep=max_to_keep or 0,
            sharded=sharded,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours or 0.0,
            version=self._write_version,
        )


def _name(tensor: Tensor | None, eager: bool) -> str | bytes:
    """The name of a tensor; in eager mode its value."""
    known: Any = tensor
    if not eager:
        return known.name
    return "" if known is None else known.numpy()


def _canonical(place: str | None) -> str:
    return canonical_name(place or "")


def _shape_for(spec: SaveSpec) -> Any:
    """The shape that a restored value is to take, known or found as it runs."""
    known = spec.tensor.get_shape()
    return known.as_list() if known.is_fully_defined() else shape_of(spec.tensor)


def restored_values(filename: TensorLike, specs: Sequence[SaveSpec]) -> list[Tensor]:
    """The values of tensors in a checkpoint, read by one operation."""
    found = F.RestoreV2(
        filename,
        [spec.name for spec in specs],
        [spec.slice_spec for spec in specs],
        dtypes=[dtypes.as_dtype(spec.dtype).base_dtype for spec in specs],
    )
    return list(found) if isinstance(found, list | tuple) else [found]


class BulkSaverBuilder(BaseSaverBuilder):
    """A builder whose values are all read by one operation."""

    def bulk_restore(
        self,
        filename_tensor: TensorLike,
        saveables: Sequence[SaveableObject],
        preferred_shard: int,
        restore_sequentially: bool,
    ) -> list[Tensor]:
        """The values of all, on the CPU: texts cannot be elsewhere."""
        del preferred_shard, restore_sequentially
        specs = [spec for saveable in saveables for spec in saveable.specs]
        with device("CPU:0"):
            return restored_values(filename_tensor, specs)
