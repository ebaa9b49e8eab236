"""Tensors that accumulate gradients: a value of the engine, and what made it."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.autograd import modes, types
from retrograd.autograd.graph import Node, Recorder, Source, alias, identity, same_value
from retrograd.autograd.printing import text_of
from retrograd.autograd.storage import Size, Storage, Version
from retrograd.dtypes import DType
from retrograd.errors import message
from retrograd.run.eager import EagerTensor

if TYPE_CHECKING:
    from retrograd.autograd.derivatives import Tensors
    from retrograd.typing import DTypeLike, TensorLike

_NOT_A_LEAF = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its "
    ".grad attribute won't be populated during autograd.backward(). If you indeed want "
    "the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the "
    "non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you "
    "access the leaf Tensor instead."
)


class View:
    """How a tensor is a part of another, its base.

    Attributes:
      base: a tensor that is no view itself.
      part: takes a tensor of the engine in the base's shape, gives the part.
    """

    __slots__ = ("base", "part")

    def __init__(
        self, base: Tensor, part: Callable[[EagerTensor], EagerTensor]
    ) -> None:
        self.base, self.part = base, part

    def of(self, part: Callable[[EagerTensor], EagerTensor]) -> View:
        """A part of this part."""
        outer = self.part
        return View(self.base, lambda whole: part(outer(whole)))

    def positions(self) -> Any:
        """For each element of the part, where it lies in the base, flattened."""
        shape = self.base.shape
        order = np.arange(shape.numel(), dtype=np.int64).reshape(shape)
        with modes.running():
            return np.asarray(self.part(types.constant(order, types.NAMES["long"])))


class Tensor:
    """A value that can be computed with, differentiated and changed in place.

    Results remember what they were computed from while gradients are enabled and an
    operand requires them. `Tensor(data)` holds float32, as `tensor(data)` decides by
    the data.

    Attributes:
      requires_grad: whether derivatives with respect to it are wanted.
      grad: the derivatives accumulated so far, or None.
      grad_fn: what made it; None for a leaf.
    """

    __array_priority__ = 1000

    _value: EagerTensor
    _node: Node | None
    _leaf: bool
    _grad: Tensor | None
    _storage: Storage
    _seen: int
    _version_counter: Version
    _view: View | None
    _tracked: int
    _hooks: dict[int, Callable[..., Any]] | None
    _retains: bool

    if TYPE_CHECKING:  # `table` adds what the operations are called by

        def __getattr__(self, name: str) -> Any: ...

        # `derivatives` adds it
        def backward(
            self,
            gradient: Tensor | None = None,
            retain_graph: bool | None = None,
            create_graph: bool = False,
            inputs: Tensors | None = None,
        ) -> None: ...

        __add__: Any
        __radd__: Any
        __sub__: Any
        __rsub__: Any
        __mul__: Any
        __rmul__: Any
        __truediv__: Any
        __rtruediv__: Any
        __floordiv__: Any
        __mod__: Any
        __pow__: Any
        __rpow__: Any
        __matmul__: Any
        __neg__: Any
        __abs__: Any
        __lt__: Any
        __le__: Any
        __gt__: Any
        __ge__: Any
        __and__: Any
        __or__: Any
        __xor__: Any
        __invert__: Any
        __getitem__: Any
        __setitem__: Any

    def __new__(
        cls, data: TensorLike | Tensor = (), dtype: DTypeLike | None = None
    ) -> Tensor:
        """A float32 tensor of these numbers."""
        if isinstance(data, Tensor):
            data = data.detach()._engine
        value = np.array(data, types.as_dtype(dtype or types.default).as_numpy_dtype)
        return cls._of(EagerTensor(value, types.as_dtype(value.dtype)))

    @classmethod
    def _of(
        cls, value: EagerTensor, source: Source = None, *, hold: bool = True
    ) -> Tensor:
        """The tensor of a value of the engine.

        Args:
          value: a value that no other tensor has, unless `hold` is False.
          source: the node that made it.
          hold: whether changes of this tensor are changes of the value.
        """
        self = object.__new__(cls)
        self._node = source
        self._leaf = False
        self._grad = None
        self._storage = Storage(value._value)
        self._seen = 0
        self._version_counter = Version()
        self._view = None
        self._tracked = 0
        self._hooks = None
        self._retains = False
        self._value = value
        if hold:
            self._hold(value)
        return self

    def _hold(self, value: EagerTensor) -> None:
        """Have this value, at the present version."""
        self._value = value
        counter = self._version_counter
        value._at_version = (counter, counter.value)  # pyright: ignore[reportAttributeAccessIssue]

    def _share(self, other: Tensor) -> None:
        """Be another form of the same memory."""
        self._storage, self._seen = other._storage, other._storage.generation

    # ------------------------------------------------------------------ value

    @property
    def _engine(self) -> EagerTensor:
        """The engine's tensor with the present value."""
        if self._seen != self._storage.generation:
            self._refresh()
        return self._value

    def _refresh(self) -> None:
        """Take over a change that was made through another form of this memory."""
        old, view = self._value, self._view
        base = None if view is None else view.base
        if base is not None and base._tracked > self._seen and not self._leaf:
            value, self._node = recorded(view.part, base)  # pyright: ignore[reportOptionalMemberAccess]
        else:
            whole = EagerTensor(self._storage.value, old._dtype)
            if view is None:
                value = whole
            else:
                with modes.running():
                    value = same_value(view.part(whole))
            self._node = alias(value, old, self._node)
        self._seen = self._storage.generation
        self._hold(value)

    @property
    def _source(self) -> Source:
        """What derivatives that reach this tensor go on to."""
        return self._node or (self if self._leaf else None)

    @property
    def data(self) -> Tensor:
        """The same memory, without history; changes through it are not noticed."""
        other = self.detach()
        other._version_counter = Version()
        other._hold(other._value)
        return other

    @data.setter
    def data(self, new: Tensor) -> None:
        if not isinstance(new, Tensor):
            raise TypeError(
                f"Variable data has to be a tensor, but got {type(new).__name__}"
            )
        value = same_value(new._engine)
        self._share(new)
        self._view = None
        self._node = alias(value, self._value, self._node)
        self._hold(value)

    def detach(self) -> Tensor:
        """The same memory, without history: not to be differentiated through."""
        other = type(self)._of(same_value(self._engine))
        other._share(self)
        other._version_counter = self._version_counter
        other._hold(other._value)
        if self._view is not None:
            base = self._view.base.detach()
            other._view = View(base, self._view.part)
        return other

    def numpy(self) -> Any:
        """The value as an array of its own: changing it does not change the tensor.

        Raises:
          RuntimeError: the tensor requires grad.
        """
        if self.requires_grad:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use "
                "tensor.detach().numpy() instead."
            )
        return np.array(self._engine._value)

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> Any:
        del copy
        found = self.numpy()
        return found if dtype is None else found.astype(dtype)

    def item(self) -> Any:
        """The one element as a Python number.

        Raises:
          RuntimeError: there is not just one.
        """
        if self.numel() != 1:
            raise RuntimeError(
                f"a Tensor with {self.numel()} elements cannot be converted to Scalar"
            )
        return np.asarray(self._engine._value).reshape(()).item()

    def tolist(self) -> Any:
        """The value as nested lists of Python numbers."""
        return np.asarray(self._engine._value).tolist()

    # ------------------------------------------------------------------ description

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._value._dtype

    @property
    def shape(self) -> Size:
        """The size of each dimension."""
        return Size(self._engine._shape_raw)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """How many dimensions there are."""
        return len(self._engine._shape_raw)

    @property
    def ndim(self) -> int:
        """How many dimensions there are."""
        return self.dim()

    def numel(self) -> int:
        """How many elements there are."""
        return self.shape.numel()

    nelement = numel

    @property
    def device(self) -> str:
        """Where the value is: `cpu`."""
        return "cpu"

    def is_floating_point(self) -> bool:
        """Whether the elements are real numbers."""
        return self.dtype.is_floating

    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self.dtype.is_complex

    def __repr__(self) -> str:
        return text_of(self)

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        if not self.dim():
            return format(self.item(), spec) if spec else repr(self)
        return format(repr(self), spec)

    def __len__(self) -> int:
        if not self.dim():
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.dim():
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(len(self))])

    def __bool__(self) -> bool:
        if self.numel() != 1:
            some = "more than one value" if self.numel() else "no values"
            raise RuntimeError(f"Boolean value of Tensor with {some} is ambiguous")
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if not (self.dtype.is_integer or self.dtype.is_bool) or self.numel() != 1:
            raise TypeError(
                "only integer tensors of a single element can be converted to an index"
            )
        return int(self.item())

    def __hash__(self) -> int:
        return id(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support "
                "the deepcopy protocol at the moment."
            )
        copied = type(self)._of(same_value(self._engine))
        memo[id(self)] = copied
        copied._leaf = self._leaf
        if self._grad is not None:
            copied._grad = self._grad.__deepcopy__(memo)
        return copied

    # ------------------------------------------------------------------ gradients

    @property
    def requires_grad(self) -> bool:
        """Whether derivatives with respect to this tensor are wanted."""
        if self._seen != self._storage.generation:
            self._refresh()
        return self._leaf or self._node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        self.requires_grad_(wanted)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Say whether derivatives with respect to this leaf are wanted; itself.

        Raises:
          RuntimeError: it is not a leaf, or does not hold real or complex numbers.
        """
        if self._node is not None and not requires_grad:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you "
                "want to use a computed variable in a subgraph that doesn't require "
                "differentiation use var_no_grad = var.detach()."
            )
        if requires_grad and not types.is_differentiable(self.dtype):
            raise RuntimeError(
                message(
                    "only Tensors of floating point dtype can require gradients",
                    got=f"{self.dtype.name}{list(self.shape)}",
                    fix="x.float().requires_grad_()",
                )
            )
        self._leaf = requires_grad and self._node is None
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no operation that is differentiated made this tensor."""
        return not self.requires_grad or self._node is None

    @property
    def grad_fn(self) -> Node | None:
        """What made this tensor; None for a leaf."""
        return self._node if self.requires_grad else None

    @property
    def grad(self) -> Tensor | None:
        """The derivatives that `backward` has accumulated, or None."""
        if self._grad is None and self._node is not None and not self._retains:
            warnings.warn(_NOT_A_LEAF, UserWarning, stacklevel=2)
        return self._grad

    @grad.setter
    def grad(self, new: Tensor | None) -> None:
        if new is not None:
            self._check_grad(new)
        self._grad = new

    def _check_grad(self, new: object) -> None:
        if not isinstance(new, Tensor):
            raise TypeError(
                "assigned grad expected to be a Tensor or None but got grad of type "
                f"{type(new).__name__}"
            )
        if new.shape != self.shape:
            raise RuntimeError(
                f"attempting to assign a gradient of size '{list(new.shape)}' to a "
                f"tensor of size '{list(self.shape)}'. Please ensure that the gradient "
                "and the tensor are the same size"
            )
        if new.dtype is not self.dtype:
            raise RuntimeError(
                f"attempting to assign a gradient with dtype '{new.dtype.name}' to a "
                f"tensor with grad_dtype '{types.title(self.dtype)}'. The gradient "
                "must match the tensor's grad_dtype (defaults to the tensor's dtype)."
            )

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called."""
        return self._retains

    def retain_grad(self) -> None:
        """Keep the derivative with respect to this result in `grad` as well.

        Raises:
          RuntimeError: the tensor does not require grad.
        """
        if not self.requires_grad:
            raise RuntimeError(
                "can't retain_grad on Tensor that has requires_grad=False"
            )
        if self._node is not None:
            self._node.retained[self._value] = weakref.ref(self)
            self._retains = True

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Handle:
        """Call `hook` with the derivative with respect to this tensor when it is known.

        What it returns, unless None, takes the derivative's place.

        Raises:
          RuntimeError: the tensor does not require grad.
        """
        if not self.requires_grad:
            raise RuntimeError(
                "cannot register a hook on a tensor that doesn't require gradient"
            )
        if self._node is not None:
            hooks = self._node.hooks.setdefault(self._value, {})
        else:
            hooks = self._hooks = self._hooks or {}
        return Handle(hooks, hook)

    @property
    def _version(self) -> int:
        """How often this memory was changed in place."""
        return self._version_counter.value

    @property
    def _base(self) -> Tensor | None:
        """The tensor that this one is a view of, or None."""
        return None if self._view is None else self._view.base


class Handle:
    """What `register_hook` returns."""

    __slots__ = ("_hooks", "_key")
    _made = 0

    def __init__(self, hooks: dict[int, Any], hook: Callable[..., Any]) -> None:
        Handle._made += 1
        self._hooks, self._key = hooks, Handle._made
        hooks[self._key] = hook

    def remove(self) -> None:
        """Do not call the hook any more."""
        self._hooks.pop(self._key, None)


def is_tensor(obj: object) -> bool:
    """Whether `obj` is a tensor of this package."""
    return isinstance(obj, Tensor)


# ---------------------------------------------------------------------- computing


def tensors_in(values: Iterable[Any]) -> Iterator[Tensor]:
    """The tensors among arguments, those in lists and tuples included."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors_in(value)


def bare(value: Any) -> Any:
    """An argument with the engine's tensors in place of ours."""
    if isinstance(value, Tensor):
        return value._engine
    if type(value) in (list, tuple):
        return type(value)([bare(v) for v in value])
    return value


def recorder_for(tensors: Iterable[Tensor]) -> Recorder | None:
    """A recorder that knows those that require grad; None if nothing is to be kept."""
    if not modes.is_grad_enabled():
        return None
    recorder = Recorder()
    for tensor in tensors:
        if tensor.requires_grad:
            recorder.sources[tensor._engine] = tensor._source
    return recorder if recorder.sources else None


def recorded(
    function: Callable[..., Any], *args: object, **kwargs: object
) -> tuple[Any, Source]:
    """Call a function of the engine's tensors with the values of ours.

    Returns:
      Its result, a tensor of the engine that is none of the arguments, and its source.
    """
    recorder = recorder_for(tensors_in(args))
    with modes.running(recorder):
        result = function(*map(bare, args), **kwargs)
    return own(result, recorder)


def own(value: EagerTensor, recorder: Recorder | None) -> tuple[EagerTensor, Source]:
    """A result and its source; an argument that is handed on is a tensor of its own."""
    source = None if recorder is None else recorder.sources.get(value)
    if not hasattr(value, "_at_version"):
        return value, source
    fresh = same_value(value)
    return fresh, None if source is None else identity(fresh, value, source)
