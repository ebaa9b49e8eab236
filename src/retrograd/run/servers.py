"""The servers of this process that sessions find by their target."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from retrograd.errors import NotFoundError, UnimplementedError, message
from retrograd.run.store import Store

if TYPE_CHECKING:
    from retrograd.typing import Message

#: targets that mean no server
_DIRECT = ("", "local")
_lock = threading.Lock()


class Cluster:
    """Servers that know of each other: they share one store.

    Args:
      addresses: the addresses of all tasks.
    """

    def __init__(self, addresses: frozenset[str]) -> None:
        self.store = Store()
        self.missing = set(addresses)


class Entry:
    """A started server: its store, and the config of sessions that have none."""

    def __init__(self, cluster: Cluster, config: Message | None) -> None:
        self.cluster = cluster
        self.config = config

    @property
    def store(self) -> Store:
        """Where the variables of its sessions are."""
        return self.cluster.store


_entries: dict[str, Entry] = {}
_clusters: dict[frozenset[str], Cluster] = {}


def register(
    target: str, address: str, addresses: frozenset[str], config: Message | None
) -> None:
    """Let sessions find a server of this process.

    Args:
      target: what sessions are given.
      address: the server's own address in its cluster.
      addresses: those of all tasks of the cluster.
      config: the config of sessions that have none, or None.
    """
    with _lock:
        cluster = _clusters.get(addresses)
        if cluster is None or address not in cluster.missing:
            cluster = _clusters[addresses] = Cluster(addresses)
        cluster.missing.discard(address)
        _entries[target] = Entry(cluster, config)


def find(target: str) -> Entry | None:
    """The server that a session's target names; None for a session without one.

    Raises:
      NotFoundError: the target is nothing of the kind.
      UnimplementedError: the server, or one of its cluster, is in another process.
    """
    if target in _DIRECT:
        return None
    entry = _entries.get(target)
    if entry is not None:
        if entry.cluster.missing:
            raise _elsewhere(", ".join(sorted(entry.cluster.missing)))
        return entry
    if target.startswith("grpc"):
        raise _elsewhere(target)
    raise NotFoundError(
        None,
        None,
        "No session factory registered for the given session options: {target: "
        f'"{target}" config: }} Registered factories are {{DIRECT_SESSION, '
        "GRPC_SESSION}.",
    )


def _elsewhere(where: str) -> UnimplementedError:
    return UnimplementedError(
        None,
        None,
        message(
            "Servers of other processes cannot be reached.",
            got=where,
            fix="start all servers of the cluster in this process, or run one "
            "session over a device mesh",
        ),
    )
