"""What an op does is a trait of its declaration: no string of an op type decides.

Outside of `ops/` an op type may be made (`F.Relu(x)`) and shown, but not compared with,
nor be a member or key of a table.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import chain

import pytest

from tests.imports import SOURCE
from tests.test_layers import files_of, places

#: methods that look at the beginning or the end of a string
ENDS = ("startswith", "endswith", "removeprefix", "removesuffix")
#: what an op type is called where it is looked at; `op` in a GraphDef
NAMES = ("type", "op_type", "op")

#: line, string, and how it decides
Found = tuple[int, str, str]


def _op_types() -> frozenset[str]:
    """TensorFlow's op types, and those that are declared here."""
    table = (SOURCE / "graph/opdefs.tsv").read_text("utf-8").splitlines()
    declared = (SOURCE / "ops/index.txt").read_text("utf-8").split()
    theirs = {line.partition("\t")[0] for line in table}
    return frozenset(theirs | {w for w in declared if not w.endswith(":")})


OP_TYPES = _op_types()
ALL = "\n".join(OP_TYPES)


def deciding(text: str) -> list[Found]:
    """The op types that decide in a source; names that it exports are none."""
    tree = ast.parse(text)
    exports = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    found = set(chain.from_iterable(_found(node) for node in ast.walk(tree)))
    return sorted(found - {f for value in exports for f in _found(value)})


def _found(node: ast.AST) -> Iterator[Found]:
    """The op types that decide in a node, those in its parts left out."""
    match node:
        case ast.Compare(left=left, comparators=others):
            yield from _beside([left, *others], "compared")
        case ast.MatchValue(value=value):
            yield from _of([value], "matched")
        case ast.Set(elts=members) | ast.Tuple(elts=members) | ast.List(elts=members):
            yield from _of(members, "member")
        case ast.Dict(keys=keys, values=values):
            yield from _of([key for key in keys if key is not None], "member")
            yield from _of(values, "member")
        case ast.Subscript(slice=index):
            yield from _of([index], "looked up")
        case ast.Call(func=ast.Name(id="dict"), keywords=words):
            yield from (
                (node.lineno, w.arg, "member") for w in words if w.arg in OP_TYPES
            )
        case ast.Call(func=ast.Attribute(attr="get"), args=[key, *_]):
            yield from _of([key], "looked up")
        case ast.Call(func=ast.Attribute(attr="split", value=value)):
            yield from _words(value)
        case ast.Call(func=ast.Attribute(attr=name, value=value)) if name in ENDS:
            yield from _beside([value, *node.args], name)


def _of(nodes: Iterable[ast.expr], how: str) -> Iterator[Found]:
    """Those of some expressions that are the string of an op type."""
    for node in nodes:
        if isinstance(node, ast.Constant) and node.value in OP_TYPES:
            yield node.lineno, str(node.value), how


def _beside(nodes: list[ast.expr], how: str) -> Iterator[Found]:
    """Op types among expressions; beside a name of one, parts of op types as well."""
    yield from _of(nodes, how)
    if any(_is_op_type(node) for node in nodes):
        for node in nodes:
            literal = isinstance(node, (ast.Tuple, ast.List, ast.Set))
            for part in node.elts if literal else [node]:
                if isinstance(part, ast.Constant) and _is_part(part.value):
                    yield part.lineno, str(part.value), how


def _is_op_type(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name in NAMES
    return False


def _is_part(text: object) -> bool:
    return isinstance(text, str) and text.strip() != "" and text in ALL


def _words(node: ast.expr) -> Iterator[Found]:
    """The op types among the words of the strings in an expression."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            for word in part.value.split():
                if word in OP_TYPES:
                    yield part.lineno, word, "word"


def decisions(part: str) -> list[str]:
    """What decides in one part of the package, by place."""
    return [
        f"{relative}:{line} {word!r} ({how})"
        for relative, text in files_of(part).items()
        for line, word, how in deciding(text)
    ]


@pytest.mark.parametrize("part", sorted(set(places()) - {"ops"}))
def test_no_op_type_decides(part: str) -> None:
    found = decisions(part)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "if op.type == 'Relu': pass",
        "if 'Relu' != kind: pass",
        "if op.type in ('Relu', other): pass",
        "if node.op == 'Conv2D': pass",
        "if 'While' in op.type: pass",
        "if 'Dataset' in op_type: pass",
        "if op.type.startswith('Conv'): pass",
        "if op.type.startswith(('Sparse', 'Apply')): pass",
        "if name.endswith('Relu'): pass",
        "name = name.removesuffix('Relu')",
        "RELUS = {'Relu'}",
        "RELUS = frozenset(['Relu'])",
        "RELUS = ('Relu',)",
        "SIGNS = {'Mul': '·'}",
        "OPS = {'*': 'Mul'}",
        "SIGNS = dict(Mul='·')",
        "RELUS = 'Relu Relu6'.split()",
        "RELUS = ('Conv2D '\n'Conv3D').split()",
        "RELUS = frozenset(f'Relu {other}'.split())",
        "sign = SIGNS['Mul']",
        "sign = SIGNS.get('Mul', ',')",
        "match op.type:\n    case 'Relu': pass",
        "match op.type:\n    case 'Tanh' | 'Relu': pass",
    ],
)
def test_an_op_type_that_decides_is_found(source: str) -> None:
    assert deciding(f"def f():\n    {source.replace(chr(10), chr(10) + '    ')}")


@pytest.mark.parametrize(
    "source",
    [
        "y = F.Relu(x)",
        "OPS = {'*': F.Mul}",
        "op_def = opdef.lookup('Identity')",
        "text = f'{op.name} ({op.type})'",
        "'''If op is a Relu.'''",
        "__all__ = ['Size', 'Print']",
        "if traits_of(op.type).function is Function.SQUARE: pass",
        "if op.type == name: pass",
        "if ',' in op.type or op.type == '': pass",
        "if node.attr['T'].type == kind: pass",
        "if read.type == 'numpy': pass",
        "words = 'a Relu in a sentence'",
    ],
)
def test_what_makes_or_shows_one_is_not(source: str) -> None:
    assert not deciding(source)


def test_a_part_of_ops_would_not_pass() -> None:
    assert len(decisions("ops")) > 50
