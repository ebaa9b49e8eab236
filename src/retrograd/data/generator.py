"""Datasets of what a Python generator gives."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, errors
from retrograd.data import elements, functions
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.host.py_func import numpy_function

if TYPE_CHECKING:
    from retrograd.data.dataset import DatasetV2
    from retrograd.typing import Array, Structure


class States:
    """The generators that are under way, by number.

    Args:
      function: makes a generator of the values of its arguments.
      specs: what is known of the elements.
    """

    def __init__(self, function: Callable[..., Any], specs: Structure) -> None:
        self._function = function
        self.specs = specs
        self._types = elements.mapped(lambda spec: spec.dtype, specs)
        self._leaves = elements.flat(specs)
        self._numbers = itertools.count()
        self._running: dict[int, Iterator[Any]] = {}

    def begin(self, *args: Array) -> Array:
        """A generator's number."""
        number = next(self._numbers)
        self._running[number] = iter(self._function(*args))
        return np.array(number, np.int64)

    def end(self, number: Array) -> Array:
        """Forget a generator."""
        self._running.pop(int(number), None)
        return np.array(0, np.int64)

    def next(self, number: Array) -> list[np.ndarray]:
        """The parts of a generator's next element.

        Raises:
          StopIteration: there is none.
          TypeError: it is of another structure, type or shape.
        """
        values = next(self._running[int(number)])
        parts = _flat_as(self._types, values)
        if parts is None:
            raise TypeError(
                "`generator` yielded an element that did not match the expected "
                f"structure. The expected structure was {self._types!r}, but the "
                f"yielded element was {values}."
            )
        made = [
            _array(part, spec.dtype)
            for part, spec in zip(parts, self._leaves, strict=True)
        ]
        for array, spec in zip(made, self._leaves, strict=True):
            if array.dtype != spec.dtype.as_numpy_dtype:
                raise TypeError(
                    "`generator` yielded an element of type "
                    f"{array.dtype} where an element of type "
                    f"{np.dtype(spec.dtype.as_numpy_dtype).name} was expected."
                )
            if not spec.shape.is_compatible_with(array.shape):
                raise ValueError(
                    f"`generator` yielded an element of shape {array.shape} where an "
                    f"element of shape {spec.shape} was expected."
                )
        return made


def _flat_as(types: Structure, values: Structure) -> list[Any] | None:
    """The parts of values that have the structure of types; None where they do not."""
    if isinstance(types, dict):
        if not isinstance(values, dict) or sorted(values) != sorted(types):
            return None
        pairs = [(types[key], values[key]) for key in sorted(types)]
    elif isinstance(types, tuple):
        if not isinstance(values, tuple) or len(values) != len(types):
            return None
        pairs = list(zip(types, values, strict=True))
    else:
        return [values]
    found: list[Any] = []
    for kind, value in pairs:
        part = _flat_as(kind, value)
        if part is None:
            return None
        found += part
    return found


def _array(part: Structure, dtype: dtypes.DType) -> np.ndarray:
    try:
        if dtype == dtypes.string:
            return _text(part)
        return np.array(part, dtype.as_numpy_dtype, order="C")
    except OverflowError:  # where NumPy 1 took what is left of the number
        return np.array(part).astype(dtype.as_numpy_dtype)
    except (TypeError, ValueError):
        raise TypeError(
            "`generator` yielded an element that could not be converted to the "
            f"expected type. The expected type was {dtype.name}, but the yielded "
            f"element was {part}."
        ) from None


def _text(part: Structure) -> np.ndarray:
    """Text as TensorFlow holds it: an array of bytes."""
    given = np.asarray(part, object)
    made = np.empty(given.shape, object)
    for at, value in np.ndenumerate(given):
        if not isinstance(value, bytes | str):
            raise errors.InternalError(
                None, None, f"Unsupported object type {type(value).__name__}"
            )
        made[at] = value.encode() if isinstance(value, str) else bytes(value)
    return made


def dataset(
    kind: type[DatasetV2], states: States, arguments: tuple[Tensor, ...], dummy: Tensor
) -> Any:
    """The dataset of one generator, begun anew for each iterator.

    Args:
      kind: the class of the dataset.
      states: begins generators.
      arguments: what they are given.
      dummy: any tensor.
    """

    def begin(_: Tensor) -> Any:
        number = numpy_function(states.begin, list(arguments), [dtypes.int64])[0]
        number.set_shape([])
        return number

    def following(number: Tensor) -> Any:
        kinds = [spec.dtype for spec in elements.flat(states.specs)]
        found = numpy_function(states.next, [number], kinds)
        for tensor, spec in zip(found, elements.flat(states.specs), strict=True):
            tensor.set_shape(spec.shape)
        return elements.replaced(states.specs, found)

    def end(number: Tensor) -> Any:
        done = numpy_function(states.end, [number], [dtypes.int64])[0]
        done.set_shape([])
        return done

    of = "Dataset.from_generator()"
    first = functions.function_of(begin, elements.specs_of(dummy), "init", of)
    others = [
        functions.function_of(function, first.result, called, of)
        for function, called in ((following, "next"), (end, "finalize"))
    ]
    made = F.GeneratorDataset(
        [dummy, *first.others],
        others[0].others,
        others[1].others,
        init_func=first.graph,
        next_func=others[0].graph,
        finalize_func=others[1].graph,
        **elements.attrs_of(states.specs),
    )
    return kind(made, states.specs)
