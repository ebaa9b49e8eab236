"""A `tf.function` that was read: its traces, without the Python function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import FullArgSpec
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.formats import structures
from retrograd.functions import def_function
from retrograd.functions.concrete import ConcreteFunction
from retrograd.functions.signature import FunctionSpec
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import TensorSpec
from retrograd.graph.tensor import Tensor
from retrograd.variables.variable import is_resource_variable

if TYPE_CHECKING:
    from retrograd.typing import Message, Structure


def spec_from(message: Message) -> FunctionSpec:
    """The parameters in a FunctionSpec message."""
    held: Any = message
    full = structures.decode(held.fullargspec)
    signature = structures.decode(held.input_signature)
    known = FullArgSpec(
        list(full.args),
        full.varargs,
        full.varkw,
        full.defaults,
        list(full.kwonlyargs or ()),
        full.kwonlydefaults or {},
        full.annotations or {},
    )
    if known.kwonlyargs:  # later TensorFlow has those in signatures too
        signature = None
    return FunctionSpec(known, held.is_method, [], {}, signature)


class RestoredFunction(def_function.Function):
    """A function with the traces that were saved, and no others.

    Args:
      name: what it is called.
      spec: its parameters.
      concrete_functions: its traces.
    """

    def __init__(
        self, name: str, spec: FunctionSpec, concrete_functions: list[ConcreteFunction]
    ) -> None:
        super().__init__(_unknown, name, autograph=False)
        self._function_spec = spec
        self.concrete_functions = concrete_functions

    def _list_all_concrete_functions_for_serialization(self) -> list[ConcreteFunction]:
        return self.concrete_functions

    def __call__(self, *args: object, **kwds: object) -> Any:
        """Call the trace that fits the arguments.

        Raises:
          ValueError: none does.
        """
        function, args, kwds = self._matching(args, kwds)
        return _call(function, (args, kwds))

    def get_concrete_function(
        self, *args: object, **kwargs: object
    ) -> ConcreteFunction:
        """The trace that fits these arguments, of which some may be TensorSpecs.

        Raises:
          ValueError: none does.
        """
        if self.input_signature is not None and not args and not kwargs:
            args = self.input_signature
        function = self._matching(args, kwargs)[0]
        if function._arg_keywords is None:
            leaves = nest.flatten(function.structured_input_signature)
            specs = [leaf for leaf in leaves if isinstance(leaf, TensorSpec)]
            names = [spec.name or f"arg_{i}" for i, spec in enumerate(specs)]
            function._arg_keywords, function._num_positional_args = names, len(names)
        return function

    def _matching(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[ConcreteFunction, Any, Any]:
        spec = self._function_spec
        if spec.input_signature is None or not any(
            isinstance(value, TensorSpec) for value in nest.flatten((args, kwargs))
        ):
            args, kwargs = spec.canonicalize_function_inputs(*args, **kwargs)
        given = (tuple(args), dict(kwargs))
        # as it is first; then with numbers taken for tensors
        for converts in (False, True):
            for function in self.concrete_functions:
                if _fits(given, function.structured_input_signature, converts):
                    return function, *given
        raise ValueError(self._no_match(given))

    def _no_match(self, given: tuple[Any, Any]) -> str:
        count = len(self.concrete_functions)
        options = "\n\n".join(
            f"Option {i}:\n  {_shown(*function.structured_input_signature)}"
            for i, function in enumerate(self.concrete_functions, 1)
        )
        return (
            "Could not find matching function to call loaded from the SavedModel. Got:"
            f"\n  {_shown(*given)}\n\nExpected these arguments to match one of the "
            f"following {count} option(s):\n\n{options}"
        )


def _unknown(*args: object, **kwargs: object) -> None:
    """Stands for the Python function, which was not saved."""


def _shown(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    lines = "".join(f"\n    * {value}" for value in args)
    return (
        f"Positional arguments ({len(args)} total):{lines}\n  "
        f"Keyword arguments: {dict(kwargs)}"
    )


def _fits(given: tuple[Any, Any], expected: Structure, converts: bool) -> bool:
    """Whether arguments are those of a trace."""
    try:
        nest.assert_same_structure(given, expected, expand_composites=True)
    except (TypeError, ValueError):
        return False
    pairs = zip(
        nest.flatten(given, expand_composites=True),
        nest.flatten(expected, expand_composites=True),
        strict=True,
    )
    return all(_is_like(value, wanted, converts) for value, wanted in pairs)


def _is_like(value: Structure, wanted: Structure, converts: bool) -> bool:
    if not isinstance(wanted, TensorSpec):
        return type(value) is type(wanted) and value == wanted
    if not isinstance(value, (Tensor, TensorSpec)) and not is_resource_variable(value):
        if not converts or value is None:
            return False
        try:
            value = convert_to_tensor(value, dtype_hint=wanted.dtype)
        except (TypeError, ValueError):
            return False
    return value.dtype.base_dtype == wanted.dtype and (
        wanted.shape.is_compatible_with(value.shape)
    )


def _call(function: ConcreteFunction, given: tuple[Any, Any]) -> Any:
    """Call a trace with the tensors among some arguments."""
    expected = function.structured_input_signature
    pairs = zip(
        nest.flatten(given, expand_composites=True),
        nest.flatten(expected, expand_composites=True),
        strict=True,
    )
    tensors = [
        convert_to_tensor(value, dtype_hint=wanted.dtype)
        for value, wanted in pairs
        if isinstance(wanted, TensorSpec)
    ]
    return function._call_flat(tensors, function.captured_inputs)
