"""Write what TensorFlow 1.15 says to small questions about dtypes, shapes and errors.

Run under TensorFlow 1.15.5 (Python 3.7):

    python tools/make_base_golden.py > tests/data/base_types.json

Every question is a Python expression; its answer is the repr of its value, or the type
and the first line of the error.  The tests evaluate the same expressions.
"""

import copy
import itertools
import json
import pickle
import sys

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import dtypes, errors_impl, tensor_shape

SIZES = ["None", "0", "3", "7"]
SHAPES = ["None", "[]", "[None]", "[3]", "[4]", "[None,3]", "[2,None]", "[2,3]"]
RAW = (
    "None () (1,) (0,) (3,) (4,) (None,) (2,3) (2,4) (2,1) (None,3) (2,None) "
    "(None,None) (1,0) (1,None,4) (5,2,3)"
).split()
DTYPES = (
    "float32 float64 int32 uint8 int16 int8 string complex64 int64 bool qint8 quint8 "
    "qint32 bfloat16 qint16 quint16 uint16 complex128 float16 resource variant uint32 "
    "uint64"
).split()


def dimension_questions():
    for a, b in itertools.product(SIZES, SIZES):
        for op in "+ - * // % < <= > >= == !=".split():
            if not (op == "%" and b == "0"):  # Python's own words differ
                yield f"Dimension({a}) {op} Dimension({b})"
        for name in ("merge_with", "is_compatible_with", "assert_is_compatible_with"):
            yield f"Dimension({a}).{name}({b})"
    for a in SIZES:
        for text in ("repr(%s)", "str(%s)", "bool(%s)", "%s.value"):
            yield text % (f"Dimension({a})")
    for op in "+ - * // % < <= > >= == != /".split():
        for text in ("Dimension(5) %s 2", "12 %s Dimension(5)", "Dimension(5) %s None"):
            yield text % op
    values = "'3' b'3' 3.0 3.5 -1 'x' True Dimension(4) Dimension(None)".split()
    for v in [*values, "as_dtype('float32')", "np.int64(5)", "np.array(5)"]:
        yield f"Dimension({v})"
        yield f"as_dimension({v})"
        yield f"Dimension(3) == {v}"
        yield f"Dimension(3) != {v}"
        yield f"Dimension(3).merge_with({v})"
        yield f"Dimension(3).is_compatible_with({v})"
    yield from [
        "Dimension(3) < 'x'",
        "'x' + Dimension(2)",
        "list(range(Dimension(3)))",
        "[1, 2, 3][Dimension(1)]",
        "int(Dimension(None))",
        "hash(Dimension(3))",
        "max(Dimension(3), 2)",
        "np.zeros([Dimension(2), 3]).shape",
        "np.ones((3, 4)).reshape([Dimension(4), -1]).shape",
        "pickle.loads(pickle.dumps(Dimension(3)))",
        "dimension_value(Dimension(3))",
        "dimension_value(None)",
        "dimension_value(4)",
        "dimension_at_index(TensorShape(None), 3)",
        "dimension_at_index(TensorShape([3, 4]), 1)",
        "dimension_at_index([3], 0)",
    ]


def shape_questions():
    one = (
        "repr(%s)|str(%s)|%s.rank|%s.ndims|%s.dims|len(%s)|bool(%s)|list(%s)|"
        "%s.as_list()|%s.num_elements()|%s.is_fully_defined()|"
        "%s.assert_is_fully_defined()|%s[0]|%s[-1]|%s[7]|%s['a']|%s[0:1]|%s[1:]|%s[:2]|"
        "%s[:-1]|%s[::2]|%s[-2:-1]|%s[5:2]|str(%s.as_proto())|TensorShape(%s.as_proto())"
        "|%s.with_rank(2)|%s.with_rank(-1)|%s.with_rank_at_least(2)|"
        "%s.with_rank_at_most(1)|%s.assert_has_rank(1)"
    ).split("|")
    for text, shape in itertools.product(one, SHAPES):
        yield text % (f"TensorShape({shape})")
    two = (
        "TensorShape({0}) == TensorShape({1})|TensorShape({0}) != {1}|"
        "TensorShape({0}).merge_with({1})|TensorShape({0}).concatenate({1})|"
        "{0} + TensorShape({1})|TensorShape({0}).is_compatible_with({1})|"
        "TensorShape({0}).assert_is_compatible_with({1})|"
        "TensorShape({0}).assert_same_rank({1})|"
        "TensorShape({0}).most_specific_compatible_shape({1})"
    ).split("|")
    for text, a, b in itertools.product(two, SHAPES, SHAPES):
        yield text.format(a, b)
    values = (
        "3|'3'|b'3'|'abc'|['3']|[3.0]|[3.5]|[-1]|-1|(2,3)|(x for x in [1,2])|3.5|"
        "{2: 1}|np.array([2,3])|np.int32(4)|[Dimension(3),None]|Dimension(3)|"
        "TensorShape([3,None])|[as_dtype('int32')]"
    ).split("|")
    for v in values:
        yield f"TensorShape({v})"
        yield f"as_shape({v})"
        yield f"TensorShape([3]) == {v}"
        yield f"TensorShape([3]) != {v}"
    same = (
        "s == s|s != s|TensorShape(s) == s|s[:1] == s[:1]|s[:1] + s[1:] == s|"
        "s.merge_with(s) == s|TensorShape(s.dims) == s|TensorShape(list(s)) == s|"
        "copy.copy(s) == s|s.with_rank_at_least(1) == s|"
        "s.most_specific_compatible_shape(s) == s|"
        "(s.dims.__setitem__(0, Dimension(9)), s, s.as_list(), s.num_elements())|"
        "(s._dims.append(Dimension(9)), s, s.rank)"
    ).split("|")
    for text in same:
        yield f"(lambda s: {text})(TensorShape([None, 2]))"
    yield from [
        "unknown_shape()",
        "unknown_shape(3)",
        "unknown_shape(rank=2)",
        "unknown_shape(ndims=2)",
        "unknown_shape(foo=2)",
        "scalar()",
        "vector(3)",
        "vector(None)",
        "matrix(2, None)",
        "hash(TensorShape([3]))",
        "TensorShape([3]) in [TensorShape([3])]",
        "TensorShape(None)[1:3]",
        "sum(TensorShape([2, 3]))",
        "TensorShape([2, 3])[1] * 4",
        "'%s' % TensorShape([2, None])",
        "'{}'.format(TensorShape([2, None]))",
        "np.zeros(TensorShape([2, 3])).shape",
        "pickle.loads(pickle.dumps(TensorShape([3, None])))",
        "pickle.loads(pickle.dumps(TensorShape(None)))",
        "copy.deepcopy(TensorShape([3, None]))",
    ]


V2_QUESTIONS = (
    "list(TensorShape([2,None]))|TensorShape([2,None])[1]|TensorShape([2,None])[:1]|"
    "repr(TensorShape([2,None]))|str(TensorShape([2,None]))|str(TensorShape([None]))|"
    "repr(TensorShape(None))|str(TensorShape(None))|TensorShape(None)[2]|"
    "TensorShape([2,3]).dims|str(TensorShape([]))|TensorShape([4]).merge_with([3])"
).split("|")


def dtype_questions():
    facts = (
        "name as_datatype_enum base_dtype _is_ref_dtype _as_ref real_dtype is_bool "
        "is_numpy_compatible is_integer is_floating is_complex is_quantized "
        "is_unsigned size as_numpy_dtype min max limits"
    ).split()
    for name, suffix in itertools.product(DTYPES, ("", "_ref")):
        x = name + suffix
        for fact in facts[:14] if name == "bfloat16" else facts:
            yield f"{x}.{fact}"
        yield f"str({x}), repr({x}), hash({x}), {x}.__reduce__()[1]"
        yield f"as_dtype({x!r}) is as_dtype({x}.as_datatype_enum) is {x}"
        yield f"pickle.loads(pickle.dumps({x})) is copy.deepcopy({x}) is {x}"
        yield f"{x} == {name}, {x} != {name}"
        yield f"{x}.is_compatible_with({name})"
        yield f"{name}.is_compatible_with({x})"
        yield f"{x} in TF_VALUE_DTYPES, {x} in QUANTIZED_DTYPES"
    values = (
        "3|101|0|200|100|True|1.0|1.5|-1|'foo'|b'float32'|None|'float'|'half'|'double'|"
        "'half_ref'|'float_ref'|'double_ref'|'int'|'i4'|'f8'|'str'|'object'|'S'|'U'|'O'|"
        "'complex'|float|int|builtins.bool|object|str|bytes|complex|type(None)|list|[1]|"
        "{}|(float32, float32)|np.float16|np.float32|np.float64|np.int8|np.int16|"
        "np.int32|np.int64|np.uint8|np.uint16|np.uint32|np.uint64|np.complex64|"
        "np.complex128|np.bool_|np.object_|np.str_|np.bytes_|np.intc|np.uintc|np.int_|"
        "np.uint|np.longlong|np.ulonglong|np.integer|np.floating|np.generic|np.void|"
        "np.datetime64|np.dtype('U3')|np.dtype('S3')|np.dtype('>f4')|np.dtype('O')|"
        "np.dtype('?')|np.dtype('l')|np.dtype('q')|np.dtype('M8[s]')|"
        "np.dtype([('a', 'i4')])|np.dtype([('qint8', 'i1')])|"
        "np.dtype([('quint16', 'u2')])|np.dtype([('resource', 'u1')])|np.float32(1)|"
        "float32|float32_ref|np.array(2**32).dtype|np.array(['a']).dtype"
    ).split("|")
    for v in values:
        yield f"as_dtype({v})"
        yield f"float32 == {v}"
        yield f"int32 != {v}"
        yield f"float32.is_compatible_with({v})"
    for v in ("0", "1", "23", "24", "100", "123", "124", "'1'", "-3"):
        yield f"DType({v})"
    yield from [
        "half is float16, double is float64, half_ref is float16_ref",
        "double_ref is float64_ref",
        "{float32: 1}[as_dtype('float')], {1: 2}.get(float32)",
        "float32 in [np.float32], float32 in (None, 'x', float32)",
        "sorted(d.name for d in QUANTIZED_DTYPES)",
        "sorted(d.name for d in TF_VALUE_DTYPES)",
        "np.zeros(2, bool.as_numpy_dtype).dtype",
        "np_resource",
        "'%s' % float32, '{}'.format(float32)",
        "float32.foo",
    ]


class Op:
    """What an OpError reads of an operation."""

    def __init__(self, name, traceback, original=None):
        self.name = name
        self.traceback = traceback
        self._original_op = original


STACK = [("/a/b/c.py", 3, "<module>", "main()"), ("/a/d/e.py", 9, "main", "x = f()")]
OTHER = [STACK[0], ("/a/d/e.py", 12, "main", "y = g()"), ("<embedded x>", 1, "g", "")]
LONG = [(f"/a/f{i}.py", i, "f", "f()") for i in range(6)]
ERROR_OPS = {
    "none": None,
    "plain": ["x", STACK],
    "one file": ["x", STACK[:1]],
    "no frames": ["x", []],
    "derived": ["x_grad", STACK, ["x", OTHER]],
    "elided": ["g", LONG + OTHER, ["x", LONG + STACK]],
    "twice": ["g", LONG, ["y", [*LONG[:4], STACK[0]], ["x", STACK]]],
    "same": ["g", LONG, ["x", LONG]],
    "two equal": ["g", [*LONG[:2], *STACK], ["x", [*LONG[:2], *OTHER[1:]]]],
}


def make_op(spec):
    return spec and Op(spec[0], spec[1], make_op(spec[2] if len(spec) > 2 else None))


def answer(question, names):
    try:
        value = eval(question, names)
    except Exception as error:
        return "{}: {}".format(type(error).__name__, str(error).split("\n")[0])
    return repr(value.tolist() if isinstance(value, np.generic) else value)


def broadcast(a, b):
    with tf.Graph().as_default():
        x, y = (tf.compat.v1.placeholder(tf.float32, eval(s)) for s in (a, b))
        try:
            shape = tf.add(x, y).shape
        except ValueError as error:
            return "ValueError: " + str(error).split(" for 'Add'")[0]
        return repr(None if shape.dims is None else tuple(shape.as_list()))


def main():
    extra = dict(np=np, pickle=pickle, copy=copy, as_dtype=dtypes.as_dtype)
    shapes = dict(vars(tensor_shape), **extra)
    types = dict(vars(dtypes), **extra)
    asked = itertools.chain(dimension_questions(), shape_questions())
    golden = {"shapes": {q: answer(q, shapes) for q in asked}}
    golden["dtypes"] = {q: answer(q, types) for q in dtype_questions()}
    golden["broadcast"] = {
        "{} & {}".format(*pair): broadcast(*pair)
        for pair in itertools.product(RAW, RAW)
    }
    golden["errors"] = [
        [spec, str(errors_impl.InternalError(None, make_op(spec), "It broke."))]
        for spec in ERROR_OPS.values()
    ]
    tensor_shape.enable_v2_tensorshape()
    golden["shapes, v2"] = {q: answer(q, shapes) for q in V2_QUESTIONS}
    json.dump(golden, sys.stdout, indent=0, sort_keys=True)
    print()


main()
