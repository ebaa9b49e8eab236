"""Copies of parts of graphs, with changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from retrograd.contrib.graph_editor import select, subgraph, util
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import Structure

    #: a view, operations, or a graph
    Given = Any


class _Job:
    """What is known while a view is copied."""

    def __init__(
        self,
        sgv: subgraph.SubGraphView,
        dst_graph: Graph,
        dst_scope: str,
        src_scope: str,
    ) -> None:
        self.sgv = sgv
        self.sgv_inputs_set = frozenset(sgv.inputs)
        self.ops = frozenset(sgv.ops)
        self.graph, self.graph_ = sgv.graph, dst_graph
        self.scope, self.scope_ = src_scope, dst_scope
        self.transformed_ops: dict[Any, Any] = {}
        self.transformed_ts: dict[Any, Any] = {}
        graph: Any = sgv.graph
        self.collections = {
            key: graph.get_collection(key) for key in graph.get_all_collection_keys()
        }
        #: inputs that come from operations which are copied later
        self.cyclic: list[tuple[Any, int, Any]] = []

    def new_name(self, name: str) -> str:
        """The name of a copy.

        Raises:
          ValueError: the name is not in the scope that is copied.
        """
        if not name.startswith(self.scope):
            raise ValueError(f"{name} does not belong to source scope: {self.scope}.")
        return self.scope_ + name[len(self.scope) :]


class TransformerInfo:
    """Which operation or tensor is a copy of which.

    Args:
      info: what is known of the copying.
    """

    def __init__(self, info: _Job) -> None:
        self._graph, self._graph_ = info.graph, info.graph_
        self._transformed_ops = info.transformed_ops
        self._transformed_ts = info.transformed_ts

    def _transformed_elem(
        self, original_top: Any, missing_fn: Callable[[Any], Any] | None = None
    ) -> Any:
        found = self._of(original_top).get(original_top)
        if found is None and missing_fn is not None:
            return missing_fn(original_top)
        return found

    def _of(self, top: object) -> dict[Any, Any]:
        if isinstance(top, Operation):
            return self._transformed_ops
        if isinstance(top, Tensor):
            return self._transformed_ts
        raise TypeError(f"Expected a tf.Tensor or a tf.Operation, got a {type(top)}")

    def _original_elem(
        self, transformed_top: Any, missing_fn: Callable[[Any], Any] | None = None
    ) -> Any:
        for original, made in self._of(transformed_top).items():
            if made is transformed_top:
                return original
        return None if missing_fn is None else missing_fn(transformed_top)

    def transformed(
        self, original: Structure, missing_fn: Callable[[Any], Any] | None = None
    ) -> Any:
        """The copy of an operation or tensor, or of those in lists and dicts.

        Args:
          original: what was copied.
          missing_fn: gives what stands for what was not; by default None.
        """

        def copied(elem: Any) -> Any:
            if isinstance(elem, str) and hasattr(self._graph, "as_graph_element"):
                elem = self._graph.as_graph_element(elem)
            return self._transformed_elem(elem, missing_fn)

        return util.transform_tree(original, copied)

    def original(
        self, transformed: Structure, missing_fn: Callable[[Any], Any] | None = None
    ) -> Any:
        """What a copy was made of; see `transformed`."""

        def found(elem: Any) -> Any:
            if isinstance(elem, str):
                elem = self._graph_.as_graph_element(elem)
            return self._original_elem(elem, missing_fn)

        return util.transform_tree(transformed, found)


# ----------------------------------------------------------------------- handlers


def replace_t_with_placeholder_handler(info: _Job, t: Tensor) -> Any:
    """A placeholder in place of a tensor."""
    with info.graph_.as_default():
        return util.make_placeholder_from_tensor(t, scope=info.scope_)


def keep_t_if_possible_handler(info: _Job, t: Tensor) -> Any:
    """The tensor itself; in another graph a placeholder."""
    if info.graph is info.graph_:
        return t
    return replace_t_with_placeholder_handler(info, t)


def assign_renamed_collections_handler(info: _Job, elem: Any, elem_: Any) -> None:
    """Put a copy into the collections of what it was made of.

    Collections of the program's own are renamed like operations.
    """
    for name, members in info.collections.items():
        if any(elem is member for member in members):
            kept = info.scope or name in util.get_predefined_collection_names()
            info.graph_.add_to_collection(name if kept else info.new_name(name), elem_)


def transform_op_if_inside_handler(
    info: _Job, op: Operation, keep_if_possible: bool = True
) -> Any:
    """The copy of an operation; of one outside itself, or None in another graph."""
    if op in info.ops:
        return info.transformed_ops[op]
    return op if keep_if_possible and info.graph is info.graph_ else None


def copy_op_handler(
    info: _Job,
    op: Operation,
    new_inputs: list[Any],
    copy_shape: bool = False,
    nodedef_fn: Callable[[Any], Any] | None = None,
) -> tuple[Any, list[Any]]:
    """A copy of an operation, and its outputs.

    Args:
      info: what is known of the copying.
      op: the operation.
      new_inputs: the inputs of the copy.
      copy_shape: whether the outputs have the shapes of the operation's.
      nodedef_fn: makes the NodeDef of the copy of that of the operation.
    """
    node_def = type(op.node_def)()
    node_def.CopyFrom(op.node_def)
    name = info.graph_.unique_name(info.new_name(op.name))
    node_def.name = name
    del node_def.input[:]
    if nodedef_fn is not None:
        node_def = nodedef_fn(node_def)
    made = Operation(
        node_def,
        info.graph_,
        list(new_inputs),
        input_types=op._input_types,
        original_op=op._original_op,
    )
    if copy_shape:
        for t, t_ in zip(op.outputs, made.outputs, strict=True):
            t_.set_shape(t.get_shape())
    return made, made.outputs


class Transformer:
    """Copies views; handlers, which are attributes, say how.

    Attributes:
      transform_op_handler: copies an operation; as `copy_op_handler`.
      assign_collections_handler: puts copies into collections.
      transform_external_input_handler: gives the inputs of the view.
      transform_external_hidden_input_handler: gives tensors from outside that are no
        inputs of the view.
      transform_control_input_handler: gives what a copy is to run after.
      transform_original_op_handler: gives what a copy is said to derive from.
    """

    def __init__(self) -> None:
        self.transform_op_handler: Callable[..., Any] = copy_op_handler
        self.assign_collections_handler: Any = assign_renamed_collections_handler
        self.transform_external_input_handler: Callable[..., Any] = (
            replace_t_with_placeholder_handler
        )
        self.transform_external_hidden_input_handler: Callable[..., Any] = (
            keep_t_if_possible_handler
        )
        self.transform_control_input_handler: Callable[..., Any] = (
            transform_op_if_inside_handler
        )
        self.transform_original_op_handler: Callable[..., Any] = (
            transform_op_if_inside_handler
        )

    def __call__(
        self,
        sgv: Given,
        dst_graph: Graph,
        dst_scope: str,
        src_scope: str = "",
        reuse_dst_scope: bool = False,
    ) -> tuple[Any, Any]:
        """Copy a view.

        Args:
          sgv: the view.
          dst_graph: where to.
          dst_scope: the name scope of the copies.
          src_scope: the name scope that it takes the place of.
          reuse_dst_scope: whether the scope may be there already.

        Returns:
          A view of the copies, and a `TransformerInfo`.

        Raises:
          TypeError: it is no graph.
          ValueError: an operation is not in `src_scope`.
        """
        view = subgraph.view_of(sgv)
        if not isinstance(dst_graph, Graph):
            raise TypeError(f"Expected a tf.Graph, got: {type(dst_graph)}")
        scope = util.scope_finalize(dst_scope)
        if scope and not reuse_dst_scope:
            scope = util.scope_finalize(dst_graph.unique_name(scope[:-1]))
        info = _Job(view, dst_graph, scope, util.scope_finalize(src_scope))
        self._copy_ops(info)
        for op_, index, t in info.cyclic:
            op_._update_input(index, info.transformed_ts[t])
        self._connect_control_inputs(info)
        return self._transform_sgv(info, view), TransformerInfo(info)

    def _copy_ops(self, info: _Job) -> None:
        # an operation is younger than its inputs, but for those that were rewired
        for op in sorted(info.sgv.ops, key=lambda op: op._id):
            inputs = [self._transformed_t(info, t) for t in op.inputs]
            op_, outputs = self.transform_op_handler(info, op, inputs)
            if op is op_:
                raise ValueError("In-place tranformation not allowed.")
            info.transformed_ops[op] = op_
            if self.assign_collections_handler:
                self.assign_collections_handler(info, op, op_)
            for t, t_ in zip(op.outputs, outputs, strict=True):
                info.transformed_ts[t] = t_
                if self.assign_collections_handler:
                    self.assign_collections_handler(info, t, t_)
            for index, t in enumerate(op.inputs):
                if t.op in info.ops and inputs[index] is not info.transformed_ts.get(t):
                    info.cyclic.append((op_, index, t))

    def _transformed_t(self, info: _Job, t: Tensor) -> Any:
        """The input of a copy that stands for a tensor."""
        found = info.transformed_ts.get(t)
        if found is not None:
            return found
        if t.op in info.ops:
            # is copied later, and then takes the place of this
            return replace_t_with_placeholder_handler(info, t)
        if t in info.sgv_inputs_set:
            return self.transform_external_input_handler(info, t)
        return self.transform_external_hidden_input_handler(info, t)

    def _connect_control_inputs(self, info: _Job) -> None:
        for op, op_ in info.transformed_ops.items():
            before = [
                self.transform_control_input_handler(info, each)
                for each in op.control_inputs
            ]
            op_._add_control_inputs([each for each in before if each is not None])

    def _transform_sgv(self, info: _Job, sgv: subgraph.SubGraphView) -> Any:
        """The view of the copies, its inputs and outputs in the same order."""
        made = subgraph.SubGraphView([info.transformed_ops[op] for op in sgv.ops])
        inputs = []
        for t in sgv.inputs:
            takers = [op for op in t.consumers() if op in info.ops]
            if takers:
                index = list(takers[0].inputs).index(t)
                inputs.append(info.transformed_ops[takers[0]].inputs[index])
            else:
                inputs.append(self._transformed_t(info, t))
        made._input_ts = inputs
        outputs = [info.transformed_ts.get(t) for t in sgv.outputs]
        made._output_ts = [t_ for t_ in outputs if t_ in made._output_ts]
        return made


# ---------------------------------------------------------------------- functions


def copy(
    sgv: Given,
    dst_graph: Graph | None = None,
    dst_scope: str = "",
    src_scope: str = "",
    reuse_dst_scope: bool = False,
) -> tuple[Any, Any]:
    """A copy of a view, with placeholders as inputs.

    Args:
      sgv: the view.
      dst_graph: where to; by default its own graph.
      dst_scope, src_scope, reuse_dst_scope: as of `Transformer`.

    Returns:
      A view of the copy, and a `TransformerInfo`.
    """
    view = subgraph.view_of(sgv)
    graph = view.graph if dst_graph is None else dst_graph
    return Transformer()(view, graph, dst_scope, src_scope, reuse_dst_scope)


def copy_with_input_replacements(
    sgv: Given,
    replacement_ts: Mapping[Any, Any],
    dst_graph: Graph | None = None,
    dst_scope: str = "",
    src_scope: str = "",
    reuse_dst_scope: bool = False,
) -> tuple[Any, Any]:
    """A copy of a view, some of whose inputs are others.

    Args:
      sgv: the view.
      replacement_ts: the others, by what they take the place of.
      dst_graph, dst_scope, src_scope, reuse_dst_scope: as of `copy`.
    """
    view = subgraph.view_of(sgv)
    graph = view.graph if dst_graph is None else dst_graph

    def replace(info: _Job, t: Tensor) -> Any:
        found = replacement_ts.get(t)
        return keep_t_if_possible_handler(info, t) if found is None else found

    copier = Transformer()
    copier.transform_external_input_handler = replace
    return copier(view, graph, dst_scope, src_scope, reuse_dst_scope)


def graph_replace(
    target_ts: Structure,
    replacement_ts: Mapping[Any, Any],
    dst_scope: str = "",
    src_scope: str = "",
    reuse_dst_scope: bool = False,
) -> Any:
    """Tensors as they would be if others, which they depend on, were replaced.

    What lies between is copied.

    Args:
      target_ts: the tensors, in lists and dicts.
      replacement_ts: what takes the place of the others, by these.
      dst_scope, src_scope, reuse_dst_scope: as of `copy`.

    Raises:
      ValueError: the tensors do not depend on the others.
    """
    targets = util.flatten_tree(target_ts)
    graph = util.get_unique_graph(targets, check_types=Tensor)
    ops = select.get_walks_intersection_ops(
        list(replacement_ts), targets, control_ios=util.ControlOutputs(graph)
    )
    if not ops:
        raise ValueError("Targets and replacements are not connected!")
    _, info = copy_with_input_replacements(
        ops, replacement_ts, None, dst_scope, src_scope, reuse_dst_scope
    )
    return info.transformed(target_ts, lambda original: original)
