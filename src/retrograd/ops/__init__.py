"""Operations: a family a file, each op declared once (see `declare`).

What gives tensors their operators, and lists and IndexedSlices their conversions, is
there as soon as any of them is.
"""

from retrograd.ops import constant as constant
from retrograd.ops import overloads as overloads
from retrograd.ops import slices as slices
from retrograd.ops import slicing as slicing
