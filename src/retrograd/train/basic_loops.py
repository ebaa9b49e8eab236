"""`tf.train.basic_train_loop`: steps until a supervisor says stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import errors

if TYPE_CHECKING:
    from retrograd.train.supervisor import Supervisor


def basic_train_loop(
    supervisor: Supervisor,
    train_step_fn: Callable[..., object],
    args: Sequence[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
    master: str = "",
) -> None:
    """Call a function again and again until the supervisor shall stop.

    Where it ends with an AbortedError, a new session is made and it goes on.

    Args:
      supervisor: makes the session.
      train_step_fn: is called with the session, and with `args` and `kwargs`.
      args, kwargs: its further arguments.
      master: of the session.
    """
    aborted = True
    while aborted:
        aborted = False
        try:
            with supervisor.managed_session(master) as session:
                while not supervisor.should_stop():
                    train_step_fn(session, *(args or ()), **(kwargs or {}))
        except errors.AbortedError:
            aborted = True
