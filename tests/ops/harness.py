"""Builds the graph of a row, and checks it by every route there is."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrograd.grad.api import gradients
from retrograd.graph.graph import Graph
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant, placeholder
from retrograd.ops.declare import F
from retrograd.run.session import Session
from tests.ops.rows import Drawn, Row

STEP = 1e-6


@dataclass
class Built:
    """A row's graph: its fed inputs with their values, and its outputs."""

    graph: Graph
    inputs: list[Tensor]
    values: list[np.ndarray]
    outputs: list[Tensor]


def build(row: Row) -> Built:
    """Apply the row's op to placeholders (drawn inputs) and constants."""
    random = np.random.default_rng(zlib.crc32(row.op.encode()))
    fed: list[Tensor] = []
    values: list[np.ndarray] = []

    def make(item: Any) -> Any:
        if isinstance(item, list):
            return [make(i) for i in item]
        if isinstance(item, Drawn):
            values.append(random.uniform(item.low, item.high, item.shape))
            fed.append(placeholder("float64", item.shape))
            return fed[-1]
        return constant(item.value, item.value.dtype)

    graph = Graph()
    with graph.as_default():
        result = getattr(F, row.op)(*[make(i) for i in row.inputs], **row.attrs)
    outputs = flat(result)
    return Built(graph, fed, values, outputs)


def flat(result: Any) -> list[Tensor]:
    """All tensors of what an op gave."""
    if isinstance(result, (list, tuple)):
        return [t for r in result for t in flat(r)]
    return [result] if isinstance(result, Tensor) else []


def check_promise(built: Built) -> None:
    """What the kernel returns has the dtype and shape that were inferred."""
    with Session(graph=built.graph) as session:
        results = session.run(built.outputs, _feed(built))
    for tensor, value in zip(built.outputs, results, strict=True):
        wanted = tensor.dtype.base_dtype.as_numpy_dtype
        value = np.asarray(value)
        if wanted is not object:
            assert value.dtype == np.dtype(wanted), (tensor, value.dtype)
        raw = tensor._shape_raw
        if raw is not None:
            assert len(raw) == value.ndim, (tensor, value.shape)
            pairs = zip(raw, value.shape, strict=True)
            assert all(a is None or a == b for a, b in pairs), (tensor, value.shape)


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
