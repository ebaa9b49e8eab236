"""Names that NumPy, SciPy and Python have dropped, for programs that use them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from retrograd.compat.restore import (
    distutils_names,
    imghdr_module,
    imp_module,
    manners,
    names,
    numpy_names,
    python_names,
    scipy_misc,
    source,
)

NOTICE = (
    "retrograd: {} is gone from today's version; restored for this program, as are "
    "others like it (--no-restore turns this off)\n"
)
PROGRAM = """
import collections, fractions, inspect, time
import numpy as np
import threading
print(np.float is float, np.int is int, np.object is object, np.asscalar(np.ones(1)))
print(np.alltrue([1, 1]), np.product([2, 3]), np.float_ is np.float64, np.Inf)
print(collections.Mapping is collections.abc.Mapping, fractions.gcd(4, 6))
print(time.clock() > 0, inspect.getargspec(lambda a, b=1: 0).args)
print(threading.Thread().isAlive())
try:
    np.never_was
except AttributeError as error:
    print(error)
"""


def test_names_are_back_and_said_once(launcher):
    result = launcher.run(PROGRAM)
    assert result.stdout.splitlines() == [
        "True True True 1.0",
        "True 6 True inf",
        "True 2",
        "True ['a', 'b']",
        "False",
        "module 'numpy' has no attribute 'never_was'",
    ]
    assert result.stderr == NOTICE.format("numpy.float")


def test_nothing_is_said_when_nothing_is_used(launcher):
    result = launcher.run("import numpy, collections, time; print(numpy.ones(1))")
    assert (result.stdout, result.stderr) == ("[1.]\n", "")


def test_a_keyword_is_back(launcher):
    result = launcher.run(
        """
import numpy as np
import tensorflow as tf
print(np.reshape(np.arange(6), (2, 3)).shape, np.reshape([1, 2], shape=(2, 1)).shape)
print(np.reshape(np.arange(6), newshape=(3, 2)).shape)
print(np.reshape(np.arange(6), newshape=(1, 6), order="F").shape)
with tf.Session() as session:
    print(session.run(tf.reshape([1, 2], [2, 1])).tolist())
from retrograd.arrays import numpy as xp_numpy
print(xp_numpy.reshape is np.reshape)
try:
    np.reshape([1], oldshape=(1,))
except TypeError as error:
    print(error)
"""
    )
    assert result.stdout.splitlines() == [
        "(2, 3) (2, 1)",
        "(3, 2)",
        "(1, 6)",
        "[[1], [2]]",
        "False",
        "reshape() got an unexpected keyword argument 'oldshape'",
    ], result.stderr
    assert result.stderr == NOTICE.format("numpy.reshape(newshape=)")


PRINTING = """
import numpy as np
print([np.float32(1.5)], {"n": np.int64(2)}, np.ones(1))
"""


def test_scalars_are_written_as_they_were(launcher):
    assert launcher.output(PRINTING) == ["[1.5] {'n': 2} [1.]"]
    known = "[np.float32(1.5)] {'n': np.int64(2)} [1.]\n"
    assert launcher.run(PRINTING, options=("--no-restore",)).stdout == known


def test_preambles_may_be_lists():
    class Parameters:
        validate: ClassVar = {name: str for name in manners._PREAMBLES}

    manners.take_preamble_lists(SimpleNamespace(RcParams=Parameters))
    for check in Parameters.validate.values():
        assert (check(["a", "b"]), check("c")) == ("a\nb", "c")


def test_no_restore(launcher):
    result = launcher.run("import numpy as np\nnp.float\n", options=("--no-restore",))
    assert result.returncode == 1
    assert "has no attribute 'float'" in result.stderr
    assert "retrograd" not in result.stderr


def test_scipy_misc(launcher):
    result = launcher.run(
        """
import numpy as np
import scipy.misc
from scipy import misc
from scipy.misc import imread, imsave, imresize, logsumexp, comb
image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
imsave("image.png", image)
print((imread("image.png") == image).all(), imread("image.png", flatten=True).dtype)
print(imresize(image, (2, 3)).shape, misc.imresize(image, 50).shape)
print(scipy.misc.imresize(image, 2.0).shape, logsumexp([0.0]), comb(4, 2))
"""
    )
    assert result.stdout.splitlines() == [
        "True float32",
        "(2, 3, 3) (2, 3, 3)",
        "(8, 12, 3) 0.0 6.0",
    ], result.stderr
    assert result.stderr == NOTICE.format("scipy.misc")


def test_old_source_with_async_as_a_name(launcher):
    launcher.write(
        "old.py",
        "# -*- coding: utf-8 -*-\n"
        "def call(async=False):\n    return inner(async=async)  # é\n"
        "def inner(async):\n    return 'async', async\n"
        "class Job(object):\n    async = 3\n",
    )
    lines = launcher.run("import old\nprint(old.call(), old.inner(2), old.Job.async)\n")
    assert lines.stdout == "('async', False) ('async', 2) 3\n"
    assert "async as a name" in lines.stderr


def test_a_module_that_is_gone_is_supplied(launcher):
    names_of_ours = "retrograd.compat.restore.imghdr_module"
    result = launcher.run(
        "import sys, importlib.machinery as m\n"
        "from retrograd.compat.loading import watcher\n"
        "from retrograd.compat.restore import _Loader\n"
        f"watcher().supplied['gone_module'] = _Loader({names_of_ours!r})\n"
        "from gone_module import what\n"
        "print(what(None, b'GIF89a' + bytes(30)))\n"
    )
    assert result.stdout == "gif\n", result.stderr
    assert result.stderr == NOTICE.format("gone_module")


# ------------------------------------------------------------------- the pieces alone


SCIENTIFIC = """
import numpy as np
import scipy.sparse.linalg.eigen.arpack as arpack
from scipy.sparse.linalg.eigen.arpack import eigsh, ArpackNoConvergence
from sklearn.externals import joblib
from sklearn.externals.six.moves import urllib
from sklearn.cross_validation import (
    KFold, LeaveOneOut, ShuffleSplit, StratifiedKFold, train_test_split)
from sklearn.datasets.samples_generator import make_blobs
from sklearn.grid_search import GridSearchCV
from sklearn.linear_model.logistic import LogisticRegression
from sklearn.preprocessing import Imputer
from sklearn.utils.linear_assignment_ import linear_assignment
print([test.tolist() for _, test in KFold(5, n_folds=2)], len(LeaveOneOut(4)))
print([test.tolist() for _, test in StratifiedKFold([0, 1, 1, 0], 2)])
print([len(test) for _, test in ShuffleSplit(8, n_iter=2, test_size=0.25)])
print(linear_assignment(np.array([[1.0, 0.0], [0.0, 1.0]])).tolist())
lines = np.array([[1.0, np.nan], [4.0, 5.0]])
print(Imputer().fit_transform(lines).tolist())
print(Imputer(axis=1).fit_transform(lines).tolist())
"""


def test_scientific_modules_that_have_moved(launcher):
    result = launcher.run(SCIENTIFIC)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "[[0, 1, 2], [3, 4]] 4",
        "[[0, 1], [2, 3]]",
        "[2, 2]",
        "[[0, 1], [1, 0]]",
        "[[1.0, 5.0], [4.0, 5.0]]",
        "[[1.0, 1.0], [4.0, 5.0]]",
    ]
    assert "--no-restore" in result.stderr


@pytest.mark.parametrize(
    "module, name",
    [(m, n) for m, table in names.ATTRIBUTES.items() for n in table if n != "*"],
)
def test_every_place_exists(module, name):
    from retrograd.compat.restore import _found

    if module != "scipy" or name != "misc":
        assert _found(names.ATTRIBUTES[module][name]) is not None


@pytest.mark.parametrize(
    "old, new",
    [
        ("def f(async=1): pass", "def f(async_=1): pass"),
        ("async def f():\n    await g()", None),
        ("x.async = y.async", "x.async_ = y.async_"),
        ("async def f(async): pass", "async def f(async_): pass"),
        ("await = 2", "await_ = 2"),
        ("'async'  # async", None),
    ],
)
def test_renaming(old, new):
    changed = source.renamed(old.encode())
    assert (None if changed is None else changed.decode()) == new


def test_numpy_functions():
    assert numpy_names.asscalar(np.array([2.5])) == 2.5
    assert numpy_names.asfarray([1, 2]).dtype == np.float64
    assert numpy_names.asfarray([1], np.float32).dtype == np.float32
    assert numpy_names.find_common_type([np.float32], [np.float64]) == np.float32
    assert numpy_names.find_common_type([np.int32], [np.float64]) == np.float64
    assert numpy_names.cast["float32"]([1]).dtype == np.float32
    assert numpy_names.maximum_sctype(np.int8) is np.int64
    assert numpy_names.issubsctype(np.int8, np.integer)
    assert numpy_names.issctype(np.int32) and not numpy_names.issctype(3)
    assert numpy_names.trapz([0.0, 2.0, 2.0]) == 3.0
    assert numpy_names.alen(np.zeros((3, 2))) == 3


def test_python_functions():
    def function(a, b=2, *c, **d): ...

    spec = python_names.getargspec(function)
    assert tuple(spec) == (["a", "b"], "c", "d", (2,))
    assert python_names.formatargspec(*spec) == "(a, b=2, *c, **d)"
    with pytest.raises(ValueError, match="keyword-only"):
        python_names.getargspec(lambda *, k: 0)
    assert python_names.escape('<a b="c">') == '&lt;a b="c"&gt;'
    assert len(python_names.linux_distribution()) == 3


def test_imp(tmp_path):
    (tmp_path / "some.py").write_text("value = 3\n")
    assert imp_module.load_source("some_1", str(tmp_path / "some.py")).value == 3
    stream, path, details = imp_module.find_module("some", [str(tmp_path)])
    with stream:
        assert imp_module.load_module("some_2", stream, path, details).value == 3
    with pytest.raises(ImportError):
        imp_module.find_module("none", [str(tmp_path)])
    assert imp_module.new_module("x").__name__ == "x"


def test_distutils():
    version = distutils_names.LooseVersion
    assert version("1.10.0") > version("1.9.2") > "1.9"
    assert version("1.15.5") >= "1.15.5"
    strict = distutils_names.StrictVersion
    assert strict("1.2a1") < strict("1.2b1") < strict("1.2") == strict("1.2.0")
    with pytest.raises(ValueError, match="invalid version number 'x'"):
        strict("x")
    assert distutils_names.strtobool("Yes") == 1
    with pytest.raises(ValueError, match="invalid truth value"):
        distutils_names.strtobool("maybe")


def test_imghdr(tmp_path):
    path = tmp_path / "image"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(30))
    assert imghdr_module.what(str(path)) == "png"
    assert imghdr_module.what(None, b"nothing of the kind") is None


def test_images():
    grey = np.arange(12.0).reshape(3, 4)
    assert scipy_misc.bytescale(grey).tolist()[0] == [0, 23, 46, 70]
    assert scipy_misc.toimage(grey).size == (4, 3)
    # channels first are found by their length
    assert scipy_misc.toimage(np.zeros((3, 8, 9), np.uint8)).size == (9, 8)
    with pytest.raises(ValueError, match="suitable array shape"):
        scipy_misc.toimage(np.zeros(3))
    assert scipy_misc.imrotate(np.eye(4), 90).shape == (4, 4)


def test_derivative():
    assert scipy_misc.derivative(lambda x: x**3, 2.0, dx=1e-3) == pytest.approx(12)
    second = scipy_misc.derivative(lambda x: x**3, 2.0, dx=1e-2, n=2, order=5)
    assert second == pytest.approx(12)
