"""dtypes: names, numbers, NumPy counterparts and comparisons of TensorFlow 1.15."""

from __future__ import annotations

import builtins
import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from retrograd import dtypes

# What TensorFlow 1.15 answered: see tools/make_base_golden.py.
_DATA = json.loads((Path(__file__).parent / "data/base_types.json").read_text())
GOLDEN: dict[str, str] = _DATA["dtypes"]


def _answer(question: str) -> str:
    names = vars(dtypes) | {"np": np, "pickle": pickle, "copy": copy}
    try:
        value = eval(question, names)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return repr(value.tolist() if isinstance(value, np.generic) else value)


def test_all_questions_are_answered_as_tensorflow_does() -> None:
    assert len(GOLDEN) > 1000
    wrong = {q: (a, _answer(q)) for q, a in GOLDEN.items() if _answer(q) != a}
    assert wrong == {}


def test_bfloat16_is_that_of_ml_dtypes() -> None:
    import ml_dtypes

    assert dtypes.bfloat16.as_numpy_dtype is ml_dtypes.bfloat16
    assert dtypes._np_bfloat16 is ml_dtypes.bfloat16
    assert dtypes.as_dtype(ml_dtypes.bfloat16) is dtypes.bfloat16
    assert dtypes.as_dtype(np.dtype("bfloat16")) is dtypes.bfloat16
    assert dtypes.bfloat16.max == float.fromhex("0x1.FEp127")
    assert dtypes.bfloat16_ref.min == float.fromhex("-0x1.FEp127")
    with pytest.raises(KeyError):
        _ = dtypes.bfloat16.limits
    with pytest.raises(TypeError, match="Cannot convert value"):
        dtypes.as_dtype(ml_dtypes.float8_e4m3fn)


@pytest.mark.parametrize("ask", ["np.dtype('bfloat16')", "ml_dtypes.bfloat16"])
def test_bfloat16_is_known_before_it_was_used_and_not_loaded_for_nothing(
    ask: str,
) -> None:
    program = (
        "import sys, numpy as np; from retrograd import dtypes\n"
        "dtypes.as_dtype('float32'), dtypes.float32 == np.int8\n"
        "assert 'ml_dtypes' not in sys.modules\n"
        "import ml_dtypes\n"
        f"assert dtypes.as_dtype({ask}) is dtypes.bfloat16\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_one_object_for_each_number() -> None:
    assert dtypes.DType(1) is dtypes.DType(1) is dtypes.float32
    assert dtypes.as_dtype(dtypes.float32_ref) is dtypes.float32_ref
    assert int(dtypes.uint64_ref) == 123
    assert len(set(dtypes._INTERN_TABLE.values())) == 46


@pytest.mark.parametrize(
    ("value", "fix"),
    [
        (int, "tf.int32"),
        ("int", "tf.int64"),
        (str, "tf.string"),
        (complex, "tf.complex128"),
        ("f4", "tf.float32"),
    ],
)
def test_refusal_names_the_nearest_type(value: object, fix: str) -> None:
    with pytest.raises(TypeError) as caught:
        dtypes.as_dtype(value)
    assert str(caught.value).split("\n") == [
        f"Cannot convert value {value!r} to a TensorFlow DType.",
        "  want: a tf.DType, its name, or a NumPy type",
        f"  fix:  {fix}",
    ]


def test_refusal_without_a_nearest_type() -> None:
    with pytest.raises(TypeError) as caught:
        dtypes.as_dtype("nonsense")
    assert "fix:" not in str(caught.value)


def test_numpy_dtype_on_the_left_compares() -> None:
    assert np.dtype("float32") == dtypes.float32
    assert np.float64 != dtypes.float32
    assert (dtypes.float32 == np.ones(3)) is builtins.bool(0)


def test_unknown_module_attribute() -> None:
    with pytest.raises(AttributeError, match="float31"):
        _ = dtypes.float31
