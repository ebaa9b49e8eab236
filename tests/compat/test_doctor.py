"""What the doctor says of programs that it reads."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retrograd as tf
from retrograd.compat import namespace, table
from retrograd.explain.report import Report

HEAD = "import tensorflow as tf\n"


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read(source: str, others: dict[str, str] | None = None) -> Report:
        for name, text in (others or {}).items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        (tmp_path / "program.py").write_text(source)
        report = tf.doctor(tmp_path / "program.py")
        json.dumps(report.to_dict())
        return report

    return read


def whats(report: Report) -> list[str]:
    return [f.what for f in report.findings]


# ---------------------------------------------------------------------- names


def test_a_program_that_lacks_nothing(read: Any) -> None:
    report = read(
        HEAD + "x = tf.placeholder(tf.float32, shape=[None, 3])\n"
        "y = tf.nn.relu(x)\n"
        "with tf.Session() as session:\n    session.run(y, {x: 1})\n"
    )
    assert not report.found and report.tables == []
    assert report.verdict.startswith("Nothing is missing, of 5 uses")


def test_a_missing_name_with_its_lines_and_the_nearest(read: Any) -> None:
    report = read(HEAD + "a = tf.nn.reluu\nb = 1\nc = tf.nn.reluu(\n    b)\n")
    (finding,) = report.findings
    assert finding.what == "tf.nn.reluu is not in TensorFlow 1.15."
    assert finding.details == ["program.py:2, 4"]
    assert finding.at == "program.py:2: a = tf.nn.reluu"
    assert finding.fix.startswith("nearest: tf.nn.relu")
    assert report.data["missing"] == ["tf.nn.reluu"]


@pytest.mark.parametrize(
    "source",
    [
        "import tensorflow as tf\ntf.nn.reluu",
        "import tensorflow\ntensorflow.nn.reluu",
        "import tensorflow.nn as nn\nnn.reluu",
        "from tensorflow import nn\nnn.reluu",
        "from tensorflow import nn as layers\nlayers.reluu(1)",
        "import tensorflow as tf\nnn = tf.nn\nnn.reluu",
        "import tensorflow as tf\ndef f(x=tf.nn.reluu):\n    pass",
        "import tensorflow as tf\ndef f():\n    nn = tf.nn\n    return nn.reluu",
        "def f():\n    import tensorflow as t\n    return lambda x: t.nn.reluu(x)",
        "import tensorflow as tf\nclass A(tf.nn.reluu):\n    pass",
        "import tensorflow as tf\n@tf.nn.reluu\ndef f(): pass",
        "import tensorflow.compat.v1 as tf\ntf.nn.reluu",
        "try:\n    import tensorflow.compat.v1 as tf\nexcept ImportError:\n"
        "    import tensorflow as tf\ntf.nn.reluu",
    ],
)
def test_ways_to_a_name(read: Any, source: str) -> None:
    (what,) = whats(read(source))
    assert what[:-1] in (
        "tf.nn.reluu is not in TensorFlow 1.15",
        "tf.compat.v1.nn.reluu is not in TensorFlow 1.15",
    )


@pytest.mark.parametrize(
    "source",
    [
        "def f(tf):\n    return tf.nothing",
        "import tensorflow as tf\ntf = object()\ntf.nothing",
        "import tensorflow as tf\nfor tf in []:\n    tf.nothing",
        "import tensorflow as tf\ndef f():\n    tf = 1\n    return tf.nothing",
        "import tensorflow as tf\ntf.app.flags.FLAGS.nothing",
        "import tensorflow as tf\ntf.zeros([1]).nothing",
        "import tensorflow as tf\ntf.float32.nothing",
        "from tensorflow.contrib.ignite import IgniteDataset",
        "try:\n    from tensorflow import nothing\nexcept ImportError:\n    pass",
        "import tensorflow as tf\nif hasattr(tf, 'nothing'):\n    tf.nothing()",
        "from .tensorflow import nothing",
        "a = a.nothing\nb = c\nc = b\nb.nothing",
    ],
)
def test_what_is_no_fault(read: Any, source: str) -> None:
    assert not read(source).found


@pytest.mark.parametrize(
    ("source", "what", "fix"),
    [
        ("from tensorflow import nothing", "tf.nothing is not in TensorFlow 1.15.", ""),
        (
            "from tensorflow.nn import nothing",
            "tf.nn.nothing is not in TensorFlow 1.15.",
            "",
        ),
        (
            "import tensorflow.models.rnn",
            "tf.models is a name of older TensorFlow, not in 1.15.",
            "tf.contrib.rnn",
        ),
        (
            "import tensorflow as tf\ntf.mul(1, 2)",
            "tf.mul is a name of older TensorFlow, not in 1.15.",
            "tf.multiply",
        ),
        (
            "from tensorflow.python.ops import nothing",
            "tensorflow.python.ops.nothing is not in TensorFlow 1.15.",
            "",
        ),
        (
            "import tensorflow.python.nothing.at_all",
            "tensorflow.python.nothing is not in TensorFlow 1.15.",
            "",
        ),
        (
            "from tensorflow.contrib import x as y\ny.z",
            "tf.contrib.x is not in TensorFlow 1.15.",
            "",
        ),
        (
            "from tensorflow.contrib.ignite import IgniteDataset as D\nD()",
            "tf.contrib.ignite.IgniteDataset is in TensorFlow 1.15, not provided yet.",
            "",
        ),
        (
            "from tensorflow.contrib import kafka\nkafka.xyzzyx",
            "tf.contrib.kafka.xyzzyx is not in TensorFlow 1.15.",
            "",
        ),
        (
            "from tensorflow.contrib import kafka\nkafka.KafkaDataset",
            "tf.contrib.kafka.KafkaDataset is in TensorFlow 1.15, not provided yet.",
            "",
        ),
        (
            "import tensorflow as tf\ntf.Session.nothing",
            "tf.Session.nothing is not provided.",
            "",
        ),
    ],
)
def test_names_that_are_not_there(read: Any, source: str, what: str, fix: str) -> None:
    (finding,) = read(source).findings
    assert (finding.what, finding.fix) == (what, fix)


def test_what_a_program_expects_to_be_missing_is_noted(read: Any) -> None:
    report = read(
        "try:\n    from tensorflow import nothing\nexcept ImportError:\n    1"
    )
    assert report.data["notes"] == [
        "tf.nothing is not provided, which the program expects"
    ]
    assert report.tables[0].rows[0][1] == "program.py:2"


#: loading a library is a fault in itself
PLACES = sorted(p for p in table.names().places if not p.endswith("_library"))


@settings(max_examples=40, deadline=None)
@given(
    path=st.sampled_from(PLACES),
    mangled=st.booleans(),
    rng=st.randoms(use_true_random=False),
)
def test_it_says_what_importing_would(
    path: str, mangled: bool, rng: random.Random, tmp_path_factory: Any
) -> None:
    if mangled:
        place = rng.randrange(len(path))
        path = path[:place] + rng.choice("abc_") + path[place + 1 :]
    if not all(part.isidentifier() for part in path.split(".")):
        return
    program = tmp_path_factory.mktemp("program") / "program.py"
    program.write_text(f"{HEAD}value = tf.{path}\n")
    value: Any = namespace.namespace("")
    try:
        for part in path.split("."):
            value = getattr(value, part)
    except AttributeError:
        there = False
    else:
        there = True
    assert tf.doctor(program).found == (not there)


# ---------------------------------------------------------------------- calls


@pytest.mark.parametrize(
    ("call", "what", "fix"),
    [
        (
            "tf.reduce_sum(1, axes=0)",
            "tf.reduce_sum does not take the argument `axes`.",
            "nearest: axis",
        ),
        (
            "tf.square(1, 2, 3)",
            "tf.square takes 2 positional arguments, not 3.",
            "it has: x, name",
        ),
        (
            "tf.train.AdamOptimizer(momentum=1)",
            "tf.train.AdamOptimizer does not take the argument `momentum`.",
            "it has: ",
        ),
        ("tf.square(*a, b=1)", "tf.square does not take the argument `b`.", "it has"),
    ],
)
def test_arguments_that_are_not_taken(
    read: Any, call: str, what: str, fix: str
) -> None:
    (finding,) = read(HEAD + call).findings
    assert finding.what == what and finding.fix.startswith(fix)


@pytest.mark.parametrize(
    "call",
    [
        "tf.reduce_sum(1, reduction_indices=0, keep_dims=True)",
        "tf.square(*arguments)",
        "tf.square(**named)",
        "tf.square(x=1)",
        "tf.Session(config=None, graph=None)",
        "tf.train.AdamOptimizer(1e-3, epsilon=1).minimize(nothing=1)",
    ],
)
def test_arguments_that_are(read: Any, call: str) -> None:
    assert not read(HEAD + call).found


def test_libraries_of_compiled_ops(read: Any) -> None:
    (finding,) = read(HEAD + "tf.load_op_library('./ops.so')").findings
    assert finding.what.startswith("tf.load_op_library loads compiled code")
    assert "tf.py_func" in finding.fix


# ---------------------------------------------------------------------- other packages


def test_dropped_names_are_noted(read: Any) -> None:
    report = read(
        "import numpy as np, time, collections\n"
        "from scipy.misc import imread\n"
        "import scipy.misc\n"
        "np.float(3), np.asscalar, np.float32, np.zeros\n"
        "time.clock(), time.time()\n"
        "from collections import Mapping, OrderedDict\n"
    )
    assert not report.found
    gone = [n.partition(" is gone")[0] for n in report.data["notes"]]
    assert gone == [
        "scipy.misc",
        "numpy.float",
        "numpy.asscalar",
        "time.clock",
        "collections.Mapping",
    ]


def test_packages_that_are_not_installed_are_noted(read: Any) -> None:
    report = read(
        "import no_such_package.at_all, os, numpy, json\nimport helper",
        {"helper.py": ""},
    )
    assert not report.found
    assert report.data["notes"] == ["no_such_package is not installed here"]


# ---------------------------------------------------------------------- files


def test_imports_of_its_own_folder_are_followed(read: Any) -> None:
    report = read(
        "import helper\nfrom package import model\nfrom package.deep import x\n",
        {
            "helper.py": HEAD + "import program\ntf.absent_1",
            "package/__init__.py": HEAD + "tf.absent_2",
            "package/model.py": "from . import sibling\nfrom .other import y\n",
            "package/sibling.py": HEAD + "tf.absent_3",
            "package/other.py": HEAD + "tf.absent_4",
            "package/deep.py": HEAD + "tf.absent_5",
            "unused.py": HEAD + "tf.absent_6",
        },
    )
    found = sorted(report.data["missing"])
    assert found == [f"tf.absent_{i}" for i in range(1, 6)]
    assert len(report.data["files"]) == 7
    assert any("helper.py:3" in f.at for f in report.findings)


def test_several_files_at_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(HEAD + "tf.absent\n")
    report = tf.doctor(tmp_path / "a.py", tmp_path / "b.py", tmp_path / "a.py")
    (finding,) = report.findings
    assert finding.details == ["a.py:2; b.py:2"]
    with pytest.raises(ValueError, match="name at least one file"):
        tf.doctor()
    with pytest.raises(FileNotFoundError):
        tf.doctor(tmp_path / "c.py")


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("print 'loss', 3", "a print statement"),
        ("print 'a %d' % 3", "a print statement"),
        ("print >>f, 3", "a print statement"),
        (
            "try:\n    pass\nexcept ValueError, error:\n    pass",
            "`except Error, name:`",
        ),
        ("raise ValueError, 'no'", "`raise Error, value`"),
        ("exec 'x = 1'", "an exec statement"),
        ("if 1 <> 2:\n    pass", "`<>`"),
        ("x = `3`", "backticks"),
        ("os.chmod('a', 0755)", "an octal number without `0o`"),
        ("x = 10L", "a number with `L`"),
        ("x = ur'a'", "a string with `ur`"),
        ("f = lambda (a, b): a", "a tuple among parameters"),
        ("if 1:\n        x = 1\n\ty = 2\n", "tabs mixed with spaces"),
    ],
)
def test_python_2_is_said_to_be(read: Any, source: str, what: str) -> None:
    report = read(source + "\n")
    assert whats(report) == [f"program.py is written for Python 2: {what}."]
    assert "2to3" in report.findings[0].fix


def test_other_syntax_that_cannot_be_read(read: Any) -> None:
    report = read("x = = 3\n")
    assert whats(report) == ["program.py cannot be read: invalid syntax."]
    assert report.findings[0].at == "program.py:1: x = = 3"


def test_async_as_a_name_is_restored(read: Any) -> None:
    report = read(HEAD + "def f(async=False):\n    return tf.absent\n")
    assert whats(report) == ["tf.absent is not in TensorFlow 1.15."]
    assert report.data["notes"] == ["`async` as a name is restored"]


# ---------------------------------------------------------------------- the command


def test_the_command(launcher: Any) -> None:
    good = launcher.write("good.py", HEAD + "print(tf.nn.relu)\nraise SystemExit(5)\n")
    bad = launcher.write("bad.py", HEAD + "tf.nn.reluu\n")
    ours = launcher.python("-m", "retrograd", "doctor", good)
    assert (ours.returncode, ours.stderr) == (0, "")
    assert "Nothing is missing" in ours.stdout
    ours = launcher.python("-m", "retrograd", "doctor", good, bad)
    assert ours.returncode == 1
    assert "tf.nn.reluu is not in TensorFlow 1.15." in ours.stdout
    ours = launcher.python("-m", "retrograd", "doctor", "absent.py")
    assert ours.returncode == 2 and "can't open file" in ours.stderr
