"""Iterators over datasets: as operations of a graph, and as Python iterators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import errors
from retrograd.data import elements
from retrograd.data.optional import get_next_as_optional
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import add_to_collection, colocate_with
from retrograd.ops.declare import F
from retrograd.util.tracking import Trackable

if TYPE_CHECKING:
    from retrograd.data.dataset import DatasetV2
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Structure


class Iterator(Trackable):
    """A place in a dataset, in a graph: `get_next` is an element, another at each run.

    Args:
      iterator_resource: the handle.
      initializer: the operation that begins, or None.
      output_types, output_shapes, output_classes: what an element consists of.
    """

    def __init__(
        self,
        iterator_resource: Tensor,
        initializer: Operation | None,
        output_types: Structure,
        output_shapes: Structure,
        output_classes: Structure,
    ) -> None:
        if any(v is None for v in (output_types, output_shapes, output_classes)):
            raise ValueError(
                "If `structure` is not specified, all of `output_types`, "
                "`output_shapes`, and `output_classes` must be specified."
            )
        self._iterator_resource = iterator_resource
        self._initializer = initializer
        self._element_spec = elements.specs_from(
            output_types, output_shapes, output_classes
        )
        self._string_handle = F.IteratorToStringHandle(iterator_resource)
        add_to_collection("iterators", iterator_resource)

    @staticmethod
    def from_structure(
        output_types: Structure,
        output_shapes: Structure = None,
        shared_name: str | None = None,
        output_classes: Structure = None,
    ) -> Iterator:
        """An iterator without a dataset, for any with such elements."""
        specs = elements.specs_from(output_types, output_shapes, output_classes)
        handle = F.IteratorV2(
            container="", shared_name=shared_name or "", **elements.attrs_of(specs)
        )
        return _iterator(handle, None, specs)

    @staticmethod
    def from_string_handle(
        string_handle: Tensor,
        output_types: Structure,
        output_shapes: Structure = None,
        output_classes: Structure = None,
    ) -> Iterator:
        """The iterator whose `string_handle` has this value when the graph is run."""
        specs = elements.specs_from(output_types, output_shapes, output_classes)
        text = convert_to_tensor(string_handle, dtype="string")
        handle = F.IteratorFromStringHandleV2(text, **elements.attrs_of(specs))
        return _iterator(handle, None, specs)

    @property
    def initializer(self) -> Any:
        """The operation that goes to the first element.

        Raises:
          ValueError: the iterator begins by itself, or has no dataset.
        """
        if self._initializer is None:
            raise ValueError("Iterator does not have an initializer.")
        return self._initializer

    def make_initializer(self, dataset: DatasetV2, name: str | None = None) -> Any:
        """The operation that goes to the first element of a dataset.

        Raises:
          TypeError: its elements are not such as the iterator's.
        """
        given = dataset.element_spec
        _check("types", self.output_types, elements.types_of(given))
        _check("shapes", self.output_shapes, elements.shapes_of(given))
        dataset = dataset._apply_options()
        with dispatch.name_scope(name, "make_initializer") as scope:
            with colocate_with(self._iterator_resource):
                return F.MakeIterator(
                    dataset._variant_tensor, self._iterator_resource, name=scope
                )

    def get_next(self, name: str | None = None) -> Any:
        """The next element at each run; OutOfRangeError where there is none left."""
        found = F.IteratorGetNext(
            self._iterator_resource, name=name, **elements.attrs_of(self._element_spec)
        )
        return elements.packed(self._element_spec, found)

    def string_handle(self, name: str | None = None) -> Any:
        """A string scalar that stands for the iterator, to feed."""
        if name is None:
            return self._string_handle
        return F.IteratorToStringHandle(self._iterator_resource, name=name)

    @property
    def output_classes(self) -> Any:
        """The Python types of an element's parts."""
        return elements.classes_of(self._element_spec)

    @property
    def output_shapes(self) -> Any:
        """The static shapes of an element's tensors."""
        return elements.shapes_of(self._element_spec)

    @property
    def output_types(self) -> Any:
        """The dtypes of an element's tensors."""
        return elements.types_of(self._element_spec)

    @property
    def element_spec(self) -> Any:
        """What is known about the tensors of an element."""
        return self._element_spec


def _iterator(
    handle: Tensor, initializer: Operation | None, specs: Structure
) -> Iterator:
    return Iterator(
        handle,
        initializer,
        elements.types_of(specs),
        elements.shapes_of(specs),
        elements.classes_of(specs),
    )


def _check(what: str, wanted: Structure, given: Structure) -> None:
    """Check what a dataset's elements are against what an iterator's are."""
    pairs = zip(elements.flat(wanted), elements.flat(given), strict=True)
    for want, have in pairs:
        if what == "types" and want != have:
            raise TypeError(
                f"Expected output types {wanted!r} but got dataset with output types "
                f"{given!r}."
            )
        if what == "shapes" and not want.is_compatible_with(have):
            raise TypeError(
                f"Expected output shapes compatible with {wanted!r} but got dataset "
                f"with output shapes {given!r}."
            )


class PythonIterator:
    """What is gone through in Python by a method `get_next`."""

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self.next()

    def next(self) -> Any:
        """The next element.

        Raises:
          StopIteration: there is none left.
        """
        try:
            return self.get_next()
        except errors.OutOfRangeError:
            raise StopIteration from None

    def get_next(self, name: str | None = None) -> Any:
        """The next element.

        Raises:
          OutOfRangeError: there is none left.
        """
        raise NotImplementedError


class IteratorV2(PythonIterator):
    """A place in a dataset, where ops run at once.

    Args:
      dataset: the dataset.
    """

    def __init__(self, dataset: DatasetV2) -> None:
        dataset = dataset._apply_options()
        # what the dataset holds must live as long
        self._dataset = dataset
        self._element_spec = dataset.element_spec
        self._attrs = elements.attrs_of(self._element_spec)
        self._iterator_resource, _ = F.AnonymousIteratorV2(**self._attrs)
        F.MakeIterator(dataset._variant_tensor, self._iterator_resource)

    def get_next(self, name: str | None = None) -> Any:
        """See `PythonIterator`."""
        del name
        take = (
            F.IteratorGetNextSync if context.executing_eagerly() else F.IteratorGetNext
        )
        found = take(self._iterator_resource, **self._attrs)
        return elements.packed(self._element_spec, found)

    def _next_as_optional(self) -> Any:
        """The next element, or none at the end: what loops in graphs go by."""
        return get_next_as_optional(self)

    output_classes = Iterator.output_classes
    output_shapes = Iterator.output_shapes
    output_types = Iterator.output_types
    element_spec = Iterator.element_spec


# ---------------------------------------------------------------------- of datasets


def one_shot(dataset: DatasetV2) -> Any:
    """An iterator that begins by itself, and ends once.

    Raises:
      ValueError: the dataset depends on a variable, a table or the like.
    """
    if context.executing_eagerly():
        return IteratorV2(dataset)
    from retrograd.functions.typed import Defun

    made = set(_ops_of(dataset._variant_tensor))

    @Defun(capture_by_value=True, whitelisted_stateful_ops=made)
    def _make_dataset() -> Any:
        return dataset._apply_options()._variant_tensor

    try:
        _make_dataset.add_to_graph(context.get_default_graph())
    except ValueError as error:
        if "Cannot capture a stateful node" not in str(error):
            raise
        raise ValueError(
            "Failed to create a one-shot iterator for a dataset. "
            "`Dataset.make_one_shot_iterator()` does not support datasets that capture "
            "stateful objects, such as a `Variable` or `LookupTable`. In these cases, "
            "use `Dataset.make_initializable_iterator()`. (Original error: "
            f"{error})"
        ) from None
    specs = dataset.element_spec
    handle = F.OneShotIterator(
        dataset_factory=_make_dataset.graph, **elements.attrs_of(specs)
    )
    return _iterator(handle, None, specs)


def _ops_of(variant: Tensor) -> list[Any]:
    """The operations that make a dataset out of others."""
    found, pending = [], [variant]
    while pending:
        op = pending.pop().op
        found.append(op)
        pending += [t for t in op.inputs if t.dtype.name == "variant"]
    return found


def initializable(dataset: DatasetV2, shared_name: str | None = None) -> Iterator:
    """An iterator that begins, again and again, when its initializer is run.

    Raises:
      RuntimeError: executing eagerly.
    """
    if context.executing_eagerly():
        raise RuntimeError(
            "dataset.make_initializable_iterator is not supported when eager execution "
            "is enabled. Use `for element in dataset` instead."
        )
    dataset = dataset._apply_options()
    specs = dataset.element_spec
    with colocate_with(dataset._variant_tensor):
        handle = F.IteratorV2(
            container="", shared_name=shared_name or "", **elements.attrs_of(specs)
        )
    with colocate_with(handle):
        initializer = F.MakeIterator(dataset._variant_tensor, handle)
    return _iterator(handle, initializer, specs)
