"""Data parallelism: one plan over several devices, by JAX's sharding.

Feeds are split along their first axis, variables are on every device; XLA inserts the
collectives that sum gradients.  The plan, the kernels and the numbers are those of one
device, up to the order of summation.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from retrograd.errors import message

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession


def host_devices(count: int) -> None:
    """Let XLA present the CPU as `count` devices; before JAX is first imported.

    Raises:
      RuntimeError: JAX has been imported already.
    """
    if "jax" in sys.modules:
        raise RuntimeError(
            message(
                "The number of host devices is fixed once JAX has started.",
                fix="call host_devices before the first run that compiles",
            )
        )
    flags = os.environ.get("XLA_FLAGS", "")
    wanted = f"--xla_force_host_platform_device_count={count}"
    os.environ["XLA_FLAGS"] = f"{flags} {wanted}".strip()


def data_parallel(session: BaseSession, devices: int) -> None:
    """Run what `session` compiles from now on over `devices` devices.

    Args:
      session: a session; it is pinned to the compiled tier.
      devices: how many devices share each batch. Feeds whose first dimension they
        divide are split, others are given to all.

    Raises:
      ValueError: fewer than one device.
    """
    if devices < 1:
        raise ValueError(f"devices must be at least 1, not {devices}")
    session._store.devices = devices
    session._tier = 1
    session._executables.clear()
