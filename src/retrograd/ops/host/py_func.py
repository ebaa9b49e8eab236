"""Python functions as ops: `tf.py_func`, `tf.numpy_function`, `tf.py_function`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.host.py_func_ops import _py_funcs

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, TensorLike


class EagerFunc:
    """A function that takes and makes tensors which are run at once."""

    def __init__(self, func: Callable[..., Any], Tout: Sequence[dtypes.DType]) -> None:
        self._func = func
        self._out_dtypes = Tout

    def __call__(self, *args: TensorLike) -> list[Any] | None:
        """Call the function with the tensors of some values; the values it makes."""
        with context.eager_mode():
            found = self.tensors([convert_to_tensor(a) for a in args])
            if found is None:
                return None
            tensors, further = found
            return [t.numpy() for t in tensors] + further

    def tensors(self, args: Sequence[Tensor]) -> tuple[list[Any], list[Any]] | None:
        """Call the function: its results as eager tensors; those that none declared.

        Returns:
          None where it returns None.
        """
        result = self._func(*args)
        if result is None:
            return None
        values = list(result) if isinstance(result, list | tuple) else [result]
        pairs = zip(values, self._out_dtypes, strict=False)
        tensors = [self._converted(v, dtype) for v, dtype in pairs]
        return tensors, values[len(tensors) :]

    def _converted(self, value: TensorLike, dtype: dtypes.DType) -> Tensor:
        if getattr(value, "_is_resource_variable", False):
            raise RuntimeError(
                "Attempting to return a variable from an eagerly executed py_func. "
                "Only numeric data structures like Tensors or NumPy arrays should be "
                "returned; to return the value of a variable, make sure to obtain the "
                "Tensor backing it by calling `.read_value()` on the variable in "
                f"question: {value}"
            )
        return convert_to_tensor(value, dtype)


def _apply(
    op_type: str,
    func: Callable[..., Any],
    inp: Sequence[TensorLike],
    Tout: DTypeLike | Sequence[DTypeLike],
    name: str | None,
    **attrs: Any,
) -> Any:
    """Add an op that calls `func`."""
    several = isinstance(Tout, list | tuple)
    given: Any = Tout if several else [Tout]
    wanted = [dtypes.as_dtype(t) for t in given]
    if op_type == "EagerPyFunc":
        func = EagerFunc(func, wanted)
    token = _py_funcs.insert(func)
    graph: Any = context.get_default_graph()
    while graph.outer_graph is not None:
        graph = graph.outer_graph
    graph.__dict__.setdefault("_py_funcs_used_in_graph", []).append(func)
    values = list(inp) if isinstance(inp, list | tuple) else inp
    result = getattr(F, op_type)(values, token=token, Tout=wanted, name=name, **attrs)
    if not wanted:
        return context.get_default_graph()._ops[-1]
    return result if several else result[0]


def _check_callable(func: object) -> None:
    if not callable(func):
        raise ValueError(f"Expected func to be callable, got func of type {type(func)}")


def py_func(
    func: Callable[..., Any],
    inp: Sequence[TensorLike],
    Tout: DTypeLike | Sequence[DTypeLike],
    stateful: bool = True,
    name: str | None = None,
) -> Any:
    """A Python function of arrays as an op; it has no gradient.

    Args:
      func: takes arrays (scalars for shape ()), returns one or a list.
      inp: tensors, the arguments.
      Tout: the dtype, or list of dtypes, of the results.
      stateful: whether it may give other results for the same arguments.
      name: the name of the operation.

    Returns:
      A tensor, or a list where `Tout` is one; static shapes are unknown.

    Raises:
      ValueError: `func` cannot be called.
    """
    if context.executing_eagerly():
        values: Any = inp
        result = nest.flatten(func(*[x.numpy() for x in values]))
        tensors = [x if x is None else convert_to_tensor(x) for x in result]
        return tensors[0] if len(tensors) == 1 else tensors
    _check_callable(func)
    return _apply("PyFunc" if stateful else "PyFuncStateless", func, inp, Tout, name)


py_func_common = py_func


def numpy_function(
    func: Callable[..., Any],
    inp: Sequence[TensorLike],
    Tout: DTypeLike | Sequence[DTypeLike],
    name: str | None = None,
) -> Any:
    """As `py_func`, always stateful."""
    return py_func(func, inp, Tout, True, name)


def eager_py_func(
    func: Callable[..., Any],
    inp: Sequence[TensorLike],
    Tout: DTypeLike | Sequence[DTypeLike],
    name: str | None = None,
) -> Any:
    """A Python function of tensors that are run at once, as an op with a gradient.

    Args:
      func: takes tensors that have values, returns one or a list.
      inp: tensors, the arguments.
      Tout: the dtype, or list of dtypes, of the results.
      name: the name of the operation.
    """
    _check_callable(func)
    if context.executing_eagerly():
        result = func(*[convert_to_tensor(x) for x in inp])
        return result if isinstance(Tout, list | tuple) else convert_to_tensor(result)
    return _apply("EagerPyFunc", func, inp, Tout, name)


def function_of(n: Operation) -> Any:
    """The Python function that an operation calls."""
    return _py_funcs.find(n.attrs["token"])
