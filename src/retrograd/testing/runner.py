"""Running a test program: `tf.test.main`, its folders and where its data lies."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import retrograd as tf

_temp_dirs: list[str] = []  # one at most: a program has one folder for all of its tests


def main(argv: Sequence[str] | None = None) -> Any:
    """Run the tests of the program, or its benchmarks under `--benchmarks=REGEX`."""
    from absl import app
    from absl.testing import absltest

    from retrograd.testing import benchmark

    args = list(sys.argv if argv is None else argv)
    chosen = [arg for arg in args if re.match(r"--?benchmarks=", arg)]
    if chosen:
        args.remove(chosen[0])
        pattern = chosen[0].partition("=")[2]
        return app.run(lambda _: benchmark.run_benchmarks(pattern), argv=args)
    return app.run(lambda rest: absltest.main(argv=rest), argv=args)


def eager_main(argv: Sequence[str] | None = None) -> Any:
    """As `main`, with every op run at once."""
    tf.enable_eager_execution()
    return main(argv)


def get_temp_dir() -> str:
    """A folder for the tests of this process, removed when it ends.

    It is made in the system's temporary folder, or where $TEST_TMPDIR begins.
    """
    if not _temp_dirs:
        program = os.path.splitext(os.path.basename(sys.argv[0] or "test"))[0]
        prefix = os.environ.get("TEST_TMPDIR") or os.path.join(
            tempfile.gettempdir(), program
        )
        folder = tempfile.mkdtemp(prefix=prefix)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _temp_dirs.append(folder)
    return _temp_dirs[0]


def test_src_dir_path(relative_path: str) -> str:
    """Where a file of the tests' source tree lies, under $TEST_SRCDIR.

    Raises:
      KeyError: TEST_SRCDIR is not set.
    """
    return os.path.join(
        os.environ["TEST_SRCDIR"], "org_tensorflow/tensorflow", relative_path
    )


test_src_dir_path.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]  # not one for pytest
