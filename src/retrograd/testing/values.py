"""Assertions on numbers, arrays and nested structures of them, tensors included."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from absl.testing import absltest

import retrograd as tf
from retrograd.graph import context
from retrograd.graph.convert import is_eager_tensor
from retrograd.graph.specs import CompositeTensor
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import Array, DTypeLike, Structure, TensorLike

F = TypeVar("F", bound=Callable[..., Any])
SMALL = 500  # elements up to which a mismatching array of high rank is printed


def deferred_in_functions(method: F) -> F:
    """Make an assertion usable while a `tf.function` is being traced.

    The tensors among the arguments have no value then, so that the assertion becomes
    a `tf.py_func` operation, which runs, with the values, whenever the function does.
    """

    @functools.wraps(method)
    def checked(*args: object, **kwargs: object) -> Any:
        if not context.get_default_graph().building_function:
            return method(*args, **kwargs)
        slots = [i for i, a in enumerate(args) if _is_tensor(a)]

        def with_values(*values: object) -> None:
            filled = list(args)
            for slot, value in zip(slots, values, strict=True):
                filled[slot] = value
            method(*filled, **kwargs)

        return tf.py_func(with_values, [args[slot] for slot in slots], [])

    return checked  # pyright: ignore[reportReturnType]


class ValueAssertions(absltest.TestCase):
    """What a test can claim about numbers and arrays.

    A tensor stands for its value: in graph mode it is evaluated in the default session,
    or in the test's own.
    """

    def evaluate(self, tensors: Structure) -> Any:
        """The values of a structure of tensors; the test case supplies it."""
        raise NotImplementedError

    # -- conversions

    def _GetNdArray(self, a: Structure) -> np.ndarray:
        """The value of `a` as an array; rows of unequal length make an object array."""
        if _is_tensor(a):
            a = a.numpy() if is_eager_tensor(a) else self.evaluate(a)
        if isinstance(a, np.ndarray):
            return a
        try:
            return np.array(a)
        except ValueError:
            return np.array(a, dtype=object)

    def _GetPyList(self, a: Structure) -> Any:
        """The value of `a`, ragged or not, as nested lists."""
        if _is_tensor(a):
            a = self.evaluate(a)
        for convert in ("to_list", "tolist"):
            if hasattr(a, convert):
                return getattr(a, convert)()
        return np.array(a).tolist()

    # -- single numbers and plain sequences of them

    def assertTrue(self, expr: object, msg: object = None) -> None:
        """Fail unless `expr` is true; NumPy's booleans are named as Python's."""
        super().assertTrue(bool(expr) if isinstance(expr, np.bool_) else expr, msg)

    def assertFalse(self, expr: object, msg: object = None) -> None:
        """Fail unless `expr` is false; NumPy's booleans are named as Python's."""
        super().assertFalse(bool(expr) if isinstance(expr, np.bool_) else expr, msg)

    @deferred_in_functions
    def assertNear(
        self, f1: float, f2: float, err: float, msg: str | None = None
    ) -> None:
        """Fail unless |f1 − f2| ≤ `err`, or both are the same infinity."""
        self.assertTrue(
            f1 == f2 or math.fabs(f1 - f2) <= err,
            f"{f1:f} != {f2:f} +/- {err:f}" + (f" ({msg})" if msg is not None else ""),
        )

    @deferred_in_functions
    def assertArrayNear(
        self,
        farray1: Sequence[float],
        farray2: Sequence[float],
        err: float,
        msg: str | None = None,
    ) -> None:
        """Fail unless two sequences of floats are as long and near in each element."""
        self.assertEqual(len(farray1), len(farray2), msg=msg)
        for f1, f2 in zip(farray1, farray2, strict=True):
            self.assertNear(float(f1), float(f2), err, msg=msg)

    def _NDArrayNear(self, ndarray1: Array, ndarray2: Array, err: float) -> bool:
        return bool(np.linalg.norm(ndarray1 - ndarray2) < err)

    @deferred_in_functions
    def assertNDArrayNear(
        self,
        ndarray1: Array,
        ndarray2: Array,
        err: float,
        msg: str | None = None,
    ) -> None:
        """Fail unless the Euclidean norm of the difference is below `err`."""
        self.assertTrue(self._NDArrayNear(ndarray1, ndarray2, err), msg=msg)

    # -- closeness

    @deferred_in_functions
    def assertAllClose(
        self,
        a: Structure,
        b: Structure,
        rtol: float = 1e-6,
        atol: float = 1e-6,
        msg: object = None,
    ) -> None:
        """Fail unless |a − b| ≤ atol + rtol·|b| everywhere; NaN is close to NaN.

        `a` (expected) and `b` (actual) are arrays, tensors, or equal structures of
        them: dicts, namedtuples, tuples and lists in any nesting.

        Raises:
          ValueError: only one of the two is a dict, or sequences differ in length.
        """
        if _is_ragged(a) or _is_ragged(b):
            self._assert_lists_close(
                self._GetPyList(a), self._GetPyList(b), rtol, atol, msg, "value"
            )
            self._assert_ragged_ranks_equal(a, b, msg)
        else:
            self._assert_close(a, b, rtol, atol, "", msg or "")

    @deferred_in_functions
    def assertAllCloseAccordingToType(
        self,
        a: Structure,
        b: Structure,
        rtol: float = 1e-6,
        atol: float = 1e-6,
        float_rtol: float = 1e-6,
        float_atol: float = 1e-6,
        half_rtol: float = 1e-3,
        half_atol: float = 1e-3,
        bfloat16_rtol: float = 1e-2,
        bfloat16_atol: float = 1e-2,
        msg: object = None,
    ) -> None:
        """`assertAllClose`, with the loosest tolerance a dtype of the two asks for."""
        a, b = self._GetNdArray(a), self._GetNdArray(b)
        met = {a.dtype.name, b.dtype.name}
        for names, type_rtol, type_atol in (
            ({"float32", "complex64"}, float_rtol, float_atol),
            ({"float16"}, half_rtol, half_atol),
            ({"bfloat16"}, bfloat16_rtol, bfloat16_atol),
        ):
            if met & names:
                rtol, atol = max(rtol, type_rtol), max(atol, type_atol)
        self.assertAllClose(a, b, rtol=rtol, atol=atol, msg=msg)

    @deferred_in_functions
    def assertNotAllClose(self, a: Structure, b: Structure, **kwargs: Any) -> None:
        """Fail if `assertAllClose(a, b, **kwargs)` would pass."""
        try:
            self.assertAllClose(a, b, **kwargs)
        except AssertionError:
            return
        raise AssertionError("The two values are close at all elements")

    def _assert_close(
        self,
        a: Structure,
        b: Structure,
        rtol: float,
        atol: float,
        path: str,
        msg: object,
    ) -> None:
        a, b = (x._asdict() if hasattr(x, "_asdict") else x for x in (a, b))
        mismatch = f"Mismatched value: a{path} is different from b{path}. {msg}"
        if isinstance(a, Mapping) or isinstance(b, Mapping):
            self._assert_dicts_close(a, b, rtol, atol, path, msg)
        elif isinstance(a, (list, tuple)):
            # As one array if it makes one, which is the cheaper way.
            try:
                self._assert_arrays_close(a, b, rtol, atol, mismatch)
            except (ValueError, TypeError):
                if len(a) != len(b):
                    raise ValueError(
                        f"Mismatched length: a{path} has {len(a)} items, "
                        f"but b{path} has {len(b)} items. {msg}"
                    ) from None
                for i, (x, y) in enumerate(zip(a, b, strict=True)):
                    self._assert_close(x, y, rtol, atol, f"{path}[{i}]", msg)
        else:
            try:
                self._assert_arrays_close(a, b, rtol, atol, mismatch)
            except TypeError as e:
                raise TypeError(
                    f"{e} : Error: a{path} has {type(a)}, "
                    f"but b{path} has {type(b)}. {msg}"
                ) from e

    def _assert_dicts_close(
        self,
        a: Structure,
        b: Structure,
        rtol: float,
        atol: float,
        path: str,
        msg: object,
    ) -> None:
        if not (isinstance(a, Mapping) and isinstance(b, Mapping)):
            raise ValueError(
                f"Can't compare dict to non-dict, a{path} vs b{path}. {msg}"
            )
        self.assertCountEqual(
            a.keys(),
            b.keys(),
            msg=f"mismatched keys: a{path} has keys {a.keys()}, "
            f"but b{path} has keys {b.keys()}. {msg}",
        )
        for key in a:
            self._assert_close(a[key], b[key], rtol, atol, f"{path}[{key}]", msg)

    def _assert_arrays_close(
        self, a: Structure, b: Structure, rtol: float, atol: float, msg: str
    ) -> None:
        a, b = _widened(self._GetNdArray(a)), _widened(self._GetNdArray(b))
        shapes = f"Shape mismatch: expected {a.shape}, got {b.shape}"
        printable = a.shape != b.shape and (b.ndim <= 3 or b.size < SMALL)
        contents = f" with contents {b}." if printable else "."
        self.assertEqual(a.shape, b.shape, shapes + contents)
        if np.allclose(a, b, rtol=rtol, atol=atol):
            return
        with np.errstate(invalid="ignore"):
            gap, tolerance = np.abs(a - b), atol + rtol * np.abs(b)
            apart = (gap > tolerance) | (np.isnan(a) != np.isnan(b))
        facts = [msg]
        if a.ndim:
            facts.append(f"not close where = {np.where(apart)}")
            a_part, b_part, gap, tolerance = (x[apart] for x in (a, b, gap, tolerance))
        else:
            a_part, b_part = a, b
        facts += [
            f"not close lhs = {a_part}",
            f"not close rhs = {b_part}",
            f"not close dif = {gap}",
            f"not close tol = {tolerance}",
            f"dtype = {a.dtype}, shape = {a.shape}",
        ]
        np.testing.assert_allclose(
            a, b, rtol=rtol, atol=atol, err_msg="\n".join(facts), equal_nan=True
        )

    def _assert_lists_close(
        self,
        a: Structure,
        b: Structure,
        rtol: float,
        atol: float,
        msg: object,
        path: str,
    ) -> None:
        self.assertEqual(type(a), type(b))
        if not isinstance(a, (list, tuple)):
            self._assert_close(a, b, rtol, atol, path, msg or "")
            return
        self.assertLen(a, len(b), f"Length differs for {path}")
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            self._assert_lists_close(x, y, rtol, atol, msg, f"{path}[{i}]")

    # -- equality

    @deferred_in_functions
    def assertAllEqual(self, a: Any, b: Any, msg: Any = None) -> None:
        """Fail unless two arrays or tensors have one shape and equal elements.

        A NaN equals a NaN in the same place.
        """
        if _is_ragged(a) or _is_ragged(b):
            self.assertEqual(self._GetPyList(a), self._GetPyList(b), msg)
            self._assert_ragged_ranks_equal(a, b, msg)
            return
        msg = msg or ""
        a, b = _widened(self._GetNdArray(a)), _widened(self._GetNdArray(b))
        contents = f" Contents: {b}. \n" if b.ndim <= 3 or b.size < SMALL else " "
        self.assertEqual(
            a.shape,
            b.shape,
            f"Shape mismatch: expected {a.shape}, got {b.shape}.{contents}{msg}.",
        )
        same = np.asarray(a == b)
        if a.dtype.kind == "f" and b.dtype.kind == "f":
            same = same | (np.isnan(a) & np.isnan(b))
        if np.all(same):
            return
        facts = [msg]
        if a.ndim and same.shape == a.shape:
            apart = ~same
            facts.append(f"not equal where = {np.where(apart)}")
            facts += [f"not equal lhs = {a[apart]}", f"not equal rhs = {b[apart]}"]
        else:
            facts += [f"not equal lhs = {a}", f"not equal rhs = {b}"]
        np.testing.assert_array_equal(a, b, err_msg="\n".join(facts))

    @deferred_in_functions
    def assertNotAllEqual(self, a: Structure, b: Structure, msg: object = None) -> None:
        """Fail if `assertAllEqual(a, b)` would pass."""
        try:
            self.assertAllEqual(a, b, msg)
        except AssertionError:
            return
        raise AssertionError("The two values are equal at all elements")

    def _assert_ragged_ranks_equal(
        self, a: Structure, b: Structure, msg: object
    ) -> None:
        if not (isinstance(a, (list, tuple)) or isinstance(b, (list, tuple))):
            ranks = [getattr(x, "ragged_rank", 0) for x in (a, b)]
            self.assertEqual(ranks[0], ranks[1], msg)

    # -- bounds and membership

    @deferred_in_functions
    def assertAllGreater(self, a: Structure, comparison_target: TensorLike) -> None:
        """Fail unless every element is > `comparison_target`."""
        self.assertGreater(np.min(self._GetNdArray(a)).item(), comparison_target)

    @deferred_in_functions
    def assertAllLess(self, a: Structure, comparison_target: TensorLike) -> None:
        """Fail unless every element is < `comparison_target`."""
        self.assertLess(np.max(self._GetNdArray(a)).item(), comparison_target)

    @deferred_in_functions
    def assertAllGreaterEqual(
        self, a: Structure, comparison_target: TensorLike
    ) -> None:
        """Fail unless every element is ≥ `comparison_target`."""
        self.assertGreaterEqual(np.min(self._GetNdArray(a)).item(), comparison_target)

    @deferred_in_functions
    def assertAllLessEqual(self, a: Structure, comparison_target: TensorLike) -> None:
        """Fail unless every element is ≤ `comparison_target`."""
        self.assertLessEqual(np.max(self._GetNdArray(a)).item(), comparison_target)

    @deferred_in_functions
    def assertAllInRange(
        self,
        target: Any,
        lower_bound: Any,
        upper_bound: Any,
        open_lower_bound: bool = False,
        open_upper_bound: bool = False,
    ) -> None:
        """Fail unless every element lies between the bounds, which count as inside.

        An open bound is outside.  NaN lies in no range, and a dtype without an order
        (bool, complex, string) fails.
        """
        target = self._GetNdArray(target)
        if target.dtype.kind not in "fiu":
            raise AssertionError(
                f"The value of {target} does not have an ordered numeric type, "
                f"instead it has type: {target.dtype}"
            )
        nan = np.where(np.isnan(target))
        if np.size(nan):
            raise AssertionError(
                f"{len(nan[0])} of the {np.size(target)} element(s) are NaN. "
                "Subscripts(s) and value(s) of the NaN element(s):\n"
                + "\n".join(_element_lines(nan, target))
            )
        below = np.less_equal if open_lower_bound else np.less
        above = np.greater_equal if open_upper_bound else np.greater
        outside = np.where(below(target, lower_bound) | above(target, upper_bound))
        if np.size(outside):
            opening = "(" if open_lower_bound else "["
            closing = ")" if open_upper_bound else "]"
            raise AssertionError(
                f"{len(outside[0])} of the {np.size(target)} element(s) are outside "
                f"the range {opening}{lower_bound}, {upper_bound}{closing}. "
                "Subscript(s) and value(s) of the offending elements:\n"
                + "\n".join(_element_lines(outside, target))
            )

    @deferred_in_functions
    def assertAllInSet(self, target: Structure, expected_set: Iterable[Any]) -> None:
        """Fail unless every element is one of `expected_set`."""
        strange = np.setdiff1d(self._GetNdArray(target).ravel(), list(expected_set))
        if np.size(strange):
            raise AssertionError(
                f"{np.size(strange)} unique element(s) are not in the set "
                f"{expected_set}: {strange}"
            )

    @deferred_in_functions
    def assertDTypeEqual(self, target: Structure, expected_dtype: DTypeLike) -> None:
        """Fail unless the value's NumPy dtype is `expected_dtype`."""
        self.assertEqual(self._GetNdArray(target).dtype, expected_dtype)


def _is_tensor(a: object) -> bool:
    """Whether `a` is a tensor, a sparse tensor or the like, or a variable."""
    return isinstance(a, (Tensor, CompositeTensor)) or hasattr(a, "_as_graph_element")


def _is_ragged(a: object) -> bool:
    return hasattr(a, "ragged_rank")


def _widened(a: np.ndarray) -> np.ndarray:
    """bfloat16 as float32, which holds it exactly and which NumPy compares."""
    return a.astype(np.float32) if a.dtype.name == "bfloat16" else a


def _element_lines(
    subscripts: Sequence[Any], value: np.ndarray, limit: int = 10
) -> Iterator[str]:
    """A line for each element that `np.where` found, at most `limit`, then '...'."""
    rows = np.transpose(subscripts)
    for row in itertools.islice(rows, limit):
        yield f"  {row} : {value[tuple(row)]}"
    if len(rows) > limit:
        yield "  ..."


@contextmanager
def exception_matching(
    expected: type[BaseException], matches: Callable[[BaseException], Any]
) -> Iterator[None]:
    """Fail unless the block raises an `expected` for which `matches` is true."""
    try:
        yield
    except Exception as e:
        if not isinstance(e, expected) or not matches(e):
            raise AssertionError(f"Exception of type {type(e)}: {e}") from e
    else:
        raise AssertionError(f"{expected.__name__} not raised")
