"""The base of the cells of `tf.nn.rnn_cell`: layers in variable scopes, with states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest, shapes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.layers import activations, base, scoped
from retrograd.layers.input_spec import InputSpec
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import expand_dims, shape
from retrograd.ops.declare import F
from retrograd.ops.static import constant as static_value
from retrograd.variables import scope as scopes
from retrograd.variables.initializers import zeros_initializer
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrograd.typing import (
        DTypeLike,
        DynamicShape,
        Named,
        ScopeLike,
        ShapeLike,
        Structure,
        TensorLike,
    )

KERNEL, BIAS = "kernel", "bias"


def assert_like_rnncell(cell_name: str, cell: object) -> None:
    """Require what a cell has.

    Args:
      cell_name: the argument, for the error.
      cell: what may be a cell.

    Raises:
      TypeError: it lacks something.
    """
    missing = [
        f"'{name}' property is missing"
        for name in ("output_size", "state_size")
        if not _has(cell, name)
    ]
    if not (_has(cell, "zero_state") or _has(cell, "get_initial_state")):
        missing.append("either 'zero_state' or 'get_initial_state' method is required")
    if not callable(cell):
        missing.append("is not callable")
    if missing:
        raise TypeError(
            f"The argument {cell_name!r} ({cell}) is not an RNNCell: "
            f"{', '.join(missing)}."
        )


def _has(value: object, attribute: str) -> bool:
    try:
        getattr(value, attribute)
    except AttributeError:
        return False
    except Exception:  # a property that cannot be read yet is there
        return True
    return True


def joined_sizes(prefix: DynamicShape | None, suffix: DynamicShape | None) -> Any:
    """A shape tensor: of the size of the batch, and that of a state.

    Args:
      prefix: a number, a shape or a tensor of these.
      suffix: likewise.

    Raises:
      ValueError: a part is no shape, or not known.
    """
    parts: list[Any] = [
        _sizes_tensor(prefix, "prefix"),
        _sizes_tensor(suffix, "suffix"),
    ]
    if any(part is None for part in parts):
        raise ValueError(f"Provided a prefix or suffix of None: {prefix} and {suffix}")
    return concat(parts, 0)


def _sizes_tensor(part: DynamicShape | None, called: str) -> Tensor | None:
    """A part of a shape as a tensor, None if it is not known."""
    if not isinstance(part, Tensor):
        shape = _as_shape(part)
        sizes: Any = shape.as_list() if shape.is_fully_defined() else None
        return None if sizes is None else constant(sizes, dtype=dtypes.int32)
    rank = part.shape.ndims
    if rank == 0:
        return expand_dims(part, 0)
    if rank != 1:
        raise ValueError(
            f"{called} tensor must be either a scalar or vector, but saw tensor: {part}"
        )
    return part


def _as_shape(part: DynamicShape | None) -> shapes.TensorShape:
    one = part is None or isinstance(part, (int, shapes.Dimension))
    sizes: Any = [part] if one else part
    return shapes.TensorShape(sizes)


def static_sizes(
    prefix: DynamicShape | None, suffix: DynamicShape | None
) -> list[int | None]:
    """What is known of the shape that `joined_sizes` makes."""
    found: list[int | None] = []
    for part in (prefix, suffix):
        if isinstance(part, Tensor):
            value = static_value(part)
            count = 1 if part.shape.ndims == 0 else part.shape.as_list()[0]
            known = None if value is None else [int(x) for x in value.reshape(-1)]
            found += [None] * (count or 1) if known is None else known
        else:
            found += _as_shape(part).as_list()
    return found


def set_static_sizes(
    x: Tensor, prefix: DynamicShape | None, suffix: DynamicShape | None
) -> None:
    """Let a tensor have the static shape of these parts.

    As in TensorFlow they become constants, though nothing reads them: the seeds of the
    random operations that follow depend on how many operations there are.
    """
    _sizes_tensor(prefix, "prefix")
    _sizes_tensor(suffix, "suffix")
    x.set_shape(static_sizes(prefix, suffix))


def zero_state_tensors(state_size: Structure, batch_size: Any, dtype: DTypeLike) -> Any:
    """Zeros [batch, …] for each size of a structure of sizes."""

    def made(size: DynamicShape | None) -> Tensor:
        found = zeros(joined_sizes(batch_size, size), dtype=dtype)
        if not context.executing_eagerly():
            set_static_sizes(found, batch_size, size)
        return found

    return nest.map_structure(made, state_size)


class RNNCell(scoped.Layer):
    """A step of a recurrent network: `cell(inputs, state)` gives outputs and a state.

    A subclass has `state_size`, `output_size` and `call(inputs, state)`, or overrides
    `__call__`. Variables that it gets by `tf.get_variable` are its weights.

    Args:
      trainable, name, dtype, **kwargs: those of `tf.layers.Layer`.
    """

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, name=name, dtype=dtype, **kwargs)
        # layers of Keras hand such a cell one state as it is, not in a list
        self.__dict__["_is_tf_rnn_cell"] = True

    def __call__(
        self, inputs: Structure, state: Structure, scope: ScopeLike = None
    ) -> Any:
        """The outputs of a step, and the next state.

        Args:
          inputs: [batch, n].
          state: in the structure of `state_size`, each [batch, size].
          scope: the variable scope to use.
        """
        if scope is not None:
            with scopes.variable_scope(
                scope, custom_getter=self._rnn_get_variable
            ) as own:
                return super().__call__(inputs, state, scope=own)
        kept = self.__dict__
        if "rnncell_scope" not in kept:
            kept["rnncell_scope"] = scopes.variable_scope(
                scopes.get_variable_scope(), custom_getter=self._rnn_get_variable
            )
        with kept["rnncell_scope"]:
            return super().__call__(inputs, state)

    def _rnn_get_variable(
        self, getter: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """A variable that the program gets in a call, which becomes a weight."""
        variable = getter(*args, **kwargs)
        trainable = getattr(variable, "trainable", True)
        kept = self._trainable_weights if trainable else self._non_trainable_weights
        parts = [variable] if isinstance(variable, Variable) else list(variable)
        if trainable and not any(variable is known for known in kept):
            kept.extend(part for part in parts if not any(part is k for k in kept))
        return variable

    @property
    def state_size(self) -> Any:
        """The sizes of the states: a number, a shape, or a structure of them."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        """The size of the outputs: a number or a shape."""
        raise NotImplementedError("Abstract method")

    def build(self, input_shape: Structure) -> None:
        """Make the weights: none, as `call` gets them."""
        del input_shape

    def get_initial_state(
        self,
        inputs: TensorLike | None = None,
        batch_size: TensorLike | None = None,
        dtype: DTypeLike | None = None,
    ) -> Any:
        """The state to begin with: zeros.

        Args:
          inputs: their first size is that of the batch, and the dtype theirs.
          batch_size: the size of the batch.
          dtype: the dtype.

        Raises:
          ValueError: neither `inputs` nor the others, or they do not agree.
        """
        if inputs is not None:
            batch_size, dtype = _of_inputs(inputs, batch_size, dtype)
        if batch_size is None or dtype is None:
            raise ValueError(
                "batch_size and dtype cannot be None while constructing initial state: "
                f"batch_size={batch_size}, dtype={dtype}"
            )
        return self.zero_state(batch_size, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that every cell takes: its name, the dtype of its weights."""
        return base.Layer.get_config(self)

    def zero_state(self, batch_size: TensorLike, dtype: DTypeLike) -> Any:
        """Zeros in the structure of `state_size`, each [batch, size]."""
        kept = self.__dict__.get("_last_zero_state")
        eager = context.executing_eagerly()
        if eager and kept is not None and kept[:2] == (batch_size, dtype):
            return kept[2]
        with zero_scope(self, batch_size):
            found = zero_state_tensors(self.state_size, batch_size, dtype)
        if eager and not isinstance(batch_size, Tensor):
            self.__dict__["_last_zero_state"] = (batch_size, dtype, found)
        return found


def _of_inputs(
    inputs: TensorLike, batch_size: TensorLike | None, dtype: DTypeLike | None
) -> tuple[Any, Any]:
    """The size of the batch and the dtype of inputs, which must be those given."""
    inputs = convert_to_tensor(inputs, name="inputs")
    if batch_size is not None:
        known = (
            static_value(batch_size) if isinstance(batch_size, Tensor) else batch_size
        )
        static = inputs.shape.as_list()[0]
        if static != known:
            raise ValueError(
                "batch size from input tensor is different from the input param. Input "
                f"tensor batch: {inputs.shape[0]}, batch_size: {batch_size}"
            )
    if dtype is not None and inputs.dtype != dtype:
        raise ValueError(
            "dtype from input tensor is different from the input param. Input tensor "
            f"dtype: {inputs.dtype}, dtype: {dtype}"
        )
    size = inputs.shape.as_list()[0]
    return shape(inputs)[0] if size is None else size, inputs.dtype


class LayerRNNCell(RNNCell):
    """A base of cells that make their weights in `build`."""

    def __call__(
        self,
        inputs: Structure,
        state: Structure,
        scope: ScopeLike = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """The outputs of a step, and the next state.

        Args:
          inputs: [batch, n].
          state: in the structure of `state_size`, each [batch, size].
          scope: the variable scope to use.
          *args, **kwargs: for `call`.
        """
        return scoped.Layer.__call__(self, inputs, state, *args, scope=scope, **kwargs)

    def _begin(
        self,
        num_units: int,
        activation: Named,
        reuse: bool | None,
        name: str | None,
        dtype: DTypeLike | None,
        kwargs: dict[str, Any],
    ) -> None:
        """Keep what all cells take; the activation is by default tanh."""
        RNNCell.__init__(self, _reuse=reuse, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units = num_units
        self._activation = activations.get(activation) if activation else F.Tanh

    def _zeros(self) -> Any:
        return zeros_initializer(dtype=dtypes.as_dtype(self.dtype or "float32"))

    def _width(self, inputs_shape: ShapeLike) -> int:
        """The size of the inputs.

        Raises:
          ValueError: it is not known, or the weights are no floats.
        """
        size = shapes.TensorShape(inputs_shape).as_list()[-1]
        if size is None:
            raise ValueError(
                "Expected inputs.shape[-1] to be known, saw shape: "
                f"{tuple(shapes.TensorShape(inputs_shape).as_list())}"
            )
        require_floats(self.dtype)
        return size


def require_floats(dtype: DTypeLike | None) -> None:
    """Require a dtype of floating-point or complex numbers.

    Raises:
      ValueError: it is another.
    """
    if dtype is None:
        return
    kind = dtypes.as_dtype(dtype)
    if not (kind.is_floating or kind.is_complex):
        raise ValueError(
            f"RNN cell only supports floating point inputs, but saw dtype: {kind}"
        )


def require_float_tensors(tensors: Structure) -> None:
    """As `require_floats`, of the dtypes of tensors."""
    for tensor in nest.flatten(tensors):
        require_floats(tensor.dtype)


def zero_scope(cell: object, batch_size: TensorLike) -> Any:
    """The name scope of the zeros that a cell makes."""
    values = [batch_size] if isinstance(batch_size, Tensor) else []
    return name_scope(f"{type(cell).__name__}ZeroState", values=values)
