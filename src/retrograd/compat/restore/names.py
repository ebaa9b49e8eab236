"""Which names are gone, and what takes their place: `module:attribute`.

`"*"` names a module in which any other name is looked for.
"""

from __future__ import annotations

from retrograd.compat.restore.scientific_modules import SCIPY, SKLEARN

_OWN = "retrograd.compat.restore."

_COLLECTIONS = (
    "AsyncGenerator AsyncIterable AsyncIterator Awaitable ByteString Callable "
    "Collection Container Coroutine Generator Hashable ItemsView Iterable Iterator "
    "KeysView Mapping MappingView MutableMapping MutableSequence MutableSet Reversible "
    "Sequence Set Sized ValuesView"
)
_BUILTIN_ALIASES = "bool complex float int object str"
_NUMPY = {
    "long": "builtins:int",
    "unicode": "builtins:str",
    "float_": "numpy:float64",
    "complex_": "numpy:complex128",
    "cfloat": "numpy:complex128",
    "singlecomplex": "numpy:complex64",
    "longfloat": "numpy:longdouble",
    "longcomplex": "numpy:clongdouble",
    "clongfloat": "numpy:clongdouble",
    "string_": "numpy:bytes_",
    "unicode_": "numpy:str_",
    "bool8": "numpy:bool_",
    "int0": "numpy:intp",
    "uint0": "numpy:uintp",
    "object0": "numpy:object_",
    "str0": "numpy:str_",
    "bytes0": "numpy:bytes_",
    "void0": "numpy:void",
    "Inf": "numpy:inf",
    "Infinity": "numpy:inf",
    "infty": "numpy:inf",
    "PINF": "numpy:inf",
    "NINF": _OWN + "numpy_names:NINF",
    "PZERO": _OWN + "numpy_names:PZERO",
    "NZERO": _OWN + "numpy_names:NZERO",
    "NaN": "numpy:nan",
    "NAN": "numpy:nan",
    "product": "numpy:prod",
    "cumproduct": "numpy:cumprod",
    "alltrue": "numpy:all",
    "sometrue": "numpy:any",
    "round_": "numpy:round",
    "in1d": "numpy:isin",
    "row_stack": "numpy:vstack",
    "mat": "numpy:asmatrix",
    "trapz": _OWN + "numpy_names:trapz",
    "asscalar": _OWN + "numpy_names:asscalar",
    "alen": _OWN + "numpy_names:alen",
    "rank": "numpy:ndim",
    "asfarray": _OWN + "numpy_names:asfarray",
    "msort": _OWN + "numpy_names:msort",
    "issubclass_": _OWN + "numpy_names:issubclass_",
    "issubsctype": _OWN + "numpy_names:issubsctype",
    "issctype": _OWN + "numpy_names:issctype",
    "obj2sctype": _OWN + "numpy_names:obj2sctype",
    "sctype2char": _OWN + "numpy_names:sctype2char",
    "maximum_sctype": _OWN + "numpy_names:maximum_sctype",
    "find_common_type": _OWN + "numpy_names:find_common_type",
    "sctypes": _OWN + "numpy_names:sctypes",
    "typeDict": "numpy:sctypeDict",
    "cast": _OWN + "numpy_names:cast",
    "disp": _OWN + "numpy_names:disp",
    "safe_eval": "ast:literal_eval",
    "set_string_function": _OWN + "numpy_names:set_string_function",
    "AxisError": "numpy.exceptions:AxisError",
    "ComplexWarning": "numpy.exceptions:ComplexWarning",
    "RankWarning": "numpy.exceptions:RankWarning",
    "VisibleDeprecationWarning": "numpy.exceptions:VisibleDeprecationWarning",
    "loads": "pickle:loads",
    "warnings": "warnings",
    "math": "math",
    "sys": "sys",
}

ATTRIBUTES: dict[str, dict[str, str]] = {
    "numpy": _NUMPY | {n: f"builtins:{n}" for n in _BUILTIN_ALIASES.split()},
    "scipy": {"misc": "scipy.misc", "*": "numpy"},
    "scipy.signal": {
        "*": "scipy.signal.windows",
        "hanning": "scipy.signal.windows:hann",
    },
    "scipy.integrate": {
        "trapz": "scipy.integrate:trapezoid",
        "cumtrapz": "scipy.integrate:cumulative_trapezoid",
        "simps": "scipy.integrate:simpson",
    },
    "scipy.linalg": {
        "pinv2": "scipy.linalg:pinv",
        "kron": "numpy:kron",
        "tri": "numpy:tri",
        "tril": "numpy:tril",
        "triu": "numpy:triu",
    },
    "scipy.stats": {"median_absolute_deviation": "scipy.stats:median_abs_deviation"},
    "PIL.Image": {
        "ANTIALIAS": "PIL.Image:LANCZOS",
        "LINEAR": "PIL.Image:BILINEAR",
        "CUBIC": "PIL.Image:BICUBIC",
    },
    "sklearn.preprocessing": {"Imputer": _OWN + "sklearn_names:Imputer"},
    "collections": {n: f"collections.abc:{n}" for n in _COLLECTIONS.split()},
    "time": {"clock": "time:process_time"},
    "fractions": {"gcd": "math:gcd"},
    "inspect": {
        "getargspec": _OWN + "python_names:getargspec",
        "ArgSpec": _OWN + "python_names:ArgSpec",
        "formatargspec": _OWN + "python_names:formatargspec",
    },
    "base64": {
        "encodestring": "base64:encodebytes",
        "decodestring": "base64:decodebytes",
    },
    "cgi": {
        "escape": _OWN + "python_names:escape",
        "parse_qs": "urllib.parse:parse_qs",
        "parse_qsl": "urllib.parse:parse_qsl",
    },
    "platform": {
        "linux_distribution": _OWN + "python_names:linux_distribution",
        "dist": _OWN + "python_names:linux_distribution",
    },
    "sys": {
        "getcheckinterval": _OWN + "python_names:getcheckinterval",
        "setcheckinterval": _OWN + "python_names:setcheckinterval",
    },
    "configparser": {"SafeConfigParser": "configparser:ConfigParser"},
    "logging": {"warn": "logging:warning"},
    "asyncio": {"coroutine": "types:coroutine"},
    "os": {"errno": "errno"},
}

# Methods that classes have lost: (class, old name, name of today).
METHODS: dict[str, list[tuple[str, str, str]]] = {
    "threading": [("Thread", "isAlive", "is_alive")],
    "logging": [("Logger", "warn", "warning")],
    "numpy": [("ndarray", "tostring", "tobytes"), ("generic", "tostring", "tobytes")],
    "array": [("array", "tostring", "tobytes"), ("array", "fromstring", "frombytes")],
    "xml.etree.ElementTree": [
        ("ElementTree", "getiterator", "iter"),
        ("Element", "getiterator", "iter"),
    ],
    "configparser": [("RawConfigParser", "readfp", "read_file")],
    "unittest": [
        ("TestCase", "assertEquals", "assertEqual"),
        ("TestCase", "assertNotEquals", "assertNotEqual"),
        ("TestCase", "assert_", "assertTrue"),
        ("TestCase", "failUnlessEqual", "assertEqual"),
        ("TestCase", "assertAlmostEquals", "assertAlmostEqual"),
        ("TestCase", "assertNotAlmostEquals", "assertNotAlmostEqual"),
        ("TestCase", "assertRegexpMatches", "assertRegex"),
        ("TestCase", "assertNotRegexpMatches", "assertNotRegex"),
        ("TestCase", "assertRaisesRegexp", "assertRaisesRegex"),
    ],
}

# Keywords that functions have lost: (function, old name, name of today).
KEYWORDS: dict[str, list[tuple[str, str, str]]] = {
    "numpy": [
        ("reshape", "newshape", "shape"),
        ("histogram", "normed", "density"),
        ("histogram2d", "normed", "density"),
        ("histogramdd", "normed", "density"),
    ],
}

# Whole modules that are gone, where no other finder has them.
MODULES: dict[str, str] = {
    **SCIPY,
    **SKLEARN,
    "scipy.misc": _OWN + "scipy_misc",
    "scipy.misc.pilutil": _OWN + "scipy_misc",
    "imp": _OWN + "imp_module",
    "imghdr": _OWN + "imghdr_module",
    "pipes": "shlex",
    "dummy_threading": "threading",
    "xml.etree.cElementTree": "xml.etree.ElementTree",
    "distutils": _OWN + "distutils_names",
    "distutils.version": _OWN + "distutils_names",
    "distutils.util": _OWN + "distutils_names",
    "distutils.spawn": _OWN + "distutils_names",
    "distutils.dir_util": _OWN + "distutils_names",
    "distutils.file_util": _OWN + "distutils_names",
}
PACKAGES = frozenset(["scipy.misc", *SCIPY, "distutils"])
# SciPy keeps an empty scipy.misc and scipy.sparse.linalg.eigen, which warn that they
# will go.
ALWAYS = frozenset(["scipy.misc", *SCIPY])
