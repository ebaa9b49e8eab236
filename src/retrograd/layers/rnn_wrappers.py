"""Cells that change another: dropout, a shortcut, a device."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import device as on_device
from retrograd.graph.hooks import hooks
from retrograd.graph.name_scopes import name_scope
from retrograd.layers.lambdas import func_dump, func_load
from retrograd.layers.rnn_cell_base import (
    RNNCell,
    assert_like_rnncell,
    static_sizes,
    zero_scope,
)
from retrograd.layers.rnn_cells import LSTMStateTuple
from retrograd.layers.serialization import deserialize, serialize
from retrograd.ops.array.join import concat
from retrograd.ops.declare import F
from retrograd.ops.lists.tensor_array import TensorArray
from retrograd.ops.nn.nn import dropout
from retrograd.ops.random.random import random_uniform
from retrograd.ops.static import constant as static_value

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import (
        DeviceLike,
        DTypeLike,
        DynamicShape,
        ScopeLike,
        Structure,
        TensorLike,
    )


class _Wrapper(RNNCell):
    """A base: a cell that calls another."""

    #: an argument that is a function, what it is called in a configuration, and
    #: its module
    _FUNCTION: tuple[str, str, str] | None = None

    def __init__(self, cell: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        assert_like_rnncell("cell", cell)
        self.cell = cell
        self._track_trackable(cell, name="cell")

    @property
    def wrapped_cell(self) -> Any:
        """The other cell."""
        return self.cell

    @property
    def state_size(self) -> Any:
        """That of the other cell."""
        return self.cell.state_size

    @property
    def output_size(self) -> Any:
        """That of the other cell."""
        return self.cell.output_size

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal cell, without its weights."""
        config = super().get_config()
        config["cell"] = serialize(self.cell)
        config.update(self._own_config())
        function = self._own_function()
        if function is not None and self._FUNCTION is not None:
            _, key, module = self._FUNCTION
            written, kind = function.__name__, "function"
            if isinstance(function, FunctionType):
                written, kind = func_dump(function), "lambda"
            config.update({key: written, f"{key}_type": kind})
            config[module] = function.__module__
        return config

    def _own_config(self) -> dict[str, Any]:
        return {}

    def _own_function(self) -> Callable[..., Any] | None:
        return None

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The cell with the arguments that `get_config` gave."""
        config = dict(config)
        if isinstance(config["cell"], dict):
            config["cell"] = hooks.layer_from_config(config["cell"], custom_objects)
        if cls._FUNCTION is not None and cls._FUNCTION[1] in config:
            argument, key, module = cls._FUNCTION
            written, kind = config.pop(key), config.pop(f"{key}_type")
            known = vars(sys.modules[config.pop(module)])
            config[argument] = (
                func_load(written, known, cls.__name__)
                if kind == "lambda"
                else deserialize(written, known, custom_objects, "function")
            )
        return cls(**config)

    def zero_state(self, batch_size: TensorLike, dtype: DTypeLike) -> Any:
        """That of the other cell."""
        with zero_scope(self, batch_size):
            return self.cell.zero_state(batch_size, dtype)

    def __call__(
        self, inputs: Structure, state: Structure, scope: ScopeLike = None
    ) -> Any:
        """The outputs of a step, and the next state.

        Args:
          inputs: [batch, n].
          state: in the structure of `state_size`.
          scope: the variable scope of the other cell.
        """
        return self._wrapped(inputs, state, self.cell.__call__, scope=scope)

    def call(self, inputs: Structure, state: Structure, **kwargs: Any) -> Any:
        """As calling it, by the other cell's `call`."""
        return self._wrapped(inputs, state, self.cell.call, **kwargs)

    def _wrapped(
        self,
        inputs: Structure,
        state: Structure,
        call: Callable[..., Any],
        **kwargs: Any,
    ) -> tuple[Any, Any]:
        raise NotImplementedError


def _keeps_one(visited: Structure) -> Any:
    """Which states are dropped by default: not the memory of an LSTM."""
    if isinstance(visited, LSTMStateTuple):
        return LSTMStateTuple(c=False, h=True)
    return not isinstance(visited, TensorArray)


class DropoutWrapperBase(_Wrapper):
    """Drops some of the inputs, outputs and states of another cell.

    Args:
      cell: the other cell.
      input_keep_prob, output_keep_prob, state_keep_prob: the shares that are kept; 1
        drops nothing.
      variational_recurrent: whether all steps drop the same.
      input_size: then, the sizes of the inputs.
      dtype: then, that of inputs, outputs and states.
      seed: of the random numbers.
      dropout_state_filter_visitor: takes a state or a structure of them; gives whether
        it is dropped, or a structure of these.
      **kwargs: `name` and `trainable`.

    Raises:
      TypeError: `cell` is none, or the visitor cannot be called.
      ValueError: a share that is none; no dtype or no sizes where they are needed.
    """

    _FUNCTION = ("dropout_state_filter_visitor", "dropout_fn", "dropout_fn_module")

    def __init__(
        self,
        cell: Any,
        input_keep_prob: TensorLike = 1.0,
        output_keep_prob: TensorLike = 1.0,
        state_keep_prob: TensorLike = 1.0,
        variational_recurrent: bool = False,
        input_size: Structure = None,
        dtype: DTypeLike | None = None,
        seed: int | None = None,
        dropout_state_filter_visitor: Callable[[Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(cell, dtype=dtype, **kwargs)
        visitor = dropout_state_filter_visitor
        if visitor is not None and not callable(visitor):
            raise TypeError("dropout_state_filter_visitor must be callable")
        self._dropout_state_filter = visitor or _keeps_one
        with name_scope("DropoutWrapperInit"):
            self._input_keep_prob = _share("input_keep_prob", input_keep_prob)
            self._state_keep_prob = _share("state_keep_prob", state_keep_prob)
            self._output_keep_prob = _share("output_keep_prob", output_keep_prob)
        self._variational_recurrent = variational_recurrent
        self._input_size = input_size
        self._seed = seed
        self._noises: dict[str, Any] = {}
        if variational_recurrent:
            if dtype is None:
                raise ValueError(
                    "When variational_recurrent=True, dtype must be provided"
                )
            self._draw(dtypes.as_dtype(dtype))

    def _own_config(self) -> dict[str, Any]:
        names = (
            "input_keep_prob output_keep_prob state_keep_prob variational_recurrent "
            "input_size seed"
        )
        return {name: getattr(self, f"_{name}") for name in names.split()}

    def _own_function(self) -> Callable[..., Any] | None:
        visitor = self._dropout_state_filter
        return None if visitor is _keeps_one else visitor

    def _draw(self, dtype: dtypes.DType) -> None:
        """Draw what all steps have in common."""
        parts: dict[str, tuple[Any, Any]] = {
            "input": (self._input_keep_prob, self._input_size),
            "state": (self._state_keep_prob, self.cell.state_size),
            "output": (self._output_keep_prob, self.cell.output_size),
        }
        if _drops(self._input_keep_prob) and self._input_size is None:
            raise ValueError(
                "When variational_recurrent=True and input_keep_prob < 1.0 or is "
                "unknown, input_size must be provided"
            )
        for salt, (_, sizes) in parts.items():
            if sizes is None or (salt == "input" and not _drops(self._input_keep_prob)):
                continue
            flat = nest.flatten(sizes)
            drawn = [
                random_uniform(
                    _for_batch(size), seed=self._seed_of(salt, i), dtype=dtype
                )
                for i, size in enumerate(flat)
            ]
            self._noises[salt] = nest.pack_sequence_as(sizes, drawn)

    def _seed_of(self, salt: str, place: int) -> int | None:
        if self._seed is None:
            return None
        text = f"{self._seed}{salt}_{place}".encode()
        return int(hashlib.md5(text).hexdigest()[:8], 16) & 0x7FFFFFFF

    def _dropped(
        self,
        values: Structure,
        salt: str,
        keep_prob: Any,
        chosen: Structure = None,
    ) -> Any:
        """Values of which some are dropped; `chosen` says of which parts."""
        if chosen is None:
            chosen = nest.map_structure(lambda _: True, values)
        flat = nest.flatten_up_to(chosen, values)
        noises = self._noises.get(salt)
        noises = (
            [None] * len(flat)
            if noises is None
            else (nest.flatten_up_to(chosen, noises))
        )
        found = []
        for place, (value, wanted, noise) in enumerate(
            zip(flat, nest.flatten(chosen), noises, strict=True)
        ):
            if isinstance(wanted, bool) and not wanted:
                found.append(value)
            elif noise is None:
                seed = self._seed_of(salt, place)
                found.append(dropout(value, rate=1.0 - keep_prob, seed=seed))
            else:
                found.append(_with_noise(value, noise, keep_prob))
        return nest.pack_sequence_as(chosen, found)

    def _wrapped(
        self,
        inputs: Structure,
        state: Structure,
        call: Callable[..., Any],
        **kwargs: Any,
    ) -> tuple[Any, Any]:
        if _drops(self._input_keep_prob):
            inputs = self._dropped(inputs, "input", self._input_keep_prob)
        output, new = call(inputs, state, **kwargs)
        if _drops(self._state_keep_prob):
            chosen = nest.get_traverse_shallow_structure(
                self._dropout_state_filter, new
            )
            new = self._dropped(new, "state", self._state_keep_prob, chosen)
        if _drops(self._output_keep_prob):
            output = self._dropped(output, "output", self._output_keep_prob)
        return output, new


def _share(name: str, value: TensorLike) -> Any:
    """A share as a number, if it is known.

    Raises:
      ValueError: it is below 0 or above 1.
    """
    tensor = convert_to_tensor(value)
    known = static_value(tensor)
    if known is None:
        return tensor
    if not 0 <= float(known) <= 1:
        raise ValueError(f"Parameter {name} must be between 0 and 1: {int(known)}")
    return float(known)


def _drops(share: object) -> bool:
    return not isinstance(share, float) or share < 1


def _for_batch(size: DynamicShape) -> Any:
    """The shape of noise that is the same for a whole batch."""
    sizes: Any = static_sizes([], size)
    return concat(([1], sizes), 0)


def _with_noise(value: Tensor, noise: Tensor, keep_prob: TensorLike) -> Any:
    kept = F.Floor(keep_prob + noise)
    found = (value / keep_prob) * kept
    found.set_shape(value.shape)
    return found


class ResidualWrapperBase(_Wrapper):
    """Adds the inputs to the outputs of another cell.

    Args:
      cell: the other cell.
      residual_fn: takes inputs and outputs; gives the outputs. By default their sum.
      **kwargs: those of `RNNCell`.
    """

    # the last name is written as in TensorFlow
    _FUNCTION = ("residual_fn", "residual_fn", "residule_fn_module")

    def __init__(
        self,
        cell: Any,
        residual_fn: Callable[[Any, Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(cell, **kwargs)
        self._residual_fn = residual_fn

    def _own_function(self) -> Callable[..., Any] | None:
        return self._residual_fn

    def _wrapped(
        self,
        inputs: Structure,
        state: Structure,
        call: Callable[..., Any],
        **kwargs: Any,
    ) -> tuple[Any, Any]:
        outputs, new = call(inputs, state, **kwargs)
        return (self._residual_fn or _sum)(inputs, outputs), new


def _sum(inputs: Structure, outputs: Structure) -> Any:
    nest.assert_same_structure(inputs, outputs)
    for x, y in zip(nest.flatten(inputs), nest.flatten(outputs), strict=True):
        x.shape.assert_is_compatible_with(y.shape)
    return nest.map_structure(lambda x, y: x + y, inputs, outputs)


class DeviceWrapperBase(_Wrapper):
    """Runs another cell on a device.

    Args:
      cell: the other cell.
      device: the device, or a function of operations that gives it.
      **kwargs: those of `RNNCell`.
    """

    def __init__(self, cell: Any, device: DeviceLike, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self._device = device

    def _own_config(self) -> dict[str, Any]:
        return {"device": self._device}

    def zero_state(self, batch_size: TensorLike, dtype: DTypeLike) -> Any:
        """That of the other cell, on the device."""
        with zero_scope(self, batch_size), on_device(self._device):
            return self.cell.zero_state(batch_size, dtype)

    def _wrapped(
        self,
        inputs: Structure,
        state: Structure,
        call: Callable[..., Any],
        **kwargs: Any,
    ) -> tuple[Any, Any]:
        with on_device(self._device):
            return call(inputs, state, **kwargs)


class DropoutWrapper(DropoutWrapperBase):
    """See `DropoutWrapperBase`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class ResidualWrapper(ResidualWrapperBase):
    """See `ResidualWrapperBase`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class DeviceWrapper(DeviceWrapperBase):
    """See `DeviceWrapperBase`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
