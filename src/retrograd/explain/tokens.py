"""Notations cut into tokens: numbers, symbols, words, scripts and signs."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from retrograd.errors import message

BAR = "\N{COMBINING MACRON}"
HAT = "\N{COMBINING CIRCUMFLEX ACCENT}"
TILDE = "\N{COMBINING TILDE}"
MARKS = BAR + HAT + TILDE

RELATIONS = {*"=<>≤≥≠≈~∝∈←→:,;", "+=", "−="}
ADDITIVE = {*"+−±∧∨"}
MULTIPLICATIVE = {*"·×⋆/∘⊙"}
PREFIXES = {*"√∂¬#"}
BIG = {*"ΣΠ⋀⋁∫"}
CLOSERS = {
    "(": ")]",
    "[": "])",
    "{": "}",
    "⌊": "⌋",
    "⌈": "⌉",
    "|": "|",
    "‖": "‖",
}
#: signs that something to add or multiply can begin with
STARTS = PREFIXES | BIG | CLOSERS.keys() | {"…"}
#: functions that are written without brackets around their argument
FUNCTIONS = frozenset(
    """
    sin cos tan arcsin arccos arctan sinh cosh tanh arsinh arcosh artanh
    exp log erf sigmoid sign round max min argmax argmin mean Re Im arg det tr
    """.split()
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a notation.

    Attributes:
      kind: "number", "symbol", "word", "sub", "super", "sign" or, last, "end".
      text: as written; letters with marks are decomposed.
      space: the white space before it.
    """

    kind: str
    text: str
    space: str = ""


def is_script(character: str, kind: str) -> bool:
    """Whether a character is a subscript (`kind` "sub") or superscript ("super")."""
    return unicodedata.decomposition(character).startswith(f"<{kind}>")


def plain(script: str) -> str:
    """The characters that sub- and superscripts are small forms of."""
    return unicodedata.normalize("NFKC", script)


def _decomposed(text: str) -> str:
    """`text` with each letter apart from the marks over it."""
    return "".join(unicodedata.normalize("NFD", c) if c.isalpha() else c for c in text)


def _is_letter(character: str) -> bool:
    is_small = is_script(character, "sub") or is_script(character, "super")
    return character.isalpha() and character not in BIG and not is_small


class Scanner:
    """Cuts a notation into tokens."""

    def __init__(self, text: str) -> None:
        self._text = _decomposed(text)
        self._at = 0

    def tokens(self) -> list[Token]:
        """All tokens, the last of kind "end".

        Raises:
          ValueError: a character belongs to no notation.
        """
        found = []
        while True:
            space = self._run(str.isspace)
            if self._at == len(self._text):
                return [*found, Token("end", "", space)]
            kind, text = self._next()
            found.append(Token(kind, text, space))

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._text[at : at + 1] or " "

    def _run(self, belongs: Callable[[str], bool]) -> str:
        start = self._at
        while self._at < len(self._text) and belongs(self._text[self._at]):
            self._at += 1
        return self._text[start : self._at]

    def _next(self) -> tuple[str, str]:
        first = self._peek()
        if is_script(first, "sub"):
            return "sub", self._subscript()
        if is_script(first, "super"):
            return "super", self._run(lambda c: is_script(c, "super"))
        if first.isdecimal():
            return "number", self._number()
        if _is_letter(first):
            return self._letters()
        for length in (2, 1):
            sign = self._text[self._at : self._at + length]
            if sign in _SIGNS:
                self._at += len(sign)
                return ("number" if sign in "½∞" else "sign"), sign
        raise unreadable(self._text, f"{first!r}, which no notation uses")

    def _subscript(self) -> str:
        """Subscripts, and the relations between two of them: ⱼ≥ᵢ."""
        text = self._run(lambda c: is_script(c, "sub"))
        follows = self._peek(1)
        if self._peek() in RELATIONS and is_script(follows, "sub"):
            self._at += 1
            text += self._text[self._at - 1] + self._subscript()
        return text

    def _number(self) -> str:
        text = self._run(str.isdecimal)
        if self._peek() == "." and self._peek(1).isdecimal():
            self._at += 1
            text += "." + self._run(str.isdecimal)
        return text

    def _letters(self) -> tuple[str, str]:
        """A symbol or a word; a letter with a mark is a symbol of its own."""
        start = self._at
        while _is_letter(self._peek()) and self._peek(1) not in MARKED:
            self._at += 1
            if self._peek() in WITHIN_WORDS and _is_letter(self._peek(1)):
                self._at += 1
        length = self._at - start
        if length == 0:
            self._at += 1
            self._run(MARKS.__contains__)
        if length <= 1:
            self._run(str.isdecimal)
        text = self._text[start : self._at]
        return ("word" if length > 1 else "symbol"), text


#: what follows a letter that has a mark over it
MARKED = tuple(MARKS)
WITHIN_WORDS = ("'", "’", "-")
_SIGNS = {
    *RELATIONS,
    *ADDITIVE,
    *MULTIPLICATIVE,
    *PREFIXES,
    *BIG,
    *CLOSERS,
    *"".join(CLOSERS.values()),
    *"*′^…½∞",
}


def unreadable(text: str, why: str) -> ValueError:
    shown = unicodedata.normalize("NFC", text)
    return ValueError(message(f"The notation {shown!r} cannot be read.", got=why))
