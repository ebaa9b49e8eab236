"""`tensorflow.python.debug`: sessions for its command line, which is not there.

Without a terminal TensorFlow's own wrappers only pass runs on; these always do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.platform import logs
from retrograd.train.session_run_hook import SessionRunHook

if TYPE_CHECKING:
    from retrograd.typing import FeedDict, Fetchable, Message, Structure

_UI_TYPES = ("curses", "readline")


def has_inf_or_nan(datum: object, tensor: Structure) -> bool:
    """Whether an array holds an infinite value or NaN; False for what has no floats.

    Args:
      datum: where it is from; not used.
      tensor: the value.
    """
    del datum
    array = np.asarray(tensor)
    if not np.issubdtype(array.dtype, np.inexact):
        return False
    return not bool(np.all(np.isfinite(array)))


class LocalCLIDebugWrapperSession:
    """A session that passes everything on to another.

    Args:
      sess: the session.
      dump_root, log_usage, thread_name_filter, config_file_path: accepted.
      ui_type: `curses` or `readline`.

    Raises:
      TypeError: `sess` is no session.
      ValueError: another `ui_type`.
    """

    def __init__(
        self,
        sess: Any,
        dump_root: str | None = None,
        log_usage: bool = True,
        ui_type: str = "curses",
        thread_name_filter: str | None = None,
        config_file_path: str | bool | None = False,
    ) -> None:
        del dump_root, log_usage, thread_name_filter, config_file_path
        if not hasattr(sess, "run") or not hasattr(sess, "graph"):
            raise TypeError(
                "Expected type <class 'tensorflow.python.client.session.BaseSession'>; "
                f"got type {type(sess)}"
            )
        if ui_type not in _UI_TYPES:
            raise ValueError(f"Unknown ui_type: {ui_type}")
        logs.warning("There is no debugger's command line: runs are passed on.")
        self._sess = sess
        self._filters: dict[str, Callable[..., bool]] = {}

    def __getattr__(self, name: str) -> Any:
        if name == "_sess":
            raise AttributeError(name)
        return getattr(self._sess, name)

    @property
    def session(self) -> Any:
        """The session."""
        return self._sess

    def run(
        self,
        fetches: Fetchable,
        feed_dict: FeedDict | None = None,
        options: Message | None = None,
        run_metadata: Message | None = None,
        callable_runner: Callable[..., Any] | None = None,
        callable_runner_args: tuple[Any, ...] | None = None,
        callable_options: Message | None = None,
    ) -> Any:
        """As that of the session."""
        del callable_options
        if callable_runner is not None:
            return callable_runner(*(callable_runner_args or ()))
        return self._sess.run(fetches, feed_dict, options, run_metadata)

    def add_tensor_filter(
        self, filter_name: str, tensor_filter: Callable[..., bool]
    ) -> None:
        """Keep a filter, which the command line would know by a name.

        Raises:
          TypeError: the name is no text, or the filter no function.
          ValueError: the name is empty.
        """
        if not isinstance(filter_name, str):
            raise TypeError(
                "Input argument filter_name is expected to be str, but is not."
            )
        if not filter_name:
            raise ValueError("Input argument filter_name cannot be empty.")
        if not callable(tensor_filter):
            raise TypeError(
                "Input argument filter_callable is expected to be callable, but is not."
            )
        self._filters[filter_name] = tensor_filter

    def __enter__(self) -> Any:
        self._sess.__enter__()
        return self

    def __exit__(self, *details: Any) -> Any:
        return self._sess.__exit__(*details)


class LocalCLIDebugHook(SessionRunHook):
    """A hook in place of that of the command line: it does nothing.

    Args:
      ui_type: `curses` or `readline`.
      dump_root, thread_name_filter, config_file_path: accepted.
    """

    def __init__(
        self,
        ui_type: str = "curses",
        dump_root: str | None = None,
        thread_name_filter: str | None = None,
        config_file_path: str | None = None,
    ) -> None:
        del dump_root, thread_name_filter, config_file_path
        if ui_type not in _UI_TYPES:
            raise ValueError(f"Unknown ui_type: {ui_type}")
        self._filters: dict[str, Callable[..., bool]] = {}

    add_tensor_filter = LocalCLIDebugWrapperSession.add_tensor_filter
