"""Clusters and servers: `tf.train.ClusterSpec`, `tf.train.Server`.

Servers live in one process: sessions with a server's target share its variables, as do
the servers of one cluster. Nothing goes over a network.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from retrograd.run import servers
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Message

Tasks = dict[int, str]
T = TypeVar("T")
_ports = itertools.count(20000)


class ClusterSpec:
    """The tasks of a cluster: for each job, addresses by index.

    Args:
      cluster: for each job a list of addresses, or a dict of them by task index; or a
        ClusterDef message, or a ClusterSpec.

    Raises:
      TypeError: it is something else.
    """

    def __init__(self, cluster: Any) -> None:
        if isinstance(cluster, ClusterSpec):
            cluster = cluster.as_cluster_def()
        if isinstance(cluster, dict):
            self._cluster_spec = {job: _tasks(job, t) for job, t in cluster.items()}
            self._cluster_def = self._message()
        elif _kind(cluster) == "ClusterDef":
            self._cluster_def = cluster
            self._cluster_spec = {job.name: dict(job.tasks) for job in cluster.job}
        else:
            raise TypeError(
                "`cluster` must be a dictionary mapping one or more job names to lists "
                "of network addresses, or a `ClusterDef` protocol buffer"
            )

    def _message(self) -> Any:
        result = protos.message("cluster.ClusterDef")()
        for job, tasks in sorted(self._cluster_spec.items()):
            entry = result.job.add(name=_text(job, f"Job name {job!r}"))
            for index, address in sorted(tasks.items()):
                entry.tasks[index] = _text(address, f"Task address {address!r}")
        return result

    def __bool__(self) -> bool:
        return bool(self._cluster_spec)

    __nonzero__ = __bool__

    def __eq__(self, other: object) -> bool:
        spec = other._cluster_spec if isinstance(other, ClusterSpec) else other
        return self._cluster_spec == spec

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __str__(self) -> str:
        items = sorted(self.as_dict().items())
        return f"ClusterSpec({{{', '.join(f'{k!r}: {v!r}' for k, v in items)}}})"

    def as_dict(self) -> dict[str, Any]:
        """For each job a list of addresses; a dict where indices are missing."""
        found: dict[str, Any] = {}
        for job, tasks in self._cluster_spec.items():
            dense = bool(tasks) and max(tasks) + 1 == len(tasks)
            found[job] = self.job_tasks(job) if dense else dict(sorted(tasks.items()))
        return found

    def as_cluster_def(self) -> Any:
        """The cluster as a ClusterDef message."""
        return self._cluster_def

    @property
    def jobs(self) -> list[str]:
        """The names of the jobs."""
        return list(self._cluster_spec)

    def _job(self, job_name: str) -> Tasks:
        try:
            return self._cluster_spec[job_name]
        except KeyError:
            raise ValueError(f"No such job in cluster: {job_name!r}") from None

    def num_tasks(self, job_name: str) -> int:
        """How many tasks a job has.

        Raises:
          ValueError: there is no such job; so of the methods below.
        """
        return len(self._job(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        """The indices of a job's tasks, sorted."""
        return sorted(self._job(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        """The address of a task."""
        try:
            return self._job(job_name)[task_index]
        except KeyError:
            raise ValueError(
                f"No task with index {task_index!r} in job {job_name!r}"
            ) from None

    def job_tasks(self, job_name: str) -> list[str | None]:
        """The addresses of a job's tasks by index; None where there is no task."""
        tasks = self._job(job_name)
        return [tasks.get(i) for i in range(max(tasks) + 1)]


def _tasks(job: str, tasks: Any) -> Tasks:
    if isinstance(tasks, (list, tuple)):
        return dict(enumerate(tasks))
    if isinstance(tasks, dict):
        return dict(tasks)
    raise TypeError(
        f"The tasks for job {job!r} must be a list or a dictionary from integers to "
        "strings."
    )


def _text(value: object, what: str) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise TypeError(f"{what} must be bytes or unicode")
    return value


def _kind(value: object) -> str:
    return getattr(getattr(value, "DESCRIPTOR", None), "name", "")


def _make_server_def(
    server_or_cluster_def: ClusterSpec | Mapping[str, Any] | Message,
    job_name: str | None,
    task_index: int | None,
    protocol: str | None,
    config: Message | None,
) -> Any:
    from retrograd.formats import messages

    result = messages.ServerDef()
    if _kind(server_or_cluster_def) == "ServerDef":
        result.MergeFrom(server_or_cluster_def)
    else:
        try:
            spec = ClusterSpec(server_or_cluster_def)
        except TypeError:
            raise TypeError(
                "Could not convert `server_or_cluster_def` to a `tf.train.ServerDef` "
                "or `tf.train.ClusterSpec`."
            ) from None
        job_name = _only(spec.jobs, "job_name") if job_name is None else job_name
        if task_index is None:
            task_index = _only(spec.task_indices(job_name), "task_index")
        result.cluster.CopyFrom(spec.as_cluster_def())
        protocol = protocol or "grpc"
    for field, value in (
        ("job_name", job_name),
        ("task_index", task_index),
        ("protocol", protocol),
    ):
        if value is not None:
            setattr(result, field, value)
    if config is not None:
        result.default_session_config.MergeFrom(config)
    return result


def _only(found: list[T], what: str) -> T:
    if len(found) != 1:
        raise ValueError(f"Must specify an explicit `{what}`.")
    return found[0]


class Server:
    """A server in this process, which sessions name by its target.

    Args:
      server_or_cluster_def: a ServerDef, a ClusterDef, a ClusterSpec or what makes one.
      job_name: the server's job; not needed where there is one.
      task_index: the server's task; not needed where the job has one.
      protocol: "grpc"; accepted.
      config: a ConfigProto for sessions that bring none.
      start: whether to start it at once.

    Raises:
      TypeError: the first argument is something else.
      ValueError: an argument is missing.
    """

    def __init__(
        self,
        server_or_cluster_def: ClusterSpec | Mapping[str, Any] | Message,
        job_name: str | None = None,
        task_index: int | None = None,
        protocol: str | None = None,
        config: Message | None = None,
        start: bool = True,
    ) -> None:
        self._server_def = _make_server_def(
            server_or_cluster_def, job_name, task_index, protocol, config
        )
        jobs = {job.name: dict(job.tasks) for job in self._server_def.cluster.job}
        own = jobs[self._server_def.job_name][self._server_def.task_index]
        host, _, port = own.rpartition(":")
        reached = f"{host}:{next(_ports)}" if port == "0" else own
        self._target = f"{self._server_def.protocol}://{reached}"
        self._own = reached
        self._addresses = frozenset(
            reached if address == own else address
            for tasks in jobs.values()
            for address in tasks.values()
        )
        if start:
            self.start()

    def start(self) -> None:
        """Let sessions use the server."""
        config = self._server_def.default_session_config
        given = config if self._server_def.HasField("default_session_config") else None
        servers.register(self._target, self._own, self._addresses, given)

    def join(self) -> NoReturn:
        """Wait for the server to end: for ever."""
        while True:
            threading.Event().wait()

    @property
    def server_def(self) -> Any:
        """The server as a ServerDef message."""
        return self._server_def

    @property
    def target(self) -> str:
        """What sessions that use the server are given."""
        return self._target

    @staticmethod
    def create_local_server(
        config: Message | None = None, start: bool = True
    ) -> Server:
        """A server that is a cluster of its own."""
        return Server(
            {"local": ["localhost:0"]}, protocol="grpc", config=config, start=start
        )
