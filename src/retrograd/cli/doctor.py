"""`retrograd doctor`: what a program uses that is not provided."""

from __future__ import annotations

import argparse
import sys


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to a parser's commands."""
    parser = commands.add_parser(
        "doctor",
        help="say what a program uses that is not provided, without running it",
        description=(
            "Read programs, and what they import from their own folder, without "
            "running them. The exit status is 1 if anything is missing."
        ),
    )
    parser.add_argument("scripts", metavar="SCRIPT", nargs="+", help="a file")
    parser.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from retrograd.compat.doctor import doctor

    try:
        report = doctor(*options.scripts)
    except OSError as error:
        what = f"retrograd: can't open file {str(error.filename)!r}: {error.strerror}"
        print(what, file=sys.stderr)
        return 2
    if sys.stdout.isatty():
        import rich

        rich.print(report)
    else:
        print(report.text)
    return int(report.found)
