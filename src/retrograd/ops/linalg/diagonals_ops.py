"""Ops: diagonals and bands of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd.errors import InvalidArgumentError
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops import rules
from retrograd.ops.arguments import refused
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import (
    invalid,
    merged,
    same,
    same_dim,
    shape_text,
    with_rank,
    with_rank_at_least,
    with_rank_at_most,
)
from retrograd.ops.static import constant
from retrograd.ops.traits import Passes, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- bands


@op(
    "MatrixBandPart",
    infer=same,
    math="Yᵢⱼ = Xᵢⱼ within the band",
    static=("num_lower", "num_upper"),
    grad=dict(
        input=rule(
            "X̄ᵢⱼ = Ȳᵢⱼ within the band",
            lambda n, dy: F.MatrixBandPart(dy, n.inputs[1], n.inputs[2]),
        )
    ),
)
def _band_part(xp: Arrays, x: Array, num_lower: Array, num_upper: Array) -> Array:
    """Matrices with zeros outside a band around the main diagonal.

    Raises:
      InvalidArgumentError: the band is wider than the matrix.
    """
    _check_rank("input", x, 2)
    rows, columns = x.shape[-2:]
    lower, upper = int(num_lower), int(num_upper)
    for name, count, size in (("lower", lower, rows), ("upper", upper, columns)):
        if count > size:
            kind = "rows" if name == "lower" else "cols"
            raise refused(
                f"num_{name} must be negative or less or equal to number of {kind} "
                f"({size}) got: {count}"
            )
    above = np.arange(columns) - np.arange(rows)[:, None]
    inside = np.ones((rows, columns), np.bool_)
    if lower >= 0:
        inside &= above >= -lower
    if upper >= 0:
        inside &= above <= upper
    return xp.where(inside, x, x.dtype.type(0))


# ---------------------------------------------------------------------- main diagonal


def _diag_matrices(n: Operation) -> RawShape:
    raw = with_rank_at_least(n, 0, 1)
    return None if raw is None else (*raw, raw[-1])


@op(
    "MatrixDiag",
    infer=_diag_matrices,
    math="Yᵢⱼ = xᵢ [i = j]",
    grad=dict(diagonal=rule("x̄ᵢ = Ȳᵢᵢ", lambda n, dy: F.MatrixDiagPart(dy))),
)
def _matrix_diag(xp: Arrays, x: Array) -> Array:
    """Square matrices with the given main diagonals, and zeros elsewhere."""
    _check_rank("diagonal", x, 1)
    on = np.eye(x.shape[-1], dtype=np.bool_)
    return xp.where(on, x[..., None], x.dtype.type(0))


def _check_rank(name: str, x: Array, least: int) -> None:
    """Refuse what comes with too few dimensions.

    Raises:
      InvalidArgumentError: it does.
    """
    if len(x.shape) < least:
        raise refused(
            f"{name} must be at least {least}-dim, received shape: "
            f"{shape_text(tuple(x.shape))}"
        )


def _shorter(rows: int | None, columns: int | None) -> int | None:
    return None if rows is None or columns is None else min(rows, columns)


def _main_diagonals(n: Operation) -> RawShape:
    raw = with_rank_at_least(n, 0, 2)
    return None if raw is None else (*raw[:-2], _shorter(*raw[-2:]))


def _diag_part_rule(n: Operation, dy: Tensor) -> Tensor:
    raw = n.inputs[0]._shape_raw
    if raw is not None and raw[-1] is not None and raw[-1] == raw[-2]:
        return F.MatrixDiag(dy)
    return F.MatrixSetDiag(F.ZerosLike(n.inputs[0]), dy)


@op(
    "MatrixDiagPart",
    infer=_main_diagonals,
    math="yᵢ = Xᵢᵢ",
    grad=dict(input=rule("X̄ᵢⱼ = ȳᵢ [i = j]", _diag_part_rule)),
    traits=Traits(passes=Passes.MOVED),
)
def _matrix_diag_part(xp: Arrays, x: Array) -> Array:
    """The main diagonals of matrices."""
    _check_rank("input", x, 2)
    return xp.diagonal(x, 0, -2, -1)


def _set_diag_shape(n: Operation) -> RawShape:
    raw, diagonal = with_rank_at_least(n, 0, 2), with_rank_at_least(n, 1, 1)
    if raw is None:
        return None if diagonal is None else (*diagonal[:-1], None, None)
    if diagonal is not None:
        diagonal = with_rank(n, 1, len(raw) - 1)
        same_dim(n, _shorter(*raw[-2:]), diagonal[-1])
        if None in raw:
            return (*(merged(n, raw[:-2], diagonal[:-1]) or ()), *raw[-2:])
    return raw


def _set_diag_input(n: Operation, dy: Tensor) -> Tensor:
    return F.MatrixSetDiag(dy, F.ZerosLike(n.inputs[1]))


@op(
    "MatrixSetDiag",
    infer=_set_diag_shape,
    math="Yᵢⱼ = dᵢ where i = j, else Xᵢⱼ",
    grad=dict(
        input=rule("X̄ᵢⱼ = 0 where i = j, else Ȳᵢⱼ", _set_diag_input),
        diagonal=rule("d̄ᵢ = Ȳᵢᵢ", lambda n, dy: F.MatrixDiagPart(dy)),
    ),
)
def _matrix_set_diag(xp: Arrays, x: Array, diagonal: Array) -> Array:
    """Matrices with other main diagonals.

    Raises:
      InvalidArgumentError: the diagonals are not of their shape.
    """
    _check_rank("input", x, 2)
    _check_rank("diagonal", diagonal, 1)
    wanted = (*x.shape[:-2], min(x.shape[-2:]))
    if tuple(diagonal.shape) != wanted:
        raise refused(
            "must have diagonal.shape == input.shape[:-2] + min(input.shape[-2:]), but "
            f"received input shape: {shape_text(tuple(x.shape))} and diagonal shape: "
            f"{shape_text(tuple(diagonal.shape))}"
        )
    return _with_diagonal(xp, x, diagonal)


def _with_diagonal(xp: Arrays, x: Array, diagonal: Array) -> Array:
    rows, columns = x.shape[-2:]
    short = min(rows, columns)
    if not short:
        return x
    on = np.eye(rows, columns, dtype=np.bool_)
    # along each row stands that row's element of the diagonal; cut or padded to fit
    column = np.minimum(np.arange(rows), short - 1)
    return xp.where(on, xp.take(diagonal, column, -1)[..., None], x)


# ---------------------------------------------------------------------- any diagonals


def _span(k: Array) -> tuple[int, int]:
    """The lowest and the highest of the diagonals that an input names."""
    found = np.asarray(k).reshape(-1).tolist()
    if len(found) not in (1, 2):
        raise refused(
            f"diag_index must have only one or two elements, received {len(found)} "
            "elements."
        )
    lower, upper = found[0], found[-1]
    if lower > upper:
        raise refused(
            f"lower_diag_index must not be larger than upper_diag_index: {lower} > "
            f"{upper}"
        )
    return lower, upper


def _length(rows: int, columns: int, lower: int, upper: int) -> int:
    """The length of the longest of some diagonals."""
    return min(rows + min(upper, 0), columns - max(lower, 0))


def _check_span(rows: int, columns: int, lower: int, upper: int) -> None:
    for name, value in (("lower", lower), ("upper", upper)):
        if not (-rows < value < columns or value == 0):
            raise refused(f"{name}_diag_index is out of bound: {value}")


def _places(
    rows: int, columns: int, lower: int, upper: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each element of the packed diagonals: row, column, whether it exists."""
    length = _length(rows, columns, lower, upper)
    which = np.arange(upper, lower - 1, -1)[:, None]
    at = np.arange(length)[None, :]
    row = at - np.minimum(which, 0)
    column = at + np.maximum(which, 0)
    inside = (row < rows) & (column < columns)
    return np.where(inside, row, 0), np.where(inside, column, 0), inside


def _static_span(n: Operation, index: int) -> tuple[int, int] | None:
    """The lowest and the highest of the diagonals that an input names, if known.

    Raises:
      ValueError: it names none, or more than a range of them.
    """
    k = constant(n._inputs[index])
    if k is None:
        return None
    if k.size not in (1, 2):
        raise invalid(
            n,
            "diag_index must be a vector with one or two elements. It has "
            f"{k.size} elements.",
        )
    lower, upper = int(k.flat[0]), int(k.flat[-1])
    if lower > upper:
        raise invalid(n, "lower_diag_index is greater than upper_diag_index")
    return lower, upper


def _check_static_span(
    n: Operation, rows: int | None, columns: int | None, span: tuple[int, int]
) -> None:
    if rows is None or columns is None:
        return
    for name, value in zip(("lower", "upper"), span, strict=True):
        if value and not -rows < value < columns:
            raise invalid(n, f"{name}_diag_index is out of bound.")


def _packed_shape(n: Operation) -> RawShape:
    raw = with_rank_at_least(n, 0, 2)
    span = None if raw is None else _static_span(n, 1)
    if raw is None or span is None:
        return None
    lower, upper = span
    rows, columns = raw[-2:]
    _check_static_span(n, rows, columns, span)
    count = () if lower == upper else (upper - lower + 1,)
    if rows is None or columns is None:
        return (*raw[:-2], *count, None)
    return (*raw[:-2], *count, _length(rows, columns, lower, upper))


def _diag_part_v2_rule(n: Operation, dy: Tensor) -> list[Tensor | None]:
    x, k = n.inputs[:2]
    zero = rules.scalar(0, dy)
    raw = x._shape_raw
    if raw is not None and raw[-1] is not None and raw[-2] is not None:
        return [F.MatrixDiagV2(dy, k, raw[-2], raw[-1], zero), None, None]
    return [F.MatrixSetDiagV2(F.ZerosLike(x), dy, k), None, None]


@op(
    "MatrixDiagPartV2",
    infer=_packed_shape,
    math="y = diagonals k of X, c where they end",
    static="k",
    grad=_diag_part_v2_rule,
    notation=dict(
        input="X̄ = ȳ on the diagonals k, 0 elsewhere", k="k", padding_value="c"
    ),
)
def _matrix_diag_part_v2(xp: Arrays, x: Array, k: Array, padding_value: Array) -> Array:
    """Some diagonals of matrices, the highest first, shorter ones padded at the end."""
    lower, upper = _span(k)
    rows, columns = x.shape[-2:]
    _check_span(rows, columns, lower, upper)
    row, column, inside = _places(rows, columns, lower, upper)
    flat = xp.reshape(x, (*x.shape[:-2], rows * columns))
    packed = xp.take(flat, row * columns + column, -1)
    packed = xp.where(inside, packed, padding_value)
    return packed[..., 0, :] if lower == upper else packed


def _unpacked_shape(n: Operation) -> RawShape:
    raw = with_rank_at_least(n, 0, 1)
    span = _static_span(n, 1) if raw else None
    if not raw or span is None:
        return None
    (lower, upper), last = span, raw[-1]
    batch, count = raw[:-1], upper - lower + 1
    if count > 1:
        batch = raw[:-2]
        if len(raw) > 1 and raw[-2] not in (None, count):
            raise invalid(
                n,
                "The number of rows of `diagonal` doesn't match the number of "
                "diagonals implied from `d_lower` and `d_upper`.\nnum_diags = "
                f"{raw[-2]}, d_lower = {lower}, d_upper = {upper}, other_dim = "
                f"{last}",
            )
    if last is None:
        return (*batch, None, None)
    rows, columns = (constant(n._inputs[i]) for i in (2, 3))
    known = [-1 if value is None else int(value.flat[0]) for value in (rows, columns)]
    try:
        size = _matrix_size(last, lower, upper, *known)
    except InvalidArgumentError as error:
        text = str(error.message).replace("columns", "cols")
        raise invalid(n, text.replace("The number of ", "num_")) from None
    if rows is None or columns is None:  # what is not known may be larger
        return (*batch, None, None)
    return (*batch, *size)


def _matrix_size(
    length: int, lower: int, upper: int, rows: int, columns: int
) -> tuple[int, int]:
    """The size of a matrix with some diagonals; −1 stands for the least there can be.

    Raises:
      InvalidArgumentError: the diagonals do not fit.
    """
    least_rows, least_columns = length - min(upper, 0), length + max(lower, 0)
    if rows == -1 and columns == -1:
        size = max(least_rows, least_columns)
        return size, size
    if rows == -1:
        rows = least_rows
    elif columns == -1:
        columns = least_columns
    if rows < least_rows or columns < least_columns:
        which = "rows" if rows < least_rows else "columns"
        raise refused(f"The number of {which} is too small.")
    if rows != least_rows and columns != least_columns:
        raise refused(
            "The number of rows or columns is not consistent with the specified "
            "d_lower, d_upper, and diagonal."
        )
    return rows, columns


@op(
    "MatrixDiagV2",
    infer=_unpacked_shape,
    math="Y = x on the diagonals k, c elsewhere",
    static=("k", "num_rows", "num_cols"),
    grad=lambda n, dy: [
        F.MatrixDiagPartV2(dy, n.inputs[1], rules.scalar(0, dy)),
        *[None] * 4,
    ],
    notation=dict(diagonal="x̄ = diagonals k of Ȳ", k="k", padding_value="c"),
)
def _matrix_diag_v2(
    xp: Arrays,
    diagonal: Array,
    k: Array,
    num_rows: Array,
    num_cols: Array,
    padding_value: Array,
) -> Array:
    """Matrices with the given diagonals, and a value of choice elsewhere."""
    lower, upper = _span(k)
    size = _matrix_size(diagonal.shape[-1], lower, upper, int(num_rows), int(num_cols))
    batch = diagonal.shape[:-1] if lower == upper else diagonal.shape[:-2]
    whole = xp.broadcast_to(padding_value, (*batch, *size))
    return _with_diagonals(xp, whole, diagonal, lower, upper)


def _with_diagonals(
    xp: Arrays, x: Array, diagonal: Array, lower: int, upper: int
) -> Array:
    """x with some diagonals replaced by packed ones."""
    rows, columns = x.shape[-2:]
    above = np.arange(columns) - np.arange(rows)[:, None]
    inside = (above >= lower) & (above <= upper)
    which = np.where(inside, upper - above, 0)
    at = np.minimum(np.arange(rows)[:, None], np.arange(columns))
    at = np.minimum(at, diagonal.shape[-1] - 1)
    if lower == upper:
        diagonal = diagonal[..., None, :]
    length = diagonal.shape[-1]
    if not length or not rows or not columns:
        return x
    flat = xp.reshape(diagonal, (*diagonal.shape[:-2], diagonal.shape[-2] * length))
    return xp.where(inside, xp.take(flat, which * length + at, -1), x)


def _set_diag_v2_rule(n: Operation, dy: Tensor) -> list[Tensor | None]:
    k = n.inputs[2]
    return [
        F.MatrixSetDiagV2(dy, F.ZerosLike(n.inputs[1]), k),
        F.MatrixDiagPartV2(dy, k, rules.scalar(0, dy)),
        None,
    ]


def _set_diagonals_shape(n: Operation) -> RawShape:
    raw, diagonal = with_rank_at_least(n, 0, 2), with_rank_at_least(n, 1, 1)
    span = _static_span(n, 2)
    lower, upper = span or (0, 0)
    if raw is not None:
        if span is not None:
            diagonal = with_rank(n, 1, len(raw) - (lower == upper))
        elif diagonal is not None:
            with_rank_at_least(n, 1, len(raw) - 1)
            with_rank_at_most(n, 1, len(raw))
        _check_static_span(n, raw[-2], raw[-1], (lower, upper))
    if diagonal is None or (raw is not None and None not in raw):
        return raw
    batch = diagonal[:-1] if lower == upper else diagonal[:-2]
    return merged(n, raw, (*batch, None, None))


@op(
    "MatrixSetDiagV2",
    infer=_set_diagonals_shape,
    math="Y = X with d on the diagonals k",
    static="k",
    grad=_set_diag_v2_rule,
    notation=dict(
        input="X̄ = Ȳ with 0 on the diagonals k", diagonal="d̄ = diagonals k of Ȳ", k="k"
    ),
)
def _matrix_set_diag_v2(xp: Arrays, x: Array, diagonal: Array, k: Array) -> Array:
    """Matrices with some diagonals replaced."""
    lower, upper = _span(k)
    rows, columns = x.shape[-2:]
    _check_span(rows, columns, lower, upper)
    return _with_diagonals(xp, x, diagonal, lower, upper)


# ---------------------------------------------------------------------- any rank


def _doubled(n: Operation) -> RawShape:
    raw = with_rank_at_least(n, 0, 1)
    return None if raw is None else raw + raw


@op(
    "Diag",
    infer=_doubled,
    math="Yᵢⱼ = xᵢ [i = j]",
    grad=dict(diagonal=rule("x̄ᵢ = Ȳᵢᵢ", lambda n, dy: F.DiagPart(dy))),
)
def _diag(xp: Arrays, x: Array) -> Array:
    """A tensor of twice the rank with x where both halves of the index are equal."""
    if not x.shape:
        raise refused("Input must be at least rank 1, got 0")
    size = int(np.prod(x.shape))
    on = np.eye(size, dtype=np.bool_)
    whole = xp.where(on, xp.reshape(x, (size, 1)), x.dtype.type(0))
    return xp.reshape(whole, (*x.shape, *x.shape))


def _halved(n: Operation) -> RawShape:
    raw = n._inputs[0]._shape_raw
    if raw is None:
        return None
    if len(raw) % 2 or not raw:
        raise invalid(
            n, f"Input must have even and non-zero rank, input rank is {len(raw)}"
        )
    half = len(raw) // 2
    pairs = zip(raw[:half], raw[half:], strict=True)
    return tuple(same_dim(n, a, b) for a, b in pairs)


@op(
    "DiagPart",
    infer=_halved,
    math="yᵢ = Xᵢᵢ",
    grad=dict(input=rule("X̄ᵢⱼ = ȳᵢ [i = j]", lambda n, dy: F.Diag(dy))),
)
def _diag_part(xp: Arrays, x: Array) -> Array:
    """The elements where both halves of the index are equal."""
    if len(x.shape) % 2:
        raise refused(
            f"The rank of the tensor should be{' ' * 42}even and positive, got shape "
            f"{shape_text(tuple(x.shape))}"
        )
    half = x.shape[: len(x.shape) // 2]
    if tuple(x.shape) != (*half, *half):
        raise refused(
            f"Invalid shape {shape_text(tuple(x.shape))}: dimensions 0 and "
            f"{len(half)} do not match."
        )
    size = int(np.prod(half))
    return xp.reshape(xp.diagonal(xp.reshape(x, (size, size)), 0, 0, 1), half)
