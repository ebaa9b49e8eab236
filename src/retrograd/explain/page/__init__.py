"""An explanation as a page: one HTML file that needs no network.

The page holds the dictionary of the explanation (`data.to_dict`), the formulas as
MathML, the program that computes it anew from other leaves where it is small
(`portable`), and the scripts beside this file; dagre lays the graph out, d3 draws it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrograd.explain import wording
from retrograd.explain.page.mathml import formulas
from retrograd.explain.portable import program

if TYPE_CHECKING:
    from retrograd.explain.explanation import Explanation

#: in the order in which they build on each other
_SCRIPTS = (
    "numbers.js",
    "special.js",
    "evaluate.js",
    "model.js",
    "layout.js",
    "graph.js",
    "panel.js",
    "player.js",
    "main.js",
)
_STYLES = ("page.css", "graph.css", "panel.css", "phone.css")
#: the distribution that carries a library, and the file in it
_LIBRARIES = (
    ("xstatic-dagre", "xstatic/pkg/dagre/data/dagre.min.js"),
    ("xstatic-d3", "xstatic/pkg/d3/data/d3.js"),
)
_HEIGHT = 640
#: what the page does not read: of formulas it has MathML, of elements their statistics
_UNUSED = frozenset(("formula", "partial_formula", "rule"))
_UNUSED_OF_ARRAYS = frozenset(("text", "statistics"))
#: derivatives that a title names
_MOST_NAMES = 3


def page(explanation: Explanation) -> str:
    """The whole page."""
    parts = {
        "title": html.escape(title(explanation)),
        "style": "\n".join(_own(name) for name in _STYLES),
        "libraries": "\n".join(_library(*place) for place in _LIBRARIES),
        "data": escaped(contents(explanation)),
        "script": "\n".join(_own(name) for name in _SCRIPTS),
    }
    return _filled(_own("page.html"), parts)


def frame(explanation: Explanation, height: int = _HEIGHT) -> str:
    """The page as part of another one, such as a notebook.

    Args:
      explanation: what to show.
      height: in pixels.
    """
    source = html.escape(page(explanation), quote=True)
    return (
        f'<iframe srcdoc="{source}" title="{html.escape(title(explanation))}" '
        f'sandbox="allow-scripts" loading="lazy" '
        f'style="width:100%;height:{height}px;border:0"></iframe>'
    )


def title(explanation: Explanation) -> str:
    """`∂f/∂x, ∂f/∂y`."""
    names = [f"∂{wording.F}/∂{wording.title(x)}" for x in explanation.trace.xs]
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def contents(explanation: Explanation) -> dict[str, Any]:
    """What the scripts are given: the dictionary, the title, formulas, the program."""
    found: Any = _lean(explanation.to_dict())
    found["title"] = title(explanation)
    found["formulas"] = formulas(explanation)
    found["program"] = program(explanation)
    return found


def _lean(item: object) -> Any:
    """The dictionary without what the page words or computes itself."""
    if isinstance(item, list):
        return [_lean(v) for v in item]
    if not isinstance(item, dict):
        return item
    known = _UNUSED_OF_ARRAYS if "data" in item else _UNUSED
    return {key: _lean(value) for key, value in item.items() if key not in known}


def escaped(data: object) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """The template with each `{{name}}` replaced; what is put in is not read again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


@cache
def _own(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")


@cache
def _library(distribution: str, path: str) -> str:
    """A library's text, found without importing the package that carries it."""
    located = metadata.distribution(distribution).locate_file(path)
    return Path(str(located)).read_text("utf-8")
