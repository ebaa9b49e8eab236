"""tf.contrib.seq2seq and tf.contrib.legacy_seq2seq, as TensorFlow 1.15.5 has them."""

from __future__ import annotations

import gzip
import json
import sys
from typing import Any

import pytest
from tests.layers.test_recurrent import PROGRAMS as RUNS
from tests.layers.test_reference import DATA, close, load

import retrograd as tf

#: the modules of programs, which import each other, and what TensorFlow makes of them
MODULES = {
    name: sys.modules.setdefault(f"{name}_programs", load(f"{name}_programs"))
    for name in ("legacy_seq2seq", "seq2seq")
}
EXPECTED = {
    name: json.loads(gzip.decompress((DATA / f"{name}.json.gz").read_bytes()))
    for name in MODULES
}
#: those that are also run compiled
COMPILED = {"tied", "beams", "wrapper_in_a_loop"}
#: TensorFlow makes more operations for the arrays of these
OTHER_SEEDS = {"by_functions", "monotonic_steps"}
CASES = [
    pytest.param(
        module,
        name,
        tier,
        id=f"{module}-{name}-{tier}",
        marks=pytest.mark.covers(*["GatherTree"] * (name == "beams_of_arrays")),
    )
    for module, programs in MODULES.items()
    for name in programs.PROGRAMS
    for tier in (0, 1)
    if not tier or name in COMPILED
]
REFUSED = [(module, name) for module, p in MODULES.items() for name in p.REFUSED]


@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
@pytest.mark.parametrize(("module", "name", "tier"), CASES)
def test_program(
    module: str, name: str, tier: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", str(tier))
    wanted = EXPECTED[module][name]
    described: Any = RUNS.described_run(tf, MODULES[module].PROGRAMS[name])
    found = json.loads(json.dumps(described))
    for key in ("shapes", "variables", "reached", "seeds"):
        if name not in OTHER_SEEDS or key != "seeds":
            assert found[key] == wanted[key], key
    for key, tolerance in (("values", 1e-5), ("gradients", 1e-4)):
        for place, (a, b) in enumerate(zip(found[key], wanted[key], strict=True)):
            close(a, b, tolerance, f"{key} {place}")


@pytest.mark.parametrize(("module", "name"), REFUSED)
def test_refused(module: str, name: str) -> None:
    found = MODULES[module].message(tf, name, MODULES[module].REFUSED)
    assert found == EXPECTED[module]["refused"][name]
