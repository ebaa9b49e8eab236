"""Checks of ranks, shapes and dtypes: `tf.assert_rank` and its like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from retrograd import dtypes
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.shape import rank as rank_of
from retrograd.ops.array.shape import shape as shape_of
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.control import group, no_op, with_dependencies
from retrograd.ops.host.checks import shown_name, tensors_in
from retrograd.ops.host.printing import Assert
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, Operand, TensorLike

    #: for each dimension a number, a name, None or "."; in front "..." for several
    Symbols: TypeAlias = str | Sequence[int | str | Tensor | EllipsisType | None]
    Shapes: TypeAlias = (
        Mapping[TensorLike, Symbols | None]
        | Iterable[tuple[TensorLike, Symbols | None]]
    )


# ---------------------------------------------------------------------- ranks


class _Ranks:
    """A check of a rank against one or several."""

    def __init__(
        self,
        words: str,
        known: Callable[[int, Sequence[int]], bool],
        condition: Callable[[Tensor, Sequence[Tensor]], Tensor],
    ) -> None:
        self.words, self.known, self.condition = words, known, condition

    def check(
        self,
        x: TensorLike,
        ranks: Sequence[TensorLike],
        data: Sequence[TensorLike] | None,
        summarize: int | None,
        message: str | None,
    ) -> Any:
        """The operation that checks the rank of x.

        Raises:
          ValueError: it is known to be another.
        """
        x = convert_to_tensor(x, name="x")
        tensors = [convert_to_tensor(r, name="rank") for r in ranks]
        message = message or ""
        name = "" if context.executing_eagerly() else x.name
        if data is None:
            data = [message, f"Tensor {name} must have rank{self.words}", *tensors]
            data += ["Received shape: ", shape_of(x)]
        for tensor in tensors:
            assert_type(tensor, dtypes.int32)
        values = [constant(t) for t in tensors]
        if not any(v is None for v in values):
            if any(v.ndim for v in values):  # pyright: ignore[reportOptionalMemberAccess]
                raise ValueError("Rank must be a scalar.")
            found = x.shape.ndims
            wanted = [int(v) for v in values]  # pyright: ignore[reportArgumentType]
            if found is not None:
                if not self.known(found, wanted):
                    text = self._text(message, name, values, found, x)
                    raise ValueError(text)
                return no_op(name="static_checks_determined_all_ok")
        condition = self.condition(rank_of(x), tensors)
        for tensor, value in zip(tensors, values, strict=True):
            if value is None:
                shown = ["Rank must be a scalar. Received rank: ", tensor]
                first = assert_rank(tensor, 0, data=shown)
                condition = with_dependencies([first], condition)
        return Assert(condition, data, summarize=summarize)

    def _text(
        self, message: str, name: str, wanted: Sequence[Any], found: int, x: Tensor
    ) -> str:
        shown = tuple(wanted) if self.words.endswith(" in") else wanted[0]
        return (
            f"{message}.  Tensor {name} must have rank{self.words} {shown}.  Received "
            f"rank {found}, shape {x.shape}"
        )


def _any_of(rank: Tensor, ranks: Sequence[Tensor]) -> Tensor:
    if not ranks:
        return convert_to_tensor(False)
    result = F.Equal(ranks[0], rank)
    for other in ranks[1:]:
        result = F.LogicalOr(result, F.Equal(other, rank))
    return result


_EXACTLY = _Ranks("", lambda f, w: f == w[0], lambda r, rs: F.Equal(r, rs[0]))
_AT_LEAST = _Ranks(
    " at least", lambda f, w: f >= w[0], lambda r, rs: F.GreaterEqual(r, rs[0])
)
_AMONG = _Ranks(" in", lambda f, w: f in w, _any_of)


def assert_rank(
    x: TensorLike,
    rank: TensorLike,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check the rank of a tensor.

    Args:
      x: a tensor.
      rank: a scalar int32.
      data: what the error shows, by default the shape.
      summarize: how many elements of each tensor, 3 by default.
      message: a prefix for the error.
      name: the name scope.

    Returns:
      An operation to depend on.

    Raises:
      ValueError: both are known and differ.
    """
    with dispatch.name_scope(name, "assert_rank", tensors_in(x, rank, data)):
        return _EXACTLY.check(x, [rank], data, summarize, message)


def assert_rank_at_least(
    x: TensorLike,
    rank: TensorLike,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that a tensor has at least `rank` dimensions (see `assert_rank`)."""
    with dispatch.name_scope(name, "assert_rank_at_least", tensors_in(x, rank, data)):
        return _AT_LEAST.check(x, [rank], data, summarize, message)


def assert_rank_in(
    x: TensorLike,
    ranks: Sequence[TensorLike],
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that the rank of a tensor is among `ranks` (see `assert_rank`)."""
    values = tensors_in(x, list(ranks), data)
    with dispatch.name_scope(name, "assert_rank_in", values):
        return _AMONG.check(x, list(ranks), data, summarize, message)


# ---------------------------------------------------------------------- dtypes


def assert_integer(
    x: TensorLike, message: str | None = None, name: str | None = None
) -> Any:
    """Check that a tensor is of an integer dtype.

    Raises:
      TypeError: it is not.
    """
    message = message or ""
    with dispatch.name_scope(name, "assert_integer", tensors_in(x)):
        x = convert_to_tensor(x, name="x")
        if not x.dtype.is_integer:
            shown = "tensor" if context.executing_eagerly() else x.name
            raise TypeError(
                f'{message}  Expected "x" to be integer type.  Found: {shown} of dtype '
                f"{x.dtype}"
            )
        return no_op("statically_determined_was_integer")


def assert_type(
    tensor: TensorLike,
    tf_type: DTypeLike,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check the dtype of a tensor.

    Raises:
      TypeError: it is another.
    """
    message = message or ""
    with dispatch.name_scope(name, "assert_type", tensors_in(tensor)):
        tensor = convert_to_tensor(tensor, name="tensor")
        if tensor.dtype != tf_type:
            if context.executing_eagerly():
                raise TypeError(f"{message} tensor must be of type {tf_type}")
            raise TypeError(f"{message}  {tensor.name} must be of type {tf_type}")
        return no_op("statically_determined_correct_type")


def assert_same_float_dtype(
    tensors: Sequence[Operand | None] | None = None, dtype: dtypes.DType | None = None
) -> Any:
    """Check that all tensors are of one floating dtype, and give it.

    Raises:
      ValueError: they are not.
    """
    if tensors:
        dtype = _same_base_type(tensors, dtype)
    if not dtype:
        return dtypes.float32
    if not dtype.is_floating:
        raise ValueError(f"Expected floating point type, got {dtype}.")
    return dtype


def _same_base_type(
    items: Sequence[Any], expected: dtypes.DType | None
) -> dtypes.DType | None:
    first = None
    for item in items:
        if item is None:
            continue
        found = item.dtype.base_dtype
        if not expected:
            expected, first = found, getattr(item, "name", str(item))
        elif expected != found:
            shown = getattr(item, "name", str(item))
            as_ = f" as {first}" if first else ""
            raise ValueError(
                f"{shown}, type={found}, must be of the same type ({expected}){as_}."
            )
    return expected


def assert_scalar(
    tensor: TensorLike, name: str | None = None, message: str | None = None
) -> Tensor:
    """Check that a tensor has no dimensions, and give it.

    Raises:
      ValueError: it has, or may have.
    """
    with dispatch.name_scope(name, "assert_scalar", tensors_in(tensor)) as scope:
        tensor = convert_to_tensor(tensor, name=scope)
        if tensor.shape.ndims != 0:
            what = "" if context.executing_eagerly() else f" for {tensor.name}"
            raise ValueError(
                f"{message or ''}Expected scalar shape{what}, saw shape: "
                f"{tensor.shape}."
            )
        return tensor


# ---------------------------------------------------------------------- shapes


class _Sizes:
    """A tensor of `assert_shapes`, with the sizes it has and should have."""

    def __init__(self, x: Tensor, symbols: tuple[Any, ...], innermost: bool) -> None:
        self.x, self.symbols, self.innermost = x, symbols or (1,), innermost
        self.actual = _dimension_sizes(x)

    def place(self, i: int) -> int:
        """The dimension that the symbol at `i` stands for."""
        return i - len(self.symbols) if self.innermost else i


def _dimension_sizes(x: Tensor) -> Any:
    """The sizes of a tensor, integers where they are known; (1,) for a scalar."""
    dynamic = shape_of(x)
    raw = x._shape_raw
    if raw == ():
        return (1,)
    if raw is not None:
        sizes: list[Any] = list(raw)
        for i, known in enumerate(raw):
            if known is None:
                sizes[i] = F.StridedSlice(
                    dynamic, [i], [i + 1], [1], shrink_axis_mask=1
                )
        return sizes
    scalar = F.Equal(rank_of(x), 0)
    return cond(scalar, lambda: convert_to_tensor([1]), lambda: dynamic)


def _known(size: Any) -> TypeGuard[int]:
    if isinstance(size, Tensor):
        return False
    try:
        int(size)
    except (TypeError, ValueError):
        return False
    return True


def assert_shapes(
    shapes: Shapes,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that dimensions of tensors which bear the same symbol have the same size.

    Args:
      shapes: pairs (or a dict) of a tensor and its symbols: numbers, names, None or "."
        for any size; `...` or "*" in front for any number of dimensions.
      data, summarize, message, name: see `assert_rank`.

    Returns:
      An operation to depend on.

    Raises:
      ValueError: sizes are known and differ, or the symbols make no sense.
    """
    pairs: list[Any] = list(shapes.items() if isinstance(shapes, dict) else shapes)
    message = message or ""
    with dispatch.name_scope(name, "assert_shapes", tensors_in([x for x, _ in pairs])):
        sizes = [
            _constraint(convert_to_tensor(x), symbols, message)
            for x, symbols in pairs
            if symbols is not None
        ]
        ranks = [_rank_check(s, data, summarize, message, name) for s in sizes]
        ranks = [r for r in ranks if r is not None]
        checks = _size_checks(sizes, data, summarize, message)
        if context.executing_eagerly():
            return None
        with context.get_default_graph().control_dependencies(ranks):
            return group(checks)


def _constraint(x: Tensor, symbols: Symbols, message: str) -> _Sizes:
    if not hasattr(symbols, "__iter__") and not hasattr(symbols, "__getitem__"):
        raise ValueError(
            f"{message}.  Tensor {shown_name(x)}.  Specified shape must be an "
            "iterable.  An iterable has the attribute `__iter__` or `__getitem__`.  "
            f"Received specified shape: {symbols}"
        )
    found = tuple(symbols)
    for i, symbol in enumerate(found):
        if symbol in (Ellipsis, "*") and i:
            raise ValueError(
                f"{message}.  Tensor {shown_name(x)} specified shape index {i}.  "
                "Symbol `...` or `*` for a variable number of unspecified dimensions "
                "is only allowed as the first entry"
            )
    innermost = bool(found) and found[0] in (Ellipsis, "*")
    return _Sizes(x, found[1:] if innermost else found, innermost)


def _rank_check(
    sizes: _Sizes,
    data: Sequence[TensorLike] | None,
    summarize: int | None,
    message: str,
    name: str | None,
) -> Any:
    rank = len(sizes.symbols)
    if sizes.innermost:
        if rank <= 1:
            return None
        return assert_rank_at_least(sizes.x, rank, data, summarize, message, name)
    if rank <= 1:
        return assert_rank_in(sizes.x, [0, 1], data, summarize, message, name)
    return assert_rank(sizes.x, rank, data, summarize, message, name)


def _size_checks(
    sizes: Sequence[_Sizes],
    data: Sequence[TensorLike] | None,
    summarize: int | None,
    message: str,
) -> list[Any]:
    checks = []
    named: dict[Any, tuple[Any, Tensor, int]] = {}
    for each in sizes:
        for i, symbol in enumerate(each.symbols):
            if symbol is None or symbol == ".":
                continue
            at = each.place(i)
            actual = each.actual[at]
            if _known(symbol):
                wanted, why = int(symbol), "Specified explicitly"
            elif symbol in named:
                wanted, by, dim = named[symbol]
                why = f"Specified by tensor {shown_name(by)} dimension {dim}"
            else:
                named[symbol] = (actual, each.x, at)
                continue
            check = _size_check(each.x, at, actual, wanted, why, message, data)
            if check is not None:
                checks.append(Assert(*check, summarize=summarize))
    return checks


def _size_check(
    x: Tensor,
    at: int,
    actual: int | Tensor,
    wanted: int | Tensor,
    why: str,
    message: str,
    data: Sequence[TensorLike] | None,
) -> tuple[Any, Any] | None:
    if _known(actual) and _known(wanted):
        if int(actual) != int(wanted):
            raise ValueError(
                f"{message}.  {why}.  Tensor {shown_name(x)} dimension {at} must have "
                f"size {int(wanted)}.  Received size {int(actual)}, shape {x.shape}"
            )
        return None
    condition = F.Equal(convert_to_tensor(actual), convert_to_tensor(wanted))
    if data is None:
        data = [message, why, f"Tensor {shown_name(x)} dimension", at]
        data += ["must have size", wanted, "Received shape: ", shape_of(x)]
    return condition, data
