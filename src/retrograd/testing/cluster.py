"""`tf.test.create_local_cluster`, which says what there is instead."""

from __future__ import annotations

from typing import NoReturn

from retrograd import errors


def create_local_cluster(
    num_workers: int,
    num_ps: int,
    protocol: str = "grpc",
    worker_config: object = None,
    ps_config: object = None,
) -> NoReturn:
    """Raise: there are no gRPC servers to start.

    Raises:
      UnimplementedError: always.
    """
    raise errors.UnimplementedError(
        None,
        None,
        errors.message(
            "Local clusters of gRPC servers are not supported.",
            got=f"num_workers={num_workers}, num_ps={num_ps}, protocol={protocol!r}",
            fix="run the test in one process with tf.Session(); several devices of "
            "one process are named '/device:CPU:0', '/device:CPU:1', …",
        ),
    )
