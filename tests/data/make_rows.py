"""Write rows/*.npz: what TensorFlow 1.15 makes of each row of tests/ops/rows.

    python tests/data/make_rows.py REFERENCE [FAMILY ...]

The family `hostile` is each row on hostile values. Run with the project's Python and
packages; REFERENCE is a Python 3.7 that has tensorflow==1.15.5. Rows that have not
changed since keep what they have; `--all` asks for all again. A case that ends the
process is noted as such.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.ops import cases, hostile, reference, runs  # noqa: E402

WORKER = Path(__file__).with_name("rows_worker.py")


def packed(value: cases.Value, static: bool) -> Any:
    content: Any = value.array.tobytes()
    if value.dtype == "string":
        content = value.array.ravel().tolist()
    array = (value.array.shape, content)
    return value.dtype, value.stored, static, array


def job(case: cases.Case) -> Any:
    static = runs.static_inputs(case)
    names = [a.name for a in cases.definition(case.row.op).inputs]
    inputs = [
        [packed(v, name in static) for v in given]
        if isinstance(given, list)
        else packed(given, name in static)
        for name, given in zip(names, case.inputs, strict=True)
    ]
    plain = {k: cases.plain(v) for k, v in case.attrs.items()}
    return case.row.op, inputs, plain


def asked(python: str, jobs: list[Any]) -> list[Any]:
    """What became of each job, in processes of the reference."""
    found: list[Any] = []
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "jobs"), Path(folder, "results")
        while len(found) < len(jobs):
            source.write_bytes(b"".join(pickle.dumps(j, 2) for j in jobs[len(found) :]))
            target.write_bytes(b"")
            done = subprocess.run(
                [python, str(WORKER), str(source), str(target)],
                stderr=subprocess.DEVNULL,
                check=False,
            )
            with target.open("rb") as results:
                while True:
                    try:
                        found.append(pickle.load(results))
                    except EOFError:
                        break
            if done.returncode and len(found) < len(jobs):
                found.append(("crashed", []))
    return found


def main(python: str, *wanted: str) -> None:
    anew = "--all" in wanted
    chosen = [w for w in wanted if w != "--all"]
    groups = {
        family: [case for row, number in rows for case in cases.cases(row, number)]
        for family, rows in cases.numbered().items()
    }
    groups[hostile.FAMILY] = hostile.all_cases()
    for family in chosen or groups:
        known = {} if anew else reference.family(family)
        found: dict[str, Any] = {}
        missing: list[cases.Case] = []
        for case in groups[family]:
            before = known.get(case.name)
            if before is not None and before.checksum == case.checksum:
                found[case.name] = reference.entry(before)
            else:
                missing.append(case)
        for case, (kind, rest) in zip(
            missing, asked(python, list(map(job, missing))), strict=True
        ):
            found[case.name] = (case.checksum, kind, rest)
        reference.write(family, found)
        print(f"{family}: {len(missing)} of {len(found)} asked")


main(*sys.argv[1:])
