"""Arithmetic of a program, written anew so that NumPy 1's promotion comes back.

    a * b    becomes    a * b if type(a) is type(b) is not ndarray
                        or type(a) not in narrow and type(b) not in narrow
                        else multiply(a, b)

where `narrow` are NumPy's types of which an operand can make a difference, and
`multiply` goes by NumPy 1's rules (`promotion`). Most operands are Python's; what they
pay is the condition, a third of a call. Where the text of the program tells that both
are Python's (`plain`), or that the result is the same by either rule (`x > 0`), nothing
is changed.

An operand is computed once and in its turn: one that is not a name or a constant is put
into a variable. Only functions have such variables; elsewhere (classes, lambdas,
comprehensions, the top of a module) operators of such operands become calls.

What the result calls is in `provided`.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import struct
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from retrograd.compat.restore.plain import NUMBERS, Kind, Scope
from retrograd.compat.restore.provided import name_of
from retrograd.util.syntax_trees import parameters, rewrite_defaults, statements_by

#: operators that are rewritten, with their names in `operator`
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "truediv",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
    ast.Pow: "pow",
    ast.BitAnd: "and_",
    ast.BitOr: "or_",
    ast.BitXor: "xor",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
    ast.NotEq: "ne",
}
#: functions of NumPy by how many operands count; of the others, only what comes last
_FUNCTIONS = {
    **dict.fromkeys(
        "add subtract multiply divide true_divide floor_divide power mod remainder "
        "fmod maximum minimum fmax fmin arctan2 hypot copysign less less_equal greater "
        "greater_equal equal not_equal".split(),
        2,
    ),
    "where": 3,
    "clip": 3,
}
_GUESSES = {Kind.INT: "int", Kind.FLOAT: "float"}
#: integers beside which all of NumPy's dtypes compare alike
_SMALL = 2048
#: calls that see a function's variables
_LOOKING = frozenset("locals vars dir eval exec".split())
#: how deep arithmetic is nested in what is rewritten: the compiler has a limit
_DEEPEST = 30
_E = TypeVar("_E", bound=ast.AST)


def rewritten(tree: ast.Module) -> ast.Module:
    """The module, with its arithmetic by NumPy 1's promotion; changed in place."""
    return _Rewriter().module(tree)


class _Rewriter(ast.NodeTransformer):
    """Rewrites scope by scope.

    Attributes:
      scope: where names are looked up.
      variables: whether operands can be put into variables here.
    """

    def __init__(self) -> None:
        self.scope = Scope(None)
        self.variables = False
        self._made = 0
        self._depth = 0

    def module(self, tree: ast.Module) -> ast.Module:
        """Rewrite a whole module."""
        self.scope = Scope(None, tree.body)
        tree.body = statements_by(self, tree.body)
        return tree

    # ------------------------------------------------------------------ scopes

    @contextlib.contextmanager
    def _within(self, scope: Scope, variables: bool) -> Iterator[None]:
        before = self.scope, self.variables
        self.scope, self.variables = scope, variables
        yield
        self.scope, self.variables = before

    def _all(self, nodes: Sequence[_E]) -> list[_E]:
        return [self.visit(node) for node in nodes]

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Any:
        node.decorator_list = self._all(node.decorator_list)
        rewrite_defaults(self, node.args)
        looking = any(
            isinstance(n, ast.Name) and n.id in _LOOKING for n in ast.walk(node)
        )
        scope = Scope(self.scope, node.body, parameters(node.args))
        with self._within(scope, variables=not looking):
            node.body = statements_by(self, node.body)
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        rewrite_defaults(self, node.args)
        scope = Scope(self.scope, [node.body], parameters(node.args))
        with self._within(scope, variables=False):
            node.body = self.visit(node.body)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = self._all(node.decorator_list)
        node.bases = self._all(node.bases)
        node.keywords = self._all(node.keywords)
        with self._within(Scope(self.scope, node.body, of_class=True), False):
            node.body = statements_by(self, node.body)
        return node

    def _visit_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> Any:
        targets = [(g.target, g.iter) for g in node.generators]
        with self._within(Scope(self.scope, targets=targets), variables=False):
            return self.generic_visit(node)

    visit_ListComp = visit_SetComp = visit_DictComp = _visit_comprehension
    visit_GeneratorExp = _visit_comprehension

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.target = self.visit(node.target)
        node.value = node.value and self.visit(node.value)
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        node.guard = node.guard and self.visit(node.guard)
        node.body = statements_by(self, node.body)
        return node

    # ------------------------------------------------------------------ expressions

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        name = _OPERATORS.get(type(node.op), "")
        kinds = self.scope.kind(node.left), self.scope.kind(node.right)
        needless = _is_plain(*kinds) or self._depth > _DEEPEST
        if isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
            needless = needless or _same_name(node.left, node.right)
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1
        if not name or needless:
            return node

        def native(left: ast.expr, right: ast.expr) -> ast.expr:
            return ast.BinOp(left, node.op, right)

        return self._chosen(node, name, node.left, node.right, kinds, native)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        operands = [node.left, *node.comparators]
        kinds = [self.scope.kind(operand) for operand in operands]
        alike = [_compares_alike(operand) for operand in operands]
        self.generic_visit(node)
        operands = [node.left, *node.comparators]
        between = operands[1:-1]
        if not all(map(_is_simple, between)) and not self.variables:
            return node
        firsts, laters = self._shared(operands)
        parts: list[ast.expr] = []
        for i, op in enumerate(node.ops):
            left, right, kind = laters[i], firsts[i + 1], (kinds[i], kinds[i + 1])
            name = _OPERATORS.get(type(op), "")
            plain = ast.Compare(left, [op], [right])
            if not name or alike[i] or alike[i + 1] or _is_plain(*kind):
                parts.append(plain)
                continue
            chosen = self._chosen(node, name, left, right, kind, _comparison(op))
            parts.append(chosen)
        if all(isinstance(part, ast.Compare) for part in parts):
            return node
        whole = parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)
        return _placed(whole, node)

    def _shared(
        self, operands: Sequence[ast.expr]
    ) -> tuple[list[ast.expr], list[ast.expr]]:
        """Operands of a chain: as what comes second, and then as what comes first."""
        firsts, laters = list(operands), list(operands)
        for i, operand in enumerate(operands[1:-1], 1):
            if _is_simple(operand):
                laters[i] = copy.copy(operand)
            else:
                firsts[i], laters[i] = self._variable(operand)
        return firsts, laters

    def visit_Call(self, node: ast.Call) -> ast.expr:
        meaning = self.scope.meaning(node.func)
        self.generic_visit(node)
        if meaning == "sum":
            node.func = _placed(_global("sum"), node.func)
        wanted = _FUNCTIONS.get(meaning.removeprefix("numpy."), 0)
        starred = any(isinstance(a, ast.Starred) for a in node.args[:wanted])
        if meaning.startswith("numpy.") and 0 < wanted <= len(node.args):
            if not starred:
                name = "call" if wanted == 2 else meaning.removeprefix("numpy.")
                node.args.insert(0, node.func)
                node.func = _placed(_global(name), node.func)
        return node

    def _chosen(
        self,
        node: ast.expr,
        name: str,
        left: ast.expr,
        right: ast.expr,
        kinds: tuple[Kind, Kind],
        native: Any,
    ) -> ast.expr:
        """The operator itself where the operands allow it, else a call."""
        of_left, of_right = kinds
        if of_right in NUMBERS:
            seen, again = self._held(left, right)
            test = seen and _is_no_matter(seen, again, of_right)
            operands = again, right
        elif of_left in NUMBERS and _is_fixed(left) and not _assigns(right):
            seen, again = self._held(right, left)
            test = seen and _is_no_matter(seen, again, of_left)
            operands = left, again
        else:
            test, operands = self._both(left, right, name)
        if test is None:
            return _placed(ast.Call(_global(name), [left, right], []), node)
        return _placed(ast.IfExp(test, native(*operands), _call(name, operands)), node)

    def _both(
        self, left: ast.expr, right: ast.expr, name: str
    ) -> tuple[ast.expr | None, tuple[ast.expr, ast.expr]]:
        """A test of two operands that may be anything, and what they are after it."""
        seen_left, again_left = self._held(left, right)
        seen_right, again_right = self._held(right, None)
        if seen_left is None or seen_right is None:
            return None, (left, right)
        again = again_left, again_right
        return _are_no_matter((seen_left, seen_right), again, name), again

    def _held(
        self, operand: ast.expr, following: ast.expr | None
    ) -> tuple[ast.expr | None, ast.expr]:
        """An operand where it is computed, and where it is used again.

        Args:
          following: what is computed between the two.

        Returns:
          None and the operand, where there can be no variable for it.
        """
        if _is_simple(operand):
            known = following is None or _is_fixed(following)
            if known or self._stays(operand, following):
                return operand, copy.copy(operand)
        if not self.variables:
            return None, operand
        return self._variable(operand)

    def _stays(self, operand: ast.expr, following: ast.expr | None) -> bool:
        """Whether a name or constant is the same after an expression."""
        if isinstance(operand, ast.Constant):
            return True
        if not (self.variables and isinstance(operand, ast.Name)):
            return False
        assigned = following is not None and _assigns(following)
        return self.scope.owns(operand.id) and not assigned

    def _variable(self, operand: ast.expr) -> tuple[ast.expr, ast.expr]:
        self._made += 1
        name = name_of(f"value_{self._made}")
        stored = ast.NamedExpr(ast.Name(name, ast.Store()), operand)
        return stored, ast.Name(name, ast.Load())

    # ------------------------------------------------------------------ in place

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt | list[ast.stmt]:
        name = _OPERATORS.get(type(node.op), "")
        target = node.target
        of_value = self.scope.kind(node.value)
        of_target = Kind.UNKNOWN
        if isinstance(target, ast.Name):
            of_target = self.scope.of_name(target.id)
        self.generic_visit(node)
        if not name or _is_plain(of_target, of_value):
            return node
        if isinstance(target, ast.Name):
            return self._change_name(node, target, of_value, name)
        return self._change_part(node, of_value, name)

    def _change_name(
        self, node: ast.AugAssign, target: ast.Name, of_value: Kind, name: str
    ) -> ast.stmt:
        value, loaded = node.value, ast.Name(target.id, ast.Load())
        function = _global("i" + name)
        seen, again = self._held(value, None)
        if seen is None or not (_is_simple(value) or self.scope.owns(target.id)):
            return _set(node, target, ast.Call(function, [loaded, value], []))
        if of_value in NUMBERS:
            test = _is_no_matter(loaded, copy.copy(loaded), of_value)
            again = value
        else:
            test = _are_no_matter((loaded, seen), (loaded, again), name)
        call = _call("i" + name, (copy.copy(loaded), again))
        node.value = again
        changed = _placed(ast.Assign([copy.copy(target)], call), node)
        return _placed(ast.If(test, [node], [changed]), node)

    def _change_part(
        self, node: ast.AugAssign, of_value: Kind, name: str
    ) -> ast.stmt | list[ast.stmt]:
        """An attribute or an element that is changed in place."""
        before: list[ast.stmt] = []
        target: Any = node.target
        parts = [p for p in ("value", "slice") if hasattr(target, p)]
        parts = [p for p in parts if not _is_repeatable(getattr(target, p))]
        sliced = any(isinstance(n, ast.Slice) for n in ast.walk(target))
        if parts and (sliced or not self.variables):
            return node  # a slice cannot be put into a variable
        for part in parts:
            stored, again = self._variable(getattr(target, part))
            assert isinstance(stored, ast.NamedExpr)
            before.append(_placed(ast.Assign([stored.target], stored.value), node))
            setattr(target, part, again)
        loaded = copy.deepcopy(target)
        loaded.ctx = ast.Load()
        function = _global("i" + name)
        guess = _GUESSES.get(of_value, "float")
        if not self.variables or of_value is Kind.NUMBER:
            changed: ast.expr = ast.Call(function, [loaded, node.value], [])
        else:
            seen, old = self._variable(loaded)
            test: ast.expr = ast.Compare(_type(seen), [ast.Is()], [_global(guess)])
            value = node.value
            if of_value not in NUMBERS:
                held, value = self._held(value, None)
                assert held is not None
                test.ops.insert(0, ast.Is())
                test.comparators.insert(0, _type(held))
            native = ast.BinOp(copy.copy(old), node.op, value)
            changed = ast.IfExp(test, native, _call("i" + name, (old, value)))
        return [*before, _set(node, target, changed)]


# ---------------------------------------------------------------------- what is known


def _is_plain(left: Kind, right: Kind) -> bool:
    """Whether an operator of such operands gives the same by either rule."""
    if left in NUMBERS and right in NUMBERS:
        return True
    return bool({left, right} & {Kind.TEXT, Kind.SERIES})


def _same_name(left: ast.expr, right: ast.expr) -> bool:
    if isinstance(left, ast.Name) and isinstance(right, ast.Name):
        return left.id == right.id
    return False


def _is_simple(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Constant)


def _is_fixed(node: ast.expr) -> bool:
    """Whether computing it later, or again, is the same: names, and arithmetic."""
    kinds = (ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp)
    aside = (ast.operator, ast.unaryop, ast.expr_context)
    return all(isinstance(n, (*kinds, *aside)) for n in ast.walk(node))


def _assigns(node: ast.expr) -> bool:
    return any(isinstance(n, ast.NamedExpr) for n in ast.walk(node))


def _is_repeatable(node: ast.expr) -> bool:
    """Whether computing it again has no effect, as far as one can tell."""
    kinds = (ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Tuple, ast.Slice)
    aside = (ast.operator, ast.unaryop, ast.expr_context, ast.UnaryOp)
    return all(isinstance(n, (*kinds, *aside)) for n in ast.walk(node))


def _compares_alike(node: ast.expr) -> bool:
    """Whether all of NumPy's dtypes hold a constant, so that comparing is the same."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    if not isinstance(node, ast.Constant):
        return False
    value = node.value
    if type(value) is int:
        return value <= _SMALL
    if type(value) is float:
        try:
            return struct.unpack("e", struct.pack("e", value))[0] == value
        except OverflowError:
            return False
    return not isinstance(value, complex)


# ---------------------------------------------------------------------- what is built


def _placed(node: _E, at: ast.AST) -> _E:
    """A new node, with all in it that has no place yet, at the place of another."""
    return ast.fix_missing_locations(ast.copy_location(node, at))


def _global(word: str) -> ast.Name:
    return ast.Name(name_of(word), ast.Load())


def _call(name: str, operands: Sequence[ast.expr]) -> ast.expr:
    """A call of an operator's function; it lets go of the variables with operands.

    They would keep large arrays for as long as the function runs.
    """
    call = ast.Call(_global(name), [copy.deepcopy(o) for o in operands], [])
    made = [o.id for o in operands if isinstance(o, ast.Name) and _is_made(o.id)]
    if not made:
        return call
    cleared = [
        ast.NamedExpr(ast.Name(n, ast.Store()), ast.Constant(None)) for n in made
    ]
    return ast.Subscript(
        ast.Tuple([call, *cleared], ast.Load()), ast.Constant(0), ast.Load()
    )


def _is_made(name: str) -> bool:
    return name.startswith(name_of("value_").rstrip("_"))


def _type(node: ast.expr) -> ast.expr:
    return ast.Call(_global("type"), [node], [])


def _is_no_matter(seen: ast.expr, again: ast.expr, beside: Kind) -> ast.expr:
    """A test of an operand beside a number of Python's: not one of NumPy's narrow."""
    guess = _GUESSES.get(beside)
    if guess is None:
        return ast.Compare(_type(seen), [ast.NotIn()], [_global("narrow")])
    first = ast.Compare(_type(seen), [ast.Is()], [_global(guess)])
    rest = ast.Compare(_type(copy.copy(again)), [ast.NotIn()], [_global("narrow")])
    return ast.BoolOp(ast.Or(), [first, rest])


def _are_no_matter(
    seen: tuple[ast.expr, ast.expr], again: tuple[ast.expr, ast.expr], name: str
) -> ast.expr:
    """A test of two operands: of one type and no arrays, or none of NumPy's narrow."""
    left, right = map(_type, seen)
    if name == "truediv":  # NumPy 1 divides some integers otherwise
        of_one_type = ast.Compare(left, [ast.Is(), ast.Is()], [right, _global("float")])
    else:
        of_one_type = ast.Compare(
            left, [ast.Is(), ast.IsNot()], [right, _global("array")]
        )
    others: list[ast.expr] = [
        ast.Compare(_type(copy.copy(o)), [ast.NotIn()], [_global("narrow")])
        for o in again
    ]
    either: list[ast.expr] = [of_one_type, ast.BoolOp(ast.And(), others)]
    return ast.BoolOp(ast.Or(), either)


def _comparison(op: ast.cmpop) -> Any:
    return lambda left, right: ast.Compare(left, [op], [right])


def _set(node: ast.AugAssign, target: ast.expr, value: ast.expr) -> ast.stmt:
    return _placed(ast.Assign([copy.deepcopy(target)], value), node)
