"""What NumPy, SciPy and Python have dropped since 2019, brought back for one program.

Programs of TensorFlow 1's time say `np.float`, `scipy.misc.imread`, `time.clock`. Such
a name is found again when, and only when, it is used; the first use of any of them is
reported once, on stderr. Names that still exist are never touched.
"""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.machinery
import inspect
import operator
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from retrograd.compat import loading
from retrograd.compat.restore import fixed_types, names
from retrograd.compat.restore.notices import announce, spare_kernels


def _found(place: str) -> Any:
    """The object that `module:attribute`, or `module` alone, stands for."""
    module, _, attribute = place.partition(":")
    owner = importlib.import_module(module)
    return operator.attrgetter(attribute)(owner) if attribute else owner


def attach(module: ModuleType) -> None:
    """Let a module answer for the names it has lost."""
    table = names.ATTRIBUTES.get(module.__name__, {})
    anything = table.get("*", "")
    original: Callable[[str], Any] | None = module.__dict__.get("__getattr__")

    def __getattr__(name: str) -> Any:
        place = table.get(name)
        if place is None and original is not None:
            try:
                return original(name)
            except AttributeError:
                if not anything:
                    raise
        if place is None and anything and not name.startswith("_"):
            place = f"{anything}:{name}"
        if place is not None:
            try:
                value = _found(place)
            except AttributeError:
                pass
            else:
                announce(f"{module.__name__}.{name}")
                return value
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    module.__dict__["__getattr__"] = __getattr__
    for place, old, new in names.METHODS.get(module.__name__, ()):
        _restore_method(operator.attrgetter(place)(module), old, new)
    for function, old, new in names.KEYWORDS.get(module.__name__, ()):
        _restore_keyword(module, function, old, new)


def _restore_method(cls: Any, old: str, new: str) -> None:
    if hasattr(cls, old):
        return

    @functools.wraps(getattr(cls, new))
    def method(self: object, *args: object, **kwargs: object) -> Any:
        announce(f"{cls.__module__}.{cls.__qualname__}.{old}")
        return getattr(self, new)(*args, **kwargs)

    fixed_types.put(cls, old, method)


def _restore_keyword(module: ModuleType, name: str, old: str, new: str) -> None:
    original = getattr(module, name)
    if old in inspect.signature(original).parameters:
        return

    @functools.wraps(original)
    def function(*args: object, **kwargs: object) -> Any:
        if old in kwargs:
            announce(f"{module.__name__}.{name}({old}=)")
            kwargs[new] = kwargs.pop(old)
        return original(*args, **kwargs)

    setattr(module, name, function)
    spare_kernels(name, function, original)


class _Loader(importlib.abc.Loader):
    """Gives a module the name of one that is gone."""

    def __init__(self, replacement: str) -> None:
        self.replacement = replacement

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        del spec
        return None

    def exec_module(self, module: ModuleType) -> None:
        announce(module.__name__)
        owner = importlib.import_module(self.replacement)
        if not self.replacement.startswith(__name__):
            # what is elsewhere today is handed out itself; import looks here again
            sys.modules[module.__name__] = owner
            return
        public = [n for n in dir(owner) if not n.startswith("_") or n == "__doc__"]
        module.__dict__.update({name: getattr(owner, name) for name in public})
        lazy = owner.__dict__.get("__getattr__")
        if lazy is not None:
            module.__dict__["__getattr__"] = lazy


def enabled() -> bool:
    """Whether dropped names are brought back in this process."""
    return bool(loading.watcher().supplied)


def enable() -> None:
    """Bring the names back in this process, from now on; a second call does nothing."""
    from retrograd.compat.restore import calls, manners, source

    watcher = loading.watcher()
    if watcher.supplied:
        return
    watcher.supplied = {name: _Loader(own) for name, own in names.MODULES.items()}
    watcher.packages, watcher.always = names.PACKAGES, names.ALWAYS
    for name in {*names.ATTRIBUTES, *names.METHODS}:
        loading.when_loaded(name, attach)
    for name, adapt in manners.MANNERS.items():
        loading.when_loaded(name, adapt)
    for name in calls.REFUSALS:
        loading.when_loaded(name, calls.adapt)
    loading.when_loaded("numpy", _adapt_arrays)
    source.enable()


def _adapt_arrays(numpy: ModuleType) -> None:
    from retrograd.compat.restore import array_type

    array_type.adapt(numpy)
