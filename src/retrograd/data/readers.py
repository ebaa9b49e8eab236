"""Datasets of what is in files: `tf.data.TFRecordDataset` and the like."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.data.dataset import DatasetV1, DatasetV2
from retrograd.data.experimental.applied import parallel_interleave
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import TensorSpec
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.shape import reshape
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import TensorLike

_BUFFER = 256 * 1024
_TEXT = TensorSpec([], dtypes.string)


def _read(
    filenames: TensorLike | DatasetV2,
    num_parallel_reads: TensorLike | None,
    reader: Callable[[Tensor], Tensor],
) -> Tensor:
    """The dataset of what is in files.

    Args:
      filenames: the names of files, or a dataset of such.
      num_parallel_reads: how many files are read at a time, in turn; by default one
        after the other.
      reader: makes the dataset of one file, or of several.

    Raises:
      TypeError: a dataset of something else.
    """
    if not isinstance(filenames, DatasetV2):
        names = convert_to_tensor(filenames, dtypes.string)
        flat = reshape(names, [-1], name="flat_filenames")
        source: Any = DatasetV2.from_tensor_slices(flat)
    else:
        source = filenames
    spec = source.element_spec
    if getattr(spec, "dtype", None) != dtypes.string:
        raise TypeError(
            "`filenames` must be a `tf.data.Dataset` of `tf.string` elements."
        )
    if not spec.shape.is_compatible_with([]):
        raise TypeError(
            "`filenames` must be a `tf.data.Dataset` of scalar `tf.string` elements."
        )

    def of_one(name: Tensor) -> DatasetV2:
        return DatasetV2(reader(name), _TEXT)

    if num_parallel_reads is None:
        return source.flat_map(of_one)._variant_tensor
    several = parallel_interleave(of_one, cycle_length=num_parallel_reads)
    return source.apply(several)._variant_tensor


def _optional(
    value: TensorLike | None, default: TensorLike, name: str, dtype: Any
) -> Tensor:
    return convert_to_tensor(default if value is None else value, dtype, name)


def _kind(compression_type: TensorLike | None) -> Tensor:
    return _optional(compression_type, "", "compression_type", dtypes.string)


def _buffer(buffer_size: TensorLike | None) -> Tensor:
    return _optional(buffer_size, _BUFFER, "buffer_size", dtypes.int64)


class TFRecordDatasetV2(DatasetV2):
    """The records of TFRecord files, as strings.

    Args:
      filenames: paths: a string or several, or a dataset of such.
      compression_type: how the files are compressed: "", "ZLIB" or "GZIP".
      buffer_size: taken for TensorFlow's sake.
      num_parallel_reads: how many files are read at a time, a record of each in turn;
        by default one file after the other.

    Raises:
      DataLossError: (when run) a file is cut off or damaged.
    """

    _called = "TFRecordDatasetV2"

    def __init__(
        self,
        filenames: TensorLike | DatasetV2,
        compression_type: TensorLike | None = None,
        buffer_size: TensorLike | None = None,
        num_parallel_reads: TensorLike | None = None,
    ) -> None:
        handle = _read(
            filenames,
            num_parallel_reads,
            lambda names: F.TFRecordDataset(
                names, _kind(compression_type), _buffer(buffer_size)
            ),
        )
        super().__init__(handle, _TEXT)


class TextLineDatasetV2(DatasetV2):
    """The lines of text files, without what ends them.

    Args:
      filenames, compression_type, buffer_size, num_parallel_reads: see
        `TFRecordDatasetV2`.
    """

    _called = "TextLineDatasetV2"

    def __init__(
        self,
        filenames: TensorLike | DatasetV2,
        compression_type: TensorLike | None = None,
        buffer_size: TensorLike | None = None,
        num_parallel_reads: TensorLike | None = None,
    ) -> None:
        handle = _read(
            filenames,
            num_parallel_reads,
            lambda names: F.TextLineDataset(
                names, _kind(compression_type), _buffer(buffer_size)
            ),
        )
        super().__init__(handle, _TEXT)


class FixedLengthRecordDatasetV2(DatasetV2):
    """Pieces of files, all of one length, as strings.

    Args:
      filenames: paths: a string or several.
      record_bytes: the length of a piece.
      header_bytes, footer_bytes: how much to leave out at both ends of a file.
      buffer_size, compression_type, num_parallel_reads: see `TFRecordDatasetV2`.

    Raises:
      InvalidArgumentError: (when run) a file is no whole number of pieces.
    """

    _called = "FixedLengthRecordDatasetV2"

    def __init__(
        self,
        filenames: TensorLike | DatasetV2,
        record_bytes: TensorLike,
        header_bytes: TensorLike | None = None,
        footer_bytes: TensorLike | None = None,
        buffer_size: TensorLike | None = None,
        compression_type: TensorLike | None = None,
        num_parallel_reads: TensorLike | None = None,
    ) -> None:

        def reader(names: Tensor) -> Tensor:
            sizes = [
                _optional(value, 0, name, dtypes.int64)
                for value, name in (
                    (header_bytes, "header_bytes"),
                    (record_bytes, "record_bytes"),
                    (footer_bytes, "footer_bytes"),
                )
            ]
            others = [*sizes, _buffer(buffer_size)]
            if compression_type is None:
                return F.FixedLengthRecordDataset(names, *others)
            kind = _kind(compression_type)
            return F.FixedLengthRecordDatasetV2(names, *others, kind)

        super().__init__(_read(filenames, num_parallel_reads, reader), _TEXT)


class TFRecordDatasetV1(DatasetV1):
    """The records of TFRecord files; see `TFRecordDatasetV2`."""

    _called = "TFRecordDatasetV1"

    def __init__(
        self,
        filenames: TensorLike | DatasetV2,
        compression_type: TensorLike | None = None,
        buffer_size: TensorLike | None = None,
        num_parallel_reads: TensorLike | None = None,
    ) -> None:
        _become(
            self,
            TFRecordDatasetV2,
            filenames,
            compression_type,
            buffer_size,
            num_parallel_reads,
        )


class TextLineDatasetV1(DatasetV1):
    """The lines of text files; see `TextLineDatasetV2`."""

    _called = "TextLineDatasetV1"

    def __init__(
        self,
        filenames: TensorLike | DatasetV2,
        compression_type: TensorLike | None = None,
        buffer_size: TensorLike | None = None,
        num_parallel_reads: TensorLike | None = None,
    ) -> None:
        _become(
            self,
            TextLineDatasetV2,
            filenames,
            compression_type,
            buffer_size,
            num_parallel_reads,
        )


class FixedLengthRecordDatasetV1(DatasetV1):
    """Pieces of files, all of one length; see `FixedLengthRecordDatasetV2`."""

    _called = "FixedLengthRecordDatasetV1"

    def __init__(
        self,
        filenames: TensorLike | DatasetV2,
        record_bytes: TensorLike,
        header_bytes: TensorLike | None = None,
        footer_bytes: TensorLike | None = None,
        buffer_size: TensorLike | None = None,
        compression_type: TensorLike | None = None,
        num_parallel_reads: TensorLike | None = None,
    ) -> None:
        _become(
            self,
            FixedLengthRecordDatasetV2,
            filenames,
            record_bytes,
            header_bytes,
            footer_bytes,
            buffer_size,
            compression_type,
            num_parallel_reads,
        )


def _become(
    dataset: DatasetV1, kind: Callable[..., DatasetV2], *arguments: object
) -> None:
    """Let a dataset of version 1 hold what one of version 2 does."""
    DatasetV1.__init__(dataset, kind(*arguments)._variant_tensor, _TEXT)


TFRecordDataset = TFRecordDatasetV1
TextLineDataset = TextLineDatasetV1
FixedLengthRecordDataset = FixedLengthRecordDatasetV1
