"""Sessions that initialize, recover, and call hooks around each run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import errors
from retrograd.graph import context
from retrograd.train import queue_runner
from retrograd.train.basic_session_run_hooks import (
    CheckpointSaverHook,
    StepCounterHook,
    SummarySaverHook,
)
from retrograd.train.coordinator import Coordinator
from retrograd.train.scaffold import Scaffold
from retrograd.train.session_manager import SessionManager
from retrograd.train.session_run_hook import (
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
)
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.run.session import Session
    from retrograd.typing import FeedDict, Fetchable, Message

#: what means that a worker was lost: the session is made anew
_PREEMPTION_ERRORS = (errors.AbortedError, errors.UnavailableError)
#: a value that says that an argument was not given
USE_DEFAULT = object()
_log = logging.getLogger("tensorflow")


class SessionCreator:
    """Makes a session; base of the two below."""

    def create_session(self) -> Any:
        """A session that is ready."""
        raise NotImplementedError(f"create_session is not implemented for {self}.")


class ChiefSessionCreator(SessionCreator):
    """Makes a session that initializes the model, or takes it from a checkpoint.

    Args:
      scaffold: the model's operations.
      master, config: of the session.
      checkpoint_dir, checkpoint_filename_with_path: where variables are from.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Message | None = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
    ) -> None:
        self._checkpoint_dir = checkpoint_dir
        self._checkpoint_filename_with_path = checkpoint_filename_with_path
        self._scaffold = scaffold or Scaffold()
        self._session_manager: SessionManager | None = None
        self._master, self._config = master, config

    def _manager(self) -> SessionManager:
        if self._session_manager is None:
            self._session_manager = _manager_of(self._scaffold)
        return self._session_manager

    def create_session(self) -> Any:
        """A session that is ready."""
        scaffold = self._scaffold.finalize()
        return self._manager().prepare_session(
            self._master,
            saver=scaffold.saver,
            checkpoint_dir=self._checkpoint_dir,
            checkpoint_filename_with_path=self._checkpoint_filename_with_path,
            config=self._config,
            init_op=scaffold.init_op,
            init_feed_dict=scaffold.init_feed_dict,
            init_fn=scaffold.init_fn,
        )


class WorkerSessionCreator(SessionCreator):
    """Makes a session that waits until the chief has initialized the model.

    Args:
      scaffold: the model's operations.
      master, config: of the session.
      max_wait_secs: how long it waits.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Message | None = None,
        max_wait_secs: float = 30 * 60,
    ) -> None:
        self._scaffold = scaffold or Scaffold()
        self._master, self._config = master, config
        self._max_wait_secs = max_wait_secs

    def create_session(self) -> Any:
        """A session that is ready."""
        self._scaffold.finalize()
        return _manager_of(self._scaffold).wait_for_session(
            self._master, self._config, self._max_wait_secs
        )


def _manager_of(scaffold: Scaffold) -> SessionManager:
    return SessionManager(
        local_init_op=scaffold.local_init_op,
        ready_op=scaffold.ready_op,
        ready_for_local_init_op=scaffold.ready_for_local_init_op,
        graph=context.get_default_graph(),
    )


# --------------------------------------------------------------------- parts of it


class _Hooked:
    """A session and the hooks around its runs."""

    def __init__(self, session: Session, hooks: Sequence[SessionRunHook]) -> None:
        self.session, self.hooks = session, hooks
        self.should_stop = False

    def run(
        self,
        fetches: Fetchable,
        feed_dict: FeedDict | None = None,
        options: Message | None = None,
        run_metadata: Message | None = None,
    ) -> Any:
        if self.should_stop:
            raise RuntimeError("Run called even after should_stop requested.")
        asked: dict[Any, Any] = {"caller": fetches}
        around = SessionRunContext(SessionRunArgs(fetches, feed_dict), self.session)
        chosen = options or protos.message("config.RunOptions")()
        feeds = self._before(around, asked, feed_dict, chosen)
        metadata = run_metadata or protos.message("config.RunMetadata")()
        found = self.session.run(
            asked, feed_dict=feeds, options=chosen, run_metadata=metadata
        )
        for hook in self.hooks:
            values = SessionRunValues(found.get(hook), chosen, metadata)
            hook.after_run(around, values)
        self.should_stop = self.should_stop or around.stop_requested
        return found["caller"]

    def _before(
        self,
        around: SessionRunContext,
        asked: dict[Any, Any],
        feed_dict: FeedDict | None,
        options: Message,
    ) -> dict[Any, Any]:
        """What is fed in all; what hooks fetch is put into `asked`.

        Raises:
          RuntimeError: two feed the same tensor.
        """
        feeds = dict(feed_dict or {})
        from_hooks: dict[Any, Any] = {}
        for hook in self.hooks:
            request = hook.before_run(around)
            if request is None:
                continue
            if request.fetches is not None:
                asked[hook] = request.fetches
            for tensor, value in (request.feed_dict or {}).items():
                if tensor in from_hooks:
                    raise RuntimeError("Same tensor is fed by two hooks.")
                if tensor in feeds:
                    raise RuntimeError(
                        "Same tensor is fed by a SessionRunHook and user. "
                        f"Conflict between {tensor}"
                    )
                from_hooks[tensor] = value
            if request.options:
                options.MergeFrom(request.options)
        return {**feeds, **from_hooks}


class _Coordinated:
    """A session with the threads of its queues."""

    def __init__(
        self,
        creator: SessionCreator,
        hooks: Sequence[SessionRunHook],
        stop_grace_period_secs: float,
    ) -> None:
        self.coord = Coordinator(clean_stop_exception_types=())
        self.grace = stop_grace_period_secs
        self.tf_sess = creator.create_session()
        if context.get_default_graph().get_collection("queue_runners"):
            queue_runner.start_queue_runners(sess=self.tf_sess, coord=self.coord)
        for hook in hooks:
            hook.after_create_session(self.tf_sess, self.coord)
        self.hooked = _Hooked(self.tf_sess, hooks)

    @property
    def should_stop(self) -> bool:
        """Whether a hook, a thread or an error has ended it."""
        return self.coord.should_stop() or self.hooked.should_stop

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Run; an error of a thread is more telling than what comes of it."""
        try:
            return self.hooked.run(*args, **kwargs)
        except _PREEMPTION_ERRORS:
            raise
        except Exception:
            self.coord.raise_requested_exception()
            raise

    def close(self) -> None:
        """End the threads and the session."""
        self.coord.request_stop()
        try:
            self.coord.join(stop_grace_period_secs=self.grace, ignore_live_threads=True)
        finally:
            self.tf_sess.close()


class StepContext:
    """What `run_step_fn` hands to its function.

    Args:
      session: the session without hooks.
      run_with_hooks_fn: runs with them.
    """

    def __init__(self, session: Session, run_with_hooks_fn: Callable[..., Any]) -> None:
        self._session, self._run_with_hooks_fn = session, run_with_hooks_fn

    @property
    def session(self) -> Any:
        """The session without hooks."""
        return self._session

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """As `run` of the monitored session."""
        return self._run_with_hooks_fn(*args, **kwargs)

    def request_stop(self) -> None:
        """Let `should_stop` be True.

        Raises:
          StopIteration: always; it ends the function.
        """
        raise StopIteration("step_fn has requested the iterations to stop.")


# ------------------------------------------------------------------------- sessions


class _MonitoredSession:
    """See `MonitoredSession`."""

    #: whether a session that was lost is made anew
    _recovers = True
    StepContext = StepContext

    def __init__(
        self,
        session_creator: SessionCreator | None,
        hooks: Sequence[SessionRunHook] | None,
        stop_grace_period_secs: float = 120,
    ) -> None:
        self._graph_was_finalized = context.get_default_graph().finalized
        self._hooks = list(hooks or ())
        for hook in self._hooks:
            hook.begin()
        self._creator = session_creator or ChiefSessionCreator()
        self._grace = stop_grace_period_secs
        self._coordinated: _Coordinated | None = None
        self._stopped = False
        self._open()

    def _open(self) -> None:
        while True:
            try:
                self._coordinated = _Coordinated(
                    self._creator, self._hooks, self._grace
                )
                return
            except _PREEMPTION_ERRORS as error:
                if not self._recovers:
                    raise
                _log.info(
                    "An error was raised while a session was being created. This may "
                    "be due to a preemption of a connected worker or parameter server. "
                    "A new session will be created. Error: %s",
                    error,
                )

    @property
    def graph(self) -> Any:
        """The graph, None where the session is closed."""
        session = self._tf_sess()
        return None if session is None else session.graph

    def _tf_sess(self) -> Any:
        return None if self._coordinated is None else self._coordinated.tf_sess

    def run(
        self,
        fetches: Fetchable,
        feed_dict: FeedDict | None = None,
        options: Message | None = None,
        run_metadata: Message | None = None,
    ) -> Any:
        """As `Session.run`, with the hooks around it.

        Raises:
          RuntimeError: the session is closed, or shall stop.
        """
        while True:
            if self._coordinated is None:
                raise RuntimeError("Attempted to use a closed session.")
            try:
                return self._coordinated.run(fetches, feed_dict, options, run_metadata)
            except _PREEMPTION_ERRORS as error:
                if not self._recovers:
                    raise
                _log.info(
                    "An error was raised. This may be due to a preemption in a "
                    "connected worker or parameter server. The current session will be "
                    "closed and a new session will be created. Error: %s",
                    error,
                )
                self._close_quietly()
                self._open()

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """Call a function with a `StepContext`; a StopIteration of it ends training.

        Args:
          step_fn: takes `step_context`, and before it `self` if it is a method.

        Raises:
          ValueError: it takes something else.
        """
        from retrograd.util.functions import fn_args

        names = fn_args(step_fn)
        if names not in (("step_context",), ("self", "step_context")):
            raise ValueError(
                "`step_fn` may either have one `step_context` argument, or `self` and "
                f"`step_context` arguments if it's an instance method. Got {names} "
                "instead."
            )
        if self._coordinated is None:
            raise RuntimeError("Attempted to use a closed session.")
        around = StepContext(self._tf_sess(), self.run)
        try:
            return step_fn(around)
        except StopIteration:
            self._stopped = True
            return None

    def should_stop(self) -> bool:
        """Whether the loop of training shall end."""
        if self._coordinated is None:
            return True
        return self._stopped or self._coordinated.should_stop

    def close(self) -> None:
        """Call `end` of the hooks and close the session."""
        self._close_internal()

    def _close_internal(self, failure: type[BaseException] | None = None) -> None:
        try:
            if failure is None and self._coordinated is not None:
                for hook in self._hooks:
                    hook.end(self._coordinated.tf_sess)
        finally:
            try:
                if self._coordinated is None:
                    raise RuntimeError("Session is already closed.")
                if failure is None:
                    self._coordinated.close()
                else:
                    self._close_quietly()
            finally:
                self._coordinated = None
                if not self._graph_was_finalized:
                    context.get_default_graph()._unsafe_unfinalize()

    def _close_quietly(self) -> None:
        """Close what an error has ended."""
        assert self._coordinated is not None
        try:
            self._coordinated.close()
        except Exception as error:
            _log.info("An error was raised while closing the session: %s", error)

    def _is_closed(self) -> bool:
        return self._coordinated is None

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: object, traceback: object
    ) -> bool:
        ended = kind in (errors.OutOfRangeError, StopIteration)
        self._close_internal(None if ended else kind)
        return ended


class MonitoredSession(_MonitoredSession):
    """A session that initializes the model, recovers it, and calls hooks.

    When it is used as a context, an OutOfRangeError ends training without an error.

    Args:
      session_creator: makes the session; by default a `ChiefSessionCreator`.
      hooks: are called around each run.
      stop_grace_period_secs: how long to wait for threads at the end.

    Example:
      >>> with MonitoredSession(hooks=[StopAtStepHook(last_step=100)]) as session:
      ...     while not session.should_stop():
      ...         session.run(train_op)
    """

    def __init__(
        self,
        session_creator: SessionCreator | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
        stop_grace_period_secs: float = 120,
    ) -> None:
        super().__init__(session_creator, hooks, stop_grace_period_secs)


class SingularMonitoredSession(_MonitoredSession):
    """A `MonitoredSession` that is not made anew when it is lost.

    Args:
      hooks: are called around each run.
      scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path: see
        `ChiefSessionCreator`.
      stop_grace_period_secs: how long to wait for threads at the end.
    """

    _recovers = False

    def __init__(
        self,
        hooks: Sequence[SessionRunHook] | None = None,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Message | None = None,
        checkpoint_dir: str | None = None,
        stop_grace_period_secs: float = 120,
        checkpoint_filename_with_path: str | None = None,
    ) -> None:
        creator = ChiefSessionCreator(
            scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path
        )
        super().__init__(creator, hooks, stop_grace_period_secs)

    def raw_session(self) -> Any:
        """The session without hooks."""
        return self._tf_sess()


def MonitoredTrainingSession(
    master: str = "",
    is_chief: bool = True,
    checkpoint_dir: str | None = None,
    scaffold: Scaffold | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
    chief_only_hooks: Sequence[SessionRunHook] | None = None,
    save_checkpoint_secs: object = USE_DEFAULT,
    save_summaries_steps: object = USE_DEFAULT,
    save_summaries_secs: object = USE_DEFAULT,
    config: Message | None = None,
    stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100,
    max_wait_secs: float = 7200,
    save_checkpoint_steps: object = USE_DEFAULT,
    summary_dir: str | None = None,
) -> MonitoredSession:
    """A `MonitoredSession` that saves checkpoints and summaries.

    Args:
      master, config: of the session.
      is_chief: whether it initializes the model, or waits for the chief.
      checkpoint_dir: where checkpoints are, and are written.
      scaffold: the model's operations.
      hooks: are called around each run; `chief_only_hooks` where `is_chief`.
      chief_only_hooks: see `hooks`.
      save_checkpoint_secs, save_checkpoint_steps: how often checkpoints are saved; by
        default every 600 seconds; None for never.
      save_summaries_steps, save_summaries_secs: how often summaries are written; by
        default every 100 steps; None for never.
      stop_grace_period_secs: how long to wait for threads at the end.
      log_step_count_steps: how often the steps in a second are logged.
      max_wait_secs: how long to wait for the chief.
      summary_dir: where summaries are written; by default `checkpoint_dir`.
    """
    if save_summaries_steps is USE_DEFAULT and save_summaries_secs is USE_DEFAULT:
        save_summaries_steps, save_summaries_secs = 100, None
    if save_checkpoint_secs is USE_DEFAULT and save_checkpoint_steps is USE_DEFAULT:
        save_checkpoint_steps, save_checkpoint_secs = None, 600
    summary_secs, summary_steps = map(
        _given, (save_summaries_secs, save_summaries_steps)
    )
    save_secs, save_steps = map(_given, (save_checkpoint_secs, save_checkpoint_steps))
    scaffold = scaffold or Scaffold()
    all_hooks: list[SessionRunHook] = list(hooks or ())
    if not is_chief:
        creator: SessionCreator = WorkerSessionCreator(
            scaffold, master, config, max_wait_secs
        )
        return MonitoredSession(creator, all_hooks, stop_grace_period_secs)
    all_hooks += chief_only_hooks or ()
    summary_dir = summary_dir or checkpoint_dir
    if summary_dir:
        if log_step_count_steps and log_step_count_steps > 0:
            all_hooks.append(
                StepCounterHook(log_step_count_steps, output_dir=summary_dir)
            )
        if _positive(summary_steps) or _positive(summary_secs):
            all_hooks.append(
                SummarySaverHook(
                    summary_steps,
                    summary_secs,
                    summary_dir,
                    scaffold=scaffold,
                )
            )
    if checkpoint_dir and (_positive(save_secs) or _positive(save_steps)):
        all_hooks.append(
            CheckpointSaverHook(
                checkpoint_dir,
                save_secs=save_secs,
                save_steps=save_steps,
                scaffold=scaffold,
            )
        )
    creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir)
    return MonitoredSession(creator, all_hooks, stop_grace_period_secs)


def _given(value: object) -> Any:
    return None if value is USE_DEFAULT else value


def _positive(value: float | None) -> bool:
    return value is not None and value > 0
