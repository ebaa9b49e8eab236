"""How arguments are bound to a traced function, and when a trace fits a call."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Mapping, Sequence
from inspect import FullArgSpec
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import nest
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import CompositeTensor, TensorSpec, TypeSpec
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.util import inspecting
from retrograd.util.decorators import unwrap
from retrograd.variables.variable import is_resource_variable

if TYPE_CHECKING:
    from retrograd.typing import Structure


def validate_signature(signature: Structure) -> None:
    """Check an `input_signature`.

    Raises:
      TypeError: it is not a nested sequence of TensorSpecs.
    """
    flat = nest.flatten(signature, expand_composites=True)
    if any(not isinstance(arg, TensorSpec) for arg in flat):
        raise TypeError(
            f"Invalid input_signature {signature}; input_signature must be a possibly "
            "nested sequence of TensorSpec objects."
        )


def is_same_structure(
    first: Structure, second: Structure, check_values: bool = False
) -> bool:
    """Whether two structures are alike; on request, their leaves too."""
    try:
        nest.assert_same_structure(first, second, expand_composites=True)
    except (TypeError, ValueError):
        return False
    if not check_values:
        return True
    one = nest.flatten(first, expand_composites=True)
    other = nest.flatten(second, expand_composites=True)
    if any(type(a) is not type(b) for a, b in zip(one, other, strict=True)):
        return False
    return one == other


# ---------------------------------------------------------------------- parameters


def _without_given(spec: FullArgSpec, partial: functools.partial[Any]) -> FullArgSpec:
    """The parameters of a partial function, less those that it gives by keyword."""
    args, defaults = spec.args, spec.defaults
    if defaults:
        required = len(args) - len(defaults)
        kept = [
            (name, default)
            for name, default in zip(args[required:], defaults, strict=True)
            if name not in partial.keywords
        ]
        args = [n for n in args[:required] if n not in partial.keywords]
        args += [n for n, _ in kept]
        defaults = tuple(d for _, d in kept)
    return FullArgSpec(
        args, spec.varargs, spec.varkw, defaults, [], {}, spec.annotations
    )


class FunctionSpec:
    """The parameters of a function that is to be traced.

    Attributes:
      arg_names: its positional parameters, without `self` of a method.
      vararg_name: the one that takes further positional arguments, or None.
    """

    @staticmethod
    def from_function_and_signature(
        python_function: Callable[..., Any], input_signature: Structure
    ) -> FunctionSpec:
        """The parameters of `python_function`.

        Raises:
          ValueError: it has keyword-only parameters and there is an `input_signature`.
          TypeError: `input_signature` is neither a list nor a tuple.
        """
        spec = inspecting.getfullargspec(python_function)
        unwrapped = unwrap(python_function)[1]
        if isinstance(unwrapped, functools.partial):
            if spec.defaults or spec.kwonlydefaults:
                spec = _without_given(spec, unwrapped)
        is_method = inspecting.ismethod(python_function)
        return FunctionSpec(spec, is_method, [], {}, input_signature)

    def __init__(
        self,
        fullargspec: FullArgSpec,
        is_method: bool,
        args_to_prepend: Sequence[Any],
        kwargs_to_include: Mapping[str, Any],
        input_signature: Structure,
    ) -> None:
        self.fullargspec = fullargspec
        self.is_method = is_method
        self.args_to_prepend = args_to_prepend
        self.kwargs_to_include = kwargs_to_include
        args = fullargspec.args[1:] if is_method else fullargspec.args
        self.arg_names = args
        self.vararg_name = fullargspec.varargs
        self._places = {name: i for i, name in enumerate(args)}
        defaults = fullargspec.defaults or ()
        first = len(args) - len(defaults)
        self._defaults = {first + i: value for i, value in enumerate(defaults)}
        self.input_signature: tuple[Any, ...] | None = None
        self.flat_input_signature: tuple[Any, ...] = ()
        if input_signature is not None:
            self._set_signature(input_signature)

    def _set_signature(self, given: Structure) -> None:
        if self.fullargspec.kwonlyargs:
            raise _no_keywords()
        if not isinstance(given, (tuple, list)):
            raise TypeError(
                "input_signature must be either a tuple or a list, received "
                + str(type(given))
            )
        self.input_signature = tuple(given)
        flat = nest.flatten(given, expand_composites=True)
        self.flat_input_signature = tuple(flat)

    def canonicalize_function_inputs(
        self, *args: object, **kwargs: object
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call by position, with defaults; the rest by keyword.

        Raises:
          TypeError: arguments that the `input_signature` does not cover.
          ValueError: they do not fit it.
        """
        if self.input_signature is not None:
            self._check_covered(args, kwargs)
        inputs = self._by_position(args, kwargs)
        if self.input_signature is None:
            return _arrays_as_tensors(inputs), kwargs
        return self._fitted(inputs), {}

    def _check_covered(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        assert self.input_signature is not None
        count = len(self.input_signature)
        if len(args) > count:
            raise TypeError(
                "When input_signature is provided, only pass arguments covered by it. "
                f"Received {len(args)} argument(s)."
            )
        for name in kwargs:
            place = self._places.get(name)
            if place is None:
                raise TypeError(f"Function got an unexpected keyword argument {name}")
            if place >= count:
                raise TypeError(
                    "When input_signature is provided, only pass arguments covered by "
                    f"it. Received argument {name}."
                )

    def _by_position(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, ...]:
        """The positional arguments; those in `kwargs` are taken out of it."""
        given = {i: v for i, v in self._defaults.items() if i >= len(args)}
        if not kwargs and self._defaults:
            assert min(self._defaults) <= len(args), (
                f"Not enough arguments ({args}, {sorted(self._defaults)}, "
                f"{self.arg_names})"
            )
        for name in list(kwargs):
            place = self._places.get(name)
            if place is not None:
                given[place] = kwargs.pop(name)
            elif self.input_signature is not None:
                raise _no_keywords()
        return args + tuple(given[i] for i in sorted(given))

    def _fitted(self, inputs: tuple[Any, ...]) -> Any:
        """The arguments as tensors that fit the signature."""
        signature = self.input_signature
        assert signature is not None
        try:
            flat = nest.flatten_up_to(
                signature, inputs[: len(signature)], expand_composites=True
            )
        except ValueError:
            raise self._unfit(
                "Structure of Python function inputs does not match input_signature",
                inputs,
            ) from None
        specs = self.flat_input_signature
        changed = False
        for i, (value, spec) in enumerate(zip(flat, specs, strict=False)):
            if not isinstance(value, (Tensor, CompositeTensor)):
                try:
                    flat[i] = convert_to_tensor(value, dtype_hint=spec.dtype)
                except ValueError:
                    raise self._unfit(
                        "When input_signature is provided, all inputs to the Python "
                        "function must be convertible to tensors",
                        inputs,
                    ) from None
                changed = True
        if any(not s.is_compatible_with(v) for s, v in zip(specs, flat, strict=False)):
            raise self._unfit("Python inputs incompatible with input_signature", inputs)
        if not changed:
            return inputs
        return nest.pack_sequence_as(signature, flat, expand_composites=True)

    def _unfit(self, what: str, inputs: Sequence[Any]) -> ValueError:
        def shown(values: Any) -> str:
            return ",\n    ".join(map(str, values))

        return ValueError(
            f"{what}:\n  inputs: (\n    {shown(inputs)})\n  input_signature: (\n    "
            f"{shown(self.input_signature)})"
        )


def _no_keywords() -> ValueError:
    return ValueError(
        "Cannot define a TensorFlow function from a Python function with keyword "
        "arguments when input_signature is provided."
    )


def _arrays_as_tensors(inputs: tuple[Any, ...]) -> Any:
    """Arguments with NumPy arrays turned into tensors."""
    flat = nest.flatten(inputs)
    if not any(type(v) is np.ndarray for v in flat):
        return inputs
    found = [constant(v) if type(v) is np.ndarray else v for v in flat]
    return nest.pack_sequence_as(inputs, found)


# ---------------------------------------------------------------------- keys


class _Same:
    """A key equal to that of the same object only; it does not keep the object."""

    __slots__ = ("_hash", "_ref")

    def __init__(self, value: object) -> None:
        self._ref = weakref.ref(value)
        self._hash = id(value)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Same):
            return False
        mine = self._ref()
        return self is other or (mine is not None and mine is other._ref())


def encoded(value: Structure, ranks_only: bool = False) -> Any:
    """A key for an argument: calls with equal keys can share a trace.

    Tensors count by dtype and shape, variables by identity, anything else by value.

    Args:
      value: an argument, or a nested structure.
      ranks_only: whether of shapes only the rank counts.
    """

    def inner(item: Structure) -> Any:
        return encoded(item, ranks_only)

    if isinstance(value, (Tensor, TensorSpec)):
        raw = value.shape.raw
        if ranks_only:
            raw = None if raw is None else len(raw)
        return ("tensor", value.dtype, raw)
    if is_resource_variable(value):
        return _Same(value)
    if isinstance(value, CompositeTensor):
        parts = nest.flatten(value, expand_composites=True)
        return (type(value), tuple(map(inner, parts)))
    if isinstance(value, TypeSpec):
        return value
    if isinstance(value, Mapping):
        keys = sorted(value)
        return ("dict", tuple((k, inner(value[k])) for k in keys))
    if nest.is_sequence(value):
        items = tuple(map(inner, nest._yield_value(value)))
        kind = list if isinstance(value, list) else type(value)
        return (kind, items)
    return (type(value), value)
