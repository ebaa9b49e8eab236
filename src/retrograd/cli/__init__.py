"""The `retrograd` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from retrograd.cli import doctor, explain
from retrograd.platform.versions import RELEASE, VERSION


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
      argv: the arguments after the program's name; those of the process by default.

    Returns:
      The exit status, where the command does not itself end the process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = _parser()
    if not arguments:
        parser.print_help()
        return 0
    own, program = _split(arguments)
    options = parser.parse_args(own)
    options.program = program
    return options.command(options)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments of `explain`, and those after `--`: its program's own."""
    if arguments[0] != "explain" or "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


class _Parser(argparse.ArgumentParser):
    """The parser, whose help goes on with what is there in code."""

    def format_help(self) -> str:
        """The help: commands and options, then the diagnoses."""
        from retrograd.explain.diagnoses import DIAGNOSES

        rows = [(each.call, each.question.replace("`", "")) for each in DIAGNOSES]
        width = max(len(call) for call, _ in rows)
        lines = (f"  {call:{width}}  {question}" for call, question in rows)
        title = "diagnoses, in code (import retrograd):"
        return "\n".join([super().format_help(), title, *lines, ""])


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="retrograd",
        description="Run TensorFlow 1 programs unchanged, and explain their gradients.",
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", parser_class=argparse.ArgumentParser
    )
    run = commands.add_parser(
        "run",
        help="run a TensorFlow 1 program",
        description="Run a program in which `import tensorflow` means retrograd.",
        usage="retrograd run [--no-restore | --no-promotion | --promotion-in PACKAGES] "
        "(SCRIPT | -m MODULE) [ARGS ...]",
    )
    run.add_argument(
        "--no-restore",
        action="store_true",
        help="do not bring back what NumPy, SciPy and Python have dropped",
    )
    run.add_argument(
        "--no-promotion",
        action="store_true",
        help="leave arithmetic of NumPy's scalars as NumPy 2 does it",
    )
    run.add_argument(
        "--promotion-in",
        metavar="PACKAGES",
        default="",
        help="also in these installed packages (a,b) is arithmetic as NumPy 1 did it",
    )
    run.add_argument(
        "-m",
        dest="module",
        action="store_true",
        help="run a module by its dotted name, as python -m does",
    )
    run.add_argument("script", metavar="SCRIPT", help="a file, or a module with -m")
    run.add_argument(
        "arguments",
        metavar="ARGS",
        nargs=argparse.REMAINDER,
        help="what the program finds in sys.argv",
    )
    run.set_defaults(command=_run)
    explain.add_parser(commands)
    doctor.add_parser(commands)
    return parser


def _run(options: argparse.Namespace) -> int:
    from retrograd.compat import hook, program

    named = frozenset(filter(None, options.promotion_in.split(",")))
    promotion = None if options.no_promotion else named
    hook.install(restore=not options.no_restore, promotion=promotion)
    if options.module:
        program.run_module(options.script, options.arguments)
    else:
        program.run_path(options.script, options.arguments)
    return 0


def _version() -> str:
    return f"retrograd {RELEASE}, for programs of TensorFlow {VERSION}"
