"""What NumPy and Python took in 2019 and refuse today, for programs that pass it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from retrograd.compat.restore import array_type, calls, fixed_types

NOTICE = (
    "retrograd: {} is gone from today's version; restored for this program, as are "
    "others like it (--no-restore turns this off)\n"
)
LINES = {
    # arrays of one element are numbers
    "'%.2f %d' % (np.array([1.5]), np.array([[3]]))": "1.50 3",
    "(float(np.ones((1, 1))), int(np.array([7.9])), complex(np.array([2])))": (
        "(1.0, 7, (2+0j))"
    ),
    "math.sqrt(np.array([4.0]))": "2.0",
    "put(np.zeros(2), 0, np.array([5.0]))": "[5. 0.]",
    # methods
    "np.array([1, 2], np.uint8).tostring()": r"b'\x01\x02'",
    "np.array([[1, 3], [2, 5]], np.uint8).tostring('F')": r"b'\x01\x02\x03\x05'",
    "np.float32(1).tostring()": r"b'\x00\x00\x80?'",
    "np.array([[1, 5], [2, 2]]).ptp(axis=1)": "[4 0]",
    "set_item(np.zeros(3), 1, 4)": "[0. 4. 0.]",
    "set_item(np.zeros((2, 2)), (1, 0), 4)": "[[0. 0.]\n [4. 0.]]",
    "set_item(np.zeros(1), 4)": "[4.]",
    "np.array([1], np.int16).newbyteorder()": "[256]",
    # functions
    "np.array([[1, 2], [3]])": "[list([1, 2]) list([3])]",
    "np.asarray([[1], [2, 3]]).dtype": "object",
    "np.array([1, 2], copy=False)": "[1 2]",
    "np.array(np.ones(1), np.float32, copy=False).dtype": "float32",
    "np.array([-1, 256], dtype=np.uint8)": "[255   0]",
    "np.fromstring(b'abc', dtype=np.uint8)": "[97 98 99]",
    "np.fromstring('1 2', sep=' ')": "[1. 2.]",
    "np.vstack(np.full(2, i) for i in range(2))": "[[0 0]\n [1 1]]",
    "np.hstack(map(np.atleast_1d, [1, 2]))": "[1 2]",
    "np.sum(i for i in range(4))": "6",
    "np.histogram([1, 1, 2], bins=2, normed=True)[0]": "[1.33333333 0.66666667]",
    "np.loads(pickle.dumps(3))": "3",
    # Python
    "sorted(random.sample({1, 2}, 2))": "[1, 2]",
    "shuffled([1, 2, 3], lambda: 0.0)": "[2, 3, 1]",
    "json.loads('[1]', encoding='utf-8')": "[1]",
    "open(__file__, 'rU').readline()": "import array, json, math, os, pickle, random\n",
    "array.array('b', [1]).tostring()": r"b'\x01'",
    "len(list(ElementTree.fromstring('<a><b/></a>').getiterator('b')))": "1",
    "os.errno.ENOENT": "2",
}
REFUSED = {
    "float(np.ones(2))": "only 0-dimensional arrays can be converted to Python scalars",
    "np.array([[1, 2], [3]], dtype=float)": "setting an array element with a sequence",
    "set_item(np.zeros(2), 4)": "can only convert an array of size 1",
    "np.sum(letter for letter in 'ab')": "unsupported operand",
    "np.vstack(5)": "",
    "random.sample(5, 2)": "",
    "json.loads('[1]', coding='utf-8')": "coding",
    "open(__file__, 'q')": "invalid mode: 'q'",
}
HEAD = """import array, json, math, os, pickle, random
from xml.etree import cElementTree as ElementTree
import numpy as np
def put(a, place, value):
    a[place] = value
    return a
def set_item(a, *arguments):
    a.itemset(*arguments)
    return a
def shuffled(x, function):
    random.shuffle(x, function)
    return x
"""


def program(lines, line):
    return HEAD + "".join(line.format(text=text) for text in lines)


def test_what_was_taken_is_taken(launcher):
    result = launcher.run(program(LINES, "print({text})\nprint('--')\n"))
    found = result.stdout.split("\n--\n")
    assert dict(zip(LINES, found, strict=False)) == LINES, result.stderr
    assert result.stderr.startswith("retrograd: ")
    assert result.stderr.count("\n") == 1


def test_what_was_refused_is_refused(launcher):
    line = "try: {text}\nexcept Exception as e: print(e)\nelse: print('TAKEN')\n"
    result = launcher.run(program(REFUSED, line + "print('--')\n"))
    found = result.stdout.split("\n--\n")
    for (text, expected), message in zip(REFUSED.items(), found, strict=False):
        assert expected in message, (text, message)
        assert "TAKEN" not in message, text


def test_nothing_of_it_without_restoring(launcher):
    line = "try: {text}\nexcept Exception: print('refused')\nelse: print('taken')\n"
    gone = [t for t in LINES if "copy=False" in t or "[[1, 2], [3]]" in t]
    text = program([], "").replace("cElementTree as ", "")
    text += "".join(line.format(text=text) for text in gone)
    result = launcher.run(text, options=("--no-restore",))
    assert result.stdout.split() == ["refused"] * len(gone)
    assert result.stderr == ""


def test_the_engine_itself_is_refused_still(launcher):
    """A list of unequal rows is no tensor, whatever `np.array` takes."""
    result = launcher.run(
        "import tensorflow as tf\n"
        "try: tf.constant([[1, 2], [3]])\n"
        "except (TypeError, ValueError) as error: print('refused')\n"
        "import numpy as np\n"
        "from retrograd.arrays import numpy as xp_numpy\n"
        "print(type(xp_numpy.stack).__name__, type(np.stack).__name__)\n"
    )
    assert result.stdout.splitlines()[0] == "refused", result.stderr
    assert "Retrying" not in result.stdout.split()[1]
    assert "Retrying" in result.stdout.split()[2]
    assert result.stderr == ""


def test_a_function_stays_no_method():
    class Holder:
        call = calls.Retrying(max, "max", lambda *_: NotImplemented)

    assert Holder().call(1, 2) == 2
    assert repr(Holder.call) == repr(max)


def test_a_replaced_function_is_pickled_by_name(launcher):
    text = "import numpy as np, pickle\nprint(pickle.loads(pickle.dumps(np.array)))\n"
    assert "array" in launcher.run(text).stdout


def test_types_of_c_take_attributes_and_refuse_them_again():
    class Own:
        pass

    assert fixed_types.put(Own, "added", 1)
    assert Own.added == 1  # pyright: ignore[reportAttributeAccessIssue]
    before = np.ndarray.__flags__
    assert fixed_types.put(np.ndarray, "added_by_a_test", 1)
    assert np.ndarray.added_by_a_test == 1  # pyright: ignore
    assert np.ndarray.__flags__ == before
    with pytest.raises(TypeError):
        np.ndarray.added_by_a_test = 2  # pyright: ignore


def test_nothing_is_changed_where_types_look_different(monkeypatch):
    monkeypatch.setattr(fixed_types, "_FLAGS_AT", 176)
    assert not fixed_types.put(np.ndarray, "never_added", 1)
    assert not hasattr(np.ndarray, "never_added")


def test_methods_alone():
    a = np.array([[1, 3], [2, 5]], np.int16)
    assert array_type.ptp(a) == 4
    array_type.itemset(a, 3, 7)
    assert a[1, 1] == 7
    assert pickle.loads(pickle.dumps(array_type.newbyteorder(a)))[0, 0] == 256
