"""Functions in SavedModels: which an object offers, and signatures made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from retrograd.formats import structures
from retrograd.functions import def_function
from retrograd.functions.concrete import ConcreteFunction
from retrograd.graph.specs import TensorSpec
from retrograd.graph.tensor import Tensor
from retrograd.train.saveable import gather_saveables
from retrograd.train.saved_model_signatures import DEFAULT_SERVING_SIGNATURE_DEF_KEY
from retrograd.util import protos
from retrograd.util.tracking import AutoTrackable, Trackable, TrackableReference

if TYPE_CHECKING:
    from retrograd.typing import Message, Structure

_SIGNATURES = "signatures"
#: an attribute of Keras' models: what is served by default
_DEFAULT_SIGNATURE = "_default_save_signature"
FUNCTIONS = (def_function.Function, ConcreteFunction)


class SignatureMap(Mapping[str, Any], AutoTrackable):
    """The functions that a SavedModel serves, by name.

    Args:
      functions: the functions.
    """

    def __init__(self, functions: dict[str, ConcreteFunction] | None = None) -> None:
        self._signatures: dict[str, Any] = dict(functions or {})

    def __getitem__(self, key: str) -> Any:
        return self._signatures[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._signatures)

    def __len__(self) -> int:
        return len(self._signatures)

    def __repr__(self) -> str:
        return f"_SignatureMap({self._signatures})"

    def _list_functions_for_serialization(self) -> dict[str, Any]:
        return self._signatures


class RootView(Trackable):
    """An object as it is saved: with its signatures.

    Args:
      root: the object.
      signatures: functions by signature.
    """

    def __init__(self, root: Trackable, signatures: SignatureMap) -> None:
        self.root, self.signatures = root, signatures

    @property
    def _checkpoint_dependencies(self) -> list[TrackableReference]:
        found = [
            reference
            for reference in self.root._checkpoint_dependencies
            if reference.name != _SIGNATURES  # those that the object was read with
        ]
        found.append(TrackableReference(_SIGNATURES, self.signatures))
        return found

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        return gather_saveables(self.root)

    def _list_functions_for_serialization(self) -> dict[str, Any]:
        return functions_of(self.root)


def functions_of(value: Trackable) -> dict[str, Any]:
    """The functions among the attributes of an object, by name."""
    known: Any = value
    if hasattr(known, "_list_functions_for_serialization"):
        return known._list_functions_for_serialization()
    return attribute_functions(value) if isinstance(value, AutoTrackable) else {}


def attribute_functions(value: Trackable) -> dict[str, Any]:
    """The functions that are attributes of an object, by name."""
    known: Any = value
    found = {}
    for name in dir(known):
        try:
            attribute = getattr(known, name, None)
        except Exception:  # a property that cannot say anything yet
            continue
        if isinstance(attribute, FUNCTIONS):
            found[name] = attribute
    return found


def concrete_functions(
    function: def_function.Function | ConcreteFunction,
) -> list[ConcreteFunction]:
    """The traces of a function that can be written, the newest first."""
    if isinstance(function, ConcreteFunction):
        return [function]
    found = function._list_all_concrete_functions_for_serialization()
    return [f for f in found if _can_be_encoded(f)]


def _can_be_encoded(function: ConcreteFunction) -> bool:
    try:
        structures.encode(function.structured_input_signature)
        structures.encode(specs_of(function.structured_outputs))
    except structures.NotEncodableError:
        return False
    return True


def specs_of(outputs: Structure, name: str | None = None) -> Any:
    """What a function returns, TensorSpecs in place of tensors, named by keys."""
    if isinstance(outputs, Tensor):
        return TensorSpec(outputs.shape, outputs.dtype, name)
    if isinstance(outputs, Mapping):
        return {key: specs_of(value, key) for key, value in outputs.items()}
    if isinstance(outputs, tuple) and hasattr(outputs, "_fields"):
        return type(outputs)(*map(specs_of, outputs))
    if isinstance(outputs, (list, tuple)):
        return type(outputs)(specs_of(value) for value in outputs)
    return getattr(outputs, "_type_spec", outputs)


# -------------------------------------------------------------------- signatures


def _with_signature(function: object) -> ConcreteFunction | None:
    """The one trace that a function has; None if it may have several."""
    if isinstance(function, def_function.Function):
        if function.input_signature is None:
            return None
        return function.get_concrete_function()
    return function if isinstance(function, ConcreteFunction) else None


def default_function(root: Trackable) -> Any:
    """What is served of an object for which no signatures are given, if anything."""
    functions = functions_of(root)
    known = functions.get(_DEFAULT_SIGNATURE)
    if known is not None:
        return known
    traces = [_with_signature(f) for f in functions.values()]
    possible = [f for f in traces if f is not None and _can_be_served(f)]
    return possible[0] if len(possible) == 1 else None


def _can_be_served(function: ConcreteFunction) -> bool:
    args, kwargs = function.structured_input_signature
    if any(not isinstance(x, TensorSpec) for x in [*args, *kwargs.values()]):
        return False
    try:
        _normalized(function.structured_outputs, "unused", "unused")
    except ValueError:
        return False
    return True


def canonical_signatures(given: Structure) -> dict[str, ConcreteFunction]:
    """Functions of named tensors that return dicts of tensors, by signature.

    Args:
      given: a function, or a dict of functions; None for no signatures.

    Raises:
      ValueError: one is no function of tensors, or may have several traces.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        given = {DEFAULT_SERVING_SIGNATURE_DEF_KEY: given}
    found = {}
    for key, function in given.items():
        original = _with_signature(function)
        if original is None:
            raise ValueError(
                "Expected a TensorFlow function to generate a signature for, but got "
                f"{function}. Only `tf.functions` with an input signature or concrete "
                "functions can be used as a signature."
            )
        found[key] = _wrapped(original, function, key)
    return found


def _wrapped(original: ConcreteFunction, given: object, key: str) -> ConcreteFunction:
    """A function that takes tensors by keywords and returns a dict of tensors."""

    def signature_wrapper(**kwargs: object) -> Any:
        outputs = original(**kwargs)
        name = getattr(given, "__name__", original.name)
        return _normalized(outputs, name, key)

    names = original._arg_keywords
    if names is None:  # it was made for calls from Python only
        names = [t.op.name for t in original.inputs]
        names = names[: len(names) - len(original.captured_inputs)]
        original._arg_keywords, original._num_positional_args = names, len(names)
    specs = {
        name: TensorSpec(tensor.shape, tensor.dtype, name)
        for name, tensor in zip(names, original.inputs, strict=False)
    }
    made = def_function.function(signature_wrapper, autograph=False)
    return made.get_concrete_function(**specs)


def _normalized(outputs: Structure, function_name: object, key: str) -> dict[str, Any]:
    """What a signature returns: a dict of tensors.

    Raises:
      ValueError: it cannot be made one.
    """
    if isinstance(outputs, Mapping):
        for name, value in outputs.items():
            if not isinstance(name, str):
                raise ValueError(
                    f"Got a dictionary with a non-string key {name!r} in the output of "
                    f"the function {function_name} used to generate the SavedModel "
                    f"signature {key!r}."
                )
            if not isinstance(value, (Tensor, TensorSpec)):
                raise _no_tensor(value, name, function_name, key)
        return dict(outputs)
    items = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    for value in items:
        if not isinstance(value, (Tensor, TensorSpec)):
            raise ValueError(
                f"Got non-flat outputs {items!r} from '{function_name!r}' for "
                f"SavedModel signature '{key}'. Signatures have one Tensor per output, "
                "so to have predictable names Python functions used to generate these "
                "signatures should avoid outputting Tensors in nested structures."
            )
    return {f"output_{i}": value for i, value in enumerate(items)}


def _no_tensor(value: object, name: str, function: object, key: str) -> ValueError:
    return ValueError(
        f"Got a non-Tensor value {value!r} for key {name!r} in the output of the "
        f"function {function} used to generate the SavedModel signature {key!r}. "
        "Outputs for functions used as signatures must be a single Tensor, a sequence "
        "of Tensors, or a dictionary from string to Tensor."
    )


# ---------------------------------------------------------------------- messages


def encoded_spec(function: def_function.Function) -> Any:
    """The FunctionSpec message of a function: its parameters."""
    spec = function.function_spec
    message = protos.message("saved_object_graph.FunctionSpec")()
    full = spec.fullargspec._replace(annotations={})
    message.fullargspec.CopyFrom(structures.encode(full))
    message.is_method = bool(spec.is_method)
    message.input_signature.CopyFrom(structures.encode(spec.input_signature))
    return message


def encoded_trace(function: ConcreteFunction, bound: list[int], into: Message) -> None:
    """Write a SavedConcreteFunction: arguments, results, what is captured."""
    message: Any = into
    message.bound_inputs.extend(bound)
    signature = structures.encode(function.structured_input_signature)
    message.canonicalized_input_signature.CopyFrom(signature)
    outputs = specs_of(function.structured_outputs)
    message.output_signature.CopyFrom(structures.encode(outputs))
