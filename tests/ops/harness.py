"""Builds the graph of a row, and checks its derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrograd.dtypes import as_dtype
from retrograd.grad.api import gradients
from retrograd.graph.graph import Graph
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import const_tensor, constant, placeholder
from retrograd.ops.declare import F
from retrograd.run.session import Session
from tests.ops.cases import cases
from tests.ops.rows import Drawn, Row
from tests.ops.runs import tensors

STEP = 1e-6


@dataclass
class Built:
    """A row's graph: its fed inputs with their values, and its outputs."""

    graph: Graph
    inputs: list[Tensor]
    values: list[np.ndarray]
    outputs: list[Tensor]


def build(row: Row) -> Built:
    """Apply the row's op to placeholders, where inputs are drawn, and constants."""
    case = cases(row, 0)[0]
    fed: list[Tensor] = []
    values: list[np.ndarray] = []

    def make(item: Any, value: Any) -> Any:
        if isinstance(value, list):
            items = item if isinstance(item, list) else [item] * len(value)
            return [make(i, v) for i, v in zip(items, value, strict=True)]
        if isinstance(item, Drawn):
            values.append(value.array)
            fed.append(placeholder(value.dtype, value.array.shape))
            return fed[-1]
        return const_tensor(value.array, as_dtype(value.dtype), None)

    graph = Graph()
    with graph.as_default():
        inputs = map(make, row.inputs, case.inputs)
        outputs = tensors(getattr(F, row.op)(*inputs, **case.attrs))
    return Built(graph, fed, values, outputs)


def _feed(built: Built) -> dict[Tensor, np.ndarray]:
    return dict(zip(built.inputs, built.values, strict=True))


def check_gradient(row: Row, built: Built, order: int) -> None:
    """The derivative along a random direction equals central differences.

    For order 2 the function that is checked is the first derivative itself.
    """
    random = np.random.default_rng(7)
    with built.graph.as_default():
        xs = [built.inputs[i] for i in row.wrt or range(len(built.inputs))]
        ys = [t for t in built.outputs if t.dtype.base_dtype.name == "float64"]
        weights = [constant(random.uniform(0.5, 1.5, _sizes(y))) for y in ys]
        found = gradients(ys, xs, weights)
        if order == 2:
            pairs = [(g, x) for g, x in zip(found, xs, strict=True) if g is not None]
            ys = [_dense(g) for g, _ in pairs]
            weights = [
                constant(random.uniform(0.5, 1.5, x.shape.as_list())) for _, x in pairs
            ]
            found = gradients(ys, xs, weights)
        loss = [F.Mul(y, w) for y, w in zip(ys, weights, strict=True)]
        found = [None if g is None else _dense(g) for g in found]
    _compare(row, built, xs, loss, found)


def _dense(term: Any) -> Tensor:
    from retrograd.grad.terms import dense

    return dense(term)


def _sizes(tensor: Tensor) -> list[int]:
    raw = tensor._shape_raw
    assert raw is not None and None not in raw, f"{tensor}: give the row a known shape"
    return [int(d) for d in raw if d is not None]


def _compare(
    row: Row,
    built: Built,
    xs: Sequence[Tensor],
    loss: Sequence[Tensor],
    found: Sequence[Any],
) -> None:
    random = np.random.default_rng(11)
    feed = _feed(built)
    directions = [random.uniform(0.5, 1.0, feed[x].shape) for x in xs]
    with Session(graph=built.graph) as session:

        def value(step: float) -> float:
            moved = dict(feed)
            for x, direction in zip(xs, directions, strict=True):
                moved[x] = feed[x] + step * direction
            parts = session.run(list(loss), moved)
            return float(sum(np.sum(p) for p in parts))

        numeric = (value(STEP) - value(-STEP)) / (2 * STEP)
        known = [g for g in found if g is not None]
        values = iter(session.run(known, feed)) if known else iter(())
        ours = 0.0
        for g, direction in zip(found, directions, strict=True):
            if g is not None:
                ours += float(np.sum(next(values) * direction))
    scale = max(1.0, abs(numeric), abs(ours))
    assert abs(numeric - ours) <= row.tolerance * scale, (row.op, numeric, ours)
