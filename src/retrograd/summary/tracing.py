"""`tf.compat.v2.summary.trace_on`: the graphs of functions, as summaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.formats.graph_def import graph_def as graph_def_of
from retrograd.functions import calling
from retrograd.graph import context
from retrograd.platform import logs
from retrograd.summary.written import summary_scope, write
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def trace_on(graph: bool = True, profiler: bool = False) -> None:
    """Begin to note which functions run.

    Args:
      graph: whether their graphs are noted.
      profiler: accepted: times are not.
    """
    del graph
    if not context.executing_eagerly():
        logs.warning("Cannot enable trace inside a tf.function.")
        return
    if calling.observed is not None:
        logs.warning("Trace already enabled")
        return
    if profiler:
        logs.warning("Functions are not timed; only their graphs are noted.")
    calling.observed = {}


def trace_off() -> None:
    """Stop noting, and forget what was noted."""
    calling.observed = None


def trace_export(
    name: str,
    step: TensorLike | None = None,
    profiler_outdir: str | None = None,
) -> None:
    """Stop noting, and write what was noted as a summary.

    Args:
      name: the name of the summary.
      step: the number of the step; the chosen one if not given (`set_step`).
      profiler_outdir: accepted.

    Raises:
      ValueError: nothing was to be noted.
    """
    del profiler_outdir
    if calling.observed is None:
        raise ValueError("Must enable trace before export.")
    metadata = protos.message("config.RunMetadata")()
    for graph in calling.observed.values():
        graph_def = graph_def_of(graph, None, False)
        metadata.partition_graphs.add().CopyFrom(graph_def)
        function = metadata.function_graphs.add()
        function.pre_optimization_graph.CopyFrom(graph_def)
    trace_off()
    shown = protos.message("summary.SummaryMetadata")()
    shown.plugin_data.plugin_name = "graph_run_metadata_graph"
    shown.plugin_data.content = b"1"
    with summary_scope(name, "graph_run_metadata") as (tag, _):
        write(tag, metadata.SerializeToString(), step, shown)
