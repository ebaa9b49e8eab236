"""Datasets that functions of a program make of the elements of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.data import elements, functions
from retrograd.data.base import DatasetBase, int64
from retrograd.data.functions import function_of, traced
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import TensorSpec
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import Structure, TensorLike


class ByFunctions(DatasetBase):
    """The part of a dataset class that applies functions to elements."""

    def map(
        self, map_func: Callable[..., Any], num_parallel_calls: TensorLike | None = None
    ) -> Any:
        """What a function makes of each element.

        Args:
          map_func: takes the parts of an element that is a tuple, else the element;
            returns the parts of the new one.
          num_parallel_calls: how many at once; the order stays.
        """
        made = function_of(map_func, self.element_spec, "Dataset_map", "Dataset.map()")
        op, extra = F.MapDataset, ()
        if num_parallel_calls is not None:
            count = convert_to_tensor(
                num_parallel_calls, dtypes.int32, "num_parallel_calls"
            )
            op, extra = F.ParallelMapDataset, (count,)
        return self._by_function(
            op,
            made,
            extra,
            specs=made.result,
            preserve_cardinality=True,
            f=made.graph,
        )

    def filter(self, predicate: Callable[..., Any]) -> Any:
        """The elements for which a function gives True.

        Raises:
          ValueError: it gives something else than one bool.
        """

        def refusal(found: Structure) -> Exception:
            shown = found
            if not isinstance(found, tuple | list | dict):
                shown = TensorSpec(found.shape, found.dtype)
            return ValueError(
                "`predicate` return type must be convertible to a scalar boolean "
                f"tensor. Was {shown}."
            )

        outputs = functions.scalar_of(dtypes.bool, refusal)
        made = traced(predicate, self.element_spec, "Dataset_filter", outputs)
        return self._by_function(F.FilterDataset, made, predicate=made.graph)

    def flat_map(self, map_func: Callable[..., Any]) -> Any:
        """The elements of the datasets that a function makes, one after another.

        Raises:
          TypeError: the function makes something else.
        """
        made = traced(map_func, self.element_spec, "Dataset_flat_map", a_dataset)
        return self._by_function(
            F.FlatMapDataset, made, specs=made.result, f=made.graph
        )

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: TensorLike = -1,
        block_length: TensorLike = 1,
        num_parallel_calls: TensorLike | None = None,
    ) -> Any:
        """The elements of the datasets that a function makes, of several in turn.

        Args:
          map_func: makes a dataset of an element.
          cycle_length: how many datasets are open at a time.
          block_length: how many elements of one follow each other.
          num_parallel_calls: how many are read ahead; the order stays.

        Raises:
          TypeError: the function makes something else.
        """
        made = traced(map_func, self.element_spec, "Dataset_interleave", a_dataset)
        sizes = [
            int64(cycle_length, "cycle_length"),
            int64(block_length, "block_length"),
        ]
        op: Any = F.InterleaveDataset
        if num_parallel_calls is not None:
            sizes.append(int64(num_parallel_calls, "num_parallel_calls"))
            op = F.ParallelInterleaveDatasetV2
        return self._by_function(op, made, sizes, specs=made.result, f=made.graph)

    def reduce(self, initial_state: Structure, reduce_func: Callable[..., Any]) -> Any:
        """The state that is left when a function has taken all elements into it.

        Args:
          initial_state: the first state.
          reduce_func: takes a state and an element; returns the next state.

        Raises:
          TypeError: the next state is of another type or structure.
        """
        first = elements.normalized(initial_state)
        made, state = with_state(
            self.element_spec, first, reduce_func, "Dataset.reduce()", None
        )
        found = F.ReduceDataset(
            self._variant_tensor,
            elements.tensors_of(state, first),
            made.others,
            f=made.graph,
            **elements.attrs_of(state),
        )
        return elements.packed(state, found)

    def apply(self, transformation_func: Callable[[Any], Any]) -> Any:
        """What a function from a dataset to a dataset makes of this one.

        Raises:
          TypeError: it is no dataset.
        """
        made = transformation_func(self)
        if not isinstance(made, DatasetBase):
            raise TypeError(f"`transformation_func` must return a Dataset. Got {made}.")
        if self not in made._made_of and made is not self:
            made._made_of = (*made._made_of, self)
        return made


def a_dataset(returned: object) -> tuple[Any, list[Any]]:
    """The elements' specs and the tensor of the dataset that a function made.

    Raises:
      TypeError: it made something else.
    """
    if not isinstance(returned, DatasetBase):
        shown: Any = type(returned)
        if hasattr(returned, "graph") and hasattr(returned, "dtype"):
            shown = TensorSpec
        raise TypeError(f"`map_func` must return a `Dataset` object. Got {shown}")
    return returned.element_spec, [returned._variant_tensor]


def with_state(
    specs: Structure,
    first: Structure,
    function: Callable[..., Any],
    of: str,
    split: Callable[[Any], tuple[Any, Any]] | None,
) -> tuple[Any, Any]:
    """A function of a state and an element, traced until the state's shape is stable.

    Args:
      specs: what is known of the elements.
      first: the first state.
      function: takes both.
      of: what it was given to, for errors.
      split: of what it returns, the state and what else it makes; by default it makes
        the state only.

    Returns:
      The traced function, whose result is the specs of what else it makes, and the
      specs of the state.
    """
    state = elements.specs_of(first)
    while True:
        kept: list[Any] = []
        outputs = _of_state(state, kept, of, split)
        both = (state, specs)
        name = of.removesuffix("()").replace(".", "_")
        made = traced(function, both, name, outputs)
        wider = _widened(state, kept[0])
        if wider is None:
            return made, state
        state = wider


def _of_state(
    state: Structure,
    kept: list[Any],
    of: str,
    split: Callable[[Any], tuple[Any, Any]] | None,
) -> functions.Outputs:
    def outputs(returned: Structure) -> tuple[Any, list[Any]]:
        given = tuple(returned) if isinstance(returned, list) else returned
        after, made = (given, ()) if split is None else split(given)
        try:
            after = elements.normalized(after)
            made = elements.normalized(made)
        except (TypeError, ValueError):
            raise TypeError(
                f"Unsupported return value from function passed to {of}: {given}."
            ) from None
        found = elements.specs_of(after)
        _check_state("classes", elements.classes_of(state), elements.classes_of(found))
        _check_state("types", elements.types_of(state), elements.types_of(found))
        kept.append(found)
        more = elements.specs_of(made)
        tensors = elements.tensors_of(found, after) + elements.tensors_of(more, made)
        return more, tensors

    return outputs


def _check_state(what: str, wanted: Structure, found: Structure) -> None:
    same = _shape_of(wanted) == _shape_of(found)
    pairs = zip(elements.flat(wanted), elements.flat(found), strict=False)
    if not same or any(a != b for a, b in pairs):
        raise TypeError(
            f"The element {what} for the new state must match the initial state. "
            f"Expected {wanted!s}; got {found!s}."
        )


def _shape_of(structure: Structure) -> Any:
    return str(elements.mapped(lambda _: 0, structure))


def _widened(state: Structure, found: Structure) -> Any:
    """The state with shapes that hold of what was found too; None where they did."""
    changed = False
    leaves: list[Any] = []
    pairs = zip(elements.flat(state), elements.flat(found), strict=True)
    for mine, theirs in pairs:
        if not isinstance(mine, TensorSpec):
            leaves.append(mine)
            continue
        shape = mine.shape.most_specific_compatible_shape(theirs.shape)
        if shapes.raw(shape) != shapes.raw(mine.shape):
            changed = True
        leaves.append(TensorSpec(shape, mine.dtype))
    return elements.replaced(state, leaves) if changed else None
