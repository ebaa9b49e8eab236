"""Operations: a family a file, each op declared once (see `declare`)."""

from retrograd.ops import overloads as overloads  # gives tensors their operators
from retrograd.ops import slicing as slicing  # ... and their indexing
