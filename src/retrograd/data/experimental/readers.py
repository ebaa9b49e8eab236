"""Datasets of tables and of Examples: CSV files, SQL queries, TFRecord files."""

from __future__ import annotations

import csv
import functools
import inspect
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.data import elements
from retrograd.data.dataset import DatasetV1, DatasetV2
from retrograd.data.experimental.applied import parallel_interleave, shuffle_and_repeat
from retrograd.data.readers import TFRecordDatasetV1
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import TensorSpec
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.parsing.examples import parse_example
from retrograd.platform import files

if TYPE_CHECKING:
    from retrograd.data.experimental.applied import Transformation
    from retrograd.typing import Structure, TensorLike

_TYPES = (
    dtypes.float32,
    dtypes.float64,
    dtypes.int32,
    dtypes.int64,
    dtypes.string,
)
_CSV_BUFFER = 4 * 1024 * 1024


def _default(given: Structure) -> Tensor:
    """The default of a column: nothing where a dtype, or its number, was given."""
    if isinstance(given, int) and not isinstance(given, bool):
        given = next((k for k in _TYPES if k.as_datatype_enum == given), given)
    if isinstance(given, dtypes.DType):
        return convert_to_tensor(np.zeros([0], given.as_numpy_dtype), given)
    return convert_to_tensor(given)


class CsvDatasetV2(DatasetV2):
    """The rows of CSV files, a scalar for each column.

    Args:
      filenames: the files.
      record_defaults: for each column the value where there is none, or a dtype where
        there must be one.
      compression_type: how the files are compressed: "", "ZLIB" or "GZIP".
      buffer_size: taken for TensorFlow's sake.
      header: whether to leave out the first line.
      field_delim: what is between columns.
      use_quote_delim: whether quotes are around text.
      na_value: what else stands for nothing.
      select_cols: the numbers of the columns to read.
    """

    _called = "CsvDatasetV2"

    def __init__(
        self,
        filenames: TensorLike,
        record_defaults: Sequence[Structure],
        compression_type: TensorLike | None = None,
        buffer_size: TensorLike | None = None,
        header: TensorLike = False,
        field_delim: TensorLike = ",",
        use_quote_delim: TensorLike = True,
        na_value: TensorLike = "",
        select_cols: Sequence[int] | None = None,
    ) -> None:
        defaults = [_default(value) for value in record_defaults]
        specs = tuple(TensorSpec([], value.dtype) for value in defaults)
        columns = [] if select_cols is None else select_cols
        inputs: list[tuple[Any, Any]] = [
            (filenames, dtypes.string),
            ("" if compression_type is None else compression_type, dtypes.string),
            (_CSV_BUFFER if buffer_size is None else buffer_size, dtypes.int64),
            (header, dtypes.bool),
            (field_delim, dtypes.string),
            (use_quote_delim, dtypes.bool),
            (na_value, dtypes.string),
            (columns, dtypes.int64),
        ]
        tensors = [convert_to_tensor(value, kind) for value, kind in inputs]
        shapes = elements.attrs_of(specs)["output_shapes"]
        made = F.CSVDataset(*tensors, defaults, output_shapes=shapes)
        super().__init__(made, specs)


class CsvDatasetV1(DatasetV1):
    """The rows of CSV files; see `CsvDatasetV2`."""

    _called = "CsvDatasetV1"

    def __init__(
        self,
        filenames: TensorLike,
        record_defaults: Sequence[Structure],
        compression_type: TensorLike | None = None,
        buffer_size: TensorLike | None = None,
        header: TensorLike = False,
        field_delim: TensorLike = ",",
        use_quote_delim: TensorLike = True,
        na_value: TensorLike = "",
        select_cols: Sequence[int] | None = None,
    ) -> None:
        super().__init__(
            CsvDatasetV2(  # pyright: ignore[reportArgumentType]
                filenames,
                record_defaults,
                compression_type,
                buffer_size,
                header,
                field_delim,
                use_quote_delim,
                na_value,
                select_cols,
            )
        )


class SqlDatasetV2(DatasetV2):
    """The rows that a query of a database gives.

    Args:
      driver_name: "sqlite".
      data_source_name: the file.
      query: the query.
      output_types: the dtypes of the columns.
    """

    _called = "SqlDatasetV2"

    def __init__(
        self,
        driver_name: TensorLike,
        data_source_name: TensorLike,
        query: TensorLike,
        output_types: Structure,
    ) -> None:
        given = driver_name, data_source_name, query
        texts = [convert_to_tensor(text, dtypes.string) for text in given]
        specs = elements.mapped(lambda kind: TensorSpec([], kind), output_types)
        super().__init__(F.SqlDataset(*texts, **elements.attrs_of(specs)), specs)


class SqlDatasetV1(DatasetV1):
    """The rows that a query gives; see `SqlDatasetV2`."""

    _called = "SqlDatasetV1"

    def __init__(
        self,
        driver_name: TensorLike,
        data_source_name: TensorLike,
        query: TensorLike,
        output_types: Structure,
    ) -> None:
        super().__init__(
            SqlDatasetV2(driver_name, data_source_name, query, output_types)  # pyright: ignore[reportArgumentType]
        )


CsvDataset, SqlDataset = CsvDatasetV1, SqlDatasetV1

# ---------------------------------------------------------------------- tables


def _of_version_1(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function whose datasets are of version 1."""

    @functools.wraps(function)
    def made(*args: Structure, **kwargs: Structure) -> Any:
        return DatasetV1(function(*args, **kwargs))

    made.__signature__ = inspect.signature(function)  # pyright: ignore[reportAttributeAccessIssue]
    return made


def make_csv_dataset_v2(
    file_pattern: str | Sequence[str],
    batch_size: TensorLike,
    column_names: Sequence[str] | None = None,
    column_defaults: Sequence[Structure] | None = None,
    label_name: str | None = None,
    select_columns: Sequence[int | str] | None = None,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    header: bool = True,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None,
    prefetch_buffer_size: int | None = None,
    num_parallel_reads: int | None = None,
    sloppy: bool = False,
    num_rows_for_inference: int | None = 100,
    compression_type: TensorLike | None = None,
    ignore_errors: bool = False,
) -> Any:
    """Batches of the rows of CSV files, as dictionaries of columns.

    Args:
      file_pattern: the files, or patterns of their names.
      batch_size: how many rows a batch has.
      column_names: by default those of the first line.
      column_defaults: as `record_defaults` of `CsvDataset`; by default found out.
      label_name: the column that is given beside the others.
      select_columns: names or numbers of the columns to read.
      field_delim, use_quote_delim, na_value, header: as of `CsvDataset`.
      num_epochs: how often; by default for ever.
      shuffle, shuffle_buffer_size, shuffle_seed: whether and how to mix the rows.
      prefetch_buffer_size: how many batches are made ahead.
      num_parallel_reads: how many files are read at a time.
      sloppy: whether order does not matter; here it is always the same.
      num_rows_for_inference: how many rows are read to find out types.
      compression_type: how the files are compressed.
      ignore_errors: whether to leave out rows that are wrong.

    Raises:
      ValueError: no files match, or names are missing or there twice.
    """
    names = _file_names(file_pattern)
    dialect = _Dialect(field_delim, use_quote_delim, na_value, header)
    if column_names is None:
        if not header:
            raise ValueError("Cannot infer column names without a header line.")
        column_names = dialect.column_names(names)
    if len(column_names) != len(set(column_names)):
        raise ValueError("Cannot have duplicate column names.")
    chosen = None
    if select_columns is not None:
        chosen = _numbers_of(select_columns, list(column_names))
    if column_defaults is None:
        defaults: list[Any] = dialect.defaults(
            names, len(column_names), num_rows_for_inference, chosen
        )
    else:
        defaults = list(column_defaults)
    if chosen is not None and len(defaults) != len(chosen):
        raise ValueError(
            "If specifying column_defaults and select_columns, they must be the same "
            "length."
        )
    if chosen is not None and len(column_names) > len(chosen):
        column_names = [column_names[i] for i in chosen]
    if label_name is not None and label_name not in column_names:
        raise ValueError("`label_name` provided must be one of the columns.")
    tensors = [_default(value) for value in defaults]
    kept = list(column_names)

    def rows_of(name: Tensor) -> Any:
        rows = CsvDatasetV2(
            name,
            tensors,
            compression_type,
            None,
            header,
            field_delim,
            use_quote_delim,
            na_value,
            chosen,
        )
        return rows._of_this(F.IgnoreErrorsDataset) if ignore_errors else rows

    def columns_of(*columns: Tensor) -> Any:
        features = OrderedDict(zip(kept, columns, strict=True))
        if label_name is None:
            return features
        label = features.pop(label_name)
        return features, label

    several = parallel_interleave(
        rows_of,
        cycle_length=1 if num_parallel_reads is None else num_parallel_reads,
        sloppy=sloppy,
    )
    dataset: Any = DatasetV2.from_tensor_slices(names)
    if shuffle:
        dataset = dataset.shuffle(len(names), shuffle_seed)
    dataset = dataset.apply(several)
    dataset = _mixed(dataset, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed)
    dataset = dataset.batch(batch_size, drop_remainder=num_epochs is None)
    return dataset.map(columns_of).prefetch(prefetch_buffer_size)


make_csv_dataset_v1 = _of_version_1(make_csv_dataset_v2)
make_csv_dataset = make_csv_dataset_v1


def _mixed(
    dataset: DatasetV2,
    num_epochs: int | None,
    shuffle: bool,
    buffer_size: int,
    seed: int | None,
) -> Any:
    """A dataset shuffled and repeated, where that is wanted."""
    if num_epochs != 1 and shuffle:
        return dataset.apply(shuffle_and_repeat(buffer_size, num_epochs, seed))
    if shuffle:
        return dataset.shuffle(buffer_size, seed)
    return dataset if num_epochs == 1 else dataset.repeat(num_epochs)


def _file_names(pattern: str | Sequence[str]) -> list[str]:
    if isinstance(pattern, list):
        if not pattern:
            raise ValueError("File pattern is empty.")
        found = [name for one in pattern for name in files.get_matching_files(one)]
    else:
        found = list(files.get_matching_files(pattern))
    if not found:
        raise ValueError(f"No files match {pattern}.")
    return sorted(found)


def _numbers_of(chosen: Sequence[int | str], names: list[str]) -> list[int]:
    """The numbers of columns, in order."""
    known = {name: i for i, name in enumerate(names)}
    found: list[int] = []
    for column in chosen:
        if isinstance(column, int):
            if not 0 <= column < len(names):
                raise ValueError(
                    f"Column index {column} specified in `select_columns` is not a "
                    "valid column index."
                )
            found.append(column)
        elif column not in known:
            raise ValueError(
                f"Value '{column}' specified in `select_columns` not a valid index or "
                "column name."
            )
        else:
            found.append(known[column])
    found.sort()
    if len(found) != len(set(found)):
        raise ValueError("`select_columns` contains duplicate columns")
    return found


class _Dialect:
    """How CSV files are written; reads them to find out names and types."""

    def __init__(self, delim: str, quotes: bool, nothing: str, header: bool) -> None:
        self._delim, self._nothing, self._header = delim, nothing, header
        self._quoting: Any = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE

    def _rows(self, name: str) -> Iterator[list[str]]:
        with files.open_stream(name, "rb") as stream:
            lines = (line.decode() for line in stream)
            yield from csv.reader(lines, delimiter=self._delim, quoting=self._quoting)

    def column_names(self, names: Sequence[str]) -> list[str]:
        """Those of the first lines.

        Raises:
          ValueError: files have others, or none.
        """
        found: list[list[str]] = []
        for name in names:
            try:
                found.append(next(self._rows(name)))
            except StopIteration:
                raise ValueError(
                    f"Received StopIteration when reading the header line of {name}.  "
                    "Empty file?"
                ) from None
            if found[-1] != found[0]:
                raise ValueError("Files have different column names in the header row.")
        return found[0]

    def defaults(
        self,
        names: Sequence[str],
        width: int,
        most: int | None,
        chosen: Sequence[int] | None,
    ) -> list[Any]:
        """For each column a 0 or an empty text, of the narrowest type for its values.

        Raises:
          ValueError: a row has another number of columns.
        """
        columns = list(range(width)) if chosen is None else list(chosen)
        kinds: list[Any] = [None] * len(columns)
        for read, row in enumerate(self._all(names)):
            if most is not None and read >= most:
                break
            if len(row) != width:
                raise ValueError(
                    "Problem inferring types: CSV row has different number of fields "
                    "than expected."
                )
            for i, column in enumerate(columns):
                kinds[i] = self._kind_of(row[column], kinds[i])
        wanted = [kind or dtypes.string for kind in kinds]
        return [
            convert_to_tensor([""] if kind == dtypes.string else [0], kind)
            for kind in wanted
        ]

    def _all(self, names: Sequence[str]) -> Iterator[list[str]]:
        for name in names:
            rows = self._rows(name)
            if self._header:
                next(rows, None)
            yield from rows

    def _kind_of(self, text: str, before: dtypes.DType | None) -> Any:
        if text in ("", self._nothing):
            return before
        order = [dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64]
        at = 0 if before is None or before not in order else order.index(before)
        if before == dtypes.string:
            return before
        for kind in order[at:]:
            if _is_number(text, kind):
                return kind
        return dtypes.string


def _is_number(text: str, kind: dtypes.DType) -> bool:
    try:
        if kind.is_integer:
            return kind.min <= int(text) <= kind.max
        value = float(text)
    except ValueError:
        return False
    return math.isnan(value) or math.isinf(value) or kind.min <= value <= kind.max


# ---------------------------------------------------------------------- Examples


def parse_example_dataset(
    features: Mapping[str, Any], num_parallel_calls: int | None = 1
) -> Transformation:
    """The features of batches of Examples, as dictionaries.

    Args:
      features: what is read, by key; as of `tf.io.parse_example`.
      num_parallel_calls: how many batches are read at a time.

    Raises:
      ValueError: there are no features.
    """
    if features is None:
        raise ValueError(f"Missing: features was {features}.")

    def apply(dataset: DatasetV2) -> Any:
        spec = dataset.element_spec
        if not TensorSpec([None], dtypes.string).is_compatible_with(spec):
            raise TypeError("Input dataset should be a dataset of vectors of strings")

        def parsed(texts: Tensor) -> dict[str, Any]:
            found = parse_example(texts, features)
            return {key: found[key] for key in sorted(found)}

        return dataset.map(
            parsed,
            None if num_parallel_calls == 1 else num_parallel_calls,
        )

    return apply


def make_batched_features_dataset_v2(
    file_pattern: TensorLike,
    batch_size: TensorLike,
    features: Mapping[str, Any],
    reader: Callable[..., Any] = TFRecordDatasetV1,
    label_key: str | None = None,
    reader_args: Sequence[object] | None = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None,
    prefetch_buffer_size: int | None = None,
    reader_num_threads: int | None = None,
    parser_num_threads: int | None = None,
    sloppy_ordering: bool = False,
    drop_final_batch: bool = False,
) -> Any:
    """Batches of the features of Examples in files, as dictionaries.

    Args:
      file_pattern: the pattern of the names of the files, or several.
      batch_size: how many Examples a batch has.
      features: what is read, by key; as of `tf.io.parse_example`.
      reader: makes the dataset of the Examples of a file.
      label_key: the feature that is given beside the others.
      reader_args: what else the reader is given.
      num_epochs: how often; by default for ever.
      shuffle, shuffle_buffer_size, shuffle_seed: whether and how to mix the Examples.
      prefetch_buffer_size: how many batches are made ahead.
      reader_num_threads: how many files are read at a time.
      parser_num_threads: how many batches are parsed at a time.
      sloppy_ordering: whether order does not matter; here it is always the same.
      drop_final_batch: whether to leave out a last batch that is smaller.

    Raises:
      ValueError: the label is none of the features.
    """
    names = DatasetV2.list_files(file_pattern, shuffle=shuffle, seed=shuffle_seed)
    others = reader_args or []
    several = parallel_interleave(
        lambda name: reader(name, *others),
        cycle_length=1 if reader_num_threads is None else reader_num_threads,
        sloppy=sloppy_ordering,
    )
    dataset: Any = names.apply(several)
    if elements.types_of(dataset.element_spec) == (dtypes.string, dtypes.string):
        dataset = dataset.map(lambda _, value: value)
    dataset = _mixed(dataset, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed)
    whole = drop_final_batch or num_epochs is None
    dataset = dataset.batch(batch_size, drop_remainder=whole)
    threads = 2 if parser_num_threads is None else parser_num_threads
    dataset = dataset.apply(parse_example_dataset(features, threads))
    if label_key:
        if label_key not in features:
            raise ValueError(
                f"The `label_key` provided ({label_key!r}) must be one of the "
                "`features` keys."
            )
        dataset = dataset.map(lambda found: (found, found.pop(label_key)))
    return dataset.prefetch(prefetch_buffer_size)


make_batched_features_dataset_v1 = _of_version_1(make_batched_features_dataset_v2)
make_batched_features_dataset = make_batched_features_dataset_v1
