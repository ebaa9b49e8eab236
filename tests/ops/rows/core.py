"""Rows for constants and placeholders."""

from tests.ops.rows import f, row

ROWS = [
    row("PlaceholderWithDefault", f(2, 3), shape=(2, 3)),
]
