"""`tf.image` makes what TensorFlow 1.15's makes, in graphs and in eager mode."""

from __future__ import annotations

import pytest

from tests.expressions import Expressions

#: where TensorFlow's result is not worth having, and why
OTHERWISE = {"tf.image.ssim(F('2x9x15x3')": "it knows less of a shape than it could"}
FOUND = Expressions("image", OTHERWISE)
#: lines by the op types that they run, which have no rows
COVERING = {
    "tf.image.decode_png(tf.image.encode_png(G('4x5x3')))": "DecodePng EncodePng",
    "tf.image.decode_jpeg(tf.image.encode_png(G('4x5x3')))": "DecodeJpeg",
    "tf.image.encode_jpeg(G('9x8x3'))": "EncodeJpeg",
    "tf.image.decode_gif(tf.image.encode_png(G('4x5x3')))": "DecodeGif",
    "tf.image.decode_bmp(b'abc')": "DecodeBmp",
    "tf.image.decode_and_crop_jpeg(tf.image.encode_jpeg(G('9x8x3')), [2, 3, 40, 5])": (
        "DecodeAndCropJpeg"
    ),
    "tf.image.extract_jpeg_shape(tf.image.encode_jpeg(G('9x8x3')))": "ExtractJpegShape",
    "tf.image.is_jpeg(tf.image.encode_jpeg(G('9x8x1')))": "Substr",
    "tf.image.extract_glimpse(P('2x6x8x1'), [3, 3], [[0.0, 0.0], [0.5, 0.25]])": (
        "ExtractGlimpse"
    ),
    "tf.image.non_max_suppression(P('5x4'), P('5'), 3, score_threshold=0.0, "
    "name='nms')": "NonMaxSuppressionV3",
    "tf.image.non_max_suppression_overlaps([[1.0, 0.7, 0.1], [0.7, 1.0, 0.3], "
    "[0.1, 0.3, 1.0]], [0.5, 0.9, 0.7], 3, 0.4)": "NonMaxSuppressionWithOverlaps",
    "tf.image.sample_distorted_bounding_box([40, 60, 3], [[[0.1, 0.2, 0.9, 0.7]]], "
    "seed=4, seed2=7)": "SampleDistortedBoundingBoxV2",
    "tf.reduce_max(tf.image.adjust_jpeg_quality(tf.ones([8, 8, 3]) * 0.4, "
    "tf.constant(40)))": "EncodeJpegVariableQuality",
}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(x, marks=pytest.mark.covers(*COVERING.get(x, "").split()))
        for x in FOUND.lines
    ],
)
def test_in_a_graph(line: str) -> None:
    FOUND.check(line)


@pytest.mark.parametrize("line", FOUND.lines)
def test_in_eager_mode(line: str) -> None:
    FOUND.check_eager(line)


@pytest.mark.parametrize("line", FOUND.lines[::4])
def test_compiled(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", "1")
    FOUND.check(line)


def test_lines_that_cover_ops_are_there() -> None:
    assert set(COVERING) <= set(FOUND.lines)
