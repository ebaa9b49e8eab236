"""Which of Python's operators are rewritten, by their names in `operator`."""

from __future__ import annotations

ARITHMETIC = "add sub mul truediv floordiv mod pow and_ or_ xor lshift rshift".split()
COMPARISONS = "lt le gt ge eq ne".split()
