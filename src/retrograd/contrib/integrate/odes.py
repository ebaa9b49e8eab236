"""Ordinary differential equations dy/dt = f(y, t), solved within a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import size
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.loops import while_loop
from retrograd.ops.host.printing import Assert
from retrograd.ops.lists.tensor_array import TensorArray
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_all, reduce_mean

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike

#: the right side of the equation, of y and t
Slope = Callable[[Any, Any], Any]

# Dormand and Prince 1980, with the values in the middle of Shampine 1986.
_ALPHA = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_BETA = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (
    1951 / 21600 - 35 / 384,
    0,
    22642 / 50085 - 500 / 1113,
    451 / 720 - 125 / 192,
    -12231 / 42400 + 2187 / 6784,
    649 / 6300 - 11 / 84,
    1 / 60,
)
_MIDDLE = (
    6025192743 / 30085553152 / 2,
    0,
    51252292925 / 65400821598 / 2,
    -2691868925 / 45128329728 / 2,
    187940372067 / 1594534317056 / 2,
    -1776094331 / 19743644256 / 2,
    11237099 / 235043384 / 2,
)


class _State(NamedTuple):
    """Where a solution is: its value, slope and time, the next step, and how many
    steps there were; and the last step as a polynomial, for times within it."""

    y: Any
    f: Any
    start: Any
    time: Any
    step: Any
    count: Any
    polynomial: tuple[Any, ...]


class _Options(NamedTuple):
    """How steps are chosen."""

    first_step: float | None = None
    safety: float = 0.9
    ifactor: float = 10.0
    dfactor: float = 0.2
    max_num_steps: int = 1000


def _weighted(factors: Sequence[float], slopes: Sequence[Any], scale: Any) -> Any:
    """The sum of slopes by their factors, times a scale; zeros are left out."""
    terms = [(scale * a) * x for a, x in zip(factors, slopes, strict=True) if a != 0]
    return F.AddN(terms) if len(terms) > 1 else terms[0]


def _stepped(func: Slope, state: _State) -> tuple[Any, Any, Any, Any]:
    """After a step: value and slope; its error; and the value in its middle."""
    y, t = state.y, state.time
    step = cast(state.step, y.dtype)
    slopes = [state.f]
    new = y
    for alpha, beta in zip(_ALPHA, _BETA, strict=True):
        new = y + _weighted(beta, slopes, step)
        slopes.append(func(new, t + alpha * state.step))
    # the last slope is that of the next step, too
    middle = y + _weighted(_MIDDLE, slopes, step)
    return new, slopes[-1], _weighted(_ERROR, slopes, step), middle


def _fitted(y0: Any, y1: Any, middle: Any, f0: Any, f1: Any, step: Any) -> Any:
    """The polynomial of degree 4 through values and slopes; the highest power first."""
    a = 2.0 * step * (f1 - f0) - 8.0 * (y1 + y0) + 16.0 * middle
    b = step * (5.0 * f0 - 3.0 * f1) + 18.0 * y0 + 14.0 * y1 - 32.0 * middle
    c = step * (f1 - 4.0 * f0) - 11.0 * y0 - 5.0 * y1 + 16.0 * middle
    return a, b, c, step * f0, y0


def _at(state: _State, time: Tensor) -> Any:
    """The value at a time within the last step."""
    part = cast((time - state.start) / (state.time - state.start), state.y.dtype)
    found: Any = None
    for factor in state.polynomial:
        found = factor if found is None else found * part + factor
    return found


def _error_ratio(
    error: Tensor, y0: Tensor, y1: Tensor, rtol: Tensor, atol: Tensor
) -> Any:
    """By how much an error is larger than it may be."""
    allowed = atol + rtol * F.Maximum(abs(y0), abs(y1))
    return F.Sqrt(reduce_mean(F.Square(abs(error) / allowed)))


def _advanced(
    func: Slope, state: _State, rtol: Tensor, atol: Tensor, options: _Options
) -> tuple[_State, Any]:
    """The state after a step if its error is small, else before; and the error."""
    y1, f1, error, middle = _stepped(func, state)
    ratio = _error_ratio(error, state.y, y1, rtol, atol)
    good = F.LessEqual(ratio, cast(1.0, ratio.dtype))
    fitted = _fitted(state.y, y1, middle, state.f, f1, cast(state.step, state.y.dtype))

    def chosen(new: Any, old: Any) -> Any:
        return cond(good, lambda: new, lambda: old)

    growth = options.safety * F.Pow(
        cast(ratio, state.step.dtype), cast(-0.2, state.step.dtype)
    )
    least = cast(options.dfactor, growth.dtype)
    factor = F.Minimum(cast(options.ifactor, growth.dtype), F.Maximum(growth, least))
    factor = where(F.Equal(ratio, 0), cast(options.ifactor, growth.dtype), factor)
    return (
        _State(
            chosen(y1, state.y),
            chosen(f1, state.f),
            chosen(state.time, state.start),
            chosen(state.time + state.step, state.time),
            state.step * factor,
            state.count + 1,
            tuple(chosen(a, b) for a, b in zip(fitted, state.polynomial, strict=True)),
        ),
        ratio,
    )


class _History(NamedTuple):
    """The ends of all steps that were tried, and their errors."""

    points: Any
    ratios: Any


def _reached(
    func: Slope,
    state: _State,
    history: _History,
    time: Tensor,
    rtol: Tensor,
    atol: Tensor,
    options: _Options,
) -> tuple[_State, _History]:
    """The state once its last step goes beyond a time."""
    first = state.count

    def before(now: _State, history: _History) -> Any:
        del history
        return F.Greater(time, now.time)

    def step(now: _State, history: _History) -> tuple[_State, _History]:
        few = F.Less(now.count - first, options.max_num_steps)
        few = Assert(few, ["max_num_steps exceeded"])
        with control_dependencies([few]):
            later, ratio = _advanced(func, now, rtol, atol, options)
        points = history.points.write(now.count, now.time + now.step)
        ratios = history.ratios.write(now.count, cast(ratio, dtypes.float64))
        return later, _History(points, ratios)

    return while_loop(before, step, [state, history])


def _rising(t: Tensor) -> Any:
    """What checks that times rise."""
    rises = reduce_all(F.Greater(t[1:], t[:-1]))
    return Assert(rises, ["`t` must be monotonic increasing"])


def odeint(
    func: Slope,
    y0: TensorLike,
    t: TensorLike,
    rtol: TensorLike = 1e-6,
    atol: TensorLike = 1e-12,
    method: str | None = None,
    options: dict[str, Any] | None = None,
    full_output: bool = False,
    name: str | None = None,
) -> Any:
    """The solution of an equation at several times, by steps that fit the errors.

    Args:
      func: dy/dt, of y and t.
      y0: y at the first time, of any shape, real or complex.
      t: the times, which rise.
      rtol, atol: how large the error of a step may be, by the size of y and at all.
      method: `dopri5`, Dormand and Prince's method of order 5.
      options: first_step, safety, ifactor, dfactor and max_num_steps, of the method.
      full_output: whether there is a second result, about the steps.
      name: the name scope.

    Returns:
      y at each time, with a first axis for these; and a dict of how often `func` was
      used (`num_func_evals`), where steps ended and how large their errors were.

    Raises:
      ValueError: no such method, or options without one.
      TypeError: y is of integers.
      InvalidArgumentError: (in a run) the times do not rise, or there are too many
        steps.
    """
    if method is not None and method != "dopri5":
        raise ValueError(f"invalid method: {method!r}")
    if options is not None and method is None:
        raise ValueError("cannot supply `options` without specifying `method`")
    with name_scope(name, "odeint", [y0, t, rtol, atol]) as scope:
        start: Any = convert_to_tensor(y0, name="y0")
        if not (start.dtype.is_floating or start.dtype.is_complex):
            raise TypeError(
                "`y0` must have a floating point or complex floating point dtype"
            )
        times: Any = convert_to_tensor(t, preferred_dtype=dtypes.float64, name="t")
        real = abs(start).dtype
        chosen = _Options(**(options or {}))
        limits = [
            convert_to_tensor(value, dtype=real, name=each)
            for value, each in ((rtol, "rtol"), (atol, "atol"))
        ]
        with control_dependencies([_rising(times)]):
            count = size(times)
        found, history = _solved(func, start, times, count, limits, chosen)
        found = F.Identity(found, name=scope)
    if not full_output:
        return found
    steps = history.points.size()
    info = {
        "num_func_evals": 6 * steps + 1,
        "integrate_points": history.points.stack(),
        "error_ratio": history.ratios.stack(),
    }
    return found, info


def _solved(
    func: Slope,
    y0: Tensor,
    times: Tensor,
    count: Tensor,
    limits: Sequence[Tensor],
    options: _Options,
) -> tuple[Any, _History]:
    """The values at all times, and the history of steps."""
    rtol, atol = limits
    begin = cast(times[0], dtypes.float64)
    step = 1.0 if options.first_step is None else options.first_step
    state = _State(
        y0,
        func(y0, times[0]),
        begin,
        begin,
        cast(step, dtypes.float64),
        cast(0, dtypes.int32),
        (y0,) * 5,
    )
    arrays = [
        TensorArray(dtypes.float64, 0, dynamic_size=True, clear_after_read=False)
        for _ in range(2)
    ]
    values = TensorArray(y0.dtype, count, element_shape=y0.get_shape()).write(0, y0)

    def goes_on(i: Tensor, *rest: object) -> Any:
        del rest
        return F.Less(i, count)

    def one(
        i: Tensor, state: _State, history: _History, values: TensorArray
    ) -> tuple[Any, ...]:
        time = cast(times[i], dtypes.float64)
        state, history = _reached(func, state, history, time, rtol, atol, options)
        return i + 1, state, history, values.write(i, _at(state, time))

    first = [cast(1, dtypes.int32), state, _History(*arrays), values]
    _, _, history, values = while_loop(goes_on, one, first)
    return values.stack(), history


# ------------------------------------------------------------------- steps of one size


def _midpoint(func: Slope, t: Any, step: Any, y: Any) -> Any:
    half = step / 2
    return cast(step, y.dtype) * func(y + func(y, t) * cast(half, y.dtype), t + half)


def _rk4(func: Slope, t: Any, step: Any, y: Any) -> Any:
    h, half = cast(step, y.dtype), cast(step / 2, y.dtype)
    k1 = func(y, t)
    k2 = func(y + half * k1, t + step / 2)
    k3 = func(y + half * k2, t + step / 2)
    k4 = func(y + h * k3, t + step)
    return F.AddN([k1, 2 * k2, 2 * k3, k4]) * (h / 6)


_FIXED = {"midpoint": _midpoint, "rk4": _rk4}


def odeint_fixed(
    func: Slope,
    y0: TensorLike,
    t: TensorLike,
    dt: TensorLike | None = None,
    method: str = "rk4",
    name: str | None = None,
) -> Any:
    """The solution of an equation at several times, by steps of one size.

    Args:
      func: dy/dt, of y and t.
      y0: y at the first time, of any shape.
      t: the times, which rise.
      dt: the largest size of steps, one or one for each interval, which is cut into
        equal parts; by default the intervals themselves.
      method: `midpoint`, or `rk4` of order 4.
      name: the name scope.

    Returns:
      y at each time, with a first axis for these.

    Raises:
      ValueError: no such method, or times that are no vector.
    """
    with name_scope(name, "odeint_fixed", [y0, t, dt]):
        times: Any = convert_to_tensor(t, preferred_dtype=dtypes.float64, name="t")
        start: Any = convert_to_tensor(y0, name="y0")
        if times.get_shape().ndims not in (None, 1):
            raise ValueError("t must be a 1D tensor")
        if method not in _FIXED:
            raise ValueError(f"method not supported: {method}")
        intervals = times[1:] - times[:-1]
        steps: Any = intervals
        if dt is not None:
            steps = convert_to_tensor(dt, dtype=times.dtype, name="dt")
            steps = steps + F.ZerosLike(intervals)
        with control_dependencies([_rising(times)]):
            intervals = F.Identity(intervals)
        with name_scope(method):
            return _walked(func, start, times, intervals, steps, _FIXED[method])


def _walked(
    func: Slope,
    start: Tensor,
    times: Tensor,
    intervals: Tensor,
    steps: Tensor,
    increment: Callable[..., Any],
) -> Any:
    """The values at all times."""
    count = size(times)
    values = TensorArray(start.dtype, count, element_shape=start.get_shape())

    def within(i: Tensor, y: Any) -> Any:
        """From one time to the next."""
        number = F.Ceil(intervals[i] / steps[i])
        step = intervals[i] / number

        def more(k: Tensor, y: Tensor) -> tuple[Any, Any]:
            return k + 1, y + increment(func, times[i] + k * step, step, y)

        none = F.ZerosLike(number)
        return while_loop(lambda k, y: F.Less(k, number), more, [none, y])[1]

    def one(i: Tensor, y: Tensor, values: TensorArray) -> tuple[Any, ...]:
        after = within(i, y)
        return i + 1, after, values.write(i + 1, after)

    _, _, values = while_loop(
        lambda i, y, values: F.Less(i, count - 1),
        one,
        [cast(0, dtypes.int32), start, values.write(0, start)],
    )
    return values.stack()
