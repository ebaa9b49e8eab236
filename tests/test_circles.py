"""No files of the package import each other in a circle."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from tests.imports import imports, module_of, module_with, modules, texts

#: what still does: the first of the files, by name
ALLOWED: tuple[str, ...] = ()


@functools.cache
def arrows() -> dict[str, set[str]]:
    """The modules of the package that each module imports, at any time."""
    return {
        module: {module_with(found.name) for found in imports(relative, text)}
        - {"", "retrograd", module}
        for relative, text in texts().items()
        if (module := module_of(relative)) != "retrograd"
    }


def circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """The largest groups in which each module reaches each, sorted."""
    reached = {start: _reached(graph, start) for start in graph}
    left = set(graph)
    while left:
        start = min(left)
        group = {m for m in reached[start] if start in reached[m]} | {start}
        left -= group
        if len(group) > 1:
            yield sorted(group)


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    pending = [start]
    while pending:
        for following in graph[pending.pop()] - found:
            found.add(following)
            pending.append(following)
    return found


def test_there_are_no_circles() -> None:
    found = list(circles(arrows()))
    shown = ["\n".join(["", *group]) for group in found if group[0] not in ALLOWED]
    assert not shown, "\n".join(shown)
    assert set(ALLOWED) == {group[0] for group in found}


def test_a_circle_is_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"a"}}
    assert list(circles(graph)) == [["b", "c"]]
    own = modules()["retrograd.graph.graph"]
    text = texts()[own] + "\ndef late():\n    from retrograd.graph import dispatch\n"
    added = {module_with(found.name) for found in imports(own, text)}
    changed = {**arrows(), "retrograd.graph.graph": added & set(arrows())}
    assert any("retrograd.graph.dispatch" in group for group in circles(changed))
