"""`retrograd explain`: of a formula, or of a tensor that a program makes."""

from __future__ import annotations

import argparse
import ast
import os
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrograd.errors import message

if TYPE_CHECKING:
    from retrograd.explain.explanation import Explanation
    from retrograd.run.session import BaseSession
    from retrograd.typing import FeedDict, Fetchable, Message

_USAGE = """retrograd explain FORMULA [NAME=VALUE ...] [options]
       retrograd explain SCRIPT --cost NAME [--wrt NAME ...] [options] [-- ARGS ...]"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to a parser's commands."""
    parser = commands.add_parser(
        "explain",
        help="show where a derivative comes from",
        description=(
            "Explain the derivatives of a formula, or of a tensor that a TensorFlow 1 "
            "program makes, step by step."
        ),
        usage=_USAGE,
    )
    parser.add_argument("what", metavar="FORMULA|SCRIPT", help='"x**2*y + y + 2"')
    parser.add_argument("values", metavar="NAME=VALUE", nargs="*", help="x=3 w=[1,2]")
    parser.add_argument(
        "--cost", metavar="NAME", help="a tensor's name, or the program's name for it"
    )
    parser.add_argument(
        "--wrt",
        metavar="NAME",
        nargs="+",
        help="what to differentiate with respect to; by default all variables",
    )
    parser.add_argument(
        "--run",
        type=int,
        metavar="N",
        help="explain before the program's N-th run that needs the cost, which is the "
        "last it does; by default after its end",
    )
    parser.add_argument(
        "--learning-rate",
        type=float,
        metavar="RATE",
        help="also show where a step of gradient descent would lead",
    )
    parser.add_argument("--latex", action="store_true", help="print LaTeX")
    parser.add_argument("--mermaid", action="store_true", help="print a flowchart")
    parser.add_argument("--html", metavar="FILE", help="write a page")
    parser.add_argument("--open", action="store_true", help="show the page")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    try:
        explanation = _explanation(options)
        chart = explanation.mermaid if options.mermaid else ""
    except (ValueError, KeyError, TypeError, LookupError) as error:
        print(error.args[0] if error.args else error, file=sys.stderr)
        return 2
    if chart:
        print(chart)
    else:
        _show(explanation, options)
    return 0


def _explanation(options: argparse.Namespace) -> Explanation:
    if options.what.endswith(".py") or os.path.exists(options.what):
        return _of_script(options)
    if options.cost or options.run:
        raise ValueError(
            message(
                "explain: --cost and --run are for programs.",
                got=options.what,
                fix="a file that exists, such as train.py",
            )
        )
    from retrograd.explain.explanation import explain
    from retrograd.explain.expression import Expression

    values = dict(map(_value, options.values))
    made = Expression(options.what, values)
    names = options.wrt or list(made.variables)
    unknown = [name for name in names if name not in made.variables]
    if unknown:
        raise ValueError(f"explain: the formula has no {', '.join(unknown)}.")
    return explain(
        made.y,
        [made.variables[name] for name in names],
        learning_rate=options.learning_rate,
    )


def _value(text: str) -> tuple[str, Any]:
    """`x=3` as a name and a value.

    Raises:
      ValueError: it is nothing of the kind.
    """
    name, equals, value = text.partition("=")
    try:
        if not equals or not name.strip().isidentifier():
            raise ValueError
        return name.strip(), ast.literal_eval(value.strip())
    except (ValueError, SyntaxError):
        raise ValueError(
            message(f"explain: {text!r} is no value.", fix="x=3, or w=[1,2]")
        ) from None


# ---------------------------------------------------------------------- programs


class _Reached(BaseException):
    """Ends a program at the run that is asked for."""


class _Runs:
    """The runs of sessions in a program: what the last one was given.

    Args:
      find: the tensor of the cost, or None as long as there is none.
      stop_before: the number of the run to end the program at; None for none.
    """

    def __init__(self, find: Callable[..., Any], stop_before: int | None) -> None:
        self.find, self.stop_before = find, stop_before
        self.count = 0
        #: session and feeds of the last run that needed the cost, or else of any
        self.last: tuple[Any, Any] = None, None

    def watch(self) -> None:
        """See the runs of all sessions from now on."""
        from retrograd.run.session import BaseSession

        before = BaseSession.run

        def watched(
            session: BaseSession,
            fetches: Fetchable,
            feed_dict: FeedDict | None = None,
            options: Message | None = None,
            run_metadata: Message | None = None,
        ) -> Any:
            self._see(session, fetches, feed_dict)
            return before(session, fetches, feed_dict, options, run_metadata)

        BaseSession.run = watched  # pyright: ignore[reportAttributeAccessIssue]

    def _see(
        self, session: BaseSession, fetches: Fetchable, feed_dict: FeedDict | None
    ) -> None:
        cost = self.find()
        if cost is None or cost.graph is not session.graph:
            return
        if not self.count:
            self.last = session, None
        if not self._needs(session, fetches, feed_dict, cost):
            return
        self.count += 1
        self.last = (session, feed_dict)
        if self.count == self.stop_before:
            raise _Reached

    def _needs(
        self,
        session: BaseSession,
        fetches: Fetchable,
        feed_dict: FeedDict | None,
        cost: Any,
    ) -> bool:
        call, _ = session._prepare(fetches, feed_dict)
        # a step of training needs no more of the cost than its derivative
        ops = call.executable.plan.ops
        return any(cost.op in (op, op._forward_op) for op in ops)


def _of_script(options: argparse.Namespace) -> Explanation:
    from retrograd.compat import hook, program
    from retrograd.explain.explanation import explain

    if not options.cost:
        raise ValueError(
            message(
                "explain: a program makes many tensors; which one?",
                fix="--cost NAME, where NAME is a tensor's, or the program's own",
            )
        )
    hook.install(restore=True)
    runs = _Runs(lambda: _named(options.cost), options.run)
    runs.watch()
    try:
        program.run_path(options.what, options.program)
    except (_Reached, SystemExit):
        pass
    cost = _named(options.cost)
    if cost is None:
        raise KeyError(_unknown(options.cost))
    if options.run and runs.count < options.run:
        raise ValueError(f"explain: only {runs.count} runs needed {cost.name}.")
    wrt = [_named(name) for name in options.wrt or ()]
    if None in wrt:
        raise KeyError(_unknown((options.wrt or ())[wrt.index(None)]))
    session, feed_dict = runs.last
    return explain(
        cost,
        wrt or None,
        feed_dict,
        session,
        names=vars(sys.modules["__main__"]),
        learning_rate=options.learning_rate,
    )


def _named(name: str) -> Any:
    """The tensor or variable that a program calls `name`, or its graph does."""
    from retrograd.graph import context
    from retrograd.graph.tensor import Tensor

    found = vars(sys.modules["__main__"]).get(name)
    if isinstance(found, Tensor):
        return found
    if hasattr(found, "graph") and hasattr(found, "op"):
        return found  # a variable
    try:
        graph = context.get_default_graph()
        return graph.as_graph_element(name if ":" in name else f"{name}:0")
    except (KeyError, ValueError):
        return None


def _unknown(name: str) -> str:
    return message(
        f"explain: the program makes no tensor {name!r}.",
        got="no name of its main module, and none of its default graph's",
        fix='name it there: tf.reduce_mean(…, name="cost")',
    )


# ---------------------------------------------------------------------- showing


def _show(explanation: Explanation, options: argparse.Namespace) -> None:
    if options.html or options.open:
        path = Path(options.html) if options.html else _temporary()
        path.write_text(explanation.html, encoding="utf-8")
        print(f"wrote {path}")
        if options.open:
            webbrowser.open(path.resolve().as_uri())
    elif options.latex:
        print(explanation.latex)
    elif sys.stdout.isatty():
        import rich

        rich.print(explanation)
    else:
        print(explanation.text)


def _temporary() -> Path:
    handle, name = tempfile.mkstemp(prefix="retrograd-", suffix=".html")
    os.close(handle)
    return Path(name)
