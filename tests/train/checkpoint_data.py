"""What TensorFlow 1.15 wrote and said: see tests/data/make_checkpoints.py."""

from __future__ import annotations

import base64
import functools
import gzip
import json
from pathlib import Path
from typing import Any


@functools.cache
def wanted() -> dict[str, Any]:
    path = Path(__file__).parent.parent / "data" / "checkpoints.json.gz"
    return json.loads(gzip.decompress(path.read_bytes()))


@functools.cache
def files() -> dict[str, bytes]:
    """The files of checkpoints that 1.15 wrote."""
    found = wanted()["files"].items()
    return {name: base64.b64decode(text) for name, text in found}


def put(folder: Path) -> str:
    """Write these files to a folder; its path."""
    for name, data in files().items():
        (folder / name).write_bytes(data)
    return str(folder)
