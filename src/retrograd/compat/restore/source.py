"""Old source: where `async` is a name, and what protobuf's compiler once wrote.

`async` and `await` became keywords in Python 3.7; libraries of that time have
parameters called `async`. A module that does not compile for that reason is compiled
with the name `async_` in its place; all modules alike, so that callers and callees
agree.
"""

from __future__ import annotations

import importlib.machinery
import io
import itertools
import keyword
import re
import sys
import tokenize
from collections.abc import Callable
from types import CodeType
from typing import TYPE_CHECKING, Any

from retrograd.compat.restore import arithmetic
from retrograd.compat.restore.notices import announce

if TYPE_CHECKING:
    from retrograd.typing import PathLike

_WORDS = ("async", "await")


def renamed(source: bytes) -> bytes | None:
    """Source with `async` and `await` renamed where they are names; None if nowhere."""
    if not any(word.encode() in source for word in _WORDS):
        return None
    try:
        tokens = list(tokenize.tokenize(io.BytesIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return None
    encoding = tokens[0].string
    lines = source.decode(encoding).splitlines(keepends=True)
    changed = False
    for token, following in reversed(list(itertools.pairwise(tokens))):
        if token.string in _WORDS and _is_name(token.string, following):
            row, column = token.start[0] - 1, token.end[1]
            lines[row] = lines[row][:column] + "_" + lines[row][column:]
            changed = True
    return "".join(lines).encode(encoding) if changed else None


def _is_name(word: str, following: tokenize.TokenInfo) -> bool:
    if word == "async":
        return following.string not in ("def", "for", "with")
    # `await x` is the keyword; what can follow a name is an operator or an end
    if following.type in (tokenize.NAME, tokenize.NUMBER, tokenize.STRING):
        return keyword.iskeyword(following.string)
    return following.string not in ("(", "[", "{", "-", "+", "~")


def compiled(source: object, path: str, again: Callable[..., Any]) -> CodeType | None:
    """The code of old source, by `again(source)`; None where renaming does not help."""
    text = source if isinstance(source, bytes) else None
    changed = None if text is None else renamed(text)
    if changed is None:
        return None
    try:
        code = again(changed)
    except SyntaxError:
        return None
    used = re.search(rb"\basync\b", text or b"")
    announce(f"{'async' if used else 'await'} as a name (in {path})")
    return code


class OldSourceLoader(importlib.machinery.SourceFileLoader):
    """Loads source files as Python does, and old ones as well."""

    def get_code(self, fullname: str) -> CodeType | None:
        """The code of a module; that of old generated ones is kept nowhere.

        What is rewritten is kept beside what Python keeps.
        """
        if fullname.endswith("_pb2"):
            from retrograd.compat.restore import protos

            path = self.get_filename(fullname)
            code = protos.compiled(self.get_data(path), path)
            if code is not None:
                announce(f"a descriptor that a module makes itself (in {path})")
                return code
        path = self.get_filename(fullname)
        if arithmetic.applies_to(path, fullname):
            return arithmetic.kept(self, path)
        return super().get_code(fullname)

    def source_to_code(
        self, data: object, path: PathLike, *, _optimize: int = -1
    ) -> CodeType:
        """The code of a module's source."""

        def again(source: Any) -> CodeType:
            if arithmetic.applies_to(str(path), self.name):
                return arithmetic.compiled(source, str(path), _optimize)
            return super(OldSourceLoader, self).source_to_code(
                source, path, _optimize=_optimize
            )

        try:
            return again(data)
        except SyntaxError:
            code = compiled(data, str(path), again)
            if code is None:
                raise
            return code


def enable() -> None:
    """Load modules from files through `OldSourceLoader` from now on."""
    machinery = importlib.machinery
    hook = machinery.FileFinder.path_hook(
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (OldSourceLoader, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )
    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()
