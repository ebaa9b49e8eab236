"""`tf.train.Supervisor`: a session that is saved and summarized from threads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.formats.graph_io import write_graph
from retrograd.formats.meta_graph import create_meta_graph_def
from retrograd.graph import context
from retrograd.graph.names import GraphKeys
from retrograd.ops.declare import kind_of
from retrograd.ops.traits import Kind
from retrograd.platform import logs
from retrograd.summary.summary import merge_all
from retrograd.summary.writer import FileWriter
from retrograd.train import training_util
from retrograd.train.coordinator import Coordinator, LooperThread
from retrograd.train.saver import Saver
from retrograd.train.scaffold import Scaffold
from retrograd.train.session_manager import SessionManager
from retrograd.train.supervisor_threads import (
    SVStepCounterThread,
    SVSummaryThread,
    SVTimerCheckpointThread,
)
from retrograd.util import protos
from retrograd.variables import collections

if TYPE_CHECKING:
    import threading

    from retrograd.graph.graph import Graph
    from retrograd.run.session import BaseSession, Session
    from retrograd.train.queue_runner import QueueRunner
    from retrograd.typing import FeedDict, Fetchable, Message


class Supervisor:
    """Makes a session, initialized or from a checkpoint, and keeps it safe.

    Threads save checkpoints and write summaries while the program trains. What is not
    given is looked for in the graph's collections, and made where it is not there; None
    says that there shall be none. The graph is final afterwards.

    Args:
      graph: by default the default graph.
      ready_op: gives the names of variables that are not initialized.
      ready_for_local_init_op: the same of those that `local_init_op` waits for.
      is_chief: whether this process initializes and saves; else it waits for one that
        does.
      init_op: initializes variables.
      init_feed_dict: is fed to it.
      local_init_op: initializes what each process has of its own.
      logdir: where checkpoints and summaries are.
      summary_op: serialized summaries.
      saver: saves and restores.
      global_step: the counter of steps.
      save_summaries_secs, save_model_secs: how often; 0 for never.
      recovery_wait_secs: how long to wait before looking for the chief again.
      stop_grace_secs: how long threads may take to stop.
      checkpoint_basename: the beginning of the names of checkpoints.
      session_manager: makes the sessions.
      summary_writer: writes summaries; by default one for `logdir`.
      init_fn: called with the session after `init_op`.
      local_init_run_options: of `local_init_op`'s run.

    Raises:
      RuntimeError: when executing eagerly.
      ValueError: a variable has no device where `is_chief` is False.

    Example:
      >>> import tempfile
      >>> import retrograd as tf
      >>> with tf.Graph().as_default():
      ...     step = tf.train.get_or_create_global_step()
      ...     count = tf.assign_add(step, 1)
      ...     supervisor = Supervisor(logdir=tempfile.mkdtemp())
      ...     with supervisor.managed_session() as session:
      ...         while not supervisor.should_stop():
      ...             if session.run(count) == 3:
      ...                 supervisor.request_stop()
    """

    #: says that an argument was not given
    USE_DEFAULT = 0

    def __init__(
        self,
        graph: Graph | None = None,
        ready_op: Fetchable = USE_DEFAULT,
        ready_for_local_init_op: Fetchable = USE_DEFAULT,
        is_chief: bool = True,
        init_op: Fetchable = USE_DEFAULT,
        init_feed_dict: FeedDict | None = None,
        local_init_op: Fetchable = USE_DEFAULT,
        logdir: str | None = None,
        summary_op: Fetchable = USE_DEFAULT,
        saver: Saver | int | None = USE_DEFAULT,
        global_step: Fetchable = USE_DEFAULT,
        save_summaries_secs: float = 120,
        save_model_secs: float = 600,
        recovery_wait_secs: float = 30,
        stop_grace_secs: float = 120,
        checkpoint_basename: str = "model.ckpt",
        session_manager: SessionManager | None = None,
        summary_writer: FileWriter | int | None = USE_DEFAULT,
        init_fn: Callable[[Session], object] | None = None,
        local_init_run_options: Message | None = None,
    ) -> None:
        if context.executing_eagerly():
            raise RuntimeError("Supervisors are compatible with eager execution.")
        self._graph = graph or context.get_default_graph()
        self._is_chief, self._init_fn = is_chief, init_fn
        self._init_feed_dict, self._logdir = init_feed_dict, logdir
        with self._graph.as_default():
            self._find_parts(
                ready_op, ready_for_local_init_op, init_op, local_init_op, saver
            )
            self._find_summaries(summary_op, global_step)
        self._coord = Coordinator()
        self._recovery_wait_secs = recovery_wait_secs
        self._stop_grace_secs = stop_grace_secs
        self._local_init_run_options = local_init_run_options
        self._started_threads: list[threading.Thread] = []
        self._graph_added_to_summary = False
        self._save_path: str | None = None
        self._summary_writer: Any = None
        self._save_summaries_secs = self._save_model_secs = None
        if is_chief:
            self._save_summaries_secs = save_summaries_secs
            self._save_model_secs = save_model_secs
            if logdir:
                self._save_path = os.path.join(logdir, checkpoint_basename)
            if _given(summary_writer):
                self._summary_writer = summary_writer
            elif logdir:
                self._summary_writer = FileWriter(logdir)
        self._session_manager = session_manager or self._manager()
        self._verify_setup()
        self._graph.finalize()

    # ------------------------------------------------------------- what it needs

    def _find_parts(
        self,
        ready_op: Fetchable,
        ready_for_local_init_op: Fetchable,
        init_op: Fetchable,
        local_init_op: Fetchable,
        saver: Saver | int | None,
    ) -> None:
        """What initializes, checks and saves."""
        first, keys = self._first, GraphKeys
        report = collections.report_uninitialized_variables
        self._ready_op = first(ready_op, keys.READY_OP, report)
        self._ready_for_local_init_op = first(
            ready_for_local_init_op, keys.READY_FOR_LOCAL_INIT_OP, _nothing
        )
        initialize = collections.global_variables_initializer
        self._init_op = first(init_op, keys.INIT_OP, initialize)
        initialize_local = Scaffold.default_local_init_op
        self._local_init_op = first(local_init_op, keys.LOCAL_INIT_OP, initialize_local)
        self._saver = first(saver, keys.SAVERS, _default_saver)

    def _find_summaries(self, summary_op: Fetchable, global_step: Fetchable) -> None:
        """What is summarized, and the counter of steps."""
        self._summary_op = self._first(summary_op, GraphKeys.SUMMARY_OP, merge_all)
        self._global_step = self._first(
            global_step, GraphKeys.GLOBAL_STEP, self._default_global_step_tensor
        )

    def _first(self, given: object, key: str, make: Callable[[], Any]) -> Any:
        """What was given, or is first in a collection, or is made and put there."""
        if _given(given):
            return given
        found = self._graph.get_collection(key)
        if found:
            if len(found) > 1:
                logs.info(
                    "Found %d %s operations. Returning the first one.", found, key
                )
            return found[0]
        made = make()
        if made is not None:
            self._graph.add_to_collection(key, made)
        return made

    def _default_global_step_tensor(self) -> Any:
        """The tensor `global_step:0`, if there is one of integers."""
        try:
            step = self._graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
        if step.dtype.base_dtype.is_integer:
            return step
        logs.warning("Found 'global_step' is not an int type: %s", step.dtype)
        return None

    def _manager(self) -> SessionManager:
        return SessionManager(
            local_init_op=self._local_init_op,
            ready_op=self._ready_op,
            ready_for_local_init_op=self._ready_for_local_init_op,
            graph=self._graph,
            recovery_wait_secs=self._recovery_wait_secs,
            local_init_run_options=self._local_init_run_options,
        )

    def _verify_setup(self) -> None:
        if self._is_chief:
            return
        for op in self._graph.get_operations():
            is_variable = kind_of(op.type) is Kind.VARIABLE
            if is_variable and op.outputs[0].dtype._is_ref_dtype and not op.device:
                raise ValueError(
                    f"When using replicas, all Variables must have their device set: "
                    f"{op}"
                )

    # ------------------------------------------------------------------ sessions

    def prepare_or_wait_for_session(
        self,
        master: str = "",
        config: Message | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        start_standard_services: bool = True,
    ) -> Any:
        """A session that is ready; who is not the chief waits for it.

        Args:
          master, config: of the session.
          wait_for_checkpoint: whether there has to be a checkpoint first.
          max_wait_secs: how long to wait for that, or for the chief.
          start_standard_services: whether threads start that save and summarize, and
            those of queues.
        """
        self._coord.clear_stop()
        if self._summary_writer:
            self._summary_writer.reopen()
        if self._is_chief:
            session = self._session_manager.prepare_session(
                master,
                init_op=self._init_op,
                saver=self._saver,
                checkpoint_dir=self._logdir,
                wait_for_checkpoint=wait_for_checkpoint,
                max_wait_secs=max_wait_secs,
                config=config,
                init_feed_dict=self._init_feed_dict,
                init_fn=self._init_fn,
            )
            self._write_graph()
            if start_standard_services:
                logs.info("Starting standard services.")
                self.start_standard_services(session)
        else:
            session = self._session_manager.wait_for_session(
                master, config=config, max_wait_secs=max_wait_secs
            )
        if start_standard_services:
            logs.info("Starting queue runners.")
            self.start_queue_runners(session)
        return session

    @contextlib.contextmanager
    def managed_session(
        self,
        master: str = "",
        config: Message | None = None,
        start_standard_services: bool = True,
        close_summary_writer: bool = True,
    ) -> Iterator[Any]:
        """A context with a session that is ready; at its end the threads stop.

        An error in it stops the threads too, and is raised again; but an
        OutOfRangeError, the end of input, is not.

        Args:
          master, config: of the session.
          start_standard_services: see `prepare_or_wait_for_session`.
          close_summary_writer: whether the file of summaries is closed at the end.
        """
        session: Any = None
        try:
            session = self.prepare_or_wait_for_session(
                master, config, start_standard_services=start_standard_services
            )
            yield session
        except Exception as error:
            self.request_stop(error)
        finally:
            try:
                self.stop(close_summary_writer=close_summary_writer)
            finally:
                if session is not None:
                    with contextlib.suppress(Exception):
                        session.close()

    def start_standard_services(self, sess: BaseSession) -> Any:
        """Start the threads that save checkpoints and write summaries.

        Returns:
          The threads; None without a `logdir`.

        Raises:
          RuntimeError: this is not the chief.
        """
        if not self._is_chief:
            raise RuntimeError(
                "Only chief supervisor can start standard services. Because only chief "
                "supervisors can write events."
            )
        if not self._logdir:
            logs.warning(
                "Standard services need a 'logdir' passed to the SessionManager"
            )
            return None
        writer = self._summary_writer
        if self._global_step is not None and writer:
            log = protos.message("event.SessionLog")
            step = training_util.global_step(sess, self._global_step)
            writer.add_session_log(log(status=log.START), step)
        threads: list[LooperThread] = []
        if self._save_summaries_secs and writer:
            if self._summary_op is not None:
                threads.append(SVSummaryThread(self, sess))
            if self._global_step is not None:
                threads.append(SVStepCounterThread(self, sess))
        if self._saver and self._save_model_secs:
            threads.append(SVTimerCheckpointThread(self, sess))
        for thread in threads:
            thread.start()
        self._started_threads.extend(threads)
        return threads

    def start_queue_runners(
        self, sess: BaseSession, queue_runners: Iterable[QueueRunner] | None = None
    ) -> list[threading.Thread]:
        """Start the threads of queues, by default those in the graph's collection."""
        if queue_runners is None:
            queue_runners = self._graph.get_collection(GraphKeys.QUEUE_RUNNERS)
        threads: list[threading.Thread] = []
        for runner in queue_runners or ():
            threads.extend(
                runner.create_threads(sess, coord=self._coord, daemon=True, start=True)
            )
        self._started_threads.extend(threads)
        return threads

    def loop(
        self,
        timer_interval_secs: float | None,
        target: Callable[..., object],
        args: Sequence[object] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> LooperThread:
        """Start a thread that calls `target` every so many seconds until the stop."""
        looper = LooperThread(self._coord, timer_interval_secs, target, args, kwargs)
        looper.start()
        return looper

    # ---------------------------------------------------------------- summaries

    def _write_graph(self) -> None:
        """Have the graph in the folder and among the summaries."""
        assert self._is_chief
        summarizes = self._summary_writer and not self._graph_added_to_summary
        if not self._logdir and not summarizes:
            return
        message = self._graph.as_graph_def(add_shapes=True)
        if self._logdir:
            write_graph(message, self._logdir, "graph.pbtxt")
        if summarizes:
            self._summary_writer.add_graph(self._graph)
            self._summary_writer.add_meta_graph(
                create_meta_graph_def(
                    graph_def=message,
                    saver_def=self._saver.saver_def if self._saver else None,
                )
            )
            self._graph_added_to_summary = True

    def summary_computed(
        self, sess: BaseSession, summary: bytes | Message, global_step: object = None
    ) -> None:
        """Write a summary.

        Args:
          sess: says the step where it is not given.
          summary: a Summary, or its bytes.
          global_step: the number of the step.

        Raises:
          RuntimeError: there is no writer.
        """
        if not self._summary_writer:
            raise RuntimeError("Writing a summary requires a summary writer.")
        if global_step is None and self._global_step is not None:
            global_step = training_util.global_step(sess, self._global_step)
        self._summary_writer.add_summary(summary, global_step)

    # ----------------------------------------------------------------- stopping

    def stop(
        self,
        threads: Iterable[threading.Thread] | None = None,
        close_summary_writer: bool = True,
        ignore_live_threads: bool = False,
    ) -> None:
        """Stop the threads, and wait for them.

        Args:
          threads: by default those that were started.
          close_summary_writer: whether the file of summaries is closed.
          ignore_live_threads: whether those that do not stop are no error.
        """
        self._coord.request_stop()
        try:
            self._coord.join(
                self._started_threads if threads is None else threads,
                stop_grace_period_secs=self._stop_grace_secs,
                ignore_live_threads=ignore_live_threads,
            )
        finally:
            if close_summary_writer and self._summary_writer:
                log = protos.message("event.SessionLog")
                self._summary_writer.add_session_log(log(status=log.STOP))
                self._summary_writer.close()
                self._graph_added_to_summary = False

    def request_stop(self, ex: BaseException | tuple[Any, ...] | None = None) -> None:
        """Ask the threads to stop; see `Coordinator.request_stop`."""
        self._coord.request_stop(ex=ex)

    def should_stop(self) -> bool:
        """Whether a stop was requested."""
        return self._coord.should_stop()

    def stop_on_exception(self) -> contextlib.AbstractContextManager[None]:
        """A context that requests a stop where an error is raised in it."""
        return self._coord.stop_on_exception()

    def wait_for_stop(self) -> None:
        """Wait until a stop is requested."""
        self._coord.wait_for_stop()

    # --------------------------------------------------------------- properties

    @property
    def is_chief(self) -> bool:
        """Whether this process initializes and saves."""
        return self._is_chief

    @property
    def session_manager(self) -> SessionManager:
        """What makes the sessions."""
        return self._session_manager

    @property
    def coord(self) -> Coordinator:
        """Tells the threads when to stop."""
        return self._coord

    @property
    def init_op(self) -> Any:
        """Initializes variables."""
        return self._init_op

    @property
    def init_feed_dict(self) -> Any:
        """What is fed to `init_op`."""
        return self._init_feed_dict

    @property
    def ready_op(self) -> Any:
        """Gives the names of variables that are not initialized."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        """Gives the names of those that the local initialization waits for."""
        return self._ready_for_local_init_op

    @property
    def summary_writer(self) -> Any:
        """What writes summaries."""
        return self._summary_writer

    @property
    def summary_op(self) -> Any:
        """Serialized summaries."""
        return self._summary_op

    @property
    def save_summaries_secs(self) -> float | None:
        """How often summaries are written."""
        return self._save_summaries_secs

    @property
    def global_step(self) -> Any:
        """The counter of steps."""
        return self._global_step

    @property
    def saver(self) -> Any:
        """What saves and restores."""
        return self._saver

    @property
    def save_model_secs(self) -> float | None:
        """How often checkpoints are saved."""
        return self._save_model_secs

    @property
    def save_path(self) -> str | None:
        """The beginning of the paths of checkpoints."""
        return self._save_path

    # the names of old
    PrepareSession = prepare_or_wait_for_session
    StartQueueRunners = start_queue_runners
    StartStandardServices = start_standard_services
    Stop = stop
    RequestStop = request_stop
    Loop = loop
    ShouldStop = should_stop
    StopOnException = stop_on_exception
    WaitForStop = wait_for_stop
    SummaryComputed = summary_computed


def _given(value: object) -> bool:
    """Whether an argument is not `USE_DEFAULT`."""
    return value is not Supervisor.USE_DEFAULT


def _nothing() -> None:
    """There is none by default."""


def _default_saver() -> Saver | None:
    return Saver() if collections.global_variables() else None
