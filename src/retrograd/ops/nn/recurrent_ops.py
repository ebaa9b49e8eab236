"""Steps of recurrent networks, and whole sequences, each in one op."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.join import concat
from retrograd.ops.declare import F, gradient, op
from retrograd.ops.infer import invalid, with_rank

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------------- shapes


def _step_shapes(n: Operation) -> list[RawShape]:
    """[batch, units] for each output, of x [batch, …] and the state before."""
    batch, _ = with_rank(n, 0, 2)
    _, units = with_rank(n, 1, 2)
    return [(batch, units)] * len(n._outputs)


def _lstm_grad_shapes(n: Operation) -> list[RawShape]:
    batch, _ = with_rank(n, 0, 2)
    _, units = with_rank(n, 1, 2)
    whole = None if units is None else 4 * units
    return [(batch, units), (batch, whole), (units,), (units,), (units,)]


def _gru_grad_shapes(n: Operation) -> list[RawShape]:
    batch, width = with_rank(n, 0, 2)
    _, units = with_rank(n, 1, 2)
    whole = None if units is None else 2 * units
    return [(batch, width), (batch, units), (batch, units), (batch, whole)]


def _block_shapes(n: Operation) -> list[RawShape]:
    steps, batch, _ = with_rank(n, 1, 3)
    (parts,) = with_rank(n, 8, 1)
    if parts is not None and parts % 4:
        raise invalid(n, f"Dimension size must be evenly divisible by 4 but is {parts}")
    units = None if parts is None else parts // 4
    return [(steps, batch, units)] * len(n._outputs)


def _block_grad_shapes(n: Operation) -> list[RawShape]:
    """Those of x, the state, the kernel, the peepholes and the bias."""
    ranks = (3, 2, 2, 2, 1, 1, 1, 1)
    return [with_rank(n, place + 1, rank) for place, rank in enumerate(ranks)]


# ----------------------------------------------------------------------------- checks


def _require(name: str, got: int, what: str, want: int) -> None:
    if got != want:
        raise refused(f"{name} != {what}: {got} vs. {want}")


def _check_lstm(x: Array, c: Array, h: Array, w: Array, b: Array) -> None:
    """Require that a step's inputs fit.

    Raises:
      InvalidArgumentError: they do not.
    """
    (batch, width), units = x.shape[-2:], c.shape[1]
    _require("cs_prev.dims(0)", c.shape[0], "batch_size", batch)
    _require("h_prev.dims(0)", h.shape[0], "batch_size", batch)
    _require("h_prev.dims(1)", h.shape[1], "cell_size", units)
    _require("w.dim_size(0)", w.shape[0], "input_size + cell_size", width + units)
    _require("w.dim_size(1)", w.shape[1], "cell_size * 4", 4 * units)
    _require("b.dim_size(0)", b.shape[0], "cell_size * 4", 4 * units)


def _check_gru(
    x: Array, h: Array, w_ru: Array, w_c: Array, b_ru: Array, b_c: Array
) -> None:
    """Require that a step's inputs fit.

    Raises:
      InvalidArgumentError: they do not.
    """
    (batch, width), units = x.shape, h.shape[1]
    rows = ("input_size + cell_size", width + units)
    _require("h_prev.dims(0)", h.shape[0], "batch_size", batch)
    _require("w_ru.dim_size(0)", w_ru.shape[0], *rows)
    _require("w_ru.dim_size(1)", w_ru.shape[1], "cell_size * 2", 2 * units)
    _require("w_c.dim_size(0)", w_c.shape[0], *rows)
    _require("w_c.dim_size(1)", w_c.shape[1], "cell_size", units)
    _require("b_ru.dim_size(0)", b_ru.shape[0], "cell_size * 2", 2 * units)
    _require("b_c.dim_size(0)", b_c.shape[0], "cell_size", units)


# ------------------------------------------------------------------------------- LSTM

_LSTM = "I, C, F, O, J, T, H = lstm(X, M, S, W, p, q, r, b)"
#: of the gates before their activation; p, q and r are 0 where nothing sees the memory
_GATES = (
    "A = D ⊙ J ⊙ I ⊙ (1 − I), E = D ⊙ M ⊙ F ⊙ (1 − F), K = H̄ ⊙ T ⊙ O ⊙ (1 − O), "
    "D = C̄ + H̄ ⊙ O ⊙ (1 − T ⊙ T) + K diag(r)"
)
_ALL = f"G = beside(A, D ⊙ I ⊙ (1 − J ⊙ J), E, K), {_GATES}"


class _Weights:
    """The weights of an LSTM; kernel and bias have the parts of i, j, f and o.

    Args:
      weights: the kernel [n + units, 4 units]; by what i, f and o see the memory; and
        the bias [4 units].
      peepholes: whether they see it.
    """

    def __init__(self, weights: Sequence[Array], peepholes: bool) -> None:
        self.w, *seen, self.b = weights
        self.seen = seen if peepholes else None

    def step(
        self, xp: Arrays, x: Array, c: Array, h: Array, forget: float, clip: float
    ) -> tuple[Array, ...]:
        """The outputs of a step: i, c, f, o, j, tanh c and h."""
        z = xp.matmul(xp.concatenate([x, h], 1), self.w) + self.b
        i, j, f, o = _parts(z, 4)
        f = f + z.dtype.type(forget)
        if self.seen:
            i, f = i + c * self.seen[0], f + c * self.seen[1]
        i, f, j = xp.sigmoid(i), xp.sigmoid(f), xp.tanh(j)
        c = i * j + f * c
        if clip > 0:
            limit = z.dtype.type(clip)
            c = xp.clip(c, -limit, limit)
        o = xp.sigmoid(o + c * self.seen[2] if self.seen else o)
        shown = xp.tanh(c)
        return i, c, f, o, j, shown, o * shown

    def back(
        self, xp: Arrays, c: Array, kept: Sequence[Array], dc: Array, dh: Array
    ) -> tuple[Array, Array, list[Array]]:
        """Derivatives: for the memory before, the gates, and the peepholes.

        Args:
          xp: the array functions.
          c: the memory before the step.
          kept: what `step` gave, but for h.
          dc, dh: the derivatives for the memory after it, and for h.
        """
        i, new, f, o, j, shown = kept
        one = i.dtype.type(1)
        d_o = o * (one - o) * dh * shown
        d = (one - shown * shown) * dh * o + dc
        if self.seen:
            d = d + d_o * self.seen[2]
        d_f, d_i = f * (one - f) * d * c, i * (one - i) * d * j
        d_j = (one - j * j) * d * i
        before = d * f
        sums = [xp.zeros_like(c[0])] * 3
        if self.seen:
            before = before + d_i * self.seen[0] + d_f * self.seen[1]
            pairs = ((d_i, c), (d_f, c), (d_o, new))
            sums = [xp.sum(a * b, 0) for a, b in pairs]
        return before, xp.concatenate([d_i, d_j, d_f, d_o], 1), sums


def _parts(x: Array, count: int) -> list[Array]:
    """Equal parts along the last axis."""
    size = x.shape[-1] // count
    return [x[..., k * size : (k + 1) * size] for k in range(count)]


@op("LSTMBlockCell", infer=_step_shapes, math=_LSTM)
def lstm_block_cell_kernel(
    xp: Arrays,
    x: Array,
    c: Array,
    h: Array,
    *weights: Array,
    forget_bias: float,
    cell_clip: float,
    use_peephole: bool,
) -> tuple[Array, ...]:
    """A step of an LSTM: i, c, f, o, j, tanh c and h = o tanh c.

    Raises:
      InvalidArgumentError: shapes do not fit.
    """
    _check_lstm(x, c, h, weights[0], weights[-1])
    own = _Weights(weights, use_peephole)
    return own.step(xp, x, c, h, forget_bias, cell_clip)


@op("LSTMBlockCellGrad", infer=_lstm_grad_shapes, math="backward through a step")
def lstm_block_cell_grad_kernel(
    xp: Arrays,
    x: Array,
    c: Array,
    h: Array,
    *rest: Array,
    use_peephole: bool,
) -> tuple[Array, ...]:
    """The backward pass of LSTMBlockCell: for c, the gates and the peepholes.

    Raises:
      InvalidArgumentError: shapes do not fit.
    """
    weights, kept, given = rest[:5], rest[5:11], rest[11:]
    _check_lstm(x, c, h, weights[0], weights[-1])
    own = _Weights(weights, use_peephole)
    before, gates, sums = own.back(xp, c, kept, *given)
    return before, gates, *sums


@gradient(
    "LSTMBlockCell",
    x=f"X̄ = left(G Wᴴ, X), {_ALL}",
    cs_prev=f"M̄ = D ⊙ F + A diag(p) + E diag(q), {_GATES}",
    h_prev=f"S̄ = right(G Wᴴ, S), {_ALL}",
    w=f"W̄ = beside(X, S)ᴴ G, {_ALL}",
    wci=f"p̄ᵢ = Σⱼ Aⱼᵢ Mⱼᵢ, {_GATES}",
    wcf=f"q̄ᵢ = Σⱼ Eⱼᵢ Mⱼᵢ, {_GATES}",
    wco=f"r̄ᵢ = Σⱼ Kⱼᵢ Cⱼᵢ, {_GATES}",
    b=f"b̄ᵢ = Σⱼ Gⱼᵢ, {_ALL}",
)
def _lstm_block_cell_gradient(n: Operation, *dys: Tensor) -> list[Tensor]:
    x, _, h, w = n.inputs[:4]
    before, gates, *sums = F.LSTMBlockCellGrad(
        *n.inputs,
        *n.outputs[:6],
        dys[1],
        dys[6],
        use_peephole=n.attrs["use_peephole"],
    )
    back = F.MatMul(gates, w, transpose_b=True)
    dx, dh = _apart(back, x)
    dw = F.MatMul(concat([x, h], 1), gates, transpose_a=True)
    return [dx, before, dh, dw, *sums, F.BiasAddGrad(gates)]


def _apart(joined: Tensor, x: Tensor) -> list[Tensor]:
    """Of [x, h] side by side the parts of x and of h."""
    width = x.shape.as_list()[1]
    if width is None:
        width = F.Shape(x)[1]
    return [joined[:, :width], joined[:, width:]]


_BLOCK = "I, C, F, O, J, T, H = lstm(X, M, S, W, p, q, r, b), n steps"


def _swapped(xp: Arrays, w: Array) -> Array:
    """A kernel or bias with the parts of j and f exchanged."""
    i, j, f, o = _parts(w, 4)
    return xp.concatenate([i, f, j, o], -1)


def _reordered(xp: Arrays, weights: Sequence[Array]) -> list[Array]:
    w, *seen, b = weights
    return [_swapped(xp, w), *seen, _swapped(xp, b)]


def _check_steps(xp: Arrays, count: Array, x: Array) -> None:
    fits = (count >= 0) & (count <= x.shape[0])
    xp.check(
        xp.asarray(fits),
        lambda: refused(
            f"seq_len_max must be between 0 and timelen {x.shape[0]}: {int(count)}"
        ),
    )


def _sequence(
    xp: Arrays,
    count: Array,
    x: Array,
    states: tuple[Array, Array],
    weights: _Weights,
    limits: tuple[float, float],
) -> tuple[Array, ...]:
    """What each step gives, [steps, batch, units]; zeros behind the last."""
    _check_steps(xp, count, x)
    _check_lstm(x, *states, weights.w, weights.b)
    blank = xp.zeros((*x.shape[:2], states[0].shape[1]), x.dtype)
    found = tuple(blank + 0 for _ in range(7))

    def step(time: Array, c: Array, h: Array, *found: Array) -> tuple[Array, ...]:
        made = weights.step(xp, _at(xp, x, time), c, h, *limits)
        return made[1], made[6], *_all_put(xp, found, time, made)

    return _each(xp, count, step, (*states, *found))[2:]


def _each(
    xp: Arrays, count: Array, step: Callable[..., Any], state: tuple[Array, ...]
) -> tuple[Array, ...]:
    """The state after `step(time, *state)` for each time below `count`."""
    start = (xp.zeros((), np.int64), *state)
    one = np.int64(1)
    return xp.while_loop(
        lambda s: s[0] < count, lambda s: (s[0] + one, *step(*s)), start
    )[1:]


def _at(xp: Arrays, x: Array, time: Array) -> Array:
    return xp.take(x, time, axis=0)


def _all_put(
    xp: Arrays, whole: Sequence[Array], time: Array, values: Sequence[Array]
) -> list[Array]:
    """Arrays with a value each at a time; the arrays are the kernel's own."""
    place = xp.reshape(time, (1,))
    return [
        xp.scatter(x, place, value[None], in_place=True)
        for x, value in zip(whole, values, strict=True)
    ]


@op("BlockLSTM", infer=_block_shapes, math=_BLOCK)
def block_lstm_kernel(
    xp: Arrays,
    count: Array,
    x: Array,
    c: Array,
    h: Array,
    *weights: Array,
    forget_bias: float,
    cell_clip: float,
    use_peephole: bool,
) -> tuple[Array, ...]:
    """An LSTM over `count` steps of x [steps, batch, n]: what each step gives.

    Raises:
      InvalidArgumentError: shapes do not fit, or there are fewer steps.
    """
    own = _Weights(weights, use_peephole)
    return _sequence(xp, count, x, (c, h), own, (forget_bias, cell_clip))


@op("BlockLSTMV2", infer=_block_shapes, math=_BLOCK)
def block_lstm_v2_kernel(
    xp: Arrays,
    count: Array,
    x: Array,
    c: Array,
    h: Array,
    *weights: Array,
    cell_clip: float,
    use_peephole: bool,
) -> tuple[Array, ...]:
    """As BlockLSTM, with kernel and bias in the order i, f, j and o.

    Raises:
      InvalidArgumentError: shapes do not fit, or there are fewer steps.
    """
    own = _Weights(_reordered(xp, weights), use_peephole)
    return _sequence(xp, count, x, (c, h), own, (0.0, cell_clip))


def _block_back(
    xp: Arrays,
    count: Array,
    x: Array,
    states: tuple[Array, Array],
    weights: _Weights,
    kept: Sequence[Array],
    given: Sequence[Array],
) -> tuple[Array, ...]:
    """Backward from the last step to the first: as `block_lstm_grad_kernel`."""
    c, h = states
    _check_lstm(x, c, h, weights.w, weights.b)
    _check_steps(xp, count, x)
    width, one = x.shape[2], np.int64(1)
    memories = xp.concatenate([c[None], kept[1]], 0)
    outputs = xp.concatenate([h[None], kept[6]], 0)
    blank = [xp.zeros_like(c), xp.zeros_like(h), xp.zeros_like(weights.w)]
    blank += [xp.zeros_like(weights.b), *[xp.zeros_like(c[0])] * 3]

    def step(turn: Array, dx: Array, *sums: Array) -> tuple[Array, ...]:
        time = count - one - turn
        dc, dh, dw, db, *seen = sums
        now = [_at(xp, a, time) for a in (*kept[:6], *given)]
        before, gates, more = weights.back(
            xp, _at(xp, memories, time), now[:6], dc + now[6], dh + now[7]
        )
        back = xp.matmul(gates, xp.transpose(weights.w))
        (dx,) = _all_put(xp, [dx], time, [back[:, :width]])
        joined = xp.concatenate([_at(xp, x, time), _at(xp, outputs, time)], 1)
        dw = dw + xp.matmul(xp.transpose(joined), gates)
        added = [a + b for a, b in zip(seen, more, strict=True)]
        return dx, before, back[:, width:], dw, db + xp.sum(gates, 0), *added

    found = _each(xp, count, step, (xp.zeros(x.shape, x.dtype), *blank))
    dx, dc, dh, dw, db, *seen = found
    return dx, dc, dh, dw, *seen, db


@op("BlockLSTMGrad", infer=_block_grad_shapes, math="backward through a sequence")
def block_lstm_grad_kernel(
    xp: Arrays,
    count: Array,
    x: Array,
    c: Array,
    h: Array,
    *rest: Array,
    use_peephole: bool,
) -> tuple[Array, ...]:
    """The backward pass of BlockLSTM: for x, c, h, kernel, peepholes and bias.

    Raises:
      InvalidArgumentError: shapes do not fit, or there are fewer steps.
    """
    own = _Weights(rest[:5], use_peephole)
    return _block_back(xp, count, x, (c, h), own, rest[5:12], rest[12:])


@op("BlockLSTMGradV2", infer=_block_grad_shapes, math="backward through a sequence")
def block_lstm_grad_v2_kernel(
    xp: Arrays,
    count: Array,
    x: Array,
    c: Array,
    h: Array,
    *rest: Array,
    use_peephole: bool,
) -> tuple[Array, ...]:
    """The backward pass of BlockLSTMV2.

    Raises:
      InvalidArgumentError: shapes do not fit, or there are fewer steps.
    """
    own = _Weights(_reordered(xp, rest[:5]), use_peephole)
    found = _block_back(xp, count, x, (c, h), own, rest[5:12], rest[12:])
    dw, db = _swapped(xp, found[3]), _swapped(xp, found[7])
    return *found[:3], dw, *found[4:7], db


def _block_gradient(n: Operation, *dys: Tensor) -> list[Tensor | None]:
    """By BlockLSTMGrad for both: TensorFlow 1.15 overlooks that their orders differ."""
    use = n.attrs["use_peephole"]
    found = F.BlockLSTMGrad(*n.inputs, *n.outputs, dys[1], dys[6], use_peephole=use)
    return [None, *found]


gradient(
    "BlockLSTM",
    "BlockLSTMV2",
    seq_len_max="n",
    x="X̄ = back(C̄, H̄)",
    cs_prev="M̄ = back(C̄, H̄)",
    h_prev="S̄ = back(C̄, H̄)",
    w="W̄ = back(C̄, H̄)",
    wci="p̄ = back(C̄, H̄)",
    wcf="q̄ = back(C̄, H̄)",
    wco="r̄ = back(C̄, H̄)",
    b="b̄ = back(C̄, H̄)",
)(_block_gradient)


# -------------------------------------------------------------------------------- GRU


@op(
    "GRUBlockCell",
    infer=_step_shapes,
    math="R, U, C, H = gru(X, S, W, V, a, b)",
)
def gru_block_cell_kernel(
    xp: Arrays,
    x: Array,
    h: Array,
    w_ru: Array,
    w_c: Array,
    b_ru: Array,
    b_c: Array,
) -> tuple[Array, ...]:
    """A step of gated recurrent units: r, u, the candidate and h.

    Raises:
      InvalidArgumentError: shapes do not fit.
    """
    _check_gru(x, h, w_ru, w_c, b_ru, b_c)
    gates = xp.sigmoid(xp.matmul(xp.concatenate([x, h], 1), w_ru) + b_ru)
    r, u = _parts(gates, 2)
    c = xp.tanh(xp.matmul(xp.concatenate([x, h * r], 1), w_c) + b_c)
    return r, u, c, u * h + (h.dtype.type(1) - u) * c


@op("GRUBlockCellGrad", infer=_gru_grad_shapes, math="backward through a step")
def gru_block_cell_grad_kernel(
    xp: Arrays,
    x: Array,
    h: Array,
    w_ru: Array,
    w_c: Array,
    b_ru: Array,
    b_c: Array,
    r: Array,
    u: Array,
    c: Array,
    dh: Array,
) -> tuple[Array, ...]:
    """The backward pass of GRUBlockCell: for x, h, the candidate and the gates.

    Raises:
      InvalidArgumentError: shapes do not fit.
    """
    _check_gru(x, h, w_ru, w_c, b_ru, b_c)
    width, one = x.shape[1], x.dtype.type(1)
    d_c = dh * (one - u) * (one - c * c)
    d_u = dh * (h - c) * u * (one - u)
    of_c = xp.matmul(d_c, xp.transpose(w_c))
    d_hr = of_c[:, width:]
    d_ru = xp.concatenate([d_hr * h * r * (one - r), d_u], 1)
    of_ru = xp.matmul(d_ru, xp.transpose(w_ru))
    dx = of_ru[:, :width] + of_c[:, :width]
    return dx, of_ru[:, width:] + dh * u + d_hr * r, d_c, d_ru


_CANDIDATE = "D = H̄ ⊙ (1 − U) ⊙ (1 − C ⊙ C)"
_OF_GRU = (
    "G = beside(Q ⊙ S ⊙ R ⊙ (1 − R), H̄ ⊙ (S − C) ⊙ U ⊙ (1 − U)), "
    f"Q = right(D Vᴴ, S), {_CANDIDATE}"
)


@gradient(
    "GRUBlockCell",
    x=f"X̄ = left(G Wᴴ, X) + left(D Vᴴ, X), {_OF_GRU}",
    h_prev=f"S̄ = right(G Wᴴ, S) + H̄ ⊙ U + Q ⊙ R, {_OF_GRU}",
    w_ru=f"W̄ = beside(X, S)ᴴ G, {_OF_GRU}",
    w_c=f"V̄ = beside(X, R ⊙ S)ᴴ D, {_CANDIDATE}",
    b_ru=f"āᵢ = Σⱼ Gⱼᵢ, {_OF_GRU}",
    b_c=f"b̄ᵢ = Σⱼ Dⱼᵢ, {_CANDIDATE}",
)
def _gru_block_cell_gradient(n: Operation, *dys: Tensor) -> list[Tensor]:
    x, h = n.inputs[:2]
    r, u, c, _ = n.outputs
    dx, dh, d_c, d_ru = F.GRUBlockCellGrad(*n.inputs, r, u, c, dys[3])
    d_w_ru = F.MatMul(concat([x, h], 1), d_ru, transpose_a=True)
    d_b_ru = F.BiasAddGrad(d_ru)
    d_w_c = F.MatMul(concat([x, h * r], 1), d_c, transpose_a=True)
    return [dx, dh, d_w_ru, d_w_c, d_b_ru, F.BiasAddGrad(d_c)]
