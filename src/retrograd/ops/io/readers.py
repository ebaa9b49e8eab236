"""Readers: `tf.TFRecordReader`, `tf.TextLineReader` and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.hooks import hooks
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.ops.queues.queue import QueueBase
    from retrograd.typing import TensorLike


class ReaderBase:
    """Reads records of the files, or other units of work, that a queue names.

    Args:
      reader_ref: the tensor that stands for it.
      supports_serialize: whether its state can be saved.

    Raises:
      RuntimeError: the program executes eagerly.
    """

    def __init__(self, reader_ref: Tensor, supports_serialize: bool = False) -> None:
        if context.executing_eagerly():
            raise RuntimeError(
                "Readers are not supported when eager execution is enabled. Instead, "
                "please use tf.data to get data into your model."
            )
        self._reader_ref = reader_ref
        self._supports_serialize = supports_serialize

    @property
    def reader_ref(self) -> Tensor:
        """The tensor that stands for it."""
        return self._reader_ref

    @property
    def supports_serialize(self) -> bool:
        """Whether its state can be saved."""
        return self._supports_serialize

    def read(self, queue: QueueBase | Tensor, name: str | None = None) -> Any:
        """The next record: its key and its value, as string tensors.

        Args:
          queue: the queue with the names of files.
          name: the name of the operation.
        """
        return F.ReaderReadV2(self._reader_ref, _handle(queue), name=name)

    def read_up_to(
        self,
        queue: QueueBase | Tensor,
        num_records: TensorLike,
        name: str | None = None,
    ) -> Any:
        """Several records: their keys and their values, 1-D.

        Args:
          queue: the queue with the names of files.
          num_records: how many, if the file has as many.
          name: the name of the operation.
        """
        return F.ReaderReadUpToV2(
            self._reader_ref, _handle(queue), num_records, name=name
        )

    def num_records_produced(self, name: str | None = None) -> Tensor:
        """How many records were read."""
        return F.ReaderNumRecordsProducedV2(self._reader_ref, name=name)

    def num_work_units_completed(self, name: str | None = None) -> Tensor:
        """How many files were read to the end."""
        return F.ReaderNumWorkUnitsCompletedV2(self._reader_ref, name=name)

    def serialize_state(self, name: str | None = None) -> Tensor:
        """Where it is, as a string."""
        return F.ReaderSerializeStateV2(self._reader_ref, name=name)

    def restore_state(self, state: TensorLike, name: str | None = None) -> Any:
        """An operation after which it is where it was.

        Args:
          state: what `serialize_state` gave.
          name: the name of the operation.
        """
        return F.ReaderRestoreStateV2(self._reader_ref, state, name=name)

    def reset(self, name: str | None = None) -> Any:
        """An operation after which it begins anew."""
        return F.ReaderResetV2(self._reader_ref, name=name)


def _handle(queue: QueueBase | Tensor) -> Tensor:
    given: Any = queue
    return convert_to_tensor(getattr(given, "queue_ref", given))


class WholeFileReader(ReaderBase):
    """Reads whole files; the key is the path.

    Args:
      name: the name of the operation.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(F.WholeFileReaderV2(name=name), supports_serialize=True)


class TextLineReader(ReaderBase):
    """Reads the lines of files, without what ends them; keys are `path:number`.

    Args:
      skip_header_lines: how many lines of each file to leave out at its beginning.
      name: the name of the operation.
    """

    def __init__(
        self, skip_header_lines: int | None = None, name: str | None = None
    ) -> None:
        made = F.TextLineReaderV2(skip_header_lines=skip_header_lines or 0, name=name)
        super().__init__(made)


class FixedLengthRecordReader(ReaderBase):
    """Reads pieces of files, all of one length; keys are `path:number`.

    Args:
      record_bytes: the length of a piece.
      header_bytes, footer_bytes: how much to leave out at both ends of a file.
      hop_bytes: how far a piece is from the next, by default as far as it is long.
      name: the name of the operation.
      encoding: how files are compressed: "ZLIB" or "GZIP".
    """

    def __init__(
        self,
        record_bytes: int,
        header_bytes: int | None = None,
        footer_bytes: int | None = None,
        hop_bytes: int | None = None,
        name: str | None = None,
        encoding: str | None = None,
    ) -> None:
        made = F.FixedLengthRecordReaderV2(
            record_bytes=record_bytes,
            header_bytes=header_bytes or 0,
            footer_bytes=footer_bytes or 0,
            hop_bytes=hop_bytes or 0,
            encoding=encoding or "",
            name=name,
        )
        super().__init__(made)


class TFRecordReader(ReaderBase):
    """Reads the records of TFRecord files; keys are `path:place`.

    Args:
      name: the name of the operation.
      options: TFRecordOptions that say how files are compressed.
    """

    def __init__(self, name: str | None = None, options: Any = None) -> None:
        kind = hooks.compression_name(options)
        super().__init__(F.TFRecordReaderV2(name=name, compression_type=kind))


class IdentityReader(ReaderBase):
    """Gives what is in the queue, as keys and as values.

    Args:
      name: the name of the operation.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(F.IdentityReaderV2(name=name), supports_serialize=True)
