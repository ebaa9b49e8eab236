"""Whether two texts say the same, with numbers that may differ by rounding.

Sums of many products come out a little differently on processors with other
instructions, which may change the last digit that is printed, and so the spacing.
"""

from __future__ import annotations

import math
import re

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]\d+)?(?![\w.])")
#: how far two numbers may be apart: printed ones have six digits
RELATIVE, ABSOLUTE = 1e-4, 1e-6


def alike(a: str, b: str) -> bool:
    """Whether two texts are equal but for rounding and runs of spaces.

    Whole numbers have to be equal.
    """
    first, second = NUMBER.findall(a), NUMBER.findall(b)
    if _without_numbers(a) != _without_numbers(b) or len(first) != len(second):
        return False
    return all(map(_close, first, second))


def _without_numbers(text: str) -> str:
    return re.sub(r" +", " ", NUMBER.sub("#", text))


def _close(a: str, b: str) -> bool:
    if a == b:
        return True
    if not re.search(r"[.e]", a + b):
        return False
    return math.isclose(float(a), float(b), rel_tol=RELATIVE, abs_tol=ABSOLUTE)
