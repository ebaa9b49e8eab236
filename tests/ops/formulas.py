"""The numbers that a notation stands for, computed as it is read.

Symbols are arrays; one without a subscript is the whole array, one with a subscript an
element of it.  Two matrices side by side are multiplied as matrices, all else element
by element.  A sum over an index goes as far as the arrays that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy import special

from retrograd.explain.formula import (
    Apply,
    Below,
    Big,
    Call,
    Function,
    Group,
    Item,
    Node,
    Number,
    Prefix,
    Raised,
    Script,
    Series,
    Sign,
    Symbol,
    Word,
    rebuilt,
)
from retrograd.explain.tokens import plain


def _softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x, -1, keepdims=True))
    return e / np.sum(e, -1, keepdims=True)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "arsinh": np.arcsinh,
    "arcosh": np.arccosh,
    "artanh": np.arctanh,
    "exp": np.exp,
    "log": np.log,
    "sign": np.sign,
    "sigmoid": special.expit,
    "erf": special.erf,
    "max": lambda *xs: np.maximum(*xs) if len(xs) == 2 else np.max(xs[0]),
    "min": lambda *xs: np.minimum(*xs) if len(xs) == 2 else np.min(xs[0]),
    "mean": np.mean,
    "round": np.round,
    "trunc": np.trunc,
    "Re": np.real,
    "Im": np.imag,
    "arg": np.angle,
    "det": np.linalg.det,
    "diag": np.diag,
    "softmax": _softmax,
    "tril": np.tril,
    # matrices side by side; of that the columns of the first, and of the last
    "beside": lambda *xs: np.concatenate(xs, -1),
    "left": lambda x, first: x[..., : first.shape[-1]],
    "right": lambda x, last: x[..., -last.shape[-1] :],
    "halved": lambda x: x - np.diag(np.diag(x)) / 2,
    "Γ": special.gamma,
    "B": special.beta,
    "P": special.gammainc,
    "I": special.betainc,
    "ζ": special.zeta,
}
FUNCTIONS |= {
    "I₀": lambda x: special.iv(0, x),
    "I₁": lambda x: special.iv(1, x),
    "ψ": lambda *xs: (
        special.polygamma(xs[0].astype(int), xs[1])
        if len(xs) == 2
        else special.psi(*xs)
    ),
    "ψ′": lambda x: special.polygamma(1, x),
}
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "−": np.subtract,
    "·": np.multiply,
    "⊙": np.multiply,
    "/": np.divide,
    "×": np.cross,
}
COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal,
    "≠": np.not_equal,
    "<": np.less,
    ">": np.greater,
    "≤": np.less_equal,
    "≥": np.greater_equal,
}
REDUCED: dict[str, Any] = {"Σ": np.add, "Π": np.multiply}
EXTREMES: dict[str, Any] = {"max": np.maximum, "min": np.minimum}
#: the words that are part of a formula: "a where c, else b"
WORDS = frozenset(["where", "else"])
POWERS: dict[str, Callable[[Any], Any]] = {
    "⁻¹": lambda x: np.linalg.inv(x) if np.ndim(x) == 2 else 1 / x,
    "ᵀ": np.transpose,
    "ᴴ": lambda x: np.conj(np.transpose(x)),
    "⁻ᴴ": lambda x: np.linalg.inv(np.conj(np.transpose(x))),
    "*": np.conj,
}


def nodes(tree: Node) -> Iterator[Node]:
    """All nodes of a tree."""
    found: list[Node] = []

    def visit(node: Node) -> Node:
        found.append(node)
        return rebuilt(node, visit)

    visit(tree)
    return iter(found)


def is_formula(tree: Node) -> bool:
    """Whether all of a notation can be computed."""
    for node in nodes(tree):
        match node:
            case Word(text):
                known = text in WORDS
            case Function(name):
                known = name in FUNCTIONS
            case Prefix(sign):
                known = sign in "−√"
            case Series(_, _, joints):
                known = not any("⋆" in j for j in joints)
            case Sign(text):
                known = text in "=<>≤≥≠,;"
            case Big(sign):
                known = sign in REDUCED
            case Symbol(index=index):
                known = not any(c in index for c in "₊₋")
            case _:
                known = True
        if not known:
            return False
    return True


def parts_of(tree: Node, separators: str = ",;") -> list[list[Node]]:
    """The parts of a phrase, cut at punctuation."""
    is_phrase = isinstance(tree, Series) and tree.level == "phrase"
    found: list[list[Node]] = [[]]
    for part in tree.parts if isinstance(tree, Series) and is_phrase else (tree,):
        if isinstance(part, Sign) and part.text in separators:
            found.append([])
        else:
            found[-1].append(part)
    return found


Definition = tuple[Node, list[Node]]


def definitions(tree: Node) -> list[Definition]:
    """The equations of a phrase: left side and right side."""
    found: list[Definition] = []
    for part in parts_of(tree):
        if len(part) > 2 and part[1] == Sign("=") and _is_left(part[0]):
            found.append((part[0], part[2:]))
        elif found and part and part[0] in (Word("else"), Number("0")):
            found[-1][1].extend([Sign(","), *part])
    return found


def _is_left(node: Node) -> bool:
    return isinstance(node, Symbol | Call)


class Formula:
    """Computes the trees of notations.

    Args:
      values: arrays and numbers by symbol: letter, mark and the digits of a subscript.
      known: equations for symbols that are no values.
    """

    def __init__(self, values: Mapping[Symbol, Any], known: list[Definition]) -> None:
        self._values = dict(values)
        self._known = known
        self._at: dict[str, int] = {}

    def at(self, letters: str, place: tuple[int, ...]) -> Formula:
        """The same where the given subscripts have the given values."""
        made = Formula(self._values, self._known)
        made._at = self._at | dict(zip(letters, place, strict=True))
        return made

    def side(self, parts: list[Node]) -> Any:
        """One side of an equation: "a", "a where c, else b", "a, 0 where c"."""
        words = [k for k, p in enumerate(parts) if isinstance(p, Word)]
        if not words:
            assert len(parts) == 1, parts
            return self.value(parts[0])
        first, where = parts[: words[0]], words[0]
        if first[-2:-1] == [Sign(",")]:  # a, b where c
            condition = self.truth(parts[where + 1 :])
            return self._either(condition, [first[-1]], first[:-2])
        comma = parts.index(Sign(","))
        condition = self.truth(parts[where + 1 : comma])
        return self._either(condition, first, parts[comma + 2 :])

    def _either(self, condition: Any, yes: list[Node], no: list[Node]) -> Any:
        if np.ndim(condition) == 0:  # the other one may not have a value
            return self.side(yes if condition else no)
        return np.where(condition, self.side(yes), self.side(no))

    def truth(self, parts: list[Node]) -> Any:
        """A chain of relations."""
        values = [self.value(p) for p in parts[::2]]
        holds = values[0] if len(values) == 1 else True
        for sign, left, right in zip(parts[1::2], values, values[1:], strict=False):
            assert isinstance(sign, Sign)
            holds = np.logical_and(holds, COMPARED[sign.text](left, right))
        return holds

    def value(self, node: Node) -> Any:
        """The number or array that a tree stands for."""
        match node:
            case Number(text):
                return 0.5 if text == "½" else float(text)
            case Symbol():
                return self._symbol(node)
            case Item(Symbol() as base, Group(_, place)):
                return self._elements(base, self.value(place))
            case Group():
                return self._group(node)
            case Prefix(sign, argument):
                value = self.value(argument)
                return -value if sign == "−" else np.sqrt(value)
            case Script(base, power):
                return self._power(base, power)
            case Raised(base, exponent):
                return self.value(base) ** self.value(exponent)
            case Series(level, parts, joints):
                return self._series(level, parts, joints)
            case Big():
                return self._reduced(node)
            case _:
                return self._applied(node)

    def _group(self, group: Group) -> Any:
        content = group.content
        if group.opening == "[" and isinstance(content, Series):
            return np.asarray(self.truth(list(content.parts)), float)
        value = self.value(content)
        match group.opening:
            case "|":
                return np.abs(value)
            case "⌊":
                return np.floor(value)
            case "⌈":
                return np.ceil(value)
        return value

    def _power(self, base: Node, power: str) -> Any:
        value = self.value(base)
        known = POWERS.get(power)
        return known(value) if known else value ** int(plain(power))

    def _series(self, level: str, parts: Any, joints: Any) -> Any:
        value = self.value(parts[0])
        for joint, part in zip(joints, parts[1:], strict=True):
            right = self.value(part)
            if joint.strip():
                value = OPERATORS[joint.strip()](value, right)
            elif np.ndim(value) == np.ndim(right) == 2:
                value = value @ right
            else:
                value = value * right
        return value

    # -- symbols

    def _symbol(self, symbol: Symbol) -> Any:
        letters = "".join(c for c in symbol.index if not plain(c).isdecimal())
        digits = symbol.index.removesuffix(letters)
        bare = Symbol(symbol.letter, symbol.mark, digits)
        if not letters:
            if symbol.letter in self._at and not symbol.mark:
                return self._at[symbol.letter]
            return self._whole(bare)
        return self._element(bare, tuple(self._place(c) for c in letters))

    def _place(self, letter: str) -> int:
        name = plain(letter)
        return self._at[name] if name in self._at else int(self._whole(Symbol(name)))

    def _whole(self, symbol: Symbol) -> Any:
        if symbol in self._values:
            return self._values[symbol]
        for left, right in self._known:
            if left == symbol:
                return self.side(right)
            if isinstance(left, Symbol) and left.letter == symbol.letter:
                letters = plain(left.index)
                sizes = [self._extent(right[0], c) for c in letters]
                places = [self.at(letters, p).side(right) for p in np.ndindex(*sizes)]
                return np.reshape(places, sizes)
        raise LookupError(f"nothing is known of {symbol}")

    def _element(self, symbol: Symbol, place: tuple[int, ...]) -> Any:
        if symbol in self._values:
            return self._values[symbol][place]
        for left, right in self._known:
            is_it = isinstance(left, Symbol) and len(left.index) == len(place)
            if isinstance(left, Symbol) and is_it and left.letter == symbol.letter:
                return self.at(plain(left.index), place).side(right)
        return self._whole(symbol)[place]

    def _elements(self, symbol: Symbol, place: Any) -> Any:
        if np.ndim(place) == 0:
            return self._element(symbol, (int(place),))
        return self._whole(symbol)[np.asarray(place, int)]

    # -- functions

    def _applied(self, node: Node) -> Any:
        match node:
            case Apply(Function(name, index, power), _, argument):
                if index:
                    value = self._over(index, argument, EXTREMES[name])
                else:
                    value = FUNCTIONS[name](self.value(argument))
                return value ** int(plain(power)) if power else value
            case Call(Function(name), Group(_, content)):
                return FUNCTIONS[name](*self._arguments(content))
            case Call(Symbol(letter), Group(_, content)) if self._defines(letter):
                return self._defined(letter, content)
            case Call(head, Group(_, content)):
                return FUNCTIONS[_head(head)](*self._arguments(content))
            case Below(base, index):
                return self.value(base)[tuple(self._place(c) for c in index)]
        raise LookupError(f"no value is known for {node}")

    def _arguments(self, content: Node) -> list[Any]:
        return [self.side(part) for part in parts_of(content)]

    def _defines(self, letter: str) -> bool:
        heads = [left.head for left, _ in self._known if isinstance(left, Call)]
        return Symbol(letter) in heads

    def _defined(self, letter: str, argument: Node) -> Any:
        """A function that an equation says what it is: P(g) = …"""
        for left, right in self._known:
            match left:
                case Call(Symbol(name), Group(_, Symbol() as bound)) if name == letter:
                    inner = Formula(self._values, self._known)
                    inner._values[bound] = self.value(argument)
                    return inner.side(right)
        raise LookupError(f"nothing is known of {letter}")

    def _reduced(self, big: Big) -> Any:
        assert big.body is not None
        if not big.index:
            return REDUCED[big.sign].reduce(self.value(big.body), axis=None)
        return self._over(big.index, big.body, REDUCED[big.sign])

    def _over(self, bounds: str, body: Node, function: Any) -> Any:
        """`function` between the values for all of an index, ⱼ or ⱼ≤ᵢ."""
        letter, relation, bound = plain(bounds[0]), bounds[1:2], bounds[2:]
        places = [
            j
            for j in range(self._extent(body, letter))
            if not relation or COMPARED[relation](j, self._place(bound))
        ]
        values = [self.at(letter, (j,)).value(body) for j in places]
        return function.reduce(values)

    def _extent(self, body: Node, letter: str) -> int:
        """How far an index goes: the size of the arrays that have it."""
        for node in nodes(body):
            if isinstance(node, Symbol) and letter in plain(node.index):
                axis = plain(node.index).index(letter)
                whole = self._values.get(Symbol(node.letter, node.mark))
                if whole is None:
                    whole = self._whole_of(node)
                return np.shape(whole)[axis]
        raise LookupError(f"nothing says how far {letter} goes")

    def _whole_of(self, symbol: Symbol) -> Any:
        return self._whole(Symbol(symbol.letter, symbol.mark))


def _head(head: Node) -> str:
    match head:
        case Symbol(letter, _, index):
            return letter + index
        case Script(Symbol(letter), power):
            return letter + power
    raise LookupError(f"{head} is no function")
