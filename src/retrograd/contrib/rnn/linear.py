"""Sums of matrix products in a variable scope: what old cells are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.graph import context
from retrograd.layers.rnn_cell_base import BIAS, KERNEL
from retrograd.ops.array.constant import constant
from retrograd.ops.array.join import concat
from retrograd.ops.declare import F
from retrograd.ops.nn.nn import bias_add
from retrograd.variables.initializers import constant_initializer
from retrograd.variables.scope import get_variable, get_variable_scope, variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, InitializerLike, ScopeLike, Structure

_WEIGHTS_VARIABLE_NAME, _BIAS_VARIABLE_NAME = KERNEL, BIAS


def _arguments(args: Structure) -> list[Any]:
    """The tensors of one or of a list of them.

    Raises:
      ValueError: there is none.
    """
    if args is None or (nest.is_sequence(args) and not args):
        raise ValueError("`args` must be specified")
    return list(args) if nest.is_sequence(args) else [args]


def joined(tensors: Sequence[Any], axis: int) -> Any:
    """Tensors one after another along an axis; a single one is as it is."""
    return tensors[0] if len(tensors) == 1 else concat(list(tensors), axis)


def _total_width(args: list[Any]) -> int:
    """The sum of the sizes of tensors [batch, n].

    Raises:
      ValueError: a tensor is no matrix, or its size is not known.
    """
    total, all_shapes = 0, [x.shape for x in args]
    for static in all_shapes:
        if static.ndims != 2:
            raise ValueError(f"linear is expecting 2D arguments: {all_shapes}")
        size = static.as_list()[1]
        if size is None:
            raise ValueError(
                f"linear expects shape[1] to be provided for shape {static}, but saw "
                f"{static[1]}"
            )
        total += size
    return total


def _kernel(
    width: int, output_size: int, dtype: DTypeLike, initializer: InitializerLike | None
) -> Any:
    shape = [width, output_size]
    return get_variable(KERNEL, shape, dtype=dtype, initializer=initializer)


def _bias(
    scope: ScopeLike,
    output_size: int,
    dtype: DTypeLike,
    initializer: InitializerLike | None,
) -> Any:
    """The bias of a product, which is never partitioned."""
    with variable_scope(scope) as own:
        own.set_partitioner(None)
        first = initializer or constant_initializer(0.0, dtype=dtype)
        return get_variable(BIAS, [output_size], dtype=dtype, initializer=first)


def linear(
    args: Structure,
    output_size: int,
    bias: bool,
    bias_initializer: InitializerLike | None = None,
    kernel_initializer: InitializerLike | None = None,
) -> Tensor:
    """Σ args · kernel + bias, with the variables of the current scope.

    Args:
      args: a tensor [batch, n], or several.
      output_size: the size of what comes out.
      bias: whether there is one.
      bias_initializer, kernel_initializer: their first values; by default zeros, and
        those of the scope.

    Raises:
      ValueError: no tensors, or one that is no matrix of a known size.
    """
    found, own = weighted(args, output_size, bias, bias_initializer, kernel_initializer)
    return bias_add(found, own) if bias else found


def weighted(
    args: Structure,
    output_size: int,
    bias: bool = True,
    bias_initializer: InitializerLike | None = None,
    kernel_initializer: InitializerLike | None = None,
) -> tuple[Tensor, Any]:
    """Σ args · kernel and, if there is one, the bias; as `linear`, not yet added."""
    tensors = _arguments(args)
    width, dtype = _total_width(tensors), tensors[0].dtype
    with variable_scope(get_variable_scope()) as scope:
        kernel = _kernel(width, output_size, dtype, kernel_initializer)
        found = F.MatMul(joined(tensors, 1), kernel)
        if not bias:
            return found, None
        return found, _bias(scope, output_size, dtype, bias_initializer)


_linear = linear


class _Linear:
    """`linear` with variables that are made once, in the scope where it is.

    Args:
      args: tensors as those that it will be called with.
      output_size: the size of what comes out.
      build_bias: whether there is a bias.
      bias_initializer, kernel_initializer: their first values.

    Raises:
      ValueError: no tensors, or one that is no matrix of a known size.
    """

    def __init__(
        self,
        args: Structure,
        output_size: int,
        build_bias: bool,
        bias_initializer: InitializerLike | None = None,
        kernel_initializer: InitializerLike | None = None,
    ) -> None:
        tensors = _arguments(args)
        self._build_bias = build_bias
        self._is_sequence = context.executing_eagerly() or nest.is_sequence(args)
        width, dtype = _total_width(tensors), tensors[0].dtype
        self._biases = None
        with variable_scope(get_variable_scope()) as scope:
            self._weights = _kernel(width, output_size, dtype, kernel_initializer)
            if build_bias:
                self._biases = _bias(scope, output_size, dtype, bias_initializer)

    def __call__(self, args: Structure) -> Tensor:
        """Σ args · kernel + bias."""
        tensors = _arguments(args)
        given = tensors[0] if len(tensors) == 1 else concat(tensors, constant(1))
        found = F.MatMul(given, self._weights)
        return found if self._biases is None else bias_add(found, self._biases)


class Linears:
    """Several of `_Linear`, each made in the scope where it is first called."""

    def __init__(self) -> None:
        self._made: dict[object, _Linear] = {}

    def __call__(
        self, args: Structure, output_size: int, bias: bool = True, key: object = None
    ) -> Tensor:
        """Σ args · kernel + bias.

        Args:
          args: a tensor [batch, n], or several.
          output_size: the size of what comes out.
          bias: whether there is one.
          key: tells them apart.

        Raises:
          ValueError: no tensors, or one that is no matrix of a known size.
        """
        if key not in self._made:
            self._made[key] = _Linear(args, output_size, bias)
        return self._made[key](args)
