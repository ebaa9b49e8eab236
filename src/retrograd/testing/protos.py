"""Assertions on protocol messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from absl.testing import absltest
from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

GRAPH_DEF_VERSION = 134  # TensorFlow 1.15's producer version
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
DIFF_LIMIT = 2**16  # characters above which a whole-text comparison is no longer shown
DIGITS = {FieldDescriptor.TYPE_FLOAT: 6, FieldDescriptor.TYPE_DOUBLE: 7}


class ProtoAssertions(absltest.TestCase):
    """What a test can claim about protocol messages."""

    def assertProtoEqual(
        self,
        a: Any,
        b: Message,
        check_initialized: bool = True,
        normalize_numbers: bool = False,
        msg: Any = None,
    ) -> None:
        """Fail, with the difference of their texts, unless two messages are equal.

        `a` may be given as text.  `normalize_numbers` rounds the floats of both, in
        place, to the digits that every way of setting them keeps.
        """
        if isinstance(a, str):
            a = text_format.Merge(a, type(b)())
        for message in (a, b):
            if check_initialized and not message.IsInitialized():
                self.fail(f"Initialization errors: fields are missing in\n{message}")
            if normalize_numbers:
                round_numbers(message)
        text_a, text_b = text_format.MessageToString(a), text_format.MessageToString(b)
        if max(len(text_a), len(text_b)) < DIFF_LIMIT:
            self.assertMultiLineEqual(text_a, text_b, msg=msg)
        elif text_a != text_b:
            lines = difflib.unified_diff(
                text_a.splitlines(True), text_b.splitlines(True)
            )
            self.fail(f"{msg} : \n{''.join(lines)}")

    def assertProtoEquals(
        self,
        expected_message_maybe_ascii: Message | str | bytes,
        message: Message,
        msg: object = None,
    ) -> None:
        """Fail unless `message` equals the expected one, a message or its text."""
        expected = expected_message_maybe_ascii
        if isinstance(expected, str):
            expected = text_format.Merge(expected, type(message)())
        elif not isinstance(expected, type(message)):
            raise AssertionError(
                f"Can't compare protos of type {type(expected)} and {type(message)}. "
                f"{msg or ''}"
            )
        if not protos_equal(expected, message):
            self.assertProtoEqual(expected, message, normalize_numbers=True, msg=msg)

    def assertProtoEqualsVersion(
        self,
        expected: str,
        actual: Message,
        producer: int = GRAPH_DEF_VERSION,
        min_consumer: int = GRAPH_DEF_VERSION_MIN_CONSUMER,
        msg: object = None,
    ) -> None:
        """`assertProtoEquals` with a graph's versions put before the text."""
        versions = (
            f"versions {{ producer: {producer} min_consumer: {min_consumer} }};\n"
        )
        self.assertProtoEquals(versions + expected, actual, msg=msg)


def protos_equal(a: object, b: object) -> bool:
    """Whether two messages, or two values of a field, are equal; NaN equals nothing.

    Elements of a repeated field are compared in order.
    """
    parts_a, parts_b = _parts(a), _parts(b)
    if parts_a is None or parts_b is None:
        return bool(a == b)
    return parts_a.keys() == parts_b.keys() and all(
        protos_equal(value, parts_b[key]) for key, value in parts_a.items()
    )


def _parts(value: object) -> dict[Any, Any] | None:
    """The fields of a message, the items of a map or list; None of a plain value."""
    if isinstance(value, Message):
        return {field.number: part for field, part in value.ListFields()}
    if isinstance(value, Mapping):
        return dict(value.items())
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return dict(enumerate(value))
    return None


def round_numbers(message: Message) -> Message:
    """Round the floats of a message and of those within it, in place, and return it."""
    for field, value in message.ListFields():
        if field.type in DIGITS:
            digits = DIGITS[field.type]
            if isinstance(value, float):
                setattr(message, field.name, round(value, digits))
            else:
                value[:] = [round(x, digits) for x in value]
        elif field.type in (FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_GROUP):
            for part in _messages(value):
                round_numbers(part)
    return message


def _messages(value: Any) -> list[Message]:
    """The messages held by a message field: one, a list, or the values of a map."""
    if isinstance(value, Message):
        return [value]
    held = value.values() if isinstance(value, Mapping) else value
    return [part for part in held if isinstance(part, Message)]
