"""What is wrong with a row: in which dtype, and in which way of running it.

Each case is run interpreted, compiled and at once. All give the dtypes and shapes that
inference promised, and what TensorFlow 1.15 gave; what it refused is refused. Where it
failed otherwise, the ways of running have to agree with each other.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.graph import Graph
from retrograd.graph.tensor import Tensor
from tests.ops import runs
from tests.ops.cases import Case, cases, name_of
from tests.ops.differences import DIFFERENCES
from tests.ops.reference import Outcome
from tests.ops.rows import Row
from tests.ops.runs import Got

#: how far two values may be apart, as part of the mean of their size and the largest of
#: the output: sums lose what cancels
TOLERANCES = {
    # about 2¹⁶ times the spacing: sums are in another order, and the series of special
    # functions cut elsewhere
    "float64": 1e-11,
    "complex128": 1e-11,
    # about 100 times the spacing, 1.2e-7: TensorFlow's own tanh, exp and
    # so on are good to some spacings, and sums are in another order
    "float32": 1e-5,
    "complex64": 1e-5,
    # some spacings, 9.8e-4 and 7.8e-3: here sums are rounded once, in TensorFlow
    # as they are added up or, by its compiler, after each operation
    "float16": 4e-3,
    "bfloat16": 3e-2,
}
REFUSED = "No OpKernel was registered", "Could not find valid device for node."


def failures(
    row: Row,
    number: int,
    known: Mapping[str, Outcome],
    differences: Mapping[str, str] = DIFFERENCES,
) -> list[str]:
    """A line for each thing that is wrong with a row.

    Args:
      row: the row.
      number: its place among those of its op.
      known: what TensorFlow made of its cases.
      differences: the known ones.
    """
    found: list[str] = []
    variations = cases(row, number)
    static = runs.static_inputs(variations[0])
    for case, given in zip(variations, _run(row, variations, static), strict=True):
        outcome = known.get(case.name)
        if outcome is None or outcome.checksum != case.checksum:
            found.append(
                f"{case.name}: TensorFlow was not asked. Run tests/data/make_rows.py."
            )
            continue
        found += [
            f"{case.name}, {mode}: {text}"
            for mode, text in _wrong(case, static, given, outcome, differences)
        ]
    return found


def _run(
    row: Row, variations: Sequence[Case], static: frozenset[str]
) -> list[dict[str, Got]]:
    """What each way of running gives for each case."""
    given = [{"tier 0": runs.interpreted(case, static)} for case in variations]
    if not any(value.stored == "ref" for value in variations[0].values):
        # reference variables are for graphs only
        for case, got in zip(variations, given, strict=True):
            got["eager"] = runs.at_once(case)
    runnable = [i for i, got in enumerate(given) if got["tier 0"].error is None]
    if row.tier1 and runnable:
        batch = [variations[i] for i in runnable]
        for i, got in zip(runnable, runs.compiled(batch, static), strict=True):
            given[i]["tier 1"] = got
    return given


def _wrong(
    case: Case,
    static: frozenset[str],
    given: Mapping[str, Got],
    outcome: Outcome,
    differences: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    for mode, got in given.items():
        if got.error is None:
            yield from ((mode, text) for text in _broken_promises(case, static, got))
    against = _differing(case, given, outcome)
    if any(fnmatch.fnmatchcase(case.name, pattern) for pattern in differences):
        if not against:
            yield "all", "no difference any more: take it off the list of differences"
    elif outcome.kind in ("values", "refused"):
        yield from against
        return
    yield from _disagreeing(case, given)


# ---------------------------------------------------------------------- promises


def _broken_promises(case: Case, static: frozenset[str], got: Got) -> Iterator[str]:
    """Where values have another dtype or shape than inference said."""
    for known in (static, None):
        with Graph().as_default():
            try:
                outputs = runs.applied(case, known).outputs
            except ValueError:
                continue  # what is known is refused when made: nothing is promised
            for i, (tensor, value) in enumerate(zip(outputs, got.values, strict=False)):
                if not _keeps(tensor, value):
                    yield (
                        f"output {i} is {name_of(np.asarray(value))}{np.shape(value)}, "
                        f"promised is {tensor.dtype.name}{tensor.shape}"
                    )


def _keeps(tensor: Tensor, value: Any) -> bool:
    raw, dtype = tensor._shape_raw, tensor.dtype.base_dtype
    if dtype in (dtypes.resource, dtypes.variant):
        return True
    array = np.asarray(value)
    if name_of(array) != name_of(np.empty(0, dtype.array_dtype)):
        return False
    sizes = np.shape(value)
    return raw is None or (
        len(raw) == len(sizes)
        and all(a is None or a == b for a, b in zip(raw, sizes, strict=True))
    )


# ---------------------------------------------------------------------- values


def _differing(
    case: Case, given: Mapping[str, Got], outcome: Outcome
) -> list[tuple[str, str]]:
    """Where a way of running differs from what TensorFlow did."""
    found: list[tuple[str, str]] = []
    for mode, got in given.items():
        text = ""
        if outcome.kind == "refused":
            text = _not_refused(got, outcome)
        elif got.error is not None:
            first = str(got.error).split("\n")[0]
            text = f"raises {type(got.error).__name__}: {first}"
        elif outcome.kind == "values":
            text = _apart(case.row, got.values, outcome.values)
        if text:
            found.append((mode, text))
    return found


def _not_refused(got: Got, outcome: Outcome) -> str:
    if got.error is not None and str(got.error).startswith(REFUSED):
        return ""
    return f"not refused; TensorFlow: {': '.join(outcome.error)[:150]}"


def _disagreeing(case: Case, given: Mapping[str, Got]) -> Iterator[tuple[str, str]]:
    """Where a way of running differs from the first."""
    first, *others = given.values()
    for mode, got in zip(list(given)[1:], others, strict=True):
        if (got.error is None) != (first.error is None):
            yield mode, f"{got.error!r}, but the first way gives {first.error!r}"
        elif got.error is None:
            text = _apart(case.row, got.values, first.values)
            if text:
                yield mode, f"{text}, against the first way"


def _apart(row: Row, values: Sequence[Any], wanted: Sequence[Any]) -> str:
    """How values differ from those that are wanted; empty if they do not."""
    if len(values) != len(wanted):
        return f"{len(values)} outputs, not {len(wanted)}"
    for i, (value, want) in enumerate(zip(values, wanted, strict=True)):
        how = row.compared.get(i, "")
        text = difference(np.asarray(value), np.asarray(want), how, row.slack)
        if text:
            return f"output {i} {text}"
    return ""


def difference(
    value: np.ndarray, want: np.ndarray, how: str = "", slack: float = 1.0
) -> str:
    """How an array differs from the one that is wanted; empty if it does not.

    Args:
      value: the array.
      want: the other.
      how: see `Row.compared`.
      slack: a factor for the tolerance.
    """
    name, wanted = name_of(value), name_of(want)
    if name != wanted:
        return f"is {name}, not {wanted}"
    if how == "dtype":
        return ""
    if value.shape != want.shape:
        return f"has shape {value.shape}, not {want.shape}"
    tolerance = TOLERANCES.get(name)
    if how == "shape" or not value.size:
        return ""
    if tolerance is None:
        return _first(value, want, np.asarray(value == want))
    wide = np.complex128 if value.dtype.kind == "c" else np.float64
    a, b = value.astype(wide), want.astype(wide)
    if how == "magnitude":
        a, b = np.abs(a), np.abs(b)
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(a), np.abs(b))
        largest = np.max(size, initial=0, where=np.isfinite(size))
        near = np.abs(a - b) <= slack * tolerance * (size + largest) / 2
    return _first(a, b, near | (a == b) | (np.isnan(a) & np.isnan(b)))


def _first(value: np.ndarray, want: np.ndarray, same: np.ndarray) -> str:
    """The first place where two arrays are not the same."""
    if same.all():
        return ""
    place = tuple(int(i) for i in np.argwhere(~same)[0])
    return f"at {place} is {value[place]!r}, not {want[place]!r}"
