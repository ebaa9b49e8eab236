"""Numbers of axes and vectors by axis, from one data format to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.ops.arguments import refused
from retrograd.ops.declare import op
from retrograd.ops.infer import like, same, shape_text
from retrograd.ops.traits import Passes, Traits

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


def _check_formats(source: str, target: str) -> None:
    """Refuse formats that are not permutations of each other.

    Raises:
      InvalidArgumentError: they are not.
    """
    for title, name, value in (
        ("Source", "src_format", source),
        ("Destination", "dst_format", target),
    ):
        if len(value) not in (4, 5):
            raise refused(
                f"{title} format must be of length 4 or 5, received {name} = {value}"
            )
    if len(set(source)) != len(source) or sorted(source) != sorted(target):
        raise refused(
            "Destination and source format must determine a permutation, got "
            f"{source} and {target}"
        )


@op("DataFormatDimMap", infer=same, math="y = place of axis x in the other format")
def data_format_dim_map_kernel(
    xp: Arrays, x: Array, *, src_format: str, dst_format: str
) -> Array:
    """The number of each axis in another data format; negative counts from the end.

    Raises:
      InvalidArgumentError: the formats are no permutation of each other.
    """
    _check_formats(src_format, dst_format)
    places = xp.array([dst_format.index(axis) for axis in src_format], x.dtype)
    return xp.take(places, x % 4)


@op(
    "DataFormatVecPermute",
    infer=like(0),
    math="y = x, by axis in the other format",
    traits=Traits(passes=Passes.MOVED),
)
def data_format_vec_permute_kernel(
    xp: Arrays, x: Array, *, src_format: str, dst_format: str
) -> Array:
    """A vector with a number for each axis, in another order of the axes.

    Of a matrix, the rows.

    Raises:
      InvalidArgumentError: the formats are no permutation of each other, or there are
        not four rows.
    """
    _check_formats(src_format, dst_format)
    shape = shape_text(x.shape)
    if x.ndim not in (1, 2):
        raise refused(f"input must be a vector or 2D tensor, but got shape {shape}")
    if x.shape[0] != 4:
        which = "1D input" if x.ndim == 1 else "First dimension of 2D input"
        raise refused(f"{which} must be of size 4, but got shape {shape}")
    if x.ndim == 2 and x.shape[1] != 2:
        raise refused(
            f"Second dimension of 2D input must be of size 2, but got shape {shape}"
        )
    places = xp.array([src_format.index(axis) for axis in dst_format])
    return xp.take(x, places, 0)
