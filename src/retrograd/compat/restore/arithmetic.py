"""Which modules of a program have NumPy 1's promotion, and their code.

The main program and the modules that lie beside it, wherever that is; not what is
installed as a package, unless it is named.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import marshal
import os
import sys
import zlib
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from retrograd.compat import loading
from retrograd.compat.restore import provided
from retrograd.graph.hooks import hooks

if TYPE_CHECKING:
    import ast

#: folders that packages are installed in, wherever these are
_PACKAGES = frozenset(["site-packages", "dist-packages"])
#: packages whose modules are rewritten as well; None where nothing is rewritten
_packages: frozenset[str] | None = None


def enable(named: frozenset[str] = frozenset()) -> None:
    """Rewrite the program's modules from now on, and those of some packages."""
    global _packages
    _packages = named
    provided.provide()
    loading.when_loaded("runpy", _rewrite_files_that_are_run)


def _rewrite_files_that_are_run(runpy: ModuleType) -> None:
    """`runpy.run_path`: so is the main program loaded in a process started afresh."""
    original = getattr(runpy, "_get_code_from_file", None)
    if original is None:
        return

    def get_code(*args: Any) -> Any:
        found, path = original(*args), args[-1]
        if not applies_to(path, "__main__"):
            return found
        with open(path, "rb") as stream:
            code = compiled(stream.read(), path)
        return (code, path) if isinstance(found, tuple) else code

    runpy.__dict__["_get_code_from_file"] = get_code


def applies_to(path: str, module: str) -> bool:
    """Whether a module is to be rewritten.

    Args:
      path: its file.
      module: its dotted name.
    """
    if _packages is None:
        return False
    if module.partition(".")[0] in _packages:
        return True
    if os.path.islink(path):
        path = os.path.realpath(path)
    return _is_of_program(os.path.dirname(path))


@functools.cache
def _is_of_program(folder: str) -> bool:
    """Whether a folder, its links followed, is not one that packages are in."""
    place = os.path.join(os.path.realpath(folder), "")
    return not (place.startswith(_installed()) or _PACKAGES.intersection(_parts(place)))


def _parts(path: str) -> list[str]:
    return path.split(os.sep)


@functools.cache
def _installed() -> tuple[str, ...]:
    """The folders of Python and of this package."""
    own = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    folders = map(os.path.realpath, (os.path.dirname(os.__file__), own))
    return tuple(os.path.join(folder, "") for folder in folders)


def compiled(source: bytes | str, path: str, optimize: int = -1) -> CodeType:
    """The code of a module's source, rewritten.

    Raises:
      SyntaxError: as Python does.
    """
    import ast

    from retrograd.compat.restore import rewriting

    def compiling(text: Any, flags: int = 0) -> Any:
        return compile(text, path, "exec", flags, True, optimize)

    try:
        return compiling(rewriting.rewritten(compiling(source, ast.PyCF_ONLY_AST)))
    except RecursionError:  # nested deeper than anybody writes by hand
        return compiling(source)


def program_tree(tree: ast.Module, path: str, module: str) -> ast.Module:
    """The tree of code that is made of a program's, rewritten where that is.

    Args:
      tree: the tree.
      path, module: the file and the name of the program's module.
    """
    if not applies_to(path, module):
        return tree
    from retrograd.compat.restore import rewriting

    return rewriting.rewritten(tree)


hooks.provide(program_tree=program_tree)


def kept(loader: Any, path: str) -> CodeType:
    """The rewritten code of a module, from where it is kept, or made anew.

    Args:
      loader: of the module, a `SourceFileLoader`; it gives code to source.
    """
    stats = loader.path_stats(path)
    numbers = 0, int(stats["mtime"]), stats["size"]
    header = importlib.util.MAGIC_NUMBER + b"".join(
        (number & 0xFFFFFFFF).to_bytes(4, "little") for number in numbers
    )
    place = importlib.util.cache_from_source(path, optimization=_form())
    with contextlib.suppress(OSError, EOFError, ValueError, TypeError):
        data = loader.get_data(place)
        if data.startswith(header):
            return marshal.loads(data[len(header) :])
    code = loader.source_to_code(loader.get_data(path), path)
    if not sys.dont_write_bytecode:
        with contextlib.suppress(OSError, NotImplementedError):
            loader.set_data(place, header + marshal.dumps(code))
    return code


@functools.cache
def _form() -> str:
    """What tells the code of one way of rewriting from that of another."""
    folder = os.path.dirname(__file__)
    shared = os.path.join(os.path.dirname(os.path.dirname(folder)), "util")
    files = [os.path.join(folder, name) for name in ("rewriting.py", "plain.py")]
    files.append(os.path.join(shared, "syntax_trees.py"))
    times = [os.stat(file).st_mtime_ns for file in files if os.path.exists(file)]
    return f"numpy1{zlib.crc32(repr(times).encode()):08x}o{sys.flags.optimize}"
