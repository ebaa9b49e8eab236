"""Tests made from the declarations: every op, by every route."""

from __future__ import annotations

import numpy as np
import pytest

from retrograd.ops import declare
from tests.ops import control_cases, harness, training_cases
from tests.ops.rows import Row, all_rows, f, row

ROWS = all_rows()

#: ops whose behaviour needs more than inputs: each has a test of its own
ELSEWHERE: dict[str, str] = dict.fromkeys(
    """
    Assign AssignAdd AssignAddVariableOp AssignSub AssignSubVariableOp AssignVariableOp
    CountUpTo DestroyResourceOp DestroyTemporaryVariable IsVariableInitialized
    ReadVariableOp ResourceCountUpTo ResourceGather ResourceGatherNd ResourceScatterAdd
    ResourceScatterDiv ResourceScatterMax ResourceScatterMin ResourceScatterMul
    ResourceScatterNdAdd ResourceScatterNdSub ResourceScatterNdUpdate
    ResourceScatterSub ResourceScatterUpdate ScatterAdd ScatterDiv ScatterMax ScatterMin
    ScatterMul ScatterNdAdd ScatterNdSub ScatterNdUpdate ScatterSub ScatterUpdate
    TemporaryVariable VarHandleOp VarIsInitializedOp Variable VariableShape VariableV2
    """.split(),
    "test_state",
)
ELSEWHERE.update(dict.fromkeys(training_cases.OPS, "test_training"))
declare.load_all()
ELSEWHERE["SymbolicGradient"] = "../functions/test_typed"
ELSEWHERE.update(
    (name, "../run/test_frames")
    for name in declare.registry
    if name.startswith(("StackV2", "StackP", "StackClose", "TensorArray"))
)
ELSEWHERE.update(dict.fromkeys(control_cases.OPS, "test_control"))
ELSEWHERE.update(
    (name, "test_datasets")
    for name in declare.registry
    if name.endswith(("Dataset", "DatasetV2")) or "Iterator" in name
)
ELSEWHERE.update(
    dict.fromkeys(["StridedSliceAssign", "ResourceStridedSliceAssign"], "test_slicing")
)
ELSEWHERE.update(
    dict.fromkeys(
        ["Const", "Placeholder", "PlaceholderV2", "RefIdentity"], "test_placeholders"
    )
)
ELSEWHERE.update(
    dict.fromkeys(
        """
        AccumulatorApplyGradient AccumulatorNumAccumulated AccumulatorSetGlobalStep
        AccumulatorTakeGradient ConditionalAccumulator ResourceAccumulatorApplyGradient
        ResourceAccumulatorNumAccumulated ResourceAccumulatorSetGlobalStep
        ResourceAccumulatorTakeGradient ResourceConditionalAccumulator
        SparseAccumulatorApplyGradient SparseAccumulatorTakeGradient
        SparseConditionalAccumulator
        FIFOQueue FIFOQueueV2 PaddingFIFOQueue PaddingFIFOQueueV2 PriorityQueue
        PriorityQueueV2 QueueClose QueueCloseV2 QueueDequeue QueueDequeueMany
        QueueDequeueManyV2 QueueDequeueUpTo QueueDequeueUpToV2 QueueDequeueV2
        QueueEnqueue QueueEnqueueMany QueueEnqueueManyV2 QueueEnqueueV2 QueueIsClosed
        QueueIsClosedV2 QueueSize QueueSizeV2 RandomShuffleQueue RandomShuffleQueueV2
        RngSkip StatefulRandomBinomial StatefulStandardNormal StatefulStandardNormalV2
        StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt
        StatefulUniformInt
        """.split(),
        "test_queues",
    )
)


def _ids(rows: list[Row]) -> list[str]:
    return [f"{i}-{r.op}" for i, r in enumerate(rows)]


@pytest.mark.parametrize("sample", ROWS, ids=_ids(ROWS))
def test_kernel_gives_what_was_inferred(sample: Row) -> None:
    harness.check_promise(harness.build(sample))


FIRST = [r for r in ROWS if r.order >= 1]
SECOND = [r for r in ROWS if r.order >= 2]


@pytest.mark.parametrize("sample", FIRST, ids=_ids(FIRST))
def test_first_derivative(sample: Row) -> None:
    harness.check_gradient(sample, harness.build(sample), 1)


@pytest.mark.parametrize("sample", SECOND, ids=_ids(SECOND))
def test_second_derivative(sample: Row) -> None:
    harness.check_gradient(sample, harness.build(sample), 2)


def test_every_op_has_a_row() -> None:
    declare.load_all()
    have = {r.op for r in ROWS} | set(ELSEWHERE)
    # other tests load the ops that TensorFlow's tests bring along
    ours = {
        name
        for name, declared in declare.registry.items()
        if not declared.kernel.__module__.startswith("retrograd.testing")
    }
    missing = sorted(ours - have)
    assert not missing, f"ops without a test row: {missing}"


def test_a_wrong_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that is wrong by 0.1 % must not pass."""
    entry = declare.gradient_registry._registry["Square"]
    right = entry["type"]

    def wrong(n, dy):
        return [declare.F.Mul(right(n, dy)[0], np.float64(1.001))]

    monkeypatch.setitem(entry, "type", wrong)
    sample = row("Square", f(3))
    with pytest.raises(AssertionError):
        harness.check_gradient(sample, harness.build(sample), 1)
