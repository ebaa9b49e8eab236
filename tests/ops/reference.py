"""What TensorFlow 1.15 made of the rows: `tests/data/rows`, by family.

`tests/data/make_rows.py` writes it.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retrograd import dtypes
from tests.ops.cases import name_of

FOLDER = Path(__file__).resolve().parents[1] / "data" / "rows"


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes:
      checksum: of the case that was run.
      kind: "values"; "refused", there is no kernel; "failed", with another error; or
        "crashed", and the process with it.
      values: the outputs, then what the variables hold.
      error: the class and the first line of the message.
    """

    checksum: int
    kind: str
    values: list[np.ndarray]
    error: tuple[str, ...]


@functools.cache
def family(name: str) -> dict[str, Outcome]:
    """The outcomes of a family of rows, by the name of the case."""
    path = FOLDER / f"{name}.npz"
    if not path.exists():
        return {}
    with np.load(path) as stored:
        index = json.loads(stored["index"].tobytes())
        data = stored["data"].tobytes()
    position = 0
    found: dict[str, Outcome] = {}
    for case, (checksum, kind, rest) in index.items():
        values: list[np.ndarray] = []
        if kind == "values":
            for dtype, shape, texts in rest:
                value, position = _array(dtype, shape, texts, data, position)
                values.append(value)
            rest = ()
        found[case] = Outcome(checksum, kind, values, tuple(rest))
    return found


def _array(
    dtype: str, shape: list[int], texts: Any, data: bytes, position: int
) -> tuple[np.ndarray, int]:
    if texts is not None:
        content = [t.encode("latin-1") for t in texts]
        return np.array(content, object).reshape(shape), position
    kind = dtypes.as_dtype(dtype).array_dtype
    count = int(np.prod(shape, dtype=np.int64))
    value = np.frombuffer(data, kind, count, position) if count else np.empty(0, kind)
    return value.reshape(shape), position + count * kind.itemsize


def entry(known: Outcome) -> Any:
    """What `write` takes for an outcome that was read."""
    if known.kind != "values":
        return known.checksum, known.kind, list(known.error)
    return known.checksum, known.kind, [_packed(v) for v in known.values]


def _packed(value: np.ndarray) -> Any:
    name = name_of(value)
    content = value.ravel().tolist() if name == "string" else value.tobytes()
    return name, value.shape, content


def write(name: str, outcomes: dict[str, Any]) -> None:
    """Write a family: by case, `(checksum, kind, packed values or error)`.

    A packed value is `(dtype, shape, bytes or list of texts)`.
    """
    index: dict[str, Any] = {}
    parts: list[bytes] = []
    for case in sorted(outcomes):
        checksum, kind, rest = outcomes[case]
        if kind == "values":
            described: list[Any] = []
            for dtype, shape, content in rest:
                texts = None
                if isinstance(content, list):
                    texts = [t.decode("latin-1") for t in content]
                else:
                    parts.append(content)
                described.append((dtype, shape, texts))
            rest = described
        index[case] = (checksum, kind, rest)
    text = json.dumps(index, separators=(",", ":")).encode()
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(
        FOLDER / f"{name}.npz",
        index=np.frombuffer(text, np.uint8),
        data=np.frombuffer(b"".join(parts), np.uint8),
    )
