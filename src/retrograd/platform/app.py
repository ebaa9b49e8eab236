"""`tf.app.run`: parse the flags, run the main function, exit with its result."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def run(
    main: Callable[[list[str]], Any] | None = None,
    argv: list[str] | None = None,
) -> None:
    """Run a program and exit the process.

    Args:
      main: called with the arguments that are not flags; the `main` of the program by
        default.
      argv: the command line; `sys.argv` by default. Flags that nobody defined are left
        in it.
    """
    from absl import app

    chosen = main or sys.modules["__main__"].main
    app.run(main=chosen, argv=argv, flags_parser=_parse_known)


def _parse_known(argv: list[str] | None) -> list[str]:
    from retrograd.platform.flags import FLAGS

    return FLAGS(sys.argv if argv is None else argv, known_only=True)
