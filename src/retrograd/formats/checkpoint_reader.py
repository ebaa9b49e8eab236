"""`tf.train.NewCheckpointReader`: what is in a checkpoint, without a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import errors
from retrograd.formats.checkpoints import open_checkpoint
from retrograd.formats.slice_table import SliceReader
from retrograd.formats.tensor_bundle import BundleReader
from retrograd.formats.tensor_slice import shape_text
from retrograd.platform.text import as_bytes, as_str
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd import dtypes


class CheckpointReader:
    """Reads the tensors of a checkpoint by name.

    Args:
      filename: the checkpoint, as `Saver.save` returned it: of version 2, the files'
        names without their endings.

    Raises:
      NotFoundError: there is none.
      DataLossError: the file is something else, or damaged.
    """

    def __init__(self, filename: str | bytes) -> None:
        self._reader = open_checkpoint(as_str(filename))
        self._known: dict[str, tuple[dtypes.DType, list[int]]] = {}
        self._lines: list[bytes] = []
        if isinstance(self._reader, BundleReader):
            self._read_bundle(self._reader)
        else:
            self._read_slices(self._reader)

    def __del__(self) -> None:
        # programs leave readers to the garbage collector
        if hasattr(self, "_reader"):
            self._reader.close()

    def _read_bundle(self, reader: BundleReader) -> None:
        for key, entry in reader.items():
            if not key.startswith(b"\0"):  # those are slices
                name = key.decode("utf-8", "surrogateescape")
                kind, shape = reader.lookup(name)
                self._known[name] = kind, list(shape)
            if not entry.slices:
                word, sizes = _word(entry.dtype), [d.size for d in entry.shape.dim]
                self._lines.append(key + f" ({word}) {shape_text(sizes)}".encode())

    def _read_slices(self, reader: SliceReader) -> None:
        for name, kind, shape, slices in reader.tensors():
            self._known[name] = kind, list(shape)
            line = f"{name} ({_word(kind.as_datatype_enum)}) {shape_text(shape)}"
            line += f", {slices} slices" if slices > 1 else ""
            self._lines.append(line.encode("utf-8", "surrogateescape"))

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shapes of all tensors, by name."""
        return {name: list(shape) for name, (_, shape) in self._known.items()}

    def get_variable_to_dtype_map(self) -> dict[str, dtypes.DType]:
        """The dtypes of all tensors, by name."""
        return {name: kind for name, (kind, _) in self._known.items()}

    # the names that TensorFlow's compiled class has besides
    _GetVariableToShapeMap = get_variable_to_shape_map

    def has_tensor(self, tensor_str: str | bytes) -> bool:
        """Whether there is a tensor of this name."""
        return as_str(tensor_str) in self._known

    def get_tensor(self, tensor_str: str | bytes) -> Any:
        """The value of a tensor.

        Raises:
          NotFoundError: there is no tensor of this name.
          UnimplementedError: it is stored in slices, in a checkpoint of version 1.
          DataLossError, OutOfRangeError: its bytes are damaged, or missing.
        """
        name = as_str(as_bytes(tensor_str))
        reader = self._reader
        if isinstance(reader, SliceReader):
            if name not in self._known:
                raise errors.NotFoundError(
                    None, None, f"{name} not found in checkpoint file"
                )
            if reader.is_sliced(name):
                raise errors.UnimplementedError(
                    None, None, "Sliced checkpoints are not supported"
                )
        value = reader.get(name)
        return value[()] if isinstance(value, np.ndarray) and not value.ndim else value

    def debug_string(self) -> bytes:
        """A line for each tensor that is stored: its name, dtype and shape."""
        return b"".join(line + b"\n" for line in self._lines)


def _word(number: int) -> str:
    return protos.message("types.DataType").Name(number)


def NewCheckpointReader(filepattern: str | bytes) -> CheckpointReader:
    """A reader of a checkpoint; see `CheckpointReader`."""
    return CheckpointReader(filepattern)
