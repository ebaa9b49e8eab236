"""Importing libraries that act when they are imported, without what they do.

JAX draws from `np.random` and sets environment variables, threadpoolctl sets one, SciPy
adds a warnings filter. All of that belongs to the program, and JAX is imported in the
background, at a time that depends on the load: a seeded program would shuffle otherwise
in each run. Putting things back afterwards would undo what the program does meanwhile.
So a module that acts is given other modules to act on: where it says `import numpy`, it
gets one whose `random` is its own.
"""

from __future__ import annotations

import builtins
import functools
import gc
import importlib.machinery
import os
import sys
import warnings
from collections import ChainMap, defaultdict
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

#: called in the thread that imports a module, before it is looked for
before_import: list[Callable[[], None]] = []
#: what JAX sets for the runtime of a TPU, which reads it, where there is one
_tpu_variables: dict[str, str] = {}


class _StandIn(ModuleType):
    """A module of which some names are others."""

    def __init__(self, real: ModuleType, **names: object) -> None:
        super().__init__(real.__name__, real.__doc__)
        self.__dict__.update(names)
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def stand_in(real: ModuleType, **names: object) -> ModuleType:
    """A module that is another one but for some names."""
    return _StandIn(real, **names)


def _own_random() -> ModuleType:
    """NumPy with a generator that nobody else draws from."""
    import numpy as np

    state = np.random.RandomState()
    random = _StandIn(np.random, rand=state.rand)
    return _StandIn(np, random=random)


def _own_variables(kept: dict[str, str] | None = None) -> ModuleType:
    """`os` with the environment's variables, of which new values stay here."""
    own = {} if kept is None else kept
    return _StandIn(os, environ=ChainMap(own, os.environ))


def _no_filters() -> ModuleType:
    """`warnings` where filters cannot be added."""
    return _StandIn(warnings, simplefilter=lambda *args, **kwargs: None)


#: modules that act when they are imported, and what they are given to act on
_ACTING: dict[str, dict[str, Callable[[], ModuleType]]] = {
    "jax": {"os": _own_variables},
    "jax._src.cloud_tpu_init": {"os": lambda: _own_variables(_tpu_variables)},
    "jax._src.clusters.k8s_cluster": {"numpy": _own_random},
    "threadpoolctl": {"os": _own_variables},
    "scipy.special._sf_error": {"warnings": _no_filters},
}


def _after_jax(module: ModuleType) -> None:
    """Do for XLA what the variables that JAX sets were for."""
    del module
    if sys.modules["jax._src.cloud_tpu_init"].running_in_cloud_tpu_vm:
        os.environ.update(_tpu_variables)
    quiet = getattr(sys.modules.get("jaxlib.utils"), "absl_set_min_log_level", None)
    if quiet is not None and "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
        quiet(1)  # warnings and errors
    _collect_in_c()


def _collect_in_c() -> None:
    """Call XLA after each collection of garbage without a function in Python.

    JAX has one for it. Where Ctrl-C comes at its first line, Python takes the exception
    for one that nobody can handle, and goes on.
    """
    collect = getattr(sys.modules.get("jaxlib._jax"), "collect_garbage", None)
    if collect is None:
        return

    class Collecting:
        # what there is in C to call something and drop the arguments: `getattr` of a
        # property whose function is that of a missing key
        start = stop = property(defaultdict(collect).__missing__)

    called = functools.partial(getattr, Collecting())
    gc.callbacks[:] = [
        called if getattr(c, "__module__", "") == "jax._src.lib" else c
        for c in gc.callbacks
    ]


class _Finder:
    """Loads modules that act, with stand-ins for what they act on.

    It does without the base class, whose module takes milliseconds to import.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        for call in before_import:
            call()
        replaced = _ACTING.get(fullname)
        if replaced is None:
            return None
        spec = found_by_others(self, fullname, path)
        if spec is not None:
            _give(spec.loader, {name: make() for name, make in replaced.items()})
        return spec


def found_by_others(
    ours: object, fullname: str, path: Sequence[str] | None
) -> importlib.machinery.ModuleSpec | None:
    """What the other finders of the import system have under a name."""
    for finder in sys.meta_path:
        if finder is not ours and hasattr(finder, "find_spec"):
            spec = finder.find_spec(fullname, path)
            if spec is not None:
                return spec
    return None


_AFTER = {"jax": _after_jax}


def _give(loader: Any, stand_ins: dict[str, ModuleType]) -> None:
    """Let a module find stand-ins where it imports modules by these names."""
    execute = loader.exec_module

    def __import__(name: str, *args: Any, **kwargs: Any) -> Any:
        return stand_ins.get(name) or builtins.__import__(name, *args, **kwargs)

    def exec_module(module: ModuleType) -> None:
        own = {**vars(builtins), "__import__": __import__}
        module.__dict__["__builtins__"] = own
        execute(module)
        if module.__name__ in _AFTER:
            _AFTER[module.__name__](module)

    loader.exec_module = exec_module


@functools.cache
def import_apart() -> None:
    """From now on, libraries that act when they are imported do so apart."""
    sys.meta_path.insert(0, _Finder())
