"""The base of all layers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, nest
from retrograd.autograph import converted
from retrograd.errors import OperatorNotAllowedInGraphError
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.function import FuncGraph
from retrograd.graph.name_scopes import name_scope
from retrograd.graph.specs import TensorSpec
from retrograd.graph.tensor import Tensor
from retrograd.layers import calls, naming, phase
from retrograd.layers.connections import Connections
from retrograd.layers.given_shapes import each_shape
from retrograd.layers.input_spec import InputSpec, assert_input_compatibility
from retrograd.layers.nodes import add_node, has_history, note_operations
from retrograd.layers.phase import in_function
from retrograd.layers.records import is_symbolic
from retrograd.layers.values import track_variable
from retrograd.ops.array.constant import placeholder
from retrograd.ops.array.identity import identity
from retrograd.ops.array.shape import shape
from retrograd.ops.math.casts import cast
from retrograd.util.functions import fn_args
from retrograd.util.inspecting import is_own
from retrograd.util.tracking import AutoTrackable, Trackable

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, Named, Structure
    from retrograd.variables.variable import Variable

#: what may be given to any layer beside its own arguments
_ALLOWED = (
    "input_shape",
    "batch_input_shape",
    "batch_size",
    "weights",
    "activity_regularizer",
    "autocast",
)


def default(method: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a method that does nothing of use unless it is overridden."""
    method._is_default = True  # pyright: ignore[reportFunctionMemberAccess]
    return method


class Layer(Connections):
    """A computation with weights: `layer(inputs)` gives outputs.

    A subclass makes its weights in `build` with `add_weight`, the first time it is
    called, and computes in `call`.

    Args:
      trainable: whether its weights are trained.
      name: its name; by default that of the class, with a number.
      dtype: of its weights; by default that of its first inputs.
      dynamic: whether `call` is run on values only, never on tensors of a graph.
      **kwargs: `input_shape`, `batch_input_shape`, `batch_size`, `weights`,
        `activity_regularizer`, `autocast`.

    Raises:
      TypeError: another argument.

    Example:
      >>> layer = Dense(2)
      >>> layer(tf.ones([3, 4])).shape
      TensorShape([Dimension(3), Dimension(2)])
    """

    # a layer's parts are its attributes already; the lists of them are its own
    _own_lists = ("_",)

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        dynamic: bool = False,
        **kwargs: Any,
    ) -> None:
        for key in kwargs:
            if key not in _ALLOWED:
                raise TypeError("Keyword argument not understood:", key)
        kept = self.__dict__
        kept["_trainable"] = trainable
        kept["_input_spec"] = None
        self.stateful = False
        self.built = False
        self.supports_masking = False
        self._init_set_name(name)
        for key in ("_trainable_weights", "_non_trainable_weights", "_layers"):
            kept.setdefault(key, [])
        for key in ("_updates", "_callable_losses", "_losses", "_metrics"):
            kept[key] = []
        kept["_inbound_nodes"], kept["_outbound_nodes"] = [], []
        kept["_thread_local"] = threading.local()
        kept["_activity_regularizer"] = kwargs.get("activity_regularizer")
        kept["_dtype"] = None if dtype is None else _dtype_name(dtype)
        kept["_autocast"] = kwargs.get("autocast", False)
        kept["_dynamic"] = dynamic
        kept["_initial_weights"] = kwargs.get("weights")
        if "batch_input_shape" in kwargs:
            kept["_batch_input_shape"] = tuple(kwargs["batch_input_shape"])
        elif "input_shape" in kwargs:
            sizes = tuple(kwargs["input_shape"])
            kept["_batch_input_shape"] = (kwargs.get("batch_size"), *sizes)

    # ------------------------------------------------------------------ for subclasses

    @default
    def build(self, input_shape: Structure) -> None:
        """Make the weights, from the shape of the first inputs."""
        del input_shape
        self.built = True

    def call(self, inputs: Structure, *args: Any, **kwargs: Any) -> Any:
        """The outputs for inputs."""
        del args, kwargs
        return inputs

    @default
    def compute_mask(self, inputs: Structure, mask: Structure = None) -> Any:
        """The mask of the outputs: by default that of the inputs, if there is one.

        Raises:
          TypeError: there is one, and the layer does not support masks.
        """
        del inputs
        if self.supports_masking:
            return mask
        if any(x is not None for x in nest.flatten(mask)):
            raise TypeError(
                f"Layer {self.name} does not support masking, but was passed an "
                f"input_mask: {mask}"
            )
        return None

    @default
    def compute_output_shape(self, input_shape: Structure) -> Any:
        """The shape of the outputs for a shape of inputs.

        Raises:
          NotImplementedError: the layer does not say, and `call` cannot be tried.
        """
        if not context.executing_eagerly():
            raise NotImplementedError
        self._maybe_build(input_shape)
        with FuncGraph("graph").as_default():
            kind = self.dtype or dtypes.float32
            given = each_shape(lambda s: placeholder(kind, s), input_shape)
            extra = {"training": False} if self._expects("training") else {}
            try:
                outputs = self(given, **extra)
            except TypeError:
                raise NotImplementedError(
                    "We could not automatically infer the static shape of the layer's "
                    "output. Please implement the `compute_output_shape` method on "
                    f"your layer ({type(self).__name__})."
                ) from None
        return nest.map_structure(lambda x: x.shape, outputs)

    def compute_output_signature(self, input_signature: Structure) -> Any:
        """The shape and dtype of the outputs, for those of the inputs.

        Args:
          input_signature: a TensorSpec, or a structure of them.

        Raises:
          TypeError: something else.
        """
        specs = nest.flatten(input_signature)
        for spec in specs:
            if not isinstance(spec, TensorSpec):
                raise TypeError(
                    "Only TensorSpec signature types are supported, but saw signature "
                    f"signature entry: {spec}."
                )
        shapes = nest.map_structure(lambda s: s.shape, input_signature)
        kind = dtypes.as_dtype(self.dtype) if self.dtype else specs[0].dtype
        found = self.compute_output_shape(shapes)
        return nest.map_structure(lambda s: TensorSpec(s, kind), found)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, without its weights.

        Raises:
          NotImplementedError: the constructor takes more than these.
        """
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        if hasattr(self, "_batch_input_shape"):
            config["batch_input_shape"] = self._batch_input_shape
        config["dtype"] = self.dtype
        if self.dynamic:
            config["dynamic"] = True
        known = {*config, "self", "dtype", "dynamic", "batch_input_shape"}
        overridden = getattr(type(self).get_config, "__qualname__", "")
        extra = [a for a in _arguments(type(self)) if a not in known]
        if extra and overridden == "Layer.get_config":
            raise NotImplementedError(
                "Layers with arguments in `__init__` must override `get_config`."
            )
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer with the arguments that `get_config` gave."""
        return cls(**config)

    # ------------------------------------------------------------------ properties

    @property
    def name(self) -> str:
        """The name of the layer."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The name of the dtype of the weights, None before it is known."""
        return self._dtype

    @property
    def dynamic(self) -> bool:
        """Whether `call` is run on values only."""
        return self._dynamic or any(layer.dynamic for layer in self._children())

    @property
    def trainable(self) -> bool:
        """Whether the weights are trained; setting it sets it for the parts too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.__dict__["_trainable"] = value
        for layer in self._children():
            layer.trainable = value

    @property
    def activity_regularizer(self) -> Any:
        """A function of the outputs whose result is among `losses`."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, regularizer: Named) -> None:
        self.__dict__["_activity_regularizer"] = regularizer

    @property
    def input_spec(self) -> Any:
        """What the layer expects of its inputs."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        for spec in nest.flatten(value):
            if spec is not None and not isinstance(spec, InputSpec):
                raise TypeError(
                    f"Layer input_spec must be an instance of InputSpec. Got: {spec}"
                )
        self.__dict__["_input_spec"] = value

    def _init_set_name(self, name: str | None, zero_based: bool = True) -> None:
        snake = naming.to_snake_case(type(self).__name__)
        self.__dict__["_name"] = name or naming.unique_object_name(
            snake, zero_based=zero_based
        )

    def _name_scope(self) -> str:
        return self.name

    def _settle_dtype(self, name: str) -> None:
        if self._dtype is None:
            self.__dict__["_dtype"] = name

    # ------------------------------------------------------------------ calls

    def __call__(self, inputs: Structure, *args: Any, **kwargs: Any) -> Any:
        """The outputs for inputs; the first time, the weights are made.

        Args:
          inputs: a tensor, or a structure of them; arrays and numbers become tensors.
          *args, **kwargs: for `call`; `training` and `mask` come from the layer that
            calls, the learning phase and the inputs where they are not given.

        Raises:
          ValueError: the inputs do not fit, or `call` gives nothing.
        """
        flat = nest.flatten(inputs)
        symbolic = all(is_symbolic(x) or _composite(x) for x in flat)
        if any(isinstance(x, (np.ndarray, float, int)) for x in flat):
            inputs = nest.map_structure(_as_tensor, inputs)
        if symbolic and not calls.current.in_call:
            note_operations(flat)
        masks = self._input_masks(inputs, args, kwargs)
        given: list[str] = []  # what the program has not passed itself
        if masks is not None and self._expects("mask"):
            if not self._passed("mask", args, kwargs):
                kwargs["mask"] = masks
                given.append("mask")
        training = self._training(symbolic, args, kwargs, given)
        if not calls.current.in_call and (context.executing_eagerly() or in_function()):
            self._clear_losses()
        with calls.current.enter(self, inputs, training):
            if symbolic:
                assert_input_compatibility(self.input_spec, inputs, self.name)
                with phase.keras_graph().as_default(), name_scope(self._name_scope()):
                    outputs = self._outputs(inputs, args, kwargs)
                    if has_history(inputs) and nest.flatten(inputs):
                        own = {k: v for k, v in kwargs.items() if k not in given}
                        outputs = self._connected(inputs, outputs, args, own)
                    self._finish(inputs, outputs, masks)
            else:
                with name_scope(self._name_scope()):
                    outputs = self._outputs(inputs, args, kwargs)
                    self._finish(inputs, outputs, masks)
        return outputs

    def _outputs(
        self, inputs: Structure, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        self._maybe_build(inputs)
        eager = context.executing_eagerly()
        call = self.call if eager or is_own(type(self)) else converted(self.call)
        try:
            outputs = call(inputs, *args, **kwargs)
        except OperatorNotAllowedInGraphError as error:
            raise TypeError(
                "You are attempting to use Python control flow in a layer that was not "
                "declared to be dynamic. Pass `dynamic=True` to the class constructor."
                f'\nEncountered error:\n"""\n{error}\n"""'
            ) from None
        if outputs is None:
            raise ValueError(
                "A layer's `call` method should return a Tensor or a list of Tensors, "
                f"not None (layer: {self.name})."
            )
        return outputs

    def _finish(self, inputs: Structure, outputs: Structure, masks: Structure) -> None:
        self._regularize_activity(inputs, outputs)
        self._set_masks(inputs, outputs, masks)

    def _maybe_build(self, inputs: Structure) -> None:
        """Make the weights, if they have not been made."""
        if not self.built:
            assert_input_compatibility(self.input_spec, inputs, self.name)
            flat = nest.flatten(inputs)
            kind = getattr(flat[0], "dtype", None) if flat else None
            if kind is not None:
                self._settle_dtype(dtypes.as_dtype(kind).base_dtype.name)
            if not hasattr(self.build, "_is_default"):
                sizes = None
                if all(hasattr(x, "shape") for x in flat):
                    sizes = nest.map_structure(lambda x: x.shape, inputs)
                with context.init_scope() if in_function() else nullcontext():
                    self.build(sizes)
            self.built = True
        weights = self.__dict__.get("_initial_weights")
        if weights is not None:
            self.__dict__["_initial_weights"] = None
            self.set_weights(weights)

    def _connected(
        self,
        inputs: Structure,
        outputs: Structure,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Note the call; inputs that are given back become tensors of their own."""
        own = {id(x) for x in nest.flatten(inputs)}

        def copied(x: Any) -> Any:
            return identity(x) if id(x) in own else x

        outputs = nest.map_structure(copied, outputs)
        arguments = {**dict(zip(self._call_fn_args[1:], args, strict=False)), **kwargs}
        add_node(self, inputs, outputs, arguments)
        return outputs

    # ------------------------------------------------------------------ arguments

    @property
    def _call_fn_args(self) -> tuple[str, ...]:
        found = self.__dict__.get("_args_of_call")
        if found is None:
            found = self.__dict__["_args_of_call"] = fn_args(self.call)
        return found

    def _expects(self, argument: str) -> bool:
        if argument == "mask":
            return "mask" in self._call_fn_args or getattr(
                self, "compute_mask_and_call", False
            )
        return argument in self._call_fn_args

    def _passed(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        return name in kwargs or name in self._call_fn_args[1 : len(args) + 1]

    def _value_of(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if name in kwargs:
            return kwargs[name]
        return dict(zip(self._call_fn_args[1:], args, strict=False))[name]

    def _training(
        self,
        symbolic: bool,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        given: list[str],
    ) -> Any:
        """The value of `training` for this call and those inside, put into kwargs."""
        if self._passed("training", args, kwargs):
            value = self._value_of("training", args, kwargs)
            if not self._expects("training"):
                kwargs.pop("training")
            return value
        value = calls.current.training
        if value is None and phase.learning_phase_is_set():
            value = phase.learning_phase()
        if value is None and symbolic and phase.is_in_keras_graph():
            value = phase.learning_phase()
        if value is not None and self._expects("training"):
            is_tensor = isinstance(value, Tensor)
            kwargs["training"] = cast(value, dtypes.bool) if is_tensor else bool(value)
            given.append("training")
        return value

    # ------------------------------------------------------------------ masks

    def _input_masks(
        self, inputs: Structure, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if self._passed("mask", args, kwargs):
            return self._value_of("mask", args, kwargs)
        if (
            "mask" not in self._call_fn_args
            and hasattr(self.compute_mask, "_is_default")
            and not self.supports_masking
        ):
            return None
        masks = nest.map_structure(lambda x: getattr(x, "_keras_mask", None), inputs)
        return masks if any(m is not None for m in nest.flatten(masks)) else None

    def _set_masks(
        self, inputs: Structure, outputs: Structure, masks: Structure
    ) -> None:
        flat = nest.flatten(outputs)
        if flat and all(getattr(x, "_keras_mask", None) is not None for x in flat):
            return
        if getattr(self, "_compute_output_and_mask_jointly", False):
            return
        found: list[Any] = [None] * len(flat)
        if self.supports_masking or not hasattr(self.compute_mask, "_is_default"):
            computed = self.compute_mask(inputs, masks)
            if computed is not None:
                found = nest.flatten(computed)
        for x, mask in zip(flat, found, strict=False):
            if isinstance(x, Tensor):
                x._keras_mask = mask  # pyright: ignore[reportAttributeAccessIssue]

    def _regularize_activity(self, inputs: Structure, outputs: Structure) -> None:
        """Add the loss of each output, as a mean over the batch."""
        if not self._activity_regularizer:
            return
        with name_scope("ActivityRegularizer"):
            for output in nest.flatten(outputs):
                loss = self._activity_regularizer(output)
                count = cast(shape(output)[0], loss.dtype)
                self.add_loss(loss / count, inputs=inputs)

    # ------------------------------------------------------------------ attributes

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(type(self), name) or not self._tracks_attributes(name):
            try:
                object.__setattr__(self, name, value)
            except AttributeError:
                raise AttributeError(
                    f'Can\'t set the attribute "{name}", likely because it conflicts '
                    "with an existing read-only @property of the object. Please choose "
                    "a different name."
                ) from None
            return
        self._forget_attribute(name, value)
        AutoTrackable.__setattr__(self, name, value)
        value = self.__dict__[name]
        if isinstance(value, (Trackable, list, tuple, dict)):
            self._track_attribute(value)

    def _tracks_attributes(self, name: str) -> bool:
        del name
        return True

    def _forget_attribute(self, name: str, value: object) -> None:
        """Take an attribute's old value out of the parts of the layer."""
        old = self.__dict__.get(name)
        if old is None or old is value:
            return
        others = [v for k, v in self.__dict__.items() if k != name]
        if any(old is v for v in others):
            return
        for key in ("_layers", "_trainable_weights", "_non_trainable_weights"):
            kept = self.__dict__.get(key)
            if kept and old is not kept:
                kept[:] = [x for x in kept if x is not old]

    def __delattr__(self, name: str) -> None:
        self._forget_attribute(name, None)
        AutoTrackable.__delattr__(self, name)

    # ------------------------------------------------------------------ older names

    def apply(self, inputs: Structure, *args: Any, **kwargs: Any) -> Any:
        """As calling the layer."""
        return self(inputs, *args, **kwargs)

    def add_variable(self, *args: Any, **kwargs: Any) -> Any:
        """As `add_weight`."""
        return self.add_weight(*args, **kwargs)

    def _track_variable(self, variable: Variable) -> None:
        super()._track_variable(variable)
        track_variable(variable)

    def _add_variable(
        self, name: str | None, getter: Callable[..., Any], **arguments: Any
    ) -> Any:
        variable = super()._add_variable(name, getter, **arguments)
        track_variable(variable)
        return variable


def _dtype_name(dtype: Any) -> str:
    return dtypes.as_dtype(dtype).base_dtype.name


def _arguments(kind: type) -> tuple[str, ...]:
    return fn_args(kind.__init__)


def _as_tensor(value: Any) -> Any:
    if isinstance(value, (np.ndarray, float, int)):
        return convert_to_tensor(value)
    return value


def _composite(value: Any) -> bool:
    return hasattr(value, "_type_spec") and not isinstance(value, Tensor)
