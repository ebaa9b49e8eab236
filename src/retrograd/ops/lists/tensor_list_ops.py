"""Lists of tensors as values: what TensorArrays and the histories of loops are made of.

What is known of the elements of a list is kept with the tensor that stands for it
(`graph.tensor.Held`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retrograd import dtypes, shapes
from retrograd.arrays.array_rules import (
    check_lengths,
    check_total,
    from_text,
    refused,
    text_of,
)
from retrograd.arrays.list_value import TensorList, shape_from
from retrograd.graph import opdef
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Held, RawShape, Tensor
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, Facts, op
from retrograd.ops.infer import invalid, merged, same_dim, with_rank_at_least
from retrograd.ops.static import constant, constant_as_shape
from retrograd.ops.traits import Kind, Traits

if TYPE_CHECKING:
    from retrograd.typing import (
        Array,
        Arrays,
        Gradient,
        ShapeLike,
        TensorLike,
        Value,
    )

    #: a static shape, or a tensor that says one: −1 for what is not known
    ElementShape: TypeAlias = ShapeLike | Tensor | Array


def _holding(n: Operation, shape: RawShape) -> Facts:
    """A list of elements of the operation's dtype."""
    return Facts(Held(shape, n.attrs["element_dtype"]))


def _same_list(n: Operation, what: str) -> RawShape:
    """The element shape of the list that is input 0; None where it is not known.

    Raises:
      ValueError: its elements are of another dtype than the operation takes.
    """
    known = n._inputs[0]._held
    if known is None:
        return None
    wanted = n.attrs.get("element_dtype")
    if wanted is not None and known.dtype is not None and known.dtype is not wanted:
        raise invalid(n, what.format(known.dtype.name, wanted.name))
    return known.shape


_READ = "Expected list with element dtype {} but got list with element dtype {}"
_PUSHED = (
    "Trying to push to list with wrong element dtype. List has type {} but trying to "
    "push element with type {}"
)
_POPPED = (
    "Trying to read from list with wrong element dtype. List has type {} but trying to "
    "push element with type {}"
)


def _wanted_shape(n: Operation, index: int) -> RawShape:
    """The static shape that an element_shape input gives."""
    tensor = n._inputs[index]
    if tensor._shape_raw != ():
        return constant_as_shape(tensor)
    value = constant(tensor)
    if value is not None and value != -1:
        word = opdef.type_word(tensor.dtype)
        raise ValueError(
            "Received an invalid shape scalar with a static value that is not '-1': "
            f"Tensor<type: {word} shape: [] values: {value}>"
        )
    return None


def _fresh(n: Operation) -> Facts:
    return _holding(n, _wanted_shape(n, 0))


def _pushed(n: Operation) -> Facts:
    shape = _same_list(n, _PUSHED)
    merged(n, shape, n._inputs[1]._shape_raw)
    return _holding(n, shape)


def _popped(n: Operation) -> list[RawShape | Facts]:
    shape = _same_list(n, _POPPED)
    return [_holding(n, shape), shape]


def _after_first(n: Operation, raw: RawShape) -> RawShape:
    if raw is None:
        return None
    if not raw:
        raise invalid(n, "Shape must be at least rank 1 but is rank 0")
    return raw[1:]


def _from_tensor(n: Operation) -> Facts:
    wanted = _wanted_shape(n, 1)
    if n._inputs[0]._shape_raw != ():
        merged(n, _after_first(n, n._inputs[0]._shape_raw), wanted)
    return _holding(n, wanted)


def _stacked(n: Operation) -> RawShape:
    shape = merged(n, _same_list(n, _READ), _wanted_shape(n, 1))
    if shape is None:
        return None
    count = n.attrs["num_elements"]
    return (None if count < 0 else count, *shape)


def _got(n: Operation) -> RawShape:
    return merged(n, _same_list(n, _READ), _wanted_shape(n, 2))


def _replaced(n: Operation) -> Facts:
    shape = _same_list(n, _READ)
    merged(n, n._inputs[2]._shape_raw, shape)
    return _holding(n, shape)


def _gathered(n: Operation) -> RawShape:
    shape, count = _got(n), n._inputs[1]._shape_raw
    return None if shape is None or count is None else (*count, *shape)


def _scattered(n: Operation) -> Facts:
    return _holding(n, _wanted_shape(n, 2))


def _scattered_into(n: Operation) -> Facts:
    return _holding(n, _same_list(n, _READ))


def _split(n: Operation) -> Facts:
    raw, wanted = n._inputs[0]._shape_raw, _wanted_shape(n, 1)
    rest = _after_first(n, raw)
    merged(n, None if rest is None else (None, *rest), wanted)
    return _holding(n, wanted)


def _joined(n: Operation, shape: RawShape) -> list[RawShape]:
    shape = merged(n, shape, _same_list(n, _READ))
    return [None if shape is None else (None, *shape[1:]), (None,)]


def _same_handle(n: Operation) -> Facts:
    return Facts(n._inputs[0]._held)


def _element_shape_shape(n: Operation) -> RawShape:
    known = n._inputs[0]._held
    if known is None or known.shape is None:
        return None if known is None else (None,)
    return (len(known.shape),)


# ---------------------------------------------------------------------- making lists


#: the attribute that says what a TensorArray of version 1 allows, and the one with its
#: size
RULES, PLACES = "_tensor_array", "_tensor_array_size"


def _element_dtype(n: Operation) -> dtypes.DType:
    return n.attrs["element_dtype"]


def _array(made: TensorList, n: Operation) -> TensorList:
    """A list that an operation has made, as a TensorArray if it is noted as one."""
    text = n.attrs.get(RULES)
    if text is None:
        return made
    rules, name = from_text(text)
    return made.as_array(rules, name or n.name)


@op(
    "EmptyTensorList",
    infer=_fresh,
    static="element_shape",
    pure=False,
)
def empty(xp: Arrays, shape: Array, limit: Array, *, n: Operation) -> TensorList:
    """A list without elements."""
    most = int(limit) if isinstance(limit, np.ndarray | np.generic) else -1
    return xp.new_list(0, _element_dtype(n), shape_from(shape), most)


@op(
    "TensorListReserve",
    infer=_fresh,
    static=("element_shape", "num_elements"),
    pure=False,
)
def reserve(xp: Arrays, shape: Array, count: Array, *, n: Operation) -> TensorList:
    """A list of elements that are not set."""
    if RULES in n.attrs:
        if np.ndim(count):
            raise refused(
                "TensorArray size must be scalar, but had shape: "
                f"{text_of(np.shape(count))}"
            )
        if count < 0:
            raise refused("Size should be >= 0.")
    return _array(xp.new_list(int(count), _element_dtype(n), shape_from(shape)), n)


def _from_tensor_gradient(n: Operation, dlist: Tensor) -> tuple[Tensor | None, ...]:
    tensor = n.inputs[0]
    raw = tensor._shape_raw
    count = -1 if raw is None or raw[0] is None else raw[0]
    back = F.TensorListStack(
        dlist,
        _rest_of_shape(tensor),
        element_dtype=tensor.dtype.base_dtype,
        num_elements=count,
    )
    return back, None


def _rest_of_shape(tensor: Tensor) -> Tensor:
    """All but the first size of a tensor."""
    return F.Slice(F.Shape(tensor), np.array([1], np.int32), np.array([-1], np.int32))


@op(
    "TensorListFromTensor",
    infer=_from_tensor,
    grad=_from_tensor_gradient,
    static="element_shape",
    pure=False,
    math="B[i] = xᵢ",
    notation=dict(tensor="x̄ᵢ = B̄[i]"),
)
def from_tensor(xp: Arrays, tensor: Array, shape: Array, *, n: Operation) -> TensorList:
    """A list of what a tensor holds along its first axis."""
    wanted = shape_from(shape)
    if not shapes.compatible(wanted, tensor.shape[1:]):
        raise refused(
            "Specified a list with shape "
            f"{text_of(wanted)} from a tensor with shape {text_of(tensor.shape[1:])}"
        )
    return _array(xp.list_of(tensor, _element_dtype(n), wanted), n)


# ---------------------------------------------------------------------- one element


def _push_gradient(n: Operation, dlist: Tensor) -> Sequence[Gradient]:
    return F.TensorListPopBack(
        dlist, F.Shape(n.inputs[1]), element_dtype=n.attrs["element_dtype"]
    )


@op(
    "TensorListPushBack",
    infer=_pushed,
    grad=_push_gradient,
    pure=False,
    math="B = A with x behind it",
    notation=dict(
        input_handle="Ā = B̄ without its last element", tensor="x̄ = last element of B̄"
    ),
    traits=Traits(kind=Kind.APPEND),
)
def push_back(xp: Arrays, handle: TensorList, value: Value) -> TensorList:
    """A list with one more element."""
    del xp
    return handle.push(value)


def _pop_gradient(
    n: Operation, dlist: Tensor, dvalue: Tensor
) -> tuple[Tensor | None, ...]:
    return F.TensorListPushBack(dlist, dvalue), None


@op(
    "TensorListPopBack",
    infer=_popped,
    grad=_pop_gradient,
    static="element_shape",
    pure=False,
    math="B = A without its last element; y = that element",
    notation=dict(input_handle="Ā = B̄ with ȳ behind it"),
)
def pop_back(xp: Arrays, handle: TensorList, shape: Array) -> tuple[Value, ...]:
    """A list less its last element, and that element."""
    del xp
    return handle.pop(shape_from(shape))


def _get_gradient(n: Operation, dvalue: Tensor) -> tuple[Tensor | None, ...]:
    handle = n.inputs[0]
    zeros = F.TensorListReserve(
        F.TensorListElementShape(handle, shape_type=dtypes.int32),
        F.TensorListLength(handle),
        element_dtype=dvalue.dtype.base_dtype,
    )
    return F.TensorListSetItem(zeros, n.inputs[1], dvalue), None, None


@op(
    "TensorListGetItem",
    infer=_got,
    grad=_get_gradient,
    static="element_shape",
    pure=False,
    math="y = A[i]",
    notation=dict(input_handle="Ā = ȳ at i, 0 elsewhere", index="i"),
)
def get_item(xp: Arrays, handle: TensorList, index: Array, shape: Array) -> Value:
    """One element of a list."""
    del xp
    return handle.get(index, shape_from(shape))


def _set_gradient(n: Operation, dlist: Tensor) -> tuple[Tensor | None, ...]:
    _, index, value = n.inputs
    rest = F.TensorListSetItem(dlist, index, F.ZerosLike(value))
    own = F.TensorListGetItem(
        dlist, index, F.Shape(value), element_dtype=value.dtype.base_dtype
    )
    return rest, None, own


@op(
    "TensorListSetItem",
    infer=_replaced,
    grad=_set_gradient,
    pure=False,
    math="B = A, B[i] = x",
    notation=dict(input_handle="Ā = B̄, 0 at i", index="i", item="x̄ = B̄[i]"),
)
def set_item(xp: Arrays, handle: TensorList, index: Array, value: Array) -> TensorList:
    """A list with another element in one place."""
    del xp
    return handle.set(index, value)


# ---------------------------------------------------------------------- all elements


def _stack_gradient(n: Operation, dtensor: Tensor) -> tuple[Tensor | None, ...]:
    raw = dtensor._shape_raw
    shape = element_shape_input(None if raw is None else raw[1:])
    return F.TensorListFromTensor(dtensor, shape), None


@op(
    "TensorListStack",
    infer=_stacked,
    grad=_stack_gradient,
    static="element_shape",
    pure=False,
    math="yᵢ = A[i]",
    notation=dict(input_handle="Ā[i] = ȳᵢ"),
)
def stack(xp: Arrays, handle: TensorList, shape: Array, *, num_elements: int) -> Array:
    """The elements of a list along a new first axis."""
    del xp
    return handle.stack(shape_from(shape), num_elements)


def _gather_gradient(n: Operation, dtensor: Tensor) -> tuple[Tensor | None, ...]:
    handle, indices, _ = n.inputs
    zeros = F.TensorListReserve(
        F.TensorListElementShape(handle, shape_type=dtypes.int32),
        F.TensorListLength(handle),
        element_dtype=dtensor.dtype.base_dtype,
    )
    return F.TensorListScatterIntoExistingList(zeros, dtensor, indices), None, None


@op(
    "TensorListGather",
    infer=_gathered,
    grad=_gather_gradient,
    static="element_shape",
    pure=False,
    math="yⱼ = A[iⱼ]",
    notation=dict(input_handle="Ā = ȳⱼ at iⱼ, 0 elsewhere", indices="i"),
)
def gather(xp: Arrays, handle: TensorList, indices: Array, shape: Array) -> Array:
    """The elements with the given indices along a new first axis."""
    del xp
    return handle.gather(indices, shape_from(shape))


def _gathered_back(n: Operation, dlist: Tensor) -> Tensor:
    tensor = n.inputs[0]
    return F.TensorListGather(
        dlist,
        n.inputs[1],
        _rest_of_shape(tensor),
        element_dtype=tensor.dtype.base_dtype,
    )


def _placed(
    xp: Arrays, tensor: Array, indices: Array, shape: Array, count: int, n: Operation
) -> TensorList:
    empty = xp.new_list(max(count, 0), _element_dtype(n), shape_from(shape))
    made = empty.scatter(tensor, indices)
    if count not in (-1, int(made.count())):
        worst = int(np.max(indices))
        raise refused(
            f"TensorListScatter: Trying to scatter at index {worst} in list with size "
            f"{count}"
        )
    return made


@op(
    "TensorListScatter",
    infer=_scattered,
    grad=lambda n, dlist: (_gathered_back(n, dlist), None, None),
    static=("indices", "element_shape"),
    pure=False,
    math="B[iⱼ] = xⱼ",
    notation=dict(tensor="x̄ⱼ = B̄[iⱼ]", indices="i"),
)
def scatter(
    xp: Arrays, tensor: Array, indices: Array, shape: Array, *, n: Operation
) -> TensorList:
    """A list with the rows of a tensor in the given places."""
    return _placed(xp, tensor, indices, shape, -1, n)


@op(
    "TensorListScatterV2",
    infer=_scattered,
    grad=lambda n, dlist: (_gathered_back(n, dlist), None, None, None),
    static=("indices", "element_shape", "num_elements"),
    pure=False,
    math="B[iⱼ] = xⱼ",
    notation=dict(tensor="x̄ⱼ = B̄[iⱼ]", indices="i"),
)
def scatter_v2(
    xp: Arrays,
    tensor: Array,
    indices: Array,
    shape: Array,
    count: Array,
    *,
    n: Operation,
) -> TensorList:
    """A list with the rows of a tensor in the given places, of a given length."""
    return _placed(xp, tensor, indices, shape, int(count), n)


def _scatter_into_gradient(n: Operation, dlist: Tensor) -> tuple[Tensor | None, ...]:
    _, tensor, indices = n.inputs
    dtensor = F.TensorListGather(
        dlist, indices, _rest_of_shape(tensor), element_dtype=tensor.dtype.base_dtype
    )
    zeros = F.ZerosLike(tensor)
    rest = F.TensorListScatterIntoExistingList(dlist, zeros, indices)
    # the list may have been lengthened
    return F.TensorListResize(rest, F.TensorListLength(n.inputs[0])), dtensor, None


@op(
    "TensorListScatterIntoExistingList",
    infer=_scattered_into,
    grad=_scatter_into_gradient,
    static="indices",
    pure=False,
    math="B = A, B[iⱼ] = xⱼ",
    notation=dict(input_handle="Ā = B̄, 0 at iⱼ", tensor="x̄ⱼ = B̄[iⱼ]", indices="i"),
)
def scatter_into(
    xp: Arrays, handle: TensorList, tensor: Array, indices: Array
) -> TensorList:
    """A list with rows of a tensor in the given places, lengthened if need be."""
    del xp
    return handle.scatter(tensor, indices)


def _split_gradient(n: Operation, dlist: Tensor) -> tuple[Tensor | None, ...]:
    tensor, _, lengths = n.inputs
    zero = np.int32(0)
    shape = F.ConcatV2([np.array([-1], np.int32), _rest_of_shape(tensor)], zero)
    back = F.TensorListConcatV2(
        dlist, shape, lengths, element_dtype=tensor.dtype.base_dtype
    )
    return back[0], None, None


@op(
    "TensorListSplit",
    infer=_split,
    grad=_split_gradient,
    static=("element_shape", "lengths"),
    pure=False,
    math="B[i] = part i of x, of length nᵢ",
    notation=dict(tensor="x̄ = B̄[0], B̄[1], … one after the other", lengths="n"),
)
def split(
    xp: Arrays, tensor: Array, shape: Array, lengths: Array, *, n: Operation
) -> TensorList:
    """A list of consecutive parts of a tensor, of the given lengths."""
    sizes = np.asarray(lengths).tolist()
    if RULES in n.attrs:
        check_total(sum(sizes), np.shape(tensor))
        rules, _ = from_text(n.attrs[RULES])
        check_lengths(rules, len(sizes), n.attrs.get(PLACES, len(sizes)))
    if sum(sizes) != tensor.shape[0]:
        raise refused(
            "Number of elements in input tensor does not match the sum of lengths: "
            f"{tensor.shape[0]} vs. {sum(sizes)}"
        )
    ends = np.cumsum([0, *sizes])
    items = [tensor[a:b] for a, b in itertools.pairwise(ends)]
    return _array(xp.list_of(items, _element_dtype(n), shape_from(shape)), n)


def _concat_gradient(
    n: Operation, dtensor: Tensor, _: Tensor | None
) -> list[Tensor | None]:
    shape = F.TensorListElementShape(n.inputs[0], shape_type=dtypes.int32)
    dlist = F.TensorListSplit(dtensor, shape, n.outputs[1])
    return [dlist] + [None] * (len(n.inputs) - 1)


@op(
    "TensorListConcat",
    infer=lambda n: _joined(n, n.attrs["element_shape"]),
    grad=_concat_gradient,
    pure=False,
    math="y = A[0], A[1], … one after the other; n = their lengths",
    notation=dict(input_handle="Ā = ȳ cut in parts of lengths n"),
)
def concat(
    xp: Arrays, handle: TensorList, *, element_shape: RawShape
) -> tuple[Array, ...]:
    """The elements of a list along their first axis, and the length of each."""
    del xp
    return handle.concat(element_shape, ())


@op(
    "TensorListConcatV2",
    infer=lambda n: _joined(n, _wanted_shape(n, 1)),
    grad=_concat_gradient,
    static=("element_shape", "leading_dims"),
    pure=False,
    math="y = A[0], A[1], … one after the other; n = their lengths",
    notation=dict(input_handle="Ā = ȳ cut in parts of lengths n"),
)
def concat_v2(
    xp: Arrays, handle: TensorList, shape: Array, leading: Array
) -> tuple[Array, ...]:
    """The elements of a list along their first axis, and the length of each."""
    del xp
    wanted = shape_from(shape)
    if wanted == ():
        raise refused(
            "Concat requires elements to be at least vectors, found scalars instead."
        )
    return handle.concat(wanted, leading)


# ---------------------------------------------------------------------- whole lists


@op(
    "TensorListLength",
    infer=lambda n: (),
    grad=NOT_DIFFERENTIABLE,
    pure=False,
)
def length(xp: Arrays, handle: TensorList) -> np.int32:
    """How many elements a list has."""
    del xp
    return handle.count()


@op(
    "TensorListElementShape",
    infer=_element_shape_shape,
    grad=NOT_DIFFERENTIABLE,
    pure=False,
)
def element_shape(xp: Arrays, handle: TensorList, *, shape_type: np.dtype) -> Array:
    """What a list knows of the shape of its elements: −1 where it is unknown."""
    del xp
    if handle.shape is None:
        return np.array(-1, shape_type)
    return np.array([-1 if d is None else d for d in handle.shape], shape_type)


@op(
    "TensorListResize",
    infer=_same_handle,
    grad=lambda n, d: (F.TensorListResize(d, F.TensorListLength(n.inputs[0])), None),
    static="size",
    pure=False,
    math="B = A, cut or filled up with 0",
    notation=dict(input_handle="Ā = B̄, cut or filled up with 0"),
)
def resize(xp: Arrays, handle: TensorList, size: Array) -> TensorList:
    """A list with elements left out, or unset ones added, at the end."""
    del xp
    return handle.resized(int(size))


@op(
    "TensorListConcatLists",
    infer=lambda n: merged(n, n._inputs[0]._shape_raw, n._inputs[1]._shape_raw),
    grad=NOT_DIFFERENTIABLE,
    host=True,
    pure=False,
)
def concat_lists(
    xp: Arrays, first: Array | TensorList, second: Array | TensorList, *, n: Operation
) -> Array | TensorList:
    """One list after the other; of arrays of lists, each pair."""
    del xp
    dtype = _element_dtype(n)

    def joined(a: TensorList, b: TensorList) -> TensorList:
        for name, value in (("input_a", a), ("input_b", b)):
            if value.dtype is not dtype:
                raise refused(
                    f"{name}[0].dtype != element_dtype.  Saw: {value.dtype.name} vs. "
                    f"{dtype.name}"
                )
        both = [*a.items, *b.items]
        return TensorList(both, dtype, shapes.merge(a.shape, b.shape))

    pair: tuple[Any, Any] = first, second
    if isinstance(first, TensorList):
        return joined(*pair)
    found = np.empty(first.shape, object)
    for i in np.ndindex(first.shape):
        found[i] = joined(pair[0][i], pair[1][i])
    return found


def _pushed_each(n: Operation) -> RawShape:
    handles, rows = n._inputs[0]._shape_raw, with_rank_at_least(n, 1, 1)
    if handles is None or rows is None:
        return handles
    return (same_dim(n, rows[0], handles[0]),)


@op(
    "TensorListPushBackBatch",
    infer=_pushed_each,
    grad=NOT_DIFFERENTIABLE,
    host=True,
    pure=False,
)
def push_back_batch(xp: Arrays, handles: Array, tensor: Array) -> Array:
    """Lists with one more element each."""
    del xp
    found = np.empty(handles.shape, object)
    for i in range(handles.shape[0]):
        found[i] = handles[i].push(tensor[i])
    return found


def element_shape_input(shape: ElementShape) -> TensorLike:
    """A shape in the form that list ops take: −1 alone for unknown rank."""
    if isinstance(shape, Tensor):
        return shape
    if isinstance(shape, shapes.TensorShape):
        shape = shapes.raw(shape)
    if shape is None or isinstance(shape, int):
        return -1 if shape is None else shape
    given: Any = shape
    sizes = [getattr(d, "value", d) for d in given]
    if not sizes:
        return convert_to_tensor(np.zeros(0, np.int32))
    return [-1 if d is None else d for d in sizes]
