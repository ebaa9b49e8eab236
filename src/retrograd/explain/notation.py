"""The notation of declarations, put to use: symbols, names filled in, LaTeX.

    filled("x̄ = ȳ · 2x", {"x": "n1", "ȳ": "∂f/∂n5"})  # ∂f/∂n1 = ∂f/∂n5 · 2·n1
    filled("x̄ = ȳ · 2x", {"x": "3", "ȳ": "4"})        # 4 · 2·3
    latex("x̄ = ȳ / 2y")                               # \\bar{x} = \\frac{\\bar{y}}{2 y}

How a notation is built up is said in `formula`.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retrograd.explain.formula import (
    BAR,
    HAT,
    TILDE,
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
    parse,
    plain,
    rebuilt,
    written,
)
from retrograd.graph.opdef import ArgDef
from retrograd.ops import declare

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
    inputs: list[str] = []
    rules: list[str] = []
    for arg, count in _lengths(op._op_def.inputs, op):
        rule = notation.get(arg.name, "")
        symbol = subject(rule) if rule else None
        inputs += _numbered(symbol, arg, count)
        if not is_rule(rule):
            rules += [""] * count
        else:
            rules += [at(rule, k) if arg.is_list else rule for k in range(count)]
    outputs: list[str] = []
    made = iter(results(math)) if math else iter(())
    for arg, count in _lengths(op._op_def.outputs, op):
        outputs += _numbered(next(made, None), arg, count)
    return Symbols(math, tuple(inputs), tuple(outputs), tuple(rules))


def _lengths(args: tuple[ArgDef, ...], op: Any) -> Iterator[tuple[ArgDef, int]]:
    """Each argument with the number of tensors that it stands for."""
    for arg in args:
        if arg.number_attr:
            yield arg, int(op.attrs[arg.number_attr])
        elif arg.type_list_attr:
            yield arg, len(op.attrs[arg.type_list_attr])
        else:
            yield arg, 1


def _numbered(symbol: Symbol | None, arg: ArgDef, count: int) -> list[str]:
    """A symbol for each tensor of an argument."""
    if symbol is None:
        names = [arg.name] if not arg.is_list else []
        return names or [f"{arg.name}{_below(k)}" for k in range(count)]
    letter = dataclasses.replace(symbol, index=_digits(symbol.index))
    if not arg.is_list:
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
      names: symbols and what replaces them: names, numbers or expressions.

    Raises:
      ValueError: the notation cannot be read, or a key is not a symbol.
    """
    return written(_filled(parse(notation), names))


def _filled(tree: Node, names: Mapping[str, str]) -> Node:
    return _Filling(names).whole(tree) if names else tree


@functools.lru_cache(maxsize=1024)
def _name(text: str) -> Name:
    """A name with what is known about its form."""
    text = unicodedata.normalize("NFC", text)
    if _NUMBER.fullmatch(text):
        strength = SUM if text[0] in "-−" else PRODUCT if "e" in text else ATOM
        return Name(text.replace("-", "−", 1) if strength == SUM else text, strength)
    of, is_derivative, by = text.rpartition("/∂")
    if is_derivative and of.startswith("∂"):
        return Name(text, PRODUCT, of, by)
    return Name(text, _strength_of(text))


_NUMBER = re.compile(r"[-−]?(\d+\.?\d*(e[-+]?\d+)?|inf|nan)")


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


def _is_number(name: Name) -> bool:
    return _NUMBER.fullmatch(name.text) is not None


class _Filling:
    """Replaces symbols in a tree, and brackets what would change its meaning."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names: dict[Symbol, Name] = {}
        for key, text in names.items():
            symbol = parse(key)
            if not isinstance(symbol, Symbol):
                raise ValueError(f"{key!r} is not a symbol.")
            self._names[symbol] = _name(text)
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
        if not isinstance(base, Name) or _is_number(base):
            return None
        text = base.text if base.strength > SUM else f"({base.text})"
        name = Name(f"{self._of}/∂{text}", PRODUCT, self._of, text)
        return Below(name, by.index) if isinstance(by, Below) else name

    def _node(self, node: Node) -> Node:
        if isinstance(node, Symbol):
            return self._find(node) or node
        node = rebuilt(node, self._node)
        match node:
            case Script(base) | Raised(base):
                node = dataclasses.replace(node, base=_at_least(ATOM, base))
            case Item(base, place) if isinstance(base, Name):
                return base if _is_number(base) else Item(_indexable(base), place)
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
    return name if _is_number(name) else Below(_indexable(name), index)


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
            case Group(_, Name(text)) if _NUMBER.fullmatch(text):
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
    return _latex(_filled(parse(notation), names or {}))


_COMMANDS = {
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "≈": r"\approx",
    "∝": r"\propto",
    "∈": r"\in",
    "←": r"\leftarrow",
    "→": r"\to",
    "~": r"\sim",
    "−": "-",
    "±": r"\pm",
    "∧": r"\wedge",
    "∨": r"\vee",
    "·": r"\cdot",
    "×": r"\times",
    "⋆": r"\star",
    "∘": r"\circ",
    "⊙": r"\odot",
    "∂": r"\partial",
    "¬": r"\lnot",
    "#": r"\#",
    "Σ": r"\sum",
    "Π": r"\prod",
    "⋀": r"\bigwedge",
    "⋁": r"\bigvee",
    "∫": r"\int",
    "⌊": r"\lfloor",
    "⌋": r"\rfloor",
    "⌈": r"\lceil",
    "⌉": r"\rceil",
    "{": r"\{",
    "}": r"\}",
    "‖": r"\|",
    "′": r"\prime",
    "½": r"\frac{1}{2}",
    "∞": r"\infty",
    "…": r"\ldots",
    "<": "<",
    ">": ">",
}
_MARKS = {BAR: r"\bar", HAT: r"\hat", TILDE: r"\tilde"}
#: functions that LaTeX, as pages read it, has a command for
_LATEX_FUNCTIONS = frozenset(
    """
    sin cos tan arcsin arccos arctan sinh cosh tanh exp log max min det
    """.split()
)


def _latex(node: Node | None) -> str:
    match node:
        case None:
            return ""
        case Symbol():
            return _symbol_latex(node)
        case Number(text) | Sign(text):
            return _COMMANDS.get(text, text)
        case Word(text):
            return _COMMANDS.get(text) or rf"\text{{{text}}}"
        case Name():
            return _name_latex(node)
        case Function(name, index, power):
            is_known = name in _LATEX_FUNCTIONS
            head = f"\\{name}" if is_known else rf"\operatorname{{{name}}}"
            return head + _scripts(index, power)
        case Below(Name(of=of, by=by), index) if of:
            return _derivative_latex(of, _braced(_text_latex(by)) + _scripts(index))
        case Script(base, text):
            return _braced(_latex(base)) + _scripts(power=text)
        case Below(base, index):
            return _braced(_latex(base)) + _scripts(index)
        case Raised(base, exponent):
            return f"{_braced(_latex(base))}^{{{_latex(_bare(exponent))}}}"
        case Series():
            return _series_latex(node)
        case _:
            return _compound_latex(node)


def _compound_latex(node: Item | Call | Apply | Prefix | Big | Group) -> str:
    match node:
        case Item(head, brackets) | Call(head, brackets):
            return _latex(head) + _latex(brackets)
        case Apply(head, _, argument):
            return f"{_latex(head)} {_latex(argument)}"
        case Prefix("√", argument):
            return rf"\sqrt{{{_latex(_bare(argument))}}}"
        case Prefix(sign, argument):
            return f"{_COMMANDS.get(sign, sign)} {_latex(argument)}"
        case Big(sign, index, power, _, body):
            return f"{_COMMANDS[sign]}{_scripts(index, power)} {_latex(body)}".rstrip()
        case Group(opening, content, closing):
            left, right = (_COMMANDS.get(sign, sign) for sign in (opening, closing))
            return rf"\left{left} {_latex(content)} \right{right}"


def _bare(node: Node) -> Node:
    """What stands in round brackets, where LaTeX groups by itself."""
    match node:
        case Group("(", content, ")"):
            return content
    return node


def _braced(text: str) -> str:
    is_one = len(text) == 1 or text.removeprefix("\\").isalpha()
    return text if is_one else f"{{{text}}}"


def _scripts(index: str = "", power: str = "") -> str:
    below, above = _small_latex(index), _small_latex(power)
    return (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")


def _small_latex(script: str) -> str:
    """A sub- or superscript: ⱼ≥ᵢ, ⁻¹, ᵀ."""
    signs = [_COMMANDS.get(c) or _letter_latex(c) for c in plain(script)]
    return " ".join(_TRANSPOSED.get(c, c) for c in signs)


_TRANSPOSED = {"T": r"\mathsf{T}", "H": r"\mathsf{H}"}


def _symbol_latex(symbol: Symbol) -> str:
    text = _letter_latex(symbol.letter[0])
    if symbol.letter[1:]:
        text = f"{text}_{{{symbol.letter[1:]}}}"
    for mark in symbol.mark:
        text = f"{_MARKS[mark]}{{{text}}}"
    return _braced(text) + _scripts(symbol.index) if symbol.index else text


def _letter_latex(letter: str) -> str:
    """A letter; a Greek one by its name, with the Unicode spelling of lambda mended."""
    name = unicodedata.name(letter, "")
    if not name.startswith("GREEK "):
        return letter
    _, case, _, name = name.split()
    name = name.lower().replace("lamda", "lambda")
    return "\\" + (name.capitalize() if case == "CAPITAL" else name)


def _name_latex(name: Name) -> str:
    if name.of:
        return _derivative_latex(name.of, _text_latex(name.by))
    return _text_latex(name.text)


def _derivative_latex(of: str, by: str) -> str:
    above = _text_latex(of.removeprefix("∂"))
    return rf"\frac{{\partial {above}}}{{\partial {by}}}"


def _text_latex(text: str) -> str:
    """A name: as a formula where it is one, else upright as it is."""
    number, exponent, power = text.partition("e")
    if exponent and _NUMBER.fullmatch(text):
        return rf"{number.replace('−', '-')} \times 10^{{{int(power)}}}"
    try:
        tree = parse(text.replace("-", "−"))
    except ValueError:
        return _upright(text)
    is_name = "/" in text or ":" in text or isinstance(tree, Word)
    return _upright(text) if is_name else _latex(tree)


def _upright(text: str) -> str:
    """Text in math mode; signs that mean something to LaTeX stand outside of \\text."""
    pieces = re.split(r"([\\{}$&#^_%~])", text)
    special = {"\\": r"\backslash", "^": r"\wedge", "~": r"\sim"}
    return " ".join(
        special.get(p, "\\" + p) if k % 2 else rf"\text{{{p}}}"
        for k, p in enumerate(pieces)
        if p
    )


def _series_latex(series: Series) -> str:
    if series.level == "phrase":
        return _phrase_latex(series)
    text = _latex(series.parts[0])
    alone = _latex(_bare(series.parts[0]))
    for joint, part in zip(series.joints, series.parts[1:], strict=True):
        sign = joint.strip()
        if sign == "/":
            text = rf"\frac{{{alone}}}{{{_latex(_bare(part))}}}"
        else:
            space = r"\," if joint else ""
            between = _COMMANDS.get(sign, sign) or space
            text = f"{text} {between} {_latex(part)}".replace("  ", " ")
        alone = text
    return text


def _phrase_latex(series: Series) -> str:
    """Parts after each other, neighbouring words as one text."""
    pieces: list[str] = []
    words: list[str] = []
    parts = series.parts
    for k, part in enumerate(parts):
        if not isinstance(part, Word) or part.text == "…":
            pieces.append(_latex(part) + (r"\;" if part in _PAUSES else ""))
            continue
        words.append(part.text)
        follows = parts[k + 1] if k + 1 < len(parts) else None
        if isinstance(follows, Word) and follows.text != "…":
            continue
        before = " " if k >= len(words) else ""
        after = "" if follows is None or follows in _PAUSES else " "
        pieces.append(rf"\text{{{before}{' '.join(words)}{after}}}")
        words = []
    return " ".join(pieces)


_PAUSES = (Sign(","), Sign(";"), Sign(":"))
