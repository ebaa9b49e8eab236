"""tf.test.main: tests, benchmarks and flags, as the program of a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
import retrograd as tf

tf.app.flags.DEFINE_integer("flag", 7, "a flag")

class Case(tf.test.TestCase):
    def test_good(self):
        self.assertEqual(self.evaluate(tf.constant(1) + 1), 2)
    def test_flag(self):
        self.assertEqual(tf.app.flags.FLAGS.flag, 8)
    def test_bad(self):
        self.assertEqual(1, 2)

class Bench(tf.test.Benchmark):
    def benchmark_op(self):
        with tf.Graph().as_default(), tf.Session() as sess:
            two = tf.constant(1) + 1
            self.run_op_benchmark(sess, two, min_iters=3, extras={"k": "v"})
    def benchmark_other(self):
        print("other ran")

if __name__ == "__main__":
    tf.test.main()
"""


@pytest.fixture
def program(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)

    def run(*args, **env):
        return subprocess.run(
            [sys.executable, tmp_path / "program.py", *args],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **env},
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )

    return run


def test_tests_run_and_decide_the_exit_status(program):
    done = program()
    assert done.returncode == 1
    assert "FAILED (failures=2" in done.stderr
    assert program("Case.test_good").returncode == 0


def test_flags(program):
    done = program("--flag=8", "Case.test_flag")
    assert done.returncode == 0, done.stderr
    assert program("--nobody_defined_this=1", "Case.test_good").returncode != 0


def test_benchmarks(program, tmp_path):
    done = program("--benchmarks=benchmark_op")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        'entry {\n  name: "Bench.benchmark_op"\n  iters: 3\n  wall_time: '
    )
    assert 'key: "k"\n    value {\n      string_value: "v"\n' in done.stdout
    assert "other ran" not in done.stdout
    assert "other ran" in program("--benchmarks=all").stdout
    program("--benchmarks=op", TEST_REPORT_FILE_PREFIX=f"{tmp_path}/report_")
    report = (tmp_path / "report_Bench.benchmark_op").read_text()
    assert report.startswith("entry {")


def test_temp_dir_is_made_once_and_removed(tmp_path):
    code = "import retrograd as tf; d = tf.test.get_temp_dir(); import os;"
    code += "assert d == tf.test.get_temp_dir() and os.path.isdir(d); print(d)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TEST_TMPDIR": f"{tmp_path}/t",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    folder = Path(done.stdout.strip())
    assert folder.parent == tmp_path
    assert folder.name.startswith("t")
    assert not folder.exists()


def test_tests_of_eager_execution(tmp_path):
    (tmp_path / "program.py").write_text(
        PROGRAM.replace(
            "tf.test.main()",
            "from retrograd.testing.runner import eager_main; eager_main()",
        ).replace("self.assertEqual(1, 2)", "assert tf.constant(2).numpy() == 2")
    )
    done = subprocess.run(
        [sys.executable, tmp_path / "program.py", "Case.test_good", "Case.test_bad"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
