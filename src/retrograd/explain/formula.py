"""Reading the notation of declarations: tokens, and the tree that they form.

A notation is a formula with words in it: "yᵢ = exp xᵢ / Σⱼ exp xⱼ", "x̄ = ȳ where
y ≥ 0, else ȳ (y + 1)".  From loose to tight:

- words, commas and relations (= < ≤ ← …) stand between terms,
- terms are added,
- factors are multiplied by a space or by · × ⋆, and divided by " / ",
- what touches (2x, 2/√π, ∂f/∂x) is one factor,
- a function without brackets (sin x, log |x|) takes the factor after it; Σ and Π take
  the product after them,
- sub- and superscripts, primes, x*, x[i] and f(x) belong to what they touch.

One letter is a symbol, with a bar or hat over it or not; several are a word or the name
of a function.  Letters followed by digits (n12) are the symbols of someone's program.
"""

from __future__ import annotations

import dataclasses
import functools
import unicodedata
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

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


# ---------------------------------------------------------------------- tokens


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


class _Scanner:
    """Cuts a notation into tokens."""

    def __init__(self, text: str) -> None:
        self._text = _decomposed(text)
        self._at = 0

    def tokens(self) -> list[Token]:
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
        raise _unreadable(self._text, f"{first!r}, which no notation uses")

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


def _unreadable(text: str, why: str) -> ValueError:
    shown = unicodedata.normalize("NFC", text)
    return ValueError(message(f"The notation {shown!r} cannot be read.", got=why))


# ---------------------------------------------------------------------- the tree


@dataclass(frozen=True, slots=True)
class Symbol:
    """A letter, the marks over it, and its subscript."""

    letter: str
    mark: str = ""
    index: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    text: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the language, or what stands for things left out (…)."""

    text: str


@dataclass(frozen=True, slots=True)
class Sign:
    """A relation or punctuation mark."""

    text: str


@dataclass(frozen=True, slots=True)
class Function:
    """The name of a function, with what is written at it: maxᵢ, cos²."""

    name: str
    index: str = ""
    power: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """A superscript, star or prime on something."""

    base: Node
    text: str


@dataclass(frozen=True, slots=True)
class Raised:
    """base^exponent."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Below:
    """A subscript on something that is no symbol."""

    base: Node
    index: str


@dataclass(frozen=True, slots=True)
class Item:
    """base[place]."""

    base: Node
    place: Group


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments in brackets."""

    head: Node
    arguments: Group


@dataclass(frozen=True, slots=True)
class Apply:
    """A function and its argument without brackets."""

    head: Function
    space: str
    argument: Node


@dataclass(frozen=True, slots=True)
class Prefix:
    """A sign before something: −, √, ∂, ¬, #."""

    sign: str
    argument: Node


@dataclass(frozen=True, slots=True)
class Big:
    """Σ or Π with its bounds, and what it goes over; None where words say that."""

    sign: str
    index: str
    power: str
    space: str
    body: Node | None


@dataclass(frozen=True, slots=True)
class Group:
    """Something in brackets."""

    opening: str
    content: Node
    closing: str


@dataclass(frozen=True, slots=True)
class Name:
    """What a symbol was replaced by (see `notation.filled`).

    Attributes:
      text: the name.
      strength: how tightly its parts hold together: see `notation`.
      of: of a name ∂f/∂x, the part before "/∂"; else empty.
      by: of such a name, what comes after; else `text`.
    """

    text: str
    strength: int
    of: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """Parts and what stands between them: a text for each neighbouring two.

    Attributes:
      level: "factor" (parts touch), "product", "sum" or "phrase".
    """

    level: str
    parts: tuple[Node, ...]
    joints: tuple[str, ...]


Node = (
    Symbol
    | Number
    | Word
    | Sign
    | Function
    | Script
    | Raised
    | Below
    | Item
    | Call
    | Apply
    | Prefix
    | Big
    | Group
    | Name
    | Series
)


def rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """`node` with `change` applied to each node directly below it."""
    values: dict[str, Any] = {}
    for f in dataclasses.fields(node):
        value = getattr(node, f.name)
        if dataclasses.is_dataclass(value):
            values[f.name] = change(value)  # pyright: ignore[reportArgumentType]
        elif f.name == "parts":
            values[f.name] = tuple(map(change, value))
    return dataclasses.replace(node, **values) if values else node


def written(node: Node | None) -> str:
    """The notation that a tree stands for."""
    return unicodedata.normalize("NFC", _written(node))


def _written(node: Node | None) -> str:
    match node:
        case None:
            return ""
        case Symbol(letter, mark, index):
            return letter[:1] + mark + letter[1:] + index
        case Number(text) | Word(text) | Sign(text) | Name(text):
            return text
        case Function(name, index, power):
            return name + index + power
        case Script(base, text) | Below(base, text):
            return _written(base) + text
        case Raised(base, exponent):
            return f"{_written(base)}^{_written(exponent)}"
        case Item(head, brackets) | Call(head, brackets):
            return _written(head) + _written(brackets)
        case Apply(head, space, argument):
            return _written(head) + space + _written(argument)
        case Prefix(sign, argument):
            return sign + _written(argument)
        case Big(sign, index, power, space, body):
            return sign + index + power + space + _written(body)
        case Group(opening, content, closing):
            return opening + _written(content) + closing
        case Series(_, parts, joints):
            rest = zip(joints, map(_written, parts[1:]), strict=True)
            return _written(parts[0]) + "".join(j + p for j, p in rest)


# ---------------------------------------------------------------------- the parser


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """The tree of a notation.

    Raises:
      ValueError: it cannot be read.
    """
    return _Parser(text).phrase()


class _Parser:
    """Reads tokens from left to right, one method a level."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _Scanner(text).tokens()
        self._at = 0
        self._closers = [""]

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    @property
    def _after(self) -> Token:
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self._now
        self._at += 1
        return token

    def _wrong(self, why: str) -> ValueError:
        return _unreadable(self._text, why)

    def _touches(self, *texts: str) -> bool:
        return not self._now.space and self._now.text in texts

    def _is_sign(self, signs: Container[str]) -> bool:
        return self._now.kind == "sign" and self._now.text in signs

    def _closes(self, token: Token) -> bool:
        return token.kind == "end" or (
            token.kind == "sign" and token.text in self._closers[-1]
        )

    def _begins_operand(self, at: int) -> bool:
        """Whether a factor can begin at a token; a mere word does not count."""
        token = self._tokens[at]
        if token.kind == "sign":
            return token.text in STARTS and not self._closes(token)
        return token.kind in ("number", "symbol") or self._is_function(at)

    def _is_function(self, at: int) -> bool:
        if self._tokens[at].kind != "word":
            return False
        follows = self._tokens[at + 1]
        if not follows.space and follows.text == "(":
            return True
        return self._tokens[at].text in FUNCTIONS and (
            follows.kind in ("sub", "super") or self._begins_operand(at + 1)
        )

    def phrase(self) -> Node:
        """What stands up to the end or the closing bracket, words and all."""
        parts: list[Node] = []
        joints = []
        while not self._closes(self._now):
            joints.append(self._now.space)
            parts.append(self._member())
        if not parts:
            raise self._wrong("nothing where something is needed")
        return _series("phrase", parts, joints[1:])

    def _member(self) -> Node:
        now, after = self._now, self._after
        if self._is_sign(RELATIONS):
            return Sign(self._take().text)
        operators = ADDITIVE | MULTIPLICATIVE
        is_operand = after.kind == "sign" and after.text in operators
        if now.kind == "word" and not is_operand and not self._is_function(self._at):
            return Word(self._take().text)
        return self._sum()

    def _sum(self) -> Node:
        parts = [self._signed(self._product)]
        joints = []
        while self._is_sign(ADDITIVE):
            joints.append(self._joint())
            parts.append(self._product())
        return _series("sum", parts, joints)

    def _joint(self) -> str:
        """Take an operator, with the space on both sides."""
        token = self._take()
        return token.space + token.text + self._now.space

    def _signed(self, operand: Callable[[], Node]) -> Node:
        if self._is_sign("−+"):
            return Prefix(self._take().text, operand())
        return operand()

    def _product(self) -> Node:
        parts = [self._factor()]
        joints = []
        while True:
            if self._is_sign(MULTIPLICATIVE):
                joints.append(self._joint())
            elif self._begins_operand(self._at):
                if joints and "/" in joints[-1]:
                    raise self._wrong('a factor after " / ": write · or brackets')
                joints.append(self._now.space)
            else:
                return _series("product", parts, joints)
            parts.append(self._factor())

    def _factor(self) -> Node:
        parts = [self._unary()]
        joints = []
        while not self._now.space:
            if self._touches("/", "·") and not self._after.space:
                joints.append(self._take().text)
            elif self._begins_operand(self._at):
                joints.append("")
            else:
                break
            parts.append(self._unary())
        return _series("factor", parts, joints)

    def _unary(self) -> Node:
        if self._is_sign(PREFIXES):
            return Prefix(self._take().text, self._unary())
        if self._is_sign(BIG):
            return self._big()
        if self._is_function(self._at):
            return self._function()
        return self._scripts(self._primary())

    def _big(self) -> Node:
        sign = self._take().text
        index, power = self._small("sub"), self._small("super")
        if not self._begins_operand(self._at):
            return Big(sign, index, power, "", None)
        return Big(sign, index, power, self._now.space, self._product())

    def _small(self, kind: str) -> str:
        is_there = self._now.kind == kind and not self._now.space
        return self._take().text if is_there else ""

    def _function(self) -> Node:
        name = self._take().text
        head = Function(name, self._small("sub"), self._small("super"))
        if self._touches("("):
            return self._scripts(head)
        if not self._begins_operand(self._at):
            raise self._wrong(f"{name} of nothing")
        return Apply(head, self._now.space, self._factor())

    def _primary(self) -> Node:
        token = self._now
        if self._is_sign(CLOSERS) and not self._closes(token):
            return self._group()
        if token.kind == "number":
            return Number(self._take().text)
        if token.kind == "word" or token.text == "…":
            return Word(self._take().text)
        if token.kind != "symbol":
            shown = token.text or "the end"
            raise self._wrong(f"{shown} where a symbol or number is needed")
        text = self._take().text
        mark = "".join(c for c in text if c in MARKS)
        letter = "".join(c for c in text if c not in MARKS)
        return Symbol(letter, mark, self._small("sub"))

    def _group(self) -> Group:
        opening = self._take().text
        self._closers.append(CLOSERS[opening])
        content = self.phrase()
        if self._now.kind == "end":
            raise self._wrong(f"{opening} that nothing closes")
        self._closers.pop()
        return Group(opening, content, self._take().text)

    def _scripts(self, base: Node) -> Node:
        """`base` with all that touches it from behind."""
        while not self._now.space:
            if self._now.kind == "super" or self._touches("*", "′"):
                base = Script(base, self._take().text)
            elif self._now.kind == "sub":
                base = Below(base, self._take().text)
            elif self._touches("^"):
                self._take()
                base = Raised(base, self._signed(self._primary))
            elif self._touches("[") and not isinstance(base, Number):
                base = Item(base, self._group())
            elif self._touches("(") and not isinstance(base, Number | Group | Word):
                base = Call(base, self._group())
            else:
                break
        return base


def _series(level: str, parts: list[Node], joints: list[str]) -> Node:
    return parts[0] if len(parts) == 1 else Series(level, tuple(parts), tuple(joints))
