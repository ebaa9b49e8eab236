"""What TensorFlow 1.15's own modules hold, and under which name.

`names/internal/exports.txt` says it, a section a module, written from TensorFlow itself
by `tools/make_names.py`:

    []                                names that mostly stand for one thing:
    . =python.ops.array_ops np=/numpy     a module, one outside TensorFlow,
    . =python.util.tf_export:tf_export    a name of a module
    [python.ops.nn]                   a module, and what it holds:
    * python.ops.nn_ops -relu         the public names of another, less some
    . array_ops tf_export             names that mean here what they mostly mean
    . _nn_ops=python.ops.nn_ops       … or something else
    < python.ops.rnn dynamic_rnn      names of another module
    % relu_grad                       functions that apply a single op
    ^ _TopKGrad=TopK,TopKV2           gradient functions, and the op types they are for
    = _BIAS_VARIABLE_NAME 'bias'      constants: their values, or the public name
    ! load_dataset                    what else a package defines
    selu nn.elu fused=nn.fused        public names that are at home here

The file is read when an inner module is first asked for a name that none of ours has,
and of it only the sections that are asked for.
"""

from __future__ import annotations

import functools
from typing import Any

from retrograd.compat.table import aliases, internal

#: What stands behind a name of an inner module: (kind, place, name). Kinds: "public", a
#: public name; "name", a name of another inner module; "module" and "outside", a
#: module; "op", the function of an op; "rule", a gradient function, with op types;
#: "constant", with its text; "own", which no other module has.
Reference = tuple[str, str, str]
#: What a module holds by name; and modules of which it holds every public name, each
#: with the names that it does not.
Section = tuple[dict[str, Reference], list[tuple[str, frozenset[str]]]]

MODULES = ("module", "outside")


@functools.cache
def _text() -> str:
    return "\n" + internal("exports.txt") + "["


def _body(module: str) -> list[str]:
    """The lines of a section; none if there is no such section."""
    text = _text()
    start = text.find(f"\n[{module}]\n")
    if start < 0:
        return []
    return text[start + len(module) + 4 : text.index("\n[", start + 1)].splitlines()


def _referred(where: str) -> Reference:
    if where[0] == "/":
        return "outside", where[1:], ""
    module, colon, name = where.partition(":")
    return "name" if colon else "module", module, name


@functools.cache
def _usual() -> dict[str, Reference]:
    """What names mostly stand for."""
    found = {}
    for line in _body(""):
        for token in line[2:].split():
            name, _, where = token.partition("=")
            last = where.replace(":", ".").rpartition(".")[2]
            found[name or last] = _referred(where)
    return found


@functools.cache
def section(module: str) -> Section:
    """What a module of TensorFlow's holds; nothing if it has none of what is listed."""
    names: dict[str, Reference] = {}
    stars: dict[str, set[str]] = {}
    for line in _body(module):
        mark = line[:2]
        if mark == "* ":
            other, *absent = line[2:].split()
            stars.setdefault(other, set()).update(name[1:] for name in absent)
        elif mark == "= ":
            name, _, text = line[2:].partition(" ")
            names[name] = _constant(text)
        elif mark == "< ":
            other, *tokens = line[2:].split()
            for token in tokens:
                name, _, theirs = token.partition("=")
                names[name] = "name", other, theirs or name
        else:
            plain = line if mark[1:] != " " else line[2:]
            for token in plain.split():
                name, reference = _entry(mark if plain is not line else "", token)
                names[name] = reference
    return names, [(other, frozenset(a)) for other, a in stars.items()]


def _constant(text: str) -> Reference:
    public = text.replace(".", "").isidentifier() and text not in ("True", "False")
    return "public" if public else "constant", text, ""


def _entry(mark: str, token: str) -> tuple[str, Reference]:
    name, _, rest = token.partition("=")
    if mark == ". ":
        return name, _referred(rest) if rest else _usual()[name]
    if mark == "% ":
        return name, ("op", name, "")
    if mark == "^ ":
        return name, ("rule", rest, "")
    if mark == "! ":
        return name, ("own", name, "")
    return name if rest else name.rpartition(".")[2], ("public", rest or name, "")


def reference(module: str, name: str) -> Reference | None:
    """What `name` of a module stands for by itself; None if it is not listed there.

    Functions of a module's own that are not public are not listed.
    """
    found = section(module)[0].get(name)
    if found is None and name[:1].isupper() and name.lower() in _op_types(module):
        return "op", name, ""
    return found


@functools.cache
def _op_types(module: str) -> frozenset[str]:
    """The op types that a generated module has functions for, in lower case."""
    names = section(module)[0] if is_generated(module) else ()
    return frozenset(name.replace("_", "") for name in names)


def is_generated(module: str) -> bool:
    """Whether a module has a function for each of some ops, by the name of the file."""
    return module.rpartition(".")[2].startswith("gen_") and has_module(module)


def origins(module: str, name: str) -> list[str]:
    """Modules from which a module takes every public name, the last taken first."""
    if name.startswith("_"):
        return []
    return [other for other, absent in section(module)[1][::-1] if name not in absent]


def taken(module: str, name: str) -> list[Reference]:
    """What an unlisted name of a module stands for in those it takes all from."""
    if name in section(module)[0]:
        return []
    found = [reference(other, name) for other in origins(module, name)]
    return [r for r in found if r is not None and r[0] not in MODULES]


def names_of(module: str) -> set[str]:
    """The names that are listed for a module, those it takes of others included."""
    names, stars = section(module)
    found = set(names)
    for other, absent in stars:
        for name in names_of(other) - absent:
            theirs = reference(other, name)
            if name[0] != "_" and (theirs is None or theirs[0] not in MODULES):
                found.add(name)
    return found


@functools.cache
def home(public: str) -> tuple[str, str] | None:
    """The inner module that makes a public name, and its name there."""
    first = aliases().get(public, [public])[0]
    text = _text()
    start = text.find(first)
    while start >= 0:
        end = start + len(first)
        if text[start - 1] in " \n=" and text[end] in " \n":
            break
        start = text.find(first, end)
    else:
        return None
    name = first.rpartition(".")[2]
    if text[start - 1] == "=":
        name = text[text.rindex("\n", 0, start) : start - 1].split()[-1]
    section_start = text.rindex("\n[", 0, start) + 2
    return text[section_start : text.index("]", section_start)], name


def has_public_names(module: str) -> bool:
    """Whether a module of TensorFlow's makes anything public, or holds all of one."""
    names, stars = section(module)
    return bool(stars) or any(r[0] in ("public", "rule") for r in names.values())


def value_of(text: str) -> Any:
    """A constant, from its text."""
    import ast

    return ast.literal_eval(text)


@functools.cache
def modules() -> dict[str, frozenset[str]]:
    """The packages of TensorFlow 1.15, each with the names of what it holds."""
    tree = {}
    for line in internal("modules.txt").splitlines():
        package, _, children = line.partition(":")
        tree[package] = frozenset(children.split())
    return tree


def has_module(path: str) -> bool:
    """Whether TensorFlow 1.15 has a module of that name."""
    parent, _, last = path.rpartition(".")
    return path in modules() or last in modules().get(parent, ())
