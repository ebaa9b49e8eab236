"""Order of operations: no-ops, groups, gates, and the primitives of old control flow.

`Switch` sends its input one of two ways; what lies on the other way is *dead*: it does
not run, and its outputs are `DEAD`. The runtime sees to that (`run/interpret.py`); the
kernels below only ever meet `DEAD` in `Merge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import nest, shapes
from retrograd.graph import context, dispatch
from retrograd.graph.composite import IndexedSlices, convert_to_tensor_or_composite
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.operation import Operation
from retrograd.graph.specs import CompositeTensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import (
        CompositeLike,
        DTypeLike,
        OperationLike,
        Structure,
        TensorLike,
    )


# ---------------------------------------------------------------------- order


def no_op(name: str | None = None) -> Operation:
    """An operation that does nothing, to hang control dependencies on."""
    return F.NoOp(name=name)


def with_dependencies(
    dependencies: Iterable[OperationLike],
    output_tensor: CompositeLike,
    name: str | None = None,
) -> Any:
    """`output_tensor`, available once `dependencies` have run.

    Args:
      dependencies: operations or tensors.
      output_tensor: a tensor or IndexedSlices.
      name: the name of the identity that waits.
    """
    if context.executing_eagerly():
        return output_tensor
    before = list(dependencies)
    values = [*before, output_tensor]
    with dispatch.name_scope(name, "control_dependency", values) as scope:
        graph = context.get_default_graph()
        anchor = _composite(output_tensor).op
        with graph.colocate_with(anchor), graph.control_dependencies(before):
            output = convert_to_tensor_or_composite(output_tensor)
            if isinstance(output, Tensor):
                return _Identity(output, name=scope)
            return IndexedSlices(
                _Identity(output.values, name=scope),
                output.indices,
                output.dense_shape,
            )


def _gathered(
    place: str | None, deps: Sequence[OperationLike], name: str | None
) -> Operation:
    graph = context.get_default_graph()
    with graph.control_dependencies(deps):
        if place is None:
            return no_op(name)
        with graph.device(place):
            return no_op(name)


def group(*inputs: Structure, **kwargs: Any) -> Any:
    """An operation that has run when all of `inputs` have.

    Args:
      *inputs: operations, tensors, or nests of them.
      **kwargs: `name`, the name of the operation.

    Raises:
      TypeError: an input is neither.
      ValueError: another keyword argument.
    """
    if context.executing_eagerly():
        return None
    name = kwargs.pop("name", None)
    if kwargs:
        raise ValueError("Unknown keyword arguments: " + ", ".join(kwargs))
    with dispatch.name_scope(name, "group_deps", nest.flatten(inputs)) as scope:
        if not inputs:
            return no_op(scope)
        by_device: dict[str, list[OperationLike]] = {}
        for item in nest.flatten(inputs, expand_composites=True):
            if not hasattr(item, "device"):
                raise TypeError(
                    "Expected tf.group() expected Tensor arguments not "
                    f"'{item}' with type '{type(item)}'"
                )
            by_device.setdefault(item.device, []).append(item)
        if len(by_device) == 1:
            ((place, deps),) = by_device.items()
            return _gathered(place, deps, scope)
        parts = [
            _gathered(place, by_device[place], None)
            for place in sorted(by_device, key=lambda d: d or "")
        ]
        with context.get_default_graph().control_dependencies(parts):
            return no_op(scope)


def tuple(
    tensors: Sequence[CompositeLike | Operation | None],
    name: str | None = None,
    control_inputs: Iterable[OperationLike] | None = None,
) -> Any:
    """The same tensors, none available before all are.

    Args:
      tensors: tensors, IndexedSlices, operations; None stays None.
      name: the name scope.
      control_inputs: further operations to wait for.

    Raises:
      TypeError: a control input is neither operation nor tensor.
      ValueError: there is no tensor.
    """
    if context.executing_eagerly():
        return tensors
    with dispatch.name_scope(name, "tuple", list(tensors)):
        values: list[Any] = [
            t
            if t is None or isinstance(t, (Operation, Tensor, CompositeTensor))
            else convert_to_tensor(t)
            for t in tensors
        ]
        gates = [
            t if isinstance(t, Operation) else t.op for t in values if t is not None
        ]
        for control in control_inputs or ():
            if isinstance(control, Tensor):
                control = control.op
            elif not isinstance(control, Operation):
                raise TypeError(f"Control input must be Operation or Tensor: {control}")
            gates.append(control)
        if not gates:
            raise ValueError(f"Must have at least one Tensor: {values}")
        gate = group(*sorted(set(gates), key=lambda o: o._id))
        return [_gated(gate, value) for value in values]


def _gated(gate: Operation, value: CompositeLike | Operation | None) -> Any:
    if value is None:
        return None
    if isinstance(value, Operation):
        with context.get_default_graph().control_dependencies([gate]):
            return group(value)
    return with_dependencies([gate], value)


def tuple_v2(
    tensors: Sequence[CompositeLike | Operation | None],
    control_inputs: Iterable[OperationLike] | None = None,
    name: str | None = None,
) -> Any:
    """As `tuple`, with the arguments of TensorFlow 2."""
    return tuple(tensors, name, control_inputs)


# ---------------------------------------------------------------------- primitives


def _mapped(function: Callable[..., Any], data: CompositeLike) -> Any:
    """`function` of each tensor that `data` is made of."""
    if not isinstance(data, CompositeTensor):
        raise TypeError(f"Type {type(data)} not supported")
    return nest.map_structure(function, data, expand_composites=True)


def _composite(
    value: CompositeLike, dtype: DTypeLike | None = None, name: str | None = None
) -> Any:
    return convert_to_tensor_or_composite(value, dtype, name, as_ref=True)


def _Identity(data: CompositeLike, name: str | None = None) -> Any:
    """`data` through an identity; a reference stays one."""
    data = _composite(data)
    if isinstance(data, Tensor):
        kind = F.RefIdentity if data.dtype._is_ref_dtype else F.Identity
        return kind(data, name=name)
    return _mapped(_Identity, data)


def _NextIteration(data: CompositeLike, name: str | None = None) -> Any:
    """`data`, in the next iteration of a loop."""
    data = _composite(data)
    if isinstance(data, Tensor):
        kind = F.RefNextIteration if data.dtype._is_ref_dtype else F.NextIteration
        return kind(data, name=name)
    return _mapped(_NextIteration, data)


def _Enter(
    data: CompositeLike,
    frame_name: str,
    is_constant: bool = False,
    parallel_iterations: int = 10,
    use_ref: bool = True,
    use_input_shape: bool = True,
    name: str | None = None,
) -> Any:
    """`data`, inside the loop frame `frame_name`."""
    data = _composite(data)
    if isinstance(data, Tensor):
        kind = F.RefEnter if data.dtype._is_ref_dtype and use_ref else F.Enter
        entered = kind(
            data,
            frame_name=frame_name,
            is_constant=is_constant,
            parallel_iterations=parallel_iterations,
            name=name,
        )
        if use_input_shape:
            entered.set_shape(data.shape)
        return entered
    return _mapped(
        lambda t: _Enter(
            t, frame_name, is_constant, parallel_iterations, use_ref, use_input_shape
        ),
        data,
    )


def exit(data: CompositeLike, name: str | None = None) -> Any:
    """`data`, outside the loop frame it is in."""
    data = _composite(data)
    if isinstance(data, Tensor):
        kind = F.RefExit if data.dtype._is_ref_dtype else F.Exit
        return kind(data, name=name)
    return _mapped(exit, data)


def next_iteration(data: TensorLike, name: str | None = None) -> Tensor:
    """`data`, in the next iteration of a loop."""
    return F.NextIteration(data, name=name)


def loop_cond(input: TensorLike, name: str | None = None) -> Tensor:
    """The condition of a loop."""
    return F.LoopCond(input, name=name)


def switch(
    data: CompositeLike,
    pred: TensorLike,
    dtype: DTypeLike | None = None,
    name: str | None = None,
) -> Any:
    """`data` as (output_false, output_true), one of them dead.

    Args:
      data: a tensor, IndexedSlices or sparse tensor.
      pred: a scalar bool that says which output is alive.
      dtype: the dtype of `data`, where it is no tensor yet.
      name: the name of the operation.
    """
    values = [v for v in (data, pred) if isinstance(v, (Tensor, CompositeTensor))]
    with dispatch.name_scope(name, "Switch", values) as scope:
        data = _composite(data, dtype, "data")
        pred = convert_to_tensor(pred, name="pred")
        if isinstance(data, Tensor):
            return F.Switch(data, pred, name=scope)
        if not isinstance(data, CompositeTensor):
            raise TypeError(f"Type {type(data)} not supported")
        parts = nest.flatten(data, expand_composites=True)
        no, yes = zip(*[F.Switch(t, pred) for t in parts], strict=True)
        return (
            nest.pack_sequence_as(data, no, expand_composites=True),
            nest.pack_sequence_as(data, yes, expand_composites=True),
        )


def ref_switch(data: TensorLike, pred: TensorLike, name: str | None = None) -> Any:
    """`switch` for a reference to a variable."""
    return F.RefSwitch(data, pred, name=name)


def ref_select(
    index: TensorLike, inputs: Sequence[TensorLike], name: str | None = None
) -> Tensor:
    """The reference among `inputs` that `index` says."""
    return F.RefSelect(index, inputs, name=name)


def _SwitchRefOrTensor(
    data: CompositeLike, pred: TensorLike, name: str = "Switch"
) -> Any:
    """`switch`, or `ref_switch` for a reference."""
    held = _composite(data, name="data")
    with context.get_default_graph().colocate_with(held.op, ignore_existing=True):
        if isinstance(held, Tensor) and held.dtype._is_ref_dtype:
            return ref_switch(held, pred, name=name)
        return switch(held, pred, name=name)


def merge(inputs: Sequence[CompositeLike], name: str | None = None) -> Any:
    """The input that is alive, and its index.

    Args:
      inputs: tensors, or IndexedSlices, or both; or sparse tensors.
      name: the name of the operation.

    Raises:
      ValueError: an input is None.
    """
    if any(i is None for i in inputs):
        raise ValueError(f"At least one of the merge inputs is None: {inputs}")
    with dispatch.name_scope(name, "Merge", list(inputs)) as scope:
        values = [_composite(i) for i in inputs]
        if all(isinstance(v, Tensor) for v in values):
            refs = all(v.dtype._is_ref_dtype for v in values)
            return (F.RefMerge if refs else F.Merge)(values, name=scope)
        values = _as_slices(values)
        for value in values:
            if not isinstance(value, CompositeTensor):
                raise TypeError(f"Type {type(value)} not supported")
            nest.assert_same_structure(values[0], value, expand_composites=True)
        flat = [nest.flatten(v, expand_composites=True) for v in values]
        merged = [F.Merge(list(parts)) for parts in zip(*flat, strict=True)]
        whole = nest.pack_sequence_as(
            values[0], [m[0] for m in merged], expand_composites=True
        )
        return whole, merged[0][1]


def _as_slices(values: list[Any]) -> list[Any]:
    """All as IndexedSlices, where they are those or tensors."""
    if not all(isinstance(v, (IndexedSlices, Tensor)) for v in values):
        return values
    return [as_indexed_slices(v) if isinstance(v, Tensor) else v for v in values]


def as_indexed_slices(tensor: Tensor) -> IndexedSlices:
    """A tensor as the slices of itself along the first axis."""
    from retrograd.ops.array.constant import constant

    raw = tensor._shape_raw
    shape = F.Shape(tensor)
    if raw is not None and raw and raw[0] is not None:
        rows: Any = constant(np.arange(raw[0], dtype=np.int32))
    else:
        zero = constant([0], np.int32)
        size = F.StridedSlice(
            shape,
            zero,
            constant([1], np.int32),
            constant([1], np.int32),
            shrink_axis_mask=1,
        )
        rows = F.Range(constant(0, np.int32), size, constant(1, np.int32))
    return IndexedSlices(tensor, rows, shape)


def shape_less_than_or_equal(
    shape1: shapes.TensorShape, shape2: shapes.TensorShape
) -> bool:
    """Whether all that is known of `shape2` is known, and the same, of `shape1`."""
    first, second = shapes.raw(shape1), shapes.raw(shape2)
    if second is None:
        return True
    if first is None or len(first) != len(second):
        return False
    return all(b is None or a == b for a, b in zip(first, second, strict=True))


_ShapeLessThanOrEqual = shape_less_than_or_equal
