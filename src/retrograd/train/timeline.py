"""`tensorflow.python.client.timeline`: a traced run for Chrome's `about:tracing`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.typing import Message

_LABEL = re.compile(r"(.*) = (.*)\((.*)\)\Z", re.DOTALL)


class Timeline:
    """The steps of a traced run.

    Args:
      step_stats: of a RunMetadata.
      graph: accepted.
    """

    def __init__(self, step_stats: Message, graph: Graph | None = None) -> None:
        del graph
        self._step_stats: Any = step_stats
        self._events: list[dict[str, Any]] = []

    def generate_chrome_trace_format(
        self, show_dataflow: bool = True, show_memory: bool = False
    ) -> str:
        """The run as JSON that Chrome's tracing reads.

        Args:
          show_dataflow: whether arrows show who takes what of whom.
          show_memory: whether it shows how many bytes results take.
        """
        self._events = events = []
        for number, device in enumerate(self._step_stats.dev_stats):
            compute, tensors = 2 * number + 1, 2 * number + 2
            for pid, what in ((compute, "Compute"), (tensors, "Tensors")):
                name = {"name": f"{device.device} {what}"}
                events.append(
                    {"name": "process_name", "ph": "M", "pid": pid, "args": name}
                )
            self._add_operations(device, compute, show_dataflow)
            if show_memory:
                self._add_memory(device, tensors)
        return json.dumps({"traceEvents": events}, indent=4)

    def _add_operations(self, device: Any, pid: int, show_dataflow: bool) -> None:
        ends: dict[str, tuple[int, int]] = {}
        lanes: list[int] = []
        flow = 0
        for stats in device.node_stats:
            start, length = stats.all_start_micros, max(1, stats.all_end_rel_micros)
            name, op, inputs = _described(stats)
            lane = next((i for i, end in enumerate(lanes) if end <= start), len(lanes))
            lanes[lane : lane + 1] = [start + length]
            arguments = {"name": name, "op": op}
            arguments.update((f"input{i}", text) for i, text in enumerate(inputs))
            place = {"pid": pid, "tid": lane}
            self._events.append(
                {
                    "ph": "X",
                    "cat": "Op",
                    "name": op,
                    **place,
                    "ts": start,
                    "dur": length,
                    "args": arguments,
                }
            )
            for text in inputs if show_dataflow else ():
                source = ends.get(text.partition(":")[0].lstrip("^"))
                if source is not None:
                    self._add_arrow(text, flow, pid, source, (lane, start))
                    flow += 1
            ends[name] = lane, start + length

    def _add_arrow(
        self,
        name: str,
        flow: int,
        pid: int,
        begin: tuple[int, int],
        end: tuple[int, int],
    ) -> None:
        for phase, (lane, time) in (("s", begin), ("t", end)):
            self._events.append(
                {
                    "name": name,
                    "ph": phase,
                    "cat": "DataFlow",
                    "id": flow,
                    "pid": pid,
                    "tid": lane,
                    "ts": time,
                }
            )

    def _add_memory(self, device: Any, pid: int) -> None:
        whole = 0
        for stats in device.node_stats:
            for output in stats.output:
                held = output.tensor_description.allocation_description
                whole += held.requested_bytes
            self._events.append(
                {
                    "name": "cpu",
                    "ph": "C",
                    "cat": "Memory",
                    "pid": pid,
                    "tid": 0,
                    "ts": stats.all_start_micros,
                    "args": {"cpu": whole},
                }
            )


def _described(stats: Any) -> tuple[str, str, list[str]]:
    """Name, op type and inputs of a step, as its label has them."""
    match = _LABEL.match(stats.timeline_label)
    if match is None:
        return stats.node_name, stats.node_name or "unknown", []
    inputs = [text for text in match[3].split(", ") if text]
    return match[1], match[2], inputs
