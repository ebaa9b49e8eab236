"""errors: the layout of messages, and TensorFlow 1.15's exception classes."""

from __future__ import annotations

import inspect
import json
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from retrograd import errors

# What TensorFlow 1.15 answered: see tools/make_base_golden.py.
GOLDEN = json.loads((Path(__file__).parent / "data/base_types.json").read_text())

CLASSES = [
    c
    for name, c in vars(errors).items()
    if inspect.isclass(c) and issubclass(c, errors.OpError)
    if c is not errors.OpError and not name.startswith("_")
]


def test_message_lays_facts_below_the_sentence() -> None:
    text = errors.message(
        "MatMul: inner sizes differ.",
        got="a float32[2, 784], b float32[10, 784]",
        want="a's last = b's first",
        at="dense/MatMul, made in train.py:41",
        fix="transpose_b=True",
    )
    assert text.split("\n") == [
        "MatMul: inner sizes differ.",
        "  got:  a float32[2, 784], b float32[10, 784]",
        "  want: a's last = b's first",
        "  at:   dense/MatMul, made in train.py:41",
        "  fix:  transpose_b=True",
    ]


def test_message_leaves_out_unknown_facts_and_indents_long_ones() -> None:
    assert errors.message("No.") == "No."
    assert errors.message("No.", got=0, fix="a\nb") == (
        "No.\n  got:  0\n  fix:  a\n        b"
    )


def test_there_is_one_class_for_each_code() -> None:
    assert len(CLASSES) == 16
    codes = {errors.error_code_from_exception_type(c) for c in CLASSES}
    assert codes == set(range(1, 17))
    for c in CLASSES:
        code = errors.error_code_from_exception_type(c)
        assert errors.exception_type_from_error_code(code) is c
        error: Any = errors._make_specific_exception("node", None, "text", code)
        assert type(error) is c
        assert (error.node_def, error.op, error.message) == ("node", None, "text")
        assert error.error_code == code
        assert error.args == ()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("OK", 0),
        ("INVALID_ARGUMENT", 3),
        ("NOT_FOUND", 5),
        ("FAILED_PRECONDITION", 9),
        ("OUT_OF_RANGE", 11),
        ("DATA_LOSS", 15),
        ("UNAUTHENTICATED", 16),
    ],
)
def test_codes_are_tensorflows(name: str, code: int) -> None:
    assert getattr(errors, name) == code


@pytest.mark.parametrize("cls", CLASSES)
def test_errors_pickle(cls: Any) -> None:
    error = cls(None, None, "text")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is cls
    assert (copy.message, copy.error_code) == ("text", error.error_code)


def test_an_op_error_and_an_odd_unknown_error_pickle_with_their_code() -> None:
    for error in (
        errors.OpError(None, None, "text", 7),
        errors.UnknownError(None, None, "text", 99),
    ):
        assert pickle.loads(pickle.dumps(error)).error_code == error.error_code


def test_unknown_code_and_class_warn() -> None:
    with pytest.warns(UserWarning, match="Unknown error code: 37"):
        error = errors._make_specific_exception(None, None, "text", 37)
    assert type(error) is errors.UnknownError
    assert error.error_code == 37
    with pytest.warns(UserWarning, match="Unknown class exception"):
        answer = errors.error_code_from_exception_type("Unknown")
    assert type(answer) is errors.UnknownError
    with pytest.raises(KeyError):
        errors.exception_type_from_error_code(37)


def _op(spec: Any) -> Any:
    if spec is None:
        return None
    source = _op(spec[2]) if len(spec) > 2 else None
    return SimpleNamespace(name=spec[0], traceback=spec[1], _original_op=source)


@pytest.mark.parametrize(("spec", "text"), GOLDEN["errors"])
def test_str_shows_where_the_op_was_made(spec: Any, text: str) -> None:
    assert str(errors.InternalError(None, _op(spec), "It broke.")) == text


def test_str_of_an_op_that_kept_no_stack() -> None:
    error = errors.InternalError(None, SimpleNamespace(name="x"), "It broke.")
    assert str(error) == "It broke.\n\nOriginal stack trace for 'x':\n"


def test_status_raises_when_the_block_ends() -> None:
    with errors.raise_exception_on_not_ok_status() as status:
        assert status.code == errors.OK
    with pytest.raises(errors.NotFoundError, match="no such file"):
        with errors.raise_exception_on_not_ok_status() as status:
            status.code, status.message = errors.NOT_FOUND, "no such file"
    with pytest.raises(ZeroDivisionError):
        with errors.raise_exception_on_not_ok_status():
            raise ZeroDivisionError
