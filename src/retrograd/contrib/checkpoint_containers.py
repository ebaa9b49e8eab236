"""`tf.contrib.checkpoint`: lists, mappings and parts that checkpoints hold."""

from __future__ import annotations

from collections import abc
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.defaults import device as placed
from retrograd.ops.flow.control import no_op
from retrograd.train.saveable import SaveableObject, SaveSpec
from retrograd.util.decorators import contextmanager
from retrograd.util.tracking import Trackable
from retrograd.variables.scope import variable_creator_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, DynamicShape, Structure


class _UntrackableError(ValueError):
    """What is put into a container cannot be tracked."""

    def __init__(self, container: str, value: object) -> None:
        super().__init__(
            "Only trackable objects (such as Layers or Optimizers) may be stored in a "
            f"{container} object. Got {value}, which does not inherit from Trackable."
        )


def _tracked(value: Structure, container: str) -> Any:
    """A value that can be depended on; lists and dicts are looked into."""
    if isinstance(value, dict):
        return Mapping(value)
    if isinstance(value, (list, tuple)):
        return List(value)
    if not isinstance(value, Trackable):
        raise _UntrackableError(container, value)
    return value


class List(Trackable, Sequence[Any]):
    """A list of objects to which others can be appended; checkpoints hold them.

    Args:
      *args, **kwargs: as of `list`.

    Raises:
      ValueError: a member cannot be tracked.
    """

    def __init__(self, *args: Iterable[Any], **kwargs: Iterable[Any]) -> None:
        self._storage: list[Any] = []
        self.extend(list(*args, **kwargs))

    def append(self, value: Structure) -> None:
        """Add an object."""
        found = _tracked(value, "List")
        self._track_trackable(found, str(len(self._storage)))
        self._storage.append(found)

    def extend(self, values: Iterable[Any]) -> None:
        """Add several."""
        for value in values:
            self.append(value)

    def __iadd__(self, values: Iterable[Any]) -> List:
        self.extend(values)
        return self

    def __add__(self, other: Iterable[Any]) -> List:
        return List([*self._storage, *other])

    def __radd__(self, other: Iterable[Any]) -> List:
        return List([*other, *self._storage])

    def __getitem__(self, key: Structure) -> Any:
        found = self._storage[key]
        return List(found) if isinstance(key, slice) else found

    def __len__(self) -> int:
        return len(self._storage)

    def __eq__(self, other: object) -> bool:
        mine = self._storage
        return mine == (other._storage if isinstance(other, List) else other)

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        return f"List({self._storage!r})"

    @property
    def variables(self) -> list[Any]:
        """The variables of its members, and those among them."""
        found: list[Any] = []
        for value in self._storage:
            found.extend(getattr(value, "variables", None) or [value])
        return found

    @property
    def trainable_variables(self) -> list[Any]:
        """The trainable ones among them."""
        return [v for v in self.variables if getattr(v, "trainable", False)]

    trainable_weights = trainable_variables


class Mapping(Trackable, abc.Mapping[str, Any]):
    """Objects by text, to which others can be added; checkpoints hold them.

    Args:
      *args, **kwargs: as of `dict`.

    Raises:
      TypeError: a key is no text.
      ValueError: a value cannot be tracked, or a key has another.
    """

    def __init__(self, *args: Structure, **kwargs: Structure) -> None:
        self._storage: dict[str, Any] = {}
        self.update(*args, **kwargs)

    def __setitem__(self, key: str, value: Structure) -> None:
        if not isinstance(key, str):
            raise TypeError(f"Mapping accepts only string keys, but got a key {key!r}.")
        found = _tracked(value, "Mapping")
        known = self._storage.setdefault(key, found)
        if known is not found:
            raise ValueError(
                "Mappings are an append-only data structure. Tried to overwrite the "
                f"key '{key}' with value {value}, but it already contains {known}"
            )
        self._track_trackable(found, key)

    def update(self, *args: Structure, **kwargs: Structure) -> None:
        """Add what a dictionary has."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __getitem__(self, key: str) -> Any:
        return self._storage[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._storage)

    def __len__(self) -> int:
        return len(self._storage)

    def __repr__(self) -> str:
        return f"Mapping({self._storage!r})"

    def __hash__(self) -> int:
        return id(self)


# ------------------------------------------------------------------------- parts


class _Part(SaveableObject):
    """One of the parts; when all are there, they are handed over together."""

    def __init__(
        self, owner: _SplitDependency, name: str, tensor: Callable[[], Any]
    ) -> None:
        spec = SaveSpec(tensor, "", name, dtype=owner.dtype, device=owner.device)
        super().__init__(tensor, [spec], name)
        self._owner = owner

    def restore(
        self,
        restored_tensors: Sequence[Tensor],
        restored_shapes: Sequence[DynamicShape] | None,
    ) -> Any:
        """Hand the parts over once this is the last."""
        del restored_shapes
        return self._owner.restored(restored_tensors[0])


class _SplitDependency(Trackable):
    """A part of something that is saved in several."""

    def __init__(
        self, together: _Together, name: str, dtype: DTypeLike, device: str | None
    ) -> None:
        self._together, self._part = together, name
        self.dtype = dtypes.as_dtype(dtype)
        self.device = device

    def _tensor(self) -> Any:
        return self._together.parts()[self._part]

    def restored(self, tensor: Tensor) -> Any:
        """Take the value of this part."""
        return self._together.restored(self._part, tensor)

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        return {"VARIABLE_VALUE": lambda name: _Part(self, name, self._tensor)}


class _Together:
    """What is saved in parts: how to take it apart, and put it together."""

    def __init__(
        self,
        names: Sequence[str],
        fill: Callable[[dict[str, Any]], object],
        consume: Callable[[dict[str, Any]], object],
        device: str | None,
    ) -> None:
        self._names, self._fill, self._consume = list(names), fill, consume
        self._device = device
        self._restored: dict[str, Any] = {}

    def parts(self) -> dict[str, Any]:
        """The parts as they are now."""
        found: dict[str, Any] = {}
        with placed(self._device):
            self._fill(found)
        return found

    def restored(self, name: str, tensor: Tensor) -> Any:
        """Note the value of a part; hand all over with the last."""
        self._restored[name] = tensor
        if len(self._restored) < len(self._names):
            return no_op()
        found, self._restored = self._restored, {}
        done = self._consume(found)
        return no_op() if done is None else done


def split_dependency(
    component_names: Sequence[str],
    component_dtypes: Sequence[DTypeLike],
    fill_save_buffer_fn: Callable[[dict[str, Any]], object],
    consume_restore_buffer_fn: Callable[[dict[str, Any]], object],
    device: str | None,
) -> dict[str, Any]:
    """Objects that save one thing in several tensors.

    Args:
      component_names: the parts' names.
      component_dtypes: their dtypes.
      fill_save_buffer_fn: puts a tensor for each part into a dictionary.
      consume_restore_buffer_fn: is given a dictionary of restored tensors.
      device: where the tensors are.

    Returns:
      An object for each part, by name; each has to be depended on.
    """
    together = _Together(
        component_names, fill_save_buffer_fn, consume_restore_buffer_fn, device
    )
    return {
        name: _SplitDependency(together, name, dtype, device)
        for name, dtype in zip(component_names, component_dtypes, strict=True)
    }


@contextmanager
def capture_dependencies(template: Structure) -> Iterator[None]:
    """A context in which variables that are made are dependencies of a template.

    Args:
      template: what `tf.make_template` made.
    """
    prefix = f"{template.variable_scope.name}/"

    def creator(next_creator: Callable[..., Any], **kwargs: Structure) -> Any:
        name = kwargs.get("name")
        made = next_creator(**kwargs)
        if name is not None and isinstance(made, Trackable):
            local = name.removeprefix(prefix)
            template._track_trackable(made, local, overwrite=True)
        return made

    with variable_creator_scope(creator):
        yield
