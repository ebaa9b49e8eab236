"""`tf.autograph`: what converts, what does not, and where errors are said to be."""

from __future__ import annotations

import functools
import logging
import traceback
from typing import Any

import pytest

import retrograd as tf
from retrograd.autograph import operators
from retrograd.autograph.conversion import convert
from retrograd.autograph.failures import ConversionError
from retrograd.autograph.options import STANDARD
from retrograd.graph.tensor import Tensor

assert operators.OPERATORS


def sign(x: Any) -> Any:
    if x > 0:
        return x
    return -x


class Scaled:
    def __init__(self) -> None:
        self.k = 2

    def method(self, x: Any) -> Any:
        if x > 0:
            return x * self.k
        return x


def numbers(x: Any) -> Any:
    yield x


def value(thunk: Any) -> Any:
    """What operations that a function makes give, in a graph of its own."""
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(thunk())


def test_to_graph() -> None:
    assert tf.autograph.to_graph(sign)(-3) == 3
    assert tf.autograph.to_graph(sign).__name__ == "tf__sign"
    assert value(lambda: tf.autograph.to_graph(sign)(tf.constant(-3))) == 3
    method = tf.autograph.to_graph(Scaled().method)
    assert value(lambda: method(Scaled(), tf.constant(3))) == 6
    made = tf.autograph.to_graph(Scaled)
    assert made.__name__ == "TfScaled"
    assert value(lambda: made().method(tf.constant(3))) == 6


def test_to_code() -> None:
    text = tf.autograph.to_code(sign)
    assert text.startswith("def tf__sign(x):")
    assert "ag__.if_stmt(x > 0" in text


@pytest.mark.parametrize("entity", [len, "a", Scaled(), functools.partial(sign, 3)])
def test_what_is_no_function_is_refused(entity: Any) -> None:
    with pytest.raises(NotImplementedError, match="object conversion is not yet"):
        tf.autograph.to_graph(entity)


def test_generators_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="Generators are not supported"):
        tf.autograph.to_graph(numbers)


def without_source(name: str) -> Any:
    found: dict[str, Any] = {}
    text = f"def {name}(x):\n  return x + 1\n"
    exec(compile(text, "gone.py", "exec"), found)
    return found[name]


def test_without_source_code_runs_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    function = without_source("gone")
    tf.get_logger().propagate = True
    with caplog.at_level(logging.WARNING, "tensorflow"):
        for _ in range(2):
            assert value(lambda: tf.function(function)(tf.constant(3))) == 4
    said = [r.getMessage() for r in caplog.records if "as-is" in r.getMessage()]
    assert len(said) == 1
    assert said[0].startswith(
        f"Entity {function} could not be transformed and will be executed as-is."
    )
    with pytest.raises(ConversionError, match="ValueError: Unable to locate the sou"):
        tf.autograph.to_graph(without_source("other"))


def test_do_not_convert() -> None:
    left = tf.autograph.experimental.do_not_convert(sign)
    with pytest.raises(TypeError, match="AutoGraph is disabled in this function"):
        value(lambda: tf.function(lambda x: left(x))(tf.constant(3)))
    with pytest.raises(TypeError, match="in Graph execution"):
        value(lambda: tf.function(sign, autograph=False)(tf.constant(3)))


def test_functions_of_datasets_are_converted() -> None:
    def element() -> Tensor:
        dataset = tf.data.Dataset.range(4).map(lambda v: v * 2 if v > 1 else -v)
        dataset = dataset.filter(lambda v: v > 1 and not v > 5)
        return tf.data.make_one_shot_iterator(dataset).get_next()

    assert value(element) == 4


def test_call_of_a_layer_is_converted() -> None:
    class Flip(tf.keras.layers.Layer):
        def call(self, inputs: Tensor) -> Tensor:
            if tf.reduce_sum(inputs) > 0:
                return inputs
            return -inputs

    assert value(lambda: Flip()(tf.constant([[-1.0]]))) == [[1.0]]


def test_traced_methods_are_converted() -> None:
    class Traced(Scaled):
        traced = tf.function(Scaled.method)

    held = Traced()
    assert value(lambda: held.traced(tf.constant(3))) == 6


# ---------------------------------------------------------------------- lines


def fails(x: Any) -> Any:
    if x > 0:
        y = x + "a"
    else:
        y = x
    return y


def line_of(function: Any, offset: int) -> str:
    return f"{__file__}:{function.__code__.co_firstlineno + offset} {function.__name__}"


def test_errors_name_lines_of_the_program() -> None:
    with pytest.raises(TypeError) as caught:
        value(lambda: tf.function(fails)(tf.constant(3)))
    text = str(caught.value)
    assert text.startswith("in converted code:\n\n")
    assert f'{line_of(fails, 2)}  *\n        y = x + "a"' in text
    shown = "".join(traceback.format_exception(caught.value))
    assert 'y = x + "a"' in shown.split("TypeError")[0]
    assert "ag__" not in shown


def test_operations_name_lines_of_the_program() -> None:
    with tf.Graph().as_default():
        concrete = tf.function(sign).get_concrete_function(tf.constant(3))
        greater = next(
            op for op in concrete.graph.get_operations() if op.type == "Greater"
        )
    line = sign.__code__.co_firstlineno + 1
    assert greater.where == f"test_api.py:{line}"


# ---------------------------------------------------------------------- Python


def jumps(items: list[Any]) -> Any:
    found = []
    for item in items:
        if item is None:
            continue
        try:
            if item < 0:
                break
            found.append(10 // item)
        except ZeroDivisionError as error:
            found.append(str(error)[:7])
        finally:
            found.append("-")
    else:
        found.append("end")
    n = 0
    while True:
        n += 1
        if n > 2:
            return found, n


@pytest.mark.parametrize("items", [[], [1, 0, None, 5], [2, -1, 3]])
def test_python_stays_python(items: list[Any]) -> None:
    assert convert(jumps, STANDARD)(items) == jumps(items)


def test_an_iterator_keeps_what_a_loop_left() -> None:
    def first(items: Any) -> Any:
        for item in items:
            if item > 1:
                break
        return next(items)

    assert convert(first, STANDARD)(iter([1, 2, 3])) == 3


def test_lambdas_of_one_line_are_told_apart() -> None:
    pair = (lambda a: a + 1 if a > 0 else a, lambda a: a * 5 if a > 0 else a)
    found = [value(lambda f=f: tf.function(f)(tf.constant(3))) for f in pair]
    assert found == [4, 15]


def test_eagerly_choices_are_those_of_python() -> None:
    from retrograd.graph import context

    with context.eager_mode():
        made = tf.autograph.to_graph(sign)
        assert made(tf.constant(-3)).numpy() == 3


def test_equal_functions_of_two_files_keep_their_own(tmp_path: Any) -> None:
    made = []
    for name in ("one.py", "two.py"):
        path = tmp_path / name
        path.write_text("def f(x):\n    if x > 0:\n        raise ValueError(x)\n")
        space: dict[str, Any] = {}
        exec(compile(path.read_text(), str(path), "exec"), space)
        made.append(convert(space["f"], STANDARD))
    files = [f.__code__.co_filename for f in made]
    assert files == [str(tmp_path / "one.py"), str(tmp_path / "two.py")]
