"""Decorators that say in which modes a test runs: graph, eager, both, v1 or v2."""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import os
import unittest
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from absl.testing import parameterized

import retrograd as tf
from retrograd.graph import context
from retrograd.graph.function import FuncGraph
from retrograd.graph.graph import Graph
from retrograd.testing import devices, leaks

Test = Callable[..., Any]
PREFIX = unittest.TestLoader.testMethodPrefix


def _optional_call(
    decorator: Callable[[Any], Any], func: Callable[..., Any] | None
) -> Any:
    """Serve both `@decorator` and `@decorator()`."""
    return decorator if func is None else decorator(func)


def _methods_only(f: Callable[..., Any] | None, name: str, instead: str = "") -> None:
    if inspect.isclass(f):
        hint = f"Did you mean to use `{instead}`?" if instead else ""
        raise ValueError(f"`{name}` only supports test methods. {hint}".rstrip())


# -- graph and eager


def run_in_graph_and_eager_modes(
    func: Test | None = None,
    config: object = None,
    use_gpu: bool = True,
    reset_test: bool = True,
    assert_no_eager_garbage: bool = False,
) -> Any:
    """Run a test method twice: in a session, then, set up anew, eagerly.

    Args:
      config: the ConfigProto of the session.
      use_gpu: whether operations may be placed elsewhere than on the CPU.
      reset_test: tear down and set up the test between the two.
      assert_no_eager_garbage: fail if the eager run leaves tensors or reference cycles.
    """

    def decorator(f: Test) -> Test:
        _methods_only(
            f, "run_in_graph_and_eager_modes", "run_all_in_graph_and_eager_modes"
        )

        @functools.wraps(f)
        def decorated(self: Any, *args: object, **kwargs: object) -> None:
            with (
                contextlib.suppress(unittest.SkipTest),
                context.graph_mode(),
                self._test_session(use_gpu=use_gpu, config=config),
            ):
                f(self, *args, **kwargs)

            def run_eagerly(self: object, **kwargs: object) -> None:
                with contextlib.nullcontext() if use_gpu else devices.force_cpu():
                    f(self, *args, **kwargs)

            if assert_no_eager_garbage:
                context.reset_default_graph()
                run_eagerly = leaks.assert_no_new_tensors(
                    leaks.assert_no_garbage_created(run_eagerly)
                )
            if reset_test:
                self.tearDown()
                self._tempdir = None
            with Graph().as_default(), context.eager_mode():
                if reset_test:
                    self.setUp()
                run_eagerly(self, **kwargs)

        return decorated

    return _optional_call(decorator, func)


def run_all_in_graph_and_eager_modes(cls: type) -> type:
    """`run_in_graph_and_eager_modes` for every test method of a class.

    Methods named `testSkipEager…` or `test_skip_eager…` are left as they are.
    """
    skipped = ("testSkipEager", "test_skip_eager")
    for name, value in _test_methods(cls):
        if not name.startswith(skipped):
            setattr(cls, name, run_in_graph_and_eager_modes(value))
    return cls


def _test_methods(cls: type) -> Iterator[tuple[str, Test]]:
    """The test methods of a class, inherited ones included; not `test_session`."""
    for name in dir(cls):
        value = getattr(cls, name, None)
        if name.startswith(PREFIX) and name != "test_session" and callable(value):
            yield name, value


def for_all_test_methods(
    decorator: Callable[..., Callable[[Test], Test]], *args: object, **kwargs: object
) -> Callable[[type], type]:
    """A class decorator: `decorator(*args, **kwargs)` for each test method."""

    def decorated(cls: type) -> type:
        for name, value in _test_methods(cls):
            setattr(cls, name, decorator(*args, **kwargs)(value))
        return cls

    return decorated


def deprecated_graph_mode_only(func: Callable[..., Any] | None = None) -> Any:
    """Run a test method, or those and `setUp` of a class, in graph mode."""

    def decorator(f: Callable[..., Any]) -> Any:
        if inspect.isclass(f):
            for name, value in list(vars(f).items()):
                if callable(value) and (name == "setUp" or name.startswith(PREFIX)):
                    setattr(f, name, decorator(value))
            return f

        @functools.wraps(f)
        def decorated(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not v2_behavior():
                return f(self, *args, **kwargs)
            with context.graph_mode():
                return f(self, *args, **kwargs)

        return decorated

    return _optional_call(decorator, func)


run_deprecated_v1 = deprecated_graph_mode_only


def also_run_as_tf_function(f: Test) -> Test:
    """Run a test method eagerly, then inside a `tf.function`.

    The assertions of `tf.test.TestCase` take part in the function as `tf.py_func`.
    """

    @functools.wraps(f)
    def decorated(*args: object, **kwargs: object) -> None:
        def bound() -> None:
            f(*args, **kwargs)

        with context.eager_mode():
            bound()
            tf.function(bound, autograph=False)()

    return decorated


def build_as_function_and_v1_graph(func: Test | None = None) -> Any:
    """Make two tests of a method: one builds a graph, the other a function's body.

    For methods that look at what they build and run none of it, in classes derived
    from absl's `parameterized.TestCase`.
    """

    def decorator(f: Test) -> Any:
        if inspect.isclass(f):
            raise ValueError(
                "`run_in_graph_mode_and_function` only supports test methods."
            )

        @parameterized.named_parameters(("_v1_graph", False), ("_function", True))
        @functools.wraps(f)
        def decorated(
            self: object, in_function: bool, *args: object, **kwargs: object
        ) -> None:
            with Graph().as_default():
                body = FuncGraph(f.__name__) if in_function else None
                with body.as_default() if body else contextlib.nullcontext():
                    f(self, *args, **kwargs)

        return decorated

    return _optional_call(decorator, func)


# -- version 1 and version 2 behaviour


def v2_behavior() -> bool:
    """Whether the program asked for TensorFlow 2's behaviour."""
    from retrograd import behavior

    return behavior.enabled()


def _only_if(
    possible: Callable[[], bool], reason: str, func: Test | None, name: str
) -> Any:
    """Skip a test method, saying `reason`, unless `possible()` when it runs."""

    def decorator(f: Test) -> Test:
        _methods_only(f, name)

        @functools.wraps(f)
        def decorated(self: Any, *args: object, **kwargs: object) -> Any:
            if not possible():
                self.skipTest(reason)
            return f(self, *args, **kwargs)

        return decorated

    return _optional_call(decorator, func)


def run_v1_only(reason: str, func: Callable[..., Any] | None = None) -> Any:
    """Skip a test method, or all of a class, under version 2's behaviour.

    Raises:
      ValueError: `reason` is no string.
    """
    if not isinstance(reason, str):
        raise ValueError(f"'reason' should be string, got {type(reason)}")

    def decorator(f: Callable[..., Any] | None) -> Any:
        if isinstance(f, type):  # a benchmark has nothing to skip
            if issubclass(f, unittest.TestCase):
                f.setUp = decorator(f.setUp)
            return f
        return _only_if(lambda: not v2_behavior(), reason, f, "run_v1_only")

    return _optional_call(decorator, func)


def run_v2_only(func: Test | None = None) -> Any:
    """Skip a test method unless the program asked for version 2's behaviour."""
    return _only_if(v2_behavior, "Test is only compatible with v2", func, "run_v2_only")


def run_gpu_only(func: Test | None = None) -> Any:
    """Skip a test method where there is no GPU."""
    return _only_if(devices.is_gpu_available, "Test requires GPU", func, "run_gpu_only")


def run_cuda_only(func: Test | None = None) -> Any:
    """Skip a test method where there is no CUDA GPU."""
    return _only_if(
        lambda: devices.is_gpu_available(cuda_only=True),
        "Test requires CUDA GPU",
        func,
        "run_cuda_only",
    )


def skip_if(condition: bool | Callable[[], bool]) -> Callable[[Test], Test]:
    """Let a function do nothing if `condition`, or what it returns, is true."""

    def decorator(f: Test) -> Test:
        @functools.wraps(f)
        def decorated(*args: object, **kwargs: object) -> Any:
            skip = condition() if callable(condition) else condition
            return None if skip else f(*args, **kwargs)

        return decorated

    return decorator


# -- switches around a test


def _switched(
    switch: Callable[[], contextlib.AbstractContextManager[Any]], f: Test
) -> Test:
    @functools.wraps(f)
    def decorated(*args: object, **kwargs: object) -> Any:
        with switch():
            return f(*args, **kwargs)

    return decorated


@contextlib.contextmanager
def _control_flow_v2() -> Iterator[None]:
    before = tf.control_flow_v2_enabled()
    tf.enable_control_flow_v2()
    try:
        yield
    finally:
        if not before:
            tf.disable_control_flow_v2()


def enable_control_flow_v2(fn: Test) -> Test:
    """Run a function with TensorFlow's switch for functional control flow on."""
    return _switched(_control_flow_v2, fn)


def with_control_flow_v2(cls: type) -> type:
    """Give each test method of a class a twin, `…WithControlFlowV2`.

    The twin runs under `enable_control_flow_v2`; methods marked with
    `disable_control_flow_v2` get none.
    """
    if tf.control_flow_v2_enabled():
        return cls
    for name, value in list(vars(cls).items()):
        if (
            callable(value)
            and name.startswith(PREFIX)
            and not getattr(value, "_disable_control_flow_v2", False)
        ):
            setattr(cls, f"{name}WithControlFlowV2", enable_control_flow_v2(value))
    return cls


def disable_control_flow_v2(unused_msg: str) -> Callable[[Test], Test]:
    """Mark a test method as one for which `with_control_flow_v2` makes no twin."""

    def decorator(f: Any) -> Test:
        f._disable_control_flow_v2 = True
        return f

    return decorator


@contextlib.contextmanager
def _all_intermediates() -> Iterator[None]:
    tf.experimental.output_all_intermediates(True)
    try:
        yield
    finally:
        tf.experimental.output_all_intermediates(None)


def enable_output_all_intermediates(fn: Test) -> Test:
    """Run a function after `output_all_intermediates(True)`."""
    return _switched(_all_intermediates, fn)


def use_deterministic_cudnn(func: Test) -> Test:
    """Run a function with TF_CUDNN_DETERMINISTIC set in the environment."""
    return _switched(_deterministic_cudnn, func)


@contextlib.contextmanager
def _deterministic_cudnn() -> Iterator[None]:
    name = "TF_CUDNN_DETERMINISTIC"
    before = os.environ.get(name, "")
    os.environ[name] = "true"
    try:
        yield
    finally:
        os.environ[name] = before


def disable_xla(description: str) -> Callable[..., Any]:
    """Leave a test out of runs with TensorFlow's XLA switches: there are none here."""

    def decorator(func: Test | None = None) -> Any:
        return _optional_call(lambda f: f, func)

    return decorator


no_xla_auto_jit = xla_allow_fallback = disable_xla


def enable_tf_xla_constant_folding(description: str) -> Callable[..., Any]:
    """Run a test with TensorFlow's XLA folding constants, which is not at work here.

    Raises:
      ValueError: `description` is no string.
    """
    if not isinstance(description, str):
        raise ValueError(f"'description' should be string, got {type(description)}")
    return disable_xla(description)


def enable_c_shapes(fn: Test) -> Test:
    """Nothing: there is one way of inferring shapes."""
    return fn


with_c_shapes = enable_c_shapes


# -- combinations


def generate_combinations_with_testcase_name(
    **kwargs: object,
) -> list[OrderedDict[str, Any]]:
    """Every combination of the options, each a dict with a 'testcase_name' besides.

    Args:
      **kwargs: `option=[values]`, or `option=the_only_value`.
    """
    # Options are ordered by their initials alone, which decides the tests' names.
    names = sorted(kwargs, key=lambda name: name[0])
    shown = sorted(names, key=lambda name: name[0], reverse=True)[::-1]
    lists = [v if isinstance(v, list) else [v] for v in map(kwargs.get, names)]
    combinations = []
    for values in itertools.product(*lists):
        chosen = dict(zip(names, values, strict=True))
        combination = OrderedDict((name, chosen[name]) for name in shown)
        parts = (
            f"_{_alphanumeric(k)}_{_alphanumeric(v)}" for k, v in combination.items()
        )
        combination["testcase_name"] = "_test" + "".join(parts)
        combinations.append(combination)
    return combinations


def _alphanumeric(x: object) -> str:
    return "".join(filter(str.isalnum, str(x)))
