"""Ops: parts of images, resized; and their derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd import dtypes
from retrograd.errors import OutOfRangeError
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.shape import shape as shape_of
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, op
from retrograd.ops.infer import invalid, like, same_dim, shape_text, with_rank
from retrograd.ops.static import constant, constant_as_shape

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays, Gradient


def _crops(n: Operation) -> RawShape:
    """[boxes, height, width, channels]."""
    image = with_rank(n, 0, 4)
    boxes, four = with_rank(n, 1, 2)
    (count,) = with_rank(n, 2, 1)
    if four not in (None, 4):
        raise invalid(n, f"Dimension must be 4 but is {four}")
    size = constant(n._inputs[3])
    known = (None, None) if size is None else map(int, size)
    return (same_dim(n, boxes, count), *known, image[3])


def _check(x: Array, boxes: Array, which: Array, size: Array) -> tuple[int, int]:
    """The height and width of the crops.

    Raises:
      InvalidArgumentError: shapes or sizes that make no sense.
    """
    if x.ndim != 4:
        raise refused(f"input image must be 4-D{shape_text(x.shape)}")
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        text = "have 4 columns" if boxes.ndim == 2 else "be 2-D"
        raise refused(f"boxes must {text}")
    if which.shape != boxes.shape[:1]:
        raise refused("box_index has incompatible shape")
    if np.shape(size) != (2,):
        raise refused(f"crop_size must have two elements{shape_text(size.shape)}")
    height, width = (int(s) for s in size)
    if height <= 0 or width <= 0:
        raise refused("crop dimensions must be positive")
    return height, width


def _check_places(xp: Arrays, which: Array, count: int) -> None:
    xp.check(
        (which >= 0) & (which < count),
        lambda: OutOfRangeError(
            None, None, "box_index has values outside [0, batch_size)"
        ),
    )


def _along(
    xp: Arrays, first: Array, last: Array, size: int, count: int
) -> tuple[Array, Array, Array]:
    """Where `count` places between two lie on an axis; each as float32 [boxes, count].

    Returns:
      The places; how much each moves with the first; and with the last.
    """
    # in float64: a place on the edge must not come to lie beyond it by rounding, which
    # is another one in compiled code
    most, half = np.float64(size - 1), np.float64(0.5)
    first, last = xp.cast(first, np.float64), xp.cast(last, np.float64)
    if count == 1:
        share = np.full((1,), half * most)
        places = ((first + last) * (half * most))[:, None]
        by_first = by_last = share
    else:
        by_last = np.arange(count) * most / (count - 1)
        by_first = most - by_last
        places = first[:, None] * by_first + last[:, None] * by_last
    single = np.float32
    return xp.cast(places, single), by_first.astype(single), by_last.astype(single)


class _Grid:
    """The pixels of images around the places of crops, and how near they are."""

    def __init__(
        self,
        xp: Arrays,
        boxes: Array,
        which: Array,
        sizes: tuple[int, ...],
        crop: tuple[int, ...],
    ) -> None:
        height, width = sizes[1:3]
        top, left, bottom, right = (boxes[:, i] for i in range(4))
        self.rows = _along(xp, top, bottom, height, crop[0])
        self.columns = _along(xp, left, right, width, crop[1])
        y, x = self.rows[0], self.columns[0]
        inside_y = (y >= 0) & (y <= np.float32(height - 1))
        inside_x = (x >= 0) & (x <= np.float32(width - 1))
        self.inside = (inside_y[:, :, None] & inside_x[:, None, :])[..., None]
        # places outside do not count: any pixel stands for theirs
        y = xp.where(inside_y, y, np.float32(0))
        x = xp.where(inside_x, x, np.float32(0))
        self.y, self.x = y, x
        self.down = (y - xp.floor(y))[:, :, None, None]
        self.across = (x - xp.floor(x))[:, None, :, None]
        self._xp, self._sizes = xp, (height, width)
        self._base = (which.astype(np.int32) * np.int32(height))[:, None, None]

    def at(self, y: Array, x: Array) -> Array:
        """The places [boxes, height, width] among all pixels of rows and columns."""
        rows = self._base + y.astype(np.int32)[:, :, None]
        return rows * np.int32(self._sizes[1]) + x.astype(np.int32)[:, None, :]

    def nearest(self) -> Array:
        """The place of the nearest pixel."""
        half = np.float32(0.5)  # halves away from zero
        return self.at(self._xp.floor(self.y + half), self._xp.floor(self.x + half))

    def corners(self) -> list[Array]:
        """The places above left, above right, below left and below right."""
        xp = self._xp
        ys, xs = ((xp.floor(at), xp.ceil(at)) for at in (self.y, self.x))
        return [self.at(y, x) for y in ys for x in xs]

    def shares(self) -> list[Array]:
        """The shares of the corners, in their order."""
        one = np.float32(1)
        downs, across = (one - self.down, self.down), (one - self.across, self.across)
        return [down * right for down in downs for right in across]


def _crop_gradient(n: Operation, dy: Tensor) -> list[Gradient]:
    x, boxes, which, _ = n.inputs
    method = n.attrs["method"]
    by_image = None
    if x.dtype in (dtypes.float16, dtypes.float32, dtypes.float64):
        known = x.shape.is_fully_defined()
        sizes = x.shape.as_list() if known else shape_of(x)
        by_image = F.CropAndResizeGradImage(
            dy, boxes, which, sizes, T=x.dtype, method=method
        )
    # TensorFlow takes the slope between pixels whichever the method is
    return [by_image, F.CropAndResizeGradBoxes(dy, x, boxes, which), None, None]


@op(
    "CropAndResize",
    infer=_crops,
    math="y = part of x at i within the box b, of the size s",
    grad=_crop_gradient,
    notation=dict(
        image="x̄ = Σ of ȳ times the share of x",
        boxes="b̄ = Σ of ȳ times the slope of x",
        box_ind="i",
        crop_size="s",
    ),
    static="crop_size",
)
def crop_and_resize_kernel(
    xp: Arrays,
    x: Array,
    boxes: Array,
    which: Array,
    size: Array,
    *,
    method: str,
    extrapolation_value: float,
) -> Array:
    """Parts of images as float32 [boxes, height, width, channels].

    A box is (top, left, bottom, right), where 0 is the first pixel and 1 the last; what
    of it is outside of the image has `extrapolation_value`.
    """
    crop = _check(x, boxes, which, size)
    _check_places(xp, which, x.shape[0])
    grid = _Grid(xp, boxes, which, x.shape, crop)
    flat = xp.cast(x, np.float32).reshape(-1, x.shape[3])
    if method in ("nearest", b"nearest"):
        found = xp.take(flat, grid.nearest(), 0)
    else:
        upper_left, upper_right, lower_left, lower_right = (
            xp.take(flat, at, 0) for at in grid.corners()
        )
        upper = upper_left + (upper_right - upper_left) * grid.across
        lower = lower_left + (lower_right - lower_left) * grid.across
        found = upper + (lower - upper) * grid.down
    return xp.where(grid.inside, found, np.float32(extrapolation_value))


@op(
    "CropAndResizeGradImage",
    infer=lambda n: constant_as_shape(n._inputs[3]),
    math="z = Σ of g times the share of x",
    static="image_size",
)
def crop_and_resize_grad_image_kernel(
    xp: Arrays,
    dy: Array,
    boxes: Array,
    which: Array,
    sizes: Array,
    *,
    T: np.dtype,
    method: str,
) -> Array:
    """The derivative of CropAndResize for the images, which have `sizes`."""
    count, height, width, channels = (int(s) for s in sizes)
    _check_places(xp, which, count)
    grid = _Grid(xp, boxes, which, (count, height, width, channels), dy.shape[1:3])
    dy = xp.where(grid.inside, dy, np.float32(0))
    if method in ("nearest", b"nearest"):
        places, terms = [grid.nearest()], [dy]
    else:
        places, terms = grid.corners(), [dy * share for share in grid.shares()]
    total = xp.segment_sum(
        xp.cast(xp.stack(terms), T).reshape(-1, channels),
        xp.stack(places).reshape(-1),
        count * height * width,
    )
    return total.reshape(count, height, width, channels)


@op(
    "CropAndResizeGradBoxes",
    infer=like(2),
    math="z = Σ of g times the slope of x",
)
def crop_and_resize_grad_boxes_kernel(
    xp: Arrays, dy: Array, x: Array, boxes: Array, which: Array
) -> Array:
    """The derivative of CropAndResize for the boxes."""
    _check_places(xp, which, x.shape[0])
    grid = _Grid(xp, boxes, which, x.shape, dy.shape[1:3])
    flat = xp.cast(x, np.float32).reshape(-1, x.shape[3])
    upper_left, upper_right, lower_left, lower_right = (
        xp.take(flat, at, 0) for at in grid.corners()
    )
    one = np.float32(1)
    by_y = (one - grid.across) * (lower_left - upper_left) + grid.across * (
        lower_right - upper_right
    )
    by_x = (one - grid.down) * (upper_right - upper_left) + grid.down * (
        lower_right - lower_left
    )
    dy = xp.where(grid.inside, dy, np.float32(0))
    down = xp.sum(by_y * dy, axis=(2, 3))
    across = xp.sum(by_x * dy, axis=(1, 3))
    _, top, bottom = grid.rows
    _, left, right = grid.columns
    parts = [down * top, across * left, down * bottom, across * right]
    return xp.stack([xp.sum(part, axis=1) for part in parts], axis=1)


# ---------------------------------------------------------------------- glimpses


def _glimpses(n: Operation) -> RawShape:
    image = with_rank(n, 0, 4)
    batch, two = with_rank(n, 2, 2)
    same_dim(n, two, 2)
    (pair,) = with_rank(n, 1, 1)
    if pair not in (None, 2):
        raise invalid(n, f"Dimension must be 2 but is {pair}")
    size = constant(n._inputs[1])
    known = (None, None) if size is None else map(int, size)
    return (same_dim(n, image[0], batch), *known, image[3])


@op(
    "ExtractGlimpse",
    infer=_glimpses,
    math="y = parts of x at offsets",
    grad=NOT_DIFFERENTIABLE,
    host=True,
)
def extract_glimpse_kernel(
    xp: Arrays,
    x: Array,
    size: Array,
    offsets: Array,
    *,
    centered: bool,
    normalized: bool,
    uniform_noise: bool,
    noise: str,
) -> Array:
    """Parts of images around places; what is outside of them is noise, or zero.

    `noise` is `uniform`, `gaussian` or `zero`; random in every run.
    """
    del xp
    if x.ndim != 4:
        raise refused("input must be 4-dimensional")
    batch, rows, columns, channels = x.shape
    if size.shape != (2,):
        raise refused(
            "input must be a vector of size 2 (height, width)" + shape_text(size.shape)
        )
    height, width = (int(s) for s in size)
    if offsets.shape != (batch, 2):
        raise refused("offsets should be a matrix")
    kind = noise.decode() if isinstance(noise, bytes) else noise
    if uniform_noise and kind != "uniform":
        raise refused(
            "The uniform_noise and noise should not be specified at the same time"
        )
    found = _noise(kind, x, (batch, height, width, channels))
    for i in range(batch):
        top, left = (float(o) for o in offsets[i])
        if normalized:
            top, left = top * rows, left * columns
        if centered:
            top, left = top / 2 + rows / 2, left / 2 + columns / 2
        top, left = int(top - height / 2), int(left - width / 2)
        above, before = max(top, 0), max(left, 0)
        below, after = min(top + height, rows), min(left + width, columns)
        if above < below and before < after:
            part = x[i, above:below, before:after]
            found[i, above - top : below - top, before - left : after - left] = part
    return found


def _noise(kind: str, x: Array, shape: tuple[int, ...]) -> Array:
    """Random numbers like those of the images."""
    generator = np.random.default_rng()
    if kind == "zero" or not x.size:
        return np.zeros(shape, np.float32)
    if kind == "gaussian":
        drawn = generator.normal(x.mean(), x.std(), shape)
    else:
        drawn = generator.uniform(x.min(), x.max(), shape)
    return drawn.astype(np.float32)
