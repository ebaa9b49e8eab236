"""tf.contrib.legacy_seq2seq, as TensorFlow 1.15.5 has it."""

from __future__ import annotations

import gzip
import json

import pytest
from tests.layers.test_recurrent import PROGRAMS as RUNS
from tests.layers.test_reference import DATA, close, load

import retrograd as tf

EXPECTED = json.loads(gzip.decompress((DATA / "legacy_seq2seq.json.gz").read_bytes()))
PROGRAMS = load("legacy_seq2seq_programs")

#: what is also run compiled: one
COMPILED = ("tied",)
RUNS_OF = [(name, 0) for name in PROGRAMS.PROGRAMS] + [(name, 1) for name in COMPILED]


@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
@pytest.mark.parametrize(("name", "tier"), RUNS_OF)
def test_program(name: str, tier: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", str(tier))
    found = json.loads(json.dumps(RUNS.described_run(tf, PROGRAMS.PROGRAMS[name])))
    wanted = EXPECTED[name]
    for key in ("shapes", "variables", "reached", "seeds"):
        assert found[key] == wanted[key], key
    for key, tolerance in (("values", 1e-5), ("gradients", 1e-4)):
        for place, (a, b) in enumerate(zip(found[key], wanted[key], strict=True)):
            close(a, b, tolerance, f"{key} {place}")


@pytest.mark.parametrize("name", PROGRAMS.REFUSED)
def test_refused(name: str) -> None:
    found = PROGRAMS.message(tf, name, PROGRAMS.REFUSED)
    assert found == EXPECTED["refused"][name]
