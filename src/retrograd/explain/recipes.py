"""What is to be done about an operation that gave NaN or an infinity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import OpError
from retrograd.explain.operations import computes, goes_by_element, source
from retrograd.explain.values import Index, index_text, number, shown
from retrograd.ops.binding import input_names
from retrograd.ops.declare import traits_of
from retrograd.ops.traits import Function, Passes
from retrograd.run.witness import OpRun

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.typing import Array

_DOUBLE_WHERE = (
    "make the operand safe before the operation, on the side that is masked as well:\n"
    "safe = tf.where(ok, x, tf.ones_like(x)); y = tf.where(ok, f(safe), other)"
)
_FLOAT16 = (
    "compute this in float32 (tf.cast before it), or scale the loss so that its "
    "gradients fit: tf.train.experimental.enable_mixed_precision_graph_rewrite"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What happened, and the way out.

    Attributes:
      kind: a word for programs: "log of zero", "double where", …
      why: what the operation did, in a sentence without a full stop.
      fix: the way out.
    """

    kind: str
    why: str
    fix: str


@dataclass(slots=True)
class Case:
    """An operation that gave a value that is not finite, out of finite ones.

    Attributes:
      op: the operation.
      forward: the operation that it is part of the derivative of, or itself.
      index: the first such element.
      value: that element.
      operands: name and value of each operand at that element, or the whole array where
        the operation does not go element by element.
      run: all operands and results.
      producer: what made a tensor, or None.
      masked: whether ∂y/∂ of the forward operation's result is zero there.
    """

    op: Any
    forward: Any
    index: Index
    value: Any
    operands: list[tuple[str, Any]]
    run: OpRun
    producer: Callable[[Any], Any]
    masked: bool = False

    @property
    def is_backward(self) -> bool:
        """Whether the operation is part of a derivative."""
        return self.forward is not self.op

    def operand(self, position: int) -> float | None:
        """The value of an operand at the element, where that is one number."""
        if position >= len(self.operands):
            return None
        value = np.asarray(self.operands[position][1])
        return None if value.size != 1 else float(np.real(value.reshape(-1)[0]))

    def maker(self, position: int = 0, of: Operation | None = None) -> Any:
        """The operation that made an input, behind those that only move elements."""
        op = self.forward if of is None else of
        if position >= len(op._inputs):
            return None
        tensor = op._inputs[position]
        for _ in range(16):
            op = self.producer(tensor)
            if op is None or (handed := source(tensor, op)) is None:
                return op
            tensor = handed
        return None


def first_bad(array: Array) -> Index | None:
    """Where an array's first element is that is not finite, or None."""
    array = np.asarray(array)
    places = np.flatnonzero(~np.isfinite(array).reshape(-1))
    if not places.size:
        return None
    return tuple(int(i) for i in np.unravel_index(places[0], array.shape))


def operands_at(
    run: OpRun, index: Index, shape: Sequence[int]
) -> list[tuple[str, Any]]:
    """Name and value of each operand at an element of the result."""
    names = _names(run.op)
    found = []
    for place, (name, value) in enumerate(zip(names, run.inputs, strict=True)):
        if isinstance(value, (np.ndarray, np.generic)):
            found.append((name, _at(run.op, place, np.asarray(value), index, shape)))
    return found


def _names(op: Operation) -> list[str]:
    plain = input_names(op)
    return [
        f"{name}[{plain[:i].count(name)}]" if plain.count(name) > 1 else name
        for i, name in enumerate(plain)
    ]


def _at(
    op: Operation, place: int, value: Array, index: Index, shape: Sequence[int]
) -> Any:
    if goes_by_element(op):
        return np.broadcast_to(value, shape)[index]
    if computes(op, Function.MATRIX_PRODUCT) and value.ndim == len(index):
        return _of_product(op, place, value, index)
    if computes(op, Function.SOFTMAX, Function.LOG_SOFTMAX):
        return value[index[:-1]]
    return value


#: attributes that say of each factor whether it is transposed
_TURNED = (("transpose_a", "adj_x"), ("transpose_b", "adj_y"))


def _of_product(op: Operation, place: int, value: Array, index: Index) -> Any:
    """The row of the first matrix, or the column of the second."""
    turned = any(op.attrs.get(name, False) for name in _TURNED[place])
    *batch, row, column = index
    # a batch of one matrix serves for all
    matrix = value[tuple(i % n for i, n in zip(batch, value.shape, strict=False))]
    if place == 0:
        return matrix[:, row] if turned else matrix[row]
    return matrix[column] if turned else matrix[:, column]


# ---------------------------------------------------------------------- recipes


def recipe(case: Case) -> Recipe:
    """What is known of a case: the first of the rules that fits."""
    for rule in (_masked, _of_function, _too_large):
        found = rule(case)
        if found is not None:
            return found
    word = "NaN" if np.isnan(case.value) else "an infinity"
    return Recipe(
        "unknown",
        f"{case.op.type} gave {word} out of finite operands",
        "keep its operands where it is defined, by tf.clip_by_value or tf.maximum",
    )


def _masked(case: Case) -> Recipe | None:
    """The derivative of what a tf.where leaves out: 0 times an infinity."""
    if not (case.is_backward and case.masked):
        return None
    what = case.forward.type
    return Recipe(
        "double where",
        f"the derivative of {what} is not finite there, although tf.where leaves the "
        "element out: the sweep multiplies it by 0, and 0 · inf is NaN",
        _DOUBLE_WHERE,
    )


def _of_function(case: Case) -> Recipe | None:
    op = case.forward if case.is_backward else case.op
    rule = _RULES.get(traits_of(op.type).function)
    return None if rule is None else rule(case)


def _too_large(case: Case) -> Recipe | None:
    """A result that a wider type could hold."""
    wide = _in_float64(case)
    if wide is None or not np.isfinite(wide):
        return None
    name = case.run.outputs[0].dtype.name
    limit = _largest(case.run.outputs[0].dtype)
    if name in ("float16", "bfloat16"):
        return Recipe(
            f"{name} overflow",
            f"the result is {number(wide)}, and {name} ends at {number(limit)}",
            _FLOAT16,
        )
    return Recipe(
        "overflow",
        f"the result is {number(wide)}, and {name} ends at {number(limit)}",
        "lower the learning rate, clip the gradients (tf.clip_by_global_norm), or "
        "normalize what comes in",
    )


def _largest(dtype: np.dtype[Any]) -> float:
    if np.dtype(dtype).kind == "V":
        import ml_dtypes

        return float(ml_dtypes.finfo(dtype).max)
    return float(np.finfo(dtype).max)


def _in_float64(case: Case) -> float | None:
    """The element as float64 computes it; None where that cannot be said."""
    kernel, run = case.run.kernel, case.run
    if kernel is None or run.written or any(not _plain(v) for v in run.inputs):
        return None
    if traits_of(run.op.type).passes is Passes.CONVERTED:
        return float(np.real(np.asarray(run.inputs[0])[case.index]))
    wide = [_widened(v) for v in run.inputs]
    try:
        with np.errstate(all="ignore"):
            result = kernel(*wide)
        value = result[0] if isinstance(result, tuple) else result
        return float(np.real(np.asarray(value)[case.index]))
    except (TypeError, ValueError, IndexError, OpError):
        return None  # a kernel that wants its own types


def _plain(value: Array | None) -> bool:
    return isinstance(value, (np.ndarray, np.generic))


def _widened(value: Array) -> Any:
    kind = value.dtype.kind
    return value.astype(np.float64) if kind in "fV" else value


# ---------------------------------------------------------------------- by function


_FUSED: dict[Function | None, tuple[str, str]] = {
    Function.SOFTMAX: (
        "softmax",
        "tf.nn.softmax_cross_entropy_with_logits_v2(labels=…, logits=…) on what goes "
        "into the softmax, or tf.nn.log_softmax",
    ),
    Function.SIGMOID: (
        "sigmoid",
        "tf.nn.sigmoid_cross_entropy_with_logits(labels=…, logits=…) on what goes into "
        "the sigmoid, or tf.math.log_sigmoid",
    ),
}


def _log(case: Case) -> Recipe | None:
    inner = case.maker()
    if inner is not None and computes(inner, Function.DIFFERENCE):
        inner = case.maker(1, inner)  # 1 - sigmoid(x)
    x = _argument(case)
    fused = None if inner is None else _FUSED.get(traits_of(inner.type).function)
    if fused is not None:
        name, fix = fused
        why = f"{name} rounded to {number(x or 0)}, and log 0 is -inf"
        return Recipe(f"log of {name}", why, fix)
    if x is not None and x < 0:
        return Recipe(
            "log of a negative number",
            f"log {number(x)} is not a real number",
            "see why the operand is negative; tf.maximum(x, 1e-12) bounds it",
        )
    what = "1/x, the derivative of log," if case.is_backward else "log"
    return Recipe(
        "log of zero",
        f"{what} is not finite at {number(x or 0)}",
        "tf.log(tf.maximum(x, 1e-12)), or a fused loss that takes logits",
    )


def _log1p(case: Case) -> Recipe | None:
    x = _argument(case)
    return Recipe(
        "log of zero",
        f"log(1 + x) is not finite at {number(-1 if x is None else x)}",
        "keep x above -1: tf.maximum(x, -1 + 1e-6)",
    )


def _argument(case: Case) -> float | None:
    """The forward operand at the element, of a derivative as well."""
    if not case.is_backward:
        return case.operand(0)
    source = case.forward._inputs[0]
    for tensor, (_, value) in zip(case.op._inputs, case.operands, strict=False):
        if tensor is source and np.size(value) == 1:
            return float(np.real(np.asarray(value).reshape(-1)[0]))
    return None


def _sqrt(case: Case) -> Recipe | None:
    if not case.is_backward:
        x = case.operand(0)
        if x is not None and x < 0:
            return Recipe(
                "sqrt of a negative number",
                f"the square root of {number(x)} is not a real number",
                "tf.sqrt(tf.maximum(x, 0.)); a variance computed as E[x²] - E[x]² can "
                "round below zero: tf.nn.moments does not",
            )
        return None
    if _is_sum_of_squares(case.maker()):
        return Recipe(
            "norm at zero",
            "a norm has no derivative where all elements are zero: 1/(2 √0)",
            "tf.sqrt(tf.reduce_sum(tf.square(x)) + 1e-12), or "
            "tf.sqrt(tf.maximum(sum, 1e-12))",
        )
    return Recipe(
        "sqrt at zero",
        "the derivative of √x at 0 is 1/(2 √0), an infinity",
        "tf.sqrt(x + 1e-12), or tf.sqrt(tf.maximum(x, 1e-12))",
    )


def _is_sum_of_squares(op: Operation) -> bool:
    if op is None or not computes(op, Function.TOTAL, Function.MEAN):
        return False
    inner = getattr(op._inputs[0], "_op", None)
    if inner is None:
        return False
    if computes(inner, Function.SQUARE, Function.SQUARED_DIFFERENCE):
        return True
    is_product = computes(inner, Function.PRODUCT)
    return is_product and inner._inputs[0] is inner._inputs[1]


def _rsqrt(case: Case) -> Recipe | None:
    if _of_variance(case, case.maker()):
        return _no_variance()
    x = case.operand(0)
    return Recipe(
        "division by zero",
        f"1/√x is not finite at {number(0 if x is None or case.is_backward else x)}",
        "tf.rsqrt(tf.maximum(x, 1e-12))",
    )


def _no_variance() -> Recipe:
    return Recipe(
        "batch norm without variance",
        "all elements that are normalized together are equal: their variance is 0, and "
        "nothing is added to it",
        "pass an epsilon of 1e-3 (variance_epsilon of tf.nn.batch_normalization), and "
        "see why a batch has no spread: a batch of one, or a dead unit",
    )


def _of_variance(case: Case, op: Operation) -> bool:
    """Whether an operation is a variance, or a variance and something added."""
    for _ in range(4):
        if op is None:
            return False
        if "variance" in op.name.rsplit("/", 1)[-1]:
            return True
        if computes(op, Function.MEAN):
            inner = case.maker(0, op)
            return inner is not None and computes(inner, Function.SQUARED_DIFFERENCE)
        if not computes(op, Function.SUM, Function.ROOT, Function.MAXIMUM):
            return False
        op = case.maker(0, op)
    return False


def _division(case: Case) -> Recipe | None:
    divisor = case.operand(0 if computes(case.op, Function.RECIPROCAL) else 1)
    if not case.is_backward and divisor is not None and divisor != 0:
        return None  # an overflow
    of_one = computes(case.forward, Function.RECIPROCAL)
    maker = case.maker(0 if of_one else 1)
    if _of_variance(case, maker):
        return _no_variance()
    if (
        maker is not None
        and computes(maker, Function.ROOT)
        and _is_sum_of_squares(case.maker(0, maker))
    ):
        return Recipe(
            "norm at zero",
            "it divides by a norm that is 0",
            "tf.nn.l2_normalize(x, axis, epsilon=1e-12), or tf.math.divide_no_nan",
        )
    both = case.operand(0) == 0 and not case.is_backward and not of_one
    return Recipe(
        "division by zero",
        "0 / 0 is NaN" if both else "it divides by 0",
        "tf.math.divide_no_nan(x, y), or tf.maximum(y, 1e-12) for a y that is never "
        "negative; a mean over nothing: tf.maximum(count, 1.)",
    )


def _exp(case: Case) -> Recipe | None:
    x = case.operand(0)
    if x is None or case.is_backward:
        return None
    half = case.run.outputs[0].dtype.name == "float16"
    limit = np.log(_largest(case.run.outputs[0].dtype))
    fix = (
        "subtract the largest operand first (tf.reduce_logsumexp, tf.nn.softmax and "
        "tf.nn.softplus do), or tf.minimum(x, …)"
    )
    if half:
        fix += "; or " + _FLOAT16
    return Recipe(
        "exp overflow",
        f"exp {number(x)} is too large: {case.run.outputs[0].dtype.name} ends at exp "
        f"{number(limit)}",
        fix,
    )


def _pow(case: Case) -> Recipe | None:
    x, y = case.operand(0), case.operand(1)
    if case.is_backward or x is None or y is None:
        if case.is_backward:
            return Recipe(
                "pow at zero",
                "the derivative of x^y is y x^(y - 1): not finite at x = 0 where y < 1",
                "tf.pow(tf.maximum(x, 1e-12), y)",
            )
        return None
    if x < 0:
        return Recipe(
            "pow of a negative number",
            f"({number(x)})^{number(y)} is not a real number",
            "tf.pow(tf.maximum(x, 0.), y), or tf.sign(x) * tf.pow(tf.abs(x), y)",
        )
    if x == 0:
        return Recipe(
            "pow at zero",
            f"0^{number(y)} divides by zero",
            "tf.pow(tf.maximum(x, 1e-12), y)",
        )
    return None


def _softmax(case: Case) -> Recipe | None:
    row = np.asarray(case.operands[0][1])
    if case.is_backward or not np.all(np.isneginf(row)):
        return None
    return Recipe(
        "softmax of nothing",
        "all of a row is -inf: there is nothing to share 1 among",
        "mask with a large finite number (-1e9), or leave out rows that are all masked",
    )


def _difference(case: Case) -> Recipe | None:
    values = [case.operand(0), case.operand(1)]
    if case.is_backward or not all(v is not None and np.isinf(v) for v in values):
        return None
    return Recipe(
        "infinity minus infinity",
        "inf - inf is NaN",
        "see where the infinities come from, and keep one of them finite",
    )


def _product(case: Case) -> Recipe | None:
    """A product of an infinity that the program wrote, with zero."""
    values = [case.operand(0), case.operand(1)]
    if 0 in values and any(v is not None and np.isinf(v) for v in values):
        return Recipe(
            "zero times infinity",
            "0 · inf is NaN: multiplying does not mask",
            "mask with tf.where(mask, x, tf.zeros_like(x)) instead of mask * x",
        )
    return None


def _inverse_trigonometric(case: Case) -> Recipe | None:
    x = _argument(case)
    shown = "" if x is None else f", and the operand is {number(x)}"
    what = "its derivative" if case.is_backward else "it"
    return Recipe(
        "outside of the domain",
        f"{what} is finite within (-1, 1) only{shown}",
        "tf.clip_by_value(x, -1 + 1e-6, 1 - 1e-6)",
    )


def _fused_batch_norm(case: Case) -> Recipe | None:
    return _no_variance() if float(case.forward.attrs.get("epsilon", 1)) == 0 else None


def _mean(case: Case) -> Recipe | None:
    first = case.run.inputs[0] if case.run.inputs else None
    if case.is_backward or first is None or np.size(first):
        return None
    return Recipe(
        "mean of nothing",
        "the mean of no elements is 0 / 0",
        "tf.reduce_sum(x) / tf.maximum(count, 1.), or skip empty batches",
    )


_RULES: dict[Function | None, Callable[[Case], Recipe | None]] = {
    Function.LOG: _log,
    Function.LOG1P: _log1p,
    Function.ROOT: _sqrt,
    Function.INVERSE_ROOT: _rsqrt,
    Function.QUOTIENT: _division,
    Function.RECIPROCAL: _division,
    Function.REMAINDER: _division,
    Function.EXPONENTIAL: _exp,
    Function.EXPONENTIAL_LESS_ONE: _exp,
    Function.SINE_HYPERBOLIC: _exp,
    Function.COSINE_HYPERBOLIC: _exp,
    Function.POWER: _pow,
    Function.PRODUCT: _product,
    Function.SOFTMAX: _softmax,
    Function.LOG_SOFTMAX: _softmax,
    Function.SUM: _difference,
    Function.DIFFERENCE: _difference,
    Function.MEAN: _mean,
    Function.ARC_COSINE: _inverse_trigonometric,
    Function.ARC_SINE: _inverse_trigonometric,
    Function.ARC_TANGENT_HYPERBOLIC: _inverse_trigonometric,
    Function.NORMALIZATION: _fused_batch_norm,
}


def described(case: Case) -> list[str]:
    """The operands, a line each."""
    place = index_text(case.index)
    where = f" at {place}" if place else ""
    lines = []
    for name, value in case.operands:
        single = np.size(value) == 1
        lines.append(f"{name}{where if single else ''} = {shown(value)}")
    return lines


def forward_of(op: Any) -> Any:
    """The operation that a backward operation differentiates, or itself."""
    seen = 0
    while getattr(op, "_forward_op", None) is not None and seen < 8:
        op, seen = op._forward_op, seen + 1
    return op
