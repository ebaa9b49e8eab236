"""`tf.function`: a traced function that may make variables when it is first called."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.functions.concrete import ConcreteFunction
from retrograd.functions.defun import (
    bound_to,
    defun,
    defun_with_attributes,
)
from retrograd.functions.lifting import UnliftableError, lift_to_graph
from retrograd.functions.signature import (
    FunctionSpec,
    is_same_structure,
    validate_signature,
)
from retrograd.functions.tracing import UnknownArgument
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import inside_function
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.util.decorators import make_decorator
from retrograd.util.identity import ObjectIdentityDictionary
from retrograd.variables.resource import ResourceVariable, UninitializedVariable

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import (
        Aggregation,
        Constraint,
        DeviceLike,
        DTypeLike,
        Getter,
        InitializerLike,
        ShapeLike,
        Structure,
    )
    from retrograd.variables.options import VariableSynchronization


class UnliftedInitializerVariable(UninitializedVariable):
    """A variable made inside a function, while it is traced for the first time.

    Its storage is outside. If its initial value does not depend on the arguments, it is
    assigned before the first call; else the trace assigns it, unless it has a value.

    Args:
      add_initializers_to: takes the initial value for each variable that is made.
    """

    def __init__(
        self,
        initial_value: InitializerLike | None = None,
        trainable: bool | None = None,
        caching_device: DeviceLike = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        constraint: Constraint | None = None,
        add_initializers_to: ObjectIdentityDictionary | None = None,
        synchronization: VariableSynchronization | None = None,
        aggregation: Aggregation | None = None,
        shape: ShapeLike = None,
        **unused: object,
    ) -> None:
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        if constraint is not None and not callable(constraint):
            raise ValueError("The `constraint` argument must be a callable.")
        values = [] if callable(initial_value) else [initial_value]
        with dispatch.name_scope(name, "Variable", values) as scope:
            graph = context.get_default_graph()
            with dispatch.name_scope("Initializer"), graph.device(None):
                if callable(initial_value):
                    initial_value = initial_value()
                start = convert_to_tensor(initial_value, dtype, "initial_value")
        super().__init__(
            trainable=trainable,
            caching_device=caching_device,
            name=name,
            shape=start.shape if shape is None else shape,
            dtype=start.dtype.base_dtype,
            constraint=constraint,
            synchronization=synchronization,
            aggregation=aggregation,
        )
        with dispatch.name_scope(scope):
            if self._in_graph_mode:
                self._lift_initializer(start)
            else:
                self._assign_once(start, add_initializers_to)

    def _lift_initializer(self, start: Tensor) -> None:
        """Assign the initial value in the graph around all functions."""
        function: Any = context.get_default_graph()
        with context.init_scope():
            outer = context.get_default_graph()
        places = {t.op for t in function.inputs}
        start = lift_to_graph([start], outer, disallowed_placeholders=places)[start]
        with context.init_scope():
            self._initial_value = start
            with dispatch.name_scope("IsInitialized"):
                self._is_initialized_op = F.VarIsInitializedOp(self._handle)
            with (
                dispatch.name_scope("Assign") as scope,
                outer.colocate_with(self._handle.op),
            ):
                self._initializer_op = F.AssignVariableOp(
                    self._handle, start, name=scope
                )

    def _assign_once(
        self, start: Tensor, add_initializers_to: ObjectIdentityDictionary | None
    ) -> None:
        """Assign the initial value when the trace runs, unless there is a value."""
        if add_initializers_to is not None:
            add_initializers_to[self] = start

        def assign() -> Any:
            with dispatch.name_scope("Assign") as scope:
                F.AssignVariableOp(self._handle, start, name=scope)
            return convert_to_tensor(1)

        cond(F.VarIsInitializedOp(self._handle), lambda: convert_to_tensor(0), assign)


RUN_FUNCTIONS_EAGERLY = False


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Say whether calls of `tf.function`s run the Python functions themselves."""
    global RUN_FUNCTIONS_EAGERLY
    RUN_FUNCTIONS_EAGERLY = bool(run_eagerly)


_DELETED = (
    "A tf.Variable created inside your tf.function has been garbage-collected. Your "
    "code needs to keep Python references to variables created inside `tf.function`s."
    """

A common way to raise this error is to create and return a variable only
referenced inside your function:

@tf.function
def f():
  v = tf.Variable(1.0)
  return v

v = f()  # Crashes with this error message!

The function returns a tensor with the value of the variable, not the variable:
nothing refers to `v` any more.

Make the variable outside of the function, or keep it where it outlives the call:

v = tf.Variable(1.0)

@tf.function
def f():
  return v
"""
)


#: arguments of a variable made in an `init_scope` of a traced function
_TAKEN = (
    "initial_value",
    "trainable",
    "caching_device",
    "name",
    "dtype",
    "constraint",
)


def _invalid_creator(*args: object, **kwargs: object) -> Any:
    raise ValueError(
        "tf.function-decorated function tried to create variables on non-first call."
    )


class Function:
    """A Python function that is traced once for each kind of arguments.

    Variables may be made in the first trace only.

    Args:
      python_function: makes operations.
      name: what it is called.
      input_signature: TensorSpecs of the arguments: then there is one trace.
      autograph: whether Python control flow of tensors becomes that of the graph.
      experimental_autograph_options: `tf.autograph.experimental.Feature`s.
      experimental_relax_shapes: whether one trace may serve several shapes.
      experimental_compile: kept as an attribute; what runs often is compiled anyway.
    """

    def __init__(
        self,
        python_function: Callable[..., Any],
        name: str,
        input_signature: Structure = None,
        autograph: bool = True,
        experimental_autograph_options: object = None,
        experimental_relax_shapes: bool = False,
        experimental_compile: bool | None = None,
    ) -> None:
        self._python_function = python_function
        self._function_spec = FunctionSpec.from_function_and_signature(
            python_function, input_signature
        )
        self._autograph = autograph
        self._experimental_autograph_options = experimental_autograph_options
        self.experimental_relax_shapes = experimental_relax_shapes
        self._experimental_compile = experimental_compile
        self._created_variables: list[Any] | None = None
        self._stateful_fn: Any = None
        self._stateless_fn: Any = None
        self._concrete_stateful_fn: Any = None
        self._descriptor_cache: Any = weakref.WeakKeyDictionary()
        self._name = name

    @property
    def python_function(self) -> Callable[..., Any]:
        """The Python function."""
        return self._python_function

    @property
    def input_signature(self) -> Any:
        """The TensorSpecs of the arguments, or None."""
        return self._function_spec.input_signature

    @property
    def function_spec(self) -> FunctionSpec:
        """Its parameters."""
        return self._function_spec

    # ------------------------------------------------------------------ traces

    def _defun_with_scope(self, scope: Callable[..., Any]) -> Any:
        """The function traced with variables made by `scope`."""

        def wrapped_fn(*args: object, **kwargs: object) -> Any:
            graph = context.get_default_graph()
            # behind creators that only change arguments, as it does not call the next
            with graph._variable_creator_scope(scope, priority=50):
                return wrapped_fn.__wrapped__(*args, **kwargs)  # pyright: ignore[reportFunctionMemberAccess]

        return self._defun(make_decorator(self._python_function, wrapped_fn))

    def _defun(self, fn: Callable[..., Any]) -> Any:
        attributes = None
        if self._experimental_compile is not None:
            attributes = {"_XlaCompile": bool(self._experimental_compile)}
        made = defun_with_attributes(
            fn,
            input_signature=self.input_signature,
            attributes=attributes,
            autograph=self._autograph,
            experimental_autograph_options=self._experimental_autograph_options,
            experimental_relax_shapes=self.experimental_relax_shapes,
        )
        made._name = self._name
        return made

    def _initialize(
        self,
        args: tuple[Any, ...],
        kwds: dict[str, Any],
        add_initializers_to: ObjectIdentityDictionary | None,
    ) -> Any:
        """Trace the function for the first time; return what makes its traces."""
        created: list[Any] = []

        def creator(next_creator: Getter, **arguments: object) -> Any:
            del next_creator
            if inside_function():
                variable: Any = UnliftedInitializerVariable(
                    add_initializers_to=add_initializers_to, **arguments
                )
            else:  # in an `init_scope`
                arguments = {k: v for k, v in arguments.items() if k in _TAKEN}
                variable = ResourceVariable(**arguments)
            created.append(weakref.ref(variable))
            return variable

        self._created_variables = created
        self._stateful_fn = self._defun_with_scope(creator)
        self._concrete_stateful_fn = self._stateful_fn._get_concrete_function_internal(
            *args, **kwds
        )
        self._stateless_fn = self._defun_with_scope(_invalid_creator)
        return self._stateful_fn

    def _decorate(self, decorator: Callable[..., Any]) -> None:
        """Replace the Python function by `decorator(python_function)`.

        Raises:
          ValueError: it was traced already.
        """
        if self._stateful_fn is not None or self._stateless_fn is not None:
            raise ValueError(
                "Functions cannot be decorated after they have been traced."
            )
        self._python_function = decorator(self._python_function)
        self._function_spec = FunctionSpec.from_function_and_signature(
            self._python_function, self.input_signature
        )

    def __call__(self, *args: object, **kwds: object) -> Any:
        """Call the trace for these arguments, made if need be.

        Raises:
          ValueError: variables are made in a trace other than the first.
        """
        if RUN_FUNCTIONS_EAGERLY:
            return self._python_function(*args, **kwds)
        if self._created_variables:
            return self._stateless_fn(*args, **kwds)
        if self._stateful_fn is not None:
            results = self._stateful_fn(*args, **kwds)
            self._check_no_new_variables()
            return results
        initializers = ObjectIdentityDictionary()
        spec = self._initialize(args, kwds, initializers)._function_spec
        if not self._created_variables:
            given = spec.canonicalize_function_inputs(*args, **kwds)
            return self._concrete_stateful_fn._filtered_call(*given)
        try:
            self._initialize_uninitialized_variables(initializers)
        except UnliftableError:
            canonical, named = spec.canonicalize_function_inputs(*args, **kwds)
            return defun(self._initializing_call)(*canonical, **named)
        return self._stateless_fn(*args, **kwds)

    def _check_no_new_variables(self) -> None:
        if self._created_variables:
            raise ValueError(
                "Creating variables on a non-first call to a function decorated with "
                "tf.function."
            )

    def _initializing_call(self, *args: object, **kwds: object) -> Any:
        """A call that assigns initial values to variables that have no value."""
        ready: Any = True
        for held in self._created_variables or ():
            variable = held()
            if variable is None:
                raise ValueError(_DELETED)
            ready = F.LogicalAnd(ready, F.VarIsInitializedOp(variable.handle))
        first = self._concrete_stateful_fn
        return cond(
            ready,
            lambda: self._stateless_fn(*args, **kwds),
            functools.partial(first._filtered_call, args, kwds),
        )

    # ------------------------------------------------------------------ variables

    def _initialize_uninitialized_variables(
        self, initializers: ObjectIdentityDictionary
    ) -> None:
        """Assign initial values to variables that have no value.

        Raises:
          UnliftableError: an initial value depends on the arguments.
        """

        def initialize_variables() -> None:
            op_map = ObjectIdentityDictionary()
            for variable, start in initializers.items():
                with context.init_scope():
                    known = F.VarIsInitializedOp(variable.handle)
                    if context.executing_eagerly() and bool(known):
                        continue
                graph = context.get_default_graph()
                op_map = lift_to_graph([start], graph, op_map=op_map)
                variable.assign(op_map[start], read_value=False)

        if not initializers:
            return
        with context.init_scope():
            defun(initialize_variables).get_concrete_function()()

    def get_initialization_function(self, *args: object, **kwargs: object) -> Any:
        """A function that assigns initial values to the variables of this one.

        Raises:
          RuntimeError: the function was called already.
        """
        if self._stateful_fn is not None:
            raise RuntimeError(
                "get_initialization_function cannot be called after the function has "
                "been used"
            )
        initializers = ObjectIdentityDictionary()
        self._initialize(args, kwargs, add_initializers_to=initializers)

        def initialize_variables() -> None:
            for variable, start in initializers.items():
                graph = context.get_default_graph()
                found = lift_to_graph([start], graph)[start]
                variable.assign(found, read_value=False)

        return defun(initialize_variables).get_concrete_function()

    # ------------------------------------------------------------------ concrete

    def get_concrete_function(
        self, *args: object, **kwargs: object
    ) -> ConcreteFunction:
        """The trace for these arguments, of which tensors may be given as TensorSpecs.

        Its parameters are named after those of the Python function, or the TensorSpecs.

        Raises:
          ValueError: variables are made in a trace other than the first.
        """
        stateful = self._stateful_fn
        if stateful is None:
            initializers = ObjectIdentityDictionary()
            stateful = self._initialize(args, kwargs, initializers)
            self._initialize_uninitialized_variables(initializers)
        if self._created_variables:
            return self._stateless_fn.get_concrete_function(*args, **kwargs)
        concrete = stateful.get_concrete_function(*args, **kwargs)
        self._check_no_new_variables()
        return concrete

    def _list_all_concrete_functions_for_serialization(self) -> list[ConcreteFunction]:
        """The traces, one for each signature, made again where they are outdated."""
        if self.input_signature is not None:
            self.get_concrete_function()
        seen: list[Any] = []
        for traced in (self._stateful_fn, self._stateless_fn):
            known = [] if traced is None else traced._function_cache.all_values()
            for signature in (f.structured_input_signature for f in known):
                flat = nest.flatten(signature)
                if any(isinstance(arg, UnknownArgument) for arg in flat):
                    continue
                if not any(is_same_structure(signature, s, True) for s in seen):
                    seen.append(signature)
        return [self.get_concrete_function(*args, **kw) for args, kw in seen]

    def __get__(self, instance: object, owner: type | None) -> Any:
        """A function of its own for each instance, when this one is a method."""
        del owner
        return bound_to(self, instance)


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Structure = None,
    autograph: bool = True,
    experimental_autograph_options: object = None,
    experimental_relax_shapes: bool = False,
    experimental_compile: bool | None = None,
) -> Any:
    """Turn a Python function into a function of a graph.

    It is run once for each combination of dtypes and shapes of tensors and of values of
    other arguments; calls run what it made then. It must return tensors, None or nested
    structures of these. It may make variables in its first run only, and should keep
    them where they outlive it. Operations with state run in program order.

    Args:
      func: the function; without it, this is a decorator with arguments.
      input_signature: TensorSpecs of the arguments: then it is run once.
      autograph: whether Python control flow of tensors becomes that of the graph.
      experimental_autograph_options: `tf.autograph.experimental.Feature`s.
      experimental_relax_shapes: whether one trace may serve several shapes.
      experimental_compile: accepted; what runs often is compiled anyway.

    Raises:
      TypeError: `input_signature` is not a sequence of TensorSpecs.
    """
    if input_signature is not None:
        validate_signature(input_signature)

    def decorated(inner_function: Callable[..., Any]) -> Any:
        return make_decorator(
            inner_function,
            Function(
                inner_function,
                getattr(inner_function, "__name__", "function"),
                input_signature=input_signature,
                autograph=autograph,
                experimental_autograph_options=experimental_autograph_options,
                experimental_relax_shapes=experimental_relax_shapes,
                experimental_compile=experimental_compile,
            ),
            decorator_name="function",
        )

    return decorated if func is None else decorated(func)


__all__ = [
    "Function",
    "UnliftedInitializerVariable",
    "function",
    "run_functions_eagerly",
]
