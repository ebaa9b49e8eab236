"""Pooling: the largest element or the mean of each window, in two or three dimensions.

Kernels pool over all axes after the first; `xp`'s functions take arrays [N, *S, C] and
windows over S, and a window that reaches over channels makes them one more axis of S.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.arrays.short_floats import furthest
from retrograd.errors import UnimplementedError
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import F, Rule, gradient, op, rule
from retrograd.ops.infer import invalid, merged, with_rank
from retrograd.ops.nn.activations_ops import zeros_of
from retrograd.ops.nn.window import (
    arranged,
    as_given,
    batch_and_depth,
    channels_first,
    channels_last,
    check_int32,
    last_shape,
    reaching_in,
    run_padding,
    shape_held,
    spatial,
    windows,
)
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- shapes


def _unchanged(rank: int) -> Callable[[Operation], RawShape]:
    """The shape of the first input, which has `rank` dimensions."""
    return lambda n: with_rank(n, 0, rank)


def _check_lengths(
    n: Operation, what: str, ksize: Sequence[int], strides: Sequence[int]
) -> None:
    rank = 5 if what == "Pool3D" else 4
    for name, values in (("stride", strides), ("ksize", ksize)):
        if len(values) != rank:
            title = (
                "Pool3D ops require"
                if (what, name) == ("Pool3D", "stride")
                else (f"{what} requires")
            )
            raise invalid(
                n,
                f"{title} the {name} attribute to contain {rank} values, but got: "
                f"{len(values)}",
            )


def _pooled(
    n: Operation, what: str, ksize: Sequence[int], strides: Sequence[int]
) -> RawShape:
    """What windows of the given sizes make of the first input."""
    packed = n.attrs.get("data_format") == "NCHW_VECT_C"
    shape = with_rank(n, 0, 5 if packed or what == "Pool3D" else 4)
    check_int32(n, "strides", "ksize")
    _check_lengths(n, what, ksize, strides)
    if packed:  # four channels together, as the last axis
        if shape[4] not in (None, 4):
            raise invalid(n, f"Dimension must be 4 but is {shape[4]}")
        return (shape[0], shape[1], None, None, 4)
    data_format, padding = n.attrs.get("data_format", "NHWC"), n.attrs["padding"]
    inner = [
        windows(n, size, k, s, padding)
        for size, k, s in zip(
            *(spatial(v, data_format) for v in (shape, ksize, strides)), strict=True
        )
    ]
    batch, depth = batch_and_depth(shape, data_format)
    if what == "MaxPool":
        k, s = (batch_and_depth(v, data_format)[1] for v in (ksize, strides))
        depth = windows(n, depth, k, s, padding)
    return arranged(batch, inner, depth, data_format)


def by_attributes(what: str) -> Callable[[Operation], RawShape]:
    """The shape rule of a pooling whose windows are attributes."""
    return lambda n: _pooled(n, what, n.attrs["ksize"], n.attrs["strides"])


def _by_inputs(n: Operation) -> RawShape:
    """As `_pooled`, with the windows in the last two inputs."""
    packed = n.attrs["data_format"] == "NCHW_VECT_C"
    shape = with_rank(n, 0, 5 if packed else 4)
    if packed and shape[4] not in (None, 4):
        raise invalid(n, f"Dimension must be 4 but is {shape[4]}")
    for index in (-2, -1):
        raw = n._inputs[index]._shape_raw
        if raw is not None and len(raw) != 1:
            raise invalid(n, f"Shape must be rank 1 but is rank {len(raw)}")
        if raw is not None and raw[0] not in (None, 4):
            raise invalid(n, f"Dimension must be 4 but is {raw[0]}")
    ksize, strides = constant(n._inputs[-2]), constant(n._inputs[-1])
    if ksize is None or strides is None:
        return None
    return _pooled(n, "MaxPool", ksize.tolist(), strides.tolist())


def _checked(
    rule: Callable[[Operation], RawShape], first: int, second: int
) -> Callable[[Operation], RawShape]:
    """`rule`, after the inputs that must have the shapes of input 0 and of y."""

    def infer(n: Operation) -> RawShape:
        found = rule(n)
        merged(n, n._inputs[0]._shape_raw, n._inputs[first]._shape_raw)
        merged(n, n._inputs[second]._shape_raw, found)
        return found

    return infer


# ---------------------------------------------------------------------- running


class _Windows:
    """The geometry of one pooling, channels last."""

    def __init__(
        self,
        xp: Arrays,
        shape: Sequence[int],
        ksize: Sequence[int],
        strides: Sequence[int],
        padding: str,
        form: str,
    ) -> None:
        if len(shape) != len(ksize):
            if len(ksize) == 5:
                raise refused("tensor_in must be 5-dimensional")
            raise refused(
                "tensor_in_shape must have 2 spatial dimensions. "
                f"{len(shape)} {int(channels_first(form))}"
            )
        for what in (ksize, strides):
            if what[0] != 1:
                raise UnimplementedError(
                    None, None, "Pooling is not yet supported on the batch dimension."
                )
        self.ksize, self.strides = spatial(ksize, form), spatial(strides, form)
        self.depth = batch_and_depth(ksize, form)[1]
        self.depth_stride = batch_and_depth(strides, form)[1]
        ones = (1,) * len(self.ksize)
        sizes = shape[1:-1]
        around = run_padding(xp, sizes, self.ksize, self.strides, ones, padding)
        parts, _, self.padding = reaching_in(
            sizes, self.ksize, self.strides, around, ones
        )
        self.ksize = [part.stop - part.start for part in parts]

    @property
    def arguments(
        self,
    ) -> tuple[
        Sequence[int | Sequence[int]],
        Sequence[int | Sequence[int]],
        Sequence[int | Sequence[int]],
    ]:
        """What xp's functions take after their arrays."""
        return self.ksize, self.strides, self.padding

    def only_space(
        self, what: str
    ) -> tuple[
        Sequence[int | Sequence[int]],
        Sequence[int | Sequence[int]],
        Sequence[int | Sequence[int]],
    ]:
        """As `arguments`.

        Raises:
          UnimplementedError: a window reaches over several channels.
        """
        if self.depth != 1 or self.depth_stride != 1:
            raise UnimplementedError(
                None, None, f"{what} is not yet supported on the depth dimension."
            )
        return self.arguments


_ONE_OR_OTHER = (
    "MaxPooling supports exactly one of pooling across depth or pooling across "
    "width/height."
)


def _depthwise(xp: Arrays, x: Array, w: _Windows) -> Array:
    """The maximum over runs of channels, which take no window in space."""
    if any(k != 1 for k in w.ksize):
        raise UnimplementedError(None, None, _ONE_OR_OTHER)
    channels = x.shape[-1]
    text = "Depthwise max pooling requires the depth window to"
    if channels % w.depth:
        raise UnimplementedError(None, None, f"{text} evenly divide the input depth")
    if w.depth_stride != w.depth:
        raise UnimplementedError(None, None, f"{text} equal the depth stride")
    return xp.max(x.reshape(*x.shape[:-1], channels // w.depth, w.depth), -1)


def _max(
    xp: Arrays,
    x: Array,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    form: str,
) -> Array:
    x = channels_last(xp, x, form)
    w = _Windows(xp, x.shape, ksize, strides, padding, form)
    if w.depth != 1:
        y = _depthwise(xp, x, w)
    else:
        y = xp.max_pool(x, *w.arguments)
        usable = _without_nan(xp, x, y)
        if usable is not x:
            y = xp.max_pool(usable, *w.arguments)
    return as_given(xp, y, form)


def _max_grad(
    xp: Arrays,
    x: Array,
    y: Array,
    dy: Array,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    form: str,
) -> Array:
    x, y, dy = (channels_last(xp, a, form) for a in (x, y, dy))
    w = _Windows(xp, x.shape, ksize, strides, padding, form)
    _check_grad(dy, y, "out_backprop")
    x = _without_nan(xp, x, y)
    ties = "all" if x.ndim == 5 else "first"
    arguments = w.only_space("MaxPoolingGrad")
    return as_given(xp, xp.max_pool_grad(x, y, dy, *arguments, ties=ties), form)


def _without_nan(xp: Arrays, x: Array, y: Array | None = None) -> Array:
    """x with what wins in no window for NaN.

    In two dimensions that is the lowest finite number, also for what is below it.

    Args:
      xp: the array namespace.
      x: what is pooled.
      y: what the windows give as x is: where nothing is changed, NumPy is spared that.
    """
    if x.dtype.kind in "iu":
        return x
    limit = x.dtype.type(-np.inf) if x.ndim == 5 else furthest(x.dtype, False)
    if xp.name == "numpy" and y is not None and (y > limit).all():
        return x
    return xp.where(x > limit, x, limit)


def _check_grad(given: Array, like: Array, name: str) -> None:
    if tuple(given.shape) != tuple(like.shape):
        want = ",".join(map(str, like.shape))
        raise refused(
            f"Expected {name} shape to be [{want}], but got "
            f"[{','.join(map(str, given.shape))}]"
        )


def _max_grad_grad(
    xp: Arrays,
    x: Array,
    y: Array,
    dz: Array,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    form: str,
) -> Array:
    x, y, dz = (channels_last(xp, a, form) for a in (x, y, dz))
    x = _without_nan(xp, x, y)
    w = _Windows(xp, x.shape, ksize, strides, padding, form)
    arguments = w.only_space("MaxPoolingGradGrad")
    return as_given(xp, xp.max_pool_grad_grad(x, y, dz, *arguments), form)


# ---------------------------------------------------------------------- mean


def _same_windows(n: Operation) -> dict[str, Any]:
    """The attributes that a pooling and its backward ops share."""
    names = ("ksize", "strides", "padding", "data_format", "include_batch_in_index")
    return {name: n.attrs[name] for name in names if name in n.attrs}


def _mean_rule(backward: str) -> Rule:
    def back(n: Operation, dy: Tensor) -> Tensor:
        return getattr(F, backward)(F.Shape(n.inputs[0]), dy, **_same_windows(n))

    return rule("x̄ = Σ over windows of ȳ / (their size)", back)


def _mean_grad_rule(forward: str) -> Rule:
    def back(n: Operation, dz: Tensor) -> Tensor:
        return getattr(F, forward)(dz, **_same_windows(n))

    return rule("ḡ = mean of each window of z̄", back)


@op(
    "AvgPool",
    infer=by_attributes("AvgPool"),
    math="y = mean of each window of x",
    grad=dict(value=_mean_rule("AvgPoolGrad")),
)
@op(
    "AvgPool3D",
    infer=by_attributes("Pool3D"),
    math="y = mean of each window of x",
    grad=dict(input=_mean_rule("AvgPool3DGrad")),
)
def avg_pool_kernel(
    xp: Arrays,
    x: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
) -> Array:
    """The mean of each window; padding does not count."""
    x = channels_last(xp, x, data_format)
    w = _Windows(xp, x.shape, ksize, strides, padding, data_format)
    if w.depth != 1 or w.depth_stride != 1:
        raise UnimplementedError(None, None, _ONE_OR_OTHER)
    return as_given(xp, xp.avg_pool(x, *w.arguments), data_format)


@op(
    "AvgPoolGrad",
    infer=shape_held(0, 4),
    math="z = Σ over windows of g / (their size)",
    static="orig_input_shape",
    grad=dict(grad=_mean_grad_rule("AvgPool")),
)
@op(
    "AvgPool3DGrad",
    infer=shape_held(0, 5),
    math="z = Σ over windows of g / (their size)",
    static="orig_input_shape",
    grad=dict(grad=_mean_grad_rule("AvgPool3D")),
)
def avg_pool_grad_kernel(
    xp: Arrays,
    sizes: Array,
    dy: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
) -> Array:
    """The backward pass of AvgPool and AvgPool3D."""
    shape = last_shape(sizes, data_format)
    w = _Windows(xp, shape, ksize, strides, padding, data_format)
    dy = channels_last(xp, dy, data_format)
    return as_given(xp, xp.avg_pool_grad(shape, dy, *w.arguments), data_format)


# ---------------------------------------------------------------------- maximum


def _max_rules(backward: str) -> dict[str, Any]:
    def back(n: Operation, dy: Tensor) -> Tensor:
        return getattr(F, backward)(n.inputs[0], n.out, dy, **_same_windows(n))

    return dict(input=rule("x̄ = Σ of ȳ where x = y, the window's maximum", back))


def _max_grad_rules(forward: str) -> dict[str, Any]:
    """MaxPoolGrad selects by x and y, and is linear in its third input."""

    def back(n: Operation, dz: Tensor) -> Tensor:
        x, y = n.inputs[:2]
        return getattr(F, forward)(x, y, dz, **_same_windows(n))

    return dict(
        orig_input=rule("x̄ = 0", lambda n, dz: zeros_of(n, 0)),
        orig_output=rule("ȳ = 0", lambda n, dz: zeros_of(n, 1)),
        grad=rule("ḡ = z̄ where x = y, the window's maximum", back),
    )


@op(
    "MaxPool",
    infer=by_attributes("MaxPool"),
    math="y = max of each window of x",
    grad=_max_rules("MaxPoolGrad"),
)
@op(
    "MaxPool3D",
    infer=by_attributes("Pool3D"),
    math="y = max of each window of x",
    grad=_max_rules("MaxPool3DGrad"),
)
def max_pool_kernel(
    xp: Arrays,
    x: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
) -> Array:
    """The largest element of each window; in two dimensions also over channels."""
    return _max(xp, x, ksize, strides, padding, data_format)


@op(
    "MaxPoolGrad",
    infer=_unchanged(4),
    math="z = Σ of g where x = y, the window's maximum",
    grad=_max_grad_rules("MaxPoolGradGrad"),
)
@op(
    "MaxPool3DGrad",
    infer=_unchanged(5),
    math="z = Σ of g where x = y, the window's maximum",
    grad=_max_grad_rules("MaxPool3DGradGrad"),
)
def max_pool_grad_kernel(
    xp: Arrays,
    x: Array,
    y: Array,
    dy: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
) -> Array:
    """The backward pass of MaxPool and MaxPool3D.

    Of equal maxima of a window the first gets all of ȳ; in three dimensions each does.
    """
    return _max_grad(xp, x, y, dy, ksize, strides, padding, data_format)


@op(
    "MaxPoolGradGrad",
    infer=_checked(by_attributes("MaxPool"), 2, 1),
    math="z = g where x = y, the window's first maximum",
    grad=_max_grad_rules("MaxPoolGrad"),
)
@op(
    "MaxPool3DGradGrad",
    infer=_checked(by_attributes("Pool3D"), 2, 1),
    math="z = g where x = y, the window's first maximum",
    grad=_max_grad_rules("MaxPool3DGrad"),
)
def max_pool_grad_grad_kernel(
    xp: Arrays,
    x: Array,
    y: Array,
    dz: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
) -> Array:
    """The backward pass of MaxPoolGrad with respect to what it hands back."""
    return _max_grad_grad(xp, x, y, dz, ksize, strides, padding, data_format)


# ---------------------------------------------------------------------- by inputs


def _like_forward(n: Operation) -> dict[str, Any]:
    return {name: n.attrs[name] for name in ("padding", "data_format")}


def _window_list(values: Array, name: str) -> list[int]:
    """A window given as an input.

    Raises:
      InvalidArgumentError: it does not have four numbers.
    """
    if len(values) != 4:
        text = f"Sliding window {name} field must specify 4 dimensions"
        raise refused(text)
    return [int(v) for v in values]


@op(
    "MaxPoolV2",
    infer=_by_inputs,
    math="y = max of each window of x",
    static=("ksize", "strides"),
    grad=dict(
        input=rule(
            "x̄ = Σ of ȳ where x = y, the window's first maximum",
            lambda n, dy: F.MaxPoolGradV2(
                n.inputs[0], n.out, dy, *n.inputs[1:], **_like_forward(n)
            ),
        )
    ),
)
def max_pool_v2_kernel(
    xp: Arrays,
    x: Array,
    ksize: Array,
    strides: Array,
    *,
    padding: str,
    data_format: str,
) -> Array:
    """MaxPool with the windows as inputs."""
    sizes, steps = _window_list(ksize, "ksize"), _window_list(strides, "stride")
    return _max(xp, x, sizes, steps, padding, data_format)


def _v2_rules(forward: str) -> dict[str, Any]:
    def back(n: Operation, dz: Tensor) -> Tensor:
        x, y, _, *sizes = n.inputs
        return getattr(F, forward)(x, y, dz, *sizes, **_like_forward(n))

    return {
        **_max_grad_rules(forward),
        "grad": rule("ḡ = z̄ where x = y, the window's maximum", back),
    }


@op(
    "MaxPoolGradV2",
    infer=_unchanged(4),
    math="z = Σ of g where x = y, the window's first maximum",
    static=("ksize", "strides"),
    grad=_v2_rules("MaxPoolGradGradV2"),
)
def max_pool_grad_v2_kernel(
    xp: Arrays,
    x: Array,
    y: Array,
    dy: Array,
    ksize: Array,
    strides: Array,
    *,
    padding: str,
    data_format: str,
) -> Array:
    """The backward pass of MaxPoolV2."""
    sizes, steps = _window_list(ksize, "ksize"), _window_list(strides, "strides")
    return _max_grad(xp, x, y, dy, sizes, steps, padding, data_format)


@op(
    "MaxPoolGradGradV2",
    infer=_checked(_by_inputs, 2, 1),
    math="z = g where x = y, the window's first maximum",
    static=("ksize", "strides"),
)
def max_pool_grad_grad_v2_kernel(
    xp: Arrays,
    x: Array,
    y: Array,
    dz: Array,
    ksize: Array,
    strides: Array,
    *,
    padding: str,
    data_format: str,
) -> Array:
    """The backward pass of MaxPoolGradV2 with respect to what it hands back."""
    sizes, steps = _window_list(ksize, "ksize"), _window_list(strides, "strides")
    return _max_grad_grad(xp, x, y, dz, sizes, steps, padding, data_format)


# ---------------------------------------------------------------------- with places


def _twice(n: Operation) -> list[RawShape]:
    shape = _pooled(n, "MaxPool", n.attrs["ksize"], n.attrs["strides"])
    return [shape, shape]


@op(
    "MaxPoolWithArgmax", infer=_twice, math="y = max of each window of x; i = its place"
)
def max_pool_with_argmax_kernel(
    xp: Arrays,
    x: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    include_batch_in_index: bool,
    Targmax: np.dtype,
) -> tuple[Array, ...]:
    """The largest element of each window, and its place in the flattened image."""
    w = _Windows(xp, x.shape, ksize, strides, padding, "NHWC")
    arguments = w.only_space("MaxPoolWithArgmax")
    x = _without_nan(xp, x)
    y, where = xp.max_pool_argmax(x, *arguments, include_batch=include_batch_in_index)
    return y, xp.cast(where, Targmax)


@gradient("MaxPoolWithArgmax", input="x̄ = Σ of ȳ where x = y, the window's maximum")
def _with_argmax_gradient(n: Operation, dy: Tensor, dwhere: Tensor | None) -> Tensor:
    del dwhere
    return F.MaxPoolGradWithArgmax(n.inputs[0], dy, n.outputs[1], **_same_windows(n))


def _flat_places(xp: Arrays, where: Array, x: Array, include_batch: bool) -> Array:
    """Places in flattened x, from places that may count within each image only."""
    where = xp.cast(where, xp.int64)
    if include_batch:
        return where.reshape(-1)
    images = xp.arange(x.shape[0], dtype=xp.int64) * prod(x.shape[1:])
    return (where + images[:, None, None, None]).reshape(-1)


@op(
    "MaxPoolGradWithArgmax",
    infer=_unchanged(4),
    math="z = Σ of g at the places i",
)
def max_pool_grad_with_argmax_kernel(
    xp: Arrays, x: Array, dy: Array, where: Array, *, include_batch_in_index: bool
) -> Array:
    """The backward pass of MaxPoolWithArgmax."""
    places = _flat_places(xp, where, x, include_batch_in_index)
    return xp.segment_sum(dy.reshape(-1), places, prod(x.shape)).reshape(x.shape)


@op(
    "MaxPoolGradGradWithArgmax",
    infer=_checked(by_attributes("MaxPool"), 1, 2),
    math="z = g at the places i",
)
def max_pool_grad_grad_with_argmax_kernel(
    xp: Arrays, x: Array, dz: Array, where: Array, *, include_batch_in_index: bool
) -> Array:
    """The backward pass of MaxPoolGradWithArgmax with respect to what it hands back."""
    places = _flat_places(xp, where, x, include_batch_in_index)
    return xp.gather(dz.reshape(-1), places).reshape(where.shape)
