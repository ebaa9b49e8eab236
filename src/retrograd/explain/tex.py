"""Notations in LaTeX."""

from __future__ import annotations

import re
import unicodedata

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
)
from retrograd.explain.tokens import BAR, HAT, TILDE, plain

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


def of_tree(node: Node | None) -> str:
    """LaTeX of a tree, for math mode."""
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
            return _braced(of_tree(base)) + _scripts(power=text)
        case Below(base, index):
            return _braced(of_tree(base)) + _scripts(index)
        case Raised(base, exponent):
            return f"{_braced(of_tree(base))}^{{{of_tree(_bare(exponent))}}}"
        case Series():
            return _series_latex(node)
        case _:
            return _compound_latex(node)


def _compound_latex(node: Item | Call | Apply | Prefix | Big | Group) -> str:
    match node:
        case Item(head, brackets) | Call(head, brackets):
            return of_tree(head) + of_tree(brackets)
        case Apply(head, _, argument):
            return f"{of_tree(head)} {of_tree(argument)}"
        case Prefix("√", argument):
            return rf"\sqrt{{{of_tree(_bare(argument))}}}"
        case Prefix(sign, argument):
            return f"{_COMMANDS.get(sign, sign)} {of_tree(argument)}"
        case Big(sign, index, power, _, body):
            return f"{_COMMANDS[sign]}{_scripts(index, power)} {of_tree(body)}".rstrip()
        case Group(opening, content, closing):
            left, right = (_COMMANDS.get(sign, sign) for sign in (opening, closing))
            return rf"\left{left} {of_tree(content)} \right{right}"


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
    if exponent and is_number(text):
        return rf"{number.replace('−', '-')} \times 10^{{{int(power)}}}"
    try:
        tree = parse(text.replace("-", "−"))
    except ValueError:
        return _upright(text)
    is_name = "/" in text or ":" in text or isinstance(tree, Word)
    return _upright(text) if is_name else of_tree(tree)


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
    text = of_tree(series.parts[0])
    alone = of_tree(_bare(series.parts[0]))
    for joint, part in zip(series.joints, series.parts[1:], strict=True):
        sign = joint.strip()
        if sign == "/":
            text = rf"\frac{{{alone}}}{{{of_tree(_bare(part))}}}"
        else:
            space = r"\," if joint else ""
            between = _COMMANDS.get(sign, sign) or space
            text = f"{text} {between} {of_tree(part)}".replace("  ", " ")
        alone = text
    return text


def _phrase_latex(series: Series) -> str:
    """Parts after each other, neighbouring words as one text."""
    pieces: list[str] = []
    words: list[str] = []
    parts = series.parts
    for k, part in enumerate(parts):
        if not isinstance(part, Word) or part.text == "…":
            pieces.append(of_tree(part) + (r"\;" if part in _PAUSES else ""))
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
