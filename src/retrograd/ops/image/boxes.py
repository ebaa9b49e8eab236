"""Boxes in images: parts of images, boxes that overlap, boxes by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.arguments import renamed
from retrograd.ops.declare import F
from retrograd.ops.random.seeds import get_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike

_NONE = float("-inf")


def crop_and_resize(
    image: TensorLike,
    boxes: TensorLike,
    box_ind: TensorLike | None = None,
    crop_size: TensorLike | None = None,
    method: str = "bilinear",
    extrapolation_value: float = 0,
    name: str | None = None,
    box_indices: TensorLike | None = None,
) -> Tensor:
    """Parts of images in one size, as float32 [boxes, height, width, channels].

    Args:
      image: [batch, height, width, channels].
      boxes: [boxes, 4]: top, left, bottom and right, between 0 and 1.
      box_ind: [boxes], the image of each.
      crop_size: the height and width of the parts.
      method: `bilinear` or `nearest`.
      extrapolation_value: for what is outside of the images.
      name: the name of the operation.
      box_indices: `box_ind` by its later name.
    """
    which = renamed("box_indices", box_indices, "box_ind", box_ind)
    return F.CropAndResize(
        image,
        boxes,
        which,
        crop_size,
        method=method,
        extrapolation_value=extrapolation_value,
        name=name,
    )


def crop_and_resize_v2(
    image: TensorLike,
    boxes: TensorLike,
    box_indices: TensorLike,
    crop_size: TensorLike,
    method: str = "bilinear",
    extrapolation_value: float = 0,
    name: str | None = None,
) -> Tensor:
    """As `crop_and_resize`."""
    return crop_and_resize(
        image, boxes, box_indices, crop_size, method, extrapolation_value, name
    )


def extract_glimpse(
    input: TensorLike,
    size: TensorLike,
    offsets: TensorLike,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    name: str | None = None,
) -> Tensor:
    """Parts of images around places; what is outside of them is noise.

    Args:
      input: float32 [batch, height, width, channels].
      size: the height and width of the parts.
      offsets: [batch, 2], the middle of each: y and x.
      centered: whether they are measured from the middle of the image, not its corner.
      normalized: whether they are shares of the image, not pixels.
      uniform_noise: whether all numbers are equally likely in the noise.
      name: the name of the operation.
    """
    return F.ExtractGlimpse(
        input,
        size,
        offsets,
        centered=centered,
        normalized=normalized,
        uniform_noise=uniform_noise,
        name=name,
    )


def extract_glimpse_v2(
    input: TensorLike,
    size: TensorLike,
    offsets: TensorLike,
    centered: bool = True,
    normalized: bool = True,
    noise: str = "uniform",
    name: str | None = None,
) -> Tensor:
    """As `extract_glimpse`; `noise` is `uniform`, `gaussian` or `zero`."""
    return F.ExtractGlimpse(
        input,
        size,
        offsets,
        centered=centered,
        normalized=normalized,
        noise=noise,
        uniform_noise=False,
        name=name,
    )


# ---------------------------------------------------------------------- suppression


def non_max_suppression(
    boxes: TensorLike,
    scores: TensorLike,
    max_output_size: TensorLike,
    iou_threshold: TensorLike = 0.5,
    score_threshold: TensorLike = _NONE,
    name: str | None = None,
) -> Tensor:
    """The places of the best boxes that do not overlap better ones too much.

    Args:
      boxes: [boxes, 4]: two opposite corners, (y₁, x₁, y₂, x₂).
      scores: [boxes].
      max_output_size: how many there are at most.
      iou_threshold: the share of two boxes in common, of what either covers, that is
        too much.
      score_threshold: the score that a box must be above.
      name: a scope for the operation.
    """
    with name_scope(name, "non_max_suppression"):
        overlap = convert_to_tensor(iou_threshold, name="iou_threshold")
        least = convert_to_tensor(score_threshold, name="score_threshold")
        return F.NonMaxSuppressionV3(boxes, scores, max_output_size, overlap, least)


def non_max_suppression_with_scores(
    boxes: TensorLike,
    scores: TensorLike,
    max_output_size: TensorLike,
    iou_threshold: TensorLike = 0.5,
    score_threshold: TensorLike = _NONE,
    soft_nms_sigma: TensorLike = 0.0,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """As `non_max_suppression`, with the scores.

    With a positive `soft_nms_sigma` a box that overlaps others loses of its score
    instead (Bodla et al. 2017).
    """
    with name_scope(name, "non_max_suppression_with_scores"):
        overlap = convert_to_tensor(iou_threshold, name="iou_threshold")
        least = convert_to_tensor(score_threshold, name="score_threshold")
        sigma = convert_to_tensor(soft_nms_sigma, name="soft_nms_sigma")
        found = F.NonMaxSuppressionV5(
            boxes,
            scores,
            max_output_size,
            overlap,
            least,
            sigma,
            pad_to_max_output_size=False,
        )
        return found[0], found[1]


def non_max_suppression_padded(
    boxes: TensorLike,
    scores: TensorLike,
    max_output_size: TensorLike,
    iou_threshold: TensorLike = 0.5,
    score_threshold: TensorLike = _NONE,
    pad_to_max_output_size: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """As `non_max_suppression`, filled up with zeros; and how many there are."""
    with name_scope(name, "non_max_suppression_padded"):
        overlap = convert_to_tensor(iou_threshold, name="iou_threshold")
        least = convert_to_tensor(score_threshold, name="score_threshold")
        return F.NonMaxSuppressionV4(
            boxes,
            scores,
            max_output_size,
            overlap,
            least,
            pad_to_max_output_size=pad_to_max_output_size,
        )


def non_max_suppression_overlaps(
    overlaps: TensorLike,
    scores: TensorLike,
    max_output_size: TensorLike,
    overlap_threshold: TensorLike = 0.5,
    score_threshold: TensorLike = _NONE,
    name: str | None = None,
) -> Tensor:
    """As `non_max_suppression`, with the overlap of each two boxes given."""
    with name_scope(name, "non_max_suppression_overlaps"):
        threshold = convert_to_tensor(overlap_threshold, name="overlap_threshold")
        return F.NonMaxSuppressionWithOverlaps(
            overlaps, scores, max_output_size, threshold, score_threshold
        )


def combined_non_max_suppression(
    boxes: TensorLike,
    scores: TensorLike,
    max_output_size_per_class: TensorLike,
    max_total_size: TensorLike,
    iou_threshold: TensorLike = 0.5,
    score_threshold: TensorLike = _NONE,
    pad_per_class: bool = False,
    clip_boxes: bool = True,
    name: str | None = None,
) -> Any:
    """`non_max_suppression` in each class of each image.

    Args:
      boxes: [batch, boxes, classes or 1, 4].
      scores: [batch, boxes, classes].
      max_output_size_per_class: how many of a class are kept.
      max_total_size: how many are kept of all.
      iou_threshold, score_threshold: as for `non_max_suppression`.
      pad_per_class: whether the outputs are no longer than all classes need.
      clip_boxes: whether boxes are clipped to [0, 1].
      name: a scope for the operation.

    Returns:
      The boxes, their scores, their classes, and how many there are in each image.
    """
    with name_scope(name, "combined_non_max_suppression"):
        overlap = convert_to_tensor(iou_threshold, dtypes.float32, "iou_threshold")
        least = convert_to_tensor(score_threshold, dtypes.float32, "score_threshold")
        return F.CombinedNonMaxSuppression(
            boxes,
            scores,
            max_output_size_per_class,
            max_total_size,
            overlap,
            least,
            pad_per_class=pad_per_class,
            clip_boxes=clip_boxes,
        )


# ---------------------------------------------------------------------- drawn


def draw_bounding_boxes(
    images: TensorLike,
    boxes: TensorLike,
    name: str | None = None,
    colors: TensorLike | None = None,
) -> Tensor:
    """Images with the edges of boxes drawn into them.

    Args:
      images: float [batch, height, width, channels].
      boxes: [batch, boxes, 4]: top, left, bottom and right, between 0 and 1.
      name: the name of the operation.
      colors: [colors, channels], which are taken in turns; by default ten of them.
    """
    if colors is None:
        return F.DrawBoundingBoxes(images, boxes, name=name)
    return F.DrawBoundingBoxesV2(images, boxes, colors, name=name)


def draw_bounding_boxes_v2(
    images: TensorLike,
    boxes: TensorLike,
    colors: TensorLike | None,
    name: str | None = None,
) -> Tensor:
    """As `draw_bounding_boxes`."""
    return draw_bounding_boxes(images, boxes, name, colors)


def sample_distorted_bounding_box(
    image_size: TensorLike,
    bounding_boxes: TensorLike,
    seed: int | None = None,
    seed2: int | None = None,
    min_object_covered: TensorLike = 0.1,
    aspect_ratio_range: Sequence[float] | None = None,
    area_range: Sequence[float] | None = None,
    max_attempts: int | None = None,
    use_image_if_no_bounding_boxes: bool | None = None,
    name: str | None = None,
) -> Any:
    """A random part of an image that holds enough of one of some boxes.

    Args:
      image_size: the height, width and channels of the image.
      bounding_boxes: [batch, boxes, 4]: top, left, bottom and right, between 0 and 1.
      seed, seed2: of the random choice.
      min_object_covered: the share of a box that the part holds.
      aspect_ratio_range: of its ratio of width to height; by default (0.75, 1.33).
      area_range: of its share of the image; by default (0.05, 1).
      max_attempts: after how many it is the whole image; by default 100.
      use_image_if_no_bounding_boxes: whether the image is the box if there is none.
      name: a scope for the operation.

    Returns:
      Where the part begins and its size, for `tf.slice`; and it as a box [1, 1, 4].
    """
    ratios = (0.75, 1.33) if aspect_ratio_range is None else aspect_ratio_range
    areas = (0.05, 1) if area_range is None else area_range
    with name_scope(name, "sample_distorted_bounding_box"):
        return F.SampleDistortedBoundingBoxV2(
            image_size,
            bounding_boxes,
            min_object_covered,
            seed=seed,
            seed2=seed2,
            aspect_ratio_range=list(ratios),
            area_range=list(areas),
            max_attempts=max_attempts,
            use_image_if_no_bounding_boxes=use_image_if_no_bounding_boxes,
        )


def sample_distorted_bounding_box_v2(
    image_size: TensorLike,
    bounding_boxes: TensorLike,
    seed: int = 0,
    min_object_covered: TensorLike = 0.1,
    aspect_ratio_range: Sequence[float] | None = None,
    area_range: Sequence[float] | None = None,
    max_attempts: int | None = None,
    use_image_if_no_bounding_boxes: bool | None = None,
    name: str | None = None,
) -> Any:
    """As `sample_distorted_bounding_box`, with one seed."""
    seeds = get_seed(seed) if seed else (0, 0)
    return sample_distorted_bounding_box(
        image_size,
        bounding_boxes,
        *seeds,
        min_object_covered,
        aspect_ratio_range,
        area_range,
        max_attempts,
        use_image_if_no_bounding_boxes,
        name,
    )
