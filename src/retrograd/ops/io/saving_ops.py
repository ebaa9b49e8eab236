"""Ops: checkpoints are written, read and merged: what `tf.train.Saver` is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import errors
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops import static
from retrograd.ops.declare import op
from retrograd.ops.infer import described, invalid, nothing, with_rank
from retrograd.ops.traits import Traits

if TYPE_CHECKING:
    from retrograd import dtypes
    from retrograd.typing import Array, Arrays


def _text(value: Array | bytes) -> str:
    item: Any = value[()] if isinstance(value, np.ndarray) else value
    return item.decode("utf-8", "surrogateescape") if isinstance(item, bytes) else item


def _texts(value: Array) -> list[str]:
    return [_text(item) for item in np.asarray(value, object).reshape(-1)]


def _invalid(text: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, text)


def _shown(array: Array) -> str:
    return "[" + ",".join(map(str, np.shape(array))) + "]"


def _check_vectors(
    prefix: Array, names: Array, specs: Array, count: int, saved: bool
) -> None:
    """Refuse what the shape rule could not know."""
    if np.ndim(prefix):
        raise _invalid(
            "Input prefix should be a scalar tensor, got "
            f"{np.ndim(prefix)} dimensions instead."
            if not saved
            else f"prefix should be a scalar, got {_shown(prefix)}"
        )
    for what, value in (("tensor_names", names), ("shape_and_slices", specs)):
        if np.ndim(value) != 1:
            raise _invalid(
                f"Input {what} should be an 1-D tensor, got {np.ndim(value)} "
                "dimensions instead."
            )
    if len(names) != len(specs):
        raise _invalid(
            "tensor_names and shape_and_slices have different number of elements: "
            f"{len(names)} vs. {len(specs)}"
        )
    if len(names) != count:
        raise _invalid(
            f"Got {len(names)} tensor names, {len(specs)} tensor shapes, but expected "
            f"{count} tensors."
        )


def _written(n: Operation) -> list[RawShape]:
    with_rank(n, 0, 0)
    count = len(n._inputs) - 3
    for index in (1, 2):
        (size,) = with_rank(n, index, 1)
        if size is not None and size != count:
            raise invalid(n, f"Dimension must be {count} but is {size}")
    return []


@op("SaveV2", infer=_written, host=True)
def save_v2(
    xp: Arrays,
    prefix: Array,
    tensor_names: Array,
    shape_and_slices: Array,
    *tensors: Array,
    n: Operation,
) -> tuple[()]:
    """Writes tensors, or slices of tensors, to a checkpoint."""
    del xp
    kinds: Sequence[dtypes.DType] = n.attrs["dtypes"]
    _check_vectors(prefix, tensor_names, shape_and_slices, len(tensors), True)
    names, specs = _texts(tensor_names), _texts(shape_and_slices)
    hooks.write_checkpoint(_text(prefix), names, specs, tensors, kinds)
    return ()


def _restored(n: Operation) -> list[RawShape]:
    """What the slices say, where they are constants."""
    with_rank(n, 0, 0)
    (names,), (slices,) = with_rank(n, 1, 1), with_rank(n, 2, 1)
    if names is not None and slices is not None and names != slices:
        raise invalid(
            n,
            f"Dimension 0 in both shapes must be equal, but are {names} and {slices}. "
            f"Shapes are [{names}] and [{slices}].",
        )
    specs = static.constant(n._inputs[2])
    if specs is None:
        return [None] * len(n._outputs)
    found = [_slice_shape(n, text) if text else None for text in _texts(specs)]
    if len(found) != len(n._outputs):
        raise invalid(n, "The number of shape_and_slice doesn't match tensor outputs.")
    return found


def _slice_shape(n: Operation, text: str) -> RawShape:
    """The shape of a slice, or the error of shape inference that it is."""
    try:
        return hooks.slice_shape(text)
    except errors.InternalError as error:
        raise errors.InternalError(
            None, None, f"{error.message} for {described(n)}."
        ) from None
    except errors.InvalidArgumentError as error:
        raise invalid(n, str(error.message)) from None


@op(
    "RestoreV2",
    infer=_restored,
    host=True,
    traits=Traits(apart=True),
)
def restore_v2(
    xp: Arrays,
    prefix: Array,
    tensor_names: Array,
    shape_and_slices: Array,
    *,
    n: Operation,
) -> Array | tuple[Array, ...]:
    """Tensors, or slices of tensors, of a checkpoint."""
    del xp
    kinds: Sequence[dtypes.DType] = n.attrs["dtypes"]
    _check_vectors(prefix, tensor_names, shape_and_slices, len(kinds), False)
    names, specs = _texts(tensor_names), _texts(shape_and_slices)
    found = hooks.read_checkpoint(_text(prefix), names, specs, kinds)
    return found[0] if len(found) == 1 else tuple(found)


def _merged(n: Operation) -> list[RawShape]:
    with_rank(n, 0, 1)
    with_rank(n, 1, 0)
    return []


@op("MergeV2Checkpoints", infer=_merged, host=True)
def merge_v2_checkpoints(
    xp: Arrays,
    checkpoint_prefixes: Array,
    destination_prefix: Array,
    *,
    delete_old_dirs: bool,
) -> tuple[()]:
    """Makes one checkpoint of several, whose files are moved."""
    del xp
    sources = _texts(checkpoint_prefixes)
    hooks.merge_checkpoints(sources, _text(destination_prefix), delete_old_dirs)
    return ()


def _bytes(text: str) -> Array:
    held = np.empty((), object)
    held[()] = text.encode("utf-8", "surrogateescape")
    return held


@op("SaveSlices", infer=nothing, host=True)
def save_slices(
    xp: Arrays,
    filename: Array,
    tensor_names: Array,
    shapes_and_slices: Array,
    *data: Array,
    n: Operation,
) -> tuple[()]:
    """Writes tensors, or slices of tensors, to a file of version 1."""
    del xp
    kinds: Sequence[dtypes.DType] = n.attrs["T"]
    names, specs = _texts(tensor_names), _texts(shapes_and_slices)
    if not len(names) == len(specs) == len(data):
        raise _invalid(
            f"Expected {len(data)} names for the tensors, but got {len(names)}"
        )
    hooks.write_slices(_text(filename), names, specs, data, kinds)
    return ()


@op("Save", infer=nothing, host=True)
def save(
    xp: Arrays, filename: Array, tensor_names: Array, *data: Array, n: Operation
) -> tuple[()]:
    """Writes tensors to a file of version 1."""
    del xp
    kinds: Sequence[dtypes.DType] = n.attrs["T"]
    names = _texts(tensor_names)
    if len(names) != len(data):
        raise _invalid(
            f"Expected {len(data)} names for the tensors, but got {len(names)}"
        )
    hooks.write_slices(_text(filename), names, [""] * len(names), data, kinds)
    return ()


def _restored_one(n: Operation) -> RawShape:
    if len(n._inputs) < 3:
        return None
    spec = static.constant(n._inputs[2])
    text = _text(spec) if spec is not None else ""
    return _slice_shape(n, text) if text else None


@op("Restore", infer=_restored_one, host=True)
def restore(
    xp: Arrays, file_pattern: Array, tensor_name: Array, *, n: Operation
) -> Array:
    """A tensor of a checkpoint."""
    del xp
    name, kind = _text(tensor_name), n.attrs["dt"]
    return hooks.read_checkpoint(_text(file_pattern), [name], [""], [kind])[0]


@op("RestoreSlice", infer=_restored_one, host=True)
def restore_slice(
    xp: Arrays,
    file_pattern: Array,
    tensor_name: Array,
    shape_and_slice: Array,
    *,
    n: Operation,
) -> Array:
    """A slice of a tensor of a checkpoint."""
    del xp
    names, specs = [_text(tensor_name)], [_text(shape_and_slice)]
    found = hooks.read_checkpoint(_text(file_pattern), names, specs, [n.attrs["dt"]])
    return found[0]
