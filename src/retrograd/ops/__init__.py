"""Operations: a family a file, each op declared once (see `declare`).

What gives tensors their operators, and lists and IndexedSlices their conversions, is
there as soon as any of them is.
"""

from retrograd.ops.array import constant as constant
from retrograd.ops.array import indexed_slices as indexed_slices
from retrograd.ops.array import slicing as slicing
from retrograd.ops.math import overloads as overloads
