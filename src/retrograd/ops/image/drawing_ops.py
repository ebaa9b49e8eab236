"""Ops: boxes drawn into images, and parts of images by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import like, with_rank
from retrograd.ops.random import philox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrograd.typing import Array, Arrays

# ---------------------------------------------------------------------- drawn

#: red, green, blue and opacity of the first box, the second, …
_COLORS = np.array(
    [
        [1, 1, 0, 1],
        [0, 0, 1, 1],
        [1, 0, 0, 1],
        [0, 1, 0, 1],
        [0.5, 0, 0.5, 1],
        [0.5, 0.5, 0, 1],
        [0.5, 0, 0, 1],
        [0, 0, 0.5, 1],
        [0, 1, 1, 1],
        [1, 0, 1, 1],
    ],
    np.float32,
)


def _drawn(n: Operation) -> RawShape:
    with_rank(n, 1, 3)
    return like(0)(n)


def _draw(images: Array, boxes: Array, colors: Array) -> Array:
    """Images with the edges of boxes in the colors, one after another."""
    if images.ndim != 4:
        raise refused("The rank of the images should be 4")
    if boxes.ndim != 3:
        raise refused("The rank of the boxes tensor should be 3")
    if len(images) != len(boxes):
        raise refused("The batch sizes should be the same")
    found = np.array(images)
    height, width, channels = images.shape[1:]
    for i, j in np.ndindex(*boxes.shape[:2]):
        color = colors[j % len(colors)]
        color = (
            np.resize(color, channels) if channels > len(color) else color[:channels]
        )
        top, left, bottom, right = (
            int(np.float32(place) * np.float32(size - 1))
            for place, size in zip(
                boxes[i, j], (height, width, height, width), strict=True
            )
        )
        if bottom < top or right < left:
            continue
        if top >= height or bottom < 0 or left >= width or right < 0:
            continue
        rows = slice(max(top, 0), min(bottom, height - 1) + 1)
        columns = slice(max(left, 0), min(right, width - 1) + 1)
        for row in {top, bottom}:
            if 0 <= row < height:
                found[i, row, columns] = color
        for column in {left, right}:
            if 0 <= column < width:
                found[i, rows, column] = color
    return found


@op("DrawBoundingBoxes", infer=_drawn, grad=NOT_DIFFERENTIABLE, host=True)
def draw_bounding_boxes_kernel(xp: Arrays, images: Array, boxes: Array) -> Array:
    """Images with the edges of boxes, each in another color."""
    del xp
    channels = images.shape[-1]
    colors = _COLORS.copy()
    if channels == 1:  # the first channel alone tells no boxes apart
        colors[:, 0] = 1
    return _draw(images, boxes, colors)


@op("DrawBoundingBoxesV2", infer=_drawn, host=True)
def draw_bounding_boxes_v2_kernel(
    xp: Arrays, images: Array, boxes: Array, colors: Array
) -> Array:
    """As DrawBoundingBoxes, with the colors given, [colors, channels]."""
    del xp
    if not colors.size:
        return draw_bounding_boxes_kernel(np, images, boxes)
    return _draw(images, boxes, colors)


# ---------------------------------------------------------------------- by chance


class Part(NamedTuple):
    """A part of an image, in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    def area(self) -> int:
        """How many pixels it has."""
        return max(self.right - self.left, 0) * max(self.bottom - self.top, 0)

    def within(self, other: Part) -> Part:
        """What of it is in another."""
        return Part(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )


def _below(words: philox.Words, limit: int) -> int:
    return int(words.below(limit, 1)[0])


def _part(
    words: philox.Words,
    width: int,
    height: int,
    areas: tuple[float, float],
    ratio: float,
) -> Part | None:
    """A random part of a ratio of width to height, or None where this one is no use."""
    single = np.float32
    ratio_ = single(ratio)
    low, high = (single(a) * single(width) * single(height) for a in areas)
    tall = int(np.rint(np.sqrt(low / ratio_)))
    most = int(np.rint(np.sqrt(high / ratio_)))
    if int(np.rint(single(most) * ratio_)) > width:
        most = int(single(width + 0.5 - 1e-7) / ratio_)
        if int(np.rint(single(most) * ratio_)) > width:
            most -= 1
    most = min(most, height)
    tall = min(tall, most)
    if tall < most:
        tall += _below(words, most - tall + 1)
    wide = int(np.rint(single(tall) * ratio_))
    area = single(wide * tall)
    if area < low:
        tall += 1
        wide = int(np.rint(single(tall) * ratio_))
        area = single(wide * tall)
    if area > high:
        tall -= 1
        wide = int(np.rint(single(tall) * ratio_))
        area = single(wide * tall)
    if not (low <= area <= high and 0 < wide <= width and 0 < tall <= height):
        return None
    top = _below(words, height - tall) if tall < height else 0
    left = _below(words, width - wide) if wide < width else 0
    return Part(left, top, left + wide, top + tall)


def _covers(part: Part, boxes: list[Part], share: float) -> bool:
    """Whether a part has that share of one of the boxes."""
    if part.area() < 1:
        return False
    for box in boxes:
        if box.area() >= 1:
            covered = np.float32(part.within(box).area()) / np.float32(box.area())
            if covered >= share:
                return True
    return False


def _start(n: Operation) -> np.ndarray:
    return philox.initial_state(n.attrs["seed"], n.attrs["seed2"])


def _sampled(n: Operation) -> list[RawShape]:
    with_rank(n, 0, 1)
    with_rank(n, 1, 3)
    return [(3,), (3,), (1, 1, 4)]


def _given_boxes(boxes: Array, size: Part, use_image: bool) -> list[Part]:
    """The boxes in pixels; the whole image where there are none.

    Raises:
      InvalidArgumentError: there are none and the image may not stand for them, or one
        is not in the image.
    """
    flat = boxes.reshape(-1, 4)
    if not len(flat):
        if not use_image:
            raise refused(
                "No bounding boxes provided as input. One must enable "
                "use_image_if_no_bounding_boxes if you wish to not provide any "
                "bounding boxes."
            )
        return [size]
    found = []
    for top, left, bottom, right in flat:
        if min(top, left, bottom, right) < 0 or max(top, left, bottom, right) > 1:
            raise refused(
                f"All bounding box coordinates must be in [0.0, 1.0]: {top:g}"
            )
        if bottom <= top or right <= left:
            raise refused(
                "Bounding box coordinates must not be negative or empty: "
                f"{top:g} {left:g} {bottom:g} {right:g}"
            )
        found.append(
            Part(
                int(left * np.float32(size.right)),
                int(top * np.float32(size.bottom)),
                int(right * np.float32(size.right)),
                int(bottom * np.float32(size.bottom)),
            )
        )
    return found


def _sample(
    state: Array,
    image_size: Array,
    boxes: Array,
    least: float,
    ratios: Sequence[float],
    areas: Sequence[float],
    tries: int,
    use_image: bool,
) -> tuple[Array, ...]:
    """The state after it; where the part begins, its size, and it as a box."""
    if image_size.shape != (3,):
        raise refused(f"image_size must be of shape [3], got {image_size.shape}")
    height, width = int(image_size[0]), int(image_size[1])
    if height <= 0 or width <= 0:
        raise refused(f"image height and width must be positive, got {height} {width}")
    whole = Part(0, 0, width, height)
    given = _given_boxes(boxes, whole, use_image)
    words = philox.Words(state)
    low, high = np.float32(ratios[0]), np.float32(ratios[1])
    found = whole
    for _ in range(tries):
        drawn = philox.unit_float(words.take(1))[0]
        ratio = drawn * (high - low) + low
        part = _part(words, width, height, (areas[0], areas[1]), float(ratio))
        if part is not None and _covers(part, given, least):
            found = part
            break
    kind = image_size.dtype
    begin = np.array([found.top, found.left, 0], kind)
    size = np.array([found.bottom - found.top, found.right - found.left, -1]).astype(
        kind
    )
    box = np.array(
        [
            np.float32(found.top) / np.float32(height),
            np.float32(found.left) / np.float32(width),
            np.float32(found.bottom) / np.float32(height),
            np.float32(found.right) / np.float32(width),
        ],
        np.float32,
    )
    # as many words are taken as there might have been need of
    return philox.skip(np, state, tries), begin, size, box.reshape(1, 1, 4)


@op(
    "SampleDistortedBoundingBox",
    infer=_sampled,
    grad=NOT_DIFFERENTIABLE,
    host=True,
    state=_start,
)
def sample_distorted_bounding_box_kernel(
    xp: Arrays,
    state: Array,
    image_size: Array,
    boxes: Array,
    *,
    min_object_covered: float,
    aspect_ratio_range: Sequence[float],
    area_range: Sequence[float],
    max_attempts: int,
    use_image_if_no_bounding_boxes: bool,
) -> tuple[Array, ...]:
    """A random part of an image that holds enough of one of the boxes."""
    del xp
    return _sample(
        state,
        image_size,
        boxes,
        min_object_covered,
        aspect_ratio_range,
        area_range,
        max_attempts,
        use_image_if_no_bounding_boxes,
    )


@op(
    "SampleDistortedBoundingBoxV2",
    infer=_sampled,
    grad=NOT_DIFFERENTIABLE,
    host=True,
    state=_start,
)
def sample_distorted_bounding_box_v2_kernel(
    xp: Arrays,
    state: Array,
    image_size: Array,
    boxes: Array,
    least: Array,
    *,
    aspect_ratio_range: Sequence[float],
    area_range: Sequence[float],
    max_attempts: int,
    use_image_if_no_bounding_boxes: bool,
) -> tuple[Array, ...]:
    """As SampleDistortedBoundingBox, with the share of the box as an input."""
    del xp
    return _sample(
        state,
        image_size,
        boxes,
        float(least),
        aspect_ratio_range,
        area_range,
        max_attempts,
        use_image_if_no_bounding_boxes,
    )
