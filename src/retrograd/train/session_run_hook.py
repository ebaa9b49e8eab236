"""What is called around each run of a monitored session."""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.train.coordinator import Coordinator
    from retrograd.typing import FeedDict, Fetchable, Message


class SessionRunHook:
    """Is called before and after each run of a monitored session.

    A subclass overrides what it needs.
    """

    def begin(self) -> None:
        """The graph can still be changed: the session is about to be made."""

    def after_create_session(self, session: BaseSession, coord: Coordinator) -> None:
        """A session was made, at the beginning or in place of one that failed.

        Args:
          session: the session; the graph is final.
          coord: keeps track of the threads.
        """
        del session, coord

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """What shall be fetched and fed beside what the program asks for."""
        del run_context

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues
    ) -> None:
        """A run has ended; `run_values` has what `before_run` asked for."""
        del run_context, run_values

    def end(self, session: BaseSession) -> None:
        """The session is about to be closed, and there was no error."""
        del session


class SessionRunArgs(namedtuple("SessionRunArgs", ["fetches", "feed_dict", "options"])):
    """What a hook asks of a run: fetches, feeds, options."""

    __slots__ = ()

    def __new__(
        cls,
        fetches: Fetchable,
        feed_dict: FeedDict | None = None,
        options: Message | None = None,
    ) -> SessionRunArgs:
        """Make one of these three."""
        return super().__new__(cls, fetches, feed_dict, options)


#: what a hook gets of a run: `results` in the structure of its fetches, and options
SessionRunValues = namedtuple(
    "SessionRunValues", ["results", "options", "run_metadata"]
)


class SessionRunContext:
    """A run that is under way.

    Args:
      original_args: what the program asked for.
      session: the session that runs.
    """

    def __init__(self, original_args: SessionRunArgs, session: BaseSession) -> None:
        self._original_args, self._session = original_args, session
        self._stop_requested = False

    @property
    def original_args(self) -> SessionRunArgs:
        """What the program asked for."""
        return self._original_args

    @property
    def session(self) -> Any:
        """The session that runs."""
        return self._session

    @property
    def stop_requested(self) -> bool:
        """Whether a hook wants this to be the last run."""
        return self._stop_requested

    def request_stop(self) -> None:
        """Let `should_stop` of the session be True from now on."""
        self._stop_requested = True
