"""Objects that depend on others by name, which a checkpoint of objects follows."""

from __future__ import annotations

from collections import namedtuple
from typing import Any, ClassVar, Protocol

TrackableReference = namedtuple("TrackableReference", ["name", "ref"])
_KEPT = "_self_unconditional_checkpoint_dependencies"
_CONTAINERS = "_self_containers"
_DEFERRED = "_self_unconditional_deferred_dependencies"


class Restorable(Protocol):
    """The values of a checkpoint, for an object that does not exist yet."""

    def restore(self, value: Trackable) -> None:
        """Give them to the object."""


def defer(owner: Trackable, name: str, position: Restorable) -> None:
    """Restore what `owner` will depend on by a name as soon as it does."""
    owner.__dict__.setdefault(_DEFERRED, {}).setdefault(name, []).append(position)


class NoDependency:
    """Around a value that is assigned to an attribute: not to be depended on."""

    def __init__(self, value: object) -> None:
        self.value = value


class Trackable:
    """An object that can depend on others, and be depended on, by names."""

    @property
    def _unconditional_checkpoint_dependencies(self) -> list[TrackableReference]:
        return self.__dict__.setdefault(_KEPT, [])

    @property
    def _checkpoint_dependencies(self) -> list[TrackableReference]:
        """What this object depends on, in the order in which it came."""
        return self._unconditional_checkpoint_dependencies

    def _lookup_dependency(self, name: str) -> Any:
        """The object that this one depends on by a name, or None."""
        for reference in self._checkpoint_dependencies:
            if reference.name == name:
                return reference.ref
        return None

    def _track_trackable(
        self, trackable: Trackable, name: str, overwrite: bool = False
    ) -> Trackable:
        """Depend on an object by a name; return the object.

        Raises:
          TypeError: it is not a Trackable.
          ValueError: another has the name, and `overwrite` does not allow it.
        """
        if not isinstance(trackable, Trackable):
            raise TypeError(
                "Trackable._track_trackable() passed type "
                f"{type(trackable)}, not a Trackable."
            )
        kept = self._unconditional_checkpoint_dependencies
        reference = TrackableReference(name, trackable)
        for place, (known, other) in enumerate(kept):
            if known != name:
                continue
            if other is not trackable and not overwrite:
                raise ValueError(
                    "Called Trackable._track_trackable() with name='"
                    f"{name}', but a Trackable with this name is already declared as "
                    "a dependency. Names must be unique (or overwrite=True)."
                )
            kept[place] = reference
            break
        else:
            kept.append(reference)
        if _DEFERRED in self.__dict__:
            self._handle_deferred_dependencies(name, trackable)
        return trackable

    def _handle_deferred_dependencies(self, name: str, trackable: Trackable) -> None:
        """Restore an object that a checkpoint knew before it was there."""
        for position in self.__dict__.get(_DEFERRED, {}).pop(name, ()):
            position.restore(trackable)

    def _no_dependency(self, value: object) -> Any:
        """A value to assign without depending on it."""
        return value


class Container(Trackable):
    """A list or dictionary with Trackables in it, as something to depend on.

    What it depends on is what is in there when it is asked.
    """

    def __init__(self, held: list[Any] | dict[Any, Any]) -> None:
        self.held = held

    @property
    def _checkpoint_dependencies(self) -> list[TrackableReference]:
        """The items by their numbers or keys."""
        items = (
            self.held.items() if isinstance(self.held, dict) else _numbered(self.held)
        )
        return [
            TrackableReference(name, ref)
            for name, item in items
            if isinstance(name, str)
            and (ref := _reference(self, name, item)) is not None
        ]


def _numbered(items: list[Any]) -> list[tuple[str, Any]]:
    return [(str(i), item) for i, item in enumerate(items)]


def _reference(owner: Trackable, name: str, value: object) -> Trackable | None:
    """What to depend on for a value; the same container for the same list."""
    if isinstance(value, Trackable):
        return value
    if not isinstance(value, list | dict) or not value:
        return None
    known = owner.__dict__.setdefault(_CONTAINERS, {})
    if name not in known or known[name].held is not value:
        known[name] = Container(value)
    return known[name] if known[name]._checkpoint_dependencies else None


class AutoTrackable(Trackable):
    """An object that depends on every Trackable among its attributes.

    Lists and dictionaries among them are looked into when it is asked.
    """

    #: how the names of lists begin that are not looked into
    _own_lists: ClassVar[tuple[str, ...]] = ("_self_",)

    @property
    def _checkpoint_dependencies(self) -> list[TrackableReference]:
        """What this object depends on: Trackables first, then lists of them."""
        found = list(self._unconditional_checkpoint_dependencies)
        taken = {reference.name for reference in found}
        for name, value in list(self.__dict__.items()):
            own = name.startswith(self._own_lists)
            if isinstance(value, list | dict) and not own:
                ref = None if name in taken else _reference(self, name, value)
                if ref is not None:
                    found.append(TrackableReference(name, ref))
        return found

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, NoDependency):
            value = value.value
        elif isinstance(value, Trackable):
            if self.__dict__.get(name) is not value:
                self._track_trackable(value, name, overwrite=True)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        kept = self._unconditional_checkpoint_dependencies
        kept[:] = [reference for reference in kept if reference.name != name]
        super().__delattr__(name)

    def _no_dependency(self, value: object) -> NoDependency:
        """A value to assign without depending on it."""
        return NoDependency(value)
