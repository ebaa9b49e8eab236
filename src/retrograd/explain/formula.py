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
import re
import unicodedata
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

from retrograd.explain.tokens import (
    ADDITIVE,
    BIG,
    CLOSERS,
    FUNCTIONS,
    MARKS,
    MULTIPLICATIVE,
    PREFIXES,
    RELATIONS,
    STARTS,
    Scanner,
    Token,
    unreadable,
)

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


_NUMBER = re.compile(r"[-−]?(\d+\.?\d*(e[-+]?\d+)?|inf|nan)")


def is_number(text: str) -> bool:
    """Whether a name is a number as Python writes it."""
    return _NUMBER.fullmatch(text) is not None


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
        self._tokens = Scanner(text).tokens()
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
        return unreadable(self._text, why)

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
