"""Statistics of nodes that programs register."""

import pytest

from retrograd.compat.internals import statistics
from retrograd.formats.node import make_node_def


def test_statistics_by_op_type():
    @statistics.RegisterStatistics("Tangle", "flops")
    def _flops(graph, node):
        return statistics.OpStats("flops", 20)

    node = make_node_def("Tangle", "t")
    found = statistics.get_stats_for_node_def(None, node, "flops")
    found += statistics.OpStats("flops", 3)
    assert found.value == 23
    other = statistics.get_stats_for_node_def(None, make_node_def("Mul", "m"), "flops")
    assert other.value is None
    with pytest.raises(ValueError, match="Can't add an OpStat"):
        found += statistics.OpStats("bytes", 1)
