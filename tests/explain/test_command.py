"""`retrograd explain` in a shell."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import tensorflow as tf
X = tf.constant([-1, -2], dtype=tf.float32)
w = tf.Variable([2., 3.])
Y = w * X
cost = Y[1] * Y
train = tf.train.GradientDescentOptimizer(1).minimize(cost)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for _ in range(2):
        sess.run(train)
print("args", sys.argv[1:])
sys.exit(3)
"""


def explain(*arguments, folder=None):
    return subprocess.run(
        [sys.executable, "-m", "retrograd", "explain", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(PROGRAM)
    return path


def test_a_formula():
    done = explain("x**2*y + y + 2", "x=3", "y=4")
    assert done.returncode == 0, done.stderr
    assert "n7 = n6 + n3 = 42" in done.stdout
    assert "∂f/∂x = ∂f/∂n1 = 12 + 12 = 24" in done.stdout
    assert "∂f/∂y = ∂f/∂n2 = 9 + 1 = 10" in done.stdout


def test_vectors_and_functions():
    done = explain("sum(tanh(w * x))", "w=[0.5, -1]", "x=[1, 2]", "--wrt", "w")
    assert "∂f/∂w" in done.stdout and "∂f/∂x" not in done.stdout
    assert "(1 − n4[0]²)" in done.stdout


def test_latex():
    done = explain("x*y", "x=3", "y=4", "--latex")
    assert done.stdout.startswith(r"\begin{align*}")


def test_a_flowchart():
    done = explain("x*y", "x=3", "y=4", "--mermaid")
    assert done.stdout.startswith("flowchart TB\n")
    assert 'n1 -- "1 · 4 = 4" --> n3' in done.stdout
    done = explain("+".join(["x"] * 300), "x=3", "--mermaid")
    assert done.returncode == 2 and "too large for a Mermaid" in done.stderr


def test_a_program_before_a_run(script):
    done = explain(
        script, "--cost", "cost", "--wrt", "w", "--run", 1, "--learning-rate", 1
    )
    assert done.returncode == 0, done.stderr
    assert "∂f/∂w = ∂f/∂n1 = [6, 28]" in done.stdout
    assert "w - 1 · ∂f/∂w = [2, 3] - 1 · [6, 28] = [-4, -25]" in done.stdout
    assert "args" not in done.stdout


def test_a_program_at_its_end(script):
    done = explain(script, "--cost", "mul_1", "--", "--flag", "x")
    assert done.returncode == 0, done.stderr
    assert "args ['--flag', 'x']" in done.stdout
    assert "∂f/∂w" in done.stdout


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["x*y", "x=3"], "needs a value for y"),
        (["x*", "x=3"], "cannot be read"),
        (["x if x else 1", "x=3"], "a part that is no arithmetic"),
        (["foo(x)", "x=3"], "calls foo, which is not known"),
        (["+".join(["x"] * 600), "x=3"], "the formula is too long"),
        (["x", "3"], "'3' is no value"),
        (["x", "x=y"], "'x=y' is no value"),
        (["x*2", "x=3", "--wrt", "z"], "the formula has no z"),
        (["x*2", "x=3", "--cost", "x"], "--cost and --run are for programs"),
    ],
)
def test_wrong_formulas(arguments, words):
    done = explain(*arguments)
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr


def test_wrong_names_of_a_program(script):
    done = explain(script)
    assert "which one?" in done.stderr and done.returncode == 2
    done = explain(script, "--cost", "loss")
    assert "makes no tensor 'loss'" in done.stderr and done.returncode == 2
    done = explain(script, "--cost", "cost", "--wrt", "v")
    assert "makes no tensor 'v'" in done.stderr
    done = explain(script, "--cost", "cost", "--run", 9)
    assert "only 2 runs needed" in done.stderr
