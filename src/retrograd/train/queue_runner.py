"""Threads that fill queues: `tf.train.QueueRunner`."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import errors
from retrograd.formats import messages
from retrograd.graph import context
from retrograd.graph.defaults import add_to_collection, get_collection
from retrograd.graph.hooks import hooks
from retrograd.graph.names import GraphKeys, prepend_name_scope, strip_name_scope
from retrograd.platform import logs
from retrograd.run.session import BaseSession
from retrograd.train.coordinator import Coordinator

if TYPE_CHECKING:
    from retrograd.ops.queues.queue import QueueBase
    from retrograd.typing import Message, OperationLike


class QueueRunner:
    """Enqueue operations of a queue, each to be run again and again in a thread.

    Args:
      queue: the queue.
      enqueue_ops: operations that put something into it.
      close_op: closes the queue; made if not given.
      cancel_op: closes the queue and ends enqueues that wait; made if not given.
      queue_closed_exception_types: errors that mean the input is at its end, by default
        OutOfRangeError.
      queue_runner_def: a QueueRunnerDef message, instead of the above.
      import_scope: put before the names in it.

    Raises:
      ValueError: queue or operations are not given, or the message too.
      TypeError: the last are no types of errors.
      RuntimeError: the program executes eagerly.
    """

    def __init__(
        self,
        queue: QueueBase | None = None,
        enqueue_ops: Sequence[OperationLike] | None = None,
        close_op: OperationLike | None = None,
        cancel_op: OperationLike | None = None,
        queue_closed_exception_types: tuple[type[BaseException], ...] | None = None,
        queue_runner_def: Message | None = None,
        import_scope: str | None = None,
    ) -> None:
        if context.executing_eagerly():
            raise RuntimeError(
                "QueueRunners are not supported when eager execution is enabled. "
                "Instead, please use tf.data to get data into your model."
            )
        if queue_runner_def:
            if queue or enqueue_ops:
                raise ValueError("queue_runner_def and queue are mutually exclusive.")
            self._init_from_proto(queue_runner_def, import_scope)
        else:
            if not queue or not enqueue_ops:
                raise ValueError("Must provide queue and enqueue_ops.")
            self._queue, self._enqueue_ops = queue, enqueue_ops
            kinds = _checked_types(queue_closed_exception_types)
            self._close_op = queue.close() if close_op is None else close_op
            if cancel_op is None:
                cancel_op = queue.close(cancel_pending_enqueues=True)
            self._cancel_op = cancel_op
            self._queue_closed_exception_types = kinds
        self._lock = threading.Lock()
        # how many threads are running, for each session
        self._runs_per_session: Any = weakref.WeakKeyDictionary()
        self._exceptions_raised: list[Exception] = []

    def _init_from_proto(self, message: Message, import_scope: str | None) -> None:
        graph = context.get_default_graph()

        def element(name: str) -> Any:
            return graph.as_graph_element(prepend_name_scope(name, import_scope))

        self._queue = element(message.queue_name)
        self._enqueue_ops = [element(name) for name in message.enqueue_op_name]
        self._close_op = element(message.close_op_name)
        self._cancel_op = element(message.cancel_op_name)
        self._queue_closed_exception_types = tuple(
            errors.exception_type_from_error_code(code)
            for code in message.queue_closed_exception_types
        ) or (errors.OutOfRangeError,)

    @property
    def queue(self) -> Any:
        """The queue."""
        return self._queue

    @property
    def enqueue_ops(self) -> Any:
        """The operations that put something in."""
        return self._enqueue_ops

    @property
    def close_op(self) -> Any:
        """The operation that closes the queue."""
        return self._close_op

    @property
    def cancel_op(self) -> Any:
        """The operation that closes the queue and ends enqueues that wait."""
        return self._cancel_op

    @property
    def queue_closed_exception_types(self) -> Any:
        """Errors that mean the input is at its end."""
        return self._queue_closed_exception_types

    @property
    def exceptions_raised(self) -> list[Exception]:
        """Errors of threads that have no coordinator to report to."""
        return self._exceptions_raised

    @property
    def name(self) -> str:
        """The name of the queue."""
        return self._queue.name

    def _run(
        self, sess: BaseSession, enqueue_op: OperationLike, coord: Coordinator | None
    ) -> None:
        """What a thread does: enqueue until the input ends or it is told to stop."""
        counted = True
        try:
            enqueue = sess.make_callable(enqueue_op)
            while not (coord and coord.should_stop()):
                try:
                    enqueue()
                except self._queue_closed_exception_types:
                    with self._lock:
                        counted = False
                        self._runs_per_session[sess] -= 1
                        if self._runs_per_session[sess] == 0:
                            _run_quietly(sess, self._close_op)
                    return
        except Exception as error:
            if coord:
                coord.request_stop(error)
                return
            logs.error("Exception in QueueRunner: %s", str(error))
            with self._lock:
                self._exceptions_raised.append(error)
            raise
        finally:
            if counted:
                with self._lock:
                    self._runs_per_session[sess] -= 1

    def _close_on_stop(
        self, sess: BaseSession, cancel_op: OperationLike, coord: Coordinator
    ) -> None:
        """What another thread does: close the queue on a stop."""
        coord.wait_for_stop()
        _run_quietly(sess, cancel_op)

    def create_threads(
        self,
        sess: BaseSession,
        coord: Coordinator | None = None,
        daemon: bool = False,
        start: bool = False,
    ) -> list[threading.Thread]:
        """Threads that run the enqueue operations in a session.

        Args:
          sess: the session.
          coord: tells them when to stop, and is told of errors.
          daemon: whether they may outlive the program.
          start: whether to start them.

        Returns:
          The threads; none if those of an earlier call are still running.
        """
        with self._lock:
            if self._runs_per_session.get(sess, 0) > 0:
                return []
            self._runs_per_session[sess] = len(self._enqueue_ops)
            self._exceptions_raised = []
        prefix = f"QueueRunnerThread-{self.name}-"
        threads = [
            threading.Thread(
                target=self._run, args=(sess, op, coord), name=f"{prefix}{op.name}"
            )
            for op in self._enqueue_ops
        ]
        if coord:
            threads.append(
                threading.Thread(
                    target=self._close_on_stop,
                    args=(sess, self._cancel_op, coord),
                    name=f"{prefix}close_on_stop",
                )
            )
        for thread in threads:
            if coord:
                coord.register_thread(thread)
            if daemon:
                thread.daemon = True
            if start:
                thread.start()
        return threads

    def to_proto(self, export_scope: str | None = None) -> Any:
        """This as a QueueRunnerDef message; None if it is outside of `export_scope`."""
        if export_scope is not None and not self.queue.name.startswith(export_scope):
            return None

        def stripped(element: OperationLike) -> str:
            return strip_name_scope(element.name, export_scope)

        return messages.QueueRunnerDef(
            queue_name=stripped(self.queue),
            enqueue_op_name=[stripped(op) for op in self.enqueue_ops],
            close_op_name=stripped(self.close_op),
            cancel_op_name=stripped(self.cancel_op),
            queue_closed_exception_types=[
                errors.error_code_from_exception_type(kind)
                for kind in self._queue_closed_exception_types
            ],
        )

    @staticmethod
    def from_proto(
        queue_runner_def: Message, import_scope: str | None = None
    ) -> QueueRunner:
        """The QueueRunner that a message describes."""
        return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)


def _checked_types(kinds: Any) -> tuple[Any, ...]:
    if kinds is None:
        return (errors.OutOfRangeError,)
    if (
        not isinstance(kinds, tuple)
        or not kinds
        or not all(issubclass(k, errors.OpError) for k in kinds)
    ):
        raise TypeError(
            "queue_closed_exception_types, when provided, must be a tuple of tf.error "
            f"types, but saw: {kinds}"
        )
    return kinds


def _run_quietly(sess: BaseSession, op: OperationLike) -> None:
    """Run an operation that closes a queue; it may be closed already."""
    try:
        sess.run(op)
    except Exception as error:
        logs.vlog(1, "Ignored exception: %s", str(error))


def add_queue_runner(
    qr: QueueRunner, collection: str = GraphKeys.QUEUE_RUNNERS
) -> None:
    """Add a QueueRunner to a collection of the graph, for `start_queue_runners`."""
    add_to_collection(collection, qr)


def start_queue_runners(
    sess: BaseSession | None = None,
    coord: Coordinator | None = None,
    daemon: bool = True,
    start: bool = True,
    collection: str = GraphKeys.QUEUE_RUNNERS,
) -> list[threading.Thread]:
    """Start the threads of all queue runners of the graph.

    Args:
      sess: the session, by default the default one.
      coord: tells the threads when to stop.
      daemon: whether they may outlive the program.
      start: whether to start them.
      collection: where the queue runners are.

    Returns:
      The threads.

    Raises:
      ValueError: there is no default session.
      TypeError: `sess` is no session.
      RuntimeError: the program executes eagerly.
    """
    if context.executing_eagerly():
        raise RuntimeError("Queues are not compatible with eager execution.")
    if sess is None:
        sess = context.get_default_session()
        if not sess:
            raise ValueError(
                "Cannot start queue runners: No default session is registered. Use "
                "`with sess.as_default()` or pass an explicit session to "
                "tf.start_queue_runners(sess=sess)"
            )
    if not isinstance(sess, BaseSession):
        if type(sess).__name__ in ("MonitoredSession", "SingularMonitoredSession"):
            return []  # these start queue runners themselves
        raise TypeError(
            f"sess must be a `tf.Session` object. Given class: {type(sess)}"
        )
    runners = get_collection(collection)
    if not runners:
        logs.warning(
            "`tf.train.start_queue_runners()` was called when no queue runners were "
            "defined. You can safely remove the call to this deprecated function."
        )
    with sess.graph.as_default():
        threads: list[threading.Thread] = []
        for runner in runners:
            threads += runner.create_threads(sess, coord, daemon, start)
    return threads


def _protos() -> tuple[Any, Any, Any]:
    return messages.QueueRunnerDef, QueueRunner.to_proto, QueueRunner.from_proto


hooks.provide(queue_runner_protos=_protos)
