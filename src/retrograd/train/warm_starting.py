"""`tf.train.warm_start`: variables that begin with the values of another training."""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.names import GraphKeys
from retrograd.ops.array.constant import constant
from retrograd.ops.array.join import concat
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.platform import logs
from retrograd.train.checkpoint_utils import (
    _get_checkpoint_filename,
    init_from_checkpoint,
)
from retrograd.train.saveable import op_list_to_dict
from retrograd.variables.initializers import zeros_initializer
from retrograd.variables.partition import PartitionInfo
from retrograd.variables.updates import assign
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor

_VocabInfo = collections.namedtuple(
    "VocabInfo",
    "new_vocab new_vocab_size num_oov_buckets old_vocab old_vocab_size "
    "backup_initializer axis",
)


class VocabInfo(_VocabInfo):
    """The vocabularies that the rows, or the columns, of a matrix belong to.

    Args:
      new_vocab, new_vocab_size: a file with a word a line, and how many count.
      num_oov_buckets: how many rows there are for words that are in none.
      old_vocab, old_vocab_size: those of the checkpoint; -1 for all lines.
      backup_initializer: makes the values of words that are new.
      axis: 0 for rows, 1 for columns.
    """

    def __new__(
        cls,
        new_vocab: str,
        new_vocab_size: int,
        num_oov_buckets: int,
        old_vocab: str,
        old_vocab_size: int = -1,
        backup_initializer: Callable[..., Any] | None = None,
        axis: int = 0,
    ) -> VocabInfo:
        """See the class."""
        if axis not in (0, 1):
            raise ValueError(
                "The only supported values for the axis argument are 0 and 1.  "
                f"Provided axis: {axis}"
            )
        return super().__new__(
            cls,
            new_vocab,
            new_vocab_size,
            num_oov_buckets,
            old_vocab,
            old_vocab_size,
            backup_initializer,
            axis,
        )


def warm_start(
    ckpt_to_initialize_from: str,
    vars_to_warm_start: str | Sequence[str | Variable] | None = ".*",
    var_name_to_vocab_info: Mapping[str, VocabInfo] | None = None,
    var_name_to_prev_var_name: Mapping[str, str] | None = None,
) -> None:
    """Let variables begin with the values of a checkpoint.

    Args:
      ckpt_to_initialize_from: the checkpoint, or a folder with some.
      vars_to_warm_start: the variables, or expressions that match their names; a single
        expression is of trainable ones; None is only those with vocabularies.
      var_name_to_vocab_info: for matrices, what their rows or columns belong to.
      var_name_to_prev_var_name: the names in the checkpoint that are others.

    Raises:
      ValueError: a variable of the last two is not among those to start.
    """
    vocabularies = dict(var_name_to_vocab_info or {})
    previous = dict(var_name_to_prev_var_name or {})
    logs.info("Warm-starting from: %s", (ckpt_to_initialize_from,))
    grouped = _grouped(vars_to_warm_start)
    plain: dict[str, Any] = {}
    count = 0
    for name, variables in grouped.items():
        known = vocabularies.get(name)
        old_name = previous.get(name) or name
        if known is not None:
            count += 1
            _start_with_vocabulary(variables, known, ckpt_to_initialize_from, old_name)
        elif vars_to_warm_start:
            count += 1
            plain[old_name] = variables[0] if len(variables) == 1 else variables
    init_from_checkpoint(ckpt_to_initialize_from, plain)
    logs.info("Warm-started %d variables.", count)
    for table, argument in (
        (previous, "var_name_to_prev_var_name"),
        (vocabularies, "var_name_to_vocab_info"),
    ):
        unused = set(table) - set(grouped)
        if unused:
            raise ValueError(
                f"You provided the following variables in {argument} that were not "
                f"used: {unused}.  Perhaps you misspelled them?  Here is the list of "
                f"viable variable names: {grouped.keys()}"
            )


def _grouped(wanted: str | Sequence[Any] | None) -> dict[str, list[Any]]:
    """The variables, and the parts of one, by the names that checkpoints have."""
    graph = context.get_default_graph()
    if isinstance(wanted, str) or wanted is None:
        logs.info("Warm-starting variables only in TRAINABLE_VARIABLES.")
        found = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES, scope=wanted)
    elif not isinstance(wanted, list):
        raise ValueError(
            "`vars_to_warm_start must be a `list` or `str`.  Given type is "
            f"{type(wanted)}"
        )
    elif all(isinstance(v, str) for v in wanted):
        key = GraphKeys.GLOBAL_VARIABLES
        found = [v for scope in wanted for v in graph.get_collection(key, scope)]
    elif all(isinstance(v, Variable) for v in wanted):
        found = wanted
    else:
        raise ValueError(
            "If `vars_to_warm_start` is a list, it must be all `Variable` or all "
            f"`str`.  Given types are {[type(v) for v in wanted]}"
        )
    grouped: dict[str, list[Any]] = {}
    for variable in found:
        (name,) = op_list_to_dict([variable], convert_variable_to_tensor=False)
        grouped.setdefault(name, []).append(variable)
    return grouped


class _Part(NamedTuple):
    """Which rows of a matrix are loaded, and how many are added."""

    first: int
    rows: int
    added_rows: int


def _start_with_vocabulary(
    variables: Sequence[Variable], info: VocabInfo, checkpoint: str, name: str
) -> None:
    path = _get_checkpoint_filename(checkpoint)
    for variable in variables:
        shape: Any = variable.get_shape().as_list()
        offset = 0
        place = variable._get_save_slice_info()
        if place:
            whole = PartitionInfo(place.full_shape, place.var_offset)
            offset = whole.single_offset(shape)
        value = _initial(info, path, name, shape, offset)
        variable._initializer_op = assign(variable, convert_to_tensor(value))


def _initial(
    info: VocabInfo,
    path: str | None,
    name: str,
    shape: Sequence[int],
    offset: int,
) -> Tensor:
    """The first values of a matrix, or of some rows of it."""
    make: Any = info.backup_initializer or zeros_initializer()
    if info.axis == 1:
        return _loaded(info, path, name, make, _Part(offset, shape[0], 0), None)
    size, buckets = info.new_vocab_size, info.num_oov_buckets
    if offset + shape[0] > size + buckets:
        raise ValueError(
            f"Trying to initialize {shape[0]} additional rows after {offset} rows have "
            "already been initialized, which would exceed expected total row count of "
            f"new_row_vocab_size ({size}) + num_row_oov_buckets ({buckets}) = "
            f"{size + buckets}."
        )
    added = min(shape[0], max(0, offset + shape[0] - size))
    if offset > size:
        # a part that has none but rows for words that are in no vocabulary
        return make(shape)
    return _loaded(
        info, path, name, make, _Part(offset, shape[0] - added, added), shape[1]
    )


def _loaded(
    info: VocabInfo,
    path: str | None,
    name: str,
    make: Callable[..., Any],
    part: _Part,
    columns: int | None,
) -> Tensor:
    """Rows of the old matrix in their new order; of columns, if `columns` is None."""
    count = part.rows if columns is not None else info.new_vocab_size
    first = part.first if columns is not None else 0
    remapping, present = F.GenerateVocabRemapping(
        info.new_vocab,
        info.old_vocab,
        new_vocab_offset=first,
        num_new_vocab=count,
        # TensorFlow takes no notice of it for columns
        old_vocab_size=info.old_vocab_size if columns is not None else -1,
    )
    width = columns if columns is not None else info.new_vocab_size
    every = constant([], dtypes.int64)
    rows = remapping if columns is not None else _numbers(part)
    kept = width if columns is not None else part.rows
    missing = part.rows * width - cast(present, dtypes.int32) * kept
    matrix = F.LoadAndRemapMatrix(
        path,
        name,
        rows,
        every if columns is not None else remapping,
        make([missing, 1]),
        num_rows=part.rows,
        num_cols=width,
    )
    if columns is not None:
        if part.added_rows:
            matrix = concat([matrix, make([part.added_rows, width])], 0)
    elif info.num_oov_buckets:
        matrix = concat([matrix, make([part.rows, info.num_oov_buckets])], 1)
    return matrix


def _numbers(part: _Part) -> Tensor:
    return constant(list(range(part.first, part.first + part.rows)), dtypes.int64)
