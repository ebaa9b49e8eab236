"""`tf.contrib.eager.defun`: Python functions traced once for each kind of arguments."""

from __future__ import annotations

import threading
import types
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd import nest, shapes
from retrograd.functions.concrete import ConcreteFunction, name_parameters
from retrograd.functions.signature import (
    FunctionSpec,
    encoded,
    is_same_structure,
    validate_signature,
)
from retrograd.functions.tracing import func_graph_from_py_func
from retrograd.graph import context
from retrograd.graph.hooks import hooks
from retrograd.graph.specs import TensorSpec
from retrograd.graph.tensor import Tensor
from retrograd.util import inspecting
from retrograd.util.decorators import make_decorator

if TYPE_CHECKING:
    from retrograd.typing import Structure


class CacheKey(NamedTuple):
    """What a trace depends on: the arguments, and where the function is called."""

    input_signature: Any
    parent_graph: Any
    device_functions: tuple[Any, ...]
    colocation_stack: tuple[Any, ...]
    in_cross_replica_context: bool

    def replace(self, **changes: object) -> CacheKey:
        """The key with some parts replaced."""
        return self._replace(**changes)


class FunctionCache:
    """The traces of one function.

    Attributes:
      missed: the places that the function was called from.
      primary: traces by key.
      arg_relaxed_shapes, arg_relaxed: for keys with ranks instead of shapes, the shapes
        of the trace for several of these, and the trace.
    """

    def __init__(self) -> None:
        self.missed: set[CacheKey] = set()
        self.primary: dict[CacheKey, ConcreteFunction] = {}
        self.arg_relaxed_shapes: dict[CacheKey, list[Any]] = {}
        self.arg_relaxed: dict[CacheKey, ConcreteFunction] = {}

    def all_values(self) -> set[ConcreteFunction]:
        """All traces."""
        return {*self.primary.values(), *self.arg_relaxed.values()}


def common_shape(
    x: shapes.TensorShape | None, y: shapes.TensorShape | None
) -> shapes.TensorShape | None:
    """The narrowest shape that both have; None where both are None.

    Raises:
      RuntimeError: one of them is None.
    """
    if (x is None) is not (y is None):
        raise RuntimeError(
            "Cannot find a common shape when LHS shape is None but RHS shape is not "
            f"(or vice versa): {x} vs. {y}"
        )
    if x is None or y is None:
        return None
    one, other = x.raw, y.raw
    if one is None or other is None or len(one) != len(other):
        return shapes.TensorShape(None)
    sizes = [a if a == b else None for a, b in zip(one, other, strict=True)]
    return shapes.TensorShape(sizes)


def _covers(relaxed: shapes.TensorShape | None, shape: shapes.TensorShape) -> bool:
    """Whether a shape is at most as specific as another."""
    if relaxed is None:
        return True
    wide, narrow = relaxed.raw, shape.raw
    if wide is None or narrow is None:
        return wide is None or narrow is None
    return len(wide) == len(narrow) and all(
        w is None or w == n for w, n in zip(wide, narrow, strict=True)
    )


def _flat_shapes(*params: Structure) -> list[Any]:
    """The shape of each leaf that is a tensor; None for others."""
    return [
        x.shape if isinstance(x, (Tensor, TensorSpec)) else None
        for x in nest.flatten(params, expand_composites=True)
    ]


class Function:
    """A Python function that is traced once for each kind of arguments.

    Args:
      python_function: makes operations.
      name: what it is called.
      input_signature: TensorSpecs of the arguments: then there is one trace.
      attributes: attributes of the graph functions.
      autograph, autograph_options: whether Python control flow is converted, and what
        else.
      experimental_relax_shapes: whether one trace may serve several shapes.
      capture_by_value: whether variables are read outside when the function is traced.
    """

    def __init__(
        self,
        python_function: Callable[..., Any],
        name: str,
        input_signature: Structure = None,
        attributes: dict[str, Any] | None = None,
        autograph: bool = True,
        autograph_options: object = None,
        experimental_relax_shapes: bool = False,
        capture_by_value: bool | None = None,
    ) -> None:
        self._python_function = python_function
        self._function_spec = FunctionSpec.from_function_and_signature(
            python_function, input_signature
        )
        self._name = name
        self._autograph = autograph
        self._autograph_options = autograph_options
        self._experimental_relax_shapes = experimental_relax_shapes
        self._function_cache = FunctionCache()
        self._function_attributes = attributes or {}
        self._capture_by_value = capture_by_value
        self._lock = threading.RLock()
        self._descriptor_cache: Any = weakref.WeakKeyDictionary()

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Call the trace for these arguments, made if need be."""
        function, args, kwargs = self._maybe_define_function(args, kwargs)
        return function._filtered_call(args, kwargs)

    @property
    def python_function(self) -> Callable[..., Any]:
        """The Python function."""
        return self._python_function

    @property
    def function_spec(self) -> FunctionSpec:
        """Its parameters."""
        return self._function_spec

    @property
    def input_signature(self) -> Any:
        """The TensorSpecs of the arguments, or None."""
        return self._function_spec.input_signature

    @property
    def flat_input_signature(self) -> Any:
        """The leaves of `input_signature`."""
        return self._function_spec.flat_input_signature

    # ------------------------------------------------------------------ traces

    def _get_concrete_function_internal(self, *args: object, **kwargs: object) -> Any:
        if self.input_signature:
            return self._maybe_define_function(None, None)[0]
        return self._maybe_define_function(args, kwargs)[0]

    _get_concrete_function_internal_garbage_collected = _get_concrete_function_internal

    def get_concrete_function(
        self, *args: object, **kwargs: object
    ) -> ConcreteFunction:
        """The trace for these arguments, of which tensors may be given as TensorSpecs.

        Raises:
          ValueError: they do not fit the `input_signature`.
        """
        if self.input_signature:
            self._check_signature(args, kwargs)
            function = self._maybe_define_function(None, None)[0]
        else:
            function = self._maybe_define_function(args, kwargs)[0]
        name_parameters(function)
        return function

    def _check_signature(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        if kwargs:
            raise ValueError(
                "Cannot define a TensorFlow function from a Python function with "
                "keyword arguments when input_signature is provided."
            )
        if not args:
            return
        if not is_same_structure(self.input_signature, args):
            raise ValueError(
                "Structure of Python function inputs does not match input_signature."
            )
        flat = nest.flatten(args, expand_composites=True)
        if any(not isinstance(arg, (Tensor, TensorSpec)) for arg in flat):
            raise ValueError(
                "When input_signature is provided, all inputs to the Python function "
                "must be Tensors or tf.TensorSpec objects."
            )
        pairs = zip(self.flat_input_signature, flat, strict=True)
        if any(not spec.is_compatible_with(other) for spec, other in pairs):
            raise ValueError(
                "Python inputs incompatible with input_signature: inputs "
                f"({args}), input_signature ({self.input_signature})"
            )

    def _cache_key(
        self,
        args: Sequence[Any] | None,
        kwargs: Mapping[str, Any] | None,
        ranks_only: bool = False,
    ) -> CacheKey:
        if self.input_signature is None:
            signature = encoded((args, kwargs) if kwargs else args, ranks_only)
        else:
            signature = self.flat_input_signature
        if context.executing_eagerly():
            return CacheKey(signature, None, (), (), False)
        with context.init_scope():
            eager = context.executing_eagerly()
            parent = None if eager else context.get_default_graph()
        scopes = context.get_default_graph()._scopes
        chosen = any(d.function is not None for d in scopes.devices)
        devices = tuple(scopes.devices) if chosen else ()
        colocated = tuple(scope.op for scope in scopes.colocation)
        return CacheKey(signature, parent, devices, colocated, False)

    def _maybe_define_function(
        self, args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None
    ) -> tuple[ConcreteFunction, Any, Any]:
        """The trace for some arguments, and the arguments by position and keyword.

        Raises:
          TypeError: an argument cannot be hashed.
          ValueError: they do not fit the `input_signature`.
        """
        if self.input_signature is None or args is not None or kwargs is not None:
            args, kwargs = self._function_spec.canonicalize_function_inputs(
                *(args or ()), **(kwargs or {})
            )
        key = self._cache_key(args, kwargs)
        try:
            hash(key)
        except TypeError as error:
            raise TypeError(
                "Arguments supplied to `defun`-generated functions must be hashable.  "
                f"Original error: {error}"
            ) from None
        with self._lock:
            cache = self._function_cache
            found = cache.primary.get(key)
            if found is not None:
                return found, args, kwargs
            place = key.replace(input_signature=None)
            relaxes = self._experimental_relax_shapes and self.input_signature is None
            if relaxes and place in cache.missed:
                return self._relaxed(args, kwargs), args, kwargs
            cache.missed.add(place)
            found = cache.primary[key] = self._create_graph_function(args, kwargs)
            return found, args, kwargs

    def _relaxed(self, args: Any, kwargs: Any) -> ConcreteFunction:
        """The trace for the shapes of these arguments and those before."""
        cache = self._function_cache
        key = self._cache_key(args, kwargs, ranks_only=True)
        found = _flat_shapes(args, kwargs)
        known = cache.arg_relaxed_shapes.get(key)
        function = cache.arg_relaxed.get(key)
        if function is not None and known is not None:
            if all(map(_covers, known, found)):
                return function
        if known is not None:
            found = [common_shape(x, y) for x, y in zip(found, known, strict=True)]
        cache.arg_relaxed_shapes[key] = found
        made = self._create_graph_function(args, kwargs, found)
        cache.arg_relaxed[key] = made
        return made

    def _create_graph_function(
        self,
        args: Any,
        kwargs: Any,
        override_flat_arg_shapes: Sequence[Any] | None = None,
    ) -> ConcreteFunction:
        spec = self._function_spec
        signature = spec.input_signature
        count = len(args) if signature is None else len(signature)
        names = list(spec.arg_names[:count])
        names += [f"{spec.vararg_name}_{i}" for i in range(count - len(names))]
        graph = func_graph_from_py_func(
            self._name,
            self._python_function,
            args,
            kwargs,
            signature,
            autograph=self._autograph,
            autograph_options=self._autograph_options,
            arg_names=names,
            override_flat_arg_shapes=override_flat_arg_shapes,
            capture_by_value=self._capture_by_value,
        )
        return ConcreteFunction(graph, self._function_attributes)

    def __get__(self, instance: object, owner: type | None) -> Any:
        """A function of its own for each instance, when this one is a method."""
        del owner
        return bound_to(self, instance)


def bound_to(function: Any, instance: object) -> Any:
    """A method of one instance, made once."""
    if instance is None:
        return function
    cache = function._descriptor_cache
    if instance not in cache:
        cache[instance] = class_method_to_instance_method(function, instance)
    return cache[instance]


def _unbound(function: Any) -> Any:
    return function.__func__ if inspecting.ismethod(function) else function


class TfMethodTarget:
    """What a method of a traced class is bound to: it does not keep the instance."""

    def __init__(
        self, target: Callable[..., Any], original_python_function: Callable[..., Any]
    ) -> None:
        self.weakrefself_target__ = target
        self.weakrefself_func__ = weakref.ref(original_python_function)

    @property
    def target(self) -> Any:
        """The instance."""
        return self.weakrefself_target__()

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the method."""
        return _unbound(self.weakrefself_func__())(self.target, *args, **kwargs)


def class_method_to_instance_method(original_function: Any, instance: object) -> Any:
    """A traced method with `self` bound, which does not keep the instance."""
    held = weakref.ref(instance)
    python_function = original_function.python_function
    bound_method = types.MethodType(
        python_function, TfMethodTarget(held, python_function)
    )

    def bound_method_wrapper(*args: object, **kwargs: object) -> Any:
        wrapped = wrapper.__wrapped__
        if wrapped is not wrapper.__original_wrapped__:
            return wrapped(*args, **kwargs)  # put there by `rewrap`; it binds `self`
        return _unbound(python_function)(held(), *args, **kwargs)

    wrapper = make_decorator(bound_method, bound_method_wrapper)
    made = type(original_function)(
        wrapper,
        name=original_function._name,
        autograph=original_function._autograph,
        input_signature=original_function.input_signature,
    )
    return make_decorator(python_function, made)


def register(func: Function, *args: object, **kwargs: object) -> ConcreteFunction:
    """Add the trace of a function for some arguments to the graph's library.

    Raises:
      ValueError: it is not made by `defun`.
    """
    if not isinstance(func, Function):
        raise ValueError(
            "Only defun function is allowed to be registered. Got type: "
            + str(type(func))
        )
    function = func.get_concrete_function(*args, **kwargs)
    function.add_to_graph()
    function.add_gradient_functions_to_graph()
    return function


def defun(
    func: Callable[..., Any] | None = None,
    input_signature: Structure = None,
    autograph: bool = True,
    experimental_autograph_options: object = None,
    experimental_relax_shapes: bool = False,
) -> Any:
    """Turn a Python function into a function of a graph.

    It is run once for each combination of dtypes and shapes of tensors and of values of
    other arguments; calls run what it made then. It must return tensors, None or nested
    structures of these. Variables that it makes, it must make once.

    Args:
      func: the function; without it, this is a decorator with arguments.
      input_signature: TensorSpecs of the arguments: then it is run once.
      autograph: whether Python control flow of tensors becomes that of the graph.
      experimental_autograph_options: `tf.autograph.experimental.Feature`s.
      experimental_relax_shapes: whether one trace may serve several shapes.

    Raises:
      TypeError: `input_signature` is not a sequence of TensorSpecs.
    """
    return defun_with_attributes(
        func,
        input_signature,
        autograph=autograph,
        experimental_autograph_options=experimental_autograph_options,
        experimental_relax_shapes=experimental_relax_shapes,
    )


hooks.provide(defun=defun)


def defun_with_attributes(
    func: Callable[..., Any] | None = None,
    input_signature: Structure = None,
    attributes: dict[str, Any] | None = None,
    autograph: bool = True,
    experimental_autograph_options: object = None,
    experimental_relax_shapes: bool = False,
) -> Any:
    """As `defun`, with `attributes` of the graph functions; `func_name` names them."""
    if input_signature is not None:
        validate_signature(input_signature)
    attributes = dict(attributes or {})
    given_name = attributes.pop("func_name", None)

    def decorated(function: Callable[..., Any]) -> Any:
        name = given_name or getattr(function, "__name__", "function")
        return make_decorator(
            function,
            Function(
                function,
                name,
                input_signature=input_signature,
                attributes=attributes,
                autograph=autograph,
                autograph_options=experimental_autograph_options,
                experimental_relax_shapes=experimental_relax_shapes,
            ),
            decorator_name="defun_with_attributes",
        )

    return decorated if func is None else decorated(func)
