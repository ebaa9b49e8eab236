"""What a model does with data: by name."""

from __future__ import annotations


class ModeKeys:
    """TRAIN: weights change. TEST: losses are computed. PREDICT: outputs are."""

    TRAIN = "train"
    TEST = "test"
    PREDICT = "predict"
