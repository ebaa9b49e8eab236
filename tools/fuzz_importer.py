"""Ask TensorFlow 1.15 and this package what they say of random GraphDefs.

    python tools/fuzz_importer.py --reference PYTHON --first N --count N --out FILE
                                  --verdicts FILE

PYTHON is one that has TensorFlow 1.15.5. Graphs come from tests/formats/graph_fuzz.py,
one a seed. Each is imported in a process of ours, which is killed after 10 seconds or
beyond half of the machine's memory, and in one of TensorFlow's, which is started again
where it dies. Printed are the numbers of graphs about which both agree (taken, or
refused with the same class of error); `--out` gets a line of JSON for each of the
others. TensorFlow's verdicts are kept in the file of `--verdicts`, by checksums of the
graphs, and are not asked for again. `--sample` writes the graphs and the verdicts on
them to a file, as tests/data/imports.xz has them.
"""

from __future__ import annotations

import argparse
import collections
import json
import lzma
import os
import resource
import select
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SERVER = ROOT / "tests" / "data" / "serve_imports.py"
LIMIT = 10.0


def _half_of_memory() -> None:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (pages // 2, pages // 2))


def _framed(text: bytes) -> bytes:
    """A message as `serve_imports` reads it."""
    return struct.pack(">Q", len(text)) + text


class Server:
    """A process that imports what it is sent and answers with its verdict.

    Args:
      command: what to start.
    """

    def __init__(self, *command: str) -> None:
        self.command = command
        self.process: Any = None
        #: how long the last answer took
        self.seconds = 0.0

    def ask(self, text: bytes) -> list[str]:
        """The class and text of the error, `[]` for none; `["died", …]`, `["hung"]`."""
        if self.process is None:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                preexec_fn=_half_of_memory,
                bufsize=0,
            )
            self._ask(b"", 120)
        start = time.monotonic()
        found = self._ask(text, LIMIT)
        self.seconds = time.monotonic() - start
        return found

    def _ask(self, text: bytes, limit: float) -> list[str]:
        try:
            self.process.stdin.write(_framed(text))
            header = self._read(8, limit)
            if header is None:
                self._end()
                return ["hung"]
            answer = self._read(struct.unpack(">Q", header)[0], limit)
            return json.loads(answer or b"")
        except (BrokenPipeError, EOFError, ConnectionError):
            code = self._end()
            return ["died", str(code)]

    def _read(self, count: int, limit: float) -> bytes | None:
        """So many bytes of the answer; None where they take too long."""
        parts = b""
        stream = self.process.stdout
        while len(parts) < count:
            if not select.select([stream], [], [], limit)[0]:
                return None
            part = os.read(stream.fileno(), count - len(parts))
            if not part:
                raise EOFError
            parts += part
        return parts

    def _end(self) -> int:
        self.process.kill()
        code = self.process.wait()
        self.process = None
        return code


class Kept:
    """A server's answers, kept in a file.

    Args:
      server: who is asked.
      path: the file: a checksum and an answer a line, as JSON.
    """

    def __init__(self, server: Server, path: str) -> None:
        self.server = server
        self.known: dict[int, list[str]] = {}
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as stream:
                self.known = dict(map(json.loads, stream))
        self.file = open(path, "a", encoding="utf-8")

    def ask(self, text: bytes) -> list[str]:
        """As `Server.ask`."""
        key = zlib.crc32(text)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.server.ask(text)
            self.file.write(json.dumps([key, found]) + "\n")
            self.file.flush()
        return found


def serve() -> None:
    """Be the process of ours: see `tests/data/serve_imports.py`."""
    sys.path.insert(0, str(SERVER.parent))
    import serve_imports  # pyright: ignore[reportMissingImports]

    import retrograd

    serve_imports.serve(retrograd)


def kind_of(theirs: list[str], ours: list[str]) -> str:
    """How two verdicts compare; of equal ones, whether they have the same words."""
    if ours[:1] in (["died"], ["hung"]):
        return f"ours {ours[0]}"
    if theirs[:1] in (["died"], ["hung"]):
        return "no verdict"
    if theirs[:1] != ours[:1]:
        return f"{'/'.join(theirs[:1]) or 'taken'} -> {'/'.join(ours[:1]) or 'taken'}"
    if not theirs:
        return "both take it"
    same = theirs[1].partition("\n")[0] == ours[1].partition("\n")[0]
    return "both refuse it, in the same words" if same else "both refuse it"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", help="a Python with TensorFlow 1.15.5")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--out", default=os.devnull)
    parser.add_argument("--verdicts", default=os.devnull)
    parser.add_argument("--sample")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    sys.path.insert(0, str(ROOT))
    from tests.formats.graph_fuzz import generated

    tensorflow = Server(options.reference, "-W", "ignore", str(SERVER))
    reference = Kept(tensorflow, options.verdicts)
    own = Server(sys.executable, "-W", "ignore", __file__, "--serve")
    kinds: collections.Counter[str] = collections.Counter()
    slowest = 0.0
    sample: list[bytes] = []
    with open(options.out, "a", encoding="utf-8") as out:
        for seed in range(options.first, options.first + options.count):
            text = generated(seed).SerializeToString()
            theirs, ours = reference.ask(text), own.ask(text)
            slowest = max(slowest, own.seconds)
            kind = kind_of(theirs, ours)
            kinds[kind] += 1
            if kind != "no verdict":
                line = [part.partition("\n")[0] for part in theirs]
                sample += [_framed(text), _framed(json.dumps(line).encode())]
            if not kind.startswith("both"):
                row = {"seed": seed, "kind": kind, "reference": theirs, "ours": ours}
                out.write(json.dumps(row) + "\n")
                out.flush()
    if options.sample:
        Path(options.sample).write_bytes(lzma.compress(b"".join(sample), preset=9))
    for kind, number in kinds.most_common():
        print(f"{number:8} {kind}")
    print(f"slowest of ours: {slowest:.2f} s")


if __name__ == "__main__":
    main()
