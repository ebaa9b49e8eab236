"""How many threads NumPy's matrix products use.

A product too small to share out still wakes OpenBLAS's threads, which spin until all
are there: on a machine that does anything else a product of 64×128×128 then takes 15 ms
in place of 0.06.  So small products ask for one thread, and whoever runs kernels puts
the program's own number back when it is done.
"""

from __future__ import annotations

from typing import Any

#: multiplications below which one thread is enough (0.6 ms on one core)
SMALL = 1 << 24


class _Threads:
    """The thread counts of the BLAS libraries in this process."""

    def __init__(self) -> None:
        self.limited = False
        self._libraries: list[tuple[Any, int]] | None = None

    def limit(self) -> None:
        """Use one thread from now on."""
        if self._libraries is None:
            from threadpoolctl import ThreadpoolController

            found = ThreadpoolController().select(user_api="blas").lib_controllers
            self._libraries = [(c, c.num_threads) for c in found]
        for library, _ in self._libraries:
            library.set_num_threads(1)
        self.limited = True

    def restore(self) -> None:
        """Use as many threads as before."""
        self.limited = False
        for library, count in self._libraries or ():
            library.set_num_threads(count)


threads = _Threads()
