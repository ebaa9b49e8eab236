"""`retrograd.GradientFlow`: sizes of gradients over many steps, for TensorBoard too."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.explain.drawing import bars
from retrograd.explain.flow import Measured
from retrograd.explain.flow_report import Flow, VariableFlow, report
from retrograd.explain.report import Report, Table
from retrograd.explain.sources import Sources
from retrograd.explain.values import number
from retrograd.graph.trial import trial
from retrograd.run.observe import Observed
from retrograd.util.protos import message

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.typing import Array, Explainable, FeedDict, Structure

#: parts of the range of a gradient in a histogram
_BINS = 30


class GradientFlow:
    """Measures gradients every now and then while a program trains.

        flow = retrograd.GradientFlow(loss, logdir="logs/flow")
        for batch in data:
            session.run(train, {x: batch})
            flow.step({x: batch})
        print(flow.report())

    The loss is differentiated once; the graph and the session stay as they are. A step
    is a run in tier 0: measure some steps, not all, where that matters (`every`).

    Args:
      loss, variables, session: as for `gradient_flow`.
      logdir: a folder for event files: by variable, the scalars
        `gradient_flow/<name>/norm`, `/ratio` and `/zeros`, and the histogram
        `gradient_flow/<name>/gradient`; none by default.
      every: steps of which one is measured.

    Attributes:
      steps: the number of each step that was measured, from 0.
      flows: what was found in each.

    Raises:
      ValueError: nothing to differentiate, or `every` is not positive.
    """

    def __init__(
        self,
        loss: Explainable,
        variables: Structure = None,
        session: BaseSession | None = None,
        logdir: str | None = None,
        every: int = 1,
    ) -> None:
        if every < 1:
            raise ValueError(f"GradientFlow: every is {every}, and must be at least 1.")
        self._sources = Sources(loss, variables, None, session, asked="GradientFlow")
        self._graph = self._sources.ys[0].graph
        with trial(self._graph), self._graph.as_default():
            self._measured = Measured(self._sources)
        self.every = every
        self.steps: list[int] = []
        self.flows: list[Flow] = []
        self._count = 0
        self._writer: Any = None
        if logdir is not None:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter

            self._writer = EventFileWriter(logdir)

    def step(
        self, feed_dict: FeedDict | None = None, step: int | None = None
    ) -> Flow | None:
        """Measure the gradients as they are now.

        Args:
          feed_dict: as for `Session.run`.
          step: its number, by default how often this was called before.

        Returns:
          What was found; None where it was not this step's turn.

        Raises:
          OpError: an operation failed.
        """
        number_ = self._count if step is None else step
        self._count += 1
        if number_ % self.every:
            return None
        gradients: dict[str, Any] = {}
        observed = Observed(self._sources.session, self._graph, feed_dict)
        flow = self._measured(observed, gradients)
        self.steps.append(number_)
        self.flows.append(flow)
        if self._writer is not None:
            self._write(number_, flow, gradients)
        return flow

    def _write(self, step: int, flow: Flow, gradients: dict[str, Any]) -> None:
        summary = message("summary.Summary")()
        for variable in flow.variables:
            if variable.gradient is None:
                continue
            head = f"gradient_flow/{variable.name}"
            scalars = {
                "norm": variable.gradient.norm,
                "ratio": variable.ratio,
                "zeros": variable.gradient.zeros,
            }
            for name, value in scalars.items():
                summary.value.add(tag=f"{head}/{name}", simple_value=value)
            made = _histogram(gradients[variable.name])
            summary.value.add(tag=f"{head}/gradient", histo=made)
        event = message("event.Event")
        self._writer.add_event(event(wall_time=time.time(), step=step, summary=summary))

    def flush(self) -> None:
        """Write what has not been written yet."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Finish the event file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __enter__(self) -> GradientFlow:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def report(self) -> Report:
        """What the measured steps say: the last one's findings, all steps' figures.

        Raises:
          ValueError: nothing was measured yet.
        """
        if not self.flows:
            raise ValueError("GradientFlow: no step has been measured yet.")
        self.flush()
        span = f"steps {self.steps[0]} to {self.steps[-1]}"
        made = report(
            f"GradientFlow({self._sources.ys[0].name}), {span}", self.flows[-1]
        )
        made.tables.insert(0, self._over_steps())
        made.figures = [self._figure()]
        return made

    def _over_steps(self) -> Table:
        rows = []
        for variable in self.flows[-1].variables:
            norms = self._norms(variable)
            values = [
                norms[0],
                norms[-1],
                min(norms),
                float(np.median(norms)),
                max(norms),
            ]
            worst = sorted({v.state for v in self._all(variable)} - {""})
            rows.append([variable.name, *map(number, values), ", ".join(worst)])
        headings = ["‖gradient‖ over steps", "first", "last", "least", "median", "most"]
        return Table([*headings, ""], rows)

    def _figure(self) -> str:
        rows = [
            (v.name, float(np.median(self._norms(v))), v.state not in ("", "cancels"))
            for v in self.flows[-1].variables
        ]
        return bars("median norm of the gradient, the last layer first", rows)

    def _all(self, variable: VariableFlow) -> list[VariableFlow]:
        return [v for f in self.flows for v in f.variables if v.name == variable.name]

    def _norms(self, variable: VariableFlow) -> list[float]:
        return [v.gradient.norm if v.gradient else 0.0 for v in self._all(variable)]


def _histogram(array: Array) -> Any:
    """A HistogramProto of an array's finite elements."""
    made = message("histogram.HistogramProto")
    flat = np.asarray(array).reshape(-1)
    flat = np.abs(flat) if np.iscomplexobj(flat) else flat.astype(np.float64)
    flat = flat[np.isfinite(flat)]
    if not flat.size:
        return made()
    counts, edges = np.histogram(flat, _BINS)
    return made(
        min=float(flat.min()),
        max=float(flat.max()),
        num=float(flat.size),
        sum=float(flat.sum()),
        sum_squares=float(np.dot(flat, flat)),
        bucket_limit=edges[1:].tolist(),
        bucket=counts.tolist(),
    )
