"""The syntax tree of a function, found in the file that it comes from."""

from __future__ import annotations

import ast
import dis
import linecache
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import TypeAlias

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

#: the definitions in a file, by the name and the first line that their code has
Index: TypeAlias = dict[tuple[str, int], list[Definition]]

#: those of files, with the text that they were found in
_indices: dict[str, tuple[str, Index]] = {}
#: instructions whose places say nothing
_PLACELESS = frozenset("RESUME COPY_FREE_VARS MAKE_CELL RETURN_GENERATOR".split())
_Place: TypeAlias = tuple[int, int]


class NoSource(ValueError):
    """The source of a function is not known."""


def definition_of(function: FunctionType) -> Definition:
    """The node that defines a function; not to be changed.

    Raises:
      NoSource: it is nowhere.
    """
    code = function.__code__
    index = _index_of(code.co_filename, function.__globals__)
    if index is None:
        raise NoSource(
            f"Unable to locate the source code of {function}. Note that functions "
            "defined in certain environments, like the interactive Python shell do not "
            "expose their source code. If that is the case, you should to define them "
            "in a .py source file. If you are certain the code is graph-compatible, "
            "wrap the call using @tf.autograph.do_not_convert. Original error: could "
            "not get source code"
        )
    found = index.get((code.co_name, code.co_firstlineno), [])
    if len(found) > 1:
        found = _innermost(found, code)
    if not found:
        raise NoSource(
            f"Unable to identify source code of function {function}, in "
            f"{code.co_filename} line {code.co_firstlineno}"
        )
    return found[0]


def _index_of(path: str, module: dict[str, object]) -> Index | None:
    text = "".join(linecache.getlines(path, module))
    if not text:
        return None
    known = _indices.get(path)
    if known is None or known[0] != text:
        try:
            known = text, _index(ast.parse(text, path))
        except SyntaxError as error:
            raise NoSource(f"{path}: {error}") from None
        _indices[path] = known
    return known[1]


def _index(tree: ast.Module) -> Index:
    found: Index = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            found.setdefault(("<lambda>", node.lineno), []).append(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            line = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found.setdefault((node.name, line), []).append(node)
    return found


def _innermost(found: list[Definition], code: CodeType) -> list[Definition]:
    """Of definitions that begin on one line, those whose body the code is."""
    places = list(_places(code))
    around = [node for node in found if all(_in_body(node, *p) for p in places)]
    return sorted(around, key=lambda node: _size(node, code))


def _places(code: CodeType) -> Iterator[tuple[_Place, _Place]]:
    names = (instruction.opname for instruction in dis.get_instructions(code))
    for name, (line, last, column, end) in zip(
        names, code.co_positions(), strict=False
    ):
        if name not in _PLACELESS and line and last and end:
            yield (line, column or 0), (last, end)


def _in_body(node: Definition, start: _Place, end: _Place) -> bool:
    first, last = _extent(node)
    return first <= start and end <= last


def _extent(node: Definition) -> tuple[_Place, _Place]:
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    last = body[-1]
    return (
        (body[0].lineno, body[0].col_offset),
        (last.end_lineno or 0, last.end_col_offset or 0),
    )


def _size(node: Definition, code: CodeType) -> tuple[bool, int, int]:
    (line, column), (last, end) = _extent(node)
    names = [arg.arg for arg in [*node.args.posonlyargs, *node.args.args]]
    others = tuple(names) != code.co_varnames[: code.co_argcount]
    return others, last - line, end - column
