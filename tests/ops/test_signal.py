"""`tf.signal` makes what TensorFlow 1.15's makes, in graphs and in eager mode."""

from __future__ import annotations

import pytest

from tests.expressions import Expressions

#: where TensorFlow's result is not worth having, and why
OTHERWISE = {
    "tf.signal.overlap_and_add(P('2?x3x4'), 1)": "it knows less of a shape",
}
FOUND = Expressions("signal", OTHERWISE, nodes=False)
LINES = FOUND.marked(
    EncodeWav="tf.audio.encode_wav(P('5x2'), 8000)",
    DecodeWav="tf.audio.decode_wav(wave_file(16, 1, 1, 8000, 16000, 2, 16))",
    AudioSpectrogram="tf.raw_ops.AudioSpectrogram(input=P('20x1')",
    Mfcc="tf.raw_ops.Mfcc(spectrogram=P('1x2x65')**2, sample_rate=16000)",
)


@pytest.mark.parametrize("line", LINES)
def test_in_a_graph(line: str) -> None:
    FOUND.check(line)


@pytest.mark.parametrize("line", FOUND.lines[::3])
def test_in_eager_mode(line: str) -> None:
    FOUND.check_eager(line)
