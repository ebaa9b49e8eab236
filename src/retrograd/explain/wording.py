"""How nodes, operations and partial derivatives of a trace are written."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.explain import notation
from retrograd.explain.operations import computes, overridden
from retrograd.explain.trace import BackStep, Node, Term, Trace
from retrograd.explain.values import number
from retrograd.ops.traits import Function

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor

Write = Callable[[str, Mapping[str, str]], str]
#: how what is differentiated is called
F = "f"


def derivative(node: Node) -> str:
    """∂f/∂n4."""
    return f"∂{F}/∂{node.label}"


#: names of constants that nobody gave: of operands, and of `tf.constant`
_UNNAMED = re.compile(r"(.*/)?Const(_\d+)?|.*/[a-z](_\d+)?")


def title(node: Node) -> str:
    """What a node is to the program: its name, or its value where it has none."""
    is_unnamed = node.role == "constant" and _UNNAMED.fullmatch(node.name)
    if is_unnamed and node.value is not None and node.value.size == 1:
        return number(node.value.reshape(-1)[0])
    return node.name or node.label


def called(tensor: Tensor) -> str:
    """What a program calls a tensor: its operation's name, with `:1` where it is so.

    One that was run at once has none.
    """
    if getattr(tensor, "_is_eager", False):
        return "a tensor"
    index = tensor.value_index
    return f"{tensor.op.name}:{index}" if index else tensor.op.name


def formula(node: Node, trace: Trace, write: Write = notation.filled) -> str:
    """`n4 = n1 · n2`; empty for a leaf.

    Args:
      node: what is written.
      trace: what it belongs to.
      write: `notation.filled` for text, `notation.latex` for LaTeX.
    """
    if node.role != "op":
        return ""
    if computes(node.op, Function.SUBSCRIPT):
        return _as_is(f"{node.label} = {_sliced(node, trace)}", write)
    written = notation.symbols(node.op)
    if computes(node.op, Function.SUM) and _has_list(node.op):
        terms = " + ".join(n.label for n in node.inputs if n is not None)
        return write(f"{node.label} = {terms}", {})
    if not written.math or _has_list(node.op):
        return _as_is(f"{node.label} = {_call(node, trace)}", write)
    math = _of_output(written, node.index)
    return write(math, _names(node.op, node.inputs, [node], trace))


def _of_output(written: notation.Symbols, place: int) -> str:
    """The equation of one output, where there is one for each."""
    for equation in written.math.split("; "):
        left = equation.partition(" = ")[0]
        if len(written.outputs) > 1 and left[:1] == written.outputs[place][:1]:
            return equation.strip()
    return written.math


def _as_is(text: str, write: Write) -> str:
    """What is no notation, such as a call with strings among its arguments."""
    if write is notation.filled:
        return text
    try:
        return write(text, {})
    except ValueError:
        return rf"\text{{{text}}}"


def _has_list(op: Any) -> bool:
    """Whether an operation has a list, whose parts its notation does not name."""
    return any(arg.is_list for arg in (*op._op_def.inputs, *op._op_def.outputs))


def rule(
    step: BackStep, term: Term, trace: Trace, write: Write = notation.filled
) -> str:
    """`∂f/∂n5 · n2`: what the declaration says of a term; empty where it is silent.

    A rule that the program registered has no notation: the declaration's would lie.
    """
    if overridden(step.op) or step.op._op_def.calls:
        return ""
    written = notation.symbols(step.op).rules[term.position]
    _, equals, right = written.partition(" = ")
    if not equals:
        return ""
    return write(right, _all_names(step, trace))


def partial(
    step: BackStep,
    term: Term,
    trace: Trace,
    write: Write = notation.filled,
    index: str = "",
) -> str:
    """`n2`: the local derivative, where the rule is the upstream one times that.

    Args:
      step, term, trace, write: as for `rule`.
      index: of the one element that is written about, such as `[1, 0]`.
    """
    if overridden(step.op) or len(step.outputs) != 1:
        return ""
    written = notation.symbols(step.op)
    _, _, right = written.rules[term.position].partition(" = ")
    bar = notation.barred(written.outputs[0])
    for before, sign in ((bar, ""), ("−" + bar, "−")):
        if right == before:
            return f"{sign}1"
        for times, one in ((" / ", "1 / "), (" · ", ""), (" ", "")):
            rest = right.removeprefix(before + times)
            if rest != right and bar not in rest and not _is_sum(rest):
                rest = one + rest
                with contextlib.suppress(ValueError):  # half of a product by a symbol
                    return sign + write(rest, _all_names(step, trace, index))
    return ""


def _is_sum(text: str) -> bool:
    """Whether a text has a sign outside of parentheses, so that it is no factor."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter in "([{⌊|") - (letter in ")]}⌋")
        if depth == 0 and letter in "+−/" and place:
            return True
    return False


def setting(op: Operation, position: int, trace: Trace) -> str:
    """An input that is no node (axes, a shape) as text."""
    value = trace.setting.get((op, position))
    if value is None:
        return "…"
    if value.size > 1 or value.shape:
        return f"[{', '.join(number(v) for v in value.reshape(-1)[:8])}]"
    return number(value)


def _names(
    op: Operation, inputs: list[Node | None], outputs: list[Node], trace: Trace
) -> dict[str, str]:
    written = notation.symbols(op)
    names: dict[str, str] = {}
    for position, (symbol, node) in enumerate(zip(written.inputs, inputs, strict=True)):
        names[symbol] = setting(op, position, trace) if node is None else node.label
    for node in outputs:
        names[written.outputs[node.index]] = node.label
    return names


def _all_names(step: BackStep, trace: Trace, index: str = "") -> dict[str, str]:
    """Names of the values and of the derivatives of a step, at an index."""
    outputs = [node for node in step.outputs if node is not None]
    names = _names(step.op, step.inputs, outputs, trace)
    if index:
        names = {symbol: name + index for symbol, name in names.items()}
    written = notation.symbols(step.op)
    for symbol, node in zip(written.outputs, step.outputs, strict=True):
        if node is not None:
            names[notation.barred(symbol)] = derivative(node)
    return names


def _call(node: Node, trace: Trace) -> str:
    calls = node.op._op_def.calls
    arguments = [
        setting(node.op, i, trace) if source is None else source.label
        for i, source in enumerate(node.inputs)
        if source is not None or not calls
    ]
    place = f"[{node.index}]" if len(node.op._outputs) > 1 else ""
    return f"{node.type}({', '.join(arguments)}){place}"


def _sliced(node: Node, trace: Trace) -> str:
    """`n3[1, :, 2:5]`, out of the parts and masks of a strided slice."""
    source = node.inputs[0]
    label = "?" if source is None else source.label
    parts = [trace.setting.get((node.op, i)) for i in (1, 2, 3)]
    if any(part is None for part in parts):
        return f"{label}[…]"
    masks = {
        name: node.op.attrs.get(f"{name}_mask", 0)
        for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    rows = zip(*(np.asarray(part).reshape(-1).tolist() for part in parts), strict=True)
    texts = [_slice_part(i, row, masks) for i, row in enumerate(rows)]
    return f"{label}[{', '.join(texts)}]"


def _slice_part(place: int, row: tuple[int, int, int], masks: dict[str, int]) -> str:
    bit = 1 << place
    begin, end, stride = row
    if masks["ellipsis"] & bit:
        return "..."
    if masks["new_axis"] & bit:
        return "newaxis"
    if masks["shrink_axis"] & bit:
        return str(begin)
    first = "" if masks["begin"] & bit else str(begin)
    last = "" if masks["end"] & bit else str(end)
    return f"{first}:{last}" + (f":{stride}" if stride != 1 else "")
