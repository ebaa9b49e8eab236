"""Decorators of test methods: nothing may be left behind."""

from __future__ import annotations

import functools
import gc
import logging
from collections.abc import Callable
from typing import Any

import retrograd as tf
from retrograd.graph import context
from retrograd.graph.graph import Graph
from retrograd.graph.tensor import Tensor
from retrograd.shapes import Dimension, TensorShape

log = logging.getLogger(__name__)


def assert_no_new_pyobjects_executing_eagerly(f: Callable[..., Any]) -> Callable:
    """Fail if repeating the test in eager mode leaves more Python objects each time.

    Two runs come first, to fill caches; then three are counted together.
    """

    @functools.wraps(f)
    def decorated(self: object, *args: object, **kwargs: object) -> None:
        with context.eager_mode():
            gc.disable()
            try:
                for _ in range(2):
                    f(self, *args, **kwargs)
                gc.collect()
                before = len(gc.get_objects())
                sizes = _collection_sizes()
                for _ in range(3):
                    f(self, *args, **kwargs)
                for key, size in _collection_sizes().items():
                    if size > sizes.get(key, 0):
                        raise AssertionError(
                            f"Collection {key} increased in size from "
                            f"{sizes.get(key, 0)} to {size} "
                            f"(current items {tf.get_collection(key)})."
                        )
                del sizes
                gc.collect()
                after = len(gc.get_objects())
            finally:
                gc.enable()
        if after > before:
            raise AssertionError(
                f"new_count({after}) is not less than or equal to "
                f"previous_count({before})"
            )

    return decorated


def _collection_sizes() -> dict[Any, int]:
    graph = context.get_default_graph()
    return {key: len(graph.get_collection(key)) for key in graph.collections}


def assert_no_new_tensors(f: Callable[..., Any]) -> Callable:
    """Fail if tensors, variables or shapes made by the test are alive after it."""

    @functools.wraps(f)
    def decorated(self: object, **kwargs: object) -> Any:
        before = {id(x) for x in _tensors()}
        eager = context.executing_eagerly()
        # Collections die with the graph; optimizers know the graph by its key.
        key = context.get_default_graph()._graph_key
        with Graph().as_default() as graph:
            graph._graph_key = key
            mode = context.eager_mode() if eager else context.graph_mode()
            with mode:
                result = f(self, **kwargs)
        del graph
        gc.collect()
        left = [x for x in _tensors() if id(x) not in before]
        if left:
            raise AssertionError(
                f"{len(left)} Tensors not deallocated after test: {left}"
            )
        return result

    return decorated


def _tensors() -> list[Any]:
    kinds = (Tensor, tf.Variable, Dimension, TensorShape)
    return [x for x in gc.get_objects() if issubclass(type(x), kinds)]


def assert_no_garbage_created(f: Callable[..., Any]) -> Callable:
    """Fail if the test leaves reference cycles for the garbage collector.

    The objects of the cycles are logged.
    """

    @functools.wraps(f)
    def decorated(self: Any, **kwargs: object) -> Any:
        flags = gc.get_debug()
        gc.disable()
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        before = len(gc.garbage)
        try:
            result = f(self, **kwargs)
            gc.collect()
            found = gc.garbage[before:]
            del gc.garbage[before:]
        finally:
            gc.set_debug(flags)
            gc.enable()
        for x in found:
            log.error("in a reference cycle: %s: %.200r", type(x).__name__, x)
        self.assertEqual(0, len(found), "objects in reference cycles")
        return result

    return decorated
