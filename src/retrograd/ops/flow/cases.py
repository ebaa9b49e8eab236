"""Several branches: `tf.case`, `tf.switch_case`, and branches known before a run."""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retrograd import dtypes
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.ops.flow import bodies
from retrograd.ops.flow.branches import (
    call_case,
    check_same_outputs,
    cond,
    traced,
    verify_captures,
)
from retrograd.ops.static import constant as static_value

Function = Callable[[], Any]

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.typing import TensorLike

    #: predicates, each with the function to call where it holds
    Pairs: TypeAlias = (
        Sequence[tuple[Tensor | bool, Function]] | dict[Tensor | bool, Function]
    )
    #: functions by their index
    Branches: TypeAlias = (
        Sequence[Function] | Sequence[tuple[int, Function]] | dict[int, Function]
    )


def _at_most(predicates: Sequence[Tensor], count: int, text: str) -> Operation:
    """An operation that fails where more than `count` predicates hold."""
    from retrograd.ops.host.printing import Assert

    stacked = F.Pack(list(predicates), name="preds_c")
    numbers = F.Cast(stacked, DstT=dtypes.int32)
    axis = constant([0], dtypes.int32, name="Const")
    total = F.Sum(numbers, axis, name="num_true_conds")
    few = F.LessEqual(total, constant(count, dtypes.int32, name="n_true_conds"))
    names = ", ".join(getattr(p, "name", "?") for p in predicates)
    data = [f"{text}: more than {count} conditions ({names}) evaluated as True:"]
    return Assert(few, [*data, stacked], summarize=len(predicates))


def _default_action(
    predicates: Sequence[Any], actions: Sequence[Function]
) -> tuple[Function, Sequence[Any], Sequence[Function]]:
    """The last action as what is left over, checked to be the right one."""
    from retrograd.ops.host.printing import Assert

    last = len(predicates) - 1
    others = predicates[:last]

    def action() -> Any:
        none = (
            "Implementation error: selected default action "
            f"#{last} was called, but some of other predicates are True: "
        )
        text = "Input error: None of conditions evaluated as True:"
        checks = [
            _at_most(others, 0, none) if others else None,
            Assert(predicates[last], [text, F.Pack(list(predicates), name="preds_c")]),
        ]
        waits = [c for c in checks if c is not None]
        if not waits:  # eager mode: they have been checked
            return actions[last]()
        with context.get_default_graph().control_dependencies(waits):
            return actions[last]()

    return action, others, actions[:last]


def _checked_pairs(pairs: Pairs, exclusive: bool, name: str, python_ok: bool) -> Any:
    """Predicates and functions of a `case`.

    Raises:
      TypeError: they are not pairs of a bool tensor and a function.
    """
    if not isinstance(pairs, list | tuple | dict):
        raise TypeError("fns must be a list, tuple, or dict")
    if isinstance(pairs, collections.OrderedDict):
        pairs = list(pairs.items())
    elif isinstance(pairs, dict):
        pairs = _from_dict(pairs, exclusive, name)
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError("Each entry in pred_fn_pairs must be a 2-tuple")
        pred, function = pair
        if isinstance(pred, Tensor):
            if pred.dtype != dtypes.bool:
                raise TypeError(f"pred must be Tensor of type bool: {pred.name}")
        elif not python_ok:
            raise TypeError(f"pred must be a Tensor, got: {pred}")
        elif not isinstance(pred, bool):
            raise TypeError(f"pred must be a Tensor or bool, got: {pred}")
        if not callable(function):
            shown = getattr(pred, "name", pred)
            raise TypeError(f"fn for pred {shown} must be callable.")
    return zip(*pairs, strict=True)


def _from_dict(pairs: dict[Any, Any], exclusive: bool, name: str) -> list[Any]:
    from retrograd.platform import logs

    if context.executing_eagerly():
        if not exclusive:
            raise ValueError(
                "Unordered dictionaries are not supported for the `pred_fn_pairs` "
                "argument when `exclusive=False` and eager mode is enabled."
            )
        return list(pairs.items())
    if not exclusive:
        logs.warn(
            "%s: An unordered dictionary of predicate/fn pairs was provided, but "
            "exclusive=False. The order of conditional tests is deterministic but not "
            "guaranteed.",
            name,
        )
    return sorted(pairs.items(), key=lambda item: item[0].name)


def case_helper(
    cond_fn: Callable[..., Any],
    pred_fn_pairs: Pairs,
    default: Function | None,
    exclusive: bool,
    name: str,
    allow_python_preds: bool = False,
    **cond_kwargs: Any,
) -> Tensor:
    """`case` in terms of a function like `cond`."""
    predicates, actions = _checked_pairs(
        pred_fn_pairs, exclusive, name, allow_python_preds
    )
    with dispatch.name_scope(name, "case"):
        if default is None:
            default, predicates, actions = _default_action(predicates, actions)
        function = default
        for pred, action in reversed(list(zip(predicates, actions, strict=True))):
            function = functools.partial(
                cond_fn, pred, true_fn=action, false_fn=function, **cond_kwargs
            )
        if not exclusive or not predicates:
            return function()
        check = _at_most(predicates, 1, "Input error: exclusive=True")
        if check is None:  # eager mode: it has been checked
            return function()
        with context.get_default_graph().control_dependencies([check]):
            return function()


def case(
    pred_fn_pairs: Pairs,
    default: Function | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Tensor:
    """The result of the first function whose predicate holds, else of `default`.

    Args:
      pred_fn_pairs: pairs (or a dict) of a scalar bool tensor and a function.
      default: called where no predicate holds; without it that is an error.
      exclusive: whether more than one predicate that holds is an error.
      strict: see `cond`.
      name: the name scope.

    Raises:
      TypeError: what is given are not such pairs.
    """
    return case_helper(cond, pred_fn_pairs, default, exclusive, name, strict=strict)


def case_v2(
    pred_fn_pairs: Pairs,
    default: Function | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """`case` of TensorFlow 2: a list stays one, and predicates may be Python bools."""
    del strict
    return case_helper(cond, pred_fn_pairs, default, exclusive, name, True, strict=True)


def _branch_functions(
    functions: Branches, default: Function | None, index: TensorLike
) -> list[Function]:
    if not isinstance(index, Tensor):
        raise TypeError(f"branch_index must a Tensor, got {type(index)}")
    if not index.dtype.is_integer:
        raise TypeError(f"branch_index must an integer Tensor, got {index.dtype}")
    if not functions:
        raise ValueError("Must provide at least one item in branch_fns")
    if not isinstance(functions, list | tuple | dict):
        raise TypeError("branch_fns must be a list, tuple, or dict")
    given = functions.items() if isinstance(functions, dict) else functions
    pairs: list[Any] = list(given)
    if all(callable(f) for f in pairs):
        pairs = list(enumerate(pairs))
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError("Each entry in branch_fns must be a 2-tuple")
        if not isinstance(pair[0], int):
            raise TypeError(f"key must be a Python `int`, got {type(pair[0])}")
        if not callable(pair[1]):
            raise TypeError(f"fn for key {pair[0]} must be callable.")
    keys = [key for key, _ in pairs]
    if sorted(keys) != list(range(len(keys))):
        found = ",".join(map(str, sorted(keys)))
        raise ValueError(
            "branch indices (keys) must form contiguous range of "
            f"[0 to {len(keys)}) but found {{{found}}}"
        )
    actions = [function for _, function in sorted(pairs, key=lambda p: p[0])]
    return actions if default is None else [*actions, default]


def switch_case(
    branch_index: TensorLike,
    branch_fns: Branches,
    default: Function | None = None,
    name: str = "switch_case",
) -> Tensor:
    """The result of the function with a given index.

    Args:
      branch_index: a scalar int32 tensor.
      branch_fns: functions, pairs of an index and a function, or a dict.
      default: called for any other index; without it the last function is.
      name: the name scope.

    Raises:
      TypeError: what is given are no such functions.
      ValueError: the indices do not count up from 0.
    """
    actions = _branch_functions(branch_fns, default, branch_index)
    with dispatch.name_scope(name, "case", [branch_index]):
        if context.executing_eagerly():
            given: Any = branch_index
            index = int(given)
            return actions[index if 0 <= index < len(actions) else -1]()
        return indexed_case(branch_index, actions)


def indexed_case(
    branch_index: TensorLike, branch_fns: Sequence[Function], name: str = "indexed_case"
) -> Tensor:
    """One of several functions, as one Case op."""
    if isinstance(branch_index, int):
        raise TypeError("branch_index must not be a Python int", branch_index)
    with dispatch.name_scope(name) as scope:
        index = convert_to_tensor(branch_index, name="branch_index")
        labelled = [(f"branch{i}", f) for i, f in enumerate(branch_fns)]
        graphs = traced(labelled, index, scope)
        names = [f"branches[{i}]" for i in range(len(graphs))]
        verify_captures(graphs, [f"branch {i}" for i in range(len(graphs))])
        check_same_outputs(graphs, "tf.switch_case", names)
        inputs = bodies.match_inputs(graphs, [g.external_captures for g in graphs])
        op = call_case(index, graphs, inputs, scope)
        return bodies.packed_like(graphs[0].structured_outputs, bodies.results_of(op))


def smart_constant_value(pred: TensorLike) -> Any:
    """The value of a predicate, None where it is not known before a run.

    Raises:
      TypeError: `pred` is no tensor, bool, 0 or 1.
    """
    if pred in (0, 1) and not isinstance(pred, Tensor):
        return bool(pred)
    if isinstance(pred, bool):
        return pred
    if isinstance(pred, Tensor):
        value = static_value(pred)
        return value if value is None else np.asarray(value)[()]
    raise TypeError(
        "`pred` must be a Tensor, or a Python bool, or 1 or 0. Found instead: "
        f"{type(pred)}"
    )


def smart_cond(
    pred: TensorLike,
    true_fn: Callable[..., Any] | None = None,
    false_fn: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor | None:
    """One of two functions, chosen now where the predicate is known.

    Raises:
      TypeError: a function cannot be called.
    """
    if not callable(true_fn):
        raise TypeError("`true_fn` must be callable.")
    if not callable(false_fn):
        raise TypeError("`false_fn` must be callable.")
    known = smart_constant_value(pred)
    if known is not None:
        return true_fn() if known else false_fn()
    return cond(pred, true_fn=true_fn, false_fn=false_fn, name=name)


def smart_case(
    pred_fn_pairs: Pairs,
    default: Function | None = None,
    exclusive: bool = False,
    name: str = "smart_case",
) -> Any:
    """`case` that looks at no predicate which is known now."""
    return case_helper(
        smart_cond,
        pred_fn_pairs,
        default,
        exclusive=exclusive,
        name=name,
        allow_python_preds=True,
    )
