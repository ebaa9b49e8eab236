"""What a name is that is not provided: one of 1.15's, an older one, or none.

`names/internal/others.txt.gz` holds, a module a line, the names that 1.15 has and the
other tables do not list; `successors.txt` the names of older TensorFlow, with what took
their place. Both are read when somebody asks about a name that is missing.
"""

from __future__ import annotations

import enum
import functools
import gzip
import os

from retrograd.compat import inside, table


class Kind(enum.Enum):
    """What a missing name is. The value says it, after the name."""

    LATER = "in TensorFlow 1.15, not provided yet"
    OLDER = "a name of older TensorFlow, not in 1.15"
    NONE = "not in TensorFlow 1.15"
    UNKNOWN = ""


@functools.cache
def _others() -> dict[str, frozenset[str]]:
    path = os.path.join(table.FOLDER, "internal", "others.txt.gz")
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        rows = (line.partition(":") for line in stream)
        return {path: frozenset(names.split()) for path, _, names in rows}


@functools.cache
def _successors() -> dict[str, str]:
    rows = (line.split() for line in table.internal("successors.txt").splitlines())
    return {row[0]: row[1] for row in rows if row[0] != "#"}


def successor(path: str, name: str) -> str | None:
    """The name, with `tf.`, that took the place of one older than 1.15, or None."""
    new = _successors().get(f"{path}.{name}" if path else name)
    if new is None:
        return None
    return f"tensorflow.{new}" if new.startswith("python.") else f"tf.{new}"


def was_in_115(path: str, name: str) -> bool | None:
    """Whether TensorFlow 1.15 has a name in a namespace or module.

    Args:
      path: the dotted name of the namespace or module, below `tensorflow`.

    Returns:
      None where that is not known: `path` is neither.
    """
    if path == "compat.v1" or path.startswith("compat.v1."):
        path = path[len("compat.v1.") :]
    if path == "compat.v2.raw_ops":
        path = "raw_ops"
    for mirror, target in table.names().mirrors.items():
        if target and (path == mirror or path.startswith(mirror + ".")):
            if was_in_115(target + path[len(mirror) :], name):
                return True
    full = f"{path}.{name}" if path else name
    public = not path or path in table.names().namespaces
    if public and _is_public(full):
        return True
    if name in _others().get(path or ".", ()):
        return True
    if inside.has_module(path):
        if name in inside.names_of(path) or inside.has_module(full):
            return True
        return any(was_in_115(other, name) for other in inside.origins(path, name))
    return False if public or path == "raw_ops" else None


def _is_public(full: str) -> bool:
    return (
        full in table.aliases()
        or full in table.names().namespaces
        or full in table.names().places
        or full in table.INTERNAL
    )


def kind_of(path: str, name: str) -> Kind:
    """What a name is that is not provided in a namespace or module."""
    was = was_in_115(path, name)
    if was:
        return Kind.LATER
    if successor(path, name) is not None:
        return Kind.OLDER
    return Kind.UNKNOWN if was is None else Kind.NONE


def explained(path: str, name: str, near: list[str]) -> str:
    """What to say of a missing name, in lines that begin with a line's end.

    Args:
      near: the names most like it that are provided.
    """
    kind, new = kind_of(path, name), successor(path, name)
    facts = {"note": kind.value}
    if kind is Kind.OLDER:
        facts["fix"] = str(new)
    elif kind is not Kind.LATER:
        facts["nearest"] = ", ".join(near)
    return "".join(f"\n  {key + ':':<5} {text}" for key, text in facts.items() if text)
