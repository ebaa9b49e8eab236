"""Operations and tensors, by their names and by how they are connected."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from retrograd.contrib.graph_editor import util
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    #: a regular expression, or its text
    Regex = str | re.Pattern[str]
    #: operations, tensors, or a graph
    Given = Any

_TENSORS = re.compile(r"^\(\?#ts\)")


def can_be_regex(obj: object) -> bool:
    """Whether something is a regular expression, or the text of one."""
    return isinstance(obj, str | re.Pattern)


def make_regex(obj: Regex) -> Any:
    """A regular expression, of its text.

    Raises:
      ValueError: it is something else.
    """
    if not can_be_regex(obj):
        raise ValueError(f"Expected a string or a regex, got: {type(obj)}")
    return re.compile(obj) if isinstance(obj, str) else obj


def filter_ts(ops: Given, positive_filter: Callable[[Any], object] | bool) -> list[Any]:
    """The inputs and outputs of operations for which a function holds.

    Args:
      ops: the operations.
      positive_filter: of a tensor whether it is wanted; True for all.
    """
    chosen: Any = positive_filter if callable(positive_filter) else lambda t: True
    found: list[Any] = []
    for op in util.make_list_of_op(ops):
        both = [*op.inputs, *op.outputs]
        util.concatenate_unique(found, [t for t in both if chosen(t)])
    return found


def filter_ts_from_regex(ops: Given, regex: Regex) -> list[Any]:
    """The inputs and outputs of operations that have such a name."""
    pattern = make_regex(regex)
    return filter_ts(ops, lambda t: pattern.search(t.name))


def filter_ops(
    ops: Given, positive_filter: Callable[[Any], object] | bool
) -> list[Any]:
    """The operations for which a function holds; True for all."""
    listed = util.make_list_of_op(ops)
    if not callable(positive_filter):
        return listed
    return [op for op in listed if positive_filter(op)]


def filter_ops_from_regex(ops: Given, regex: Regex) -> list[Any]:
    """The operations that have such a name."""
    pattern = make_regex(regex)
    return filter_ops(ops, lambda op: pattern.search(op.name))


def get_name_scope_ops(ops: Given, scope: str) -> list[Any]:
    """The operations of a name scope."""
    if scope and scope[-1] == "/":
        scope = scope[:-1]
    return filter_ops_from_regex(ops, f"^{re.escape(scope)}(/.*)?$")


def check_cios(
    control_inputs: bool = False,
    control_outputs: util.ControlOutputs | None = None,
    control_ios: util.ControlOutputs | None = None,
) -> tuple[bool, Any]:
    """Whether control inputs count, and what says which operations run after which.

    Args:
      control_inputs: whether they count.
      control_outputs: a `ControlOutputs`.
      control_ios: the same, and control inputs count.

    Raises:
      TypeError: something else is given.
      ValueError: `control_ios` with one of the others.
    """
    if control_ios is not None:
        if not isinstance(control_ios, util.ControlOutputs):
            raise TypeError(f"Expected a util.ControlOutputs, got: {type(control_ios)}")
        if control_outputs is not None:
            raise ValueError("control_outputs should be None when using control_ios.")
        if control_inputs:
            raise ValueError("control_inputs should be False when using control_ios.")
        return True, control_ios
    if control_outputs is not None and not isinstance(
        control_outputs, util.ControlOutputs
    ):
        raise TypeError(f"Expected a util.ControlOutputs, got: {type(control_outputs)}")
    return control_inputs, control_outputs


def get_ops_ios(
    ops: Given,
    control_inputs: bool = False,
    control_outputs: util.ControlOutputs | None = None,
    control_ios: util.ControlOutputs | None = None,
) -> list[Any]:
    """The operations that are connected with others.

    Args:
      ops: the others.
      control_inputs, control_outputs, control_ios: see `check_cios`.
    """
    control_inputs, control_outputs = check_cios(
        control_inputs, control_outputs, control_ios
    )
    found: list[Any] = []
    for op in util.make_list_of_op(ops):
        util.concatenate_unique(found, [t.op for t in op.inputs])
        for t in op.outputs:
            util.concatenate_unique(found, t.consumers())
        if control_outputs is not None:
            util.concatenate_unique(found, control_outputs.get(op))
        if control_inputs:
            util.concatenate_unique(found, op.control_inputs)
    return found


def compute_boundary_ts(ops: Given) -> tuple[list[Any], list[Any], list[Any]]:
    """Tensors at the boundary of operations.

    Args:
      ops: the operations.

    Returns:
      What comes from outside; what is made inside and used outside, or not at all; and
      what is made and used inside.
    """
    listed = util.make_list_of_op(ops)
    within = set(listed)
    inputs: list[Any] = []
    outputs: list[Any] = []
    inside: list[Any] = []
    for op in listed:
        util.concatenate_unique(inputs, [t for t in op.inputs if t.op not in within])
        for t in op.outputs:
            users = t.consumers()
            if not users or any(user not in within for user in users):
                outputs.append(t)
            if any(user in within for user in users):
                inside.append(t)
    return inputs, outputs, inside


# ------------------------------------------------------------------------- walks


def _seeds(seed_ops: Given, operations_of: Callable[[Any], list[Any]]) -> list[Any]:
    given = list(seed_ops) if util.is_iterable(seed_ops) else [seed_ops]
    if not given:
        return []
    if isinstance(given[0], Tensor):
        return operations_of(util.make_list_of_t(given, allow_graph=False))
    return util.make_list_of_op(given, allow_graph=False)


def _walk(
    seeds: list[Any],
    inclusive: bool,
    within_ops: Given,
    within_ops_fn: Callable[[Any], bool] | None,
    following: Callable[[Any], Iterable[Any]],
) -> list[Any]:
    """Operations in waves from seeds; `following` gives those next to one."""
    within = None
    if within_ops is not None:
        within = frozenset(util.make_list_of_op(within_ops, allow_graph=False))

    def is_within(op: Operation) -> bool:
        return (within is None or op in within) and (
            within_ops_fn is None or within_ops_fn(op)
        )

    found = dict.fromkeys(seeds)
    wave = list(seeds)
    while wave:
        after = {
            op: None
            for each in wave
            for op in following(each)
            if op not in found and is_within(op)
        }
        found.update(after)
        wave = list(after)
    if not inclusive:
        for op in seeds:
            found.pop(op, None)
    return list(found)


def get_backward_walk_ops(
    seed_ops: Given,
    inclusive: bool = True,
    within_ops: Given = None,
    within_ops_fn: Callable[[Any], bool] | None = None,
    stop_at_ts: Given = (),
    control_inputs: bool = False,
) -> list[Any]:
    """The operations that others depend on.

    Args:
      seed_ops: the others, or tensors that they make.
      inclusive: whether the others count.
      within_ops: which may be visited; None for all.
      within_ops_fn: of an operation whether it may.
      stop_at_ts: tensors beyond which nothing is visited.
      control_inputs: whether these are followed.

    Raises:
      TypeError: an argument is of another kind.
    """
    stops = frozenset(util.make_list_of_t(stop_at_ts))
    seeds = _seeds(seed_ops, util.get_generating_ops)

    def following(op: Operation) -> Iterable[Any]:
        yield from (t.op for t in op.inputs if t not in stops)
        if control_inputs:
            yield from op.control_inputs

    return _walk(seeds, inclusive, within_ops, within_ops_fn, following)


def get_forward_walk_ops(
    seed_ops: Given,
    inclusive: bool = True,
    within_ops: Given = None,
    within_ops_fn: Callable[[Any], bool] | None = None,
    stop_at_ts: Given = (),
    control_outputs: util.ControlOutputs | None = None,
) -> list[Any]:
    """The operations that depend on others.

    Args:
      seed_ops: the others, or tensors that they take.
      control_outputs: a `ControlOutputs`, if these are followed.
      inclusive, within_ops, within_ops_fn, stop_at_ts: as of `get_backward_walk_ops`.
    """
    _, control_outputs = check_cios(False, control_outputs)
    stops = frozenset(util.make_list_of_t(stop_at_ts))
    seeds = _seeds(seed_ops, util.get_consuming_ops)

    def following(op: Operation) -> Iterable[Any]:
        for t in op.outputs:
            if t not in stops:
                yield from t.consumers()
        if control_outputs is not None:
            yield from control_outputs.get(op)

    return _walk(seeds, inclusive, within_ops, within_ops_fn, following)


def _both_walks(
    forward_seed_ops: Given,
    backward_seed_ops: Given,
    forward_inclusive: bool,
    backward_inclusive: bool,
    within_ops: Given,
    within_ops_fn: Callable[[Any], bool] | None,
    control_inputs: bool,
    control_outputs: util.ControlOutputs | None,
    control_ios: util.ControlOutputs | None,
) -> tuple[list[Any], list[Any]]:
    control_inputs, control_outputs = check_cios(
        control_inputs, control_outputs, control_ios
    )
    forward = get_forward_walk_ops(
        forward_seed_ops,
        inclusive=forward_inclusive,
        within_ops=within_ops,
        within_ops_fn=within_ops_fn,
        control_outputs=control_outputs,
    )
    backward = get_backward_walk_ops(
        backward_seed_ops,
        inclusive=backward_inclusive,
        within_ops=within_ops,
        within_ops_fn=within_ops_fn,
        control_inputs=control_inputs,
    )
    return forward, backward


def get_walks_intersection_ops(
    forward_seed_ops: Given,
    backward_seed_ops: Given,
    forward_inclusive: bool = True,
    backward_inclusive: bool = True,
    within_ops: Given = None,
    within_ops_fn: Callable[[Any], bool] | None = None,
    control_inputs: bool = False,
    control_outputs: util.ControlOutputs | None = None,
    control_ios: util.ControlOutputs | None = None,
) -> list[Any]:
    """The operations between others.

    Args:
      forward_seed_ops, backward_seed_ops: the others.
      forward_inclusive, backward_inclusive: whether these count.
      within_ops, within_ops_fn: as of `get_backward_walk_ops`.
      control_inputs, control_outputs, control_ios: see `check_cios`.
    """
    forward, backward = _both_walks(
        forward_seed_ops,
        backward_seed_ops,
        forward_inclusive,
        backward_inclusive,
        within_ops,
        within_ops_fn,
        control_inputs,
        control_outputs,
        control_ios,
    )
    also = set(backward)
    return [op for op in forward if op in also]


def get_walks_union_ops(
    forward_seed_ops: Given,
    backward_seed_ops: Given,
    forward_inclusive: bool = True,
    backward_inclusive: bool = True,
    within_ops: Given = None,
    within_ops_fn: Callable[[Any], bool] | None = None,
    control_inputs: bool = False,
    control_outputs: util.ControlOutputs | None = None,
    control_ios: util.ControlOutputs | None = None,
) -> list[Any]:
    """What depends on some, and what others depend on; the arguments are as of
    `get_walks_intersection_ops`."""
    forward, backward = _both_walks(
        forward_seed_ops,
        backward_seed_ops,
        forward_inclusive,
        backward_inclusive,
        within_ops,
        within_ops_fn,
        control_inputs,
        control_outputs,
        control_ios,
    )
    return util.concatenate_unique(forward, backward)


def get_within_boundary_ops(
    ops: Given,
    seed_ops: Given,
    boundary_ops: Given = (),
    inclusive: bool = True,
    control_inputs: bool = False,
    control_outputs: util.ControlOutputs | None = None,
    control_ios: util.ControlOutputs | None = None,
) -> list[Any]:
    """The operations that are connected with others, up to a boundary.

    Args:
      ops: which may be visited.
      seed_ops: the others.
      boundary_ops: the boundary.
      inclusive: whether that counts.
      control_inputs, control_outputs, control_ios: see `check_cios`.

    Raises:
      ValueError: seeds are part of the boundary.
    """
    control_inputs, control_outputs = check_cios(
        control_inputs, control_outputs, control_ios
    )
    within = util.make_list_of_op(ops)
    boundary = set(util.make_list_of_op(boundary_ops))
    seeds = util.make_list_of_op(seed_ops)
    if boundary & set(seeds):
        raise ValueError(
            f"Boundary is intersecting with the seeds. {boundary & set(seeds)}"
        )

    def following(op: Operation) -> Iterable[Any]:
        if op in boundary:
            return ()
        return get_ops_ios(op, control_inputs, control_outputs)

    found = _walk(seeds, True, within, None, following)
    return found if inclusive else [op for op in found if op not in boundary]


# --------------------------------------------------------------------- by anything


def _selected(
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    kind: type[Any],
    by_regex: Callable[[Any, Any], list[Any]],
    ignored: type[Any] | None,
) -> list[Any]:
    unknown = kwargs.keys() - {
        "graph",
        "positive_filter",
        "restrict_ops_regex",
        "restrict_ts_regex",
    }
    if unknown:
        raise ValueError(f"Invalid keywords argument: {unknown.pop()}.")
    graph = kwargs.get("graph")
    if graph is not None and not isinstance(graph, Graph):
        raise TypeError(f"Expected a tf.Graph, got: {type(graph)}")
    found: list[Any] = []
    for arg in args:
        if can_be_regex(arg):
            if graph is None:
                raise ValueError("Use the keyword argument 'graph' to use regex.")
            util.concatenate_unique(found, by_regex(graph, arg))
            continue
        many = arg if util.is_iterable(arg) else [arg]
        for each in many:
            if isinstance(each, kind):
                util.concatenate_unique(found, [each])
            elif isinstance(each, list | tuple):
                inner = _selected(tuple(each), kwargs, kind, by_regex, ignored)
                util.concatenate_unique(found, inner)
            elif ignored is None or not isinstance(each, ignored):
                raise TypeError(
                    f"Expected a regex, an operation or a tensor, got: {type(each)}"
                )
    chosen = kwargs.get("positive_filter")
    return found if chosen is None else [x for x in found if chosen(x)]


def select_ops(*args: object, **kwargs: Any) -> list[Any]:
    """Operations, by themselves or by their names.

    Args:
      *args: operations, lists of them, or regular expressions of names.
      **kwargs: `graph`, whose names are meant; `positive_filter`, of an operation
        whether it is wanted.

    Raises:
      TypeError: something else is given.
      ValueError: an expression without a graph.
    """

    def by_regex(graph: Graph, regex: Regex) -> list[Any]:
        pattern = make_regex(regex)
        if _TENSORS.match(pattern.pattern):
            return []
        return filter_ops_from_regex(graph, pattern)

    return _selected(args, kwargs, Operation, by_regex, Tensor)


def select_ts(*args: object, **kwargs: Any) -> list[Any]:
    """Tensors, by themselves or by their names.

    Args:
      *args: tensors, lists of them, or regular expressions of names, which begin with
        `(?#ts)`.
      **kwargs: as of `select_ops`.
    """

    def by_regex(graph: Graph, regex: Regex) -> list[Any]:
        pattern = make_regex(regex)
        if not _TENSORS.match(pattern.pattern):
            return []
        return filter_ts_from_regex(graph, pattern)

    return _selected(args, kwargs, Tensor, by_regex, Operation)


def select_ops_and_ts(*args: object, **kwargs: Any) -> tuple[list[Any], list[Any]]:
    """Operations and tensors; see `select_ops` and `select_ts`."""
    return select_ops(*args, **kwargs), select_ts(*args, **kwargs)
