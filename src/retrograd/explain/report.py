"""What a diagnosis says: findings with places in the program and ways out."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrograd.explain.trace import where

if TYPE_CHECKING:
    from rich.console import Group

    from retrograd.typing import Structure


@dataclass(slots=True)
class Finding:
    """One thing that was found.

    Attributes:
      what: one sentence.
      details: facts about it, a line each.
      op: the operation (or record) it is about, or None; the place in the program and
        the name come from it.
      fix: the way out, or "".
      place: of what is about no operation, the line of the program, in the form of
        `trace.where`; or None.
    """

    what: str
    details: list[str] = field(default_factory=list)
    op: Any = None
    fix: str = ""
    place: dict[str, Any] | None = None

    @property
    def where(self) -> dict[str, Any] | None:
        """The line of the program: file, line, source; None if there is none."""
        return self.place if self.op is None else where(self.op)

    @property
    def at(self) -> str:
        """`dense/MatMul (MatMul), made in train.py:41: y = tf.matmul(x, w)`, or ""."""
        place = self.where
        name = "" if self.op is None else f"{self.op.name} ({self.op.type})"
        if place is None:
            return name
        line = f"{Path(place['file']).name}:{place['line']}"
        text = f"{name}, made in {line}" if name else line
        return f"{text}: {place['source']}" if place["source"] else text


@dataclass(slots=True)
class Table:
    """Rows of figures under a line of headings.

    Attributes:
      headings: what the columns are, with units.
      rows: a text for each column.
    """

    headings: Sequence[str]
    rows: list[Sequence[str]]


class Report:
    """The result of a diagnosis: print it, or show it in a notebook.

    Attributes:
      title: what was asked.
      verdict: the answer in one sentence.
      findings: what it rests on; empty where there is nothing to find.
      tables: figures.
      data: the same for programs: what a caller may want to compute with.
      figures: drawings for pages, each an SVG element.
    """

    def __init__(
        self,
        title: str,
        verdict: str,
        findings: Sequence[Finding] = (),
        tables: Sequence[Table] = (),
        data: Structure = None,
        figures: Sequence[str] = (),
    ) -> None:
        self.title = title
        self.verdict = verdict
        self.findings = list(findings)
        self.tables = list(tables)
        self.data = data
        self.figures = list(figures)

    @property
    def found(self) -> bool:
        """Whether there is anything wrong."""
        return bool(self.findings)

    @property
    def text(self) -> str:
        """The report as plain text."""
        lines = [self.title, f"  {self.verdict}"]
        for finding in self.findings:
            lines += ["", *_finding_lines(finding)]
        for table in self.tables:
            lines += ["", *_table_lines(table)]
        return "\n".join(lines)

    @property
    def html(self) -> str:
        """The report as a part of a page."""
        parts = [
            f"<h3>{html.escape(self.title)}</h3>",
            f"<p><b>{html.escape(self.verdict)}</b></p>",
            *(_finding_html(f) for f in self.findings),
            *self.figures,
            *(_table_html(t) for t in self.tables),
        ]
        return f'<div class="retrograd-report">{"".join(parts)}</div>'

    def to_dict(self) -> dict[str, Any]:
        """The report as what JSON can hold."""
        return {
            "title": self.title,
            "verdict": self.verdict,
            "findings": [
                {
                    "what": f.what,
                    "details": list(f.details),
                    "op": None if f.op is None else f.op.name,
                    "where": f.where,
                    "fix": f.fix,
                }
                for f in self.findings
            ],
            "tables": [
                {"headings": list(t.headings), "rows": [list(r) for r in t.rows]}
                for t in self.tables
            ],
        }

    def __bool__(self) -> bool:
        return self.found

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.verdict}>"

    def _repr_html_(self) -> str:
        return self.html

    def __rich__(self) -> Group:
        return _rich(self)


def _finding_lines(finding: Finding) -> list[str]:
    lines = [f"  {finding.what}"]
    lines += [f"    {line}" for line in finding.details]
    if finding.at:
        lines.append(f"    at:  {finding.at}")
    if finding.fix:
        lines.append("    fix: " + finding.fix.replace("\n", "\n         "))
    return lines


def _table_lines(table: Table) -> list[str]:
    rows = [list(table.headings), *[list(r) for r in table.rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.headings))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


def _finding_html(finding: Finding) -> str:
    rows = [f"<dt>{html.escape(finding.what)}</dt>"]
    rows += [f"<dd>{html.escape(line)}</dd>" for line in finding.details]
    if finding.at:
        rows.append(f"<dd>at <code>{html.escape(finding.at)}</code></dd>")
    if finding.fix:
        rows.append(f"<dd><b>fix</b> <code>{html.escape(finding.fix)}</code></dd>")
    return f"<dl>{''.join(rows)}</dl>"


def _table_html(table: Table) -> str:
    head = "".join(f"<th>{html.escape(h)}</th>" for h in table.headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>"
        for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _rich(report: Report) -> Group:
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table as Grid

    colour = "red" if report.found else "green"
    parts: list[Any] = [
        f"[bold]{escape(report.title)}[/bold]",
        f"  [{colour}]{escape(report.verdict)}[/{colour}]",
    ]
    for finding in report.findings:
        parts += ["", escape("\n".join(_finding_lines(finding)))]
    for table in report.tables:
        grid = Grid(*table.headings)
        for row in table.rows:
            grid.add_row(*map(escape, row))
        parts.append(grid)
    return Group(*parts)
