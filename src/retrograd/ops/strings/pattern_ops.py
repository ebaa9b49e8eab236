"""Ops: regular expressions in RE2's notation."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from retrograd.ops.arguments import refused
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import same, same_with_scalars, shape_text
from retrograd.ops.strings.texts import decoded, encoded, of_each, plain

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays

#: what RE2 writes otherwise than Python
_OTHERWISE = re.compile(r"\\.|\(\?P?<(?![=!])|\[:\^?[a-z]+:\]", re.DOTALL)
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}


def _in_python(found: re.Match[str]) -> str:
    text = found.group()
    if text == "\\z":
        return "\\Z"
    if text.startswith("(?"):
        return "(?P<"
    return _CLASSES.get(text[2:-2], text) if text.startswith("[:") else text


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of RE2's as Python's; letters and digits are those of ASCII.

    Raises:
      InvalidArgumentError: it is none.
    """
    try:
        return re.compile(_OTHERWISE.sub(_in_python, pattern), re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        raise refused(
            f"Invalid pattern: {pattern}, error: {_why(error, pattern)}"
        ) from (error)


def _why(error: Exception, pattern: str) -> str:
    """What is wrong, in RE2's words where they are the commonest."""
    for told, word in (("missing )", "missing ): "), ("character set", "missing ]: ")):
        if told in str(error):
            return word + pattern[(getattr(error, "pos", None) or 0) :]
    return str(error)


def _matching(pattern: str) -> Callable[[bytes], bool]:
    compiled = _compiled(pattern)
    return lambda item: compiled.fullmatch(decoded(item)) is not None


def _parts(rewrite: str, groups: int) -> list[str | int]:
    """A rewrite as texts and numbers of groups, as far as it makes sense."""
    parts: list[str | int] = []
    for piece in re.split(r"(\\.?)", rewrite, flags=re.DOTALL):
        if not piece.startswith("\\"):
            parts.append(piece)
        elif piece == "\\\\":
            parts.append("\\")
        elif piece[1:].isdecimal() and int(piece[1]) <= groups:
            parts.append(int(piece[1]))
        else:
            break
    return parts


def _replacing(pattern: str, rewrite: str, everywhere: bool) -> Callable[..., bytes]:
    r"""A function that puts `rewrite` where the pattern matches.

    In it \1 stands for what the first group matched, and so on.
    """
    compiled = _compiled(pattern)
    parts = _parts(rewrite, compiled.groups)

    def replaced(item: bytes) -> bytes:
        text = decoded(item)
        made, end = [], -1
        for found in compiled.finditer(text):
            if found.start() == found.end() == end:
                continue  # RE2 has no empty match behind another
            made.append(text[max(end, 0) : found.start()])
            made += [p if isinstance(p, str) else found.group(p) or "" for p in parts]
            end = found.end()
            if not everywhere:
                break
        return encoded("".join([*made, text[max(end, 0) :]]))

    return replaced


def _scalar(x: Array, name: str) -> str:
    if np.ndim(x):
        raise refused(f"{name} must be scalar, but received {shape_text(x.shape)}")
    return decoded(np.asarray(x).item())


@op("RegexFullMatch", infer=same_with_scalars, host=True)
def _full_match(xp: Arrays, x: Array, pattern: Array) -> Array:
    """Whether a pattern matches all of each text.

    Raises:
      InvalidArgumentError: it is no pattern.
    """
    del xp
    return of_each(_matching(_scalar(pattern, "Pattern")), x, np.bool_)


@op("StaticRegexFullMatch", infer=same, host=True)
def _static_full_match(xp: Arrays, x: Array, *, pattern: str | bytes) -> Array:
    """As RegexFullMatch, with a pattern that is an attribute."""
    del xp
    return of_each(_matching(plain(pattern)), x, np.bool_)


@op("RegexReplace", infer=same_with_scalars, grad=NOT_DIFFERENTIABLE, host=True)
def _replace(
    xp: Arrays, x: Array, pattern: Array, rewrite: Array, *, replace_global: bool
) -> Array:
    """Texts with what a pattern matches replaced.

    Raises:
      InvalidArgumentError: it is no pattern.
    """
    del xp
    parts = _scalar(pattern, "Pattern"), _scalar(rewrite, "Rewrite")
    return of_each(_replacing(*parts, replace_global), x)


@op("StaticRegexReplace", infer=same, host=True)
def _static_replace(
    xp: Arrays,
    x: Array,
    *,
    pattern: str | bytes,
    rewrite: str | bytes,
    replace_global: bool,
) -> Array:
    """As RegexReplace, with a pattern and a rewrite that are attributes."""
    del xp
    return of_each(_replacing(plain(pattern), plain(rewrite), replace_global), x)
