"""Sets and dictionaries that compare by `is`: for keys that cannot be hashed."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, MutableMapping, MutableSet
from typing import Any


class _ObjectIdentityWrapper:
    """An object as a key; equal to another only if both hold the same object."""

    def __init__(self, wrapped: object) -> None:
        self._wrapped: Any = wrapped

    @property
    def unwrapped(self) -> Any:
        """The object."""
        return self._wrapped

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _ObjectIdentityWrapper):
            raise TypeError("Cannot compare wrapped object with unwrapped object")
        return self._wrapped is other._wrapped

    def __hash__(self) -> int:
        return id(self._wrapped)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} wrapping {self._wrapped!r}>"


class _WeakObjectIdentityWrapper(_ObjectIdentityWrapper):
    """As above, without keeping the object alive: one object has one weak reference."""

    def __init__(self, wrapped: object) -> None:
        super().__init__(weakref.ref(wrapped))

    @property
    def unwrapped(self) -> Any:
        """The object; None when it is gone."""
        return self._wrapped()


class Reference(_ObjectIdentityWrapper):
    """A hashable reference to an object."""

    unwrapped = property()  # pyright: ignore[reportIncompatibleMethodOverride]

    def deref(self) -> Any:
        """The object."""
        return self._wrapped


class ObjectIdentityDictionary(MutableMapping):
    """A dictionary whose keys are compared by identity."""

    def __init__(self) -> None:
        self._storage: dict[Any, Any] = {}

    def _wrap_key(self, key: object) -> Any:
        return _ObjectIdentityWrapper(key)

    def __getitem__(self, key: object) -> Any:
        return self._storage[self._wrap_key(key)]

    def __setitem__(self, key: object, value: object) -> None:
        self._storage[self._wrap_key(key)] = value

    def __delitem__(self, key: object) -> None:
        del self._storage[self._wrap_key(key)]

    def __len__(self) -> int:
        return len(self._storage)

    def __iter__(self) -> Iterator[Any]:
        for key in self._storage:
            yield key.unwrapped

    def __repr__(self) -> str:
        return f"ObjectIdentityDictionary({self._storage!r})"


class ObjectIdentityWeakKeyDictionary(ObjectIdentityDictionary):
    """As above; an entry goes when its key does."""

    def _wrap_key(self, key: object) -> Any:
        return _WeakObjectIdentityWrapper(key)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Any]:
        for key in list(self._storage):
            value = key.unwrapped
            if value is None:
                del self._storage[key]
            else:
                yield value


class ObjectIdentitySet(MutableSet):
    """A set whose elements are compared by identity."""

    def __init__(self, *args: Iterable[Any]) -> None:
        self._storage = {self._wrap_key(item) for items in args for item in items}

    @staticmethod
    def _from_storage(storage: set[Any]) -> ObjectIdentitySet:
        result = ObjectIdentitySet()
        result._storage = storage
        return result

    def _wrap_key(self, key: object) -> Any:
        return _ObjectIdentityWrapper(key)

    def __contains__(self, key: object) -> bool:
        return self._wrap_key(key) in self._storage

    def discard(self, key: object) -> None:
        """Take an element out, if it is there."""
        self._storage.discard(self._wrap_key(key))

    def add(self, key: object) -> None:
        """Put an element in."""
        self._storage.add(self._wrap_key(key))

    def update(self, items: Iterable[Any]) -> None:
        """Put elements in."""
        self._storage.update([self._wrap_key(item) for item in items])

    def intersection(self, items: Iterable[Any]) -> set[Any]:
        """The keys of the elements that are in both."""
        return self._storage.intersection([self._wrap_key(item) for item in items])

    def difference(self, items: Iterable[Any]) -> ObjectIdentitySet:
        """The elements that are not among `items`."""
        return self._from_storage(
            self._storage.difference([self._wrap_key(item) for item in items])
        )

    def __len__(self) -> int:
        return len(self._storage)

    def __iter__(self) -> Iterator[Any]:
        for key in list(self._storage):
            yield key.unwrapped


class ObjectIdentityWeakSet(ObjectIdentitySet):
    """As above; an element goes when nothing else holds it."""

    def _wrap_key(self, key: object) -> Any:
        return _WeakObjectIdentityWrapper(key)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Any]:
        for key in list(self._storage):
            value = key.unwrapped
            if value is None:
                self._storage.discard(key)
            else:
                yield value
