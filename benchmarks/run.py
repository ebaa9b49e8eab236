"""Speed and memory beside the peers, in one run: a table and JSON.

    python benchmarks/run.py [--seconds 3] [--rounds 3] [--work NAME …] [--out FOLDER]
        [--tensorflow PYTHON] [--compat PYTHON] [--jax PYTHON] [--torch PYTHON]

Each peer is given as the Python of an environment that has it (TensorFlow 1.15.5 needs
Python 3.7; `compat` is the current TensorFlow); one that is not given is left out, with
a word.  retrograd runs on the Python that runs this file.  Every measurement is a
process of its own; peers take turns within a round, and a figure is the median over the
rounds.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PEERS = ("tensorflow", "compat", "jax", "torch")
SCRIPT = {"jax": "jax_programs.py", "torch": "torch_programs.py"}
WORK = (
    "two_ops first_program mlp logistic chain_1k chain_5k chain_20k many_variables "
    "lenet transformer second_derivatives"
).split()
NAMES = {
    "tensorflow": "TensorFlow 1.15",
    "compat": "compat.v1",
    "jax": "JAX",
    "torch": "PyTorch",
    "retrograd": "retrograd",
}


def environment() -> dict[str, str]:
    """The environment of a measured process: quiet, on the CPU.

    Python keeps what it compiles, as it does for every installed package.
    """
    inherited = {n: v for n, v in os.environ.items() if n != "PYTHONDONTWRITEBYTECODE"}
    return dict(
        inherited,
        TF_CPP_MIN_LOG_LEVEL="3",
        CUDA_VISIBLE_DEVICES="",
        JAX_PLATFORMS="cpu",
        PYTHONPATH=str(HERE.parent / "src"),
    )


def measure(python: str, peer: str, work: str, seconds: float) -> dict[str, float]:
    """One process of one workload; empty where the peer does not have it."""
    script = HERE / "work" / SCRIPT.get(peer, "graphs.py")
    done = subprocess.run(
        [python, str(script), peer, work, str(seconds)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=600,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        print(f"  {peer} {work}: {done.stderr.strip().splitlines()[-1:]}")
        return {}
    return json.loads(lines[-1])


def whole(python: str, arguments: list[str]) -> float:
    """Seconds that a whole process takes."""
    started = time.perf_counter()
    subprocess.run(
        [python, *arguments], capture_output=True, env=environment(), check=True
    )
    return time.perf_counter() - started


def processes(pythons: dict[str, str], rounds: int) -> dict[str, dict[str, float]]:
    """Import times and whole processes of the first program."""
    program = str(HERE.parent / "examples" / "first_program.py")
    commands = {
        "import numpy": (sys.executable, ["-c", "import numpy"]),
        "import retrograd": (sys.executable, ["-c", "import retrograd"]),
        "retrograd run": (sys.executable, ["-m", "retrograd", "run", program]),
    }
    if "tensorflow" in pythons:
        python = pythons["tensorflow"]
        commands["import tensorflow 1.15"] = (python, ["-c", "import tensorflow"])
        commands["TensorFlow 1.15"] = (python, [program])
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds + 1):
        for name, (python, arguments) in commands.items():
            times[name].append(whole(python, arguments))
    return {n: {"seconds": statistics.median(t[1:])} for n, t in times.items()}


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure over the rounds that gave one."""
    rounds = [r for r in rounds if r]
    if not rounds:
        return {}
    return {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}


def table(
    results: dict[str, dict[str, dict[str, float]]], figure: str, scale: float
) -> str:
    """A figure of all workloads and peers, as Markdown, with ratios to the fastest."""
    peers = [p for p in ("retrograd", *PEERS) if any(p in r for r in results.values())]
    rows = [
        "| | " + " | ".join(NAMES[p] for p in peers) + " | ours / 1.15 | ours / best |"
    ]
    rows.append("|---" * (len(peers) + 3) + "|")
    for work, by_peer in results.items():
        values = {p: by_peer[p][figure] for p in peers if by_peer.get(p)}
        cells = [f"{values[p] * scale:.4g}" if p in values else "–" for p in peers]
        ours, theirs = values.get("retrograd"), values.get("tensorflow")
        others = [v for p, v in values.items() if p != "retrograd" and v > 0]
        against = f"{ours / theirs:.2f}" if ours and theirs else "–"
        best = f"{ours / min(others):.2f}" if ours and others else "–"
        rows.append(f"| {work} | " + " | ".join(cells) + f" | {against} | {best} |")
    return "\n".join(rows)


def report(found: dict[str, Any]) -> str:
    """The whole page."""
    work = found["work"]
    parts = [
        "# Speed and memory",
        f"Measured {found['date']} on {found['machine']}; medians of {found['rounds']} "
        "rounds, peers interleaved, each measurement a process of its own. "
        "Written by `python benchmarks/run.py`.",
        "Versions: "
        + ", ".join(f"{k} {v}" for k, v in found["versions"].items())
        + ".",
        "## A steady run, milliseconds (mean)",
        table(work, "mean", 1e3),
        "## A steady run, milliseconds of CPU time over all threads",
        table(work, "cpu", 1e3),
        "## Building the graph and its gradients, milliseconds",
        table(
            {
                name: {
                    p: {"build": r["build"] + r["gradients"]}
                    for p, r in by.items()
                    if r and p in ("retrograd", "tensorflow", "compat")
                }
                for name, by in work.items()
            },
            "build",
            1e3,
        ),
        "## First result of a new graph, milliseconds",
        table(work, "first", 1e3),
        "## Peak memory, MiB",
        table(work, "memory", 1),
        "## Whole processes, seconds",
        "\n".join(
            ["| | seconds |", "|---|---|"]
            + [f"| {n} | {r['seconds']:.3f} |" for n, r in found["processes"].items()]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def version(python: str, module: str) -> str:
    """The version of a module in an environment."""
    code = f"import importlib.metadata as m; print(m.version({module!r}))"
    if module == "tensorflow-1.15":
        return "1.15.5"
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "?"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", nargs="*", default=WORK)
    parser.add_argument("--out", type=Path, default=HERE)
    for peer in PEERS:
        parser.add_argument(f"--{peer}", help=f"a Python that has {NAMES[peer]}")
    options = parser.parse_args()
    pythons = {p: getattr(options, p) for p in PEERS if getattr(options, p)}
    for peer in PEERS:
        if peer not in pythons:
            print(f"{NAMES[peer]} is left out: no --{peer} given")
    pythons = {"retrograd": sys.executable, **pythons}
    work: dict[str, dict[str, dict[str, float]]] = {}
    for name in options.work:
        rounds: dict[str, list[dict[str, float]]] = {p: [] for p in pythons}
        for _ in range(options.rounds):
            for peer, python in pythons.items():
                rounds[peer].append(measure(python, peer, name, options.seconds))
        work[name] = {p: m for p, r in rounds.items() if (m := medians(r))}
        shown = {p: f"{m['mean'] * 1e3:.4g} ms" for p, m in work[name].items()}
        print(name, shown, flush=True)
    packages = {
        "tensorflow": "tensorflow-1.15",
        "compat": "tensorflow-cpu",
        "jax": "jax",
        "torch": "torch",
    }
    found = dict(
        date=datetime.date.today().isoformat(),
        machine=f"{os.cpu_count()} × {processor()}",
        rounds=options.rounds,
        versions={
            NAMES[p]: version(python, packages[p])
            for p, python in pythons.items()
            if p in packages
        },
        work=work,
        processes=processes(pythons, options.rounds),
    )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    (options.out / "RESULTS.md").write_text(report(found))
    print(report(found))


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [
            line.partition(": ")[2] for line in lines if line.startswith("model name")
        ]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
