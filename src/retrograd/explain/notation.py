"""The notation of declarations, put to use: symbols, names filled in, LaTeX.

    filled("x̄ = ȳ · 2x", {"x": "n1", "ȳ": "∂f/∂n5"})  # ∂f/∂n1 = ∂f/∂n5 · 2·n1
    filled("x̄ = ȳ · 2x", {"x": "3", "ȳ": "4"})        # 4 · 2·3
    latex("x̄ = ȳ / 2y")                               # \\bar{x} = \\frac{\\bar{y}}{2 y}

How a notation is built up is said in `formula`.
"""

from __future__ import annotations

import dataclasses
import functools
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrograd.explain.formula import (
    Apply,
    Below,
    Big,
    Call,
    Function,
    Group,
    Item,
    Name,
    Node,
    Number,
    Prefix,
    Raised,
    Script,
    Series,
    Sign,
    Symbol,
    Word,
    is_number,
    parse,
    rebuilt,
    written,
)
from retrograd.explain.tex import of_tree
from retrograd.explain.tokens import BAR, plain
from retrograd.graph.opdef import ArgDef
from retrograd.ops import declare

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation

# ---------------------------------------------------------------------- symbols


@dataclass(frozen=True, slots=True)
class Symbols:
    """How an operation and its derivatives are written.

    Attributes:
      math: the notation of its value; empty where it has none.
      inputs: the symbol of each input, lists flattened: x, or x₀, x₁, … of a list. An
        input that no notation names goes by its name in the signature.
      outputs: the symbol of each output, likewise.
      rules: the notation of the derivative for each input, with the place of the input
        in its list filled in; empty where there is none.
    """

    math: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rules: tuple[str, ...]


def symbols(op: Any) -> Symbols:
    """The symbols of an operation or of a tape's record."""
    declared = declare.find(op.type)
    math = "" if declared is None else declared.math
    notation = {} if declared is None else declared.notation
    return _symbols(
        math,
        tuple(notation.items()),
        tuple(_lengths(op._op_def.inputs, op)),
        tuple(_lengths(op._op_def.outputs, op)),
    )


#: an argument of a signature: its name, whether it is a list, and of how many tensors
_Argument = tuple[str, bool, int]


@functools.lru_cache(maxsize=1024)
def _symbols(
    math: str,
    rules_by_name: tuple[tuple[str, str], ...],
    arguments: tuple[_Argument, ...],
    made: tuple[_Argument, ...],
) -> Symbols:
    notation = dict(rules_by_name)
    inputs: list[str] = []
    rules: list[str] = []
    for name, is_list, count in arguments:
        rule = notation.get(name, "")
        symbol = subject(rule) if rule else None
        inputs += _numbered(symbol, name, is_list, count)
        if not is_rule(rule):
            rules += [""] * count
        else:
            rules += [at(rule, k) if is_list else rule for k in range(count)]
    outputs: list[str] = []
    defined = iter(results(math)) if math else iter(())
    for name, is_list, count in made:
        outputs += _numbered(next(defined, None), name, is_list, count)
    return Symbols(math, tuple(inputs), tuple(outputs), tuple(rules))


def _lengths(args: tuple[ArgDef, ...], op: Operation) -> Iterator[_Argument]:
    """Each argument with the number of tensors that it stands for."""
    for arg in args:
        if arg.number_attr:
            yield arg.name, arg.is_list, int(op.attrs[arg.number_attr])
        elif arg.type_list_attr:
            yield arg.name, arg.is_list, len(op.attrs[arg.type_list_attr])
        else:
            yield arg.name, arg.is_list, 1


def _numbered(symbol: Symbol | None, name: str, is_list: bool, count: int) -> list[str]:
    """A symbol for each tensor of an argument."""
    if symbol is None:
        return [f"{name}{_below(k)}" for k in range(count)] if is_list else [name]
    letter = dataclasses.replace(symbol, index=_digits(symbol.index))
    if not is_list:
        return [written(letter)]
    return [written(dataclasses.replace(letter, index=_below(k))) for k in range(count)]


def _below(number: int) -> str:
    return "".join(chr(ord("₀") + int(d)) for d in str(number))


def _digits(index: str) -> str:
    """The digits that a subscript begins with: they belong to the symbol."""
    end = 0
    while end < len(index) and plain(index[end]).isdecimal():
        end += 1
    return index[:end]


def is_rule(rule: str) -> bool:
    """Whether the notation for an input says what its derivative is."""
    tree = parse(rule) if rule else None
    return isinstance(tree, Series) and _left_side(tree) is not None


def subject(rule: str) -> Symbol:
    """The symbol of the input that a notation is about, without the bar of a rule.

    Raises:
      ValueError: the notation does not begin with a symbol.
    """
    tree = parse(rule)
    first = tree.parts[0] if isinstance(tree, Series) else tree
    symbol = _root(first)
    if symbol is None:
        raise ValueError(f"The notation {rule!r} does not begin with a symbol.")
    return _unbarred(symbol) if is_rule(rule) else symbol


def results(math: str) -> list[Symbol]:
    """The symbols that the equations of `math` define, "s, y = …; z = …" three."""
    tree = parse(math)
    parts = tree.parts if isinstance(tree, Series) and tree.level == "phrase" else ()
    found: list[Symbol] = []
    side: list[Symbol] = []
    is_left = True
    for part in (tree,) if not parts else parts:
        symbol = _root(part)
        if part == Sign(";"):
            is_left = True
        elif isinstance(part, Sign) and part.text != "," and is_left:
            found += side
            is_left = False
            side = []
        elif is_left and symbol is not None:
            side.append(symbol)
    return found or side[:1]


def at(rule: str, place: int) -> str:
    """The rule of a list's inputs for the one at `place`.

    The subscript of the left side is its place: x̄ᵢ = ȳ becomes x̄₁ = ȳ.
    """
    tree = parse(rule)
    left = _left_side(tree) if isinstance(tree, Series) else None
    if left is None or not left.index:
        return rule
    letter = left.index[0]

    def placed(node: Node) -> Node:
        match node:
            case Symbol(name, "", "") if name == plain(letter):
                return Number(str(place))
            case Symbol() | Big() | Below() | Function():
                index = node.index.replace(letter, _below(place))
                node = dataclasses.replace(node, index=index)
        return rebuilt(node, placed)

    return written(placed(tree))


def barred(symbol: str) -> str:
    """The symbol of the derivative with respect to what `symbol` stands for."""
    node = parse(symbol)
    if not isinstance(node, Symbol):
        raise ValueError(f"{symbol!r} is not a symbol.")
    return written(dataclasses.replace(node, mark=node.mark + BAR))


def _unbarred(symbol: Symbol) -> Symbol:
    return dataclasses.replace(symbol, mark=symbol.mark.replace(BAR, "", 1))


def _root(node: Node) -> Symbol | None:
    """The symbol that subscripts and indices are on, if that is what a node is."""
    while isinstance(node, Below | Item):
        node = node.base
    return node if isinstance(node, Symbol) else None


def _left_side(tree: Series) -> Symbol | None:
    """The barred symbol that the left side of a rule consists of."""
    if tree.level != "phrase" or tree.parts[1] not in (Sign("="), Sign("+=")):
        return None
    symbol = _root(tree.parts[0])
    return symbol if symbol is not None and BAR in symbol.mark else None


# ---------------------------------------------------------------------- names

#: how tightly the parts of a name hold together: may be added, multiplied, or anything
SUM, PRODUCT, ATOM = range(3)


def filled(notation: str, names: Mapping[str, str]) -> str:
    """The notation with symbols replaced by names.

    A barred symbol without a name is named after the ones that have one: if ȳ is
    ∂f/∂n5 and x is n1, then x̄ is ∂f/∂n1. Where that cannot be, as among numbers, the
    left side is left out. A subscript stays with the name, except with a number.

    Args:
      notation: the notation.
      names: symbols, or the names of inputs that a notation has for symbols, and what
        replaces them: names, numbers or expressions.

    Raises:
      ValueError: the notation cannot be read, or a key is no symbol and no name.
    """
    return written(_filled(parse(notation), names))


def _filled(tree: Node, names: Mapping[str, str]) -> Node:
    return _Filling(names).whole(tree) if names else tree


@functools.lru_cache(maxsize=1024)
def _name(text: str) -> Name:
    """A name with what is known about its form."""
    text = unicodedata.normalize("NFC", text)
    if is_number(text):
        strength = SUM if text[0] in "-−" else PRODUCT if "e" in text else ATOM
        return Name(text.replace("-", "−", 1) if strength == SUM else text, strength)
    of, is_derivative, by = text.rpartition("/∂")
    if is_derivative and of.startswith("∂"):
        return Name(text, PRODUCT, of, by)
    return Name(text, _strength_of(text))


def _strength_of(text: str) -> int:
    """By the operators and other signs that stand outside brackets."""
    outside = []
    depth = 0
    for c in text:
        depth -= c in ")]}"
        if depth == 0:
            outside.append(c)
        depth += c in "([{"
    if any(c in " +−·×" for c in outside):
        return SUM
    is_word = all(c.isalnum() or c in "_.()[]{}" + BAR for c in outside)
    return ATOM if is_word else PRODUCT


def _key(text: str) -> Symbol | Word:
    """What a name is given for."""
    if len(text) > 1 and plain(text).isidentifier() and text.isascii():
        return Word(text)
    symbol = parse(text)
    if not isinstance(symbol, Symbol):
        raise ValueError(f"{text!r} is not a symbol.")
    return symbol


class _Filling:
    """Replaces symbols in a tree, and brackets what would change its meaning."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {_key(key): _name(text) for key, text in names.items()}
        self._of = next((n.of for n in self._names.values() if n.of), "")

    def whole(self, tree: Node) -> Node:
        left = _left_side(tree) if isinstance(tree, Series) else None
        if left is not None and isinstance(tree, Series):
            has_name = self._find(left) is not None
            if not has_name and self._find(_unbarred(left)) is not None:
                right = tree.parts[2:]
                tree = (
                    right[0]
                    if len(right) == 1
                    else dataclasses.replace(tree, parts=right, joints=tree.joints[2:])
                )
        return self._node(tree)

    def _find(self, symbol: Symbol) -> Node | None:
        """What a symbol is replaced by, its subscript included."""
        digits = _digits(symbol.index)
        for known in (symbol.index, digits, ""):
            name = self._names.get(dataclasses.replace(symbol, index=known))
            if name is not None:
                rest = symbol.index.removeprefix(known)
                return _indexed(name, rest) if rest else name
        return self._derivative(symbol) if BAR in symbol.mark else None

    def _derivative(self, symbol: Symbol) -> Node | None:
        by = self._find(_unbarred(symbol)) if self._of else None
        base = by.base if isinstance(by, Below) else by
        if not isinstance(base, Name) or is_number(base.text):
            return None
        text = base.text if base.strength > SUM else f"({base.text})"
        name = Name(f"{self._of}/∂{text}", PRODUCT, self._of, text)
        return Below(name, by.index) if isinstance(by, Below) else name

    def _node(self, node: Node) -> Node:
        if isinstance(node, Symbol):
            return self._find(node) or node
        if isinstance(node, Word):
            return self._names.get(node, node)
        node = rebuilt(node, self._node)
        match node:
            case Script(base) | Raised(base):
                node = dataclasses.replace(node, base=_at_least(ATOM, base))
            case Item(base, place) if isinstance(base, Name):
                return base if is_number(base.text) else Item(_indexable(base), place)
            case Prefix(sign, argument):
                needed = PRODUCT if sign in "−+" else ATOM
                return Prefix(sign, _at_least(needed, argument))
            case Apply(head, _, argument) if _strength(argument) < ATOM:
                return Call(head, Group("(", argument, ")"))
            case Big(body=body) if body is not None:
                return dataclasses.replace(node, body=_at_least(PRODUCT, body))
            case Series(level) if level != "phrase":
                return _joined(node)
        if isinstance(node, Raised):
            exponent = _at_least(ATOM, node.exponent)
            return dataclasses.replace(node, exponent=exponent)
        return node


def _indexed(name: Name, index: str) -> Node:
    """A name with a subscript; a number is the same at every place."""
    return name if is_number(name.text) else Below(_indexable(name), index)


def _indexable(name: Name) -> Node:
    """∂f/∂n1 takes a subscript as it is: the derivative with respect to that part."""
    inner = _name(name.by) if name.of else name
    return name if inner.strength == ATOM else Group("(", name, ")")


def _strength(node: Node) -> int:
    """Of what was filled in; all else is bracketed as it was written."""
    match node:
        case Name(_, strength):
            return strength
        case Below(Name(of=of)) if of:
            return PRODUCT
        case Series("factor", parts, joints):
            is_filled = any(isinstance(p, Group) for p in parts)
            return PRODUCT if is_filled or any(joints) else ATOM
    return ATOM


def _at_least(needed: int, node: Node) -> Node:
    return node if _strength(node) >= needed else Group("(", node, ")")


def _joined(series: Series) -> Series:
    """A sum or product with the brackets and the · that filled-in names need."""
    parts = []
    before = ("", *series.joints)
    for joint, part in zip(before, series.parts, strict=True):
        needed = ATOM if "/" in joint else PRODUCT
        parts.append(_at_least(needed, part))
    joints = []
    for left, joint, right in zip(parts, series.joints, parts[1:], strict=False):
        touches = not joint.strip() and (_runs_on(left, -1) or _runs_on(right, 0))
        joints.append((" · " if joint else "·") if touches else joint)
    return dataclasses.replace(series, parts=tuple(parts), joints=tuple(joints))


def _runs_on(node: Node, end: int) -> bool:
    """Whether a part begins (0) or ends (−1) with a name that is no single symbol."""
    while True:
        match node:
            case Series(_, parts):
                node = parts[end]
            case Script(base) | Below(base) | Item(base) | Raised(base):
                node = base
            case Prefix(_, argument) | Apply(_, _, argument) if end:
                node = argument
            case Big(body=body) if end and body is not None:
                node = body
            case Group(_, Name(text)) if is_number(text):
                return True
            case _:
                break
    return isinstance(node, Name) and not _is_symbol(node.text)


def _is_symbol(text: str) -> bool:
    letter = text.replace(BAR, "")
    return len(letter) == 1 and letter.isalpha()


# ---------------------------------------------------------------------- LaTeX


def latex(notation: str, names: Mapping[str, str] | None = None) -> str:
    """LaTeX of a notation, for math mode; `names` as in `filled`.

    Raises:
      ValueError: as `filled`.
    """
    return of_tree(_filled(parse(notation), names or {}))
