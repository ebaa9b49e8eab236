"""The tables of names: which object of ours each TensorFlow 1 name stands for.

`names/*.txt` hold them, a file an area. Three kinds of line:

    [retrograd.ops.math.reduce]           the module that the next names are found in
    reduce_sum math.reduce_sum       public names, below `tf`
    math.bessel_i0=bessel_i0_fn      … found there under another name
    contrib.framework.nest=.         … standing for the module itself

    python.framework.ops <- retrograd.graph.graph retrograd.graph.context
                                     modules to search, in order, for any name of one
                                     of TensorFlow's own modules
    python.framework.test_ops <- retrograd.testing.ops !
                                     … which are imported with it: they do something
    contrib.keras => keras           a namespace that repeats another

`names/internal/*.txt` hold facts about TensorFlow 1.15 itself: its modules, its public
namespaces, the public names that are one object, and what its modules hold
(`retrograd.compat.inside`). A name is therefore listed once, its aliases follow. These
files are read when first needed.
"""

from __future__ import annotations

import functools
import importlib
import operator
import os
from types import ModuleType
from typing import Any

FOLDER = os.path.join(os.path.dirname(__file__), "names")
Place = tuple[str, str]


class NotProvided(Exception):
    """A name that no table holds, or whose object does not exist."""


class Names:
    """Public names, the modules behind internal ones, and mirrored namespaces."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.sources: dict[str, list[str]] = {}
        self.acting: set[str] = set()
        self.mirrors: dict[str, str] = {}
        self.repeated: list[str] = []
        self.namespaces: set[str] = set()

    def read(self, text: str) -> None:
        """Add the lines of one file."""
        places = self.places
        module = ""
        for line in text.splitlines():
            if not line or line[0] == "#":
                continue
            if line[0] == "[":
                module = line.strip()[1:-1]
            elif "<-" in line:
                dotted, _, modules = line.partition("<-")
                dotted, found = dotted.strip(), modules.split()
                if found[-1] == "!":
                    found.pop()
                    self.acting.add(dotted)
                self.sources.setdefault(dotted, []).extend(found)
            elif "=>" in line:
                dotted, _, target = line.partition("=>")
                self.mirrors[dotted.strip()] = target.strip()
            else:
                for token in line.split():
                    name, _, attribute = token.partition("=")
                    if name in places:
                        self.repeated.append(name)
                    places[name] = (module, attribute or name.rpartition(".")[2])

    def find(self, path: str) -> Place | None:
        """The module and the attribute of a dotted public name; None if not listed."""
        place = self.places.get(path)
        if place is None:
            mirrored = self.mirrored(path)
            if mirrored is not None:
                return self.find(mirrored)
            for alias in aliases().get(path, ()):
                if alias in self.places:
                    return self.places[alias]
        return place

    def is_namespace(self, path: str) -> bool:
        """Whether a dotted name is a namespace: names lie below it, or did in 1.15."""
        if path in self.namespaces or path in self.mirrors:
            return True
        mirrored = self.mirrored(path)
        return mirrored is not None and self.is_namespace(mirrored)

    def mirrored(self, path: str) -> str | None:
        """What a namespace, or a name in one, repeats; None if it repeats none."""
        for mirror, target in self.mirrors.items():
            if path == mirror or path.startswith(mirror + "."):
                return (target + path[len(mirror) :]).lstrip(".")
        return None

    def below(self, path: str) -> list[str]:
        """The names and namespaces directly below a namespace, sorted."""
        prefix = path + "." if path else ""
        same = (name for name, group in aliases().items() if self._has_any(group))
        listed = [*self.places, *self.namespaces, *same]
        found = {
            name[len(prefix) :].partition(".")[0]
            for name in listed
            if name.startswith(prefix)
        }
        if path in self.mirrors:
            found.update(self.below(self.mirrors[path]))
        hidden = {""} if path else {"", *INTERNAL} - {"contrib"}
        return sorted(found - hidden)

    def _has_any(self, group: list[str]) -> bool:
        return any(name in self.places for name in group)

    def _gather_namespaces(self) -> None:
        spaces = self.namespaces
        for line in internal("namespaces.txt").splitlines():
            parent, _, children = line.partition(": ")
            prefix = "" if parent == "." else parent + "."
            spaces.update(prefix + child for child in children.split())
        for name in self.places:
            parent = name.rpartition(".")[0]
            while parent and parent not in spaces:
                spaces.add(parent)
                parent = parent.rpartition(".")[0]


# Parts of TensorFlow that are not its public interface, where any module imports.
INTERNAL = frozenset(
    ["python", "core", "contrib", "tools", "lite", "examples", "compiler", "include"]
)


@functools.cache
def names() -> Names:
    """All public tables, read at the first use of a name."""
    table = Names()
    for file in sorted(os.listdir(FOLDER)):
        if file.endswith(".txt"):
            with open(os.path.join(FOLDER, file), encoding="utf-8") as stream:
                table.read(stream.read())
    table._gather_namespaces()
    return table


def internal(file: str) -> str:
    """What a file of `names/internal` says, less the comments at its head."""
    path = os.path.join(FOLDER, "internal", file)
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    while text.startswith("#"):
        text = text[text.index("\n") + 1 :]
    return text


@functools.cache
def aliases() -> dict[str, list[str]]:
    """For a public name that has others in TensorFlow 1.15: all that the object has."""
    found = {}
    for line in internal("aliases.txt").splitlines():
        group = line.split()
        found.update(dict.fromkeys(group, group))
    return found


@functools.cache
def by_last_part() -> dict[str, list[str]]:
    """Public names grouped by what follows their last dot."""
    groups: dict[str, list[str]] = {}
    for name in names().places:
        groups.setdefault(name.rpartition(".")[2], []).append(name)
    return groups


def import_or_none(module: str) -> ModuleType | None:
    """The module of that name; None if there is none.

    Raises:
      ImportError: the module exists and fails to import something else.
    """
    if module.startswith("retrograd.graph."):
        importlib.import_module("retrograd.ops")  # gives operators and conversions
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module == missing or module.startswith(missing + "."):
            return None
        raise


def resolve(path: str) -> Any:
    """The object that a public name stands for.

    Raises:
      NotProvided: the name is not listed, or what its line points at is not there.
    """
    place = names().find(path)
    if place is None:
        raise NotProvided(path)
    module = import_or_none(place[0])
    if module is None:
        raise NotProvided(path)
    if place[1] == ".":
        return module
    try:
        return operator.attrgetter(place[1])(module)
    except AttributeError as error:
        raise NotProvided(path) from error
