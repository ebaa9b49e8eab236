"""What NumPy 1.18 makes of pairs of operands: `promotion.json.gz`.

Run under TensorFlow 1.15's Python, beside which NumPy 1.18 lies:

    python tests/data/make_promotion.py tests/data/promotion.json.gz

An operand is an expression; a result is its kind (`s`calar, `a`rray, or `p`ython's),
dtype and values, or the name of an exception. They stand for each operator in the order
of all pairs of operands of which one is NumPy's.
"""

import gzip
import itertools
import json
import sys
import warnings

import numpy as np

DTYPES = (
    "bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 "
    "complex64 complex128"
).split()
PYTHON = "True 2 3 0.5 100 200 300 -1 70000 2**40 2.5 0.1 1e5 1e39 1e300 1+2j".split()
SCALARS = [
    *(f"np.{name}(3)" for name in DTYPES),
    *"np.uint8(200) np.int8(-5) np.uint64(2**63) np.int64(300) np.int64(-1)".split(),
    *"np.int64(70000) np.uint16(300) np.float32(0.1) np.float64(0.1)".split(),
    *"np.float64(1e300) np.float64(1e39) np.float16(0.1)".split(),
]
ARRAYS = [
    *(f"np.array([1, 2, 3], np.{name})" for name in DTYPES),
    *(f"np.array(3, np.{name})" for name in DTYPES),
    *"np.array(0.1) np.array(300) np.array(-1)".split(),
]
OPERANDS = [*PYTHON, *SCALARS, *ARRAYS]
OPERATORS = "+ - * / // % ** & << < == += /=".split()


def computed(operator, left, right):
    """The result of an operator as text."""
    names = {"np": np}
    names["a"], names["b"] = eval(left, names), eval(right, names)
    try:
        if operator.endswith("=") and operator != "==":
            exec(f"a {operator} b", names)
            return described(names["a"])
        return described(eval(f"a {operator} b", names))
    except Exception as error:
        return type(error).__name__


def described(value):
    """Kind, dtype and values of a result."""
    if not isinstance(value, (np.generic, np.ndarray)):
        return f"p {type(value).__name__} {rounded(value)}"
    kind = "a" if isinstance(value, np.ndarray) else "s"
    values = np.asarray(value)
    text = " ".join(rounded(v) for v in values.reshape(-1).tolist())
    return f"{kind} {values.dtype.name} {text}"


def rounded(value):
    """A number with the digits that float16 and float32 tell apart."""
    return f"{value:.7g}" if isinstance(value, float) else repr(value)


def pairs():
    """All pairs of operands of which one at least is NumPy's."""
    for left, right in itertools.product(OPERANDS, OPERANDS):
        if "np." in left + right:
            yield left, right


def main():
    """Write the file."""
    warnings.simplefilter("ignore")
    results = {
        operator: [computed(operator, *pair) for pair in pairs()]
        for operator in OPERATORS
    }
    data = {"operands": OPERANDS, "results": results}
    with open(sys.argv[1], "wb") as stream:
        with gzip.GzipFile("", "wb", 9, stream, mtime=0) as packed:
            packed.write(json.dumps(data, separators=(",", ":")).encode())


if __name__ == "__main__":
    main()
