"""When it is time again for a hook."""

from __future__ import annotations

import time


class SecondOrStepTimer:
    """Says when it is time again, by seconds or by steps.

    Args:
      every_secs, every_steps: one of the two.

    Raises:
      ValueError: none or both.
    """

    def __init__(
        self, every_secs: float | None = None, every_steps: int | None = None
    ) -> None:
        self._every_secs, self._every_steps = every_secs, every_steps
        if every_secs is None and every_steps is None:
            raise ValueError("Either every_secs or every_steps should be provided.")
        if every_secs is not None and every_steps is not None:
            raise ValueError("Can not provide both every_secs and every_steps.")
        self.reset()

    def reset(self) -> None:
        """Begin anew: the next step triggers."""
        self._last_step: int | None = None
        self._last_time: float | None = None

    def should_trigger_for_step(self, step: int) -> bool:
        """Whether it is time at a step."""
        if self._last_step is None:
            return True
        if self._last_step == step:
            return False
        if self._every_secs is not None:
            assert self._last_time is not None
            return time.time() >= self._last_time + self._every_secs
        assert self._every_steps is not None
        return step >= self._last_step + self._every_steps

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """Note that it was time at a step; seconds and steps since the last time."""
        now = time.time()
        seconds = steps = None
        if self._last_step is not None:
            assert self._last_time is not None
            seconds, steps = now - self._last_time, step - self._last_step
        self._last_time, self._last_step = now, step
        return seconds, steps

    def last_triggered_step(self) -> int | None:
        """The step of the last time."""
        return self._last_step


class NeverTriggerTimer:
    """It is never time."""

    def reset(self) -> None:
        """Nothing to do."""

    def should_trigger_for_step(self, step: int) -> bool:
        """False."""
        del step
        return False

    def update_last_triggered_step(self, step: int) -> tuple[None, None]:
        """Nothing was ever."""
        del step
        return None, None

    def last_triggered_step(self) -> None:
        """None."""
