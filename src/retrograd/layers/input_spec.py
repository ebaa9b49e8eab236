"""What a layer expects of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, Structure


class InputSpec:
    """The dtype, rank and sizes that an input of a layer must have.

    Args:
      dtype: its dtype.
      shape: its shape; None in it may be any size.
      ndim: its rank.
      max_ndim: the highest rank.
      min_ndim: the lowest rank.
      axes: sizes by axis; None may be any size.
    """

    def __init__(
        self,
        dtype: DTypeLike | None = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[Any, int | None] | None = None,
    ) -> None:
        self.dtype = None if dtype is None else dtypes.as_dtype(dtype).name
        self.shape = shape
        self.ndim = ndim if shape is None else len(shape)
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        try:
            self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        except (ValueError, TypeError):
            raise TypeError(
                "The keys in axes must be integers.", list(axes or {})
            ) from None
        limit = self.ndim if self.ndim is not None else self.max_ndim
        if self.axes and limit is not None and max(self.axes) > limit - 1:
            raise ValueError(
                f"Axis {max(self.axes)} is greater than the maximum allowed value: "
                f"{limit - 1}"
            )

    def __repr__(self) -> str:
        given = {
            "dtype": self.dtype,
            "shape": self.shape,
            "ndim": self.ndim,
            "max_ndim": self.max_ndim,
            "min_ndim": self.min_ndim,
            "axes": self.axes,
        }
        return "InputSpec({})".format(
            ", ".join(f"{k}={v}" for k, v in given.items() if v)
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        names = "dtype shape ndim max_ndim min_ndim axes".split()
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """The one with the arguments that `get_config` gave."""
        return cls(**config)


def assert_input_compatibility(
    input_spec: InputSpec | Sequence[InputSpec | None] | None,
    inputs: Structure,
    name: str,
) -> None:
    """Check inputs against what the layer `name` expects.

    Raises:
      ValueError: they do not fit.
    """
    if not input_spec:
        return
    given, specs = nest.flatten(inputs), nest.flatten(input_spec)
    if len(given) != len(specs):
        raise ValueError(
            f"Layer {name} expects {len(specs)} inputs, but it received {len(given)} "
            f"input tensors. Inputs received: {inputs}"
        )
    for place, (x, spec) in enumerate(zip(given, specs, strict=True)):
        if spec is not None:
            problem = _problem(spec, x)
            if problem:
                raise ValueError(
                    f"Input {place} of layer {name} is incompatible with the layer: "
                    f"{problem}"
                )


def _problem(spec: InputSpec, x: Any) -> str:
    """What is wrong with an input, or nothing."""
    looks_at_rank = (spec.ndim, spec.min_ndim, spec.max_ndim) != (None,) * 3
    shape = x.shape
    if shape.ndims is None:
        if looks_at_rank:
            return "its rank is undefined, but the layer requires a defined rank."
        return ""
    rank, sizes = shape.ndims, shape.as_list()
    if spec.ndim is not None and rank != spec.ndim:
        return (
            f"expected ndim={spec.ndim}, found ndim={rank}. Full shape received: "
            f"{sizes}"
        )
    if spec.max_ndim is not None and rank > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={rank}"
    if spec.min_ndim is not None and rank < spec.min_ndim:
        return (
            f": expected min_ndim={spec.min_ndim}, found ndim={rank}. Full shape "
            f"received: {sizes}"
        )
    if spec.dtype is not None and x.dtype != spec.dtype:
        return f"expected dtype={spec.dtype}, found dtype={x.dtype}"
    for axis, size in spec.axes.items():
        size = getattr(size, "value", size)
        if size is not None and sizes[axis] not in (size, None):
            return (
                f"expected axis {axis} of input shape to have value {size} but "
                f"received input with shape {sizes}"
            )
    for wanted, size in zip(spec.shape or (), sizes, strict=False):
        if wanted is not None and size is not None and wanted != size:
            return f"expected shape={spec.shape}, found shape={sizes}"
    return ""
