"""Which names of a program are Python's own numbers, as far as its text tells.

    total = 0
    for i in range(n):
        total += i * i          # ints, whatever n is

Arithmetic on such names needs no look at its operands. Where a name may be anything, by
a parameter, an attribute, a call, its kind is not known.
"""

from __future__ import annotations

import ast
import enum
import functools
from collections.abc import Callable, Iterable, Iterator

from retrograd.util.syntax_trees import COMPREHENSIONS


class Kind(enum.Enum):
    """What an expression gives."""

    NOTHING = "nothing yet"
    INT = "an int of Python's"
    FLOAT = "a float of Python's"
    NUMBER = "a number of Python's"
    TEXT = "a string"
    SERIES = "a list, tuple, set, dict or range"
    UNKNOWN = "anything"


NUMBERS = (Kind.INT, Kind.FLOAT, Kind.NUMBER)
#: builtins by what they give, whatever they are given
_BUILTINS = {
    **dict.fromkeys(("len", "int", "ord", "hash", "id"), Kind.INT),
    **dict.fromkeys(("bool", "isinstance", "hasattr", "callable"), Kind.NUMBER),
    **dict.fromkeys(("str", "repr", "chr", "hex", "bin", "ascii", "format"), Kind.TEXT),
    **dict.fromkeys(("range", "list", "tuple", "dict", "set"), Kind.SERIES),
    "float": Kind.FLOAT,
}
#: those that give what they are given
_SELECTING = ("abs", "min", "max")
#: builtins that modules do not hide by `from … import *`
_NEVER_HIDDEN = ("len", "range", "enumerate", "isinstance", "str", "repr", "list")
#: names of modules by what they give or are
_MODULES = {
    **{
        f"math.{name}": Kind.FLOAT
        for name in (
            "sqrt exp log log2 log10 sin cos tan asin acos atan atan2 sinh cosh tanh "
            "pow hypot fabs radians degrees erf gamma lgamma pi e inf nan tau"
        ).split()
    },
    **{f"math.{n}": Kind.INT for n in ("floor", "ceil", "gcd", "factorial")},
    **{f"time.{n}": Kind.FLOAT for n in ("time", "perf_counter", "clock", "monotonic")},
    **{f"numpy.{n}": Kind.FLOAT for n in ("pi", "e", "inf", "nan", "euler_gamma")},
    "random.random": Kind.FLOAT,
    "random.randint": Kind.INT,
    "random.randrange": Kind.INT,
    "sys.maxsize": Kind.INT,
}
#: names that stand for a builtin where they are imported
_SAME_AS = {"six.moves.range": "range", "six.moves.xrange": "range"}


def joined(kinds: Iterable[Kind]) -> Kind:
    """What is one of some kinds."""

    def of_two(a: Kind, b: Kind) -> Kind:
        if a is b or b is Kind.NOTHING:
            return a
        if a is Kind.NOTHING:
            return b
        return Kind.NUMBER if a in NUMBERS and b in NUMBERS else Kind.UNKNOWN

    return functools.reduce(of_two, kinds, Kind.NOTHING)


class Scope:
    """The names of a function, a comprehension, a class or a module.

    Args:
      outer: the scope around it; None for a module.
      body: the statements, or the expressions, in which its names are bound.
      parameters: names that may be anything.
      targets: of a comprehension: each target with what it runs over.
      of_class: whether it is a class, whose names functions in it do not see.
    """

    def __init__(
        self,
        outer: Scope | None,
        body: Iterable[ast.AST] = (),
        parameters: Iterable[str] = (),
        targets: Iterable[tuple[ast.expr, ast.expr]] = (),
        of_class: bool = False,
    ) -> None:
        self.outer, self.of_class = outer, of_class
        self.kinds: dict[str, Kind] = {}
        #: what a name is imported as, if by one import only
        self.imported: dict[str, str] = {}
        #: whether `from … import *` may bind any name
        self.starred = False
        #: names that are bound elsewhere too, or belong to another scope
        self.shared: set[str] = set()
        self._sources: dict[str, list[Callable[[], Kind]]] = {}
        self._known: dict[ast.expr, Kind] = {}
        self._settled = False
        for name in parameters:
            self._bind(name, _anything)
        for target, iterable in targets:
            self._bind_target(target, functools.partial(self.each, iterable))
        for node in body:
            self._read(node)
        self._settle()

    # ------------------------------------------------------------------ bindings

    def _bind(self, name: str, source: Callable[[], Kind]) -> None:
        self._sources.setdefault(name, []).append(source)

    def _bind_target(self, target: ast.expr, source: Callable[[], Kind]) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, source)
        elif isinstance(target, ast.Tuple | ast.List | ast.Starred):
            for name in _names_in(target):
                self._bind(name, _anything)

    def _read(self, root: ast.AST) -> None:
        """Add what a statement binds here, not what functions in it do."""
        pending = [root]
        while pending:
            node = pending.pop()
            if isinstance(node, _FUNCTIONS):
                if not isinstance(node, ast.Lambda):
                    self._bind(node.name, _anything)
                self.shared.update(_shared_in(node))
                continue
            if isinstance(node, COMPREHENSIONS):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.NamedExpr):
                        self._bind_target(inner.target, _anything)
                continue
            self._read_one(node)
            pending.extend(ast.iter_child_nodes(node))

    def _read_one(self, node: ast.AST) -> None:
        match node:
            case ast.Assign():
                for target in node.targets:
                    self._assign(target, node.value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, value)
            case ast.NamedExpr(target=target, value=value):
                self._assign(target, value)
            case ast.AugAssign():
                source = functools.partial(self._of_operator, node)
                self._bind_target(node.target, source)
            case ast.For() | ast.AsyncFor():
                self._loop(node.target, node.iter)
            case ast.withitem(optional_vars=ast.expr() as target):
                self._bind_target(target, _anything)
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.Global() | ast.Nonlocal():
                self.shared.update(node.names)
            case ast.ExceptHandler(name=str(name)) | ast.MatchStar(name=str(name)):
                self._bind(name, _anything)
            case ast.MatchAs(name=str(name)) | ast.MatchMapping(rest=str(name)):
                self._bind(name, _anything)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        parts = getattr(target, "elts", ())
        values = getattr(value, "elts", ())
        both = [*parts, *values]
        if len(parts) == len(values) and not any(
            isinstance(part, ast.Starred) for part in both
        ):
            for one, its in zip(parts, values, strict=True):
                self._assign(one, its)
        if not (parts and len(parts) == len(values)):
            self._bind_target(target, functools.partial(self.kind, value))

    def _loop(self, target: ast.expr, iterable: ast.expr) -> None:
        """What `for target in iterable` binds."""
        parts = getattr(target, "elts", ())
        if isinstance(iterable, ast.Call) and isinstance(iterable.func, ast.Name):
            name, args = iterable.func.id, iterable.args
            if name == "enumerate" and len(parts) == 2:
                counted = functools.partial(self._of_enumerate, iterable)
                self._bind_target(parts[0], counted)
                self._bind_target(parts[1], _anything)
                return
            if name == "zip" and len(parts) == len(args):
                for part, arg in zip(parts, args, strict=True):
                    self._bind_target(part, functools.partial(self._of_zip, name, arg))
                return
        self._bind_target(target, functools.partial(self.each, iterable))

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.starred = True
                continue
            if isinstance(node, ast.Import):
                bound = alias.asname or alias.name.partition(".")[0]
                meant = alias.name if alias.asname else bound
            else:
                bound, meant = alias.asname or alias.name, f"{node.module}.{alias.name}"
            again = self.imported.get(bound, meant) == meant
            self.imported[bound] = meant if again else ""
            self._bind(bound, _imported)

    def _settle(self) -> None:
        """Find what each name stands for: what all of its bindings have in common."""
        self.kinds = dict.fromkeys(self._sources, Kind.NOTHING)
        changed = True
        while changed:
            changed = False
            for name, sources in self._sources.items():
                found = joined([self.kinds[name], *(source() for source in sources)])
                if name in self.shared:
                    found = Kind.UNKNOWN
                changed = changed or found is not self.kinds[name]
                self.kinds[name] = found
        for name, sources in self._sources.items():
            if any(source is not _imported for source in sources):
                self.imported.pop(name, None)
        self._settled = True

    # ------------------------------------------------------------------ look-up

    def _home(self, name: str) -> Scope | None:
        """The scope that a name is bound in; None for a builtin."""
        scope: Scope | None = self
        while scope is not None:
            hidden = scope.of_class and scope is not self
            if not hidden and name in scope._sources and name not in scope.shared:
                return scope
            if not hidden and name in scope.shared:
                return scope
            scope = scope.outer
        return None

    def of_name(self, name: str) -> Kind:
        """What a name stands for."""
        home = self._home(name)
        if home is None or (home.outer is None and home is not self):
            return Kind.UNKNOWN  # of the module: any function, or module, may set it
        return home.kinds.get(name, Kind.UNKNOWN)

    def owns(self, name: str) -> bool:
        """Whether a name is a function's own variable, which no other code sets."""
        inside = self.outer is not None and not self.of_class
        return inside and name in self._sources and name not in self.shared

    def meaning(self, node: ast.expr) -> str:
        """The dotted name of what an expression is imported as, or a builtin's name."""
        if isinstance(node, ast.Attribute):
            owner = self.meaning(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        if not isinstance(node, ast.Name):
            return ""
        home = self._home(node.id)
        if home is not None:
            found = home.imported.get(node.id, "")
            return _SAME_AS.get(found, found)
        if node.id not in _NEVER_HIDDEN and self._module().starred:
            return ""
        return node.id

    def _module(self) -> Scope:
        scope = self
        while scope.outer is not None:
            scope = scope.outer
        return scope

    # ------------------------------------------------------------------ expressions

    def kind(self, node: ast.expr) -> Kind:
        """What an expression gives."""
        found = self._known.get(node)
        if found is None:
            found = self._kind(node)
            if self._settled:
                self._known[node] = found
        return found

    def _kind(self, node: ast.expr) -> Kind:
        match node:
            case ast.Constant(value=value):
                return _of_constant(value)
            case ast.Name(id=name):
                return self.of_name(name)
            case ast.BinOp():
                return self._of_operator(node)
            case ast.UnaryOp():
                operand = self.kind(node.operand)
                return Kind.NUMBER if isinstance(node.op, ast.Not) else operand
            case ast.BoolOp():
                return joined(self.kind(value) for value in node.values)
            case ast.IfExp():
                return joined((self.kind(node.body), self.kind(node.orelse)))
            case ast.NamedExpr():
                return self.kind(node.value)
            case ast.Compare():
                every = (node.left, *node.comparators)
                plain = all(self.kind(e) in _OF_PYTHON for e in every)
                return Kind.NUMBER if plain else Kind.UNKNOWN
            case ast.Call():
                return self._of_call(node)
            case ast.Attribute():
                return _MODULES.get(self.meaning(node), Kind.UNKNOWN)
            case ast.JoinedStr():
                return Kind.TEXT
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
                return Kind.SERIES
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return Kind.SERIES
        return Kind.UNKNOWN

    def _of_call(self, node: ast.Call) -> Kind:
        name = self.meaning(node.func)
        if name in _BUILTINS:
            return _BUILTINS[name]
        if name in _MODULES:
            return _MODULES[name]
        if name in _SELECTING and not node.keywords:
            kinds = [self.kind(arg) for arg in node.args]
            if len(kinds) > 1 or name == "abs":
                found = joined(kinds)
                return found if found in (*NUMBERS, Kind.NOTHING) else Kind.UNKNOWN
        return Kind.UNKNOWN

    def _of_operator(self, node: ast.BinOp | ast.AugAssign) -> Kind:
        """What an operator gives, also one in place."""
        if isinstance(node, ast.BinOp):
            left, right = self.kind(node.left), self.kind(node.right)
        elif isinstance(node.target, ast.Name):
            left, right = self.of_name(node.target.id), self.kind(node.value)
        else:
            return Kind.UNKNOWN
        if left is Kind.TEXT and isinstance(node.op, ast.Add | ast.Mod):
            return Kind.TEXT
        if Kind.NOTHING in (left, right):
            return Kind.NOTHING
        if left not in NUMBERS or right not in NUMBERS:
            both = left is right is Kind.SERIES
            return Kind.SERIES if both else Kind.UNKNOWN
        if isinstance(node.op, ast.Pow):
            return Kind.NUMBER
        if Kind.NUMBER in (left, right):
            return Kind.NUMBER
        if isinstance(node.op, ast.Div) or Kind.FLOAT in (left, right):
            return Kind.FLOAT
        return Kind.INT

    def each(self, node: ast.expr) -> Kind:
        """What running over an expression gives each time."""
        if isinstance(node, ast.Tuple | ast.List):
            return joined(self.kind(element) for element in node.elts)
        if isinstance(node, ast.Call):
            name = self.meaning(node.func)
            if name == "range":
                return Kind.INT
            if name in ("reversed", "list", "sorted", "set", "tuple") and node.args:
                return self.each(node.args[0])
        return Kind.UNKNOWN

    def _of_enumerate(self, node: ast.Call) -> Kind:
        plain = self.meaning(node.func) == "enumerate" and len(node.args) == 1
        return Kind.INT if plain and not node.keywords else Kind.UNKNOWN

    def _of_zip(self, name: str, node: ast.expr) -> Kind:
        hidden = self._home(name) is not None or self._module().starred
        return Kind.UNKNOWN if hidden else self.each(node)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
#: what no operand of NumPy's makes
_OF_PYTHON = (*NUMBERS, Kind.TEXT, Kind.SERIES)


def _anything() -> Kind:
    return Kind.UNKNOWN


def _imported() -> Kind:
    return Kind.UNKNOWN


def _of_constant(value: object) -> Kind:
    if isinstance(value, str | bytes):
        return Kind.TEXT
    if type(value) in (int, float):
        return Kind.INT if type(value) is int else Kind.FLOAT
    return Kind.NUMBER if isinstance(value, bool | complex) else Kind.UNKNOWN


def _names_in(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _shared_in(node: ast.AST) -> Iterator[str]:
    """Names that functions in a statement bind in a scope around them."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Global | ast.Nonlocal):
            yield from inner.names
