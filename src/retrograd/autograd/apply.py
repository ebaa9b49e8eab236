"""Functions of the engine's tensors as functions of ours, recorded or in place."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.autograd import modes, types
from retrograd.autograd.graph import Node, Recorder, Source, alias
from retrograd.autograd.tensors import (
    Tensor,
    View,
    bare,
    own,
    recorded,
    recorder_for,
    tensors_in,
)
from retrograd.errors import message
from retrograd.ops.declare import F
from retrograd.run.eager import EagerTensor

if TYPE_CHECKING:
    from retrograd.typing import Array

Function = Callable[..., Any]

#: what PyTorch calls the change of a tensor through a part of it
PART_WRITTEN = "torch::autograd::CopySlices"
LEAF_CHANGED = (
    "a leaf Variable that requires grad is being used in an in-place operation."
)


def wrapped(value: object, recorder: Recorder | None, title: str) -> Any:
    """A result with our tensors in place of the engine's."""
    if isinstance(value, EagerTensor):
        value, source = own(value, recorder)
        if isinstance(source, Node):
            source.title = title
        return Tensor._of(value, source)
    if isinstance(value, (list, tuple)):
        parts = [wrapped(v, recorder, title) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def differentiable(function: Function, title: str, view: bool = False) -> Function:
    """A function of our tensors from one of the engine's, which recording sees into.

    Args:
      function: takes tensors of the engine, numbers and options, and makes tensors.
      title: what PyTorch calls the operation, for `grad_fn`.
      view: whether results are parts of the first argument, sharing its memory.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: object) -> Any:
        named = {key: bare(value) for key, value in kwargs.items()}
        recorder = recorder_for(tensors_in((*args, *kwargs.values())))
        values = [bare(a) for a in args]
        with modes.running(recorder):
            result = function(*values, **named)
        result = wrapped(result, recorder, title)
        if view:
            _share(args[0], result, lambda x: function(x, *values[1:], **named))
        return result

    return call


def _share(whole: Tensor, result: Any, part: Function) -> None:
    """Make results views of the tensor they are parts of."""
    if isinstance(result, Tensor):
        of = whole._view
        result._view = View(whole, part) if of is None else of.of(part)
        result._share(whole)
        result._version_counter = whole._version_counter
        result._hold(result._value)
        return
    for index, piece in enumerate(result):
        _share(whole, piece, lambda x, i=index: part(x)[i])


# ---------------------------------------------------------------------- in place


def in_place(function: Function, title: str) -> Function:
    """A method that gives its tensor the value of `function`, in the same memory."""

    @functools.wraps(function)
    def method(self: Tensor, *args: object, **kwargs: object) -> Tensor:
        check_writable(self)

        def computed(x: EagerTensor, *others: object) -> EagerTensor:
            # rules may read the value that is replaced: it is theirs alone
            return _fitting(function(F.Identity(x), *others, **kwargs), x)

        write(self, *recorded(computed, self, *args), title)
        return self

    return method


def _fitting(result: EagerTensor, x: EagerTensor) -> EagerTensor:
    """A result in the type of the tensor it is written to.

    Raises:
      RuntimeError: it has another shape, or cannot be brought to that type.
    """
    if types.category(result._dtype) > types.category(x._dtype):
        mine, other = types.title(x._dtype), types.title(result._dtype)
        raise RuntimeError(
            f"result type {other} can't be cast to the desired output type {mine}"
        )
    if result._shape_raw != x._shape_raw:
        raise RuntimeError(
            f"output with shape {list(x._shape_raw)} doesn't match the broadcast shape "
            f"{list(result._shape_raw)}"
        )
    return types.cast(result, x._dtype)


def check_writable(x: Tensor) -> None:
    """Refuse to change what gradients are wanted for.

    Raises:
      RuntimeError: `x` is a leaf that requires grad, or a view of one, and gradients
        are enabled.
    """
    if not modes.is_grad_enabled():
        return
    fix = "change it inside `with no_grad():`, or compute a new tensor"
    if x._leaf:
        raise RuntimeError(message(LEAF_CHANGED, fix=fix))
    if x._view is not None and x._view.base._leaf:
        text = LEAF_CHANGED.replace("a leaf", "a view of a leaf")
        raise RuntimeError(message(text, fix=fix))


def write(x: Tensor, value: EagerTensor, source: Source, title: str) -> None:
    """Give a tensor another value, in the same memory: its views change as well.

    Args:
      x: the tensor.
      value: the new value, in its shape and type.
      source: what made it. Where gradients are not enabled, x keeps its own history.
      title: what PyTorch calls the operation.
    """
    tracked = modes.is_grad_enabled()
    if not tracked:
        source = alias(value, x._engine, x._node)
    if isinstance(source, Node) and tracked:
        source.title = title
    view = x._view
    if view is None:
        _replace(x, value, source, tracked)
        return
    base = view.base
    _replace(base, *_with_part(base, view, value, source, tracked), tracked)
    x._node = source
    x._seen = x._storage.generation
    x._hold(value)


def _replace(x: Tensor, value: EagerTensor, source: Source, tracked: bool) -> None:
    made_by = source if isinstance(source, Node) else None
    x._version_counter.value += 1
    x._version_counter.title = made_by.title if made_by else ""
    storage = x._storage
    storage.generation += 1
    storage.value = value._value
    x._seen = storage.generation
    if tracked:
        x._tracked = storage.generation
    x._node = made_by
    x._hold(value)


def _with_part(
    base: Tensor, view: View, value: EagerTensor, source: Source, tracked: bool
) -> tuple[EagerTensor, Source]:
    """The value of a base whose part is replaced, and its source."""
    positions = view.positions()
    if len(np.unique(positions)) < positions.size:
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor "
            "refers to a single memory location. Please clone() the tensor before "
            "performing the operation."
        )
    old = base._engine
    recorder = None
    if tracked:
        recorder = recorder_for([base]) or Recorder()
        if source is not None:
            recorder.sources[value] = source
    with modes.running(recorder):
        new = put(old, positions, value)
    if recorder is None:
        return new, alias(new, old, base._node)
    made_by = recorder.sources.get(new)
    if isinstance(made_by, Node):
        made_by.title = PART_WRITTEN
    return new, made_by


def put(x: EagerTensor, positions: Array, part: EagerTensor) -> EagerTensor:
    """`x` with other elements at flat positions.

    Args:
      x: any tensor.
      positions: an integer array, each element at most once.
      part: the new elements, in the shape of `positions`.
    """
    flat = F.Reshape(x, [-1])
    where = types.constant(positions.reshape(-1, 1), dtypes.int64)
    changed = F.TensorScatterUpdate(flat, where, F.Reshape(part, [-1]))
    return F.Reshape(changed, list(x._shape_raw))
