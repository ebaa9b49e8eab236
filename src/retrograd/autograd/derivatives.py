"""`backward` and `grad`: one sweep of the engine's over what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.autograd import modes, types
from retrograd.autograd.graph import (
    Node,
    Recorder,
    identity,
    leaves_of,
    no_graph,
    nodes_behind,
    producers,
    same_value,
)
from retrograd.autograd.tensors import Tensor
from retrograd.errors import message
from retrograd.grad.sweep import sweep
from retrograd.grad.terms import dense
from retrograd.graph.tensor import Tensor as EngineTensor
from retrograd.ops.declare import asks_for_shapes
from retrograd.run.eager import EagerTensor

if TYPE_CHECKING:
    from retrograd.typing import Gradient

Tensors = Tensor | Sequence[Tensor]


def backward(
    tensors: Tensors,
    grad_tensors: Tensors | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Add the derivatives of `tensors` to the `grad` of the leaves they depend on.

    Args:
      tensors: what is differentiated; the derivatives of their sum are meant.
      grad_tensors: ∂L/∂tensor for each, in its shape; None where it has one element.
      retain_graph: whether this may be done again; by default if `create_graph`.
      create_graph: whether the derivatives can be differentiated in turn.
      inputs: the tensors to accumulate into, in place of all leaves.

    Raises:
      RuntimeError: there is no graph, or it was freed, a seed is missing or of another
        shape, or a value that is needed was changed in place.
    """
    roots = _listed(tensors)
    seeds = _seeds(roots, grad_tensors)
    targets = None if inputs is None else _listed(inputs)
    if targets is not None and not targets:
        raise RuntimeError("'inputs' argument to backward() cannot be empty.")
    run = _Run(roots, targets, create_graph)
    found = run.sweep(seeds)
    run.finish(create_graph if retain_graph is None else retain_graph)
    for target, value in zip(run.targets, found, strict=True):
        if value is not None:
            _accumulate(target, run.result(value), create_graph)


def _backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Add the derivatives of this tensor to the `grad` of the leaves it depends on.

    Args:
      gradient: ∂L/∂self, in its shape; may be left out for a single element.
      retain_graph, create_graph, inputs: see `backward`.

    Raises:
      RuntimeError: there is no graph, or it was freed, `gradient` is missing or of
        another shape, or a value that is needed was changed in place.
    """
    backward(self, gradient, retain_graph, create_graph, inputs)


Tensor.backward = _backward


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Tensors | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The derivatives of the sum of `outputs` with respect to each of `inputs`.

    No `grad` is touched.

    Args:
      outputs: what is differentiated.
      inputs: with respect to what: leaves or results that require grad.
      grad_outputs: ∂L/∂output for each, in its shape.
      retain_graph, create_graph: as for `backward`.
      only_inputs: has to be True.
      allow_unused: whether None is given for an input without influence.
      is_grads_batched: has to be False.
      materialize_grads: whether zeros are given for such an input.

    Returns:
      A tensor for each input, in its shape.

    Raises:
      RuntimeError: as `backward`; or an input has no influence or requires no grad.
    """
    if not only_inputs or is_grads_batched:
        raise NotImplementedError("only_inputs=False and is_grads_batched=True")
    if allow_unused is False and materialize_grads:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True"
        )
    roots, targets = _listed(outputs), _listed(inputs)
    seeds = _seeds(roots, grad_outputs)
    if not all(t.requires_grad for t in targets):
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    run = _Run(roots, targets, create_graph)
    found = run.sweep(seeds)
    run.finish(create_graph if retain_graph is None else retain_graph)
    results: list[Any] = []
    for index, (target, value) in enumerate(zip(targets, found, strict=True)):
        if value is not None:
            results.append(run.result(value))
        elif materialize_grads:
            zeros = np.zeros(target.shape, target.dtype.as_numpy_dtype)
            results.append(Tensor._of(EagerTensor(zeros, target.dtype)))
        elif allow_unused:
            results.append(None)
        else:
            raise RuntimeError(
                f"The differentiated Tensor at index {index} appears to not have been "
                "used in the graph. Set allow_unused=True if this is the desired "
                "behavior."
            )
    return tuple(results)


def _listed(tensors: Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _seeds(roots: list[Tensor], given: Any) -> list[tuple[EagerTensor, Any]]:
    """∂L/∂root for each root: a tensor of the engine, and what made it.

    Raises:
      RuntimeError: one is missing, or has another shape, or a root has no graph.
    """
    seeds = [None] * len(roots) if given is None else _listed(given)
    if len(seeds) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(seeds)} gradients")
    for index, root in enumerate(roots):
        if not root.requires_grad:
            raise RuntimeError(no_graph(index))
    return [
        _ones(root) if seed is None else _checked(root, seed, index)
        for index, (root, seed) in enumerate(zip(roots, seeds, strict=True))
    ]


def _ones(root: Tensor) -> tuple[EagerTensor, Any]:
    if root.numel() != 1:
        raise RuntimeError(
            message(
                "grad can be implicitly created only for scalar outputs",
                got=f"a tensor of shape {list(root.shape)}",
                fix=".sum() or .mean() makes it a scalar; gradient=torch.ones_like(y) "
                "seeds each element",
            )
        )
    ones = np.ones(root.shape, root.dtype.as_numpy_dtype)
    return EagerTensor(ones, root.dtype), None


def _checked(root: Tensor, seed: Tensor, index: int) -> tuple[EagerTensor, Any]:
    if seed.shape != root.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{index}] has a shape of {seed.shape} and "
            f"output[{index}] has a shape of {root.shape}."
        )
    if seed.dtype is not root.dtype:
        with modes.running():
            return types.cast(seed._engine, root.dtype), None
    return seed._engine, seed._source


class _BackwardRecorder(Recorder):
    """Sees which values a rule reads, and keeps what it does where that is wanted."""

    def __init__(self, nodes: list[Node]) -> None:
        super().__init__()
        self._node_of = {n.record: n for n in nodes if n.record is not None}
        self._node: Node | None = None
        self._values: frozenset[EngineTensor] = frozenset()

    def __call__(self, op: Any) -> _BackwardRecorder:
        """The block in which the rule of an operation runs."""
        self._node = self._node_of[op]
        self._values = frozenset((*op._inputs, *op._outputs))
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *unused: object) -> None:
        self._node, self._values = None, frozenset()

    def record(self, op: Any) -> None:
        """Note a step of a rule."""
        if modes.is_grad_enabled():
            super().record(op)
        if self._node is None or asks_for_shapes(op.type):
            return
        for tensor in op._inputs:
            if tensor in self._values:
                self._node.saves = True
                check_version(tensor, self._node)


def check_version(tensor: EngineTensor, node: Node | None) -> None:
    """Refuse a value whose tensor has been changed in place since.

    Args:
      tensor: a value that the rule of a node reads.
      node: the node.

    Raises:
      RuntimeError: it was changed.
    """
    counter, version = getattr(tensor, "_at_version", (None, 0))
    if counter is None or counter.value == version:
        return
    kind = types.title(tensor.dtype)
    title = "" if node is None else _title_of(tensor, node, counter.title)
    where = f", which is output 0 of {title}," if title else ""
    raise RuntimeError(
        message(
            "one of the variables needed for gradient computation has been modified by "
            f"an inplace operation: [torch.{kind}Tensor {list(tensor.shape.as_list())}]"
            f"{where} is at version {counter.value}; expected version {version} "
            "instead.",
            fix="clone() the tensor before it is changed, or compute a new one",
        )
    )


def _title_of(tensor: EngineTensor, node: Node, now: str) -> str:
    """What made a value that a node reads, as of its last change."""
    record = node.kept()
    if any(t is tensor for t in record._outputs):
        return node.title
    where = next(i for i, t in enumerate(record._inputs) if t is tensor)
    source = node.sources[where]
    return now or (source.title if isinstance(source, Node) else "")


class _Run:
    """One sweep: from roots to targets.

    Attributes:
      targets: the tensors whose derivatives are wanted; by default all leaves, and
        those results that asked to retain theirs.
    """

    def __init__(
        self, roots: list[Tensor], targets: list[Tensor] | None, create_graph: bool
    ) -> None:
        self._roots = roots
        self._ys = [root._engine for root in roots]
        self._create = create_graph
        self._nodes = nodes_behind(root._source for root in roots)
        self._uses = self._leaf_uses()
        self.targets = self._all_targets() if targets is None else targets
        self._wanted = {
            t: self._uses.get(t, []) if t._node is None else [t._engine]
            for t in self.targets
        }
        self._needed = self._between()
        self._recorder = _BackwardRecorder(self._needed)
        if create_graph:
            self._recorder.sources = self._sources()

    def _leaf_uses(self) -> dict[Tensor, list[EngineTensor]]:
        """Under which tensors of the engine each leaf was used: it may have changed."""
        uses: dict[Tensor, dict[EngineTensor, None]] = {}
        for node in self._nodes:
            inputs = () if node.record is None else node.record._inputs
            for source, tensor in zip(node.sources, inputs, strict=False):
                if isinstance(source, Tensor):
                    uses.setdefault(source, {})[tensor] = None
        for root, y in zip(self._roots, self._ys, strict=True):
            if root._node is None:
                uses.setdefault(root, {})[y] = None
        return {leaf: list(found) for leaf, found in uses.items()}

    def _all_targets(self) -> list[Tensor]:
        leaves = dict.fromkeys(leaves_of(self._nodes))
        leaves.update((r, None) for r in self._roots if r._node is None)
        retained = [
            t
            for n in self._nodes
            for r in n.retained.values()
            if (t := r()) is not None
        ]
        return [*leaves, *retained]

    def _between(self) -> list[Node]:
        """The nodes between targets and roots.

        Raises:
          RuntimeError: one of them was freed.
        """
        sources: set[Any] = {t for t in self.targets if t._node is None}
        sources.update(t._node for t in self.targets if t._node is not None)
        carrying: set[Any] = set(sources)
        needed: list[Node] = []
        for node in self._nodes:
            if any(s in carrying for s in node.sources if s is not None):
                node.kept()
                carrying.add(node)
                needed.append(node)
            elif node in carrying:
                needed.append(node)
        return needed

    def _sources(self) -> dict[EngineTensor, Any]:
        """What made each tensor of the graph."""
        found: dict[EngineTensor, Any] = {
            tensor: node
            for node in self._nodes
            if node.record is not None
            for tensor in node.record._outputs
        }
        for leaf, tensors in self._uses.items():
            found.update((tensor, leaf) for tensor in tensors)
        return found

    def sweep(self, seeds: list[tuple[EagerTensor, Any]]) -> list[Any]:
        """∂L/∂target for each target, a tensor of the engine or None."""
        xs = list(dict.fromkeys(x for found in self._wanted.values() for x in found))
        hooked = {t: n for n in self._needed for t in n.hooks}
        if self._create:
            self._recorder.sources.update((s, by) for s, by in seeds if by is not None)
        with modes.set_grad_enabled(self._create), modes.running(self._recorder):
            terms = sweep(
                self._ys,
                xs,
                [seed for seed, _ in seeds],
                producer=producers(self._needed),
                provenance=self._recorder,
                arrive=(lambda t, d: self._hooked(hooked, t, d)) if hooked else None,
                newest_first=True,
            )
            by_use = dict(zip(xs, terms, strict=True))
            return [self._total(t, by_use) for t in self.targets]

    def _hooked(
        self, hooked: dict[EngineTensor, Node], tensor: EngineTensor, dout: Gradient
    ) -> Any:
        node = hooked.get(tensor)
        return dout if node is None else self._through(node.hooks[tensor], dout)

    def _through(self, hooks: dict[int, Any], dout: Any) -> Any:
        """A derivative after the hooks of its tensor."""
        for hook in list(hooks.values()):
            given = self.result(dense(dout))
            replaced = hook(given)
            given = given if replaced is None else replaced
            dout = given._engine
            if self._create and given.requires_grad:
                self._recorder.sources[dout] = given._source
        return dout

    def _total(self, target: Tensor, by_use: dict[EngineTensor, Any]) -> Any:
        parts = [
            dense(d)
            for use in self._wanted[target]
            if (d := by_use.get(use)) is not None
        ]
        if not parts:
            return None
        whole = parts[0]
        for part in parts[1:]:
            whole = whole + part
        if target._node is None and target._hooks:
            whole = self._through(target._hooks, whole)
        return whole

    def result(self, value: EagerTensor) -> Tensor:
        """A derivative as a tensor of its own."""
        source = self._recorder.sources.get(value) if self._create else None
        fresh = same_value(value)
        if source is not None:
            made_by, source = source, identity(fresh, value, source)
            source.title = getattr(made_by, "title", source.title)
        return Tensor._of(fresh, source)

    def finish(self, retain: bool) -> None:
        """Let go of the values that were needed, unless they are to be retained."""
        if not retain:
            for node in self._needed:
                node.free()


def _accumulate(target: Tensor, new: Tensor, create_graph: bool) -> None:
    """Add to the derivatives that a tensor has accumulated."""
    old = target._grad
    if old is None:
        target._grad = new
    elif create_graph:
        target._grad = old + new
    else:
        with modes.no_grad():
            old.add_(new)
