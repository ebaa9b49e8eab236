"""Modules: loading them late, and hiding what their documentation does not name."""

from __future__ import annotations

import importlib
import re
import sys
from types import ModuleType
from typing import Any

from retrograd.platform import logs

_HIDDEN_ATTRIBUTES: dict[str, tuple[ModuleType, Any]] = {}


class LazyLoader(ModuleType):
    """Stands for a module that is imported at the first use of one of its names.

    Args:
      local_name: the name that the module then gets among `parent_module_globals`.
      parent_module_globals: the globals of the module that uses it.
      name: the module's full name.
      warning: logged when it is imported.
    """

    def __init__(
        self,
        local_name: str,
        parent_module_globals: dict[str, Any],
        name: str,
        warning: str | None = None,
    ) -> None:
        self._local_name = local_name
        self._parent_module_globals = parent_module_globals
        self._warning = warning
        super().__init__(name)

    def _load(self) -> ModuleType:
        module = importlib.import_module(self.__name__)
        self._parent_module_globals[self._local_name] = module
        if self._warning:
            logs.warning(self._warning)
            self._warning = None
        self.__dict__.update(module.__dict__)  # for those who keep the stand-in
        return module

    def __getattr__(self, item: str) -> Any:
        return getattr(self._load(), item)

    def __dir__(self) -> list[str]:
        return dir(self._load())


def make_all(
    module_name: str, doc_string_modules: list[ModuleType] | None = None
) -> list[str]:
    """The names of a module that stand as `@@name` in its docstring, or in others'."""
    module = sys.modules[module_name]
    members = set(dir(module))
    found: set[str] = set()
    for documented in doc_string_modules or [module]:
        found.update(re.findall(r"^@@(\w+)$", documented.__doc__ or "", re.MULTILINE))
    return list(found & members)


def remove_undocumented(
    module_name: str,
    allowed_exception_list: list[str] | None = None,
    doc_string_modules: list[ModuleType] | None = None,
) -> None:
    """Delete the public names of a module that its docstring does not name."""
    module = sys.modules[module_name]
    kept = {*make_all(module_name, doc_string_modules), *(allowed_exception_list or ())}
    for name in set(dir(module)) - kept:
        if not name.startswith("_"):
            _HIDDEN_ATTRIBUTES[f"{module_name}.{name}"] = module, getattr(module, name)
            delattr(module, name)


def reveal_undocumented(
    symbol_name: str, target_module: ModuleType | None = None
) -> None:
    """Bring back a name that `remove_undocumented` deleted.

    Raises:
      LookupError: it did not.
    """
    if symbol_name not in _HIDDEN_ATTRIBUTES:
        raise LookupError(f"Symbol {symbol_name} is not a hidden symbol")
    module, value = _HIDDEN_ATTRIBUTES[symbol_name]
    setattr(target_module or module, symbol_name.rpartition(".")[2], value)
