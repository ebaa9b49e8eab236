"""Every row on hostile values: the tiers agree, with each other and TensorFlow 1.15."""

from __future__ import annotations

import fnmatch

import pytest

from tests.ops import hostile, reference, runs
from tests.ops.cases import Case
from tests.ops.differences import HOSTILE, SUMS
from tests.ops.runs import Got

#: cases that are compiled as one program
_TOGETHER = 24
CASES = hostile.all_cases()
BATCHES = [CASES[i : i + _TOGETHER] for i in range(0, len(CASES), _TOGETHER)]


def _apart(case: Case, found: Got, want: list[object]) -> str:
    """Where the values of a run are not those wanted; empty if they are."""
    if found.error is not None:
        return f"raises {found.error!r}"[:200]
    if len(found.values) != len(want):
        return f"{len(found.values)} outputs, not {len(want)}"
    for i, (value, other) in enumerate(zip(found.values, want, strict=True)):
        text = "" if i in case.row.compared else hostile.apart(value, other)
        if text:
            return f"output {i} {text}"
    return ""


def _wrong(case: Case, interpreted: Got, compiled: Got | None) -> list[str]:
    """What the tiers make of a case that TensorFlow does not, or one of them not."""
    known = reference.family(hostile.FAMILY).get(case.name)
    if known is None or known.checksum != case.checksum:
        return ["TensorFlow was not asked. Run tests/data/make_rows.py."]
    tiers = {"tier 0": interpreted}
    if compiled is not None:
        tiers["tier 1"] = compiled
    wrong: list[str] = []
    if known.kind == "values":
        texts = {t: _apart(case, got, list(known.values)) for t, got in tiers.items()}
        wrong += [f"{tier}: {text}" for tier, text in texts.items() if text]
    if compiled is not None and interpreted.error is None:
        text = _apart(case, compiled, interpreted.values)
        wrong += [f"tier 1 against tier 0: {text}"] if text else []
    return wrong


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: batch[0].row.op)
def test_the_tiers_agree(batch: list[Case]) -> None:
    interpreted = [runs.interpreted(case, runs.static_inputs(case)) for case in batch]
    usable = [
        i
        for i, (case, got) in enumerate(zip(batch, interpreted, strict=True))
        if case.row.tier1 and got.error is None
    ]
    compiled = dict(
        zip(usable, runs.compiled_together([batch[i] for i in usable]), strict=True)
    )
    lines: list[str] = []
    for i, (case, got) in enumerate(zip(batch, interpreted, strict=True)):
        wrong = _wrong(case, got, compiled.get(i))
        if any(fnmatch.fnmatchcase(case.row.op, pattern) for pattern in SUMS):
            wrong = [text for text in wrong if "raises" in text]
        if case.name not in HOSTILE:
            lines += [f"{case.name}, {text}" for text in wrong]
        elif not wrong:
            lines.append(f"{case.name}: no difference any more: take it off the list")
    assert not lines, "\n".join(lines)


def test_what_is_listed_is_run() -> None:
    assert set(HOSTILE) <= {case.name for case in CASES}
