"""Forward compatibility: the day is TensorFlow 1.15's."""

from retrograd.platform.horizon import forward_compatibility_horizon as horizon
from retrograd.platform.horizon import forward_compatible


def test_horizon(monkeypatch):
    assert forward_compatible(2019, 8, 20) and not forward_compatible(2019, 8, 21)
    with horizon(2020, 1, 2):
        assert forward_compatible(2020, 1, 1) and not forward_compatible(2020, 1, 2)
    assert not forward_compatible(2020, 1, 1)
    monkeypatch.setenv("TF_FORWARD_COMPATIBILITY_DELTA_DAYS", "30")
    assert forward_compatible(2019, 9, 19) and not forward_compatible(2019, 9, 20)
