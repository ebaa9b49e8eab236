"""Initializers of convolution kernels that keep the norm of what they are applied to.

Xiao et al., "Dynamical isometry and a mean field theory of CNNs", arXiv 1806.05393.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.join import stack
from retrograd.ops.array.shape import expand_dims, matrix_transpose
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.random.random import random_normal
from retrograd.variables.initializers import Initializer, _float, orthogonal

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, FullShape
    from retrograd.variables.partition import PartitionInfo

#: blocks of a kernel by their place, each a matrix of channels
Blocks = dict[tuple[int, ...], Any]


class _Kernel(Initializer):
    def __init__(
        self,
        gain: float = 1.0,
        seed: int | None = None,
        dtype: DTypeLike = dtypes.float32,
    ) -> None:
        self.gain = gain
        self.dtype = _float(dtype)
        self.seed = seed

    def get_config(self) -> dict[str, Any]:
        return self._arguments("gain", "seed")


class ConvolutionDeltaOrthogonal(_Kernel):
    """A kernel that is zero but for an orthogonal matrix at its center."""

    def __call__(
        self,
        shape: FullShape,
        dtype: DTypeLike | None = None,
        partition_info: PartitionInfo | None = None,
    ) -> Tensor:
        dtype = self.dtype if dtype is None else dtype
        if len(shape) < 3 or len(shape) > 5:
            raise ValueError(
                "The tensor to initialize must be at least three-dimensional and at "
                "most five-dimensional"
            )
        if shape[-2] > shape[-1]:
            raise ValueError("In_filters cannot be greater than out_filters.")
        q = orthogonal(self._normal([shape[-1]] * 2, 0.0, 1.0, dtype))
        q = q[: shape[-2], :]
        q = q * cast(self.gain, dtype=dtype)
        center = [[(size - 1) // 2 for size in shape[:-2]]]
        return F.ScatterNd(center, expand_dims(q, 0), shape)


class ConvolutionOrthogonal(_Kernel):
    """Base of the three below: products of small kernels that keep the norm.

    Attributes:
      spatial: how many axes the kernel has besides those of channels.
    """

    spatial = 0
    _rank_text = ""

    def __call__(
        self,
        shape: FullShape,
        dtype: DTypeLike | None = None,
        partition_info: PartitionInfo | None = None,
    ) -> Tensor:
        dtype = self.dtype if dtype is None else dtype
        if not self.spatial:
            raise NotImplementedError
        if len(shape) != self.spatial + 2:
            raise ValueError(
                f"The tensor to initialize must be {self._rank_text}-dimensional"
            )
        if shape[-2] > shape[-1]:
            raise ValueError("In_filters cannot be greater than out_filters.")
        if len(set(shape[:-2])) > 1:
            raise ValueError("Kernel sizes must be equal.")
        kernel = self._orthogonal_kernel(shape[0], shape[-2], shape[-1])
        return kernel * cast(self.gain, dtype=dtype)

    def _next_seed(self) -> None:
        if self.seed:
            self.seed += 1

    def _orthogonal_matrix(self, n: int) -> Any:
        drawn = random_normal([n, n], dtype=self.dtype, seed=self.seed)
        self._next_seed()
        q, r = F.Qr(drawn)
        return q * F.Sign(F.DiagPart(r))

    def _symmetric_projection(self, n: int) -> Any:
        """A projection onto a random subspace, n × n."""
        q = self._orthogonal_matrix(n)
        drawn: Any = random_normal([n], seed=self.seed)
        mask = cast(drawn > 0, self.dtype)
        self._next_seed()
        kept = F.Mul(q, mask)
        return F.MatMul(kept, matrix_transpose(kept))

    def _small(self, n: int) -> Blocks:
        """A kernel of size 2 along each axis."""
        projections = [self._symmetric_projection(n) for _ in range(self.spatial)]
        return self._block_orth(*projections)

    def _block_orth(self, *projections: Tensor) -> Blocks:
        """The kernel of size 2 made of a projection for each axis.

        Raises:
          ValueError: they are not of one size.
        """
        sizes: list[Any] = [p.shape.as_list() for p in projections]
        if any(size != sizes[0] for size in sizes):
            raise ValueError("The dimension of the matrices must be the same.")
        from retrograd.ops.linalg.diagonals import eye

        unit: Any = eye(sizes[0][0], dtype=self.dtype)
        blocks: Blocks = {}
        for place in itertools.product((0, 1), repeat=self.spatial):
            product: Any = None
            for side, p in zip(place, projections, strict=True):
                factor = self._side(side, p, unit)
                product = factor if product is None else F.MatMul(product, factor)
            blocks[place] = product
        return blocks

    def _side(self, side: int, projection: Tensor, unit: Tensor) -> Any:
        return unit - projection if side else projection

    def _matrix_conv(self, m1: Blocks, m2: Blocks) -> Blocks:
        """The kernel that acts as `m2` after `m1`.

        Raises:
          ValueError: their matrices are not of one size.
        """
        first = (0,) * self.spatial
        n = m1[first].shape.as_list()[0]
        if n != m2[first].shape.as_list()[0]:
            raise ValueError(
                "The entries in matrices m1 and m2 must have the same dimensions!"
            )
        k, j = (round(len(m) ** (1 / self.spatial)) for m in (m1, m2))
        result: Blocks = {}
        for place in itertools.product(range(k + j - 1), repeat=self.spatial):
            total: Any = zeros([n, n], self.dtype)
            for at in self._inner(place, k):
                other = tuple(p - a for p, a in zip(place, at, strict=True))
                if max(other) < j:
                    total = total + F.MatMul(m1[at], m2[other])
            result[place] = total
        return result

    def _inner(self, place: tuple[int, ...], size: int) -> Iterator[tuple[int, ...]]:
        return itertools.product(*(range(min(size, p + 1)) for p in place))

    def _orthogonal_kernel(self, ksize: int, cin: int, cout: int) -> Any:
        if cin > cout:
            raise ValueError(
                "The number of input channels cannot exceed the number of output "
                "channels."
            )
        orth = self._orthogonal_matrix(cout)[0:cin, :]
        if ksize == 1:
            for _ in range(self.spatial):
                orth = expand_dims(orth, 0)
            return orth
        p = self._small(cout)
        for _ in range(ksize - 2):
            p = self._matrix_conv(p, self._small(cout))
        for place in itertools.product(range(ksize), repeat=self.spatial):
            p[place] = F.MatMul(orth, p[place])
        return self._stacked(p, ksize, ())

    def _stacked(self, blocks: Blocks, size: int, place: tuple[int, ...]) -> Any:
        if len(place) == self.spatial:
            return blocks[place]
        return stack([self._stacked(blocks, size, (*place, i)) for i in range(size)])


class ConvolutionOrthogonal1D(ConvolutionOrthogonal):
    """An orthogonal kernel [width, in, out]."""

    spatial = 1
    _rank_text = "three"


class ConvolutionOrthogonal2D(ConvolutionOrthogonal):
    """An orthogonal kernel [height, width, in, out]."""

    spatial = 2
    _rank_text = "four"


class ConvolutionOrthogonal3D(ConvolutionOrthogonal):
    """An orthogonal kernel [depth, height, width, in, out]."""

    spatial = 3
    _rank_text = "five"

    def _side(self, side: int, projection: Tensor, unit: Tensor) -> Any:
        # here the projection itself stands second
        return projection if side else unit - projection


convolutional_delta_orthogonal = ConvolutionDeltaOrthogonal
convolutional_orthogonal_1d = ConvolutionOrthogonal1D
convolutional_orthogonal_2d = ConvolutionOrthogonal2D
convolutional_orthogonal_3d = ConvolutionOrthogonal3D
