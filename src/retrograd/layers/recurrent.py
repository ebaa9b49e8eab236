"""Layers that call a cell for each step of sequences: the base."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import nest, shapes
from retrograd.graph import context
from retrograd.graph.hooks import hooks
from retrograd.layers.backend_config import floatx
from retrograd.layers.base import Layer
from retrograd.layers.dropped import DropoutRNNCellMixin
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.nodes import int_shape
from retrograd.layers.recurrent_cells import sizes_of, zero_state
from retrograd.layers.rnn_loop import rnn
from retrograd.layers.serialization import serialize
from retrograd.layers.stacked_cells import StackedRNNCells, output_size_of
from retrograd.layers.values import batch_set_value, track_variable
from retrograd.layers.weights import make_variable
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.shape import shape
from retrograd.util.functions import fn_args
from retrograd.variables.updates import assign

if TYPE_CHECKING:
    from retrograd.typing import ShapeLike, Structure, Training
    from retrograd.variables.variable import Variable

_FLAGS = "return_sequences return_state go_backwards stateful unroll time_major"
_NO_BATCH = (
    "If a RNN is stateful, it needs to know its batch size. Specify the batch size of "
    "your input tensors: \n- If using a Sequential model, specify the batch size by "
    "passing a `batch_input_shape` argument to your first layer.\n- If using the "
    "functional API, specify the batch size by passing a `batch_shape` argument to "
    "your Input layer."
)
_NO_STEPS = (
    "Cannot unroll a RNN if the time dimension is undefined. \n- If using a Sequential "
    "model, specify the time dimension by passing an `input_shape` or "
    "`batch_input_shape` argument to your first layer. If your first layer is an "
    "Embedding, you can also use the `input_length` argument.\n- If using the "
    "functional API, specify the time dimension by passing a `shape` or `batch_shape` "
    "argument to your Input layer."
)


class RNN(Layer):
    """A cell called for each step of sequences.

    Args:
      cell: it has `call(inputs, states)`, which gives outputs and the next states, and
        `state_size`; or a list of such, each given the outputs of the one before.
      return_sequences: whether the outputs are those of all steps, not of the last.
      return_state: whether the last states follow the outputs.
      go_backwards: whether the last step comes first.
      stateful: whether each call begins with the states in which the last has ended.
      unroll: whether there is a copy of the operations for each step; else a loop.
      time_major: whether inputs and outputs are [steps, batch, …].
      **kwargs: those of `Layer`; `zero_output_for_mask`, whether outputs are 0 where
        the mask is False; `input_dim` and `input_length` in place of `input_shape`.

    Inputs [batch, steps, …]; outputs [batch, …], or with the steps.

    Raises:
      ValueError: a cell without `call` or `state_size`.
    """

    #: whether the loop is told how many steps there are
    _limits_loop = False

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        time_major: bool = False,
        **kwargs: Any,
    ) -> None:
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        if not hasattr(cell, "call"):
            raise ValueError(
                "`cell` should have a `call` method. The RNN was passed:", cell
            )
        if not hasattr(cell, "state_size"):
            raise ValueError(
                "The RNN cell should have an attribute `state_size` (tuple of "
                "integers, one integer per RNN state)."
            )
        zero_output = kwargs.pop("zero_output_for_mask", False)
        if "input_shape" not in kwargs and (
            "input_dim" in kwargs or "input_length" in kwargs
        ):
            length = kwargs.pop("input_length", None)
            kwargs["input_shape"] = (length, kwargs.pop("input_dim", None))
        super().__init__(**kwargs)
        self.cell = cell
        self.supports_masking = True
        self._set_up(
            zero_output=zero_output,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            time_major=time_major,
        )

    def _set_up(self, zero_output: bool, **flags: bool) -> None:
        """Keep the arguments that say how steps are taken; there are no states yet."""
        self.zero_output_for_mask = zero_output
        for name, flag in flags.items():
            setattr(self, name, flag)
        kept = self.__dict__
        kept["_states"] = kept["state_spec"] = kept["constants_spec"] = None
        kept["_num_constants"] = 0

    # ------------------------------------------------------------------ states

    @property
    def states(self) -> Any:
        """What a stateful layer keeps between calls; else a None for each state."""
        if self._states is None:
            return _listed(nest.map_structure(lambda _: None, self.cell.state_size))
        return self._states

    @states.setter
    def states(self, states: Structure) -> None:
        self.__dict__["_states"] = states

    def _check_state_spec(self) -> None:
        """Require that states that are given fit the cell.

        Raises:
          ValueError: they do not.
        """
        sizes = nest.flatten(self.cell.state_size)
        specs = self.state_spec
        flat = nest.flatten(specs)
        if len(flat) == len(sizes) and all(
            shapes.TensorShape(spec.shape[1:]).is_compatible_with(
                self._state_shape(size)[1:]
            )
            for spec, size in zip(flat, sizes, strict=True)
        ):
            return
        raise ValueError(
            "An `initial_state` was passed that is not compatible with "
            f"`cell.state_size`. Received `state_spec`=ListWrapper({specs}); however "
            f"`cell.state_size` is {sizes}"
        )

    def get_initial_state(self, inputs: Structure) -> list[Any]:
        """The states that the first step of inputs is given."""
        first = nest.flatten(inputs)[0]
        batch, dtype = shape(first)[1 if self.time_major else 0], first.dtype
        own = getattr(self.cell, "get_initial_state", None)
        if own is None:
            found = zero_state(batch, self.cell.state_size, dtype)
        else:
            found = own(inputs=None, batch_size=batch, dtype=dtype)
        return list(_listed(found))

    def reset_states(self, states: Structure = None) -> None:
        """Give the states that are kept these values, by default zeros.

        Raises:
          AttributeError: the layer is not stateful.
          ValueError: the size of the batch is not known, or values do not fit.
        """
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        batch = None
        if self.input_spec is not None:
            spec = nest.flatten(self.input_spec)[0]
            if spec.shape is not None:
                batch = spec.shape[1 if self.time_major else 0]
        if not batch:
            raise ValueError(_NO_BATCH)
        if nest.flatten(self.states)[0] is None:
            made = nest.map_structure(
                lambda size: _kept_zeros([batch, *self._kept_sizes(size)]),
                self.cell.state_size,
            )
            self.states = _listed(made)
            if states is None:
                return
        kept = nest.flatten(self.states)
        flat = nest.flatten(self.cell.state_size)
        sizes: list[Any] = [(batch, *self._kept_sizes(x)) for x in flat]
        if states is None:
            batch_set_value(
                [(x, np.zeros(s)) for x, s in zip(kept, sizes, strict=True)]
            )
            return
        values = nest.flatten(states)
        if len(values) != len(kept):
            raise ValueError(
                f"Layer {self.name} expects {len(kept)} states, but it received "
                f"{len(values)} state values. Input received: {states}"
            )
        for place, (value, x, size) in enumerate(zip(values, kept, sizes, strict=True)):
            if np.shape(value) != size:
                raise ValueError(
                    f"State {place} is incompatible with layer {self.name}: expected "
                    f"shape={self._shown(batch, x)}, found shape={np.shape(value)}"
                )
        batch_set_value(list(zip(kept, values, strict=True)))

    def _kept_sizes(self, size: ShapeLike) -> list[int | None]:
        """The shape of a state that is kept, without the batch."""
        return sizes_of(size)

    def _shown(self, batch: int, kept: Variable) -> tuple[Any, ...]:
        """The shape of a state in an error."""
        return batch, kept

    # ------------------------------------------------------------------ shapes

    def build(self, input_shape: Structure) -> None:
        """Make the weights of the cell, and the states that are kept.

        Raises:
          ValueError: states that were given do not fit the cell, or the layer is
            stateful and the size of the batch not known.
        """
        shapes_given = _first(input_shape)
        batch, time = (1, 0) if self.time_major else (0, 1)

        def expected(sizes: list[int | None]) -> InputSpec:
            if not self.stateful:
                sizes[batch] = None
            sizes[time] = None
            return InputSpec(shape=tuple(sizes))

        specs = _each(expected, shapes_given)
        if self.input_spec is None:
            self.input_spec = [specs]
        else:
            self.input_spec[0] = specs
        if isinstance(self.cell, Layer) and not self.cell.built:
            step = _each(lambda sizes: (sizes[batch], *sizes[2:]), shapes_given)
            self.cell.build(step)
            self.cell.built = True
        if self.state_spec is not None:
            self._check_state_spec()
        else:
            sizes = nest.flatten(self.cell.state_size)
            specs = [InputSpec(shape=self._state_shape(size)) for size in sizes]
            self.__dict__["state_spec"] = specs
        if self.stateful:
            self.reset_states()
        self.built = True

    def _state_shape(self, size: ShapeLike) -> Sequence[int | None]:
        """The shape that a state of this size must have."""
        return [None, *sizes_of(size)]

    def compute_output_shape(self, input_shape: Structure) -> Any:
        """[batch, …], or with the steps; the shapes of the states may follow."""
        given = _first(input_shape)
        one = given if _is_shape(given) else nest.flatten(given)[0]
        batch, steps = shapes.TensorShape(one).as_list()[:2]
        if self.time_major:
            batch, steps = steps, batch
        axes = (steps, batch) if self.time_major else (batch, steps)
        first = axes if self.return_sequences else (batch,)

        def with_batch(
            axes: Sequence[int | None], size: ShapeLike
        ) -> shapes.TensorShape:
            return shapes.TensorShape([*axes, *sizes_of(size)])

        size = output_size_of(self.cell)
        if nest.is_sequence(size):
            found = [with_batch(first, x) for x in nest.flatten(size)]
            found = found[0] if len(found) == 1 else found
        else:
            found = with_batch(first, size)
        if not self.return_state:
            return found
        states = nest.map_structure(
            lambda x: with_batch((batch,), x), _listed(self.cell.state_size)
        )
        return [*(found if isinstance(found, (list, tuple)) else [found]), *states]

    def compute_mask(self, inputs: Structure, mask: Structure = None) -> Any:
        """That of the inputs, with all steps; None for states."""
        del inputs
        if isinstance(mask, list):
            mask = mask[0]
        found = mask if self.return_sequences else None
        return [found, *[None] * len(self.states)] if self.return_state else found

    # ------------------------------------------------------------------ calls

    def __call__(
        self,
        inputs: Structure,
        initial_state: Structure = None,
        constants: Structure = None,
        **kwargs: Any,
    ) -> Any:
        """The outputs for inputs; the first time, the weights are made.

        Args:
          inputs: [batch, steps, …], or a list of these, states and constants.
          initial_state: what the first step is given; by default zeros.
          constants: what the cell is given at each step.
          **kwargs: for `call`.

        Raises:
          ValueError: only some of the states and constants come from layers that lead
            back to an `Input`.
        """
        inputs, initial_state, constants = standardize_args(
            inputs, initial_state, constants, self._num_constants
        )
        if initial_state is None and constants is None:
            return super().__call__(inputs, **kwargs)
        others, specs = [], []
        for values, kept in (
            (initial_state, "state_spec"),
            (constants, "constants_spec"),
        ):
            if values is not None:
                found = specs_of(values)
                self.__dict__[kept] = found
                others += values
                specs += found
        if constants is not None:
            self.__dict__["_num_constants"] = len(constants)
        if not one_kind(nest.flatten(others), "an RNN layer"):
            kwargs["initial_state"] = initial_state
            if constants is not None:
                kwargs["constants"] = constants
            return super().__call__(inputs, **kwargs)
        own = _list_of(nest.map_structure(lambda _: None, inputs))
        self.__dict__["_input_spec"] = [*own, *specs]
        outputs = super().__call__([inputs, *others], **kwargs)
        self.__dict__["_input_spec"] = self.input_spec[: -len(specs)]
        return outputs

    def call(
        self,
        inputs: Structure,
        mask: Structure = None,
        training: Training | None = None,
        initial_state: Structure = None,
        constants: Structure = None,
    ) -> Any:
        """The outputs for inputs.

        Args:
          inputs: [batch, steps, …], or a list of these, states and constants.
          mask: bools [batch, steps]: which steps there are.
          training: for the cell, if it takes it.
          initial_state: what the first step is given; by default zeros.
          constants: what the cell is given at each step.

        Raises:
          ValueError: `unroll` with an unknown number of steps, constants that the cell
            does not take, or more or fewer states than it has.
        """
        self._reset_cell()
        inputs, initial_state, constants = self._process_inputs(
            inputs, initial_state, constants
        )
        options = {"training": training} if self._cell_takes("training") else {}
        return self._run(
            self._step(constants, options), inputs, initial_state, mask, constants
        )

    def _cell_takes(self, argument: str) -> bool:
        return argument in fn_args(self.cell.call)

    def _step(self, constants: Structure, options: dict[str, Any]) -> Any:
        """What calls the cell, for `rnn`."""
        cell = self.cell
        # a cell of `tf.nn` takes one state as it is
        bare = getattr(cell, "_is_tf_rnn_cell", None) is not None
        if constants and not self._cell_takes("constants"):
            raise ValueError("RNN cell does not support constants")

        def step(inputs: Structure, states: Structure) -> tuple[Any, Any]:
            if constants:
                count = len(constants)
                options["constants"] = states[-count:]
                states = states[:-count]
            single = len(states) == 1 and bare
            output, new = cell.call(inputs, states[0] if single else states, **options)
            return output, new if nest.is_sequence(new) else [new]

        return step

    def _run(
        self,
        step: Callable[..., Any],
        inputs: Structure,
        initial_state: Structure,
        mask: Structure,
        constants: Structure = None,
    ) -> Any:
        """The outputs of `call`: of steps, beginning with states."""
        if isinstance(mask, list):
            mask = mask[0]
        steps = nest.flatten(inputs)[0].shape.as_list()[0 if self.time_major else 1]
        if self.unroll and steps is None:
            raise ValueError(_NO_STEPS)
        last, outputs, states = rnn(
            step,
            inputs,
            initial_state,
            constants=constants,
            go_backwards=self.go_backwards,
            mask=mask,
            unroll=self.unroll,
            input_length=steps if self._limits_loop else None,
            time_major=self.time_major,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        return self._results(last, outputs, states)

    def _results(self, last: Structure, outputs: Structure, states: Structure) -> Any:
        """What `call` gives; the states of a stateful layer are kept."""
        if self.stateful:
            pairs = zip(nest.flatten(self.states), nest.flatten(states), strict=True)
            self.add_update([assign(kept, new) for kept, new in pairs])
        found = outputs if self.return_sequences else last
        return [*_list_of(found), *states] if self.return_state else found

    def _reset_cell(self) -> None:
        """Let the masks of dropout be made anew."""
        if isinstance(self.cell, DropoutRNNCellMixin):
            self.cell.reset_dropout_mask()
            self.cell.reset_recurrent_dropout_mask()

    def _process_inputs(
        self, inputs: Structure, initial_state: Structure, constants: Structure
    ) -> tuple[Any, Any, Any]:
        """The inputs, the states to begin with and the constants, each apart.

        Raises:
          ValueError: more or fewer states than the cell has.
        """
        if isinstance(inputs, list):
            inputs, found, last = _apart(inputs, self._num_constants)
            initial_state = found or initial_state
            constants = last or constants
        if initial_state is None and self.stateful:
            initial_state = self.states
        elif initial_state is None:
            initial_state = self.get_initial_state(inputs)
        if len(initial_state) != len(self.states):
            raise ValueError(
                f"Layer has {len(self.states)} states but was passed "
                f"{len(initial_state)} initial states."
            )
        return inputs, initial_state, constants

    # ------------------------------------------------------------------ configurations

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, without its weights."""
        config = super().get_config()
        config.update((flag, getattr(self, flag)) for flag in _FLAGS.split())
        if self._num_constants:
            config["num_constants"] = self._num_constants
        if self.zero_output_for_mask:
            config["zero_output_for_mask"] = True
        config["cell"] = serialize(self.cell)
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The layer with the arguments that `get_config` gave."""
        config = dict(config)
        cell = hooks.layer_from_config(config.pop("cell"), custom_objects)
        constants = config.pop("num_constants", 0)
        made = cls(cell, **config)
        made.__dict__["_num_constants"] = constants
        return made


def standardize_args(
    inputs: Structure, initial_state: Structure, constants: Structure, count: int
) -> tuple[Any, Any, Any]:
    """Inputs, states and constants apart, where they come in one list.

    Args:
      inputs: a tensor, or a list that begins with one.
      initial_state, constants: those that come otherwise.
      count: how many of the list are constants, at its end.
    """
    if isinstance(inputs, list):
        assert initial_state is None and constants is None
        inputs, initial_state, constants = _apart(inputs, count)
    return inputs, _list_or_none(initial_state), _list_or_none(constants)


def _apart(inputs: list[Any], count: int) -> tuple[Any, Any, Any]:
    constants = inputs[-count:] if count else None
    rest = inputs[:-count] if count else inputs
    return rest[0], rest[1:] or None, constants


def _first(input_shape: Structure) -> Any:
    """Of the shapes of inputs and states, those of the inputs."""
    if isinstance(input_shape, list) and not _is_shape(input_shape):
        return input_shape[0]
    return input_shape


def _is_shape(value: Structure) -> bool:
    """Whether it is one shape, not a structure of them."""
    if isinstance(value, (list, tuple)):
        return all(x is None or isinstance(x, (int, shapes.Dimension)) for x in value)
    return not isinstance(value, dict)


def _each(function: Callable[[list[Any]], Any], value: Structure) -> Any:
    """What a function makes of the sizes of each shape."""

    def of(one: Any) -> Any:
        return function(shapes.TensorShape(one).as_list())

    return of(value) if _is_shape(value) else nest.map_structure(of, value)


def _list_or_none(value: Structure) -> list[Any] | None:
    if value is None or isinstance(value, list):
        return value
    return list(value) if isinstance(value, tuple) else [value]


def one_kind(tensors: Sequence[Any], of: str) -> bool:
    """Whether tensors come from layers that lead back to an `Input`; all or none do.

    Args:
      tensors: states and constants.
      of: the layer that is called with them, for the error.

    Raises:
      ValueError: some do.
    """
    first = hasattr(tensors[0], "_keras_history")
    if any(hasattr(x, "_keras_history") != first for x in tensors):
        words = " or constants" if "RNN" in of else ""
        raise ValueError(
            f"The initial state{words} of {of} cannot be specified with a "
            'mix of Keras tensors and non-Keras tensors (a "Keras tensor" is a tensor '
            "that was returned by a Keras layer, or by `Input`)"
        )
    return first


def specs_of(tensors: Sequence[Any]) -> list[Any]:
    """What layers expect that are called with such tensors."""
    return nest.map_structure(lambda x: InputSpec(shape=int_shape(x)), list(tensors))


def _kept_zeros(sizes: list[Any]) -> Any:
    """A variable of zeros, which no weight of a layer is."""
    with context.init_scope():
        initial = zeros(sizes, dtype=floatx())
        variable = make_variable("Variable", initializer=initial)
    track_variable(variable)
    return variable


def _listed(value: Structure) -> Any:
    return value if nest.is_sequence(value) else [value]


def _list_of(value: Structure) -> list[Any]:
    return value if isinstance(value, list) else [value]
