"""Convolutions in two and three dimensions, and by channel, with their backward ops.

y[n, p, o] = Σ_{k, c} x[n, p·stride + k·dilation − padding, c] f[k, c, o]. It is linear
in the input and in the filter, so each of the three ops of a family (forward, with
respect to the input, to the filter) has the other two as its derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.declare import F, Rule, gradient, op, rule
from retrograd.ops.infer import invalid, same_dim, shape_text, with_rank
from retrograd.ops.nn.window import (
    arranged,
    as_given,
    batch_and_depth,
    channels_last,
    check_int32,
    check_rank,
    check_room,
    explicit_pairs,
    last_shape,
    reaching_in,
    run_padding,
    shape_held,
    spatial,
    windows,
)
from retrograd.ops.traits import Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- shapes


def _check_lengths(n: Operation, rank: int, *, strides_say: str) -> None:
    check_int32(n, "dilations", "strides")
    what = f"Conv{rank - 2}D"
    for name, values, start in (
        ("dilation", n.attrs["dilations"], what),
        ("stride", n.attrs["strides"], strides_say),
    ):
        if len(values) != rank:
            raise invalid(
                n,
                f"{start} requires the {name} attribute to contain {rank} values, but "
                f"got: {len(values)}",
            )


def _check_depths(
    n: Operation, depth: int | None, inner: int | None, out: int | None
) -> None:
    """The input's channels must be as many as the filter's, or a multiple: groups."""
    if depth is None or inner is None:
        return
    if inner == 0 or depth % inner:
        raise invalid(
            n,
            f"Depth of input ({depth}) is not a multiple of input depth of filter "
            f"({inner})",
        )
    groups = depth // inner
    if out is not None and groups and out % groups:
        raise invalid(
            n,
            f"Depth of output ({out}) is not a multiple of the number of groups "
            f"({groups})",
        )


def _check_explicit(n: Operation, data_format: str) -> None:
    paddings = n.attrs["explicit_paddings"]
    if n.attrs["padding"] != "EXPLICIT":
        if paddings:
            raise invalid(
                n,
                "explicit_paddings attribute must be empty if the padding attribute is "
                "not EXPLICIT",
            )
        return
    if len(paddings) != 8:
        raise invalid(
            n,
            "explicit_paddings attribute must contain 8 values, but got: "
            f"{len(paddings)}",
        )
    if min(paddings) < 0:
        raise invalid(n, "All elements of explicit_paddings must be nonnegative")
    pairs = list(zip(paddings[::2], paddings[1::2], strict=True))
    if any(any(pair) for pair in batch_and_depth(pairs, data_format)):
        raise invalid(
            n,
            "Nonzero explicit padding in the batch or depth dimensions is not "
            "supported",
        )


def convolved(rank: int) -> Callable[[Operation], RawShape]:
    """The shape rule of a convolution of arrays with `rank` dimensions."""

    def infer(n: Operation) -> RawShape:
        data_format = n.attrs.get("data_format", "NHWC")
        x, f = with_rank(n, 0, rank), with_rank(n, 1, rank)
        on = f" on data format {data_format}" if rank == 4 else ""
        _check_lengths(n, rank, strides_say=f"Conv{rank - 2}D{on}")
        batch, depth = batch_and_depth(x, data_format)
        _check_depths(n, depth, f[-2], f[-1])
        around = [(0, 0)] * (rank - 2)
        if "explicit_paddings" in n.attrs:
            _check_explicit(n, data_format)
            if n.attrs["padding"] == "EXPLICIT":
                around = explicit_pairs(n.attrs["explicit_paddings"], data_format)
        strides, dilations = (
            spatial(n.attrs[name], data_format) for name in ("strides", "dilations")
        )
        each = zip(
            spatial(x, data_format), f[:-2], strides, dilations, around, strict=True
        )
        inner = [
            windows(n, size, k, s, n.attrs["padding"], d, pad)
            for size, k, s, d, pad in each
        ]
        return arranged(batch, inner, f[-1], data_format)

    return infer


def _by_channel(n: Operation) -> RawShape:
    """The shape rule of a convolution that keeps channels apart."""
    data_format, strides = n.attrs["data_format"], n.attrs["strides"]
    x, f = with_rank(n, 0, 4), with_rank(n, 1, 4)
    check_int32(n, "strides", "dilations")
    if len(strides) != 4:
        raise invalid(
            n,
            "DepthwiseConv2D requires the stride attribute to contain 4 values, but "
            f"got: {len(strides)}",
        )
    batch, depth = batch_and_depth(x, data_format)
    depth = same_dim(n, depth, f[2])
    dilations = spatial(n.attrs["dilations"], data_format)
    each = zip(
        spatial(x, data_format),
        f[:2],
        spatial(strides, data_format),
        dilations,
        strict=True,
    )
    inner = [
        windows(n, size, k, s, n.attrs["padding"], dilation=d) for size, k, s, d in each
    ]
    out = None if depth is None or f[3] is None else depth * f[3]
    return arranged(batch, inner, out, data_format)


# ---------------------------------------------------------------------- running


def _geometry(
    xp: Arrays,
    shape: Sequence[int],
    filter_shape: Sequence[int],
    *,
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
    data_format: str,
    explicit_paddings: Sequence[int] = (),
) -> dict[str, Any]:
    """The keyword arguments of xp's convolutions; `shape` has the channels last.

    Raises:
      InvalidArgumentError: a stride or dilation over the batch or the channels.
    """
    for name, values in (("strides", strides), ("dilations", dilations)):
        if batch_and_depth(values, data_format) != (1, 1):
            raise refused(
                f"Current implementation does not yet support {name} in the batch and "
                "depth dimensions."
            )
    strides, dilations = spatial(strides, data_format), spatial(dilations, data_format)
    if padding == "EXPLICIT":
        around = explicit_pairs(explicit_paddings, data_format)
        each = zip(shape[1:-1], filter_shape[:-2], strides, dilations, strict=True)
        check_room(list(each), around)
    else:
        around = run_padding(
            xp, shape[1:-1], filter_shape[:-2], strides, dilations, padding
        )
    return dict(strides=strides, padding=around, dilations=dilations)


def _reached(
    shape: Sequence[int], ksize: Sequence[int], how: Mapping[str, Any]
) -> tuple[list[slice], dict[str, Any]]:
    """The part of a filter that meets the input, and how it is convolved with that.

    A dilation may be so wide that most of the filter only meets padding.
    """
    parts, dilations, around = reaching_in(
        shape[1:-1], ksize, how["strides"], how["padding"], how["dilations"]
    )
    return parts, dict(how, dilations=dilations, padding=around)


def _put_back(
    xp: Arrays, df: Array, parts: Sequence[slice], ksize: Sequence[int]
) -> Array:
    """The derivative for a whole filter: 0 where it only meets padding."""
    if tuple(df.shape[: len(parts)]) == tuple(ksize):
        return df
    around = [(p.start, k - p.stop) for p, k in zip(parts, ksize, strict=True)]
    return xp.pad(df, [*around, (0, 0), (0, 0)])


def _groups(channels: int, filter_shape: Sequence[int]) -> int:
    inner = filter_shape[-2]
    if not inner or channels % inner:
        raise refused(
            f"input depth must be evenly divisible by filter depth: {channels} vs "
            f"{inner}"
        )
    return channels // inner


def _check_ranks(x: Array, f: Array, rank: int) -> None:
    """Refuse inputs of another rank.

    Raises:
      InvalidArgumentError: one has.
    """
    shown = (shape_text(x.shape), shape_text(f.shape)) if rank == 4 else ("", "")
    check_rank(x, rank, f"input must be {rank}-dimensional{shown[0]}")
    check_rank(f, rank, f"filter must be {rank}-dimensional: {shown[1]}".rstrip(": "))


def _check_backprop(
    title: str,
    shape: Sequence[int],
    filter_shape: Sequence[int],
    dy: Array,
    how: Mapping[str, Any],
) -> None:
    """Whether dy has the shape that the convolution gives; all channels last."""
    rank = len(shape)
    for name, found in (("filter", len(filter_shape)), ("out_backprop", dy.ndim)):
        if found != rank:
            raise refused(f"{title}: {name} must be {rank}-dimensional")
    if shape[0] != dy.shape[0]:
        raise refused(
            f"{title}: input and out_backprop must have the same batch size input "
            f"batch: {shape[0]} outbackprop batch: {dy.shape[0]}"
        )
    each = zip(
        shape[1:-1],
        filter_shape[:-2],
        how["strides"],
        how["padding"],
        how["dilations"],
        dy.shape[1:-1],
        strict=True,
    )
    for axis, (size, k, s, pad, d, found) in enumerate(each, 1):
        want = max((size + sum(pad) - (k - 1) * d - 1) // s + 1, 0)
        if want != found:
            raise refused(
                f"{title}: Size of out_backprop doesn't match computed: actual = "
                f"{found}, computed = {want} spatial_dim: {axis} input: {size} filter: "
                f"{k} output: {found} stride: {s} dilation: {d}"
            )


def _check_out(title: str, filter_shape: Sequence[int], dy: Array) -> None:
    if filter_shape[-1] != dy.shape[-1]:
        raise refused(f"{title}: filter and out_backprop must have the same out_depth")


def _forward(xp: Arrays, x: Array, f: Array, **attrs: Any) -> Array:
    data_format = attrs["data_format"]
    _check_ranks(x, f, len(data_format))
    x = channels_last(xp, x, data_format)
    how = _geometry(xp, x.shape, f.shape, **attrs)
    groups = _groups(x.shape[-1], f.shape)
    parts, how = _reached(x.shape, f.shape[:-2], how)
    return as_given(xp, xp.conv(x, f[*parts], **how, groups=groups), data_format)


def _title(data_format: str, two: str, three: str) -> str:
    """How TensorFlow's kernel calls itself in errors."""
    return two if len(data_format) == 4 else three


def _to_input(xp: Arrays, sizes: Array, f: Array, dy: Array, **attrs: Any) -> Array:
    data_format = attrs["data_format"]
    title = _title(data_format, "Conv2DCustomBackpropInput", "Conv3DBackpropInputOp")
    shape, dy = last_shape(sizes, data_format), channels_last(xp, dy, data_format)
    how = _geometry(xp, shape, f.shape, **attrs)
    groups = _groups(shape[-1], f.shape)
    _check_backprop(title, shape, f.shape, dy, how)
    _check_out(title, f.shape, dy)
    parts, how = _reached(shape, f.shape[:-2], how)
    dx = xp.conv_input_grad(shape, f[*parts], dy, **how, groups=groups)
    return as_given(xp, dx, data_format)


def _to_filter(xp: Arrays, x: Array, sizes: Array, dy: Array, **attrs: Any) -> Array:
    data_format = attrs["data_format"]
    title = _title(data_format, "Conv2DCustomBackpropFilter", "Conv3DBackpropFilterOp")
    x, dy = (channels_last(xp, a, data_format) for a in (x, dy))
    filter_shape = tuple(int(size) for size in sizes)
    how = _geometry(xp, x.shape, filter_shape, **attrs)
    groups = _groups(x.shape[-1], filter_shape)
    _check_backprop(title, x.shape, filter_shape, dy, how)
    _check_out(title, filter_shape, dy)
    parts, how = _reached(x.shape, filter_shape[:-2], how)
    kept = (*(p.stop - p.start for p in parts), *filter_shape[-2:])
    df = xp.conv_filter_grad(x, kept, dy, **how, groups=groups)
    return _put_back(xp, df, parts, filter_shape[:-2])


def _by_channel_forward(xp: Arrays, x: Array, f: Array, **attrs: Any) -> Array:
    data_format = attrs["data_format"]
    _check_ranks(x, f, 4)
    x = channels_last(xp, x, data_format)
    how = _geometry(xp, x.shape, f.shape, **attrs)
    _check_channels(x.shape, f.shape)
    parts, how = _reached(x.shape, f.shape[:-2], how)
    return as_given(xp, xp.depthwise_conv(x, f[*parts], **how), data_format)


def _check_channels(shape: Sequence[int], filter_shape: Sequence[int]) -> None:
    if shape[-1] != filter_shape[2]:
        raise refused(
            f"input and filter must have the same depth: {shape[-1]} vs "
            f"{filter_shape[2]}"
        )


def _by_channel_to_input(
    xp: Arrays, sizes: Array, f: Array, dy: Array, **attrs: Any
) -> Array:
    data_format = attrs["data_format"]
    shape, dy = last_shape(sizes, data_format), channels_last(xp, dy, data_format)
    how = _geometry(xp, shape, f.shape, **attrs)
    _check_channels(shape, f.shape)
    _check_backprop("DepthwiseConv2DBackpropInput", shape, f.shape, dy, how)
    parts, how = _reached(shape, f.shape[:-2], how)
    dx = xp.depthwise_conv_input_grad(shape, f[*parts], dy, **how)
    return as_given(xp, dx, data_format)


def _by_channel_to_filter(
    xp: Arrays, x: Array, sizes: Array, dy: Array, **attrs: Any
) -> Array:
    data_format = attrs["data_format"]
    x, dy = (channels_last(xp, a, data_format) for a in (x, dy))
    filter_shape = tuple(int(size) for size in sizes)
    how = _geometry(xp, x.shape, filter_shape, **attrs)
    _check_channels(x.shape, filter_shape)
    _check_backprop("DepthwiseConv2DBackpropFilter", x.shape, filter_shape, dy, how)
    parts, how = _reached(x.shape, filter_shape[:-2], how)
    kept = (*(p.stop - p.start for p in parts), *filter_shape[-2:])
    df = xp.depthwise_conv_filter_grad(x, kept, dy, **how)
    return _put_back(xp, df, parts, filter_shape[:-2])


# ---------------------------------------------------------------------- derivatives

_FORWARD = Traits(multilinear=("input", "filter"), whole=True)
_TO_INPUT = Traits(multilinear=("filter", "out_backprop"), whole=True)
_TO_FILTER = Traits(multilinear=("input", "out_backprop"), whole=True)

_SHARED = (
    "strides",
    "padding",
    "explicit_paddings",
    "use_cudnn_on_gpu",
    "data_format",
    "dilations",
)


def _shared(n: Operation) -> dict[str, Any]:
    """The attributes that the three ops of a family have in common."""
    return {name: n.attrs[name] for name in _SHARED if name in n.attrs}


def _separate_shapes(x: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    return sizes_of(x), sizes_of(f)


class _Family:
    """Three ops that are each other's derivatives, by op type."""

    def __init__(
        self, forward: str, to_input: str, to_filter: str, shapes: Callable[..., Any]
    ) -> None:
        self.forward = getattr(F, forward)
        self.to_input = getattr(F, to_input)
        self.to_filter = getattr(F, to_filter)
        self.shapes = shapes

    def of_forward(
        self, n: Operation, dy: Tensor, *, wanted: Sequence[bool]
    ) -> list[Tensor | None]:
        """x̄ and f̄ of y = x ⋆ f."""
        x, f = n.inputs
        x_sizes, f_sizes = self.shapes(x, f)
        to_x, to_f = wanted
        return [
            self.to_input(x_sizes, f, dy, **_shared(n)) if to_x else None,
            self.to_filter(x, f_sizes, dy, **_shared(n)) if to_f else None,
        ]

    def declare_forward_rule(self) -> None:
        """Register `of_forward`."""
        declare = gradient(
            self.forward.__name__, input="x̄ = ȳ ⋆ flip(f)", filter="f̄ = x ⋆ ȳ"
        )
        declare(self.of_forward)

    def of_to_input(self) -> dict[str, Rule]:
        """The rules of x̄ = to_input(sizes, f, ȳ)."""

        def filter_rule(n: Operation, dx: Tensor) -> Tensor:
            _, f, dy = n.inputs
            return self.to_filter(dx, sizes_of(f), dy, **_shared(n))

        def dy_rule(n: Operation, dx: Tensor) -> Tensor:
            return self.forward(dx, n.inputs[1], **_shared(n))

        return dict(
            filter=rule("f̄ = z̄ ⋆ g", filter_rule),
            out_backprop=rule("ḡ = z̄ ⋆ f", dy_rule),
        )

    def of_to_filter(self) -> dict[str, Rule]:
        """The rules of f̄ = to_filter(x, sizes, ȳ)."""

        def input_rule(n: Operation, df: Tensor) -> Tensor:
            x, _, dy = n.inputs
            return self.to_input(sizes_of(x), df, dy, **_shared(n))

        def dy_rule(n: Operation, df: Tensor) -> Tensor:
            return self.forward(n.inputs[0], df, **_shared(n))

        return dict(
            input=rule("x̄ = g ⋆ flip(z̄)", input_rule),
            out_backprop=rule("ḡ = x ⋆ z̄", dy_rule),
        )


_two = _Family(
    "Conv2D",
    "Conv2DBackpropInput",
    "Conv2DBackpropFilter",
    lambda x, f: F.ShapeN([x, f]),
)
_three = _Family(
    "Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2", _separate_shapes
)
_channel = _Family(
    "DepthwiseConv2dNative",
    "DepthwiseConv2dNativeBackpropInput",
    "DepthwiseConv2dNativeBackpropFilter",
    _separate_shapes,
)

# ---------------------------------------------------------------------- ops


@op(
    "Conv2D",
    infer=convolved(4),
    math="y = x ⋆ f",
    traits=_FORWARD,
)
def conv2d_kernel(
    xp: Arrays,
    x: Array,
    f: Array,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int],
) -> Array:
    """The convolution of images with a filter [height, width, in, out]."""
    return _forward(
        xp,
        x,
        f,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
    )


@op(
    "Conv2DBackpropInput",
    infer=shape_held(0, 4),
    math="z = g ⋆ flip(f)",
    static="input_sizes",
    grad=_two.of_to_input(),
    traits=_TO_INPUT,
)
def conv2d_backprop_input_kernel(
    xp: Arrays,
    sizes: Array,
    f: Array,
    dy: Array,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int],
) -> Array:
    """The derivative of Conv2D with respect to its input."""
    return _to_input(
        xp,
        sizes,
        f,
        dy,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
    )


@op(
    "Conv2DBackpropFilter",
    infer=shape_held(1, 4),
    math="z = x ⋆ g",
    static="filter_sizes",
    grad=_two.of_to_filter(),
    traits=_TO_FILTER,
)
def conv2d_backprop_filter_kernel(
    xp: Arrays,
    x: Array,
    sizes: Array,
    dy: Array,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int],
) -> Array:
    """The derivative of Conv2D with respect to its filter."""
    return _to_filter(
        xp,
        x,
        sizes,
        dy,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
    )


_two.declare_forward_rule()


def _plain(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that takes the attributes of ops without explicit paddings."""

    def run(
        xp: Arrays,
        *inputs: Array,
        strides: Sequence[int],
        padding: str,
        data_format: str,
        dilations: Sequence[int],
    ) -> Array:
        return kernel(
            xp,
            *inputs,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilations=dilations,
        )

    run.__doc__ = kernel.__doc__
    return run


def _declare(
    family: _Family,
    kernels: Sequence[Callable[..., Any]],
    infer: Callable[[Operation], RawShape],
    rank: int,
) -> None:
    """Declare the three ops of a family that has no explicit paddings."""
    forward, to_input, to_filter = (_plain(kernel) for kernel in kernels)
    op(
        family.forward.__name__,
        infer=infer,
        math="y = x ⋆ f",
        traits=_FORWARD,
    )(forward)
    family.declare_forward_rule()
    op(
        family.to_input.__name__,
        infer=shape_held(0, rank),
        math="z = g ⋆ flip(f)",
        static="input_sizes",
        grad=family.of_to_input(),
        traits=_TO_INPUT,
    )(to_input)
    op(
        family.to_filter.__name__,
        infer=shape_held(1, rank),
        math="z = x ⋆ g",
        static="filter_sizes",
        grad=family.of_to_filter(),
        traits=_TO_FILTER,
    )(to_filter)


_declare(_three, (_forward, _to_input, _to_filter), convolved(5), 5)
_declare(
    _channel,
    (_by_channel_forward, _by_channel_to_input, _by_channel_to_filter),
    _by_channel,
    4,
)
