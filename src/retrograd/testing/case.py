"""`tf.test.TestCase`: a fresh graph, fixed seeds and a session for every test."""

from __future__ import annotations

import contextlib
import os
import random
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import numpy as np

import retrograd as tf
from retrograd import errors, nest
from retrograd.graph import context
from retrograd.graph.composite import (
    IndexedSlices,
    IndexedSlicesValue,
    SparseTensor,
    SparseTensorValue,
)
from retrograd.graph.device import canonical_name
from retrograd.graph.tensor import Tensor
from retrograd.run.session import Session
from retrograd.testing import devices, runner
from retrograd.testing.protos import ProtoAssertions
from retrograd.testing.threads import CheckedThread
from retrograd.testing.values import ValueAssertions, exception_matching

if TYPE_CHECKING:
    from retrograd.graph.device import DeviceSpecV2
    from retrograd.graph.graph import Graph
    from retrograd.run.session import BaseSession
    from retrograd.typing import Array, Message, Structure

SEED = 87654321  # of the graph, of `random` and of NumPy, before each test


class CapturedWrites:
    """What was written to a stream inside `captureWritesToStream`."""

    def __init__(self, capture_location: str) -> None:
        self.capture_location = capture_location

    def contents(self) -> str:
        """All of it, as one string."""
        return Path(self.capture_location).read_text()


class FakeEagerSession:
    """What `cached_session` gives in eager mode: it can `run` fetches without feeds."""

    def __init__(self, test_case: TestCase) -> None:
        self._test_case = test_case

    def run(self, fetches: object, *args: object, **kwargs: object) -> Any:
        """The values of a structure of eager tensors.

        Raises:
          RuntimeError: a feed, or any other argument of `Session.run`, is given.
        """
        short = "(in this case, sess.run(t) is shorthand for t.numpy()"
        if kwargs.pop("feed_dict", None):
            raise RuntimeError(
                f"feed_dict is not supported when eager execution is enabled {short}"
            )
        if args or kwargs:
            raise RuntimeError(
                "Optional args are not supported when eager execution is enabled "
                + short
            )
        return self._test_case.evaluate(fetches)


class EagerSessionWarner:
    """What `session` gives in eager mode: there is none, and using it says so."""

    def __getattr__(self, attr: str) -> NoReturn:
        raise AttributeError(
            "Trying to access properties or call methods on the result of "
            "self.session(), self.cached_session(), etc while eager execution "
            "is enabled. If you're porting this test case to TF 2.0, either "
            "adapt the test to work with eager execution or insert a call to "
            "tf.disable_eager_execution() in the main() function of this test "
            "file."
        )


class TestCase(ValueAssertions, ProtoAssertions):
    """Base class of tests of TensorFlow programs.

    Before each test the default graph is reset, and the seeds of the graph, of `random`
    and of NumPy are set to one fixed number.
    """

    __test__ = True

    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)
        self._threads: list[CheckedThread] = []
        self._tempdir: str | None = None
        self._cached_session: Any = None
        self._cached_key: tuple[Any, Any, bool] | None = None

    # -- before and after

    def setUp(self) -> None:
        """Forget the last test's session, graph and random state."""
        super().setUp()
        self._ClearCachedSession()
        random.seed(SEED)
        np.random.seed(SEED)
        # A test that failed may have left graphs of its own on the stack.
        context.local.graphs.clear()
        context.reset_default_graph()
        tf.set_random_seed(SEED)
        if self.id().endswith(".test_session"):
            self.skipTest("Not a test.")

    def tearDown(self) -> None:
        """Check that the test's threads ended, and close its session."""
        for thread in self._threads:
            thread.check_termination()
        self._ClearCachedSession()
        super().tearDown()

    def _ClearCachedSession(self) -> None:
        if self._cached_session is not None:
            self._cached_session.close()
            self._cached_session = None

    def get_temp_dir(self) -> str:
        """A folder for this test alone: the same one at each call within the test."""
        if not self._tempdir:
            self._tempdir = tempfile.mkdtemp(dir=runner.get_temp_dir())
        return self._tempdir

    # -- values

    def evaluate(self, tensors: Structure) -> Any:
        """The values, as NumPy arrays, of a tensor or of a structure of tensors.

        In graph mode they are run in the default session, or else in the test's own.
        """
        if context.executing_eagerly():
            return self._eval_helper(tensors)
        session = context.get_default_session()
        if session is not None:
            return session.run(tensors)
        with self._test_session() as own:
            return own.run(tensors)

    def _eval_helper(self, tensors: Structure) -> Any:
        if tensors is None:
            return None
        return nest.map_structure(self._eval_tensor, tensors)

    def _eval_tensor(self, tensor: Any) -> Any:
        if tensor is None:
            return None
        if callable(tensor):
            return self._eval_helper(tensor())
        try:
            if isinstance(tensor, SparseTensor):
                parts = (tensor.indices, tensor.values, tensor.dense_shape)
                return SparseTensorValue(*map(self._eval_tensor, parts))
            if isinstance(tensor, IndexedSlices):
                shape = tensor.dense_shape
                return IndexedSlicesValue(
                    values=tensor.values.numpy(),
                    indices=tensor.indices.numpy(),
                    dense_shape=None if shape is None else shape.numpy(),
                )
            return tensor.numpy()
        except AttributeError as e:
            raise ValueError(f"Unsupported type {type(tensor)}.") from e

    # -- sessions

    @contextlib.contextmanager
    def session(
        self,
        graph: Graph | None = None,
        config: Message | None = None,
        use_gpu: bool = False,
        force_gpu: bool = False,
    ) -> Iterator[Any]:
        """A new session, the default one inside the block, as its graph is.

        Operations made inside are placed on the CPU unless `use_gpu` (wherever they
        fit) or `force_gpu` (on the GPU) say otherwise.
        """
        if context.executing_eagerly():
            yield EagerSessionWarner()
            return
        with (
            Session(graph=graph, config=config) as sess,
            self._as_default(sess, use_gpu, force_gpu),
        ):
            yield sess

    @contextlib.contextmanager
    def cached_session(
        self,
        graph: Graph | None = None,
        config: Message | None = None,
        use_gpu: bool = False,
        force_gpu: bool = False,
    ) -> Iterator[Any]:
        """`session`, but one and the same throughout a test, closed at its end.

        Raises:
          ValueError: the arguments differ from those of the first call.
        """
        if context.executing_eagerly():
            yield FakeEagerSession(self)
            return
        if self._cached_session is not None and self._cached_key is not None:
            for name, before, now in zip(
                ("graph", "config", "force_gpu value"),
                self._cached_key,
                (graph, config, force_gpu),
                strict=True,
            ):
                if before is not now:
                    raise ValueError(
                        f"The {name} used to get the cached session is different than "
                        "the one that was used to create the session. Maybe create a "
                        "new session with self.session()"
                    )
        with self._own_session(graph, config, use_gpu, force_gpu) as sess:
            yield sess

    @contextlib.contextmanager
    def test_session(
        self,
        graph: Graph | None = None,
        config: Message | None = None,
        use_gpu: bool = False,
        force_gpu: bool = False,
    ) -> Iterator[Any]:
        """The older form: `session` for a given graph, else `cached_session`."""
        if self.id().endswith(".test_session"):
            self.skipTest("Not a test.")
        with self._test_session(graph, config, use_gpu, force_gpu) as sess:
            yield sess

    @contextlib.contextmanager
    def _test_session(
        self,
        graph: Graph | None = None,
        config: Message | None = None,
        use_gpu: bool = False,
        force_gpu: bool = False,
    ) -> Iterator[Any]:
        if context.executing_eagerly():
            yield None
            return
        given = self.session if graph is not None else self._own_session
        with given(graph, config, use_gpu, force_gpu) as sess:
            yield sess

    @contextlib.contextmanager
    def _own_session(
        self,
        graph: Graph | None,
        config: Message | None,
        use_gpu: bool,
        force_gpu: bool,
    ) -> Iterator[Any]:
        if self._cached_session is None:
            self._cached_session = Session(graph=graph, config=config)
            self._cached_key = (graph, config, force_gpu)
        with self._as_default(self._cached_session, use_gpu, force_gpu) as sess:
            yield sess

    @contextlib.contextmanager
    def _as_default(
        self, sess: BaseSession, use_gpu: bool, force_gpu: bool
    ) -> Iterator[Any]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(sess.graph.as_default())
            stack.enter_context(sess.as_default())
            if force_gpu:
                gpu = devices.gpu_device_name() or "/device:GPU:0"
                stack.enter_context(sess.graph.device(gpu))
            elif not use_gpu:
                stack.enter_context(sess.graph.device("/device:CPU:0"))
            yield sess

    # -- threads and streams

    def checkedThread(
        self,
        target: Callable[..., Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> CheckedThread:
        """A thread to `start` and `join`; an exception in `target` fails the test."""
        thread = CheckedThread(self, target, args, kwargs)
        self._threads.append(thread)
        return thread

    @contextlib.contextmanager
    def captureWritesToStream(self, stream: IO[Any]) -> Iterator[CapturedWrites]:
        """Collect what is written to a stream that has a file descriptor.

        Yields an object whose `contents()` is what was written so far.
        """
        stream.flush()
        fd = stream.fileno()
        handle, path = tempfile.mkstemp(dir=self.get_temp_dir())
        before = os.dup(fd)
        os.dup2(handle, fd)
        try:
            yield CapturedWrites(path)
        finally:
            stream.flush()
            os.dup2(before, fd)
            os.close(before)
            os.close(handle)

    # -- errors, names, devices, shapes

    def assertRaisesWithPredicateMatch(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        exception_type: type[BaseException],
        expected_err_re_or_predicate: str | re.Pattern[str] | Callable[[Any], Any],
    ) -> contextlib.AbstractContextManager[None]:
        """A context that fails unless its block raises an exception that matches.

        What has to match is a regular expression, searched in the message (with the
        names of the failing operation and those it derives from), or a function of
        the exception.
        """
        expected = expected_err_re_or_predicate
        if callable(expected):
            return exception_matching(exception_type, expected)
        pattern = expected

        def matches(e: BaseException) -> bool:
            return re.search(pattern, _error_text(e)) is not None

        return exception_matching(exception_type, matches)

    def assertRaisesOpError(
        self, expected_err_re_or_predicate: str | re.Pattern[str] | Callable[..., Any]
    ) -> contextlib.AbstractContextManager[None]:
        """`assertRaisesWithPredicateMatch` for errors of running operations."""
        return self.assertRaisesWithPredicateMatch(
            errors.OpError, expected_err_re_or_predicate
        )

    def assertStartsWith(
        self, actual: str, expected_start: str, msg: object = None
    ) -> None:
        """Fail unless `actual` starts with `expected_start`."""
        if not actual.startswith(expected_start):
            more = f" : {msg!r}" if msg else ""
            self.fail(f"{actual!r} does not start with {expected_start!r}{more}")

    def assertShapeEqual(
        self, np_array: Array, tf_tensor: Tensor, msg: object = None
    ) -> None:
        """Fail unless an array's shape is a tensor's static shape.

        Raises:
          TypeError: the first is no array, or the second no tensor.
        """
        if not isinstance(np_array, (np.ndarray, np.generic)):
            raise TypeError("np_array must be a Numpy ndarray or Numpy scalar")
        if not isinstance(tf_tensor, Tensor):
            raise TypeError("tf_tensor must be a Tensor")
        self.assertAllEqual(np_array.shape, tf_tensor.get_shape().as_list(), msg=msg)

    def assertDeviceEqual(
        self,
        device1: str | DeviceSpecV2 | None,
        device2: str | DeviceSpecV2 | None,
        msg: object = None,
    ) -> None:
        """Fail unless two device names or specs mean the same device."""
        device1, device2 = canonical_name(device1), canonical_name(device2)
        self.assertEqual(
            device1, device2, f"Devices {device1} and {device2} are not equal. {msg}"
        )

    # -- names that Python's unittest has dropped since

    def assertRaisesRegexp(self, *args: Any, **kwargs: Any) -> Any:
        """`assertRaisesRegex`."""
        return self.assertRaisesRegex(*args, **kwargs)

    def assertItemsEqual(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, first: Any, second: Any, msg: object = None
    ) -> None:
        """`assertCountEqual`."""
        self.assertCountEqual(first, second, msg)

    def assertEquals(self, first: object, second: object, msg: object = None) -> None:
        """`assertEqual`."""
        self.assertEqual(first, second, msg)

    def assertNotEquals(
        self, first: object, second: object, msg: object = None
    ) -> None:
        """`assertNotEqual`."""
        self.assertNotEqual(first, second, msg)

    def assert_(self, expr: object, msg: object = None) -> None:
        """`assertTrue`."""
        self.assertTrue(expr, msg)

    def assertAlmostEquals(self, *args: Any, **kwargs: Any) -> None:
        """`assertAlmostEqual`."""
        self.assertAlmostEqual(*args, **kwargs)

    def assertNotAlmostEquals(self, *args: Any, **kwargs: Any) -> None:
        """`assertNotAlmostEqual`."""
        self.assertNotAlmostEqual(*args, **kwargs)

    def assertRegexpMatches(self, *args: Any, **kwargs: Any) -> None:
        """`assertRegex`."""
        self.assertRegex(*args, **kwargs)

    def assertNotRegexpMatches(self, *args: Any, **kwargs: Any) -> None:
        """`assertNotRegex`."""
        self.assertNotRegex(*args, **kwargs)


def _error_text(e: BaseException) -> str:
    if not isinstance(e, errors.OpError):
        return str(e)
    lines, op = [str(e.message)], e.op
    while op is not None:
        lines.append(f"Caused by: {op.name}")
        op = op._original_op
    return "\n".join(lines)
