"""Running a program as Python itself would: as `__main__`, with its own arguments.

The program's exit status, its tracebacks and what it finds in `sys` are those it has
under `python SCRIPT`. Frames of the launcher are cut off a traceback before it is
shown.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
import os
import sys
from collections.abc import Callable, Sequence
from types import CodeType, ModuleType, TracebackType
from typing import Any, NoReturn

from retrograd.compat.restore import arithmetic
from retrograd.compat.restore import enabled as restoring
from retrograd.compat.restore import source as old_source
from retrograd.errors import message

_FOLDER = os.path.dirname(__file__) + os.sep


def run_path(path: str, arguments: Sequence[str] = ()) -> None:
    """Run a script, or a folder or zip file that holds `__main__.py`."""
    sys.argv = [path, *arguments]
    if os.path.isdir(path) or _is_archive(path):
        _set_first_path(path)
        _run_spec("__main__", path)
        return
    try:
        with io.open_code(os.path.abspath(path)) as stream:
            source = stream.read()
    except OSError as error:
        _cannot_open(path, error)
    _set_first_path(os.path.dirname(os.path.realpath(path)))
    file = os.path.abspath(path)
    main = _new_main(
        __file__=file,
        __cached__=None,
        __loader__=importlib.machinery.SourceFileLoader("__main__", file),
    )
    _execute(lambda: _compiled(source, file), main)


def run_module(name: str, arguments: Sequence[str] = ()) -> None:
    """Run a module by its dotted name, as `python -m` does."""
    sys.argv = ["-m", *arguments]  # what Python shows while the module is looked for
    _set_first_path(os.getcwd())
    _run_spec(name, name)


def _run_spec(name: str, shown: str) -> None:
    spec = _find_main_spec(name, shown)
    loader: Any = spec.loader
    code = getattr(loader, "get_code", None)
    if code is None or (spec.origin == "retrograd" and code(spec.name) is None):
        _no_module(f"No code object available for {shown}")
    if sys.argv[0] == "-m":
        sys.argv[0] = spec.origin or name
    main = _new_main(
        __file__=spec.origin,
        __cached__=spec.cached,
        __loader__=loader,
        __package__=spec.parent,
        __spec__=spec,
    )
    _execute(lambda: loader.get_code(spec.name), main)


def _find_main_spec(name: str, shown: str) -> importlib.machinery.ModuleSpec:
    sys.modules.pop("__main__", None) if name == "__main__" else None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        _no_module(f"Error while finding module specification for '{shown}' ({error})")
    if spec is None and name == "__main__":
        _no_module(f"can't find '__main__' module in '{shown}'")
    if spec is None:
        _no_module(f"No module named {shown}")
    if spec.submodule_search_locations is None:
        return spec
    inner = importlib.util.find_spec(f"{name}.__main__")
    if inner is None:
        _no_module(
            f"No module named {name}.__main__; '{name}' is a package and cannot be "
            "directly executed"
        )
    return inner


def _no_module(text: str) -> NoReturn:
    print(f"{sys.executable}: {text}", file=sys.stderr)
    raise SystemExit(1)


def _cannot_open(path: str, error: OSError) -> NoReturn:
    what = f"retrograd: can't open file '{os.path.abspath(path)}': {error.strerror}"
    fix = None if os.path.exists(path) else "retrograd run SCRIPT [ARGS], or -m MODULE"
    print(message(what, fix=fix), file=sys.stderr)
    raise SystemExit(2)


def _is_archive(path: str) -> bool:
    import zipfile

    return os.path.isfile(path) and zipfile.is_zipfile(path)


def _set_first_path(folder: str) -> None:
    """Put the program's folder where Python put the launcher's."""
    if sys.flags.safe_path:
        return
    if sys.path:
        sys.path[0] = folder
    else:
        sys.path.append(folder)


def _new_main(**attributes: object) -> ModuleType:
    main = ModuleType("__main__")
    main.__dict__.update(
        {"__builtins__": sys.modules["builtins"], "__annotations__": {}, **attributes}
    )
    # The launcher's own main module stays alive under another name: its frames still
    # run.
    launcher = sys.modules.get("__main__")
    if launcher is not None:
        sys.modules["retrograd.__main__"] = launcher
    sys.modules["__main__"] = main
    return main


def _compiled(source: bytes, file: str) -> CodeType:
    def compiled(text: bytes) -> CodeType:
        if arithmetic.applies_to(file, "__main__"):
            return arithmetic.compiled(text, file)
        return compile(text, file, "exec", dont_inherit=True)

    try:
        return compiled(source)
    except SyntaxError:
        code = old_source.compiled(source, file, compiled) if restoring() else None
        if code is None:
            raise
        return code


def _execute(code: Callable[[], CodeType], main: ModuleType) -> None:
    try:
        exec(code(), main.__dict__)
    except SystemExit:
        raise
    except BaseException:
        # Python ends as it does for any program: excepthook, exit status, Ctrl-C.
        _cut_tracebacks()
        raise


def _cut_tracebacks() -> None:
    shown = sys.excepthook

    def hook(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> Any:
        cut = without_launcher(trace)
        error.__traceback__ = cut
        return shown(kind, error, cut)

    sys.excepthook = hook


def without_launcher(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without what lies above the program, and without the import hook.

    Frames of this folder say nothing to the program's author: `tf.no_such_name` ends at
    the line that says it. Those of the import system Python itself leaves out.
    """
    kept: list[TracebackType] = []
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file == __file__:
            kept.clear()
        elif not file.startswith((_FOLDER, "<frozen importlib")):
            kept.append(trace)
        trace = trace.tb_next
    below = None
    for step in reversed(kept):
        step.tb_next = below
        below = step
    return below
