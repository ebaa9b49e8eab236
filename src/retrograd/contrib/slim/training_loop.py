"""The training loop of `tf.contrib.slim`: a Supervisor's session, run to its end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrograd import errors
from retrograd.graph import context
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.ops.flow.control import group
from retrograd.platform import logs
from retrograd.platform.files import atomic_write_string_to_file
from retrograd.summary import summary
from retrograd.train import training_util
from retrograd.train.saver import Saver
from retrograd.train.scaffold import Scaffold
from retrograd.train.supervisor import Supervisor
from retrograd.train.sync_replicas import SyncReplicasOptimizer
from retrograd.train.timeline import Timeline
from retrograd.util import protos
from retrograd.variables import collections

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.graph.tensor import Tensor
    from retrograd.run.session import BaseSession
    from retrograd.summary.writer import FileWriter
    from retrograd.typing import FeedDict, Fetchable, Message, VariableLike

#: stands for what is made where an argument is not given
_USE_DEFAULT = 0
#: what a step of training takes, and what it gives: the loss, and whether to stop
Step = Callable[..., tuple[Any, bool]]


def train_step(
    sess: BaseSession,
    train_op: Tensor,
    global_step: VariableLike,
    train_step_kwargs: dict[str, Any],
) -> tuple[Any, bool]:
    """Train once.

    Args:
      sess: the session.
      train_op: the loss, which trains when it is computed.
      global_step: the counter of steps.
      train_step_kwargs: tensors that say what to do: `should_trace` (with `logdir` and
        `summary_writer`), `should_log`, `should_stop`.

    Returns:
      The loss, and whether training shall end.
    """
    start = time.time()
    options = metadata = None
    if "should_trace" in train_step_kwargs:
        if "logdir" not in train_step_kwargs:
            raise ValueError(
                "logdir must be present in train_step_kwargs when "
                "should_trace is present"
            )
        if sess.run(train_step_kwargs["should_trace"]):
            kind = protos.message("config.RunOptions")
            options = kind(trace_level=kind.FULL_TRACE)
            metadata = protos.message("config.RunMetadata")()
    loss, step = sess.run(
        [train_op, global_step], options=options, run_metadata=metadata
    )
    elapsed = time.time() - start
    if metadata is not None:
        _write_trace(metadata, step, train_step_kwargs)
    if "should_log" in train_step_kwargs and sess.run(train_step_kwargs["should_log"]):
        logs.info("global step %d: loss = %.4f (%.3f sec/step)", step, loss, elapsed)
    stop = False
    if "should_stop" in train_step_kwargs:
        stop = bool(sess.run(train_step_kwargs["should_stop"]))
    return loss, stop


def _write_trace(metadata: Message, step: int, kwargs: dict[str, Any]) -> None:
    """Write what was traced as a file for Chrome, and to the summaries."""
    path = os.path.join(kwargs["logdir"], f"tf_trace-{step}.json")
    logs.info("Writing trace to %s", path)
    trace = Timeline(metadata.step_stats).generate_chrome_trace_format()
    atomic_write_string_to_file(path, trace)
    if "summary_writer" in kwargs:
        kwargs["summary_writer"].add_run_metadata(metadata, f"run_metadata-{step}")


def train(
    train_op: Tensor,
    logdir: str | None,
    train_step_fn: Step = train_step,
    train_step_kwargs: Any = _USE_DEFAULT,
    log_every_n_steps: int = 1,
    graph: Graph | None = None,
    master: str = "",
    is_chief: bool = True,
    global_step: VariableLike | None = None,
    number_of_steps: int | None = None,
    init_op: Fetchable = _USE_DEFAULT,
    init_feed_dict: FeedDict | None = None,
    local_init_op: Fetchable = _USE_DEFAULT,
    init_fn: Callable[..., object] | None = None,
    ready_op: Fetchable = _USE_DEFAULT,
    summary_op: Fetchable = _USE_DEFAULT,
    save_summaries_secs: float | None = 600,
    summary_writer: FileWriter | int | None = _USE_DEFAULT,
    startup_delay_steps: int = 0,
    saver: Saver | None = None,
    save_interval_secs: float = 600,
    sync_optimizer: Any = None,
    session_config: Message | None = None,
    session_wrapper: Callable[[BaseSession], Any] | None = None,
    trace_every_n_steps: int | None = None,
    ignore_live_threads: bool = False,
) -> Any:
    """Train until a step says stop, and return the last loss.

    Checkpoints and summaries are written to `logdir` meanwhile; training goes on from
    a checkpoint that is there.

    Args:
      train_op: the loss, which trains when it is computed.
      logdir: the folder; None for none.
      train_step_fn: trains once; as `train_step`.
      train_step_kwargs: its last argument.
      log_every_n_steps: how often the loss is logged.
      graph: that of `train_op`; by default the default graph.
      master, session_config: of the session.
      is_chief: whether this process initializes and saves.
      global_step: the counter of steps; by default that of the graph.
      number_of_steps: at which count to stop; None for no end.
      init_op, init_feed_dict, local_init_op, init_fn, ready_op: as for a Supervisor.
      summary_op, save_summaries_secs, summary_writer: the summaries, how often they
        are written, and by what.
      startup_delay_steps: for which count one that is not the chief waits.
      saver, save_interval_secs: saves checkpoints, and how often.
      sync_optimizer: a SyncReplicasOptimizer, or several.
      session_wrapper: makes of the session another, such as one for debugging.
      trace_every_n_steps: how often a step is traced; None for never.
      ignore_live_threads: whether threads may outlive the session.

    Raises:
      ValueError: there is no `train_op`; something is to be written, and nowhere to
        write it; or `number_of_steps` is not positive.
    """
    _check(train_op, logdir, summary_op, saver, trace_every_n_steps, number_of_steps)
    if sync_optimizer is not None and startup_delay_steps > 0:
        raise ValueError(
            "startup_delay_steps must be zero when sync_optimizer is supplied."
        )
    graph = graph or context.get_default_graph()
    with graph.as_default():
        step: Any = global_step
        if step is None:
            step = training_util.get_or_create_global_step()
        saver = saver or Saver()
        optimizers = _replicated(sync_optimizer)
        init_op, ready_op, local_init_op = _initializers(
            init_op, ready_op, local_init_op, optimizers, is_chief
        )
        if summary_op is _USE_DEFAULT:
            summary_op = summary.merge_all()
        runners = init_tokens = None
        if is_chief and optimizers:
            runners = [optimizer.get_chief_queue_runner() for optimizer in optimizers]
            init_tokens = [optimizer.get_init_tokens_op() for optimizer in optimizers]
        if train_step_kwargs is _USE_DEFAULT:
            trace = trace_every_n_steps if is_chief else None
            train_step_kwargs = _conditions(
                step, number_of_steps, log_every_n_steps, trace, logdir
            )
    supervisor = Supervisor(
        graph=graph,
        is_chief=is_chief,
        logdir=logdir,
        init_op=init_op,
        init_feed_dict=init_feed_dict,
        local_init_op=local_init_op,
        ready_for_local_init_op=_ready_for_local(optimizers),
        ready_op=ready_op,
        summary_op=summary_op,
        summary_writer=summary_writer,
        global_step=step,
        saver=saver,
        save_summaries_secs=save_summaries_secs or 0,
        save_model_secs=save_interval_secs,
        init_fn=init_fn,
    )
    if summary_writer is not None:
        train_step_kwargs["summary_writer"] = supervisor.summary_writer
    loop = _Loop(
        supervisor,
        train_op=train_op,
        global_step=step,
        step=train_step_fn,
        kwargs=train_step_kwargs,
        logdir=logdir,
        startup_delay_steps=startup_delay_steps,
        number_of_steps=number_of_steps,
        session_wrapper=session_wrapper,
        chief_runners=runners,
        init_tokens=init_tokens,
        ignore_live_threads=ignore_live_threads,
    )
    return loop.run_again_if_aborted(master, session_config)


def _check(
    train_op: Tensor,
    logdir: str | None,
    summary_op: Fetchable,
    saver: Saver | None,
    trace_every_n_steps: int | None,
    number_of_steps: int | None,
) -> None:
    if train_op is None:
        raise ValueError("train_op cannot be None.")
    if logdir is None:
        given = {
            "summary_op": summary_op is not _USE_DEFAULT,
            "saver": saver is not None,
            "trace_every_n_steps": trace_every_n_steps is not None,
        }
        for name, there in given.items():
            if there:
                raise ValueError(f"Cannot provide {name} because logdir=None")
    if number_of_steps is not None and number_of_steps <= 0:
        raise ValueError("`number_of_steps` must be either None or a positive number.")


def _replicated(given: Any) -> list[Any]:
    """The optimizers of replicas: none, one or several."""
    if given is None:
        return []
    return [given] if isinstance(given, SyncReplicasOptimizer) else list(given)


def _initializers(
    init_op: Fetchable,
    ready_op: Fetchable,
    local_init_op: Fetchable,
    optimizers: Sequence[Any],
    is_chief: bool,
) -> tuple[Any, Any, Any]:
    """What initializes and what checks; made where it is not given."""
    with name_scope("init_ops"):
        if init_op is _USE_DEFAULT:
            init_op = collections.global_variables_initializer()
        if ready_op is _USE_DEFAULT:
            ready_op = collections.report_uninitialized_variables()
        if local_init_op is _USE_DEFAULT:
            local_init_op = Scaffold.default_local_init_op()
        if optimizers:
            own = [
                each.chief_init_op if is_chief else each.local_step_init_op
                for each in optimizers
            ]
            local_init_op = group(local_init_op, *own)
    return init_op, ready_op, local_init_op


def _ready_for_local(optimizers: Sequence[Any]) -> Any:
    if not optimizers:
        return Supervisor.USE_DEFAULT
    return optimizers[0].ready_for_local_init_op


def _conditions(
    global_step: VariableLike,
    number_of_steps: int | None,
    log_every_n_steps: int,
    trace_every_n_steps: int | None,
    logdir: str | None,
) -> dict[str, Any]:
    """Tensors that say of a count of steps what shall happen."""
    found: dict[str, Any] = {}
    with name_scope("train_step"):
        if number_of_steps:
            found["should_stop"] = F.GreaterEqual(global_step, number_of_steps)
        else:
            found["should_stop"] = constant(False)
        if log_every_n_steps > 0:
            found["should_log"] = F.Equal(F.FloorMod(global_step, log_every_n_steps), 0)
        if trace_every_n_steps is not None:
            each = F.FloorMod(global_step, trace_every_n_steps)
            found["should_trace"] = F.Equal(each, 0)
            found["logdir"] = logdir
    return found


@dataclass
class _Loop:
    """The steps of `train` within a Supervisor's session."""

    supervisor: Supervisor
    train_op: Tensor
    global_step: VariableLike
    step: Step
    kwargs: dict[str, Any]
    logdir: str | None
    startup_delay_steps: int
    number_of_steps: int | None
    session_wrapper: Callable[[BaseSession], Any] | None
    chief_runners: list[Any] | None
    init_tokens: list[Any] | None
    ignore_live_threads: bool
    loss: Any = None

    def run_again_if_aborted(self, master: str, config: Message | None) -> Any:
        """The last loss; where a process is lost, training begins anew."""
        while True:
            try:
                self._run(master, config)
                return self.loss
            except errors.AbortedError:
                logs.info("Retrying training!")

    def _run(self, master: str, config: Message | None) -> None:
        supervisor = self.supervisor
        with supervisor.managed_session(
            master, start_standard_services=False, config=config
        ) as session:
            logs.info("Starting Session.")
            if self.session_wrapper is not None:
                wrap = self.session_wrapper
                logs.info("Wrapping session with wrapper function: %s", wrap)
                session = wrap(session)
            if supervisor.is_chief:
                if self.logdir:
                    supervisor.start_standard_services(session)
            elif self.startup_delay_steps > 0:
                # those that come later wait for the steps of the first
                _wait_for_step(
                    session,
                    self.global_step,
                    min(self.startup_delay_steps, self.number_of_steps or 1 << 62),
                )
            threads = supervisor.start_queue_runners(session)
            logs.info("Starting Queues.")
            if self.chief_runners:
                supervisor.start_queue_runners(session, self.chief_runners)
                session.run(self.init_tokens)
            self._steps(session)
            if self.logdir and supervisor.is_chief:
                logs.info("Finished training! Saving model to disk.")
                supervisor.saver.save(
                    session, supervisor.save_path, global_step=supervisor.global_step
                )
            supervisor.stop(
                threads,
                close_summary_writer=True,
                ignore_live_threads=self.ignore_live_threads,
            )

    def _steps(self, session: BaseSession) -> None:
        try:
            while not self.supervisor.should_stop():
                self.loss, stop = self.step(
                    session, self.train_op, self.global_step, self.kwargs
                )
                if stop:
                    logs.info("Stopping Training.")
                    self.supervisor.request_stop()
                    return
        except errors.OutOfRangeError as error:
            # the input has come to its end
            logs.info("Caught OutOfRangeError. Stopping Training. %s", error)


def _wait_for_step(sess: BaseSession, global_step: VariableLike, step: int) -> None:
    """Look each half second until the count is as large."""
    while training_util.global_step(sess, global_step) < step:
        logs.info("Waiting for step %d before starting training.", step)
        time.sleep(0.5)
