"""Sums of products over named axes: einsum and tensordot, made of matrix products."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.array.fill import range_
from retrograd.ops.array.shape import expand_dims, rank, reshape, shape, transpose
from retrograd.ops.declare import F
from retrograd.ops.linalg.norms import trace
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math.reduce import reduce_prod, reduce_sum

if TYPE_CHECKING:
    from retrograd.typing import Array, TensorLike

    #: axes of one tensor
    Axes: TypeAlias = Sequence[int] | Tensor | Array
    #: how many axes of two tensors go together, or which of each
    AxisPairs: TypeAlias = int | Axes | Sequence[Axes]


def _check_labels(labels: str) -> None:
    if len(set(labels)) != len(labels):
        raise ValueError(
            f"Subscript not supported: an axis appears more than once: {labels}"
        )


# ---------------------------------------------------------------------- einsum


def einsum(equation: str, *inputs: TensorLike, **kwargs: Any) -> Tensor:
    """Products of tensors, summed over the axes that the equation does not keep.

        einsum("ij,jk->ik", a, b)   the product of two matrices

    Args:
      equation: a label for each axis of each input, "->", those of the output; without
        the latter, the labels that occur once, sorted. "..." stands for axes that are
        broadcast.
      *inputs: the tensors.
      **kwargs: `name`, the name scope.

    Raises:
      ValueError: the equation cannot be read, or does not fit the inputs.
      TypeError: other keyword arguments.
    """
    name = kwargs.pop("name", None)
    if kwargs:
        names = ", ".join(sorted(kwargs))
        raise TypeError(f"invalid keyword arguments for this function: {names}")
    with name_scope(name, "einsum", [equation, inputs]):
        tensors = [convert_to_tensor(x) for x in inputs]
        labels, output = _resolved(equation, [t._shape_raw for t in tensors])
        if _is_trace(labels, equation):
            return trace(tensors[0])
        for each in labels:
            _check_labels(each)
        if _sums_over_many(labels, output):
            return _by_products(tensors, labels, output)
        return _by_pairs(tensors, labels, output, equation)


def _is_trace(labels: list[str], equation: str) -> bool:
    if len(labels) != 1 or "->" in equation:
        return False
    (only,) = labels
    return only == only[::-1] and any(only.count(c) == 2 for c in only)


def _sums_over_many(labels: list[str], output: str) -> bool:
    """Whether some axis is in more than two inputs, and summed over."""
    every = "".join(labels)
    return any(every.count(c) > 2 for c in set(every) - set(output))


def _by_pairs(
    tensors: list[Tensor], labels: list[str], output: str, equation: str
) -> Tensor:
    """Contract the first two inputs, the result with the third, and so on."""
    result, have = tensors[0], labels[0]
    for tensor, other in zip(tensors[1:], labels[1:], strict=True):
        summed = set(have) & set(other) - set(output)
        result, have = _contracted(result, have, tensor, other, summed)
    gone = [i for i, c in enumerate(have) if c not in output]
    if gone:
        result = reduce_sum(result, gone)
        have = "".join(c for c in have if c in output)
    if sorted(have) != sorted(output):
        raise ValueError(f"Invalid equation: {equation}")
    return _transposed(result, [have.index(c) for c in output])


def _contracted(
    a: Tensor, in_a: str, b: Tensor, in_b: str, summed: set[str]
) -> tuple[Tensor, str]:
    """One product of two tensors: the result and its labels.

    Axes in both that are not summed are the batch; axes in one only are its own.
    Brought into the order batch, own, summed (of b: batch, summed, own) and with equal
    kinds merged, the tensors are batches of matrices.
    """
    for i, (x, labels) in enumerate(((a, in_a), (b, in_b))):
        size = x._rank()
        if size is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        if size != len(labels):
            raise ValueError(
                f"Tensor t{i} of rank {size} does not match einsum reduction of length "
                f"{len(labels)}"
            )
    batch = "".join(sorted(set(in_a) & set(in_b) - summed))
    own_a = "".join(sorted(set(in_a) - set(in_b)))
    own_b = "".join(sorted(set(in_b) - set(in_a)))
    middle = "".join(sorted(summed))
    a = _transposed(a, [in_a.index(c) for c in batch + own_a + middle])
    b = _transposed(b, [in_b.index(c) for c in batch + middle + own_b])
    if not summed:
        for _ in own_b:
            a = expand_dims(a, -1)
        for _ in own_a:
            b = expand_dims(b, len(batch))
        return F.Mul(a, b), batch + own_a + own_b
    return _as_matrices(a, b, len(batch), len(middle)), batch + own_a + own_b


def _as_matrices(a: Tensor, b: Tensor, batch: int, middle: int) -> Tensor:
    """The product over the `middle` axes, each kind of axes merged meanwhile."""
    sizes_a = _sizes(a)
    rows, inner = _product(sizes_a[batch:-middle]), _product(sizes_a[-middle:])
    a = _reshaped(a, [*sizes_a[:batch], rows, inner])
    sizes_b = _sizes(b)
    columns = _product(sizes_b[batch + middle :])
    b = _reshaped(b, [*sizes_b[:batch], inner, columns])
    whole = [*sizes_a[:-middle], *sizes_b[batch + middle :]]
    return _reshaped(matmul(a, b), whole)


def _transposed(x: Tensor, perm: list[int]) -> Tensor:
    return x if perm == list(range(len(perm))) else transpose(x, perm=perm)


def _sizes(x: Tensor) -> list[Any]:
    """The shape: numbers where they are known, else scalar tensors."""
    raw: list[Any] = list(x._shape_raw or ())
    if None in raw:
        whole = shape(x)
        raw = [whole[i] if d is None else d for i, d in enumerate(raw)]
    return raw


def _product(sizes: Sequence[Any]) -> Any:
    total: Any = 1
    for size in sizes:
        total = total * size
    return total


def _reshaped(x: Tensor, sizes: Sequence[Any]) -> Tensor:
    """x in a shape of numbers and scalar tensors; x itself where it has it."""
    have = x._shape_raw or ()
    known = len(have) == len(sizes) and not any(isinstance(s, Tensor) for s in sizes)
    if known and all(a == b for a, b in zip(have, sizes, strict=True)):
        return x
    return reshape(x, tuple(sizes))


def _by_products(tensors: list[Tensor], labels: list[str], output: str) -> Tensor:
    """Broadcast all inputs to all axes, multiply, and sum: for what pairs cannot do."""
    summed = sorted(set("".join(labels)) - set(output))
    order = [*summed, *output]
    sizes: dict[str, int] = {}
    result: Any = 1
    for i, (tensor, own) in enumerate(zip(tensors, labels, strict=True)):
        if tensor._rank() != len(own):
            raise ValueError(
                f"Input {i} with axes {own} has incorrect number of dimensions "
                f"(expected {len(own)}, got {tensor._rank()})"
            )
        raw = dict(zip(own, tensor._shape_raw or (), strict=True))
        for label, size in raw.items():
            if size is not None and size > 1 and sizes.setdefault(label, size) != size:
                raise ValueError(f"Dimension mismatch on axis: {label}")
        ranked = sorted(own, key=order.index)
        tensor = _transposed(tensor, [own.index(c) for c in ranked])
        spread = [(raw[c] or -1) if c in raw else 1 for c in order]
        result = result * reshape(tensor, spread)
    return reduce_sum(result, list(range(len(summed))))


# ---------------------------------------------------------------------- tensordot


def tensordot(
    a: TensorLike, b: TensorLike, axes: AxisPairs, name: str | None = None
) -> Tensor:
    """The product of two tensors, summed over pairs of axes.

    Args:
      a: numbers.
      b: numbers of the same element type.
      axes: how many of the last axes of `a` go with the first ones of `b`; or two
        lists, or two numbers, of axes that go together; or a tensor of shape [2, k].
      name: the name of the operation.

    Returns:
      A tensor with the axes of `a` that are left, then those of `b`.

    Raises:
      ValueError: the axes do not go together.
    """
    with name_scope(name, "Tensordot", [a, b, axes]) as scope:
        a = convert_to_tensor(a, name="a")
        b = convert_to_tensor(b, name="b")
        axes_a, axes_b = _pairs(a, axes)
        left, free_a, known_a = _as_matrix(a, axes_a, False)
        right, free_b, known_b = _as_matrix(b, axes_b, True)
        product = matmul(left, right)
        if isinstance(free_a, list) and isinstance(free_b, list):
            return reshape(product, free_a + free_b, name=scope)
        free = [convert_to_tensor(f, dtypes.int32) for f in (free_a, free_b)]
        whole = F.ConcatV2(free, 0, name="concat")
        result = reshape(product, whole, name=scope)
        if known_a is not None and known_b is not None:
            result.set_shape(known_a + known_b)
        return result


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, (int, np.integer))


def _pairs(a: Tensor, axes: AxisPairs) -> tuple[Axes, Axes]:
    """The axes of each side, as lists or as tensors."""
    if _is_number(axes):
        return _first_with_last(a, int(axes))
    if not isinstance(axes, (list, tuple)):
        both = convert_to_tensor(axes, dtypes.int32, "axes")
        return both[0], both[1]
    if len(axes) != 2:
        raise ValueError("'axes' must be an integer or have length 2.")
    pair: Any = axes
    of_a, of_b = pair
    if all(_is_number(side) for side in pair):
        return [of_a], [of_b]
    if len(of_a) != len(of_b):
        raise ValueError(
            "Different number of contraction axes 'a' and 'b', "
            f"{len(of_a)} != {len(of_b)}."
        )
    return of_a, of_b


def _first_with_last(a: Tensor, count: int) -> tuple[Axes, Axes]:
    if count < 0:
        raise ValueError("'axes' must be at least 0.")
    size = a._rank()
    if size is None:
        whole = rank(a)
        last = range_(whole - count, whole, dtype=dtypes.int32)
        return last, range_(count, dtype=dtypes.int32)
    if count > size:
        raise ValueError(
            f"'axes' must not be larger than the number of dimensions of tensor {a}."
        )
    return list(range(size - count, size)), list(range(count))


def _as_matrix(
    x: Tensor, axes: Axes, flipped: bool
) -> tuple[Tensor, Any, list[int | None] | None]:
    """x as a matrix [free, axes], or [axes, free] if `flipped`.

    Returns:
      The matrix; the sizes of the free axes, as numbers or a tensor; those known.
    """
    raw = x._shape_raw
    if raw is None or not isinstance(axes, (list, tuple)):
        whole, free, summed = _dynamic_axes(x, axes)
        known = None
    else:
        own = [i if i >= 0 else i + len(raw) for i in axes]
        rest = [i for i in range(len(raw)) if i not in own]
        known = [raw[i] for i in rest]
        if None not in raw:
            rows = _product(known)
            inner = _product([raw[i] for i in own])
            perm = [*own, *rest] if flipped else [*rest, *own]
            sizes = [inner, rows] if flipped else [rows, inner]
            return reshape(transpose(x, perm), sizes), known, known
        summed = convert_to_tensor(own, dtypes.int32, "axes")
        free = convert_to_tensor(rest, dtypes.int32, "free")
        whole = shape(x)
    free_sizes = F.GatherV2(whole, free, 0)
    axes_sizes = F.GatherV2(whole, summed, 0)
    rows, inner = reduce_prod(free_sizes), reduce_prod(axes_sizes)
    order, sizes = [free, summed], [rows, inner]
    if flipped:
        order, sizes = [summed, free], [inner, rows]
    perm = F.ConcatV2(order, 0, name="concat")
    packed = F.Pack(sizes, name="stack")
    return reshape(transpose(x, perm), packed), free_sizes, known


def _dynamic_axes(x: Tensor, axes: Axes) -> tuple[Tensor, Tensor, Tensor]:
    """The shape, the free axes and the others, all as tensors."""
    whole, size = shape(x), rank(x)
    given = convert_to_tensor(axes, dtypes.int32, "axes")
    summed = F.Select(given >= 0, given, given + size)
    return whole, F.ListDiff(range_(size), summed)[0], summed


# ---------------------------------------------------------------------- equations


def _resolved(equation: str, raws: Sequence[RawShape]) -> tuple[list[str], str]:
    """The axis labels of each input and of the output, ellipses spelt out.

    Raises:
      ValueError: the equation cannot be read, or does not fit the inputs.
    """
    equation = equation.replace(" ", "")
    match = re.match("^([a-zA-Z,.]+)(->[a-zA-Z.]*)?$", equation)
    if not match:
        raise ValueError(f"Indices have incorrect format: {equation}")
    inputs = match.group(1).split(",")
    output = match.group(2)[2:] if match.group(2) else None
    if len(raws) != len(inputs):
        raise ValueError(
            f'Got {len(raws)} arguments for equation "{equation}", expecting '
            f"{len(inputs)}"
        )
    ellipsis = ""
    if "..." in equation:
        inputs, ellipsis = _without_ellipsis(inputs, raws)
        if output is not None:
            output = output.replace("...", ellipsis)
            if "." in output:
                raise ValueError('period "." found outside of ellipsis')
    if output is None:
        every = "".join(inputs)
        once = [c for c in sorted(set(every)) if every.count(c) == 1]
        output = ellipsis + "".join(c for c in once if c not in ellipsis)
    return inputs, output


def _without_ellipsis(
    inputs: list[str], raws: Sequence[RawShape]
) -> tuple[list[str], str]:
    """Labels with letters that are free in place of "...", and those letters."""
    used = "".join(inputs)
    unused = "".join(c for c in string.ascii_letters if c not in used)
    longest, found = "", []
    for labels, raw in zip(inputs, raws, strict=True):
        if "..." not in labels:
            found.append(labels)
            continue
        parts = labels.split("...")
        if len(parts) != 2:
            raise ValueError("Unable to resolve ellipsis. Excess number found.")
        if raw is None:
            raise ValueError("Unable to statically infer ellipsis axes.")
        count = len(raw) - len("".join(parts))
        if count < 0:
            raise ValueError("Ellipses lengths do not match.")
        if len(unused) < count:
            raise ValueError("Unable to resolve ellipsis, too many distinct labels.")
        letters = unused[-count:] if count else ""
        found.append(labels.replace("...", letters))
        longest = max(longest, letters, key=len)
    if any("." in labels for labels in found):
        raise ValueError('period "." found outside of ellipsis')
    return found, longest
