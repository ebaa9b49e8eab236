"""Runs the programs in the documentation and writes what they print into it.

    python docs/build.py [PAGE …]             writes
    python docs/build.py --check [PAGE …]     fails where a page is not up to date

A page is up to date if it differs by rounding only.

The Python blocks of a page are one program: they run in order, in one namespace, and
warnings are errors. Comments before other fenced blocks say what stands in them:

    <!-- run -->            a block of commands, a line each; they are run as well
    <!-- output -->         all that was printed since the last such block
    <!-- picture NAME -->   the flowchart of the explanation NAME

`<!-- diagnoses -->` stands before the table of the diagnoses, with links to their page.
A first line such as `# cosine.py` names a block in what it prints about its lines.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import io
import linecache
import os
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

from alike import alike

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"^(?:<!-- (?P<marker>run|output|picture)(?: (?P<name>\S+))? -->\n)?"
    r"^```(?P<language>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
TABLE = re.compile(r"^(<!-- diagnoses -->\n)(?:\|.*\n)*", re.MULTILINE)
NAMED = re.compile(r"# (\w+\.py)\n")


class Page:
    """One page while its program runs.

    Args:
      text: the Markdown.
      folder: what its links start from.
    """

    def __init__(self, text: str, folder: Path) -> None:
        self.text, self.folder = text, folder
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        self.printed = io.StringIO()

    def built(self) -> str:
        """The page with what its program prints now.

        Raises:
          ValueError: an output block has nothing to show, or a print is not shown.
        """
        built = BLOCK.sub(self._block, self.text)
        if self.printed.getvalue():
            raise ValueError(f"nothing shows what was printed last:\n{self._output()}")
        return TABLE.sub(lambda found: found[1] + self._diagnoses(), built)

    def _block(self, found: re.Match[str]) -> str:
        body, marker = found["body"], found["marker"]
        if marker == "output":
            if not self.printed.getvalue():
                line = self.text.count("\n", 0, found.start()) + 1
                raise ValueError(f"line {line}: an output block has nothing to show")
            return _with_body(found, self._output())
        if marker == "picture":
            return _with_body(found, self._picture(found["name"]))
        if marker == "run":
            for command in body.splitlines():
                self.printed.write(_run(command))
        elif found["language"] == "python":
            self._execute(body)
        return found[0]

    def _execute(self, source: str) -> None:
        named = NAMED.match(source)
        file = named[1] if named else "page.py"
        # errors and explanations quote the lines of a program
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        with contextlib.redirect_stdout(self.printed):
            exec(compile(source, file, "exec"), self.namespace)

    def _output(self) -> str:
        text, self.printed = self.printed.getvalue(), io.StringIO()
        return "".join(f"{line.rstrip()}\n" for line in text.splitlines())

    def _picture(self, name: str) -> str:
        return f"{self.namespace[name].mermaid}\n"

    def _diagnoses(self) -> str:
        from retrograd.explain.diagnoses import DIAGNOSES

        page = os.path.relpath(ROOT / "docs" / "diagnosis.md", self.folder)
        rows = [
            f"| [`{each.call}`]({page}#{each.name}) | {each.question} |\n"
            for each in DIAGNOSES
        ]
        return "".join(["| ask | it answers |\n", "| --- | --- |\n", *rows])


def _with_body(found: re.Match[str], body: str) -> str:
    start, end = (place - found.start() for place in found.span("body"))
    return found[0][:start] + body + found[0][end:]


def _run(command: str) -> str:
    """What a command prints; `retrograd` is that of this Python."""
    words = shlex.split(command)
    if words[0] == "retrograd":
        words[:1] = [sys.executable, "-m", "retrograd"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise ValueError(f"{command!r} failed:\n{done.stderr}")
    return done.stdout


def build(path: Path, check: bool) -> bool:
    """Build one page; True if it was up to date, or is now because it was written."""
    before = path.read_text("utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        after = Page(before, path.resolve().parent).built()
    if alike(after, before):
        return True
    if not check:
        path.write_text(after, "utf-8")
        return True
    lines = (before.splitlines(), after.splitlines())
    print(*difflib.unified_diff(*lines, str(path), "as built", lineterm=""), sep="\n")
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pages", nargs="*", type=Path, help="by default all")
    parser.add_argument("--check", action="store_true", help="write nothing")
    given = parser.parse_args()
    pages = given.pages or PAGES
    if len(pages) == 1:
        return 0 if build(pages[0], given.check) else 1
    # a process each: what one page registers or replaces, another does not see
    flags = ["--check"] if given.check else []
    codes = [
        subprocess.run(
            [sys.executable, __file__, *flags, str(page)], check=False
        ).returncode
        for page in pages
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
