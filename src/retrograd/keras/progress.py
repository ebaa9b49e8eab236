"""A bar that shows how far a loop has come."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


class Progbar:
    """A bar, with values beside it.

    Args:
      target: how many steps there are; None where that is not known.
      width: of the bar.
      verbose: 0 for nothing, 1 for a bar that moves, 2 for a line at the end.
      interval: seconds for which the bar is left as it is.
      stateful_metrics: the names of values that are means already.
      unit_name: what a step is called.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 30,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Sequence[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = set(stateful_metrics or ())
        self._total_width = 0
        self._seen_so_far = 0
        #: the sums of values and their weights, in the order in which they came
        self._values: dict[str, Any] = {}
        self._start = time.time()
        self._last_update = 0.0

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None
    ) -> None:
        """Show the bar at a step.

        Args:
          current: the step.
          values: names and values of what is shown; means over the steps, but for
            `stateful_metrics`.
        """
        for name, value in values or ():
            if name in self.stateful_metrics:
                self._values[name] = [value, 1]
                continue
            steps = current - self._seen_so_far
            total, weight = self._values.get(name, (0, 0))
            self._values[name] = [total + value * steps, weight + steps]
        self._seen_so_far = current
        now = time.time()
        target = self.target
        done = target is not None and current >= target
        if self.verbose == 1:
            early = now - self._last_update < self.interval
            if early and target is not None and not done:
                return
            self._draw(current, now, done)
        elif self.verbose == 2 and (target is None or done):
            self._write_line(current, now)
        self._last_update = now

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Show the bar `n` steps further; see `update`."""
        self.update(self._seen_so_far + n, values)

    # ------------------------------------------------------------------ drawing

    def _draw(self, current: int, now: float, done: bool) -> None:
        """Write over the last bar, or below it at the end."""
        before = self._total_width
        bar = self._bar(current)
        info = self._times(current, now - self._start, done) + self._shown(1)
        self._total_width = len(bar) + len(info)
        info += " " * (before - self._total_width)
        sys.stdout.write("\b" * before + "\r" + bar + info + "\n" * done)
        sys.stdout.flush()

    def _bar(self, current: int) -> str:
        target = self.target
        if target is None:
            return f"{current:7d}/Unknown"
        digits = int(np.log10(target)) + 1
        full = int(self.width * float(current) / target)
        head = "=" * (full - 1) + (">" if current < target else "=") if full > 0 else ""
        return f"{current:{digits}d}/{target} [{head}{'.' * (self.width - full)}]"

    def _times(self, current: int, passed: float, done: bool) -> str:
        """How long it will take; or how long it took, and each step."""
        each = passed / current if current else 0
        if self.target is not None and not done:
            return f" - ETA: {_duration(each * (self.target - current))}"
        if each >= 1:
            shown = f"{each:.0f}s"
        elif each >= 1e-3:
            shown = f"{each * 1e3:.0f}ms"
        else:
            shown = f"{each * 1e6:.0f}us"
        return f" - {passed:.0f}s {shown}/{self.unit_name}"

    def _write_line(self, current: int, now: float) -> None:
        passed = f" - {now - self._start:.0f}s"
        count = ""
        if self.target is not None:
            digits = int(np.log10(self.target)) + 1
            count = f"{current:{digits}d}/{self.target}"
        sys.stdout.write(count + passed + self._shown(2) + "\n")
        sys.stdout.flush()

    def _shown(self, verbose: int) -> str:
        """The values; small ones in powers of ten."""
        text = ""
        for name, (total, weight) in self._values.items():
            mean = np.mean(total / max(1, weight))
            large = (abs(mean) if verbose == 1 else mean) > 1e-3
            text += f" - {name}: {mean:.4f}" if large else f" - {name}: {mean:.4e}"
        return text


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if seconds > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    if seconds > 60:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole}s"
