"""Functions as layers, and how their code is written into configurations."""

from __future__ import annotations

import codecs
import marshal
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import CellType, CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import nest, shapes
from retrograd.graph import context
from retrograd.layers.base import Layer
from retrograd.layers.given_shapes import as_shapes, as_tuples
from retrograd.layers.serialization import deserialize
from retrograd.layers.values import track_variable
from retrograd.util import inspecting
from retrograd.variables.scope import variable_creator_scope

if TYPE_CHECKING:
    from retrograd.typing import Structure, Training

#: a function as a configuration holds it: its code, its defaults, what it closes over
Dumped = tuple[str, tuple[Any, ...] | None, tuple[Any, ...] | None]

#: the code that this process has written: made from its own functions
_written: set[str] = set()
_unsafe: list[bool] = []


def enable_unsafe_deserialization() -> None:
    """Let configurations from anywhere run the code that they hold."""
    _unsafe[:] = [True]


def func_dump(function: FunctionType) -> Dumped:
    """The code of a function in base64, its defaults, and what it closes over."""
    # later versions of the format tell which objects are shared: that is chance
    raw = marshal.dumps(function.__code__, 2)
    code = codecs.encode(raw, "base64").decode("ascii")
    _written.add(code)
    cells = function.__closure__
    closure = tuple(cell.cell_contents for cell in cells) if cells else None
    return code, function.__defaults__, closure


def func_load(
    dumped: str | Sequence[Any], globs: dict[str, Any], layer: str
) -> FunctionType:
    """The function that `func_dump` has written.

    Args:
      dumped: code alone, or code, defaults and closure.
      globs: what names in it stand for.
      layer: the name of the layer, for errors.

    Raises:
      ValueError: this process has not written the code, and the program has not said
        that it trusts what it reads; or the code is of another version of Python.
    """
    whole = (dumped, None, None) if isinstance(dumped, str) else dumped
    text, defaults, closure = whole
    if text not in _written and not _unsafe:
        raise ValueError(
            f"The configuration of the Lambda layer {layer} holds the code of a "
            "function, and running code from a file is not safe.\n"
            f'  fix:  pass custom_objects={{"{layer}": function}}; where the file is '
            "trusted, call retrograd.layers.lambdas.enable_unsafe_deserialization()"
        )
    try:
        code = marshal.loads(codecs.decode(text.encode("ascii"), "base64"))
    except (ValueError, EOFError, TypeError) as error:
        raise ValueError(
            f"The code in the configuration of the Lambda layer {layer} is not of this "
            f"version of Python: {error}"
        ) from None
    assert isinstance(code, CodeType)
    cells = None
    if closure is not None:
        cells = tuple(c if isinstance(c, CellType) else CellType(c) for c in closure)
    defaults = tuple(defaults) if isinstance(defaults, list) else defaults
    return FunctionType(code, globs, code.co_name, defaults, cells)


def _dumped(value: object, raw: bool = False) -> tuple[Any, str, str | None]:
    """A value, how it is written, and the module it is from.

    Raises:
      ValueError: it is no function, and must be one.
    """
    if isinstance(value, FunctionType):
        return func_dump(value), "lambda", value.__module__
    if callable(value):
        return value.__name__, "function", value.__module__
    if raw:
        return value, "raw", None
    raise ValueError(f"Invalid input for serialization, type: {type(value)} ")


class Lambda(Layer):
    """A function as a layer.

    Args:
      function: takes the inputs, then `arguments`, and `mask` and `training` if it has
        arguments of these names. Variables that it makes are the layer's.
      output_shape: the shape of an output without the batch, or a function from the
        shape of the inputs to that of the outputs; by default what it turns out to be.
      mask: the mask of the outputs, or a function of inputs and mask.
      arguments: further arguments of the function.
      **kwargs: those of `Layer`.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Structure = None,
        mask: Structure = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if mask is not None:
            self.supports_masking = True
        names = inspecting.getfullargspec(function).args
        self.function = function
        # none of these is a part of the layer, even if it holds variables
        self.__dict__.update(
            arguments=arguments or {},
            mask=mask,
            _output_shape=output_shape,
            _variable_dict={},
            _given=[name for name in ("mask", "training") if name in names],
        )

    def call(
        self,
        inputs: Structure,
        mask: Structure = None,
        training: Training | None = None,
    ) -> Any:
        """The outputs for inputs."""
        known = {"mask": mask, "training": training}
        arguments = self.arguments
        arguments.update({name: known[name] for name in self._given})
        with variable_creator_scope(self._variable_creator):
            return self.function(inputs, **arguments)

    def _variable_creator(
        self, next_creator: Callable[..., Any], **arguments: Any
    ) -> Any:
        """The variable of this name, made once."""
        name = arguments["name"]
        if name not in self._variable_dict:
            variable = self._variable_dict[name] = next_creator(**arguments)
            self._track_variable(variable)
            track_variable(variable)
        return self._variable_dict[name]

    def compute_output_shape(self, input_shape: Structure) -> Any:
        """The shape of the outputs.

        Raises:
          NotImplementedError: it cannot be found out.
        """
        if self._output_shape is None:
            with context.eager_mode():
                try:
                    return super().compute_output_shape(input_shape)
                except NotImplementedError:
                    raise NotImplementedError(
                        "We could not automatically infer the shape of the Lambda's "
                        "output. Please specify `output_shape` for this Lambda."
                    ) from None
        if callable(self._output_shape):
            return as_shapes(self._output_shape(as_tuples(input_shape)))
        first = nest.flatten(as_shapes(input_shape))[0] if input_shape else None
        batch = None if first is None else first[0]

        def with_batch(sizes: shapes.TensorShape) -> shapes.TensorShape:
            return shapes.TensorShape([batch, *sizes.as_list()])

        return nest.map_structure(with_batch, as_shapes(self._output_shape))

    def compute_mask(self, inputs: Structure, mask: Structure = None) -> Any:
        """The mask of the outputs."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    # ------------------------------------------------------------------ configuration

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer; functions as their code."""
        config = super().get_config()
        written = {"function": _dumped(self.function)}
        written["output_shape"] = _dumped(self._output_shape, raw=True)
        if self.mask is not None:
            written["mask"] = _dumped(self.mask)
        for name, (value, kind, module) in written.items():
            config[name] = value
            config[f"{name}_type"] = kind
            config[_module_key(name)] = module
        config["arguments"] = self.arguments
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Lambda:
        """The layer with the arguments that `get_config` gave.

        Args:
          config: the arguments.
          custom_objects: the program's functions by their names; under the name of the
            layer, the function that takes the place of code.

        Raises:
          ValueError: see `func_load`.
          TypeError: a function is written in another way.
        """
        config = dict(config)
        for name in ("function", "output_shape", "mask"):
            if name in config:
                config[name] = _read(config, name, custom_objects or {})
        arguments = dict(config.get("arguments") or {})
        for key, value in arguments.items():
            if isinstance(value, dict) and value.get("type") == "ndarray":
                arguments[key] = np.array(value["value"])
        config["arguments"] = arguments
        return cls(**config)


def _module_key(name: str) -> str:
    return "module" if name == "function" else f"{name}_module"


def _read(config: dict[str, Any], name: str, custom: Mapping[str, Any]) -> Any:
    """The function under a name; what else a configuration says of it is taken out."""
    module = config.pop(_module_key(name), None)
    kind, value = config.pop(f"{name}_type"), config[name]
    if kind == "raw":
        return value
    if kind == "function":
        return deserialize(
            value, custom=custom, printable_module_name="function in Lambda layer"
        )
    if kind != "lambda":
        raise TypeError("Unknown function type:", kind)
    layer = config.get("name", "")
    if name == "function" and layer in custom:
        return custom[layer]
    if module is not None and module not in sys.modules:
        warnings.warn(
            f"{module} is not loaded, but a Lambda layer uses it. It may cause errors.",
            UserWarning,
            stacklevel=4,
        )
    known = vars(sys.modules[module]) if module in sys.modules else {}
    return func_load(value, {**known, **custom}, layer)
