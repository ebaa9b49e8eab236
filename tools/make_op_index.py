"""Write `src/retrograd/ops/index.txt`: which module declares which op types.

    python tools/make_op_index.py           write it
    python tools/make_op_index.py --check   say whether it is up to date

Every module of the package is imported, and each declaration noted with the module
whose import made it; a test holds the file against the declarations.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import textwrap
import types
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "src" / "retrograd" / "ops"
PACKAGE = "retrograd.ops"


class _Noted(dict[str, Any]):
    """A registry that notes for each op type the module that declared it."""

    def __init__(self) -> None:
        super().__init__()
        self.modules: dict[str, str] = {}

    def __setitem__(self, name: str, declaration: Any) -> None:
        frame = sys._getframe(1)
        while frame.f_code.co_name != "<module>":
            assert frame.f_back is not None
            frame = frame.f_back
        self.modules[name] = frame.f_globals["__name__"]
        super().__setitem__(name, declaration)


def index_text() -> str:
    """The text of the index; nothing of the package may have been imported."""
    # the package's own module imports some that declare: they must find the registry
    # that notes, so they are imported after it
    package = types.ModuleType(PACKAGE)
    package.__path__ = [str(FOLDER)]
    sys.modules[PACKAGE] = package
    declare = importlib.import_module(f"{PACKAGE}.declare")
    declare.registry = noted = _Noted()
    for module in pkgutil.walk_packages([str(FOLDER)], f"{PACKAGE}."):
        importlib.import_module(module.name)
    by_module: dict[str, list[str]] = {}
    for name, module in noted.modules.items():
        if module.startswith(f"{PACKAGE}."):
            by_module.setdefault(module.removeprefix(f"{PACKAGE}."), []).append(name)
    lines: list[str] = []
    for module, names in sorted(by_module.items()):
        text = f"{module}: {' '.join(sorted(names))}"
        lines += textwrap.wrap(text, 88, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check the file."""
    path, text = FOLDER / "index.txt", index_text()
    if "--check" not in sys.argv:
        path.write_text(text, "utf-8")
    elif not path.exists() or path.read_text("utf-8") != text:
        print("index.txt is out of date: run python tools/make_op_index.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
