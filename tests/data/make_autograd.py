"""Write autograd.json: what PyTorch makes of `autograd_cases`.

Run it with a Python that has PyTorch 2.13:  python tests/data/make_autograd.py
"""

import json
import os
import sys
import warnings

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import autograd_cases as cases  # noqa: E402
from autograd_runs import constant, derivatives, printed  # noqa: E402


def main():
    warnings.simplefilter("ignore")
    found = {
        "expressions": {e: derivatives(torch, e) for e in cases.EXPRESSIONS},
        "constants": {e: constant(torch, e) for e in cases.CONSTANTS},
        "programs": {n: printed(torch, p) for n, p in cases.PROGRAMS.items()},
    }
    parts = [
        f"{json.dumps(kind)}: {{\n" + ",\n".join(lines(entries)) + "\n}"
        for kind, entries in found.items()
    ]
    with open(os.path.join(HERE, "autograd.json"), "w", encoding="utf-8") as stream:
        stream.write("{\n" + ",\n".join(parts) + "\n}\n")


def lines(entries):
    return [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in entries.items()]


if __name__ == "__main__":
    main()
