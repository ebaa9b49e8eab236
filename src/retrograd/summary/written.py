"""`tf.contrib.summary` and `tf.compat.v2.summary`: operations that write summaries.

They write when they run, by the writer that is in force where they are made.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import (
    add_to_collection,
    control_dependencies,
    device,
    get_collection,
    get_name_scope,
)
from retrograd.graph.dispatch import name_scope
from retrograd.graph.graph import Graph
from retrograd.graph.hooks import hooks
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant, placeholder
from retrograd.ops.array.identity import identity
from retrograd.ops.declare import F
from retrograd.ops.flow.cases import smart_cond
from retrograd.ops.flow.control import no_op
from retrograd.ops.math.casts import cast
from retrograd.summary import tags
from retrograd.summary.recording import get_step, should_record, state
from retrograd.summary.resource_writer import summary_writer_initializer_op

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.typing import Message, TensorLike

_SUMMARIES = "_SUMMARY_V2"
_INVALID_SCOPE = re.compile(r"[^-_/.A-Za-z0-9]")


def all_v2_summary_ops() -> list[Any] | None:
    """The operations of the graph that write summaries; None executing eagerly."""
    if context.executing_eagerly():
        return None
    return get_collection(_SUMMARIES)


def initialize(graph: Graph | None = None, session: BaseSession | None = None) -> None:
    """Begin the files of all writers of the graph.

    Args:
      graph: a graph to write.
      session: the session, by default the default session.

    Raises:
      RuntimeError: no writer is in force.
      ValueError: there is no session.
    """
    if context.executing_eagerly():
        return
    if state.writer is None:
        raise RuntimeError("No default tf.contrib.summary.SummaryWriter found")
    if session is None:
        session = context.get_default_session()
        if session is None:
            raise ValueError("session must be passed if no default session exists")
    session.run(summary_writer_initializer_op())
    if graph is not None:
        text = placeholder(dtypes.string)
        data = _serialized(graph)
        session.run(globals()["graph"](text, 0), feed_dict={text: data})


def _nothing() -> Any:
    return constant(False)


def _chosen_step(step: TensorLike | None) -> Any:
    if step is None:
        return hooks.get_or_create_global_step()
    if not isinstance(step, Tensor):
        return convert_to_tensor(step, dtypes.int64)
    return step


def summary_writer_function(
    name: str,
    tensor: TensorLike,
    function: Callable[[str, str], Any],
    family: str | None = None,
) -> Any:
    """What writes a summary where summaries are recorded.

    Args:
      name: its name.
      tensor: what it shows.
      function: makes the operation that writes, out of the tag and the name.
      family: what TensorBoard groups it under.

    Returns:
      A scalar bool tensor: whether it was written; an operation that does nothing if
      there is no writer.
    """
    outer = get_name_scope() if not context.executing_eagerly() else ""
    outer = f"{outer}/" if outer else ""

    def record() -> Any:
        with (
            name_scope(outer),
            tags.summary_scope(name, family, values=[tensor]) as (tag, scope),
            control_dependencies([function(tag, scope)]),
        ):
            return constant(True)

    if state.writer is None:
        return no_op()
    with device("cpu:0"):
        made = smart_cond(should_record(False), record, _nothing, name="")
        if not context.executing_eagerly():
            add_to_collection(_SUMMARIES, made)
    return made


def scalar(
    name: str,
    tensor: TensorLike,
    family: str | None = None,
    step: TensorLike | None = None,
) -> Any:
    """Write one number.

    Args:
      name: its name, and the tag in TensorBoard.
      tensor: the number.
      family: put before the tag, to group it in TensorBoard.
      step: the number of the step; the global step if not given.
    """

    def write(tag: str, scope: str) -> Any:
        return F.WriteScalarSummary(
            state.writer._resource,
            _chosen_step(step),
            tag,
            identity(tensor),
            name=scope,
        )

    return summary_writer_function(name, tensor, write, family)


def histogram(
    name: str,
    tensor: TensorLike,
    family: str | None = None,
    step: TensorLike | None = None,
) -> Any:
    """Write how the numbers of a tensor are distributed; see `scalar`."""

    def write(tag: str, scope: str) -> Any:
        return F.WriteHistogramSummary(
            state.writer._resource,
            _chosen_step(step),
            tag,
            identity(tensor),
            name=scope,
        )

    return summary_writer_function(name, tensor, write, family)


def image(
    name: str,
    tensor: TensorLike,
    bad_color: TensorLike | None = None,
    max_images: int = 3,
    family: str | None = None,
    step: TensorLike | None = None,
) -> Any:
    """Write images.

    Args:
      name: the name, and the tag in TensorBoard.
      tensor: shape [batch, height, width, channels]; see `tf.summary.image`.
      bad_color: what pixels that are not finite are shown as; red by default.
      max_images: how many images of a batch are kept.
      family, step: see `scalar`.
    """

    def write(tag: str, scope: str) -> Any:
        color = bad_color
        if color is None:
            color = constant([255, 0, 0, 255], dtype=dtypes.uint8)
        return F.WriteImageSummary(
            state.writer._resource,
            _chosen_step(step),
            tag,
            identity(tensor),
            color,
            max_images=max_images,
            name=scope,
        )

    return summary_writer_function(name, tensor, write, family)


def audio(
    name: str,
    tensor: TensorLike,
    sample_rate: TensorLike,
    max_outputs: int,
    family: str | None = None,
    step: TensorLike | None = None,
) -> Any:
    """Write sounds.

    Args:
      name: the name, and the tag in TensorBoard.
      tensor: shape [batch, frames, channels] or [batch, frames].
      sample_rate: frames in a second.
      max_outputs: how many sounds of a batch are kept.
      family, step: see `scalar`.
    """

    def write(tag: str, scope: str) -> Any:
        return F.WriteAudioSummary(
            state.writer._resource,
            _chosen_step(step),
            tag,
            identity(tensor),
            sample_rate,
            max_outputs=max_outputs,
            name=scope,
        )

    return summary_writer_function(name, tensor, write, family)


def generic(
    name: str,
    tensor: TensorLike,
    metadata: Message | TensorLike | None = None,
    family: str | None = None,
    step: TensorLike | None = None,
) -> Any:
    """Write a tensor, whatever it holds.

    Args:
      name: its name, and the tag in TensorBoard.
      tensor: the tensor.
      metadata: a SummaryMetadata that says how to show it, or its bytes.
      family, step: see `scalar`.
    """

    def write(tag: str, scope: str) -> Any:
        given: Any = metadata
        if given is None:
            given = constant("")
        elif hasattr(given, "SerializeToString"):
            given = constant(given.SerializeToString())
        return F.WriteSummary(
            state.writer._resource,
            _chosen_step(step),
            identity(tensor),
            tag,
            given,
            name=scope,
        )

    return summary_writer_function(name, tensor, write, family)


def _serialized(graph: Graph | Message | TensorLike) -> bytes:
    given: Any = graph
    if isinstance(given, Graph):
        given = given.as_graph_def(add_shapes=True)
    return given.SerializeToString()


def graph(
    param: Graph | Message | TensorLike,
    step: TensorLike | None = None,
    name: str | None = None,
) -> Any:
    """Write a graph.

    Args:
      param: a string tensor with a serialized GraphDef; executing eagerly, a graph or
        GraphDef too.
      step: the number of the step; the global step if not given.
      name: the name of the operation.

    Raises:
      TypeError: in a graph, it is no tensor.
    """
    given: Any = param
    if not context.executing_eagerly() and not isinstance(given, Tensor):
        raise TypeError(
            "graph() needs a argument `param` to be tf.Tensor (e.g. tf.placeholder) in "
            f"graph mode, but received param={given} of type {type(given).__name__}."
        )
    if state.writer is None:
        return no_op()
    with device("cpu:0"):
        if isinstance(given, Graph) or hasattr(given, "SerializeToString"):
            text = convert_to_tensor(_serialized(given), dtypes.string)
        else:
            text = identity(given)
        return F.WriteGraphSummary(
            state.writer._resource, _chosen_step(step), text, name=name
        )


def import_event(tensor: TensorLike, name: str | None = None) -> Any:
    """Write an event that is given as bytes.

    Args:
      tensor: a string: a serialized Event.
      name: the name of the operation.
    """
    return F.ImportEvent(state.writer._resource, tensor, name=name)


# ---------------------------------------------------------------------- version 2


@contextlib.contextmanager
def summary_scope(
    name: str | None,
    default_name: str = "summary",
    values: list[TensorLike] | None = None,
) -> Iterator[tuple[str, str]]:
    """A context with the name scope of a summary: gives its tag and the scope.

    Args:
      name: the name of the summary.
      default_name: the name if there is none.
      values: the tensors that it shows.
    """
    name = name or default_name
    outer = get_name_scope() if not context.executing_eagerly() else ""
    tag = f"{outer}/{name}" if outer else name
    cleaned = _INVALID_SCOPE.sub("", name) or None
    with name_scope(cleaned, default_name, values) as scope:
        yield tag, scope


def write(
    tag: str,
    tensor: TensorLike | Callable[[], TensorLike],
    step: TensorLike | None = None,
    metadata: Message | bytes | None = None,
    name: str | None = None,
) -> Any:
    """Write a tensor where summaries are recorded.

    Args:
      tag: what TensorBoard knows it by.
      tensor: the tensor, or a function that makes it.
      step: the number of the step; the chosen one if not given (`set_step`).
      metadata: a SummaryMetadata that says how to show it, or its bytes.
      name: the name scope.

    Returns:
      A scalar bool tensor: whether it was written.

    Raises:
      ValueError: no step is given, and none was chosen.
    """
    with name_scope(name, "write_summary") as scope:
        if state.writer is None:
            return constant(False)
        at: Any = get_step() if step is None else step
        if at is None:
            raise ValueError(
                "No step set via 'step' argument or tf.summary.experimental.set_step()"
            )
        given: Any = b"" if metadata is None else metadata
        if hasattr(given, "SerializeToString"):
            given = given.SerializeToString()

        def record() -> Any:
            with device("cpu:0"):
                value = tensor() if callable(tensor) else tensor
                made = F.WriteSummary(
                    state.writer._resource, at, value, tag, given, name=scope
                )
                with control_dependencies([made]):
                    return constant(True)

        done = smart_cond(should_record(True), record, _nothing, name="summary_cond")
        if not context.executing_eagerly():
            add_to_collection(_SUMMARIES, done)
        return done


def write_raw_pb(
    tensor: TensorLike, step: TensorLike | None = None, name: str | None = None
) -> Any:
    """Write summaries that are given as bytes.

    Args:
      tensor: strings: serialized Summaries.
      step: the number of the step; the chosen one if not given (`set_step`).
      name: the name of the operation.

    Raises:
      ValueError: no step is given, and none was chosen.
    """
    if state.writer is None:
        return constant(False)
    at: Any = get_step() if step is None else step
    if at is None:
        raise ValueError(
            "No step set via 'step' argument or tf.summary.experimental.set_step()"
        )

    def record() -> Any:
        with device("cpu:0"):
            made = F.WriteRawProtoSummary(state.writer._resource, at, tensor, name=name)
            with control_dependencies([made]):
                return constant(True)

    done = smart_cond(should_record(True), record, _nothing, name="summary_cond")
    if not context.executing_eagerly():
        add_to_collection(_SUMMARIES, done)
    return done


def scalar_v2(
    name: str,
    data: TensorLike,
    step: TensorLike | None = None,
    description: str | None = None,
) -> Any:
    """Write one number, as version 2 does.

    Args:
      name: its name.
      data: the number.
      step: the number of the step; the chosen one if not given (`set_step`).
      description: a long text about it, as Markdown.
    """
    from tensorboard.plugins.scalar import metadata

    shown = metadata.create_summary_metadata(display_name=None, description=description)
    with summary_scope(name, "scalar_summary", [data]) as (tag, _):
        return write(tag, cast(data, dtypes.float32), step, shown)


def text_v2(
    name: str,
    data: TensorLike,
    step: TensorLike | None = None,
    description: str | None = None,
) -> Any:
    """Write text, which may be Markdown, as version 2 does; see `scalar_v2`."""
    from tensorboard.plugins.text import metadata

    shown = metadata.create_summary_metadata(display_name=None, description=description)
    with summary_scope(name, "text_summary", [data]) as (tag, _):
        return write(tag, convert_to_tensor(data, dtypes.string), step, shown)
