"""Sessions whose variables have values: initialized, or from a checkpoint."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from retrograd import errors
from retrograd.graph import context
from retrograd.run.session import Session
from retrograd.train.checkpoint_state import get_checkpoint_state

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.run.session import BaseSession
    from retrograd.train.saver import Saver
    from retrograd.typing import FeedDict, Fetchable, Message

_log = logging.getLogger("tensorflow")


def _maybe_name(obj: object) -> str:
    """The name of what is run; or what it is."""
    if obj is None:
        return "None"
    return getattr(obj, "name", f"<no name for {type(obj)}>")


class SessionManager:
    """Makes sessions that are ready.

    Args:
      local_init_op: run in each new session, when the rest is initialized.
      ready_op: gives the names of variables that are not initialized.
      ready_for_local_init_op: gives those that `local_init_op` waits for.
      graph: by default the default graph.
      recovery_wait_secs: how long to wait before looking again.
      local_init_run_options: for `local_init_op`.

    Raises:
      ValueError: something to wait for, but no `local_init_op`.
    """

    def __init__(
        self,
        local_init_op: Fetchable = None,
        ready_op: Fetchable = None,
        ready_for_local_init_op: Fetchable = None,
        graph: Graph | None = None,
        recovery_wait_secs: float = 30,
        local_init_run_options: Message | None = None,
    ) -> None:
        self._graph = graph or context.get_default_graph()
        self._local_init_op, self._ready_op = local_init_op, ready_op
        self._ready_for_local_init_op = ready_for_local_init_op
        self._recovery_wait_secs = recovery_wait_secs
        self._local_init_run_options = local_init_run_options
        if ready_for_local_init_op is not None and local_init_op is None:
            raise ValueError(
                "If you pass a ready_for_local_init_op you must also pass a "
                f"local_init_op , ready_for_local_init_op [{ready_for_local_init_op}]"
            )

    def _restore_checkpoint(
        self,
        master: str,
        saver: Saver | None = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Message | None = None,
    ) -> tuple[Session, bool]:
        """A session, and whether its variables are from a checkpoint."""
        session = Session(master, graph=self._graph, config=config)
        if checkpoint_dir and checkpoint_filename_with_path:
            raise ValueError(
                "Can not provide both checkpoint_dir and checkpoint_filename_with_path."
            )
        if not saver or not (checkpoint_dir or checkpoint_filename_with_path):
            return session, False
        if checkpoint_filename_with_path:
            saver.restore(session, checkpoint_filename_with_path)
            return session, True
        assert checkpoint_dir is not None
        waited = 0.0
        state = get_checkpoint_state(checkpoint_dir)
        while not state or not state.model_checkpoint_path:
            if not wait_for_checkpoint or waited >= max_wait_secs:
                return session, False
            _log.info("Waiting for checkpoint to be available.")
            time.sleep(self._recovery_wait_secs)
            waited += self._recovery_wait_secs
            state = get_checkpoint_state(checkpoint_dir)
        saver.restore(session, state.model_checkpoint_path)
        saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
        return session, True

    def prepare_session(
        self,
        master: str = "",
        init_op: Fetchable = None,
        saver: Saver | None = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Message | None = None,
        init_feed_dict: FeedDict | None = None,
        init_fn: Callable[[Session], object] | None = None,
    ) -> Session:
        """A session that is ready: from a checkpoint, or initialized.

        Args:
          master: of the session.
          init_op: what initializes.
          saver, checkpoint_dir, checkpoint_filename_with_path: where variables are
            from, if they were saved.
          wait_for_checkpoint, max_wait_secs: whether, and how long, to wait for that.
          config: of the session.
          init_feed_dict: fed to `init_op`.
          init_fn: called with the session, after `init_op`.

        Raises:
          RuntimeError: the model is not ready afterwards, or nothing initializes it.
        """
        session, restored = self._restore_checkpoint(
            master,
            saver,
            checkpoint_dir,
            checkpoint_filename_with_path,
            wait_for_checkpoint,
            max_wait_secs,
            config,
        )
        if not restored:
            if init_op is None and not init_fn and self._local_init_op is None:
                raise RuntimeError(
                    "Model is not initialized and no init_op or init_fn or "
                    "local_init_op was given"
                )
            if init_op is not None:
                session.run(init_op, feed_dict=init_feed_dict)
            if init_fn:
                init_fn(session)
        initialized, message = self._try_run_local_init_op(session)
        if not initialized:
            raise RuntimeError(
                "Init operations did not make model ready for local_init.  Init op: "
                f"{_maybe_name(init_op)}, init fn: {init_fn}, error: {message}"
            )
        ready, message = self._model_ready(session)
        if not ready:
            raise RuntimeError(
                "Init operations did not make model ready.  Init op: "
                f"{_maybe_name(init_op)}, init fn: {init_fn}, local_init_op: "
                f"{_maybe_name(self._local_init_op)}, error: {message}"
            )
        return session

    def recover_session(
        self,
        master: str,
        saver: Saver | None = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Message | None = None,
    ) -> tuple[Session, bool]:
        """A session, and whether it is ready: see `prepare_session`."""
        session, restored = self._restore_checkpoint(
            master,
            saver,
            checkpoint_dir,
            checkpoint_filename_with_path,
            wait_for_checkpoint,
            max_wait_secs,
            config,
        )
        initialized, message = self._try_run_local_init_op(session)
        if not restored:
            if self._ready_for_local_init_op is None or not initialized:
                return session, False
        ready, message = self._model_ready(session)
        if not ready:
            _log.info("Restoring model did not make model ready: %s", message)
            return session, False
        return session, restored or initialized

    def wait_for_session(
        self,
        master: str,
        config: Message | None = None,
        max_wait_secs: float = float("inf"),
    ) -> Session:
        """A session, once the model is ready.

        Raises:
          DeadlineExceededError: it was not ready in time.
        """
        until = time.monotonic() + max_wait_secs
        while True:
            session = Session(master, graph=self._graph, config=config)
            ready, message = self._model_ready_for_local_init(session)
            if ready:
                done, message = self._try_run_local_init_op(session)
                is_ready, message = self._model_ready(session)
                if done and is_ready:
                    return session
            session.close()
            if time.monotonic() + self._recovery_wait_secs > until:
                raise errors.DeadlineExceededError(
                    None,
                    None,
                    f"Session was not ready after waiting {max_wait_secs} secs.",
                )
            _log.info("Waiting for model to be ready.  %s", message)
            time.sleep(self._recovery_wait_secs)

    def _model_ready(self, session: Session) -> tuple[bool, str | None]:
        return _ready(self._ready_op, session, "Model not ready")

    def _model_ready_for_local_init(self, session: Session) -> tuple[bool, str | None]:
        return _ready(
            self._ready_for_local_init_op, session, "Model not ready for local init"
        )

    def _try_run_local_init_op(self, session: Session) -> tuple[bool, str | None]:
        if self._local_init_op is None:
            return True, None
        ready, message = self._model_ready_for_local_init(session)
        if not ready:
            return False, message
        _log.info("Running local_init_op.")
        session.run(
            self._local_init_op,
            options=self._local_init_run_options,
        )
        _log.info("Done running local_init_op.")
        return True, None


def _ready(op: Fetchable, session: BaseSession, text: str) -> tuple[bool, str | None]:
    """Whether what is reported as missing is nothing; else what it is."""
    if op is None:
        return True, None
    try:
        missing = session.run(op)
    except errors.FailedPreconditionError as error:
        if "uninitialized" not in str(error):
            _log.warning("%s: error [%s]", text, error)
            raise
        return False, str(error)
    if getattr(missing, "size", len(missing)) == 0:
        return True, None
    names = ", ".join(name.decode("utf-8") for name in missing)
    return False, f"Variables not initialized: {names}"
