"""What NumPy 1's promotion costs arithmetic of a program that `retrograd run` runs.

    python benchmarks/arithmetic.py

Each function is compiled as Python does it and rewritten. The first group has no NumPy
in it; the second has hardly anything else. Times are the best of many, for one turn of
the loop.
"""

from __future__ import annotations

import ast
import textwrap
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograd.compat.restore import promotion, provided, rewriting

TURNS, REPEATS = 2000, 200
PLAIN = {
    "counting: s += i * i": """
        def f(n, a, b):
            s = 0
            for i in range(n):
                s += i * i
        """,
    "indices: i // 2 + j % 3": """
        def f(n, a, b):
            j = 0
            for i in range(n):
                j = i // 2 + j % 3
        """,
    "one unknown: a * 0.5 + 1": """
        def f(n, a, b):
            for i in range(n):
                c = a * 0.5 + 1
        """,
    "two unknown: a * b + a": """
        def f(n, a, b):
            for i in range(n):
                c = a * b + a
        """,
    "int and float: n * a": """
        def f(n, a, b):
            for i in range(n):
                c = n * a
        """,
    "elements: t[i & 7] += t[0] * a": """
        def f(n, a, b):
            t = [0.5] * 8
            for i in range(n):
                t[i & 7] += t[0] * a
        """,
    "attributes: o.x += o.y": """
        def f(n, a, b):
            class O: pass
            o = O()
            o.x, o.y = a, b
            for i in range(n):
                o.x += o.y
        """,
    "Mandelbrot: z = z * z + c": """
        def f(n, a, b):
            z, c = 0j, a * 1e-9j
            for i in range(n):
                if abs(z) > 2:
                    break
                z = z * z + c
        """,
    "comparing: a < b": """
        def f(n, a, b):
            for i in range(n):
                if a < b:
                    c = i
        """,
}
ARRAYS = {
    "float32 array * 2.0": (np.ones(100, np.float32), 2.0),
    "float32 array * float32 array": (np.ones(100, np.float32),) * 2,
    "float32 array * float64 scalar": (np.ones(100, np.float32), np.float64(2)),
    "float64 scalar * 2.0": (np.float64(1), 2.0),
    "float32 scalar * 2.0": (np.float32(1), 2.0),
}
PRODUCT = """
    def f(n, a, b):
        for i in range(n):
            c = a * b
    """


def compiled(source: str, rewrite: bool) -> Callable[..., Any]:
    """The function `f` of a program."""
    tree = ast.parse(textwrap.dedent(source))
    if rewrite:
        tree = rewriting.rewritten(tree)
    names: dict[str, Any] = {}
    exec(compile(tree, "program", "exec"), names)
    return names["f"]


def best(function: Callable[..., Any], *args: Any) -> float:
    """Nanoseconds for a turn."""
    found = float("inf")
    for _ in range(REPEATS):
        started = time.perf_counter()
        function(TURNS, *args)
        found = min(found, time.perf_counter() - started)
    return found / TURNS * 1e9


def row(name: str, source: str, *args: Any) -> None:
    """Print the times of one function."""
    native, rewritten = (best(compiled(source, new), *args) for new in (False, True))
    print(f"{name:32} {native:8.1f} {rewritten:8.1f} {rewritten / native:6.2f}")


def main() -> None:
    """Print a table."""
    promotion._said.append(True)
    provided.provide()
    print(f"{'ns a turn':32} {'NumPy 2':>8} {'NumPy 1':>8} {'times':>6}")
    for name, source in PLAIN.items():
        row(name, source, 0.25, 0.5)
    for name, pair in ARRAYS.items():
        row(name, PRODUCT, *pair)


if __name__ == "__main__":
    main()
