"""`tf.image` makes what TensorFlow 1.15's makes, in graphs and in eager mode."""

from __future__ import annotations

import pytest

from tests.expressions import Expressions

FOUND = Expressions("image")
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
