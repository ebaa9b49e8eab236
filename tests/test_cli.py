"""`retrograd run`: the program runs as under Python itself."""

from __future__ import annotations

import signal
import subprocess
import sys
import zipfile

from retrograd.explain.diagnoses import DIAGNOSES
from retrograd.platform.versions import RELEASE

FACTS = """
import inspect, pickle, sys
print(__name__, __file__ == sys.argv[0], sys.argv[1:], __package__, __spec__)
print(sys.modules["__main__"].__dict__ is globals())
class Thing:
    pass
print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)
print(inspect.getsource(Thing).splitlines()[0])
import os
print(sys.path[0] == os.path.dirname(__file__))
"""


def test_the_program_is_main(launcher):
    lines = launcher.output(FACTS, "-m", "--version", "x y", "--no-restore")
    assert lines == [
        "__main__ True ['-m', '--version', 'x y', '--no-restore'] None None",
        "True",
        "True",
        "class Thing:",
        "True",
    ]


def test_exit_statuses(launcher):
    assert launcher.run("import sys; sys.exit(7)").returncode == 7
    assert launcher.run("raise SystemExit").returncode == 0
    result = launcher.run("raise SystemExit('gone')")
    assert (result.returncode, result.stderr) == (1, "gone\n")
    assert launcher.run("raise KeyboardInterrupt").returncode == -signal.SIGINT


def test_tracebacks_are_the_programs_own(launcher):
    launcher.write("inner.py", "def fail():\n    raise ValueError('boo')\n")
    source = "import inner\ndef f():\n    inner.fail()\nf()\n"
    ours = launcher.run(source)
    pythons = launcher.python(launcher.folder / "program.py")
    assert ours.returncode == pythons.returncode == 1
    assert ours.stderr == pythons.stderr
    assert "boo" in ours.stderr and "retrograd" not in ours.stderr


def test_a_syntax_error_is_shown_as_python_shows_it(launcher):
    launcher.write("broken.py", "def f(:\n    pass\n")
    ours = launcher.run("import broken\n")
    pythons = launcher.python(launcher.folder / "program.py")
    assert ours.stderr == pythons.stderr
    ours = launcher.run("x = = 2\n")
    assert ours.stderr == launcher.python(launcher.folder / "program.py").stderr


def test_a_missing_name_ends_at_the_line_that_says_it(launcher):
    result = launcher.run("import tensorflow as tf\ntf.no_such_name\n")
    assert result.stderr.splitlines()[-2:] == [
        "AttributeError: module 'tensorflow' has no attribute 'no_such_name'",
        "  note: not in TensorFlow 1.15",
    ]
    assert result.stderr.count("File ") == 1


def test_the_programs_own_excepthook(launcher):
    result = launcher.run(
        "import sys\n"
        "def hook(kind, error, trace):\n"
        "    print('hook', error, trace.tb_frame.f_code.co_name)\n"
        "sys.excepthook = hook\n"
        "raise ValueError('x')\n"
    )
    assert result.stdout == "hook x <module>\n"
    assert result.returncode == 1


def test_modules_folders_and_archives(launcher):
    launcher.write("package/__init__.py", "")
    launcher.write("package/tool.py", "import sys; print(__name__, sys.argv[1:])")
    launcher.write("package/__main__.py", "import sys; print('main', __package__)")
    run = ("-m", "retrograd", "run")
    tool = launcher.python(*run, "-m", "package.tool", "a")
    assert tool.stdout == "__main__ ['a']\n", tool.stderr
    assert launcher.python(*run, "-m", "package").stdout == "main package\n"
    assert launcher.python(*run, "package").stdout == "main \n"
    archive = launcher.folder / "program.zip"
    with zipfile.ZipFile(archive, "w") as stream:
        stream.writestr("__main__.py", "import sys; print('zip', sys.argv[1:])")
    assert launcher.python(*run, archive, "b").stdout == "zip ['b']\n"


def test_what_is_not_there(launcher):
    result = launcher.python("-m", "retrograd", "run", "nothing.py")
    assert result.returncode == 2
    first, hint = result.stderr.splitlines()
    assert first.startswith("retrograd: can't open file '")
    assert first.endswith("nothing.py': No such file or directory")
    assert hint == "  fix:  retrograd run SCRIPT [ARGS], or -m MODULE"
    result = launcher.python("-m", "retrograd", "run", "-m", "no_such_module")
    assert result.returncode == 1
    assert result.stderr == f"{sys.executable}: No module named no_such_module\n"


def test_help_and_version(launcher):
    assert "run a TensorFlow 1 program" in launcher.python("-m", "retrograd").stdout
    version = launcher.python("-m", "retrograd", "--version").stdout
    assert version == f"retrograd {RELEASE}, for programs of TensorFlow 1.15.5\n"
    usage = launcher.python("-m", "retrograd", "run", "--help").stdout
    assert "(SCRIPT | -m MODULE) [ARGS ...]" in usage


def test_help_names_the_diagnoses(launcher):
    text = launcher.python("-m", "retrograd", "--help").stdout
    assert "  why_none(y, x)               Why is my gradient None, or zero?\n" in text
    assert all(each.call in text for each in DIAGNOSES)
    assert "why_none" not in launcher.python("-m", "retrograd", "run", "--help").stdout


def test_output_appears_as_it_is_written(launcher):
    path = launcher.write("slow.py", "print('now', flush=True)\ninput()\n")
    with subprocess.Popen(
        [sys.executable, "-m", "retrograd", "run", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=launcher.folder,
        env={"PYTHONPATH": str(launcher.source)},
    ) as process:
        assert process.stdout.readline() == "now\n"
        process.communicate("\n", timeout=30)
    assert process.returncode == 0
