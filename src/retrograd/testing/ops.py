"""The op types that TensorFlow's own tests define for themselves.

Tests import them from `tensorflow.python.framework.test_ops`: the functions here are
named as there, `int_output()` for the op type IntOutput.  Most of them have a signature
and nothing to compute: tests build graphs of them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import errors
from retrograd.graph import opdef
from retrograd.graph.operation import Operation
from retrograd.ops import raw
from retrograd.ops.declare import op
from retrograd.ops.infer import nothing, scalar, with_rank
from retrograd.testing.op_library import OpDefLibrary

if TYPE_CHECKING:
    from retrograd.run.store import Cell, Store
    from retrograd.typing import Array, Arrays

TABLE = Path(__file__).with_name("opdefs.tsv").read_text("utf-8").splitlines()
OP_TYPES = [opdef.add(line).name for line in TABLE]
OLD_REMOVED_IN = 8  # the GraphDef version

_by_function = {name.lower(): name for name in OP_TYPES}
_op_def_lib = OpDefLibrary(OP_TYPES)


def __getattr__(name: str) -> Callable[..., Any]:
    op_type = _by_function.get(name.replace("_", ""))
    if op_type is None or name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return raw.by_type(op_type)


# ---------------------------------------------------------------------- kernels


def _label(xp: Arrays, *inputs: Array, n: Operation) -> np.ndarray:
    """Which of its kernels runs: the one that `Graph._kernel_label_map` chose."""
    label = n.attrs.get("_kernel") or "default"
    text = label.decode() if isinstance(label, bytes) else label
    return np.array(f"My label is: {text}".encode(), object)


def _scalar_of_vector(n: Operation) -> tuple[int, ...]:
    with_rank(n, 0, 1)
    return ()


op("KernelLabel", infer=scalar, host=True)(_label)
op("KernelLabelRequired", infer=_scalar_of_vector, host=True)(_label)


@op("GraphDefVersion", infer=scalar, host=True)
def _graph_def_version(xp: Arrays, *, n: Operation) -> np.int32:
    """The producer version of the graph."""
    return np.int32(n.graph.graph_def_versions.producer)


def _in_the_version_before(n: Operation) -> tuple[int, ...]:
    graph = n.graph
    if (
        graph.graph_def_versions.producer
        != type(graph)().graph_def_versions.producer - 1
    ):
        raise ValueError("Wrong graph version for shape")
    return ()


op("RequiresOlderGraphVersion", infer=_in_the_version_before, host=True)(
    _graph_def_version
)


def _while_not_removed(n: Operation) -> list[Any]:
    version = n.graph.graph_def_versions.producer
    if version >= OLD_REMOVED_IN:
        raise NotImplementedError(
            f"Op Old is not available in GraphDef version {version}. It has been "
            f"removed in version {OLD_REMOVED_IN}. For reasons."
        )
    return nothing(n)


@op("Old", infer=_while_not_removed, host=True)
def _old(xp: Arrays) -> None:
    """Nothing; an op type of the time before GraphDef version 8."""


@op("DevicePlacementOp", infer=scalar, host=True)
def _device_placement_op(xp: Arrays, *, n: Operation) -> np.ndarray:
    """The full name of the device that the operation is placed on."""
    return np.array(placed(n.device).encode(), object)


def placed(device: str) -> str:
    """A device name with the parts it leaves open filled in, for one process."""
    from retrograd.graph.device import DeviceSpecV1

    whole = DeviceSpecV1("localhost", 0, 0, "CPU", 0)
    whole.merge_from(DeviceSpecV1.from_string(device))
    return whole.to_string()


# ---------------------------------------------------------------------- a resource


@op("StubResourceHandleOp", infer=scalar, host=True)
def _stub_resource_handle_op(xp: Arrays, *, n: Operation, store: Store) -> Any:
    """A handle of a resource without content."""
    return store.cell(n)


@op("ResourceCreateOp", infer=nothing, host=True)
def _resource_create_op(xp: Arrays, cell: Cell) -> None:
    """Create the resource."""
    cell.value = np.bool_(True)


@op("ResourceInitializedOp", infer=scalar, host=True)
def _resource_initialized_op(xp: Arrays, cell: Cell) -> np.bool_:
    """Whether the resource has been created."""
    return np.bool_(cell.value is not None)


@op("ResourceUsingOp", infer=nothing, host=True)
def _resource_using_op(xp: Arrays, cell: Cell) -> None:
    """Nothing, if the resource exists."""
    if cell.value is None:
        raise errors.NotFoundError(
            None, None, f"Resource localhost/{cell.name} does not exist."
        )
